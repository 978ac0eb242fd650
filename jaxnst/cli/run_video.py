"""Makes the video of a `stylize` command with a trained network."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.provenance import network_provenance
from jaxnst.cli.video_maker import VideoMaker
from jaxnst.errors import JaxnstError
from jaxnst.inference.realtime import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.temporal import Smoothed
from jaxnst.inference.video import MadeFrame, paint_frames
from jaxnst.io.files import display_name
from jaxnst.io.resize import fit_long_side
from jaxnst.io.video_reader import Reader
from jaxnst.networks.gallery import Gallery

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Stylize)}


class VideoPainter(VideoMaker[Stylize]):
    """Paints a video in a style of a gallery."""

    def __init__(
        self, command: Stylize, task: PictureTask, gallery: Gallery, size: int | None
    ) -> None:
        """Takes what paints; `size` is the long side of the result, None the video's own.

        Raises:
          JaxnstError: an option is for pictures, or there is no such style or strength.
        """
        super().__init__(command, task)
        _check_options(command)
        self._gallery, self._size, self._look = gallery, size, _look(command, task)
        gallery.params(self._look.style, self._look.strength)

    def provenance(self) -> dict[str, Any]:
        """The video, the networks and the options."""
        settings = network_provenance(self._command, self._task, self._gallery, self._size)
        settings["options"]["smooth"] = self._command.smooth
        return settings

    def size(self, reader: Reader) -> tuple[int, int]:
        """That of the video, unless another is asked for."""
        return fit_long_side(reader.size, self._size) if self._size else reader.size

    def frames(
        self, reader: Reader, first: int, state: Mapping[str, np.ndarray] | None
    ) -> Iterator[MadeFrame]:
        """The frames, painted."""
        stylizer = Stylizer(self._gallery, exact=True)
        before = Smoothed.from_arrays(state) if state and self._look.smooth else None
        return paint_frames(
            reader, stylizer, self._look, self.size(reader), first, before,
            keep_alpha=self.is_animation,
        )  # fmt: skip


def _check_options(command: Stylize) -> None:
    """Raises JaxnstError for options that are for pictures."""
    for option in ("contact_sheet", "compare", "sidecar", "mask"):
        if getattr(command, option) != _DEFAULTS[option]:
            name = option.replace("_", "-")
            clip = display_name(command.content[0])
            raise JaxnstError(f"{clip}: is a video, and --{name} is for pictures: leave it out")


def _look(command: Stylize, task: PictureTask) -> Look:
    weights = command.blend or (1.0,) * len(task.trained)
    style = dict(zip(task.trained, weights, strict=True))
    keep_colors = command.paint.keep_colors == "luma"
    return Look(style, command.strength, keep_colors, command.smooth, stroke=command.stroke or None)
