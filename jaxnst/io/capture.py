"""The newest frame of a source, for those who are slower than it.

`Capture` reads a source in a thread of its own, at its pace, and keeps the newest frame only, so
that whoever is slower than a camera lags no further and further behind.
"""

import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.files import one_line
from jaxnst.io.sources import Source

_JOIN_SECONDS = 2.0


class Frame(NamedTuple):
    """A picture, and when it came."""

    image: np.ndarray
    """uint8 [H, W, 3], RGB."""
    time: float
    """On the clock of `time.monotonic`, in seconds."""


class Capture:
    """Reads a source in a thread and keeps the newest frame; use as a context manager."""

    def __init__(self, source: Source) -> None:
        """Starts to read."""
        self.dropped = 0
        """Frames that nobody has seen."""
        self._source = source
        self._frame: Frame | None = None
        self._ended = self._stopping = False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read_all, name="capture", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Capture":
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(_JOIN_SECONDS)  # a camera that hangs is left to the end of the process

    def newest(self, timeout: float) -> Frame | None:
        """The newest frame that was not given before; waits for it, at most so many seconds.

        Raises:
          JaxnstError: reading failed, other than by an end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout)
            frame, self._frame = self._frame, None
        if frame is None and self._error is not None:
            name = self._source.name
            raise JaxnstError(f"{name}: reading failed ({one_line(self._error)})") from self._error
        return frame

    @property
    def has_ended(self) -> bool:
        """Whether the source has ended and its last frame was given."""
        with self._changed:
            return self._ended and self._frame is None

    def _read_all(self) -> None:
        start = time.monotonic()
        try:
            while not self._stopping:
                image = self._source.read()
                if image is None:
                    return
                start = self._pace(start, self._source.due)
                with self._changed:
                    self.dropped += self._frame is not None
                    self._frame = Frame(image, time.monotonic())
                    self._changed.notify_all()
        except Exception as error:  # whatever a driver raises is told in `newest`
            self._error = error
        finally:
            with suppress(Exception):
                self._source.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _pace(self, start: float, due: float | None) -> float:
        """Waits until a frame is due; returns the start that the next one is due after."""
        with self._changed:
            wait = seconds_until(start, due, time.monotonic())
            self._changed.wait_for(lambda: self._stopping, wait)
        return later_start(start, due, time.monotonic())


def seconds_until(start: float, due: float | None, now: float) -> float:
    """How long to wait at a time for a frame that is due so many seconds after a start."""
    return 0.0 if due is None else max(0.0, start + due - now)


def later_start(start: float, due: float | None, now: float) -> float:
    """The start of a source, moved on by the time that it has lost: what was late is not made up
    for by a rush."""
    return start if due is None else max(start, now - due)
