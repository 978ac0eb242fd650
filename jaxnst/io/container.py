"""Video files by PyAV, which comes with the extra `video`: frames with their times, and sound."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import MAX_PIXELS, check_size
from jaxnst.io.files import PathLike, atomic_write, check_writable, display_name, one_line
from jaxnst.io.resize import MIN_SIDE

SUFFIXES = (".mp4", ".mkv", ".mov", ".m4v", ".avi", ".webm")
"""Of the files that are taken for videos."""

WRITTEN = (".mp4", ".mkv", ".mov")
"""Of the files that are written."""

_TICKS = 90_000  # per second; the rates of films and television divide it
_MICROSECONDS = 1_000_000
_USUAL_RATE = 25  # frames per second, of a file that does not say
_BT709 = 1  # colours of HDTV, which players take for granted
# Without frames that refer to later ones, packets of several files can follow one another.
_QUALITY = {"crf": "18", "preset": "veryfast", "bf": "0"}


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


def open_file(path: PathLike) -> Any:
    """A container to be read; tags in old encodings are no reason to refuse it."""
    av = import_av()
    try:
        return av.open(os.fspath(path))
    except UnicodeError:
        return av.open(os.fspath(path), metadata_errors="replace")


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
        self.path = Path(path)
        self._errors, self._damaged = av.error.FFmpegError, av.error.InvalidDataError
        if not os.path.isfile(path):
            raise JaxnstError(f"{display_name(path)}: there is no such file; check the path")
        try:
            self._container: Any = open_file(path)
        except (self._errors, UnicodeError, ValueError) as error:
            raise self._unreadable(error) from error
        if not self._container.streams.video:
            self.close()
            raise JaxnstError(f"{display_name(path)}: has no video in it; give a video file")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._turns = self._quarter_turns()
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
        return round(length / _MICROSECONDS * rate) if length and rate else 0

    @property
    def has_sound(self) -> bool:
        """Whether there is sound in it."""
        return bool(self._container.streams.audio)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames as `frames` gives them."""
        pixel = self._stream.sample_aspect_ratio or 1  # width by height
        height, width = self._stream.height, round(self._stream.width * pixel)
        return (width, height) if self._is_on_its_side else (height, width)

    def frames(self, size: tuple[int, int] | None = None) -> Iterator[TimedFrame]:
        """All frames in order, scaled to a height and width; what is damaged is left out.

        Raises:
          JaxnstError: the file is broken from here on.
        """
        height, width = size or self.size
        if self._is_on_its_side:
            height, width = width, height
        usual = float(1 / (self._stream.average_rate or _USUAL_RATE))
        start, last = (self._container.start_time or 0) / _MICROSECONDS, -usual
        for frame in self._decoded():
            seconds = last + usual if frame.time is None else float(frame.time) - start
            last = seconds if seconds > last else last + usual  # some files have no order in them
            scaled = frame.reformat(width, height, "rgb24", interpolation="AREA")
            yield TimedFrame(np.rot90(scaled.to_ndarray(), self._turns), max(0.0, last))

    def _decoded(self) -> Iterator[Any]:
        """The frames of all packets that can be decoded."""
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except self._damaged:
                    continue
        except self._errors as error:
            raise self._unreadable(error) from error

    @property
    def _is_on_its_side(self) -> bool:
        return self._turns % 2 == 1

    def _quarter_turns(self) -> int:
        """By how many quarters of a turn, to the left, the frames are to be shown turned."""
        first = next(self._decoded(), None)
        self._container.seek(0)
        if first is None:
            raise JaxnstError(f"{display_name(self.path)}: has no frame in it; give a video file")
        return round(first.rotation / 90) % 4

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

    def __init__(self, path: PathLike) -> None:
        """Opens nothing yet; the first frame says how large the video is.

        Raises:
          JaxnstError: the path cannot be written.
        """
        check_writable(path)
        self.path, self._av, self.count = Path(path), import_av(), 0
        self._size: tuple[int, int] | None = None
        self._ticks = -1
        self._file = _NewFile(self.path)
        self._stream: Any = None

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Adds a frame, uint8 [H, W, 3] RGB; one of another size is fitted into the first one's.

        Raises:
          JaxnstError: it cannot be written; the file is given up.
        """
        with self._file.giving_up():
            if self._size is None:
                self._open(image)
            assert self._size is not None
            frame = fitted(image, self._size).reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts = self._ticks = max(self._ticks + 1, round(seconds * _TICKS))
            frame.time_base = Fraction(1, _TICKS)
            self._file.container.mux(self._stream.encode(frame))
        self.count += 1

    def close(self) -> bool:
        """Writes what is left, and gives the file its name; whether there is one."""
        if self._file.container is None:
            return False
        if not self.count:  # interrupted at the first frame
            self._file.give_up()
            return False
        with self._file.giving_up():
            self._file.container.mux(self._stream.encode(None))
        self._file.close()
        return True

    def _open(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self._size = width + width % 2, height + height % 2  # H.264 wants even sides
        self._stream = self._file.open().add_stream("libx264", rate=30, options=_QUALITY)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709


def fitted(image: np.ndarray, size: tuple[int, int]) -> Any:
    """A picture as a frame of a width and height, scaled to lie in it as a whole, on black."""
    av = import_av()
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    width, height = size
    scale = min(width / frame.width, height / frame.height)
    inner = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    if width - inner[0] < 2 and height - inner[1] < 2:  # but for what makes a side even
        return frame.reformat(width, height)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = frame.reformat(*inner).to_ndarray()
    return av.VideoFrame.from_ndarray(canvas, format="rgb24")


def check_sound(path: PathLike, sound_of: PathLike) -> None:
    """Raises JaxnstError unless a file of this name can hold the sound of a video."""
    av = import_av()
    with open_file(sound_of) as source, av.open(os.devnull, "w", _format(path)) as trial:
        try:
            for stream in source.streams.audio[:1]:
                trial.add_stream_from_template(stream)
        except (ValueError, av.error.FFmpegError) as error:
            raise JaxnstError(
                f"{display_name(path)}: cannot hold the sound of {display_name(sound_of)} "
                f"({one_line(error)}): give a .mkv path, or a video with another sound"
            ) from error


def join(parts: Sequence[Path], path: PathLike, sound_of: PathLike, comment: str) -> None:
    """Files of a `VideoWriter` one after the other, with the sound of another file as it is.

    Args:
      parts: their frames have the times that they are to have.
      path: the new file.
      sound_of: a video; none of its sound is taken if it has none.
      comment: is kept in the file, see `read_comment`.

    Raises:
      JaxnstError: it cannot be written.
    """
    av, file = import_av(), _NewFile(Path(path))
    with file.giving_up(), open_file(sound_of) as source:
        container = file.open()
        container.metadata["comment"] = comment
        stream, sound = None, _Sound(source, container)
        for part in parts:
            with av.open(os.fspath(part)) as opened:
                theirs = opened.streams.video[0]
                if stream is None:
                    stream = container.add_stream_from_template(theirs)
                    sound.open()
                for packet in opened.demux(theirs):
                    if packet.dts is not None:
                        sound.copy(float(packet.dts * packet.time_base))
                        packet.stream = stream
                        container.mux(packet)
        sound.copy(float("inf"))
    file.close()


def read_comment(path: PathLike) -> str:
    """What `join` has kept in a file; "" if it is not one of its files."""
    av = import_av()
    try:
        with open_file(path) as container:
            tags = {name.lower(): text for name, text in container.metadata.items()}
            return str(tags.get("comment", ""))
    except (OSError, ValueError, av.error.FFmpegError):
        return ""


def count_frames(path: PathLike) -> int:
    """Frames of a file of a `VideoWriter`; 0 if it is damaged."""
    av = import_av()
    try:
        with av.open(os.fspath(path)) as container:
            packets = container.demux(container.streams.video[0])
            return sum(packet.dts is not None for packet in packets)
    except (IndexError, av.error.FFmpegError):
        return 0


class _NewFile:
    """A container that gets its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self.container: Any = None
        self._path, self._av = path, import_av()
        self._renaming: Any = None

    def open(self) -> Any:
        """The container, beside the place where it will be."""
        self._renaming = atomic_write(self._path)
        temporary = self._renaming.__enter__()
        self.container = self._av.open(os.fspath(temporary), "w")
        return self.container

    def close(self) -> None:
        """Finishes the file."""
        with self.giving_up():
            self.container.close()
        self.container = None
        self._renaming.__exit__(None, None, None)

    @contextmanager
    def giving_up(self) -> Iterator[None]:
        """Leaves no file behind if the block fails."""
        try:
            yield
        except (OSError, ValueError, self._av.error.FFmpegError) as error:
            self.give_up()
            raise JaxnstError(
                f"{display_name(self._path)}: cannot be written ({one_line(error)}); free some "
                f"space, or give another path"
            ) from error

    def give_up(self) -> None:
        """Leaves what was there before as it was."""
        container, self.container = self.container, None
        if container is not None:
            with suppress(Exception):
                container.close()
            error = InterruptedError()
            with suppress(JaxnstError, InterruptedError):
                self._renaming.__exit__(type(error), error, None)


