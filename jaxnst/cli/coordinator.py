"""Joins the processes that train together, or says in one line why that cannot be.

JAX itself tries for minutes, and then aborts the process.
"""

import math
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jaxnst.cli.cluster_address import split_address
from jaxnst.cli.options import Train
from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name, one_line

AROUND = "auto"

_PATIENCE = 300.0  # seconds for the first process to start, as JAX has
_TRY, _PAUSE = 10.0, 1.0  # seconds of one try, and until the next


def join_processes(command: Train) -> None:
    """Makes this process one of those that train together, if the command is for several.

    Raises:
      JaxnstError: there are none around, or the options contradict one another, or the first of
        them does not answer.
    """
    if not command.coordinator:
        if command.processes or command.process >= 0:
            raise JaxnstError("--processes and --process go with --coordinator HOST:PORT")
        return
    import jax

    if command.coordinator == AROUND:
        _join_around()
        return
    if command.processes < 1 or not 0 <= command.process < command.processes:
        raise JaxnstError("--coordinator HOST:PORT goes with --processes N and --process 0..N-1")
    _check_coordinator(command)
    jax.distributed.initialize(command.coordinator, command.processes, command.process)


def _join_around() -> None:
    import jax

    try:
        jax.distributed.initialize()
    except (RuntimeError, ValueError) as error:
        raise JaxnstError(
            f"--coordinator auto: JAX knows of no cluster around ({one_line(error)}): give "
            f"HOST:PORT with --processes N and --process 0..N-1"
        ) from error


def _check_coordinator(command: Train) -> None:
    """Raises JaxnstError unless the first process can listen there, and others can reach it."""
    host, port = split_address(command.coordinator)
    if not host:
        raise JaxnstError(
            f"--coordinator is {display_name(command.coordinator)!r}: give auto, or HOST:PORT, a "
            f"host's name and a port of it that is free"
        )
    if command.process:
        with _explained(command, "does not answer"):
            _wait(command, lambda: socket.create_connection((host, port), _TRY).close())
        return
    with _explained(command, f"port {port} cannot be taken"):
        socket.create_server(("", port)).close()
    with _explained(command, "is a host that is not known here"):
        _wait(command, lambda: socket.getaddrinfo(host, port))


@contextmanager
def _explained(command: Train, what: str) -> Iterator[None]:
    """Turns an error of the network into one line."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise JaxnstError(
            f"--coordinator {display_name(command.coordinator)}: {what} ({one_line(error)}): give "
            f"all processes the same HOST:PORT, of where process 0 runs, with a port that is free"
        ) from error


def _wait(command: Train, action: Callable[[], object]) -> None:
    """Waits until an action succeeds; raises its `OSError` if it does not.

    Processes may start in any order, and names of hosts come to be known after their hosts start.
    """
    tries = math.ceil(_PATIENCE / _PAUSE)
    for number in range(tries + 1):
        try:
            action()
            return
        except OSError as error:
            if number == tries:
                raise
            if number == 0 and not command.quiet:
                name = display_name(command.coordinator)
                print(f"waiting for {name} ({one_line(error)})", file=sys.stderr)
        time.sleep(_PAUSE)
