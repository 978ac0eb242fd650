"""A training run put together from its configuration, and the model that comes out of it."""

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnst import __version__
from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write, display_name, one_line, open_binary
from jaxnst.io.settings import options_from
from jaxnst.networks.kinds import (
    PAINTERS,
    UPSCALERS,
    AnyNetwork,
    Decoder,
    Network,
    UpscaleNetwork,
)
from jaxnst.networks.model_file import Model, describe_network, load_model
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.any_style_task import AnyStyleTask
from jaxnst.training.checkpoints import Checkpoints
from jaxnst.training.config import TrainConfig, differences
from jaxnst.training.data import Data, batches, held_out_batches, middle_square, open_data
from jaxnst.training.decoder_task import DecoderTask
from jaxnst.training.loop import Advance, Feed
from jaxnst.training.optimizer import learning_rate, make_optimizer
from jaxnst.training.options import LoopOptions, NetworkOptions
from jaxnst.training.pieces import cut_pieces
from jaxnst.training.resident_photos import ResidentFeed, make_draw, pack
from jaxnst.training.step import (
    Batch,
    Metrics,
    Params,
    Step,
    TrainState,
    check_batch,
    create_train_state,
    make_train_step,
    replicate,
    share_out,
)
from jaxnst.training.style_task import Measured, StyleTask
from jaxnst.training.upscale_task import UpscaleTask

CONFIG = "config.json"
NOTES = (
    "The losses are those of VGG nets of the Visual Geometry Group, Oxford (CC BY 4.0). A network "
    "may be used on the terms of the photos and paintings that it was trained on."
)
_REFERENCE_PHOTOS = 24  # from which a painting's mean distance is measured
_PIECE = 1.5  # side of the pieces of paintings, relative to that of the squares of photos
_STEPS_PER_CALL = 20  # at most, of an accelerator that draws its own batches


class Task(Protocol):
    """What is trained, besides what it is frozen from."""

    @property
    def network(self) -> AnyNetwork:
        """What is trained."""

    def init(self, key: jax.Array, start: Model | None) -> Params:
        """Parameters before training: random ones, or those of a model."""

    def loss(self, params: Params, frozen: Any, batch: Batch) -> tuple[jax.Array, Metrics]:
        """Mean loss of a batch and its parts."""

    def show(self, params: Params, frozen: Any, photo: np.ndarray) -> list[np.ndarray]:
        """Pictures [H, W, 3] of what the network makes of a photo [H, W, 3]."""

    def measure(self, params: Params, frozen: Any, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3]."""


class Run(NamedTuple):
    """What a run is made of."""

    config: TrainConfig
    task: Task
    tx: optax.GradientTransformation
    frozen: Any
    """What the loss needs and is not trained, replicated on the devices."""
    state: TrainState
    """Before the first step."""
    data: Data


def set_up(
    config: TrainConfig, paintings: str = "", *, say: Callable[[str], None] = lambda _: None
) -> Run:
    """Opens data and painting, loads VGG, and makes what is trained.

    Args:
      config: of the run.
      paintings: folder for a painting with a relative path.
      say: is told in a line what may take long.

    Raises:
      JaxnstError: something of it is missing, or does not go together.
    """
    task = make_task(config)
    check_batch(config.data.batch, jax.device_count())
    data = open_data(config.data, config.seed, say=say)
    crop, stride = config.data.crop, task.network.stride
    if crop % stride:
        raise JaxnstError(f"crop {crop} is not a multiple of {stride}, which the network wants")
    frozen = replicate(_freeze(config, task, data, paintings), jax.local_devices())
    state, tx = first_state(config, task)
    return Run(config, task, tx, frozen, state, data)


def make_network(options: NetworkOptions) -> AnyNetwork:
    """The network that is trained."""
    given: dict[str, Any] = {"width": options.width, "blocks": options.blocks}
    given = {name: value for name, value in given.items() if value}
    if options.network in UPSCALERS:
        return UPSCALERS[options.network](scale=options.scale, **given)
    if options.network == "decoder":
        return Decoder(layer=options.layer, **given)
    return PAINTERS[options.network](**given)


def make_task(config: TrainConfig) -> StyleTask | UpscaleTask | DecoderTask | AnyStyleTask:
    """What a configuration asks for.

    Raises:
      JaxnstError: it asks for nothing that can be trained.
    """
    network, dtype = make_network(config.network), jnp.dtype(config.network.precision)
    if isinstance(network, UpscaleNetwork):
        return UpscaleTask(network, config.loss, config.upscale, dtype)
    if isinstance(network, Decoder):
        if config.decoder.pieces:
            return AnyStyleTask(network, config.loss, config.style, config.decoder, dtype)
        return DecoderTask(network, config.decoder, dtype)
    if config.painting is None:
        raise JaxnstError("there is no style to learn: give --style FILE, or a configuration's")
    assert isinstance(network, Network)
    return StyleTask(network, config.loss, config.style, dtype)


def first_state(config: TrainConfig, task: Task) -> tuple[TrainState, optax.GradientTransformation]:
    """The state before the first step, and the optimizer that it is for.

    Raises:
      JaxnstError: the model to start from is of another kind.
    """
    start = load_model(config.start_from) if config.start_from else None
    if start is not None and not _goes_on_from(task.network, start.network):
        raise JaxnstError(f"{config.start_from}: is another network than the one to be trained")
    # The usual generator would take ten seconds more to compile.
    params = task.init(jax.random.key(config.seed, impl="rbg"), start)
    tx = make_optimizer(config.optimizer)
    return create_train_state(params, tx), tx


def make_step(
    config: TrainConfig, task: Task, tx: optax.GradientTransformation, steps: int
) -> Step:
    """The step of a configuration, which takes so many at a time."""
    draw = make_draw(config.data, config.seed, jax.device_count()) if config.data.resident else None
    return make_train_step(
        task,
        tx,
        functools.partial(learning_rate, config.optimizer),
        average=config.optimizer.average,
        draw=draw,
        steps=steps,
    )


def make_feed(config: TrainConfig, data: Data) -> Feed:
    """What gives the step its data."""
    if config.data.resident:
        return ResidentFeed(replicate(pack(data.train, config.data), jax.local_devices()))
    return batches(
        data.train, config.data, seed=config.seed,
        host=jax.process_index(), hosts=jax.process_count(),
    )  # fmt: skip


def make_advance(run: Run, steps: int) -> Advance:
    """The step with the run's frozen part, for the loop."""
    step = make_step(run.config, run.task, run.tx, steps)
    if run.config.data.resident:
        return lambda state, photos, share: step(state, run.frozen, photos, share)
    devices = jax.local_device_count()
    return lambda state, batch, share: step(state, run.frozen, share_out(batch, devices), share)


