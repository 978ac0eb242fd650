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

    def pass_on(self) -> None:
        """Has what takes signals now take the one that was received, if there was one."""
        if self._received:
            signal.raise_signal(self._received)


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Handles SIGTERM and Ctrl-C as requests to stop, within the block."""
    signals = StopSignals()
    with _handled_by(signals.receive, signal.SIGTERM, signal.SIGINT):
        yield signals


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Has SIGTERM and Ctrl-C wait for the end of the block, for libraries that lose what is raised
    in them, and mean there what they meant before; a second Ctrl-C ends the process. In other
    threads than the main one it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = StopSignals()
    try:
        with _handled_by(signals.receive, *_not_ignored()):
            yield
    finally:
        signals.pass_on()


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
    with _handled_by(receive, *_not_ignored()):
        yield


def _not_ignored() -> tuple[signal.Signals, ...]:
    """SIGTERM, and Ctrl-C unless it is ignored: a shell has its background jobs do so."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return (signal.SIGTERM, *(() if ignored else (signal.SIGINT,)))


@contextlib.contextmanager
def _handled_by(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Has a handler take signals within the block, and afterwards what took them before."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
