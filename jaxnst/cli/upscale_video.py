"""Makes the video of an `upscale` command."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jaxnst.cli.options import Upscale
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.provenance import upscale_provenance
from jaxnst.cli.video_maker import VideoMaker
from jaxnst.inference.upscaler import Upscaler
from jaxnst.inference.video import MadeFrame, enlarge_frames
from jaxnst.io.codec import MAX_PIXELS
from jaxnst.io.video_reader import Reader


class VideoEnlarger(VideoMaker[Upscale]):
    """Enlarges a video with one model."""

    min_side = 1

    def __init__(self, command: Upscale, task: PictureTask, upscaler: Upscaler, name: str) -> None:
        """Takes what enlarges, and the name or file of its model."""
        super().__init__(command, task)
        self._upscaler, self._name = upscaler, name
        self.max_pixels = MAX_PIXELS // upscaler.scale**2

    def provenance(self) -> dict[str, Any]:
        """The video, the model and the options."""
        return upscale_provenance(self._command, self._task, self._upscaler.model.card, self._name)

    def size(self, reader: Reader) -> tuple[int, int]:
        """So many times that of the video."""
        height, width = reader.size
        return self._upscaler.scale * height, self._upscaler.scale * width

    def frames(
        self, reader: Reader, first: int, state: Mapping[str, np.ndarray] | None
    ) -> Iterator[MadeFrame]:
        """The frames, enlarged."""
        del state  # no frame depends on another
        return enlarge_frames(
            reader, self._upscaler, first,
            match_histogram=self._command.match_histogram, keep_alpha=self.is_animation,
        )  # fmt: skip
