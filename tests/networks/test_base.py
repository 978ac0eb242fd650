"""The transform networks: conditions, noise, padding, and what is prepared for inference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_files import random_kernels

from jaxnst.networks.base import Johnson, Network, Slim, paint, prepare

NETWORKS = [Slim(width=4, blocks=1), Johnson(width=4, blocks=1)]
networks = pytest.mark.parametrize("network", NETWORKS, ids=["slim", "johnson"])
run = jax.jit(paint, static_argnums=0)


def variables(network: Network) -> dict:
    return {"params": random_kernels(network)}


def conditions(network: Network, count: int = 1) -> jax.Array:
    """Conditions [count, K] that differ."""
    rng = np.random.default_rng(1)
    first = network.first_condition()
    return jnp.asarray(first + rng.normal(0, 0.3, (count, len(first))).astype(np.float32))


def photos(count: int, height: int = 64, width: int = 64) -> jax.Array:
    return jax.random.uniform(jax.random.key(0), (count, height, width, 3))


@networks
def test_a_painting_has_the_photos_shape(network: Network) -> None:
    painting = run(network, variables(network), photos(1, 64, 48), conditions(network))
    assert painting.shape == (1, 64, 48, 3)
    assert float(jnp.std(painting)) > 0.01


@networks
def test_each_picture_has_its_own_condition_and_moments(network: Network) -> None:
    both, image = conditions(network, 2), photos(2)
    together = run(network, variables(network), image, both)
    alone = run(network, variables(network), image[1:], both[1:])
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)
    one_for_all = run(network, variables(network), image, both[1])
    np.testing.assert_allclose(one_for_all[1], alone[0], atol=1e-4)
    swapped = run(network, variables(network), image, both[::-1])
    assert float(jnp.max(jnp.abs(swapped - together))) > 0.01


@networks
def test_what_lies_behind_the_valid_part_has_no_influence(network: Network) -> None:
    image, condition = photos(1, 64, 64), conditions(network)
    valid = (jnp.int32(40), jnp.int32(56))
    canvas = image.at[:, 40:].set(7.0).at[:, :, 56:].set(-3.0)
    part = run(network, variables(network), canvas, condition, valid)[:, :40, :56]
    alone = run(network, variables(network), image[:, :40, :56], condition)
    np.testing.assert_allclose(part, alone, atol=1e-4)


@pytest.mark.parametrize("network", [Slim(width=16, blocks=1), Johnson(width=16, blocks=1)])
def test_prepared_networks_paint_the_same(network: Network) -> None:
    plain, image, condition = variables(network), photos(1), conditions(network)
    prepared = prepare(network, plain["params"])
    assert jax.tree.leaves(prepared["prepared"])
    difference = run(network, prepared, image, condition) - run(network, plain, image, condition)
    assert float(jnp.max(jnp.abs(difference))) < 1e-3


def test_noise_is_the_same_pattern_unless_there_is_a_key() -> None:
    network = NETWORKS[0]
    inputs = (variables(network), photos(1), conditions(network))
    still, again = run(network, *inputs), run(network, *inputs)
    np.testing.assert_array_equal(still, again)
    fresh = [run(network, *inputs, noise=jax.random.key(i)) for i in (0, 1)]
    assert float(jnp.max(jnp.abs(fresh[0] - fresh[1]))) > 1e-3


@networks
def test_a_condition_splits_into_its_parts(network: Network) -> None:
    parts = network.split(jnp.asarray(network.first_condition()[None]))
    assert list(parts) == list(network.condition_parts)
    assert sum(part.shape[-1] for part in parts.values()) == network.condition_size
    scale, shift = jnp.split(parts["up1"], 2, axis=-1)
    assert bool(jnp.all(scale == 1))
    assert bool(jnp.all(shift == 0))


def test_there_is_no_bias_before_a_norm() -> None:
    for network in NETWORKS:
        leaves = jax.tree.leaves_with_path(random_kernels(network))
        names = ["/".join(str(key.key) for key in path) for path, _ in leaves]
        last = ["decoder/out/bias"] if isinstance(network, Johnson) else []
        assert [name for name in names if name.endswith("bias")] == last


@networks
def test_without_its_added_parts_a_condition_leaves_the_photo_exactly(network: Network) -> None:
    image, condition = photos(1), conditions(network)[0]
    left = run(network, variables(network), image, network.leave_photo(condition)[None])
    if network.added_parts:
        np.testing.assert_array_equal(left, image)
    else:
        np.testing.assert_array_equal(network.leave_photo(condition), condition)


def test_a_flat_photo_gets_no_grid() -> None:
    network = NETWORKS[0]
    parts = network.split(conditions(network))
    parts["noise"] = jnp.zeros_like(parts["noise"])
    condition = jnp.concatenate([part[:, 0, 0] for part in parts.values()], axis=-1)
    image = jnp.broadcast_to(jnp.array([0.2, 0.5, 0.7]), (1, 64, 64, 3))
    painting = run(network, variables(network), image, condition)
    blocks = jnp.mean(painting.reshape(32, 2, 32, 2, 3), axis=(0, 2))
    assert float(jnp.max(jnp.ptp(blocks, axis=(0, 1)))) < 1e-3
    assert float(jnp.max(jnp.abs(painting - image))) > 0.1
