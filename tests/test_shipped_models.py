"""The networks that ship paint as they did when they were looked at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxnst.image import load
from jaxnst.inference import Stylizer
from jaxnst.models import load_model, model_names

GOLDEN = Path(__file__).parent / "golden" / "models"
PHOTO = Path(__file__).parent.parent / "jaxnst" / "assets" / "photos" / "cat.jpg"
STYLES = [(name, style) for name in model_names() for style in load_model(name).styles]


@pytest.mark.parametrize(("name", "style"), STYLES)
def test_a_style_paints_its_golden_picture(name: str, style: str) -> None:
    # Made by `jaxnst stylize jaxnst/assets/photos/cat.jpg --model NAME --style STYLE --size 128`.
    with Image.open(GOLDEN / f"{name}_{style}.png") as image:
        golden = np.asarray(image.convert("RGB")).astype(int)
    photo = (255 * load(PHOTO).rgb + 0.5).astype(np.uint8)
    painted = Stylizer(name)(photo, style, size=128)
    assert np.abs(painted - golden).max() <= 2


def test_the_photos_own_condition_leaves_it_nearly_as_it_is() -> None:
    photo = (255 * load(PHOTO).rgb + 0.5).astype(np.uint8)
    unpainted = Stylizer("slim")(photo, "starry_night", strength=0, size=256)
    painted = Stylizer("slim")(photo, "starry_night", size=256)
    original = np.asarray(Image.fromarray(photo).resize(painted.shape[1::-1])).astype(int)
    near, far = (np.abs(p - original).mean() for p in (unpainted, painted))
    assert near < 0.5 * far
