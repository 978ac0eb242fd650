"""`jaxnst upscale`: larger pictures by super-resolution."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from jaxnst.cli import USAGE_ERROR, went_well
from jaxnst.cli.arguments import options_in, parse
from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.plan import STREAM, Task, plan_tasks
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import finished_record, upscale_recipe
from jaxnst.cli.writing import announce, announce_finished, check_files, new_folder, picture_bytes
from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference.upscaler import Upscaler, enlarge_picture
from jaxnst.io.codec import MAX_PIXELS, Picture, check_writable_suffix, load, save
from jaxnst.io.files import display_name
from jaxnst.networks.model_file import Model, load_model, upscaling_model


@dataclasses.dataclass(frozen=True)
class Upscale:
    """Enlarge pictures, with detail that a trained network finds for them."""

    content: Annotated[Positional[tuple[Path, ...]], arg(metavar="PHOTO ...")]
    """Pictures of any size, or folders of them; - is standard input. Give the least compressed
    there are: the ripples that JPEG leaves along edges are sharpened too."""
    output: Annotated[Path, arg(aliases=["-o"])]
    """The result: a .png, .jpg, .webp, .tif or .bmp file; or a folder, as for several; on a second
    run those that are finished are skipped. - is standard output."""
    scale: int = 4
    """How many times as wide and high."""
    sharp: bool = False
    """Sharper detail, less near to the truth pixel by pixel: by a network trained by features. For
    --scale 4 and 8."""
    model: str = ""
    """Trained network: a name from `jaxnst models`, or a .safetensors file, whose scale counts
    then. None: the one that ships for --scale."""
    match_histogram: bool = False
    """Give the result the distribution of colours of the photo, as in Johnson et al. (2016)."""
    quality: int = 95
    """Of JPEG and WebP, 1 to 100."""
    json: bool = False
    """Print one JSON object per picture instead of its path."""
    overwrite: bool = False
    """Make pictures anew that are there with the same settings."""
    quiet: bool = False
    """No progress, only errors."""

    def __post_init__(self) -> None:
        check_number("quality", self.quality, low=1, high=100)


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
        return 0 if went_well(partial(enlarge.make, tasks[0])) else USAGE_ERROR
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
        return 0 if good else USAGE_ERROR

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
