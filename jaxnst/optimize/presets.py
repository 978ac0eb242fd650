"""Named settings for a picture: a TOML file each in `configs/`, read into frozen dataclasses.

A file's top level are the fields of `PaintOptions`; its tables `[loss]` and `[optimize]` those of
`LossOptions` and `OptimizeOptions`. What it does not name keeps its default.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from jaxnst.errors import JaxnstError, check_choice, check_number, nearest
from jaxnst.io.settings import config_names, options_from, read_config
from jaxnst.optimize.options import OptimizeOptions
from jaxnst.perceptual.loss_options import LossOptions


@dataclasses.dataclass(frozen=True)
class PaintOptions:
    """How a picture is made, apart from photo and style."""

    size: int = 512
    """Long side of the result, in pixels; with a trained style the photo's own, unless this is
    given."""
    net: str = "vgg19"
    """Net that compares the pictures: vgg16, vgg19, or a converted .safetensors file."""
    style_scale: float = 1.0
    """Long side of the style picture, relative to that of the result; more: larger strokes."""
    keep_colors: Literal["no", "luma", "match"] = "no"
    """Keep the photo's colors: take only the painting's lightness (luma), or give the style
    picture the photo's colors beforehand (match)."""
    loss: LossOptions = dataclasses.field(default_factory=LossOptions)
    """What the picture is compared with, and how much each comparison counts."""
    optimize: OptimizeOptions = dataclasses.field(default_factory=OptimizeOptions)
    """How the pixels are optimized."""

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
