"""L-BFGS on quadratics with known minima, on a rugged loss, and on losses that are not numbers."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.optimize import projected_lbfgs
from jaxnst.optimize.projected_lbfgs import LbfgsState, ProjectedLbfgs

SHAPE = (4, 3, 3)
SIZE = 36


class Loss:
    """A loss with its gradient; remembers the images it was asked about."""

    def __init__(self, loss: Callable[[jax.Array], jax.Array]) -> None:
        self._evaluate = jax.jit(
            jax.value_and_grad(lambda x: (loss(x), {"it": loss(x)}), has_aux=True)
        )
        self.images: list[jax.Array] = []

    def __call__(self, image: jax.Array):
        self.images.append(image)
        return self._evaluate(image)


def run(evaluate, image, steps: int, *, memory: int = 8) -> list[LbfgsState]:
    lbfgs = ProjectedLbfgs(memory)
    states = [lbfgs.init(evaluate, jnp.asarray(image, jnp.float32))]
    for _ in range(steps):
        states.append(lbfgs.step(evaluate, states[-1]))
    return states


def quadratic(hessian: np.ndarray, minimum: np.ndarray) -> Loss:
    matrix, center = jnp.asarray(hessian, jnp.float32), jnp.asarray(minimum, jnp.float32)

    def loss(image: jax.Array) -> jax.Array:
        away = image.reshape(-1) - center
        return 0.5 * away @ matrix @ away

    return Loss(loss)


def coupled(seed: int, condition: float) -> np.ndarray:
    """A Hessian [SIZE, SIZE] whose eigenvectors are not the pixels."""
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(SIZE, SIZE)))[0]
    return rotation @ np.diag(np.geomspace(1, condition, SIZE)) @ rotation.T


def minimum_in_box(hessian: np.ndarray, center: np.ndarray) -> np.ndarray:
    """By projected gradient descent in float64, the slow and sure way."""
    x, rate = np.full(SIZE, 0.5), 1 / np.linalg.eigvalsh(hessian).max()
    for _ in range(20_000):
        x = np.clip(x - rate * hessian @ (x - center), 0, 1)
    return x


def start(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, SHAPE)


def rugged(image: jax.Array) -> jax.Array:
    return jnp.sum(jnp.square(image - 0.9)) + 0.1 * jnp.sum(jnp.sin(60 * image))


def test_minimum_inside_the_box_is_found():
    center = start(1).reshape(-1)
    last = run(quadratic(coupled(0, 100), center), start(), 60)[-1]
    np.testing.assert_allclose(last.image.reshape(-1), center, atol=1e-3)


def test_minimum_at_the_bounds_is_that_of_each_pixel():
    center = np.random.default_rng(1).uniform(-1, 2, SIZE)
    last = run(quadratic(np.diag(np.geomspace(1, 30, SIZE)), center), start(), 60)[-1]
    found, expected = last.image.reshape(-1), np.clip(center, 0, 1)
    outside = (center < 0) | (center > 1)
    assert outside.sum() > 10
    np.testing.assert_array_equal(found[outside], expected[outside])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_minimum_at_the_bounds_of_coupled_pixels_is_found():
    hessian, center = coupled(0, 10), np.random.default_rng(1).uniform(-0.5, 1.5, SIZE)
    expected = minimum_in_box(hessian, center)
    held = (expected <= 0) | (expected >= 1)
    assert 5 < held.sum() < 30
    # Clipping the free minimum would not do.
    assert np.abs(expected - np.clip(center, 0, 1)).max() > 0.1
    last = run(quadratic(hessian, center), start(), 120)[-1]
    np.testing.assert_allclose(last.image.reshape(-1), expected, atol=2e-3)


def test_curvature_is_learned():
    hessian, center = coupled(0, 1000), start(1).reshape(-1)
    states = run(quadratic(hessian, center), start(), 80, memory=20)
    # Steepest descent with the best step of all loses a factor (1 - 2/1001)^2 in a step.
    assert states[-1].loss < 1e-3 * states[0].loss


def test_step_is_that_of_the_dense_bfgs_matrix():
    evaluate = quadratic(coupled(0, 5), start(1).reshape(-1))
    state = run(evaluate, start(), 5)[-1]
    assert len(state.history) == 5
    assert state.rate == 1.0
    newest = state.history[0]
    s, y = (np.asarray(v, np.float64).reshape(-1) for v in newest)
    inverse_hessian = np.eye(SIZE) * (s @ y) / (y @ y)
    for pair in reversed(state.history):  # oldest first: Nocedal & Wright, equation 6.17
        s, y = (np.asarray(v, np.float64).reshape(-1) for v in pair)
        left = np.eye(SIZE) - np.outer(s, y) / (s @ y)
        inverse_hessian = left @ inverse_hessian @ left.T + np.outer(s, s) / (s @ y)
    expected = -inverse_hessian @ np.asarray(state.gradient, np.float64).reshape(-1)
    ProjectedLbfgs(8).step(evaluate, state)
    found = np.asarray(evaluate.images[-1] - state.image).reshape(-1)
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_first_step_is_a_hundredth_of_the_pixel_range():
    evaluate = quadratic(1e6 * np.eye(SIZE), start(1).reshape(-1))
    first = run(evaluate, start(), 1)[0]
    moved = evaluate.images[1] - evaluate.images[0]
    assert float(jnp.sqrt(jnp.mean(moved**2))) == pytest.approx(0.01, rel=1e-3)
    assert float(jnp.vdot(moved, first.gradient)) < 0


def test_every_step_takes_one_evaluation():
    evaluate = Loss(rugged)
    state = ProjectedLbfgs(4).init(evaluate, jnp.full(SHAPE, 0.5))
    assert len(evaluate.images) == 1
    for count in range(2, 30):
        state = ProjectedLbfgs(5).step(evaluate, state)
        assert len(evaluate.images) == count


def test_loss_never_rises_and_a_step_that_would_raise_it_is_taken_back():
    evaluate = Loss(rugged)
    states = run(evaluate, start(), 60)
    losses = [state.loss for state in states]
    assert losses == sorted(losses, reverse=True)
    proposed = [float(rugged(image)) for image in evaluate.images]
    refused = [i for i in range(1, 61) if proposed[i] > losses[i - 1]]
    assert refused  # or the rest of this test says nothing
    for i in refused:
        np.testing.assert_array_equal(states[i].image, states[i - 1].image)
        assert states[i].rate < states[i - 1].rate
    assert losses[-1] < 0.7 * losses[0]


def test_state_belongs_together():
    evaluate = Loss(rugged)
    for state in run(evaluate, start(), 20):
        (loss, parts), gradient = evaluate(state.image)
        assert state.loss == float(loss)
        assert state.parts == {"it": float(parts["it"])}
        np.testing.assert_array_equal(state.gradient, gradient)


def test_pixels_stay_in_the_box():
    center = np.random.default_rng(1).uniform(-3, 4, SIZE)
    evaluate = quadratic(coupled(0, 100), center)
    run(evaluate, np.random.default_rng(0).integers(0, 2, SHAPE), 40)
    assert min(float(image.min()) for image in evaluate.images) == 0
    assert max(float(image.max()) for image in evaluate.images) == 1


def test_loss_that_bends_down_teaches_nothing_and_still_falls():
    states = run(Loss(lambda image: -jnp.sum(jnp.square(image - 0.5))), start(), 60)
    assert not any(state.history for state in states)
    # The first steps are a hundredth of the range: 60 of them reach the corners or nearly.
    assert states[-1].loss < 0.8 * -0.25 * SIZE


def test_history_holds_the_newest_pairs():
    states = run(quadratic(coupled(0, 100), start(1).reshape(-1)), start(), 8, memory=3)
    assert [len(state.history) for state in states] == [0, 1, 2, 3, 3, 3, 3, 3, 3]
    assert states[5].history[0] is states[6].history[1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_losses_that_are_not_numbers_are_survived(bad):
    evaluate, calls = quadratic(coupled(0, 30), start(1).reshape(-1)), 0

    def sometimes(image: jax.Array):
        nonlocal calls
        calls += 1
        (loss, parts), gradient = evaluate(image)
        if calls in (2, 5, 6, 7, 12):
            return (bad * loss, parts), bad * gradient
        return (loss, parts), gradient

    states = run(sometimes, start(), 60)
    assert all(np.isfinite(state.loss) for state in states)
    assert all(np.all(np.isfinite(image)) for image in evaluate.images)
    assert states[-1].loss < 1e-4 * states[0].loss


def test_flat_loss_changes_nothing():
    states = run(Loss(lambda image: 0 * jnp.sum(image)), start(), 5)
    assert states[-1].loss == 0
    np.testing.assert_array_equal(states[-1].image, states[0].image)


def test_equal_starts_give_equal_bits():
    def last() -> LbfgsState:
        return run(Loss(rugged), start(), 25)[-1]

    first, second = jax.tree.leaves(last()), jax.tree.leaves(last())
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_products_ask_for_full_precision():
    """By default an accelerator rounds the factors to TF32 or bfloat16."""
    image = jnp.ones(SHAPE)
    history = (projected_lbfgs.Pair(image, image),) * 3
    for traced in (
        jax.make_jaxpr(projected_lbfgs._propose)(image, image, history, 1.0),
        jax.make_jaxpr(projected_lbfgs._curvature)(history[0]),
    ):
        assert "dot_general" in str(traced)
        assert "precision=None" not in str(traced)
