"""Files of visitors on the server's disk: how much may be uploaded, and results, which are removed
after an hour or when there are too many."""

import shutil
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxnst import __version__
from jaxnst.io.codec import Picture, save
from jaxnst.io.resize import fit_long_side, resize

CLEAN = (600, 3600)
"""Seconds between cleanings, and those that uploads and results are kept."""

_VIEW = 1280  # pixels, of the longer side of pictures that are shown
_TIDY = 5.0  # seconds between looks at the results


class Upload(NamedTuple):
    """One that was admitted."""

    at: float
    visitor: str
    size: int


class Quota:
    """Counts the bytes that visitors have uploaded and that are still kept."""

    def __init__(self, each: int, total: int) -> None:
        """Begins with nothing; `each` is what one visitor may have, `total` what all may."""
        self._each, self._total = each, total
        self._uploads: deque[Upload] = deque()

    def admit(self, visitor: str, size: int) -> Upload | None:
        """Makes room for an upload; None: there is none."""
        now = time.monotonic()
        while self._uploads and now - self._uploads[0].at > sum(CLEAN):
            self._uploads.popleft()
        own = sum(upload.size for upload in self._uploads if upload.visitor == visitor)
        everything = sum(upload.size for upload in self._uploads)
        if own + size > self._each or everything + size > self._total:
            return None
        self._uploads.append(Upload(now, visitor, size))
        return self._uploads[-1]

    def release(self, upload: Upload) -> None:
        """Takes back an upload of which nothing was kept."""
        with suppress(ValueError):  # it was long ago
            self._uploads.remove(upload)


class Results:
    """A folder of results, each in a folder of its own."""

    def __init__(self, folder: Path, most: int) -> None:
        """Makes the folder, for at most so many bytes."""
        self._folder, self._most = folder, most
        self._folder.mkdir()
        self._tidied = 0.0
        self._lock = threading.Lock()

    def keep(self, picture: Picture, name: str, settings: dict[str, Any]) -> str:
        """Writes a picture to be downloaded as `name`.png; its path.

        The settings, how it was made and from what, go into the file.
        """
        path = self._new_file(f"{name}.png")
        save(path, picture, settings={"jaxnst": __version__, **settings})
        return str(path)

    def show(self, picture: Picture | np.ndarray) -> str:
        """Writes a picture as the page shows it, on white, not larger than a screen; its path."""
        rgb = picture.on_white() if isinstance(picture, Picture) else picture
        path = self._new_file("view.jpg")
        size = fit_long_side(rgb.shape[:2], min(_VIEW, max(rgb.shape[:2])), 1)
        save(path, resize(rgb, size), quality=92)
        return str(path)

    def _new_file(self, name: str) -> Path:
        """A path in a new folder, after old ones were removed."""
        with self._lock:
            now = time.time()
            if now - self._tidied > _TIDY:
                self._tidied = now
                self._tidy(now)
        return Path(tempfile.mkdtemp(dir=self._folder)) / name

    def _tidy(self, now: float) -> None:
        """Removes what is an hour old, and the oldest of what is too much."""
        room = self._most
        for made, folder in sorted(((_made(f), f) for f in self._folder.iterdir()), reverse=True):
            room -= _size(folder)
            if room < 0 or made < now - CLEAN[1]:
                shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> float:
    return folder.stat().st_mtime


def _size(folder: Path) -> int:
    """Bytes of the files in a folder, less those that are renamed just now."""
    size = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size
