"""Paints the pictures of a `stylize` command by optimizing their pixels."""

import dataclasses
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.exit_status import exit_status, went_well
from jaxnst.cli.options import Stylize
from jaxnst.cli.picture_maker import PictureMaker
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import fingerprint, optimize_provenance
from jaxnst.cli.writing import announce, make_folder_again, write_painting, write_picture
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import Picture, load, load_mask
from jaxnst.io.files import display_name
from jaxnst.optimize import run as optimize
from jaxnst.optimize.job import Job, Style, check_job, scales
from jaxnst.optimize.loss_table import PARTS, LossRow, loss_row, write_loss_csv, write_loss_plot
from jaxnst.optimize.run import Progress, RunState
from jaxnst.optimize.snapshot import load_snapshot, save_snapshot
from jaxnst.optimize.stylize import finish, make_job, result_size
from jaxnst.optimize.time_left import TimeLeft
from jaxnst.perceptual.weights import load_vgg


@dataclasses.dataclass
class LoadedTask:
    """A task with its pictures in memory."""

    task: PictureTask
    job: Job
    content: Picture | None
    provenance: dict[str, Any]


class OptimizePainter(PictureMaker[Stylize]):
    """Paints pictures by optimization with one set of weights, and collects their losses."""

    def __init__(self, command: Stylize) -> None:
        """Loads the weights the command asks for."""
        super().__init__(command)
        use_compilation_cache()
        self._params = load_vgg(command.paint.net)
        self._losses: dict[str, list[LossRow]] = {}

    def make_all(self, tasks: Sequence[PictureTask]) -> int:
        """Paints all pictures and writes the reports, even if interrupted; 0, or 2 on failure."""
        try:
            status = super().make_all(tasks)
        finally:
            reported = went_well(self.write_reports)
        return max(status, exit_status(reported))

    def provenance(self, task: PictureTask) -> dict[str, Any]:
        """The photo, the styles, the weights and the options."""
        return optimize_provenance(self._command, task)

    def make(self, task: PictureTask, provenance: dict[str, Any]) -> None:
        """Paints one picture, writes it and prints its path.

        Ctrl-C saves the unfinished picture and ends the command.
        """
        loaded = self._load(task, provenance)
        is_first = not self._losses
        if is_first and self._command.method == "auto" and task.content and task.styles:
            self._say("optimizing the pixels; --method fast paints such a picture in seconds")
        self._run(loaded)

    def write_reports(self) -> None:
        """Writes the tables and plots of all pictures so far."""
        if self._losses and self._command.loss_csv:
            write_loss_csv(self._command.loss_csv, self._losses)
        if self._losses and self._command.loss_plot:
            write_loss_plot(self._command.loss_plot, self._losses)

    def _load(self, task: PictureTask, settings: dict[str, Any]) -> LoadedTask:
        command = self._command
        content = load(task.content) if task.content else None
        photo = content.rgb if content else None
        start = load(command.start_from).rgb if command.start_from else None
        weights = command.blend or (1.0,) * len(task.styles)
        size = result_size(photo, command.paint)
        masks: list[Any] = [self._mask(path, size) for path in command.mask]
        masks = masks or [None] * len(weights)
        pictures = [load(path) for path in task.styles]
        styles = [
            Style(picture.rgb, weight, mask, picture.alpha)
            for picture, weight, mask in zip(pictures, weights, masks, strict=True)
        ]
        job = make_job(photo, styles, command.paint, start=start)
        check_job(self._params, job)
        return LoadedTask(task, job, content, settings)

    def _mask(self, path: Path, size: tuple[int, int]) -> np.ndarray:
        mask, was_resized = load_mask(path, size)
        if was_resized:
            self._say(f"{display_name(path)}: resized to {size[1]} x {size[0]} pixels")
        return mask

    def _run(self, loaded: LoadedTask) -> None:
        """Optimizes and writes the picture, the unfinished one after Ctrl-C."""
        title, total = loaded.task.title, loaded.job.options.iterations
        last: Progress | None = None
        try:
            state, left = self._resumed(loaded), TimeLeft(loaded.job)
            with ProgressDisplay(
                title, total, quiet=self._command.quiet, time_left=lambda: left.seconds
            ) as display:
                for last in optimize.run(self._params, loaded.job, state):
                    left.update(last.state)
                    self._losses.setdefault(title, []).append(loss_row(last))
                    self._show(display, loaded.job, last)
                    self._keep(loaded, last)
            if last is None:
                raise JaxnstError(f"{loaded.task.snapshot}: has nothing left to do: delete it")
            self._write(loaded, last)
        except KeyboardInterrupt:
            if last is not None:
                went_well(partial(self._rescue, loaded, last))
            raise
        if self._command.snapshot_every:
            loaded.task.snapshot.unlink(missing_ok=True)

    def _resumed(self, loaded: LoadedTask) -> RunState | None:
        snapshot = loaded.task.snapshot
        if not (self._command.snapshot_every and os.path.isfile(snapshot)):
            return None
        state = load_snapshot(snapshot, fingerprint(loaded.provenance))
        self._say(f"{display_name(snapshot)}: continuing from here")
        return state

    def _rescue(self, loaded: LoadedTask, last: Progress) -> None:
        """Saves the snapshot and the unfinished picture of an interrupted run."""
        snapshot = loaded.task.snapshot
        if self._command.snapshot_every and last.iteration < last.total:
            self._save_snapshot(loaded, last)
            self._say(f"{display_name(snapshot)}: the same command continues from here")
        self._write(loaded, last)
        self._say(f"stopped after {last.iteration} of {last.total} iterations: saved as it is")

    def _show(self, display: ProgressDisplay, job: Job, progress: Progress) -> None:
        parts = {name: progress.parts[name] for name in PARTS if progress.parts[name]}
        share = optimize.work_done(job, progress.state)
        height, width = scales(job)[progress.state.scale]  # losses jump where it changes
        values = {"loss": progress.loss, **parts}
        display.update(progress.iteration, values, share, note=f"at {width}x{height}")
        every = self._command.table_every
        if every and progress.iteration % every == 0:
            losses = (progress.parts["style"], progress.parts["content"], progress.loss)
            display.row(("iteration", "style", "content", "total"), (progress.iteration, *losses))

    def _keep(self, loaded: LoadedTask, progress: Progress) -> None:
        """Writes previews and snapshots along the way."""
        command, n = self._command, progress.iteration
        if n == progress.total:
            return
        if command.preview_every and n % command.preview_every == 0:
            picture = self._result(loaded, progress)
            write_picture(loaded.task.preview(n), picture, command.quality)
        if command.snapshot_every and n % command.snapshot_every == 0:
            self._save_snapshot(loaded, progress)

    def _save_snapshot(self, loaded: LoadedTask, progress: Progress) -> None:
        make_folder_again(loaded.task.snapshot)
        save_snapshot(loaded.task.snapshot, progress.state, fingerprint(loaded.provenance))

    def _result(self, loaded: LoadedTask, progress: Progress) -> Picture:
        """The picture so far, with the photo's transparency and color profile."""
        rgb = finish(progress.image, loaded.job, self._command.paint)
        return loaded.content.with_rgb(rgb) if loaded.content else Picture(rgb)

    def _write(self, loaded: LoadedTask, progress: Progress) -> None:
        """Writes the picture and the files beside it."""
        losses = {"iterations": progress.iteration, "loss": progress.loss, "parts": progress.parts}
        record = {**loaded.provenance, "result": losses}
        photo = [loaded.content.on_white()] if loaded.content else []  # that of a job is extended
        styles = [Picture(style.image, style.alpha).on_white() for style in loaded.job.styles]
        picture = self._result(loaded, progress)
        write_painting(self._command, loaded.task, picture, record, [*photo, *styles])
        announce(self._command, loaded.task, record)

    def _say(self, text: str) -> None:
        if not self._command.quiet:
            print(text, file=sys.stderr)
