"""What a killed process was writing is removed by the next one, and never what a living one is."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jaxnst.io import temporary
from jaxnst.io.files import atomic_write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="nothing is locked there")

_WRITER = """
import sys, time
from jaxnst.io.files import atomic_write
with atomic_write(sys.argv[1]) as path:
    path.write_text("half")
    print(path, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A process that has written half of a picture."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "out.png")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _unfinished(process: subprocess.Popen) -> Path:
    """The file that a writer is at, once it is."""
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def _write(path: Path) -> None:
    temporary._remove_leftovers_once.cache_clear()  # as in a new process
    with atomic_write(path) as file:
        file.write_text("whole")


def test_leftover_of_a_killed_process_is_removed_by_the_next_write(
    tmp_path: Path, writer: subprocess.Popen
) -> None:
    left = _unfinished(writer)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert left.read_text() == "half"
    _write(tmp_path / "out.png")
    assert os.listdir(tmp_path) == ["out.png"]


def test_leftovers_stay_where_other_machines_may_hold_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(temporary, "_keeps", False)  # and again after the test
    left = tmp_path / ".jaxnst-unfinished-0123456789ab.png"
    left.touch()
    temporary.keep_leftovers()
    _write(tmp_path / "out.png")
    assert left.exists()
    temporary.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["out.png"]


def test_file_of_a_living_process_stays(tmp_path: Path, writer: subprocess.Popen) -> None:
    left = _unfinished(writer)
    _write(tmp_path / "other.png")
    assert left.read_text() == "half"


def test_file_of_another_write_in_this_process_stays(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.txt") as file:
        file.write_text("a")
        _write(tmp_path / "b.txt")
    assert (tmp_path / "a.txt").read_text() == "a"
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    "name", [".jaxnst-0123456789ab.png", ".jaxnst-unfinished-mine.png", "jaxnst-unfinished.png"]
)
def test_other_hidden_files_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("of an earlier version, which locks nothing, or a user's")
    _write(tmp_path / "out.png")
    assert (tmp_path / name).exists()


def test_where_nothing_can_be_locked_files_are_written_and_none_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / ".jaxnst-unfinished-0123456789ab.png"
    left.touch()
    monkeypatch.setattr(temporary, "try_lock", lambda _: False)
    _write(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_text() == "whole"
    assert sorted(os.listdir(tmp_path)) == [left.name, "out.png"]


def test_file_taken_for_a_leftover_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []
    try_lock = temporary.try_lock

    def lock_after_another_process_has_removed_it(handle: int) -> bool:
        if not locked:
            (file,) = tmp_path.iterdir()
            file.unlink()
        locked.append(handle)
        return try_lock(handle)

    monkeypatch.setattr(temporary, "try_lock", lock_after_another_process_has_removed_it)
    with atomic_write(tmp_path / "out.png") as path:
        assert path.exists()
        path.write_text("whole")
    assert len(locked) == 2
    assert os.listdir(tmp_path) == ["out.png"]
