"""The training loop: data, steps, checkpoints, and what is told of them on the way.

`train` is a generator: a progress bar, the files of the run and a test hang on what it yields.
A run that was stopped, by whatever means, goes on from its last checkpoint to the very parameters
that it would have had: state and stream of batches are restored together.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxnst.errors import JaxnstError
from jaxnst.io.files import one_line
from jaxnst.training.checkpoints import Checkpoints
from jaxnst.training.config import LoopOptions
from jaxnst.training.data import BatchIterator
from jaxnst.training.step import (
    Batch,
    Metrics,
    TrainState,
    replicate,
    share_out,
)

_DEFAULTS = LoopOptions()

EXPLODED = 1000
"""A loss this many times the least so far has no way back."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a run is."""

    step: int
    total: int
    metrics: Mapping[str, float]
    """Means since the last report: the loss, its parts, the gradient's norm."""
    state: TrainState


def train(
    step: Callable[[TrainState, Batch], tuple[TrainState, Metrics]],
    state: TrainState,
    stream: BatchIterator,
    checkpoints: Checkpoints,
    *,
    total: int,
    options: LoopOptions = _DEFAULTS,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Trains up to step `total`, from the last checkpoint if there is one.

    Args:
      step: from `make_train_step`.
      state: where a new run starts.
      stream: batches, with a state of their own.
      checkpoints: where they go; the last step's is always written.
      total: steps in all.
      options: how often something is written or told.
      should_stop: asked after every step; when it says so, a checkpoint is written and the
        generator ends. Several hosts stop at the next report, if it says so on one of them.

    Yields:
      Progress every `report_every` steps, at checkpoints and at the end; first of all where the
      run starts, without metrics.

    Raises:
      JaxnstError: the loss is not finite or explodes, or a checkpoint cannot be written.
    """
    restored = checkpoints.restore(state)
    if restored is not None:
        state = restored.state
        stream.set_state(restored.stream)
    state = replicate(state, jax.local_devices())
    done, pending, least = int(state.step), [], math.inf
    yield Progress(done, total, {}, state)
    while done < total:
        state, metrics = step(state, share_out(_next(stream), jax.local_device_count()))
        done += 1
        pending.append(metrics)
        stopping = _agreed(should_stop(), done % options.report_every == 0)
        is_last = done == total or stopping
        is_kept = done % options.checkpoint_every == 0 or is_last
        if not is_kept and done % options.report_every:
            continue
        means = _means(pending)
        _check_losses(means, least, done)
        least = min(least, means["loss"])
        pending = []
        # Told before it is kept, so that what is on record reaches at least to the checkpoint.
        yield Progress(done, total, means, state)
        if is_kept:
            checkpoints.save(state, stream.get_state(), means["loss"])
        if stopping:
            break
    checkpoints.wait()


def _next(stream: BatchIterator) -> Batch:
    """The next batch."""
    try:
        return next(stream)
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
    """Of each metric, over steps; waits for them to be computed."""
    rows = jax.device_get(list(pending))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _check_losses(means: Mapping[str, float], least: float, step: int) -> None:
    """Raises JaxnstError if training has failed, naming the part and what may help."""
    hint = "lower --learning-rate, or set --clip; the checkpoints before are whole"
    for name, value in means.items():
        if not math.isfinite(value):
            raise JaxnstError(f"step {step}: {name} is {value}: {hint}")
    if means["loss"] > EXPLODED * least:
        raise JaxnstError(
            f"step {step}: the loss is {means['loss']:.4g}, after {least:.4g}: it explodes; {hint}"
        )
