"""Animated GIF and WebP: every frame, its time, and what is transparent."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from color_profiles import ADOBE_RGB, in_adobe_rgb
from PIL import Image
from video_files import scene

from jaxnst.errors import JaxnstError
from jaxnst.io.animation import (
    AnimationReader,
    check_animation_size,
    is_animation,
    read_animation_comment,
    write_animation,
)
from jaxnst.io.container import TimedFrame
from jaxnst.io.video_reader import open_reader

MILLISECONDS = [100, 40, 300, 40]


def write(path: Path, images: list[np.ndarray], durations: list[int]) -> Path:
    first, *others = map(Image.fromarray, images)
    options = {"disposal": 2} if path.suffix == ".gif" else {"lossless": True}
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, **options)
    return path


def cut_out(number: int) -> np.ndarray:
    """A scene with a transparent left half, under which green is hidden."""
    image = np.dstack([scene(number), np.full((48, 64), 255, np.uint8)])
    image[:, :32] = (0, 255, 0, 0)
    return image


def read_all(path: Path) -> tuple[AnimationReader, list[TimedFrame]]:
    reader = AnimationReader(path)
    return reader, list(reader.frames())


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_every_frame_is_read_at_its_time(tmp_path: Path, suffix: str) -> None:
    images = [scene(9 * number) for number in range(4)]
    path = write(tmp_path / f"a{suffix}", images, MILLISECONDS)
    assert is_animation(path)
    reader, frames = read_all(path)
    assert (reader.size, reader.count, reader.damage) == ((48, 64), 4, "")
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.14, 0.44])
    assert reader.end == pytest.approx(0.48)
    assert not reader.is_transparent
    for frame, image in zip(frames, images, strict=True):
        assert np.abs(frame.image.astype(int) - image).mean() < 6
    assert [frame.image.shape for frame in reader.frames((24, 32))] == [(24, 32, 3)] * 4


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_what_is_transparent_lies_on_white_and_stays_transparent(
    tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / f"a{suffix}", [cut_out(9 * i) for i in range(3)], [40, 60, 80])
    reader, frames = read_all(path)
    assert reader.is_transparent
    out = tmp_path / f"b{suffix}"
    times = [frame.seconds for frame in frames]
    options = {"quality": 95, "comment": "that", "is_transparent": True}
    assert write_animation(out, frames, times, reader.end, **options) == 0
    for frame in [*frames, *read_all(out)[1]]:
        assert frame.image[:, :30].min() > 250
        assert frame.alpha is not None
        assert frame.alpha[:, :30].max() == 0
        assert frame.alpha[:, 34:].min() == 255


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_what_is_written_has_every_frame_its_time_and_the_comment(
    tmp_path: Path, suffix: str
) -> None:
    path, times = tmp_path / f"a{suffix}", [0.0, 0.1, 0.14, 0.44]
    frames = [TimedFrame(scene(9 * number), seconds) for number, seconds in enumerate(times)]
    comment = "settings " * 60  # longer than a block of a GIF
    options = {"quality": 90, "comment": comment, "is_transparent": False}
    assert write_animation(path, frames, times, 0.48, **options) == 0
    reader, read = read_all(path)
    assert [frame.seconds for frame in read] == pytest.approx(times)
    assert reader.end == pytest.approx(0.48)
    assert read_animation_comment(path) == comment
    assert reader.plays == 0


@pytest.mark.parametrize("plays", [0, 1, 2, 7])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_is_shown_as_often_as_it_was(tmp_path: Path, suffix: str, plays: int) -> None:
    frames = [TimedFrame(scene(9 * number), number / 10) for number in range(2)]
    options = {"quality": 90, "comment": "", "is_transparent": False, "plays": plays}
    write_animation(tmp_path / f"a{suffix}", frames, [0.0, 0.1], 0.2, **options)
    assert AnimationReader(tmp_path / f"a{suffix}").plays == plays


@pytest.mark.parametrize(("loop", "plays"), [({}, 1), ({"loop": 0}, 0), ({"loop": 2}, 3)])
def test_a_gif_that_names_no_repetition_is_shown_once(
    tmp_path: Path, loop: dict[str, int], plays: int
) -> None:
    images = [Image.fromarray(scene(9 * i)) for i in range(2)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], **loop)
    assert AnimationReader(tmp_path / "a.gif").plays == plays


def test_frames_that_are_too_short_last_as_long_as_browsers_show_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gif", [scene(9 * i) for i in range(4)], [10, 10, 20, 50])
    reader, frames = read_all(path)
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.22])
    assert reader.end == pytest.approx(0.27)


def test_the_picture_for_programs_without_animation_is_no_frame_of_a_png(tmp_path: Path) -> None:
    still, *moving = [Image.fromarray(scene(9 * i)) for i in range(4)]
    options = {"duration": 50, "default_image": True, "loop": 3}
    still.save(tmp_path / "a.png", save_all=True, append_images=moving, **options)
    reader, frames = read_all(tmp_path / "a.png")
    assert (reader.count, reader.plays) == (3, 3)
    for number, frame in enumerate(frames, start=1):
        np.testing.assert_array_equal(frame.image, scene(9 * number))


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_frames_are_in_srgb_whatever_the_profile_of_the_file(tmp_path: Path, suffix: str) -> None:
    color, path = (200, 120, 60), tmp_path / f"a{suffix}"
    images = [Image.new("RGBA", (48, 40), (*in_adobe_rgb(color), alpha)) for alpha in (255, 128)]
    options = {"lossless": True} if suffix == ".webp" else {}
    images[0].save(path, save_all=True, append_images=images[1:], icc_profile=ADOBE_RGB, **options)
    opaque, half = read_all(path)[1]
    assert opaque.alpha is None
    assert np.abs(opaque.image[3, 3].astype(int) - color).max() <= 2
    assert half.alpha is not None
    assert half.alpha[3, 3] == 128


def test_an_animated_avif_is_read(tmp_path: Path) -> None:
    images = [Image.fromarray(scene(9 * i)) for i in range(3)]
    path, durations = tmp_path / "a.avif", [100, 40, 60]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations)
    assert is_animation(path)
    reader, frames = read_all(path)
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.14])
    assert reader.end == pytest.approx(0.2)


def test_a_gif_of_sixty_frames_per_second_keeps_its_length(tmp_path: Path) -> None:
    times = [number / 60 for number in range(60)]
    frames = [TimedFrame(scene(number), seconds) for number, seconds in enumerate(times)]
    options = {"quality": 90, "comment": "", "is_transparent": False}
    left_out = write_animation(tmp_path / "a.gif", frames, times, 1.0, **options)
    reader, read = read_all(tmp_path / "a.gif")
    assert reader.end == pytest.approx(1.0)
    assert 0 < left_out == 60 - len(read)


def test_one_that_was_cut_off_says_where_it_ends(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.gif", [scene(9 * i) for i in range(8)], [40] * 8)
    (tmp_path / "cut.gif").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    reader, frames = read_all(tmp_path / "cut.gif")
    assert 0 < len(frames) < 8
    assert "cut.gif: ends at frame" in reader.damage
    assert "damaged or cut off" in reader.damage


def test_stills_and_other_files_are_no_animations(tmp_path: Path) -> None:
    Image.fromarray(scene(0)).save(tmp_path / "a.gif")
    Image.fromarray(scene(0)).save(tmp_path / "a.webp")
    (tmp_path / "text.gif").write_text("no picture")
    assert [path.name for path in tmp_path.iterdir() if is_animation(path)] == []
    assert not is_animation(tmp_path / "none.gif")
    with pytest.raises(JaxnstError, match=r"text\.gif: cannot be read as a video"):
        open_reader(tmp_path / "text.gif")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert not is_animation(tmp_path / "pipe.mp4")
    with pytest.raises(JaxnstError, match=r"pipe\.mp4: is a pipe or a device"):
        open_reader(tmp_path / "pipe.mp4")


def test_a_header_of_a_huge_size_is_refused_before_its_pixels_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.gif", [scene(9 * i) for i in range(2)], [40] * 2)
    content = bytearray(path.read_bytes())
    content[6:10] = struct.pack("<HH", 13_000, 13_000)
    path.write_bytes(content)
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(JaxnstError, match="13000x13000 pixels are more than the limit"):
        AnimationReader(path, max_pixels=100_000_000)


def test_a_gif_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(JaxnstError, match=r"5000 frames of 1920x1080 pixels are too many"):
        check_animation_size("a.gif", (1080, 1920), 5000)
    check_animation_size("a.webp", (1080, 1920), 5000)


def test_a_size_that_cannot_be_is_told_in_one_clause(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gif", [scene(9 * i, 24, 40) for i in range(2)], [40] * 2)
    with pytest.raises(JaxnstError) as caught:
        open_reader(path)
    assert str(caught.value).count("a.gif") == 1
    assert open_reader(path, min_side=1).size == (24, 40)


def test_a_gif_shows_what_is_covered_by_half_and_leaves_out_the_rest(tmp_path: Path) -> None:
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:, 20:40], alpha[:, 40:] = 40, 200  # a faint shadow must not become solid
    frames = [TimedFrame(scene(9 * i, 40, 60), i / 10, alpha) for i in range(2)]
    options = {"quality": 90, "comment": "", "is_transparent": True}
    write_animation(tmp_path / "a.gif", frames, [0.0, 0.1], 0.2, **options)
    for frame in AnimationReader(tmp_path / "a.gif").frames():
        assert frame.alpha is not None
        assert not frame.alpha[:, :40].any()
        assert frame.alpha[:, 40:].min() == 255
