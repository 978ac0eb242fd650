"""The painting networks: noise, padding, averages, and what is prepared for inference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_files import random_params

from jaxnst.networks.base import average, paint, prepare
from jaxnst.networks.kinds import Johnson, Network, Slim

NETWORKS = [Slim(width=4, blocks=1), Johnson(width=4, blocks=1)]
networks = pytest.mark.parametrize("network", NETWORKS, ids=["slim", "johnson"])
run = jax.jit(paint, static_argnums=0)


def variables(network: Network) -> dict:
    return {"params": random_params(network)}


def photos(count: int, height: int = 64, width: int = 64) -> jax.Array:
    return jax.random.uniform(jax.random.key(0), (count, height, width, 3))


@networks
def test_a_painting_has_the_photos_shape(network: Network) -> None:
    painting = run(network, variables(network), photos(1, 64, 48))
    assert painting.shape == (1, 64, 48, 3)
    assert float(jnp.std(painting)) > 0.01


@pytest.mark.slow
@networks
def test_each_picture_of_a_batch_has_its_own_moments(network: Network) -> None:
    image = photos(2)
    together = run(network, variables(network), image)
    alone = run(network, variables(network), image[1:])
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)


@networks
def test_what_lies_behind_the_valid_part_has_no_influence(network: Network) -> None:
    image = photos(1, 64, 64)
    valid = (jnp.int32(40), jnp.int32(56))
    canvas = image.at[:, 40:].set(7.0).at[:, :, 56:].set(-3.0)
    part = run(network, variables(network), canvas, valid)[:, :40, :56]
    alone = run(network, variables(network), image[:, :40, :56])
    np.testing.assert_allclose(part, alone, atol=1e-4)


@pytest.mark.parametrize(
    "network",
    [Slim(width=16, blocks=1), pytest.param(Johnson(width=16, blocks=1), marks=pytest.mark.slow)],
)
def test_prepared_networks_paint_the_same(network: Network) -> None:
    plain, image = variables(network), photos(1)
    prepared = prepare(network, plain["params"])
    assert jax.tree.leaves(prepared["prepared"])
    difference = run(network, prepared, image) - run(network, plain, image)
    assert float(jnp.max(jnp.abs(difference))) < 1e-3


def test_noise_is_the_same_pattern_unless_there_is_a_key() -> None:
    network = NETWORKS[0]
    inputs = (variables(network), photos(1))
    still, again = run(network, *inputs), run(network, *inputs)
    np.testing.assert_array_equal(still, again)
    fresh = [run(network, *inputs, noise=jax.random.key(i)) for i in (0, 1)]
    assert float(jnp.max(jnp.abs(fresh[0] - fresh[1]))) > 1e-3


def test_nothing_is_added_before_a_norm() -> None:
    for network in NETWORKS:
        leaves = jax.tree.leaves_with_path(random_params(network))
        names = ["/".join(str(key.key) for key in path) for path, _ in leaves]
        biases = [name for name in names if name.endswith("bias")]
        last = "decoder/photo/bias" if isinstance(network, Slim) else "decoder/out/bias"
        assert [name for name in biases if not name.endswith("norm/bias")] == [last]
        assert not [name for name in biases if "_2/norm" in name]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_slim_can_be_set_to_return_the_photo_exactly(dtype: jnp.dtype) -> None:
    network, image = NETWORKS[0], photos(1).astype(dtype)
    params = network.photo_params(random_params(network))
    np.testing.assert_array_equal(run(network, {"params": params}, image), image)


def test_johnson_cannot_return_the_photo() -> None:
    assert NETWORKS[1].photo_params(random_params(NETWORKS[1])) is None


def test_an_average_of_networks_is_that_of_their_parameters() -> None:
    one, other = ({"a": {"b": jnp.full(2, value)}} for value in (1.0, 5.0))
    np.testing.assert_allclose(average([one, other], [0.25, 0.75])["a"]["b"], 4)


def test_a_flat_photo_gets_no_grid() -> None:
    network = NETWORKS[0]
    params = random_params(network)
    params["trunk"]["noise"] = np.zeros_like(params["trunk"]["noise"])
    image = jnp.broadcast_to(jnp.array([0.2, 0.5, 0.7]), (1, 64, 64, 3))
    painting = run(network, {"params": params}, image)
    blocks = jnp.mean(painting.reshape(32, 2, 32, 2, 3), axis=(0, 2))
    assert float(jnp.max(jnp.ptp(blocks, axis=(0, 1)))) < 1e-3
    assert float(jnp.max(jnp.abs(painting - image))) > 0.1
