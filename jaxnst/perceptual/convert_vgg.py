"""VGG weights from the files people have: Keras .h5, ONNX, and PyTorch's .pth or .safetensors.

Each reader finds a file's 13 or 16 convolutions and names them as `jaxnst.perceptual.vgg` does;
what the net wants of its input is then folded into the first of them, so that every net takes RGB
in [0, 1].
Nothing that a file holds is run.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.errors import JaxnstError, nearest
from jaxnst.io.files import display_name, open_binary
from jaxnst.io.foreign_weights import hwio, read_pth_state, read_safetensors_state, reading, some
from jaxnst.io.safetensors import nested
from jaxnst.perceptual.vgg_layers import NETS, conv_shapes, layer_names
from jaxnst.perceptual.weights import check_arrays


@dataclass(frozen=True)
class Convention:
    """The input that weights want: (x - mean) / std of RGB in [0, 1], perhaps as BGR."""

    bgr: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CONVENTIONS = {
    # BGR, 0..255, less the mean of ImageNet: the original weights, Keras and their many copies.
    "caffe": Convention(True, (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3),
    "torchvision": Convention(False, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}

# torchvision and Caffe-style state dicts have the same names. The published files of both carry
# the start of their SHA-256 in their name, by which they are known whatever they are called.
_PUBLISHED = {
    "397923af": "torchvision",  # vgg16-397923af.pth
    "dcbb9e9d": "torchvision",  # vgg19-dcbb9e9d.pth
    "00b39a1b": "caffe",  # vgg16-00b39a1b.pth
    "d01eb7cb": "caffe",  # vgg19-d01eb7cb.pth
}


@dataclass(frozen=True)
class _Found:
    """What a reader found."""

    net: str
    arrays: dict[str, np.ndarray]  # "conv1_1/kernel" [3, 3, C_in, C_out], "conv1_1/bias" [C_out]
    left_out: list[str]  # names of what else is in the file
    caffe: bool  # whether the layers are named as in files that are always of that convention


def convert_vgg(
    path: str | os.PathLike[str], *, convention: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters and metadata from another program's VGG-16 or VGG-19, for `save_weights`.

    Args:
      path: a Keras `.h5`, an `.onnx`, or a PyTorch state dict as `.pth`, `.pt` or `.safetensors`.
        A classifier head may be in it and is left out.
      convention: what the weights want of their input: "caffe" (BGR, 0..255, mean subtracted) or
        "torchvision" (RGB, [0, 1], normalized). By default it is read off the file: a published
        file is known by its hash; Keras's and Caffe's layer names mean "caffe"; otherwise
        "torchvision" is assumed. A wrong convention gives plausible but wrong features.

    Returns:
      Parameters in float32 and metadata: "net", "convention", "convention_from" ("argument",
      "published file", "layer names" or "assumption"), "source", "source_sha256", "licence", and
      "left_out" (names, separated by ", ").

    Raises:
      JaxnstError: the file cannot be read, a package to read it with is not installed, it is not a
        whole VGG-16 or VGG-19, or the convention is unknown.
    """
    name = display_name(path)
    if convention is not None and convention not in CONVENTIONS:
        raise JaxnstError(
            f"convention {convention!r} is unknown: {nearest(convention, CONVENTIONS)}"
        )
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise JaxnstError(f"{name}: has an unknown suffix: convert one of {', '.join(_READERS)}")
    with open_binary(path) as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    found = reader(Path(path), name)
    convention, convention_from = _convention(convention, sha256, found)
    arrays = _fold(found, CONVENTIONS[convention], name)
    metadata = {
        "net": found.net,
        "convention": convention,
        "convention_from": convention_from,
        "source": display_name(Path(path).name),
        "source_sha256": sha256,
        "licence": "that of the source",
        "left_out": ", ".join(found.left_out),
    }
    return nested(arrays), metadata


def _convention(given: str | None, sha256: str, found: _Found) -> tuple[str, str]:
    """The convention and how it is known."""
    if given:
        return given, "argument"
    if sha256[:8] in _PUBLISHED:
        return _PUBLISHED[sha256[:8]], "published file"
    return ("caffe", "layer names") if found.caffe else ("torchvision", "assumption")


def _fold(found: _Found, convention: Convention, name: str) -> dict[str, np.ndarray]:
    """Checked arrays in float32, with scale and channel order folded into the first kernel.

    The mean is subtracted by the net itself: folded into a bias it would be wrong at the border,
    where the padding is zero after the subtraction.
    """
    mean = np.array(convention.mean, np.float32)
    arrays = {"mean": mean} | {key: a.astype(np.float32) for key, a in found.arrays.items()}
    check_arrays(arrays, found.net, name)
    kernel = arrays["conv1_1/kernel"].astype(np.float64)
    kernel = (kernel[:, :, ::-1] if convention.bgr else kernel) / np.array(convention.std)[:, None]
    return arrays | {"conv1_1/kernel": kernel.astype(np.float32)}


def _read_keras(path: Path, name: str) -> _Found:
    """Arrays anywhere below a group named block1_conv1, whatever they are called themselves."""
    with reading(name, "a Keras file"):
        import h5py

        with h5py.File(path) as file:
            items: dict[str, Any] = {}
            file.visititems(items.__setitem__)  # does not follow links out of the file
            datasets = {
                key: item
                for key, item in items.items()
                if isinstance(item, h5py.Dataset) and not key.startswith("optimizer")
            }
            return _select(datasets, _keras_name, name, caffe=True)


