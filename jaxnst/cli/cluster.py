"""Makes what a command makes on the machines of a Ray cluster, which share its folders or buckets.

A worker is an actor of Ray: it builds what makes pictures, or a video, from the command, once, and
then reads, paints and writes as the command would by itself. Only names and records travel. Ray is
imported when a cluster is asked for.
"""

import importlib.util
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

from tqdm import tqdm

from jaxnst import __version__
from jaxnst.cli.cluster_address import OBJECTS, connected, host_and_port
from jaxnst.cli.dispatch import Dispatcher, WorkerLostError
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import STREAM
from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name
from jaxnst.io.temporary import remove_leftovers

_CORES = 2  # of a worker without a GPU: more of them do little for one picture


class Task(Protocol):
    """What is made: a picture, or a part of a video."""

    @property
    def output(self) -> Path:
        """Its file."""


class Share(NamedTuple):
    """What a worker takes of the machine it is on."""

    num_cpus: int
    num_gpus: int = 0


def check_cluster(command: Stylize | Upscale) -> None:
    """Raises JaxnstError for a command that cannot be run on a cluster; see `check_address`."""
    if STREAM in (*command.content, command.output):
        raise JaxnstError("--cluster reads and writes files, and '-' is none: leave it out")
    check_address(command.cluster)


def check_address(address: str) -> None:
    """Raises JaxnstError unless Ray is installed and the address is one.

    Has this process take no GPU, of which the workers have need."""
    if importlib.util.find_spec("ray") is None:
        raise JaxnstError(
            "--cluster needs ray, which is not installed: pip install 'jaxnst[cluster]'"
        )
    host_and_port(address)
    import jax

    jax.config.update("jax_platforms", "cpu")


def made_on_cluster(
    address: str, maker: Any, tasks: Sequence[Task], *, quiet: bool, on_disk: bool = True
) -> Generator[Callable[[], Any], None, None]:
    """Makes pictures, or parts of a video, on a cluster.

    Args:
      address: "local", "auto" or HOST:PORT.
      maker: has `at_once`, `prepare()` and `made(task)`, and can be pickled.
      tasks: what is to be made.
      quiet: say nothing of workers that are lost.
      on_disk: whether there are files to be read or written in a folder, and not in buckets only.

    Yields:
      For each task, in their order, what returns `maker.made(task)`, or raises what
      that has raised.

    Raises:
      JaxnstError: there is no such cluster, or its machines are not as this one is.
    """

    def say(line: str) -> None:
        if not quiet and sys.stderr is not None:
            tqdm.write(line, file=sys.stderr)

    with _no_leftovers(tasks), crew_at(address, maker, on_disk=on_disk) as crew:
        dispatcher = Dispatcher[Task, Any](
            crew, tasks, say=say, name=lambda task: display_name(task.output)
        )
        with closing(dispatcher.results()) as results:
            yield from results


@contextmanager
def crew_at(
    address: str, maker: Any, *, on_disk: bool, memory: int = OBJECTS
) -> Iterator["RayCrew"]:
    """Workers of a cluster that is connected to for the block.

    Args:
      address: as for `made_on_cluster`, as are the others.
      maker: what the workers make things with.
      on_disk: whether they share a folder with this process.
      memory: bytes for what travels, of a cluster that is started here.

    Raises:
      JaxnstError: there is no such cluster.
    """
    stdout = None if sys.stdout is None else _OfThisThread(sys.stdout)
    with redirect_stdout(stdout), connected(address, memory) as ray:
        yield RayCrew(ray, maker, on_disk)


@contextmanager
def _no_leftovers(tasks: Sequence[Task]) -> Iterator[None]:
    """Removes before and after the block what killed processes have left beside the pictures."""
    folders = {task.output.parent for task in tasks}
    for folder in folders:
        remove_leftovers(folder)
    try:
        yield
    finally:
        for folder in folders:
            remove_leftovers(folder)


class RayCrew:
    """Starts a worker for every GPU of a cluster, or for every two cores if it has none."""

    def __init__(self, ray: Any, maker: Any, on_disk: bool) -> None:
        """Takes Ray, which is connected, what makes pictures, and whether there are folders."""
        self.size, self._share = shares([n["Resources"] for n in ray.nodes() if n["Alive"]])
        self.at_once = maker.at_once
        self._ray, self._recipe = ray, (os.getcwd(), pickle.dumps(maker), on_disk)
        self._actor = ray.remote(_actor_class()).options(
            **self._share._asdict(), max_concurrency=self.at_once, scheduling_strategy="SPREAD"
        )

    def start(self) -> "RayWorker":
        """A new worker; Ray looks for its place."""
        return RayWorker(self._ray, self._actor.remote(self._share.num_cpus), self._recipe)


