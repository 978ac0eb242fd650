"""The loop shared by all commands that make pictures; finished pictures are skipped."""

import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, Generic, TypeVar

from jaxnst.cli.compile_notice import compile_notice
from jaxnst.cli.exit_status import SMALLER, exit_status, went_well
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import STREAM, PictureTask, left_out
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import finished_record
from jaxnst.cli.writing import announce, announce_finished
from jaxnst.io.files import display_name

_NAMED = 5  # of the files that are left out
Command = TypeVar("Command", Stylize, Upscale)
Say = Callable[[], None]
Wait = Callable[[], Say]


class PictureMaker(ABC, Generic[Command]):
    """Makes the pictures of a command.

    Subclasses define the provenance of a picture and how it is made.
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
        self._name_left_out()
        failed, total = 0, len(tasks)
        quiet = self._command.quiet or total == 1 or not self.counts_pictures
        title = display_name(self._command.output)
        with (
            compile_notice(quiet=self._command.quiet),
            ProgressDisplay(title, total, unit="pictures", quiet=quiet) as display,
            closing(self._in_turn(tasks)) as pictures,
        ):
            for done, wait in enumerate(pictures, start=1):
                failed += not went_well(partial(_and_say, wait), less_memory=self.less_memory)
                display.update(done, {}, done / total)
        if failed and total > 1:  # the lines about them may have scrolled away
            print(f"{failed} of {total} pictures could not be made: see above", file=sys.stderr)
        return exit_status(not failed)

    @abstractmethod
    def provenance(self, task: PictureTask) -> dict[str, Any]:
        """The inputs and options that determine the picture."""

    @abstractmethod
    def make(self, task: PictureTask, provenance: dict[str, Any]) -> Mapping[str, Any] | None:
        """Makes one picture and writes it with its provenance; returns its record, which is
        printed, or None if it was."""

    def _in_turn(self, tasks: Sequence[PictureTask]) -> Generator[Wait, None, None]:
        """For each picture, in the order of the tasks, what waits until it is made."""
        if self.at_once == 1 or len(tasks) == 1:
            yield from (partial(self._make, task) for task in tasks)
            return
        waiting: deque[Future[Say]] = deque()
        pool = ThreadPoolExecutor(self.at_once, "picture")
        try:
            for task in tasks:
                waiting.append(pool.submit(self._make, task))
                if len(waiting) > self.at_once:
                    yield waiting.popleft().result
            while waiting:
                yield waiting.popleft().result
        finally:
            pool.shutdown(cancel_futures=True)

    def _name_left_out(self) -> None:
        files = [] if self._command.quiet else left_out(self._command.inputs)
        if files:
            names = ", ".join(display_name(path.name) for path in files[:_NAMED])
            more = ", ..." if len(files) > _NAMED else ""
            noun = "file is no picture" if len(files) == 1 else "files are no pictures"
            print(f"{len(files)} {noun} and left out: {names}{more}", file=sys.stderr)

    def _make(self, task: PictureTask) -> Say:
        """Makes a picture that is not there yet; returns what says so."""
        # Standard input can be read only once, so that it cannot be hashed first.
        provenance = {} if task.content == STREAM else self.provenance(task)
        skips = provenance and task.output != STREAM and not self._command.overwrite
        record = finished_record(task, provenance) if skips else None
        if record is not None:
            return partial(announce_finished, self._command, task, record)
        made = self.make(task, provenance)
        return _nothing if made is None else partial(announce, self._command, task, made)


def _and_say(wait: Wait) -> None:
    """Waits for a picture and says that it is there."""
    wait()()


def _nothing() -> None:
    """What is said of a picture that has been announced."""
