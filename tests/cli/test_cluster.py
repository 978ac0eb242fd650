"""`--cluster`: the same pictures as without, whatever becomes of the machines that make them."""

import json
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
from clusters import (
    PATIENCE,
    SIZE,
    ended,
    environment_of,
    halted,
    kill_worker,
    start,
    two_machines,
)
from model_files import gallery_folder, upscaling_model
from stylize_files import picture, pixels, tree

from jaxnst.cli import main
from jaxnst.cli.cluster import shares
from jaxnst.cli.cluster_address import connected
from jaxnst.cli.one_pass import OnePassPainter
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.run_any_style import StylePictures
from jaxnst.cli.run_network import TrainedStyles
from jaxnst.cli.upscale import Enlarger
from jaxnst.inference.upscaler import Upscaler
from jaxnst.networks.gallery import load_gallery
from jaxnst.networks.kinds import Compact
from jaxnst.networks.model_file import load_model, save_model

# What needs no cluster.


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo, a style picture and networks; the working directory."""
    picture(tmp_path / "photo.png", 1)
    picture(tmp_path / "style.png", 2, 44, 44)
    gallery_folder(tmp_path)
    save_model(tmp_path / "enlarge.safetensors", upscaling_model(Compact(2, 4, 1)))
    monkeypatch.chdir(tmp_path)
    for module in ("one_pass", "upscale"):
        monkeypatch.setattr(f"jaxnst.cli.{module}.use_compilation_cache", lambda: None)
    return tmp_path


PAINT = ("stylize", "photo.png", "--model", "small", "--style", "wave")
ENLARGE = ("upscale", "photo.png", "--model", "enlarge.safetensors")


@pytest.fixture
def refused(place: Path, capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """The one line that a command is refused with, which leaves nothing."""

    def refused(*words: str) -> str:
        before = tree(place)
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert tree(place) == before
        return line

    return refused


@pytest.mark.parametrize("command", [PAINT, ENLARGE])
@pytest.mark.parametrize(
    "address", ["nowhere", "ray://localhost:10001", "localhost:", "localhost:ray", ":6379"]
)
def test_what_is_no_address_is_refused(refused, command, address):
    line = refused(*command, "-o", "out/", "--cluster", address)
    assert f"--cluster is {address!r}: give local, auto, or the HOST:PORT" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stylize", "-", *PAINT[2:], "-o", "out.png"), "'-' is none"),
        ((*PAINT, "-o", "-"), "'-' is none"),
        (("upscale", "-", *ENLARGE[2:], "-o", "out.png"), "'-' is none"),
        (("stylize", "photo.png", "--style", "style.png", "-o", "out.png"), "--method fast"),
    ],
)
def test_what_a_cluster_does_not_do_is_refused(refused, words, message):
    line = refused(*words, "--cluster", "local")
    assert "--cluster" in line
    assert message in line


@pytest.mark.parametrize("command", [PAINT, ENLARGE])
def test_without_ray_the_extra_is_named(monkeypatch, refused, command):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = refused(*command, "-o", "out/", "--cluster", "local")
    assert line.endswith("needs ray, which is not installed: pip install 'jaxnst[cluster]'")


@pytest.fixture
def ray_is_there(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)


def test_an_address_that_nobody_listens_at(ray_is_there, refused):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = refused(*PAINT, "-o", "out/", "--cluster", f"127.0.0.1:{port}")
    assert f"--cluster 127.0.0.1:{port}: does not answer" in line


def test_an_address_that_keeps_silent(monkeypatch, ray_is_there, refused):
    monkeypatch.setattr("jaxnst.cli.cluster_address._PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        line = refused(*PAINT, "-o", "out/", "--cluster", f"127.0.0.1:{port}")
    assert f"--cluster 127.0.0.1:{port}: does not answer (timed out)" in line


def test_an_address_of_something_else(ray_is_there, refused):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        line = refused(*PAINT, "-o", "out/", "--cluster", f"127.0.0.1:{port}")
        thread.join()
    assert "what answers there is not Ray" in line


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("Version mismatch:\n Ray: 2.1.0\n Python: 3.9.1"), "Ray: 2.1.0 Python: 3.9"),
        (ConnectionError("Could not find any running Ray instance."), "there is no cluster around"),
    ],
)
def test_a_cluster_that_cannot_be_joined(monkeypatch, ray_is_there, refused, error, message):
    ray = ModuleType("ray")

    def init(*_: object, **__: object) -> None:
        raise error

    ray.init = init
    monkeypatch.setitem(sys.modules, "ray", ray)
    line = refused(*PAINT, "-o", "out/", "--cluster", "auto")
    assert line.startswith("jaxnst: error: --cluster auto: ")
    assert message in line


class AuthenticationError(Exception):
    """As Ray has it."""


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no authentication token was found"),
        ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379"),
    ],
)
def test_a_cluster_that_wants_another_token_is_one_line(place, monkeypatch, capfd, error):
    ray = ModuleType("ray")

    def init(*_: object, **__: object) -> None:
        os.write(2, b"gcs_client.cc:210: Failed to get cluster ID: InvalidAuthToken\n" * 20)
        raise error from RuntimeError("ray.exceptions.AuthenticationError: InvalidAuthToken")

    ray.init = init
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    assert main([*PAINT, "-o", "out/", "--cluster", "auto"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "--cluster auto: wants a token: set RAY_AUTH_MODE=token" in line
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


@pytest.mark.parametrize(
    ("name", "status", "late"),
    [("SIGINT", 130, False), ("SIGTERM", 143, False), ("SIGTERM", 143, True)],
)
def test_an_interrupt_that_ray_would_lose_ends_it(place, monkeypatch, capsys, name, status, late):
    ray = ModuleType("ray")

    def init(*_: object, **__: object) -> None:
        if late:
            signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))  # as Ray does
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.Signals[name])

    ray.init, ray.shutdown = init, lambda: None
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    before = signal.getsignal(signal.SIGTERM)
    assert main([*PAINT, "-o", "out/", "--cluster", "local"]) == status
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted"
    assert signal.getsignal(signal.SIGTERM) == before
    assert not Path("out").exists()


def test_what_ray_has_held_back_until_the_end_is_not_printed(monkeypatch, capsys):
    ray = ModuleType("ray")
    ray.init = lambda *_, **__: None
    ray.shutdown = lambda: print("(raylet) a worker died [repeated 2x across cluster]")
    monkeypatch.setitem(sys.modules, "ray", ray)
    with connected("local"):
        print("out.png")
    assert capsys.readouterr().out == "out.png\n"


@pytest.mark.parametrize(
    ("machines", "count", "share"),
    [
        ([{"CPU": 2.0}], 1, (2, 0)),
        ([{"CPU": 64.0}, {"CPU": 7.0}], 35, (2, 0)),
        ([{"CPU": 1.0}, {"CPU": 1.0}], 2, (1, 0)),
        ([{"memory": 1e9}, {"CPU": 4.0}], 2, (2, 0)),
        ([{"CPU": 64.0, "GPU": 4.0}, {"CPU": 16.0}], 4, (1, 1)),
        ([{"memory": 1e9}], 1, (2, 0)),  # machines may yet join
    ],
)
def test_a_worker_has_a_gpu_or_two_cores(machines, count, share):
    assert shares(machines) == (count, share)


def made_again(maker, task: PictureTask) -> None:
    """Makes a picture with a maker that went through a pickle."""
    content = pickle.dumps(maker)
    assert len(content) < 3000  # options, and no arrays
    again = pickle.loads(content)
    again.prepare()
    assert again.made(task).record == again.provenance(task)
    assert again.made(task).was_there


def test_what_paints_is_built_again_from_the_command(place):
    command = Stylize((Path("photo.png"),), Path("out.png"), (Path("wave"),), model="small")
    task = PictureTask(Path("photo.png"), (), Path("again.png"), ("wave",), ("photo", "wave"))
    source = TrainedStyles(command, load_gallery("small"))
    made_again(OnePassPainter(command, source, None), task)
    assert main([*PAINT, "-o", "out.png"]) == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


def test_styles_of_files_are_there_again(place):
    (place / "small/kiss.safetensors").rename("kiss.safetensors")
    styles = (Path("wave"), Path("kiss.safetensors"))
    command = Stylize((Path("photo.png"),), Path("out.png"), styles, model="small")
    gallery = load_gallery("small").with_file("kiss.safetensors")
    again = pickle.loads(pickle.dumps(TrainedStyles(command, gallery)))
    assert again.painter().styles == ("wave", "kiss")


def test_style_pictures_are_loaded_only_where_they_are_painted_from(place):
    command = Stylize((Path("photo.png"),), Path("out.png"), (Path("gone.png"),), method="fast")
    maker = OnePassPainter(command, StylePictures(command.style), 64)
    assert len(pickle.dumps(maker)) < 3000
    pickle.loads(pickle.dumps(maker))


def test_what_enlarges_is_built_again_from_the_command(place):
    command = Upscale((Path("photo.png"),), Path("out.png"), quiet=True)
    task = PictureTask(Path("photo.png"), (), Path("again.png"), (), ("photo",))
    upscaler = Upscaler(load_model("enlarge.safetensors"))
    made_again(Enlarger(command, upscaler, "enlarge.safetensors"), task)
    assert main([*ENLARGE, "-o", "out.png"]) == 0
    np.testing.assert_array_equal(pixels(Path("again.png")), pixels(Path("out.png")))


# What needs one.


@pytest.fixture
def photos(place: Path) -> Path:
    """Sixty small photos."""
    folder = place / "photos"
    folder.mkdir()
    for seed in range(60):
        picture(folder / f"p{seed:02}.png", seed, 64, 64)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_of(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def cluster(environment, monkeypatch) -> Iterator:
    with two_machines(environment, monkeypatch) as cluster:
        yield cluster


def wait_for(count: int, folder: Path, process: subprocess.Popen, total: int = 60) -> None:
    """Waits until some pictures are there, but not all."""
    until = time.monotonic() + PATIENCE
    while len(list(folder.glob("p*.png"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "no progress"
        time.sleep(0.005)
    assert len(list(folder.glob("p*.png"))) < total, "too late"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_machine_worker_and_command_are_killed_and_every_painting_is_made(
    cluster, environment, photos
):
    assert main(["stylize", "photos", *PAINT[2:], "-o", "alone", "--quiet"]) == 0
    alone = {path.name: pixels(path) for path in Path("alone").iterdir()}
    out = Path("out")
    words = ("stylize", "photos", *PAINT[2:], "-o", out, "--cluster", cluster.address)
    process = start(environment, *words)
    wait_for(5, out, process)
    with halted(process):
        cluster.remove_node(cluster.second, allow_graceful=False)
    wait_for(20, out, process)
    with halted(process):
        kill_worker(cluster.head_node)
    wait_for(40, out, process)
    process.kill()
    _, before, told = ended(process)
    assert told.count("a worker was lost: others do its work") == 2
    assert len(before.splitlines()) < 60
    written = {path: path.stat().st_mtime_ns for path in out.glob("p*.png")}

    status, printed, told = ended(start(environment, *words))
    assert status == 0, told
    assert told.count("already there with these settings") >= len(written)
    assert printed.splitlines() == [str(out / name) for name in sorted(alone)]
    assert {path: path.stat().st_mtime_ns for path in written} == written
    made = {path.name: pixels(path) for path in out.iterdir()}  # and nothing besides
    assert made.keys() == alone.keys()
    for name, painting in alone.items():
        np.testing.assert_array_equal(made[name], painting)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_after_twenty_kills_every_painting_is_there_once(cluster, environment, place):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    kills = rng.sample(["worker"] * 14 + ["machine"] * 3 + ["command"] * 3, 20)
    (place / "photos").mkdir()
    for number in range(200):
        picture(place / "photos" / f"p{number:03}.png", number, 64, 64)
    assert main(["stylize", "photos", *PAINT[2:], "-o", "alone", "--quiet"]) == 0
    out = Path("out")
    words = ("stylize", "photos", *PAINT[2:], "-o", out, "--cluster", cluster.address)
    process = start(environment, *words)
    for number, kind in enumerate(kills, start=1):
        wait_for(9 * number, out, process, total=200)
        if kind == "command":
            process.kill()
            ended(process)
            process = start(environment, *words)
            continue
        with halted(process):
            if kind == "machine":
                cluster.remove_node(cluster.second, allow_graceful=False)
                cluster.second = cluster.add_node(**SIZE)
            else:
                kill_worker(*rng.sample([cluster.head_node, cluster.second], 2))
    status, printed, told = ended(process)
    assert status == 0, told
    assert len(printed.splitlines()) == 200
    assert tree(out) == tree(Path("alone"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_lines_and_records_are_those_of_the_plain_command(cluster, environment, photos, capsys):
    for path in sorted(photos.iterdir())[6:]:
        path.unlink()
    (photos / "p03.png").write_bytes(b"no picture")
    for name, words in {
        "painted": ("stylize", "photos", *PAINT[2:], "--json", "--compare", "--sidecar"),
        "enlarged": ("upscale", "photos", *ENLARGE[2:], "--json"),
    }.items():
        assert main([*words, "-o", name, "--quiet"]) == 2
        plain, alone = capsys.readouterr(), tree(Path(name))
        for path in Path(name).iterdir():
            path.unlink()
        address = ("--cluster", cluster.address)
        status, out, err = ended(start(environment, *words, "-o", name, "--quiet", *address))
        assert (status, out, err) == (2, plain.out, plain.err)
        assert len([json.loads(line) for line in out.splitlines()]) == 5
        assert tree(Path(name)) == alone


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_another_version_on_a_machine_is_told(cluster, environment, photos):
    words = ("stylize", "photos", *PAINT[2:], "-o", "out", "--cluster", cluster.address)
    status, out, err = ended(start(environment, *words, change="jaxnst.__version__ = '9.9'"))
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"jaxnst: error: the machine {socket.gethostname()} has jaxnst ")
    assert err.endswith(": install jaxnst 9.9 there, as here\n")
    assert not Path("out").exists()


@pytest.mark.slow
def test_interrupted_it_ends_in_order_and_the_same_command_goes_on(environment, photos):
    pytest.importorskip("ray", reason="ray is not installed: pip install 'jaxnst[cluster]'")
    out = Path("out")
    words = ("stylize", "photos", *PAINT[2:], "-o", out, "--cluster", "local")
    process = start(environment, *words)
    wait_for(5, out, process)
    helpers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    status, printed, told = ended(process)
    assert status == 130
    assert told.splitlines()[-1] == "interrupted"
    assert "Traceback" not in told
    psutil.wait_procs(helpers, timeout=PATIENCE)
    assert not [helper for helper in helpers if helper.is_running()]
    there = sorted(path.name for path in out.iterdir())
    assert all(name.endswith("_wave.png") for name in there)  # no temporary files
    assert len(printed.splitlines()) <= len(there) < 60

    status, printed, told = ended(start(environment, *words))
    assert status == 0, told
    assert told.count("already there with these settings") == len(there)
    assert len(printed.splitlines()) == len(list(out.iterdir())) == 60
