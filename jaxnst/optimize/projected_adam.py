"""Adam (Kingma & Ba, 2015) on pixels, by optax; every step ends inside [0, 1]."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxnst.optimize.projected_lbfgs import Evaluate, float_parts


class AdamState(NamedTuple):
    """Everything the next iteration depends on."""

    image: jax.Array
    loss: float
    parts: dict[str, float]
    gradient: jax.Array
    moments: optax.OptState


def init(evaluate: Evaluate, image: jax.Array) -> AdamState:
    """State at an image [H, W, 3] in [0, 1]; one evaluation."""
    (loss, parts), gradient = evaluate(image)
    return AdamState(image, float(loss), float_parts(parts), gradient, no_moments(image))


def step(evaluate: Evaluate, state: AdamState, *, learning_rate: float) -> AdamState:
    """One iteration, one evaluation.

    Args:
      evaluate: the loss with its gradient.
      state: from `init` or the last step.
      learning_rate: about how far a pixel moves in a step, in units of [0, 1].
    """
    image, moments = _propose(state.image, state.gradient, state.moments, learning_rate)
    (loss, parts), gradient = evaluate(image)
    return AdamState(image, float(loss), float_parts(parts), gradient, moments)


def no_moments(image: jax.Array) -> optax.OptState:
    """Adam's moments before the first step."""
    return _transform(0.0).init(image)


def _transform(learning_rate: float | jax.Array) -> optax.GradientTransformation:
    return optax.adam(learning_rate, b1=0.9, b2=0.99)


@jax.jit
def _propose(
    image: jax.Array, gradient: jax.Array, moments: optax.OptState, learning_rate: float
) -> tuple[jax.Array, optax.OptState]:
    updates, moments = _transform(learning_rate).update(gradient, moments, image)
    return jnp.clip(image + updates, 0.0, 1.0), moments
