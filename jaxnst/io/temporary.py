"""Temporary files beside their targets, which a killed process leaves and the next one removes.

A process holds a lock on each of its own, which ends with the process, whatever ends it. So what is
not locked is nobody's any more. (Windows renames no file that is open: there nothing is locked, and
nothing is removed.)
"""

import functools
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jaxnst.io.lock import try_lock

_PREFIX = ".jaxnst-unfinished-"  # earlier versions locked nothing, and named theirs otherwise
_NAME = re.compile(re.escape(_PREFIX) + r"[0-9a-f]{12}(\.[^.]*)?")
_CAN_LOCK = os.name == "posix"
_TRIES = 3

_open_files: set[Path] = set()
_keeps = False


@contextmanager
def temporary_file(target: Path, *, mode: int = 0o666) -> Iterator[Path]:
    """A new empty file for the block, with the suffix of a target and in its folder.

    Its permissions are those of the mode that the umask leaves.

    It is removed at the block's end, unless it was given another name, and so is what killed
    processes have left in the folder.

    Raises:
      OSError: the file cannot be made.
    """
    _remove_leftovers_once(target.parent)
    path, handle = _create(target, mode)
    _open_files.add(path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        _open_files.discard(path)
        if _CAN_LOCK:
            os.close(handle)  # and with it the lock


def remove_open_files() -> None:
    """Removes all temporary files of this process, which is about to end."""
    for path in tuple(_open_files):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _create(target: Path, mode: int) -> tuple[Path, int]:
    """A temporary file and a handle that holds the lock on it."""
    for attempt in range(1, _TRIES + 1):
        # The name does not grow with the target's, which may already be as long as is allowed.
        path = target.with_name(f"{_PREFIX}{secrets.token_hex(6)}{target.suffix}")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if not _CAN_LOCK:
            os.close(handle)
            break
        # Another process may have taken it for a leftover before it was locked. Where nothing can
        # be locked, as on some network drives, nobody takes it.
        if attempt == _TRIES or (try_lock(handle) and path.exists()):
            break
        os.close(handle)
        path.unlink(missing_ok=True)
    return path, handle


def keep_leftovers() -> None:
    """Has this process leave what others have left: for one of many on several machines, some of
    which may share a folder whose locks they do not share."""
    global _keeps
    _keeps = True


@functools.cache  # once in a process, since a folder may be long
def _remove_leftovers_once(folder: Path) -> None:
    if not _keeps:
        remove_leftovers(folder)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files of a folder that no process holds."""
    with suppress(OSError):
        for name in os.listdir(folder) if _CAN_LOCK else ():
            if _NAME.fullmatch(name):
                _remove_unless_locked(folder / name)


def _remove_unless_locked(path: Path) -> None:
    with suppress(OSError):  # gone by now, or another user's
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if try_lock(handle):
                path.unlink()
        finally:
            os.close(handle)
