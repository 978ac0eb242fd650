"""Short clips for the tests, and a source of frames without a file."""

import time
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def scene(number: int, height: int = 48, width: int = 64, still: bool = False) -> np.ndarray:
    """A colored ground with a bright square, which moves from frame to frame unless still."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([4 * rows, 3 * columns, 128 + 0 * rows], axis=-1).astype(np.uint8)
    left = 4 if still else 4 + 2 * number % (width - 20)
    image[8:20, left : left + 12] = 255
    return image


def write_clip(
    path: Path,
    times: list[float],
    *,
    codec: str = "libx264",
    sound: bool = False,
    tone: str = "aac",
    size: tuple[int, int] = (48, 64),
) -> Path:
    """A clip with a frame of `scene` at each of some times, in seconds, and sound if wanted."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(tone, rate=44_100, bit_rate=128_000) if sound else None
        for number, seconds in enumerate(times):
            frame = av.VideoFrame.from_ndarray(scene(number, *size), format="rgb24")
            frame.pts, frame.time_base = round(1000 * seconds), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            wave = np.sin(np.arange(int(44_100 * times[-1])) / 20)
            samples = (8000 * wave).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 44_100, 0
            container.mux([*audio.encode(frame), *audio.encode(None)])
    return path


def film_with_tracks(path: Path) -> Path:
    """A clip with a title, two sound tracks and subtitles, each in a language."""
    words = path.with_suffix(".srt")
    words.write_text("1\n00:00:00,200 --> 00:00:00,900\nGood evening\n\n")
    clip = write_clip(path.with_name("plain.mkv"), [i / 10 for i in range(20)], sound=True)
    with ExitStack() as stack:
        film = stack.enter_context(av.open(str(path), "w"))
        film.metadata["title"] = "The evening"
        files = [stack.enter_context(av.open(str(file))) for file in (clip, clip, clip, words)]
        sources = [
            file.streams.best(kind)
            for file, kind in zip(files, ("video", "audio", "audio", "subtitle"), strict=True)
        ]
        tracks = [film.add_stream_from_template(source) for source in sources]
        for track, language in zip(tracks[1:], ("ger", "fre", "eng"), strict=True):
            track.metadata["language"] = language
        for file, source, track in zip(files, sources, tracks, strict=True):
            for packet in file.demux(source):
                if packet.size:
                    packet.stream = track
                    film.mux(packet)
    return path


def read_times(path: Path) -> list[float]:
    """The times of a clip's frames."""
    with av.open(str(path)) as container:
        return [round(float(frame.time), 3) for frame in container.decode(video=0)]


class Scenes:
    """A source of frames; each takes a while to come."""

    name, rate, due = "scenes", 0.0, None

    def __init__(self, count: int, seconds: float = 0.0) -> None:
        self.size, self.closed = scene(0).shape[:2], 0
        self._left, self._seconds, self._count = count, seconds, count

    def read(self) -> np.ndarray | None:
        if not self._left:
            return None
        time.sleep(self._seconds)
        self._left -= 1
        return scene(self._count - self._left - 1)

    def close(self) -> None:
        self.closed += 1
