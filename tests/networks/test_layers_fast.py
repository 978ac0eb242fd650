"""What is done to convolutions to be fast changes none of their results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.networks import base as networks
from jaxnst.networks import layers
from jaxnst.networks.kinds import Johnson


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


def plain(x: jax.Array, kernel: jax.Array) -> jax.Array:
    dims = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=dims)


def relative(found: jax.Array, expected: jax.Array) -> float:
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        (9, 4),
        (3, 4),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in ((9, 2), (9, 8), (5, 2), (7, 3))),
    ],
)
def test_block_kernel_does_to_blocks_what_the_kernel_does(size, factor):
    kernel = normal(1, size, size, 3, 5)
    blocks = layers.block_kernel(kernel, factor)
    rim = factor * (len(blocks) // 2)
    x = normal(0, 2, 24 + 2 * rim, 48 + 2 * rim, 3)
    found = layers.depth_to_space(plain(layers.space_to_depth(x, factor), blocks), factor)
    spare = rim - size // 2
    expected = plain(x[:, spare : x.shape[1] - spare, spare : x.shape[2] - spare], kernel)
    assert relative(found, expected) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("c_in", "c_out"), [(3, 6), (6, 3)])
def test_large_kernels_have_the_compiler_s_results_and_gradients(c_in, c_out):
    x, kernel = normal(0, 2, 28, 20, c_in), normal(1, 9, 9, c_in, c_out)
    y, backward = jax.vjp(jax.jit(layers.convolve_large), x, kernel)
    expected, expected_backward = jax.vjp(plain, x, kernel)
    assert relative(y, expected) < 1e-6
    cotangent = normal(2, *y.shape)
    for gradient, wanted in zip(backward(cotangent), expected_backward(cotangent), strict=True):
        assert relative(gradient, wanted) < 1e-5


@pytest.mark.parametrize("border", ["reflect", "edge"])
@pytest.mark.parametrize("side", [16, 18])
def test_borders_are_the_same_whether_a_side_divides_or_not(side, border):
    x, kernel = normal(0, 1, side, side, 3), normal(1, 9, 9, 3, 8)
    found = layers.convolve(x, kernel, stride=1, border=border)
    assert relative(found, plain(layers.pad(x, 4, border), kernel)) < 1e-6


def test_block_kernel_is_as_wide_as_it_reaches():
    kernel = normal(0, 9, 9, 3, 5)
    assert layers.block_kernel(kernel, 2).shape == (5, 5, 12, 20)
    assert layers.block_kernel(kernel, 4).shape == (3, 3, 48, 80)


@pytest.mark.slow
def test_prepared_johnson_paints_the_same(paint):
    network = Johnson(width=8, blocks=1)  # 32 channels in the trunk: Winograd's too
    image = jnp.asarray(paint(0, 44, 52))[None]
    params = network.init(jax.random.key(0), image)["params"]
    variables = networks.prepare(network, params)
    assert "winograd" in variables["prepared"]["trunk"]["block1_1"]["conv"]
    found = networks.paint(network, variables, image)
    expected = networks.paint(network, {"params": params}, image)
    np.testing.assert_allclose(found, expected, atol=1e-3)
