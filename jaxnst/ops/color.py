"""Color spaces, and two ways to keep the colors of the photo.

Pictures are sRGB, float32, [0, 1], [..., H, W, 3]. Both NumPy and JAX arrays are accepted; results
are JAX arrays, and every function can be traced by `jax.jit`.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnst.ops.matrices import product

# ITU-R BT.601 weights of red and blue, as in JPEG; green has what is left of 1.
_RED, _BLUE = 0.299, 0.114
_GREEN = 1.0 - _RED - _BLUE

# Added to the variance of every color: (0.8 / 255)^2, the size of 8-bit rounding, so that a style
# without color, or of one color, does not have its rounding noise blown up.
_VARIANCE_FLOOR = 1e-5


def luma(rgb: ArrayLike) -> jax.Array:
    """BT.601 luma Y' [..., H, W] of a picture [..., H, W, 3], in [0, 1]; a gray has its own value.

    It is a weighted sum of the gamma-coded values, as in JPEG, and not of linear light.
    """
    red, green, blue = _channels(rgb)
    # Written as differences from green, so that grays come out to the last bit.
    return green + _RED * (red - green) + _BLUE * (blue - green)


def rgb_to_ycbcr(rgb: ArrayLike) -> jax.Array:
    """BT.601 full-range Y'CbCr [..., H, W, 3], as in JPEG: Y' in [0, 1], Cb and Cr around 0.5."""
    red, _, blue = _channels(rgb)
    y = luma(rgb)
    cb = 0.5 + (blue - y) / (2.0 * (1.0 - _BLUE))
    cr = 0.5 + (red - y) / (2.0 * (1.0 - _RED))
    return jnp.stack([y, cb, cr], axis=-1)


def ycbcr_to_rgb(ycbcr: ArrayLike) -> jax.Array:
    """RGB [..., H, W, 3] of BT.601 full-range Y'CbCr: the exact inverse of `rgb_to_ycbcr`.

    Not clipped: a Y'CbCr triple outside the RGB cube gives values outside [0, 1].
    """
    y, cb, cr = _channels(ycbcr)
    red = y + 2.0 * (1.0 - _RED) * (cr - 0.5)
    blue = y + 2.0 * (1.0 - _BLUE) * (cb - 0.5)
    green = (y - _RED * red - _BLUE * blue) / _GREEN
    return jnp.stack([red, green, blue], axis=-1)


def match_histogram(image: ArrayLike, reference: ArrayLike) -> jax.Array:
    """The image [H, W, 3] with the reference's distribution of values in each channel.

    Args:
        image: float, [0, 1].
        reference: of any size [H', W', 3].
    """
    pixels, wanted = (jnp.asarray(x).reshape(-1, 3) for x in (image, reference))
    matched = jax.vmap(_matched, in_axes=1, out_axes=1)(pixels, wanted)
    return matched.reshape(jnp.shape(image))


def transfer_luma(stylized: ArrayLike, content: ArrayLike) -> jax.Array:
    """The stylized picture in the photo's colors: luma of the one, chroma of the other.

    The luminance-only transfer of Gatys et al., "Preserving Color in Neural Artistic Style
    Transfer" (2016).

    Args:
        stylized: the picture that gives the luma [..., H, W, 3].
        content: the photo that gives Cb and Cr [..., H, W, 3], of the same size.

    Returns:
        The picture [..., H, W, 3], clipped to [0, 1].
    """
    y = luma(stylized)[..., None]
    chroma = rgb_to_ycbcr(content)[..., 1:]
    return jnp.clip(ycbcr_to_rgb(jnp.concatenate([y, chroma], axis=-1)), 0.0, 1.0)


def match_colors(
    style: ArrayLike, content: ArrayLike, *, style_alpha: ArrayLike | None = None
) -> jax.Array:
    """The style picture with the mean and the covariance of the photo's colors.

    Each color x becomes M (x - mean_s) + mean_c, M = Sigma_c^(1/2) Sigma_s^(-1/2): the symmetric
    square-root ("PCA") color transfer of Gatys et al., "Preserving Color in Neural Artistic Style
    Transfer" (2016). A small multiple of the identity is added to both covariances, so a gray style
    or a photo of one color gives a finite result, and equal pictures give the identity.

    Args:
        style: the picture to recolor [..., H, W, 3].
        content: the photo whose colors it takes [..., H', W', 3], of any size.
        style_alpha: how much each pixel of the style counts [..., H, W]; None: all alike.

    Returns:
        The picture [..., H, W, 3], clipped to [0, 1].
    """
    style_mean, style_covariance = _color_moments(style, style_alpha)
    content_mean, content_covariance = _color_moments(content)
    transform = product(
        _symmetric_power(content_covariance, 0.5), _symmetric_power(style_covariance, -0.5)
    )
    centered = jnp.asarray(style, jnp.float32) - style_mean
    # M acts on columns; pixels are rows. M itself need not be symmetric.
    recolored = product(centered, jnp.swapaxes(transform, -1, -2)[..., None, :, :])
    return jnp.clip(recolored + content_mean, 0.0, 1.0)


def _channels(picture: ArrayLike) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The three channels, [..., H, W] each."""
    picture = jnp.asarray(picture, jnp.float32)
    return picture[..., 0], picture[..., 1], picture[..., 2]


def _color_moments(rgb: ArrayLike, alpha: ArrayLike | None = None) -> tuple[jax.Array, jax.Array]:
    """Mean [..., 1, 1, 3] and floored covariance [..., 3, 3] of the pixels' colors."""
    rgb = jnp.asarray(rgb, jnp.float32)
    weight = jnp.ones(rgb.shape[:-1]) if alpha is None else jnp.asarray(alpha, jnp.float32)
    weight = weight[..., None]
    total = weight.sum(axis=(-3, -2), keepdims=True)
    mean = (weight * rgb).sum(axis=(-3, -2), keepdims=True) / total
    rows, weighted = (
        x.reshape(*rgb.shape[:-3], -1, 3) for x in (rgb - mean, weight * (rgb - mean))
    )
    covariance = product(jnp.swapaxes(rows, -1, -2), weighted) / total[..., 0]
    return mean, covariance + _VARIANCE_FLOOR * jnp.eye(3)


def _symmetric_power(matrix: jax.Array, exponent: float) -> jax.Array:
    """Power of symmetric positive definite matrices [..., 3, 3], through their eigenvalues."""
    values, vectors = jnp.linalg.eigh(matrix)
    # Rounding can push an eigenvalue under the floor that was added.
    powers = jnp.maximum(values, _VARIANCE_FLOOR) ** exponent
    return product(vectors * powers[..., None, :], jnp.swapaxes(vectors, -1, -2))


def _matched(values: jax.Array, wanted: jax.Array) -> jax.Array:
    """Values [N] with the distribution of others [M]; what was equal stays so."""
    ordered = jnp.sort(values)
    below, upto = (jnp.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    # In the middle of their equals, from 0 to 1.
    ranks = (below + upto).astype(jnp.float32) / (2 * len(values))
    positions = (jnp.arange(len(wanted), dtype=jnp.float32) + 0.5) / len(wanted)
    return jnp.interp(ranks, positions, jnp.sort(wanted))
