"""Style statistics against plain loops, closed forms, JAX's own derivatives and differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.perceptual.statistics import (
    STATISTICS,
    gram_matrix,
    mask_weights,
    position_averages,
    second_moment,
    uniform_weights,
)

every_statistic = pytest.mark.parametrize(
    "statistic", [name for name, known in STATISTICS.items() if not known.matched]
)


def noise(seed: int, *shape: int) -> np.ndarray:
    """Features like those after a relu: mostly positive, so their mean is not near zero."""
    return np.random.default_rng(seed).normal(1, 2, shape).astype(np.float32)


def gram_by_loops(features: np.ndarray) -> np.ndarray:
    positions = features.reshape(-1, features.shape[-1]).astype(np.float64)
    count, channels = positions.shape
    gram = np.zeros((channels, channels))
    for i in range(channels):
        for j in range(channels):
            for p in range(count):
                gram[i, j] += positions[p, i] * positions[p, j]
    return gram / (count * channels)


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positions = np.asarray(features, np.float64).reshape(-1, features.shape[-1])
    return positions.mean(0), np.cov(positions, rowvar=False, bias=True)


@functools.partial(jax.jit, static_argnums=0)  # quicker than operation by operation
def distance(statistic: str, features: jax.Array, style: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Squared distance of features to a style's, and its norm."""
    target = STATISTICS[statistic].target(averages(statistic, style))
    return STATISTICS[statistic].distance(averages(statistic, features), target)


def averages(statistic: str, features: jax.Array) -> dict[str, jax.Array]:
    features = jnp.asarray(features)
    weights = uniform_weights(features.shape[-3:-1]).astype(features.dtype)
    return position_averages(statistic, features, weights)


def directional(function, x: jax.Array, direction: jax.Array) -> tuple[float, float]:
    """The derivative along a direction, by `jax.grad` and by central difference."""
    h = 1e-5
    difference = (function(x + h * direction) - function(x - h * direction)) / (2 * h)
    return float(jnp.vdot(jax.jit(jax.grad(function))(x), direction)), float(difference)


# Gram matrices


def test_gram_matrix_is_the_sum_of_products_divided_by_hwc():
    features = noise(0, 5, 4, 3)
    np.testing.assert_allclose(gram_matrix(features), gram_by_loops(features), rtol=1e-5)


def test_gram_matrices_of_a_batch_are_those_of_its_members():
    batch = noise(0, 2, 3, 4, 5, 6)
    grams = gram_matrix(batch)
    assert grams.shape == (2, 3, 6, 6)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(grams[index], gram_by_loops(batch[index]), rtol=1e-5)


def test_gram_matrix_does_not_care_where():
    features = noise(0, 6, 5, 4)
    moved = np.random.default_rng(1).permutation(features.reshape(-1, 4)).reshape(5, 6, 4)
    np.testing.assert_allclose(gram_matrix(moved), gram_matrix(features), rtol=1e-5)


def test_gram_matrix_cares_which_channels_are_active_together():
    features = noise(0, 6, 5, 4)
    moved = features.copy()
    moved[..., 0] = features[::-1, :, 0]
    found, before = gram_matrix(moved), gram_matrix(features)
    np.testing.assert_allclose(found[0, 0], before[0, 0], rtol=1e-5)
    assert np.abs(found - before)[0, 1:].min() > 1e-3


@every_statistic
def test_distance_to_a_repeated_pattern_is_zero(statistic):
    features = noise(0, 8, 6, 5)
    error, norm = distance(statistic, np.tile(features, (2, 3, 1)), features)
    assert float(error) < 1e-5 * float(norm)


@pytest.mark.parametrize("shape", [(5, 4, 3), (2, 5, 4, 3)])
def test_derivative_of_second_moment_is_that_of_a_plain_product(shape):
    features = jnp.asarray(noise(0, *shape))
    weights = jnp.abs(jnp.asarray(noise(1, 5, 4)))  # not uniform
    cotangent = jnp.asarray(noise(2, *shape[:-3], 3, 3))  # not symmetric

    def plain(f: jax.Array) -> jax.Array:
        return jnp.einsum("...hwc,...hwd,hw->...cd", f, f, weights)

    value, derivative = jax.vjp(lambda f: second_moment(f, weights), features)
    plain_value, plain_derivative = jax.vjp(plain, features)
    np.testing.assert_allclose(value, plain_value, rtol=1e-5)
    (found,), (expected,) = derivative(cotangent), plain_derivative(cotangent)
    assert float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected)) < 1e-5


def test_weights_of_second_moment_are_frozen():
    gradient = jax.grad(lambda w: jnp.sum(second_moment(jnp.ones((2, 2, 3)), w)))
    assert not np.any(gradient(jnp.ones((2, 2))))