def _keras_name(key: str, shape: tuple[int, ...]) -> str | None:
    match = re.search(r"block(\d)_conv(\d)(?!\d)", key)
    part = {4: "kernel", 1: "bias"}.get(len(shape))
    return f"conv{match[1]}_{match[2]}/{part}" if match and part else None


def _read_onnx(path: Path, name: str) -> _Found:
    """The 3x3 convolutions in the order of the graph, which for a chain is that of the layers."""
    with reading(name, "an ONNX file"):
        import onnx

        graph = onnx.load(path).graph
        convolutions = _onnx_convolutions(graph)
        net = _net_of_depth(len(convolutions), name, exact=True)
        targets: dict[str, Any] = {}
        for conv, tensors in zip(conv_shapes(net), convolutions, strict=True):
            targets |= zip((f"{conv}/kernel", f"{conv}/bias"), tensors, strict=False)
        used = [id(tensor) for tensor in targets.values()]
        shapes = (onnx.TensorProto.INT32, onnx.TensorProto.INT64)
        return _Found(
            net,
            {key: hwio(onnx.numpy_helper.to_array(tensor)) for key, tensor in targets.items()},
            [t.name for t in graph.initializer if id(t) not in used and t.data_type not in shapes],
            caffe=any("block1_conv1" in tensor.name for tensor in graph.initializer),
        )


def _onnx_convolutions(graph: Any) -> list[list[Any]]:
    """Kernel tensor and, if there is one, bias tensor of each 3x3 convolution.

    Exporters keep weights as initializers or as constants, at times behind an Identity.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    convolutions = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
        elif node.op_type == "Identity" and node.input[0] in tensors:
            tensors[node.output[0]] = tensors[node.input[0]]
        elif node.op_type == "Conv" and node.input[1] in tensors:
            found = [tensors[key] for key in node.input[1:] if key in tensors]
            if list(found[0].dims[2:]) == [3, 3]:
                convolutions.append(found)
    return convolutions


def _read_pth(path: Path, name: str) -> _Found:
    tensors = read_pth_state(path, name)
    return _from_state_dict(tensors, name, lambda tensor: tensor.float().numpy())


def _read_safetensors(path: Path, name: str) -> _Found:
    state = read_safetensors_state(path, name)
    if "conv1_1/kernel" in state:
        raise JaxnstError(f"{name}: is a jaxnst weight file already: use it as it is")
    return _from_state_dict(state, name, lambda array: np.asarray(array, np.float32))


def _from_state_dict(
    state: Mapping[str, Any], name: str, to_array: Callable[[Any], np.ndarray]
) -> _Found:
    """Arrays named as by torchvision, or as by Caffe ("conv1_1.weight").

    torchvision counts all layers as `layer_names` lists them: "features.2.weight" is conv1_2's, or
    "2.weight" if the convolution stack was saved alone.
    """
    if any(key.endswith("running_mean") for key in state):
        raise JaxnstError(f"{name}: has batch normalization: convert a plain VGG-16 or VGG-19")
    net = _net_of_depth(sum(value.ndim == 4 for value in state.values()), name)
    caffe = "conv1_1.weight" in state
    prefix = "features." if any(key.startswith("features.") for key in state) else ""
    targets: dict[str, str] = {}
    for conv in conv_shapes(net):
        layer = conv if caffe else f"{prefix}{layer_names(net).index(conv)}"
        targets |= {f"{layer}.weight": f"{conv}/kernel", f"{layer}.bias": f"{conv}/bias"}
    found = _select(state, lambda key, _: targets.get(key), name, to_array, caffe=caffe)
    return _Found(net, {k: hwio(a) for k, a in found.arrays.items()}, found.left_out, caffe)


def _select(
    state: Mapping[str, Any],
    target_of: Callable[[str, tuple[int, ...]], str | None],
    name: str,
    to_array: Callable[[Any], np.ndarray] = np.asarray,
    *,
    caffe: bool,
) -> _Found:
    """Takes from a file what has a name in our nets, and notes the names of the rest."""
    sources: dict[str, str] = {}
    for key, value in state.items():
        target = target_of(key, tuple(value.shape))
        if target in sources:
            raise JaxnstError(f"{name}: {some([sources[target], key])} are both {target}: keep one")
        if target:
            sources[target] = key
    net = _net_of_depth(sum(target.endswith("kernel") for target in sources), name)
    left_out = sorted(set(state) - set(sources.values()))
    return _Found(net, {k: to_array(state[v]) for k, v in sources.items()}, left_out, caffe)


def _net_of_depth(depth: int, name: str, *, exact: bool = False) -> str:
    """The net with that many convolutions, or the nearest, whose missing layers are then named."""
    net = min(NETS, key=lambda net: abs(len(conv_shapes(net)) - depth))
    if depth == 0 or (exact and depth != len(conv_shapes(net))):
        raise JaxnstError(
            f"{name}: {depth or 'no'} convolutions of a VGG found: VGG-16 has 13 and VGG-19 has 16"
        )
    return net


_READERS: dict[str, Callable[[Path, str], _Found]] = {
    ".h5": _read_keras,
    ".hdf5": _read_keras,
    ".onnx": _read_onnx,
    ".pth": _read_pth,
    ".pt": _read_pth,
    ".safetensors": _read_safetensors,
}
