"""Photos that stay on the devices: decoded once, kept as uint8; batches are drawn there.

A step then waits for no host. The batch of a step follows from the seed and the step alone: it is
the same, sample by sample, for any number of devices, and a resumed run needs no other state.
"""

import functools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxnst.training.data import DataOptions, Subset
from jaxnst.training.step import Batch, Draw


class ResidentPhotos(NamedTuple):
    """Photos in the corners of canvases of one size."""

    pixels: Any
    """uint8 [P, H, W, 3]."""
    sizes: Any
    """int32 [P, 2]: height and width of each photo."""


class ResidentFeed(Iterator[Any]):
    """Gives the step the same photos again and again, in place of a stream of batches."""

    def __init__(self, photos: ResidentPhotos) -> None:
        """Takes photos that were replicated."""
        self._photos = photos

    def __next__(self) -> ResidentPhotos:
        return self._photos

    def get_state(self) -> dict[str, Any]:
        """Nothing: the step tells which batch is next."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes what `get_state` gave."""

    def close(self) -> None:
        """Frees nothing that needs to be freed."""


def pack(photos: Subset, options: DataOptions) -> ResidentPhotos:
    """All photos, none larger than its smallest squares need, on canvases of one size."""
    longest = math.ceil(options.crop / options.smallest)

    def small(index: int) -> np.ndarray:
        photo = photos[index]
        ratio = longest / min(photo.shape[:2])
        if ratio >= 1:
            return photo
        height, width = (max(longest, round(side * ratio)) for side in photo.shape[:2])
        return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(small, range(len(photos))))
    sizes = np.array([photo.shape[:2] for photo in found], np.int32)
    pixels = np.empty((len(found), *sizes.max(0), 3), np.uint8)
    for canvas, photo, size in zip(pixels, found, sizes, strict=True):
        rows, columns = sizes.max(0) - size
        # Interpolation reaches a little beyond the photo.
        canvas[:] = np.pad(photo, ((0, rows), (0, columns), (0, 0)), mode="edge")
    return ResidentPhotos(pixels, sizes)


def make_draw(options: DataOptions, seed: int, devices: int) -> Draw:
    """What draws a device's share of a batch, {"image": uint8 [N, S, S, 3], "seed": uint32 [N]}.

    Args:
      options: how photos become samples.
      seed: of the run.
      devices: how many share the batch.
    """
    share = options.batch // devices

    def draw(photos: ResidentPhotos, step: jax.Array, device: jax.Array) -> Batch:
        key = jax.random.fold_in(jax.random.key(seed), step)
        keys = jax.vmap(functools.partial(jax.random.fold_in, key))(
            device * share + jnp.arange(share)
        )
        return jax.vmap(lambda key: _sample(photos, key, options))(keys)

    return draw


def _sample(photos: ResidentPhotos, key: jax.Array, options: DataOptions) -> dict[str, jax.Array]:
    """A random square of a random photo, as `data.make_sample` takes it."""
    which, *places, flip, seed = jax.random.split(key, 6)
    index = jax.random.randint(which, (), 0, len(photos.sizes))
    size = photos.sizes[index].astype(jnp.float32)
    short, crop = jnp.min(size), float(options.crop)
    extent, top, left = (jax.random.uniform(place) for place in places)
    scale = options.smallest + (1 - options.smallest) * extent
    side = jnp.maximum(short * scale, jnp.minimum(short, crop))
    corner = jnp.stack([top, left]) * (size - side)
    image = jax.image.scale_and_translate(
        photos.pixels[index].astype(jnp.float32), (options.crop, options.crop, 3), (0, 1),
        jnp.full(2, crop / side), -corner * crop / side, "cubic",
    )  # fmt: skip
    if options.flip:
        image = jnp.where(jax.random.bernoulli(flip), image[:, ::-1], image)
    image = (jnp.clip(image, 0, 255) + 0.5).astype(jnp.uint8)
    return {"image": image, "seed": jax.random.bits(seed, (), jnp.uint32)}
