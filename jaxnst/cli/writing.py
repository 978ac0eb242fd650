"""Where what a command has made goes: pictures, what lies beside them, and lines on stdout."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import Task
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import Picture, save
from jaxnst.io.files import atomic_write, display_name, one_line
from jaxnst.io.sheets import write_comparison


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """A folder for the block, which leaves none behind that it has made and is empty."""
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


def write_painting(
    command: Stylize,
    task: Task,
    painting: Picture,
    record: Mapping[str, Any],
    beside: Sequence[np.ndarray],
) -> None:
    """Writes a painting and what goes with it, and says where it is.

    Args:
      command: which files are wanted.
      task: what they are called.
      painting: with its transparency and colour profile.
      record: what it was made from.
      beside: pictures for the comparison, left of the painting.
    """
    save(task.output, painting, quality=command.quality, settings=dict(record))
    if command.sidecar:
        with atomic_write(task.sidecar) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
    if command.compare:
        write_comparison(task.comparison, [*beside, painting.rgb])
    announce(command, task, record)


def picture_bytes(picture: Picture, record: Mapping[str, Any]) -> bytes:
    """A picture as a PNG file, for standard output."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.png")
        save(path, picture, settings=dict(record))
        return path.read_bytes()


def announce(command: Stylize | Upscale, task: Task, record: Mapping[str, Any]) -> None:
    """On stdout: the picture that is there now."""
    print(json.dumps({"output": str(task.output), **record}) if command.json else task.output)


def announce_finished(command: Stylize | Upscale, task: Task, record: Mapping[str, Any]) -> None:
    """Says that a picture was there before."""
    if not command.quiet:
        name = display_name(task.output)
        print(f"{name}: already there with these settings", file=sys.stderr)
    announce(command, task, record)
