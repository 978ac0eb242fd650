"""Several paintings of one photo in one picture, each in its region."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError
from jaxnst.io.resize import resize


def combine(
    photo: np.ndarray, paintings: Mapping[str, np.ndarray], masks: Mapping[str, ArrayLike]
) -> np.ndarray:
    """Paintings where their masks are, and the photo where none is: uint8 [H, W, 3].

    Args:
      photo: uint8 [H, W, 3].
      paintings: of the photo, uint8 [H, W, 3], by name.
      masks: [h, w] in [0, 1] by the same names, of any size; values between are soft borders.
        Where they add up to more than 1 they share the pixel.

    Raises:
      JaxnstError: a mask is none.
    """
    covers = {name: _checked(name, mask, photo.shape[:2]) for name, mask in masks.items()}
    total = sum(covers.values(), np.zeros(photo.shape[:2], np.float32))
    most = np.maximum(total, 1)[..., None]
    result = (1 - np.minimum(total, 1))[..., None] * photo
    for name, cover in covers.items():
        result += cover[..., None] / most * paintings[name]
    return np.rint(result.clip(0, 255)).astype(np.uint8)


def _checked(name: str, mask: ArrayLike, height_width: tuple[int, int]) -> np.ndarray:
    """The mask at the photo's size, if it is one."""
    array = np.asarray(mask)
    is_number = array.dtype.kind in "bf"
    if array.ndim != 2 or not is_number or not array.size:
        raise JaxnstError(
            f"mask of {name!r} has shape {array.shape} and type {array.dtype}: expected [H, W], "
            f"floats in [0, 1]"
        )
    array = array.astype(np.float32)
    if not (array.min() >= 0 and array.max() <= 1):
        raise JaxnstError(f"mask of {name!r} has values outside [0, 1]: give floats in it")
    return resize(array, height_width)
