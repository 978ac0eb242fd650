"""Reads video files by PyAV: upright RGB frames with their times, at constant and varying rates.

Interlaced frames are deinterlaced, HDR is tone-mapped to SDR, and transparent parts lie on white.
"""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import av
import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.animation import AnimationReader, is_animation
from jaxnst.io.codec import MAX_PIXELS, check_size
from jaxnst.io.container import (
    MICROSECONDS,
    USUAL_RATE,
    Frames,
    TimedFrame,
    on_white,
    open_container,
    video_stream,
)
from jaxnst.io.files import PathLike, display_name, one_line, open_binary
from jaxnst.io.resize import MIN_SIDE
from jaxnst.ops.tone_mapping import HLG, PQ, tone_map

_UNSPECIFIED, _BT709 = 2, 1  # matrices of colors, by their numbers in ITU-T H.273
_HD_WIDTH, _HD_HEIGHT = 1280, 720  # from here on players take untagged video for BT.709
_CUT_SECONDS, _CUT_FRAMES = 0.1, 2  # a file that lacks more than these at its end was cut off
_AS_IS = (1, 0, 0, 0, 1)
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own leave alpha out


class Reader(Protocol):
    """A source of the frames of a file, which can be read again and again."""

    path: Path
    size: tuple[int, int]
    """Height and width of the frames."""
    rate: float
    """Frames per second, on average."""
    count: int
    """About how many frames there are."""
    plays: int
    """How many times an animation is shown; 0: for ever."""
    end: float
    """When the last frame ends, in seconds; known once all have been read."""
    notes: list[str]
    """What is changed on the way, for the user to know."""
    damage: str
    """What is missing, once all frames have been read; "" if nothing is."""
    is_transparent: bool
    """Whether a frame read so far has transparent parts."""

    def frames(self, size: tuple[int, int] | None = None) -> Frames:
        """All frames in order, scaled to a height and width."""


def open_reader(
    path: PathLike, *, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS
) -> Reader:
    """A reader for a video file, or an animated GIF or WebP.

    Args:
      path: the file.
      min_side: the least height and width of its frames, pixels.
      max_pixels: the most pixels in a frame.

    Raises:
      JaxnstError: the file cannot be read as either.
    """
    if is_animation(path):
        return AnimationReader(path, min_side=min_side, max_pixels=max_pixels)
    return VideoReader(path, min_side=min_side, max_pixels=max_pixels)


