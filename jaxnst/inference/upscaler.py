"""Enlarging in one pass: uint8 in, uint8 out, any size from one pixel up.

A network for super-resolution sees no further than `reach` pixels. So a photo is enlarged in tiles
that overlap by as much, one after the other: the result is that of the whole, and memory does not
grow with it. Tiles come in a few sizes, to compile a few times only.

The networks that ship have learned from pictures without compression: they take the ripples that
JPEG leaves along edges for detail, and sharpen them.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import Picture
from jaxnst.io.files import display_name
from jaxnst.io.function_cache import cached_jit
from jaxnst.networks.base import prepare
from jaxnst.networks.kinds import UpscaleNetwork
from jaxnst.networks.model_file import UPSCALING, Model, load_model, upscaling_models
from jaxnst.ops import color
from jaxnst.ops.pixels import as_picture, from_uint8, to_uint8
from jaxnst.ops.tiles import split_rows

_FLOATS = 4e7  # in the largest features of a tile at most: about a gigabyte of memory
_REACHES = 12  # in a tile's side: caches like small tiles, but all compute their surroundings too
_BUCKET = 32  # sides are compiled for multiples of this, in pixels of the small photo


class Tile(NamedTuple):
    """A part of the small photo, in pixels."""

    top: int
    left: int
    height: int
    width: int


class Upscaler:
    """A trained network for super-resolution, ready to enlarge; see `__call__`."""

    def __init__(self, model: Model | str = UPSCALING[4], *, tile: int = 0) -> None:
        """Makes a model ready.

        Args:
          model: what enlarges, or its name or file as for `load_model`; by default four times.
          tile: side of the parts that are enlarged at a time, in pixels of the photo; 0: what is
            fast and takes no more than about a gigabyte of memory.

        Raises:
          JaxnstError: there is no such model, or it does not enlarge.
        """
        name = display_name(model) if isinstance(model, str) else "this model"
        if isinstance(model, str):
            model = load_model(model, known=upscaling_models())
        self.model, network = model, model.network
        if not isinstance(network, UpscaleNetwork):
            raise JaxnstError(
                f"{name} does not enlarge: give one of {', '.join(upscaling_models())}"
            )
        self._network = network
        self._tile = tile or _fitting_tile(network)

    @functools.cached_property
    def _variables(self) -> Any:
        """What the network enlarges with, prepared for this machine."""
        return prepare(self._network, jax.device_put(self.model.params))

    @property
    def scale(self) -> int:
        """How many times as wide and high results are."""
        return self._network.scale

    def __call__(
        self, image: ArrayLike, *, progress: Callable[[float], None] = lambda _: None
    ) -> np.ndarray:
        """Enlarges a picture [H, W, 3], uint8, RGB, to [scale H, scale W, 3].

        Args:
          image: of any size.
          progress: is told the part that is done, up to 1, after every tile.

        Raises:
          JaxnstError: the image is not one.
        """
        photo = as_picture("image", image)
        scale, reach = self.scale, self._network.reach
        result = np.empty((scale * photo.shape[0], scale * photo.shape[1], 3), np.uint8)
        tiles = list(split(photo.shape[0], photo.shape[1], self._tile))
        around = np.pad(photo, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
        for done, tile in enumerate(tiles, start=1):
            part = self._enlarged(around, tile)
            rows = slice(scale * tile.top, scale * (tile.top + tile.height))
            columns = slice(scale * tile.left, scale * (tile.left + tile.width))
            result[rows, columns] = part
            progress(done / len(tiles))
        return result

    def _enlarged(self, around: np.ndarray, tile: Tile) -> np.ndarray:
        """A tile of the photo, of which `around` has the reach on each side."""
        reach, scale = self._network.reach, self.scale
        rows = slice(tile.top, tile.top + tile.height + 2 * reach)
        columns = slice(tile.left, tile.left + tile.width + 2 * reach)
        window = around[rows, columns]
        missing = [-side % _BUCKET for side in (tile.height, tile.width)]
        window = np.pad(window, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        part = np.asarray(_enlarge(self._network, self._variables, window))
        return part[: scale * tile.height, : scale * tile.width]


def enlarge_picture(
    upscaler: Upscaler,
    photo: Picture,
    *,
    match_histogram: bool = False,
    progress: Callable[[float], None] = lambda _: None,
) -> Picture:
    """A picture enlarged with its alpha; one that is gray stays gray.

    Args:
      upscaler: what enlarges.
      photo: of any size.
      match_histogram: give the result the histogram of the photo, as in Johnson et al. (2016).
      progress: as for `Upscaler`.
    """
    rgb: Any = from_uint8(upscaler(to_uint8(photo.rgb), progress=progress))
    if match_histogram:
        rgb = color.match_histogram(rgb, photo.rgb)
    if np.all(photo.rgb == photo.rgb[..., :1]):
        rgb = np.repeat(rgb.mean(axis=-1, keepdims=True), 3, axis=-1)
    return photo.with_rgb(rgb)


def split(height: int, width: int, side: int) -> Iterator[Tile]:
    """Tiles that cover every pixel once, row by row."""
    for rows in split_rows(height, side):
        for columns in split_rows(width, side):
            size = rows.bottom - rows.top, columns.bottom - columns.top
            yield Tile(rows.top, columns.top, *size)


@cached_jit(static=("network",))
def _enlarge(network: UpscaleNetwork, variables: Mapping[str, Any], window: jax.Array) -> jax.Array:
    """uint8 [H + 2 reach, W + 2 reach, 3] to uint8 [scale H, scale W, 3]."""
    enlarged = network.apply(variables, from_uint8(window[None]))
    assert isinstance(enlarged, jax.Array)
    rim = network.scale * network.reach
    inner = enlarged[0, rim : enlarged.shape[1] - rim, rim : enlarged.shape[2] - rim]
    return to_uint8(inner)


def _fitting_tile(network: UpscaleNetwork) -> int:
    largest = math.isqrt(int(_FLOATS / network.floats_per_pixel)) // _BUCKET
    fast = math.ceil(_REACHES * network.reach / _BUCKET)
    return _BUCKET * max(1, min(fast, largest))
