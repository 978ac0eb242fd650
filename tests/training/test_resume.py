"""A run that is killed, or asked to stop, ends with the very bits of one that was not."""

import csv
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp
from training_files import free_port, start_training, write_run, write_upscale_run

from jaxnst.networks.model_file import load_model

STEPS = 40
OFTEN = ("--checkpoint-every", "3", "--report-every", "2", "--grid-every", "0")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[list, Path, list]:
    """The words of a command, a folder, and the last state of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("run")
    words = [*write_run(folder, STEPS), *OFTEN]
    process = start_training([*words, "--work", folder / "whole"], folder / "cache")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert [row["step"] for row in table(folder / "whole")] == reports()
    assert load_model(folder / "whole" / "model.safetensors").name == "blots"
    return words, folder, last_state(folder / "whole")


def last_state(work: Path) -> list[tuple[str, bytes]]:
    """Every array of the last checkpoint: parameters, their average, the optimizer's state."""
    with ocp.training.Checkpointer((work / "checkpoints").absolute()) as checkpointer:
        assert checkpointer.latest.step == STEPS
        state = checkpointer.load()
    leaves = jax.tree_util.tree_leaves_with_path(state)
    assert len(leaves) > 20
    return [(jax.tree_util.keystr(path), np.asarray(leaf).tobytes()) for path, leaf in leaves]


def reports() -> list[float]:
    return [step for step in range(1, STEPS + 1) if step % 2 == 0 or step % 3 == 0]


def table(work: Path) -> list[dict[str, float]]:
    with (work / "metrics.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def checkpoints(work: Path) -> list[int]:
    """Steps of which there are whole checkpoints."""
    found = (work / "checkpoints").glob("*") if (work / "checkpoints").is_dir() else []
    return sorted(int(path.name) for path in found if path.name.isdigit())


def run_until(process: subprocess.Popen, work: Path, step: int) -> None:
    """Returns when a checkpoint of at least this step is there."""
    while max(checkpoints(work), default=0) < step:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


def killed_and_finished(run: tuple, work: Path, kills: int) -> None:
    words, folder, whole = run
    command = [*words, "--work", work]
    rng = random.Random()
    for _ in range(kills):
        process = start_training(command, folder / "cache")
        here = max(checkpoints(work), default=0)
        run_until(process, work, min(here + 1, STEPS - 6))
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate(timeout=30)  # with all that it has started
    process = start_training(command, folder / "cache")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert last_state(work) == whole
    assert [row["step"] for row in table(work)] == reports()


@pytest.mark.slow
def test_killed_twice(run, tmp_path):
    killed_and_finished(run, tmp_path / "work", 2)


@pytest.mark.slow
def test_killed_twenty_times(run, tmp_path):
    killed_and_finished(run, tmp_path / "work", 20)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_with_processes_that_prepare_batches(run, tmp_path, workers):
    words, *rest = run
    killed_and_finished(([*words, "--workers", workers], *rest), tmp_path / "work", 1)


def start_both(run: tuple, work: Path) -> list[subprocess.Popen]:
    """Starts a run in two processes."""
    words, folder, _ = run
    together = ["--coordinator", f"localhost:{free_port()}", "--processes", "2"]
    command = [*words, *together, "--work", work, "--process"]
    return [start_training([*command, str(number)], folder / "cache") for number in (0, 1)]


def finish(processes: list[subprocess.Popen], status: int = 0) -> list[str]:
    """What processes said that have ended with a status."""
    told = []
    for process in processes:
        told.append(process.communicate(timeout=300)[1])
        assert process.returncode == status, told
    return told


@pytest.mark.slow
def test_two_processes_are_killed_and_go_on(run, tmp_path):
    finish(start_both(run, tmp_path / "whole"))
    processes = start_both(run, tmp_path / "killed")
    run_until(processes[0], tmp_path / "killed", 6)
    for process in processes:
        process.kill()
        process.communicate()
    finish(start_both(run, tmp_path / "killed"))
    assert last_state(tmp_path / "killed") == last_state(tmp_path / "whole")
    assert [row["step"] for row in table(tmp_path / "killed")] == reports()


@pytest.mark.slow
def test_two_processes_stop_together_if_one_is_asked_to(run, tmp_path):
    processes = start_both(run, tmp_path / "work")
    run_until(processes[0], tmp_path / "work", 6)
    processes[1].send_signal(signal.SIGINT)
    told, _ = finish(processes, status=130)
    assert "the same command goes on from there" in told
    assert 6 <= max(checkpoints(tmp_path / "work")) < STEPS
    assert not (tmp_path / "work" / "model.safetensors").exists()
    finish(start_both(run, tmp_path / "work"))
    assert last_state(tmp_path / "work")
    assert load_model(tmp_path / "work" / "model.safetensors").name == "blots"


@pytest.mark.slow
def test_super_resolution_is_killed_as_well(tmp_path):
    words = [*write_upscale_run(tmp_path, STEPS), *OFTEN]
    process = start_training([*words, "--work", tmp_path / "whole"], tmp_path / "cache")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert load_model(tmp_path / "whole" / "model.safetensors").card["network"]["scale"] == 2
    run = words, tmp_path, last_state(tmp_path / "whole")
    killed_and_finished(run, tmp_path / "work", 3)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("workers", ["0", "1"])
def test_asked_to_stop(run, tmp_path, number, status, workers):
    words, folder, whole = run
    command = [*words, "--work", tmp_path, "--workers", workers]
    process = start_training(command, folder / "cache")
    run_until(process, tmp_path, 3)
    os.killpg(process.pid, number)  # as a terminal's Ctrl-C: to those that prepare batches, too
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    (step,) = [line for line in errors.splitlines() if line.startswith("stopped at step")]
    assert int(step.split()[3].rstrip(",")) == checkpoints(tmp_path)[-1]
    assert "Traceback" not in errors
    process = start_training(command, folder / "cache")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert last_state(tmp_path) == whole
    steps = [row["step"] for row in table(tmp_path)]
    assert steps == sorted(set(steps))
    assert set(reports()) <= set(steps)


@pytest.mark.slow
def test_a_full_disk_ends_a_run_which_goes_on_when_there_is_space(run, tmp_path):
    words, folder, whole = run
    command = [*words, "--work", tmp_path]
    process = start_training(command, folder / "cache")
    run_until(process, tmp_path, 3)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4000, 4000))  # bytes of any file
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    (line,) = [line for line in errors.splitlines() if ": error: " in line]
    assert "checkpoint cannot be written" in line
    assert len(line) < 400
    assert "Traceback" not in errors
    process = start_training(command, folder / "cache")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert last_state(tmp_path) == whole
