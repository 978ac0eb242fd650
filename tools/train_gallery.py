"""Trains the networks that ship, each for its share of the time, and goes on from what is there.

    python tools/train_gallery.py --data DIR --minutes 120 [--out work/gallery] [--only slim/udnie]

DIR holds photos/ and styles/. What is trained stands in configs/gallery.toml; how, in
configs/train/add_style.toml and johnson_style.toml; --gallery and --configs name others. OUT gets a
model file for each style, written every minute and on Ctrl-C, with its held-out losses, and a
contact sheet of a few held-out photos. A second run goes on from the model files. With --pack all
of OUT is kept in one tar file as well. On an accelerator the photos stay on the device, VGG's
features are bfloat16 and batches larger.
"""

import argparse
import dataclasses
import functools
import itertools
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxnst.cli.signals import StopSignals, stop_signals
from jaxnst.errors import JaxnstError, nearest
from jaxnst.io.codec import save
from jaxnst.io.files import atomic_write, display_name, one_line, open_binary
from jaxnst.io.settings import options_from
from jaxnst.networks.model_file import Model, load_model, save_model
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.config import TrainConfig, load_train_config
from jaxnst.training.data import held_out_batches, open_data
from jaxnst.training.loop import Advance, Budget, Progress, train
from jaxnst.training.optimizer import make_optimizer
from jaxnst.training.options import LoopOptions
from jaxnst.training.painting import Painting
from jaxnst.training.run import (
    export,
    first_state,
    make_feed,
    make_step,
    make_task,
    reference_photos,
    steps_per_call,
)
from jaxnst.training.step import TrainState, replicate, share_out
from jaxnst.training.style_task import Measured, StyleTask

ROOT = Path(__file__).parent.parent
CONFIGS = {"slim": "add_style", "johnson": "johnson_style"}
TIME = {"slim": 1.0, "johnson": 2.0}
"""Shares of the time that a style gets, by network."""
JOHNSON = ("udnie", "starry_night", "great_wave", "the_scream")
"""Styles that Johnson's network is trained in as well."""
LOOP = LoopOptions(report_every=20)
SHEET_PHOTOS = 6


@dataclasses.dataclass(frozen=True)
class Item:
    """A network to be trained."""

    kind: str
    painting: Painting

    @property
    def name(self) -> str:
        """As it ships."""
        return f"{self.kind}/{self.painting.name}"


class ModelFile:
    """In place of a run's checkpoints: the model file, written every minute."""

    def __init__(self, write: Callable[[TrainState], None]) -> None:
        """Takes what writes a state's model."""
        self._write = write

    def restore(self, like: TrainState) -> None:
        """Nothing: the run starts from the model file itself."""

    def save(self, state: TrainState, feed: Any, loss: float, seconds: float) -> None:
        """Writes the model."""
        self._write(jax.device_get(state))

    def wait(self) -> None:
        """Nothing is under way."""


