"""Several pictures in one: side by side, or as a contact sheet with their names."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxnst.io.codec import save
from jaxnst.io.resize import resize
from jaxnst.ops.pixels import from_uint8


def write_comparison(path: Path, pictures: Sequence[np.ndarray]) -> None:
    """Pictures [H, W, 3] side by side at the height of the last: content | style | result."""
    height = pictures[-1].shape[0]
    gap = np.ones((height, max(4, height // 64), 3), np.float32)
    row: list[np.ndarray] = []
    for picture in pictures:
        h, w = picture.shape[:2]
        row += [gap, resize(picture, (height, max(1, round(w * height / h))))]
    save(path, np.concatenate(row[1:], axis=1))


def contact_sheet(pictures: Mapping[str, np.ndarray], columns: int = 0) -> np.ndarray:
    """Pictures of one size, uint8 [H, W, 3], in rows with their names below: float [H', W', 3].

    Without a number of columns the sheet is about as wide as high.
    """
    height, width = next(iter(pictures.values())).shape[:2]
    columns = columns or math.ceil(math.sqrt(len(pictures) * height / width))
    rows = -(-len(pictures) // columns)
    line = max(14, width // 16)
    gap = line // 2
    size = (gap + columns * (width + gap), gap + rows * (height + 2 * line))
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(line)
    for i, (name, picture) in enumerate(pictures.items()):
        row, column = divmod(i, columns)
        x, y = gap + column * (width + gap), gap + row * (height + 2 * line)
        sheet.paste(Image.fromarray(picture), (x, y))
        label = (x + width / 2, y + height + line / 4)
        draw.text(label, name.replace("_", " "), "black", font, anchor="ma")
    return from_uint8(np.asarray(sheet))
