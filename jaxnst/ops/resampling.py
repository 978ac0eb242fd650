"""Pictures at other sizes by bicubic interpolation, to the last bit as the usual test sets have it.

Super-resolution is measured on pictures that Matlab's `imresize` has made small, and networks must
be trained on the same kind. The kernel widens when shrinking, pictures go on beyond their edges as
they end there, and pictures of 8 bits are rounded after the rows and again after the columns;
`jax.image.resize` does the last two otherwise. Float arrays [..., H, W, C]; pure functions that can
be traced.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.ops.gaussian import gaussian_window

_SIGMA, _RADIUS = 1.0, 4  # pixels; of the blur in Johnson et al. (2016)


def resize_bicubic(
    image: jax.Array, height_width: tuple[int, int], *, quantize: bool = False
) -> jax.Array:
    """The images [..., H, W, C] at another size, antialiased, by Keys's kernel (1981), a = -0.5.

    With `quantize` images in [0, 1] are rounded to multiples of 1/255 on the way and in the end, as
    pictures of 8 bits are; otherwise they may overshoot, and can be differentiated.
    """
    keep = _rounded if quantize else lambda x: x
    rows, columns = (
        jnp.asarray(_weights(*lengths), image.dtype)
        for lengths in zip(image.shape[-3:-1], height_width, strict=True)
    )
    image = keep(jnp.einsum("yh,...hwc->...ywc", rows, image, precision="highest"))
    return keep(jnp.einsum("xw,...hwc->...hxc", columns, image, precision="highest"))


def enlarge_bicubic(image: jax.Array, scale: int) -> jax.Array:
    """What `resize_bicubic` gives for a whole number of times the size, many times faster.

    Every position becomes `scale` new ones, each of which sees the same five.
    """
    for axis in (image.ndim - 3, image.ndim - 2):
        image = _multiplied(image, scale, axis)
    return image


def enlarging_weights(scale: int) -> np.ndarray:
    """The weights [scale, 5] of the positions around an old one in the new ones it becomes."""
    # Of five positions made longer, those that come of the third.
    return _weights(5, 5 * scale)[2 * scale : 3 * scale]


def downsample(image: jax.Array, scale: int, *, blur: bool = False) -> jax.Array:
    """What a camera of less resolution would have seen: [..., H / scale, W / scale, C], of 8 bits.

    Args:
      image: [..., H, W, C] in [0, 1]; H and W are multiples of `scale`.
      scale: 2 or more.
      blur: with a Gaussian of one pixel beforehand, as in Johnson et al. (2016); otherwise as
        Matlab does it, which is how the usual test sets were made.
    """
    height, width = image.shape[-3:-1]
    if height % scale or width % scale:
        raise JaxnstError(f"an image of {width} x {height} cannot be divided by {scale}")
    if blur:
        edges = [(0, 0)] * (image.ndim - 3) + [(_RADIUS, _RADIUS)] * 2 + [(0, 0)]
        image = gaussian_window(jnp.pad(image, edges, mode="edge"), _SIGMA, _RADIUS)
    return resize_bicubic(image, (height // scale, width // scale), quantize=True)


def _rounded(image: jax.Array) -> jax.Array:
    return jnp.round(255 * jnp.clip(image, 0, 1)) / 255


def _multiplied(image: jax.Array, scale: int, axis: int) -> jax.Array:
    """The images, `scale` times as long in one axis."""
    length, shape = image.shape[axis], list(image.shape)
    weights = enlarging_weights(scale).T
    spread = jnp.asarray(weights, image.dtype).reshape(5, scale, *[1] * (image.ndim - axis - 1))
    padded = jnp.pad(image, [(2, 2) if i == axis else (0, 0) for i in range(image.ndim)], "edge")
    taps = [
        jnp.expand_dims(jax.lax.slice_in_dim(padded, i, i + length, axis=axis), axis + 1)
        for i in range(5)
    ]
    shape[axis] *= scale
    return sum(tap * spread[i] for i, tap in enumerate(taps)).reshape(shape)  # type: ignore[union-attr]


@functools.lru_cache(maxsize=64)
def _weights(length: int, new_length: int) -> np.ndarray:
    """The weight [new_length, length] of every old position in every new one."""
    scale = new_length / length
    widening = max(1.0, 1 / scale)
    centers = (np.arange(new_length) + 0.5) / scale - 0.5
    reach = int(np.ceil(2 * widening)) + 1
    taps = np.floor(centers).astype(int)[:, None] + np.arange(-reach, reach + 1)
    weights = _cubic((centers[:, None] - taps) / widening)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((new_length, length))
    np.add.at(matrix, (np.arange(new_length)[:, None], taps.clip(0, length - 1)), weights)
    return matrix.astype(np.float32)


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys's kernel with a = -0.5, 0 from 2 on."""
    x = np.abs(x)
    inner = 1.5 * x**3 - 2.5 * x**2 + 1
    outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))
