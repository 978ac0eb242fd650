"""Makes the video of a `stylize` command with a trained network, frame by frame."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxnst.cli import INTERRUPTED
from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.outputs import announce, announce_finished
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.recipe import trained_recipe
from jaxnst.cli.tasks import Task
from jaxnst.errors import JaxnstError
from jaxnst.files import atomic_write, check_writable, display_name, one_line
from jaxnst.film import paint_film
from jaxnst.image import fit_long_side
from jaxnst.inference import Stylizer
from jaxnst.live import Look
from jaxnst.models import Model
from jaxnst.video import (
    SUFFIXES,
    TimedFrame,
    VideoReader,
    VideoWriter,
    check_video_path,
    count_frames,
    join,
    read_comment,
)

if TYPE_CHECKING:
    from jaxnst.cli.stylize import Stylize

_PART_FRAMES = 250
_SETTINGS = "settings.json"


def is_film(command: Stylize) -> bool:
    """Whether a command asks for a video.

    Raises:
      JaxnstError: it asks for more than that.
    """
    films = [path for path in command.content if path.suffix.lower() in SUFFIXES]
    if films and len(command.content) > 1:
        raise JaxnstError(
            f"{display_name(films[0])}: is a video, and others are given beside it: give one video"
        )
    return bool(films)


def paint_video(command: Stylize, task: Task, model: Model, size: int | None) -> int:
    """Makes the video, unless it is there already; the exit status is 0, or 130 after Ctrl-C.

    What is painted is kept in parts in a folder beside the output, from which the same command goes
    on if it was stopped.
    """
    assert task.content is not None
    check_video_path(task.output)
    check_writable(task.output)
    if task.output.resolve() == task.content.resolve():
        raise JaxnstError(f"{display_name(task.output)}: is the input itself: give another output")
    with VideoReader(task.content) as reader:
        settings = trained_recipe(command, task, model.card, size)
        settings["options"]["smooth"] = command.smooth
        if not command.overwrite and read_comment(task.output) == json.dumps(settings):
            announce_finished(command, task, settings)
            return 0
        use_compilation_cache()
        parts = Parts(task.output.with_name(task.output.name + ".parts"), settings)
        try:
            _paint_parts(command, task, reader, Stylizer(model, exact=True), parts, size)
        except KeyboardInterrupt:
            if not command.quiet:
                print(
                    f"stopped at frame {parts.count}: the same command goes on from there",
                    file=sys.stderr,
                )
            return INTERRUPTED
    join(parts.files, task.output, task.content, json.dumps(settings))
    parts.remove()
    announce(command, task, settings)
    return 0


def _paint_parts(
    command: Stylize,
    task: Task,
    reader: VideoReader,
    stylizer: Stylizer,
    parts: Parts,
    size: int | None,
) -> None:
    """Paints what is not there yet."""
    weights = command.blend or (1.0,) * len(task.trained)
    style = dict(zip(task.trained, weights, strict=True))
    keep_colors = command.paint.keep_colors == "luma"
    look = Look(style, command.strength, keep_colors, command.smooth)
    height_width = fit_long_side(reader.size, size) if size else reader.size
    total = max(reader.count, parts.count, 1)
    with parts, ProgressDisplay(task.title, total, quiet=command.quiet) as display:
        display.resume(parts.count, parts.count / total)
        for frame in paint_film(reader, stylizer, look, height_width, parts.count):
            parts.write(frame)
            display.update(parts.count, {}, min(1.0, parts.count / total))


class Parts:
    """What is painted of a video so far, as files in a folder; use as a context manager."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        """Takes up the parts that are there, if they were painted with the same settings.

        Raises:
          JaxnstError: the folder is something else, or cannot be made.
        """
        self._folder, held = folder, folder / _SETTINGS
        if os.path.lexists(folder) and not held.is_file():
            raise JaxnstError(f"{display_name(folder)}: is in the way: move it, it is not ours")
        wanted = json.dumps(settings)
        if held.is_file() and held.read_text() != wanted:
            self.remove()
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise JaxnstError(
                f"{display_name(folder)}: cannot be made a folder ({one_line(error)})"
            ) from error
        with atomic_write(held) as temporary:
            temporary.write_text(wanted)
        for cut_short in folder.glob(".*"):  # by a kill
            cut_short.unlink()
        self.files = sorted(folder.glob("*.nut"))
        self._done = sum(map(count_frames, self.files))
        self._writer: VideoWriter | None = None

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish_part()

    @property
    def count(self) -> int:
        """Frames that are painted."""
        return self._done + (self._writer.count if self._writer else 0)

    def write(self, frame: TimedFrame) -> None:
        """Adds a frame, to a new part if there is none open or it is full."""
        if self._writer is None or self._writer.count == _PART_FRAMES:
            self._finish_part()
            self._writer = VideoWriter(self._folder / f"{self._done:08d}.nut")
        self._writer.write(frame.image, frame.seconds)

    def remove(self) -> None:
        """Removes the folder and what is in it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _finish_part(self) -> None:
        writer, self._done, self._writer = self._writer, self.count, None
        if writer is not None:
            writer.close()
            self.files.append(writer.path)
