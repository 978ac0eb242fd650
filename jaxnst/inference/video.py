"""Painting video files: every frame, in order, and from any of them on."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxnst.inference.realtime import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.temporal import Smoothed, Smoother
from jaxnst.io.video_reader import Reader


class PaintedFrame(NamedTuple):
    """A painted frame of a video."""

    image: np.ndarray
    """uint8 [H, W, 3], RGB."""
    seconds: float
    """From the video's start."""
    alpha: np.ndarray | None
    """uint8 [H, W], that of the photo; None when it is opaque."""
    state: Smoothed | None
    """What the next frame depends on; None without smoothing."""


def paint_frames(
    reader: Reader,
    stylizer: Stylizer,
    look: Look,
    size: tuple[int, int],
    first: int = 0,
    state: Smoothed | None = None,
) -> Iterator[PaintedFrame]:
    """Paints the frames of a video; while one is painted the next is decoded.

    Args:
      reader: the video.
      stylizer: what paints; best with exact=True.
      look: how.
      size: height and width.
      first: the frame to begin with.
      state: that of the frame before the first one; if a smoothed video lacks it, all frames before
        are painted once more, so that the result is the same.
    """
    smoother = Smoother(state) if look.smooth else None
    start = first if state is not None or smoother is None else 0
    begun = (
        (
            number,
            frame,
            stylizer.begin(
                frame.image, look.style, strength=look.strength, keep_colors=look.keep_colors
            ),
        )
        for number, frame in enumerate(reader.frames(size))
        if number >= start
    )
    for current, _ in itertools.pairwise(itertools.chain(begun, [None])):
        assert current is not None  # None only stands behind the last one
        number, frame, wait = current
        painting = wait()
        if smoother is not None:
            painting = smoother(frame.image, painting)
        if number >= first:
            after = None if smoother is None else smoother.state
            yield PaintedFrame(painting, frame.seconds, frame.alpha, after)
