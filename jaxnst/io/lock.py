"""A lock on a file, so that two runs do not work at the same thing; it ends with its process."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jaxnst.errors import JaxnstError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


_FAR = 1 << 20  # the byte that Windows locks, which would keep others from reading it


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Holds a lock for the block; the file is removed at its end.

    Args:
      path: the file, in a folder that exists.
      what: the thing that is locked, for the message.

    Raises:
      JaxnstError: another process holds it.
      OSError: the file cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not try_lock(handle):
            raise JaxnstError(f"{what}: {_holder(path)}: wait for it, or give another output")
        holder = {"process": os.getpid(), "since": time.strftime("%H:%M:%S")}
        os.ftruncate(handle, os.write(handle, json.dumps(holder).encode()))
        try:
            yield
        finally:
            with suppress(OSError):  # Windows does not remove what is open
                path.unlink()
    finally:
        os.close(handle)  # and with it the lock


def try_lock(handle: int) -> bool:
    """Locks an open file, unless another process has."""
    try:
        if sys.platform == "win32":
            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(path: Path) -> str:
    """Says who holds a lock."""
    try:
        holder = json.loads(path.read_bytes())
        return f"process {holder['process']} has been at work on it since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has not said so yet
        return "another process is at work on it"
