"""Networks as ONNX files, which run without jaxnst: in browsers, on phones, in other programs.

The graph takes and returns pictures [N, H, W, 3] of any size, RGB. What `Stylizer` and `Upscaler`
do around a network is in it, too: sides are continued up to multiples of the stride, and cut again.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from onnx import TensorProto, helper

from jaxnst import __version__
from jaxnst.errors import JaxnstError
from jaxnst.io.resize import MIN_SIDE
from jaxnst.networks.kinds import (
    AnyNetwork,
    Compact,
    Johnson,
    JohnsonUpscaler,
    Network,
    Slim,
    UpscaleNetwork,
)
from jaxnst.networks.layers import EPSILON, Conv, fold_upsampling, leveled
from jaxnst.networks.model_file import Model
from jaxnst.networks.onnx_graph import Graph, Value
from jaxnst.networks.onnx_winograd import WinogradGraph
from jaxnst.networks.slim import NOISE_PERIOD, noise_pattern
from jaxnst.ops.resampling import enlarging_weights

INPUT, OUTPUT = "image", "result"


def to_onnx(
    model: Model, *, as_float: bool = False, weights: str = "float32", winograd: bool = False
) -> onnx.ModelProto:
    """A model as an ONNX graph; its card is the entry "card" of the metadata, as JSON.

    Args:
      model: a network that paints or one that enlarges.
      as_float: pictures are float32 in [0, 1] instead of uint8.
      weights: float32, float16 or int8: how the network's numbers are stored.
      winograd: convolutions are as CPUs are fast at whose runtime knows no fast ones.

    Raises:
      JaxnstError: it is a decoder.
    """
    graph = WinogradGraph(model.network, weights) if winograd else Graph(weights)
    exported = _exported(graph, model, as_float)
    helper.set_model_props(exported, {"card": json.dumps(model.card)})
    return exported


def to_onnx_of_any_style(
    model: Model, *, winograd: bool = False
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A network as an ONNX graph without its weights, which are inputs, and the weights.

    All networks of a gallery have the same graph. Averages of their weights paint blends and
    strengths, as those of `Gallery.params` do: what is done to them here is linear.

    Args:
      model: a network that paints.
      winograd: as for `to_onnx`.

    Returns:
      The graph, which takes a picture, uint8, and the weights; and these by the names of the
      inputs, in float32.
    """
    network = model.network
    graph = WinogradGraph(network, takes_weights=True) if winograd else Graph(takes_weights=True)
    return _exported(graph, model, as_float=False), graph.taken


def _exported(graph: Graph, model: Model, as_float: bool) -> onnx.ModelProto:
    """The graph of a model, checked."""
    network = model.network
    layers = _Layers(graph, network, model.params)
    if isinstance(network, UpscaleNetwork):
        _enlarge(layers, network, as_float)
        times = f"{network.scale}*"
    elif isinstance(network, Network):
        _paint(layers, network, as_float)
        times = ""
    else:
        raise JaxnstError("a decoder cannot be exported: give a painter or an upscaler")
    dtype = TensorProto.FLOAT if as_float else TensorProto.UINT8
    exported = graph.model(
        type(network).__name__,
        helper.make_tensor_value_info(INPUT, dtype, ["N", "H", "W", 3]),
        helper.make_tensor_value_info(OUTPUT, dtype, ["N", f"{times}H", f"{times}W", 3]),
        producer_name="jaxnst",
        producer_version=__version__,
        doc_string=model.style.get("title", ""),
    )
    onnx.checker.check_model(exported, full_check=True)
    return exported


