"""`jaxnst web --cluster`: the page's jobs by the workers of a cluster."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
from clusters import PATIENCE, environment_of, start
from model_files import gallery_folder
from PIL import Image
from stylize_files import picture

pytest.importorskip("gradio", reason="needs the extra `web`")
from gradio_client import Client, handle_file
from gradio_client.client import Job

import jaxnst
from jaxnst.cli import main
from jaxnst.io.codec import load
from jaxnst.ops.pixels import to_uint8

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cluster", "nowhere"), "--cluster is 'nowhere': give local, auto, or the HOST:PORT"),
        (("--cluster", "local", "--browser", "x"), "--cluster is not for --browser"),
    ],
)
def test_what_is_no_cluster_is_refused(capsys, words, message):
    assert main(["web", "--port", "0", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_without_ray_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("jaxnst.cli.web.check_installed", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["web", "--port", "0", "--cluster", "local"]) == 2
    assert capsys.readouterr().err.endswith("pip install 'jaxnst[cluster]'\n")


def test_a_cluster_that_is_not_there_is_one_line(monkeypatch, capsys, tmp_path):
    ray = ModuleType("ray")

    def init(*_: object, **__: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "init", init, raising=False)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("jaxnst.cli.web.use_compilation_cache", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    model = str(gallery_folder(tmp_path))
    assert main(["web", "--port", "0", "--cluster", "auto", "--model", model]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("jaxnst: error: --cluster auto: there is no cluster around")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.fixture
def process(tmp_path, monkeypatch) -> Iterator[subprocess.Popen]:
    """The page on a cluster of this machine."""
    pytest.importorskip("ray", reason="ray is not installed: pip install 'jaxnst[cluster]'")
    monkeypatch.chdir(tmp_path)
    gallery_folder(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # of the client
    words = ("web", "--port", "0", "--no-browser", "--model", "small", "--cluster", "local")
    process = start(environment_of(tmp_path / "cache"), *words)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def pixels(path: str) -> np.ndarray:
    return to_uint8(load(path, min_side=1).rgb)


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    """The processes that do jobs."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "JaxnstWorker" in " ".join(child.cmdline())]


def wait_for_step(job: Job) -> None:
    """Waits until a run has made its first step."""
    until = time.monotonic() + PATIENCE
    while not any("step" in str(output[1]) for output in job.outputs()):
        assert not job.done(), job.outputs()
        assert time.monotonic() < until, "no progress"
        time.sleep(0.05)


@pytest.mark.slow
def test_jobs_are_done_by_workers_even_if_one_is_killed(process, tmp_path):
    assert process.stdout is not None
    address = re.match(r"http://\S+", process.stdout.readline())
    assert address is not None, process.communicate()
    client = Client(address[0], verbose=False, analytics_enabled=False)
    photo = str(picture(tmp_path / "photo.png", 1, 96, 64))

    def paint(style: str) -> np.ndarray:
        return pixels(client.predict(handle_file(photo), style, api_name="/paint")[1])

    paintings = jaxnst.Stylizer("small")
    np.testing.assert_array_equal(paint("wave"), paintings(pixels(photo), "wave"))
    (worker,) = workers(process)
    worker.kill()
    np.testing.assert_array_equal(paint("kiss"), paintings(pixels(photo), "kiss"))
    assert [other.pid for other in workers(process)] != [worker.pid]

    Image.new("RGB", (16, 12), "red").save(tmp_path / "red.png")
    large = client.predict(handle_file(tmp_path / "red.png"), 2, api_name="/upscale")[1]
    assert pixels(large).shape == (24, 32, 3)
    asked = [handle_file(photo), handle_file(photo), 1, None, 1, None, 1, "fast", 64, 3]
    _, status, _, _ = client.predict(*asked, api_name="/optimize")
    assert status.startswith("**Done** after 3 steps")

    asked[-2:] = [64, 1000]
    job = client.submit(*asked, api_name="/optimize")  # which the end of the server will cut off
    wait_for_step(job)
    left = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    assert told.splitlines() == ["jaxnst: a worker was lost: others do its work"]
    psutil.wait_procs(left, timeout=PATIENCE)
    assert not [one for one in left if one.is_running()]
    assert not list(Path(tempfile.gettempdir()).glob("jaxnst-web-*"))
