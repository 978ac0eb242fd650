"""Writes results: pictures, the files beside them, and lines on stdout."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.cli.exit_status import stdout_errors
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import STREAM, PictureTask
from jaxnst.errors import JaxnstError
from jaxnst.io.buckets import as_given, in_bucket
from jaxnst.io.codec import Picture, save
from jaxnst.io.files import atomic_write, display_name, one_line
from jaxnst.io.sheets import write_comparison


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Creates a folder for the block, and removes it again if it is left empty."""
    made = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JaxnstError(
                f"{display_name(folder)}: cannot be made a folder ({one_line(error)}): "
                f"give another path"
            ) from error
        yield
    finally:
        for path in made:
            with suppress(OSError):
                path.rmdir()


@contextmanager
def place_of(tasks: Sequence[PictureTask], output: Path) -> Iterator[None]:
    """Creates the output folder of several pictures for the block, see `new_folder`.

    Buckets have none: there it is a part of the pictures' names.
    """
    is_folder = tasks[0].output != output
    with new_folder(output) if is_folder and not in_bucket(output) else nullcontext():
        yield


def write_painting(
    command: Stylize,
    task: PictureTask,
    painting: Picture,
    record: Mapping[str, Any],
    beside: Sequence[np.ndarray],
) -> None:
    """Writes a painting and the files beside it.

    Args:
      command: which files are wanted.
      task: what they are called.
      painting: with its transparency and color profile.
      record: what it was made from.
      beside: pictures for the comparison, left of the painting.
    """
    write_picture(task.output, painting, command.quality, record)
    if command.sidecar:
        with atomic_write(task.sidecar) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
    if command.compare:
        write_comparison(task.comparison, [*beside, painting.on_white()])


def write_picture(
    path: Path, picture: Picture, quality: int, record: Mapping[str, Any] | None = None
) -> None:
    """Writes a picture to its file, or as a PNG to standard output."""
    settings = None if record is None else dict(record)
    if path == STREAM:
        content = _png(picture, settings)
        with stdout_errors():
            sys.stdout.buffer.write(content)
        return
    make_folder_again(path)
    save(path, picture, quality=quality, settings=settings)


def make_folder_again(path: Path) -> None:
    """Recreates the folder of an output that was removed since the checks, so no work is lost.

    Raises:
      JaxnstError: it cannot be made.
    """
    if in_bucket(path):
        return
    try:
        Path(os.path.realpath(path)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        folder = display_name(path.parent)
        raise JaxnstError(
            f"{display_name(path)}: the folder {folder} was removed and cannot be made again "
            f"({one_line(error)})"
        ) from error


def _png(picture: Picture, settings: dict[str, Any] | None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.png")
        save(path, picture, settings=settings)
        return path.read_bytes()


def announce(command: Stylize | Upscale, task: PictureTask, record: Mapping[str, Any]) -> None:
    """Prints the path of a finished picture, or its record as JSON."""
    if task.output == STREAM:
        return
    output = as_given(task.output)
    print(json.dumps({"output": output, **record}) if command.json else output)


def announce_finished(
    command: Stylize | Upscale, task: PictureTask, record: Mapping[str, Any]
) -> None:
    """Reports that a picture already exists with the same settings."""
    if not command.quiet:
        name = display_name(task.output)
        print(f"{name}: already there with these settings", file=sys.stderr)
    announce(command, task, record)
