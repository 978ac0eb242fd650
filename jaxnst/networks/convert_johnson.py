"""Johnson networks of PyTorch's examples (fast_neural_style) as models of ours.

A checkpoint is a state dict as `.pth` or `.safetensors`, or an `.npz` with the shorter names of
`_short_name`. Its network takes and gives RGB in 0..255; ours takes [0, 1] and adds a half at the
end, so the factors go into the first and the last convolution. Nothing that a file holds is run.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst import __version__
from jaxnst.errors import JaxnstError
from jaxnst.io.files import PathLike, display_name, open_binary
from jaxnst.io.foreign_weights import hwio, read_pth_state, read_safetensors_state, reading, some
from jaxnst.io.safetensors import nested
from jaxnst.networks.kinds import Johnson
from jaxnst.networks.model_file import Model, describe_network

Arrays = dict[str, np.ndarray]

_RANGE = 255  # of their images; ours is 1
_SIZES = {"down1": 9, "out": 9}  # all other kernels are 3x3


def convert_network(
    path: PathLike, name: str, *, title: str = "", artist: str = "", year: str = ""
) -> Model:
    """The model of a checkpoint of pytorch/examples' fast_neural_style.

    Pictures are those of the original within rounding; they are so too after `save_model`, which
    keeps the kernels in float16.

    Args:
      path: a state dict as `.pth`, `.pt`, `.model` or `.safetensors`, or an `.npz`. The running
        statistics that old checkpoints have are left out: instance norm does not use them.
      name: of the style.
      title: of the painting, for the card; its artist and year alike.
      artist: who painted it.
      year: when.

    Returns:
      A model in float32, which has no strength but 1.

    Raises:
      JaxnstError: the file cannot be read, a package to read it with is not installed, or it is
        not one of these networks: what is missing, left over or of another shape is named.
    """
    file_name = display_name(path)
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise JaxnstError(
            f"{file_name}: has an unknown suffix: convert one of {', '.join(_READERS)}"
        )
    with open_binary(path) as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    arrays = _named(reader(Path(path), file_name))
    network = _network_of(arrays, file_name)
    _check(arrays, network, file_name)
    card = {
        "jaxnst": __version__,
        "network": describe_network(network),
        "style": {"name": name, "title": title, "artist": artist, "year": year},
        "source": display_name(Path(path).name),
        "source_sha256": sha256,
        "licence": "that of the source",
    }
    return Model(network, _params(arrays, network), card)


def _layers(network: Johnson) -> dict[str, str]:
    """Our layers by their names for them, in the order of computation."""
    blocks = [(i, j) for i in range(1, network.blocks + 1) for j in (1, 2)]
    return {
        **{f"conv{i}": f"encoder/down{i}" for i in (1, 2, 3)},
        **{f"res{i}.conv{j}": f"trunk/block{i}_{j}" for i, j in blocks},
        **{f"deconv{i}": f"decoder/up{i}" for i in (1, 2)},
        "deconv3": "decoder/out",
    }


def _named(arrays: Arrays) -> Arrays:
    """The arrays by their short names, without the running statistics."""
    unused = ("running_mean", "running_var", "num_batches_tracked")
    return {_short_name(k): a for k, a in arrays.items() if not k.endswith(unused)}


def _short_name(key: str) -> str:
    """`conv1.conv2d.weight` as `conv1.weight`, and its norm's `in1.weight` as `conv1.in_gamma`."""
    norm = re.fullmatch(r"(res\d+\.)?in([1-5])\.(weight|bias)", key)
    if norm is None:
        return key.replace(".conv2d.", ".")
    block, number, part = norm.groups()
    layer = f"deconv{int(number) - 3}" if not block and int(number) > 3 else f"conv{number}"
    return f"{block or ''}{layer}.{'in_gamma' if part == 'weight' else 'in_beta'}"


