"""The optimizer of a training run, put together from optax, and its learning rate."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from jaxnst.errors import check_choice, check_number


@dataclasses.dataclass(frozen=True)
class OptimizerOptions:
    """How the parameters are trained: Adam (Kingma & Ba, 2015) and what goes with it."""

    steps: int = 40_000
    """Batches to train on."""
    minutes: float = 0.0
    """Train for this long instead, however many steps that makes; the learning rate follows the
    clock, so that the result is not the same to the bit when repeated. 0: count steps."""
    learning_rate: float = 1e-3
    """Greatest step size of Adam."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Whether the step size falls to zero along a cosine."""
    warmup: int = 0
    """Batches over which the step size rises from zero."""
    clip: float = 0.0
    """Greatest norm of the gradient; longer ones are shortened to it. 0: any."""
    accumulate: int = 1
    """Batches whose gradients are averaged before a step is taken."""
    average: float = 0.0
    """The result is a moving average of the parameters with this decay for every batch, such as
    0.999; 0: the parameters themselves."""

    def __post_init__(self) -> None:
        check_number("steps", self.steps, low=1, high=1e9)
        check_number("minutes", self.minutes, high=1e6)
        check_number("learning_rate", self.learning_rate, high=1e3)
        check_choice("schedule", self.schedule, ("constant", "cosine"))
        check_number("warmup", self.warmup, high=self.steps)
        check_number("clip", self.clip)
        check_number("accumulate", self.accumulate, low=1, high=1e6)
        check_number("average", self.average, high=0.999999)


def make_optimizer(options: OptimizerOptions) -> optax.GradientTransformation:
    """Clipping, Adam at a learning rate of 1, accumulation; `learning_rate` scales its updates."""
    tx = optax.chain(
        optax.clip_by_global_norm(options.clip) if options.clip else optax.identity(),
        optax.adam(1.0),
    )
    if options.accumulate == 1:
        return tx
    return optax.MultiSteps(tx, options.accumulate).gradient_transformation()


def learning_rate(options: OptimizerOptions, step: ArrayLike, progress: ArrayLike) -> jax.Array:
    """The step size at a step.

    Args:
      options: of the run.
      step: how many batches were trained on before.
      progress: the part of the run that is done, from 0 to 1; it counts in a run of minutes.
    """
    step = jnp.asarray(step, jnp.float32)
    done = jnp.asarray(progress) if options.minutes else step / options.steps
    rate = jnp.float32(options.learning_rate)
    if options.schedule == "cosine":
        rate = rate * (0.5 + 0.5 * jnp.cos(jnp.pi * jnp.clip(done, 0, 1)))
    if options.warmup:
        rate = rate * jnp.minimum(1.0, (step + 1) / options.warmup)
    return rate
