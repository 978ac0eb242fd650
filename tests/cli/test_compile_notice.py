"""A line says that it takes long because functions are compiled, if they are."""

import threading

import jax
import jax.numpy as jnp
import pytest

from jaxnst.cli import compile_notice as module
from jaxnst.cli.compile_notice import NOTICE, compile_notice


class RunsOut(threading.Timer):
    """A timer whose time is over as soon as it starts."""

    def start(self) -> None:
        self.function()


class Waits(threading.Timer):
    """A timer whose time is never over."""

    def start(self) -> None: ...


def compile_two() -> None:
    """Compiles two functions that are new, so that no cache of this process has them."""
    for number in (1.0, 2.0):
        jax.jit(lambda x, number=number: x * number)(jnp.ones(3))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_line_is_printed_once_while_something_is_compiled(capsys, monkeypatch, terminal) -> None:
    monkeypatch.setattr(module.threading, "Timer", RunsOut)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with compile_notice(quiet=False):
        compile_two()
    compile_two()
    assert capsys.readouterr() == ("", f"{NOTICE}\n")


def test_nothing_is_printed_when_quiet(capsys, monkeypatch) -> None:
    monkeypatch.setattr(module.threading, "Timer", RunsOut)
    with compile_notice(quiet=True):
        compile_two()
    assert capsys.readouterr() == ("", "")


def test_what_is_compiled_soon_is_not_worth_a_line(capsys, monkeypatch) -> None:
    ended: list[threading.Timer] = []
    monkeypatch.setattr(module.threading, "Timer", Waits)
    monkeypatch.setattr(Waits, "cancel", lambda timer: ended.append(timer))
    with compile_notice(quiet=False):
        compile_two()
        assert len(ended) >= 2  # each as soon as its function was compiled
    assert capsys.readouterr() == ("", "")
