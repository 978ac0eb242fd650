"""Checkpoints of a run by Orbax: written in the background, whole or not at all.

A checkpoint is the training state and, beside it, the state of the feed of data and the seconds
that the run has taken. The last few are kept, and the one with the least loss.
"""

from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import jax
from orbax.checkpoint import v1 as ocp

from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name, one_line
from jaxnst.training.step import TrainState

_FOLDER = "checkpoints"


class Restored(NamedTuple):
    """A checkpoint that was read."""

    state: TrainState
    feed: dict[str, Any]
    """State of what gives the data."""
    seconds: float
    """How long the run had taken."""


class Checkpoints:
    """The checkpoints in a work folder; use as a context manager, which waits for the last one."""

    def __init__(self, work: Path, *, keep: int = 2) -> None:
        """Opens the folder, and clears away what a killed run left half written."""
        policies = ocp.training.preservation_policies
        best = policies.BestN(get_metric_fn=lambda m: m["loss"], reverse=True, n=1)
        self._folder = work / _FOLDER
        self._checkpointer = ocp.training.Checkpointer(
            self._folder.absolute(),
            preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(keep), best]),
            cleanup_tmp_directories=True,
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self._checkpointer.close()
        except (OSError, ValueError) as failed:
            if error is None:
                raise self._unwritable(failed) from failed

    def save(self, state: TrainState, feed: dict[str, Any], loss: float, seconds: float) -> None:
        """Starts writing a checkpoint; waits only for the one before. All hosts call it at once.

        Raises:
          JaxnstError: the disk is full, or the folder cannot be written.
        """
        step = int(state.step)
        self.wait()  # or Orbax would leave this one out
        if self._latest() == step:
            return
        try:
            self._checkpointer.save_async(
                step,
                jax.device_get(state),
                force=True,
                metrics={"loss": loss},
                custom_metadata={"feed": feed, "seconds": seconds},
            )
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from error

    def wait(self) -> None:
        """Returns when all that was saved is on the disk."""
        try:
            self._checkpointer.wait()
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from error

    def restore(self, like: TrainState) -> Restored | None:
        """The last whole checkpoint, in the host's memory; None if there is none.

        Args:
          like: a state of the same structure and shapes.
        """
        step = self._latest()
        if step is None:
            return None
        try:
            state = self._checkpointer.load(step, jax.device_get(like))
            beside = self._checkpointer.metadata(step).custom_metadata
            return Restored(state, beside["feed"], beside["seconds"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JaxnstError(
                f"{display_name(self._folder / str(step))}: cannot be restored "
                f"({one_line(error)}); delete this checkpoint to go on from the one before"
            ) from error

    def _latest(self) -> int | None:
        latest = self._checkpointer.latest
        return None if latest is None else latest.step

    def _unwritable(self, error: Exception) -> JaxnstError:
        return JaxnstError(
            f"{display_name(self._folder)}: a checkpoint cannot be written ({one_line(error)}); "
            f"free some space; those before it are whole"
        )
