"""Files are opened with a clear message, and written whole or not at all."""

import errno
import io
import os
import stat
from pathlib import Path

import pytest

from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write, check_writable, display_name, one_line, open_binary


def test_atomic_write_puts_the_file_in_place(tmp_path: Path) -> None:
    target = tmp_path / "loss.json"
    with atomic_write(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".json"
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["loss.json"]


def test_file_is_on_the_disk_before_it_takes_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, calls = tmp_path / "a.txt", []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        calls.append("folder" if is_folder else f"file of {os.fstat(descriptor).st_size} bytes")
        fsync(descriptor)

    def record_replace(source: Path, destination: Path) -> None:
        calls.append("rename")
        replace(source, destination)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    with atomic_write(target) as temporary:
        temporary.write_text("abc")
    assert calls == ["file of 3 bytes", "rename", "folder"]


def test_disk_that_fails_at_the_last_moment_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    target = tmp_path / "a.txt"
    target.write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JaxnstError, match="cannot be written"), atomic_write(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_folder_that_cannot_be_flushed_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_for_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "a.txt") as temporary:
            temporary.write_text("a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~umask


def _write_half(path: Path, error: BaseException) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error


def test_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(JaxnstError, match=r"a\.txt: cannot be written \(No space left"):
        _write_half(target, full)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError()])
def test_other_exceptions_pass_through_and_clean_up(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        _write_half(tmp_path / "a.txt", error)
    assert os.listdir(tmp_path) == []


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_longest_file_name_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".txt")
    with atomic_write(target) as temporary:
        temporary.write_text("a")
    assert target.exists()


def test_check_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_writable(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == []
    with pytest.raises(JaxnstError, match="there is no folder"):
        check_writable(tmp_path / "none" / "a.txt")
    with pytest.raises(JaxnstError, match="not a regular file"):
        check_writable(tmp_path)
    with pytest.raises(JaxnstError, match="not a regular file"):
        check_writable("/dev/null")
    (tmp_path / "b.txt").touch()
    check_writable(tmp_path / "b.txt")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(JaxnstError, match=r"b\.txt: is there and write-protected"):
        check_writable(tmp_path / "b.txt")
    with pytest.raises(JaxnstError, match="read-only"):
        check_writable(tmp_path / "a.txt")


def test_open_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, empty = tmp_path / "a.bin", tmp_path / "empty.bin"
    path.write_bytes(b"abc")
    empty.touch()
    for source in (path, str(path), io.BytesIO(b"abc")):
        with open_binary(source) as handle:
            assert handle.read() == b"abc"
    os.mkfifo(tmp_path / "pipe")
    refused = {
        tmp_path: "is a folder",
        tmp_path / "pipe": "is a pipe",
        tmp_path / "none": "no such file",
        empty: "is empty",
    }
    for wrong, message in refused.items():
        with pytest.raises(JaxnstError, match=message), open_binary(wrong):
            pass
    with pytest.raises(JaxnstError, match="<stream>: is empty"), open_binary(io.BytesIO()):
        pass


def test_open_binary_names_a_file_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    for opens in ("builtins.open", "os.stat"):  # the latter if its folder may not be entered
        with monkeypatch.context() as patch:
            patch.setattr(opens, refuse)
            with pytest.raises(JaxnstError, match=r"a\.bin: cannot be opened \(Permission denied"):
                open_binary(path).__enter__()


def test_open_binary_names_links_that_lead_to_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.bin").symlink_to("a.bin")
    with pytest.raises(JaxnstError, match=r"a\.bin: cannot be opened \(Too many levels"):
        open_binary(tmp_path / "a.bin").__enter__()


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no such file here")
def test_open_binary_names_a_file_whose_content_cannot_be_read() -> None:
    with (
        pytest.raises(JaxnstError, match="/proc/self/mem: cannot be read"),
        open_binary("/proc/self/mem"),
    ):
        pass


def test_messages_stay_on_one_line() -> None:
    assert display_name("a\nb\x1b[31m\udcff.png") == "a?b?[31m?.png"
    assert one_line(ValueError("two\nlines")) == "two lines"
    assert one_line(ValueError()) == "ValueError"
