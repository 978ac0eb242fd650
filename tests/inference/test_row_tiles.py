"""Pictures in bands of rows: as the whole, whatever the bands."""

from collections.abc import Callable

import numpy as np
import pytest
from model_files import random_model, small_gallery, small_model

from jaxnst.inference import stylizer as inference
from jaxnst.inference.row_tiles import paint_in_bands, split_rows
from jaxnst.inference.stylizer import Stylizer
from jaxnst.networks.kinds import Johnson
from jaxnst.networks.model_file import Model


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(small_model(), id="slim"),
        pytest.param(
            random_model(Johnson(width=4, blocks=1)), id="johnson", marks=pytest.mark.slow
        ),
    ],
)
def test_bands_are_as_the_whole(model: Model, paint: Callable) -> None:
    photo = (255 * paint(1, 224, 64)).astype(np.uint8)
    stylizer = Stylizer(model)
    whole = stylizer(photo, "wave", keep_colors=True).astype(int)
    banded = paint_in_bands(
        model.network,
        stylizer.variables("wave"),
        photo,
        keep_colors=True,
        rows=64,
    )
    assert np.abs(whole - banded).max() <= 1
    assert whole.std() > 5


@pytest.mark.slow
def test_bands_of_one_color_are_as_the_whole() -> None:
    model = random_model(Johnson(width=16, blocks=2))
    stylizer, photo = Stylizer(model), np.full((160, 64, 3), (10, 200, 120), np.uint8)
    whole = stylizer(photo, "wave")
    banded = paint_in_bands(model.network, stylizer.variables("wave"), photo, rows=64)
    assert np.abs(whole.astype(int) - banded).max() <= 1
    assert (whole == whole[0, 0]).all()


def test_large_pictures_are_painted_in_bands(
    paint: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = (255 * paint(2, 101, 70)).astype(np.uint8)
    stylizer = Stylizer(small_gallery())
    whole = stylizer(photo, "kiss")
    monkeypatch.setattr(inference, "WHOLE", 1)
    banded = stylizer(photo, "kiss")
    assert banded.shape == whole.shape
    assert np.abs(whole.astype(int) - banded).max() <= 1


@pytest.mark.parametrize(("height", "rows"), [(64, 64), (72, 64), (504, 64), (40, 64), (96, 32)])
def test_every_row_belongs_to_one_band_far_from_its_ends(height: int, rows: int) -> None:
    bands = split_rows(height, rows, 32)
    assert [row for b in bands for row in range(b.top, b.bottom)] == list(range(height))
    assert len({b.stop - b.start for b in bands}) == 1
    for b in bands:
        assert b.start == 0 or b.top - b.start >= 32
        assert b.stop == height or b.stop - b.bottom >= 32
