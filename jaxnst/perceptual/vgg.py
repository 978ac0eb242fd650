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
)

Params = Mapping[str, Any]

_WINOGRAD_CHANNELS = 128


def net_of(params: Params) -> str:
    """Which net the parameters belong to: "vgg16" or "vgg19"."""
    return "vgg19" if "conv3_4" in params else "vgg16"


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
    from jaxnst.perceptual.vgg_module import VGG  # Flax, which a kept trace does not need

    model = VGG(net, tuple(layers), pooling, border)
    batch = image.shape[:-3]
    features = model.apply({"params": params}, jnp.reshape(image, (-1, *image.shape[-3:])))
    assert isinstance(features, dict)
    return {name: jnp.reshape(f, (*batch, *f.shape[1:])) for name, f in features.items()}


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
        name: {**layer, "winograd": winograd.kernels_both_ways(layer["kernel"])}
        if name in needed
        and min(layer["kernel"].shape[2:]) >= _WINOGRAD_CHANNELS
        and "winograd" not in layer
        else layer
        for name, layer in params.items()
    }
