"""The Gaussian window, as separate passes over rows and columns."""

import jax
import numpy as np


def gaussian_window(image: jax.Array, sigma: float, radius: int) -> jax.Array:
    """Means of [..., H, W, C] under a Gaussian, [..., H - 2 radius, W - 2 radius, C].

    Args:
        image: at least 2 radius + 1 pixels high and wide.
        sigma: standard deviation, in pixels.
        radius: the window is 2 radius + 1 pixels a side; its weights add up to 1.
    """
    weights = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / sigma))
    weights /= weights.sum()
    for axis in (image.ndim - 3, image.ndim - 2):
        length = image.shape[axis] - 2 * radius
        image = sum(
            float(weight) * jax.lax.slice_in_dim(image, i, i + length, axis=axis)
            for i, weight in enumerate(weights)
        )  # type: ignore[assignment]
    return image