def steps_per_call(config: TrainConfig, loop: LoopOptions) -> int:
    """How many steps are worth one call: one, but for accelerators that draw their own batches.

    XLA's loops are slow on a CPU.
    """
    if not config.data.resident or jax.default_backend() == "cpu":
        return 1
    intervals = [_STEPS_PER_CALL, loop.report_every]
    if not config.optimizer.minutes:
        intervals += [config.optimizer.steps, loop.checkpoint_every]
    return math.gcd(*intervals)


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
    config: TrainConfig, task: Task, state: TrainState, held_out: Measured | None = None
) -> Model:
    """The model that a state amounts to, with its card.

    Args:
      config: of the run.
      task: of the run.
      state: what the run has come to.
      held_out: from `held_out_losses`.
    """
    steps = int(state.step)
    card: dict[str, Any] = {"jaxnst": __version__, "network": describe_network(task.network)}
    if config.painting is not None:
        card["style"] = config.painting.card
    if config.start_from:
        start = load_model(config.start_from).card
        card["start"] = start.get("start") or start["sha256"]
    card |= {
        "recipe": _recipe(config),
        "steps": steps,
        "images_seen": steps * config.data.batch,
        "held_out": dict(held_out or {}),
        "notes": NOTES,
    }
    return Model(task.network, jax.device_get(state.average), card)


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
    task = make_task(config)
    state, _ = first_state(config, task)
    with Checkpoints(work) as checkpoints:
        restored = checkpoints.restore(state)
    if restored is None:
        raise JaxnstError(f"{name}: has no whole checkpoint yet: train on")
    return export(config, task, restored.state)


def held_out_losses(run: Run, state: TrainState) -> Measured:
    """Mean terms of the loss on the held-out photos; empty without any."""
    photos = held_out_batches(run.data.held_out, run.config.data)
    return run.task.measure(
        jax.device_get(state.average),
        jax.device_get(run.frozen),
        (from_uint8(batch["image"]) for batch in photos),
    )


def _freeze(config: TrainConfig, task: Task, data: Data, paintings: str) -> Any:
    """The frozen part of the task."""
    if isinstance(task, UpscaleTask | DecoderTask):
        return task.freeze(load_vgg(config.net))
    photos = reference_photos(data, config.data.crop)
    if isinstance(task, AnyStyleTask):
        side = round(_PIECE * config.data.crop / task.network.stride) * task.network.stride
        pieces = cut_pieces(paintings, config.decoder.pieces, side, config.seed)
        return task.freeze(load_vgg("vgg19"), load_vgg(config.net), pieces, photos)
    assert isinstance(task, StyleTask)
    assert config.painting is not None
    painting = config.painting
    picture = painting.load(paintings)
    return task.freeze(
        load_vgg(config.net), picture.rgb, photos, painting.weight, alpha=picture.alpha
    )


def reference_photos(data: Data, side: int) -> Sequence[np.ndarray]:
    """A few of the photos to train on, spread over all of them, float [side, side, 3]."""
    count = min(_REFERENCE_PHOTOS, len(data.train))
    numbers = np.linspace(0, len(data.train) - 1, count).round().astype(int)
    return [from_uint8(middle_square(data.train[i], side)) for i in numbers]


def _goes_on_from(network: Any, start: Any) -> bool:
    """Whether a network can be trained on from another: it is of the same kind, but for a scale."""
    if isinstance(start, UpscaleNetwork) and isinstance(network, UpscaleNetwork):
        start = dataclasses.replace(start, scale=network.scale)
    return describe_network(network) == describe_network(start)


def _recipe(config: TrainConfig) -> dict[str, Any]:
    """The configuration as a dict, with the names of files and folders but not where they were."""
    recipe = dataclasses.asdict(config)
    kind, _, source = config.data.source.partition(":")
    recipe["data"]["source"] = f"{kind}:{Path(source).name if kind == 'folder' else source}"
    recipe["data"]["held_out_list"] = Path(config.data.held_out_list).name
    if Path(config.start_from).suffix:  # a file, not the name of a model that ships
        recipe["start_from"] = Path(config.start_from).name
    if config.painting is not None:
        recipe["painting"]["file"] = Path(config.painting.file).name
    return recipe
