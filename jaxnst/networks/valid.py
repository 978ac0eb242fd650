"""Which part of a picture is picture: the rest is padding, up to a size that is compiled for."""

import jax
import numpy as np

Valid = tuple[jax.Array | np.int32, jax.Array | np.int32] | None
"""How many rows and columns belong to a picture and are not padding; None: all of them."""


def downsampled(valid: Valid, stride: int) -> Valid:
    """The valid rows and columns where positions are `stride` pixels apart."""
    return None if valid is None else (valid[0] // stride, valid[1] // stride)
