"""A training run put together from its configuration, and the model that comes out of it."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import optax

from jaxnst import __version__
from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write, display_name, one_line, open_binary
from jaxnst.io.settings import options_from
from jaxnst.networks.model_file import Model, describe_network, load_model
from jaxnst.ops.pixels import from_uint8
from jaxnst.training.checkpoints import Checkpoints
from jaxnst.training.config import TrainConfig, differences
from jaxnst.training.data import Data, held_out_batches, open_data
from jaxnst.training.jobs import Job, Measured, make_job
from jaxnst.training.optimizer import make_optimizer
from jaxnst.training.step import TrainState, check_batch, create_train_state

CONFIG = "config.json"
NOTES = (
    "The losses are those of VGG nets of the Visual Geometry Group, Oxford (CC BY 4.0). A network "
    "may be used on the terms of the photos and paintings that it was trained on."
)


class Run(NamedTuple):
    """What a run is made of."""

    config: TrainConfig
    job: Job
    tx: optax.GradientTransformation
    frozen: Any
    state: TrainState
    """Before the first step."""
    data: Data


def set_up(config: TrainConfig, paintings: str = "") -> Run:
    """Opens data and paintings, loads VGG, and makes what is trained.

    Args:
      config: of the run.
      paintings: folder for relative paths of paintings.

    Raises:
      JaxnstError: something of it is missing, or does not go together.
    """
    job = _job(config)
    check_batch(config.data.batch, jax.device_count())
    data = open_data(config.data, config.seed)
    crop, stride = config.data.crop, job.network.stride
    if crop % stride:
        raise JaxnstError(f"crop {crop} is not a multiple of {stride}, which the network wants")
    frozen = job.freeze(paintings)
    state, tx = _first_state(config, job)
    return Run(config, job, tx, frozen, state, data)


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
    config: TrainConfig, job: Job, state: TrainState, held_out: Mapping[str, Any] | None = None
) -> Model:
    """The model that a state amounts to, with its card.

    Args:
      config: of the run.
      job: of the run.
      state: what the run has come to.
      held_out: from `held_out_losses`.
    """
    params = jax.device_get(state.average)
    cards, conditions = job.styles(params)
    steps = int(state.step)
    card = {
        "jaxnst": __version__,
        "network": describe_network(job.network),
        "styles": cards,
        "recipe": _recipe(config),
        "steps": steps,
        "images_seen": steps * config.data.batch,
        "held_out": dict(held_out or {}),
        "notes": NOTES,
    }
    return Model(job.network, params["kernels"], conditions, card)


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
    job = _job(config)
    state, _ = _first_state(config, job)
    with Checkpoints(work) as checkpoints:
        restored = checkpoints.restore(state)
    if restored is None:
        raise JaxnstError(f"{name}: has no whole checkpoint yet: train on")
    return export(config, job, restored.state)


def held_out_losses(run: Run, state: TrainState) -> Measured:
    """Mean terms of the loss on the held-out photos, for each style or scale."""
    batches = held_out_batches(run.data.held_out, run.config.data)
    photos = (from_uint8(batch["image"]) for batch in batches)
    return run.job.measure(state.average, run.frozen, photos)


def _job(config: TrainConfig) -> Job:
    return make_job(config, load_model(config.start_from) if config.start_from else None)


def _first_state(config: TrainConfig, job: Job) -> tuple[TrainState, optax.GradientTransformation]:
    """The state before the first step, and the optimiser that it is for."""
    # The usual generator would take ten seconds more to compile.
    params = job.init(jax.random.key(config.seed, impl="rbg"))
    tx = make_optimizer(config.optimizer, job.rates())
    return create_train_state(params, tx), tx


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
