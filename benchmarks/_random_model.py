"""Models before training, for benchmarks of speed while no trained one is at hand."""

import jax
import jax.numpy as jnp

from jaxnst.networks.base import Network
from jaxnst.networks.model_file import Model, describe_network


def random_model(network: Network) -> Model:
    """A model of random weights with one style, "style"."""
    condition, side = network.first_condition()[None], 8 * network.stride
    image = jnp.zeros((1, side, side, 3))
    kernels = jax.jit(network.init)(jax.random.key(0), image, condition)["params"]
    card = {"network": describe_network(network), "styles": [{"name": "style"}]}
    return Model(network, kernels, condition, card)
