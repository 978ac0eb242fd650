"""The training loop: data, steps, checkpoints, and the progress that it yields.

`train` is a generator: a progress bar, the files of the run and a test hang on what it yields.
A run that counts steps and was stopped, by whatever means, goes on from its last checkpoint to the
very parameters that it would have had: state and stream of batches are restored together. One that
counts minutes goes on with the minutes that are left.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxnst.errors import JaxnstError
from jaxnst.io.files import one_line
from jaxnst.training.checkpoints import Restored
from jaxnst.training.options import LoopOptions
from jaxnst.training.step import Metrics, TrainState, replicate

_DEFAULTS = LoopOptions()

DIVERGENCE_FACTOR = 1000
"""A loss this many times the least so far has no way back."""

_CHECKPOINT_SECONDS = 60  # between the checkpoints of a run that counts minutes

Advance = Callable[[TrainState, Any, float], tuple[TrainState, Metrics]]
"""One call of the step: of the state, the data, and the part of the run that is done."""


class Feed(Protocol):
    """What gives the step its data; the state is that after what was taken last."""

    def __next__(self) -> Any: ...

    def get_state(self) -> dict[str, Any]: ...

    def set_state(self, state: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


class Keeper(Protocol):
    """Where states go: `Checkpoints`, as a rule."""

    def restore(self, like: TrainState) -> Restored | None: ...

    def save(
        self, state: TrainState, feed: dict[str, Any], loss: float, seconds: float
    ) -> None: ...

    def wait(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a run is."""

    step: int
    share: float
    """The part of the run that is done, from 0 to 1."""
    metrics: Mapping[str, float]
    """Means since the last report: the loss, its parts, the gradient's norm."""
    state: TrainState


class Budget:
    """How long a run goes on: a number of steps, or of minutes."""

    def __init__(
        self, steps: int, minutes: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Starts the clock; with `minutes` the steps do not count."""
        self._steps, self.minutes, self._clock = steps, minutes, clock
        self._started = clock()

    def resume(self, seconds: float) -> None:
        """Counts what the run had taken before this process."""
        self._started -= seconds

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return self._clock() - self._started

    def share(self, done: int) -> float:
        """The part of the run that is done after so many steps; all hosts get the same."""
        if not self.minutes:
            return done / self._steps
        share = min(1.0, self.seconds / (60 * self.minutes))
        if jax.process_count() > 1:
            share = float(multihost_utils.broadcast_one_to_all(np.float32(share)))
        return share

    def is_due(self, done: int, saved: tuple[int, float], every: int) -> bool:
        """Whether a checkpoint is due, given the steps and seconds of the last one."""
        if not self.minutes:
            return done // every > saved[0] // every
        return self.seconds - saved[1] >= _CHECKPOINT_SECONDS


def train(
    advance: Advance,
    state: TrainState,
    feed: Feed,
    checkpoints: Keeper,
    *,
    budget: Budget,
    steps_per_call: int = 1,
    options: LoopOptions = _DEFAULTS,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Trains until the budget is spent, from the last checkpoint if there is one.

    Args:
      advance: takes `steps_per_call` steps.
      state: where a new run starts.
      feed: data, with a state of their own.
      checkpoints: where they go; the last step's is always written.
      budget: steps or minutes in all.
      steps_per_call: a divisor of the steps in all and of the intervals in `options`.
      options: how often something is written or told.
      should_stop: asked after every call; when it says so, a checkpoint is written and the
        generator ends. Several hosts stop at the next report, if it says so on one of them.

    Yields:
      Progress every `report_every` steps, at checkpoints and at the end; first of all where the
      run starts, without metrics. It yields before saving, so that logs cover the checkpoint.

    Raises:
      JaxnstError: the loss is not finite or diverges, or a checkpoint cannot be written.
    """
    restored = checkpoints.restore(state)
    if restored is not None:
        state = restored.state
        feed.set_state(restored.feed)
        budget.resume(restored.seconds)
    state = replicate(state, jax.local_devices())
    done, pending, least = int(state.step), [], math.inf
    saved, share = (done, budget.seconds), budget.share(done)
    yield Progress(done, share, {}, state)
    while share < 1:
        state, metrics = advance(state, _next(feed), share)
        done += steps_per_call
        pending.append(metrics)
        is_report = done % options.report_every < steps_per_call
        share = budget.share(done)
        stopping = _agreed(should_stop(), is_report)
        is_last = share >= 1 or stopping
        is_kept = is_last or budget.is_due(done, saved, options.checkpoint_every)
        if not (is_report or is_kept):
            continue
        means = _means(pending)
        _check_losses(means, least, done, has_checkpoint=saved[0] > 0)
        least = min(least, means["loss"])
        pending = []
        yield Progress(done, share, means, state)
        if is_kept:
            checkpoints.save(state, feed.get_state(), means["loss"], budget.seconds)
            saved = done, budget.seconds
        if stopping:
            break
    checkpoints.wait()


def _next(feed: Feed) -> Any:
    """The next data."""
    try:
        return next(feed)
    except RuntimeError as error:  # Grain's, when one of its processes has been killed
        raise JaxnstError(
            f"no batch could be prepared ({one_line(error)}): the same command goes on from the "
            f"last checkpoint; if memory ran out, lower --workers"
        ) from error


def _agreed(stopping: bool, asked: bool) -> bool:
    """Whether to stop: several hosts agree on it whenever they are asked, to stop at one step."""
    if jax.process_count() == 1:
        return stopping
    return asked and bool(np.any(multihost_utils.process_allgather(np.array(stopping))))


def _means(pending: Sequence[Metrics]) -> dict[str, float]:
    """Of each metric, over calls; waits for them to be computed."""
    rows = jax.device_get(list(pending))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _check_losses(
    means: Mapping[str, float], least: float, step: int, *, has_checkpoint: bool
) -> None:
    """Raises JaxnstError if training has failed, naming the part and what may help."""
    hint = "lower --learning-rate, or set --clip"
    hint += "; the checkpoints before are whole" if has_checkpoint else ""
    for name, value in means.items():
        if not math.isfinite(value):
            raise JaxnstError(f"step {step}: {name} is {value}: {hint}")
    if means["loss"] > DIVERGENCE_FACTOR * least:
        raise JaxnstError(
            f"step {step}: the loss is {means['loss']:.4g}, after {least:.4g}: it diverges; {hint}"
        )
