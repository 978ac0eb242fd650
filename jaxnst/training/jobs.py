"""What a run needs of a task besides its loss, for each of the tasks.

The step, the loop, checkpoints and records know nothing of what is trained; all that differs is in
a `Job`.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxnst.errors import JaxnstError, nearest
from jaxnst.io.codec import list_images, load
from jaxnst.io.files import display_name
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.base import Network, paint
from jaxnst.networks.model_file import PHOTO, Model
from jaxnst.networks.super_resolution import UpscaleNetwork
from jaxnst.ops.metrics import psnr
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.config import Painting, TrainConfig
from jaxnst.training.step import Params, Task
from jaxnst.training.style_task import Frozen, StyleTask
from jaxnst.training.upscale_task import UpscaleTask

Measured = dict[str, dict[str, float]]


class Job(Protocol):
    """A task, and how it begins and ends."""

    @property
    def task(self) -> Task:
        """What the step is made of."""

    @property
    def network(self) -> Network | UpscaleNetwork:
        """What is trained."""

    def freeze(self, paintings: str) -> Any:
        """The task's frozen part; `paintings` is the folder with those of relative paths."""

    def init(self, key: jax.Array) -> Params:
        """Parameters before the first step."""

    def rates(self) -> dict[str, float]:
        """Learning rates of the parts of the parameters, relative to that of the optimiser."""

    def styles(self, params: Params) -> tuple[list[dict[str, Any]], np.ndarray]:
        """What the card says of each style, and their conditions [S, K]."""

    def show(self, params: Params, photo: np.ndarray) -> list[np.ndarray]:
        """Pictures [H, W, 3] of what the network makes of a photo [H, W, 3]."""

    def measure(self, params: Params, frozen: Any, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3], under the name of what they are for."""


def make_job(config: TrainConfig, base: Model | None) -> Job:
    """The job of a configuration that may start from a model.

    Raises:
      JaxnstError: the configuration, or the model, is not one to do it with.
    """
    if base is not None and not config.only_styles:
        wanted = config.network.make()
        if type(base.network) is not type(wanted):
            raise JaxnstError(f"{config.start_from}: is another network than the one to be trained")
    return UpscaleJob(config, base) if config.upscales else StyleJob(config, base)


class StyleJob:
    """A network learns to paint in the styles of a configuration."""

    def __init__(self, config: TrainConfig, base: Model | None) -> None:
        if not config.paintings:
            raise JaxnstError("there is no style to learn: give --style FILE, or a configuration's")
        if config.only_styles and base is None:
            raise JaxnstError("only_styles leaves the kernels as they are: give --start-from MODEL")
        network = base.network if base and config.only_styles else config.network.make()
        if not isinstance(network, Network):
            raise JaxnstError(f"{config.start_from}: is a network without styles")
        self._config, self._base = config, base
        self.network = network
        dtype = jnp.dtype(config.network.precision)
        self.task = StyleTask(network, config.loss, config.style, dtype)
        self._paint = jax.jit(lambda kernels, *inputs: paint(network, {"params": kernels}, *inputs))

    def freeze(self, paintings: str) -> Frozen:
        pictures = [load_painting(painting, paintings) for painting in self._config.paintings]
        weights = [painting.weight for painting in self._config.paintings]
        return self.task.freeze(load_vgg(self._config.net), pictures, weights)

    def init(self, key: jax.Array) -> dict[str, Any]:
        params, base = self.task.init(key, len(self._config.paintings)), self._base
        if base is None:
            return params
        known = dict(zip(base.rows, jnp.asarray(base.conditions), strict=True))
        # A style that the model does not know starts from the middle of those it does.
        middle = jnp.mean(jnp.stack([known[name] for name in base.styles]), axis=0)
        styles = [known.get(painting.name, middle) for painting in self._config.paintings]
        return {
            "kernels": jax.tree.map(jnp.asarray, base.kernels),
            "photo": known.get(PHOTO, params["photo"]),
            "styles": jnp.stack(styles),
        }

    def rates(self) -> dict[str, float]:
        others = 0.0 if self._config.only_styles else 1.0
        rate = self._config.optimizer.condition_rate
        return {"kernels": others, "photo": others * rate, "styles": rate}

    def styles(self, params: Params) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Those of the base that were not trained are kept where the kernels were, too."""
        config, base = self._config, self._base
        cards = [_style_card(painting) for painting in config.paintings]
        rows = list(params["styles"])
        if base is not None and config.only_styles:
            old = [i for i, n in enumerate(base.rows) if n not in {c["name"] for c in cards}]
            cards = [*(base.card["styles"][i] for i in old), *cards]
            rows = [*(base.conditions[i] for i in old), *rows]
        elif config.style.full_strength < 1:
            cards = [{"name": PHOTO}, *cards]
            rows = [self.network.leave_photo(params["photo"]), *rows]
        return cards, np.stack(rows)

    def show(self, params: Params, photo: np.ndarray) -> list[np.ndarray]:
        return [
            np.asarray(self._paint(params["kernels"], photo[None], condition)[0])
            for condition in params["styles"]
        ]

    def measure(self, params: Params, frozen: Any, photos: Iterator[np.ndarray]) -> Measured:
        """Losses at full strength."""
        terms = jax.jit(self.task.terms)
        names = [painting.name for painting in self._config.paintings]
        rows: dict[str, list[Any]] = {name: [] for name in names}
        for photo in photos:
            for number, name in enumerate(names):
                style, strength = jnp.array([number]), jnp.ones(1)
                rows[name].append(terms(params, frozen, photo, style, strength))
        return {name: _means(found) for name, found in rows.items() if found}


