"""Painting by nearest neighbors from coarse to fine (Kolkin et al., 2022): what is matched next.

At each size the picture so far brings the large strokes, and the photo the detail that the smaller
size could not hold. A little noise lets even parts of a photo find more than one feature.
"""

import jax
import jax.numpy as jnp

from jaxnst.ops.resampling import resize_bicubic

GRAIN = 0.03
"""Deviation of the noise, at all sizes but the last."""

_MIXED = 0.75  # share of the picture so far, beside the photo


def joined(photo: jax.Array, before: jax.Array, painting: jax.Array) -> jax.Array:
    """What is matched at a size: a painting of a smaller size, enlarged, with the photo's detail.

    Args:
      photo: [H, W, 3] in [0, 1].
      before: the photo at the smaller size, [h, w, 3].
      painting: what was painted there, [h, w, 3].
    """
    size = (photo.shape[0], photo.shape[1])
    detail = photo - resize_bicubic(before, size)
    large = resize_bicubic(painting, size) + detail
    return _MIXED * large + (1 - _MIXED) * photo


def grained(picture: jax.Array, key: jax.Array, deviation: float) -> jax.Array:
    """A picture [H, W, 3] with gray noise."""
    if not deviation:
        return picture
    return picture + deviation * jax.random.normal(key, (*picture.shape[:2], 1))


def smaller(photo: jax.Array, part: int) -> jax.Array:
    """A photo [H, W, 3] at a part of its size."""
    size = (photo.shape[0] // part, photo.shape[1] // part)
    return photo if part == 1 else jnp.clip(resize_bicubic(photo, size), 0, 1)
