"""Which formats of pictures are read, and Pillow opened for them: strict, silent, in any thread.

HEIC, which phones make, is read by the package pillow-heif where it is installed.
"""

import importlib.util
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from PIL import Image, ImageFile, ImageOps, TiffImagePlugin

_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp",
    ".gif", ".tga", *(".ppm", ".pgm", ".pbm", ".pnm"), *(".jp2", ".j2k", ".jpx"),
}  # fmt: skip
_HEIC_SUFFIXES = {".heic", ".heif"}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis")
GIVE_PICTURE = "give a JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF file"
NEEDS_HEIF = "HEIC needs pillow-heif: pip install 'jaxnst[heic]'"
_FLOAT = 3  # of a TIFF's SampleFormat


def is_picture_suffix(suffix: str) -> bool:
    """Whether files with this suffix are read as pictures."""
    if suffix.lower() in _HEIC_SUFFIXES:
        return importlib.util.find_spec("pillow_heif") is not None
    return suffix.lower() in _SUFFIXES


def is_heic_suffix(suffix: str) -> bool:
    """Whether files with this suffix are pictures that need pillow-heif."""
    return suffix.lower() in _HEIC_SUFFIXES


@contextmanager
def open_image(handle: BinaryIO) -> Iterator[Image.Image]:
    """The picture in a file, judged by its content, with only its header read.

    Raises:
        ImportError: it is HEIC, and pillow-heif is not installed.
        Exception: nearly any other, by the decoders, also from the work on the image.
    """
    with _strict_pillow, Image.open(handle, formats=_formats(handle)) as image:
        if _has_raw_planes(image):
            raise ValueError(
                "TIFF with 16-bit planes without compression; save it with compression"
            )
        yield image


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF asks; one whose EXIF is damaged stays as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # hostile bytes, but the pixels are good
        return image


def unknown_format(handle: BinaryIO) -> str:
    """Why a file is none of the formats that are read, in a few words."""
    with suppress(Exception):  # it may hold anything
        handle.seek(0)
        tags: Any = TiffImagePlugin.ImageFileDirectory_v2(handle.read(8))
        handle.seek(tags.next)
        tags.load(handle)
        bits = max(tags[TiffImagePlugin.BITSPERSAMPLE])
        number = "floats" if _FLOAT in tags.get(TiffImagePlugin.SAMPLEFORMAT, ()) else "integers"
        if bits > 16 or number == "floats":
            channels = tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)
            return f"TIFF with {channels} channels of {bits}-bit {number}, not of 8 or 16 bits"
    return "unknown format or damaged header"


def _has_raw_planes(image: Image.Image) -> bool:
    """Whether a file is of the one kind of TIFF that Pillow takes for 8-bit, and reads as noise."""
    tags: Any = getattr(image, "tag_v2", {})
    is_raw = tags.get(TiffImagePlugin.COMPRESSION, 1) == 1
    has_planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) == 2
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    return is_raw and has_planes and len(bits) > 1 and max(bits) > 8


def _formats(handle: BinaryIO) -> tuple[str, ...]:
    """What the file may be; a TGA, which has no signature, only by its name.

    HEIC is made known to Pillow by the first file of it.
    """
    if str(getattr(handle, "name", "")).lower().endswith(".tga"):
        return (*_FORMATS, "TGA")
    start = handle.read(64)
    handle.seek(0)
    if start[4:8] != b"ftyp" or not any(brand in start for brand in _HEIC_BRANDS):
        return _FORMATS
    try:
        import pillow_heif
    except ImportError as error:
        raise ImportError(NEEDS_HEIF) from error
    pillow_heif.register_heif_opener()
    return ("HEIF",)


class _StrictPillow:
    """Pillow without warnings, without truncated pictures and without its own limit of pixels.

    Its limit warns before it refuses, and never tells the size; `check_size` stands in for it. All
    three are global to the process: the first thread that enters sets them, and the last one that
    leaves puts back what was before, so that threads decode at once.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            self._before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
            self._warnings = warnings.catch_warnings()
            self._warnings.__enter__()
            warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._warnings.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = self._before


_strict_pillow = _StrictPillow()