def test_derivative_of_gram_matrix_is_its_finite_difference():
    # Position weights stay float32, which is fine but for strict promotion.
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        probe = jnp.asarray(noise(2, 3, 3), jnp.float64)
        features, direction = (jnp.asarray(noise(s, 5, 4, 3), jnp.float64) for s in (0, 1))
        found, difference = directional(
            lambda f: jnp.sum(gram_matrix(f) * probe), features, direction
        )
    assert found == pytest.approx(difference, rel=1e-7)


# Masks


def half_mask(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.float32)
    mask[:, : width // 2] = 1
    return mask


def test_averages_inside_a_mask_are_those_of_the_region():
    features = noise(0, 4, 6, 5)
    weights = mask_weights(half_mask(16, 24), (4, 6))  # 4 pixels to a position
    found = second_moment(features, weights) / 5
    np.testing.assert_allclose(found, gram_by_loops(features[:, :3]), rtol=1e-5)


def test_mask_of_everything_takes_the_plain_mean():
    weights = mask_weights(np.full((8, 12), 0.3, np.float32), (4, 6))
    np.testing.assert_allclose(weights, uniform_weights((4, 6)), rtol=1e-6)
    np.testing.assert_allclose(weights, np.full((4, 6), 1 / 24), rtol=1e-6)


def test_position_weighs_as_much_as_the_mask_covers_of_it():
    mask = np.random.default_rng(0).uniform(size=(10, 14)).astype(np.float32)
    weights = mask_weights(mask, (5, 7))
    cover = [[mask[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].sum() for x in range(7)] for y in range(5)]
    np.testing.assert_allclose(weights, cover / np.sum(cover), rtol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(35, 46), (95, 128), (47, 64), (128, 95)])
