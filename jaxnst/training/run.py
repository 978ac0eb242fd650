"""A training run put together from its configuration, and the model that comes out of it."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnst import __version__
from jaxnst.errors import JaxnstError, nearest
from jaxnst.files import atomic_write, display_name, one_line, open_binary
from jaxnst.image import fit_long_side, list_images, load, resize
from jaxnst.models import PHOTO, Model, describe_network, load_model
from jaxnst.networks import Network
from jaxnst.presets import options_from
from jaxnst.training.checkpoints import Checkpoints
from jaxnst.training.config import Painting, TrainConfig, differences
from jaxnst.training.data import Data, held_out_batches, open_data
from jaxnst.training.optimizer import make_optimizer
from jaxnst.training.step import TrainState, check_batch, create_train_state
from jaxnst.training.style import Frozen, StyleTask
from jaxnst.weights import load_vgg

CONFIG = "config.json"
NOTES = (
    "The losses are those of VGG nets of the Visual Geometry Group, Oxford (CC BY 4.0). A network "
    "may be used on the terms of the photos and paintings that it was trained on."
)


class Run(NamedTuple):
    """What a run is made of."""

    config: TrainConfig
    task: StyleTask
    tx: optax.GradientTransformation
    frozen: Frozen
    state: TrainState
    """Before the first step."""
    data: Data
    base: Model | None
    """The model that it starts from."""


def set_up(config: TrainConfig, paintings: str = "") -> Run:
    """Opens data and paintings, loads VGG, and makes what is trained.

    Args:
      config: of the run.
      paintings: folder for relative paths of paintings.

    Raises:
      JaxnstError: something of it is missing, or does not go together.
    """
    if not config.paintings:
        raise JaxnstError("there is no style to learn: give --style FILE, or a configuration's")
    if config.only_styles and not config.start_from:
        raise JaxnstError("only_styles leaves the kernels as they are: give --start-from MODEL")
    check_batch(config.data.batch, jax.device_count())
    pictures = [_picture(painting, paintings) for painting in config.paintings]
    data = open_data(config.data, config.seed)
    base = load_model(config.start_from) if config.start_from else None
    task = _task(config, base)
    _check_crop(config.data.crop, task.network.stride)
    weights = [painting.weight for painting in config.paintings]
    frozen = task.freeze(load_vgg(config.net), pictures, weights)
    state, tx = _first_state(config, task, base)
    return Run(config, task, tx, frozen, state, data, base)


def claim_folder(work: Path, config: TrainConfig) -> None:
    """Makes a folder a run's own, or sees that it is.

    Raises:
      JaxnstError: it cannot be made, or is the folder of another configuration.
    """
    mine = json.loads(json.dumps(dataclasses.asdict(config)))
    try:
        work.mkdir(parents=True, exist_ok=True)
        held = json.loads((work / CONFIG).read_text()) if (work / CONFIG).exists() else None
    except (OSError, ValueError) as error:
        raise JaxnstError(
            f"{display_name(work)}: cannot be a work folder ({one_line(error)})"
        ) from error
    if held is None:
        with atomic_write(work / CONFIG) as temporary:
            temporary.write_text(json.dumps(mine, indent=1) + "\n")
    elif held != mine:
        changed = "; ".join(differences(held, mine)[:5])
        raise JaxnstError(
            f"{display_name(work)}: is the folder of another configuration ({changed}): "
            f"give another --work"
        )


def export(
    config: TrainConfig,
    network: Network,
    base: Model | None,
    state: TrainState,
    held_out: Mapping[str, Any] | None = None,
) -> Model:
    """The model that a state amounts to, with its card.

    Args:
      config: of the run.
      network: that was trained.
      base: the model that the run started from; those of its styles that were not trained are kept
        where the kernels were, too.
      state: what the run has come to.
      held_out: losses of each style, from `held_out_losses`.
    """
    params = jax.device_get(state.average)
    cards = [_style_card(painting) for painting in config.paintings]
    rows = list(params["styles"])
    if base is not None and config.only_styles:
        old = [i for i, n in enumerate(base.rows) if n not in {c["name"] for c in cards}]
        cards = [*(base.card["styles"][i] for i in old), *cards]
        rows = [*(base.conditions[i] for i in old), *rows]
    elif config.style.full_strength < 1:
        photo = network.leave_photo(params["photo"])
        cards, rows = [{"name": PHOTO}, *cards], [photo, *rows]
    steps = int(state.step)
    card = {
        "jaxnst": __version__,
        "network": describe_network(network),
        "styles": cards,
        "recipe": _recipe(config),
        "steps": steps,
        "images_seen": steps * config.data.batch,
        "held_out": dict(held_out or {}),
        "notes": NOTES,
    }
    return Model(network, params["kernels"], np.stack(rows), card)


def export_checkpoint(work: Path) -> Model:
    """The model of the last checkpoint in a work folder.

    Raises:
      JaxnstError: it is not the folder of a run, or has no whole checkpoint.
    """
    name = display_name(work)
    with open_binary(work / CONFIG) as file:
        try:
            values = json.loads(file.read().decode())
        except ValueError as error:
            raise JaxnstError(f"{name}: its {CONFIG} cannot be read ({one_line(error)})") from error
    config = options_from(TrainConfig(), values, f"{display_name(work / CONFIG)}: ")
    base = load_model(config.start_from) if config.start_from else None
    task = _task(config, base)
    state, _ = _first_state(config, task, base)
    with Checkpoints(work) as checkpoints:
        restored = checkpoints.restore(state)
    if restored is None:
        raise JaxnstError(f"{name}: has no whole checkpoint yet: train on")
    return export(config, task.network, base, restored.state)


def held_out_losses(run: Run, state: TrainState) -> dict[str, dict[str, float]]:
    """Mean weighted terms of the loss at full strength on the held-out photos, for each style."""
    terms = jax.jit(run.task.terms)
    found: dict[str, dict[str, float]] = {}
    for number, painting in enumerate(run.config.paintings):
        rows = []
        for batch in held_out_batches(run.data.held_out, run.config.data):
            photo = jnp.asarray(batch["image"], jnp.float32) / 255
            style, strength = jnp.array([number]), jnp.ones(1)
            rows.append(terms(state.average, run.frozen, photo, style, strength))
        if rows:
            means = {name: float(np.mean([row[name][0] for row in rows])) for name in rows[0]}
            found[painting.name] = means
    return found


def _task(config: TrainConfig, base: Model | None) -> StyleTask:
    network = base.network if base and config.only_styles else config.network.make()
    return StyleTask(network, config.loss, config.style, jnp.dtype(config.network.precision))


def _first_state(
    config: TrainConfig, task: StyleTask, base: Model | None
) -> tuple[TrainState, optax.GradientTransformation]:
    """The state before the first step, and the optimiser that it is for."""
    # The usual generator would take ten seconds more to compile.
    params = task.init(jax.random.key(config.seed, impl="rbg"), len(config.paintings))
    if base is not None:
        params = _started(params, base, config)
    others = 0.0 if config.only_styles else 1.0
    rate = config.optimizer.condition_rate
    rates = {"kernels": others, "photo": others * rate, "styles": rate}
    tx = make_optimizer(config.optimizer, rates)
    return create_train_state(params, tx), tx


def _picture(painting: Painting, folder: str) -> np.ndarray:
    path = Path(folder, painting.file)
    if folder and os.path.isdir(folder) and not path.is_file():
        names = [p.name for p in list_images(folder)]
        raise JaxnstError(
            f"painting {painting.file!r} is not in {display_name(folder)}: "
            f"{nearest(painting.file, names)}"
        )
    picture = load(path).rgb
    return resize(picture, fit_long_side(picture.shape[:2], painting.size))


def _check_crop(crop: int, stride: int) -> None:
    if crop % stride:
        raise JaxnstError(f"crop {crop} is not a multiple of {stride}, which the network wants")


def _started(params: dict[str, Any], base: Model, config: TrainConfig) -> dict[str, Any]:
    """Parameters with what is known from another model."""
    if type(base.network) is not type(config.network.make()) and not config.only_styles:
        raise JaxnstError(f"{config.start_from}: is another network than the one to be trained")
    known = dict(zip(base.rows, jnp.asarray(base.conditions), strict=True))
    photo = known.get(PHOTO, params["photo"])
    # A style that the model does not know starts from the middle of those it does.
    middle = jnp.mean(jnp.stack([known[name] for name in base.styles]), axis=0)
    styles = jnp.stack([known.get(painting.name, middle) for painting in config.paintings])
    return {"kernels": jax.tree.map(jnp.asarray, base.kernels), "photo": photo, "styles": styles}


def _recipe(config: TrainConfig) -> dict[str, Any]:
    """The configuration as a dict, with the names of files and folders but not where they were."""
    recipe = dataclasses.asdict(config)
    kind, _, source = config.data.source.partition(":")
    recipe["data"]["source"] = f"{kind}:{Path(source).name if kind == 'folder' else source}"
    recipe["data"]["held_out_list"] = Path(config.data.held_out_list).name
    recipe["start_from"] = Path(config.start_from).name
    for painting in recipe["paintings"]:
        painting["file"] = Path(painting["file"]).name
    return recipe


def _style_card(painting: Painting) -> dict[str, Any]:
    shown = ("name", "title", "artist", "year", "licence")
    return {name: getattr(painting, name) for name in shown}
