"""Makes the video of an `upscale` command."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxnst.cli.options import Upscale
from jaxnst.cli.plan import PictureTask
from jaxnst.cli.provenance import upscale_provenance
from jaxnst.cli.video_maker import VideoMaker
from jaxnst.inference.upscaler import Upscaler
from jaxnst.inference.video import FrameWalk, enlarge_frames
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

    def __reduce__(self) -> Any:
        return _video_enlarger_again, (self._command, self._task, self._name)

    def provenance(self) -> dict[str, Any]:
        """The video, the model and the options."""
        return upscale_provenance(self._command, self._task, self._upscaler.model.card, self._name)

    def size(self, reader: Reader) -> tuple[int, int]:
        """So many times that of the video."""
        height, width = reader.size
        return self._upscaler.scale * height, self._upscaler.scale * width

    def walk(
        self, reader: Reader, first: int = 0, state: Mapping[str, np.ndarray] | None = None
    ) -> FrameWalk:
        """Enlarges the frames."""
        del state  # no frame depends on another
        return enlarge_frames(
            reader, self._upscaler, first,
            match_histogram=self._command.match_histogram, keep_alpha=self.is_animation,
        )  # fmt: skip


def _video_enlarger_again(command: Upscale, task: PictureTask, name: str) -> VideoEnlarger:
    """What enlarges the video of a command, in another process."""
    return VideoEnlarger(command, task, Upscaler(name), name)
