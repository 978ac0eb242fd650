"""Adam on pixels: optax's own steps inside the box, and never a step outside."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnst.optimize.projected_adam import AdamState, ProjectedAdam

SHAPE = (4, 3, 3)
SCALES = np.geomspace(1, 30, 36).reshape(SHAPE).astype(np.float32)

pytestmark = pytest.mark.usefixtures("optax_promotion")


def quadratic(minimum: np.ndarray):
    @jax.jit
    def evaluate(image: jax.Array):
        def loss(image: jax.Array):
            value = 0.5 * jnp.sum(SCALES * jnp.square(image - minimum))
            return value, {"half": value / 2}

        return jax.value_and_grad(loss, has_aux=True)(image)

    return evaluate


def run(evaluate, steps: int, *, learning_rate: float = 0.02) -> list[AdamState]:
    adam = ProjectedAdam(learning_rate)
    states = [adam.init(evaluate, jnp.asarray(start()))]
    for _ in range(steps):
        states.append(adam.step(evaluate, states[-1]))
    return states


def start(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, SHAPE).astype(np.float32)


def beyond() -> np.ndarray:
    """A minimum of which about two thirds of the pixels are outside the box."""
    return np.random.default_rng(1).uniform(-1, 2, SHAPE).astype(np.float32)


def test_minimum_in_the_box_is_found():
    last = run(quadratic(beyond()), 200)[-1]
    outside = (beyond() < 0) | (beyond() > 1)
    expected = np.clip(beyond(), 0, 1)
    np.testing.assert_array_equal(np.asarray(last.image)[outside], expected[outside])
    np.testing.assert_allclose(last.image, expected, atol=5e-3)


def test_pixels_stay_in_the_box():
    images = [state.image for state in run(quadratic(beyond()), 20, learning_rate=0.3)]
    assert min(float(image.min()) for image in images) == 0
    assert max(float(image.max()) for image in images) == 1


def test_steps_that_are_not_clipped_are_optax_s():
    evaluate = quadratic(start(1))
    found = run(evaluate, 15)
    optimizer = optax.adam(0.02, b1=0.9, b2=0.99)
    image = jnp.asarray(start())
    moments = optimizer.init(image)
    for state in found:
        assert 0 < float(image.min()) < float(image.max()) < 1
        np.testing.assert_allclose(state.image, image, rtol=1e-5)
        updates, moments = optimizer.update(evaluate(image)[1], moments)
        image = image + updates


def test_first_step_moves_every_pixel_by_the_learning_rate():
    first, second = run(quadratic(start(1)), 1, learning_rate=0.05)
    np.testing.assert_allclose(np.abs(second.image - first.image), 0.05, rtol=1e-3)
    assert second.loss < first.loss


def test_every_step_takes_one_evaluation_and_keeps_it():
    evaluate, images = quadratic(beyond()), []

    def counted(image: jax.Array):
        images.append(image)
        return evaluate(image)

    states = run(counted, 7)
    assert len(images) == 8
    for state, image in zip(states, images, strict=True):
        (loss, parts), gradient = evaluate(state.image)
        assert state.image is image
        assert state.loss == float(loss)
        assert state.parts == {"half": float(parts["half"])}
        np.testing.assert_array_equal(state.gradient, gradient)


def test_equal_starts_give_equal_bits():
    first, second = (run(quadratic(beyond()), 12)[-1] for _ in range(2))
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(a, b)
