"""Pixels between uint8 [0, 255] and float32 [0, 1], the same for NumPy's arrays and JAX's."""

from typing import TypeVar

import jax
import numpy as np

Pixels = TypeVar("Pixels", np.ndarray, jax.Array)


def to_uint8(values: Pixels) -> Pixels:
    """Floats as 8-bit values: clipped to [0, 1], halves rounded up."""
    return (values.clip(0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def from_uint8(values: Pixels) -> Pixels:
    """8-bit values as float32 in [0, 1]."""
    return values.astype(np.float32) / 255
