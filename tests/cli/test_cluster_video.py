"""`--cluster` with videos: the same as without, from segments made side by side."""

import os
import pickle
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from clusters import (
    PATIENCE,
    ended,
    environment_of,
    halted,
    kill_worker,
    start,
    two_machines,
)
from model_files import gallery_folder, upscaling_model
from stylize_files import picture, tree
from video_files import read_times, write_clip

from jaxnst import __version__
from jaxnst.cli import main
from jaxnst.cli.cluster import _actor_class
from jaxnst.cli.video_segments import MadeSegment, SegmentMaker
from jaxnst.errors import JaxnstError
from jaxnst.io.animation import AnimationReader
from jaxnst.io.video_join import read_comment
from jaxnst.io.video_parts import Segment
from jaxnst.io.video_reader import VideoReader
from jaxnst.io.video_writer import VideoWriter
from jaxnst.networks.kinds import Compact
from jaxnst.networks.model_file import save_model

FRAMES = 20
PAINT = ("stylize", "clip.mp4", "--model", "small", "--style", "wave")
ENLARGE = ("upscale", "clip.mp4", "--model", "enlarge.safetensors")
LOCAL = ("--cluster", "local")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A video and networks; the working directory."""
    write_clip(tmp_path / "clip.mp4", [i / 25 for i in range(FRAMES)], sound=True)
    gallery_folder(tmp_path)
    save_model(tmp_path / "enlarge.safetensors", upscaling_model(Compact(2, 4, 1)))
    monkeypatch.chdir(tmp_path)
    for module in ("upscale", "video_maker"):
        monkeypatch.setattr(f"jaxnst.cli.{module}.use_compilation_cache", lambda: None)
    monkeypatch.setattr("jaxnst.io.video_parts.PART_FRAMES", 6)
    return tmp_path


class Cluster:
    """Two workers in this process, which take turns; each makes what it is sent by pickle."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workers: list[SegmentMaker] = []
        self.made: list[int] = []
        self.before: Callable[[Segment], None] = lambda segment: None
        monkeypatch.setattr("jaxnst.cli.video_segments.made_on_cluster", self._made)
        monkeypatch.setattr("jaxnst.cli.cluster.importlib.util.find_spec", lambda name: True)

    def _made(self, address: str, maker: Any, tasks: list[Segment], **_: Any) -> Iterator:
        assert address == "local"
        content = pickle.dumps(maker)
        assert len(content) < 4000  # options, and no arrays
        self.workers = [pickle.loads(content) for _ in range(2)]
        for worker in self.workers:
            worker.prepare()
        for number, task in enumerate(tasks):
            yield partial(self._one, self.workers[number % 2], task)

    def _one(self, worker: SegmentMaker, task: Segment) -> MadeSegment:
        self.before(task)
        self.made.append(task.first)
        return worker.made(task)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(monkeypatch)


def frames(path: str) -> np.ndarray:
    return np.stack([frame.image for frame in VideoReader(path).frames()])


@pytest.mark.slow
@pytest.mark.parametrize("command", [PAINT, ENLARGE])
def test_a_video_is_that_of_the_plain_command(cluster, command, capsys):
    assert main([*command, "-o", "alone.mp4", "--quiet"]) == 0
    assert main([*command, "-o", "out.mp4", *LOCAL]) == 0
    assert cluster.made == [0, 6, 12, 18]
    printed = capsys.readouterr()
    assert printed.out == "alone.mp4\nout.mp4\n"
    assert f": {FRAMES}/{FRAMES}" in printed.err.splitlines()[-1]
    assert read_times(Path("out.mp4")) == read_times(Path("alone.mp4"))
    assert read_comment("out.mp4") == read_comment("alone.mp4")
    assert VideoReader("out.mp4").has_sound
    np.testing.assert_array_equal(frames("out.mp4"), frames("alone.mp4"))
    assert not list(Path().glob("*.parts"))
    assert main([*command, "-o", "out.mp4", *LOCAL]) == 0
    assert "already there with these settings" in capsys.readouterr().err
    assert len(cluster.made) == 4


