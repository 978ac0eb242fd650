"""What all visitors share: networks that are loaded and compiled once, and a folder for files."""

import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxnst import __version__
from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.codec import Picture, load, save
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.model_file import UPSCALING, Model, load_model, upscaling_model
from jaxnst.perceptual import vgg
from jaxnst.perceptual.weights import load_vgg
from jaxnst.web.limits import Limits
from jaxnst.web.presence import Presence

SAMPLES = Path(__file__).parent.parent / "assets"
Uploads = Mapping[str, list[dict[str, str]]]
"""Names and hashes of pictures by what they are for, "content" and "styles"."""

_VIEW = 1280  # pixels, of the longer side of pictures that are shown
_SIZES = 20  # of optimised pictures, for which functions are kept
_MINUTE, _HOUR = 60, 3600  # seconds


class Studio:
    """The networks, and a folder for results that is emptied by and by."""

    def __init__(self, folder: Path, model: str, limits: Limits) -> None:
        """Loads the network that paints; results are kept in the folder for an hour.

        Raises:
          JaxnstError: there is no such model, or it does not paint.
        """
        self.limits, self.presence = limits, Presence()
        self.stylizer = Stylizer(load_model(model))
        self._folder = folder / "results"
        self._folder.mkdir()
        self._cleaned = 0.0
        self._sizes: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

    @property
    def styles(self) -> dict[str, str]:
        """Titles of the styles by their names."""
        return {name: row.get("title") or name for name, row in self._rows.items()}

    @property
    def styles_and_artists(self) -> dict[str, str]:
        """Titles with the artists, by the names of the styles."""
        artists = {name: row.get("artist") for name, row in self._rows.items()}
        return {
            name: f"{title} ({artists[name]})" if artists[name] else title
            for name, title in self.styles.items()
        }

    @property
    def _rows(self) -> dict[str, dict[str, Any]]:
        model = self.stylizer.model
        return {row["name"]: row for row in model.card["styles"] if row["name"] in model.styles}

    @property
    def scales(self) -> list[int]:
        """How many times pictures can be enlarged."""
        return list(UPSCALING)

    def upscaler(self, scale: int, *, sharp: bool) -> Upscaler:
        """What enlarges so many times, by features if it is to be sharp.

        Raises:
          JaxnstError: nothing does.
        """
        name = upscaling_model(scale, sharp=sharp)
        with self._lock:
            return _upscaler(name)

    def vgg(self, net: str) -> vgg.Params:
        """The parameters of a net that ships."""
        if net not in vgg.NETS:
            raise JaxnstError(f"net {net!r} is unknown: choose {_listed(vgg.NETS)}")
        with self._lock:
            return _vgg(net)

    def note_size(self, size: tuple[int, int]) -> None:
        """Forgets what was compiled when pictures of too many sizes were optimised: each takes
        functions of its own, for as long as the program runs."""
        with self._lock:
            self._sizes.add(size)
            if len(self._sizes) > _SIZES:
                self._sizes = {size}
                jax.clear_caches()

    def open(self, path: str, *, min_side: int = 32) -> Picture:
        """The picture that a visitor has uploaded.

        Raises:
          JaxnstError: it is none, or too large.
        """
        with open(path, "rb") as file:
            try:
                return load(file, min_side=min_side, max_pixels=self.limits.pixels)
            except JaxnstError as error:
                cause = str(error).removeprefix("<stream>: ")
                raise JaxnstError(f"This picture cannot be used: {cause}.") from error

    def keep(
        self,
        picture: Picture,
        name: str,
        options: dict[str, Any],
        uploads: Uploads,
        model: Model | None = None,
    ) -> str:
        """Writes a result to be downloaded; its path.

        Args:
          picture: the result.
          name: what the file is called.
          options: how it was made.
          uploads: from what.
          model: by which network, if it was by one. All of this goes into the file.
        """
        record: dict[str, Any] = {"jaxnst": __version__, **uploads}
        if model is not None:
            record["model"] = {"sha256": model.card["sha256"]}
        path = self._new_file(f"{name}.png")
        save(path, picture, settings={**record, "options": options})
        return str(path)

    def show(self, rgb: np.ndarray) -> str:
        """Writes a picture [H, W, 3] as the page shows it, not larger than a screen; its path."""
        path = self._new_file("view.jpg")
        size = fit_long_side(rgb.shape[:2], min(_VIEW, max(rgb.shape[:2])), 1)
        save(path, resize(rgb, size), quality=92)
        return str(path)

    def _new_file(self, name: str) -> Path:
        """A path in a new folder; once a minute those of an hour ago are removed."""
        with self._lock:
            now = time.time()
            if now - self._cleaned > _MINUTE:
                self._cleaned = now
                for folder in self._folder.iterdir():
                    if folder.stat().st_mtime < now - _HOUR:
                        shutil.rmtree(folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._folder)) / name


@cache
def _upscaler(name: str) -> Upscaler:
    return Upscaler(name)


@cache
def _vgg(net: str) -> vgg.Params:
    return load_vgg(net)


def _listed(things: Any) -> str:
    return ", ".join(map(str, things))


def whole(name: str, value: Any, high: int) -> int:
    """A number of a visitor's, from 0, as an integer.

    Raises:
      JaxnstError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise JaxnstError(f"{name} is {str(value)[:20]}: give a whole number")
    check_number(name, value, high=high)
    return int(value)
