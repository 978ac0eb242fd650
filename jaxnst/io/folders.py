"""The pictures in a folder, on disk or in a bucket."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from jaxnst.errors import JaxnstError
from jaxnst.io import buckets
from jaxnst.io.files import PathLike, display_name, one_line
from jaxnst.io.formats import GIVE_PICTURE, NEEDS_HEIF, is_heic_suffix, is_picture_suffix


def is_folder(path: PathLike) -> bool:
    """Whether a path is a folder, or an address below which there are files.

    Raises:
        JaxnstError: the bucket cannot be reached.
    """
    if not buckets.in_bucket(path):
        return os.path.isdir(path)
    try:
        return buckets.holds_files(path)
    except OSError as error:
        raise JaxnstError(f"{display_name(path)}: cannot be reached ({one_line(error)})") from error


def list_images(folder: PathLike, *, recursive: bool = False) -> list[Path]:
    """The pictures in a folder, by suffix and sorted, without hidden files.

    Those in subfolders, unless hidden themselves, are among them when `recursive`; a folder to
    which several links lead is read once.

    Raises:
        JaxnstError: there is no such folder, or no picture in it.
    """
    return pictures_among(list_files(folder, recursive=recursive), folder)


def pictures_among(files: Sequence[Path], folder: PathLike) -> list[Path]:
    """Those of the files in a folder that are pictures by their suffix.

    Raises:
        JaxnstError: there is none.
    """
    found = [path for path in files if is_picture_suffix(path.suffix)]
    if not found:
        has_heic = any(is_heic_suffix(path.suffix) for path in files)
        cause = f"no pictures in this folder{f' ({NEEDS_HEIF})' if has_heic else ''}"
        raise JaxnstError(f"{display_name(folder)}: {cause}; {GIVE_PICTURE} or more in it")
    return found


def list_left_out(folder: PathLike, *, recursive: bool = False) -> list[Path]:
    """The files that `list_images` passes over by their suffix, sorted, without hidden ones.

    Raises:
        JaxnstError: there is no such folder.
    """
    files = list_files(folder, recursive=recursive)
    return [path for path in files if not is_picture_suffix(path.suffix)]


def list_files(folder: PathLike, *, recursive: bool = False) -> list[Path]:
    """The files in a folder, sorted, without hidden ones; see `list_images`.

    Raises:
        JaxnstError: there is no such folder.
    """
    try:
        if buckets.in_bucket(folder):
            files = buckets.list_files(folder, recursive=recursive)
        else:
            entries = _entries(Path(folder), recursive, {os.path.realpath(folder)})
            files = [entry for entry in entries if entry.is_file()]
        return sorted(path for path in files if not _is_hidden(path, folder))
    except OSError as error:
        name = display_name(error.filename or folder)  # it may be one within
        raise JaxnstError(f"{name}: not a folder that can be read ({one_line(error)})") from error


def _is_hidden(path: Path, folder: PathLike) -> bool:
    """Whether a file, or a folder that it is in, is hidden in a folder."""
    return any(part[0] == "." for part in path.relative_to(folder).parts)


def _entries(folder: Path, recursive: bool, seen: set[str]) -> Iterator[Path]:
    """What is in a folder; `seen` are the folders that were read, whatever links led there."""
    for entry in sorted(folder.iterdir()):
        if not (recursive and entry.is_dir() and entry.name[0] != "."):
            yield entry
        elif (place := os.path.realpath(entry)) not in seen:
            seen.add(place)
            yield from _entries(entry, recursive, seen)
