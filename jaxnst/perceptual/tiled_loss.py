"""The perceptual loss and its gradient in row tiles: large pictures in little memory.

Style statistics are averages over positions and content errors sums, so both add up over tiles;
only what is computed from their totals is not linear. So the loss takes two passes over windows of
rows: the first adds up the totals, the second sends the derivative with respect to those totals
back through each window. A window is a tile with a margin as wide as the net's receptive field
reaches, so every feature of the tile is what it would be in the whole picture, and the gradients
of overlapping windows add up to the whole picture's. Only the order of summation differs.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxnst.ops.tiles import RowTile, split_rows
from jaxnst.perceptual import vgg, vgg_layers
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.loss_terms import content_scale, join_terms, style_terms
from jaxnst.perceptual.losses import smoothness
from jaxnst.perceptual.statistics import STATISTICS, position_averages
from jaxnst.perceptual.targets import (
    StyleTarget,
    Targets,
    extract_features,
    position_weights,
    style_candidates,
    used_layers,
)

ALIGNMENT = 32
"""Tiles start at multiples of this many rows, as the positions of the deepest layer, pool5, do."""

Sums = dict[str, Any]
"""{"content": {layer: error}, "styles": [{layer: averages}]}: what tiles add up to."""


def margin(layers: Sequence[str], net: str) -> int:
    """Rows beside a tile that its features at these layers depend on, a multiple of 32."""
    reach = 0
    for layer in vgg_layers.computed_layers(net, layers):
        if layer.startswith("conv"):
            reach += vgg_layers.stride(layer)
        elif layer.startswith("pool"):
            reach += vgg_layers.stride(layer) // 2
    return -(-reach // ALIGNMENT) * ALIGNMENT


def tiled_loss_and_gradient(
    params: vgg.Params,
    image: jax.Array,
    targets: Targets,
    options: LossOptions,
    *,
    tile_rows: int,
) -> tuple[tuple[jax.Array, dict[str, jax.Array]], jax.Array]:
    """`jax.value_and_grad` of `perceptual_loss` in less memory.

    Args:
      params: VGG parameters.
      image: one image, [H, W, 3].
      targets: as for `perceptual_loss`.
      options: as for `perceptual_loss`.
      tile_rows: rows of a tile, a multiple of 32; memory grows with them and their margin.

    Returns:
      ((loss, parts), gradient [H, W, 3]).
    """
    layers = used_layers(targets, options)
    height, windows = _plan(params, image, layers, tile_rows)
    sums: Sums = {}
    for window in windows:
        part = _window_sums(params, image, targets, window, options, height)
        sums = jax.tree.map(jnp.add, sums, part) if sums else part
    result, (slopes, gradient) = _join(sums, image, targets, options)
    for window in windows:
        gradient = _add_gradient(gradient, params, image, targets, window, slopes, options, height)
    return result, gradient


def tiled_style_targets(
    params: vgg.Params,
    image: jax.Array,
    options: LossOptions,
    *,
    tile_rows: int,
    weight: float = 1.0,
    mask: jax.Array | None = None,
    alpha: jax.Array | None = None,
) -> StyleTarget:
    """`style_targets` in less memory."""
    if STATISTICS[options.statistic].matched:
        features = tiled_features(params, image, options.style_layers, options, tile_rows=tile_rows)
        return style_candidates(features, weight=weight, mask=mask, alpha=alpha)
    style = StyleTarget({layer: {} for layer in options.style_layers}, mask=alpha)
    height, windows = _plan(params, image, options.style_layers, tile_rows)
    parts = [
        _window_sums(params, image, Targets({}, (style,)), window, options, height)["styles"][0]
        for window in windows
    ]
    averages = jax.tree.map(lambda *terms: functools.reduce(jnp.add, terms), *parts)
    finish = STATISTICS[options.statistic].target
    return StyleTarget({layer: finish(a) for layer, a in averages.items()}, weight, mask)


def tiled_content_targets(
    params: vgg.Params, image: jax.Array, options: LossOptions, *, tile_rows: int
) -> dict[str, jax.Array]:
    """`content_targets` in less memory, of one image [H, W, 3]."""
    return tiled_features(params, image, options.content_layers, options, tile_rows=tile_rows)


def tiled_features(
    params: vgg.Params,
    image: jax.Array,
    layers: tuple[str, ...],
    options: LossOptions,
    *,
    tile_rows: int,
) -> dict[str, jax.Array]:
    """Features of one image [H, W, 3], in less memory than VGG takes for all of it at once."""
    height, windows = _plan(params, image, layers, tile_rows)
    pieces: dict[str, list[jax.Array]] = {layer: [] for layer in layers}
    for window in windows:
        found = _window_features(params, image, window, layers, options, height)
        for layer, features in found.items():
            step = vgg_layers.stride(layer)
            top, bottom = window.top - window.start, window.bottom - window.start
            pieces[layer].append(features[top // step : -(-bottom // step)])
    return {layer: jnp.concatenate(parts) for layer, parts in pieces.items()}


def _plan(
    params: vgg.Params, image: jax.Array, layers: Sequence[str], tile_rows: int
) -> tuple[int, list[RowTile]]:
    """The windows and their common height, which is static where they are traced."""
    overlap = margin(layers, vgg.net_of(params))
    windows = split_rows(image.shape[0], tile_rows, overlap, ALIGNMENT)
    return windows[0].stop - windows[0].start, windows


@functools.partial(jax.jit, static_argnames=("layers", "options", "height"))
def _window_features(
    params: vgg.Params,
    image: jax.Array,
    window: RowTile,
    layers: tuple[str, ...],
    options: LossOptions,
    height: int,
) -> dict[str, jax.Array]:
    rows = jax.lax.dynamic_slice_in_dim(image, window.start, height)
    return extract_features(params, rows, layers, options)


@functools.partial(jax.jit, static_argnames=("options", "height"))
def _window_sums(
    params: vgg.Params,
    image: jax.Array,
    targets: Targets,
    window: RowTile,
    options: LossOptions,
    height: int,
) -> Sums:
    """What a tile adds to the totals."""
    rows = jax.lax.dynamic_slice_in_dim(image, window.start, height)
    return _tile_sums(params, rows, targets, window, options, image.shape)


@functools.partial(jax.jit, static_argnames=("options", "height"), donate_argnames="gradient")
def _add_gradient(
    gradient: jax.Array,
    params: vgg.Params,
    image: jax.Array,
    targets: Targets,
    window: RowTile,
    slopes: Sums,
    options: LossOptions,
    height: int,
) -> jax.Array:
    """The gradient with what reaches the pixels through a tile's sums added."""
    rows = jax.lax.dynamic_slice_in_dim(image, window.start, height)
    _, pull_back = jax.vjp(
        lambda rows: _tile_sums(params, rows, targets, window, options, image.shape), rows
    )
    before = jax.lax.dynamic_slice_in_dim(gradient, window.start, height)
    after = before + pull_back(slopes)[0]
    return jax.lax.dynamic_update_slice_in_dim(gradient, after, window.start, 0)


