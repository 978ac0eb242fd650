"""How much a texture repeats itself like a lattice: known textures, and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.perceptual import repetition
from jaxnst.perceptual.repetition import lattice_shifts

PERIOD = 4
SHIFTS = lattice_shifts(PERIOD)

# Most pictures below are of one size, so that little is compiled.
autocorrelation = jax.jit(repetition.autocorrelation, static_argnums=1)
repetition_loss = jax.jit(repetition.repetition_loss, static_argnums=2)
value_and_grad = jax.jit(jax.value_and_grad(repetition.repetition_loss), static_argnums=2)


def noise(*shape: int, seed: int = 0) -> jax.Array:
    """Features as large as activations are."""
    return jnp.asarray(30 * np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def lattice(side: int, channels: int = 3) -> jax.Array:
    """One motif stamped at every fourth position."""
    return jnp.tile(noise(PERIOD, PERIOD, channels), (side // PERIOD, side // PERIOD, 1))


def test_shifts_are_the_lattice_points_of_half_a_plane_once_each():
    assert len(set(SHIFTS)) == len(SHIFTS) == 12
    assert all(down % PERIOD == 0 and right % PERIOD == 0 for down, right in SHIFTS)
    # The others are these the other way round, where the correlation is the same.
    assert all(down > 0 or (down == 0 and right > 0) for down, right in SHIFTS)


def test_a_lattice_meets_itself_at_its_period_and_noise_does_not():
    assert autocorrelation(lattice(64), SHIFTS).min() > 0.95
    assert jnp.abs(autocorrelation(noise(64, 64, 3), SHIFTS)).max() < 0.1


def test_a_lattice_of_another_period_is_no_lattice_at_these_shifts():
    assert autocorrelation(lattice(64), ((0, 1), (3, 0), (2, 5))).max() < 0.9


def test_stripes_that_alternate_are_minus_one():
    stripes = jnp.asarray(np.tile([50.0, -50.0], 32), jnp.float32)
    features = jnp.broadcast_to(stripes[None, :, None], (64, 64, 1))
    found = autocorrelation(features, ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2)))[:, 0]
    np.testing.assert_allclose(found, [-1, 1, -1, -1, 1], atol=1e-3)


def test_it_lies_between_minus_one_and_one():
    smooth = jnp.cumsum(noise(64, 64, 3), axis=0)
    found = jnp.abs(autocorrelation(jax.nn.relu(smooth), SHIFTS))
    assert 0.5 < found.max() <= 1.05  # means are over fewer positions than the variance


def test_a_channel_that_is_the_same_everywhere_is_zero():
    found = autocorrelation(noise(64, 64, 3).at[..., 0].set(700.0), SHIFTS)
    np.testing.assert_array_equal(found[:, 0], 0)
    assert jnp.all(found[:, 1:] != 0)


def test_shifts_to_the_left_and_to_the_right_by_hand():
    features = jnp.array([[1.0, 2.0, 6.0], [0.0, 3.0, 6.0]])[..., None]
    # Less the mean, 3: [[-2, -1, 3], [-3, 0, 3]]; the variance is 32 / 6.
    by_hand = {
        (0, 1): (2 - 3 + 0 + 0) / 4,  # -2 * -1, -1 * 3, -3 * 0, 0 * 3
        (1, 0): (6 + 0 + 9) / 3,  # -2 * -3, -1 * 0, 3 * 3
        (1, 1): (0 - 3) / 2,  # below and to the right: -2 * 0, -1 * 3
        (1, -1): (3 + 0) / 2,  # below and to the left: -1 * -3, 3 * 0
        (1, -2): -9 / 1,  # 3 * -3
    }
    found = autocorrelation(features, tuple(by_hand))[:, 0]
    np.testing.assert_allclose(found, np.array([*by_hand.values()]) / (32 / 6), rtol=1e-3)


def test_the_loss_is_zero_for_the_target_itself_and_one_sees_a_lattice():
    strokes = noise(64, 64, 3)
    target = autocorrelation(strokes, SHIFTS)
    assert repetition_loss(strokes, target, SHIFTS) == 0
    other = repetition_loss(noise(64, 64, 3, seed=1), target, SHIFTS)
    assert repetition_loss(lattice(64), target, SHIFTS) > 100 * other


def test_leading_axes_are_batch_axes():
    batch = noise(2, 2, 64, 64, 3)
    assert autocorrelation(batch, SHIFTS).shape == (2, 2, len(SHIFTS), 3)
    target = autocorrelation(noise(64, 64, 3, seed=1), SHIFTS)
    losses = repetition_loss(batch, target, SHIFTS)
    assert losses.shape == (2, 2)
    alone = [[repetition_loss(one, target, SHIFTS) for one in row] for row in batch]
    np.testing.assert_allclose(losses, alone, rtol=1e-4)


def test_its_gradient_leads_away_from_a_lattice():
    target = jnp.zeros((len(SHIFTS), 3))
    features = lattice(64) + noise(64, 64, 3, seed=2) / 10
    _, gradient = value_and_grad(features, target, SHIFTS)
    step = 10 * gradient / jnp.linalg.norm(gradient)
    before, after = (repetition_loss(features + by * step, target, SHIFTS) for by in (1, -1))
    np.testing.assert_allclose(before - after, 2 * jnp.vdot(step, gradient), rtol=0.01)


def test_the_gradient_of_a_flat_picture_is_finite():
    flat, target = jnp.full((64, 64, 3), 3.0), jnp.full((len(SHIFTS), 3), 0.5)
    loss, gradient = value_and_grad(flat, target, SHIFTS)
    np.testing.assert_allclose(loss, 0.25)
    assert jnp.all(jnp.isfinite(gradient))


@pytest.mark.slow
def test_positions_that_are_not_covered_count_nothing():
    features = jnp.concatenate([lattice(32), 300 + noise(32, 96, 3)], axis=1)
    cover = jnp.zeros((32, 128)).at[:, :32].set(1.0)
    found = repetition.autocorrelation(features, SHIFTS, cover)
    np.testing.assert_allclose(found, autocorrelation(lattice(32), SHIFTS), atol=1e-4)
    even = repetition.autocorrelation(features, SHIFTS, jnp.ones((32, 128)))
    np.testing.assert_allclose(even, autocorrelation(features, SHIFTS), atol=1e-4)