@pytest.mark.slow
def test_an_animation_is_that_of_the_plain_command(cluster):
    assert main([*PAINT, "-o", "alone.gif", "--quiet"]) == 0
    assert main([*PAINT, "-o", "out.gif", "--quiet", *LOCAL]) == 0
    both = [list(AnimationReader(name).frames()) for name in ("alone.gif", "out.gif")]
    assert len(both[0]) == FRAMES
    for one, other in zip(*both, strict=True):
        assert one.seconds == other.seconds
        np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.slow
def test_smoothed_frames_differ_by_one_at_most_before_they_are_encoded(cluster, monkeypatch, place):
    write_clip(place / "clip.mp4", [i / 25 for i in range(160)])
    monkeypatch.setattr("jaxnst.io.video_parts.PART_FRAMES", 130)
    written: list[np.ndarray] = []
    write = VideoWriter.write

    def noted(writer: VideoWriter, image: np.ndarray, *rest: Any) -> None:
        written.append(image.astype(int))
        write(writer, image, *rest)

    monkeypatch.setattr(VideoWriter, "write", noted)
    assert main([*PAINT, "--smooth", "-o", "alone.mp4", "--quiet"]) == 0
    alone, written[:] = np.stack(written), []
    assert main([*PAINT, "--smooth", "-o", "out.mp4", "--quiet", *LOCAL]) == 0
    assert cluster.made == [0, 130]
    difference = np.abs(np.stack(written) - alone)
    assert difference.max() <= 1
    assert not difference[:130].any()
    monkeypatch.setattr("jaxnst.inference.temporal.RUN_UP", 0)  # and without it they differ by more
    written.clear()
    assert main([*PAINT, "--smooth", "-o", "short.mp4", "--quiet", *LOCAL]) == 0
    assert np.abs(np.stack(written) - alone)[130:].max() > 1


@pytest.mark.slow
@pytest.mark.parametrize(("told", "segments"), [(8, [0, 6]), (40, [0, 6, 12, 18, 24, 30, 36])])
def test_a_file_that_tells_a_wrong_length(cluster, monkeypatch, told, segments):
    read = VideoReader._read_header

    def read_header(reader: VideoReader, *args: Any) -> None:
        read(reader, *args)
        reader.count, reader._length = told, 0.0

    monkeypatch.setattr(VideoReader, "_read_header", read_header)
    assert main([*PAINT, "-o", "out.mp4", "--quiet", *LOCAL]) == 0
    assert cluster.made == segments
    assert len(read_times(Path("out.mp4"))) == FRAMES


def stop_at(first: int, error: type[BaseException]) -> Callable[[Segment], None]:
    """Has a segment end in an error."""

    def before(segment: Segment) -> None:
        if segment.first == first:
            raise error

    return before


@pytest.mark.slow
def test_what_was_stopped_goes_on_with_what_is_made(cluster, capsys):
    assert main([*PAINT, "-o", "alone.mp4", "--quiet"]) == 0
    cluster.before = stop_at(12, KeyboardInterrupt)
    assert main([*PAINT, "-o", "out.mp4", *LOCAL]) == 130
    told = capsys.readouterr().err.splitlines()
    assert told[-2:] == ["stopped: the same command goes on with what is made", "interrupted"]
    assert not Path("out.mp4").exists()
    Path("out.parts/00000000.nut").unlink()  # as if it had been the first that was not made
    assert main([*PAINT, "-o", "out.mp4", "--strength", "0.5", *LOCAL]) == 2
    assert "out.parts: holds 6 frames that were made otherwise" in capsys.readouterr().err
    cluster.before, cluster.made = lambda segment: None, []
    assert main([*PAINT, "-o", "out.mp4", *LOCAL]) == 0
    assert cluster.made == [0, 12, 18]
    assert "clip + wave: 12/20" in capsys.readouterr().err  # 6 of them were there
    np.testing.assert_array_equal(frames("out.mp4"), frames("alone.mp4"))


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--smooth",)])
def test_the_plain_command_goes_on_from_what_a_cluster_made(cluster, words, capsys):
    assert main([*PAINT, *words, "-o", "alone.mp4", "--quiet"]) == 0
    cluster.before = stop_at(12, KeyboardInterrupt)
    assert main([*PAINT, *words, "-o", "out.mp4", "--quiet", *LOCAL]) == 130
    capsys.readouterr()
    assert main([*PAINT, *words, "-o", "out.mp4"]) == 0
    assert not re.search(r"wave: (\d|1[012])/20", capsys.readouterr().err)
    np.testing.assert_array_equal(frames("out.mp4"), frames("alone.mp4"))


