"""Nearest neighbors: features of a photo, each replaced by the most similar one of a painting.

What is made of them has the painting's strokes and colors, where statistics that only match on the
whole leave the photo's own (Chen & Schmidt, 2016; Kolkin et al., 2022, neural neighbor style
transfer). Similarity is the cosine of features less their mean, so that a light photo and a dark
painting are compared by what varies in them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_ROWS = 1024  # features that are compared at once, so that memory does not grow with the photo


class Candidates(NamedTuple):
    """Features of a painting, of which those of a photo are made."""

    features: jax.Array
    """[M, C], for each painting as many."""
    eligible: jax.Array
    """bool [M], those that are a painting's own; others fill up."""


def sample_candidates(features: np.ndarray, count: int) -> Candidates:
    """So many of the features [N, C], always the same; or all of them, filled up."""
    if len(features) > count:
        chosen = np.random.default_rng(0).permutation(len(features))[:count]
        features = features[np.sort(chosen)]
    missing = count - len(features)
    eligible = np.arange(count) < len(features)
    return Candidates(*jax.device_put((np.pad(features, ((0, missing), (0, 0))), eligible)))


def nearest_features(
    features: jax.Array, candidates: jax.Array, eligible: jax.Array | None = None
) -> jax.Array:
    """For each feature the most similar candidate.

    The work grows with the product of both numbers; memory does not.

    Args:
      features: [..., C].
      candidates: [..., C].
      eligible: bool, the candidates' shape without C, of which at least one is true: those that
        may be chosen. None: all.

    Returns:
      [..., C], of the features' shape, with values of the candidates.
    """
    channels = features.shape[-1]
    wanted, there = features.reshape(-1, channels), candidates.reshape(-1, channels)
    weights = jnp.ones(len(there), there.dtype)
    if eligible is not None:
        weights = eligible.reshape(-1).astype(there.dtype)
    mean = weights @ there / jnp.sum(weights)
    directions = _directions(there - mean)
    barred = jnp.where(weights > 0, 0.0, -jnp.inf)

    order = jnp.arange(len(there))

    def index(direction: jax.Array) -> jax.Array:
        cosines = directions @ direction + barred
        best = cosines >= jnp.max(cosines)  # on CPUs faster than argmax
        return jnp.min(jnp.where(best, order, len(order) - 1))

    centered = _directions(wanted - jnp.mean(wanted, 0))
    found = jax.lax.map(index, centered, batch_size=min(_ROWS, len(centered)))
    return there[found].reshape(features.shape)


def _directions(vectors: jax.Array) -> jax.Array:
    """Vectors [N, C] of length 1; 0 stays 0."""
    return vectors / jnp.maximum(jnp.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
