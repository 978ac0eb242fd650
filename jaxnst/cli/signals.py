"""Signals that stop a long job gracefully."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class StopSignals:
    """SIGTERM and the first Ctrl-C request a stop; a second Ctrl-C interrupts."""

    def __init__(self) -> None:
        self._received = 0

    def is_set(self) -> bool:
        """Whether a stop was requested."""
        return bool(self._received)

    @property
    def status(self) -> int:
        """The exit status of a program ended by the signal."""
        return 128 + self._received

    def receive(self, number: int, _: Any) -> None:
        """Signal handler."""
        if self._received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = number


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Handles SIGTERM and Ctrl-C as requests to stop, within the block."""
    signals = StopSignals()
    before = {n: signal.signal(n, signals.receive) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: what is there so far is kept."""


@contextlib.contextmanager
def terminate_gracefully() -> Iterator[None]:
    """Raises `Terminated` at SIGTERM within the block, in the main thread alone."""

    def receive(number: int, _: Any) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
