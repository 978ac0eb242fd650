"""Image optimization (Gatys et al., 2016): pixels descend the perceptual loss, coarse to fine.

A `Job` is what to paint and how; `run` is a generator that paints it and yields after every
evaluation of the loss, so a progress bar, a preview, a cancel button and a test all hang on the
same hook. What it yields carries the state from which the run continues exactly.

The picture is first made small, where a stroke of the style's fills much of what the net sees at
once, then doubled in size and worked on again: large swirls appear that a run at full size alone
does not find, and most evaluations cost little.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.errors import JaxnstError, check_number
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.optimize.optimizer import Evaluate, Optimizer, OptimizerState, float_parts
from jaxnst.optimize.options import OptimizeOptions
from jaxnst.optimize.projected_adam import ProjectedAdam
from jaxnst.optimize.projected_lbfgs import ProjectedLbfgs
from jaxnst.perceptual import memory, vgg, vgg_layers
from jaxnst.perceptual import tiled_loss as tiling
from jaxnst.perceptual.loss_options import normalize_weights
from jaxnst.perceptual.losses import (
    LossOptions,
    StyleTarget,
    Targets,
    perceptual_loss,
)
from jaxnst.perceptual.statistics import LEAST_ALPHA

PARTS = ("content", "style", "tv")
"""The weighted terms that a loss is the sum of."""

# Pixels times evaluations. Fast convolutions take seconds more to compile, which a few small
# evaluations do not earn.
_WORTH_PREPARING = 4e6

loss_and_gradient = jax.jit(
    jax.value_and_grad(perceptual_loss, argnums=1, has_aux=True), static_argnames="options"
)


class Style(NamedTuple):
    """A style picture [H, W, 3] in [0, 1], with its weight and region in a blend."""

    image: np.ndarray
    weight: float = 1.0
    mask: np.ndarray | None = None
    """[h, w] in [0, 1], of any size: stretched over the picture to be made."""
    alpha: np.ndarray | None = None
    """[H, W] in [0, 1]: how much each pixel of `image` counts; None: all alike."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to be made."""

    size: tuple[int, int]
    """Height and width of the result, in pixels."""
    content: np.ndarray | None = None
    """The photo [H, W, 3] in [0, 1]; None makes a texture."""
    styles: tuple[Style, ...] = ()
    """None inverts the photo's features."""
    style_scale: float = 1.0
    """Long side of the style pictures, relative to that of the result."""
    start: np.ndarray | None = None
    """A picture to start from, [H, W, 3]; None: as `options.init` says."""
    loss: LossOptions = dataclasses.field(default_factory=LossOptions)
    options: OptimizeOptions = dataclasses.field(default_factory=OptimizeOptions)
    kept: tuple[int, int] | None = None
    """Height and width of the part that is shown in the end, from the top left; None: all."""


class RunState(NamedTuple):
    """Where a run is: enough to continue it exactly."""

    scale: int
    """Index into `scales(job)`."""
    iteration: int
    """Evaluations done at this scale."""
    optimizer: OptimizerState
    average: jax.Array | None


class Progress(NamedTuple):
    """What a run yields after each evaluation."""

    iteration: int
    """Evaluations done, over all scales."""
    total: int
    loss: float
    parts: dict[str, float]
    """As from `perceptual_loss`."""
    state: RunState

    def __str__(self) -> str:
        """Iteration, size and loss in one line."""
        height, width = self.state.optimizer.image.shape[:2]
        parts = [f"{name} {self.parts[name]:.4g}" for name in PARTS if self.parts.get(name)]
        where = f"{self.iteration}/{self.total} at {width} x {height} px"
        return f"{where}: loss {self.loss:.4g} ({', '.join(parts)})"

    def __repr__(self) -> str:
        return f"<Progress {self}>"

    @property
    def image(self) -> np.ndarray:
        """The picture so far, [H, W, 3] in [0, 1], at the size of the present scale."""
        return _picture(self.state)


def scales(job: Job) -> list[tuple[int, int]]:
    """Sizes (height, width) from coarse to fine, each about twice the last one."""
    height, width = job.size
    sizes = [(height, width)]
    coarsest = job.options.coarsest or max(job.size)
    while max(sizes[0]) >= 2 * coarsest:
        half = (round(sizes[0][0] / 2), round(sizes[0][1] / 2))
        if min(half) < vgg_layers.MIN_SIDE:
            break
        sizes.insert(0, half)
    return sizes


