"""Reads settings from TOML files into frozen dataclasses, checking every name and type.

The files that ship are in `configs/KIND/NAME.toml`.
"""

import dataclasses
import numbers
import tomllib
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from jaxnst.errors import JaxnstError, nearest
from jaxnst.io.files import display_name, one_line, open_binary

T = typing.TypeVar("T")


def options_from(options: T, values: Mapping[str, Any], origin: str = "") -> T:
    """Replaces fields of a frozen dataclass, checking names and types.

    Args:
      options: the values of all other fields.
      values: field name -> value as parsed; a nested dataclass is a table.
      origin: where the values are from, the beginning of error messages.
    """
    fields = typing.get_type_hints(type(options))
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            raise JaxnstError(f"{origin}{name!r} is not an option: {nearest(name, fields)}")
        if dataclasses.is_dataclass(fields[name]) and isinstance(value, Mapping):
            read[name] = options_from(getattr(options, name), value, origin)
        else:
            read[name] = _converted(value, fields[name], f"{origin}{name}")
    try:
        return dataclasses.replace(options, **read)  # type: ignore[type-var]
    except JaxnstError as error:
        raise JaxnstError(f"{origin}{error}") from error


def config_names(kind: str) -> tuple[str, ...]:
    """Names of the files that ship in `configs/KIND`, without their suffix."""
    return tuple(sorted(path.stem for path in _config_dir().glob(f"{kind}/*.toml")))


def read_config(kind: str, name_or_path: str, options: T) -> T:
    """Options overridden by a named file of `configs/KIND`, or by a .toml file.

    Raises:
      JaxnstError: there is no such file, or it has an unknown name or a wrong value.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if name_or_path not in config_names(kind):
            noun = "preset" if kind == "stylize" else "configuration"
            raise JaxnstError(
                f"{noun} {name_or_path!r} is unknown: {nearest(name_or_path, config_names(kind))}, "
                f"or give a .toml file"
            )
        path = _config_dir() / kind / f"{name_or_path}.toml"
    with open_binary(path) as file:
        try:
            values = tomllib.loads(file.read().decode())
        except (ValueError, RecursionError) as error:  # ValueError: no TOML, no UTF-8, huge numbers
            raise JaxnstError(
                f"{display_name(path)}: not a TOML file that can be read ({one_line(error)})"
            ) from error
    return options_from(options, values, f"{display_name(path)}: ")


def _converted(value: Any, wanted: Any, what: str) -> Any:
    """Converts a TOML value to the field's type: lists to tuples, 1 to 1.0."""
    if typing.get_origin(wanted) is types.UnionType:  # such as a table that may be left out
        if value is None:
            return None
        wanted = next(kind for kind in typing.get_args(wanted) if kind is not type(None))
    if typing.get_origin(wanted) is tuple and isinstance(value, list | tuple):
        element = typing.get_args(wanted)[0]
        return tuple(_converted(item, element, what) for item in value)
    if dataclasses.is_dataclass(wanted) and isinstance(value, Mapping):
        return _row(value, wanted, f"{what}: ")
    if typing.get_origin(wanted) is Literal and value in typing.get_args(wanted):
        return value
    if wanted in (int, float):
        # By their abstract types, which NumPy's numbers have too.
        kind = numbers.Integral if wanted is int else numbers.Real
        if isinstance(value, kind) and not isinstance(value, bool):
            with suppress(OverflowError):  # an integer beyond all floats
                return wanted(value)
    elif isinstance(wanted, type) and isinstance(value, wanted):
        return value
    raise JaxnstError(f"{what} = {value!r} has the wrong type: expected {_spoken(wanted)}")


def _row(values: Mapping[str, Any], kind: Any, origin: str) -> Any:
    """Builds a dataclass from one table of an array of tables, which has no defaults."""
    needed = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
    for name in needed:
        if name not in values:
            raise JaxnstError(f"{origin}{name!r} is missing: every one has {', '.join(needed)}")
    return options_from(kind(*(values[name] for name in needed)), values, origin)


def _spoken(wanted: Any) -> str:
    """A type as text for error messages."""
    if typing.get_origin(wanted) is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(wanted)))
    if typing.get_origin(wanted) is tuple:
        return f"a list of {typing.get_args(wanted)[0].__name__}"
    if dataclasses.is_dataclass(wanted):
        return "a table"
    return getattr(wanted, "__name__", str(wanted))


def _config_dir() -> Path:
    """The folder `configs/`: inside the package when installed, beside it in a checkout."""
    inside = Path(__file__).parents[1] / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"
