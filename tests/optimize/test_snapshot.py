"""Snapshots: read back to the bit, and refused when they are not what they should be."""

from contextlib import suppress

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnst.errors import JaxnstError
from jaxnst.optimize.projected_adam import ProjectedAdam
from jaxnst.optimize.projected_lbfgs import ProjectedLbfgs
from jaxnst.optimize.run import RunState
from jaxnst.optimize.snapshot import load_snapshot, save_snapshot


def evaluate(image):
    """A parabola."""
    loss = jnp.sum(jnp.square(image - 0.3))
    return (loss, {"style": loss, "style/relu1_1": loss}), 2 * (image - 0.3)


def some_state(
    kind: str, steps: int, *, average: bool = False, matched: jax.Array | None = None
) -> RunState:
    image = jnp.asarray(np.random.default_rng(0).random((5, 6, 3)), jnp.float32)
    optimizer = ProjectedAdam(0.1) if kind == "adam" else ProjectedLbfgs(3)
    state = optimizer.init(evaluate, image)
    for _ in range(steps):
        state = optimizer.step(evaluate, state)
    return RunState(1, steps + 1, state, image[::-1] if average else None, matched)


@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
@pytest.mark.parametrize("steps", [0, 2, 5])
@pytest.mark.parametrize("average", [False, True])
def test_read_back_is_the_same(tmp_path, optax_promotion, kind, steps, average):
    matched = jnp.ones((5, 6, 3)) if steps == 2 else None
    state = some_state(kind, steps, average=average, matched=matched)
    save_snapshot(tmp_path / "s", state, "job")
    back = load_snapshot(tmp_path / "s", "job")
    assert jax.tree.structure(back) == jax.tree.structure(state)
    for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.asarray(one).dtype == np.asarray(other).dtype


def test_another_job_is_refused(tmp_path):
    save_snapshot(tmp_path / "s", some_state("lbfgs", 1), "one")
    with pytest.raises(JaxnstError, match="is the snapshot of another job"):
        load_snapshot(tmp_path / "s", "two")


@pytest.mark.parametrize(
    ("metadata", "arrays"),
    [
        (None, {}),
        ({"jaxnst": "{"}, {}),
        ({"jaxnst": "3"}, {}),
        ({"jaxnst": '{"job": "job"}'}, {}),
        ({"jaxnst": '{"job": "job", "history": "x"}'}, {"image": 0, "gradient": 0}),
        ({"jaxnst": '{"job": "job", "history": 2}'}, {"image": 0, "gradient": 0}),
        ({"jaxnst": '{"job": "job"}'}, {"image": 0, "gradient": 0}),
    ],
)
def test_other_files_of_this_format_are_refused(tmp_path, metadata, arrays):
    data = {name: np.zeros((2, 2, 3), np.float32) for name in arrays}
    safetensors.numpy.save_file(data, tmp_path / "s", metadata)
    with pytest.raises(JaxnstError, match="not a snapshot that can be read"):
        load_snapshot(tmp_path / "s", "job")


def test_no_file(tmp_path):
    with pytest.raises(JaxnstError, match="not a snapshot that can be read"):
        load_snapshot(tmp_path / "none", "job")


@given(st.data())
@settings(deadline=None, derandomize=True)
def test_damaged_files_are_refused_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("snapshot") / "s"
    save_snapshot(path, some_state("lbfgs", 1), "job")
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with suppress(JaxnstError):  # and nothing else
        load_snapshot(path, "job")
