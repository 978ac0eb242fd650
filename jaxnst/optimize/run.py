"""Image optimization (Gatys et al., 2016): pixels descend the perceptual loss, coarse to fine.

A `Job` is what to paint and how; `run` is a generator that paints it and yields after every
evaluation of the loss, so a progress bar, a preview, a cancel button and a test all hang on the
same hook. What it yields carries the state from which the run continues exactly.

The picture is first made small, where a stroke of the style's fills much of what the net sees at
once, then doubled in size and worked on again: large swirls appear that a run at full size alone
does not find, and most evaluations cost little.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.resize import resize
from jaxnst.optimize.job import (
    Job,
    check_job,
    evaluations,
    memory_needs,
    scales,
    with_normalized_weights,
)
from jaxnst.optimize.objective import evaluation
from jaxnst.optimize.optimizer import Optimizer, OptimizerState, aimed_anew, float_parts
from jaxnst.optimize.options import OptimizeOptions
from jaxnst.optimize.projected_adam import ProjectedAdam
from jaxnst.optimize.projected_lbfgs import ProjectedLbfgs
from jaxnst.perceptual import vgg

PARTS = ("content", "style", "tv")
"""The weighted terms that a loss is the sum of."""

# Pixels times evaluations. Fast convolutions take seconds more to compile, which a few small
# evaluations do not earn.
_WORTH_PREPARING = 4e6

_MATCHES = 4  # at each size, where styles are matched with the picture so far
_STEPS = 5  # between them at least


class RunState(NamedTuple):
    """Where a run is: enough to continue it exactly."""

    scale: int
    """Index into `scales(job)`."""
    iteration: int
    """Evaluations done at this scale."""
    optimizer: OptimizerState
    average: jax.Array | None
    matched: jax.Array | None = None
    """The picture that styles were matched with last, [H, W, 3], if they are."""


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
    job, factor = with_normalized_weights(job)
    optimizer = make_optimizer(job.options)
    sizes, shares = scales(job), evaluations(job)
    for scale in range(state.scale if state else 0, len(sizes)):
        if is_fast(job, scale):
            params = vgg.prepare(params, memory_needs(params, job).layers)
        aim = evaluation(params, job, sizes[scale])
        if state is None or state.scale < scale:
            image = (
                _start(job, sizes[0]) if state is None else resize(_picture(state), sizes[scale])
            )
            evaluate, matched = aim(jnp.asarray(image))
            first = optimizer.init(evaluate, jnp.asarray(image))
            average = _averaged(None, first.image, 1, job.options)
            state = RunState(scale, 1, first, average, matched)
            yield _progress(state, shares, factor)
        else:
            evaluate, _ = aim(state.matched)
        while state.iteration < shares[scale]:
            matched, count = state.matched, state.iteration + 1
            if matched is not None and _matches_anew(state.iteration, shares[scale]):
                evaluate, matched = aim(state.optimizer.image)
                following = aimed_anew(evaluate, state.optimizer)
            else:
                following = optimizer.step(evaluate, state.optimizer)
            average = _averaged(state.average, following.image, count, job.options)
            state = RunState(scale, count, following, average, matched)
            yield _progress(state, shares, factor)


def is_fast(job: Job, scale: int) -> bool:
    """Whether convolutions are fast at a scale, see `vgg.prepare`."""
    height, width = scales(job)[scale]
    return height * width * evaluations(job)[scale] > _WORTH_PREPARING


def work_done(job: Job, state: RunState) -> float:
    """Share of a run's work that is done, 0 to 1: evaluations cost as many pixels as they have."""
    pixels, shares = [h * w for h, w in scales(job)], evaluations(job)
    done = [*shares[: state.scale], state.iteration]
    return float(np.dot(pixels[: len(done)], done) / np.dot(pixels, shares))


def loss_of(params: vgg.Params, job: Job, image: np.ndarray) -> tuple[float, dict[str, float]]:
    """The loss of a picture of the job's size, such as one read back from a file, and its parts."""
    job, factor = with_normalized_weights(job)
    picture = jnp.asarray(image, jnp.float32)
    evaluate, _ = evaluation(params, job, job.size)(picture)
    (loss, parts), _ = evaluate(picture)
    return factor * float(loss), _weighted_as_asked(float_parts(parts), factor)


def make_optimizer(options: OptimizeOptions) -> Optimizer:
    """The optimizer that the options ask for."""
    if options.optimizer == "lbfgs":
        return ProjectedLbfgs(options.memory)
    return ProjectedAdam(options.learning_rate)


def _matches_anew(iteration: int, share: int) -> bool:
    """Whether styles are matched again after so many evaluations at a size, of its share."""
    every = max(_STEPS, -(-share // _MATCHES))
    return iteration % every == 0 and iteration + 1 < share


def _weighted_as_asked(parts: dict[str, float], factor: float) -> dict[str, float]:
    """The parts of a loss of normalized weights as the job's own weights have them."""
    return {name: part if "/" in name else factor * part for name, part in parts.items()}


def _start(job: Job, size: tuple[int, int]) -> np.ndarray:
    """The picture before the first evaluation, [height, width, 3]."""
    if job.start is not None:
        return resize(job.start, size)
    if job.options.init == "content":
        assert job.content is not None
        return resize(job.content, size)
    noise = jax.random.normal(jax.random.key(job.options.seed), (*size, 3))
    return np.asarray(jnp.clip(0.5 + 0.2 * noise, 0.0, 1.0))


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
