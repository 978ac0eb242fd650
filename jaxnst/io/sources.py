"""Frames from cameras, network streams, video files and folders, one after the other."""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import load
from jaxnst.io.files import display_name
from jaxnst.io.folders import list_images
from jaxnst.io.opencv import import_cv2
from jaxnst.io.video_reader import open_reader
from jaxnst.ops.pixels import to_uint8

CAMERAS = 10
"""How many cameras are tried for the first that opens."""

_FOLDER_RATE = 1.0  # pictures per second
_OPEN_SECONDS, _READ_SECONDS = 10, 5  # that a network stream may take
_RETRIES = 5


class Source(Protocol):
    """Where frames come from."""

    name: str
    """For messages."""
    due: float | None
    """Seconds after the first frame at which the last one read has its turn; None: at once, since
    they come when they come."""

    def read(self) -> np.ndarray | None:
        """The next frame, uint8 [H, W, 3] RGB; None at the end. May wait for it."""

    def close(self) -> None:
        """Lets go of it."""


class CameraSource:
    """A camera or a network stream, by OpenCV."""

    def __init__(
        self,
        address: int | str,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
    ) -> None:
        """Opens it.

        Args:
          address: a camera's number or device, or a URL.
          width: asked of a camera, as height and fps; it gives what it can.
          height: in pixels.
          fps: frames per second.

        Raises:
          JaxnstError: it cannot be opened, or there is no frame in it.
        """
        cv2 = import_cv2()
        self.name = f"camera {address}" if isinstance(address, int) else display_name(address)
        self._video, self._cv2 = _open_video(cv2, address), cv2
        asked = {
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: height,
            cv2.CAP_PROP_FPS: fps,
        }
        for prop, value in asked.items():
            if value:
                self._video.set(prop, value)
        self._first = self._decoded()
        if self._first is None:
            self.close()
            raise JaxnstError(f"{self.name}: gives no picture: give a camera or a stream that does")
        self.size: tuple[int, int] | None = self._first.shape[:2]
        self.rate = self._video.get(cv2.CAP_PROP_FPS)
        if not 0 < self.rate <= 1000:
            self.rate = 0.0
        self.due: float | None = None

    def read(self) -> np.ndarray | None:
        first, self._first = self._first, None
        image = self._decoded() if first is None else first
        for _ in range(_RETRIES):  # cameras lose a frame now and then
            image = self._decoded() if image is None else image
        return image

    def close(self) -> None:
        self._video.release()

    def _decoded(self) -> np.ndarray | None:
        there, image = self._video.read()
        return self._cv2.cvtColor(image, self._cv2.COLOR_BGR2RGB) if there else None


class FileSource:
    """A video file or an animated GIF or WebP, once."""

    def __init__(self, path: str) -> None:
        """Opens it.

        Raises:
          JaxnstError: it cannot be read.
        """
        self.name = display_name(path)
        self._reader = open_reader(path)
        self.size: tuple[int, int] | None = self._reader.size
        self.rate = self._reader.rate
        self.due: float | None = 0.0
        self._frames = self._reader.frames()

    @property
    def damage(self) -> str:
        """What is missing in the file, once its end was reached; "" if nothing is."""
        return self._reader.damage

    def read(self) -> np.ndarray | None:
        frame = next(self._frames, None)
        if frame is None:
            return None
        self.due = frame.seconds
        return frame.image

    def close(self) -> None:
        self._frames.close()


class FolderSource:
    """The pictures of a folder, again and again."""

    def __init__(self, folder: str, fps: float | None = None) -> None:
        """Looks what there is; raises JaxnstError if there is no picture."""
        self.name = display_name(folder)
        self.size: tuple[int, int] | None = None
        self.rate = fps or _FOLDER_RATE
        self.due: float | None = -1 / self.rate
        self._paths = list_images(folder)
        self._images: Iterator[np.ndarray] = self._endless()
        first = next(self._images, None)
        if first is None:
            raise JaxnstError(f"{self.name}: has no picture that can be read; give another folder")
        self._images = itertools.chain([first], self._images)

    def read(self) -> np.ndarray | None:
        self.due = (self.due or 0.0) + 1 / self.rate
        return next(self._images, None)

    def close(self) -> None:
        self._paths = []

    def _endless(self) -> Iterator[np.ndarray]:
        """All that can be read, over and over; those that cannot are left out from then on."""
        while self._paths:
            for path in list(self._paths):
                try:
                    image = load(path).rgb
                except JaxnstError:
                    self._paths.remove(path)
                    continue
                yield to_uint8(image)


def open_source(
    address: str = "",
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> CameraSource | FileSource | FolderSource:
    """What an address means: "" the first camera that opens, "0" a camera by its number, a device,
    a URL, a video file, or a folder of pictures. The rest is asked of cameras.

    Raises:
      JaxnstError: there is no such thing, or it gives no picture.
    """
    asked: dict[str, Any] = {"width": width, "height": height, "fps": fps}
    if not address:
        return _first_camera(asked)
    if address.isascii() and address.isdigit():
        return CameraSource(int(address), **asked)
    if os.path.isdir(address):
        return FolderSource(address, fps)
    if os.path.isfile(address):
        return FileSource(address)
    if "://" not in address and not os.path.exists(address):
        raise JaxnstError(
            f"{display_name(address)}: there is no such file or device: give a camera's number, "
            f"a path or a URL"
        )
    return CameraSource(address, **asked)


def all_frames(source: Source) -> Iterator[np.ndarray]:
    """The frames of a source to its end, as fast as they can be had."""
    while (image := source.read()) is not None:
        yield image


def _first_camera(asked: dict[str, Any]) -> CameraSource:
    import_cv2()
    found = ""
    for number in range(CAMERAS):
        if sys.platform == "linux" and not Path(f"/dev/video{number}").exists():
            continue
        try:
            return CameraSource(number, **asked)
        except JaxnstError:
            found += f" /dev/video{number}" if sys.platform == "linux" else ""
    there = f"{found.strip()} cannot be opened" if found else "none is connected"
    raise JaxnstError(
        f"there is no camera (0 to {CAMERAS - 1} were tried; {there}): connect one, or give "
        f"--source with a video file, a folder of pictures or a URL"
    )


def _open_video(cv2: Any, address: int | str) -> Any:
    """An opened VideoCapture."""
    if isinstance(address, str):
        limits = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * _OPEN_SECONDS),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000 * _READ_SECONDS),
        ]
        video = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
        if not video.isOpened():  # a device
            video = cv2.VideoCapture(address)
    else:
        video = cv2.VideoCapture(address)
    if not video.isOpened():
        name = f"camera {address}" if isinstance(address, int) else display_name(address)
        raise JaxnstError(f"{name}: cannot be opened: give a camera, a stream or a video file")
    return video
