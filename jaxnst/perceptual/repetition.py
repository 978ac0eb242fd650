"""How much a texture repeats itself like a lattice.

Gram matrices do not tell a painting's strokes from one motif stamped at every eighth pixel, and
feed-forward networks find the latter easier to paint. What differs is the correlation of features
with themselves some way off (Sendik & Cohen-Or, 2017, deep correlations; Berger & Memisevic, 2017,
long-range consistency): near zero for strokes, large for a lattice.

Features are [..., H, W, C].
"""

import jax
import jax.numpy as jnp

_TINY = 1e-3  # of a channel's variance; activations are of the order of 10..1,000


def lattice_shifts(period: int) -> tuple[tuple[int, int], ...]:
    """Rows and columns at which a lattice of a period, in positions, meets itself: up to twice."""
    near, far = period, 2 * period
    straight = [(0, near), (near, 0), (0, far), (far, 0)]
    diagonal = [(near, near), (near, -near), (far, far), (far, -far)]
    knights = [(near, far), (far, near), (near, -far), (far, -near)]
    return (*straight, *diagonal, *knights)


def autocorrelation(
    features: jax.Array, shifts: tuple[tuple[int, int], ...], cover: jax.Array | None = None
) -> jax.Array:
    """Correlation of each channel with itself at a distance.

    Args:
      features: activations [..., H, W, C], larger than the shifts.
      shifts: rows, at least 0, and columns.
      cover: [H, W], at least 0: how much each position counts; None: all count as much.

    Returns:
      [..., len(shifts), C], from -1 to 1; 0 for a channel that is the same everywhere.
    """
    height, width = features.shape[-3:-1]
    centered = features - _mean(features, cover)[..., None, None, :]
    variance = _mean(jnp.square(centered), cover) + _TINY
    found = []
    for down, right in shifts:
        here = slice(down, None), slice(max(0, right), width + min(0, right))
        there = slice(None, height - down), slice(max(0, -right), width + min(0, -right))
        products = centered[..., *here, :] * centered[..., *there, :]
        both = None if cover is None else cover[here] * cover[there]
        found.append(_mean(products, both) / variance)
    return jnp.stack(found, axis=-2)


def _mean(features: jax.Array, cover: jax.Array | None) -> jax.Array:
    """The mean over positions [..., C], each counting as much as it is covered."""
    if cover is None:
        return jnp.mean(features, axis=(-3, -2))
    share = cover / jnp.sum(cover)
    return jnp.sum(share[..., None] * features, axis=(-3, -2))


def repetition_loss(
    features: jax.Array, target: jax.Array, shifts: tuple[tuple[int, int], ...]
) -> jax.Array:
    """Mean squared error of the autocorrelation: one number for each in the batch.

    Args:
      features: of the image, [..., H, W, C].
      target: of the style, `autocorrelation(...)`, [len(shifts), C].
      shifts: as for `autocorrelation`.
    """
    return jnp.mean(jnp.square(autocorrelation(features, shifts) - target), axis=(-2, -1))
