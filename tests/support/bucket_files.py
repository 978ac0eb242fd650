"""Buckets in this process's memory, which stand in for those of s3://."""

from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem


class Store(MemoryFileSystem):
    """Two buckets: "photos", and "locked", in which nothing can be written.

    Attributes:
      read: the files that were read, in order.
      fails: nothing can be written anywhere.
    """

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, MemoryFile] = {}
        self.pseudo_dirs = ["", "/photos", "/locked"]
        self.read = list[str]()
        self.fails = False

    def _open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> MemoryFile:
        if "r" not in mode:
            bucket = path.strip("/").partition("/")[0]
            if f"/{bucket}" not in self.pseudo_dirs:
                raise FileNotFoundError(f"The bucket {bucket} does not exist")
            if bucket == "locked":
                raise PermissionError("Access Denied")
            if self.fails:
                raise RuntimeError("SlowDown: try later")
            if not kwargs.get("autocommit", True):
                return MemoryFile(self, path)  # which is no file until it is committed
        return super()._open(path, mode, *args, **kwargs)

    def mkdirs(self, path: str, exist_ok: bool = False) -> None:
        """Buckets have no folders, and none come into being."""

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> bytes:
        self.read.append(path)
        return super().cat_file(path, *args, **kwargs)

    @property
    def files(self) -> dict[str, bytes]:
        """All there is, without the slash in front."""
        return {name.strip("/"): file.getvalue() for name, file in self.store.items()}


def leads_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Has addresses lead to a store."""
    monkeypatch.setattr("fsspec.filesystem", lambda scheme, **_: store)
    return store
