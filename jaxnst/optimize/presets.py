"""Named settings for a picture: a TOML file each in `configs/`, read into frozen dataclasses.

A file's top level are the fields of `PaintOptions`; its tables `[loss]` and `[optimize]` those of
`LossOptions` and `OptimizeOptions`. What it does not name keeps its default.
"""

import dataclasses
import numbers
import tomllib
import typing
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from jaxnst.errors import JaxnstError, check_choice, check_number, nearest
from jaxnst.io.files import display_name, one_line, open_binary
from jaxnst.optimize.run import OptimizeOptions
from jaxnst.perceptual.losses import LossOptions

T = typing.TypeVar("T")


@dataclasses.dataclass(frozen=True)
class PaintOptions:
    """How a picture is made, apart from photo and style."""

    size: int = 512
    """Long side of the result, in pixels."""
    net: str = "vgg19"
    """Net that compares the pictures: vgg16, vgg19, or a converted .safetensors file."""
    style_scale: float = 1.0
    """Long side of the style picture, relative to that of the result; more: larger strokes."""
    keep_colors: Literal["no", "luma", "match"] = "no"
    """Keep the photo's colours: take only the painting's lightness (luma), or give the style
    picture the photo's colours beforehand (match)."""
    loss: LossOptions = dataclasses.field(default_factory=LossOptions)
    """What the picture is compared with, and how much each comparison counts."""
    optimize: OptimizeOptions = dataclasses.field(default_factory=OptimizeOptions)
    """How the pixels are optimised."""

    def __post_init__(self) -> None:
        check_number("size", self.size, low=32, high=65_000)
        check_number("style_scale", self.style_scale, low=0.05, high=20)
        check_choice("keep_colors", self.keep_colors, ("no", "luma", "match"))


def preset_names() -> tuple[str, ...]:
    """The presets that ship."""
    return config_names("stylize")


def load_preset(name_or_path: str) -> PaintOptions:
    """The options of a preset that ships, or of a TOML file of one's own.

    Raises:
      JaxnstError: no such preset, or the file has a name or a value that does not belong in it.
    """
    return read_config("stylize", name_or_path, PaintOptions())


def override(options: PaintOptions, values: Mapping[str, Any]) -> PaintOptions:
    """Options with some fields replaced, each named as in whichever of the dataclasses has it.

    Raises:
      JaxnstError: a name or a value that does not belong in them.
    """
    top = [field.name for field in dataclasses.fields(options)]
    tables = {
        part: [field.name for field in dataclasses.fields(getattr(options, part))]
        for part in ("loss", "optimize")
    }
    known = [*top, *tables["loss"], *tables["optimize"]]
    for name in values:
        if name not in known:
            raise JaxnstError(f"{name!r} is not an option: {nearest(name, known)}")
    options = options_from(options, {name: values[name] for name in top if name in values})
    for part, names in tables.items():
        mine = {name: values[name] for name in names if name in values}
        options = options_from(options, {part: mine})
    return options


def options_from(options: T, values: Mapping[str, Any], origin: str = "") -> T:
    """A frozen dataclass with some of its fields replaced, names and types checked.

    Args:
      options: what is not replaced.
      values: as parsed; a field that is a dataclass itself is a table of its fields.
      origin: where they are from, with which messages begin.
    """
    types = typing.get_type_hints(type(options))
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in types:
            raise JaxnstError(f"{origin}{name!r} is not an option: {nearest(name, types)}")
        if dataclasses.is_dataclass(types[name]) and isinstance(value, Mapping):
            read[name] = options_from(getattr(options, name), value, origin)
        else:
            read[name] = _converted(value, types[name], f"{origin}{name}")
    try:
        return dataclasses.replace(options, **read)  # type: ignore[type-var]
    except JaxnstError as error:
        raise JaxnstError(f"{origin}{error}") from error


def config_names(kind: str) -> tuple[str, ...]:
    """The files that ship in `configs/KIND`, without their suffix."""
    return tuple(sorted(path.stem for path in _config_dir().glob(f"{kind}/*.toml")))


def read_config(kind: str, name_or_path: str, options: T) -> T:
    """Options with those replaced that a file of `configs/KIND`, or a .toml file, names.

    Raises:
      JaxnstError: no such file, or it has a name or a value that does not belong in it.
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
                f"{display_name(path)}: not a preset that can be read ({one_line(error)})"
            ) from error
    return options_from(options, values, f"{display_name(path)}: ")


def _converted(value: Any, wanted: Any, what: str) -> Any:
    """The value as the field's type, or a JaxnstError: TOML has lists for tuples, 1 for 1.0."""
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
    """A dataclass of a table in an array of tables, which has no options to start from."""
    needed = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
    for name in needed:
        if name not in values:
            raise JaxnstError(f"{origin}{name!r} is missing: every one has {', '.join(needed)}")
    return options_from(kind(*(values[name] for name in needed)), values, origin)


def _spoken(wanted: Any) -> str:
    """A type in words."""
    if typing.get_origin(wanted) is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(wanted)))
    if typing.get_origin(wanted) is tuple:
        return f"a list of {typing.get_args(wanted)[0].__name__}"
    if dataclasses.is_dataclass(wanted):
        return "a table"
    return getattr(wanted, "__name__", str(wanted))


def _config_dir() -> Path:
    """`configs/`: package data when installed, beside the package in a checkout."""
    inside = Path(__file__).parents[1] / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"
