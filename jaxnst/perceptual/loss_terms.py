"""The terms of the perceptual loss, and how they are normalized, weighted and joined.

`losses` works them out of whole pictures, `tiled_loss` of sums over tiles.
"""

import math
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.statistics import STATISTICS, Averages
from jaxnst.perceptual.targets import StyleTarget

_TINY = 1e-12


def content_scale(target: jax.Array, formula: str) -> jax.Array:
    """The factor of the summed squared error to target features [..., H, W, C] in a formula."""
    if formula == "relative":
        return 1 / (jnp.sum(jnp.square(target), axis=(-3, -2, -1)) + _TINY)
    return jnp.float32(0.5 if formula == "gatys" else 1 / math.prod(target.shape[-3:]))


def statistic_error(
    averages: Averages, target: Averages, statistic: str, formula: str
) -> jax.Array:
    """Distance of position averages to a style's, normalized by the formula."""
    error, norm = STATISTICS[statistic].distance(averages, target)
    if formula == "relative":
        return error / (norm + _TINY)
    channels = averages["second"].shape[-1]
    return error / channels**2 / (4 if formula == "gatys" else 1)


def style_terms(
    averages: Sequence[Mapping[str, Averages]],
    styles: Sequence[StyleTarget],
    options: LossOptions,
) -> dict[str, jax.Array]:
    """{layer: error}, the styles' errors weighted by their shares of the picture."""
    terms: dict[str, jax.Array] = {}
    for share, measured, style in zip(style_shares(styles), averages, styles, strict=True):
        for layer, target in style.statistics.items():
            error = statistic_error(measured[layer], target, options.statistic, options.formula)
            terms[layer] = terms.get(layer, 0) + share * error
    return terms


def style_shares(styles: Sequence[StyleTarget]) -> list[jax.Array]:
    """How much each style counts: its weight times the part of the picture its mask covers.

    The weights are scaled so that they add up to one where most styles meet: every pixel is then
    styled as strongly as by one style alone, and a style for a small region does not shout.
    """
    if not styles:
        return []
    covers = [s.weight * (jnp.ones(()) if s.mask is None else s.mask) for s in styles]
    most = jnp.max(sum(covers[1:], covers[0]))
    return [jnp.mean(cover) / jnp.where(most > 0, most, 1) for cover in covers]


def join_terms(
    content: Mapping[str, jax.Array],
    style: Mapping[str, jax.Array],
    tv: jax.Array,
    options: LossOptions,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The weighted sum of all terms, averaged over the batch, and its parts."""
    parts = weighted_terms(content, style, tv, options)
    parts |= {f"content/{layer}": term for layer, term in content.items()}
    parts |= {f"style/{layer}": term for layer, term in style.items()}
    parts = {name: jnp.mean(part) for name, part in parts.items()}
    return parts["content"] + parts["style"] + parts["tv"], parts


def weighted_terms(
    content: Mapping[str, jax.Array],
    style: Mapping[str, jax.Array],
    tv: jax.Array,
    options: LossOptions,
) -> dict[str, jax.Array]:
    """Content, style and smoothness, each joined over its layers and weighted."""
    return {
        "content": options.content_weight * _joined(content, {}, options.formula != "relative"),
        "style": options.style_weight
        * _joined(style, _layer_weights(options), options.formula == "johnson"),
        "tv": options.tv_weight * tv,
    }


def _layer_weights(options: LossOptions) -> dict[str, float]:
    weights = options.style_layer_weights or (1.0,) * len(options.style_layers)
    return dict(zip(options.style_layers, weights, strict=True))


def _joined(
    terms: Mapping[str, jax.Array], weights: Mapping[str, float], as_sum: bool
) -> jax.Array:
    """Weighted sum or mean of the layers' terms; zero when there are none."""
    if not terms:
        return jnp.zeros(())
    weight = {layer: weights.get(layer, 1.0) for layer in terms}
    total = sum((weight[layer] * term for layer, term in terms.items()), jnp.zeros(()))
    return total if as_sum else total / sum(weight.values())
