"""Painting the frames of a video, from any of them on."""

from pathlib import Path

import numpy as np
import pytest
from model_files import small_gallery
from PIL import Image
from video_files import scene, write_clip

from jaxnst.inference.realtime import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.temporal import RUN_UP, Smoothed
from jaxnst.inference.video import paint_frames
from jaxnst.io.video_reader import VideoReader, open_reader

SIZE = (48, 64)


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer(small_gallery(), exact=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mkv", [i / 10 for i in range(60)])


@pytest.mark.parametrize("with_state", [True, False])
def test_a_smoothed_video_goes_on_to_the_bit(
    stylizer: Stylizer, clip: Path, with_state: bool
) -> None:
    look, reader, first = Look("wave", smooth=True), VideoReader(clip), 52
    whole = list(paint_frames(reader, stylizer, look, SIZE).made(0))
    state = whole[first - 1].state
    assert state is not None
    restored = (first, Smoothed.from_arrays(state.to_arrays())) if with_state else ()
    rest = list(paint_frames(reader, stylizer, look, SIZE, *restored).made(first))
    assert [frame.seconds for frame in rest] == [frame.seconds for frame in whole[first:]]
    for one, other in zip(rest, whole[first:], strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    plain = next(paint_frames(reader, stylizer, Look("wave"), SIZE).made(first))
    assert not np.array_equal(rest[0].image, plain.image)  # so that there is something to lose


def test_segments_on_a_walk_are_as_the_whole(
    stylizer: Stylizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "long.mkv", [i / 10 for i in range(300)])
    look, painted = Look("wave", smooth=True), []
    whole = list(paint_frames(VideoReader(clip), stylizer, look, SIZE).made(0))
    start = stylizer.start
    monkeypatch.setattr(stylizer, "start", lambda *args: painted.append(args) or start(*args))
    walk = paint_frames(VideoReader(clip), stylizer, look, SIZE)
    for first, last, made in [
        (130, 135, RUN_UP + 5),  # frames before that are passed over
        (135, 140, 5),  # no run-up for what follows at once
        (143, 148, 3 + 5),  # nor a longer one than from there
        (290, None, RUN_UP + 10),
    ]:
        painted.clear()
        frames = list(walk.made(first, last))
        assert len(painted) == made
        assert [f.seconds for f in frames] == [f.seconds for f in whole[first:last]]
        for frame, wanted in zip(frames, whole[first:last], strict=True):
            assert np.abs(frame.image.astype(int) - wanted.image).max() <= 1
    assert walk.next == 300
    assert not list(walk.made(300))


def test_frames_are_painted_as_pictures_are(stylizer: Stylizer, clip: Path) -> None:
    photos = VideoReader(clip).frames()
    painted = paint_frames(VideoReader(clip), stylizer, Look("wave", 0.7), SIZE).made(0)
    for photo, frame, _ in zip(photos, painted, range(3), strict=False):
        np.testing.assert_array_equal(frame.image, stylizer(photo.image, "wave", strength=0.7))
        assert frame.state is None


def test_what_is_half_transparent_is_painted_in_its_own_colors(
    stylizer: Stylizer, tmp_path: Path
) -> None:
    rgba = np.dstack([scene(0, *SIZE), np.full(SIZE, 128, np.uint8)])
    images = [Image.fromarray(np.roll(rgba, number, axis=1)) for number in (0, 8)]
    path = tmp_path / "half.webp"
    images[0].save(path, save_all=True, append_images=images[1:], lossless=True)
    walk = paint_frames(open_reader(path), stylizer, Look("wave"), SIZE, keep_alpha=True)
    painted = next(walk.made(0))
    assert painted.alpha is not None
    wanted = stylizer(scene(0, *SIZE), "wave").astype(int)
    assert np.abs(painted.image - wanted).mean() < 3
    on_white = next(paint_frames(open_reader(path), stylizer, Look("wave"), SIZE).made(0))
    assert on_white.alpha is None
    assert np.abs(on_white.image - wanted).mean() > 10
