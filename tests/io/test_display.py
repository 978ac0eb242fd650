"""A real window on a virtual screen, and real keys pressed over it."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from model_files import gallery_folder
from video_files import read_times, write_clip

from jaxnst.io.codec import load

pytest.importorskip("cv2", reason="OpenCV misses libraries of the system", exc_type=ImportError)

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="Xvfb or xdotool is not there"
)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual screen."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


class ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib."""

    _fields_ = (
        ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("padding", ctypes.c_long * 24),
    )  # fmt: skip


def press_close_button(display: str, window: int) -> None:
    """Sends a window what a window manager sends when its close button is pressed."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    server = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    protocols, delete = (
        x11.XInternAtom(server, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    event = ClientMessage(type=33, window=window, message_type=protocols, format=32)
    event.data[0] = delete
    x11.XSendEvent(server, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(event))
    x11.XCloseDisplay(server)


class Session:
    """`jaxnst live` in a window."""

    def __init__(self, folder: Path, display: str) -> None:
        write_clip(folder / "clip.mkv", [i / 20 for i in range(1200)])
        gallery_folder(folder)
        (folder / "out").mkdir()
        self.environment = {**os.environ, "DISPLAY": display, "XDG_CACHE_HOME": str(folder)}
        command = ["live", "--model", folder / "small", "--source"]
        command += [folder / "clip.mkv", "--size", "64", "--folder", folder / "out"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jaxnst", *map(str, command)],
            env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.out = folder / "out"
        self.window = self.xdotool("search", "--sync", "--name", "jaxnst live").split()[-1]
        time.sleep(1)

    def xdotool(self, *words: str) -> str:
        command = ["timeout", "90", "xdotool", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert self.process.poll() is None, self.process.communicate()
        return done.stdout

    def press(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("windowfocus", self.window, "key", key)
            time.sleep(0.4)

    def made(self, pattern: str, count: int) -> list[Path]:
        """The files there are, once there are so many."""
        until = time.monotonic() + 20
        while len(found := sorted(self.out.glob(pattern))) < count:
            assert time.monotonic() < until, self.process.poll()
            time.sleep(0.1)
        return found


@pytest.fixture
def session(tmp_path: Path, display: str) -> Iterator[Session]:
    session = Session(tmp_path, display)
    yield session
    session.process.kill()
    session.process.communicate()


@pytest.mark.slow
def test_keys_change_the_style_and_make_snapshots_and_recordings(session: Session) -> None:
    session.press("space", "s")  # the same frame from now on
    (first,) = session.made("*snapshot*.png", 1)
    session.press("space", "n", "space", "s")
    pictures = [load(path).rgb for path in session.made("*snapshot*.png", 2)]
    assert pictures[0].shape == (48, 64, 3)
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.02
    assert first.stat().st_size > 100
    session.press("space", "r")
    time.sleep(1.5)
    session.press("r")
    (recording,) = session.made("jaxnst_recording*.mp4", 1)
    times = read_times(recording)
    assert len(times) > 3
    assert 1 < times[-1] < 10
    started = time.monotonic()
    session.press("h", "v", "q")
    out, errors = session.process.communicate(timeout=5)
    assert time.monotonic() - started < 4  # pressing takes most of it
    assert session.process.returncode == 0, errors
    assert len(out.split()) == 3
    assert "Traceback" not in errors


@pytest.mark.slow
def test_the_close_button_ends_it(session: Session) -> None:
    press_close_button(session.environment["DISPLAY"], int(session.window))
    _, errors = session.process.communicate(timeout=5)
    assert session.process.returncode == 0, errors
