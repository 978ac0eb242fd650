"""Adam (Kingma & Ba, 2015) on pixels, by optax; every step is projected back into [0, 1]."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxnst.optimize.optimizer import Evaluate, float_parts


class AdamState(NamedTuple):
    """Everything the next step depends on."""

    image: jax.Array
    loss: float
    parts: dict[str, float]
    gradient: jax.Array
    moments: optax.OptState

    def pack(self) -> dict[str, Any]:
        """Arrays, and JSON values, by name."""
        leaves = enumerate(jax.tree.leaves(self.moments))
        return {
            "image": self.image,
            "loss": self.loss,
            "parts": self.parts,
            "gradient": self.gradient,
            **{f"moments/{i}": leaf for i, leaf in leaves},
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "AdamState":
        """The state that was packed."""
        image = packed["image"]
        blank, structure = jax.tree.flatten(_transform(0.0).init(image))
        leaves = [packed[f"moments/{i}"] for i in range(len(blank))]
        moments = jax.tree.unflatten(structure, leaves)
        return cls(image, packed["loss"], packed["parts"], packed["gradient"], moments)


@dataclasses.dataclass(frozen=True)
class ProjectedAdam:
    """Adam whose steps end inside [0, 1]."""

    learning_rate: float
    """About how far a pixel moves in a step, in units of the pixel range."""

    def init(self, evaluate: Evaluate, image: jax.Array) -> AdamState:
        """The state at an image [H, W, 3] in [0, 1]; one evaluation."""
        (loss, parts), gradient = evaluate(image)
        moments = _transform(0.0).init(image)
        return AdamState(image, float(loss), float_parts(parts), gradient, moments)

    def step(self, evaluate: Evaluate, state: AdamState) -> AdamState:
        """The state after one iteration; one evaluation."""
        image, moments = _propose(state.image, state.gradient, state.moments, self.learning_rate)
        (loss, parts), gradient = evaluate(image)
        return AdamState(image, float(loss), float_parts(parts), gradient, moments)


def _transform(learning_rate: float | jax.Array) -> optax.GradientTransformation:
    # Gradients of means over pixels are of the order of 1e-6 and smaller in larger pictures, where
    # optax's own epsilon, 1e-8, would slow some of them down.
    return optax.adam(learning_rate, b1=0.9, b2=0.99, eps=1e-15)


@jax.jit
def _propose(
    image: jax.Array, gradient: jax.Array, moments: optax.OptState, learning_rate: float
) -> tuple[jax.Array, optax.OptState]:
    updates, moments = _transform(learning_rate).update(gradient, moments, image)
    return jnp.clip(image + updates, 0.0, 1.0), moments
