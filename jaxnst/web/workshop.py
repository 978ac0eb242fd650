"""Where the page's jobs are done: with networks that are loaded and compiled once in a process."""

import threading
import time
from collections.abc import Callable, Generator
from functools import cache, cached_property
from typing import NamedTuple, Protocol

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.inference.any_style import AnyStylizer
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler, enlarge_picture
from jaxnst.io.codec import Picture
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.gallery import Gallery, Weights
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.pixels import to_uint8
from jaxnst.optimize import run as optimize
from jaxnst.optimize.job import Job
from jaxnst.optimize.loss_table import LossRow, loss_row
from jaxnst.optimize.objective import loss_and_gradient
from jaxnst.optimize.presets import PaintOptions
from jaxnst.optimize.run import Progress
from jaxnst.optimize.stylize import finish
from jaxnst.optimize.time_left import TimeLeft
from jaxnst.perceptual import vgg, vgg_layers
from jaxnst.perceptual.weights import load_vgg

_EVERY = 1.0  # seconds between glimpses of a run
_PREVIEW = 320  # pixels, of the square on which previews are painted
_SIZES = 20  # of optimized pictures, for which functions are kept


class Glimpse(NamedTuple):
    """How far a run is that optimizes a picture."""

    iteration: int
    total: int
    rows: tuple[LossRow, ...]
    """The losses since the glimpse before."""
    done: float
    """Share of the work, 0 to 1."""
    left: float | None
    """Seconds; None as long as nothing can be said."""
    image: np.ndarray
    """The picture so far, [H, W, 3] in [0, 1], from which another run can go on."""
    finished: np.ndarray
    """The same as it is shown."""


Run = Generator[Glimpse, None, None]


class Workshop(Protocol):
    """What does jobs."""

    size: int
    """How many jobs of a kind it does at a time."""

    def paint(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """A photo [H, W, 3], uint8, painted with its longer side at `size`."""

    def paint_like(
        self, painting: Picture, photo: np.ndarray, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """A photo [H, W, 3], uint8, in the style of a painting, with its longer side at `size`."""

    def preview(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """A small painting of a photo [H, W, 3], uint8.

        It is painted on a square, whatever its shape, so that nothing is compiled for it.
        """

    def paint_frame(
        self, frame: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """A webcam's frame [H, W, 3], uint8, painted; there are few sizes, compiled as they are."""

    def enlarge(
        self, name: str, picture: Picture, match_histogram: bool, progress: Callable[[float], None]
    ) -> Picture:
        """A picture enlarged by the network of a name; progress is told in shares, now and then."""

    def optimize(self, job: Job, options: PaintOptions) -> Run:
        """Optimizes a picture: a glimpse after the first step, every second or so, and in the end.

        Raises:
          JaxnstError: there is no such net, or the job cannot be done.
        """


class OwnWorkshop:
    """Does jobs in this process."""

    size = 1

    def __init__(self, model: Gallery | str) -> None:
        """Takes the network that paints, or loads it.

        Raises:
          JaxnstError: there is no such model, or it does not paint.
        """
        self._stylizer = Stylizer(model)
        self._optimized: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

    def paint(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """See `Workshop`."""
        return self._stylizer(
            photo, look, strength=strength, keep_colors=keep_colors, size=size, stroke=1.0
        )

    def paint_like(
        self, painting: Picture, photo: np.ndarray, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """See `Workshop`."""
        with self._lock:
            stylizer = _any_stylizer()
        return stylizer(
            photo, painting.as_uint8(), strength=strength, keep_colors=keep_colors, size=size
        )

    def preview(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """See `Workshop`."""
        height, width = fit_long_side(photo.shape[:2], _PREVIEW, 1)
        small = resize(photo.astype(np.float32) / 255, (height, width))
        margins = (0, _PREVIEW - height), (0, _PREVIEW - width), (0, 0)
        square = np.pad(small, margins, mode="reflect")
        painted = self._stylizer(to_uint8(square), look, strength=strength)
        if keep_colors:
            painted = to_uint8(np.asarray(transfer_luma(painted.astype(np.float32) / 255, square)))
        return painted[:height, :width]

    def paint_frame(
        self, frame: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """See `Workshop`."""
        return self._frame_stylizer(frame, look, strength=strength, keep_colors=keep_colors)

    @cached_property
    def _frame_stylizer(self) -> Stylizer:
        """Made ready for the first frame, not when the server starts."""
        return Stylizer(self._stylizer.gallery, exact=True)

    def enlarge(
        self, name: str, picture: Picture, match_histogram: bool, progress: Callable[[float], None]
    ) -> Picture:
        """See `Workshop`."""
        with self._lock:
            upscaler = _upscaler(name)
        return enlarge_picture(
            upscaler, picture, match_histogram=match_histogram, progress=progress
        )

    def optimize(self, job: Job, options: PaintOptions) -> Run:
        """See `Workshop`."""
        if options.net not in vgg_layers.NETS:
            nets = ", ".join(vgg_layers.NETS)
            raise JaxnstError(f"net {options.net!r} is unknown: choose {nets}")
        self._note_size(job.size)
        with self._lock:
            params = _vgg(options.net)
        left, rows, shown = TimeLeft(job), list[LossRow](), 0.0
        progress: Progress | None = None
        for progress in optimize.run(params, job):
            left.update(progress.state)
            rows.append(loss_row(progress))
            if time.monotonic() - shown >= _EVERY:
                shown = time.monotonic()
                yield _glimpse(progress, rows, job, options, left.seconds)
                rows.clear()
        if progress is not None and rows:
            yield _glimpse(progress, rows, job, options, left.seconds)

    def _note_size(self, size: tuple[int, int]) -> None:
        """Forgets the losses that were compiled when pictures of too many sizes were optimized:
        each takes one of its own, for as long as the program runs."""
        with self._lock:
            self._optimized.add(size)
            if len(self._optimized) > _SIZES:
                self._optimized = {size}
                loss_and_gradient.clear_cache()  # type: ignore[attr-defined]


def _glimpse(
    progress: Progress, rows: list[LossRow], job: Job, options: PaintOptions, left: float | None
) -> Glimpse:
    done = optimize.work_done(job, progress.state)
    image = np.asarray(progress.image)
    finished = finish(image, job, options)
    return Glimpse(progress.iteration, progress.total, tuple(rows), done, left, image, finished)


@cache
def _upscaler(name: str) -> Upscaler:
    return Upscaler(name)


@cache
def _any_stylizer() -> AnyStylizer:
    return AnyStylizer()


@cache
def _vgg(net: str) -> vgg.Params:
    return load_vgg(net)
