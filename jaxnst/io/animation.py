"""Animated GIF and WebP by Pillow, and PNG and AVIF to read: every frame, its time and alpha."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import LONGEST_SIDE, MAX_PIXELS, check_size
from jaxnst.io.color_profiles import to_srgb
from jaxnst.io.container import Frames, TimedFrame, on_white
from jaxnst.io.files import PathLike, atomic_write, display_name, one_line, open_binary
from jaxnst.io.resize import MIN_SIDE

SUFFIXES = (".gif", ".webp")
"""Of animations that are written."""

_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
_TOO_SHORT, _USUAL_SECONDS = 0.01, 0.1  # browsers show frames of at most the one for the other
_MOST_PLAYS = 65_535
_TICK = {".gif": 0.01, ".webp": 0.001}  # seconds that the times are multiples of
_SHORTEST = 0.02  # seconds; browsers slow down shorter frames of a GIF
_MOST_BYTES = 4e9  # of all frames: Pillow keeps those of a GIF in memory


def is_animation(path: PathLike) -> bool:
    """Whether a file is a GIF, WebP, PNG or AVIF of several frames."""
    try:
        with _opened(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except Exception:  # decoders raise nearly anything on hostile bytes
        return False


class AnimationReader:
    """The frames of an animation; see `video_reader.Reader`."""

    def __init__(
        self, path: PathLike, *, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS
    ) -> None:
        """Reads the header; frames may be as small and as large as `check_size` has it.

        Raises:
          JaxnstError: it is no animation of a size within bounds.
        """
        self.path, self._name = Path(path), display_name(path)
        self.notes: list[str] = []
        self.damage, self.end, self.is_transparent = "", 0.0, False
        try:
            with _opened(path) as image:
                check_size(self._name, image.size, min_side, max_pixels)
                image.load()  # a WebP tells how long a frame lasts only then
                self.size, self.plays = image.size[::-1], _plays(image)
                self._first = int(getattr(image, "default_image", False))
                self.count = int(image.n_frames) - self._first
                self.rate = 1 / _seconds(image)
        except JaxnstError:
            raise
        except (OSError, ValueError, SyntaxError, AttributeError) as error:
            raise JaxnstError(
                f"{self._name}: cannot be read as an animation ({one_line(error)}); "
                f"give another file"
            ) from error

    def frames(self, size: tuple[int, int] | None = None) -> Frames:
        """All frames in order, scaled to a height and width; it ends where the file is damaged."""
        height, width = size or self.size
        self.end = 0.0
        with _opened(self.path) as image:
            for number in range(self.count):
                try:
                    image.seek(self._first + number)
                    frame = _in_srgb(image)
                    seconds = _seconds(image)
                except Exception as error:  # decoders raise nearly anything on hostile bytes
                    self.damage = (
                        f"{self._name}: ends at frame {number} of about {self.count}: damaged or "
                        f"cut off ({one_line(error)})"
                    )
                    return
                if frame.size != (width, height):
                    frame = frame.resize((width, height), Image.Resampling.BICUBIC)
                pixels, alpha = on_white(np.asarray(frame))
                self.is_transparent |= alpha is not None
                yield TimedFrame(pixels, self.end, alpha)
                self.end += seconds


def write_animation(
    path: PathLike,
    frames: Iterable[TimedFrame],
    times: Sequence[float],
    end: float,
    *,
    quality: int,
    comment: str,
    is_transparent: bool,
    plays: int = 0,
) -> int:
    """Writes an animation, whole or not at all.

    Args:
      path: a .gif or .webp file.
      frames: what is in it.
      times: those of the frames, in seconds.
      end: when the last frame ends.
      quality: of a WebP, 1 to 100.
      comment: is kept in the file, see `read_animation_comment`.
      is_transparent: whether one of the frames has transparent parts.
      plays: how many times it is shown; 0: for ever.

    Returns:
      How many frames were left out, as a GIF holds no more than 50 per second.

    Raises:
      JaxnstError: it cannot be written.
    """
    suffix = Path(path).suffix.lower()
    kept, durations = _timed(times, end, suffix)
    to_pillow = _to_gif_frame if suffix == ".gif" else _to_pillow
    pictures = (to_pillow(frame) for number, frame in enumerate(frames) if number in kept)
    try:
        with atomic_write(path) as temporary:
            first = next(pictures)
            options: dict[str, Any] = {"duration": durations}
            options |= _format_options(suffix, quality, comment, is_transparent)
            options |= _loop_option(suffix, min(plays, _MOST_PLAYS))
            first.save(temporary, save_all=True, append_images=pictures, **options)
    except (ValueError, StopIteration) as error:
        raise JaxnstError(f"{display_name(path)}: cannot be written ({one_line(error)})") from error
    return len(times) - len(kept)


def read_animation_comment(path: PathLike) -> str:
    """What `write_animation` has kept in a file; "" if it is not one of its files."""
    try:
        with _opened(path) as image:
            if image.format == "GIF":
                return bytes(image.info.get("comment", b"")).decode()
            return str(image.getexif().get(ExifTags.Base.ImageDescription, ""))
    except Exception:  # a file by another hand may hold anything
        return ""


def check_animation_size(path: PathLike, size: tuple[int, int], count: int) -> None:
    """Raises JaxnstError if so many frames of a height and width are too many, or too large."""
    longest = LONGEST_SIDE["WEBP"]
    if Path(path).suffix.lower() == ".webp" and max(size) > longest:
        raise JaxnstError(
            f"{display_name(path)}: a WebP has at most {longest} pixels a side, not {max(size)}: "
            f"make it smaller"
        )
    if Path(path).suffix.lower() == ".gif" and count * size[0] * size[1] > _MOST_BYTES:
        raise JaxnstError(
            f"{display_name(path)}: {count} frames of {size[1]}x{size[0]} pixels are too many for "
            f"a GIF: give a .mp4 path, or make it smaller"
        )


@contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
    """A file by Pillow, without its warning of large pictures: `check_size` refuses them."""
    with open_binary(path) as handle:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(handle, formats=_FORMATS)
        with image:
            yield image


def _in_srgb(image: Any) -> Image.Image:
    """A frame as RGBA, through the color profile of its file."""
    frame = image.convert("RGBA")
    profile = image.info.get("icc_profile")
    if profile is None:
        return frame
    color, _ = to_srgb(frame.convert("RGB"), profile)
    color.putalpha(frame.getchannel("A"))
    return color


def _seconds(image: Any) -> float:
    """How long a frame is shown."""
    seconds = image.info.get("duration", 0) / 1000
    return seconds if seconds > _TOO_SHORT else _USUAL_SECONDS


def _plays(image: Any) -> int:
    """How many times an animation is shown, 0 for ever; a GIF names repetitions, if any."""
    loop = image.info.get("loop")
    if image.format != "GIF":
        return loop or 0
    return 1 if loop is None else loop and loop + 1


def _loop_option(suffix: str, plays: int) -> dict[str, int]:
    """What Pillow's writer is to be told, see `_plays`."""
    if suffix != ".gif":
        return {"loop": plays}
    return {} if plays == 1 else {"loop": max(0, plays - 1)}


