"""Strokes of a size of their own: a large photo is painted small, and the painting enlarged.

A network's strokes have a size in pixels. So that a photo of 3,000 pixels looks like the same photo
of 768, only finer, it is painted at that size; what a network for super-resolution makes of the
painting then has the photo's size. At a strength below 1 the detail of the photo that the smaller
size cannot hold is added in the same measure, so that strength 0 is the photo itself.
"""

import functools

import numpy as np
from PIL import Image

from jaxnst.errors import check_number
from jaxnst.inference.look import Look
from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.resize import fit_long_side
from jaxnst.networks.model_file import UPSCALING
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.pixels import from_uint8, to_uint8

STROKE_SIDE = 768
"""Long side in pixels at which a photo is painted with strokes of size 1."""

_NEAR = 1.7  # times as large, up to which interpolation will do: a network takes ten times as long


def painted_size(height_width: tuple[int, int], stroke: float) -> tuple[int, int]:
    """Height and width at which a photo is painted; its own, if it is small enough.

    Args:
      height_width: of the photo, pixels.
      stroke: size of the strokes, from 0.1 to 10; 2 are twice as large as 1.
    """
    check_number("stroke", stroke, low=0.1, high=10)
    longest = round(STROKE_SIDE / stroke)
    return height_width if max(height_width) <= longest else fit_long_side(height_width, longest)


def enlarge_painting(
    painting: np.ndarray, small: np.ndarray, photo: np.ndarray, look: Look
) -> np.ndarray:
    """A painting at its photo's size, uint8 [H, W, 3].

    Args:
      painting: uint8 [h, w, 3], in its own colors.
      small: the photo at the size that was painted, uint8 [h, w, 3].
      photo: uint8 [H, W, 3].
      look: how it was painted.
    """
    enlarged = _enlarged(painting, photo.shape[:2], look.quick)
    if look.strength < 1:
        detail = photo.astype(np.float32) - _enlarged(small, photo.shape[:2], look.quick)
        enlarged = to_uint8((enlarged + (1 - look.strength) * detail) / 255)
    if look.keep_colors:
        enlarged = to_uint8(np.asarray(transfer_luma(from_uint8(enlarged), from_uint8(photo))))
    return enlarged


def resized(picture: np.ndarray, height_width: tuple[int, int]) -> np.ndarray:
    """A picture uint8 [H, W] or [H, W, 3] at another size, antialiased bicubic."""
    height, width = height_width
    if picture.shape[:2] == (height, width):
        return picture
    image = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _enlarged(picture: np.ndarray, height_width: tuple[int, int], quick: bool) -> np.ndarray:
    """A picture uint8 [h, w, 3] at a larger size, by a network if that is much larger."""
    times = max(height_width) / max(picture.shape[:2])
    if times > _NEAR and not quick:
        scale = next((scale for scale in sorted(UPSCALING) if scale >= times), max(UPSCALING))
        picture = _upscaler(scale)(picture)
    return resized(picture, height_width)


@functools.cache
def _upscaler(scale: int) -> Upscaler:
    return Upscaler(UPSCALING[scale])
