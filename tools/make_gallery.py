"""Makes the README's picture: the bundled photos, painted with the default preset.

python tools/make_gallery.py
"""

from pathlib import Path

import numpy as np

import jaxnst
from jaxnst.image import load, resize, save

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "jaxnst/assets"
PAIRS = (
    ("cat", "swirling_night"),
    ("coffee", "ember_hills"),
    ("astronaut", "ember_hills"),
    ("rocket", "swirling_night"),
)
CELL = (300, 450)  # height and width of a picture in the grid, pixels
GAP = 6


def main() -> None:
    """Writes docs/gallery.jpg: two rows of photo | painting | photo | painting."""
    rows = [np.concatenate([_pair(*pair) for pair in PAIRS[i : i + 2]], axis=1) for i in (0, 2)]
    (ROOT / "docs").mkdir(exist_ok=True)
    save(ROOT / "docs/gallery.jpg", np.concatenate(rows)[GAP:, GAP:], quality=85)


def _pair(photo: str, style: str) -> np.ndarray:
    """The photo and its painting side by side, with a white rim above and to the left."""
    content = load(ASSETS / f"photos/{photo}.jpg").rgb
    painting = jaxnst.stylize(content, load(ASSETS / f"styles/{style}.jpg").rgb)
    save(ROOT / "out" / f"gallery_{photo}.png", painting)
    return np.concatenate([_framed(content), _framed(painting)], axis=1)


def _framed(picture: np.ndarray) -> np.ndarray:
    """A picture cut to the cell's shape, more of it at the bottom: heads are at the top."""
    height, width = picture.shape[:2]
    scale = max(CELL[0] / height, CELL[1] / width)
    scaled = resize(picture, (round(height * scale), round(width * scale)))
    top, left = (scaled.shape[0] - CELL[0]) // 8, (scaled.shape[1] - CELL[1]) // 2
    cell = scaled[top : top + CELL[0], left : left + CELL[1]]
    return np.pad(cell, ((GAP, 0), (GAP, 0), (0, 0)), constant_values=1.0)


if __name__ == "__main__":
    main()
