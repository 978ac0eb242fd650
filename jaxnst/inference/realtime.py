"""Painting what a camera sees, without lagging behind it.

`paint_live` takes the newest frame, paints it while the next one is got ready, and yields one
painting after the other. It leaves frames out rather than fall behind.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np

from jaxnst.inference.look import Look
from jaxnst.inference.painter import Painter
from jaxnst.inference.temporal import Smoother
from jaxnst.io.capture import Capture
from jaxnst.io.opencv import import_cv2
from jaxnst.io.resize import fit_long_side

SIZES = (192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280)
"""Long sides that `AutoSize` chooses from."""

_PATIENCE = 0.1  # seconds without a frame, after which the caller gets his turn
_MEASURED = 30  # every so many frames, how long painting takes
_KEEPS, _GROWS = 0.85, 0.6  # shares of the time for a frame that painting may take


class Shown(NamedTuple):
    """A painted frame."""

    photo: np.ndarray
    """uint8 [h, w, 3], at the size that is painted."""
    painting: np.ndarray
    """uint8 [h, w, 3]."""
    time: float
    """When the frame was captured, as `Frame.time`."""


class Size(Protocol):
    """Which size frames are painted at."""

    def of(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Height and width for frames of a height and width."""

    def observe(self, seconds: float, frame: tuple[int, int]) -> None:
        """Takes note of how long a frame of a size took to paint."""


class FixedSize:
    """One long side for all frames; 0: as they come."""

    def __init__(self, long_side: int) -> None:
        """Takes the long side in pixels."""
        self._long_side = long_side

    def of(self, frame: tuple[int, int]) -> tuple[int, int]:
        return fit_long_side(frame, self._long_side) if self._long_side else frame

    def observe(self, seconds: float, frame: tuple[int, int]) -> None:
        pass


class AutoSize:
    """The largest size that holds a rate on this machine; it adapts while frames are painted."""

    def __init__(
        self, painter: Painter, look: Callable[[], Look], rate: float, first: int = 384
    ) -> None:
        """Takes what paints, how, and frames per second; and where to begin."""
        self.long_side = first
        self._painter, self._look, self._rate = painter, look, rate
        self._compiling: threading.Thread | None = None

    def of(self, frame: tuple[int, int]) -> tuple[int, int]:
        return fit_long_side(frame, min(self.long_side, max(frame)))

    def observe(self, seconds: float, frame: tuple[int, int]) -> None:
        if self._compiling is not None and self._compiling.is_alive():
            return  # and takes time from painting
        wanted = self._wanted(seconds, min(self.long_side, max(frame)))
        if wanted != self.long_side and self.of(frame) != fit_long_side(frame, wanted):
            self._compiling = threading.Thread(
                target=self._change, args=(wanted, frame), name="compile", daemon=True
            )
            self._compiling.start()

    def close(self) -> None:
        """Waits for what is being compiled."""
        if self._compiling is not None:
            self._compiling.join()

    def _wanted(self, seconds: float, now: int) -> int:
        """The long side that would hold the rate, if `now` takes so many seconds."""

        def fitting(share: float) -> int:
            longest = now * (share / self._rate / seconds) ** 0.5
            return max((size for size in SIZES if size <= longest), default=SIZES[0])

        if seconds > _KEEPS / self._rate:
            return min(now, fitting(_KEEPS))
        return max(self.long_side, fitting(_GROWS))

    def _change(self, long_side: int, frame: tuple[int, int]) -> None:
        """Compiles for a size while frames of another one are painted; then takes it."""
        size = fit_long_side(frame, min(long_side, max(frame)))
        with suppress(Exception):  # such as too little memory: then it stays as it is
            warm_up(self._painter, self._look(), FixedSize(0), size)
            self.long_side = long_side


class Meter:
    """Rate and latency of what is shown."""

    def __init__(self) -> None:
        """Starts at nothing."""
        self.count = 0
        self._latencies: deque[float] = deque(maxlen=10_000)
        self._shown: deque[float] = deque(maxlen=10_000)

    def see(self, captured: float) -> None:
        """Takes note of a frame that is on the screen now."""
        now = time.monotonic()
        self.count += 1
        self._latencies.append(now - captured)
        self._shown.append(now)

    def rate(self, last: int = 10_000) -> float:
        """Frames per second, over so many of the last frames."""
        times = list(self._shown)[-last:]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    def latency(self, percent: float = 50, last: int = 10_000) -> float:
        """Seconds from captured to shown, a percentile over so many of the last frames."""
        return float(np.percentile(list(self._latencies)[-last:], percent)) if self.count else 0.0


def paint_live(
    capture: Capture, painter: Painter, look: Callable[[], Look], size: Size
) -> Iterator[Shown | None]:
    """Paints the newest frame again and again, until the source ends.

    Args:
      capture: where frames come from.
      painter: what paints; best with exact=True.
      look: asked for every frame how it should be painted.
      size: the size frames are painted at.

    Yields:
      What to show; None where for a while there is nothing new, so that keys can be looked after.
    """
    pending: _Pending | None = None
    smoother, smoothed, count, expected = Smoother(), None, 0, _PATIENCE
    while True:
        frame = capture.newest(_left(pending, expected))
        prepared = None if frame is None else scaled(frame.image, size)
        if pending is not None and pending.look != smoothed:
            smoother, smoothed = Smoother(holds=painter.holds_strokes), pending.look
        shown = None if pending is None else pending.finish(smoother)
        pending = None
        if frame is not None and prepared is not None:
            pending = _Pending(painter, prepared, frame.time, look())
            if count % _MEASURED == 0:
                started = time.monotonic()
                pending.finish(Smoother())
                expected = time.monotonic() - started
                size.observe(expected, frame.image.shape[:2])
            count += 1
        if shown is None and pending is None and capture.has_ended:
            return
        if shown is not None or pending is None:
            yield shown


def warm_up(painter: Painter, look: Look, size: Size, frame: tuple[int, int]) -> None:
    """Compiles what frames of a height and width need, so that the first one is not late."""
    photo, smoother = np.zeros((*size.of(frame), 3), np.uint8), Smoother()
    for _ in range(2):
        _Pending(painter, photo, 0.0, replace(look, smooth=True)).finish(smoother)


class _Pending:
    """A frame that is being painted."""

    def __init__(self, painter: Painter, photo: np.ndarray, time_: float, look: Look) -> None:
        self.started = time.monotonic()
        self._photo, self._time, self.look = photo, time_, look
        self._wait = painter.start(photo, look)

    def finish(self, smoother: Smoother) -> Shown:
        """Waits for the painting."""
        painting = self._wait()
        if self.look.smooth:
            painting = smoother(self._photo, painting)
        return Shown(self._photo, painting, self._time)


def _left(pending: _Pending | None, expected: float) -> float:
    """Seconds that may be waited for a frame: as long as the one before is being painted."""
    if pending is None:
        return _PATIENCE
    return max(0.0, pending.started + expected - time.monotonic())


def scaled(image: np.ndarray, size: Size) -> np.ndarray:
    """A frame, uint8 [H, W, 3], at the size that it is painted at."""
    height, width = image.shape[:2]
    wanted = size.of((height, width))
    if wanted == (height, width):
        return image
    cv2 = import_cv2()
    method = cv2.INTER_AREA if wanted[0] < height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, wanted[::-1], interpolation=method))
