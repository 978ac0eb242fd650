"""Mean and variance of channels, of those that are nearly flat, too."""

import jax
import jax.numpy as jnp


def weighted_moments(x: jax.Array, weights: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """Mean and variance [N, 1, 1, C] of each channel of [N, H, W, C], in float32.

    The squares are those of differences from the mean: of a channel that is nearly flat they are
    small, and what is left of them is no rounding error.

    Args:
      x: features.
      weights: of the positions, [H, W or 1, 1], which add up to 1; None: the same for all.
    """
    x = x.astype(jnp.float32)
    mean = _average(x, weights)
    return mean, _average(jnp.square(x - mean), weights)


def _average(x: jax.Array, weights: jax.Array | None) -> jax.Array:
    if weights is None:
        return jnp.mean(x, (1, 2), keepdims=True)
    return jnp.sum(x * weights, (1, 2), keepdims=True)
