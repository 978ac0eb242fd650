"""Still pictures between files and arrays: RGB, float32, [0, 1], channels last.

Files are taken to be hostile: their size is checked before a pixel is decoded, only the formats
named here are tried, and whatever a decoder raises becomes one line that names the file.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.io.color_profiles import is_rgb, to_srgb
from jaxnst.io.embedded_settings import embedding
from jaxnst.io.files import PathLike, atomic_write, display_name, one_line, open_binary
from jaxnst.io.formats import (
    GIVE_PICTURE,
    open_image,
    unknown_format,
    upright,
)
from jaxnst.io.resize import MIN_SIDE, resize
from jaxnst.io.transparency import extend_visible_colors
from jaxnst.ops.color import luma
from jaxnst.ops.pixels import from_uint8, to_uint8

MAX_PIXELS = 200_000_000  # 2.4 GB as float32 RGB; the largest phone cameras make just as much

_WRITE_FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP",
    ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
_ALPHA_FORMATS = {"PNG", "WEBP", "TIFF"}
_GRAY = ("1", "L", "LA", "La")
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # pixels; limits of the formats


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class Picture:
    """A still picture: `rgb` and what has to survive beside it.

    Attributes:
        rgb: float32 [H, W, 3] in [0, 1].
        alpha: float32 [H, W] in [0, 1], not premultiplied; None when the picture is opaque.
        icc_profile: the RGB color profile that `rgb` is in; None stands for sRGB.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None

    def with_rgb(self, rgb: ArrayLike) -> "Picture":
        """The picture with other colors [H', W', 3]; alpha is resized when the size differs."""
        rgb = np.asarray(rgb, np.float32)
        alpha = None if self.alpha is None else resize(self.alpha, rgb.shape[:2])
        return replace(self, rgb=rgb, alpha=alpha)

    def on_white(self) -> np.ndarray:
        """The colors as they are seen on a white page, [H, W, 3]."""
        if self.alpha is None:
            return self.rgb
        return self.rgb * self.alpha[..., None] + (1.0 - self.alpha[..., None])

    def as_uint8(self) -> np.ndarray:
        """uint8 [H, W, 3], or [H, W, 4] where it has alpha."""
        whole = self.rgb if self.alpha is None else np.dstack([self.rgb, self.alpha])
        return to_uint8(whole)


def load(
    path: PathLike | BinaryIO,
    *,
    min_side: int = MIN_SIDE,
    max_pixels: int = MAX_PIXELS,
    keep_profile: bool = False,
) -> Picture:
    """The picture in a file or a binary stream (first frame), upright and in sRGB.

    Gray becomes RGB, with 16-bit gray at its full depth; 16-bit color is read at 8 bits. Color
    profiles are applied. Where alpha is 0, colors are those of what is visible near by,
    whatever the file has there: files that look alike are alike.

    Args:
        path: a file, or a binary stream with one, in a format of `jaxnst.io.formats`, whatever its
            name is.
        min_side: the least height and width, pixels.
        max_pixels: the most pixels, as told by the header.
        keep_profile: RGB is as the file has it, and its profile is kept beside.

    Raises:
        JaxnstError: there is no such file, or it is not a whole picture of a size within bounds.
    """
    name = display_name(path)
    with open_binary(path) as handle:
        try:
            with open_image(handle) as image:
                check_size(name, image.size, min_side, max_pixels)
                image.load()
                return _to_picture(name, image, keep_profile)
        except JaxnstError:
            raise
        except Exception as error:  # decoders raise nearly anything on hostile bytes
            unknown = isinstance(error, Image.UnidentifiedImageError)
            cause = unknown_format(handle) if unknown else one_line(error)
            message = f"{name}: not a picture that can be read ({cause}); {GIVE_PICTURE}"
            raise JaxnstError(message) from error


