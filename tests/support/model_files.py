"""Networks with random weights, in memory and as files."""

import functools
from pathlib import Path

import jax
import numpy as np

from jaxnst.networks.gallery import Gallery
from jaxnst.networks.kinds import Decoder, Johnson, Network, Slim, UpscaleNetwork
from jaxnst.networks.model_file import Model, describe_network, save_model

STYLES = ("wave", "kiss")


@functools.cache
def small_gallery(start: bool = True) -> Gallery:
    """Slim, 4 channels at half size, one block; styles "wave" and "kiss", tuned from one start."""
    network = Slim(width=4, blocks=1)
    models = [random_model(network, name, seed) for seed, name in enumerate(STYLES, start=1)]
    return Gallery.of(*models, start=random_model(network, "start") if start else None)


def small_model(style: str = "wave") -> Model:
    """One of the networks of the small gallery."""
    return small_gallery().model(style)


def random_model(network: Network, style: str = "wave", seed: int = 0) -> Model:
    """A network with random weights, near those of any other seed."""
    card = {
        "jaxnst": "0",
        "network": describe_network(network),
        "style": {"name": style, "title": f"The {style}", "artist": "Nobody"},
    }
    return Model(network, random_params(network, seed), card)


def upscaling_model(network: UpscaleNetwork) -> Model:
    """A network for super-resolution with random weights."""
    card = {"jaxnst": "0", "network": describe_network(network)}
    return Model(network, random_params(network), card)


def random_params(network: Network | UpscaleNetwork, seed: int = 0) -> dict:
    """Parameters that float16 can hold, larger than those that training starts from.

    Those of one seed are three tenths away from those of seed 0. Those of Johnson's last layer, in
    0..255, are such that pictures have contrast.
    """
    shapes = jax.eval_shape(network.init, jax.random.key(0), *network.example())["params"]
    shared, own = np.random.default_rng(0), np.random.default_rng(seed)

    def fill(path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        is_kernel = path[-1].key in ("kernel", "noise")
        spread = np.sqrt(1 / np.prod(leaf.shape[:-1])) if is_kernel else 0.3
        values = shared.normal(0, spread, leaf.shape)
        if seed:
            values += 0.3 * own.normal(0, spread, leaf.shape)
        values += path[-1].key == "scale"
        return values.astype(np.float16).astype(np.float32)

    params = jax.tree_util.tree_map_with_path(fill, shapes)
    if isinstance(network, Johnson):
        params["decoder"]["out"]["kernel"] *= 64
    return params


def gallery_folder(folder: Path, *, start: bool = True) -> Path:
    """The small gallery as a folder of files, "small"."""
    small = folder / "small"
    small.mkdir()
    for name in STYLES:
        save_model(small / f"{name}.safetensors", small_model(name))
    if start:
        start_model = random_model(small_model().network, "start")
        save_model(small / "start.safetensors", start_model)
    return small


def model_file(folder: Path) -> Path:
    """The small model in the style "wave" as a file."""
    path = folder / "small.safetensors"
    save_model(path, small_model())
    return path


@functools.cache
def small_decoder(seed: int = 0) -> Model:
    """A decoder of a fine layer with random weights, which float16 can hold."""
    network = Decoder("relu2_1", width=8)
    params = network.init(jax.random.key(seed, impl="rbg"), *network.example())["params"]
    params = jax.tree.map(lambda leaf: np.float32(np.float16(leaf)), params)
    return Model(network, params, {"jaxnst": "0", "network": describe_network(network)})


def decoder_file(folder: Path, seed: int = 0) -> Path:
    """The small decoder as a file."""
    path = folder / f"decoder{seed}.safetensors"
    save_model(path, small_decoder(seed))
    return path
