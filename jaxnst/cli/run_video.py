"""Makes the video of a `stylize` command with a trained network, frame by frame."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.options import Stylize
from jaxnst.cli.output_checks import check_apart
from jaxnst.cli.plan import MOVING, PictureTask
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import network_provenance
from jaxnst.cli.signals import StopSignals, stop_signals
from jaxnst.cli.writing import announce, announce_finished
from jaxnst.errors import JaxnstError
from jaxnst.inference.realtime import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.temporal import Smoothed
from jaxnst.inference.video import paint_frames
from jaxnst.io import animation
from jaxnst.io.container import check_video_path
from jaxnst.io.files import check_writable, display_name
from jaxnst.io.resize import fit_long_side
from jaxnst.io.video_join import check_tracks, join, read_comment
from jaxnst.io.video_parts import VideoParts
from jaxnst.io.video_reader import Reader, VideoReader, open_reader
from jaxnst.networks.gallery import Gallery

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Stylize)}


def paint_video(command: Stylize, task: PictureTask, gallery: Gallery, size: int | None) -> int:
    """Makes the video, unless it is there already; the exit status is 0, or 130 after Ctrl-C.

    What is painted is kept in parts in a folder beside the output, from which the same command goes
    on if it was stopped.
    """
    assert task.content is not None
    _check(command, task)
    look = _look(command, task)
    gallery.params(look.style, look.strength)
    reader = open_reader(task.content)
    settings = network_provenance(command, task, gallery, size)
    settings["options"]["smooth"] = command.smooth
    quality = settings["options"].pop("quality")  # of how an animation is encoded in the end
    record = settings | {"quality": quality} if _is_webp(task.output) else settings
    if not command.overwrite and _recorded(task.output) == json.dumps(record):
        announce_finished(command, task, record)
        return 0
    height_width = fit_long_side(reader.size, size) if size else reader.size
    notes = [*reader.notes, *_check_result(task.output, reader, height_width)]
    with _parts(task.output, settings) as parts:
        _say(notes, command)
        use_compilation_cache()
        with stop_signals() as stopped:
            stylizer = Stylizer(gallery, exact=True)
            _paint_parts(command, task, reader, stylizer, look, parts, height_width, stopped)
        if stopped.is_set():
            _say([f"stopped at frame {parts.count}: the same command goes on from there"], command)
            return stopped.status
        if reader.damage:
            print(reader.damage, file=sys.stderr)
        _say(_write(task.output, parts, reader, quality, json.dumps(record)), command)
        parts.remove()
    announce(command, task, record)
    return 0


def _check(command: Stylize, task: PictureTask) -> None:
    """Raises JaxnstError for what could not be done in the end."""
    assert task.content is not None
    for option in ("contact_sheet", "compare", "sidecar", "mask", "stroke"):
        if getattr(command, option) != _DEFAULTS[option]:
            name = option.replace("_", "-")
            raise JaxnstError(f"--{name} is for pictures, not for videos: leave it out")
    if os.path.isdir(command.output):
        raise JaxnstError(
            f"{display_name(command.output)}: is a folder; give the path of a video, as in "
            f"{display_name(command.output / 'out.mp4')}"
        )
    check_video_path(task.output, MOVING)
    check_writable(task.output)
    check_apart([task.content], [task.output])


def _look(command: Stylize, task: PictureTask) -> Look:
    weights = command.blend or (1.0,) * len(task.trained)
    style = dict(zip(task.trained, weights, strict=True))
    keep_colors = command.paint.keep_colors == "luma"
    return Look(style, command.strength, keep_colors, command.smooth)


def _check_result(output: Path, reader: Reader, size: tuple[int, int]) -> list[str]:
    """What the output cannot hold, in sentences; raises JaxnstError if it cannot hold enough."""
    if _is_animation(output):
        animation.check_animation_size(output, size, reader.count)
        has_sound = isinstance(reader, VideoReader) and reader.has_sound
        return [f"{display_name(output)}: holds no sound; a .mp4 path does"] if has_sound else []
    return check_tracks(output, reader.path) if isinstance(reader, VideoReader) else []


def _parts(output: Path, settings: dict[str, Any]) -> VideoParts:
    """Where what is painted is kept: without loss for an animation, which encodes it once more."""
    if _is_animation(output):
        folder = output.with_name(f"{output.name}.parts")
        return VideoParts(folder, settings, lossless=True)
    return VideoParts(output.with_suffix(".parts"), settings)


def _paint_parts(
    command: Stylize,
    task: PictureTask,
    reader: Reader,
    stylizer: Stylizer,
    look: Look,
    parts: VideoParts,
    size: tuple[int, int],
    stopped: StopSignals,
) -> None:
    """Paints what is not there yet, until a signal."""
    total = max(reader.count, parts.count, 1)
    state = Smoothed.from_arrays(parts.state) if parts.state and command.smooth else None
    with ProgressDisplay(task.title, total, quiet=command.quiet) as display:
        display.resume(parts.count, parts.count / total)
        for frame in paint_frames(reader, stylizer, look, size, parts.count, state):
            parts.write(frame.image, frame.seconds, frame.alpha, frame.state)
            display.update(parts.count, {}, min(1.0, parts.count / total))
            if stopped.is_set():
                return
    parts.finish()


def _write(
    output: Path, parts: VideoParts, reader: Reader, quality: int, comment: str
) -> list[str]:
    """Writes the output; returns what it could not hold, in sentences."""
    if not _is_animation(output):
        tracks_of = reader.path if isinstance(reader, VideoReader) else None
        join(parts.files, output, parts.count, tracks_of, comment)
        return []
    left_out = animation.write_animation(
        output, parts.frames(), parts.times, reader.end,
        quality=quality, comment=comment, is_transparent=reader.is_transparent,
    )  # fmt: skip
    return [f"{display_name(output)}: is a GIF, which holds no more than 50 frames per second: "
            f"{left_out} were left out"] if left_out else []  # fmt: skip


def _recorded(output: Path) -> str:
    """What an output that is there says of itself."""
    return (animation.read_animation_comment if _is_animation(output) else read_comment)(output)


def _is_animation(output: Path) -> bool:
    return output.suffix.lower() in animation.SUFFIXES


def _is_webp(output: Path) -> bool:
    return output.suffix.lower() == ".webp"


def _say(sentences: list[str], command: Stylize) -> None:
    """Prints sentences on stderr, unless that is not wanted."""
    for sentence in sentences if not command.quiet else ():
        print(sentence, file=sys.stderr)
