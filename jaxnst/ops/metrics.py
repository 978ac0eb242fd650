"""How much one picture differs from another: PSNR, SSIM, and a distance between VGG's features.

Pictures are [..., H, W, C], floats in [0, 1] or uint8; results have the shape of "...". Papers on
super-resolution measure on the luma of video, `video_luma`, less a border as wide as the scale
(`crop_border`).
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnst.errors import JaxnstError
from jaxnst.ops.gaussian import gaussian_window
from jaxnst.ops.pixels import to_floats

_WINDOW = 11  # positions; of SSIM
_SIGMA = 1.5
_STABLE = (0.01**2, 0.03**2)


def video_luma(rgb: ArrayLike) -> jax.Array:
    """BT.601 luma [..., H, W, 1] with the range of video, 16/255 to 235/255."""
    weights = jnp.array([65.481, 128.553, 24.966], jnp.float32) / 255
    return 16 / 255 + jnp.sum(to_floats(rgb) * weights, axis=-1, keepdims=True)


def crop_border(image: jax.Array, border: int) -> jax.Array:
    """The images [..., H, W, C] without so many rows and columns at each edge."""
    height, width = image.shape[-3:-1]
    return image[..., border : height - border, border : width - border, :]


def psnr(image: ArrayLike, reference: ArrayLike) -> jax.Array:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures."""
    image, reference = same_shape(image, reference)
    return -10 * jnp.log10(jnp.mean(jnp.square(image - reference), (-3, -2, -1)))


def ssim(image: ArrayLike, reference: ArrayLike) -> jax.Array:
    """Structural similarity (Wang et al., 2004), at most 1: mean over channels and positions.

    A Gaussian window of 11 x 11 positions, sigma 1.5, only where it lies within the picture.

    Raises:
      JaxnstError: the pictures are smaller than the window, or not of one shape.
    """
    image, reference = same_shape(image, reference)
    if min(image.shape[-3:-1]) < _WINDOW:
        raise JaxnstError(f"SSIM needs pictures of at least {_WINDOW} pixels a side")
    mean_a, mean_b = _windowed(image), _windowed(reference)
    variance_a = _windowed(jnp.square(image)) - jnp.square(mean_a)
    variance_b = _windowed(jnp.square(reference)) - jnp.square(mean_b)
    covariance = _windowed(image * reference) - mean_a * mean_b
    first, second = _STABLE
    likeness = (2 * mean_a * mean_b + first) * (2 * covariance + second)
    scale = (mean_a**2 + mean_b**2 + first) * (variance_a + variance_b + second)
    return jnp.mean(likeness / scale, (-3, -2, -1))


def _windowed(x: jax.Array) -> jax.Array:
    """Means of [..., H, W, C] under the window, [..., H - 10, W - 10, C]."""
    return gaussian_window(x, _SIGMA, _WINDOW // 2)


def same_shape(image: ArrayLike, reference: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Two pictures [..., H, W, C] as float32, [0, 1].

    Raises:
      JaxnstError: they are not of one shape, or neither floats nor uint8.
    """
    a, b = to_floats(image), to_floats(reference, "reference")
    if a.shape != b.shape or a.ndim < 3:
        raise JaxnstError(
            f"pictures of shapes {a.shape} and {b.shape} are not two of one shape [..., H, W, C]"
        )
    return a, b
