"""Small pictures by the networks that ship.

`python tests/golden_models.py` writes them anew, to be looked at, when a network has changed.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.codec import load
from jaxnst.networks.model_file import load_model, model_names
from jaxnst.ops.pixels import to_uint8

FOLDER = Path(__file__).parents[1] / "golden" / "models"
PHOTO = Path(__file__).parents[2] / "jaxnst" / "assets" / "photos" / "cat.jpg"
SIZE = 128  # pixels; of paintings, and of what an upscaler makes of a part of the photo


def names() -> list[tuple[str, str]]:
    """Every model with each of its styles, or with none."""
    return [(name, style) for name in model_names() for style in load_model(name).styles or [""]]


def make(name: str, style: str) -> np.ndarray:
    """What a model makes of the photo, uint8."""
    photo = to_uint8(load(PHOTO).rgb)
    if style:
        return Stylizer(name)(photo, style, size=SIZE)
    upscaler = Upscaler(name)
    part = SIZE // upscaler.scale
    return upscaler(photo[80 : 80 + part, 160 : 160 + part])


def path_of(name: str, style: str) -> Path:
    return FOLDER / f"{name}{'_' if style else ''}{style}.png"


if __name__ == "__main__":
    for name, style in names():
        Image.fromarray(make(name, style)).save(path_of(name, style), optimize=True)
