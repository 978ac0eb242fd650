"""Starts `jaxnst web` as a user would, in a process that cannot reach other machines."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# Refuses connections to other machines, and remembers that they were tried.
PROGRAM = """
import sys
def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        if args[1][0] not in ("127.0.0.1", "::1", "0.0.0.0"):
            print("OUTSIDE", args[1], file=sys.stderr, flush=True)
            raise OSError("no other machine is to be asked")
    if event == "socket.getaddrinfo" and args[0] not in (None, "127.0.0.1", "localhost", "::1"):
        print("OUTSIDE", args[0], file=sys.stderr, flush=True)
        raise OSError("no other machine is to be asked")
sys.addaudithook(watch)
from jaxnst.cli import main
sys.exit(main(sys.argv[1:]))
"""
PATIENCE = 600
"""Seconds for an answer; the machine may be busy."""


class Server(NamedTuple):
    """A server that runs."""

    url: str
    temporary: Path
    """The folder that it has for temporary files."""
    log: Path
    process: subprocess.Popen[str]

    def end(self, number: int = signal.SIGINT) -> int:
        """Stops it by a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """The page, on a port of its own, with nothing but a temporary folder to write to."""
    temporary, log = folder / "temporary", folder / "log.txt"
    temporary.mkdir()
    command = [sys.executable, "-c", PROGRAM, "web", "--port", "0", "--no-browser", *options]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder,
            env=os.environ | {"TMPDIR": str(temporary)},
        )  # fmt: skip
    try:
        yield Server(_url(process, log), temporary, log, process)
    finally:
        process.kill()
        process.communicate()


def _url(process: subprocess.Popen[str], log: Path) -> str:
    """What it prints once it listens and can answer."""
    import httpx

    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    line = process.stdout.readline() if ready else ""
    found = re.match(r"(http://\S+)", line)
    assert found, log.read_text()
    for _ in range(PATIENCE * 10):
        try:
            httpx.get(found[1], timeout=PATIENCE)
            return found[1]
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("it does not answer")
