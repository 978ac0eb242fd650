"""Pieces of paintings, of which a decoder learns to paint like any."""

from collections.abc import Iterator

import numpy as np

from jaxnst.io.codec import load
from jaxnst.io.folders import list_images
from jaxnst.io.resize import resize
from jaxnst.ops.pixels import to_uint8

_LONGEST = 700  # pixels of a painting's long side: it will be looked at with 640 and less


def cut_pieces(folder: str, count: int, side: int, seed: int) -> np.ndarray:
    """Square pieces of the paintings in a folder, uint8 [count, side, side, 3].

    Paintings take turns. Size, place, mirroring and, for half of the pieces, the order of red,
    green and blue are random; every third piece has a painting's whole width or height.

    Raises:
      JaxnstError: there is no folder, no picture in it, or one that cannot be read.
    """
    rng = np.random.default_rng(seed)
    cuts = [_pieces(load(path).rgb, side, rng) for path in list_images(folder)]
    return np.stack([next(cuts[i % len(cuts)]) for i in range(count)])


def _pieces(painting: np.ndarray, side: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless pieces of a painting [H, W, 3]."""
    height, width = painting.shape[:2]
    least = side * max(height, width) / min(height, width)
    while True:
        for longest in (least, _LONGEST, _LONGEST):
            long_side = rng.uniform(least, max(least, longest))
            ratio = long_side / max(height, width)
            size = (max(side, round(height * ratio)), max(side, round(width * ratio)))
            top, left = (int(rng.integers(length - side + 1)) for length in size)
            piece = resize(painting, size)[top : top + side, left : left + side]
            if rng.random() < 0.5:
                piece = piece[:, ::-1]
            if rng.random() < 0.5:
                piece = piece[..., rng.permutation(3)]
            yield to_uint8(piece)
