"""Output of `jaxnst live` (window, recordings, virtual camera) and its key presses."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.cli.live_keys import HELP, Controls
from jaxnst.cli.options import Live
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import save
from jaxnst.io.display import VirtualCamera, Window
from jaxnst.io.files import display_name
from jaxnst.io.video_writer import VideoWriter

_NOTICE_SECONDS = 3.0


class Stage:
    """Shows and records frames, and handles keys; use as a context manager."""

    def __init__(self, command: Live, controls: Controls, say: Callable[[str], None]) -> None:
        """Stores the options, the settings that keys change, and a function that prints a line."""
        self.size: tuple[int, int] | None = None
        """Height and width of the last painting."""
        self._command, self._controls, self._say = command, controls, say
        self._opened = ExitStack()
        self._window: Window | None = None
        self._camera: VirtualCamera | None = None
        self._recorder: VideoWriter | None = None
        self._recorded_from = 0.0
        self._picture: np.ndarray | None = None
        self._notice, self._notice_until = "", 0.0

    def __enter__(self) -> "Stage":
        with ExitStack() as opened:  # closes what is open already if the rest cannot be opened
            if not self._command.no_window:
                self._window = opened.enter_context(Window("jaxnst live"))
            if self._command.virtual_camera:
                self._camera = opened.enter_context(VirtualCamera(self._command.rate))
            opened.callback(self._stop_recording)
            if self._command.output is not None:
                self._record(self._command.output)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(*error)

    def show(self, shown: Any, line: str) -> None:
        """Shows and records a frame."""
        photo, painting = shown.photo, shown.painting
        if self._controls.mirror:
            photo, painting = photo[:, ::-1], painting[:, ::-1]
        if self.size is not None and self.size != painting.shape[:2]:
            self._say(f"now {painting.shape[1]}x{painting.shape[0]} pixels are painted")
        self.size = painting.shape[:2]
        self._picture = self._controls.picture(photo, painting)
        if self._recorder is not None:
            self._keep(self._recorder, self._picture, shown.time)
        if self._camera is not None:
            self._camera.send(self._picture)
        if self._window is not None:
            self._window.show(self._picture, [line, *self._texts()])

    def look_after(self) -> bool:
        """Handles key presses; returns whether to continue."""
        if self._window is None:
            return True
        key = self._window.key()
        if key in ("q", "escape") or not self._window.is_open:
            return False
        if key in ("s", "r"):
            try:
                (self._snapshot if key == "s" else self._toggle_recording)()
            except JaxnstError as error:  # it is no reason to stop painting
                self._warn(error)
        elif key == "f":
            self._window.toggle_full_screen()
        elif key:
            self._controls.press(key)
        return True

    def _texts(self) -> list[str]:
        texts = ["recording"] if self._recorder is not None else []
        if time.monotonic() < self._notice_until:
            texts.append(self._notice)
        if self._controls.help:
            texts += [*HELP, *(f"{i}  {n}" for i, n in enumerate(self._controls.styles[:9], 1))]
        return texts

    def _snapshot(self) -> None:
        if self._picture is None:
            return
        path = self._new_path("snapshot", ".png")
        save(path, self._picture.astype(np.float32) / 255)
        self._tell(path)

    def _toggle_recording(self) -> None:
        if self._recorder is not None:
            self._stop_recording()
        else:
            self._record(self._new_path("recording", ".mp4"))

    def _keep(self, recorder: VideoWriter, picture: np.ndarray, seconds: float) -> None:
        """Records a frame. A failure ends the recording, and with --output the whole command."""
        self._recorded_from = self._recorded_from or seconds
        try:
            recorder.write(picture, seconds - self._recorded_from)
        except JaxnstError as error:
            self._recorder = None
            if recorder.path == self._command.output:
                raise
            self._warn(error)

    def _record(self, path: Path) -> None:
        self._recorder, self._recorded_from = VideoWriter(path), 0.0

    def _stop_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None and recorder.close():
            self._tell(recorder.path)

    def _warn(self, error: JaxnstError) -> None:
        """Reports an error on stderr and in the window."""
        self._notice, self._notice_until = str(error), time.monotonic() + _NOTICE_SECONDS
        self._say(str(error))

    def _tell(self, path: Path) -> None:
        """Prints the path of a file that was written."""
        print(display_name(path), flush=True)
        self._notice, self._notice_until = path.name, time.monotonic() + _NOTICE_SECONDS

    def _new_path(self, noun: str, suffix: str) -> Path:
        stamp = time.strftime("%Y%m%d_%H%M%S")
        for number in range(1000):
            path = self._command.folder / f"jaxnst_{noun}_{stamp}{number or ''}{suffix}"
            if not path.exists():
                return path
        raise JaxnstError(f"{display_name(self._command.folder)}: is full of {noun}s")
