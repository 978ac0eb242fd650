"""`jaxnst stylize` with a video."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from model_files import gallery_folder
from PIL import Image
from stylize_files import picture
from video_files import film_with_tracks, read_times, scene, write_clip

from jaxnst.cli import main
from jaxnst.cli.plan import plan_tasks
from jaxnst.cli.provenance import network_provenance
from jaxnst.cli.stylize import parse_stylize
from jaxnst.inference import stroke
from jaxnst.inference.look import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.animation import AnimationReader
from jaxnst.io.codec import load
from jaxnst.io.video_join import read_comment
from jaxnst.io.video_parts import VideoParts
from jaxnst.io.video_reader import VideoReader, open_reader
from jaxnst.networks.gallery import load_gallery

TIMES = [0.0, 0.05, 0.1, 0.3, 0.35, 0.4, 0.9, 1.0]


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxnst.cli.video_maker.use_compilation_cache", lambda: None)


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A command for a short clip with sound."""
    clip = write_clip(tmp_path / "clip.mp4", TIMES, sound=True)
    model = gallery_folder(tmp_path)
    command = ["stylize", clip, "--model", model, "--style", "wave", "-o", tmp_path / "out.mp4"]
    return [str(word) for word in command]


def frames(path: Path) -> np.ndarray:
    reader = VideoReader(path)
    return np.stack([frame.image for frame in reader.frames()]).astype(int)


