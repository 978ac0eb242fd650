"""Tiles cover a picture once, see far enough around them, and are of one height."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnst.ops.tiles import RowTile, split_rows


@settings(deadline=None)  # a busy machine is no failure
@given(
    height=st.integers(1, 3000),
    rows=st.integers(1, 20),
    overlap=st.integers(0, 5),
    alignment=st.sampled_from([1, 4, 32]),
)
def test_every_row_is_one_tile_s_own_and_has_its_surroundings(height, rows, overlap, alignment):
    rows, overlap = rows * alignment, overlap * alignment
    tiles = split_rows(height, rows, overlap, alignment)
    assert [row for tile in tiles for row in range(tile.top, tile.bottom)] == list(range(height))
    assert len({tile.stop - tile.start for tile in tiles}) == 1
    for tile in tiles:
        assert tile.start % alignment == 0
        assert 0 <= tile.start <= max(0, tile.top - overlap)
        assert min(height, tile.bottom + overlap) <= tile.stop <= height


@pytest.mark.parametrize("height", [10, 64, 127, 128])
def test_picture_that_one_tile_sees_whole_is_not_split(height):
    assert split_rows(height, 64, 32) == [RowTile(0, height, 0, height)]


def test_own_rows_of_features_follow_from_the_stride():
    tile = RowTile(start=32, stop=160, top=64, bottom=128)
    picture = np.arange(200)[None, tile.rows]
    np.testing.assert_array_equal(tile.own(picture)[0], np.arange(64, 128))
    np.testing.assert_array_equal(tile.own(picture[:, ::4], 4)[0], np.arange(64, 128, 4))
