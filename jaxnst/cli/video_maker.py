"""What all commands that make videos share: a video is made frame by frame, resumably and whole."""

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.compile_notice import compile_notice
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.output_checks import check_apart
from jaxnst.cli.plan import MOVING, PictureTask
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.signals import stop_signals
from jaxnst.cli.video_segments import SegmentMaker, make_segments
from jaxnst.cli.writing import announce, announce_finished
from jaxnst.errors import JaxnstError
from jaxnst.inference.video import FrameWalk
from jaxnst.io import animation
from jaxnst.io.codec import MAX_PIXELS
from jaxnst.io.container import check_video_path
from jaxnst.io.files import check_writable, display_name
from jaxnst.io.resize import MIN_SIDE
from jaxnst.io.video_join import check_tracks, join, read_comment
from jaxnst.io.video_parts import VideoParts
from jaxnst.io.video_reader import Reader, VideoReader, open_reader
from jaxnst.io.video_writer import check_video_size

Command = TypeVar("Command", Stylize, Upscale)


class VideoMaker(ABC, Generic[Command]):
    """Makes the video of a command.

    What is made is kept in parts in a folder beside the output, from which the same command goes on
    if it was stopped. Subclasses define what is done to a frame.
    """

    min_side: int = MIN_SIDE
    max_pixels: int = MAX_PIXELS
    """Of the frames that are read."""

    def __init__(self, command: Command, task: PictureTask) -> None:
        """Stores the command's options, and what is to be made."""
        self._command: Command = command
        self._task, self._output = task, task.output

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """The inputs and options that determine the video."""

    @abstractmethod
    def size(self, reader: Reader) -> tuple[int, int]:
        """Height and width of the result."""

    @abstractmethod
    def walk(
        self, reader: Reader, first: int = 0, state: Mapping[str, np.ndarray] | None = None
    ) -> FrameWalk:
        """Makes the frames from one on; `state` is that behind the one before it, if it is kept."""

    @property
    def is_animation(self) -> bool:
        """Whether the result is an animated picture."""
        return self._output.suffix.lower() in animation.SUFFIXES

    def reader(self) -> Reader:
        """A reader for what is given."""
        assert self._task.content is not None
        return open_reader(self._task.content, min_side=self.min_side, max_pixels=self.max_pixels)

    def make(self) -> int:
        """Makes the video, unless it is there already; the exit status is 0, or 130 after Ctrl-C.

        Raises:
          JaxnstError: it cannot be made; what could not be done in the end is refused at once.
        """
        self._check_paths()
        reader: Reader = self.reader()
        settings = self.provenance()
        quality = settings["options"].pop("quality")  # of how an animation is encoded in the end
        is_webp = self._output.suffix.lower() == ".webp"
        record = settings | {"quality": quality} if is_webp else settings
        if not self._command.overwrite and self._recorded() == json.dumps(record):
            announce_finished(self._command, self._task, record)
            return 0
        notes = [*reader.notes, *self._check_result(reader)]
        with self._parts(settings) as parts:
            self._say(*notes)
            if self._command.cluster:
                self._make_on_cluster(reader, parts)
            elif status := self._make_here(reader, parts):
                return status
            if reader.damage:
                print(reader.damage, file=sys.stderr)
            self._say(*self._write(parts, reader, quality, json.dumps(record)))
            parts.remove()
        announce(self._command, self._task, record)
        return 0

    def _check_paths(self) -> None:
        """Raises JaxnstError for a file that cannot be written."""
        assert self._task.content is not None
        folder = self._command.output
        if self._command.output_is_folder or os.path.isdir(folder):
            raise JaxnstError(
                f"{display_name(folder)}: is a folder; give the path of a video, as in "
                f"{display_name(folder / 'out.mp4')}"
            )
        check_video_path(self._output, MOVING)
        check_writable(self._output)
        check_apart([self._task.content], [self._output])

    def _check_result(self, reader: Reader) -> list[str]:
        """What the output cannot hold, in sentences; raises JaxnstError if it is not enough."""
        size = self.size(reader)
        if self.is_animation:
            animation.check_animation_size(self._output, size, reader.count)
            return _not_in_animations(self._output, reader)
        check_video_size(self._output, size)
        return check_tracks(self._output, reader.path) if isinstance(reader, VideoReader) else []

    def _parts(self, settings: dict[str, Any]) -> VideoParts:
        """Where what is made is kept: without loss for an animation, which encodes it once more."""
        if self.is_animation:
            folder = self._output.with_name(f"{self._output.name}.parts")
            return VideoParts(folder, settings, lossless=True)
        return VideoParts(self._output.with_suffix(".parts"), settings)

    def _make_here(self, reader: Reader, parts: VideoParts) -> int:
        """Makes what is not there yet, until a signal; returns 0, or the exit status after one."""
        use_compilation_cache()
        quiet, total = self._command.quiet, max(reader.count, parts.count, 1)
        with (
            compile_notice(quiet=quiet),
            stop_signals() as stopped,
            ProgressDisplay(self._task.title, total, unit="frames", quiet=quiet) as display,
        ):
            display.resume(parts.count, parts.count / total)
            for frame in self.walk(reader, parts.count, parts.state).made(parts.count):
                parts.write(frame.image, frame.seconds, frame.alpha, frame.state)
                display.update(parts.count, {}, min(1.0, parts.count / total))
                if stopped.is_set():
                    break
            parts.finish()
        if stopped.is_set():
            self._say(f"stopped at frame {parts.count}: the same command goes on from there")
            return stopped.status
        return 0

    def _make_on_cluster(self, reader: Reader, parts: VideoParts) -> None:
        """Makes what is not there yet on machines, side by side."""
        maker = SegmentMaker(self, lossless=self.is_animation)
        address, quiet = self._command.cluster, self._command.quiet
        make_segments(address, maker, reader, parts, title=self._task.title, quiet=quiet)

    def _write(self, parts: VideoParts, reader: Reader, quality: int, comment: str) -> list[str]:
        """Writes the output; returns what it could not hold, in sentences."""
        name = display_name(self._output)
        if not self.is_animation:
            tracks_of = reader.path if isinstance(reader, VideoReader) else None
            join(parts.files, self._output, parts.count, tracks_of, comment, reader.end)
            return [f"{name}: shows white where the frames are transparent; a .webp path keeps that"
                    ] if reader.is_transparent else []  # fmt: skip
        left_out = animation.write_animation(
            self._output, parts.frames(), parts.times, reader.end,
            quality=quality, comment=comment, is_transparent=reader.is_transparent,
            plays=reader.plays,
        )  # fmt: skip
        return [f"{name}: is a GIF, which holds no more than 50 frames per second: {left_out} were "
                f"left out"] if left_out else []  # fmt: skip

    def _recorded(self) -> str:
        """What an output that is there says of itself."""
        read = animation.read_animation_comment if self.is_animation else read_comment
        return read(self._output)

    def _say(self, *sentences: str) -> None:
        """Prints sentences on stderr, unless that is not wanted."""
        for sentence in sentences if not self._command.quiet else ():
            print(sentence, file=sys.stderr)


def _not_in_animations(output: Path, reader: Reader) -> list[str]:
    """Says what an animated picture cannot hold of a video."""
    if not isinstance(reader, VideoReader):
        return []
    lost = ["sound"] * reader.has_sound + ["subtitles"] * reader.has_subtitles
    name, way_out = display_name(output), "a .mkv path does"
    return [f"{name}: holds no {' and no '.join(lost)}; {way_out}"] if lost else []
