"""How long work is shown: a bar on a terminal, plain lines in a pipe, nothing when quiet."""

import sys
import time
from collections.abc import Mapping

from tqdm import tqdm


class ProgressDisplay:
    """Progress of one piece of work on stderr; use as a context manager."""

    def __init__(self, title: str, total: int, *, done: int = 0, quiet: bool = False) -> None:
        """Starts the display at `done` of `total` iterations."""
        self._title, self._total, self._quiet = title, total, quiet
        self._plain = not sys.stderr.isatty()
        self._started, self._first, self._next_line = time.monotonic(), done, 0
        self._bar = tqdm(
            total=total, initial=done, desc=title, unit="it", dynamic_ncols=True, leave=False,
            disable=quiet or self._plain, file=sys.stderr,
        )  # fmt: skip

    def __enter__(self) -> "ProgressDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, done: int, values: Mapping[str, float]) -> None:
        """Shows that `done` iterations are done, with some numbers."""
        shown = " ".join(f"{name} {value:.4g}" for name, value in values.items())
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update(done - self._bar.n if not self._bar.disable else 0)
        if self._plain and not self._quiet and (done >= self._next_line or done == self._total):
            self._next_line = done + max(1, self._total // 10)
            self.line(f"{self._title}: {done}/{self._total} {shown}{self._pace(done)}")

    def line(self, text: str) -> None:
        """Prints a line without breaking the bar."""
        if not self._quiet:
            tqdm.write(text, file=sys.stderr)

    def _pace(self, done: int) -> str:
        """Rate and time left, once there is something to tell them from."""
        seconds = time.monotonic() - self._started
        if done <= self._first + 1:
            return ""
        rate = (done - self._first) / seconds
        return f" ({rate:.2f} it/s, {tqdm.format_interval((self._total - done) / rate)} left)"
