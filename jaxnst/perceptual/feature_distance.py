"""Distance of two pictures by VGG's features, near to how different they look to people."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnst.ops.metrics import same_shape
from jaxnst.perceptual import vgg

DISTANCE_LAYERS = ("relu1_1", "relu2_1", "relu3_4", "relu4_4", "relu5_4")
"""Layers of VGG-19 that `feature_distance` looks at: none of those that a loss here trains with."""


def feature_distance(
    params: vgg.Params,
    image: ArrayLike,
    reference: ArrayLike,
    layers: Sequence[str] = DISTANCE_LAYERS,
) -> jax.Array:
    """Distance of VGG's features [...], near to how different pictures look to people.

    As in LPIPS (Zhang et al., 2018) without its learned weights: features are normalized over the
    channels; their squared difference is added up over channels, then averaged over
    positions and layers. From 0 to 2.

    Args:
      params: of VGG-19, from `load_vgg("vgg19")`.
      image: [..., H, W, 3], RGB, floats in [0, 1] or uint8.
      reference: of the same shape.
      layers: what is compared.

    Raises:
      JaxnstError: the pictures are not of one shape, or a layer is not in the net.
    """
    image, reference = same_shape(image, reference)
    both = vgg.extract_features(params, jnp.stack([image, reference]), layers)
    distances = []
    for features in both.values():
        length = jnp.sqrt(jnp.sum(jnp.square(features), -1, keepdims=True))
        ours, theirs = features / (length + 1e-8)
        distances.append(jnp.mean(jnp.sum(jnp.square(ours - theirs), -1), (-2, -1)))
    return jnp.mean(jnp.stack(distances), axis=0)
