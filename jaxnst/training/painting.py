"""The painting that a network learns from, and what its card will say of it."""

import dataclasses
import os
from pathlib import Path

from jaxnst.errors import JaxnstError, check_number, nearest
from jaxnst.io.codec import Picture, load
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

    def load(self, folder: str = "") -> Picture:
        """The picture without its margin, at the size that is learned from.

        Raises:
          JaxnstError: there is no such picture; the folder's are named. Or nothing is seen in it.
        """
        path = Path(folder, self.file)
        if folder and os.path.isdir(folder) and not path.is_file():
            names = [p.name for p in list_images(folder)]
            raise JaxnstError(
                f"painting {self.file!r} is not in {display_name(folder)}: "
                f"{nearest(self.file, names)}"
            )
        picture = load(path)
        height, width = picture.rgb.shape[:2]
        top, left = round(self.margin * height), round(self.margin * width)
        inner = slice(top, height - top), slice(left, width - left)
        alpha = None if picture.alpha is None else picture.alpha[inner]
        if alpha is not None and not alpha.any():
            raise JaxnstError(
                f"{display_name(path)}: is wholly transparent: give a picture with something to see"
            )
        picture = Picture(picture.rgb[inner], alpha)
        size = picture.rgb.shape[:2]
        long_side = min(self.size, max(size))  # there is no detail in an enlarged one
        return picture.with_rgb(resize(picture.rgb, fit_long_side(size, long_side)))