class Trainer:
    """What the styles of one kind of network share: photos, VGG, and a step compiled once."""

    def __init__(self, kind: str, args: argparse.Namespace) -> None:
        """Opens the photos and makes the step."""
        config = self._config = configuration(kind, args)
        self._args, self._vgg = args, load_vgg(config.net)
        self._data = open_data(config.data, config.seed)
        self._photos = reference_photos(self._data, config.data.crop)
        self._feed = make_feed(config, self._data)
        task = make_task(config)
        assert isinstance(task, StyleTask)
        self._task, self._tx = task, make_optimizer(config.optimizer)
        self._calls = steps_per_call(config, LOOP)
        self._step, self._is_compiled = make_step(config, task, self._tx, self._calls), False

    def freeze(self, painting: Painting) -> Any:
        """The frozen part of a style's loss, measured on the CPU: an accelerator would take longer
        to compile what every painting's size asks for."""
        cpu, folder = jax.local_devices(backend="cpu")[0], str(self._args.data / "styles")
        vgg, picture = jax.device_put(self._vgg, cpu), painting.load(folder).rgb
        with jax.default_device(cpu):
            frozen = self._task.freeze(vgg, picture, self._photos, painting.weight)
        return replicate(frozen, jax.local_devices())

    def train(
        self,
        item: Item,
        frozen: Any,
        minutes: Callable[[], float],
        pack: Callable[[], None],
        stopped: StopSignals,
    ) -> None:
        """Trains one style for so long; leaves its model file, and a sheet unless it is stopped.

        Args:
          item: what is trained.
          frozen: from `freeze`.
          minutes: asked for once all is compiled.
          pack: called when files have been written.
          stopped: asked after each call.
        """
        path = self._args.out / f"{item.name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        before = load_model(path).card if path.is_file() else None
        start = str(path) if before else self._config.start_from
        config = dataclasses.replace(self._config, painting=item.painting, start_from=start)
        state, _ = first_state(config, self._task)
        if not self._is_compiled:
            self._compile(state, frozen)
        budget = Budget(1, minutes())
        print(
            f"{item.name}: {budget.minutes:.1f} minutes from {Path(start).stem or 'scratch'}",
            flush=True,
        )

        def write(state: TrainState, held_out: Measured | None = None) -> None:
            model = export(config, self._task, state, held_out)
            save_model(path, going_on(model, before) if before else model, bits=8)
            pack()

        last = None
        for last in train(
            self._advance(frozen), state, self._feed, ModelFile(write),
            budget=budget, steps_per_call=self._calls, options=LOOP,
            should_stop=stopped.is_set,
        ):  # fmt: skip
            self._tell(item, last)
        assert last is not None
        if stopped.is_set():
            return
        photos, params = list(self._held_out()), jax.device_get(last.state.average)
        losses = self._task.measure(params, jax.device_get(frozen), iter(photos))
        write(jax.device_get(last.state), losses)
        shown = photos[:SHEET_PHOTOS]
        rows = [(photo[0], *self._task.show(params, frozen, photo[0])) for photo in shown]
        sheet = np.concatenate([np.concatenate(row) for row in rows], axis=1)
        save(path.with_suffix(".jpg"), np.clip(sheet, 0, 1))
        pack()

    def _compile(self, state: TrainState, frozen: Any) -> None:
        """Takes a step to no end."""
        state = replicate(state, jax.local_devices())
        jax.block_until_ready(self._advance(frozen)(state, next(self._feed), 0.0))
        self._is_compiled = True

    def _advance(self, frozen: Any) -> Advance:
        """The step with a style's frozen part."""
        step, devices = self._step, jax.local_device_count()
        if self._config.data.resident:
            return lambda state, photos, share: step(state, frozen, photos, share)
        return lambda state, batch, share: step(state, frozen, share_out(batch, devices), share)

    def _held_out(self) -> Iterator[np.ndarray]:
        """The held-out photos, [1, H, W, 3]."""
        for batch in held_out_batches(self._data.held_out, self._config.data):
            yield from_uint8(batch["image"])

    def _tell(self, item: Item, progress: Progress) -> None:
        """A line now and then."""
        if progress.metrics and progress.step % (5 * LOOP.report_every) < self._calls:
            shown = " ".join(f"{name} {value:.4g}" for name, value in progress.metrics.items())
            print(f"{item.name}: step {progress.step}, {progress.share:.0%}, {shown}", flush=True)


def going_on(model: Model, before: Mapping[str, Any]) -> Model:
    """A model with what its file had been trained for before, by the card, counted as well."""
    counts = {name: before.get(name, 0) + model.card[name] for name in ("steps", "images_seen")}
    start = before.get("recipe", {}).get("start_from", "")
    recipe = {**model.card["recipe"], "start_from": start}
    return dataclasses.replace(model, card={**model.card, **counts, "recipe": recipe})