class _Sound:
    """The sound of one file on its way into another, between the frames, for players."""

    def __init__(self, source: Any, container: Any) -> None:
        self._source, self._container = source, container
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None

    def open(self) -> None:
        """Makes the stream, if there is sound."""
        if self._source.streams.audio:
            theirs = self._source.streams.audio[0]
            ours = self._container.add_stream_from_template(theirs)
            self._packets = self._moved(theirs, ours)

    def copy(self, seconds: float) -> None:
        """Writes what comes before a time."""
        while True:
            self._next = self._next or next(self._packets, None)
            if self._next is None or self._next.dts * self._next.time_base > seconds:
                return
            self._container.mux(self._next)
            self._next = None

    def _moved(self, theirs: Any, ours: Any) -> Iterator[Any]:
        """The packets, on a clock that begins with the file."""
        start = Fraction(self._source.start_time or 0, _MICROSECONDS)
        with suppress(import_av().error.FFmpegError):  # damaged: the sound ends here
            for packet in self._source.demux(theirs):
                if packet.dts is not None:
                    shift = round(start / packet.time_base)
                    shown = packet.dts if packet.pts is None else packet.pts
                    packet.dts, packet.pts = packet.dts - shift, shown - shift
                    packet.stream = ours
                    yield packet


def _format(path: PathLike) -> str:
    """What FFmpeg calls the format of a file of this name."""
    return {".mkv": "matroska"}.get(Path(path).suffix.lower(), Path(path).suffix.lower()[1:])


def check_video_path(path: PathLike) -> None:
    """Raises JaxnstError unless a video can have this name."""
    if Path(path).suffix.lower() not in WRITTEN:
        raise JaxnstError(
            f"{display_name(path)}: videos are written as {', '.join(WRITTEN)}; name it so"
        )
