"""Workers that do the jobs of a server as they come; those that are lost are replaced."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any

from jaxnst.cli.dispatch import IN_VAIN, TRIES, Crew, Worker, WorkerLostError
from jaxnst.errors import JaxnstError

_TICK = 1.0  # seconds between looks at whether an answer is still wanted

_Worker = Worker[Any]


class WorkerPool:
    """Hands jobs to workers, of which each does one job of a kind at a time.

    Any thread may ask. Close it in the end.
    """

    def __init__(
        self, crew: Crew[Any], kinds: Sequence[str], *, say: Callable[[str], None] = lambda _: None
    ) -> None:
        """Starts the workers and waits until one is ready.

        Args:
          crew: where workers come from.
          kinds: of jobs.
          say: is told in a line what the user should know.

        Raises:
          JaxnstError: a worker cannot be made ready.
        """
        self.size = crew.size
        self._crew, self._say = crew, say
        self._free: dict[str, SimpleQueue[_Worker | None]] = {kind: SimpleQueue() for kind in kinds}
        self._workers = set[_Worker]()
        self._lock, self._closed, self._in_vain = threading.Lock(), False, 0
        self._hiring = ThreadPoolExecutor(1, "hiring")  # not in Ray's own thread, which answers
        outcomes: SimpleQueue[str] = SimpleQueue()
        self._outcome: Callable[[str], None] = outcomes.put
        for _ in range(crew.size):
            self._start()
        complaint = outcomes.get()
        self._outcome = lambda later: say(later) if later else None
        if complaint:
            self.close()
            raise JaxnstError(complaint)

    def do(self, kind: str, task: Any, *, meanwhile: Callable[[], None] = lambda: None) -> Any:
        """What a worker answers; others are asked if it is lost.

        Args:
          kind: of the job.
          task: what the worker is given.
          meanwhile: is called every second or so; what it raises ends the waiting.

        Raises:
          JaxnstError: the workers that are asked are lost, one after the other, or it is closed.
        """
        for _ in range(TRIES):
            worker = self._taken(kind)
            answer = worker.make(task)
            answer.add_done_callback(partial(self._take_back, kind, worker))
            while not wait([answer], _TICK).done:
                meanwhile()
            if not isinstance(answer.exception(), WorkerLostError):
                return answer.result()
        raise JaxnstError(
            f"{TRIES} workers ended while they made it: there may not be enough memory for it"
        )

    @contextmanager
    def hold(self, kind: str) -> Iterator[Callable[[Any], Any]]:
        """What asks one and the same worker, within the block.

        Raises:
          JaxnstError: the worker is lost, or the pool is closed.
        """
        worker = self._taken(kind)
        try:
            yield lambda task: worker.make(task).result()
        except WorkerLostError as error:
            self._lose(worker)
            raise JaxnstError("The worker that made this has ended: begin again.") from error
        finally:
            self._free[kind].put(worker)  # if it is lost, it is passed over from now on

    def close(self) -> None:
        """Ends all workers; who waits for one gets an error."""
        with self._lock:
            self._closed, workers = True, self._workers
            self._workers = set()
        self._hiring.shutdown(cancel_futures=True)
        for free in self._free.values():
            free.put(None)
        for worker in workers:
            worker.end()

    def _taken(self, kind: str) -> _Worker:
        """A worker that is free for a kind of job, once there is one."""
        while True:
            worker = self._free[kind].get()
            if worker is None:
                self._free[kind].put(None)  # for others that wait
                raise JaxnstError("The server is about to end.")
            if worker in self._workers:
                return worker

    def _take_back(self, kind: str, worker: _Worker, answer: "Future[Any]") -> None:
        if isinstance(answer.exception(), WorkerLostError):
            self._lose(worker)
        else:
            self._free[kind].put(worker)

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                return
            worker = self._crew.start()
            self._workers.add(worker)
        worker.prepare().add_done_callback(partial(self._welcome, worker))

    def _welcome(self, worker: _Worker, answer: "Future[str]") -> None:
        """Takes in a worker that is ready, or has something wrong."""
        if isinstance(answer.exception(), WorkerLostError):
            self._in_vain += 1
            if self._in_vain < IN_VAIN:
                self._lose(worker)
            else:
                self._outcome(f"{IN_VAIN} workers ended before they were ready: see Ray's logs")
        elif complaint := answer.result():
            self._outcome(complaint)
        else:
            self._in_vain = 0
            for free in self._free.values():
                free.put(worker)
            self._outcome("")

    def _lose(self, worker: _Worker) -> None:
        """Replaces a lost worker, once for all of its jobs."""
        with self._lock:
            if worker not in self._workers:
                return
            self._workers.remove(worker)
        self._say("a worker was lost: others do its work")
        self._hiring.submit(self._replace, worker)

    def _replace(self, worker: _Worker) -> None:
        worker.end()
        self._start()
