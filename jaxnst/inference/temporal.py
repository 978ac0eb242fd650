"""Less flicker in paintings of a video: where the photo is still, the painting is kept still.

Each painting is mixed with the one before, position by position: next to nothing of what is new
where the photo is as it was, all of it where the photo has changed, so that nothing moving drags a
ghost behind it. Strokes that jump for the least noise are held instead, each part as it was or all
new, since a mean of them is a blur. What has changed is told from means of 4x4 pixels,
compared with the photo that the smoothed painting stands for and not with the last frame: what
creeps is noticed in the end.
"""

import math
import sys
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

RUN_UP = math.ceil(math.log(1 / 255) / math.log(1 - LEAST))
"""Frames after which it no longer matters what the first of them was mixed with, unless parts are
held: each keeps at most 1 - `LEAST` of the one before, so that of a difference of 255 less than 1
is left."""

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


def start(photo: np.ndarray, painting: np.ndarray) -> Smoothed:
    """The state after the first frame: a photo and its painting, both uint8 [H, W, 3]."""
    return Smoothed(_blocks(photo), jnp.asarray(from_uint8(painting)))


def smooth(
    state: Smoothed, photo: np.ndarray, painting: np.ndarray, *, holds: bool = False
) -> tuple[Smoothed, jax.Array]:
    """The next frame: its state, and the painting to be shown, uint8 [H, W, 3].

    Args:
      state: after the frame before, of the same size.
      photo: uint8 [H, W, 3].
      painting: of the photo, uint8 [H, W, 3].
      holds: parts of the painting are held or replaced, and never mixed.
    """
    kept, weight = _follow(state.photo, photo, holds=holds)
    mixed, shown = _mix(state.painting, weight, painting)
    return Smoothed(kept, mixed), shown


class Smoother:
    """Smooths one painting after the other, and begins anew with another size.

    Frames may be passed over. The first painting after them is shown as it is; what has moved is
    told as if none had been left out, so that `run_up` frames later all is as if none had been.
    """

    def __init__(self, state: Smoothed | None = None, *, holds: bool = False) -> None:
        """Goes on from the state after a frame, or begins; `holds` as for `smooth`."""
        self.state, self._holds = state, holds
        self.run_up = sys.maxsize if holds else RUN_UP  # what is held may be from any frame
        self._photo: jax.Array | None = None  # that of the state there would be

    def __call__(self, photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        """What is to be shown of a painting of a photo, all uint8 [H, W, 3]."""
        if self._photo is not None:
            self.state, self._photo = Smoothed(self._photo, start(photo, painting).painting), None
        if self.state is None or self.state.painting.shape != painting.shape:
            self.state = start(photo, painting)
            return painting
        self.state, mixed = smooth(self.state, photo, painting, holds=self._holds)
        return np.asarray(mixed)

    def pass_over(self, photo: np.ndarray) -> None:
        """Takes note of a photo, uint8 [H, W, 3], that is not painted."""
        before = self._photo if self.state is None else self.state.photo
        if before is None:
            self._photo = _blocks(photo)
        else:
            self._photo, _ = _follow(before, photo, holds=self._holds)
        self.state = None


@partial(jax.jit, static_argnames="holds")  # by itself: rounded the same without a painting
def _follow(before: jax.Array, photo: jax.Array, *, holds: bool) -> tuple[jax.Array, jax.Array]:
    """The next `Smoothed.photo`, and how much of the new painting each block gets."""
    blocks = _blocks(photo)
    weight = _weights(jnp.max(jnp.abs(blocks - before), axis=-1), holds=holds)
    return before + weight[..., None] * (blocks - before), weight


@jax.jit
def _mix(before: jax.Array, weight: jax.Array, painting: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The next `Smoothed.painting`, and the same as uint8."""
    height, width = painting.shape[:2]
    full = (weight.shape[0] * _BLOCK, weight.shape[1] * _BLOCK)
    fine = jax.image.resize(weight, full, "linear")[:height, :width, None]
    mixed = before + fine * (from_uint8(painting) - before)
    return mixed, to_uint8(mixed)


def _weights(change: jax.Array, *, holds: bool) -> jax.Array:
    """How much of the new painting each block gets, from how much the photo has changed."""
    moving = jnp.clip((change - STILL) / (MOVING - STILL), 0, 1)
    around = jax.lax.reduce_window(moving, 0.0, jax.lax.max, (3, 3), (1, 1), "SAME")
    weight = (around > 0.5).astype(around.dtype) if holds else LEAST + (1 - LEAST) * around
    return jnp.where(jnp.mean(moving) > CUT, 1.0, weight)


@jax.jit
def _blocks(photo: jax.Array) -> jax.Array:
    """Means of blocks of pixels, [H / 4, W / 4, 3], rounded up."""
    rows, columns = (-side % _BLOCK for side in photo.shape[:2])
    padded = jnp.pad(from_uint8(photo), ((0, rows), (0, columns), (0, 0)), mode="edge")
    h, w = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    return jnp.mean(padded.reshape(h, _BLOCK, w, _BLOCK, 3), axis=(1, 3))