def run(params: vgg.Params, job: Job, state: RunState | None = None) -> Iterator[Progress]:
    """Makes the picture, yielding after every evaluation of the loss.

    Args:
      params: VGG parameters.
      job: what to make.
      state: of an earlier run of the same job, to continue from; the result is the same as if it
        had never stopped, to the bit on the same machine.

    Raises:
      JaxnstError: the job cannot be done, or the loss is no longer a finite number.
    """
    check_job(params, job)
    job, factor = _with_normalized_weights(job)
    optimizer = make_optimizer(job.options)
    sizes, shares = scales(job), _shares(job)
    for scale in range(state.scale if state else 0, len(sizes)):
        if sizes[scale][0] * sizes[scale][1] * shares[scale] > _WORTH_PREPARING:
            params = vgg.prepare(params, _needs(params, job).layers)
        evaluate = _evaluation(params, job, sizes[scale])
        if state is None or state.scale < scale:
            image = (
                _start(job, sizes[0]) if state is None else resize(_picture(state), sizes[scale])
            )
            first = optimizer.init(evaluate, jnp.asarray(image))
            state = RunState(scale, 1, first, _averaged(None, first.image, 1, job.options))
            yield _progress(state, shares, factor)
        while state.iteration < shares[scale]:
            following = optimizer.step(evaluate, state.optimizer)
            count = state.iteration + 1
            average = _averaged(state.average, following.image, count, job.options)
            state = RunState(scale, count, following, average)
            yield _progress(state, shares, factor)


def work_done(job: Job, state: RunState) -> float:
    """Share of a run's work that is done, 0 to 1: evaluations cost as many pixels as they have."""
    pixels, shares = [h * w for h, w in scales(job)], _shares(job)
    done = [*shares[: state.scale], state.iteration]
    return float(np.dot(pixels[: len(done)], done) / np.dot(pixels, shares))


def loss_of(params: vgg.Params, job: Job, image: np.ndarray) -> tuple[float, dict[str, float]]:
    """The loss of a picture of the job's size, such as one read back from a file, and its parts."""
    job, factor = _with_normalized_weights(job)
    (loss, parts), _ = _evaluation(params, job, job.size)(jnp.asarray(image, jnp.float32))
    return factor * float(loss), _weighted_as_asked(float_parts(parts), factor)


def make_optimizer(options: OptimizeOptions) -> Optimizer:
    """The optimizer that the options ask for."""
    if options.optimizer == "lbfgs":
        return ProjectedLbfgs(options.memory)
    return ProjectedAdam(options.learning_rate)


def check_job(params: vgg.Params, job: Job) -> None:
    """Raises JaxnstError unless the job can be done with these parameters."""
    loss, options, net = job.loss, job.options, vgg.net_of(params)
    vgg_layers.check_layers(net, (*loss.content_layers, *loss.style_layers))
    if not _uses_content(job) and not _uses_style(job):
        raise JaxnstError("nothing to do: give a photo, a style, or weights that are not zero")
    if options.init == "content" and job.start is None:
        if job.content is None:
            raise JaxnstError("init 'content' needs a photo: give one, or use init 'noise'")
        if not _uses_style(job):
            raise JaxnstError("the photo is all there is: give a style, or init 'noise' to invert")
    if options.iterations < len(scales(job)):
        raise JaxnstError(
            f"iterations {options.iterations} is less than one for each of the "
            f"{len(scales(job))} sizes: give more, or raise coarsest"
        )
    for style in job.styles:
        check_number("weight of a style", style.weight)
    if job.styles and not sum(style.weight for style in job.styles):
        raise JaxnstError("the weight of every style is 0: give one that is not")
    for style in job.styles:
        _style_rows(params, job, style)
    memory.plan_tiles(job.size, _needs(params, job), options.memory_limit * 1e9)


def _uses_content(job: Job) -> bool:
    loss = job.loss
    return job.content is not None and loss.content_weight > 0 and bool(loss.content_layers)


def _uses_style(job: Job) -> bool:
    return bool(job.styles) and job.loss.style_weight > 0 and bool(job.loss.style_layers)


def _with_normalized_weights(job: Job) -> tuple[Job, float]:
    """The job with loss weights of at most 1, and the factor back to the loss as asked for."""
    loss, factor = normalize_weights(job.loss, content=_uses_content(job), style=_uses_style(job))
    return dataclasses.replace(job, loss=loss), factor


def _weighted_as_asked(parts: dict[str, float], factor: float) -> dict[str, float]:
    """The parts of a loss of normalized weights as the job's own weights have them."""
    return {name: part if "/" in name else factor * part for name, part in parts.items()}


def _shares(job: Job) -> list[int]:
    """Evaluations at each scale; what is left over goes to the coarse ones, which cost least."""
    count = len(scales(job))
    each, left = divmod(job.options.iterations, count)
    return [each + (scale < left) for scale in range(count)]


