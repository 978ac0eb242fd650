"""Wrong usage of a command in one line, where tyro would draw a box of many."""

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jaxnst.errors import JaxnstError, nearest
from jaxnst.io.files import display_name


@contextmanager
def usage_errors(prog: str, options: Iterable[str]) -> Iterator[None]:
    """Raises JaxnstError for what tyro refuses within the block.

    What it refuses is known from a part of tyro that is not public: where that is missing or other
    than we know it, there is the box.

    Args:
      prog: what the command is called.
      options: those of the command, to guess what a misspelt one should be.
    """
    try:
        from tyro._errors import on_parse_error
    except ImportError:
        yield
        return
    known = list(options)

    def refuse(event: Any) -> None:
        sentence = ""
        with suppress(AttributeError):
            sentence = _sentence(event, prog, known)
        if sentence:
            raise JaxnstError(sentence)

    with on_parse_error(refuse):
        yield


def _sentence(event: Any, prog: str, options: list[str]) -> str:
    """What is wrong and what would be right; "" for what we do not know."""
    match type(event).__name__:
        case "UnrecognizedArgs":
            return _unknown(event.tokens, prog, options)
        case "MissingArgs":
            if event.unrecognized_tokens:  # a misspelt one may be what is missing
                return _unknown(event.unrecognized_tokens, prog, options)
            missing = ", ".join(_with_value(found.arg) for found in event.missing_arguments)
            return f"{missing} is missing: see `{prog} --help`"
        case "BadValue" if event.argument.is_positional():
            return f"{_name(event.argument)} is missing: see `{prog} --help`"
        case "BadValue":
            return f"{_name(event.argument)} has no value: give {_with_value(event.argument)}"
        case "InvalidChoice":
            choices = nearest(event.value, event.choices)
            return f"{_name(event.argument)} is {display_name(event.value)!r}: {choices}"
        case "InstantiationFailure" if event.argument is not None:
            return f"{_name(event.argument)} {_no_number(str(event.message))}"
    return ""


def _unknown(tokens: list[str], prog: str, options: list[str]) -> str:
    """Says that a word is no option, and which may have been meant."""
    named = [token.partition("=")[0] for token in tokens if token.startswith("-")]
    if not named:
        return f"{display_name(tokens[0])!r} is a word too many: see `{prog} --help`"
    likely = difflib.get_close_matches(named[0], options, n=1)
    way_out = f"did you mean {likely[0]}?" if likely else f"`{prog} --help` lists them"
    return f"{display_name(named[0])} is no option of {prog}: {way_out}"


def _no_number(message: str) -> str:
    """What Python says of a word that is no number, as a user would say it."""
    whole = re.search(r"int\(\) with base 10: (.*)", message)
    if whole:
        return f"is {whole[1]}: give a whole number"
    number = re.search(r"convert string to float: (.*)", message)
    if number:
        return f"is {number[1]}: give a number"
    words = re.search(r"valid parse for arguments: \[(.*)\]", message)  # of several values
    return f"is {words[1]}: give numbers" if words else f"cannot be taken: {message}"


def _name(argument: Any) -> str:
    """An option's longest name, or a word's in capitals."""
    name: str = argument.display_name().rpartition("/")[2]
    return name if name.startswith("-") else name.upper()


def _with_value(argument: Any) -> str:
    """An option and what its value is, as in --help."""
    name = _name(argument)
    return f"{name} {argument.lowered.metavar}" if name.startswith("-") else name
