"""The one exception for what a user can mend, and checks that raise it."""

import difflib
import math
import numbers
from collections.abc import Iterable


class JaxnstError(ValueError):
    """Wrong input: one line that names it, says what is wrong and what would be right.

    The command line prints the message without a traceback and exits with status 2.
    """


def check_number(name: str, value: float, *, low: float = 0.0, high: float = math.inf) -> None:
    """Raises JaxnstError unless low <= value <= high and the value is finite."""
    if not isinstance(value, numbers.Real):
        raise JaxnstError(f"{name} is {value!r}: give a number")
    if not (low <= value <= high and math.isfinite(value)):
        upper = f" and at most {high:g}" if math.isfinite(high) else ""
        raise JaxnstError(f"{name} is {value}: give a finite number, at least {low:g}{upper}")


def check_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Raises JaxnstError, with the likeliest, unless the value is one of those known."""
    if value not in tuple(known):  # which also takes what cannot be hashed
        raise JaxnstError(f"{name} {value!r} is unknown: {nearest(str(value), known)}")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: Python says so by a type, JAX by a word."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def nearest(name: str, known: Iterable[str]) -> str:
    """For the message about a wrong name: which may have been meant, and all there are."""
    names = list(known)
    likely = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {likely[0]!r}? " if likely else ""
    return f"{hint}{'There' if hint else 'there'} are {', '.join(names) or 'none'}"