def _network_of(arrays: Arrays, file_name: str) -> Johnson:
    """The network whose width is that of the first kernel, with as many blocks as are there."""
    first = arrays.get("conv1.weight")
    if first is None or first.ndim != 4 or not len(first):
        raise JaxnstError(
            f"{file_name}: is no fast_neural_style network of pytorch/examples: "
            "it has no kernel conv1.conv2d.weight"
        )
    blocks = {match[1] for key in arrays if (match := re.match(r"res(\d+)\.", key))}
    return Johnson(width=len(first), blocks=len(blocks))


def _shapes(network: Johnson) -> dict[str, tuple[int, ...]]:
    """What a checkpoint of this network holds: [C_out, C_in, size, size] kernels, and vectors."""
    w, channels = network.width, 3
    shapes: dict[str, tuple[int, ...]] = {}
    widths = {"down1": w, "down2": 2 * w, "up1": 2 * w, "up2": w, "out": 3}
    for theirs, ours in _layers(network).items():
        layer = ours.split("/")[1]
        width, size = widths.get(layer, 4 * w), _SIZES.get(layer, 3)
        shapes |= {f"{theirs}.weight": (width, channels, size, size), f"{theirs}.bias": (width,)}
        if layer != "out":
            shapes |= {f"{theirs}.in_gamma": (width,), f"{theirs}.in_beta": (width,)}
        channels = width
    return shapes


def _check(arrays: Arrays, network: Johnson, file_name: str) -> None:
    """Raises JaxnstError unless the arrays are the network's, all of them finite."""
    shapes = _shapes(network)
    missing, extra = set(shapes) - set(arrays), set(arrays) - set(shapes)
    if missing or extra:
        problems = (("missing", missing), ("left over", extra))
        listed = "; ".join(f"{what} {some(sorted(keys))}" for what, keys in problems if keys)
        raise JaxnstError(
            f"{file_name}: is not a whole fast_neural_style network of {network.blocks} blocks: "
            f"{listed}"
        )
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise JaxnstError(f"{file_name}: {key} has shape {arrays[key].shape}, not {shape}")
        if not np.isfinite(arrays[key]).all():
            raise JaxnstError(f"{file_name}: {key} has values that are not finite")


def _params(arrays: Arrays, network: Johnson) -> Mapping[str, Any]:
    """Our parameters. What is added to a channel right before a norm changes nothing and is left
    out: the biases of convolutions, and those of the norms that end a residual block."""
    params: Arrays = {}
    for theirs, ours in _layers(network).items():
        if ours == "decoder/out":
            params[f"{ours}/kernel"] = hwio(arrays[f"{theirs}.weight"])
            continue
        params[f"{ours}/conv/kernel"] = hwio(arrays[f"{theirs}.weight"])
        params[f"{ours}/norm/scale"] = arrays[f"{theirs}.in_gamma"]
        if not (ours.startswith("trunk/") and ours.endswith("_2")):
            params[f"{ours}/norm/bias"] = arrays[f"{theirs}.in_beta"]
    params["encoder/down1/conv/kernel"] = params["encoder/down1/conv/kernel"] * _RANGE
    params["decoder/out/bias"] = arrays["deconv3.bias"] - _RANGE / 2
    return nested({key: a.astype(np.float32) for key, a in params.items()})


def _read_npz(path: Path, file_name: str) -> Arrays:
    with reading(file_name, "an .npz file"), np.load(path, allow_pickle=False) as file:
        return {key: np.asarray(file[key], np.float64) for key in file.files}


def _read_safetensors(path: Path, file_name: str) -> Arrays:
    state = read_safetensors_state(path, file_name)
    return {key: np.asarray(array, np.float64) for key, array in state.items()}


def _read_pth(path: Path, file_name: str) -> Arrays:
    state = read_pth_state(path, file_name)
    return {key: tensor.double().numpy() for key, tensor in state.items()}


_READERS: dict[str, Callable[[Path, str], Arrays]] = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pth": _read_pth,
    ".pt": _read_pth,
    ".model": _read_pth,  # as their own script saves it
}
