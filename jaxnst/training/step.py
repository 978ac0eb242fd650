"""One step of training on all devices: a pure function of state and batch.

The step is mapped over the devices by `jax.pmap`: each has the whole state and its share of the
batch, and the gradients are averaged by `lax.pmean`, so that one device and many give the same
numbers. It is written once for all tasks (`Task`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

from jaxnst.errors import JaxnstError

Params = Any
Batch = Mapping[str, Any]
Metrics = dict[str, jax.Array]
AXIS = "batch"


class Task(Protocol):
    """What is trained."""

    def loss(self, params: Params, frozen: Any, batch: Batch) -> tuple[jax.Array, Metrics]:
        """Mean loss of a batch and its parts, which add up to it.

        Args:
          params: what is trained.
          frozen: what is needed and not trained, such as VGG.
          batch: arrays [N, ...]; what is random is drawn from its seeds.
        """


class TrainState(NamedTuple):
    """Everything the next step depends on, apart from the batch."""

    step: jax.Array
    params: Params
    opt_state: optax.OptState
    average: Params
    """Moving average of the parameters; the same as they are where none is kept."""


def create_train_state(params: Params, tx: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    return TrainState(jnp.zeros((), jnp.int32), params, tx.init(params), params)


def make_train_step(
    task: Task,
    tx: optax.GradientTransformation,
    frozen: Any,
    *,
    average: float = 0.0,
    devices: Sequence[jax.Device] | None = None,
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """The step on all devices: (state, batch) -> (state, metrics).

    Args:
      task: what is trained.
      tx: the optimiser.
      frozen: the task's frozen part; it is copied to all devices here.
      average: decay of the moving average of the parameters; 0: none.
      devices: those of all hosts; all there are by default.

    Returns:
      A function of a state and a batch of arrays [devices of this host, N, ...]. The metrics are
      the parts of the loss, "loss", and "gradient_norm", averaged over all devices of all hosts.
    """
    devices = list(devices or jax.devices())
    frozen = replicate(frozen, [d for d in devices if d.process_index == jax.process_index()])

    def step(state: TrainState, frozen: Any, batch: Batch) -> tuple[TrainState, Metrics]:
        (loss, parts), gradients = jax.value_and_grad(task.loss, has_aux=True)(
            state.params, frozen, batch
        )
        gradients, loss, parts = jax.lax.pmean((gradients, loss, parts), AXIS)
        updates, opt_state = tx.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        averaged = (
            optax.incremental_update(params, state.average, 1 - average) if average else params
        )
        metrics = {**parts, "loss": loss, "gradient_norm": optax.tree.norm(gradients)}
        return TrainState(state.step + 1, params, opt_state, averaged), metrics

    mapped = jax.pmap(step, AXIS, in_axes=(None, None, 0), out_axes=(None, None), devices=devices)
    return lambda state, batch: mapped(state, frozen, batch)


def replicate(tree: Any, devices: Sequence[jax.Device]) -> Any:
    """Arrays of which each device has a copy."""
    mesh = jax.sharding.Mesh(np.array(devices), (AXIS,))
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def share_out(batch: Batch, devices: int) -> Batch:
    """Arrays [N, ...] as [devices, N / devices, ...]."""
    return {
        name: np.reshape(array, (devices, -1, *np.shape(array)[1:]))
        for name, array in batch.items()
    }


def check_batch(batch: int, devices: int) -> None:
    """Raises JaxnstError unless every device gets as many samples of a batch."""
    if batch % devices:
        lower, upper = batch // devices * devices, -(-batch // devices) * devices
        fitting = f"{lower} or {upper}" if lower else str(upper)
        raise JaxnstError(
            f"batch {batch} does not divide by {devices} devices: give --batch {fitting}"
        )