class RayWorker:
    """An actor that makes pictures."""

    def __init__(self, ray: Any, actor: Any, recipe: tuple[str, bytes, bool]) -> None:
        """Takes the actor, and in which folder and with what, pickled, it makes pictures."""
        self._ray, self._actor, self._recipe = ray, actor, recipe

    def prepare(self) -> "Future[str]":
        """Builds there what makes pictures; the future has what is wrong with the machine."""
        return _answer(self._actor.prepare.remote(__version__, *self._recipe))

    def make(self, task: Task) -> "Future[Any]":
        """Makes a picture there."""
        return _answer(self._actor.make.remote(task))

    def end(self) -> None:
        """Ends the actor's process."""
        self._ray.kill(self._actor)


def shares(machines: Sequence[Mapping[str, float]]) -> tuple[int, Share]:
    """How many workers there are on a cluster, at least one, and what each takes.

    Args:
      machines: what each has, as Ray names it: "CPU" and "GPU".
    """
    gpus = sum(int(machine.get("GPU", 0)) for machine in machines)
    if gpus:
        return gpus, Share(1, 1)
    cores = [int(machine["CPU"]) for machine in machines if machine.get("CPU", 0) >= 1]
    share = min([_CORES, *cores])
    return max(1, sum(count // share for count in cores)), Share(share)


@cache
def _actor_class() -> type:
    """The class of the actors.

    It is a local one, which Ray sends as a whole and not by its name: the other machine may have
    another jaxnst, or none.
    """

    class JaxnstWorker:
        def __init__(self, cores: int) -> None:
            # How many threads XLA computes with, in newer and older versions.
            os.environ.update({"PJRT_NPROC": str(cores), "NPROC": str(cores)})

        def prepare(self, version: str, folder: str, recipe: bytes, on_disk: bool = True) -> str:
            machine = f"the machine {socket.gethostname()}"
            try:
                import jaxnst

                there = jaxnst.__version__
            except ImportError:
                there = ""
            if there != version:
                has = f"jaxnst {there}" if there else "no jaxnst"
                return f"{machine} has {has}: install jaxnst {version} there, as here"
            try:
                os.chdir(folder)
            except OSError:
                if on_disk:
                    share = "run the command in one that all share"
                    return f"{machine} has no folder {folder}: {share}"
            from jaxnst.cli.cache import use_compilation_cache
            from jaxnst.errors import JaxnstError
            from jaxnst.io.temporary import keep_leftovers

            use_compilation_cache()
            keep_leftovers()
            try:
                self._maker = pickle.loads(recipe)
                self._maker.prepare()
            except JaxnstError as error:  # a file that only the others see, say
                return f"{machine}: {error}"
            return ""

        def make(self, task: Any) -> Any:
            from jaxnst.errors import is_out_of_memory

            try:
                return self._maker.made(task)
            except (MemoryError, RuntimeError) as error:  # JAX's own may not travel
                if is_out_of_memory(error):
                    raise MemoryError from None
                raise

    return JaxnstWorker


def _answer(call: Any) -> "Future[Any]":
    """A future of what a call returns or raises in its own words."""
    answer: Future[Any] = Future()
    call.future().add_done_callback(partial(_pass_on, answer))
    return answer


def _pass_on(answer: "Future[Any]", ray_answer: "Future[Any]") -> None:
    from ray.exceptions import RayActorError, RayTaskError

    error = ray_answer.exception()
    if error is None:
        answer.set_result(ray_answer.result())
    elif isinstance(error, RayActorError):
        answer.set_exception(WorkerLostError())
    elif isinstance(error, RayTaskError) and isinstance(error.cause, Exception):
        error.cause.__cause__ = error  # which has the traceback of the other machine
        answer.set_exception(error.cause)
    else:
        answer.set_exception(error)


class _OfThisThread:
    """A stream that takes only what this thread prints: Ray's own print when a worker is lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        """Writes as the stream does, or nothing."""
        if threading.get_ident() == self._thread:
            return self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
