"""What a job's picture descends: the perceptual loss and its gradient at one size."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from jaxnst.io.resize import resize
from jaxnst.optimize.job import (
    Job,
    Style,
    matches,
    memory_needs,
    style_rows,
    style_size,
    uses_content,
    uses_style,
)
from jaxnst.optimize.optimizer import Evaluate
from jaxnst.perceptual import memory, vgg
from jaxnst.perceptual import tiled_loss as tiling
from jaxnst.perceptual.losses import perceptual_loss
from jaxnst.perceptual.statistics import LEAST_ALPHA
from jaxnst.perceptual.targets import StyleTarget, Targets, matched

loss_and_gradient = jax.jit(
    jax.value_and_grad(perceptual_loss, argnums=1, has_aux=True), static_argnames="options"
)


def evaluation(
    params: vgg.Params, job: Job, size: tuple[int, int]
) -> Callable[[jax.Array | None], tuple[Evaluate, jax.Array | None]]:
    """The loss and its gradient for pictures of one size, in tiles if it must be.

    Returns:
      A function that makes it from the picture [H, W, 3] that styles are matched with. It returns
      that picture, too; None where they are not.
    """
    rows = memory.plan_tiles(size, memory_needs(params, job), job.options.memory_limit * 1e9)
    common = _targets(params, job, size, rows)

    def aim(picture: jax.Array | None) -> tuple[Evaluate, jax.Array | None]:
        if not matches(job) or picture is None:
            return partial(_evaluate, params, job, common, rows), None
        targets = _matched(params, job, common, picture, rows)
        return partial(_evaluate, params, job, targets, rows), picture

    return aim


def _evaluate(
    params: vgg.Params, job: Job, targets: Targets, rows: int, image: jax.Array
) -> tuple[tuple[jax.Array, dict[str, jax.Array]], jax.Array]:
    if rows >= image.shape[0]:
        return loss_and_gradient(params, image, targets, job.loss)
    return tiling.tiled_loss_and_gradient(params, image, targets, job.loss, tile_rows=rows)


def _matched(
    params: vgg.Params, job: Job, targets: Targets, picture: jax.Array, rows: int
) -> Targets:
    """The targets with the styles' features that are most similar to those of a picture."""
    layers = job.loss.style_layers
    features = tiling.tiled_features(params, picture, layers, job.loss, tile_rows=rows)
    return matched(targets, features)


def _targets(params: vgg.Params, job: Job, size: tuple[int, int], rows: int) -> Targets:
    """What a picture of this size is compared with; worked out in tiles of so many rows."""
    content: dict[str, jax.Array] = {}
    if uses_content(job):
        assert job.content is not None
        photo = jnp.asarray(resize(job.content, size))
        content = tiling.tiled_content_targets(params, photo, job.loss, tile_rows=rows)
    styles = job.styles if uses_style(job) else ()
    return Targets(content, tuple(_style_target(params, job, style, size) for style in styles))


def _style_target(params: vgg.Params, job: Job, style: Style, size: tuple[int, int]) -> StyleTarget:
    own_size = style_size(job, style, size)
    image = jnp.asarray(resize(style.image, own_size))
    rows = style_rows(params, job, style)
    mask = None if style.mask is None else jnp.asarray(resize(style.mask, size))
    alpha = None
    if style.alpha is not None:  # not 0 where all may fall between a deep layer's positions
        alpha = jnp.maximum(jnp.asarray(resize(style.alpha, own_size)), LEAST_ALPHA)
    return tiling.tiled_style_targets(
        params, image, job.loss, tile_rows=rows, weight=style.weight, mask=mask, alpha=alpha
    )