def blocks(images: np.ndarray) -> np.ndarray:
    """Means of 8x8 pixels, which compression leaves alone: these paintings are all but noise."""
    n, h, w, _ = images.shape
    return images.reshape(n, h // 8, 8, w // 8, 8, 3).mean((2, 4))


def test_every_frame_is_painted_at_its_time_and_sound_is_kept(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(words) == 0
    out = tmp_path / "out.mp4"
    assert capsys.readouterr().out == f"{out}\n"
    assert read_times(out) == TIMES
    reader = VideoReader(out)
    assert reader.has_sound
    settings = json.loads(read_comment(out))
    assert settings["options"]["styles"] == {"wave": 1.0}
    stylizer, photos, painted = Stylizer(words[3]), frames(Path(words[1])), frames(out)
    wanted = np.stack([stylizer(photo.astype(np.uint8), "wave") for photo in photos])
    assert np.abs(blocks(painted) - blocks(wanted)).mean() < 6
    assert np.abs(blocks(painted[1:]) - blocks(wanted[:-1])).mean() > 6  # the frame before


def test_a_second_run_leaves_it_and_another_look_does_not(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([*words, "--quiet"]) == 0
    before, painted = (tmp_path / "out.mp4").stat().st_mtime_ns, frames(tmp_path / "out.mp4")
    assert main(words) == 0
    assert "already there with these settings" in capsys.readouterr().err
    assert (tmp_path / "out.mp4").stat().st_mtime_ns == before
    assert main([*words, "--strength", "0.5", "--quiet"]) == 0
    assert np.abs(frames(tmp_path / "out.mp4") - painted).mean() > 1


def test_a_matroska_file_is_recognized_too(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    words = [*words, "-o", str(tmp_path / "out.mkv")]
    assert main(words) == 0
    assert main(words) == 0
    assert "already there with these settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "tone", "way_out"),
    [("clip.avi", "pcm_u8", "; a .mkv path keeps it"), ("clip.wmv", "wmav2", "")],
)
def test_sound_that_does_not_fit_is_encoded_anew_and_that_is_said(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture,
    name: str, tone: str, way_out: str,
) -> None:  # fmt: skip
    codec = "wmv2" if name == "clip.wmv" else "mpeg4"
    clip = write_clip(tmp_path / name, TIMES, sound=True, tone=tone, codec=codec)
    words[1] = str(clip)
    assert main(words) == 0
    sentence = f"out.mp4: cannot hold the sound track ({tone}): encoded anew as AAC{way_out}\n"
    assert sentence in capsys.readouterr().err
    heard = [samples_of(path) for path in (clip, tmp_path / "out.mp4")]
    assert len(heard[1]) == pytest.approx(len(heard[0]), abs=4096)
    assert heard[1].std() == pytest.approx(heard[0].std(), rel=0.1)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_sound_whose_channels_are_only_counted_is_kept(
    words: list[str], tmp_path: Path, name: str
) -> None:
    clip = write_clip(tmp_path / "clip.avi", TIMES, sound=True, tone="pcm_s16le", codec="mpeg4")
    words[1] = str(clip)
    assert main([*words[:-1], str(tmp_path / name), "--quiet"]) == 0
    np.testing.assert_array_equal(samples_of(tmp_path / name), samples_of(clip))


def samples_of(path: Path) -> np.ndarray:
    """What is heard, in one channel."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", 44_100)
        decoded = container.decode(audio=0)
        parts = [part for frame in decoded for part in resampler.resample(frame)]
    return np.concatenate([part.to_ndarray()[0] for part in parts])


def test_a_damaged_part_is_painted_anew(words: list[str], tmp_path: Path) -> None:
    parts, gallery = tmp_path / "out.parts", load_gallery(words[3])
    command = parse_stylize([*words[1:], "--quiet"])
    (task,) = plan_tasks(command.content, (), command.output, one=False, trained=("wave",))
    settings = network_provenance(command, task, gallery, None)
    del settings["options"]["quality"]
    settings["options"]["smooth"] = False
    parts.mkdir()
    (parts / "settings.json").write_text(json.dumps(settings))
    (parts / "00000000.nut").write_bytes(b"damaged")
    assert main([*words, "--quiet"]) == 0
    assert read_times(tmp_path / "out.mp4") == TIMES


def test_a_clip_of_seven_frames_keeps_them_all(words: list[str], tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", [i / 25 for i in range(7)])
    assert main([*words, "--quiet"]) == 0
    assert len(read_times(tmp_path / "out.mp4")) == 7


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the next run end as by Ctrl-C once so many frames are kept."""
    write = VideoParts.write

    def write_or_stop(parts: VideoParts, *frame: Any) -> None:
        write(parts, *frame)
        if parts.count == count:
            raise KeyboardInterrupt

    monkeypatch.setattr(VideoParts, "write", write_or_stop)


def test_a_smoothed_video_that_was_stopped_goes_on_to_the_bit(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "clip.mp4", [i / 10 for i in range(24)])
    words = [*words[:-2], "--smooth", "--quiet", "-o"]
    assert main([*words, str(tmp_path / "whole.gif")]) == 0
    monkeypatch.setattr("jaxnst.io.video_parts.PART_FRAMES", 5)
    with monkeypatch.context() as patches:
        interrupt_after(13, patches)
        assert main([*words, str(tmp_path / "out.gif")]) == 130
    assert not (tmp_path / "out.gif").exists()
    assert main([*words, str(tmp_path / "out.gif")]) == 0
    images = [
        np.stack([frame.image for frame in AnimationReader(tmp_path / name).frames()])
        for name in ("whole.gif", "out.gif")
    ]
    np.testing.assert_array_equal(*images)
    assert not (tmp_path / "out.gif.parts").exists()


def test_changed_options_do_not_delete_what_is_painted(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    with monkeypatch.context() as patches:
        interrupt_after(3, patches)
        assert main([*words, "--quiet"]) == 130
    capsys.readouterr()
    assert main([*words, "--strength", "0.5"]) == 2
    errors = capsys.readouterr().err
    assert "out.parts: holds 3 frames that were made otherwise" in errors
    assert "options strength 1.0, now 0.5" in errors
    assert errors.count("\n") == 1
    assert main([*words, "--quiet"]) == 0
    assert read_times(tmp_path / "out.mp4") == TIMES


def test_a_clip_that_was_cut_off_is_painted_and_that_is_said(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    whole = write_clip(tmp_path / "whole.mkv", [i / 25 for i in range(75)])
    (tmp_path / "clip.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    words[1] = str(tmp_path / "clip.mkv")
    assert main([*words, "--quiet"]) == 0
    count = len(read_times(tmp_path / "out.mp4"))
    errors = capsys.readouterr().err
    assert 0 < count < 70
    assert re.search(rf"clip\.mkv: ends at frame {count} of about \d+: damaged or cut off", errors)


def animated_gif(path: Path) -> Path:
    images = [Image.fromarray(scene(9 * number)) for number in range(4)]
    durations = [100, 40, 300, 40]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=4)
    return path


@pytest.mark.parametrize("name", ["out.gif", "out.webp", "out.mp4"])
def test_every_frame_of_an_animation_is_painted(
    words: list[str], tmp_path: Path, name: str, capsys: pytest.CaptureFixture
) -> None:
    words[1] = str(animated_gif(tmp_path / "moving.gif"))
    words = [*words[:-1], str(tmp_path / name)]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{tmp_path / name}\n"
    reader = open_reader(tmp_path / name)
    read = list(reader.frames())
    assert reader.plays == (0 if name == "out.mp4" else 5)
    assert [frame.seconds for frame in read] == pytest.approx([0, 0.1, 0.14, 0.44], abs=0.001)
    stylizer, photos = Stylizer(words[3]), open_reader(Path(words[1])).frames()
    wanted = np.stack([stylizer(photo.image, "wave") for photo in photos])
    painted = np.stack([frame.image for frame in read])
    assert np.abs(blocks(painted.astype(int)) - blocks(wanted)).mean() < 8
    assert main(words) == 0
    assert "already there with these settings" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.parts"))


def test_subtitles_that_an_animation_cannot_hold_are_named(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    words[1] = str(film_with_tracks(tmp_path / "film.mkv"))
    assert main([*words[:-1], str(tmp_path / "out.webp")]) == 0
    assert "out.webp: holds no sound and no subtitles; a .mkv path does" in capsys.readouterr().err


def test_a_video_becomes_an_animation_and_its_sound_is_named(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([*words[:-1], str(tmp_path / "out.gif")]) == 0
    assert "out.gif: holds no sound; a .mkv path does" in capsys.readouterr().err
    times = [frame.seconds for frame in AnimationReader(tmp_path / "out.gif").frames()]
    assert times == pytest.approx(TIMES)


def test_an_animation_is_a_picture_where_a_picture_is_asked_for_and_that_is_said(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    words[1] = str(animated_gif(tmp_path / "moving.gif"))
    assert main([*words[:-1], str(tmp_path / "out.png")]) == 0
    assert load(tmp_path / "out.png").rgb.shape == (48, 64, 3)
    said = capsys.readouterr().err
    assert "1 file has frames or pages after the first, which are left out: moving.gif\n" in said


@pytest.mark.parametrize("name", ["out.gif", "out.webp"])
def test_an_animation_is_not_optimized_with_all_but_its_first_frame_left_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    moving, style = animated_gif(tmp_path / "moving.gif"), picture(tmp_path / "style.png", 1)
    words = ["stylize", str(moving), "--style", str(style), "-o", str(tmp_path / name)]
    assert main([*words, "--iterations", "1"]) == 2
    assert "and so is an animation: give --style the name of a trained style, or --method fast" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / name).exists()


def test_a_video_without_a_suffix_is_known_by_its_content(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").rename(tmp_path / "clip")
    words[1] = str(tmp_path / "clip")
    assert main([*words, "--quiet"]) == 0
    assert read_times(tmp_path / "out.mp4") == TIMES


@pytest.mark.slow
def test_frames_are_painted_as_they_are_unless_a_stroke_is_given(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stroke, "STROKE_SIDE", 40)
    sizes: list[int] = []
    paint = Stylizer.paint_as_is

    def counted(self: Stylizer, photos: np.ndarray, look: Look) -> Any:
        sizes.append(max(photos.shape[-3:-1]))
        return paint(self, photos, look)

    monkeypatch.setattr(Stylizer, "paint_as_is", counted)
    for number, (given, expected) in enumerate(
        [([], {max(frames(Path(words[1])).shape[1:3])}), (["--stroke", "1"], {40})]
    ):
        sizes.clear()
        out = tmp_path / f"{number}.mp4"
        assert main([*words[:-1], str(out), *given]) == 0
        assert set(sizes) == expected
        assert frames(out).shape == frames(Path(words[1])).shape


def test_smoothing_and_size(words: list[str], tmp_path: Path) -> None:
    assert main([*words, "--smooth", "--size", "128", "--quiet"]) == 0
    assert frames(tmp_path / "out.mp4").shape == (len(TIMES), 96, 128, 3)


@pytest.mark.slow
def test_one_that_was_stopped_goes_on(words: list[str], tmp_path: Path) -> None:
    write_clip(Path(words[1]), [i / 20 for i in range(600)])
    words = [*words, "--size", "64", "--quiet"]
    assert main([*words, "-o", str(tmp_path / "whole.mp4")]) == 0
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "jaxnst", *words[:-1]]
    parts = tmp_path / "out.parts"

    def run_until(count: int, number: signal.Signals) -> str:
        process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE, env=environment)
        while len(list(parts.glob("0*.nut"))) < count:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(number)
        return process.communicate(timeout=30)[1]

    run_until(1, signal.SIGKILL)
    errors = run_until(2, signal.SIGINT)
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert main(words) == 0
    assert read_times(tmp_path / "out.mp4") == read_times(tmp_path / "whole.mp4")
    parted, whole = (blocks(frames(tmp_path / f"{name}.mp4")) for name in ("out", "whole"))
    assert np.abs(parted - whole).mean((1, 2, 3)).max() < 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "out.png"), "videos are written as .mp4"),
        (("-o", "none/out.mp4"), "there is no folder"),
        (("--style", "wavy"), "did you mean 'wave'"),
        (("--style", "a.png"), "a video is painted in one pass"),
        (("--compare",), "--compare is for pictures"),
        (("--strength", "3"), "strength is 3"),
        (("-o", "."), "is a folder; give the path of a video"),
        (("-o", "clip.mp4"), "is an input and would be overwritten"),
    ],
)
def test_what_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if options[0] == "--style":
        words = [word for word in words if word not in ("--style", "wave")]
    if "a.png" in options:
        words = [word for word in words if word not in ("--model", words[3])]
    before = sorted(tmp_path.iterdir())
    assert main([*words, *options]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.mp4", None, "none.mp4: there is no such file"),
        ("none", None, "none: there is no such file"),
        ("empty", b"", "empty: is empty"),
        ("notes.txt", b"no video", "notes.txt: is neither a video nor a picture"),
    ],
)
def test_what_cannot_become_a_video_is_called_what_it_is(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture,
    name: str, content: bytes | None, message: str,
) -> None:  # fmt: skip
    if content is not None:
        (tmp_path / name).write_bytes(content)
    words[1] = str(tmp_path / name)
    assert main(words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["12:45.mp4", "12:45.gif"])
def test_names_may_be_times_of_the_day(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").rename("12:30.mp4")
    words[1], words[-1] = "12:30.mp4", name
    assert main([*words, "--quiet"]) == 0
    assert len(list(open_reader(name).frames())) == len(TIMES)


def test_a_file_that_only_has_the_name_of_a_video(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    Path(words[1]).write_text("no video")
    assert main(words) == 2
    errors = capsys.readouterr().err
    assert "clip.mp4: cannot be read as a video" in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out.parts").exists()


def test_a_folder_in_the_way_is_left_alone(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "out.parts").mkdir()
    (tmp_path / "out.parts" / "mine").write_text("mine")
    assert main(words) == 2
    assert "is in the way" in capsys.readouterr().err
    assert (tmp_path / "out.parts" / "mine").read_text() == "mine"
