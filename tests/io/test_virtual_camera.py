"""A camera for other programs; the library is a stand-in, as its device is not to be had here."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from jaxnst.errors import JaxnstError
from jaxnst.io.display import VirtualCamera


class Device:
    opened: list = []  # noqa: RUF012 (of all of them)

    def __init__(self, **options: float) -> None:
        self.width, self.height = options["width"], options["height"]
        self.sent, self.closed = 0, False
        self.opened.append(self)

    def send(self, image: np.ndarray) -> None:
        assert image.shape == (self.height, self.width, 3)
        self.sent += 1

    def close(self) -> None:
        self.closed = True


def test_frames_of_all_sizes_are_sent_at_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Device))
    with VirtualCamera(20) as camera:
        for side in (32, 32, 48):
            camera.send(np.zeros((side, side, 3), np.uint8))
    assert [(device.sent, device.closed) for device in Device.opened] == [(3, True)]


def test_without_the_library_or_the_device_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(JaxnstError, match=r"pip install 'jaxnst\[virtual-camera\]'"):
        VirtualCamera(20)

    def fail(**_: float) -> None:
        raise RuntimeError("no v4l2loopback")

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=fail))
    with pytest.raises(JaxnstError, match=r"cannot be used \(no v4l2loopback\)"):
        VirtualCamera(20).send(np.zeros((32, 32, 3), np.uint8))
