"""The networks that ship do what they did when their pictures were looked at."""

import golden_models
import numpy as np
import pytest
from PIL import Image

from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.ops.pixels import to_uint8


@pytest.mark.parametrize("name", golden_models.names())
def test_a_model_makes_its_golden_picture(name: str) -> None:
    with Image.open(golden_models.path_of(name)) as image:
        golden = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(golden_models.make(name) - golden).max() <= 2


def test_strength_0_is_the_photo_itself() -> None:
    photo = to_uint8(load(golden_models.PHOTO).rgb)
    paint = Stylizer("slim")
    for style in paint.gallery.styles[:2]:
        np.testing.assert_array_equal(paint(photo, style, strength=0), photo)
