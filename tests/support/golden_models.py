"""Small pictures by the networks that ship.

`python tests/support/golden_models.py` writes them anew, to be looked at, when a network has
changed.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from jaxnst.inference.any_style import AnyStylizer
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.codec import load
from jaxnst.networks.gallery import START
from jaxnst.networks.model_file import DECODER, model_names
from jaxnst.ops.pixels import to_uint8

FOLDER = Path(__file__).parents[1] / "golden" / "models"
PHOTO = Path(__file__).parents[2] / "jaxnst" / "assets" / "photos" / "cat.jpg"
PAINTING = PHOTO.parents[1] / "styles" / "swirling_night.jpg"
SIZE = 128  # pixels; of paintings, and of what an upscaler makes of a part of the photo


def names() -> list[str]:
    """Every model that makes pictures by itself."""
    return [n for n in model_names() if not n.endswith(f"/{START}") and n != DECODER]


def make(name: str) -> np.ndarray:
    """What a model makes of the photo, uint8."""
    photo = to_uint8(load(PHOTO).rgb)
    gallery, _, style = name.rpartition("/")
    if gallery:
        return Stylizer(gallery)(photo, style, size=SIZE)
    if name == DECODER:
        return AnyStylizer()(photo, to_uint8(load(PAINTING).rgb), size=SIZE)
    upscaler = Upscaler(name)
    part = SIZE // upscaler.scale
    return upscaler(photo[80 : 80 + part, 160 : 160 + part])


def path_of(name: str) -> Path:
    return FOLDER / f"{name.replace('/', '_')}.png"


if __name__ == "__main__":
    for name in (*names(), DECODER):
        Image.fromarray(make(name)).save(path_of(name), optimize=True)
