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
from jaxnst.training.config import LoopOptions
from jaxnst.training.loop import train
from jaxnst.training.step import create_train_state, make_train_step


class Stream:
    """The same batch again and again, which counts itself."""

    def __init__(self) -> None:
        self.taken, self._batch = 0, make_batches(1)[0]

    def __next__(self) -> dict[str, np.ndarray]:
        self.taken += 1
        return self._batch

    def get_state(self) -> dict:
        return {"taken": self.taken}

    def set_state(self, state: dict) -> None:
        self.taken = state["taken"]


def run(work, total: int, stream: Stream, rate: float = 0.1, **options) -> list:
    task, frozen, params = mean_color_task()
    tx = optax.sgd(rate)
    step, state = make_train_step(task, tx, frozen), create_train_state(params, tx)
    loop = LoopOptions(checkpoint_every=3, report_every=2)
    with Checkpoints(work) as checkpoints:
        return list(train(step, state, stream, checkpoints, total=total, options=loop, **options))


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
    message = "is (nan|inf)|it explodes"
    with pytest.raises(JaxnstError, match=rf"step \d+: .*({message}).*lower --learning-rate"):
        run(tmp_path, 300, Stream(), rate=rate)
    last = max(kept(tmp_path))
    with Checkpoints(tmp_path) as checkpoints:
        params = mean_color_task()[2]
        restored = checkpoints.restore(create_train_state(params, optax.sgd(0.1)))
    assert int(restored.state.step) == last
    assert np.isfinite(jax.device_get(restored.state.params["color"])).all()


def test_a_loss_that_grows_a_thousandfold_has_exploded(tmp_path):
    with pytest.raises(JaxnstError, match="it explodes"):
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
