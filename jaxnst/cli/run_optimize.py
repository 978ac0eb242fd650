"""Makes the pictures of a `stylize` command, one after the other."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnst.cli import went_well
from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.plan import Task
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import fingerprint, finished_record, recipe
from jaxnst.cli.writing import announce_finished, write_painting
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import Picture, load, load_mask, save
from jaxnst.io.files import display_name
from jaxnst.optimize import run as optimize
from jaxnst.optimize.loss_table import PARTS, LossRow, loss_row, write_loss_csv, write_loss_plot
from jaxnst.optimize.run import Job, Progress, RunState, Style
from jaxnst.optimize.snapshot import load_snapshot, save_snapshot
from jaxnst.optimize.stylize import finish, make_job, result_size
from jaxnst.perceptual.weights import load_vgg

if TYPE_CHECKING:
    from jaxnst.cli.stylize import Stylize


@dataclasses.dataclass
class Canvas:
    """A task with its pictures in memory."""

    task: Task
    job: Job
    content: Picture | None
    recipe: dict[str, Any]


def paint_all(command: Stylize, tasks: Sequence[Task]) -> int:
    """Makes all pictures, and reports on them however it ends; 0, or 2 if something went wrong."""
    painter, good = Painter(command), True
    try:
        for task in tasks:
            good = went_well(partial(painter.paint, task)) and good
    finally:
        good = went_well(painter.write_reports) and good
    return 0 if good else 2


class Painter:
    """Paints tasks with one set of weights and collects their losses."""

    def __init__(self, command: Stylize) -> None:
        """Loads the weights the command asks for."""
        use_compilation_cache()
        self._command = command
        self._params = load_vgg(command.paint.net)
        self._losses: dict[str, list[LossRow]] = {}

    def paint(self, task: Task) -> None:
        """Makes one picture, unless it is there already.

        Ctrl-C writes the picture as it is by then, and goes on interrupting.
        """
        settings = recipe(self._command, task)
        record = None if self._command.overwrite else finished_record(task, settings)
        if record is None:
            self._run(self._load(task, settings))
            return
        announce_finished(self._command, task, record)

    def write_reports(self) -> None:
        """The tables and plots of all pictures so far."""
        if self._losses and self._command.loss_csv:
            write_loss_csv(self._command.loss_csv, self._losses)
        if self._losses and self._command.loss_plot:
            write_loss_plot(self._command.loss_plot, self._losses)

    def _load(self, task: Task, settings: dict[str, Any]) -> Canvas:
        command = self._command
        content = load(task.content) if task.content else None
        photo = content.rgb if content else None
        start = load(command.start_from).rgb if command.start_from else None
        weights = command.blend or (1.0,) * len(task.styles)
        size = result_size(photo, command.paint)
        masks: list[Any] = [self._mask(path, size) for path in command.mask]
        masks = masks or [None] * len(weights)
        styles = [
            Style(load(path).rgb, weight, mask)
            for path, weight, mask in zip(task.styles, weights, masks, strict=True)
        ]
        job = make_job(photo, styles, command.paint, start=start)
        optimize.check_job(self._params, job)
        return Canvas(task, job, content, settings)

    def _mask(self, path: Path, size: tuple[int, int]) -> np.ndarray:
        mask, was_resized = load_mask(path, size)
        if was_resized:
            self._say(f"{display_name(path)}: resized to {size[1]} x {size[0]} pixels")
        if not mask.any():
            raise JaxnstError(f"{display_name(path)}: the mask is all black: paint a white region")
        return mask

    def _run(self, canvas: Canvas) -> None:
        """Optimises and writes, also what there is after Ctrl-C."""
        title, total = canvas.task.title, canvas.job.options.iterations
        last: Progress | None = None
        try:
            state = self._resumed(canvas)
            with ProgressDisplay(title, total, quiet=self._command.quiet) as display:
                for last in optimize.run(self._params, canvas.job, state):
                    self._losses.setdefault(title, []).append(loss_row(last))
                    self._show(display, canvas.job, last)
                    self._keep(canvas, last)
            if last is None:
                raise JaxnstError(f"{canvas.task.snapshot}: has nothing left to do: delete it")
            self._write(canvas, last)
        except KeyboardInterrupt:
            if last is not None:
                went_well(partial(self._rescue, canvas, last))
            raise
        if self._command.snapshot_every:
            canvas.task.snapshot.unlink(missing_ok=True)

    def _resumed(self, canvas: Canvas) -> RunState | None:
        snapshot = canvas.task.snapshot
        if not (self._command.snapshot_every and os.path.isfile(snapshot)):
            return None
        state = load_snapshot(snapshot, fingerprint(canvas.recipe))
        self._say(f"{display_name(snapshot)}: continuing from here")
        return state

    def _rescue(self, canvas: Canvas, last: Progress) -> None:
        """What can be kept of a run that is interrupted."""
        snapshot = canvas.task.snapshot
        if self._command.snapshot_every and last.iteration < last.total:
            save_snapshot(snapshot, last.state, fingerprint(canvas.recipe))
            self._say(f"{display_name(snapshot)}: the same command continues from here")
        self._write(canvas, last)
        self._say(f"stopped after {last.iteration} of {last.total} iterations: saved as it is")

    def _show(self, display: ProgressDisplay, job: Job, progress: Progress) -> None:
        parts = {name: progress.parts[name] for name in PARTS if progress.parts[name]}
        share = optimize.work_done(job, progress.state)
        display.update(progress.iteration, {"loss": progress.loss, **parts}, share)
        every = self._command.table_every
        if every and progress.iteration % every == 0:
            values = (progress.parts["style"], progress.parts["content"], progress.loss)
            display.row(("iteration", "style", "content", "total"), (progress.iteration, *values))

    def _keep(self, canvas: Canvas, progress: Progress) -> None:
        """Previews and snapshots on the way."""
        command, n = self._command, progress.iteration
        if n == progress.total:
            return
        if command.preview_every and n % command.preview_every == 0:
            picture = self._result(canvas, progress)
            save(canvas.task.preview(n), picture, quality=command.quality)
        if command.snapshot_every and n % command.snapshot_every == 0:
            save_snapshot(canvas.task.snapshot, progress.state, fingerprint(canvas.recipe))

    def _result(self, canvas: Canvas, progress: Progress) -> Picture:
        """The picture as it is by then, with the photo's transparency and colour profile."""
        rgb = finish(progress.image, canvas.job, self._command.paint)
        return canvas.content.with_rgb(rgb) if canvas.content else Picture(rgb)

    def _write(self, canvas: Canvas, progress: Progress) -> None:
        """The picture and what goes with it."""
        losses = {"iterations": progress.iteration, "loss": progress.loss, "parts": progress.parts}
        record = {**canvas.recipe, "result": losses}
        photo = [canvas.job.content] if canvas.job.content is not None else []
        styles = [style.image for style in canvas.job.styles]
        picture = self._result(canvas, progress)
        write_painting(self._command, canvas.task, picture, record, [*photo, *styles])

    def _say(self, text: str) -> None:
        if not self._command.quiet:
            print(text, file=sys.stderr)
