"""The command line: `jaxnst COMMAND ...`. Each command has a file of its own in this folder."""

import codecs
import importlib
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from typing import NoReturn

from jaxnst import __version__
from jaxnst.cli.exit_status import (
    INTERRUPTED,
    TERMINATED,
    USAGE_ERROR,
    Stdout,
    StdoutError,
    complain,
    os_error_status,
    stdout_status,
)
from jaxnst.cli.signals import Terminated, end_at_once, interrupt_gracefully, signals_wait
from jaxnst.errors import JaxnstError, nearest

# Command -> what it does. The module of the same name is imported only when the command runs,
# so that `jaxnst --help` does not wait for JAX.
COMMANDS = {
    "stylize": "turn photos into paintings",
    "live": "paint what the camera sees",
    "upscale": "enlarge pictures and videos",
    "export": "write a network for other programs: ONNX, StableHLO",
    "web": "open a page in the browser",
    "train": "train a network that paints in one pass",
    "models": "list, show, verify, export, blend and convert trained networks",
    "weights": "list, verify, convert and fetch VGG weights",
}


def program(*words: str) -> NoReturn:
    """Runs a command, with the words given before those of the command line, and ends the process.

    Ctrl-C is taken care of to the last moment, when JAX clears up.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job's is not
        signal.signal(signal.SIGINT, end_at_once)
    sys.exit(main([*words, *sys.argv[1:]]))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 2 for wrong input, 130 after Ctrl-C."""
    _set_up_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        # None: the shell has closed it, and print does nothing.
        stdout = nullcontext() if sys.stdout is None else redirect_stdout(Stdout(sys.stdout))
        with interrupt_gracefully(), stdout:
            status = _run(words)
            print(end="", flush=True)  # here, where what goes wrong can still be said
    except JaxnstError as error:
        return complain(error)
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)
        return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
    except StdoutError as error:
        return stdout_status(error)
    except OSError as error:
        return os_error_status(error)
    return status


def _run(args: list[str]) -> int:
    if args[:1] in (["-h"], ["--help"]) or not args:
        print(_usage(), file=sys.stdout if args else sys.stderr)
        return 0 if args else USAGE_ERROR
    if args[0] in ("-V", "--version"):
        print(f"jaxnst {__version__}")
        return 0
    if args[0] not in COMMANDS:
        raise JaxnstError(f"{args[0]!r} is not a command: {nearest(args[0], COMMANDS)}")
    with signals_wait():  # JAX does not bear to be interrupted while it is loaded
        command = importlib.import_module(f"jaxnst.cli.{args[0]}")
    try:
        return command.main(args[1:])
    except SystemExit as exit_:  # how the argument library ends: 0 for --help, 2 for wrong usage
        return exit_.code if isinstance(exit_.code, int) else USAGE_ERROR


def _set_up_streams() -> None:
    """Lets stdout take any file name, and keeps libraries from chatting on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("as-file-names", _as_file_name)
        sys.stdout.reconfigure(errors="as-file-names")
    # What is worth saying of a picture or a bucket, jaxnst says.
    for library in ("PIL", "matplotlib", "s3fs", "botocore", "gcsfs", "google"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def _as_file_name(error: UnicodeError) -> tuple[bytes, int]:
    """What stdout's encoding lacks, as the file system has it: scripts find the file."""
    assert isinstance(error, UnicodeEncodeError)
    return os.fsencode(error.object[error.start : error.end]), error.end


def _usage() -> str:
    commands = "\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items())
    return (
        f"usage: jaxnst COMMAND [options]\n\n"
        f"Neural style transfer in JAX.\n\ncommands:\n{commands}\n\n"
        f"`jaxnst COMMAND --help` lists every option. `jaxnst --version` prints the version."
    )
