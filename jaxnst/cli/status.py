"""How a command ends: exit statuses, and what went wrong as one line on stderr."""

import os
import sys
from collections.abc import Callable

from jaxnst.errors import JaxnstError, is_out_of_memory
from jaxnst.io.files import display_name, one_line

USAGE_ERROR = 2
INTERRUPTED = 130
BROKEN_PIPE = 141  # as a shell reports a program that SIGPIPE has ended


def complain(error: JaxnstError) -> int:
    """Prints an error as one line and returns its exit status."""
    print(f"jaxnst: error: {' '.join(str(error).split())}", file=sys.stderr)
    return USAGE_ERROR


def went_well(action: Callable[[], None]) -> bool:
    """Runs an action and returns whether it succeeded; an error is one line on stderr."""
    try:
        action()
    except JaxnstError as error:
        complain(error)
        return False
    except (MemoryError, RuntimeError) as error:  # JAX raises its own of the latter
        if is_out_of_memory(error):
            complain(JaxnstError("there is not enough memory: give a smaller --size"))
            return False
        raise
    return True


def status_of(action: Callable[[], int]) -> int:
    """Runs an action and returns its exit status, or that of the error it raised."""
    returned: list[int] = []
    return returned[0] if went_well(lambda: returned.append(action())) else USAGE_ERROR


def exit_status(good: bool) -> int:
    """0 if all went well, else 2."""
    return 0 if good else USAGE_ERROR


def os_error_status(error: OSError) -> int:
    """Reports an `OSError` that no caller has turned into a `JaxnstError`."""
    if error.filename is None:  # those of files have one
        return _stdout_failed(error)
    return complain(JaxnstError(f"{display_name(error.filename)}: {one_line(error)}"))


def _stdout_failed(error: OSError) -> int:
    """Exit status when what is printed cannot be: quietly, if the reader has seen enough."""
    # Python flushes once more at exit, and would complain then.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    return complain(JaxnstError(f"standard output cannot be written ({one_line(error)})"))
