"""The jobs of a server: several at a time, none lost with the worker that does it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue

import pytest

from jaxnst.cli import worker_pool
from jaxnst.cli.dispatch import TRIES, WorkerLostError
from jaxnst.cli.worker_pool import WorkerPool
from jaxnst.errors import JaxnstError

PATIENCE = 60  # seconds, after which a thread that waits in vain fails the test


class FakeWorker:
    """Is ready at once. What it is asked for it is to answer by the test's hand."""

    def __init__(self, number: int, crew: "FakeCrew") -> None:
        self.number, self._crew, self.ended = number, crew, False
        self._answers: list[Future] = []

    def prepare(self) -> "Future[str]":
        answer: Future[str] = Future()
        if self._crew.stillborn:
            self._crew.stillborn -= 1
            answer.set_exception(WorkerLostError())
        else:
            answer.set_result(self._crew.complaint)
        return answer

    def make(self, task: object) -> "Future":
        answer: Future = Future()
        self._answers.append(answer)
        self._crew.asked.put((self, task, answer))
        return answer

    def end(self) -> None:
        self.ended = True
        self.die()

    def die(self) -> None:
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(WorkerLostError())


class FakeCrew:
    at_once = 2

    def __init__(self, size: int, complaint: str = "", stillborn: int = 0) -> None:
        self.size, self.complaint, self.stillborn = size, complaint, stillborn
        self.workers: list[FakeWorker] = []
        self.asked: SimpleQueue = SimpleQueue()

    def start(self) -> FakeWorker:
        self.workers.append(FakeWorker(len(self.workers), self))
        return self.workers[-1]

    def next(self) -> tuple[FakeWorker, object, Future]:
        return self.asked.get(timeout=PATIENCE)


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch):
    """Begins a job in a thread of its own."""
    monkeypatch.setattr(worker_pool, "_TICK", 0.01)
    threads = ThreadPoolExecutor(8)
    pools: list[WorkerPool] = []

    def begin(pool: WorkerPool, job: Callable, *args, **kwargs) -> Future:
        pools.append(pool)
        return threads.submit(job, *args, **kwargs)

    yield begin
    for pool in pools:
        pool.close()
    threads.shutdown(cancel_futures=True)


def test_each_worker_does_one_job_of_a_kind_at_a_time(begin) -> None:
    crew = FakeCrew(2)
    pool = WorkerPool(crew, ("quick", "long"))
    jobs = [begin(pool, pool.do, "quick", number) for number in range(3)]
    (one, task, answer), (other, _, _) = crew.next(), crew.next()
    assert {one.number, other.number} == {0, 1}
    assert pool._free["quick"].empty()
    long = begin(pool, pool.do, "long", "long")  # waits for no quick one
    _, _, of_long = crew.next()
    of_long.set_result("made")
    assert long.result(PATIENCE) == "made"
    answer.set_result("first")
    again, _, _ = crew.next()
    assert again is one
    assert jobs[int(str(task))].result(PATIENCE) == "first"


def test_what_goes_wrong_in_a_job_is_told_and_its_worker_goes_on(begin) -> None:
    crew = FakeCrew(1)
    pool = WorkerPool(crew, ("quick",))
    bad, good = (begin(pool, pool.do, "quick", name) for name in ("one", "other"))
    crew.next()[2].set_exception(JaxnstError("no such style"))
    crew.next()[2].set_result("made")
    outcomes = [job.exception(PATIENCE) or job.result() for job in (bad, good)]
    assert sorted(map(str, outcomes)) == ["made", "no such style"]
    assert len(crew.workers) == 1


def test_a_lost_worker_is_replaced_and_its_jobs_are_done_by_others(begin) -> None:
    crew, said = FakeCrew(1), []
    pool = WorkerPool(crew, ("quick", "live"), say=said.append)
    jobs = [begin(pool, pool.do, kind, kind) for kind in ("quick", "live")]
    [(worker, _, _), _] = [crew.next() for _ in jobs]
    worker.die()
    for _ in jobs:
        worker, task, answer = crew.next()
        assert worker.number == 1
        answer.set_result(task)
    assert [job.result(PATIENCE) for job in jobs] == ["quick", "live"]
    assert crew.workers[0].ended
    assert len(crew.workers) == 2
    assert said == ["a worker was lost: others do its work"]


