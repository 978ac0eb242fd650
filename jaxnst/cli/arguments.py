"""Dataclasses of options from the words of a command line, by tyro.

Tyro would put what a dataclass's own checks raise into a box of several lines, under names from
inside the program. So it is given copies without checks, and these run afterwards.
"""

import ast
import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import tyro
from tyro.conf import DisallowNone, FlagCreatePairsOff, OmitArgPrefixes, Suppress, arg

from jaxnst.errors import JaxnstError

T = TypeVar("T")


def parse(
    kind: type[T],
    argv: Sequence[str],
    prog: str,
    about: str,
    *,
    aliases: Mapping[str, str] = MappingProxyType({}),
    **defaults: Any,
) -> T:
    """An instance of a dataclass from a command line.

    Args:
      kind: a dataclass whose fields have a string below them, their help. Where a field is a
        dataclass itself its fields are options as well: in a group, or among the others if there
        is no string below it.
      argv: the words.
      prog: what the command is called.
      about: what it does, for the help.
      aliases: second names of options, by the names of their fields.
      **defaults: instead of those of the dataclass.

    Raises:
      JaxnstError: the dataclass does not take a value.
      SystemExit: wrong usage, with status 2, or the end of --help.
    """
    _check_repeated(kind, argv)
    config = (FlagCreatePairsOff, DisallowNone)
    bare = _bare(kind, aliases, **defaults)
    parsed = tyro.cli(bare, args=list(argv), prog=prog, description=about, config=config)
    return _built(kind, parsed)


def _check_repeated(kind: Any, argv: Sequence[str]) -> None:
    """Refuses `--style a --style b`, of which only the last would count."""
    for name, wanted in typing.get_type_hints(kind).items():
        option = "--" + name.replace("_", "-")
        if dataclasses.is_dataclass(wanted):
            _check_repeated(wanted, argv)
        times = [word.partition("=")[0] for word in argv].count(option)
        if typing.get_origin(wanted) is tuple and times > 1:
            raise JaxnstError(f"{option} is given twice: give all its values after one")


def _bare(kind: Any, aliases: Mapping[str, str], **defaults: Any) -> Any:
    """A copy of a dataclass: the same fields, and their help, but no checks.

    Tables of tables are no options; they keep their defaults.
    """
    types, helps = typing.get_type_hints(kind, include_extras=True), attribute_docs(kind)
    fields: list[Any] = []
    for field in dataclasses.fields(kind):
        wanted, text = types[field.name], helps.get(field.name)
        default = defaults.get(field.name, _default(field))
        if dataclasses.is_dataclass(wanted):
            inner: Any = _bare(wanted, aliases, **vars(default))
            inner.__doc__, default = text, inner()
            # Tyro makes the name the title of a group.
            hint: Any = Annotated[inner, OmitArgPrefixes, arg(name=field.name if text else "")]
        elif _is_table(wanted):
            hint = Annotated[wanted, Suppress]
        else:
            names = [aliases[field.name]] if field.name in aliases else None
            hint = Annotated[wanted, arg(help=text, help_behavior_hint=_hint, aliases=names)]
        fields.append((field.name, hint, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(kind.__name__, fields, kw_only=True, frozen=True)


def _is_table(wanted: Any) -> bool:
    """Whether a field holds rows that are dataclasses themselves."""
    elements = typing.get_args(wanted)
    return typing.get_origin(wanted) is tuple and dataclasses.is_dataclass(elements[0])


def _built(kind: type[T], parsed: Any) -> T:
    """The dataclass itself out of its bare copy; here its checks run."""
    types = typing.get_type_hints(kind)
    values = vars(parsed) | {
        name: _built(types[name], value)
        for name, value in vars(parsed).items()
        if dataclasses.is_dataclass(types[name])
    }
    return kind(**values)


@cache
def attribute_docs(kind: type) -> dict[str, str]:
    """The string below each field of a class, on one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    docs = {}
    for field, below in pairwise(tree.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                value=ast.Constant(value=str(s))
            ):
                docs[name] = " ".join(s.split())
    return docs


def _default(field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _hint(default: str) -> str:
    """What follows an option's help; nothing where none, or off, is the default."""
    return "" if default in ("", "None", "False") else f"(default: {default})"
