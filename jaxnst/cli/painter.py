"""Makes the pictures of a `stylize` command, one after the other."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnst import __version__, optimize
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.tasks import Task
from jaxnst.errors import JaxnstError
from jaxnst.files import atomic_write, display_name
from jaxnst.image import Picture, load, load_mask, read_settings, resize, save
from jaxnst.optimize import Job, Progress, RunState, Style
from jaxnst.paint import finish, make_job
from jaxnst.reports import (
    PARTS,
    LossRow,
    loss_row,
    write_comparison,
    write_loss_csv,
    write_loss_plot,
)
from jaxnst.snapshot import load_snapshot, save_snapshot
from jaxnst.weights import load_vgg

if TYPE_CHECKING:
    from jaxnst.cli.stylize import Stylize


@dataclasses.dataclass
class Canvas:
    """A task with its pictures in memory."""

    task: Task
    job: Job
    content: Picture | None
    settings: dict[str, Any]
    """What the result depends on; it travels inside the picture."""

    @property
    def fingerprint(self) -> str:
        """The settings in one word."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()

    @property
    def snapshot(self) -> Path:
        """Where the state of an unfinished run is kept."""
        return self.task.output.with_name(self.task.output.name + ".snapshot")


class Painter:
    """Paints tasks with one set of weights and collects their losses."""

    def __init__(self, command: Stylize) -> None:
        """Loads the weights the command asks for."""
        self._command = command
        self._params = load_vgg(command.paint.net)
        self._losses: dict[str, list[LossRow]] = {}

    def paint(self, task: Task) -> bool:
        """Makes one picture; whether that went well. What is wrong with it is one line on stderr.

        Ctrl-C writes the picture as it is by then, and ends the command.
        """
        try:
            canvas = self._load(task)
            if self._finished(canvas):
                self._say(f"{display_name(task.output)}: already there with these settings")
                return True
            self._run(canvas)
        except JaxnstError as error:
            print(f"jaxnst: error: {error}", file=sys.stderr)
            return False
        return True

    def write_reports(self) -> None:
        """The tables and plots of all pictures so far."""
        if self._losses and self._command.loss_csv:
            write_loss_csv(self._command.loss_csv, self._losses)
        if self._losses and self._command.loss_plot:
            write_loss_plot(self._command.loss_plot, self._losses)

    def _load(self, task: Task) -> Canvas:
        command = self._command
        content = load(task.content) if task.content else None
        start = load(command.start_from).rgb if command.start_from else None
        weights = command.blend or (1.0,) * len(task.styles)
        styles = [
            Style(load(path).rgb, weight) for path, weight in zip(task.styles, weights, strict=True)
        ]
        job = make_job(content.rgb if content else None, styles, command.paint, start=start)
        masks = [self._mask(path, job.size) for path in command.mask]
        if masks:
            masked = (s._replace(mask=m) for s, m in zip(job.styles, masks, strict=True))
            job = dataclasses.replace(job, styles=tuple(masked))
        optimize.check_job(self._params, job)
        return Canvas(task, job, content, self._settings(task))

    def _mask(self, path: Path, size: tuple[int, int]) -> np.ndarray:
        mask, was_resized = load_mask(path, size)
        if was_resized:
            self._say(f"{display_name(path)}: resized to {size[1]} x {size[0]} pixels")
        if not mask.any():
            raise JaxnstError(f"{display_name(path)}: the mask is all black: paint a white region")
        return mask

    def _settings(self, task: Task) -> dict[str, Any]:
        """The recipe of a picture: program, inputs by hash, options, weights."""
        command = self._command
        files = {
            "content": [task.content] if task.content else [],
            "styles": task.styles,
            "masks": command.mask,
            "start_from": [command.start_from] if command.start_from else [],
        }
        hashed = {
            role: [{"name": path.name, "sha256": _sha256(path)} for path in paths]
            for role, paths in files.items()
        }
        options = dataclasses.asdict(command.paint) | {"blend": command.blend}
        # Through JSON, so that a record read back from a picture is equal to a fresh one.
        return json.loads(json.dumps({"jaxnst": __version__, **hashed, "options": options}))

    def _finished(self, canvas: Canvas) -> bool:
        """Whether the very same picture is there already."""
        if self._command.overwrite or not canvas.task.output.is_file():
            return False
        found = read_settings(canvas.task.output) or {}
        done = found.pop("result", {}).get("iterations")
        return found == canvas.settings and done == canvas.job.options.iterations

    def _run(self, canvas: Canvas) -> None:
        """Optimises and writes; after Ctrl-C writes what there is, then goes on interrupting."""
        command, task, state = self._command, canvas.task, self._resumed(canvas)
        rows = self._losses.setdefault(task.title, [])
        last: Progress | None = None
        steps = optimize.run(self._params, canvas.job, state)
        total = canvas.job.options.iterations
        try:
            with ProgressDisplay(task.title, total, quiet=command.quiet) as display:
                for last in steps:
                    rows.append(loss_row(last))
                    self._show(display, last)
                    self._keep(canvas, last)
        except KeyboardInterrupt:
            if last is None:
                raise
            self._write(canvas, last)
            self._say(f"stopped after {last.iteration} of {total} iterations; the best is saved")
            if command.snapshot_every:
                save_snapshot(canvas.snapshot, last.state, canvas.fingerprint)
                self._say(f"{canvas.snapshot}: the same command continues from here")
            raise
        assert last is not None
        self._write(canvas, last)
        canvas.snapshot.unlink(missing_ok=True)

    def _resumed(self, canvas: Canvas) -> RunState | None:
        if not (self._command.snapshot_every and canvas.snapshot.is_file()):
            return None
        state = load_snapshot(canvas.snapshot, canvas.fingerprint)
        self._say(f"{canvas.snapshot}: continuing from here")
        return state

    def _show(self, display: ProgressDisplay, progress: Progress) -> None:
        parts = {name: progress.parts[name] for name in PARTS if progress.parts[name]}
        display.update(progress.iteration, {"loss": progress.loss, **parts})
        every = self._command.table_every
        if every and progress.iteration % every == 0:
            if progress.iteration == every:
                display.line(f"{'iteration':>9} {'style':>12} {'content':>12} {'total':>12}")
            values = (progress.parts["style"], progress.parts["content"], progress.loss)
            display.line(f"{progress.iteration:>9} " + " ".join(f"{v:>12.5g}" for v in values))

    def _keep(self, canvas: Canvas, progress: Progress) -> None:
        """Previews and snapshots on the way."""
        command, n = self._command, progress.iteration
        if n == progress.total:
            return
        if command.preview_every and n % command.preview_every == 0:
            path = canvas.task.beside(f"_{n:04d}{canvas.task.output.suffix}")
            save(path, self._result(canvas, progress), quality=command.quality)
        if command.snapshot_every and n % command.snapshot_every == 0:
            save_snapshot(canvas.snapshot, progress.state, canvas.fingerprint)

    def _result(self, canvas: Canvas, progress: Progress) -> Picture:
        """The picture as it is by then, with the photo's transparency and colour profile."""
        rgb = finish(progress.image, canvas.job, self._command.paint)
        return canvas.content.with_rgb(rgb) if canvas.content else Picture(rgb)

    def _write(self, canvas: Canvas, progress: Progress) -> None:
        """The picture and what goes with it."""
        command, task = self._command, canvas.task
        losses = {"iterations": progress.iteration, "loss": progress.loss, "parts": progress.parts}
        record = {**canvas.settings, "result": losses}
        picture = self._result(canvas, progress)
        save(task.output, picture, quality=command.quality, settings=record)
        if command.sidecar:
            with atomic_write(task.beside(".json")) as temporary:
                temporary.write_text(json.dumps(record, indent=2) + "\n")
        if command.compare:
            photo = [resize(canvas.content.rgb, canvas.job.size)] if canvas.content else []
            pictures = [*photo, *(style.image for style in canvas.job.styles), picture.rgb]
            write_comparison(task.beside(f"_compare{task.output.suffix}"), pictures)
        print(json.dumps({"output": str(task.output), **record}) if command.json else task.output)

    def _say(self, text: str) -> None:
        if not self._command.quiet:
            print(text, file=sys.stderr)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
