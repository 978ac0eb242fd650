"""An exported network beside what it was exported from: how far apart, and how fast."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler
from jaxnst.networks.export import ONNX
from jaxnst.networks.kinds import UpscaleNetwork
from jaxnst.networks.model_file import Model
from jaxnst.ops.pixels import from_uint8, to_uint8

Function = Callable[[np.ndarray], np.ndarray]

# Height and width; the last is no multiple of any stride, and smaller than the others.
_PAINTED = ((256, 384), (384, 256), (163, 221))
_ENLARGED = ((64, 96), (96, 64), (37, 51))
_ROUNDS = 3  # of which the fastest counts


class Comparison(NamedTuple):
    """How one picture fared."""

    height: int
    width: int
    difference: int
    """The largest of any pixel, in 1/255."""
    seconds: float
    """The exported file took."""
    seconds_jaxnst: float
    """jaxnst took."""


def compare(path: Path, model: Model) -> Iterator[Comparison]:
    """Runs an exported file and jaxnst itself, in turns, on pictures of three sizes.

    Args:
      path: a .onnx or .stablehlo file.
      model: what it was exported from.

    Raises:
      ImportError: what runs the file is missing.
    """
    is_upscaler = isinstance(model.network, UpscaleNetwork)
    exported, own = _loaded(path), _own(model)
    for height, width in _ENLARGED if is_upscaler else _PAINTED:
        picture = _picture(height, width)
        (result, seconds), (wanted, seconds_own) = (_timed(f, picture) for f in (exported, own))
        difference = np.abs(result.astype(int) - wanted).max()
        yield Comparison(height, width, int(difference), seconds, seconds_own)


def _loaded(path: Path) -> Function:
    """What an exported file makes of uint8 [H, W, 3], as uint8."""
    run, takes_floats = (_onnx if path.suffix == ONNX else _stablehlo)(path)

    def make(picture: np.ndarray) -> np.ndarray:
        if takes_floats:
            return to_uint8(np.asarray(run(from_uint8(picture)[None]))[0])
        return np.asarray(run(picture[None]))[0]

    return make


def _onnx(path: Path) -> tuple[Callable[[np.ndarray], Any], bool]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Threads that wait in a loop would slow down what runs in between.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(path, options, providers)
    image = session.get_inputs()[0]
    return lambda batch: session.run(None, {image.name: batch})[0], image.type == "tensor(float)"


def _stablehlo(path: Path) -> tuple[Callable[[np.ndarray], Any], bool]:
    import jax

    exported = jax.export.deserialize(bytearray(path.read_bytes()))
    return jax.jit(exported.call), exported.in_avals[0].dtype == np.float32


def _own(model: Model) -> Function:
    """What jaxnst makes of uint8 [H, W, 3]."""
    if isinstance(model.network, UpscaleNetwork):
        return Upscaler(model)
    stylizer = Stylizer(model)
    return lambda picture: stylizer(picture, model.name)


def _timed(function: Function, picture: np.ndarray) -> tuple[np.ndarray, float]:
    """What a function makes of a picture, and the least time it takes once it is compiled."""
    result, times = function(picture), []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        function(picture)
        times.append(time.perf_counter() - start)
    return result, min(times)


def _picture(height: int, width: int) -> np.ndarray:
    """Soft blots of all sizes, as photos have, uint8 [H, W, 3]."""
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:height, :width, :1][:2]
    total = np.zeros((height, width, 3))
    for period in (8, 16, 32, 64, 128):
        angle, phase = rng.uniform(0, 2 * np.pi, (2, 3))
        along = x * np.cos(angle) + y * np.sin(angle)
        total += period * np.sin(2 * np.pi * along / period + phase)
    total += rng.normal(0, 4, total.shape)
    return to_uint8(0.5 + total / 300)
