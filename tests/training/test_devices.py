"""One device, eight devices and two processes do the same training."""

import jax
import numpy as np
import optax
import pytest
from training_files import (
    make_batches,
    mean_color_task,
    run_steps,
    small_upscale_task,
    two_processes,
)

from jaxnst.training.step import create_train_state, make_train_step, replicate, share_out


def constant(step: jax.Array, progress: jax.Array) -> float:
    """A learning rate."""
    return 1.0


pytestmark = pytest.mark.usefixtures("optax_promotion")

PROCESS = """
import sys
import jax
import numpy as np
from training_files import run_steps

folder, port, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
jax.distributed.initialize(f"localhost:{port}", 2, number)
assert (jax.device_count(), jax.local_device_count()) == (2, 1)
for optimizer, (arrays,) in run_steps(None, number, 2).items():
    np.savez(f"{folder}/{optimizer}{number}.npz", **arrays)
"""


@pytest.fixture(scope="module")
def alone() -> dict[str, dict[str, np.ndarray]]:
    """What one device comes to, by optimizer."""
    with jax.numpy_dtype_promotion("standard"):
        return {name: found for name, (found,) in run_steps(jax.devices()[:1]).items()}


def worst(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray], optimizer: str) -> float:
    """The largest difference: relative to the largest of an array; of Adam's parameters as is."""
    assert found.keys() == wanted.keys()
    differences = []
    for name in wanted:
        absolute = optimizer == "adam" and "params" in name
        scale = 1 if absolute else np.abs(wanted[name]).max()
        differences.append(np.abs(found[name] - wanted[name]).max() / scale)
    return max(differences)


@pytest.mark.slow
def test_eight_devices_are_as_one(alone):
    for optimizer, shards in run_steps().items():
        assert len(shards) == 8
        for shard in shards:
            assert worst(shard, alone[optimizer], optimizer) < 1e-5


@pytest.mark.slow
def test_eight_devices_are_as_one_in_super_resolution():
    alone = run_steps(jax.devices()[:1], make_task=small_upscale_task)
    for optimizer, shards in run_steps(make_task=small_upscale_task).items():
        for shard in shards:
            assert worst(shard, alone[optimizer][0], optimizer) < 1e-5


@pytest.mark.slow
def test_two_processes_are_as_one(tmp_path, alone):
    for done in two_processes(PROCESS, tmp_path):
        assert done.returncode == 0, done.stderr
    for optimizer in ("sgd", "adam"):
        for number in (0, 1):
            found = dict(np.load(tmp_path / f"{optimizer}{number}.npz"))
            assert worst(found, alone[optimizer], optimizer) < 1e-5


def test_without_pmean_the_comparison_fails(monkeypatch):
    (alone,) = run_steps(jax.devices()[:1], make_task=mean_color_task)["sgd"]
    together = run_steps(make_task=mean_color_task)["sgd"]
    assert max(worst(shard, alone, "sgd") for shard in together) < 1e-5
    monkeypatch.setattr(jax.lax, "pmean", lambda tree, axis: tree)
    apart = run_steps(make_task=mean_color_task)["sgd"]
    assert min(worst(shard, alone, "sgd") for shard in apart) > 1e-3


def test_frozen_part_is_not_copied_again_at_each_step():
    task, frozen, params = mean_color_task()
    step = make_train_step(task, optax.sgd(0.1), constant)
    state = replicate(create_train_state(params, optax.sgd(0.1)), jax.devices())
    frozen = replicate(frozen, jax.devices())
    batches = [share_out(batch, 8) for batch in make_batches(2)]
    state, _ = step(state, frozen, batches[0], 0.0)
    with jax.transfer_guard_device_to_device("disallow"):
        state, _ = step(state, frozen, batches[1], 0.5)
    assert int(state.step) == 2


def test_steady_steps_are_traced_once(monkeypatch):
    task, frozen, params = mean_color_task()
    traces = []
    loss = task.loss
    monkeypatch.setattr(task, "loss", lambda *args: traces.append(args) or loss(*args))
    step = make_train_step(task, optax.sgd(0.1), constant)
    state = replicate(create_train_state(params, optax.sgd(0.1)), jax.devices())
    for number, batch in enumerate(make_batches(4)):
        other = jax.tree.map(lambda leaf, n=number: leaf + n, frozen)  # another style, say
        state, _ = step(state, replicate(other, jax.devices()), share_out(batch, 8), number / 4)
    assert len(traces) == 1
