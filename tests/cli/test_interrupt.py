"""Ctrl-C in `jaxnst stylize`: what there is by then is kept, and snapshots continue exactly."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from stylize_files import QUICK, cached_vgg, inputs, pixels, stylize, tree

from jaxnst.cli import main
from jaxnst.cli import run_optimize as painter
from jaxnst.cli import writing as outputs
from jaxnst.io.embedded_settings import read_settings
from jaxnst.optimize import run as optimize

# Two sizes, so that a run may stop in either.
RUN = ("--size", "64", "--coarsest", "32", "--iterations", "8", "--memory", "3")


@pytest.fixture(autouse=True)
def weights(monkeypatch) -> None:
    monkeypatch.setattr(painter, "load_vgg", cached_vgg)


@pytest.fixture
def command(tmp_path) -> tuple:
    photo, style = inputs(tmp_path)
    return (photo, "--style", style, *RUN)


@pytest.fixture
def stop_at(monkeypatch):
    """Presses Ctrl-C once, before the given iteration."""
    run = optimize.run

    def stop_at(iteration: int) -> None:
        def stopping(*args: object):
            for progress in run(*args):
                if progress.iteration == iteration:
                    monkeypatch.setattr(optimize, "run", run)
                    raise KeyboardInterrupt
                yield progress

        monkeypatch.setattr(optimize, "run", stopping)

    return stop_at


@pytest.mark.parametrize("options", [(), ("--optimizer", "adam", "--average", "0.8")])
def test_stopped_and_continued_is_as_if_never_stopped(
    capsys, tmp_path, command, stop_at, optax_promotion, options
):
    whole, parts = tmp_path / "whole.png", tmp_path / "parts.png"
    assert stylize(*command, *options, "-o", whole) == 0
    args = (*command, *options, "--snapshot-every", 3, "-o", parts)
    stops = sorted(np.random.default_rng().choice(np.arange(2, 9), 2, replace=False).tolist())
    for stop in stops:
        stop_at(stop)
        assert stylize(*args) == 130
        captured = capsys.readouterr()
        assert f"stopped after {stop - 1} of 8 iterations" in captured.err
        assert captured.err.endswith("interrupted\n")
        assert pixels(parts).shape == pixels(whole).shape
        assert read_settings(parts)["result"]["iterations"] == stop - 1
    assert stylize(*args) == 0
    assert f"{parts}.snapshot: continuing from here" in capsys.readouterr().err
    assert parts.read_bytes() == whole.read_bytes(), f"stopped at {stops}"
    assert not Path(f"{parts}.snapshot").exists()


def test_without_snapshots_the_picture_so_far_is_kept(capsys, tmp_path, command, stop_at):
    out = tmp_path / "o.png"
    stop_at(6)
    beside = ("--loss-csv", tmp_path / "l.csv", "--loss-plot", tmp_path / "l.png")
    assert stylize(*command, "-o", out, *beside) == 130
    assert pixels(out).shape == (53, 64, 3)
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 6
    assert pixels(tmp_path / "l.png").size
    assert stylize(*command, "-o", out) == 0  # it is not taken for finished
    assert read_settings(out)["result"]["iterations"] == 8


def test_before_the_first_iteration_nothing_is_left(capsys, tmp_path, command, stop_at):
    before = tree(tmp_path)
    for output in ("o.png", "new/folder"):
        stop_at(1)
        more = [tmp_path / "style.png"] if output == "new/folder" else []
        beside = ("--loss-csv", tmp_path / "l.csv", "--snapshot-every", 1)
        assert stylize(*more, *command, "-o", tmp_path / output, *beside) == 130
        out, errors = capsys.readouterr()
        assert not out
        assert errors.endswith("seconds\ninterrupted\n")
    assert tree(tmp_path) == before


def test_several_pictures_end_at_the_one_interrupted(capsys, tmp_path, command, stop_at):
    out = tmp_path / "o"
    args = (tmp_path / "style.png", *command, "-o", out)
    stop_at(4)
    assert stylize(*args) == 130
    assert list(tree(out)) == ["style_style.png"]
    capsys.readouterr()
    assert stylize(*args) == 0
    assert list(tree(out)) == ["photo_style.png", "style_style.png"]
    assert "already there" not in capsys.readouterr().err


def test_while_the_result_is_written(monkeypatch, tmp_path, command):
    save = outputs.save

    def interrupted(*args: object, **options: object) -> None:
        monkeypatch.setattr(outputs, "save", save)
        raise KeyboardInterrupt

    monkeypatch.setattr(outputs, "save", interrupted)
    args = (*command, "-o", tmp_path / "o.png", "--snapshot-every", 100)
    assert stylize(*args) == 130
    assert read_settings(tmp_path / "o.png")["result"]["iterations"] == 8
    assert stylize(*args, "--overwrite") == 0


def test_on_a_full_disk_it_still_ends_the_command(monkeypatch, capsys, tmp_path, command, stop_at):
    before = tree(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    stop_at(4)
    monkeypatch.setattr("os.replace", full)
    args = (tmp_path / "style.png", *command, "-o", tmp_path / "o", "--quiet")
    assert stylize(*args) == 130
    assert capsys.readouterr().err.count("No space left on device") == 1
    assert tree(tmp_path) == before


def test_snapshot_of_other_options_is_kept_and_refused(capsys, tmp_path, command, stop_at):
    out = tmp_path / "o.png"
    args = (*command, "-o", out, "--snapshot-every", 2)
    stop_at(4)
    assert stylize(*args) == 130
    before = tree(tmp_path)
    capsys.readouterr()
    assert stylize(*args, "--tv-weight", 0.5) == 2
    assert "is the snapshot of another job" in capsys.readouterr().err
    assert tree(tmp_path) == before
    assert stylize(*args[:-2]) == 0  # without snapshots, one that is there is left alone
    assert Path(f"{out}.snapshot").exists()


@pytest.mark.slow
def test_real_signal(tmp_path):
    photo, style = inputs(tmp_path)
    stylize_py = Path(__file__).parents[2] / "stylize.py"
    command = [sys.executable, stylize_py, photo, "--style", style, *QUICK, "--coarsest", "32"]
    command += ["--size", "64", "--iterations", "300", "--snapshot-every", "20"]
    whole, parts = tmp_path / "whole.png", tmp_path / "parts.png"
    assert subprocess.run([*command, "-o", whole]).returncode == 0
    # A shell's background jobs ignore Ctrl-C, and so would the child of one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen([*command, "-o", parts], stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    while not Path(f"{parts}.snapshot").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.endswith("interrupted\n")
    assert "Traceback" not in errors
    assert pixels(parts).shape == pixels(whole).shape
    assert parts.read_bytes() != whole.read_bytes()
    assert subprocess.run([*command, "-o", parts]).returncode == 0
    assert parts.read_bytes() == whole.read_bytes()


def test_sigterm_keeps_what_there_is_as_ctrl_c_does(capsys, tmp_path, command, monkeypatch):
    run, handler = optimize.run, signal.getsignal(signal.SIGTERM)

    def terminated(*args: object):
        for progress in run(*args):
            if progress.iteration == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            yield progress

    monkeypatch.setattr(optimize, "run", terminated)
    out = tmp_path / "out.png"
    assert stylize(*command, "-o", out) == 143
    assert "of 8 iterations: saved as it is" in capsys.readouterr().err
    assert read_settings(out)["result"]["iterations"] in (3, 4)
    assert signal.getsignal(signal.SIGTERM) == handler


_TWICE = """
import atexit, os, signal, time
from jaxnst import cli
from jaxnst.cli.signals import stop_signals
from jaxnst.io.files import atomic_write

