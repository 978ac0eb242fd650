"""The optimizer of a training run, put together from optax, and its learning rate."""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from jaxnst.errors import check_choice, check_number

_SQUARABLE = 1e15  # a length of gradients that Adam can square in float32


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
    tx = optax.chain(_clip(options.clip or _SQUARABLE), optax.adam(1.0))
    if options.accumulate == 1:
        return tx
    return optax.MultiSteps(tx, options.accumulate).gradient_transformation()


def gradient_norm(gradients: Any) -> jax.Array:
    """Length of a gradient, also where the squares of its numbers leave float32's range."""
    leaves = jax.tree.leaves(gradients)
    most = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in leaves]))
    most = jnp.where(most > 0, most, 1.0)
    return most * jnp.sqrt(sum(jnp.sum(jnp.square(leaf / most)) for leaf in leaves))


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


def _clip(limit: float) -> optax.GradientTransformation:
    """Shortens gradients longer than a limit."""

    def clip(gradients: Any, _: Any) -> Any:
        factor = jnp.minimum(1.0, limit / jnp.maximum(gradient_norm(gradients), 1e-30))
        return optax.tree.scale(factor, gradients)

    return optax.stateless(clip)
