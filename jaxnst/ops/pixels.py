"""Pixels between uint8 [0, 255] and float32 [0, 1]."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxnst.errors import JaxnstError


def to_bytes(values: np.ndarray) -> np.ndarray:
    """8-bit values, clipped, halves rounded up."""
    return (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def to_floats(image: ArrayLike, name: str = "image") -> jax.Array:
    """Pixels as float32: uint8 divided by 255, floats as they are.

    Raises:
      JaxnstError: the values are of another type.
    """
    array = jnp.asarray(image)
    if array.dtype == jnp.uint8:
        return array.astype(jnp.float32) / 255
    check_floating(name, array)
    return array.astype(jnp.float32)


def check_floating(name: str, array: jax.Array | np.ndarray) -> None:
    """Raises JaxnstError unless the values are floats."""
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise JaxnstError(
            f"{name} has values of type {array.dtype}: give floats, uint8 pixels divided by 255"
        )
