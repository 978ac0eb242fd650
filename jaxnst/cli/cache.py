"""JAX's compilation cache in the user's cache folder, so that functions compile only once."""

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from jaxnst.io.files import cache_folder
from jaxnst.io.function_cache import SUFFIX

_LEAST_SECONDS = 0.2  # of compiling, for an entry to be worth a file
_LARGEST = 500_000_000  # bytes of all entries; a preset's functions take about one million
_ENTRIES = "*-cache"
_ALL_ENTRIES = (_ENTRIES, f"*{SUFFIX}")
_UNWRITABLE = "Error writing persistent compilation cache entry"
_UNREADABLE = re.compile(r"Error reading persistent compilation cache entry for '(\w+)")


def use_compilation_cache() -> None:
    """Enables the cache, unless JAX's own setting already has or the folder is not writable.

    Entries that have not been used for longest are removed when all together are too large.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"]:
        return
    with suppress(OSError, RuntimeError):  # RuntimeError: there is no home
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            limit_size(folder)
            jax.config.update("jax_compilation_cache_dir", str(folder))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
            _remove_unreadable_entries(folder)


def limit_size(folder: Path, largest: int = _LARGEST) -> None:
    """Removes the entries of a cache that were not used for longest, down to a size in bytes."""
    entries = []
    for path in (path for kind in _ALL_ENTRIES for path in folder.glob(kind)):
        with suppress(FileNotFoundError):  # another process has just removed it
            entries.append((path, path.stat()))
    # Some file systems do not note when a file was read.
    entries.sort(key=lambda entry: max(entry[1].st_atime, entry[1].st_mtime), reverse=True)
    total = 0
    for path, status in entries:
        total += status.st_size
        if total > largest:
            path.unlink(missing_ok=True)


def _remove_unreadable_entries(folder: Path) -> None:
    """Has entries removed that JAX warns it cannot read, instead of the warning.

    JAX compiles the function anew, but keeps a file that is there already, such as one cut off by a
    full disk, and would warn of it in every run. The warning names the function, so all that is
    cached of that function goes.
    """
    warnings.filterwarnings("ignore", message=_UNWRITABLE)  # a full disk: all works as without
    show = warnings.showwarning

    def remove_or_show(message: Warning | str, *args: Any, **kwargs: Any) -> None:
        unreadable = _UNREADABLE.match(str(message))
        if unreadable is None:
            show(message, *args, **kwargs)
            return
        with suppress(OSError):
            for path in folder.glob(f"{unreadable[1]}{_ENTRIES}"):
                path.unlink(missing_ok=True)

    warnings.filterwarnings("always", message=_UNREADABLE.pattern)  # each one, not one of a kind
    warnings.showwarning = remove_or_show
