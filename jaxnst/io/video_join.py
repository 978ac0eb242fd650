"""Joins parts to one video file, with the sound, subtitles and chapters of another by PyAV."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from jaxnst.io.container import MICROSECONDS, WRITTEN, open_container, video_stream
from jaxnst.io.files import PathLike, display_name, one_line
from jaxnst.io.video_writer import NewContainer, frame_packets, has_time

_HEARD = ("audio", "subtitle")  # or read, between the frames
_AAC_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_KEPT_TAGS = (
    *("title", "artist", "album", "album_artist", "date", "genre", "copyright", "language"),
    *("filename", "mimetype"),  # of attachments
)


def check_tracks(path: PathLike, source: PathLike) -> list[str]:
    """Sentences on what a file of this name cannot hold of a video: tracks, attachments, data."""
    with open_container(source) as container:
        heard = [track for track in container.streams if track.type in _HEARD]
        sentences = [_not_kept(path, track) for track in heard if _problem(path, track)]
        return sentences + _others_left_out(path, container)


def join(
    parts: Sequence[Path],
    path: PathLike,
    count: int,
    tracks_of: PathLike | None,
    comment: str,
    end: float = 0.0,
) -> None:
    """Files of a `VideoWriter` one after the other, with the other tracks of a video as they are.

    Args:
      parts: their frames have the times that they are to have.
      path: the new file.
      count: how many frames there are in all parts.
      tracks_of: a video whose sound, subtitles, attachments, chapters, title and languages are kept
        where the new file can hold them, see `check_tracks`; other sound is encoded anew.
      comment: is kept in the file, see `read_comment`.
      end: when the last frame ends, in seconds; 0: soon after it began.

    Raises:
      JaxnstError: it cannot be written, or not with all its frames.
    """
    file = NewContainer(Path(path))
    source = nullcontext() if tracks_of is None else open_container(tracks_of)
    with file.giving_up(), source as opened:
        container = file.open()
        tracks = _OtherTracks(opened, container, path)
        stream = None
        for number, packet in enumerate(frame_packets(parts), start=1):
            if stream is None:
                stream = container.add_stream_from_template(packet.stream)
                tracks.open(stream)
                container.metadata["comment"] = comment
            tracks.copy(float(packet.dts * packet.time_base))
            if number == count and end:
                packet.duration = max(1, round(end / packet.time_base) - packet.pts)
            packet.stream = stream
            container.mux(packet)
        tracks.copy(float("inf"))
    file.close(count)


def read_comment(path: PathLike) -> str:
    """What `join` has kept in a file; "" if it is not one of its files."""
    try:
        with open_container(path) as container:
            tags = {name.lower(): text for name, text in container.metadata.items()}
            return str(tags.get("comment", ""))
    except (OSError, ValueError, av.error.FFmpegError):
        return ""


class _OtherTracks:
    """What one file holds beside its frames, on its way into another, between the frames."""

    def __init__(self, source: Any, container: Any, path: PathLike) -> None:
        self._source, self._container, self._path = source, container, path
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None

    def open(self, shown: Any) -> None:
        """Makes the tracks that the container can hold; `shown` is that of the frames."""
        if self._source is None:
            return
        self._container.metadata.update(_kept_tags(self._source))
        self._container.set_chapters(list(self._chapters()))
        shown.metadata.update(_kept_tags(video_stream(self._source)))
        ours: dict[int, _Copied | _Encoded] = {}
        for track in self._source.streams:
            if track.type not in (*_HEARD, "attachment"):
                continue
            if not _problem(self._path, track):
                new = self._container.add_stream_from_template(track)
                if track.type == "audio":
                    _name_channels(new, track)
                if track.type in _HEARD:
                    ours[track.index] = _Copied(new)
            elif _can_be_encoded(track):
                new = _aac_stream(self._container, track)
                ours[track.index] = _Encoded(new)
            else:
                continue
            new.metadata.update(_kept_tags(track))
            new.disposition = track.disposition
        if ours:
            self._packets = self._moved(ours)

    def copy(self, seconds: float) -> None:
        """Writes what comes before a time."""
        while True:
            self._next = self._next or next(self._packets, None)
            if self._next is None or self._next.dts * self._next.time_base > seconds:
                return
            self._container.mux(self._next)
            self._next = None

    @property
    def _start(self) -> Fraction:
        """When the file begins on its own clock, in seconds."""
        return Fraction(self._source.start_time or 0, MICROSECONDS)

    def _chapters(self) -> Iterator[dict[str, Any]]:
        """The chapters, on a clock that begins with the file."""
        for chapter in self._source.chapters():
            shift = round(self._start / chapter["time_base"])
            times = {name: max(0, chapter[name] - shift) for name in ("start", "end")}
            yield {**chapter, **times}

    def _moved(self, ours: "dict[int, _Copied | _Encoded]") -> Iterator[Any]:
        """The packets, on a clock that begins with the file."""
        with suppress(av.error.FFmpegError):  # damaged: the sound ends here
            for packet in self._source.demux([self._source.streams[index] for index in ours]):
                yield from ours[packet.stream.index].moved(packet, self._start)
        for track in ours.values():
            yield from track.rest()


class _Copied:
    """A track whose packets are taken as they are."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def moved(self, packet: Any, start: Fraction) -> Iterator[Any]:
        """The packet, so much earlier, in seconds; none if it holds nothing."""
        if has_time(packet):
            shift = round(start / packet.time_base)
            packet.dts, packet.pts = packet.dts - shift, packet.pts - shift
            packet.stream = self._stream
            yield packet

    def rest(self) -> Iterator[Any]:
        """What comes behind the last packet."""
        return iter(())


