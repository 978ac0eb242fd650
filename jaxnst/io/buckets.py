"""Files in buckets, s3:// and gs://, by fsspec. Whatever goes wrong there is an `OSError`.

`Path` takes a slash out of an address, s3:/bucket/photo.jpg, and knows its name, its suffix and its
parents all the same. So addresses go the ways of paths, and are told from them here.
"""

import errno
import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs"}  # the extras of jaxnst have the names of the schemes
_ADDRESS = re.compile(rf"({'|'.join(_PACKAGES)}):[/\\]+([^/\\].*)", re.DOTALL)
_MOST_BYTES = 1 << 31  # of a file, which is read whole
_LARGE = 1 << 26  # bytes of a file that is not kept in memory
_KEPT = 8  # files that are: a photo is read for its hash, and once more to be painted


def in_bucket(path: str | os.PathLike[str]) -> bool:
    """Whether a path is an address in a bucket."""
    return _ADDRESS.fullmatch(os.fspath(path)) is not None


def as_given(path: str | os.PathLike[str]) -> str:
    """The path, or the address with both its slashes."""
    address = _ADDRESS.fullmatch(os.fspath(path))
    return f"{address[1]}://{address[2].replace(os.sep, '/')}" if address else os.fspath(path)


def holds_files(address: str | os.PathLike[str]) -> bool:
    """Whether there are files below an address, as in a folder; not, if nobody may look there.

    Raises:
      OSError: the bucket cannot be reached.
    """
    with suppress(FileNotFoundError, PermissionError), _store(address) as (files, key):
        return files.info(key)["type"] == "directory"
    return False


def list_files(address: str | os.PathLike[str], *, recursive: bool) -> list[Path]:
    """The files right below an address, or all below it.

    Raises:
      OSError: there are none, or they cannot be listed.
    """
    with _store(address) as (files, key):
        entries = files.find(key, detail=True).values() if recursive else files.ls(key, detail=True)
        names = [entry["name"].strip("/") for entry in entries if entry["type"] == "file"]
    return _addresses(address, names)


def list_matching(pattern: str | os.PathLike[str]) -> list[Path]:
    """The files whose addresses match a pattern with * and ?.

    Raises:
      OSError: they cannot be listed.
    """
    with _store(pattern) as (files, key):
        entries = files.glob(key, detail=True).values()
        names = [entry["name"].strip("/") for entry in entries if entry["type"] == "file"]
    return _addresses(pattern, names)


def state_of(address: str | os.PathLike[str]) -> tuple[int, str]:
    """A file's size in bytes, and all that the store says of it, which new content changes.

    Raises:
      OSError: there is no such file, or it cannot be reached.
    """
    with _store(address) as (files, key):
        info = files.info(key)
    return info["size"], str(info)


def get_file(address: str | os.PathLike[str], target: Path) -> None:
    """Copies a file out of a bucket to the disk.

    Raises:
      OSError: it cannot be read, or not be written.
    """
    with _store(address) as (files, key):
        files.get_file(key, str(target))


def open_file(address: str | os.PathLike[str]) -> BinaryIO:
    """The content of a file.

    Raises:
      OSError: there is no such file, or it cannot be read.
    """
    with _store(address) as (files, key):
        info = files.info(key)
        if info["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if info["size"] > _MOST_BYTES:
            raise OSError(errno.EFBIG, f"{info['size'] / 1e9:.1f} GB are too large for a picture")
        read = _content if info["size"] < _LARGE else _content.__wrapped__
        content = io.BytesIO(read(files, key, str(info)))
    content.name = as_given(address)  # as files have it
    return content


def put_file(source: Path, address: str | os.PathLike[str]) -> None:
    """Copies a file of the disk into a bucket, whole or not at all.

    Raises:
      OSError: it cannot be written there.
    """
    with _store(address) as (files, key):
        files.put_file(str(source), key)


def check_rights(address: str | os.PathLike[str]) -> None:
    """Begins to write a file and gives it up, so that nothing is left of it.

    Raises:
      OSError: it cannot be written there.
    """
    with _store(address) as (files, key):
        if "/" not in key:
            raise OSError(errno.EINVAL, "names a bucket, and no file in it")
        file = files.open(key, "wb", autocommit=False)
        file.write(b"?")
        file.close()
        with suppress(Exception):  # who may begin may not always give up; stores clear that away
            file.discard()


def _addresses(beside: str | os.PathLike[str], names: Iterable[str]) -> list[Path]:
    """What a store calls its files, as addresses like that of another."""
    scheme = as_given(beside).partition("/")[0]
    return [Path(scheme, name) for name in names]


@lru_cache(_KEPT)
def _content(files: Any, key: str, info: str) -> bytes:
    """A file's bytes; what the store says of it keeps old content apart from new."""
    del info
    return files.cat_file(key)


@contextmanager
def _store(address: str | os.PathLike[str]) -> Iterator[tuple[Any, str]]:
    """The file system of fsspec that an address belongs to, and what it calls the file.

    Raises:
      OSError: what goes wrong in the block, in plain words and with the address.
    """
    place = as_given(address)
    scheme, _, key = place.partition("://")
    try:
        import fsspec

        # Others write there too: what was listed a while ago may not be so any more.
        yield fsspec.filesystem(scheme, use_listings_cache=False), key
    except ImportError as error:
        package = f"{scheme}:// needs {_PACKAGES[scheme]}, which is not installed"
        text = f"{package}: pip install 'jaxnst[{scheme}]'"
        raise OSError(errno.ENOSYS, text, place) from error
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such file or bucket", place) from error
    except PermissionError as error:
        raise PermissionError(errno.EACCES, f"no rights to it: {error}", place) from error
    except MemoryError:
        raise
    except Exception as error:  # each of these libraries has errors of its own
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OSError(errno.EIO, cause or type(error).__name__, place) from error
