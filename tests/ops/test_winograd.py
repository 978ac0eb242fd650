"""Winograd's convolution equals the compiler's, forwards and backwards."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.ops import winograd
from jaxnst.perceptual import vgg


def plain(x, kernel):
    dims = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dims)


def example(height, width, batch=2):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (batch, height, width, 8))
    kernel = jax.random.normal(keys[1], (3, 3, 8, 12))
    return x, kernel, jax.random.normal(keys[2], (batch, height, width, 12))


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (5, 7),
        (1, 1),
        *(pytest.param(*size, marks=pytest.mark.slow) for size in ((4, 4), (8, 12), (9, 2))),
    ],
)
def test_convolution_is_the_compiler_s(height, width):
    x, kernel, _ = example(height, width)
    found = jax.jit(winograd.convolve)(x, winograd.kernels_both_ways(kernel))
    expected = plain(x, kernel)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(jnp.abs(expected).max()))


def test_without_padding_what_is_around_counts():
    x, kernel, _ = example(10, 14)
    found = winograd.convolve_tiles(x, winograd.transform_kernel(kernel))
    expected = plain(x, kernel)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(jnp.abs(expected).max()))


@pytest.mark.parametrize(("height", "width"), [(8, 12), (5, 7)])
def test_gradient_to_the_input_is_the_compiler_s(height, width):
    x, kernel, cotangent = example(height, width)
    kernels = winograd.kernels_both_ways(kernel)
    convolve = jax.jit(winograd.convolve)
    (found,) = jax.vjp(lambda x: convolve(x, kernels), x)[1](cotangent)
    (expected,) = jax.vjp(lambda x: plain(x, kernel), x)[1](cotangent)
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(jnp.abs(expected).max()))


@pytest.mark.slow
def test_prepared_net_has_the_same_features(random_vgg, paint):
    prepared = vgg.prepare(random_vgg, ["relu3_1"])
    assert "winograd" in prepared["conv2_2"]
    assert "winograd" not in prepared["conv1_2"]
    image = jnp.asarray(paint(0, 37, 45))
    expected = vgg.extract_features(random_vgg, image, ["relu3_1"])["relu3_1"]
    found = vgg.extract_features(prepared, image, ["relu3_1"])["relu3_1"]
    assert float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected)) < 1e-4
