"""How long work is shown: a bar on a terminal, plain lines in a pipe, nothing when quiet."""

import sys
import time
from collections.abc import Mapping, Sequence

from tqdm import tqdm


class ProgressDisplay:
    """Progress of one piece of work on stderr; use as a context manager."""

    def __init__(self, title: str, total: int, *, quiet: bool = False) -> None:
        """Starts the display; the first update tells how much was done before."""
        self._title, self._total = title, total
        self._quiet = quiet or sys.stderr is None  # None: the shell has closed it
        self._plain = self._quiet or not sys.stderr.isatty()
        self._started, self._next_line = time.monotonic(), 0
        self._before: int | None = None
        self._has_rows = False
        self._bar = tqdm(
            total=total, desc=title, unit="it", dynamic_ncols=True, leave=False,
            disable=self._plain, file=sys.stderr,
        )  # fmt: skip

    def __enter__(self) -> "ProgressDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, done: int, values: Mapping[str, float]) -> None:
        """Shows that `done` iterations are done, with some numbers."""
        if self._before is None:  # above 0 when an earlier run is continued
            self._before = self._bar.initial = self._bar.n = done - 1
        shown = " ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._plain:
            self._update_lines(done, shown)
        else:
            self._bar.set_postfix_str(shown, refresh=False)
            self._bar.update(done - self._bar.n)

    def row(self, head: Sequence[str], values: Sequence[float]) -> None:
        """Prints a row of a table, the first one below its head."""
        if not self._has_rows:
            self.line(" ".join(f"{name:>12}" for name in head))
        self._has_rows = True
        self.line(" ".join(f"{value:>12.5g}" for value in values))

    def line(self, text: str) -> None:
        """Prints a line without breaking the bar."""
        if not self._quiet:
            tqdm.write(text, file=sys.stderr)

    def _update_lines(self, done: int, shown: str) -> None:
        """A line for about every tenth of the work, and for the last of it."""
        if done >= self._next_line or done == self._total:
            self._next_line = done + max(1, self._total // 10)
            self.line(f"{self._title}: {done}/{self._total} {shown}{self._pace(done)}")

    def _pace(self, done: int) -> str:
        """Rate and time left, once there is something to tell them from."""
        here = done - (self._before or 0)
        if here <= 1:
            return ""
        rate = here / (time.monotonic() - self._started)
        return f" ({rate:.2f} it/s, {tqdm.format_interval((self._total - done) / rate)} left)"
