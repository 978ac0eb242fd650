"""Painting from a camera: the newest frame, at the size that the machine can hold."""

import time

import numpy as np
import pytest
from model_files import small_gallery
from video_files import Scenes, scene

from jaxnst.inference import stroke
from jaxnst.inference.realtime import AutoSize, FixedSize, Look, Meter, Shown, paint_live, warm_up
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.capture import Capture

pytest.importorskip("cv2", reason="OpenCV misses libraries of the system", exc_type=ImportError)


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer(small_gallery(), exact=True)


def live(stylizer: Stylizer, source: Scenes, look: Look, size: int = 0) -> list[Shown]:
    warm_up(stylizer, look, FixedSize(size), source.size)
    with Capture(source) as capture:
        frames = paint_live(capture, stylizer, lambda: look, FixedSize(size))
        return [shown for shown in frames if shown is not None]


def test_frames_are_painted_as_pictures_are(stylizer: Stylizer) -> None:
    shown = live(stylizer, Scenes(5, 0.1), Look("wave", 0.7, keep_colors=True))
    assert len(shown) == 5
    for number, frame in enumerate(shown):
        np.testing.assert_array_equal(frame.photo, scene(number))
        painting = stylizer(scene(number), "wave", strength=0.7, keep_colors=True)
        np.testing.assert_array_equal(frame.painting, painting)


def test_frames_are_dropped_and_not_queued(stylizer: Stylizer) -> None:
    source = Scenes(60, 0.001)
    shown = live(stylizer, source, Look("wave"), size=320)
    assert 1 <= len(shown) < 60
    np.testing.assert_array_equal(shown[-1].photo.shape, (240, 320, 3))
    assert shown[-1].time > shown[0].time


def test_a_silent_camera_lets_the_caller_look_after_its_keys(stylizer: Stylizer) -> None:
    with Capture(Scenes(1, 0.5)) as capture:
        frames = paint_live(capture, stylizer, lambda: Look("wave"), FixedSize(0))
        assert next(frames) is None


def test_smoothing_starts_anew_with_another_style(stylizer: Stylizer) -> None:
    looks = iter([Look("wave", smooth=True), *[Look("kiss", smooth=True)] * 9])
    warm_up(stylizer, Look("wave"), FixedSize(0), scene(0).shape[:2])
    with Capture(Scenes(3, 0.2)) as capture:
        frames = paint_live(capture, stylizer, lambda: next(looks), FixedSize(0))
        shown = [frame for frame in frames if frame is not None]
    np.testing.assert_array_equal(shown[1].painting, stylizer(shown[1].photo, "kiss"))
    assert not np.array_equal(shown[2].painting, stylizer(shown[2].photo, "kiss"))


def test_auto_size_follows_what_the_machine_can_do(stylizer: Stylizer) -> None:
    size = AutoSize(stylizer, lambda: Look("wave"), rate=20, first=384)
    frame = (960, 1280)
    size.observe(0.2, frame)  # four times too slow
    size.close()
    slow = size.long_side
    assert slow < 200
    size.observe(0.04, frame)  # just right
    size.close()
    assert size.long_side == slow
    size.observe(0.0005, frame)
    size.close()
    assert size.long_side > 2 * slow
    assert size.of((240, 320)) == (240, 320)  # never larger than what comes


def test_the_meter_knows_rate_and_latency() -> None:
    meter = Meter()
    assert (meter.rate(), meter.latency()) == (0, 0)
    for _ in range(5):
        time.sleep(0.02)
        meter.see(time.monotonic() - 0.1)
    assert 5 < meter.rate() < 51
    assert meter.latency(95) == pytest.approx(0.1, abs=0.05)
    assert meter.count == 5


def test_larger_strokes_are_painted_smaller_and_enlarged_without_a_network(
    stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stroke, "STROKE_SIDE", 40)
    monkeypatch.setattr(stroke, "_upscaler", None)  # would not be called without an error
    (shown,) = live(stylizer, Scenes(1, 0.1), Look("wave", stroke=2, quick=True))
    height, width = scene(0).shape[:2]
    small = stylizer(stroke.resized(scene(0), (20 * height // width, 20)), "wave")
    np.testing.assert_array_equal(shown.painting, stroke.resized(small, (height, width)))
