"""Convolutions that know borders, and the moments of a padded picture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.networks.layers import (
    InstanceNorm,
    convolve,
    depth_to_space,
    fold_upsampling,
    moments,
    space_to_depth,
)

DIMS = ("NHWC", "HWIO", "NHWC")


def noise(seed: int, *shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))


@pytest.mark.parametrize("border", ["edge", "reflect"])
@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (3, 2), (9, 1), (9, 2)])
def test_convolve_is_a_valid_convolution_of_the_padded_picture(border, size, stride):
    x, kernel, reach = noise(0, 2, 16, 20, 3), noise(1, size, size, 3, 5), size // 2
    padded = jnp.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode=border)
    wanted = jax.lax.conv_general_dilated(
        padded, kernel, (stride, stride), "VALID", dimension_numbers=DIMS
    )
    found = convolve(x, kernel, stride=stride, border=border)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_folded_upsampling_is_doubling_and_a_convolution():
    x, kernel = noise(0, 2, 6, 7, 3), noise(1, 3, 3, 3, 5)
    doubled = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
    wanted = convolve(doubled, kernel, stride=1, border="edge")
    found = depth_to_space(convolve(x, fold_upsampling(kernel), stride=1, border="edge"), 2)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("factor", [2, 4])
def test_space_to_depth_and_back(factor):
    x = noise(0, 2, 8, 12, 3)
    deep = space_to_depth(x, factor)
    assert deep.shape == (2, 8 // factor, 12 // factor, 3 * factor**2)
    np.testing.assert_array_equal(depth_to_space(deep, factor), x)
    block = np.asarray(x)[0, :factor, :factor].ravel()
    np.testing.assert_array_equal(deep[0, 0, 0], block)


def test_moments_of_the_valid_part():
    x = noise(0, 2, 8, 12, 3)
    found = moments(x, (jnp.asarray(5), jnp.asarray(7)))
    for one, wanted in zip(found, moments(x[:, :5, :7]), strict=True):
        np.testing.assert_allclose(one, wanted, atol=1e-6)


def test_moments_of_half_precision_are_in_float32():
    mean, variance = moments(noise(0, 1, 8, 8, 3).astype(jnp.bfloat16))
    assert (mean.dtype, variance.dtype) == (jnp.float32, jnp.float32)


@pytest.mark.parametrize("valid", [None, (12, 9)])
def test_the_variance_of_what_is_nearly_flat_is_no_rounding_error(valid):
    x = 25 + 1e-4 * noise(0, 2, 12, 9, 3)
    wanted = np.var(np.asarray(x, np.float64), (1, 2), keepdims=True)
    found = moments(x, None if valid is None else tuple(map(jnp.asarray, valid)))[1]
    np.testing.assert_allclose(found, wanted, rtol=0.01)


def normed(x: jax.Array) -> jax.Array:
    norm = InstanceNorm()
    return norm.apply(norm.init(jax.random.key(0), x), x)


def test_a_norm_leaves_flat_what_differs_by_rounding_only():
    flat = 3 * jnp.ones((1, 16, 16, 4)) * jnp.array([1, 0.01, 0, -8])
    np.testing.assert_array_equal(normed(flat + 2e-7 * noise(0, 1, 16, 16, 4)), 0)


def test_a_norm_finds_one_pixel_that_is_a_little_brighter():
    x = jnp.full((1, 256, 256, 3), 0.5).at[0, 7, 8].add(2 / 255)
    y = normed(x)
    assert (y[0, 7, 8] > 1).all()
    assert np.abs(y[0, 100:]).max() < 0.02
