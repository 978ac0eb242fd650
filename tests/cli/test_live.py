"""`jaxnst live` without a window, as a process of its own: what it writes, and how it ends."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from model_files import gallery_folder
from stylize_files import picture
from video_files import read_times, write_clip

from jaxnst.cli import live, main
from jaxnst.cli.options import Live
from jaxnst.errors import JaxnstError

pytest.importorskip("cv2", reason="OpenCV misses libraries of the system", exc_type=ImportError)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of three seconds and a model."""
    folder = tmp_path_factory.mktemp("live")
    write_clip(folder / "clip.mkv", [i / 20 for i in range(60)])
    gallery_folder(folder)
    return folder


def words(place: Path, *more: object) -> list[str]:
    model, clip = place / "small", place / "clip.mkv"
    return ["live", "--model", str(model), "--source", str(clip), "--no-window", *map(str, more)]


def start(place: Path, *more: object) -> subprocess.Popen:
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache")}
    command = [sys.executable, "-m", "jaxnst", *words(place, *more)]
    return subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def wait_for(process: subprocess.Popen, path: Path) -> None:
    """Returns when a recording has begun, in the file that will be renamed."""
    until = time.monotonic() + 60
    while not list(path.parent.glob(".jaxnst-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.5)


@pytest.mark.slow
def test_a_clip_is_recorded_to_its_end(place: Path, tmp_path: Path) -> None:
    process = start(place, "-o", tmp_path / "out.mp4", "--stats", tmp_path / "stats.json")
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert out.split() == [str(tmp_path / "out.mp4"), str(tmp_path / "stats.json")]
    assert "clip.mkv: 64x48 pixels" in errors
    assert "has ended" in errors
    stats = json.loads((tmp_path / "stats.json").read_text())
    times = read_times(tmp_path / "out.mp4")
    assert len(times) == stats["frames"]
    assert stats["frames"] + stats["dropped"] == 60
    assert times[-1] == pytest.approx(3, abs=0.8)  # at the camera's pace, frames dropped or not
    assert 0 < stats["latency_ms_p50"] <= stats["latency_ms_p95"]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_ends_it_with_the_recording_whole(
    place: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(place, "-o", tmp_path / "out.mp4", "--size", "64")
    wait_for(process, tmp_path / "out.mp4")
    process.send_signal(number)
    out, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + number, errors
    assert out.split() == [str(tmp_path / "out.mp4")]
    assert "Traceback" not in errors
    assert 0 < len(read_times(tmp_path / "out.mp4")) < 60
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_it_stops_after_so_many_frames(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxnst.cli.live.use_compilation_cache", lambda: None)
    stats = tmp_path / "stats.json"
    options = ("--frames", 3, "--stats", stats, "--size", 64, "--quiet", "--smooth", "--split")
    assert main(words(place, *options)) == 0
    out, errors = capsys.readouterr()
    assert (out.split(), errors) == ([str(stats)], "")
    assert json.loads(stats.read_text())["frames"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--no-window shows nothing: give --output or --stats"),
        (("-o", "out.gif"), "videos are written as .mp4"),
        (("-o", "none/out.mp4"), "there is no folder"),
        (("--stats", "s.json", "--style", "wavy"), "style 'wavy' is unknown: did you mean 'wave'"),
        (("--stats", "s.json", "--source", "none.mp4"), "none.mp4: there is no such file"),
        (("--stats", "s.json", "--size", "large"), "--size 'large' is not a size"),
        (("--stats", "s.json", "--rate", "0"), "rate is 0"),
        (("--stats", "s.json", "--strength", "3"), "strength is 3"),
        (("--stats", "s.json", "--size", "\u00b2"), "is not a size"),
        (("--stats", "s.mp4", "-o", "s.mp4"), "is another output"),
        (("--stats", "s.json", "--folder", "none"), "there is no such folder"),
    ],
)
def test_what_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch,
    options: tuple, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(words(place, *options)) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert message in errors
    assert errors.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_recording_never_takes_the_place_of_its_source(
    place: Path, capsys: pytest.CaptureFixture
) -> None:
    before = (place / "clip.mkv").read_bytes()
    assert main(words(place, "-o", place / "clip.mkv")) == 2
    assert "is an input and would be overwritten" in capsys.readouterr().err
    assert (place / "clip.mkv").read_bytes() == before


def test_without_a_display_the_way_out_is_named(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for display in ("", ":4711", "nonsense"):
        monkeypatch.setenv("DISPLAY", display)
        assert main(["live"]) == 2
        assert "give --no-window with --output" in capsys.readouterr().err


def test_a_model_without_strengths_says_so(place: Path, tmp_path: Path, capsys) -> None:
    model = gallery_folder(tmp_path, start=False)
    command = words(place, "--stats", tmp_path / "s.json", "--strength", 0.5)
    command[2] = str(model)
    assert main(command) == 2
    assert "no strength but 1" in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_as_styles(place: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        picture(tmp_path / f"{name}.png", len(name))
    clip, stats = place / "clip.mkv", tmp_path / "stats.json"
    command = [
        *("live", "--source", clip, "--no-window", "--stats", stats, "--frames", 1, "--size", 64),
        *("--style", tmp_path / "one.png", tmp_path / "two.png"),
    ]
    assert main([*map(str, command)]) == 0
    assert json.loads(stats.read_text())["frames"] == 1


def test_a_folder_of_pictures_is_a_style_each(tmp_path, monkeypatch) -> None:
    importlib.import_module("jaxnst.cli.run_any_style")  # it wants the class itself
    monkeypatch.setattr("jaxnst.inference.any_style.AnyStylizer", lambda paintings, **_: paintings)
    monkeypatch.setattr(live, "_READY", 1)
    folder = tmp_path / "paintings"
    folder.mkdir()
    for name in ("one", "two"):
        picture(folder / f"{name}.png", len(name))
    (folder / "notes.txt").write_text("no picture")
    paintings, controls = live._of_pictures(Live(style=(str(folder),)))
    assert live._has_pictures(Live(style=(str(folder),)))
    assert tuple(paintings) == controls.styles == ("one", "two")
    ready, later = paintings.values()
    assert ready.shape == later().shape
    (folder / "zero.png").write_bytes(b"no picture")
    with pytest.raises(JaxnstError, match=r"zero.png: not a picture"):
        live._of_pictures(Live(style=(str(folder),)))


@pytest.mark.parametrize("output", ["--output", "--stats"])
def test_a_folder_of_styles_is_an_input(place, tmp_path, output, capsys) -> None:
    kept = tmp_path / "paintings" / "one.mp4.png"
    kept.parent.mkdir()
    picture(kept, 1)
    place_of = kept.with_name("one.mp4")
    place_of.symlink_to(kept)
    before = kept.read_bytes()
    command = ("live", "--source", place / "clip.mkv", "--no-window", "--frames", 1)
    assert main([*map(str, (*command, "--style", kept.parent, output, place_of))]) == 2
    assert "is an input and would be overwritten" in capsys.readouterr().err
    assert kept.read_bytes() == before


def test_a_folder_without_pictures_is_told(place, tmp_path, capsys) -> None:
    command = (
        "live",
        "--source",
        place / "clip.mkv",
        "--no-window",
        "--stats",
        tmp_path / "s.json",
    )
    assert main([*map(str, (*command, "--style", tmp_path))]) == 2
    assert "no pictures in this folder" in capsys.readouterr().err


def test_pictures_and_names_do_not_mix(place, tmp_path, capsys) -> None:
    style = picture(tmp_path / "one.png", 1)
    assert main(words(place, "--stats", tmp_path / "s.json", "--style", style, "wave")) == 2
    assert "'wave', which is no file, beside pictures" in capsys.readouterr().err
    assert main(words(place, "--stats", tmp_path / "s.json", "--style", style)) == 2
    assert "small' is no decoder, and pictures as styles want one" in capsys.readouterr().err


def test_a_style_picture_is_never_recorded_over(place, tmp_path, capsys) -> None:
    style = picture(tmp_path / "one.png", 1)
    for name, option in (("one.mp4", "--output"), ("one.json", "--stats")):
        kept = style.with_name(name)
        kept.write_bytes(style.read_bytes())
        command = ("live", "--source", place / "clip.mkv", "--no-window", "--frames", 1)
        assert main([*map(str, (*command, "--style", kept, option, kept))]) == 2
        assert f"{name}: is an input and would be overwritten" in capsys.readouterr().err
        assert kept.read_bytes() == style.read_bytes()


def test_pictures_of_one_name_are_told_apart_or_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("jaxnst.inference.any_style.AnyStylizer", lambda paintings, **_: paintings)
    (tmp_path / "b").mkdir()
    png, jpg, other = (picture(tmp_path / name, 1) for name in ("a.png", "a.jpg", "b/a.png"))

    def styles(*paths: Path) -> tuple[str, ...]:
        return tuple(live._of_pictures(Live(style=tuple(map(str, paths))))[0])

    assert styles(png, jpg) == ("a_png", "a_jpg")
    assert styles(png, png) == ("a",)
    with pytest.raises(JaxnstError, match=r"b/a.png: another --style has the name a_png already"):
        styles(png, other)
