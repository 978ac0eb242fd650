"""The loop and its checkpoints: what is kept, what is picked up, and what ends a run."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
import optax
import pytest
from training_files import make_batches, mean_color_task

from jaxnst.errors import JaxnstError
from jaxnst.training.checkpoints import Checkpoints
from jaxnst.training.loop import Budget, train
from jaxnst.training.options import LoopOptions
from jaxnst.training.step import create_train_state, make_train_step, replicate, share_out


class Stream:
    """The same batch again and again, which counts itself."""

    def __init__(self) -> None:
        self.taken, self.here, self._batch = 0, 0, make_batches(1)[0]

    def __next__(self) -> dict[str, np.ndarray]:
        self.taken += 1
        self.here += 1  # in this process
        return self._batch

    def get_state(self) -> dict:
        return {"taken": self.taken}

    def set_state(self, state: dict) -> None:
        self.taken = state["taken"]

    def close(self) -> None:
        """Nothing is open."""


def run(work, total: int | Budget, stream: Stream, rate: float = 0.1, **options) -> list:
    task, frozen, params = mean_color_task()
    tx = optax.sgd(1.0)
    step = make_train_step(task, tx, lambda step, share: rate)
    frozen, state = replicate(frozen, jax.devices()), create_train_state(params, tx)

    def advance(state, batch, share):
        return step(state, frozen, share_out(batch, jax.device_count()), share)

    options.setdefault("options", LoopOptions(checkpoint_every=3, report_every=2))
    budget = total if isinstance(total, Budget) else Budget(total)
    with Checkpoints(work) as checkpoints:
        return list(train(advance, state, stream, checkpoints, budget=budget, **options))


def kept(work) -> list[int]:
    """Steps of the whole checkpoints."""
    names = [path.name for path in (work / "checkpoints").iterdir()]
    return sorted(int(name) for name in names if name.isdigit())


def test_reports_and_checkpoints(tmp_path):
    reports = run(tmp_path, 10, Stream())
    assert [progress.step for progress in reports] == [0, 2, 3, 4, 6, 8, 9, 10]
    assert set(reports[-1].metrics) == {"color", "loss", "gradient_norm"}
    assert kept(tmp_path) == [9, 10]


def test_stopped_and_continued(tmp_path):
    whole = run(tmp_path / "whole", 7, Stream())[-1]
    stream = Stream()
    assert run(tmp_path / "parts", 7, stream, should_stop=lambda: stream.taken == 4)[-1].step == 4
    again = Stream()
    reports = run(tmp_path / "parts", 7, again)
    assert (reports[0].step, again.taken) == (4, 7)
    assert np.array_equal(reports[-1].state.params["color"], whole.state.params["color"])


def test_checkpoint_cut_short_is_not_picked_up(tmp_path):
    run(tmp_path, 6, Stream())
    folder = tmp_path / "checkpoints"
    shutil.copytree(folder / "6", folder / "9.orbax-checkpoint-tmp")
    assert run(tmp_path, 6, Stream())[0].step == 6
    assert kept(tmp_path) == [3, 6]


@pytest.mark.parametrize("rate", [1e20, 1e3])
def test_failed_training_ends_with_the_step_and_the_part(tmp_path, rate):
    run(tmp_path, 3, Stream())
    message = "is (nan|inf)|it diverges"
    with pytest.raises(JaxnstError, match=rf"step \d+: .*({message}).*lower --learning-rate"):
        run(tmp_path, 300, Stream(), rate=rate)
    last = max(kept(tmp_path))
    with Checkpoints(tmp_path) as checkpoints:
        params = mean_color_task()[2]
        restored = checkpoints.restore(create_train_state(params, optax.sgd(0.1)))
    assert int(restored.state.step) == last
    assert np.isfinite(jax.device_get(restored.state.params["color"])).all()


def test_a_loss_that_grows_a_thousandfold_has_exploded(tmp_path):
    with pytest.raises(JaxnstError, match="it diverges"):
        run(tmp_path, 6, Stream(), rate=6)  # nine times as large with every step


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow beyond 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# Orbax closes its event loop while TensorStore still reports to it that the disk is full.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_ends_a_run_which_goes_on_when_there_is_space(tmp_path):
    whole = run(tmp_path / "whole", 7, Stream())[-1]
    work = tmp_path / "work"
    run(work, 3, Stream())
    with full_disk(), pytest.raises(JaxnstError, match=r"checkpoint cannot be written .*space"):
        run(work, 7, Stream())
    assert kept(work) == [3]
    assert np.array_equal(
        run(work, 7, Stream())[-1].state.params["color"], whole.state.params["color"]
    )


class Clock:
    """Seconds that pass as a test says."""

    def __init__(self, per_batch: float, stream: Stream) -> None:
        self._per_batch, self._stream = per_batch, stream

    def __call__(self) -> float:
        return self._per_batch * self._stream.here


def test_a_run_of_minutes_ends_by_the_clock_with_a_checkpoint_every_minute(tmp_path):
    stream = Stream()
    budget = Budget(10**9, minutes=3, clock=Clock(20.0, stream))
    reports = run(tmp_path, budget, stream, options=LoopOptions(report_every=100))
    assert [(p.step, round(p.share, 3)) for p in reports] == [
        (0, 0), (3, 0.333), (6, 0.667), (9, 1),
    ]  # fmt: skip
    assert kept(tmp_path) == [6, 9]


def test_a_run_of_minutes_that_was_stopped_goes_on_with_those_that_are_left(tmp_path):
    for stop_after, steps in ((5, [0, 3, 5]), (99, [5, 8, 9])):
        stream = Stream()
        budget = Budget(10**9, minutes=3, clock=Clock(20.0, stream))
        stop = lambda stream=stream, after=stop_after: stream.taken == after  # noqa: E731
        reports = run(
            tmp_path, budget, stream, options=LoopOptions(report_every=100), should_stop=stop
        )
        assert [progress.step for progress in reports] == steps


def test_a_first_failure_promises_no_checkpoint(tmp_path):
    with pytest.raises(JaxnstError) as caught:
        run(tmp_path, 300, Stream(), rate=1e20)
    assert "checkpoints before" not in str(caught.value)
