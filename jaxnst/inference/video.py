"""Painting and enlarging video files: every frame, in order, and from any of them on."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

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


class FrameMaker(Protocol):
    """What is done to the frames of a video, in their order."""

    run_up: int
    """How many frames before one have to be made as well, if those before them were not."""

    def begin(self, frame: TimedFrame) -> Callable[[], MadeFrame]:
        """Starts the work on a frame, and returns at once a function that waits for the result."""

    def pass_over(self, frame: TimedFrame) -> None:
        """Takes note of a frame that is not made."""


class FrameWalk:
    """A way through a video, forward only, on which some frames are made and others passed over."""

    def __init__(
        self,
        reader: Reader,
        maker: FrameMaker,
        size: tuple[int, int],
        first: int = 0,
        *,
        keep_alpha: bool = False,
    ) -> None:
        """Begins at a frame.

        Args:
          reader: the video.
          maker: what is done to its frames.
          size: height and width at which they are read.
          first: the frame to begin with, of which the maker needs none before.
          keep_alpha: whether transparency goes into the result; otherwise it lies on white.
        """
        frames = itertools.islice(reader.frames(size), first, None)
        self._frames = map(_off_white if keep_alpha else _opaque, frames)
        self._maker, self.next = maker, first

    def made(self, first: int, last: int | None = None) -> Iterator[MadeFrame]:
        """Makes frames; while one is made the next is decoded.

        Args:
          first: the frame to begin with, from `next` on.
          last: the frame to end before; None: all that are left.
        """
        start = max(self.next, first - self._maker.run_up)
        for frame in self._up_to(start):
            self._maker.pass_over(frame)
        begun = map(self._maker.begin, self._up_to(last))
        yield from itertools.islice(_results(begun), first - start, None)

    def _up_to(self, last: int | None) -> Iterator[TimedFrame]:
        """The next frames, before one."""
        count = None if last is None else last - self.next
        for frame in itertools.islice(self._frames, count):
            self.next += 1
            yield frame


def _results(begun: Iterator[Callable[[], MadeFrame]]) -> Iterator[MadeFrame]:
    """What work comes to, the next of which is begun before that is waited for."""
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
) -> FrameWalk:
    """A walk on which the frames of a video are painted.

    Args:
      reader: the video.
      painter: what paints; best with exact=True.
      look: how.
      size: height and width.
      first: the frame to begin with.
      state: that of the frame before the first one, if the video is smoothed.
      keep_alpha: as for `FrameWalk`.
    """
    smoother = Smoother(state, holds=painter.holds_strokes) if look.smooth else None
    maker = _Painting(painter, look, smoother)
    return FrameWalk(reader, maker, size, first, keep_alpha=keep_alpha)


def enlarge_frames(
    reader: Reader,
    upscaler: Upscaler,
    first: int = 0,
    *,
    match_histogram: bool = False,
    keep_alpha: bool = False,
) -> FrameWalk:
    """A walk on which the frames of a video are enlarged.

    Args:
      reader: the video.
      upscaler: what enlarges.
      first: the frame to begin with.
      match_histogram: as for `enlarge_picture`.
      keep_alpha: as for `FrameWalk`.
    """
    maker = _Enlarging(upscaler, match_histogram)
    return FrameWalk(reader, maker, reader.size, first, keep_alpha=keep_alpha)


class _Painting:
    """Paints frames."""

    def __init__(self, painter: Painter, look: Look, smoother: Smoother | None) -> None:
        self._painter, self._look, self._smoother = painter, look, smoother
        self.run_up = smoother.run_up if smoother else 0

    def begin(self, frame: TimedFrame) -> Callable[[], MadeFrame]:
        wait, smoother = self._painter.start(frame.image, self._look), self._smoother

        def painted() -> MadeFrame:
            if smoother is None:
                return MadeFrame(wait(), frame.seconds, frame.alpha)
            painting = smoother(frame.image, wait())
            return MadeFrame(painting, frame.seconds, frame.alpha, smoother.state)

        return painted

    def pass_over(self, frame: TimedFrame) -> None:
        if self._smoother:
            self._smoother.pass_over(frame.image)


class _Enlarging:
    """Enlarges frames, none of which depends on another."""

    run_up = 0

    def __init__(self, upscaler: Upscaler, match_histogram: bool) -> None:
        self._upscaler, self._match_histogram = upscaler, match_histogram

    def begin(self, frame: TimedFrame) -> Callable[[], MadeFrame]:
        alpha = None if frame.alpha is None else from_uint8(frame.alpha)
        photo = Picture(from_uint8(frame.image), alpha)

        def enlarged() -> MadeFrame:
            large = enlarge_picture(self._upscaler, photo, match_histogram=self._match_histogram)
            alpha = None if large.alpha is None else to_uint8(large.alpha)
            return MadeFrame(to_uint8(large.rgb), frame.seconds, alpha)

        return enlarged

    def pass_over(self, frame: TimedFrame) -> None:
        pass


def _opaque(frame: TimedFrame) -> TimedFrame:
    """A frame as it lies on white."""
    return frame._replace(alpha=None)


def _off_white(frame: TimedFrame) -> TimedFrame:
    """A frame without the white that its transparent parts lie on."""
    if frame.alpha is None:
        return frame
    colors = off_white(from_uint8(frame.image), from_uint8(frame.alpha))
    return frame._replace(image=to_uint8(colors))
