"""Parses command lines into dataclasses of options, with tyro.

Tyro would put what a dataclass's own checks raise into a box of several lines, under names from
inside the program. So it is given copies without checks, and these run afterwards.
"""

import ast
import dataclasses
import inspect
import os
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, wraps
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import tyro
from tyro.conf import DisallowNone, FlagCreatePairsOff, OmitArgPrefixes, Suppress, arg

from jaxnst.cli.usage_errors import usage_errors
from jaxnst.errors import JaxnstError, nearest
from jaxnst.io.files import display_name

T = TypeVar("T")

Source = Annotated[tyro.conf.Positional[Path], arg(metavar="FILE")]
Json = Annotated[bool, arg(help="Print JSON.")]
NewFile = Annotated[
    Path,
    arg(
        name="output",
        aliases=["-o", "--out"],
        metavar="FILE",
        help="The .safetensors file to write.",
    ),
]

_METAVARS = {  # what the values of an option are, by its field
    "auth": "USER:PASSWORD",
    "blend": "[WEIGHT ...]",
    "coarsest": "PIXELS",
    "config": "NAME|FILE.toml",
    "content_layers": "[LAYER ...]",
    "coordinator": "HOST:PORT",
    "crop": "PIXELS",
    "folder": "FOLDER",
    "held_out_list": "FILE",
    "host": "ADDRESS",
    "loss_csv": "FILE.csv",
    "loss_plot": "FILE.png",
    "mask": "[PICTURE ...]",
    "memory_limit": "GB",
    "model": "NAME|FILE",
    "net": "NAME|FILE",
    "paintings_dir": "FOLDER",
    "preset": "NAME|FILE.toml",
    "rate": "FPS",
    "fps": "FPS",
    "size": "PIXELS",
    "stats": "FILE.json",
    "style_layer_weights": "[WEIGHT ...]",
    "style_layers": "[LAYER ...]",
    "tfds_dir": "FOLDER",
    "work": "FOLDER",
}


def parse(
    kind: type[T],
    argv: Sequence[str],
    prog: str,
    about: str,
    *,
    aliases: Mapping[str, str] = MappingProxyType({}),
    **defaults: Any,
) -> T:
    """Parses a command line into a dataclass.

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
      JaxnstError: wrong usage, or the dataclass does not take a value.
      SystemExit: the end of --help.
    """
    _check_dashes(argv)
    _check_repeated(kind, argv)
    config = (FlagCreatePairsOff, DisallowNone)
    bare = _bare(kind, aliases, **defaults)
    with usage_errors(prog, _option_names(kind)):
        parsed = tyro.cli(
            bare, args=list(argv), prog=prog, description=_unwrapped(about), config=config
        )
    return _built(kind, parsed)


def options_in(argv: Sequence[str]) -> set[str]:
    """The options that appear on a command line."""
    names = {
        word.partition("=")[0]
        for word in _before_files(argv)
        if word.startswith("-") and word != "-"
    }
    return {"-" + name[1:].replace("_", "-") for name in names if not _is_number(name)}


def value_in(argv: Sequence[str], default: str, *names: str) -> str:
    """The value of an option, found before the rest is parsed because it sets other defaults."""
    value, words = default, _before_files(argv)
    for word, following in pairwise((*words, "")):
        name, equals, text = word.partition("=")
        if name in names:
            value = text if equals else following
    return value


def output_is_folder(argv: Sequence[str]) -> bool:
    """Whether --output ends with a slash, which `Path` drops."""
    return value_in(argv, "", "--output", "--out", "-o").endswith(("/", os.sep))


def run_subcommand(
    commands: Mapping[str, Callable[..., int]], argv: Sequence[str], prog: str, about: str
) -> int:
    """Runs one of several functions, parsing the arguments in its signature.

    Raises:
      JaxnstError: there is no such function, or wrong usage, or what the function raises.
      SystemExit: the end of --help.
    """
    name = next(iter(argv), "")
    if name not in (*commands, "-h", "--help"):
        given = f"{display_name(name)!r} is not a command" if name else "a command is missing"
        raise JaxnstError(f"{prog}: {given}: {nearest(name, commands)}")
    arguments = inspect.signature(commands[name]).parameters if name in commands else ()
    with usage_errors(f"{prog} {name}", map(_option, arguments)):
        return tyro.extras.subcommand_cli_from_dict(
            {name: _as_shown(function) for name, function in commands.items()},
            prog=prog,
            description=f"{about}\n`{prog} COMMAND --help` lists the options of one of these.",
            args=list(argv),
            config=(FlagCreatePairsOff,),
        )


