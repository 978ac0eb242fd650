"""Files: opened with one clear message if they cannot be, and written whole or not at all."""

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import BinaryIO

from jaxnst.errors import JaxnstError
from jaxnst.io import buckets
from jaxnst.io.temporary import temporary_file

PathLike = str | os.PathLike[str]

_TEMPORARY = "it is made in {} first: free some space there or set TMPDIR to another folder"


def cache_folder() -> Path:
    """The folder for what can be had again: `jaxnst` in XDG_CACHE_HOME, or in ~/.cache.

    Raises:
      RuntimeError: there is no home.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path("~/.cache").expanduser()) / "jaxnst"


def display_name(path: PathLike | BinaryIO) -> str:
    """The path as one printable line, for messages; "<stream>" for a stream.

    A file name may hold line breaks, terminal codes or undecodable bytes; each becomes "?".
    """
    if not isinstance(path, str | os.PathLike):
        return "<stream>"
    return "".join(char if char.isprintable() else "?" for char in buckets.as_given(path))


def one_line(error: BaseException) -> str:
    """The cause of an error in one short line, without the path that the caller names anyway."""
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return display_name(" ".join(cause.split())[:200]) or type(error).__name__


@contextmanager
def open_binary(path: PathLike | BinaryIO) -> Iterator[BinaryIO]:
    """A file, or a whole stream such as stdin, as a seekable handle with at least one byte in it.

    Raises:
        JaxnstError: there is no such file, or it cannot be opened or read, or is empty.
    """
    name = display_name(path)
    if isinstance(path, str | os.PathLike):
        try:
            opened = buckets.open_file(path) if buckets.in_bucket(path) else _open_on_disk(path)
        except OSError as error:
            message = f"{name}: cannot be opened ({one_line(error)}); give a file you may read"
            raise JaxnstError(message) from error
    else:
        opened = io.BytesIO(path.read())
    with opened as handle:
        try:
            is_empty = not handle.read(1)
        except OSError as error:  # a damaged disk
            raise JaxnstError(
                f"{name}: cannot be read ({one_line(error)}); give another file"
            ) from error
        if is_empty:
            raise JaxnstError(f"{name}: is empty; give a file with something in it")
        handle.seek(0)
        yield handle


def _open_on_disk(path: PathLike) -> BinaryIO:
    """A regular file; anything else could block or never end.

    Raises:
        JaxnstError: there is none.
        OSError: it cannot be opened.
    """
    name = display_name(path)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # or it is no name at all
        raise JaxnstError(f"{name}: there is no such file; check the path") from error
    if stat.S_ISDIR(mode):
        raise JaxnstError(f"{name}: is a folder; give a file")
    if not stat.S_ISREG(mode):
        raise JaxnstError(f"{name}: is a pipe or a device; give a file with what comes out of it")
    return open(path, "rb")


def check_writable(path: PathLike) -> None:
    """Refuses an output path that cannot be written, so that hours of work are not lost at the end.

    Of an address in a bucket only `check_creatable` can tell.

    Raises:
        JaxnstError: the folder is missing or read-only, or the path is something other than a file,
            or one that must not be written.
    """
    if buckets.in_bucket(path):
        return
    name, target = display_name(path), Path(os.path.realpath(path))
    folder = display_name(target.parent)
    if not os.path.isdir(target.parent):
        raise JaxnstError(f"{name}: there is no folder {folder}; make it or give another path")
    if os.path.exists(target) and not os.path.isfile(target):
        raise JaxnstError(f"{name}: exists and is not a regular file; give the path of a file")
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise JaxnstError(f"{name}: is there and write-protected; give another path")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise JaxnstError(f"{name}: the folder {folder} is read-only; give another path")


def check_creatable(path: PathLike) -> None:
    """Refuses an output path beside which no file can be created.

    Raises:
        JaxnstError: the disk or the bucket does not take one.
    """
    try:
        if buckets.in_bucket(path):
            buckets.check_rights(path)
        else:
            TemporaryFile(dir=os.path.dirname(os.path.realpath(path))).close()
    except OSError as error:
        raise JaxnstError(
            f"{display_name(path)}: cannot be written ({one_line(error)}); give another path"
        ) from error


@contextmanager
def atomic_write(path: PathLike) -> Iterator[Path]:
    """Yields a temporary path that takes the place of `path` when the block ends well.

    The temporary file lies in the same folder, because only a rename within one file system is
    atomic, and has the same suffix, because many writers choose the format by it. It is there
    already, empty, with the permissions that the umask gives. A symbolic link is followed, not
    replaced.
    The file is on the disk before it takes its name, and its name before the block is left: after a
    power cut there is the old file or the new one. For a bucket the temporary file lies in the
    system's folder of such, where others cannot read it, and is uploaded, which replaces a file at
    once and as a whole.
    When the block fails the temporary file is removed and an existing file stays as it was.

    Raises:
        JaxnstError: the path cannot be written (see `check_writable`), or the block or the rename
            raised an `OSError`, such as a full disk. Any other exception passes through.
    """
    check_writable(path)
    uploads = buckets.in_bucket(path)
    target = Path(gettempdir(), Path(path).name) if uploads else Path(os.path.realpath(path))
    try:
        with temporary_file(target, mode=0o600 if uploads else 0o666) as temporary:
            yield temporary
            if uploads:
                buckets.put_file(temporary, path)
                return
            _to_disk(temporary)
            os.replace(temporary, target)
    except OSError as error:
        advice = "free some space or give another path"
        if uploads:
            from_bucket = error.filename == buckets.as_given(path)
            advice = "give another path" if from_bucket else _TEMPORARY.format(target.parent)
        cause = one_line(error)
        raise JaxnstError(f"{display_name(path)}: cannot be written ({cause}); {advice}") from error
    with suppress(OSError):  # the file is there; some network drives cannot do this for folders
        _to_disk(target.parent)


def _to_disk(path: Path) -> None:
    """Waits until a file's content, or a folder's list of names, would survive a power cut."""
    if os.name != "posix":  # others open no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hashed(paths: Iterable[PathLike]) -> list[dict[str, str]]:
    """Names and SHA-256 of files.

    Raises:
      JaxnstError: one cannot be read.
    """
    records = []
    for path in paths:
        with open_binary(path) as file:
            digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
        records.append({"name": Path(path).name, "sha256": digest.hexdigest()})
    return records
