"""A training run's settings: a TOML file each in `configs/train`, read into frozen dataclasses.

Its tables are the fields of `TrainConfig`.
"""

import dataclasses
from typing import Any

from jaxnst.errors import check_number
from jaxnst.io.settings import config_names, read_config
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.training.data import DataOptions
from jaxnst.training.options import (
    DecoderOptions,
    NetworkOptions,
    OptimizerOptions,
    StyleOptions,
    UpscaleOptions,
)
from jaxnst.training.painting import Painting


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that a run's result depends on."""

    painting: Painting | None = None
    """The style to be learned; only a file can name it."""
    seed: int = 0
    """Seed of all that is random."""
    net: str = "vgg16"
    """Net that compares the pictures: vgg16, vgg19, or a converted .safetensors file."""
    start_from: str = ""
    """Model to start from, by its name or file. Styles that were trained from one start can be
    blended. One that enlarges may be of another scale; what layers both have is taken."""
    network: NetworkOptions = dataclasses.field(default_factory=NetworkOptions)
    """What is trained."""
    data: DataOptions = dataclasses.field(default_factory=DataOptions)
    """Where the photos come from, and how they become samples."""
    loss: LossOptions = dataclasses.field(default_factory=LossOptions)
    """What the pictures are compared with, and how much each comparison counts."""
    style: StyleOptions = dataclasses.field(default_factory=StyleOptions)
    """What else a network that paints learns."""
    upscale: UpscaleOptions = dataclasses.field(default_factory=UpscaleOptions)
    """What counts in super-resolution."""
    decoder: DecoderOptions = dataclasses.field(default_factory=DecoderOptions)
    """How a decoder learns."""
    optimizer: OptimizerOptions = dataclasses.field(default_factory=OptimizerOptions)
    """How the parameters are trained."""

    def __post_init__(self) -> None:
        check_number("seed", self.seed, high=2**32 - 1)


def train_config_names() -> tuple[str, ...]:
    """The training configurations that ship."""
    return config_names("train")


def load_train_config(name_or_path: str) -> TrainConfig:
    """The settings of a configuration that ships, or of a TOML file of one's own.

    Raises:
      JaxnstError: no such configuration, or it has a name or a value that does not belong in it.
    """
    return read_config("train", name_or_path, TrainConfig())


def differences(one: dict[str, Any], other: dict[str, Any], prefix: str = "") -> list[str]:
    """What differs between two configurations as dicts, in words."""
    found = []
    for name in one | other:
        a, b = one.get(name), other.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{prefix}{name}.")
        elif a != b:
            found.append(f"{prefix}{name} was {a!r} and is {b!r}")
    return found
