"""Less flicker in paintings of a video: where the photo is still, the painting is kept still.

Each painting is mixed with the one before, position by position: next to nothing of what is new
where the photo is as it was, all of it where the photo has changed, so that nothing moving drags a
ghost behind it. Strokes that jump for the least noise are held instead, each part as it was or all
new, since a mean of them is a blur. What has changed is told from means of 4x4 pixels,
compared with the photo that the smoothed painting stands for and not with the last frame: what
creeps is noticed in the end.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.ops.pixels import from_uint8, to_uint8

LEAST = 0.05
"""Weight of the new painting where the photo is still."""

STILL, MOVING = 8 / 255, 20 / 255
"""Differences of the photo up to which it counts as still, and from which on as moving."""

CUT = 0.5
"""A part of the picture that moves at once like this is another scene, of which nothing is kept."""

_BLOCK = 4


class Smoothed(NamedTuple):
    """What the next painting is mixed with."""

    photo: jax.Array
    """Means of its blocks, [H / 4, W / 4, 3] in [0, 1]."""
    painting: jax.Array
    """[H, W, 3] in [0, 1], unrounded: rounding would stop it short of what it should become."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What can be kept in a file."""
        return {name: np.asarray(array) for name, array in self._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Smoothed":
        """What `to_arrays` gave, to the bit."""
        return cls(**{name: jnp.asarray(array) for name, array in arrays.items()})


@jax.jit
def start(photo: jax.Array, painting: jax.Array) -> Smoothed:
    """The state after the first frame: a photo and its painting, both uint8 [H, W, 3]."""
    return Smoothed(_blocks(photo), from_uint8(painting))


@partial(jax.jit, static_argnames="holds")
def smooth(
    state: Smoothed, photo: jax.Array, painting: jax.Array, *, holds: bool = False
) -> tuple[Smoothed, jax.Array]:
    """The next frame: its state, and the painting to be shown, uint8 [H, W, 3].

    Args:
      state: after the frame before, of the same size.
      photo: uint8 [H, W, 3].
      painting: of the photo, uint8 [H, W, 3].
      holds: parts of the painting are held or replaced, and never mixed.
    """
    blocks = _blocks(photo)
    weight = _weights(jnp.max(jnp.abs(blocks - state.photo), axis=-1), holds=holds)
    height, width = photo.shape[:2]
    full = (weight.shape[0] * _BLOCK, weight.shape[1] * _BLOCK)
    fine = jax.image.resize(weight, full, "linear")[:height, :width, None]
    mixed = state.painting + fine * (from_uint8(painting) - state.painting)
    kept = state.photo + weight[..., None] * (blocks - state.photo)
    return Smoothed(kept, mixed), to_uint8(mixed)


class Smoother:
    """Smooths one painting after the other, and begins anew with another size."""

    def __init__(self, state: Smoothed | None = None, *, holds: bool = False) -> None:
        """Goes on from the state after a frame, or begins; `holds` as for `smooth`."""
        self.state, self._holds = state, holds

    def __call__(self, photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        """What is to be shown of a painting of a photo, all uint8 [H, W, 3]."""
        if self.state is None or self.state.painting.shape != painting.shape:
            self.state = start(photo, painting)
            return painting
        self.state, mixed = smooth(self.state, photo, painting, holds=self._holds)
        return np.asarray(mixed)


def _weights(change: jax.Array, *, holds: bool) -> jax.Array:
    """How much of the new painting each block gets, from how much the photo has changed."""
    moving = jnp.clip((change - STILL) / (MOVING - STILL), 0, 1)
    around = jax.lax.reduce_window(moving, 0.0, jax.lax.max, (3, 3), (1, 1), "SAME")
    weight = (around > 0.5).astype(around.dtype) if holds else LEAST + (1 - LEAST) * around
    return jnp.where(jnp.mean(moving) > CUT, 1.0, weight)


def _blocks(photo: jax.Array) -> jax.Array:
    """Means of blocks of pixels, [H / 4, W / 4, 3], rounded up."""
    rows, columns = (-side % _BLOCK for side in photo.shape[:2])
    padded = jnp.pad(from_uint8(photo), ((0, rows), (0, columns), (0, 0)), mode="edge")
    h, w = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    return jnp.mean(padded.reshape(h, _BLOCK, w, _BLOCK, 3), axis=(1, 3))
