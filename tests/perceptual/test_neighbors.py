"""Nearest neighbors of features."""

import jax.numpy as jnp
import numpy as np

from jaxnst.perceptual import neighbors
from jaxnst.perceptual.neighbors import nearest_features


def arrays(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_hand(features: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    flat = features.reshape(-1, features.shape[-1])
    there = candidates.reshape(-1, features.shape[-1])
    a, b = flat - flat.mean(0), there - there.mean(0)
    cosines = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    return there[cosines.argmax(1)].reshape(features.shape)


def test_each_feature_becomes_the_candidate_of_the_highest_cosine():
    features, candidates = arrays(0, 5, 7, 16), arrays(1, 6, 4, 16) + 3
    np.testing.assert_array_equal(
        nearest_features(features, candidates), by_hand(features, candidates)
    )


def test_more_features_than_are_compared_at_once(monkeypatch):
    monkeypatch.setattr(neighbors, "_ROWS", 8)
    features, candidates = arrays(0, 3, 7, 16), arrays(1, 30, 16)
    np.testing.assert_array_equal(
        nearest_features(features, candidates), by_hand(features, candidates)
    )


def test_what_is_lighter_on_the_whole_is_matched_by_what_varies():
    candidates = arrays(2, 20, 8)
    np.testing.assert_array_equal(nearest_features(candidates + 5, candidates), candidates)


def test_only_eligible_candidates_are_chosen_or_count_for_the_mean():
    features, candidates = arrays(0, 9, 8), arrays(1, 12, 8)
    eligible = np.arange(12) % 3 == 0
    hidden = np.where(eligible[:, None], candidates, 100)
    np.testing.assert_array_equal(
        nearest_features(features, jnp.asarray(hidden), jnp.asarray(eligible)),
        by_hand(features, candidates[eligible]),
    )


def test_features_that_do_not_vary_are_no_error():
    assert np.isfinite(nearest_features(jnp.ones((4, 8)), jnp.ones((5, 8)))).all()