class _Layers:
    """The layers of a network, called by their paths, such as "encoder/down1"."""

    def __init__(self, graph: Graph, network: AnyNetwork, params: Mapping[str, Any]) -> None:
        self.graph = graph
        # The modules know their strides and borders, so that nothing is written here twice.
        self._modules = network.module().module_paths(jax.random.key(0), *network.example())
        self._params = params

    def params(self, path: str) -> Any:
        """The parameters of a layer, or one of them."""
        found: Any = self._params
        for key in path.split("/"):
            found = found[key]
        return found

    def conv(self, path: str, x: Value, *, zeros: bool = False) -> Value:
        """A `Conv`; with `zeros` for where nothing depends on the border."""
        module, params = self._modules[path], self.params(path)
        assert isinstance(module, Conv)
        kernel, bias = jnp.asarray(params["kernel"]), params.get("bias")
        kernel = leveled(kernel) if module.level else kernel
        if module.upsample:
            kernel = fold_upsampling(kernel)
            bias = None if bias is None else np.tile(bias, 4)
        reach = module.size // 2
        if not zeros:
            x = self.graph.pad(x, reach, "edge" if module.upsample else module.border)
        pads = reach if zeros else 0
        array, stride = np.asarray(kernel), module.stride
        y = self.graph.conv(x, array, bias, name=path, stride=stride, pads=pads)
        return self.depth_to_space(y, 2) if module.upsample else y

    def conv_norm(self, path: str, x: Value) -> Value:
        """A `ConvNorm`."""
        x, norm = self.conv(f"{path}/conv", x), self.params(f"{path}/norm")
        bias = norm.get("bias", np.zeros_like(norm["scale"]))
        scale = self.graph.vector(f"{path}/norm/scale", norm["scale"])
        shift = self.graph.vector(f"{path}/norm/bias", bias)
        return self.graph.op("InstanceNormalization", x, scale, shift, epsilon=EPSILON)

    def trunk(self, path: str, x: Value, blocks: int) -> Value:
        """A `ResidualTrunk`."""
        for i in range(1, blocks + 1):
            y = self.relu(self.conv_norm(f"{path}/block{i}_1", x))
            x = self.add(x, self.conv_norm(f"{path}/block{i}_2", y))
        return x

    def blocks(self, x: Value, count: int) -> Value:
        """The residual blocks of networks that enlarge."""
        for i in range(1, count + 1):
            y = self.relu(self.conv(f"block{i}_1", x, zeros=True))
            x = self.add(x, self.conv(f"block{i}_2", y, zeros=True))
        return x

    def scaled(self, path: str, x: Value) -> Value:
        """A `Scale`."""
        scale = self.params(path)["scale"][:, None, None]
        return self.graph.op("Mul", x, self.graph.vector(f"{path}/scale", scale))

    def noise(self, path: str, x: Value) -> Value:
        """The fixed noise of `SlimTrunk` for features x."""
        noise = self.graph.weight(noise_pattern().transpose(0, 3, 1, 2))
        period = self.graph.integers(NOISE_PERIOD)
        for axis, side in zip((2, 3), self.graph.sides(x, (2, 3)), strict=True):
            at = self.graph.op("Mod", self.graph.counted(side), period)
            noise = self.graph.op("Gather", noise, at, axis=axis)
        return self.graph.conv(noise, np.asarray(self.params(path))[None, None], name=path)

    def colors(self, path: str, image: Value) -> Value:
        """A `ColorMatrix`."""
        params = self.params(path)
        return self.graph.conv(image, params["kernel"][None, None], params["bias"], name=path)

    def relu(self, x: Value) -> Value:
        return self.graph.op("Relu", x)

    def add(self, x: Value, y: Value) -> Value:
        return self.graph.op("Add", x, y)

    def depth_to_space(self, x: Value, factor: int) -> Value:
        return self.graph.op("DepthToSpace", x, blocksize=factor, mode="DCR")

    def space_to_depth(self, image: Value, factor: int) -> Value:
        """As a convolution of ones and zeros: browsers have no SpaceToDepth on a GPU."""
        size = 3 * factor**2
        kernel = np.eye(size, dtype=np.float32).reshape(factor, factor, 3, size)
        return self.graph.conv(image, kernel, stride=factor)


def _slim(layers: _Layers, network: Slim, image: Value) -> Value:
    relu, add = layers.relu, layers.add
    pixels = layers.conv("encoder/pixels", layers.space_to_depth(image, 2))
    features = relu(layers.conv_norm("encoder/down1", layers.space_to_depth(image, 4)))
    x = relu(layers.conv_norm("encoder/down2", features))
    x = layers.trunk("trunk/blocks", add(x, layers.noise("trunk/noise", x)), network.blocks)
    x = layers.conv_norm("decoder/up1", x)
    x = relu(add(x, layers.scaled("decoder/shortcut1", features)))
    x = layers.conv_norm("decoder/up2", x)
    x = relu(add(x, layers.scaled("decoder/shortcut2", pixels)))
    painted = layers.depth_to_space(layers.conv("decoder/out", x), 2)
    return add(painted, layers.colors("decoder/photo", image))


def _johnson(layers: _Layers, network: Johnson, x: Value) -> Value:
    for name in ("encoder/down1", "encoder/down2", "encoder/down3"):
        x = layers.relu(layers.conv_norm(name, x))
    x = layers.trunk("trunk", x, network.blocks)
    for name in ("decoder/up1", "decoder/up2"):
        x = layers.relu(layers.conv_norm(name, x))
    x = layers.graph.op("Div", layers.conv("decoder/out", x), layers.graph.constant(255))
    return layers.add(x, layers.graph.constant(0.5))


