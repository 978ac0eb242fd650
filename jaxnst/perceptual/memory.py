"""Memory planning: whether a picture fits whole, in row tiles, or not at all, before any work."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import psutil

from jaxnst.errors import JaxnstError
from jaxnst.perceptual import tiled_loss as tiling
from jaxnst.perceptual import vgg_layers

# Peak resident memory of single evaluations at 512 to 1536 pixels on a CPU, rounded up: the program
# with its weights, and what each pixel takes of features and their gradients. A whole run is held
# against them by benchmarks/memory.py.
_PROGRAM = 1.1e9  # bytes
_PER_PIXEL = 3000  # bytes; most of it block 1, whichever net it is and how deep the layers are
_PICTURE = 12  # bytes of a pixel as three floats
_SHARE = 0.75  # of all memory is used; others need some


def budget() -> float:
    """Bytes that may be used: of the first device's memory if it is known, else of the machine's.

    A share of all memory and not what is free at the moment, since the tiles follow from it and
    with them the last bits of the result, which should be the same again on the same machine.
    """
    stats = jax.local_devices()[0].memory_stats() or {}
    total = stats.get("bytes_limit", psutil.virtual_memory().total)
    return _SHARE * min(total, _container_limit())


def _container_limit() -> float:
    """Bytes that the process's control group may use (Linux)."""
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # not in one, or "max"
        return math.inf


class Needs(NamedTuple):
    """What the memory of a job depends on, apart from the picture's size."""

    net: str
    layers: Sequence[str]
    """All layers of the loss; they tell how wide the tiles' margins are."""
    kept_layers: Sequence[str]
    """Those whose features are kept for the whole picture, as often as they are kept."""
    pictures: int
    """Arrays of the picture's size that the optimizer keeps."""


def plan_tiles(size: tuple[int, int], needs: Needs, limit: float) -> int:
    """Rows of a tile with which a picture fits, a multiple of 32; its height or more: no tiles.

    Args:
      size: height and width, pixels.
      needs: of the job.
      limit: bytes; 0 for `budget()`.

    Raises:
      JaxnstError: it does not fit; the message has the largest size that would.
    """
    limit = limit or budget()
    rows = _tile_rows(size, needs, limit)
    if rows == 0:
        largest = _largest(size, needs, limit)
        way_out = (
            f"give a size of at most {largest} or" if largest >= vgg_layers.MIN_SIDE else "give"
        )
        raise JaxnstError(
            f"{size[1]} x {size[0]} pixels do not fit in {limit / 1e9:.1f} GB of memory: "
            f"{way_out} a higher memory limit"
        )
    return rows


def _tile_rows(size: tuple[int, int], needs: Needs, limit: float) -> int:
    """The most rows a tile may have, a multiple of 32; 0 if none fit."""
    height, width = size
    kept = sum(_bytes_per_pixel(layer, needs.net) for layer in needs.kept_layers)
    left = limit - _PROGRAM - height * width * (kept + _PICTURE * needs.pictures)
    rows = int(left / (width * _PER_PIXEL))
    if rows >= height:
        return -(-height // tiling.ALIGNMENT) * tiling.ALIGNMENT
    rows -= 2 * tiling.margin(needs.layers, needs.net) + tiling.ALIGNMENT
    return max(0, rows // tiling.ALIGNMENT * tiling.ALIGNMENT)


def _bytes_per_pixel(layer: str, net: str) -> float:
    """What a layer's features take for each pixel of the picture."""
    before = vgg_layers.computed_layers(net, (layer,))
    conv = next(name for name in reversed(before) if name.startswith("conv"))
    return 4 * vgg_layers.conv_shapes(net)[conv][-1] / vgg_layers.stride(layer) ** 2


def _largest(size: tuple[int, int], needs: Needs, limit: float) -> int:
    """The longest long side, with the same aspect ratio, that fits."""
    low, high = 0, max(size)
    while high - low > 1:
        middle = (low + high) // 2
        scaled = (size[0] * middle // max(size), size[1] * middle // max(size))
        fits = min(scaled) > 0 and _tile_rows(scaled, needs, limit) > 0
        low, high = (middle, high) if fits else (low, middle)
    return low
