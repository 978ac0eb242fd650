"""Resizing of pictures: antialiased, by the length of the long side, and onto a larger canvas."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

MIN_SIDE = 32  # pixels; a deep network's last layers have nothing to see in less


def resize(image: ArrayLike, height_width: tuple[int, ...]) -> np.ndarray:
    """The image [H, W] or [H, W, C] at another size, antialiased, float32, clipped to [0, 1].

    Bicubic, widened when shrinking: as sharp as is possible without ripples. It overshoots once at
    an edge, which clipping takes off a mask; Lanczos would go on to ring inside the mask's zeros.
    An image that has the size already comes back as it is, to the last bit.
    """
    image = np.asarray(image, np.float32)
    height, width = height_width
    if image.shape[:2] == (height, width):
        return image
    if image.ndim == 3:
        planes = [resize(image[..., c], height_width) for c in range(image.shape[-1])]
        return np.stack(planes, axis=-1)
    plane = Image.fromarray(np.ascontiguousarray(image))
    resized = plane.resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized), 0.0, 1.0)


def fit_long_side(
    height_width: tuple[int, ...], long_side: int, min_side: int = 1
) -> tuple[int, int]:
    """(height, width) with the longer side at `long_side` and the same aspect ratio, pixels.

    No side is under `min_side`, at the cost of the ratio of a very long picture.
    """
    height, width = height_width
    scale = long_side / max(height, width)
    return max(min_side, int(height * scale + 0.5)), max(min_side, int(width * scale + 0.5))


def letterbox(image: np.ndarray, height_width: tuple[int, int]) -> np.ndarray:
    """The whole picture, uint8 [h, w, 3], as large as it can be in the middle of a black one.

    It is stretched rather than given a line of black where one pixel of its height or width is all
    that is missing, as at an odd side made even.
    """
    if image.shape[:2] == height_width:
        return image
    height, width = height_width
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = [max(1, round(scale * side)) for side in image.shape[:2]]
    if height - inner[0] < 2 and width - inner[1] < 2:
        inner = [height, width]
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    result = np.zeros((height, width, 3), np.uint8)
    resized = Image.fromarray(image).resize((inner[1], inner[0]), Image.Resampling.BICUBIC)
    result[top : top + inner[0], left : left + inner[1]] = np.asarray(resized)
    return result


def extend_by_reflection(
    image: np.ndarray, height_width: tuple[int, ...], canvas: tuple[int, ...]
) -> np.ndarray:
    """The image with its reflection below and to the right, as a canvas goes beyond a picture.

    Args:
        image: [h, w] or [h, w, C].
        height_width: that the image will be resized to.
        canvas: height and width that the result will be resized to, at least as large.
    """
    sides = zip(image.shape, height_width, canvas, strict=False)
    beyond = [(0, round(side * (whole - part) / part)) for side, part, whole in sides]
    return np.pad(image, [*beyond, (0, 0)][: image.ndim], mode="symmetric")


def pad_to_multiple(photos: np.ndarray, multiple: int, mode: Any, least: int = 0) -> np.ndarray:
    """Pictures [N, H, W, 3] with rows and columns behind the last up to multiples of a number.

    Args:
        photos: the pictures.
        multiple: of which height and width will be multiples.
        mode: what goes on beyond the border, as for `numpy.pad`.
        least: height and width at least.
    """
    sides = photos.shape[1:3]
    rows, columns = (-(-max(side, least) // multiple) * multiple - side for side in sides)
    return np.pad(photos, ((0, 0), (0, rows), (0, columns), (0, 0)), mode=mode)
