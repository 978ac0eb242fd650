"""The time that an optimization still takes is told early, and about right."""

from collections.abc import Iterator, Sequence

import pytest

from jaxnst.optimize.job import Job, evaluations
from jaxnst.optimize.presets import load_preset
from jaxnst.optimize.run import RunState
from jaxnst.optimize.time_left import TimeLeft

# The default preset on two busy CPU cores, at 64, 128, 256 and 512 pixels: seconds of the first and
# second evaluation of a size, and of each one after them.
COLD = [(14.9, 4.0, 0.66), (15.7, 4.0, 1.6), (36.3, 11.6, 4.87), (90.9, 11.0, 11.0)]
COMPILED_BEFORE = [(1.5, 0.8, 0.66), (2.5, 1.7, 1.6), (7.0, 5.0, 4.87), (19.0, 11.0, 11.0)]
ALL_ALIKE = [(1.0, 1.0, 1.0)] * 4


def _job() -> Job:
    return Job(size=(384, 512), options=load_preset("default").optimize)


def _run(job: Job, timings: Sequence[tuple[float, ...]]) -> Iterator[tuple[RunState, float]]:
    """The states of a run, without a picture, and what each evaluation takes."""
    for scale, count in enumerate(evaluations(job)):
        for iteration in range(1, count + 1):
            state = RunState(scale, iteration, None, None)  # type: ignore[arg-type]
            yield state, timings[scale][min(iteration, 3) - 1]


def _told(timings: Sequence[tuple[float, ...]]) -> list[tuple[float | None, float]]:
    """After each evaluation: the seconds that are told to be left, and those that are."""
    job, now = _job(), 1000.0
    steps = list(_run(job, timings))
    left, remaining, told = TimeLeft(job, lambda: now), sum(t for _, t in steps), []
    for state, seconds in steps:
        now += seconds
        remaining -= seconds
        left.update(state)
        told.append((left.seconds, remaining))
    return told


@pytest.mark.parametrize("timings", [COLD, COMPILED_BEFORE])
def test_time_left_is_right_within_half_from_the_third_evaluation_on(
    timings: Sequence[tuple[float, ...]],
) -> None:
    told = _told(timings)
    assert [seconds for seconds, _ in told[:2]] == [None, None]
    ratios = [seconds / actual for seconds, actual in told[2:-1] if seconds is not None]
    assert len(ratios) == len(told) - 3
    assert min(ratios) > 1 / 1.5
    assert max(ratios) < 1.5


def test_nothing_is_left_in_the_end() -> None:
    assert _told(COLD)[-1] == (0.0, pytest.approx(0.0))


def test_pace_follows_the_machine_within_a_size() -> None:
    """Another program that takes half of the machine doubles the time left before long."""
    job, now, told = _job(), 0.0, []
    left = TimeLeft(job, lambda: now)
    for number, (state, seconds) in enumerate(_run(job, ALL_ALIKE)):
        if state.scale:
            break
        now += seconds * (1 if number < 20 else 2)
        left.update(state)
        told.append(left.seconds)
    assert told[19] is not None
    assert told[-1] == pytest.approx(2 * told[19], rel=0.1)
