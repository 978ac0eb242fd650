"""What the perceptual loss compares with: a photo's features, and the statistics of styles."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax

from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.statistics import (
    STATISTICS,
    Averages,
    mask_weights,
    position_averages,
    uniform_weights,
)


class StyleTarget(NamedTuple):
    """The statistics of one style at each layer, how much it counts, and where."""

    statistics: Mapping[str, Averages]
    weight: float | jax.Array = 1.0
    mask: jax.Array | None = None
    """[H, W] in [0, 1] over the image: the region that takes this style; None: all of it."""


class Targets(NamedTuple):
    """Targets of the perceptual loss: the photo's features and the styles' statistics."""

    content: Mapping[str, jax.Array] = {}
    styles: tuple[StyleTarget, ...] = ()


def content_targets(
    params: vgg.Params, image: jax.Array, options: LossOptions = LossOptions()
) -> dict[str, jax.Array]:
    """Features of the photo [..., H, W, 3] at the content layers: {layer: [..., H', W', C]}."""
    return extract_features(params, image, options.content_layers, options)


def style_targets(
    params: vgg.Params,
    image: jax.Array,
    options: LossOptions = LossOptions(),
    *,
    weight: float = 1.0,
    mask: jax.Array | None = None,
    alpha: jax.Array | None = None,
) -> StyleTarget:
    """Statistics of a style picture at the style layers.

    Args:
      params: VGG parameters.
      image: the style, [H, W, 3]; its size need not be that of the picture to be made.
      options: which layers and which statistic.
      weight: how much this style counts among several.
      mask: [H, W] in [0, 1], of the size of the picture to be made: the region for this style.
      alpha: [H, W] in [0, 1], of the size of the style: how much each of its pixels counts.
    """
    features = extract_features(params, image, options.style_layers, options)
    statistic, style = STATISTICS[options.statistic], StyleTarget({}, mask=alpha)
    statistics = {
        layer: statistic.target(
            position_averages(options.statistic, f, position_weights(style, f.shape[-3:-1]))
        )
        for layer, f in features.items()
    }
    return StyleTarget(statistics, weight, mask)


def extract_features(
    params: vgg.Params, image: jax.Array, layers: Sequence[str], options: LossOptions
) -> dict[str, jax.Array]:
    """Features as the options have VGG compute them."""
    return vgg.extract_features(
        params, image, layers, pooling=options.pooling, border=options.border
    )


def used_layers(targets: Targets, options: LossOptions) -> tuple[str, ...]:
    """The layers that the loss looks at."""
    style = options.style_layers if targets.styles else ()
    return tuple(dict.fromkeys((*targets.content, *style)))


def position_weights(style: StyleTarget, height_width: Sequence[int]) -> jax.Array:
    """[H', W']: how much each position of a feature map counts for a style; the sum is 1."""
    if style.mask is None:
        return uniform_weights(height_width)
    return mask_weights(style.mask, height_width)
