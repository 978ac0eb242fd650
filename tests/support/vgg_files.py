"""Random VGG weights in the formats that people have them in."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from jaxnst.perceptual.vgg_layers import conv_shapes, layer_names

Arrays = Mapping[str, np.ndarray]  # "conv1_1/kernel" [3, 3, C_in, C_out], "conv1_1/bias" [C_out]


@cache
def random_arrays(net: str = "vgg16") -> dict[str, np.ndarray]:
    """He-scaled kernels and small biases, as a foreign file has them: no mean, not folded."""
    rng, arrays = np.random.default_rng(0), {}
    for conv, shape in conv_shapes(net).items():
        scale = np.float32(np.sqrt(2 / (9 * shape[2])))
        arrays[f"{conv}/kernel"] = rng.standard_normal(shape, np.float32) * scale
        arrays[f"{conv}/bias"] = rng.standard_normal(shape[-1], np.float32) * np.float32(0.1)
    return arrays


def random_params(net: str = "vgg16") -> dict:
    """The same as parameters of `jaxnst.perceptual.vgg`, with a mean."""
    params: dict = {"mean": np.full(3, 0.5, np.float32)}
    for key, array in random_arrays(net).items():
        layer, part = key.split("/")
        params.setdefault(layer, {})[part] = array
    return params


def oihw(array: np.ndarray) -> np.ndarray:
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array


def write_keras(path: Path, arrays: Arrays, names: str) -> None:
    """`names` has {layer} (block1_conv1), {W} (W or b) and {kernel} (kernel or bias) in it."""
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            conv, part = key.split("/")
            layer = f"block{conv[4]}_conv{conv[6]}"
            file[names.format(layer=layer, W="W" if part == "kernel" else "b", kernel=part)] = array


def state_dict(arrays: Arrays, net: str = "vgg16", prefix: str = "features.") -> dict:
    """As torchvision names them: the place of each convolution among all layers."""
    names, state = layer_names(net), {}
    for key, array in arrays.items():
        conv, part = key.split("/")
        part = "weight" if part == "kernel" else part
        state[f"{prefix}{names.index(conv)}.{part}"] = np.ascontiguousarray(oihw(array))
    return state


def write_onnx(path: Path, arrays: Arrays, *, layer: str = "{conv}", wrap: str = "") -> None:
    """A chain of convolutions with a dense head; `wrap` is "", "Identity" or "Constant"."""
    nodes, initializers, x = [], [numpy_helper.from_array(np.ones((4, 4), np.float32), "fc")], "in"
    for conv in [key.split("/")[0] for key in arrays if key.endswith("kernel")]:
        inputs = []
        for part in ("kernel", "bias"):
            name = f"{layer.format(conv=conv)}.{part}"
            tensor = numpy_helper.from_array(np.array(oihw(arrays[f"{conv}/{part}"])), name)
            inputs.append(f"{name}:read" if wrap else name)
            if wrap == "Constant":
                nodes.append(helper.make_node("Constant", [], [inputs[-1]], value=tensor))
                continue
            initializers.append(tensor)
            if wrap == "Identity":
                nodes.append(helper.make_node("Identity", [name], [inputs[-1]]))
        nodes.append(helper.make_node("Conv", [x, *inputs], [conv], pads=[1, 1, 1, 1]))
        x = conv
    graph = helper.make_graph(
        [*nodes, helper.make_node("MatMul", [x, "fc"], ["out"])],
        "vgg",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        initializers,
    )
    onnx.save(helper.make_model(graph), path)