def save(
    path: PathLike,
    picture: Picture | ArrayLike,
    *,
    quality: int = 95,
    settings: dict[str, Any] | None = None,
) -> None:
    """Writes a picture, at 8 bits a channel, whole or not at all; the suffix tells the format.

    Alpha is kept in PNG, WebP and TIFF, and laid over white in JPEG and BMP. The color profile and
    the settings are kept in all but BMP, which is in sRGB.

    Args:
        path: .png, .jpg, .jpeg, .webp, .tif, .tiff or .bmp; an existing file is replaced.
        picture: a `Picture` or its `rgb` [H, W, 3] in [0, 1]; values outside are clipped.
        quality: of JPEG and WebP, 1 to 100.
        settings: JSON-serializable, to be read back by `embedded_settings.read_settings`.

    Raises:
        JaxnstError: the suffix, the size or the values do not suit, or the file cannot be written.
    """
    name, file_format = display_name(path), check_writable_suffix(path)
    if not isinstance(picture, Picture):
        picture = Picture(np.asarray(picture, np.float32))
    _check_writable_pixels(name, picture.rgb, file_format)
    image = _to_pillow(picture, file_format)
    options = _save_options(file_format, picture.icc_profile, quality, settings)
    with atomic_write(path) as temporary:
        try:
            image.save(temporary, file_format, **options)
        except ValueError as error:  # such as settings longer than the 64 kB of EXIF in a JPEG
            raise JaxnstError(
                f"{name}: cannot be written as {file_format} ({one_line(error)}); give a .png path"
            ) from error


