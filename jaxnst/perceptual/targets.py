"""What the perceptual loss compares with: a photo's features, and the statistics of styles."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.neighbors import nearest_features, sample_candidates
from jaxnst.perceptual.statistics import (
    STATISTICS,
    Averages,
    mask_weights,
    position_averages,
    uniform_weights,
)

_CANDIDATES = 4096  # features of a style picture at most, at each layer


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
    if STATISTICS[options.statistic].matched:
        return style_candidates(features, weight=weight, mask=mask, alpha=alpha)
    statistic, style = STATISTICS[options.statistic], StyleTarget({}, mask=alpha)
    statistics = {
        layer: statistic.target(
            position_averages(options.statistic, f, position_weights(style, f.shape[-3:-1]))
        )
        for layer, f in features.items()
    }
    return StyleTarget(statistics, weight, mask)


def style_candidates(
    features: Mapping[str, jax.Array],
    *,
    weight: float = 1.0,
    mask: jax.Array | None = None,
    alpha: jax.Array | None = None,
) -> StyleTarget:
    """`style_targets` of "neighbors" from a style picture's features, {layer: [H', W', C]}."""
    style, found = StyleTarget({}, mask=alpha), {}
    for layer, f in features.items():
        counts = np.asarray(position_weights(style, f.shape[-3:-1]))
        seen = np.asarray(f)[counts >= counts.max() / 2]
        found[layer] = sample_candidates(seen, _CANDIDATES)._asdict()
    return StyleTarget(found, weight, mask)


def match_styles(
    params: vgg.Params, image: jax.Array, targets: Targets, options: LossOptions
) -> Targets:
    """Targets of the statistic "neighbors" for pictures that are like this one [H, W, 3].

    Each of its features is matched with the most similar one of each style. As the picture changes,
    its styles can be matched anew, from the same targets.

    Args:
      params: VGG parameters.
      image: of the size of the picture to be made, RGB in [0, 1].
      targets: with styles from `style_targets`, made with the same options.
      options: which layers.
    """
    return matched(targets, extract_features(params, image, options.style_layers, options))


def matched(targets: Targets, features: Mapping[str, jax.Array]) -> Targets:
    """`match_styles` for a picture with these features, {layer: [H', W', C]}."""

    def of(style: StyleTarget) -> StyleTarget:
        found = {
            layer: {"matched": _nearest(features[layer], there["features"], there["eligible"])}
            for layer, there in style.statistics.items()
        }
        return style._replace(statistics=found)

    return targets._replace(styles=tuple(map(of, targets.styles)))


_nearest = jax.jit(nearest_features)


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
