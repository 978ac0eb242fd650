"""Settings inside picture files: as a text of a PNG, in the EXIF of all others."""

import json
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from jaxnst.io.files import PathLike, open_binary
from jaxnst.io.formats import open_image

_SETTINGS_KEY = "jaxnst"
_COMMENT_PREFIX = b"ASCII\0\0\0jaxnst:"  # EXIF UserComment: 8 bytes name the character set


def read_settings(path: PathLike) -> dict[str, Any] | None:
    """The settings that `save` embedded; None when there are none or the file cannot be read."""
    try:
        with open_binary(path) as handle, open_image(handle) as image:
            text = image.info.get(_SETTINGS_KEY)
            if text is None:
                exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
                comment = exif.get(ExifTags.Base.UserComment, b"")
                if not comment.startswith(_COMMENT_PREFIX):
                    return None
                text = comment.removeprefix(_COMMENT_PREFIX)
        settings = json.loads(text)
    except Exception:  # a file by another hand may hold anything
        return None
    return settings if isinstance(settings, dict) else None


def embedding(file_format: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What Pillow's writer of a format, such as "PNG", is to be told to embed settings."""
    text = json.dumps(settings)
    if file_format == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text(_SETTINGS_KEY, text)
        return {"pnginfo": info}
    exif = Image.Exif()
    comment = _COMMENT_PREFIX + text.encode("ascii")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return {"exif": exif.tobytes()}  # the TIFF writer loses a nested part of an object
