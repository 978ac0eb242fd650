"""Painting and enlarging video files: every frame, in order, and from any of them on."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from jaxnst.inference.look import Look
from jaxnst.inference.painter import Painter
from jaxnst.inference.temporal import Smoothed, Smoother
from jaxnst.inference.upscaler import Upscaler, enlarge_picture
from jaxnst.io.codec import Picture
from jaxnst.io.container import TimedFrame, off_white
from jaxnst.io.video_reader import Reader
from jaxnst.ops.pixels import from_uint8, to_uint8


class MadeFrame(NamedTuple):
    """What was made of a frame of a video."""

    image: np.ndarray
    """uint8 [H, W, 3], RGB."""
    seconds: float
    """From the video's start."""
    alpha: np.ndarray | None = None
    """uint8 [H, W]; None when the frame is opaque."""
    state: Smoothed | None = None
    """What the next frame depends on; None if it depends on nothing."""


Begin = Callable[[TimedFrame], Callable[[], MadeFrame]]
"""Starts the work on a frame, and returns at once a function that waits for the result."""


def make_frames(
    reader: Reader,
    begin: Begin,
    size: tuple[int, int],
    first: int = 0,
    *,
    keep_alpha: bool = False,
) -> Iterator[MadeFrame]:
    """Works on the frames of a video; while one is made the next is decoded.

    Args:
      reader: the video.
      begin: what is done to a frame.
      size: height and width at which the frames are read.
      first: the frame to begin with.
      keep_alpha: whether transparency goes into the result; otherwise it lies on white.
    """
    frames = itertools.islice(reader.frames(size), first, None)
    begun = map(begin, map(_off_white if keep_alpha else _opaque, frames))
    for wait, _ in itertools.pairwise(itertools.chain(begun, [None])):
        assert wait is not None  # None only stands behind the last one
        yield wait()


def paint_frames(
    reader: Reader,
    painter: Painter,
    look: Look,
    size: tuple[int, int],
    first: int = 0,
    state: Smoothed | None = None,
    *,
    keep_alpha: bool = False,
) -> Iterator[MadeFrame]:
    """Paints the frames of a video.

    Args:
      reader: the video.
      painter: what paints; best with exact=True.
      look: how.
      size: height and width.
      first: the frame to begin with.
      state: that of the frame before the first one; if a smoothed video lacks it, all frames before
        are painted once more, so that the result is the same.
      keep_alpha: as for `make_frames`.
    """
    smoother = Smoother(state, holds=painter.holds_strokes) if look.smooth else None

    def begin(frame: TimedFrame) -> Callable[[], MadeFrame]:
        wait = painter.start(frame.image, look)

        def painted() -> MadeFrame:
            if smoother is None:
                return MadeFrame(wait(), frame.seconds, frame.alpha)
            painting = smoother(frame.image, wait())
            return MadeFrame(painting, frame.seconds, frame.alpha, smoother.state)

        return painted

    start = first if state is not None or smoother is None else 0
    frames = make_frames(reader, begin, size, start, keep_alpha=keep_alpha)
    return itertools.islice(frames, first - start, None)


def enlarge_frames(
    reader: Reader,
    upscaler: Upscaler,
    first: int = 0,
    *,
    match_histogram: bool = False,
    keep_alpha: bool = False,
) -> Iterator[MadeFrame]:
    """Enlarges the frames of a video.

    Args:
      reader: the video.
      upscaler: what enlarges.
      first: the frame to begin with.
      match_histogram: as for `enlarge_picture`.
      keep_alpha: as for `make_frames`.
    """

    def begin(frame: TimedFrame) -> Callable[[], MadeFrame]:
        alpha = None if frame.alpha is None else from_uint8(frame.alpha)
        photo = Picture(from_uint8(frame.image), alpha)

        def enlarged() -> MadeFrame:
            large = enlarge_picture(upscaler, photo, match_histogram=match_histogram)
            alpha = None if large.alpha is None else to_uint8(large.alpha)
            return MadeFrame(to_uint8(large.rgb), frame.seconds, alpha)

        return enlarged

    return make_frames(reader, begin, reader.size, first, keep_alpha=keep_alpha)


def _opaque(frame: TimedFrame) -> TimedFrame:
    """A frame as it lies on white."""
    return frame._replace(alpha=None)


def _off_white(frame: TimedFrame) -> TimedFrame:
    """A frame without the white that its transparent parts lie on."""
    if frame.alpha is None:
        return frame
    colors = off_white(from_uint8(frame.image), from_uint8(frame.alpha))
    return frame._replace(image=to_uint8(colors))
