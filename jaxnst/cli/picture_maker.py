"""The loop shared by all commands that make pictures; finished pictures are skipped."""

import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from jaxnst.cli.cluster import made_on_cluster
from jaxnst.cli.compile_notice import compile_notice
from jaxnst.cli.exit_status import SMALLER, exit_status, went_well
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import STREAM, PictureTask, left_out
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import finished_record
from jaxnst.cli.writing import announce, announce_finished
from jaxnst.io.buckets import in_bucket
from jaxnst.io.codec import has_further_frames
from jaxnst.io.files import display_name

_NAMED = 5  # of the files that are left out
Command = TypeVar("Command", Stylize, Upscale)


class Made(NamedTuple):
    """What became of a picture."""

    record: Mapping[str, Any] | None
    """What is printed of it; None if that has been."""
    was_there: bool = False
    """Whether it had been made before."""


Wait = Callable[[], Made]


class PictureMaker(ABC, Generic[Command]):
    """Makes the pictures of a command.

    Subclasses define the provenance of a picture and how it is made. Those that can be run on a
    cluster are pickled as what they are built from: options, and no arrays.
    """

    counts_pictures = False
    """Whether to show progress by pictures, for work that takes moments per picture."""
    at_once = 1
    """How many pictures are worked on at the same time: while one is painted, others are read and
    written. More than one only where `make` may be called by any thread and prints nothing."""
    less_memory = SMALLER
    """What the user can do if there is not enough memory for a picture."""

    def __init__(self, command: Command) -> None:
        """Stores the command's options."""
        self._command: Command = command

    def make_all(self, tasks: Sequence[PictureTask]) -> int:
        """Makes all pictures, continuing after failures; returns 0, or 2 if any failed."""
        self._name_left_out(tasks)
        failed, total = 0, len(tasks)
        counts = self.counts_pictures or self._command.cluster
        quiet = self._command.quiet or total == 1 or not counts
        title = display_name(self._command.output)
        with (
            compile_notice(quiet=self._command.quiet),
            ProgressDisplay(title, total, unit="pictures", quiet=quiet) as display,
            closing(self._in_turn(tasks)) as pictures,
        ):
            for done, (task, wait) in enumerate(zip(tasks, pictures, strict=True), start=1):
                say = partial(self._announce, task, wait)
                failed += not went_well(say, less_memory=self.less_memory)
                display.update(done, {}, done / total)
        if failed and total > 1:  # the lines about them may have scrolled away
            print(f"{failed} of {total} pictures could not be made: see above", file=sys.stderr)
        return exit_status(not failed)

    def prepare(self) -> None:
        """Loads what the pictures are made with, once, in the process that makes them."""

    @abstractmethod
    def provenance(self, task: PictureTask) -> dict[str, Any]:
        """The inputs and options that determine the picture."""

    @abstractmethod
    def make(self, task: PictureTask, provenance: dict[str, Any]) -> Mapping[str, Any] | None:
        """Makes one picture and writes it with its provenance; returns its record, which is
        printed, or None if it was."""

    def made(self, task: PictureTask) -> Made:
        """Makes a picture that is not there yet."""
        # Standard input can be read only once, so that it cannot be hashed first.
        provenance = {} if task.content == STREAM else self.provenance(task)
        skips = provenance and task.output != STREAM and not self._command.overwrite
        record = finished_record(task, provenance) if skips else None
        if record is not None:
            return Made(record, was_there=True)
        return Made(self.make(task, provenance))

    def _in_turn(self, tasks: Sequence[PictureTask]) -> Generator[Wait, None, None]:
        """For each picture, in the order of the tasks, what waits until it is made."""
        if self._command.cluster:
            address, quiet = self._command.cluster, self._command.quiet
            disk = _need_disk(tasks)
            yield from made_on_cluster(address, self, tasks, quiet=quiet, on_disk=disk)
            return
        self.prepare()
        if self.at_once == 1 or len(tasks) == 1:
            yield from (partial(self.made, task) for task in tasks)
            return
        waiting: deque[Future[Made]] = deque()
        pool = ThreadPoolExecutor(self.at_once, "picture")
        try:
            for task in tasks:
                waiting.append(pool.submit(self.made, task))
                if len(waiting) > self.at_once:
                    yield waiting.popleft().result
            while waiting:
                yield waiting.popleft().result
        finally:
            pool.shutdown(cancel_futures=True)

    def _name_left_out(self, tasks: Sequence[PictureTask]) -> None:
        """Names the files, and parts of files, of which nothing is made."""
        if self._command.quiet:
            return
        _name(left_out(self._command.inputs), "is no picture and", "are no pictures and")
        paths = (path for task in tasks for path in task.inputs)
        inputs = dict.fromkeys(path for path in paths if not in_bucket(path))
        further = "frames or pages after the first, which are"
        _name(list(filter(has_further_frames, inputs)), f"has {further}", f"have {further}")

    def _announce(self, task: PictureTask, wait: Wait) -> None:
        """Waits for a picture and says that it is there."""
        made = wait()
        if made.record is not None:
            say = announce_finished if made.was_there else announce
            say(self._command, task, made.record)


def _name(files: Sequence[Path], one: str, several: str) -> None:
    """Prints how many files, if any, something is left out of, and the first of their names."""
    if files:
        names = ", ".join(display_name(path.name) for path in files[:_NAMED])
        more = ", ..." if len(files) > _NAMED else ""
        said = f"file {one}" if len(files) == 1 else f"files {several}"
        print(f"{len(files)} {said} left out: {names}{more}", file=sys.stderr)


def _need_disk(tasks: Sequence[PictureTask]) -> bool:
    """Whether any of the pictures is read from a disk or written to one."""
    paths = (path for task in tasks for path in (*task.inputs, task.output))
    return not all(map(in_bucket, paths))
