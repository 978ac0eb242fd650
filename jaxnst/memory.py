"""How large a picture fits: whole, in row tiles, or not at all. Decided before any work begins."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import psutil

from jaxnst import tiling, vgg
from jaxnst.errors import JaxnstError

# Measured as peak resident memory of one evaluation on a CPU (benchmarks/memory.py): the program
# with its weights, and what each pixel takes of features and their gradients.
_PROGRAM = 1.1e9  # bytes
_PER_PIXEL = 3000  # bytes; most of it block 1, whichever net it is and how deep the layers are
_PICTURE = 12  # bytes of a pixel as three floats
_MARGIN = 0.9  # of what is free is used


def available() -> float:
    """Bytes that may be used: of the first device if it tells, else of the machine."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return float(psutil.virtual_memory().available)


class Needs(NamedTuple):
    """What the memory of a job depends on, apart from the picture's size."""

    net: str
    layers: Sequence[str]
    """All layers of the loss; they tell how wide the tiles' margins are."""
    content_layers: Sequence[str]
    """Those whose features are kept for the whole picture."""
    pictures: int
    """Arrays of the picture's size that the optimiser keeps."""


def plan_tiles(size: tuple[int, int], needs: Needs, limit: float) -> int:
    """Rows of a tile with which a picture fits, a multiple of 16; its height or more: no tiles.

    Args:
      size: height and width, pixels.
      needs: of the job.
      limit: bytes; 0 for most of what is free.

    Raises:
      JaxnstError: it does not fit; the message has the largest size that would.
    """
    budget = limit or _MARGIN * available()
    rows = _tile_rows(size, needs, budget)
    if rows == 0:
        raise JaxnstError(
            f"{size[1]} x {size[0]} pixels do not fit in {budget / 1e9:.1f} GB of memory: "
            f"give a size of at most {_largest(size, needs, budget)}, or a smaller memory "
            f"(pairs that L-BFGS keeps)"
        )
    return rows


def _tile_rows(size: tuple[int, int], needs: Needs, budget: float) -> int:
    """The most rows a tile may have, a multiple of 16; 0 if none fit."""
    height, width = size
    kept = sum(_bytes_per_pixel(layer, needs.net) for layer in needs.content_layers)
    left = budget - _PROGRAM - height * width * (kept + _PICTURE * needs.pictures)
    rows = int(left / (width * _PER_PIXEL))
    if rows >= height:
        return -(-height // tiling.ALIGNMENT) * tiling.ALIGNMENT
    rows -= 2 * tiling.margin(needs.layers, needs.net) + tiling.ALIGNMENT
    return max(0, rows // tiling.ALIGNMENT * tiling.ALIGNMENT)


def _bytes_per_pixel(layer: str, net: str) -> float:
    """What a layer's features take for each pixel of the picture."""
    before = vgg.computed_layers(net, (layer,))
    conv = next(name for name in reversed(before) if name.startswith("conv"))
    return 4 * vgg.conv_shapes(net)[conv][-1] / vgg.stride(layer) ** 2


def _largest(size: tuple[int, int], needs: Needs, budget: float) -> int:
    """The longest long side, with the same aspect ratio, that fits."""
    low, high = 0, max(size)
    while high - low > 1:
        middle = (low + high) // 2
        scaled = (size[0] * middle // max(size), size[1] * middle // max(size))
        fits = min(scaled) > 0 and _tile_rows(scaled, needs, budget) > 0
        low, high = (middle, high) if fits else (low, middle)
    return low
