"""Painting video files: every frame, in order, and from any of them on."""

from collections.abc import Callable, Iterator

import numpy as np

from jaxnst.inference.realtime import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.temporal import Smoother
from jaxnst.io.container import TimedFrame, VideoReader

_LED_IN = 48
"""Frames before the first one wanted that are painted for smoothing, which forgets what lies
further back."""


def paint_film(
    reader: VideoReader, stylizer: Stylizer, look: Look, size: tuple[int, int], first: int = 0
) -> Iterator[TimedFrame]:
    """Paints the frames of a video; while one is painted the next is decoded.

    Args:
      reader: the video.
      stylizer: what paints; best with exact=True.
      look: how.
      size: height and width.
      first: the frame to begin with.
    """
    start = max(0, first - _LED_IN) if look.smooth else first
    smoother = Smoother() if look.smooth else None
    for number, frame in _painted(reader, stylizer, look, size, start, smoother):
        if number >= first:
            yield frame


def _painted(
    reader: VideoReader,
    stylizer: Stylizer,
    look: Look,
    size: tuple[int, int],
    start: int,
    smoother: Smoother | None,
) -> Iterator[tuple[int, TimedFrame]]:
    """Frames from `start` on, and their numbers."""
    pending: tuple[int, TimedFrame, Callable[[], np.ndarray]] | None = None

    def finished() -> Iterator[tuple[int, TimedFrame]]:
        if pending is not None:
            number, photo, wait = pending
            painting = wait()
            if smoother is not None:
                painting = smoother(photo.image, painting)
            yield number, TimedFrame(painting, photo.seconds)

    for number, frame in enumerate(reader.frames(size)):
        if number < start:
            continue
        wait = stylizer.begin(
            frame.image, look.style, strength=look.strength, keep_colors=look.keep_colors
        )
        yield from finished()
        pending = number, frame, wait
    yield from finished()
