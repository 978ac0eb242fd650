"""`jaxnst upscale`: larger pictures by super-resolution."""

import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from jaxnst.cli.arguments import options_in, parse
from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.options import Upscale
from jaxnst.cli.output_checks import check_files
from jaxnst.cli.plan import STREAM, Task, plan_tasks
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import finished_record, upscale_recipe
from jaxnst.cli.status import exit_status, went_well
from jaxnst.cli.writing import announce, announce_finished, new_folder, picture_bytes
from jaxnst.errors import JaxnstError
from jaxnst.inference.upscaler import Upscaler, enlarge_picture
from jaxnst.io.codec import MAX_PIXELS, Picture, check_writable_suffix, load, save
from jaxnst.io.files import display_name
from jaxnst.networks.model_file import Model, load_model, upscaling_model


def main(argv: Sequence[str]) -> int:
    """Runs the command; the exit status is 0, or 2 if some picture could not be made."""
    command = parse(Upscale, argv, "jaxnst upscale", Upscale.__doc__ or "")
    if not command.content:
        raise JaxnstError("there is nothing to enlarge: give a picture")
    name = _model_name(command)
    model = load_model(name)
    if "--scale" in options_in(argv):
        _check_scale(command, model)
    use_compilation_cache()  # the upscaler already compiles when it is made
    upscaler = Upscaler(model)
    look = (f"x{upscaler.scale}",)
    tasks = plan_tasks(command.content, (), command.output, one=False, trained=look)
    streams = [path for path in (*command.content, command.output) if path == STREAM]
    if streams and len(tasks) > 1:
        raise JaxnstError("'-' is one picture: give no other beside it")
    enlarge = Enlarger(command, upscaler, name)
    if command.output == STREAM:
        return exit_status(went_well(partial(enlarge.make, tasks[0])))
    single = tasks[0].output == command.output
    with contextlib.nullcontext() if single else new_folder(command.output):
        inputs = [path for task in tasks for path in task.inputs]
        check_files(inputs, [task.output for task in tasks])
        for task in tasks:
            check_writable_suffix(task.output)
        return enlarge.make_all(tasks)


class Enlarger:
    """Makes the pictures of a command."""

    def __init__(self, command: Upscale, upscaler: Upscaler, name: str) -> None:
        """Takes what is asked for, what enlarges, and its name or file."""
        self._command, self._upscaler, self._name = command, upscaler, name

    def make_all(self, tasks: Sequence[Task]) -> int:
        """Makes all pictures, and goes on when one cannot be made; 0, or 2 if that was so."""
        good = True
        for task in tasks:
            good = went_well(partial(self.make, task)) and good
        return exit_status(good)

    def make(self, task: Task) -> None:
        """Makes one picture, unless it is there already."""
        command, record = self._command, None
        assert task.content is not None
        limit = MAX_PIXELS // self._upscaler.scale**2
        if task.content == STREAM:  # read once: it cannot be hashed first
            photo, settings = load(sys.stdin.buffer, min_side=1, max_pixels=limit), {}
        else:
            settings = upscale_recipe(command, task, self._upscaler.model.card, self._name)
            record = None if command.overwrite else finished_record(task, settings)
            if record is not None:
                announce_finished(command, task, record)
                return
            photo = load(task.content, min_side=1, max_pixels=limit)
        self._write(task, self._enlarged(task, photo), settings)

    def _enlarged(self, task: Task, photo: Picture) -> Picture:
        with ProgressDisplay(task.title, 100, quiet=self._command.quiet) as display:
            display.resume(0, 0.0)
            return enlarge_picture(
                self._upscaler,
                photo,
                match_histogram=self._command.match_histogram,
                progress=lambda share: display.update(round(100 * share), {}, share),
            )

    def _write(self, task: Task, picture: Picture, record: dict[str, Any]) -> None:
        if task.output == STREAM:
            sys.stdout.buffer.write(picture_bytes(picture, record))
            return
        save(task.output, picture, quality=self._command.quality, settings=record)
        announce(self._command, task, record)


def _model_name(command: Upscale) -> str:
    """The model that a command means, by name or file."""
    if command.model and command.sharp:
        raise JaxnstError("--sharp chooses the network: leave out --model, or it")
    return command.model or upscaling_model(command.scale, sharp=command.sharp)


def _check_scale(command: Upscale, model: Model) -> None:
    """Raises JaxnstError if a model enlarges, but not as many times as --scale says."""
    scale = getattr(model.network, "scale", None)
    if scale not in (None, command.scale):
        raise JaxnstError(
            f"{display_name(command.model)}: enlarges {scale} times, not {command.scale}: "
            f"leave --scale out"
        )
