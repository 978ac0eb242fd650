"""Video files by PyAV, which comes with the extra `video`: frames with their times, and sound."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NamedTuple

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.files import PathLike, atomic_write, check_writable, display_name, one_line
from jaxnst.image import MAX_PIXELS, MIN_SIDE, check_size

SUFFIXES = (".mp4", ".mkv", ".mov", ".m4v", ".avi", ".webm")
"""Of the files that are taken for videos."""

WRITTEN = (".mp4", ".mkv", ".mov")
"""Of the files that are written."""

_TICKS = 90_000  # per second; the rates of films and television divide it
_QUALITY = {"crf": "18", "preset": "veryfast"}


def import_av() -> ModuleType:
    """PyAV; raises JaxnstError if it is not installed."""
    try:
        import av
    except ImportError as error:
        raise JaxnstError(
            "videos need PyAV, which is not installed: pip install 'jaxnst[video]'"
        ) from error
    av.logging.set_level(None)
    return av


class TimedFrame(NamedTuple):
    """A frame of a video."""

    image: np.ndarray
    """uint8 [H, W, 3], RGB, upright."""
    seconds: float
    """From the video's start."""


class VideoReader:
    """The frames of a file, one after the other; use as a context manager.

    Rates may be constant or vary: each frame has its own time.
    """

    def __init__(self, path: PathLike) -> None:
        """Opens it.

        Raises:
          JaxnstError: there is no such file, or no video in it, or its frames are too large.
        """
        av = import_av()
        self.path, self._errors = Path(path), av.error.FFmpegError
        if not os.path.isfile(path):
            raise JaxnstError(f"{display_name(path)}: there is no such file; check the path")
        try:
            self._container: Any = av.open(os.fspath(path))
        except (self._errors, UnicodeError, ValueError) as error:
            raise self._unreadable(error) from error
        if not self._container.streams.video:
            self.close()
            raise JaxnstError(f"{display_name(path)}: has no video in it; give a video file")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        size = (self._stream.width, self._stream.height)
        check_size(display_name(path), size, MIN_SIDE, MAX_PIXELS)

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    @property
    def count(self) -> int:
        """About how many frames there are; 0 if the file does not tell."""
        if self._stream.frames:
            return int(self._stream.frames)
        length = self._container.duration
        rate = self._stream.average_rate
        return round(length / 1_000_000 * rate) if length and rate else 0

    @property
    def has_sound(self) -> bool:
        """Whether there is sound in it."""
        return bool(self._container.streams.audio)

    def frames(self) -> Iterator[TimedFrame]:
        """All frames in order.

        Raises:
          JaxnstError: the file is broken from here on.
        """
        first: float | None = None
        last = -1.0
        try:
            for frame in self._container.decode(self._stream):
                seconds = float(frame.time or 0.0)
                first = seconds if first is None else first
                if seconds - first <= last:  # a file with broken times
                    continue
                last = seconds - first
                image = frame.to_ndarray(format="rgb24")
                yield TimedFrame(np.rot90(image, frame.rotation // 90), last)
        except self._errors as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> JaxnstError:
        return JaxnstError(
            f"{display_name(self.path)}: cannot be read as a video ({one_line(error)}); "
            f"give another file"
        )


class VideoWriter:
    """H.264 with a time for each frame; use as a context manager.

    The file is there once it is closed, whole and playable, and also if the block ends by an error
    after a frame was written: what was recorded is kept.
    """

    def __init__(self, path: PathLike, sound_of: VideoReader | None = None) -> None:
        """Opens nothing yet; the first frame says how large the video is.

        Args:
          path: a .mp4, .mkv or .mov file.
          sound_of: the video whose sound is copied as it is.

        Raises:
          JaxnstError: the path is not one of a video, or cannot be written.
        """
        check_video_path(path)
        check_writable(path)
        self.path, self._av, self._sound_of = Path(path), import_av(), sound_of
        self.count = 0
        self._size: tuple[int, int] | None = None
        self._ticks = -1
        self._file: Any = None
        self._container: Any = None
        self._sound: Iterator[Any] = iter(())
        self._ahead: Any = None

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Adds a frame, uint8 [H, W, 3] RGB; one of another size is scaled to that of the first.

        Raises:
          JaxnstError: it cannot be written; the file is given up.
        """
        with self._giving_up():
            if self._container is None:
                self._open(image)
            self._copy_sound(seconds)
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            assert self._size is not None
            frame = frame.reformat(*self._size, format="yuv420p")
            frame.pts = self._ticks = max(self._ticks + 1, round(seconds * _TICKS))
            frame.time_base = Fraction(1, _TICKS)
            self._container.mux(self._stream.encode(frame))
        self.count += 1

    def close(self) -> None:
        """Writes what is left, and gives the file its name."""
        if self._container is None:
            return
        with self._giving_up():
            self._container.mux(self._stream.encode(None))
            self._copy_sound(float("inf"))
            self._container.close()
        self._container = None
        self._file.__exit__(None, None, None)

    def _open(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self._size = width + width % 2, height + height % 2  # H.264 wants even sides
        self._file = atomic_write(self.path)
        temporary = self._file.__enter__()
        self._container = self._av.open(os.fspath(temporary), "w")
        self._stream = self._container.add_stream("libx264", rate=30, options=_QUALITY)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        if self._sound_of is not None and self._sound_of.has_sound:
            self._sound = self._packets(self._sound_of.path)
            next(self._sound)

    def _packets(self, path: Path) -> Iterator[Any]:
        """Makes the stream of sound; from then on, the packets of another file's for it."""
        with self._av.open(os.fspath(path)) as source:
            theirs = source.streams.audio[0]
            ours = self._container.add_stream_from_template(theirs)
            yield None
            for packet in source.demux(theirs):
                if packet.dts is not None:
                    packet.stream = ours
                    yield packet

    def _copy_sound(self, seconds: float) -> None:
        """Writes the sound up to a time, between the frames, so that players need not search."""
        while True:
            self._ahead = self._ahead or next(self._sound, None)
            if self._ahead is None or self._ahead.dts * self._ahead.time_base > seconds:
                return
            self._container.mux(self._ahead)
            self._ahead = None

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Leaves no file behind if the block fails."""
        try:
            yield
        except (OSError, ValueError, self._av.error.FFmpegError) as error:
            self._container, container = None, self._container
            with suppress(Exception):
                container.close()
            if self._file is not None:
                with suppress(BaseException):
                    self._file.__exit__(type(error), error, error.__traceback__)
            raise JaxnstError(
                f"{display_name(self.path)}: cannot be written ({one_line(error)}); free some "
                f"space, or give a .mkv path, which takes any sound"
            ) from error


def check_video_path(path: PathLike) -> None:
    """Raises JaxnstError unless a video can have this name."""
    if Path(path).suffix.lower() not in WRITTEN:
        raise JaxnstError(
            f"{display_name(path)}: videos are written as {', '.join(WRITTEN)}; name it so"
        )
