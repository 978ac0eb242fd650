"""A half-made video, kept as files in a folder, from which the work goes on."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from jaxnst.errors import JaxnstError
from jaxnst.io.container import TimedFrame, open_container, split_alpha
from jaxnst.io.files import atomic_write, display_name, one_line
from jaxnst.io.lock import lock
from jaxnst.io.video_writer import VideoWriter, frame_times

PART_FRAMES = 250
"""In each file, and at most lost when the process is killed."""

_SETTINGS, _LOCK = "settings.json", "lock"
_PARTS = "[0-9]*.nut"  # and not what is still being written


class State(Protocol):
    """What the frames after one depend on."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What can be kept in a file."""


class Segment(NamedTuple):
    """A part of a video that is to be made by itself."""

    first: int
    last: int | None
    """The frame behind it; None: there is none, whichever frame is the last."""
    output: Path
    """Its file."""


class VideoParts:
    """What is painted of a video so far; use as a context manager.

    The folder holds the settings, a file for every `PART_FRAMES` frames, named after its first one,
    and the state that the next frame depends on, named after that frame.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], *, lossless: bool = False) -> None:
        """Looks at nothing yet; settings are JSON, lossless is as of `VideoWriter`."""
        self.files: list[Path] = []
        self.state: dict[str, np.ndarray] | None = None
        """That of the last frame of the parts that were there; None if there was none."""
        self.times: list[float] = []
        """When the frames of finished parts are shown, in seconds."""
        self._folder, self._settings, self._lossless = folder, settings, lossless
        self._writer: VideoWriter | None = None
        self._last: State | None = None
        self._stack = ExitStack()

    def __enter__(self) -> "VideoParts":
        """Takes up the parts that are there, if they were made with the same settings.

        Raises:
          JaxnstError: they were not, or the folder is something else, is in use, or cannot be made.
        """
        name = display_name(self._folder)
        with ExitStack() as stack:
            try:
                self._check_ours()
                self._folder.mkdir(exist_ok=True)
                stack.callback(self._remove_if_empty)
                stack.enter_context(lock(self._folder / _LOCK, name))
                self._take_up()
            except OSError as error:
                raise JaxnstError(
                    f"{name}: cannot hold what is painted ({one_line(error)})"
                ) from error
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            try:
                self.finish()
            finally:
                if not any(self._folder.glob(_PARTS)):  # stopped, or failed, at the first frame
                    self.remove()

    @property
    def count(self) -> int:
        """Frames that are painted."""
        return len(self.times) + (self._writer.count if self._writer else 0)

    def write(
        self, image: np.ndarray, seconds: float, alpha: np.ndarray | None, state: State | None
    ) -> None:
        """Adds a frame as `VideoWriter.write` does, and what the frames after it depend on."""
        if self._writer is None:
            self._writer = self.writer(self._part_path(len(self.times)))
        self._writer.write(image, seconds, alpha)
        self._last = state
        if self._writer.count == PART_FRAMES:
            self.finish()

    def writer(self, path: Path) -> VideoWriter:
        """What writes the file of a part."""
        return VideoWriter(path, lossless=self._lossless)

    def missing(self, total: int) -> Iterator[Segment]:
        """The parts that are not there, of about so many frames; the last goes to the end."""
        first = self.count
        while first + PART_FRAMES < total:
            segment = Segment(first, first + PART_FRAMES, self._part_path(first))
            if len(frame_times(segment.output)) != PART_FRAMES:
                yield segment
            first += PART_FRAMES
        yield Segment(first, None, self._part_path(first))

    def take_in(self) -> None:
        """Takes in the parts that others have made.

        Raises:
          JaxnstError: there are frames missing between them.
        """
        self.files, self.times = self._in_a_row()
        if any(path > self._part_path(self.count) for path in self._folder.glob(_PARTS)):
            raise JaxnstError(
                f"{display_name(self._folder)}: frame {self.count} is missing in what was made: "
                f"machines read the video differently: make it on one"
            )

    def finish(self) -> None:
        """Gives the open part its name, once the state behind it is kept."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        count = len(self.times) + writer.count
        if self._last is not None:
            with atomic_write(self._state_path(count)) as temporary:
                temporary.write_bytes(save(self._last.to_arrays()))
        if writer.close():
            self.files.append(writer.path)
            self.times += frame_times(writer.path)
            for path in self._folder.glob("*.safetensors"):
                if path != self._state_path(count):
                    path.unlink()

    def frames(self) -> Iterator[TimedFrame]:
        """The frames of finished parts; only lossless ones have kept their alpha."""
        for path in self.files:
            with open_container(path) as container:
                for frame in container.decode(video=0):
                    image, alpha = split_alpha(frame.to_ndarray(format="rgba"))
                    yield TimedFrame(image, float(frame.time), alpha)

    def remove(self) -> None:
        """Removes what was painted."""
        for pattern in ("*.nut", "*.safetensors", ".jaxnst-*", _SETTINGS):
            for path in self._folder.glob(pattern):
                path.unlink()

    def _check_ours(self) -> None:
        held = os.listdir(self._folder) if os.path.isdir(self._folder) else None
        others = [name for name in held or () if name != _LOCK and name[:8] != ".jaxnst-"]
        if os.path.lexists(self._folder) and (held is None or (others and _SETTINGS not in others)):
            raise JaxnstError(
                f"{display_name(self._folder)}: is in the way: move it, it is not ours"
            )

    def _take_up(self) -> None:
        for cut_short in self._folder.glob(".jaxnst-*"):  # by a kill
            cut_short.unlink()
        self.files, self.times = self._in_a_row()
        self._check_settings()
        with suppress(OSError, SafetensorError):
            self.state = load(self._state_path(len(self.times)).read_bytes())

    def _in_a_row(self) -> tuple[list[Path], list[float]]:
        """The parts from the first one on of which none is missing or damaged, and their times."""
        files: list[Path] = []
        times: list[float] = []
        while new := frame_times(self._part_path(len(times))):
            files.append(self._part_path(len(times)))
            times += new
        return files, times

    def _check_settings(self) -> None:
        path = self._folder / _SETTINGS
        with suppress(FileNotFoundError):
            held = path.read_bytes()
            if held != self._bytes():
                count = sum(len(frame_times(part)) for part in self._folder.glob(_PARTS))
                if count:
                    raise JaxnstError(self._refusal(held, count))
                self.remove()
        with atomic_write(path) as temporary:
            temporary.write_bytes(self._bytes())

    def _bytes(self) -> bytes:
        return json.dumps(self._settings).encode()

    def _refusal(self, held: bytes, count: int) -> str:
        """Says what is there and how it differs from what is wanted."""
        try:
            theirs = dict(_leaves(json.loads(held)))
        except ValueError:
            theirs = {}
        ours = dict(_leaves(json.loads(self._bytes())))
        changed = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
        listed = ", ".join(
            f"{name} {_short(theirs.get(name))}, now {_short(ours.get(name))}" for name in changed
        )
        return (
            f"{display_name(self._folder)}: holds {count} frames that were made "
            f"otherwise ({listed}): give the options they were made with to go on, or delete "
            f"the folder to start anew"
        )

    def _part_path(self, first: int) -> Path:
        return self._folder / f"{first:08d}.nut"

    def _state_path(self, count: int) -> Path:
        return self._folder / f"{count:08d}.safetensors"

    def _remove_if_empty(self) -> None:
        with suppress(OSError):  # somebody has put something else there
            self._folder.rmdir()


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers and words in nested JSON, by where they stand, such as "options strength"."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _leaves(inner, f"{name} {key}".strip())
    else:
        yield name, value


def _short(value: Any) -> str:
    """A value for a message: hashes are long."""
    return "none" if value is None else str(value)[:12]
