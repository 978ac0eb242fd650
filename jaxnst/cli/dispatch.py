"""Hands out tasks to workers that may be lost, and has the results in the order of the tasks."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from jaxnst.errors import JaxnstError

TRIES = 4
"""How often a task is begun whose workers are lost, all but the first time alone with its worker:
one that takes all memory would take the others with it."""

IN_VAIN = 5
"""How many workers may be lost one after the other before they are ready."""

_PATIENCE = 20.0  # seconds for the tasks that are begun when the work is given up
_SILENCE = 20.0  # seconds without any worker until that is said

Task = TypeVar("Task")
Result = TypeVar("Result")
Task_contra = TypeVar("Task_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class WorkerLostError(Exception):
    """A worker ended before it answered: its process, its machine or the way to it."""


class Worker(Protocol[Task_contra]):
    """What makes results, somewhere else."""

    def prepare(self) -> Future[str]:
        """Begins to make it ready. The future has what is wrong with it, or "", or raises
        `WorkerLostError`."""

    def make(self, task: Task_contra, /) -> Future[Any]:
        """Begins a task. The future raises what the task raises, or `WorkerLostError`."""

    def end(self) -> None:
        """Ends it, whatever it does."""


class Crew(Protocol[Task_contra]):
    """Where workers come from."""

    size: int
    """How many there can be."""
    at_once: int
    """How many tasks each of them may have begun."""

    def start(self) -> Worker[Task_contra]:
        """A new worker, which may have to wait for its place."""


class _Call(NamedTuple):
    """What a worker was asked for."""

    worker: Any
    task: int | None
    """Its index; None: to be ready."""
    load: int = 0
    """How much of the worker it takes."""


class Dispatcher(Generic[Task, Result]):
    """Has workers do tasks. Those of a lost worker are done by others, and a new one is started."""

    def __init__(
        self,
        crew: Crew[Task],
        tasks: Sequence[Task],
        *,
        say: Callable[[str], None] = lambda _: None,
        name: Callable[[Task], str] = str,
    ) -> None:
        """Takes the workers' source and the tasks.

        Args:
          crew: where workers come from.
          tasks: what is to be done.
          say: is told in a line what the user should know.
          name: what a task is called in errors.
        """
        self._crew, self._tasks, self._say, self._name = crew, tasks, say, name
        self._new: Iterator[int] = iter(range(len(tasks)))
        self._again: deque[int] = deque()
        self._losses: Counter[int] = Counter()
        self._in_vain = 0
        self._calls: dict[Future[Any], _Call] = {}
        self._answered: SimpleQueue[Future[Any]] = SimpleQueue()
        self._workers: set[Worker[Task]] = set()
        self._load: dict[Worker[Task], int] = {}  # of those that are ready
        self._results: dict[int, Callable[[], Result]] = {}

    def results(self) -> Generator[Callable[[], Result], None, None]:
        """For each task in order, once it is done, what returns its result or raises its error.

        When the generator is closed, the tasks that are begun are finished and no more are begun.

        Raises:
          JaxnstError: no worker can be made ready.
        """
        try:
            for _ in range(min(self._crew.size, len(self._tasks))):
                self._start()
            for index in range(len(self._tasks)):
                while index not in self._results:
                    self._take_in(self._next_answer())
                    self._hand_out()
                yield self._results.pop(index)
        finally:
            self._finish()

    def _start(self) -> None:
        worker = self._crew.start()
        self._workers.add(worker)
        self._call(worker.prepare(), _Call(worker, None))

    def _call(self, answer: "Future[Any]", call: _Call) -> None:
        self._calls[answer] = call
        answer.add_done_callback(self._answered.put)

    def _next_answer(self) -> "Future[Any]":
        """Waits for an answer of any worker; says so if none is there that could give one."""
        if not self._load:
            try:
                return self._answered.get(timeout=_SILENCE)
            except Empty:
                self._say("no worker is ready yet: waiting for a free machine of the cluster")
        return self._answered.get()

    def _take_in(self, answer: "Future[Any]") -> None:
        """Notes the answer of a worker."""
        worker, index, load = self._calls.pop(answer)
        if isinstance(answer.exception(), WorkerLostError):
            self._lose(worker, index)
            return
        if index is None and (complaint := answer.result()):
            raise JaxnstError(complaint)  # the other workers are no better, or will soon be alone
        if worker in self._load:
            self._load[worker] -= load
        elif index is None:
            self._load[worker] = 0
        self._in_vain = 0
        if index is not None:
            self._results[index] = answer.result

    def _lose(self, worker: Worker[Task], index: int | None) -> None:
        """Has a lost worker's task done again, and replaces the worker."""
        if index is not None:
            self._losses[index] += 1
            if self._losses[index] < TRIES:
                self._again.append(index)
            else:
                self._results[index] = self._lost(index)
        else:
            self._in_vain += 1
            if self._in_vain == IN_VAIN:
                raise JaxnstError(
                    f"{IN_VAIN} workers ended before they were ready: see Ray's logs for the cause"
                )
        if worker in self._workers:  # each of its tasks says that it is lost
            self._workers.remove(worker)
            self._load.pop(worker, None)
            worker.end()
            self._say("a worker was lost: others do its work")
            self._start()

    def _lost(self, index: int) -> Callable[[], Result]:
        """What raises the error of a task whose workers are always lost."""

        def lost() -> Result:
            raise JaxnstError(
                f"{self._name(self._tasks[index])}: {TRIES} workers ended while they made it: "
                f"there may not be enough memory for it"
            )

        return lost

    def _hand_out(self) -> None:
        """Gives tasks to the workers that have least to do, one more than each does at once."""
        room = self._crew.at_once + 1
        while self._load:
            worker = min(self._load, key=self._load.__getitem__)
            alone = bool(self._again)
            if self._load[worker] > (0 if alone else room - 1):
                return
            index = self._again.popleft() if alone else next(self._new, None)
            if index is None:
                return
            load = room if alone else 1
            self._load[worker] += load
            self._call(worker.make(self._tasks[index]), _Call(worker, index, load))

    def _finish(self) -> None:
        """Waits for what is begun, and ends all workers."""
        begun = [answer for answer, call in self._calls.items() if call.task is not None]
        try:
            wait(begun, timeout=_PATIENCE)
        finally:
            for worker in self._workers:
                worker.end()
