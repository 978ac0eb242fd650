"""VGG-16 and VGG-19 (Simonyan & Zisserman, 2015) as pure functions from images to features.

Images are RGB, float, [0, 1], of shape [..., H, W, 3]; features are [..., H', W', C]. Everything
that a particular set of weights wants of its input is in the weights: `mean` [3] is subtracted,
and the scale and channel order of the original (Caffe's BGR 0..255, torchvision's standard
deviations) are folded into the first kernel when the weights are converted.

Parameters are a plain dict, `{"mean": [3], "conv1_1": {"kernel": [3, 3, 3, 64], "bias": [64]},
...}`; whether they are VGG-16's or VGG-19's can be read off its keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxnst.errors import JaxnstError, check_choice
from jaxnst.ops import winograd
from jaxnst.ops.pixels import check_floating
from jaxnst.perceptual.vgg_layers import (
    BORDERS,
    MIN_SIDE,
    POOLINGS,
    check_layers,
    computed_layers,
    conv_shapes,
)

Params = Mapping[str, Any]

_WINOGRAD_CHANNELS = 128


def net_of(params: Params) -> str:
    """Which net the parameters belong to: "vgg16" or "vgg19"."""
    return "vgg19" if "conv3_4" in params else "vgg16"


class Conv3x3(nn.Module):
    """A zero-padded 3x3 convolution with bias; by Winograd where the parameters allow it."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (3, 3, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        if self.has_variable("params", "winograd"):
            return winograd.convolve(x, self.get_variable("params", "winograd")) + bias
        dims = ("NHWC", "HWIO", "NHWC")
        return (
            jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dims) + bias
        )


class VGG(nn.Module):
    """The convolution stack of VGG-16 or VGG-19, up to the deepest of the layers asked for."""

    net: str
    layers: tuple[str, ...]
    pooling: str = "max"
    border: str = "zero"

    @nn.compact
    def __call__(self, image: jax.Array) -> dict[str, jax.Array]:
        """Maps images [N, H, W, 3] to {layer: features [N, H', W', C]}."""
        mean = self.param("mean", nn.initializers.zeros, (3,))
        features: dict[str, jax.Array] = {}
        x = image.astype(mean.dtype) - mean
        if self.border == "edge":  # room for the first convolution, cut off behind it
            x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        for name in computed_layers(self.net, self.layers):
            if name.startswith("conv"):
                x = Conv3x3(conv_shapes(self.net)[name][-1], name=name)(x)
                if name == "conv1_1" and self.border == "edge":
                    x = x[:, 1:-1, 1:-1]
            elif name.startswith("relu"):
                x = nn.relu(x)
            else:
                x = _pool(x, self.pooling)
            if name in self.layers:
                features[name] = x
        return features


def extract_features(
    params: Params,
    image: jax.Array,
    layers: Sequence[str],
    *,
    pooling: str = "max",
    border: str = "zero",
) -> dict[str, jax.Array]:
    """Features of an image at the named layers; nothing past the deepest of them is computed.

    Args:
      params: from `jaxnst.load_vgg`.
      image: [..., H, W, 3], RGB, floats in [0, 1], H and W at least 32.
      layers: any of `layer_names(net)`, such as "relu4_3".
      pooling: "max" as trained, or "average" as Gatys et al. (2016) preferred.
      border: what the first convolution sees beyond the image: "zero" (the mean color) as trained,
        or the image's own "edge", which keeps an optimized image from growing a frame.

    Returns:
      {layer: [..., H', W', C]} with H' = H // stride(layer).

    Raises:
      JaxnstError: unknown layer, pooling or border, or an image of another shape
        or of integers.
    """
    net = net_of(params)
    check_layers(net, layers)
    check_choice("pooling", pooling, POOLINGS)
    check_choice("border", border, BORDERS)
    check_floating("image", image)
    if image.ndim < 3 or image.shape[-1] != 3 or min(image.shape[-3:-1]) < MIN_SIDE:
        raise JaxnstError(
            f"image has shape {tuple(image.shape)}: expected [..., H, W, 3], "
            f"H and W at least {MIN_SIDE}"
        )
    model = VGG(net, tuple(layers), pooling, border)
    batch = image.shape[:-3]
    features = model.apply({"params": params}, jnp.reshape(image, (-1, *image.shape[-3:])))
    assert isinstance(features, dict)
    return {name: jnp.reshape(f, (*batch, *f.shape[1:])) for name, f in features.items()}


def _pool(x: jax.Array, pooling: str) -> jax.Array:
    """Halves [N, H, W, C]; a last odd row or column is left out.

    As four slices, since the gradient of the compiler's own windowed maximum is 25 times slower on
    a CPU, which was a fifth of the whole loss.
    """
    h, w = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    a, b, c, d = (x[:, i:h:2, j:w:2] for i in range(2) for j in range(2))
    if pooling == "max":
        return jnp.maximum(jnp.maximum(a, b), jnp.maximum(c, d))
    return (a + b + c + d) / 4


def prepare(params: Params, layers: Sequence[str]) -> Params:
    """Parameters with kernels made ready for fast convolution where this machine gains by it.

    On a CPU the convolutions of 128 channels and more that the layers need go by
    `jaxnst.ops.winograd`. Their kernels take eight times their memory in addition, and must not be
    trained. Elsewhere, or when it was done before, nothing is changed.
    """
    if jax.default_backend() != "cpu":
        return params
    needed = computed_layers(net_of(params), layers)
    return {
        name: {**layer, "winograd": winograd.transform_kernel(layer["kernel"])}
        if name in needed
        and min(layer["kernel"].shape[2:]) >= _WINOGRAD_CHANNELS
        and "winograd" not in layer
        else layer
        for name, layer in params.items()
    }
