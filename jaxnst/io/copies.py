"""Copies on the disk of files in buckets, for what reads no others; they stay for the next time."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from jaxnst.errors import JaxnstError
from jaxnst.io import buckets
from jaxnst.io.files import cache_folder, display_name, one_line
from jaxnst.io.temporary import temporary_file

_AT_ONCE = 8  # downloads


def local_copies(
    addresses: Sequence[Path], *, say: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """The files at addresses as files on the disk, in `data` of the cache folder.

    What is there already is not downloaded again, unless it has changed in the bucket.

    Args:
      addresses: of files in buckets.
      say: is told in a line that there is something to download.

    Raises:
      JaxnstError: one cannot be read, or not be kept.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        copies = list(pool.map(_copy_of, addresses))
        missing = [copy for copy in copies if not copy.path.exists()]
        if missing:
            size = f"{sum(copy.size for copy in missing) / 1e6:,.1f} MB"
            folder = display_name(missing[0].path.parent)
            say(f"downloading {len(missing)} of {len(copies)} files, {size}, to {folder}")
        list(pool.map(_download, missing))
    return [copy.path for copy in copies]


class _Copy(NamedTuple):
    """A file in a bucket and where its copy is, or is to be."""

    address: Path
    size: int
    path: Path


def _copy_of(address: Path) -> _Copy:
    try:
        size, state = buckets.state_of(address)
        name = hashlib.sha256(f"{buckets.as_given(address)} {state}".encode()).hexdigest()
        return _Copy(address, size, cache_folder() / "data" / name)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        raise JaxnstError(f"{display_name(address)}: cannot be read ({one_line(error)})") from error


def _download(copy: _Copy) -> None:
    """Makes a copy, whole or not at all."""
    address, _, path = copy
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path, mode=0o600) as temporary:
            buckets.get_file(address, temporary)
            os.replace(temporary, path)
    except OSError as error:
        raise JaxnstError(
            f"{display_name(address)}: cannot be copied to {display_name(path.parent)} "
            f"({one_line(error)}); it needs rights to the one and room in the other"
        ) from error
