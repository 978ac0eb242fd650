"""What all visitors share: what there is to paint with, and a folder for results."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference.painter import BUCKET
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import Picture, load
from jaxnst.io.resize import fit_long_side
from jaxnst.networks.gallery import Weights
from jaxnst.networks.model_file import SHARPER, UPSCALING, load_model, upscaling_model
from jaxnst.web.hired import Hire, HiredHand, HiredWorkshop
from jaxnst.web.limits import Limits
from jaxnst.web.storage import Results
from jaxnst.web.visitors import Presence
from jaxnst.web.workshop import OwnWorkshop, Workshop

SAMPLES = Path(__file__).parent.parent / "assets"

_QUICK = 3e6  # pixels that are painted in a second or two


class Studio:
    """The styles there are, the workshop, and the results that visitors may fetch."""

    def __init__(self, folder: Path, model: str, limits: Limits, hire: Hire | None = None) -> None:
        """Loads the network that paints; results go into a folder inside `folder`.

        Args:
          folder: where files go.
          model: the network, by name or file.
          limits: what a visitor may ask for.
          hire: starts workers that do the jobs; None: this process does them.

        Raises:
          JaxnstError: there is no such model, or it does not paint; or there are no workers.
        """
        self.limits, self.presence = limits, Presence()
        self.results = Results(folder / "results", int(1e6 * limits.storage))
        self._gallery = Stylizer(model).gallery
        self.workshop: Workshop = (
            HiredWorkshop(hire(HiredHand(model))) if hire else OwnWorkshop(self._gallery)
        )
        self._painted: set[tuple[int, int, bool]] = set()

    @property
    def styles(self) -> dict[str, str]:
        """Titles of the styles by their names."""
        return {name: row.get("title") or name for name, row in self._rows.items()}

    @property
    def artists(self) -> dict[str, str]:
        """Who painted the styles, by their names, as far as it is known."""
        return {name: row["artist"] for name, row in self._rows.items() if row.get("artist")}

    @property
    def has_strengths(self) -> bool:
        """Whether a style can be applied by halves."""
        return self._gallery.has_strengths

    @property
    def model_record(self) -> dict[str, Any]:
        """What a painting's file says of the network that made it."""
        gallery = self._gallery
        return {"sha256": {name: gallery.model(name).card["sha256"] for name in gallery.styles}}

    @property
    def _rows(self) -> dict[str, dict[str, Any]]:
        gallery = self._gallery
        return {name: gallery.model(name).style for name in gallery.styles}

    def check_look(self, look: Weights, strength: float) -> None:
        """Raises JaxnstError unless there are such styles, and such a strength."""
        self._gallery.params(look, strength)

    def paint(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """A photo [H, W, 3], uint8, painted with its longer side at `size`."""
        painting = self.workshop.paint(photo, look, strength, keep_colors, size)
        self._painted.add(_canvas(photo, size, keep_colors))
        return painting

    def takes_long(self, photo: np.ndarray, keep_colors: bool, size: int) -> bool:
        """Whether painting takes seconds: the result is large, or functions must be compiled."""
        height, width = fit_long_side(photo.shape[:2], size)
        is_new = _canvas(photo, size, keep_colors) not in self._painted
        return is_new or height * width > _QUICK

    @property
    def scales(self) -> list[int]:
        """How many times pictures can be enlarged."""
        return list(UPSCALING)

    @property
    def sharper_scales(self) -> list[int]:
        """Those for which there is a network trained by features."""
        return list(SHARPER)

    def upscaler(self, scale: int, *, sharp: bool) -> tuple[str, dict[str, Any]]:
        """The name of what enlarges so many times, by features if it is to be sharp, and what a
        picture's file says of it.

        Raises:
          JaxnstError: nothing does.
        """
        name = upscaling_model(scale, sharp=sharp)
        return name, {"sha256": _sha256(name)}

    def open(self, path: str, *, min_side: int = 32, keep_profile: bool = False) -> Picture:
        """The picture that a visitor has uploaded, see `load`.

        Raises:
          JaxnstError: it is none, or too large.
        """
        with open(path, "rb") as file:
            try:
                limit = self.limits.pixels
                return load(file, min_side=min_side, max_pixels=limit, keep_profile=keep_profile)
            except JaxnstError as error:
                cause = str(error).removeprefix("<stream>: ")
                raise JaxnstError(f"This picture cannot be used: {cause}.") from error


@cache
def _sha256(name: str) -> str:
    """That of the arrays of a network that enlarges."""
    return load_model(name).card["sha256"]


def _canvas(photo: np.ndarray, size: int, keep_colors: bool) -> tuple[int, int, bool]:
    """What functions are compiled for to paint a photo: sides of a canvas, and whose colors."""
    height, width = (-(-side // BUCKET) for side in fit_long_side(photo.shape[:2], size))
    return height, width, keep_colors


def whole(name: str, value: Any, high: int) -> int:
    """A number of a visitor's, from 0, as an integer.

    Raises:
      JaxnstError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise JaxnstError(f"{name} is {str(value)[:20]}: give a whole number")
    check_number(name, value, high=high)
    return int(value)