def _timed(times: Sequence[float], end: float, suffix: str) -> tuple[set[int], list[int]]:
    """Which frames are kept, by number, and how long each of them is shown, in milliseconds."""
    tick, kept = _TICK[suffix], list[int]()
    shortest = round(_SHORTEST / tick) if suffix == ".gif" else 1
    starts = list[int]()
    for number, seconds in enumerate(times):
        start = round(seconds / tick)
        if not starts or start - starts[-1] >= shortest:
            kept.append(number)
            starts.append(start)
    ends = [*starts[1:], max(starts[-1] + shortest, round(end / tick))]
    lengths = [round(1000 * tick * (b - a)) for a, b in zip(starts, ends, strict=True)]
    return set(kept), lengths


def _to_pillow(frame: TimedFrame) -> Image.Image:
    if frame.alpha is None:
        return Image.fromarray(frame.image)
    return Image.fromarray(np.dstack([frame.image, frame.alpha]))


def _to_gif_frame(frame: TimedFrame) -> Image.Image:
    """A frame that is seen or not at each pixel, as a GIF has it: at half cover and more it is."""
    if frame.alpha is None:
        return _to_pillow(frame)
    return _to_pillow(frame._replace(alpha=np.where(frame.alpha < 128, 0, 255).astype(np.uint8)))


def _format_options(
    suffix: str, quality: int, comment: str, is_transparent: bool
) -> dict[str, Any]:
    """What Pillow's writer of the format is to be told."""
    if suffix == ".gif":
        disposal = 2 if is_transparent else 0  # 2: a frame does not show through the next one
        return {"comment": comment.encode(), "disposal": disposal}
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = comment
    # Pillow 12 drops the alpha of animations that are not lossless.
    return {"quality": quality, "exif": exif.tobytes(), "lossless": is_transparent}
