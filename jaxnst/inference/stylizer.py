"""Stylising in one pass: uint8 in, uint8 out, any size.

Functions are compiled for sizes that are multiples of 64. A picture of another size lies in the
corner of such a canvas, and the network is told its size, so that a folder of mixed sizes compiles
a few times only. It is first continued by its reflection to a multiple of the network's stride.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference import row_tiles as bands
from jaxnst.inference.row_tiles import paint_in_bands
from jaxnst.io.resize import MIN_SIDE, fit_long_side, resize
from jaxnst.networks import base as networks
from jaxnst.networks.base import Network
from jaxnst.networks.layers import Valid
from jaxnst.networks.model_file import Model, load_model
from jaxnst.ops.pixels import from_uint8, to_uint8

BUCKET = 64
"""Sides of the pictures that functions are compiled for are multiples of this, in pixels."""

WHOLE = 8e7
"""Floats in a network's largest features up to which a picture is painted as a whole; about six
times as much is in memory at once. Larger pictures are painted in bands."""


class Stylizer:
    """A trained model, ready to paint; see `__call__`."""

    def __init__(self, model: Model | str, *, exact: bool = False) -> None:
        """Makes a model ready.

        Args:
          model: what paints, or its name or file as for `load_model`.
          exact: compile for every size by itself, which takes seconds, but paints a third faster
            where sides are no multiples of 64: for video and cameras.
        """
        self._bucket = 1 if exact else BUCKET
        self.model = load_model(model) if isinstance(model, str) else model
        if not isinstance(self.model.network, Network):
            raise JaxnstError("this model enlarges pictures and has no styles: give another")
        self._network = self.model.network
        kernels = jax.tree.map(jnp.asarray, self.model.kernels)
        self._variables = jax.device_put(networks.prepare(self._network, kernels))

    def __call__(
        self,
        image: ArrayLike,
        style: str | Mapping[str, float],
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
    ) -> np.ndarray:
        """Paints a picture or a batch of pictures.

        Args:
          image: [H, W, 3] or [N, H, W, 3], uint8, RGB. What is less than 32 pixels high or wide is
            continued by its reflection for the network, and cut off again.
          style: one of `model.styles`, or weights by name for a blend, {"wave": 0.5, "kiss": 0.5}.
          strength: from 0, the photo as it is, to 1, and beyond it up to 2.
          keep_colors: keep the photo's colours and take the painting's lightness.
          size: long side of the result; None: as it is.

        Returns:
          uint8, of the image's shape, or of its shape at the size asked for.

        Raises:
          JaxnstError: the image is not one, or the model has no such style or strength.
        """
        return self.begin(image, style, strength=strength, keep_colors=keep_colors, size=size)()

    def begin(
        self,
        image: ArrayLike,
        style: str | Mapping[str, float],
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
    ) -> Callable[[], np.ndarray]:
        """Starts painting and returns at once a function that waits for the result.

        In between, the next frame can be got ready. Takes what `__call__` takes.
        """
        condition = self.model.condition(style, strength)
        photos = _checked(image)
        batch = photos.shape[:-3]
        photos = photos.reshape(-1, *photos.shape[-3:])
        if size is not None:
            photos = _resized(photos, size)
        height, width = photos.shape[1:3]
        photos = _enlarged(photos, self._network.stride, "reflect", MIN_SIDE)
        pixels = photos.shape[1] * photos.shape[2]
        is_huge = pixels * self._network.floats_per_pixel > WHOLE
        paint = self._in_bands if is_huge else self._at_once
        paintings = paint(photos, condition, keep_colors)

        def wait() -> np.ndarray:
            return np.asarray(paintings)[:, :height, :width].reshape(*batch, height, width, 3)

        return wait

    def _at_once(self, photos: np.ndarray, condition: np.ndarray, keep_colors: bool) -> jax.Array:
        """Paintings in the corner of canvases whose sides are multiples of the bucket."""
        canvases = _enlarged(photos, self._bucket, "constant")
        valid: Valid = None
        if canvases.shape != photos.shape:
            valid = (jnp.int32(photos.shape[1]), jnp.int32(photos.shape[2]))
        network, variables = self._network, self._variables
        return _paint(network, variables, canvases, condition, valid, keep_colors=keep_colors)

    def _in_bands(self, photos: np.ndarray, condition: np.ndarray, keep_colors: bool) -> jax.Array:
        network, variables = self._network, self._variables
        paintings = [
            paint_in_bands(network, variables, photo, condition, keep_colors=keep_colors)
            for photo in photos
        ]
        return jnp.stack(paintings)


@functools.partial(jax.jit, static_argnums=0, static_argnames="keep_colors")
def _paint(
    network: Network,
    variables: Mapping[str, Any],
    photos: jax.Array,
    condition: jax.Array,
    valid: Valid,
    *,
    keep_colors: bool,
) -> jax.Array:
    """uint8 [N, H, W, 3] to uint8 [N, H, W, 3], all with one condition [K]."""
    image = from_uint8(photos)
    painting = networks.paint(network, variables, image, condition, valid)
    return bands.finish(painting, image, keep_colors)


def _enlarged(photos: np.ndarray, multiple: int, mode: Any, least: int = 0) -> np.ndarray:
    """Pictures [N, H, W, 3] with rows and columns behind the last up to multiples of a number."""
    sides = photos.shape[1:3]
    rows, columns = (-(-max(side, least) // multiple) * multiple - side for side in sides)
    return np.pad(photos, ((0, 0), (0, rows), (0, columns), (0, 0)), mode=mode)


def _checked(image: ArrayLike) -> np.ndarray:
    """The image as an array, if it is one."""
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise JaxnstError(f"image has values of type {array.dtype}: give uint8")
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise JaxnstError(f"image has shape {array.shape}: expected [H, W, 3] or [N, H, W, 3]")
    return array


def _resized(photos: np.ndarray, size: int) -> np.ndarray:
    """The pictures [N, H, W, 3] with their long side at `size`."""
    check_number("size", size, low=MIN_SIDE, high=65_000)
    height_width = fit_long_side(photos.shape[1:3], size)
    if height_width == photos.shape[1:3]:
        return photos
    resized = [resize(from_uint8(photo), height_width) for photo in photos]
    return to_uint8(np.stack(resized))