class _Encoded:
    """A sound track that is encoded anew."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._end = Fraction(0)  # of what was heard, in seconds

    def moved(self, packet: Any, start: Fraction) -> Iterator[Any]:
        """New packets with what is heard in one, so much earlier, in seconds."""
        with suppress(av.error.InvalidDataError):  # damaged
            for frame in packet.decode():
                if frame.pts is not None:
                    self._end = frame.pts * frame.time_base - start
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round(self._end / frame.time_base)
                self._end += frame.samples * frame.time_base
                yield from self._stream.encode(frame)

    def rest(self) -> Iterator[Any]:
        """What the encoder has held back."""
        yield from self._stream.encode(None)


def _aac_stream(container: Any, like: Any) -> Any:
    """A new sound track, with the rate and the channels of another as far as AAC has them."""
    rate = like.rate if like.rate in _AAC_RATES else _AAC_RATES[0]
    layout = _LAYOUTS.get(like.layout.nb_channels, "stereo")
    return container.add_stream("aac", rate, layout=layout)


def _name_channels(track: Any, like: Any) -> None:
    """Says which channels a copied track has if the other, as in AVI, only has their number."""
    count = like.layout.nb_channels
    if like.layout.name == f"{count} channels" and count in _LAYOUTS:
        track.codec_context.layout = _LAYOUTS[count]


def _can_be_encoded(track: Any) -> bool:
    """Whether a track is sound that can be decoded."""
    return track.type == "audio" and track.codec_context is not None


def _problem(path: PathLike, track: Any) -> str:
    """Why a file of this name cannot hold a track; "" if it can."""
    try:
        with av.open(io.BytesIO(), "w", _format(path)) as trial:
            trial.add_stream_from_template(track)
            trial.start_encoding()
    except (OSError, ValueError, av.error.FFmpegError) as error:
        return one_line(error)
    return ""


def _not_kept(path: PathLike, track: Any) -> str:
    """Says that a track is left out or changed, and what would keep it."""
    kind = "sound" if track.type == "audio" else "subtitle"
    codec = track.codec_context.name if track.codec_context else "of an unknown format"
    what = ", ".join(filter(None, (codec, track.language)))
    keeps = [suffix for suffix in WRITTEN if not _problem(f"a{suffix}", track)]
    way_out = f"; a {keeps[0]} path keeps it" if keeps else ""
    done = "encoded anew as AAC" if _can_be_encoded(track) else "left out"
    return f"{display_name(path)}: cannot hold the {kind} track ({what}): {done}{way_out}"


def _others_left_out(path: PathLike, container: Any) -> list[str]:
    """Says how many tracks that are neither seen, heard nor read are left out; [] if none are."""
    shown, chapters = video_stream(container), len(container.chapters())
    kinds = Counter(
        _kind(track)
        for track in container.streams
        if track.index != shown.index
        and track.type not in _HEARD
        and not (track.type == "data" and 0 < track.frames == chapters)  # their titles
        and not (track.type == "attachment" and not _problem(path, track))
    )
    counted = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items()]
    way_out = "; a .mkv path keeps attachments" if "attachment" in kinds else ""
    name = display_name(path)
    return [f"{name}: holds the frames without {', '.join(counted)}{way_out}"] if counted else []


def _kind(track: Any) -> str:
    """What a track is called that is neither seen, heard nor read."""
    if track.type == "video":
        is_cover = track.disposition & type(track.disposition).attached_pic
        return "cover picture" if is_cover else "further video track"
    return "attachment" if track.type == "attachment" else "data track"


def _kept_tags(source: Any) -> dict[str, str]:
    """What a file or a track says of itself that holds for a painting of it, too."""
    return {name: text for name, text in source.metadata.items() if name.lower() in _KEPT_TAGS}


def _format(path: PathLike) -> str:
    """What FFmpeg calls the format of a file of this name."""
    return {".mkv": "matroska"}.get(Path(path).suffix.lower(), Path(path).suffix.lower()[1:])
