"""OpenCV, for cameras and windows."""

import os
import sys
from types import ModuleType

from jaxnst.errors import JaxnstError
from jaxnst.io.files import one_line

_CV2_PACKAGES = {
    "libxcb": "libxcb1",
    "libGL": "libgl1",
    "libglib-2.0": "libglib2.0-0",
    "libgthread-2.0": "libglib2.0-0",
}
"""Debian's packages of the libraries that OpenCV needs of the system."""


def import_cv2() -> ModuleType:
    """OpenCV, which needs libraries of the system that a server may not have.

    Raises:
      JaxnstError: they are missing.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what is worth saying, jaxnst says
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        vars(sys).pop("OpenCV_LOADER", None)  # or a second attempt would say something else
        missing = str(error).partition(".so")[0]
        needed = _CV2_PACKAGES.get(missing, " ".join(dict.fromkeys(_CV2_PACKAGES.values())))
        raise JaxnstError(
            f"OpenCV cannot be loaded ({one_line(error)}): install {needed}, as Debian and Ubuntu "
            f"call it"
        ) from error
    return cv2