def _before_files(argv: Sequence[str]) -> list[str]:
    """The words before "--", after which there are only files."""
    words = list(argv)
    return words[: words.index("--")] if "--" in words else words


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _check_dashes(argv: Sequence[str]) -> None:
    """Raises JaxnstError for a file whose name begins with a dash, like an option."""
    for word in _before_files(argv):
        if word.startswith("-") and Path(word).suffix and os.path.lexists(word):
            name = display_name(word)
            raise JaxnstError(f"{name}: begins with a dash, as options do: give ./{name}")


def _check_repeated(kind: Any, argv: Sequence[str]) -> None:
    """Raises JaxnstError for `--style a --style b`, of which only the last would count."""
    for name, wanted in typing.get_type_hints(kind).items():
        option = _option(name)
        if dataclasses.is_dataclass(wanted):
            _check_repeated(wanted, argv)
        times = [word.partition("=")[0] for word in argv].count(option)
        if typing.get_origin(wanted) is tuple and times > 1:
            raise JaxnstError(f"{option} is given twice: give all its values after one")


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def _option_names(kind: Any) -> Iterator[str]:
    """The options that the fields of a dataclass become, and of the dataclasses in it."""
    for name, wanted in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(wanted):
            yield from _option_names(wanted)
        else:
            yield _option(name)


def _bare(kind: Any, aliases: Mapping[str, str], **defaults: Any) -> Any:
    """A copy of a dataclass with the same fields and their help, but without checks.

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
            text = _negated(text) if default is True and text else text  # of --no-NAME
            metavar = _metavar(field.name, field.type)
            hint = Annotated[
                wanted, arg(help=text, help_behavior_hint=_hint, aliases=names, metavar=metavar)
            ]
        fields.append((field.name, hint, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(kind.__name__, fields, kw_only=True, frozen=True)


def _metavar(name: str, kind: Any) -> str | None:
    """The placeholder of an option's value in --help; None for what the option itself defines."""
    kinds: dict[Any, str] = {int: "N", float: "NUMBER", str: "NAME|PATH"}
    return _METAVARS.get(name) or kinds.get(kind)


def _negated(text: str) -> str:
    """What an option says that turns off what is on by default."""
    return f"Do not {text[0].lower()}{text[1:]}"


def _unwrapped(text: str) -> str:
    """Each paragraph on one line, without the line breaks and the indentation of the source."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _as_shown(function: Callable[..., int]) -> Callable[..., int]:
    """The same function, whose arguments --help shows as it does the options of dataclasses."""

    @wraps(function)
    def shown(*args: Any, **kwargs: Any) -> int:
        return function(*args, **kwargs)

    hints: dict[str, Any] = {
        name: Annotated[hint, arg(help_behavior_hint=_hint, metavar=_metavar(name, hint))]
        for name, hint in typing.get_type_hints(function, include_extras=True).items()
    }
    signature = inspect.signature(function)
    shown.__annotations__ = hints
    shown.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[p.replace(annotation=hints[p.name]) for p in signature.parameters.values()]
    )
    del shown.__wrapped__  # where tyro would find them as they were
    return shown


def _is_table(wanted: Any) -> bool:
    """Whether a field is a table that only a file can give: one that may be missing, or several."""
    is_compound = typing.get_origin(wanted) in (tuple, types.UnionType)
    return is_compound and any(map(dataclasses.is_dataclass, typing.get_args(wanted)))


def _built(kind: type[T], parsed: Any) -> T:
    """Builds the dataclass from its bare copy, which runs its checks."""
    types = typing.get_type_hints(kind)
    values = vars(parsed) | {
        name: _built(types[name], value)
        for name, value in vars(parsed).items()
        if dataclasses.is_dataclass(types[name])
    }
    return kind(**values)


@cache
def attribute_docs(kind: type) -> dict[str, str]:
    """Field name -> the docstring below it, on one line."""
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
    """The default as it follows an option's help; empty for none, flags and empty text."""
    silent = ("", "''", "None", "False", "True")
    return "" if default in silent else f"(default: {default})"
