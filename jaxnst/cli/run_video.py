"""Makes the video of a `stylize` command with a trained network, frame by frame."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.options import Stylize
from jaxnst.cli.output_checks import check_apart
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import network_provenance
from jaxnst.cli.signals import StopSignals, stop_signals
from jaxnst.cli.writing import announce, announce_finished
from jaxnst.errors import JaxnstError
from jaxnst.inference.realtime import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.video import paint_film
from jaxnst.io.container import (
    SUFFIXES,
    TimedFrame,
    VideoReader,
    VideoWriter,
    check_sound,
    check_video_path,
    count_frames,
    join,
    read_comment,
)
from jaxnst.io.files import atomic_write, check_writable, display_name, one_line
from jaxnst.io.resize import fit_long_side
from jaxnst.networks.model_file import Model

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


def paint_video(command: Stylize, task: PictureTask, model: Model, size: int | None) -> int:
    """Makes the video, unless it is there already; the exit status is 0, or 130 after Ctrl-C.

    What is painted is kept in parts in a folder beside the output, from which the same command goes
    on if it was stopped.
    """
    assert task.content is not None
    _check(command, task)
    look = _look(command, task)
    model.condition(look.style, look.strength)
    with VideoReader(task.content) as reader:
        settings = network_provenance(command, task, model.card, size)
        del settings["options"]["quality"]  # of pictures
        settings["options"]["smooth"] = command.smooth
        if not command.overwrite and read_comment(task.output) == json.dumps(settings):
            announce_finished(command, task, settings)
            return 0
        check_sound(task.output, task.content)
        use_compilation_cache()
        parts = Parts(task.output.with_suffix(".parts"), settings)
        with stop_signals() as stopped:
            stylizer = Stylizer(model, exact=True)
            _paint_parts(command, task, reader, stylizer, look, parts, size, stopped)
    if stopped.is_set():
        if not command.quiet:
            print(
                f"stopped at frame {parts.count}: the same command goes on from there",
                file=sys.stderr,
            )
        return stopped.status
    join(parts.files, task.output, task.content, json.dumps(settings))
    parts.remove()
    announce(command, task, settings)
    return 0


def _check(command: Stylize, task: PictureTask) -> None:
    """Raises JaxnstError for what could not be done in the end."""
    assert task.content is not None
    for option in ("contact_sheet", "compare", "sidecar"):
        if getattr(command, option):
            name = option.replace("_", "-")
            raise JaxnstError(f"--{name} is for pictures, not for videos: leave it out")
    if os.path.isdir(command.output):
        raise JaxnstError(
            f"{display_name(command.output)}: is a folder; give the path of a video, as in "
            f"{display_name(command.output / 'out.mp4')}"
        )
    check_video_path(task.output)
    check_writable(task.output)
    check_apart([task.content], [task.output])


def _look(command: Stylize, task: PictureTask) -> Look:
    weights = command.blend or (1.0,) * len(task.trained)
    style = dict(zip(task.trained, weights, strict=True))
    keep_colors = command.paint.keep_colors == "luma"
    return Look(style, command.strength, keep_colors, command.smooth)


def _paint_parts(
    command: Stylize,
    task: PictureTask,
    reader: VideoReader,
    stylizer: Stylizer,
    look: Look,
    parts: Parts,
    size: int | None,
    stopped: StopSignals,
) -> None:
    """Paints what is not there yet, until a signal."""
    height_width = fit_long_side(reader.size, size) if size else reader.size
    total = max(reader.count, parts.count, 1)
    with parts, ProgressDisplay(task.title, total, quiet=command.quiet) as display:
        display.resume(parts.count, parts.count / total)
        for frame in paint_film(reader, stylizer, look, height_width, parts.count):
            parts.write(frame)
            display.update(parts.count, {}, min(1.0, parts.count / total))
            if stopped.is_set():
                break


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
        wanted = json.dumps(settings).encode()
        try:
            if held.is_file() and held.read_bytes() != wanted:
                self.remove()
            folder.mkdir(exist_ok=True)
            for cut_short in folder.glob(".jaxnst-*"):  # by a kill
                cut_short.unlink()
        except OSError as error:
            raise JaxnstError(
                f"{display_name(folder)}: cannot hold what is painted ({one_line(error)})"
            ) from error
        with atomic_write(held) as temporary:
            temporary.write_bytes(wanted)
        self.files: list[Path] = []
        self._done = 0
        for path in sorted(folder.glob("*.nut")):
            count = count_frames(path)
            if not count or path.stem != f"{self._done:08d}":  # behind a damaged one
                break
            self.files.append(path)
            self._done += count
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
        """Removes what was painted, and the folder."""
        for path in (*self._folder.glob("*.nut"), *self._folder.glob(".jaxnst-*")):
            path.unlink()
        (self._folder / _SETTINGS).unlink(missing_ok=True)
        with suppress(OSError):  # somebody has put something else there
            self._folder.rmdir()

    def _finish_part(self) -> None:
        writer, self._done, self._writer = self._writer, self.count, None
        if writer is not None and writer.close():
            self.files.append(writer.path)
