"""The command line: `jaxnst COMMAND ...`. Each command has a file of its own in this folder."""

import importlib
import sys
from collections.abc import Sequence

from jaxnst import __version__
from jaxnst.errors import JaxnstError

# Command -> what it does. The module of the same name is imported only when the command runs,
# so that `jaxnst --help` does not wait for JAX.
COMMANDS = {
    "stylize": "turn photos into paintings",
    "weights": "list, verify, convert and fetch VGG weights",
}

USAGE_ERROR = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 2 for wrong input, 130 after Ctrl-C."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args[:1] in (["-h"], ["--help"]) or not args:
        print(_usage(), file=sys.stdout if args else sys.stderr)
        return 0 if args else USAGE_ERROR
    if args[0] in ("-V", "--version"):
        print(f"jaxnst {__version__}")
        return 0
    if args[0] not in COMMANDS:
        return _fail(f"{args[0]!r} is not a command: use one of {', '.join(COMMANDS)}")
    try:
        return importlib.import_module(f"jaxnst.cli.{args[0]}").main(args[1:])
    except JaxnstError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as exit_:  # how the argument library ends: 0 for --help, 2 for wrong usage
        return exit_.code if isinstance(exit_.code, int) else USAGE_ERROR


def _fail(message: str) -> int:
    print(f"jaxnst: error: {' '.join(message.split())}", file=sys.stderr)
    return USAGE_ERROR


def _usage() -> str:
    commands = "\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items())
    return (
        f"usage: jaxnst COMMAND [options]\n\n"
        f"Neural style transfer in JAX.\n\ncommands:\n{commands}\n\n"
        f"`jaxnst COMMAND --help` lists every option. `jaxnst --version` prints the version."
    )
