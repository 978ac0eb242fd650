"""Writes video files by PyAV, frame by frame, each with its own time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.container import file_url, open_container
from jaxnst.io.files import PathLike, atomic_write, check_writable, display_name, one_line

_TICKS = 90_000  # per second; the rates of films and television divide it
_LONGEST = 16_384  # pixels of a side, of H.264 by x264
_BT709 = 1  # colors of HDTV, which players take for granted
# Without frames that refer to later ones, packets of several files can follow one another.
_QUALITY = {"crf": "18", "preset": "veryfast", "bf": "0"}


class VideoWriter:
    """H.264, or without loss FFV1 with alpha, with a time for each frame; a context manager.

    The file is there once it is closed, whole and playable, and also if the block ends by an error
    after a frame was written: what was recorded is kept.
    """

    def __init__(self, path: PathLike, *, lossless: bool = False) -> None:
        """Opens nothing yet; the first frame says how large the video is.

        Args:
          path: the suffix says which container it is.
          lossless: FFV1 with alpha instead of H.264, for what is encoded once more later on.

        Raises:
          JaxnstError: the path cannot be written.
        """
        check_writable(path)
        self.path, self.count, self._lossless = Path(path), 0, lossless
        self._size: tuple[int, int] | None = None
        self._ticks = -1
        self._file = NewContainer(self.path)
        self._stream: Any = None

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, image: np.ndarray, seconds: float, alpha: np.ndarray | None = None) -> None:
        """Adds a frame; one of another size is fitted into the first one's.

        Args:
          image: uint8 [H, W, 3], RGB.
          seconds: when it is shown, after the one before.
          alpha: uint8 [H, W], None for an opaque frame; kept by a lossless writer only.

        Raises:
          JaxnstError: it cannot be written; the file is given up.
        """
        with self._file.giving_up():
            if self._size is None:
                self._open(image)
            assert self._size is not None
            frame = self._lossless_frame(image, alpha) if self._lossless else self._frame(image)
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
        self._file.close(self.count)
        return True

    def _open(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        codec, kind, options = "libx264", "yuv420p", _QUALITY
        if self._lossless:
            codec, kind, options = "ffv1", "bgra", {}
        else:
            height, width = height + height % 2, width + width % 2  # H.264 wants even sides
        self._size = width, height
        self._stream = self._file.open().add_stream(codec, rate=30, options=options)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = kind
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        if not self._lossless:
            context.colorspace = context.color_primaries = context.color_trc = _BT709

    def _frame(self, image: np.ndarray) -> Any:
        assert self._size is not None
        return fitted(image, self._size).reformat(format="yuv420p", dst_colorspace="ITU709")

    def _lossless_frame(self, image: np.ndarray, alpha: np.ndarray | None) -> Any:
        opaque = np.full(image.shape[:2], 255, np.uint8)
        pixels = np.dstack([image[..., ::-1], opaque if alpha is None else alpha])
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgra")


def fitted(image: np.ndarray, size: tuple[int, int]) -> Any:
    """A picture as a frame of a width and height, scaled to lie in it as a whole, on black."""
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


def frame_times(path: PathLike) -> list[float]:
    """When the frames of a file of a `VideoWriter` are shown; none if it is damaged."""
    try:
        return sorted(
            float(packet.pts * packet.time_base) for packet in frame_packets([Path(path)])
        )
    except (OSError, IndexError, ValueError, av.error.FFmpegError):
        return []


def check_video_size(path: PathLike, size: tuple[int, int]) -> None:
    """Raises JaxnstError if frames of a height and width are too large for a video."""
    if max(size) > _LONGEST:
        raise JaxnstError(
            f"{display_name(path)}: a video has at most {_LONGEST} pixels a side, not {max(size)}: "
            f"make it smaller"
        )


class NewContainer:
    """A container that gets its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self.container: Any = None
        self._path, self._temporary = path, path
        self._renaming: Any = None

    def open(self) -> Any:
        """The container, beside the place where it will be."""
        self._renaming = atomic_write(self._path)
        self._temporary = self._renaming.__enter__()
        self.container = av.open(file_url(self._temporary), "w")
        return self.container

    def close(self, count: int) -> None:
        """Finishes the file, if so many frames are in it."""
        with self.giving_up():
            self.container.close()
            held = len(frame_times(self._temporary))
            if held != count:
                raise ValueError(f"{held} of {count} frames arrived in it")
        self.container = None
        self._renaming.__exit__(None, None, None)

    @contextmanager
    def giving_up(self) -> Iterator[None]:
        """Leaves no file behind if the block fails."""
        try:
            yield
        except (OSError, ValueError, av.error.FFmpegError) as error:
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


def frame_packets(parts: Sequence[Path]) -> Iterator[Any]:
    """The packets of the frames of several files, with their times."""
    for part in parts:
        with open_container(part) as container:
            yield from filter(has_time, container.demux(container.streams.video[0]))


def has_time(packet: Any) -> bool:
    """Whether a packet holds something at a time; of two times that are the same one may be left
    out, as FFmpeg leaves them out of files of a few frames."""
    if packet.dts is None:
        packet.dts = packet.pts
    if packet.pts is None:
        packet.pts = packet.dts
    return bool(packet.size) and packet.pts is not None