def check_writable_suffix(path: PathLike) -> str:
    """The name of the format that `save` would write, such as "PNG".

    Raises:
        JaxnstError: the suffix is none that can be written.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in _WRITE_FORMATS:
        raise JaxnstError(
            f"{display_name(path)}: pictures cannot be written as {display_name(suffix)!r}; "
            f"end the name in one of {' '.join(_WRITE_FORMATS)}"
        )
    return _WRITE_FORMATS[suffix.lower()]


def size_in_header(path: PathLike) -> tuple[int, int] | None:
    """Width and height of a picture, without decoding its pixels; None for any other file."""
    try:
        with open_binary(path) as handle, open_image(handle) as image:
            return image.size
    except Exception:  # decoders raise nearly anything on hostile bytes
        return None


def has_picture_header(path: PathLike) -> bool:
    """Whether a file begins as a picture of a size within bounds; its pixels are not decoded."""
    return is_usable_size(size_in_header(path))


def is_usable_size(size: tuple[int, int] | None) -> bool:
    """Whether there is a picture, from `size_in_header`, and `load` would take one of its size."""
    return size is not None and min(size) >= MIN_SIDE and math.prod(size) <= MAX_PIXELS


def load_mask(path: PathLike | BinaryIO, height_width: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """A mask, float32 [H, W] in [0, 1], of the size asked for, and whether it had to be resized.

    The mask is the luma of the picture; what is transparent counts as black.

    Raises:
        JaxnstError: as for `load`, but a mask may be as small as one pixel; or all of it is black.
    """
    picture = load(path, min_side=1)
    mask = np.asarray(luma(picture.rgb))
    if picture.alpha is not None:
        mask = mask * picture.alpha
    resized = resize(mask, height_width)
    if not resized.any():
        raise JaxnstError(f"{display_name(path)}: the mask is all black: paint a white region")
    return resized, mask.shape != tuple(height_width)


def check_size(name: str, size: tuple[int, int], min_side: int, max_pixels: int) -> None:
    """Refuses a picture by the size in its header, before memory is set aside for its pixels."""
    width, height = size
    if width * height > max_pixels:
        raise JaxnstError(
            f"{name}: {width}x{height} pixels are more than the limit of "
            f"{max_pixels / 1e6:g} megapixels; give a smaller picture"
        )
    if min(size) < min_side:
        raise JaxnstError(
            f"{name}: {width}x{height} pixels are too few; give at least {min_side}x{min_side}"
        )


def has_further_frames(path: PathLike) -> bool:
    """Whether a file holds more frames, or pages, than the one that `load` takes."""
    try:
        with open_binary(path) as handle, open_image(handle) as image:
            is_stereo = image.format == "MPO"  # or else the same for a small screen
            return not is_stereo and getattr(image, "n_frames", 1) > 1
    except Exception:  # decoders raise nearly anything on hostile bytes
        return False


def _to_picture(name: str, image: Image.Image, keep_profile: bool) -> Picture:
    """The decoded picture, upright, from whichever mode the file was in."""
    image = upright(image)
    if image.mode == "F" or image.mode.startswith("I"):
        gray, alpha = _deep_gray(name, image)
        return _visible(np.repeat(gray[..., None], 3, axis=-1), alpha, None)
    color, alpha, profile = image, None, image.info.get("icc_profile")
    if image.has_transparency_data:
        color = image.convert("RGBA")
        alpha = _to_floats(color.getchannel("A"))
    if image.mode != "CMYK":
        color = color.convert("L" if image.mode in _GRAY else "RGB")
    if not (keep_profile and color.mode == "RGB" and is_rgb(profile)):
        color, profile = to_srgb(color, profile)
    return _visible(_to_floats(color), alpha, profile)


def _visible(rgb: np.ndarray, alpha: np.ndarray | None, profile: bytes | None) -> Picture:
    """A picture, without the colors that nobody sees."""
    return Picture(rgb if alpha is None else extend_visible_colors(rgb, alpha), alpha, profile)


def _deep_gray(name: str, image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """16-bit gray or floating-point pixels as float32 [H, W] in [0, 1], and their alpha, if any."""
    white = 1.0 if image.mode == "F" else 65_535.0
    values = np.asarray(image).astype(np.float32) / np.float32(white)
    low, high = values.min(), values.max()
    if not (low >= 0.0 and high <= 1.0):  # also true of NaN
        raise JaxnstError(
            f"{name}: values from {low * white:g} to {high * white:g} are out of range; "
            f"scale them to 0 ... {white:g}"
        )
    hidden = image.info.get("transparency")  # the gray that is not shown
    return values, None if hidden is None else _to_floats(255 * (np.asarray(image) != hidden))


def _to_floats(image: Image.Image | np.ndarray) -> np.ndarray:
    return from_uint8(np.asarray(image, np.uint8))


def _check_writable_pixels(name: str, rgb: np.ndarray, file_format: str) -> None:
    if rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"a picture is [H, W, 3], not {list(rgb.shape)}")
    if not np.isfinite(rgb).all():
        raise JaxnstError(f"{name}: the result has values that are not finite; use a smaller step")
    height, width = rgb.shape[:2]
    longest = LONGEST_SIDE.get(file_format, max(height, width))
    if max(height, width) > longest:
        raise JaxnstError(
            f"{name}: {width}x{height} pixels are more than {file_format} can hold "
            f"({longest} a side); give a .png path"
        )


def _to_pillow(picture: Picture, file_format: str) -> Image.Image:
    """The picture as 8-bit RGB or RGBA, over white where the format has no alpha."""
    if file_format == "BMP":
        return to_srgb(Image.fromarray(to_uint8(picture.on_white())), picture.icc_profile)[0]
    if picture.alpha is None or file_format not in _ALPHA_FORMATS:
        return Image.fromarray(to_uint8(picture.on_white()))
    return Image.fromarray(to_uint8(np.dstack([picture.rgb, picture.alpha])))


def _save_options(
    file_format: str, icc_profile: bytes | None, quality: int, settings: dict[str, Any] | None
) -> dict[str, Any]:
    """What Pillow's writer of the format is to be told."""
    options: dict[str, Any] = {}
    if file_format in ("JPEG", "WEBP"):
        options["quality"] = quality
    if file_format == "JPEG":
        options["subsampling"] = "4:4:4"  # brush strokes have sharp edges in color too
    if icc_profile and file_format != "BMP":
        options["icc_profile"] = icc_profile
    if settings is not None and file_format != "BMP":
        options |= embedding(file_format, settings)
    return options
