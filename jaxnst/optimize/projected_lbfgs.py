"""Limited-memory BFGS, the optimizer of Gatys et al. (2016), with pixels kept in [0, 1].

The two-loop recursion of Nocedal & Wright (2006, algorithm 7.4) with three changes for pictures.

- One evaluation per iteration: the unit step is taken without a line search, as in the original
  neural-style, and taken back only when the loss has risen.
- Pixels at 0 or 1 that the gradient pushes outwards are held there (an active set), and the step
  is projected back into the box, so what is optimized is what an 8-bit file can hold.
- The history is a tuple of arrays, newest first; a step makes one new pair and copies none.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.optimize.optimizer import Evaluate, float_parts

# An accelerator would round the factors, and curvatures are small differences.
_dot = functools.partial(jnp.vdot, precision=jax.lax.Precision.HIGHEST)


class Pair(NamedTuple):
    """A step and how the gradient changed along it."""

    step: jax.Array
    change: jax.Array


class LbfgsState(NamedTuple):
    """Everything the next step depends on."""

    image: jax.Array
    loss: float
    parts: dict[str, float]
    gradient: jax.Array
    history: tuple[Pair, ...]
    """Newest first."""
    rate: float
    """Step length: 1 but after a loss that rose."""

    def pack(self) -> dict[str, Any]:
        """Arrays, and JSON values, by name."""
        packed: dict[str, Any] = self._asdict() | {"history": len(self.history)}
        for i, pair in enumerate(self.history):
            packed |= {f"history/{i}/{name}": array for name, array in pair._asdict().items()}
        return packed

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "LbfgsState":
        """The state that was packed."""
        history = tuple(
            Pair(*(packed[f"history/{i}/{name}"] for name in Pair._fields))
            for i in range(packed["history"])
        )
        return cls(**{name: packed[name] for name in cls._fields} | {"history": history})


@dataclasses.dataclass(frozen=True)
class ProjectedLbfgs:
    """L-BFGS whose steps end inside [0, 1]."""

    memory: int
    """How many pairs are kept."""

    def init(self, evaluate: Evaluate, image: jax.Array) -> LbfgsState:
        """The state at an image [H, W, 3] in [0, 1]; one evaluation."""
        (loss, parts), gradient = evaluate(image)
        return LbfgsState(image, float(loss), float_parts(parts), gradient, (), 1.0)

    def step(self, evaluate: Evaluate, state: LbfgsState) -> LbfgsState:
        """The state after one iteration; one evaluation.

        Where the loss would rise the image stays as it is.
        """
        padded = state.history + (_no_pair(state.image),) * (self.memory - len(state.history))
        image = _propose(state.image, state.gradient, padded, state.rate)
        (loss, parts), gradient = evaluate(image)
        pair = _pair(state.image, state.gradient, image, gradient)
        history = (pair, *state.history)[: self.memory] if _curved(pair) else state.history
        if float(loss) <= state.loss:
            rate = min(1.0, 2 * state.rate)
            return LbfgsState(image, float(loss), float_parts(parts), gradient, history, rate)
        if state.rate <= _LEAST_RATE or not np.isfinite(float(loss)):
            return state._replace(history=(), rate=state.rate / 4)  # the history misleads
        return state._replace(history=history, rate=state.rate / 2)  # the pair tells that it rose


_FIRST_STEP = 0.01  # root mean square of a step without history, in units of the pixel range
_LEAST_RATE = 1 / 16
_CURVATURE_FLOOR = 1e-10  # pairs that are flat or bend down would make the estimate indefinite


@jax.jit
def _propose(
    image: jax.Array,
    gradient: jax.Array,
    history: tuple[Pair, ...],
    rate: float,
) -> jax.Array:
    """The image after a quasi-Newton step inside the box."""
    held = ((image <= 0) & (gradient > 0)) | ((image >= 1) & (gradient < 0))
    free_gradient = jnp.where(held, 0.0, gradient)
    direction = -jnp.where(held, 0.0, _two_loop(free_gradient, history))
    return jnp.clip(image + rate * direction, 0.0, 1.0)


def _two_loop(gradient: jax.Array, history: tuple[Pair, ...]) -> jax.Array:
    """The inverse Hessian's estimate times the gradient; pairs of zeros do not count."""
    q, alphas = gradient, []
    products = [_dot(pair.step, pair.change) for pair in history]
    inverses = [jnp.where(p > 0, 1 / jnp.where(p > 0, p, 1), 0.0) for p in products]
    for pair, inverse in zip(history, inverses, strict=True):
        alphas.append(inverse * _dot(pair.step, q))
        q = q - alphas[-1] * pair.change
    q = q * _initial_scale(gradient, history[0], products[0])
    for pair, inverse, alpha in reversed(list(zip(history, inverses, alphas, strict=True))):
        q = q + (alpha - inverse * _dot(pair.change, q)) * pair.step
    return q


def _initial_scale(gradient: jax.Array, newest: Pair, product: jax.Array) -> jax.Array:
    """Step per gradient before the history is applied; from the newest pair if there is one."""
    rms = jnp.sqrt(jnp.mean(jnp.square(gradient)))
    squared = _dot(newest.change, newest.change)
    from_pair = product / jnp.where(squared > 0, squared, 1)
    return jnp.where(squared > 0, from_pair, _FIRST_STEP / jnp.maximum(rms, 1e-30))


@jax.jit
def _pair(
    image: jax.Array, gradient: jax.Array, next_image: jax.Array, next_gradient: jax.Array
) -> Pair:
    return Pair(next_image - image, next_gradient - gradient)


@jax.jit
def _curvature(pair: Pair) -> jax.Array:
    """Cosine-like measure of how the loss bends up along the step."""
    norm = jnp.linalg.norm(pair.step.ravel()) * jnp.linalg.norm(pair.change.ravel())
    return _dot(pair.step, pair.change) / jnp.maximum(norm, 1e-30)


def _curved(pair: Pair) -> bool:
    return bool(_curvature(pair) > _CURVATURE_FLOOR)


def _no_pair(image: jax.Array) -> Pair:
    """Fills a history that is not full yet; one array of zeros serves for all."""
    zeros = jnp.zeros_like(image)
    return Pair(zeros, zeros)
