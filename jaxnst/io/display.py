"""A window on the screen, by OpenCV, with the keys pressed over it; and a camera for others."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.opencv import import_cv2
from jaxnst.io.resize import letterbox

_KEYS = {27: "escape", 0xFF1B: "escape", 32: "space"}
_PORT = 6000  # of display 0, over the network
_MARGIN, _LINE = 12, 24  # pixels


class Window:
    """A window that can be resized; use as a context manager."""

    def __init__(self, title: str) -> None:
        """Opens it.

        Raises:
          JaxnstError: there is no display.
        """
        check_display()
        self._cv2, self._title = import_cv2(), title
        self._is_full = False
        flags = self._cv2.WINDOW_NORMAL | self._cv2.WINDOW_KEEPRATIO | self._cv2.WINDOW_GUI_NORMAL
        try:
            self._cv2.namedWindow(title, flags)
        except self._cv2.error as error:
            raise JaxnstError(
                "this OpenCV has no windows: pip uninstall opencv-python-headless, and install "
                "opencv-python anew; or give --no-window with --output"
            ) from error
        self._sized: tuple[int, int] | None = None

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(self._cv2.error):
            self._cv2.destroyAllWindows()
            self._cv2.waitKey(1)

    def show(self, image: np.ndarray, lines: Sequence[str] = ()) -> None:
        """Shows uint8 [H, W, 3] RGB with lines of text on it."""
        picture = self._cv2.cvtColor(image, self._cv2.COLOR_RGB2BGR)
        for number, line in enumerate(lines, start=1):
            write_text(self._cv2, picture, line, (_MARGIN, number * _LINE))
        self._cv2.imshow(self._title, picture)
        if self._sized is None:  # a new window is as large as the first picture, or larger
            scale = max(1.0, 960 / image.shape[1])
            self._sized = (round(image.shape[1] * scale), round(image.shape[0] * scale))
            self._cv2.resizeWindow(self._title, *self._sized)

    def key(self) -> str:
        """The key that was pressed, "" if none; gives the window time to draw itself."""
        code = self._cv2.waitKeyEx(1) & 0xFFFF  # above are keys that are held, such as shift
        return _KEYS.get(code, chr(code) if code < 0x80 else "")

    @property
    def is_open(self) -> bool:
        """Whether it was not closed by its button."""
        with suppress(self._cv2.error):
            return bool(self._cv2.getWindowProperty(self._title, self._cv2.WND_PROP_VISIBLE) >= 1)
        return False

    def toggle_full_screen(self) -> None:
        """Over the whole screen, or as it was."""
        self._is_full = not self._is_full
        value = self._cv2.WINDOW_FULLSCREEN if self._is_full else self._cv2.WINDOW_NORMAL
        self._cv2.setWindowProperty(self._title, self._cv2.WND_PROP_FULLSCREEN, value)


class VirtualCamera:
    """A camera that other programs see, by pyvirtualcam; use as a context manager."""

    def __init__(self, rate: float) -> None:
        """Takes what it says its frames per second are.

        Raises:
          JaxnstError: pyvirtualcam is not installed.
        """
        try:
            import pyvirtualcam
        except ImportError as error:
            raise JaxnstError(
                "a virtual camera needs pyvirtualcam: pip install 'jaxnst[virtual-camera]'"
            ) from error
        self._open, self._rate = pyvirtualcam.Camera, rate
        self._camera: Any = None

    def __enter__(self) -> "VirtualCamera":
        return self

    def __exit__(self, *_: object) -> None:
        if self._camera is not None:
            self._camera.close()

    def send(self, image: np.ndarray) -> None:
        """Shows uint8 [H, W, 3] RGB; one of another size is fitted into the first one's, for
        programs do not expect a camera to change.

        Raises:
          JaxnstError: the system has no device for it.
        """
        try:
            if self._camera is None:
                height, width = image.shape[:2]
                self._camera = self._open(width=width, height=height, fps=self._rate)
            self._camera.send(letterbox(image, (self._camera.height, self._camera.width)))
        except RuntimeError as error:
            raise JaxnstError(f"the virtual camera cannot be used ({error})") from error


def write_text(cv2: Any, image: np.ndarray, text: str, corner: tuple[int, int]) -> None:
    """Light text with a dark rim, readable on anything."""
    for color, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        cv2.putText(
            image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thickness, cv2.LINE_AA
        )


def check_display() -> None:
    """Raises JaxnstError if no window can be opened here; OpenCV would end the whole process."""
    if os.name != "posix" or os.uname().sysname == "Darwin":
        return
    display = os.environ.get("DISPLAY", "")
    if not display or not _answers(display):
        raise JaxnstError(
            f"there is no display (DISPLAY is {display!r}): give --no-window with --output, or run "
            f"it on a desktop"
        )


def _answers(display: str) -> bool:
    """Whether an X server takes connections."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdigit():
        return False
    with suppress(OSError):
        if host and not host.startswith(("unix", "/")):
            socket.create_connection((host, _PORT + int(number)), timeout=2).close()
            return True
        for path in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"):
            with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
                connection.connect(path)
                return True
    return False
