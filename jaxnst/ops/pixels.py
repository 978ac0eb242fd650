"""Pixels between uint8 [0, 255] and float32 [0, 1], the same for NumPy's arrays and JAX's."""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.typing import ArrayLike

from jaxnst.errors import JaxnstError

Pixels = TypeVar("Pixels", np.ndarray, jax.Array)


def to_uint8(values: Pixels) -> Pixels:
    """Floats as 8-bit values: clipped to [0, 1], halves rounded up."""
    return (values.clip(0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def from_uint8(values: Pixels) -> Pixels:
    """8-bit values as float32 in [0, 1]."""
    return values.astype(np.float32) / 255


def to_floats(image: ArrayLike, name: str = "image") -> jax.Array:
    """Pixels as float32: uint8 divided by 255, floats as they are.

    Raises:
      JaxnstError: the values are of another type.
    """
    array = jnp.asarray(image)
    if array.dtype == jnp.uint8:
        return from_uint8(array)
    check_floating(name, array)
    return array.astype(jnp.float32)


def as_picture(name: str, image: npt.ArrayLike) -> np.ndarray:
    """The image as an array uint8 [H, W, 3].

    Raises:
      JaxnstError: it is not one.
    """
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3 or not array.size:
        raise JaxnstError(
            f"{name} has shape {array.shape} and type {array.dtype}: expected [H, W, 3], uint8"
        )
    return array


def check_floating(name: str, array: jax.Array | np.ndarray) -> None:
    """Raises JaxnstError unless the values are floats."""
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise JaxnstError(
            f"{name} has values of type {array.dtype}: give floats, uint8 pixels divided by 255"
        )
