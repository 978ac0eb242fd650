"""Ctrl-C and SIGTERM: the first ends a command gracefully, a second Ctrl-C ends it at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from jaxnst.io.temporary import remove_open_files

Handler = Callable[[int, Any], Any]


def end_at_once(number: int, _: Any) -> None:
    """Signal handler that ends the process with the status a shell gives such an end.

    Nothing is unwound: what would be saved is given up, and no library prints a traceback.
    """
    remove_open_files()
    os._exit(128 + number)


class StopSignals:
    """SIGTERM and the first Ctrl-C request a stop; a second Ctrl-C ends the process."""

    def __init__(self) -> None:
        self._received = 0

    def is_set(self) -> bool:
        """Whether a stop was requested."""
        return bool(self._received)

    @property
    def status(self) -> int:
        """The exit status of a program ended by the signal."""
        return 128 + self._received

    def receive(self, number: int, frame: Any) -> None:
        """Signal handler."""
        if self._received and number == signal.SIGINT:
            end_at_once(number, frame)
        self._received = number


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Handles SIGTERM and Ctrl-C as requests to stop, within the block."""
    signals = StopSignals()
    with _handled_by(signals.receive, signal.SIGTERM, signal.SIGINT):
        yield signals


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: what is there so far is kept."""


@contextlib.contextmanager
def interrupt_gracefully() -> Iterator[None]:
    """Raises `Terminated` at SIGTERM and KeyboardInterrupt at Ctrl-C within the block; a Ctrl-C
    after that ends the process. In other threads than the main one it does nothing."""

    def receive(number: int, _: Any) -> None:
        signal.signal(signal.SIGINT, end_at_once)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A shell has its background jobs ignore Ctrl-C.
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with _handled_by(receive, signal.SIGTERM, *(() if ignored else (signal.SIGINT,))):
        yield


@contextlib.contextmanager
def _handled_by(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Has a handler take signals within the block, and afterwards what took them before."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