def configuration(kind: str, args: argparse.Namespace) -> TrainConfig:
    """How a kind of network is trained here."""
    config = load_train_config(str(args.configs / f"{CONFIGS[kind]}.toml"))
    listed = str(ROOT / "configs" / "held_out_photos.txt") if args.held_out_list else ""
    data = dataclasses.replace(
        config.data, source=f"folder:{args.data / 'photos'}", held_out_list=listed
    )
    network, optimizer = config.network, config.optimizer
    if args.crop:
        data = dataclasses.replace(data, crop=args.crop)
    if jax.default_backend() != "cpu":
        data = dataclasses.replace(data, resident=True, batch=args.batch)
        network = dataclasses.replace(network, precision="bfloat16")
    optimizer = dataclasses.replace(optimizer, minutes=1.0)  # the learning rate follows the clock
    return dataclasses.replace(
        config, data=data, network=network, optimizer=optimizer,
        painting=Painting("any", ""),
    )  # fmt: skip


def read_items(gallery: Path, only: Sequence[str]) -> list[Item]:
    """The networks of a gallery's file, or some of them."""
    name, usual = display_name(gallery), Painting("", "", licence="public domain")
    with open_binary(gallery) as file:
        try:
            rows = tomllib.load(file)["styles"]
        except (ValueError, LookupError) as error:
            raise JaxnstError(f"{name}: not a list of styles ({one_line(error)})") from error
    styles = [options_from(usual, row, f"{name}: ") for row in rows]
    items = [Item("slim", style) for style in styles]
    items += [Item("johnson", style) for style in styles if style.name in JOHNSON]
    names = [item.name for item in items]
    for name in only:
        if name not in names:
            raise JaxnstError(f"{name!r} is not in {gallery.name}: {nearest(name, names)}")
    return [item for item in items if item.name in only] if only else items


def write_pack(out: Path, packed: Path) -> None:
    """All files of a folder in one."""
    with atomic_write(packed) as temporary, tarfile.open(temporary, "w") as tar:
        tar.add(out, arcname=out.name)


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with photos/ and styles/")
    parser.add_argument("--minutes", type=float, required=True, help="for everything together")
    parser.add_argument("--out", type=Path, default=ROOT / "work" / "gallery")
    parser.add_argument("--only", nargs="*", default=[], help="such as slim/udnie johnson/udnie")
    parser.add_argument("--gallery", type=Path, default=ROOT / "configs" / "gallery.toml")
    parser.add_argument("--configs", type=Path, default=ROOT / "configs" / "train")
    parser.add_argument("--pack", type=Path, help="keep all of --out in this .tar file, too")
    parser.add_argument("--batch", type=int, default=8, help="on an accelerator")
    parser.add_argument("--crop", type=int, default=0, help="side of the squares; 0: as configured")
    parser.add_argument("--held-out-list", action="store_true", help="hold out the listed photos")
    return parser.parse_args()


def share_of_time(items: Sequence[Item], item: Item, end: float) -> float:
    """Minutes for a network, of those that are left for it and those after it."""
    left = (end - time.monotonic()) / 60
    coming = items[items.index(item) :]
    return max(0.05, left * TIME[item.kind] / sum(TIME[other.kind] for other in coming))


def main(args: argparse.Namespace, stopped: StopSignals) -> int:
    """Trains one style after the other, each for its share of the time that is left; returns the
    exit status."""
    items, end = read_items(args.gallery, args.only), time.monotonic() + 60 * args.minutes
    pack = functools.partial(write_pack, args.out, args.pack) if args.pack else lambda: None
    with ThreadPoolExecutor(1) as ahead:  # the next painting is measured while one is trained
        for kind, group in itertools.groupby(items, key=lambda item: item.kind):
            trainer, same = Trainer(kind, args), list(group)
            measured = ahead.submit(trainer.freeze, same[0].painting)
            for item, following in itertools.zip_longest(same, same[1:]):
                frozen = measured.result()
                if following:
                    measured = ahead.submit(trainer.freeze, following.painting)
                minutes = functools.partial(share_of_time, items, item, end)
                trainer.train(item, frozen, minutes, pack, stopped)
                if stopped.is_set():
                    print(
                        f"stopped at {item.name}: the same command goes on from there",
                        file=sys.stderr,
                    )
                    return stopped.status
    return 0


if __name__ == "__main__":
    try:
        with stop_signals() as signals:
            sys.exit(main(options(), signals))
    except JaxnstError as error:
        print(f"train_gallery: error: {error}", file=sys.stderr)
        sys.exit(2)