def _start(job: Job, size: tuple[int, int]) -> np.ndarray:
    """The picture before the first evaluation, [height, width, 3]."""
    if job.start is not None:
        return resize(job.start, size)
    if job.options.init == "content":
        assert job.content is not None
        return resize(job.content, size)
    noise = jax.random.normal(jax.random.key(job.options.seed), (*size, 3))
    return np.asarray(jnp.clip(0.5 + 0.2 * noise, 0.0, 1.0))


def _evaluation(params: vgg.Params, job: Job, size: tuple[int, int]) -> Evaluate:
    """The loss and its gradient for pictures of one size, in tiles if it must be."""
    rows = memory.plan_tiles(size, _needs(params, job), job.options.memory_limit * 1e9)
    targets = _targets(params, job, size, rows)
    if rows >= size[0]:
        return lambda image: loss_and_gradient(params, image, targets, job.loss)
    return lambda image: tiling.tiled_loss_and_gradient(
        params, image, targets, job.loss, tile_rows=rows
    )


def _needs(params: vgg.Params, job: Job) -> memory.Needs:
    """What the memory of a job depends on, apart from the picture's size."""
    lbfgs_pairs = min(job.options.memory, max(_shares(job)))
    pairs = lbfgs_pairs if job.options.optimizer == "lbfgs" else 1
    return memory.Needs(
        net=vgg.net_of(params),
        layers=(*job.loss.content_layers, *job.loss.style_layers),
        content_layers=job.loss.content_layers if _uses_content(job) else (),
        pictures=2 * pairs + 8,  # photo, image, gradient, average, and those of the next step
    )


def _style_rows(params: vgg.Params, job: Job, style: Style) -> int:
    """Rows of a tile of a style picture, with which it fits at the finest scale."""
    needs = memory.Needs(vgg.net_of(params), job.loss.style_layers, (), pictures=3)
    limit = job.options.memory_limit * 1e9
    return memory.plan_tiles(_style_size(job, style, job.size), needs, limit)


def _style_size(job: Job, style: Style, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the style picture; its short side is as long as a net needs."""
    shape = style.image.shape[:2]
    least = math.ceil(vgg_layers.MIN_SIDE * max(shape) / min(shape))
    return fit_long_side(shape, max(least, round(job.style_scale * max(size))))


def _targets(params: vgg.Params, job: Job, size: tuple[int, int], rows: int) -> Targets:
    """What a picture of this size is compared with; worked out in tiles of so many rows."""
    content: dict[str, jax.Array] = {}
    if _uses_content(job):
        assert job.content is not None
        photo = jnp.asarray(resize(job.content, size))
        content = tiling.tiled_content_targets(params, photo, job.loss, tile_rows=rows)
    styles = job.styles if _uses_style(job) else ()
    return Targets(content, tuple(_style_target(params, job, style, size) for style in styles))


def _style_target(params: vgg.Params, job: Job, style: Style, size: tuple[int, int]) -> StyleTarget:
    style_size = _style_size(job, style, size)
    image = jnp.asarray(resize(style.image, style_size))
    rows = _style_rows(params, job, style)
    mask = None if style.mask is None else jnp.asarray(resize(style.mask, size))
    alpha = None
    if style.alpha is not None:
        alpha = jnp.maximum(jnp.asarray(resize(style.alpha, style_size)), LEAST_ALPHA)
    return tiling.tiled_style_targets(
        params, image, job.loss, tile_rows=rows, weight=style.weight, mask=mask, alpha=alpha
    )


def _picture(state: RunState) -> np.ndarray:
    return np.asarray(state.optimizer.image if state.average is None else state.average)


def _averaged(
    average: jax.Array | None, image: jax.Array, count: int, options: OptimizeOptions
) -> jax.Array | None:
    """The average of `count` iterates; a plain mean until the decay forgets the first of them."""
    if not options.average:
        return None
    if average is None:
        return image
    decay = min(options.average, (count - 1) / count)
    return decay * average + (1 - decay) * image


def _progress(state: RunState, shares: list[int], factor: float) -> Progress:
    done = sum(shares[: state.scale]) + state.iteration
    optimizer = state.optimizer
    # Optimizers square gradients: where that overflows they would take no step, without a word.
    length = float(jnp.linalg.norm(optimizer.gradient.ravel()))
    for name, value in {"loss": optimizer.loss, "length of the gradient": length}.items():
        if not np.isfinite(value):
            raise JaxnstError(
                f"the {name} is {value} at iteration {done}, beyond the range of float32 with "
                "these VGG weights: give others, or formula 'relative'"
            )
    parts = _weighted_as_asked(optimizer.parts, factor)
    return Progress(done, sum(shares), factor * optimizer.loss, parts, state)