def test_a_segment_that_fails_is_one_line_and_the_others_are_kept(cluster, capsys):
    cluster.before = stop_at(6, MemoryError)
    assert main([*PAINT, "-o", "out.mp4", "--quiet", *LOCAL]) == 2
    assert capsys.readouterr().err == (
        "jaxnst: error: there is not enough memory: give a smaller --size\n"
    )
    assert not Path("out.mp4").exists()
    assert sorted(path.name for path in Path("out.parts").iterdir()) == [
        "00000000.nut",
        "settings.json",
    ]


def test_machines_that_read_other_frames_are_told(cluster, monkeypatch, capsys):
    made = SegmentMaker.made

    def short(maker: SegmentMaker, segment: Segment) -> MadeSegment:
        if segment.first == 6:
            segment = segment._replace(last=9)
        return made(maker, segment)

    monkeypatch.setattr(SegmentMaker, "made", short)
    assert main([*PAINT, "-o", "out.mp4", "--quiet", *LOCAL]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "out.parts: frame 9 is missing in what was made" in line
    assert not Path("out.mp4").exists()


def test_a_worker_goes_back_for_a_segment_and_on_after_one_that_failed(cluster):
    assert main([*PAINT, "-o", "out.mp4", "--quiet", *LOCAL]) == 0
    worker = cluster.workers[1]  # which is at the end
    assert worker.made(Segment(3, 5, Path("early.nut"))).frames == 2
    with pytest.raises(JaxnstError):
        worker.made(Segment(6, 8, Path("no/folder.nut")))
    assert worker.made(Segment(7, 9, Path("next.nut"))).frames == 2
    assert read_times(Path("next.nut")) == pytest.approx([7 / 25, 8 / 25], abs=1e-3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "out.png"), "videos are written as .mp4"),
        (("-o", "none/out.mp4"), "there is no folder"),
        (("-o", "clip.mp4"), "is an input and would be overwritten"),
        (("-o", "out.mp4", "--compare"), "--compare is for pictures"),
        (("-o", "out.mp4", "--cluster", "nowhere"), "give local, auto, or the HOST:PORT"),
        (("-o", "out.mp4", "--cluster", "127.0.0.1:1"), "does not answer"),
    ],
)
def test_what_is_refused_leaves_nothing(place, capsys, monkeypatch, words, message):
    monkeypatch.setattr("jaxnst.cli.cluster.importlib.util.find_spec", lambda name: True)
    before = tree(place)
    assert main([*PAINT, "--quiet", *LOCAL, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert tree(place) == before


def test_strokes_that_are_held_are_refused_side_by_side(place, cluster, capsys):
    picture(place / "style.png", 2, 44, 44)
    before = tree(place)
    words = ("stylize", "clip.mp4", "--style", "style.png", "--method", "fast", "-o", "out.mp4")
    assert main([*words, "--smooth", *LOCAL]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--smooth holds the strokes of style pictures" in line
    assert tree(place) == before


def test_what_is_no_video_is_refused_before_a_cluster_is_asked(cluster, capsys):
    Path("clip.mp4").write_text("no video")
    assert main([*PAINT, "-o", "out.mp4", *LOCAL]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "clip.mp4: cannot be read as a video" in line


def test_a_machine_that_does_not_see_the_video_is_named(place, monkeypatch):
    class Recipe:
        def prepare(self) -> None:
            VideoReader("clip.mp4")

    monkeypatch.setattr("jaxnst.cli.cluster.pickle.loads", lambda recipe: Recipe())
    for name in ("jaxnst.cli.cache.use_compilation_cache", "jaxnst.io.temporary.keep_leftovers"):
        monkeypatch.setattr(name, lambda: None)
    monkeypatch.setattr("os.environ", dict(os.environ))
    actor = _actor_class()(1)
    assert actor.prepare(__version__, str(place), b"") == ""
    Path("clip.mp4").unlink()
    complaint = actor.prepare(__version__, str(place), b"")
    assert complaint.startswith(f"the machine {socket.gethostname()}: clip.mp4: there is no such")


# What needs Ray.


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_of(tmp_path_factory.mktemp("cache"))


SHORT_PARTS = "jaxnst.io.video_parts.PART_FRAMES = 20"


def wait_for_parts(count: int, process: Any) -> None:
    """Waits until some parts are made, but not all."""
    until = time.monotonic() + PATIENCE
    while len(list(Path("out.parts").glob("0*.nut"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "no progress"
        time.sleep(0.005)
    assert not Path("out.mp4").exists(), "too late"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_machine_worker_and_command_are_killed_and_the_video_is_whole(
    environment, monkeypatch, place
):
    write_clip(place / "clip.mp4", [i / 25 for i in range(600)], sound=True)
    monkeypatch.setattr("jaxnst.io.video_parts.PART_FRAMES", 20)
    assert main([*PAINT, "-o", "alone.mp4", "--quiet"]) == 0
    with two_machines(environment, monkeypatch) as machines:
        words = (*PAINT, "-o", "out.mp4", "--cluster", machines.address)
        process = start(environment, *words, change=SHORT_PARTS)
        wait_for_parts(2, process)
        with halted(process):
            machines.remove_node(machines.second, allow_graceful=False)
        wait_for_parts(5, process)
        with halted(process):
            kill_worker(machines.head_node)
        wait_for_parts(9, process)
        process.kill()
        ended(process)
        made = len(list(Path("out.parts").glob("0*.nut")))
        status, printed, told = ended(start(environment, *words, change=SHORT_PARTS))
    assert (status, printed) == (0, "out.mp4\n"), told
    first = re.search(r"wave: (\d+)/600", told)
    assert first is not None
    assert int(first[1]) >= 20 * made
    assert not Path("out.parts").exists()
    assert read_times(Path("out.mp4")) == read_times(Path("alone.mp4"))
    np.testing.assert_array_equal(frames("out.mp4"), frames("alone.mp4"))


@pytest.mark.slow
def test_interrupted_it_ends_in_order_and_the_same_command_goes_on(environment, place):
    pytest.importorskip("ray", reason="ray is not installed: pip install 'jaxnst[cluster]'")
    write_clip(place / "clip.mp4", [i / 25 for i in range(600)])
    words = (*PAINT, "-o", "out.mp4", *LOCAL)
    process = start(environment, *words, change=SHORT_PARTS)
    wait_for_parts(2, process)
    helpers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    status, printed, told = ended(process)
    assert (status, printed) == (130, "")
    assert told.splitlines()[-2:] == [
        "stopped: the same command goes on with what is made",
        "interrupted",
    ]
    assert "Traceback" not in told
    psutil.wait_procs(helpers, timeout=PATIENCE)
    kept = {path.name for path in Path("out.parts").iterdir()}
    assert all(name == "settings.json" or name.endswith("0.nut") for name in kept)

    status, printed, told = ended(start(environment, *words, change=SHORT_PARTS))
    assert (status, printed) == (0, "out.mp4\n"), told
    assert "os.fork" not in told
    assert len(read_times(Path("out.mp4"))) == 600
    assert not Path("out.parts").exists()
