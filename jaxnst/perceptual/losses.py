"""Perceptual losses: content, style and total variation, pure and jittable.

Images are [..., H, W, 3], RGB in [0, 1]; features [..., H, W, C]. Leading axes are batch axes,
over which `perceptual_loss` takes the mean.

**Loss weights that carry over.** By default every term is a *relative squared error*: the squared
distance to the target, divided by the target's own squared norm. It is 0 at the target and 1 for
features that are all zero, whatever the layer, the net, the image size or the units of the
features. Terms of several layers are averaged, so adding a layer does not change the balance
either. `formula` selects the papers' own sums instead, so that published weights can be used:

  relative  content  mean_l |F - P|^2 / |P|^2
            style    mean_l |M - A|^2 / |A|^2              M, A: the statistic's (for Gram: F'F/HW)
  gatys     content  sum_l 1/2 |F - P|^2                   Gatys et al. (2016), eq. 1
            style    mean_l |M - A|^2 / (4 C^2)            eq. 4 and 5 with w_l = 1/L
  johnson   content  sum_l |F - P|^2 / CHW                 Johnson et al. (2016), eq. 2
            style    sum_l |M - A|^2 / C^2                 eq. 4; M/C is the paper's Gram matrix
            tv       sum of squared differences of pixels in 0..255

Gatys' style term takes image and style to have the same number of positions; here each Gram
matrix is divided by its own, so the two pictures may differ in size.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxnst.errors import JaxnstError, check_choice
from jaxnst.ops.pixels import check_floating
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import CHOICES, LossOptions
from jaxnst.perceptual.loss_terms import content_scale, join_terms, statistic_error, style_terms
from jaxnst.perceptual.statistics import (
    STATISTICS,
    Averages,
    position_averages,
    uniform_weights,
)
from jaxnst.perceptual.targets import (
    StyleTarget,
    Targets,
    extract_features,
    position_weights,
    used_layers,
)


def perceptual_loss(
    params: vgg.Params,
    image: jax.Array,
    targets: Targets,
    options: LossOptions = LossOptions(),
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The weighted sum of content, style and total variation losses of an image.

    Args:
      params: VGG parameters, from `jaxnst.load_vgg`.
      image: [..., H, W, 3], RGB, floats in [0, 1].
      targets: from `content_targets` and `style_targets`, made with the same options; terms
        without a target are left out.
      options: weights, layers, statistic, formula.

    Returns:
      The loss, a scalar, the mean over a batch, and its parts, likewise: "content", "style" and
      "tv" as weighted in the loss, of which it is the sum; and "content/LAYER", "style/LAYER", the
      terms before weighting.

    Raises:
      JaxnstError: the image is not one, or the targets are for another size or other options.
    """
    _check_style_targets(image, targets, options)
    features = extract_features(params, image, used_layers(targets, options), options)
    content = {
        layer: content_loss(features[layer], target, formula=options.formula)
        for layer, target in targets.content.items()
    }
    averages = [_averages(features, style, options) for style in targets.styles]
    style = style_terms(averages, targets.styles, options)
    return join_terms(content, style, smoothness(image, options), options)


def _averages(
    features: Mapping[str, jax.Array], style: StyleTarget, options: LossOptions
) -> dict[str, Averages]:
    """What is compared with a style's target at each layer."""
    found = {}
    for layer, target in style.statistics.items():
        if "matched" in target:
            _check_same_size(features[layer], target["matched"])
        weights = position_weights(style, features[layer].shape[-3:-1])
        found[layer] = position_averages(options.statistic, features[layer], weights, target)
    return found


def content_loss(features: jax.Array, target: jax.Array, *, formula: str = "relative") -> jax.Array:
    """Distance of feature maps [..., H, W, C]: one number for each in the batch."""
    check_choice("formula", formula, CHOICES["formula"])
    _check_same_size(features, target)
    error = jnp.sum(jnp.square(features - target), axis=(-3, -2, -1))
    return error * content_scale(target, formula)


