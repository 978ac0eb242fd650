"""What all visitors share: networks that are loaded and compiled once, and a folder for results."""

import threading
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference.any_style import AnyStylizer
from jaxnst.inference.painter import BUCKET
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.codec import Picture, load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.gallery import Weights
from jaxnst.networks.model_file import SHARPER, UPSCALING, upscaling_model
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.pixels import to_uint8
from jaxnst.optimize.objective import loss_and_gradient
from jaxnst.perceptual import vgg, vgg_layers
from jaxnst.perceptual.weights import load_vgg
from jaxnst.web.limits import Limits
from jaxnst.web.storage import Results
from jaxnst.web.visitors import Presence

SAMPLES = Path(__file__).parent.parent / "assets"

_PREVIEW = 320  # pixels, of the square on which previews are painted
_QUICK = 3e6  # pixels that are painted in a second or two
_SIZES = 20  # of optimized pictures, for which functions are kept


class Studio:
    """The networks that paint and enlarge, and the results that visitors may fetch."""

    def __init__(self, folder: Path, model: str, limits: Limits) -> None:
        """Loads the network that paints; results go into a folder inside `folder`.

        Raises:
          JaxnstError: there is no such model, or it does not paint.
        """
        self.limits, self.presence = limits, Presence()
        self.results = Results(folder / "results", int(1e6 * limits.storage))
        self._stylizer = Stylizer(model)
        self._painted: set[tuple[int, int, bool]] = set()
        self._optimized: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

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
        return self._stylizer.gallery.has_strengths

    @property
    def model_record(self) -> dict[str, Any]:
        """What a painting's file says of the network that made it."""
        gallery = self._stylizer.gallery
        return {"sha256": {name: gallery.model(name).card["sha256"] for name in gallery.styles}}

    @property
    def _rows(self) -> dict[str, dict[str, Any]]:
        gallery = self._stylizer.gallery
        return {name: gallery.model(name).style for name in gallery.styles}

    def check_look(self, look: Weights, strength: float) -> None:
        """Raises JaxnstError unless there are such styles, and such a strength."""
        self._stylizer.gallery.params(look, strength)

    def paint(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """A photo [H, W, 3], uint8, painted with its longer side at `size`."""
        painting = self._stylizer(
            photo, look, strength=strength, keep_colors=keep_colors, size=size, stroke=1.0
        )
        self._painted.add(_canvas(photo, size, keep_colors))
        return painting

    def paint_like(
        self, painting: Picture, photo: np.ndarray, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """A photo [H, W, 3], uint8, in the style of a painting, with its longer side at `size`."""
        with self._lock:
            stylizer = _any_stylizer()
        return stylizer(
            photo, painting.as_uint8(), strength=strength, keep_colors=keep_colors, size=size
        )

    def takes_long(self, photo: np.ndarray, keep_colors: bool, size: int) -> bool:
        """Whether painting takes seconds: the result is large, or functions must be compiled."""
        height, width = fit_long_side(photo.shape[:2], size)
        is_new = _canvas(photo, size, keep_colors) not in self._painted
        return is_new or height * width > _QUICK

    def preview(
        self, photo: np.ndarray, look: Weights, strength: float = 1.0, keep_colors: bool = False
    ) -> np.ndarray:
        """A small painting of a photo [H, W, 3], uint8.

        It is painted on a square, whatever its shape, so that nothing is compiled for it.
        """
        height, width = fit_long_side(photo.shape[:2], _PREVIEW, 1)
        small = resize(photo.astype(np.float32) / 255, (height, width))
        margins = (0, _PREVIEW - height), (0, _PREVIEW - width), (0, 0)
        square = np.pad(small, margins, mode="reflect")
        painted = self._stylizer(to_uint8(square), look, strength=strength)
        if keep_colors:
            painted = to_uint8(np.asarray(transfer_luma(painted.astype(np.float32) / 255, square)))
        return painted[:height, :width]

    def paint_frame(
        self, frame: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """A webcam's frame [H, W, 3], uint8, painted; there are few sizes, compiled as they are."""
        return self._frame_stylizer(frame, look, strength=strength, keep_colors=keep_colors)

    @cached_property
    def _frame_stylizer(self) -> Stylizer:
        """Made ready for the first frame, not when the server starts."""
        return Stylizer(self._stylizer.gallery, exact=True)

    @property
    def scales(self) -> list[int]:
        """How many times pictures can be enlarged."""
        return list(UPSCALING)

    @property
    def sharper_scales(self) -> list[int]:
        """Those for which there is a network trained by features."""
        return list(SHARPER)

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
        if net not in vgg_layers.NETS:
            raise JaxnstError(f"net {net!r} is unknown: choose {', '.join(vgg_layers.NETS)}")
        with self._lock:
            return _vgg(net)

    def note_size(self, size: tuple[int, int]) -> None:
        """Forgets the losses that were compiled when pictures of too many sizes were optimized:
        each takes one of its own, for as long as the program runs."""
        with self._lock:
            self._optimized.add(size)
            if len(self._optimized) > _SIZES:
                self._optimized = {size}
                loss_and_gradient.clear_cache()  # type: ignore[attr-defined]

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
def _upscaler(name: str) -> Upscaler:
    return Upscaler(name)


@cache
def _any_stylizer() -> AnyStylizer:
    return AnyStylizer()


@cache
def _vgg(net: str) -> vgg.Params:
    return load_vgg(net)


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