def test_pixels_that_pooling_leaves_over_do_not_shift_the_mask(height, width):
    mask = np.zeros((height, width), np.float32)
    mask[16:32, 16:32] = 1  # below the second position of the second row
    weights = mask_weights(mask, (height // 16, width // 16))  # relu5_1
    assert float(weights[1, 1]) == pytest.approx(1)
    assert float(weights.sum()) == pytest.approx(1)


def test_empty_mask_has_finite_weights():
    weights = mask_weights(np.zeros((8, 8), np.float32), (4, 4))
    assert not np.any(weights)


@every_statistic
def test_averages_of_two_halves_add_up_to_the_whole(statistic):
    features = jnp.asarray(noise(0, 2, 6, 4, 5))
    weights = mask_weights(np.abs(noise(1, 12, 8)), (6, 4))
    whole = position_averages(statistic, features, weights)
    top = position_averages(statistic, features[:, :2], weights[:2])
    rest = position_averages(statistic, features[:, 2:], weights[2:])
    assert set(whole) == set(STATISTICS[statistic].averages)
    for kind, average in whole.items():
        np.testing.assert_allclose(top[kind] + rest[kind], average, rtol=1e-5, atol=1e-6)


def test_errors_of_two_halves_add_up_to_the_whole():
    features, wanted = (jnp.asarray(noise(seed, 6, 4, 5)) for seed in (0, 1))
    weights = mask_weights(np.abs(noise(2, 12, 8)), (6, 4))
    whole, top, rest = (
        position_averages("neighbors", features[part], weights[part], {"matched": wanted[part]})
        for part in (slice(None), slice(2), slice(2, None))
    )
    error = np.sum(weights[..., None] * (features - wanted) ** 2)
    assert float(whole["error"]) == pytest.approx(float(error), rel=1e-5)
    for kind in ("error", "size"):
        assert float(top[kind] + rest[kind]) == pytest.approx(float(whole[kind]), rel=1e-5)


# Distances


@every_statistic
def test_distance_of_a_style_to_itself_is_zero(statistic):
    style = noise(0, 8, 6, 5)
    error, norm = distance(statistic, style, style)
    assert float(error) < 1e-6 * float(norm)


@every_statistic
def test_norm_is_the_distance_to_zero_features(statistic):
    style = noise(0, 8, 6, 5)
    error, norm = distance(statistic, np.zeros_like(style), style)
    # The floor of the variances, 1e-4, is in the distance but not in the norm.
    assert float(error) == pytest.approx(float(norm), rel=0.01)


@every_statistic
def test_distances_of_a_batch_are_those_of_its_members(statistic):
    batch, style = noise(0, 3, 8, 6, 5), noise(1, 7, 9, 5)
    errors, norm = distance(statistic, batch, style)
    singles = [float(distance(statistic, features, style)[0]) for features in batch]
    assert norm.shape == ()
    np.testing.assert_allclose(errors, singles, rtol=1e-5)


def test_gram_distance_is_that_of_the_moment_matrices():
    features, style = noise(0, 8, 6, 5), noise(1, 7, 9, 5)
    a, b = (5 * gram_by_loops(f) for f in (features, style))
    expected = np.sum((a - b) ** 2), np.sum(b**2)
    np.testing.assert_allclose(distance("gram", features, style), expected, rtol=1e-5)


def test_mean_std_distance_is_that_of_the_channels_means_and_deviations():
    features, style = noise(0, 8, 6, 5), 3 * noise(1, 7, 9, 5)
    (mean, covariance), (style_mean, style_covariance) = moments(features), moments(style)
    std, style_std = np.sqrt(np.diag(covariance)), np.sqrt(np.diag(style_covariance))
    error = np.sum((mean - style_mean) ** 2) + np.sum((std - style_std) ** 2)
    norm = np.sum(style_mean**2) + np.sum(style_std**2)
    np.testing.assert_allclose(distance("mean_std", features, style), (error, norm), rtol=1e-3)


def test_wasserstein_distance_is_that_of_the_gaussians():
    features, style = noise(0, 8, 6, 5), noise(1, 7, 9, 5)
    style[..., 0] += 2 * style[..., 1] + style[..., 2]  # correlated: covariances do not commute
    (mean, covariance), (style_mean, style_covariance) = moments(features), moments(style)
    style_root = root(style_covariance)
    cross = root(style_root @ covariance @ style_root)
    error = np.sum((mean - style_mean) ** 2)
    error += np.trace(covariance + style_covariance - 2 * cross)
    norm = np.sum(style_mean**2) + np.trace(style_covariance)
    np.testing.assert_allclose(distance("wasserstein", features, style), (error, norm), rtol=1e-3)


def test_wasserstein_distance_of_a_shifted_style_is_the_shift():
    style = noise(0, 8, 6, 5)
    error, _ = distance("wasserstein", style + 3, style)
    assert float(error) == pytest.approx(5 * 9, rel=1e-4)


@every_statistic
def test_derivative_of_distance_is_its_finite_difference(statistic):
    with jax.enable_x64(True):
        style, features, direction = (
            jnp.asarray(noise(s, 5, 4, 3), jnp.float64) for s in (0, 1, 2)
        )
        found, difference = directional(
            lambda f: distance(statistic, f, style)[0], features, direction
        )
    assert found == pytest.approx(difference, rel=1e-6)


@every_statistic
def test_derivative_survives_float32_for_features_as_large_as_vgg_s(statistic):
    """Activations of some hundreds that vary mostly in a few directions, as in a real net."""

    def features(seed: int) -> np.ndarray:
        few = noise(seed, 8, 8, 4) @ noise(9, 4, 64)  # the same directions for both pictures
        return np.maximum(50 * few + 0.5 * noise(seed + 1, 8, 8, 64), 0)

    def gradient(dtype: str) -> np.ndarray:
        image, style = (jnp.asarray(features(seed), dtype) for seed in (0, 2))
        error, norm = distance(statistic, image, style)
        assert 0.01 < float(error / norm) < 2
        return np.asarray(jax.jit(jax.grad(lambda f: distance(statistic, f, style)[0]))(image))

    single = gradient("float32")
    with jax.enable_x64(True):
        double = gradient("float64")
    assert np.linalg.norm(single - double) < 0.05 * np.linalg.norm(double)


@every_statistic
def test_derivative_is_finite_with_fewer_positions_than_channels(statistic):
    style, features = jnp.asarray(noise(0, 2, 2, 8)), jnp.asarray(noise(1, 2, 2, 8))
    features = features.at[..., 3].set(0.0)  # a channel that is never active
    derivative = jax.jit(jax.grad(lambda f: distance(statistic, f, style)[0]))
    for start in (features, style):
        gradient = derivative(start)
        assert np.all(np.isfinite(gradient))
        assert float(jnp.linalg.norm(gradient)) < 1000


def test_derivative_of_wasserstein_is_right_where_eigenvalues_coincide():
    with jax.enable_x64(True):
        corners = jnp.asarray(np.stack(np.meshgrid(*3 * [[-1.0, 1.0]]), -1).reshape(2, 4, 3))
        direction = jnp.asarray(noise(0, 2, 4, 3), jnp.float64)
        # The covariance of the corners of a cube is the identity.
        found, difference = directional(
            lambda f: distance("wasserstein", f, 2 * corners)[0], corners, direction
        )
    assert found == pytest.approx(difference, rel=1e-6)


@every_statistic
def test_products_ask_for_full_precision(statistic):
    """By default an accelerator rounds the factors to TF32 or bfloat16."""

    def loss(features: jax.Array) -> jax.Array:
        averages = position_averages(statistic, features, uniform_weights((5, 4)))
        target = STATISTICS[statistic].target(averages)
        return STATISTICS[statistic].distance(averages, target)[0]

    traced = str(jax.make_jaxpr(jax.grad(loss))(jnp.ones((5, 4, 3))))
    assert ("dot_general" in traced) == (statistic != "mean_std")
    assert "precision=None" not in traced
