"""`jaxnst web`: the page in a browser."""

import contextlib
import dataclasses
import logging
import os
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jaxnst.cli.arguments import parse
from jaxnst.cli.cache import use_compilation_cache
from jaxnst.errors import JaxnstError, check_number
from jaxnst.io.files import one_line
from jaxnst.networks.model_file import DEFAULT
from jaxnst.web import check_installed
from jaxnst.web.limits import Limits


@dataclasses.dataclass(frozen=True)
class Web:
    """Open a page in the browser, to paint photos and the webcam and to enlarge pictures. Ctrl-C
    ends it. No request leaves the machine."""

    host: str = "127.0.0.1"
    """Address to listen at: this machine's own, for itself alone; 0.0.0.0: all networks."""
    port: int = 7860
    """Port to listen at; 0: any that is free."""
    auth: str = ""
    """USER:PASSWORD that visitors have to give. None: all may come in."""
    model: str = DEFAULT
    """Trained network: a name from `jaxnst models`, or a .safetensors file."""
    no_browser: bool = False
    """Open no browser, only say where the page is."""
    limits: Limits = dataclasses.field(default_factory=Limits)
    """What a visitor may ask for."""
    quiet: bool = False
    """Only errors."""

    def __post_init__(self) -> None:
        check_number("port", self.port, high=65_535)
        user, colon, password = self.auth.partition(":")
        if self.auth and not (user and colon and password):
            raise JaxnstError("--auth is USER:PASSWORD: give both, with a colon between them")


def main(argv: Sequence[str]) -> int:
    """Runs the command until Ctrl-C or SIGTERM; the exit status is 0."""
    command = parse(Web, argv, "jaxnst web", Web.__doc__ or "")
    check_installed()
    with (
        _listening(command.host, command.port) as listener,
        tempfile.TemporaryDirectory(prefix="jaxnst-web-") as folder,
    ):
        use_compilation_cache()
        _serve(command, listener, Path(folder))
    return 0


def _serve(command: Web, listener: socket.socket, folder: Path) -> None:
    from jaxnst.web.server import LOOPBACK, create_app

    user, _, password = command.auth.partition(":")
    app = create_app(
        folder,
        model=command.model,
        limits=command.limits,
        auth=(user, password) if command.auth else None,
        local=command.host in LOOPBACK,
    )
    logging.basicConfig(stream=sys.stderr, format="jaxnst: %(message)s")
    address = _address(command.host, listener)
    if not command.quiet:
        print(f"{address}  (Ctrl-C ends it)", flush=True)
    if not command.no_browser and _has_desktop():
        webbrowser.open(address)
    _run(app, listener)


def _run(app: Any, listener: socket.socket) -> None:
    """Answers requests until Ctrl-C or SIGTERM, and closes all connections."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # its own would raise them again in the end, with a traceback

    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=2, ws_max_size=1_000_000,
        loop="asyncio",
    )  # fmt: skip
    server = Server(config)

    def end(*_: Any) -> None:
        server.force_exit = server.should_exit  # the second time
        server.should_exit = True
        app.state.presence.close()
        # That connections are cut off now is no error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that waits for visitors.

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
    """Whether a browser can be shown; in a terminal alone a text browser would start."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
