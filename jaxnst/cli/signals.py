"""Work that goes on until a signal asks it to stop, and then ends in good order."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


class StopSignals:
    """SIGTERM and the first Ctrl-C ask for an end; a second Ctrl-C interrupts."""

    def __init__(self) -> None:
        self._received = 0

    def is_set(self) -> bool:
        """Whether a signal has come."""
        return bool(self._received)

    @property
    def status(self) -> int:
        """The exit status of a program that the signal has ended."""
        return 128 + self._received

    def receive(self, number: int, _: Any) -> None:
        """The signals' handler."""
        if self._received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = number


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Signals that ask a run to stop, during the block."""
    signals = StopSignals()
    before = {n: signal.signal(n, signals.receive) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
