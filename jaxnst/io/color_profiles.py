"""ICC profiles: pictures are brought to sRGB, so that those that look alike are alike."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}  # bytes 16 to 19 of a profile
_NEAR = 3  # of 255; a profile that changes no color by more is that of sRGB by some program


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """A picture in sRGB, and the profile that it still has.

    Args:
        image: in mode RGB, L or CMYK.
        profile: says what its values mean; one that is damaged, or for another mode, says nothing.

    Returns:
        An RGB image; with the profile if that is for sRGB itself, as nothing is changed then, and
        else with None.
    """
    transform = _transform(image.mode, profile)
    if transform is None:
        return image.convert("RGB"), None
    if image.mode == "RGB" and _changes(transform) <= _NEAR:
        return image, profile
    return ImageCms.applyTransform(image, transform), None  # type: ignore[return-value]


def is_rgb(profile: bytes | None) -> bool:
    """Whether a profile is one for RGB."""
    return profile is not None and profile[16:20] == _SPACES["RGB"]


def _transform(mode: str, profile: bytes | None) -> Any:
    """What brings a picture with a profile to sRGB; None without a good one."""
    if profile is None or profile[16:20] != _SPACES[mode]:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def _changes(transform: Any) -> int:
    """The most by which a transform changes a value of a color, of 255."""
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    changed: Any = ImageCms.applyTransform(Image.fromarray(colors), transform)
    return int(np.abs(np.asarray(changed).astype(int) - colors).max())
