"""`jaxnst train`: trains a network on photos and paintings."""

import contextlib
import dataclasses
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jaxnst
from jaxnst.cli.compile_notice import compile_notice
from jaxnst.cli.coordinator import join_processes
from jaxnst.cli.exit_status import INTERRUPTED
from jaxnst.cli.options import TRAIN_CONFIG, Train
from jaxnst.cli.parsing import parse, value_in
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.signals import stop_signals
from jaxnst.errors import JaxnstError
from jaxnst.io.array_records import is_array_record
from jaxnst.io.files import check_writable, display_name
from jaxnst.io.folders import is_folder
from jaxnst.training.config import load_train_config, train_config_names
from jaxnst.training.loop import Budget, Progress, train
from jaxnst.training.painting import Painting
from jaxnst.training.records import PictureGrid, Records
from jaxnst.training.run import (
    Run,
    claim_folder,
    export,
    held_out_losses,
    make_advance,
    make_feed,
    set_up,
    steps_per_call,
)

SAMPLES = "samples"
"""Data source of the photos that ship; samples/NAME is a painting that ships."""

_ASSETS = Path(jaxnst.__file__).parent / "assets"


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns 0, or the status of the signal that stopped it."""
    command = parse_train(argv)
    if command.output is not None:
        check_writable(command.output)
    join_processes(command)
    return _run(command)


def parse_train(argv: Sequence[str]) -> Train:
    """Parses the command line; defaults come from its --config."""
    name = value_in(argv, TRAIN_CONFIG, "--config")
    names = ", ".join(train_config_names())
    about = f"{Train.__doc__}\n\nDefaults are those of --config {name}; there are {names}."
    command = parse(
        Train,
        argv,
        "jaxnst train",
        about,
        aliases={"source": "--data"},
        config=name,
        settings=load_train_config(name),
    )
    data = dataclasses.replace(command.settings.data, source=_source(command.settings.data.source))
    painting = command.settings.painting
    if command.style is not None:
        painting = Painting(command.style.stem, str(command.style.absolute()))
    elif painting is not None:
        painting = _with_sample(painting)
    if command.settings.decoder.pieces and command.paintings_dir == Path():
        raise JaxnstError("a decoder learns to paint from paintings: give --paintings-dir DIR")
    settings = dataclasses.replace(command.settings, data=data, painting=painting)
    return dataclasses.replace(command, settings=settings)


def _source(source: str) -> str:
    """The data source as folder:PATH or records:PATH, if it is one of them by its looks."""
    if source == SAMPLES:
        return f"folder:{_ASSETS / 'photos'}"
    if not source or source.startswith(("folder:", "records:", "tfds:")):
        return source
    if is_folder(source):
        return f"folder:{source}"
    return f"records:{source}" if is_array_record(source) else source


def _with_sample(painting: Painting) -> Painting:
    """The painting with the path of its file, if it is one that ships."""
    folder, _, name = painting.file.partition("/")
    if folder != SAMPLES:
        return painting
    return dataclasses.replace(painting, file=str(_ASSETS / "styles" / name))


def _run(command: Train) -> int:
    import jax

    from jaxnst.training.checkpoints import Checkpoints

    _hush_orbax()
    config, total = command.settings, command.settings.optimizer.steps
    by_clock = bool(config.optimizer.minutes)
    is_first = jax.process_index() == 0
    quiet = command.quiet or not is_first

    def say(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr)

    run = set_up(config, str(command.paintings_dir), say=say)
    claim_folder(command.work, config)
    at_once = steps_per_call(config, command.loop)
    last: Progress | None = None
    with (
        compile_notice(quiet=quiet),
        stop_signals() as stopped,
        contextlib.closing(make_feed(config, run.data)) as feed,
        Checkpoints(command.work, keep=command.loop.keep) as checkpoints,
        ProgressDisplay(
            command.work.name,
            100 if by_clock else total,
            unit="%" if by_clock else "steps",
            quiet=quiet,
        ) as display,
        contextlib.ExitStack() as stack,
    ):
        if run.data.skipped:
            display.line(
                f"{run.data.skipped} files of {config.data.source} are no pictures: skipped"
            )
        watch: Watch | None = None
        for last in train(
            make_advance(run, at_once), run.state, feed, checkpoints,
            budget=Budget(total, config.optimizer.minutes), steps_per_call=at_once,
            options=command.loop, should_stop=stopped.is_set,
        ):  # fmt: skip
            if is_first and watch is None:
                records = stack.enter_context(Records(command.work, last.step))
                watch = Watch(command, run, display, records, last)
            elif watch is not None:
                watch.see(last)
    assert last is not None
    if last.share < 1:  # a signal came, if not to this process then to another
        if not quiet:
            print(
                f"stopped at step {last.step}, {last.share:.0%} of the run: the same command goes "
                f"on from there",
                file=sys.stderr,
            )
        return stopped.status if stopped.is_set() else INTERRUPTED
    if is_first:
        _finish(command, run, last)
    return 0


def _hush_orbax() -> None:
    """Silences the pages that Orbax's threads print about an error that is raised here anyway."""
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda _: None


def _finish(command: Train, run: Run, last: Progress) -> None:
    """Measures the model, writes it and prints its path."""
    from jaxnst.networks.model_file import save_model

    held_out = held_out_losses(run, last.state)
    model = export(run.config, run.task, last.state, held_out)
    save_model(command.model, model)
    broken = run.data.train.broken | run.data.held_out.broken
    if broken and not command.quiet:
        print(
            f"{len(broken)} photos could not be decoded, such as {display_name(min(broken))}: "
            f"others took their place",
            file=sys.stderr,
        )
    if command.json:
        print(json.dumps({"model": str(command.model), "held_out": held_out}))
        return
    if held_out and not command.quiet:
        shown = " ".join(f"{part} {value:.4g}" for part, value in held_out.items() if value)
        print(f"held-out loss: {shown}", file=sys.stderr)
    print(display_name(command.model))


class Watch:
    """Shows and records a run."""

    def __init__(
        self, command: Train, run: Run, display: ProgressDisplay, records: Records, start: Progress
    ) -> None:
        """Begins at the step of the last checkpoint."""
        self._command, self._display = command, display
        self._batch, self._by_clock = run.config.data.batch, bool(run.config.optimizer.minutes)
        self._records = records
        self._grid = PictureGrid(run) if command.grid_every else None
        self._before = start.step, time.monotonic()
        display.resume(self._done(start), start.share)
        if start.step:
            display.line(f"{display_name(command.work)}: going on from step {start.step}")

    def see(self, progress: Progress) -> None:
        """Shows and records the latest progress."""
        step, now = progress.step, time.monotonic()
        rate = (step - self._before[0]) * self._batch / max(now - self._before[1], 1e-9)
        shown = {name: value for name, value in progress.metrics.items() if value}
        shown |= {"step": step} if self._by_clock else {}
        self._display.update(
            self._done(progress), {**shown, "images/s": rate}, min(1.0, progress.share)
        )
        self._records.add(step, progress.metrics)
        every = self._command.grid_every
        crossed = self._grid and step // every > self._before[0] // every
        if self._grid and (crossed or progress.share >= 1):
            self._grid.write(self._command.work / "pictures" / f"{step:06d}.png", progress.state)
            self._records.write()
        self._before = step, time.monotonic()

    def _done(self, progress: Progress) -> int:
        """For the display: steps, or per cent of a run that counts minutes."""
        return min(100, round(100 * progress.share)) if self._by_clock else progress.step
