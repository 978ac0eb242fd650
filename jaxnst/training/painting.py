"""The painting that a network learns from, and what its card will say of it."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from jaxnst.errors import JaxnstError, check_number, nearest
from jaxnst.io.codec import load
from jaxnst.io.files import display_name
from jaxnst.io.folders import list_images
from jaxnst.io.resize import fit_long_side, resize


@dataclasses.dataclass(frozen=True)
class Painting:
    """A style to be learned."""

    name: str
    """What `--style` will call it."""
    file: str
    """The picture; a relative path is looked for in the folder with the paintings."""
    title: str = ""
    """What the painting is called."""
    artist: str = ""
    """Who painted it."""
    year: str = ""
    """When."""
    licence: str = ""
    """On what terms the picture may be used."""
    size: int = 900
    """Long side at which its strokes are learned, in pixels, if it is as large; more: larger
    strokes."""
    margin: float = 0.0
    """Part of the height and of the width to cut off at each side, as for a painted frame."""
    weight: float = 1.0
    """Its style weight relative to that of others."""

    def __post_init__(self) -> None:
        check_number("size", self.size, low=64, high=8192)
        check_number("margin", self.margin, high=0.4)
        check_number("weight", self.weight)

    @property
    def card(self) -> dict[str, str]:
        """What a model's card says of it."""
        shown = ("name", "title", "artist", "year", "licence")
        return {name: getattr(self, name) for name in shown}

    def load(self, folder: str = "") -> np.ndarray:
        """The picture [H, W, 3], without its margin, at the size that is learned from.

        Raises:
          JaxnstError: there is no such picture; the folder's are named.
        """
        path = Path(folder, self.file)
        if folder and os.path.isdir(folder) and not path.is_file():
            names = [p.name for p in list_images(folder)]
            raise JaxnstError(
                f"painting {self.file!r} is not in {display_name(folder)}: "
                f"{nearest(self.file, names)}"
            )
        picture = load(path).rgb
        height, width = picture.shape[:2]
        top, left = round(self.margin * height), round(self.margin * width)
        picture = picture[top : height - top, left : width - left]
        long_side = min(self.size, max(picture.shape[:2]))  # there is no detail in an enlarged one
        return resize(picture, fit_long_side(picture.shape[:2], long_side))
