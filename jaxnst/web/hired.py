"""The page's jobs, done by the workers of a cluster."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from jaxnst.io.codec import Picture
from jaxnst.networks.gallery import Weights
from jaxnst.optimize.job import Job
from jaxnst.optimize.presets import PaintOptions
from jaxnst.web.workshop import OwnWorkshop, Run

KINDS = ("painting", "optimizing", "live")
"""Of jobs: a worker does one of each at a time, so that none waits for those that take minutes."""


class Order(NamedTuple):
    """What a worker is asked for: a method of `HiredHand`, and what it is given."""

    name: str
    arguments: tuple[Any, ...]


class Workers(Protocol):
    """What hands orders to workers."""

    size: int
    """How many workers there are, if all are ready."""

    def do(self, kind: str, order: Order, *, meanwhile: Callable[[], None] = ...) -> Any:
        """What a worker answers; others are asked if it is lost. `meanwhile` is called every
        second or so, and what it raises ends the waiting."""

    def hold(self, kind: str) -> AbstractContextManager[Callable[[Order], Any]]:
        """What asks one and the same worker, within the block.

        Raises:
          JaxnstError: the worker is lost.
        """


class HiredHand(OwnWorkshop):
    """Does the page's jobs where a worker is. It is pickled as the name of a model."""

    kinds = KINDS
    at_once = len(KINDS)

    def __init__(self, model: str) -> None:
        """Takes the network that paints, by name or file, and loads nothing yet."""
        self._model, self._runs = model, dict[str, Run]()

    def __reduce__(self) -> Any:
        return HiredHand, (self._model,)

    def prepare(self) -> None:
        """Loads the network."""
        super().__init__(self._model)

    def made(self, order: Order) -> Any:
        """What the order is for."""
        return getattr(self, order.name)(*order.arguments)

    def enlarge_unseen(self, name: str, picture: Picture, match_histogram: bool) -> Picture:
        """An enlarged picture; nobody is told how far it is."""
        return self.enlarge(name, picture, match_histogram, lambda _: None)

    def begin(self, run: str, job: Job, options: PaintOptions) -> None:
        """Begins a run, under a name."""
        self._runs[run] = self.optimize(job, options)

    def go_on(self, run: str) -> Any:
        """The next glimpse of a run; None behind the last one."""
        return next(self._runs[run], None)

    def end(self, run: str) -> None:
        """Ends a run, wherever it is."""
        self._runs.pop(run).close()


Hire = Callable[[HiredHand], Workers]
"""Starts workers that all have such a hand."""


class HiredWorkshop:
    """Has workers do jobs; see `workshop.Workshop`."""

    def __init__(self, workers: Workers) -> None:
        """Takes the workers."""
        self._workers, self.size = workers, workers.size

    def paint(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """See `Workshop`."""
        return self._do("painting", "paint", photo, look, strength, keep_colors, size)

    def paint_like(
        self, painting: Picture, photo: np.ndarray, strength: float, keep_colors: bool, size: int
    ) -> np.ndarray:
        """See `Workshop`."""
        return self._do("painting", "paint_like", painting, photo, strength, keep_colors, size)

    def preview(
        self, photo: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """See `Workshop`."""
        return self._do("painting", "preview", photo, look, strength, keep_colors)

    def paint_frame(
        self, frame: np.ndarray, look: Weights, strength: float, keep_colors: bool
    ) -> np.ndarray:
        """See `Workshop`."""
        return self._do("live", "paint_frame", frame, look, strength, keep_colors)

    def enlarge(
        self, name: str, picture: Picture, match_histogram: bool, progress: Callable[[float], None]
    ) -> Picture:
        """See `Workshop`; no more is told of the progress than that there is one."""
        order = Order("enlarge_unseen", (name, picture, match_histogram))
        return self._workers.do("painting", order, meanwhile=partial(progress, 0.0))

    def optimize(self, job: Job, options: PaintOptions) -> Run:
        """See `Workshop`."""
        run = secrets.token_hex(8)
        with self._workers.hold("optimizing") as ask:
            ask(Order("begin", (run, job, options)))
            try:
                while (glimpse := ask(Order("go_on", (run,)))) is not None:
                    yield glimpse
            finally:
                ask(Order("end", (run,)))

    def _do(self, kind: str, name: str, *arguments: Any) -> Any:
        return self._workers.do(kind, Order(name, arguments))
