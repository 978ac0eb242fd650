"""Commands as processes, and a Ray cluster of two machines that are processes on this one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
SIZE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}
PATIENCE = 300  # seconds, after which a process that does not get on fails the test


def environment_of(cache: Path) -> dict[str, str]:
    """That of a command and of the machines: one JAX device, and a cache that they share."""
    flags = os.environ["XLA_FLAGS"].replace("--xla_force_host_platform_device_count=8", "").strip()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {"XLA_FLAGS": flags, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": path}


@contextmanager
def two_machines(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of two machines with a core each, as far as Ray can tell."""
    pytest.importorskip("ray", reason="ray is not installed: pip install 'jaxnst[cluster]'")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cluster: Any = Cluster(True, head_node_args={**SIZE, "include_dashboard": False})
    try:
        cluster.second = cluster.add_node(**SIZE)
        yield cluster
    finally:
        cluster.shutdown()


def start(environment: dict[str, str], *words: object, change: str = "pass") -> subprocess.Popen:
    """Starts a command, in a process group of its own, after a change to jaxnst."""
    code = f"import jaxnst.io.video_parts; {change}; from jaxnst.cli import program; program()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def ended(process: subprocess.Popen) -> tuple[int, str, str]:
    """Status, stdout and stderr of a command that has come to its end."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, out, err


@contextmanager
def halted(process: subprocess.Popen) -> Iterator[None]:
    """Halts a command, so that no more pictures are begun than are on their way."""
    process.send_signal(signal.SIGSTOP)
    yield
    process.send_signal(signal.SIGCONT)


def kill_worker(*nodes) -> None:
    """Kills a process that paints, or gets ready to, on one of some machines, once there is one."""
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    until = time.monotonic() + PATIENCE
    while True:
        for child in [child for pid in raylets for child in psutil.Process(pid).children()]:
            with suppress(psutil.NoSuchProcess):  # or a zombie
                if "JaxnstWorker" in " ".join(child.cmdline()):
                    child.kill()
                    return
        assert time.monotonic() < until, "nobody paints"
        time.sleep(0.005)
