"""What to paint by optimization: the photo, the styles, the sizes, and what it takes."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from jaxnst.errors import JaxnstError, check_number
from jaxnst.io.resize import fit_long_side
from jaxnst.optimize.options import OptimizeOptions
from jaxnst.perceptual import memory, vgg, vgg_layers
from jaxnst.perceptual.loss_options import LossOptions, normalize_weights
from jaxnst.perceptual.statistics import STATISTICS


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


def evaluations(job: Job) -> list[int]:
    """Evaluations at each scale; what is left over goes to the coarse ones, which cost least."""
    count = len(scales(job))
    each, left = divmod(job.options.iterations, count)
    return [each + (scale < left) for scale in range(count)]


def check_job(params: vgg.Params, job: Job) -> None:
    """Raises JaxnstError unless the job can be done with these parameters."""
    loss, options, net = job.loss, job.options, vgg.net_of(params)
    vgg_layers.check_layers(net, (*loss.content_layers, *loss.style_layers))
    if not uses_content(job) and not uses_style(job):
        raise JaxnstError("nothing to do: give a photo, a style, or weights that are not zero")
    if options.init == "content" and job.start is None:
        if job.content is None:
            raise JaxnstError("init 'content' needs a photo: give one, or use init 'noise'")
        if not uses_style(job):
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
        style_rows(params, job, style)
    memory.plan_tiles(job.size, memory_needs(params, job), options.memory_limit * 1e9)


def uses_content(job: Job) -> bool:
    loss = job.loss
    return job.content is not None and loss.content_weight > 0 and bool(loss.content_layers)


def uses_style(job: Job) -> bool:
    return bool(job.styles) and job.loss.style_weight > 0 and bool(job.loss.style_layers)


def matches(job: Job) -> bool:
    """Whether styles are matched with the picture so far, see `perceptual.neighbors`."""
    return uses_style(job) and STATISTICS[job.loss.statistic].matched


def with_normalized_weights(job: Job) -> tuple[Job, float]:
    """The job with loss weights of at most 1, and the factor back to the loss as asked for."""
    loss, factor = normalize_weights(job.loss, content=uses_content(job), style=uses_style(job))
    return dataclasses.replace(job, loss=loss), factor


def memory_needs(params: vgg.Params, job: Job) -> memory.Needs:
    """What the memory of a job depends on, apart from the picture's size."""
    lbfgs_pairs = min(job.options.memory, max(evaluations(job)))
    pairs = lbfgs_pairs if job.options.optimizer == "lbfgs" else 1
    matched = job.loss.style_layers * (1 + len(job.styles)) if matches(job) else ()
    return memory.Needs(
        net=vgg.net_of(params),
        layers=(*job.loss.content_layers, *job.loss.style_layers),
        kept_layers=(*(job.loss.content_layers if uses_content(job) else ()), *matched),
        pictures=2 * pairs + 8,  # photo, image, gradient, average, and those of the next step
    )


def style_rows(params: vgg.Params, job: Job, style: Style) -> int:
    """Rows of a tile of a style picture, with which it fits at the finest scale."""
    kept = job.loss.style_layers if matches(job) else ()
    needs = memory.Needs(vgg.net_of(params), job.loss.style_layers, kept, pictures=3)
    limit = job.options.memory_limit * 1e9
    return memory.plan_tiles(style_size(job, style, job.size), needs, limit)


def style_size(job: Job, style: Style, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the style picture; its short side is as long as a net needs."""
    shape = style.image.shape[:2]
    least = math.ceil(vgg_layers.MIN_SIDE * max(shape) / min(shape))
    return fit_long_side(shape, max(least, round(job.style_scale * max(size))))
