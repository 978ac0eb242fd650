"""Progress of long work: a bar on a terminal, plain lines in a pipe, nothing when quiet."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence

from tqdm import tqdm

# As tqdm's own, but for the time left, which follows from the work and not from the iterations.
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"
_PERCENT = "{l_bar}{bar}| [{elapsed}{postfix}]"


class ProgressDisplay:
    """Shows the progress of one job on stderr; use as a context manager."""

    def __init__(
        self,
        title: str,
        total: int,
        *,
        unit: str = "iterations",
        quiet: bool = False,
        time_left: Callable[[], float | None] | None = None,
    ) -> None:
        """Starts the display. The first update sets how much was done earlier.

        Args:
          title: what is worked on.
          total: how many units there are.
          unit: what is counted; "%" has no rate.
          quiet: show nothing.
          time_left: seconds that the work still takes, None if that cannot be said yet; without it
            every part of the work is taken to need as long as those before.
        """
        self._title, self._total = title, total
        self._quiet = quiet or sys.stderr is None  # None: the shell has closed it
        self._plain = self._quiet or not sys.stderr.isatty()
        self._unit, self._time_left = unit, time_left
        self._started, self._next_line = time.monotonic(), 0
        self._before: tuple[int, float] | None = None
        self._has_rows = False
        self._bar = tqdm(
            total=total, desc=title, unit=f" {unit}", dynamic_ncols=True, leave=False,
            disable=self._plain, file=sys.stderr, bar_format=_PERCENT if unit == "%" else _BAR,
        )  # fmt: skip

    def __enter__(self) -> "ProgressDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def resume(self, done: int, share: float) -> None:
        """Sets what was done in an earlier run, which is excluded from the pace."""
        self._before = done, share
        self._bar.initial = self._bar.n = done
        self._started = time.monotonic()

    def update(
        self, done: int, values: Mapping[str, float], share: float, *, note: str = ""
    ) -> None:
        """Shows that `done` units, `share` of all the work, are done, with some numbers."""
        shown = " ".join([*(f"{name} {value:.4g}" for name, value in values.items()), note]).strip()
        if self._before is None:  # above 0 when an earlier run is continued
            self._before = done - 1, share * (done - 1) / done
            self._bar.initial = self._bar.n = done - 1
        if self._plain:
            self._update_lines(done, shown, share)
        else:
            told = ", ".join(filter(None, (self._left(share), shown)))
            self._bar.set_postfix_str(told, refresh=False)
            self._bar.update(done - self._bar.n)

    def row(self, head: Sequence[str], values: Sequence[float]) -> None:
        """Prints a row of a table, with the header above the first row."""
        if not self._has_rows:
            self.line(" ".join(f"{name:>12}" for name in head))
        self._has_rows = True
        self.line(" ".join(f"{value:>12.5g}" for value in values))

    def line(self, text: str) -> None:
        """Prints a line without breaking the bar."""
        if not self._quiet:
            tqdm.write(text, file=sys.stderr)

    def _update_lines(self, done: int, shown: str, share: float) -> None:
        """Prints a line for about every tenth of the work, and for its end."""
        if done >= self._next_line or done == self._total:
            self._next_line = done + max(1, self._total // 10)
            count = f"{done} %" if self._unit == "%" else f"{done}/{self._total}"
            told = " ".join(filter(None, (count, shown, self._pace(done, share))))
            self.line(f"{self._title}: {told}")

    def _pace(self, done: int, share: float) -> str:
        """Rate and time left, once they can be estimated."""
        here = done - (self._before or (0, 0.0))[0]
        if here <= 1:
            return ""
        rate = here / (time.monotonic() - self._started)
        pace = "" if self._unit == "%" else f"{rate:.2f} {self._unit}/s"
        told = ", ".join(filter(None, (pace, self._left(share))))
        return f"({told})" if told else ""

    def _left(self, share: float) -> str:
        """The time left as text; nothing if it is unknown."""
        if self._time_left is not None:
            seconds = self._time_left()
        else:
            here = share - (self._before or (0, 0.0))[1]
            seconds = (time.monotonic() - self._started) * (1 - share) / max(here, 1e-9)
        return "" if seconds is None else f"{tqdm.format_interval(seconds)} left"