def test_a_job_that_ends_all_its_workers_is_given_up(begin) -> None:
    crew = FakeCrew(1)
    pool = WorkerPool(crew, ("quick",))
    job = begin(pool, pool.do, "quick", "huge")
    for _ in range(TRIES):
        crew.next()[0].die()
    with pytest.raises(JaxnstError, match="4 workers ended while they made it"):
        job.result(PATIENCE)
    begin(pool, pool.do, "quick", "small")
    assert crew.next()[0].number == TRIES


def test_a_worker_that_is_held_is_asked_again_and_again(begin) -> None:
    crew = FakeCrew(2)
    pool = WorkerPool(crew, ("long",))

    def steps() -> list:
        with pool.hold("long") as ask:
            return [ask(number) for number in range(3)]

    job, workers = begin(pool, steps), set()
    for number in range(3):
        worker, _, answer = crew.next()
        workers.add(worker)
        answer.set_result(number)
    assert job.result(PATIENCE) == [0, 1, 2]
    assert len(workers) == 1


def test_if_a_worker_that_is_held_ends_that_is_told_and_the_next_one_is_new(begin) -> None:
    crew = FakeCrew(1)
    pool = WorkerPool(crew, ("long",))

    def step() -> object:
        with pool.hold("long") as ask:
            return ask("step")

    job = begin(pool, step)
    crew.next()[0].die()
    with pytest.raises(JaxnstError, match="has ended: begin again"):
        job.result(PATIENCE)
    job = begin(pool, step)
    worker, _, answer = crew.next()
    answer.set_result("made")
    assert (worker.number, job.result(PATIENCE)) == (1, "made")


def test_nobody_waits_for_what_is_no_longer_wanted(begin) -> None:
    crew, gone = FakeCrew(1), threading.Event()
    pool = WorkerPool(crew, ("quick",))

    def meanwhile() -> None:
        if gone.is_set():
            raise KeyError

    job = begin(pool, pool.do, "quick", "one", meanwhile=meanwhile)
    _, _, answer = crew.next()
    gone.set()
    assert isinstance(job.exception(PATIENCE), KeyError)
    begin(pool, pool.do, "quick", "other")
    assert pool._free["quick"].empty()  # the worker is still busy
    answer.set_result("in vain")
    assert crew.next()[1] == "other"


def test_a_machine_that_is_not_as_this_one_is_told_at_the_start() -> None:
    crew = FakeCrew(2, complaint="the machine b has jaxnst 0.1")
    with pytest.raises(JaxnstError, match=r"^the machine b has jaxnst 0\.1$"):
        WorkerPool(crew, ("quick",))
    assert all(worker.ended for worker in crew.workers)


def test_workers_that_end_before_they_are_ready_are_replaced_a_few_times(begin) -> None:
    crew = FakeCrew(1, stillborn=4)
    pool = WorkerPool(crew, ("quick",))
    begin(pool, pool.do, "quick", "one")
    assert crew.next()[0].number == 4
    with pytest.raises(JaxnstError, match="5 workers ended before they were ready"):
        WorkerPool(FakeCrew(1, stillborn=9), ("quick",))


def test_in_the_end_nobody_waits_any_more(begin) -> None:
    crew = FakeCrew(1)
    pool = WorkerPool(crew, ("quick",))
    busy = begin(pool, pool.do, "quick", "one")
    crew.next()
    waiting = [begin(pool, pool.do, "quick", "other") for _ in range(2)]
    pool.close()
    for job in (busy, *waiting):
        with pytest.raises(JaxnstError, match="about to end"):
            job.result(PATIENCE)
    assert all(worker.ended for worker in crew.workers)
    assert len(crew.workers) == 1
    with suppress(JaxnstError):
        pool.do("quick", "late")
