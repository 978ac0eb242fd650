"""What all that paints in one pass shares: sizes, batches, strokes, regions and colors.

A subclass paints photos at their own size; how its styles are found is its own affair.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import repeat

import jax
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference.look import Look
from jaxnst.inference.regions import combine
from jaxnst.inference.stroke import enlarge_painting, painted_size, resized
from jaxnst.io.resize import MIN_SIDE, fit_long_side, resize
from jaxnst.networks.gallery import PHOTO, Weights
from jaxnst.ops.pixels import from_uint8, to_uint8

BUCKET = 64
"""Sides of the pictures that functions are compiled for are multiples of this, in pixels."""


class Painter(ABC):
    """Paints photos in styles that it knows by name; see `__call__`."""

    holds_strokes = False
    """Whether strokes jump for the least noise: smoothing holds them then, and never mixes them."""

    @property
    @abstractmethod
    def styles(self) -> tuple[str, ...]:
        """The names of the styles."""

    @abstractmethod
    def paint_as_is(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
        """Starts painting photos uint8 [..., H, W, 3] at their own size, whatever the stroke.

        Returns:
          A function that waits for the paintings, uint8 [..., H, W, 3].

        Raises:
          JaxnstError: there is no such style or strength.
        """

    def __call__(
        self,
        image: ArrayLike,
        style: str | Weights,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = None,
    ) -> np.ndarray:
        """Paints a picture or a batch of pictures.

        Args:
          image: [H, W, 3] or [N, H, W, 3], uint8, RGB. What is less than 32 pixels high or wide is
            continued by its reflection for the network, and cut off again.
          style: one of `styles`, or weights by name for a blend, {"udnie": 1, "kiss": 2}.
          strength: from 0, the photo as it is, to 1, and beyond it up to 2.
          keep_colors: keep the photo's colors and take the painting's lightness.
          size: long side of the result; None: as it is.
          stroke: size of the strokes: 1 as on a picture of 768 pixels, from 0.1 to 10; what is
            larger is painted smaller and then enlarged. None: the picture is painted as it is.

        Returns:
          uint8, of the image's shape, or of its shape at the size asked for.

        Raises:
          JaxnstError: the image is not one, or there is no such style or strength.
        """
        return self.begin(
            image, style, strength=strength, keep_colors=keep_colors, size=size, stroke=stroke
        )()

    def in_regions(
        self,
        image: ArrayLike,
        masks: Mapping[str, ArrayLike],
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = None,
    ) -> np.ndarray:
        """Paints a picture in several styles, each in its region.

        Args:
          image: [H, W, 3], uint8, RGB.
          masks: [h, w] in [0, 1], of any size, by style; "photo" stands for the photo itself, and
            what no mask covers is left as it is, too.
          strength: as for `__call__`, as are the others.
          keep_colors: keep the photo's colors.
          size: long side of the result.
          stroke: size of the strokes.

        Returns:
          uint8 [H, W, 3], or at the size asked for.

        Raises:
          JaxnstError: the image or a mask is not one, or there is no such style.
        """
        photo = _photos(image, size)
        if photo.ndim != 3:
            raise JaxnstError(f"image has shape {photo.shape}: regions are for one, [H, W, 3]")
        looks = [
            Look(name, strength, keep_colors, stroke=stroke) for name in masks if name != PHOTO
        ]
        paintings = {str(look.style): self.start(photo, look)() for look in looks}
        paintings[PHOTO] = photo
        return combine(photo, paintings, masks)

    def begin(
        self,
        image: ArrayLike,
        style: str | Weights,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = None,
    ) -> Callable[[], np.ndarray]:
        """Starts painting and returns at once a function that waits for the result.

        In between, the next frame can be got ready. Takes what `__call__` takes.
        """
        look = Look(style, strength, keep_colors, stroke=stroke)
        return self.start(_photos(image, size), look)

    def start(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
        """As `begin`, of photos uint8 [..., H, W, 3]."""
        size = photos.shape[-3:-1]
        small_size = size if look.stroke is None else painted_size(size, look.stroke)
        if small_size == size:
            return self.paint_as_is(photos, look)
        batch = photos.reshape(-1, *photos.shape[-3:])
        small = np.stack([resized(photo, small_size) for photo in batch])
        paintings = self.paint_as_is(small, replace(look, keep_colors=False))

        def wait() -> np.ndarray:
            enlarged = map(enlarge_painting, paintings(), small, batch, repeat(look))
            return np.stack(list(enlarged)).reshape(photos.shape)

        return wait


def _photos(image: ArrayLike, size: int | None) -> np.ndarray:
    """The image as an array [..., H, W, 3], if it is one, at the size asked for."""
    photos = _checked(image)
    return photos if size is None else _resized(photos, size)


def _checked(image: ArrayLike) -> np.ndarray:
    """The image as an array, if it is one."""
    if isinstance(image, jax.core.Tracer):
        raise JaxnstError(
            "image is traced: photos are painted outside of jax.jit; within it apply "
            "`stylizer.gallery.network` to `stylizer.variables(style)`"
        )
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise JaxnstError(f"image has values of type {array.dtype}: give uint8")
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise JaxnstError(f"image has shape {array.shape}: expected [H, W, 3] or [N, H, W, 3]")
    return array


def _resized(photos: np.ndarray, size: int) -> np.ndarray:
    """The pictures [..., H, W, 3] with their long side at `size`."""
    check_number("size", size, low=MIN_SIDE, high=65_000)
    height_width = fit_long_side(photos.shape[-3:-1], size)
    if height_width == photos.shape[-3:-1]:
        return photos
    batch = photos.reshape(-1, *photos.shape[-3:])
    resized = [resize(from_uint8(photo), height_width) for photo in batch]
    return to_uint8(np.stack(resized)).reshape(*photos.shape[:-3], *height_width, 3)