class UpscaleJob:
    """A network learns to enlarge."""

    def __init__(self, config: TrainConfig, base: Model | None) -> None:
        if config.only_styles:
            raise JaxnstError("a network that enlarges has no styles: leave only_styles out")
        network = config.network.make()
        assert isinstance(network, UpscaleNetwork)
        if base is not None and network.clone(scale=base.network.scale) != base.network:
            raise JaxnstError(f"{config.start_from}: is a network of another width or depth")
        self._config, self._base = config, base
        self.network = network
        dtype = jnp.dtype(config.network.precision)
        self.task = UpscaleTask(network, config.loss, config.upscale, dtype)

    def freeze(self, paintings: str) -> Any:
        return self.task.freeze(load_vgg(self._config.net))

    def init(self, key: jax.Array) -> dict[str, Any]:
        params = self.task.init(key)
        if self._base is None:
            return params
        # One for another scale has most layers in common (Lim et al., 2017, begin x4 from x2).
        fresh, known = flatten_dict(params["kernels"]), flatten_dict(self._base.kernels)
        for layer in fresh.keys() & known.keys():
            if fresh[layer].shape == known[layer].shape:
                fresh[layer] = jnp.asarray(known[layer])
        return {"kernels": unflatten_dict(fresh)}

    def rates(self) -> dict[str, float]:
        return {"kernels": 1.0}

    def styles(self, params: Params) -> tuple[list[dict[str, Any]], np.ndarray]:
        return [], np.zeros((0, self.network.condition_size), np.float32)

    def show(self, params: Params, photo: np.ndarray) -> list[np.ndarray]:
        """What it sees, with the pixels made large, and what it makes of that."""
        small = self.task.small(jnp.asarray(photo[None]))
        pixels = np.kron(small[0], np.ones((self.network.scale, self.network.scale, 1)))
        return [pixels.astype(np.float32), np.asarray(self.task.enlarge(params, small)[0])]

    def measure(self, params: Params, frozen: Any, photos: Iterator[np.ndarray]) -> Measured:
        """Losses, and the PSNR of the colours in dB."""

        @jax.jit
        def terms(params: Params, frozen: Any, photo: jax.Array) -> dict[str, jax.Array]:
            result = self.task.enlarge(params, self.task.small(photo))
            return {**self.task.terms(frozen, result, photo), "psnr": psnr(result, photo)[0]}

        found = [terms(params, frozen, photo) for photo in photos]
        return {f"x{self.network.scale}": _means(found)} if found else {}


def load_painting(painting: Painting, folder: str) -> np.ndarray:
    """The picture [H, W, 3] of a painting, without its margin, at the size that is learnt from.

    Raises:
      JaxnstError: there is no such picture; the folder's are named.
    """
    path = Path(folder, painting.file)
    if folder and os.path.isdir(folder) and not path.is_file():
        names = [p.name for p in list_images(folder)]
        raise JaxnstError(
            f"painting {painting.file!r} is not in {display_name(folder)}: "
            f"{nearest(painting.file, names)}"
        )
    picture = load(path).rgb
    height, width = picture.shape[:2]
    top, left = round(painting.margin * height), round(painting.margin * width)
    picture = picture[top : height - top, left : width - left]
    return resize(picture, fit_long_side(picture.shape[:2], painting.size))


def _means(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _style_card(painting: Painting) -> dict[str, Any]:
    shown = ("name", "title", "artist", "year", "licence")
    return {name: getattr(painting, name) for name in shown}
