"""Transform networks with random weights, in memory and as a file."""

import functools
from pathlib import Path

import jax
import numpy as np

from jaxnst.networks.base import Johnson, Network, Slim
from jaxnst.networks.model_file import Model, describe_network, save_model
from jaxnst.networks.super_resolution import UpscaleNetwork

STYLES = ("wave", "kiss")


@functools.cache
def small_model(photo: bool = True) -> Model:
    """Slim, 4 channels at half size, one block; styles "wave" and "kiss", and "photo" if asked."""
    return random_model(Slim(width=4, blocks=1), photo)


def random_model(network: Network, photo: bool = True) -> Model:
    """Styles "wave" and "kiss", and "photo" if asked, in a network with random weights."""
    names = [*(["photo"] if photo else []), *STYLES]
    rng = np.random.default_rng(3)
    first = network.first_condition()
    conditions = first + rng.normal(0, 0.3, (len(names), len(first))).astype(np.float32)
    styles = [{"name": name, "title": f"The {name}", "artist": "Nobody"} for name in names]
    card = {"jaxnst": "0", "network": describe_network(network), "styles": styles}
    return Model(
        network, random_kernels(network), conditions.astype(np.float16).astype(np.float32), card
    )


def upscaling_model(network: UpscaleNetwork) -> Model:
    """A network for super-resolution with random weights."""
    card = {"jaxnst": "0", "network": describe_network(network), "styles": []}
    return Model(network, random_kernels(network), np.zeros((0, 0), np.float32), card)


def random_kernels(network: Network | UpscaleNetwork) -> dict:
    """Kernels that float16 can hold, larger than those that training starts from.

    Those of Johnson's last layer, in 0..255, are such that pictures have contrast.
    """
    shapes = jax.eval_shape(network.init, jax.random.key(0), *network.example())["params"]
    rng = np.random.default_rng(0)

    def fill(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        spread = np.sqrt(1 / np.prod(leaf.shape[:-1]))
        return rng.normal(0, spread, leaf.shape).astype(np.float16).astype(np.float32)

    kernels = jax.tree.map(fill, shapes)
    if isinstance(network, Johnson):
        kernels["decoder"]["out"]["kernel"] *= 64
    return kernels


def model_file(folder: Path, *, photo: bool = True) -> Path:
    """The small model in a file."""
    path = folder / "small.safetensors"
    save_model(path, small_model(photo))
    return path
