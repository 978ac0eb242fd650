"""Exit statuses, and errors as one line on stderr."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from jaxnst.errors import JaxnstError, is_out_of_memory
from jaxnst.io.files import display_name, one_line

USAGE_ERROR = 2
INTERRUPTED = 130
TERMINATED = 143
BROKEN_PIPE = 141  # as a shell reports a program that SIGPIPE has ended
SMALLER = "give a smaller --size"
"""What helps most commands when memory is short."""


def complain(error: JaxnstError) -> int:
    """Prints an error as one line and returns its exit status."""
    print(f"jaxnst: error: {' '.join(str(error).split())}", file=sys.stderr)
    return USAGE_ERROR


def went_well(action: Callable[[], None], *, less_memory: str = SMALLER) -> bool:
    """Runs an action and returns whether it succeeded; an error is one line on stderr.

    Args:
      action: what to do.
      less_memory: what the user can do if there is not enough memory for it.
    """
    try:
        action()
    except JaxnstError as error:
        complain(error)
        return False
    except (MemoryError, RuntimeError) as error:  # JAX raises its own of the latter
        if is_out_of_memory(error):
            complain(JaxnstError(f"there is not enough memory: {less_memory}"))
            return False
        raise
    return True


def status_of(action: Callable[[], int], *, less_memory: str = SMALLER) -> int:
    """Runs an action and returns its exit status, or that of the error it raised."""
    returned: list[int] = []
    good = went_well(lambda: returned.append(action()), less_memory=less_memory)
    return returned[0] if good else USAGE_ERROR


def exit_status(good: bool) -> int:
    """0 if all went well, else 2."""
    return 0 if good else USAGE_ERROR


class StdoutError(Exception):
    """Standard output cannot be written; the cause is an `OSError`."""


@contextmanager
def stdout_errors() -> Iterator[None]:
    """Turns an `OSError` of standard output into a `StdoutError`, within the block."""
    try:
        yield
    except OSError as error:
        raise StdoutError from error


class Stdout:
    """Standard output that raises `StdoutError` when it cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes as the stream does."""
        with stdout_errors():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flushes as the stream does."""
        with stdout_errors():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def stdout_status(error: StdoutError) -> int:
    """Exit status when standard output fails; silent if its reader has closed it."""
    # Python flushes once more at exit, and would complain then.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    cause = error.__cause__
    if isinstance(cause, BrokenPipeError):
        return BROKEN_PIPE
    assert cause is not None
    return complain(JaxnstError(f"standard output cannot be written ({one_line(cause)})"))


def os_error_status(error: OSError) -> int:
    """Reports an `OSError` that was not turned into a `JaxnstError`, with its file if known."""
    place = "" if error.filename is None else f"{display_name(error.filename)}: "
    return complain(JaxnstError(f"{place}{one_line(error)}"))
