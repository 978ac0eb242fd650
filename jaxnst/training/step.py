"""One step of training on all devices: a pure function of state, data and progress.

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
from jaxnst.training.optimizer import gradient_norm

Params = Any
Batch = Mapping[str, Any]
Metrics = dict[str, jax.Array]
AXIS = "batch"

LearningRate = Callable[[jax.Array, jax.Array], jax.Array | float]
"""Of a step and of the part of the run that is done."""

Draw = Callable[[Any, jax.Array, jax.Array], Batch]
"""A device's share of the batch of a step: of what stays on the devices, the step, and the number
of the device."""

Step = Callable[["TrainState", Any, Any, float], tuple["TrainState", Metrics]]


class Objective(Protocol):
    """What is minimized."""

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
    task: Objective,
    tx: optax.GradientTransformation,
    rate: LearningRate,
    *,
    average: float = 0.0,
    draw: Draw | None = None,
    steps: int = 1,
    devices: Sequence[jax.Device] | None = None,
) -> Step:
    """A step, or several in one call, on all devices.

    Args:
      task: what is minimized.
      tx: the optimizer, at a learning rate of 1.
      rate: the learning rate.
      average: decay of the moving average of the parameters; 0: none.
      draw: makes each batch on the devices, from data that stays there; without it the data are
        the batch itself.
      steps: how many steps a call takes; more than one only with `draw`.
      devices: those of all hosts; all there are by default.

    Returns:
      A function (state, frozen, data, progress) -> (state, metrics). `frozen`, and what `draw`
      takes, should be replicated once, by `replicate`; a batch is arrays [devices of this host, N,
      ...]. The metrics are the parts of the loss, "loss", and "gradient_norm": means over the
      steps and over all devices of all hosts. It is compiled once for all frozen parts and data of
      the same shapes.
    """
    devices = list(devices or jax.devices())

    def step(
        state: TrainState, frozen: Any, data: Any, progress: jax.Array, device: jax.Array
    ) -> tuple[TrainState, Metrics]:
        batch = draw(data, state.step, device) if draw else data
        (loss, parts), gradients = jax.value_and_grad(task.loss, has_aux=True)(
            state.params, frozen, batch
        )
        gradients, loss, parts = jax.lax.pmean((gradients, loss, parts), AXIS)
        updates, opt_state = tx.update(gradients, state.opt_state, state.params)
        updates = optax.tree.scale(rate(state.step, progress), updates)
        params = optax.apply_updates(state.params, updates)
        averaged = (
            optax.incremental_update(params, state.average, 1 - average) if average else params
        )
        metrics = {**parts, "loss": loss, "gradient_norm": gradient_norm(gradients)}
        return TrainState(state.step + 1, params, opt_state, averaged), metrics

    def many(state: TrainState, *others: Any) -> tuple[TrainState, Metrics]:
        state, metrics = jax.lax.scan(lambda s, _: step(s, *others), state, length=steps)
        return state, jax.tree.map(lambda rows: jnp.mean(rows, 0), metrics)

    mapped = jax.pmap(
        step if steps == 1 else many, AXIS, in_axes=(None, None, None if draw else 0, None, 0),
        out_axes=(None, None), devices=devices,
    )  # fmt: skip
    here = [i for i, d in enumerate(devices) if d.process_index == jax.process_index()]
    return lambda state, frozen, data, progress: mapped(
        state, frozen, data, jnp.float32(progress), np.array(here, np.int32)
    )


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
    """Raises JaxnstError unless the batch is divisible by the number of devices."""
    if batch % devices:
        lower, upper = batch // devices * devices, -(-batch // devices) * devices
        fitting = f"{lower} or {upper}" if lower else str(upper)
        raise JaxnstError(
            f"batch {batch} is not divisible by {devices} devices: give --batch {fitting}"
        )
