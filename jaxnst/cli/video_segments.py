"""Makes the parts of a video on the machines of a cluster, side by side."""

from contextlib import closing
from typing import NamedTuple, Protocol

from jaxnst.cli.cluster import made_on_cluster
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.inference.video import FrameWalk
from jaxnst.io.video_parts import Segment, VideoParts
from jaxnst.io.video_reader import Reader
from jaxnst.io.video_writer import VideoWriter


class Video(Protocol):
    """What makes the frames of a video; can be pickled."""

    def reader(self) -> Reader:
        """A reader for what is given."""

    def walk(self, reader: Reader) -> FrameWalk:
        """Makes frames, going through the video."""


class MadeSegment(NamedTuple):
    """What became of a segment, and what is known of the video where it was made."""

    frames: int
    end: float
    damage: str
    is_transparent: bool
    """As of a `Reader`, which has read as far as to the end of the segment."""


class SegmentMaker:
    """Makes segments of a video, each as the file of a part. Goes through the video only once, if
    each segment is behind the one before, and decodes what it leaves out."""

    at_once = 1

    def __init__(self, video: Video, *, lossless: bool) -> None:
        """Takes what makes the frames; lossless is as of `VideoWriter`."""
        self._video, self._lossless = video, lossless

    def prepare(self) -> None:
        """Opens the video, and loads what it is made with."""
        self._reader = self._video.reader()
        self._walk: FrameWalk | None = self._video.walk(self._reader)

    def made(self, segment: Segment) -> MadeSegment:
        """Makes a segment, whole or not at all."""
        reader = self._reader
        walk, self._walk = self._walk, None  # which ends if it fails
        if walk is None or walk.next > segment.first:
            walk = self._video.walk(reader)
        with VideoWriter(segment.output, lossless=self._lossless) as writer:
            for frame in walk.made(segment.first, segment.last):
                writer.write(frame.image, frame.seconds, frame.alpha)
        self._walk = walk
        return MadeSegment(writer.count, reader.end, reader.damage, reader.is_transparent)


def make_segments(
    address: str, maker: SegmentMaker, reader: Reader, parts: VideoParts, *, title: str, quiet: bool
) -> None:
    """Makes all parts of a video that are not there yet, and has the reader know what those know
    that have read the video.

    Args:
      address: that of the cluster.
      maker: what the workers make segments with.
      reader: the video.
      parts: where the parts are, which are made by workers now.
      title: of the video.
      quiet: show nothing but errors.

    Raises:
      JaxnstError: one cannot be made, or there is no such cluster.
    """
    total = max(reader.count, parts.count, 1)
    segments = list(parts.missing(total))
    done = segments[-1].first - sum(last - first for first, last, _ in segments if last)
    with (
        ProgressDisplay(title, total, unit="frames", quiet=quiet) as display,
        closing(made_on_cluster(address, maker, segments, quiet=quiet)) as results,
    ):
        display.resume(done, done / total)
        try:
            for wait in results:
                made = wait()
                done += made.frames
                display.update(done, {}, min(1.0, done / total))
        except KeyboardInterrupt:
            display.line("stopped: the same command goes on with what is made")
            raise
    reader.end, reader.damage, reader.is_transparent = made.end, made.damage, made.is_transparent
    parts.take_in()