def _compact(layers: _Layers, network: Compact, image: Value) -> Value:
    centered = layers.graph.op("Sub", image, layers.graph.constant(0.5))
    first = layers.conv("first", centered, zeros=True)
    x = layers.add(layers.blocks(first, network.blocks), first)
    x = layers.add(layers.conv("out", x, zeros=True), _bicubic(layers, network, image))
    return layers.depth_to_space(x, network.scale)


def _johnson_upscaler(layers: _Layers, network: JohnsonUpscaler, image: Value) -> Value:
    centered = layers.graph.op("Sub", image, layers.graph.constant(0.5))
    x = layers.relu(layers.conv("first", centered, zeros=True))
    x = layers.blocks(x, network.blocks)
    for i in range(1, network.scale.bit_length()):
        x = layers.relu(layers.conv(f"up{i}", x, zeros=True))
    enlarged = layers.depth_to_space(_bicubic(layers, network, image), network.scale)
    return layers.add(enlarged, layers.conv("out", x, zeros=True))


def _bicubic(layers: _Layers, network: UpscaleNetwork, image: Value) -> Value:
    """What `enlarge_bicubic` gives, with blocks of pixels as channels."""
    weights = enlarging_weights(network.scale)
    kernel = np.einsum("py,qx,io->yxipqo", weights, weights, np.eye(3, dtype=np.float32))
    return layers.graph.conv(image, kernel.reshape(5, 5, 3, -1), pads=2)


_PLANS: Mapping[type, Callable[[_Layers, Any, Value], Value]] = {
    Slim: _slim,
    Johnson: _johnson,
    Compact: _compact,
    JohnsonUpscaler: _johnson_upscaler,
}
"""What a kind of network does with a picture [N, 3, H, W]."""


def _paint(layers: _Layers, network: Network, as_float: bool) -> None:
    """From the picture that is put in to the painting, as `Stylizer`."""
    graph, image = layers.graph, INPUT
    sides = graph.sides(image, (1, 2))
    for axis, side in zip((1, 2), sides, strict=True):
        image = graph.op("Gather", image, _reflected(graph, side, network.stride), axis=axis)
    image = _floats(graph, image, as_float)
    painting = _PLANS[type(network)](layers, network, image)
    ends = graph.op("Concat", *sides, axis=0)
    painting = graph.op("Slice", painting, graph.integers(0, 0), ends, graph.integers(2, 3))
    _pixels(graph, painting, as_float)


def _enlarge(layers: _Layers, network: UpscaleNetwork, as_float: bool) -> None:
    """From the picture that is put in to the larger one, as `Upscaler`."""
    graph, reach, rim = layers.graph, network.reach, network.scale * network.reach
    image = graph.pad(_floats(graph, INPUT, as_float), reach, "edge")
    enlarged = _PLANS[type(network)](layers, network, image)
    inner = (graph.integers(rim, rim), graph.integers(-rim, -rim), graph.integers(2, 3))
    _pixels(graph, graph.op("Slice", enlarged, *inner), as_float)


def _floats(graph: Graph, image: Value, as_float: bool) -> Value:
    """A picture [N, H, W, 3] as [N, 3, H, W] in [0, 1]."""
    if not as_float:
        image = graph.op("Cast", image, to=TensorProto.FLOAT)
        image = graph.op("Div", image, graph.constant(255))
    return graph.op("Transpose", image, perm=[0, 3, 1, 2])


def _pixels(graph: Graph, image: Value, as_float: bool) -> None:
    """What is returned: clipped, and rounded to uint8 as by `to_uint8`."""
    image = graph.op("Clip", image, graph.constant(0), graph.constant(1))
    image = graph.op("Transpose", image, perm=[0, 2, 3, 1])
    if not as_float:
        image = graph.op("Mul", image, graph.constant(255))
        image = graph.op("Add", image, graph.constant(0.5))
        graph.op("Cast", image, to=TensorProto.UINT8)


def _reflected(graph: Graph, side: Value, multiple: int) -> Value:
    """The positions along a side that is continued by its reflection up to a multiple."""
    one, stride = graph.integers(1), graph.integers(multiple)
    longer = graph.op("Max", side, graph.integers(MIN_SIDE))
    blocks = graph.op("Div", graph.op("Add", longer, graph.integers(multiple - 1)), stride)
    positions = graph.counted(graph.op("Mul", blocks, stride))
    # There and back again: 0, 1, ..., last, ..., 1.
    period = graph.op("Mul", graph.op("Sub", side, one), graph.integers(2))
    at = graph.op("Mod", positions, graph.op("Max", period, one))
    return graph.op("Min", at, graph.op("Sub", period, at))