def style_loss(
    features: jax.Array, target: Averages, *, statistic: str = "gram", formula: str = "relative"
) -> jax.Array:
    """Distance of a feature map's statistics to a style's: one number for each in the batch.

    Args:
      features: of the image at one layer, [..., H, W, C].
      target: of the style at that layer, `style_targets(...).statistics[layer]`.
      statistic: "gram", "mean_std", "wasserstein" or "neighbors".
      formula: "relative" for any statistic; "gatys" and "johnson" for "gram" alone.
    """
    check_choice("statistic", statistic, STATISTICS)
    check_choice("formula", formula, CHOICES["formula"])
    check_floating("features", features)
    weights = uniform_weights(features.shape[-3:-1])
    averages = position_averages(statistic, features, weights, target)
    return statistic_error(averages, target, statistic, formula)


def total_variation(image: jax.Array, *, norm: str = "l2", reduction: str = "mean") -> jax.Array:
    """Differences of neighboring pixels of [..., H, W, C]: one number for each in the batch.

    Args:
      image: pixels or anything else in rows and columns.
      norm: "l1" takes absolute differences, "l2" squared ones.
      reduction: "mean" (of the vertical plus that of the horizontal ones) or "sum".
    """
    check_choice("norm", norm, CHOICES["tv_norm"])
    check_choice("reduction", reduction, ("mean", "sum"))
    check_floating("image", image)
    size = jnp.abs if norm == "l1" else jnp.square
    reduce = jnp.mean if reduction == "mean" else jnp.sum
    down = size(image[..., 1:, :, :] - image[..., :-1, :, :])
    right = size(image[..., :, 1:, :] - image[..., :, :-1, :])
    return reduce(down, axis=(-3, -2, -1)) + reduce(right, axis=(-3, -2, -1))


def smoothness(image: jax.Array, options: LossOptions) -> jax.Array:
    """The total variation term of an image or batch, before weighting."""
    if not options.tv_weight:
        return jnp.zeros(image.shape[:-3], image.dtype)
    if options.formula == "johnson":
        return total_variation(255 * image, norm="l2", reduction="sum")
    return total_variation(image, norm=options.tv_norm)


def _check_same_size(features: jax.Array, target: jax.Array) -> None:
    """Raises JaxnstError unless features [..., H, W, C] can be compared position by position."""
    check_floating("features", features)
    batches = zip(reversed(features.shape[:-3]), reversed(target.shape[:-3]), strict=False)
    fits = all(n == m or 1 in (n, m) for n, m in batches)
    if features.shape[-3:] != target.shape[-3:] or not fits:
        raise JaxnstError(
            f"features have shape {features.shape} and the target {target.shape}: "
            "make it from a picture of the image's size"
        )


def _check_style_targets(image: jax.Array, targets: Targets, options: LossOptions) -> None:
    """Raises JaxnstError unless the style targets were made for such an image and such options."""
    if not isinstance(targets, Targets):
        raise JaxnstError(
            f"targets is of type {type(targets).__name__}: make it of what content_targets and "
            f"style_targets return, as Targets(content, (style,))"
        )
    statistic = STATISTICS[options.statistic]
    needed = {"matched"} if statistic.matched else set(statistic.averages)
    for style in targets.styles:
        if statistic.matched and any("features" in a for a in style.statistics.values()):
            raise JaxnstError(
                f"statistic {options.statistic!r} compares position by position: give the targets "
                f"to match_styles first, with a picture of the image's size"
            )
        same_layers = set(style.statistics) <= set(options.style_layers)
        if not (same_layers and all(needed <= set(a) for a in style.statistics.values())):
            raise JaxnstError(
                "a style target has other layers or another statistic than the options: "
                "make it with the same options"
            )
        if style.mask is not None and style.mask.shape != image.shape[-3:-1]:
            raise JaxnstError(
                f"mask has shape {style.mask.shape}: expected the image's, {image.shape[-3:-1]}"
            )