def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)

def at_exit(words):  # when JAX clears up
    def again():
        press()
        time.sleep(600)

    atexit.register(again)
    press()

def while_saving(words):
    try:
        press()
    except KeyboardInterrupt:
        with atomic_write("out.png") as path:
            path.write_text("half")
            press()
            time.sleep(600)

def while_stopping(words):
    with stop_signals() as stopped:
        press()
        assert stopped.is_set()
        press()
        time.sleep(600)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
cli._run = {moment}
cli.program()
"""


@pytest.mark.parametrize("moment", ["at_exit", "while_saving", "while_stopping"])
def test_second_one_ends_at_once_without_a_traceback(tmp_path, moment):
    script = _TWICE.replace("{moment}", moment)
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    said = "interrupted\n" if moment == "at_exit" else ""
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupt_that_loading_a_command_would_lose_is_kept(monkeypatch, capsys, name, status):
    def import_module(module: str) -> None:
        with suppress(KeyboardInterrupt):  # as a library that is loaded may do, or it ends at once
            signal.raise_signal(signal.Signals[name])

    monkeypatch.setattr("importlib.import_module", import_module)
    assert main(["stylize"]) == status
    assert capsys.readouterr().err == "interrupted\n"


def test_background_job_ignores_it(tmp_path):
    script = _TWICE.replace("{moment}", "lambda words: press() or 0")
    script = script.replace("default_int_handler)", "SIG_IGN)")
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
