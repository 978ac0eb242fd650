"""What is done to convolutions to be fast changes none of their results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst import layers, networks


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


@pytest.mark.parametrize(("size", "factor"), [(9, 2), (9, 4), (9, 8), (5, 2), (3, 4), (7, 3)])
@pytest.mark.parametrize("border", ["reflect", "edge"])
def test_convolution_of_blocks_is_that_of_positions(size, factor, border):
    x, kernel = normal(0, 2, 24, 48, 3), normal(1, size, size, 3, 5)
    blocks = layers.block_kernel(kernel, factor)
    found = layers.convolve_blocks(x, blocks, factor, border=border)
    expected = layers.convolve(x, kernel, stride=1, border=border)
    np.testing.assert_allclose(found, expected, atol=1e-5 * float(jnp.abs(expected).max()))


def test_block_kernel_is_as_wide_as_it_reaches():
    kernel = normal(0, 9, 9, 3, 5)
    assert layers.block_kernel(kernel, 2).shape == (5, 5, 12, 20)
    assert layers.block_kernel(kernel, 4).shape == (3, 3, 48, 80)


def test_prepared_johnson_paints_the_same(paint):
    network = networks.Johnson(width=8, blocks=1)  # 32 channels in the trunk: Winograd's too
    image = jnp.asarray(paint(0, 44, 52))[None]
    condition = jnp.asarray(network.first_condition())[None]
    kernels = network.init(jax.random.key(0), image, condition)["params"]
    variables = networks.prepare(network, kernels)
    assert "blocks" in variables["prepared"]["encoder"]["down1"]["conv"]
    assert "winograd" in variables["prepared"]["trunk"]["block1_1"]["conv"]
    found = networks.paint(network, variables, image, condition)
    expected = networks.paint(network, {"params": kernels}, image, condition)
    np.testing.assert_allclose(found, expected, atol=1e-3)
