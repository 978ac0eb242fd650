"""Comparing from a random place: the same in all pictures, anywhere within the stride."""

import jax
import numpy as np

from jaxnst.training.shift import shifted


def test_all_pictures_are_cut_at_the_same_place_within_the_stride() -> None:
    rows, columns = np.mgrid[:12, :16].astype(np.float32)
    place = np.stack([rows, columns], -1)
    corners = set()
    for seed in range(60):
        one, other = shifted((place, -place), jax.random.key(seed), 4)
        np.testing.assert_array_equal(one, -other)
        assert one.shape == (8, 12, 2)
        corners.add(tuple(np.asarray(one[0, 0]).astype(int)))
    assert corners <= {(row, column) for row in range(4) for column in range(4)}
    assert {row for row, _ in corners} == {column for _, column in corners} == set(range(4))
