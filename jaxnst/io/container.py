"""What the readers and writers of video files share: names, and how a file is opened by PyAV."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.buckets import in_bucket
from jaxnst.io.codec import size_in_header
from jaxnst.io.files import PathLike, display_name
from jaxnst.io.transparency import extend_visible_colors

SUFFIXES = (
    *(".mp4", ".mkv", ".mov", ".m4v", ".avi", ".webm", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg"),
    *(".wmv", ".flv", ".3gp", ".ogv"),
)
"""Of files that are taken for videos without a look inside."""

WRITTEN = (".mp4", ".mkv", ".mov")
"""Of the videos that are written."""

MICROSECONDS = 1_000_000  # per second; FFmpeg's clock for whole files
USUAL_RATE = 25.0  # frames per second, of a file that does not say

_STILL_BRANDS = ("heic", "heix", "hevc", "mif1", "msf1", "avif", "avis")
"""Of HEIC and AVIF pictures, which FFmpeg opens as videos."""


_STILL_FORMATS = ("image2", "ico", "tty", "mjpeg")
"""By which FFmpeg opens icons, texts, and other files with a JPEG in them, such as a PDF."""


class TimedFrame(NamedTuple):
    """A frame of a video."""

    image: np.ndarray
    """uint8 [H, W, 3], RGB, upright; transparent parts lie on white."""
    seconds: float
    """From the video's start."""
    alpha: np.ndarray | None = None
    """uint8 [H, W]; None when the frame is opaque."""


Frames = Generator[TimedFrame, None, None]


def open_container(path: PathLike) -> Any:
    """A container to be read; metadata in an old encoding is no reason to refuse it."""
    import av  # slow to import

    try:
        return av.open(file_url(path))
    except UnicodeError:
        return av.open(file_url(path), metadata_errors="replace")


def file_url(path: PathLike) -> str:
    """A path as FFmpeg takes it for one: 12:30.mp4 alone would be something of a protocol 12."""
    return f"file:{os.fspath(path)}"


def is_video(path: PathLike) -> bool:
    """Whether a file is taken for a video: by its suffix, or else by its content."""
    is_file = os.path.isfile(path)
    if Path(path).suffix.lower() in SUFFIXES:
        return is_file or in_bucket(path)
    return is_file and size_in_header(path) is None and _has_moving_pictures(path)


def video_stream(container: Any) -> Any:
    """The stream that players show, None if there is none; cover art does not count."""
    shown = container.streams.best("video")
    if shown is None or shown.disposition & type(shown.disposition).attached_pic:
        return None
    return shown


def on_white(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """RGBA pixels, uint8 [H, W, 4], laid on white; and their alpha, None if they are opaque."""
    color, alpha = split_alpha(pixels)
    if alpha is None:
        return color, None
    weight = alpha[..., None].astype(np.uint16)
    return ((color * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8), alpha


def off_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colors [H, W, 3] in [0, 1] that lie on white with an alpha [H, W], as far as it tells.

    Where alpha is 0 the visible colors are continued.
    """
    cover = np.maximum(alpha, np.float32(1 / 255))[..., None]
    return extend_visible_colors(np.clip(1 - (1 - rgb) / cover, 0, 1), alpha)


def split_alpha(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The RGB of RGBA pixels, uint8 [H, W, 4], and their alpha, None if they are opaque."""
    color, alpha = pixels[..., :3], pixels[..., 3]
    return color, None if alpha.min() == 255 else alpha


def check_video_path(path: PathLike, suffixes: tuple[str, ...] = WRITTEN) -> None:
    """Raises JaxnstError unless a video can have this name."""
    if Path(path).suffix.lower() not in suffixes:
        raise JaxnstError(
            f"{display_name(path)}: videos are written as {', '.join(suffixes)}; name it so"
        )


def _has_moving_pictures(path: PathLike) -> bool:
    import av  # slow to import

    try:
        with open_container(path) as container:
            name = container.format.name
            is_still = name.endswith("_pipe") or name in _STILL_FORMATS
            brand = container.metadata.get("major_brand", "")
            return not is_still and brand not in _STILL_BRANDS and bool(video_stream(container))
    except (OSError, ValueError, av.error.FFmpegError):
        return False
