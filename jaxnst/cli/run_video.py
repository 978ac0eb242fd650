"""Makes the video of a `stylize` command."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.style_source import StyleSource, blend_of
from jaxnst.cli.video_maker import VideoMaker
from jaxnst.errors import JaxnstError
from jaxnst.inference.look import Look
from jaxnst.inference.temporal import Smoothed
from jaxnst.inference.video import FrameWalk, paint_frames
from jaxnst.io.files import display_name
from jaxnst.io.resize import fit_long_side
from jaxnst.io.video_reader import Reader

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Stylize)}


class VideoPainter(VideoMaker[Stylize]):
    """Paints a video in one pass for each frame."""

    def __init__(
        self, command: Stylize, task: PictureTask, source: StyleSource, size: int | None
    ) -> None:
        """Takes what paints; `size` is the long side of the result, None the video's own.

        Raises:
          JaxnstError: an option is for pictures, or there is no such style or strength.
        """
        super().__init__(command, task)
        _check_options(command, source)
        self._source, self._size, self._look = source, size, _look(command, source.names(task))
        source.check(self._look)

    def provenance(self) -> dict[str, Any]:
        """The video, the styles and the options."""
        settings = self._source.provenance(self._command, self._task, self._size)
        settings["options"]["smooth"] = self._command.smooth
        return settings

    def size(self, reader: Reader) -> tuple[int, int]:
        """That of the video, unless another is asked for."""
        return fit_long_side(reader.size, self._size) if self._size else reader.size

    def walk(
        self, reader: Reader, first: int = 0, state: Mapping[str, np.ndarray] | None = None
    ) -> FrameWalk:
        """Paints the frames."""
        painter = self._source.painter(exact=True)
        before = Smoothed.from_arrays(state) if state and self._look.smooth else None
        start = 0 if self._look.smooth and before is None else first
        return paint_frames(
            reader, painter, self._look, self.size(reader), start, before,
            keep_alpha=self.is_animation,
        )  # fmt: skip


def _check_options(command: Stylize, source: StyleSource) -> None:
    """Raises JaxnstError for options that are for pictures, or that contradict one another."""
    for option in ("contact_sheet", "compare", "sidecar", "mask"):
        if getattr(command, option) != _DEFAULTS[option]:
            name = option.replace("_", "-")
            clip = display_name(command.content[0])
            raise JaxnstError(f"{clip}: is a video, and --{name} is for pictures: leave it out")
    if command.cluster and command.smooth and source.holds_strokes:
        raise JaxnstError(
            "--smooth holds the strokes of style pictures for as long as nothing moves, so that no "
            "segment can be made by itself: leave out --smooth or --cluster, or give trained styles"
        )


def _look(command: Stylize, names: Sequence[str]) -> Look:
    keep_colors, stroke = command.paint.keep_colors == "luma", command.stroke or None
    style = blend_of(command, names)
    return Look(style, command.strength, keep_colors, command.smooth, stroke=stroke)
