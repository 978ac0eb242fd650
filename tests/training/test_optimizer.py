"""The optimizer of a run and its learning rate."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.training.optimizer import gradient_norm, learning_rate, make_optimizer
from jaxnst.training.options import OptimizerOptions

pytestmark = pytest.mark.usefixtures("optax_promotion")


@pytest.mark.parametrize(
    ("changed", "step", "progress", "wanted"),
    [
        ({}, 0, 0.0, 1e-3),
        ({}, 99, 0.99, 1e-3),
        ({"warmup": 10}, 0, 0.0, 1e-4),
        ({"warmup": 10}, 50, 0.5, 1e-3),
        ({"schedule": "cosine"}, 0, 0.9, 1e-3),  # it is the step that counts
        ({"schedule": "cosine"}, 50, 0.9, 5e-4),
        ({"schedule": "cosine"}, 100, 0.9, 0.0),
        ({"schedule": "cosine", "minutes": 3.0}, 7, 0.5, 5e-4),  # or the clock
        ({"schedule": "cosine", "minutes": 3.0}, 7, 1.2, 0.0),
    ],
)
def test_learning_rate(changed: dict, step: int, progress: float, wanted: float) -> None:
    options = OptimizerOptions(steps=100, learning_rate=1e-3, **changed)
    np.testing.assert_allclose(learning_rate(options, step, progress), wanted, rtol=1e-5, atol=1e-9)


def test_adams_first_step_has_one_size_whatever_the_gradient() -> None:
    tx = make_optimizer(OptimizerOptions())
    updates, _ = tx.update(jnp.full(1, 1e-3), tx.init(jnp.zeros(1)))
    np.testing.assert_allclose(updates, -1, rtol=1e-3)


def test_clipping_bounds_what_adam_is_given() -> None:
    options = OptimizerOptions(steps=10, clip=1.0)
    clipped, free = (make_optimizer(o) for o in (options, dataclasses.replace(options, clip=0.0)))
    moments = [tx.update(jnp.array([3.0, 4.0]), tx.init(jnp.zeros(2)))[1] for tx in (clipped, free)]
    first, second = (
        next(leaf for leaf in jax.tree.leaves(m) if leaf.shape == (2,)) for m in moments
    )
    np.testing.assert_allclose(second, 5 * first, rtol=1e-5)


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_gradients_whose_squares_leave_float32_are_followed_all_the_same(clip: float) -> None:
    tx = make_optimizer(OptimizerOptions(clip=clip))
    gradients = {"a": jnp.array([3e30, -4e30]), "b": jnp.zeros(2)}
    updates, _ = tx.update(gradients, tx.init(gradients))
    np.testing.assert_allclose(updates["a"], [-1, 1], rtol=1e-3)
    np.testing.assert_allclose(gradient_norm(gradients), 5e30, rtol=1e-5)
    assert float(gradient_norm({"a": jnp.zeros(2)})) == 0


def test_accumulated_batches_are_as_one() -> None:
    gradients = [jnp.array([1.0, -2.0]), jnp.array([3.0, 4.0])]
    double = make_optimizer(OptimizerOptions(steps=10, accumulate=2))
    state = double.init(jnp.zeros(2))
    first, state = double.update(gradients[0], state, jnp.zeros(2))
    second, _ = double.update(gradients[1], state, jnp.zeros(2))
    np.testing.assert_array_equal(first, 0)
    one = make_optimizer(OptimizerOptions(steps=10))
    wanted, _ = one.update(jnp.array([2.0, 1.0]), one.init(jnp.zeros(2)), jnp.zeros(2))
    np.testing.assert_allclose(second, wanted, rtol=1e-6)
