"""Who is still there: a job whose visitor has gone, or whose server ends, is not worth going on."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_GRACE = 15.0  # seconds that a visitor may be away, and that it takes to begin to listen
_FORGOTTEN = 3600.0  # seconds


class GoneError(Exception):
    """Nobody waits for the result."""


class Presence:
    """Counts the streams on which visitors listen for news of their jobs."""

    def __init__(self) -> None:
        """Begins with nobody."""
        self._lock = threading.Lock()
        self._streams: Counter[str] = Counter()
        self._seen: dict[str, float] = {}
        self._closed = False

    @contextmanager
    def listening(self, visitor: str) -> Iterator[None]:
        """While a stream of a visitor is open."""
        with self._lock:
            self._streams[visitor] += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams[visitor] -= 1
                self._streams += Counter()  # drops those at 0
                self._seen[visitor] = time.monotonic()

    def close(self) -> None:
        """Ends all jobs."""
        self._closed = True

    def check(self, visitor: str | None) -> None:
        """Raises GoneError unless a visitor listens, or may soon do so."""
        if self._closed:
            raise GoneError
        now, name = time.monotonic(), str(visitor)
        with self._lock:
            self._seen = {n: at for n, at in self._seen.items() if now - at < _FORGOTTEN}
            if self._streams[name]:
                self._seen[name] = now
            elif now - self._seen.setdefault(name, now) > _GRACE:
                raise GoneError
