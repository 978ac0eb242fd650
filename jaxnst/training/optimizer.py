"""The optimizer of a training run, put together from optax, and its learning rate."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from jaxnst.training.options import OptimizerOptions

_SQUARABLE = 1e15  # a length of gradients that Adam can square in float32


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
