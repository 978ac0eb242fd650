"""Joins the processes that train together, or says in one line why that cannot be.

JAX itself tries for minutes, and then aborts the process.
"""

import socket
import time
from collections.abc import Iterator
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
    _check_coordinator(command.coordinator, is_first=command.process == 0)
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


def _check_coordinator(address: str, *, is_first: bool) -> None:
    """Raises JaxnstError unless the first process can listen there, or can be reached by others."""
    host, port = split_address(address)
    if not host:
        raise JaxnstError(
            f"--coordinator is {display_name(address)!r}: give auto, or HOST:PORT, a host's name "
            f"and a port of it that is free"
        )
    with _explained(address, "is a host that is not known here"):
        socket.getaddrinfo(host, port)
    if is_first:
        with _explained(address, f"port {port} cannot be taken"):
            socket.create_server(("", port)).close()
    else:
        with _explained(address, "does not answer"):
            _wait_for(host, port)


@contextmanager
def _explained(address: str, what: str) -> Iterator[None]:
    """Turns an error of the network into one line."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise JaxnstError(
            f"--coordinator {display_name(address)}: {what} ({one_line(error)}): give all "
            f"processes the same HOST:PORT, of where process 0 runs, with a port that is free there"
        ) from error


def _wait_for(host: str, port: int) -> None:
    """Waits for a server; raises `OSError` if there is none in the end."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection((host, port), _TRY).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
