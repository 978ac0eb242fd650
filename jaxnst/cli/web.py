"""`jaxnst web`: the page in a browser."""

import logging
import os
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.cluster import check_address, crew_at
from jaxnst.cli.options import Web
from jaxnst.cli.parsing import parse
from jaxnst.cli.worker_pool import WorkerPool
from jaxnst.errors import JaxnstError
from jaxnst.io.files import one_line
from jaxnst.web import check_installed

_OBJECTS = 1_000_000_000  # bytes for pictures on their way to workers of this machine and back


def main(argv: Sequence[str]) -> int:
    """Runs the command until Ctrl-C or SIGTERM; returns 0."""
    command = parse(Web, argv, "jaxnst web", Web.__doc__ or "")
    check_installed()
    if command.cluster:
        check_address(command.cluster)
    with (
        _listening(command.host, command.port) as listener,
        tempfile.TemporaryDirectory(prefix="jaxnst-web-") as folder,
        ExitStack() as stack,
    ):
        hire = partial(_hired, stack, command) if command.cluster else None
        _serve(command, listener, *_application(command, Path(folder), hire))
    return 0


def _hired(stack: ExitStack, command: Web, hand: Any) -> WorkerPool:
    """Workers of a cluster for as long as the stack is open."""

    def say(line: str) -> None:
        if not command.quiet:
            print(f"jaxnst: {line}", file=sys.stderr, flush=True)

    crew = stack.enter_context(crew_at(command.cluster, hand, on_disk=False, memory=_OBJECTS))
    return stack.enter_context(closing(WorkerPool(crew, hand.kinds, say=say)))


def _application(
    command: Web, folder: Path, hire: Callable[[Any], WorkerPool] | None
) -> tuple[Any, Callable[[], None]]:
    """The page, and what is to be called when it ends."""
    if command.browser is not None:
        from jaxnst.web.browser_page import browser_app

        return browser_app(command.browser), lambda: None

    from jaxnst.web.server import LOOPBACK, create_app

    use_compilation_cache()
    user, _, password = command.auth.partition(":")
    app = create_app(
        folder,
        model=command.model,
        limits=command.limits,
        auth=(user, password) if command.auth else None,
        local=command.host in LOOPBACK,
        hire=hire,
    )
    return app, app.state.presence.close


def _serve(command: Web, listener: socket.socket, app: Any, at_end: Callable[[], None]) -> None:
    """Tells the address, opens it, and serves."""
    logging.basicConfig(stream=sys.stderr, format="jaxnst: %(message)s")
    address = _address(command.host, listener)
    if not command.quiet:
        print(f"{address}  (Ctrl-C ends it)", flush=True)
    if not command.no_browser and _has_desktop():
        webbrowser.open(address)
    _run(app, listener, at_end)


def _run(app: Any, listener: socket.socket, at_end: Callable[[], None]) -> None:
    """Serves requests until Ctrl-C or SIGTERM, then closes all connections."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # its own would raise them again in the end, with a traceback

    # A browser that is busy answers a ping late; Live itself hangs up on those who send nothing.
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=2, ws_max_size=1_000_000,
        ws_ping_timeout=None, loop="asyncio",
    )  # fmt: skip
    server = Server(config)

    def end(*_: Any) -> None:
        server.force_exit = server.should_exit  # the second time
        server.should_exit = True
        at_end()
        # That connections are cut off now is no error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
      JaxnstError: the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise JaxnstError(
            f"cannot listen at {host}, port {port} ({one_line(error)}): give another --port or "
            f"--host"
        ) from error
    return listener


def _address(host: str, listener: Any) -> str:
    port = listener.getsockname()[1]
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _has_desktop() -> bool:
    """Whether there is a desktop; without one, a text browser would start in the terminal."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
