"""Connects to a Ray cluster by its address, or says in one line why that cannot be."""

import io
import logging
import os
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from jaxnst.cli.signals import Terminated, signals_wait
from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name, one_line

LOCAL = "local"
AROUND = "auto"

OBJECTS = 100_000_000
"""Bytes for what travels by Ray, where pictures do not."""

_PATIENCE = 10.0  # seconds for an address to answer
# A server of HTTP/2, and so of gRPC, answers this with its settings, whose fourth byte is 4.
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = 4
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray warns that this is to be its default
}


@contextmanager
def connected(address: str, memory: int = OBJECTS) -> Iterator[Any]:
    """Connects to a cluster for the block, or starts one on this machine with memory for objects.

    Raises:
      JaxnstError: there is none, or its versions of Ray and Python are others.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    host, port = host_and_port(address)
    if host:
        _check_answer(address, host, port)
    options: dict[str, Any] = {}
    if address == LOCAL:
        options = {"include_dashboard": False, "object_store_memory": memory}
    try:
        # Ray loses Ctrl-C while it connects, and takes SIGTERM from then on.
        with signals_wait(), _silent_core(), warnings.catch_warnings():
            import ray

            # JAX warns of forks; what Ray starts is another program at once.
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except SystemExit as error:  # what SIGTERM raises as soon as Ray has taken it
        raise Terminated from error
    except Exception as error:  # Ray has errors of its own
        raise JaxnstError(f"--cluster {address}: {_reason(address, error)}") from error
    try:
        yield ray
    finally:
        with redirect_stdout(io.StringIO()):  # for what Ray has held back of lost workers
            ray.shutdown()


def _reason(address: str, error: Exception) -> str:
    """Why Ray cannot be connected to."""
    if "AuthenticationError" in f"{type(error).__name__} {error.__cause__}":
        return (
            "wants a token: set RAY_AUTH_MODE=token, and copy ~/.ray/auth_token from the machine "
            "where the cluster was started"
        )
    if address == AROUND and isinstance(error, ConnectionError):
        return "there is no cluster around: start one with `ray start`, or give local"
    return one_line(error)


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of an address; none for "local" and "auto".

    Raises:
      JaxnstError: it is no address.
    """
    if address in (LOCAL, AROUND):
        return "", 0
    host, port = split_address(address)
    if not host:
        raise JaxnstError(
            f"--cluster is {display_name(address)!r}: give local, auto, or the HOST:PORT that "
            f"`ray start` prints"
        )
    return host, port


def split_address(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; no host if it is not one."""
    host, _, port = address.rpartition(":")
    is_port = port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65_536
    return (host.strip("[]"), int(port)) if is_port and "/" not in address else ("", 0)


def _check_answer(address: str, host: str, port: int) -> None:
    """Raises JaxnstError unless a server answers as Ray's does; Ray itself tries for minutes."""
    try:
        with socket.create_connection((host, port), _PATIENCE) as connection:
            connection.settimeout(_PATIENCE)
            connection.sendall(_HELLO)
            header = connection.recv(9)
    except OSError as error:
        raise JaxnstError(
            f"--cluster {address}: does not answer ({one_line(error)}): give the address that "
            f"`ray start` prints"
        ) from error
    if header[3:4] != bytes((_SETTINGS,)):
        raise JaxnstError(
            f"--cluster {address}: what answers there is not Ray: give the address that "
            f"`ray start` prints"
        )


@contextmanager
def _silent_core() -> Iterator[None]:
    """Has what is written to stderr in the block go nowhere: Ray's core tells of each of its tries,
    and knows no way to keep it from that."""
    if sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