class _Upright(NamedTuple):
    """How frames are turned and mirrored to be seen as they were taken."""

    swaps_sides: bool
    rows: int
    """1, or -1 for those of the result from below."""
    columns: int

    @classmethod
    def of(cls, frame: Any) -> "_Upright":
        """What a frame's display matrix asks for, to whole quarters of a turn."""
        data = frame.side_data.get("DISPLAYMATRIX")
        x_to_x, x_to_y, _, y_to_x, y_to_y = np.frombuffer(data, np.int32)[:5] if data else _AS_IS
        if abs(int(x_to_y)) > abs(int(x_to_x)):
            return cls(True, _sign(x_to_y), _sign(y_to_x))
        return cls(False, _sign(y_to_y), _sign(x_to_x))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels [H, W, ...] upright."""
        turned = pixels.swapaxes(0, 1) if self.swaps_sides else pixels
        return turned[:: self.rows, :: self.columns]


def _sign(number: int) -> int:
    return -1 if number < 0 else 1


class VideoReader:
    """The frames of a video file; see `Reader`."""

    plays = 0

    def __init__(
        self, path: PathLike, *, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS
    ) -> None:
        """Reads the header and the first frame; see `open_reader`.

        Raises:
          JaxnstError: there is no such file, or no video in it, or its frames are too large.
        """
        self.path, self._name = Path(path), display_name(path)
        self.notes: list[str] = []
        self.damage, self.end, self.is_transparent = "", 0.0, False
        self._data_end = self._start = 0.0
        self._fault: int | None = None
        with open_binary(path):  # it is there, and not empty
            pass
        try:
            with open_container(path) as container:
                self._read_header(container, max_pixels)
                first = next(self._decoded(container), None)
        except JaxnstError:
            raise
        except (av.error.FFmpegError, UnicodeError, ValueError) as error:
            raise self._unreadable(error) from error
        if first is None:
            raise JaxnstError(f"{self._name}: has no frame that can be read; give another file")
        self._read_first(first)
        check_size(self._name, self.size[::-1], min_side, max_pixels)

    def frames(self, size: tuple[int, int] | None = None) -> Frames:
        """All frames in order, scaled to a height and width; damaged ones are left out.

        Raises:
          JaxnstError: the file can no longer be read.
        """
        height, width = size or self.size
        turned = (width, height) if self._upright.swaps_sides else (height, width)
        usual, count = 1 / self.rate, 0
        last = -usual
        self._data_end, self._fault = 0.0, None
        try:
            with open_container(self.path) as container:
                for frame in self._progressive(container):
                    seconds = last + usual
                    if frame.time is not None:
                        seconds = float(frame.time) - self._start
                    last = seconds if seconds > last else last + usual  # times may be out of order
                    image, alpha = self._converted(frame, turned)
                    self.is_transparent |= alpha is not None
                    self.end = last + (float(frame.duration * frame.time_base) or usual)
                    yield TimedFrame(image, max(0.0, last), alpha)
                    count += 1
        except av.error.FFmpegError as error:
            raise self._unreadable(error) from error
        self._check_end(count)

    def _read_header(self, container: Any, max_pixels: int) -> None:
        stream = video_stream(container)
        if stream is None:
            raise JaxnstError(f"{self._name}: has no video in it; give a video file")
        check_size(self._name, (stream.width, stream.height), 0, max_pixels)
        self._index, self._sample_aspect = stream.index, stream.sample_aspect_ratio or 1
        self._height, self._width = stream.height, stream.width
        self.rate = float(stream.average_rate or USUAL_RATE)
        self._start = (container.start_time or 0) / MICROSECONDS
        self._length = (container.duration or 0) / MICROSECONDS
        if "matroska" in container.format.name:  # which names its end, on its own clock
            self._length = max(0.0, self._length - max(0.0, self._start))
        self.has_sound = bool(container.streams.audio)
        self.has_subtitles = bool(container.streams.subtitles)
        self.count = int(stream.frames or round(self._length * self.rate)) or _packets(self.path)
        decoder = _ALPHA_DECODERS.get(stream.codec_context.name)
        tags = {name.lower(): value for name, value in stream.metadata.items()}
        self._alpha_decoder = decoder if tags.get("alpha_mode") == "1" else None

    def _read_first(self, frame: Any) -> None:
        """Takes from the first frame what holds for all of them."""
        self._upright = _Upright.of(frame)
        height, width = self._height, round(self._width * self._sample_aspect)
        self.size = (width, height) if self._upright.swaps_sides else (height, width)
        self._is_interlaced = frame.interlaced_frame
        self._transfer = frame.color_trc
        if self._is_interlaced:
            self.notes.append(f"{self._name}: is interlaced and was deinterlaced")
        if self._transfer in (PQ, HLG):
            kind = "PQ" if self._transfer == PQ else "HLG"
            self.notes.append(f"{self._name}: is HDR ({kind}) and was tone-mapped to SDR")

    def _decoded(self, container: Any) -> Iterator[Any]:
        """The frames of all packets that can be decoded; notes how far the file's data go, and how
        many frames come before the first fault in them."""
        stream = container.streams[self._index]
        decode = _decoder(stream, self._alpha_decoder)
        read = [s for s in container.streams if s.type in ("video", "audio", "subtitle")]
        count = 0
        for packet in container.demux(read):
            if packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                self._data_end = max(self._data_end, float(end) - self._start)
            if packet.stream.index != self._index:
                continue
            is_sound = not packet.is_corrupt
            try:
                for frame in decode(packet):
                    is_sound &= not frame.is_corrupt
                    yield frame
                    count += 1
            except av.error.InvalidDataError:
                is_sound = False
            if not is_sound and self._fault is None:
                self._fault = count

    def _progressive(self, container: Any) -> Iterator[Any]:
        """The frames, deinterlaced if the first one is interlaced."""
        frames = self._decoded(container)
        if self._is_interlaced:
            return _deinterlaced(frames, container.streams[self._index])
        return frames

    def _converted(self, frame: Any, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray | None]:
        """A decoded frame as an upright RGB image and its alpha, if it has some."""
        height, width = size
        if frame.colorspace == _UNSPECIFIED and (
            frame.height >= _HD_HEIGHT or frame.width >= _HD_WIDTH
        ):
            frame.colorspace = _BT709
        is_hdr = self._transfer in (PQ, HLG)
        has_alpha = any(component.is_alpha for component in frame.format.components)
        kind = "rgb48le" if is_hdr else "rgba" if has_alpha else "rgb24"
        scaled = frame.reformat(width, height, kind, interpolation="AREA")
        pixels = self._upright(scaled.to_ndarray())
        if is_hdr:
            return tone_map(pixels, self._transfer), None
        return on_white(pixels) if has_alpha else (pixels, None)

    def _check_end(self, count: int) -> None:
        """Tells a damaged file, and one that was cut off: it ends before the length it names."""
        missing = self._length - self._data_end
        if missing > _CUT_SECONDS and self.count - count > _CUT_FRAMES:
            self.damage = (
                f"{self._name}: ends at frame {count} of about {self.count}: damaged or cut off"
            )
        elif self._fault is not None:
            self.damage = (
                f"{self._name}: is damaged at about frame {self._fault}: frames may be missing or "
                f"spoiled from there on"
            )

    def _unreadable(self, error: Exception) -> JaxnstError:
        cause = getattr(error, "strerror", None) or one_line(error)  # without number and path
        return JaxnstError(f"{self._name}: cannot be read as a video ({cause}); give another file")


def _packets(path: Path) -> int:
    """How many frames there are in a file that does not tell, such as one that was streamed."""
    with open_container(path) as container:
        return sum(bool(packet.size) for packet in container.demux(video_stream(container)))


def _decoder(stream: Any, name: str | None) -> Any:
    """What turns a stream's packets into frames: its own decoder, or the one named."""
    if name is None:
        stream.thread_type = "AUTO"
        return lambda packet: packet.decode()
    context: Any = av.CodecContext.create(name, "r")
    context.extradata = stream.codec_context.extradata
    return lambda packet: context.decode(packet if packet.size else None)


def _deinterlaced(frames: Iterator[Any], stream: Any) -> Iterator[Any]:
    """As many frames, each with both its fields at once; progressive ones are left alone."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(template=stream),
        graph.add("bwdif", "mode=send_frame:deint=interlaced"),
        graph.add("buffersink"),
    ).configure()
    for frame in itertools.chain(frames, [None]):  # None lets the filter give what it holds back
        graph.vpush(frame)
        with suppress(BlockingIOError, EOFError):
            while True:
                yield graph.vpull()
