"""Models before training, for benchmarks of speed while no trained one is at hand."""

import jax

from jaxnst.networks.kinds import Network
from jaxnst.networks.model_file import Model, describe_network


def random_model(network: Network) -> Model:
    """A model of random weights in the style "style"."""
    params = jax.jit(network.init)(jax.random.key(0), *network.example())["params"]
    card = {"network": describe_network(network), "style": {"name": "style"}}
    return Model(network, params, card)
