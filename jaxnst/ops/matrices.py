"""Products of matrices."""

import jax
import jax.numpy as jnp


def product(left: jax.Array, right: jax.Array) -> jax.Array:
    """Matrix product in full float32.

    Accelerators round the factors unless told not to, and covariances are differences of such
    products.

    Args:
      left: [..., m, k].
      right: [..., k, n].

    Returns:
      [..., m, n].
    """
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)
