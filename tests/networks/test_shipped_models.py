"""The networks that ship do what they did when their pictures were looked at."""

import golden_models
import numpy as np
import pytest
from PIL import Image

from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.networks.model_file import DECODER
from jaxnst.ops.pixels import to_uint8


def difference(name: str) -> np.ndarray:
    """How far a model's picture is from the golden one."""
    with Image.open(golden_models.path_of(name)) as image:
        golden = np.asarray(image.convert("RGB")).astype(int)
    return np.abs(golden_models.make(name) - golden)


@pytest.mark.parametrize("name", golden_models.names())
def test_a_model_makes_its_golden_picture(name: str) -> None:
    assert difference(name).max() <= 2


def test_any_painting_makes_its_golden_picture() -> None:
    assert difference(DECODER).mean() <= 2  # rounding decides between features that are as near


def test_strength_0_is_the_photo_itself() -> None:
    photo = to_uint8(load(golden_models.PHOTO).rgb)
    paint = Stylizer("slim")
    for style in paint.gallery.styles[:2]:
        np.testing.assert_array_equal(paint(photo, style, strength=0), photo)