@functools.partial(jax.jit, static_argnames="options")
def _join(
    sums: Sums, image: jax.Array, targets: Targets, options: LossOptions
) -> tuple[tuple[jax.Array, dict[str, jax.Array]], tuple[Sums, jax.Array]]:
    """Loss and parts, and their derivatives with respect to the totals and, directly, the image."""

    def loss(sums: Sums, image: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        content = {
            layer: error * content_scale(targets.content[layer], options.formula)
            for layer, error in sums["content"].items()
        }
        style = style_terms(sums["styles"], targets.styles, options)
        return join_terms(content, style, smoothness(image, options), options)

    return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(sums, image)


def _tile_sums(
    params: vgg.Params,
    rows: jax.Array,
    targets: Targets,
    window: RowTile,
    options: LossOptions,
    shape: Sequence[int],
) -> Sums:
    """Content errors and style averages of a tile, from the rows [height, W, 3] of its window."""
    layers = used_layers(targets, options)
    features = extract_features(params, rows, layers, options)
    inside = {layer: _inside(layer, f, window) for layer, f in features.items()}
    content = {
        layer: jnp.sum(
            jnp.square(features[layer] - _cut(target, layer, features[layer], window))
            * inside[layer][..., None]
        )
        for layer, target in targets.content.items()
    }
    styles = []
    for style in targets.styles:
        averages = {}
        for layer, target in style.statistics.items():
            step, found = vgg_layers.stride(layer), features[layer]
            weights = position_weights(style, (shape[0] // step, shape[1] // step))
            part = _cut(weights, layer, found, window) * inside[layer]
            if STATISTICS[options.statistic].matched:
                target = {"matched": _cut(target["matched"], layer, found, window)}
            averages[layer] = position_averages(options.statistic, found, part, target)
        styles.append(averages)
    return {"content": content, "styles": styles}


def _cut(full: jax.Array, layer: str, features: jax.Array, window: RowTile) -> jax.Array:
    """The window's rows of something [H', ...] at a layer's resolution."""
    start = window.start // vgg_layers.stride(layer)
    return jax.lax.dynamic_slice_in_dim(full, start, features.shape[0])


def _inside(layer: str, features: jax.Array, window: RowTile) -> jax.Array:
    """[h', 1]: 1 where a feature row belongs to the window's tile, 0 in the margins."""
    rows = window.start + vgg_layers.stride(layer) * jnp.arange(features.shape[0])
    return ((window.top <= rows) & (rows < window.bottom)).astype(features.dtype)[:, None]
