"""Colors under transparency: what nobody sees is replaced by what is visible around it."""

import numpy as np
from PIL import Image

_LEAST = np.finfo(np.float32).tiny  # in place of no cover at all, to divide by


def extend_visible_colors(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture with its visible colors continued, ever more smoothly, where alpha is 0.

    What an editor left under a cut-out would bleed into its edges when it is resized or seen by a
    network. Averages over 2 x 2, 4 x 4, ... pixels, weighted by alpha, are laid over one another
    from coarse to fine (the pull-push of Gortler et al., 1996): every color comes from near by, and
    colors that are hardly visible, which are seldom exact, count for little. The result depends on
    what is visible alone, to the bit; a picture with nothing visible becomes white.

    Args:
        rgb: float32 [H, W, 3] in [0, 1], not premultiplied.
        alpha: float32 [H, W] in [0, 1].

    Returns:
        [H, W, 3] in [0, 1], equal to `rgb` wherever alpha is above 0.
    """
    hidden = alpha == 0
    if not hidden.any():
        return rgb
    if hidden.all():
        return np.ones_like(rgb)
    result = rgb.copy()
    for channel, plane in enumerate(_around([rgb[..., i] for i in range(3)], alpha)):
        np.copyto(result[..., channel], plane, where=hidden)
    return result


def _around(planes: list[np.ndarray], cover: np.ndarray) -> list[np.ndarray]:
    """Smooth planes [h, w] that continue the covered parts of others, from twice as coarse ones."""
    coarse_cover = _halved(cover)
    least = np.maximum(coarse_cover, _LEAST)
    coarse = [_halved(plane * cover) / least for plane in planes]
    if least.size > 1:
        under = _around(coarse, coarse_cover)
        coarse = [u + coarse_cover * (c - u) for c, u in zip(coarse, under, strict=True)]
    return [_doubled(plane, cover.shape) for plane in coarse]


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means over blocks of 2 x 2 pixels; at an odd end, of what there is."""
    return np.asarray(Image.fromarray(plane).reduce(2))


def _doubled(plane: np.ndarray, height_width: tuple[int, ...]) -> np.ndarray:
    """The plane at twice the size, by linear interpolation, clipped to [0, 1]."""
    height, width = height_width
    box = (0, 0, width / 2, height / 2)  # at an odd end half of the last position is left out
    image = Image.fromarray(np.clip(plane, 0.0, 1.0))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box))
