"""The optimiser of a training run, put together from optax."""

import dataclasses
from typing import Any, Literal

import jax
import optax

from jaxnst.errors import check_choice, check_number


@dataclasses.dataclass(frozen=True)
class OptimizerOptions:
    """How the parameters are trained: Adam (Kingma & Ba, 2015) and what goes with it."""

    steps: int = 40_000
    """Batches to train on."""
    learning_rate: float = 1e-3
    """Greatest step size of Adam."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Whether the step size falls to nothing along a cosine."""
    condition_rate: float = 1.0
    """Step size of the styles' conditions relative to that of the kernels."""
    warmup: int = 0
    """Batches over which the step size rises from nothing."""
    clip: float = 0.0
    """Greatest norm of the gradient; longer ones are shortened to it. 0: any."""
    accumulate: int = 1
    """Batches whose gradients are averaged before a step is taken."""
    average: float = 0.0
    """The result is a moving average of the parameters with this decay for every batch, such as
    0.999; 0: the parameters themselves."""

    def __post_init__(self) -> None:
        check_number("steps", self.steps, low=1, high=1e9)
        check_number("learning_rate", self.learning_rate, high=1e3)
        check_choice("schedule", self.schedule, ("constant", "cosine"))
        check_number("condition_rate", self.condition_rate, high=1e3)
        check_number("warmup", self.warmup, high=self.steps)
        check_number("clip", self.clip)
        check_number("accumulate", self.accumulate, low=1, high=1e6)
        check_number("average", self.average, high=0.999999)


def make_optimizer(options: OptimizerOptions, rates: Any = 1.0) -> optax.GradientTransformation:
    """The whole chain: clipping, Adam on a schedule, accumulation.

    Args:
      options: what to put together.
      rates: of the parameters' structure, or a prefix of it: their step sizes relative to the
        learning rate; 0: they do not change, and do not count in the clipping either.
    """
    taken = max(1, options.steps // options.accumulate)
    warmup = options.warmup // options.accumulate
    rate = options.learning_rate
    falling = (
        optax.cosine_decay_schedule(rate, max(1, taken - warmup))
        if options.schedule == "cosine"
        else optax.constant_schedule(rate)
    )
    rising = optax.linear_schedule(0, rate, warmup) if warmup else optax.constant_schedule(rate)
    tx = optax.chain(
        _scale(jax.tree.map(bool, rates)),
        optax.clip_by_global_norm(options.clip) if options.clip else optax.identity(),
        optax.adam(optax.join_schedules((rising, falling), (warmup,))),
        _scale(rates),
    )
    if options.accumulate == 1:
        return tx
    return optax.MultiSteps(tx, options.accumulate).gradient_transformation()


def _scale(rates: Any) -> optax.GradientTransformation:
    """Multiplies parts of the updates; `rates` is a prefix of their structure."""

    def scale(updates: Any, _: Any) -> Any:
        return jax.tree.map(lambda r, part: jax.tree.map(lambda u: r * u, part), rates, updates)

    return optax.stateless(scale)
