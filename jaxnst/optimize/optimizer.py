"""What optimizers of pixels have in common: how they are called, and what their states hold.

An optimizer is a frozen dataclass of its settings; a state is a pytree that a snapshot can keep.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax

Evaluate = Callable[[jax.Array], tuple[tuple[jax.Array, dict[str, jax.Array]], jax.Array]]
"""Image -> ((loss, parts), gradient), as `jax.value_and_grad(..., has_aux=True)` makes it."""


class OptimizerState(Protocol):
    """Everything the next step depends on."""

    @property
    def image(self) -> jax.Array:
        """The current iterate, [H, W, 3] in [0, 1]."""

    @property
    def loss(self) -> float:
        """The loss of the image."""

    @property
    def parts(self) -> dict[str, float]:
        """What the loss is made of."""

    @property
    def gradient(self) -> jax.Array:
        """The gradient of the loss with respect to the image, [H, W, 3]."""

    def pack(self) -> dict[str, Any]:
        """Arrays, and JSON values, by name."""

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "OptimizerState":
        """The state that was packed.

        Raises:
          KeyError: something is missing.
        """


class Optimizer(Protocol):
    """Descends a loss of pixels, which stay in [0, 1]."""

    def init(self, evaluate: Evaluate, image: jax.Array) -> OptimizerState:
        """The state at an image [H, W, 3] in [0, 1]; one evaluation."""

    def step(self, evaluate: Evaluate, state: Any) -> OptimizerState:
        """The state after one iteration, from that of `init` or of the last step; one evaluation.

        Args:
          evaluate: the loss with its gradient.
          state: of this optimizer.
        """


def aimed_anew(evaluate: Evaluate, state: Any) -> Any:
    """The state of any optimizer at the same image when the loss has changed; one evaluation.

    What it has learned of the curvature stays: a loss of other targets bends alike.
    """
    (loss, parts), gradient = evaluate(state.image)
    return state._replace(loss=float(loss), parts=float_parts(parts), gradient=gradient)


def float_parts(parts: Mapping[str, jax.Array]) -> dict[str, float]:
    """The parts of a loss as Python numbers; waits for the device."""
    return {name: float(part) for name, part in parts.items()}
