"""A training run's settings: a TOML file each in `configs/train`, read into frozen dataclasses.

Its tables are the fields of `TrainConfig`.
"""

import dataclasses
from typing import Any, Literal

from jaxnst.errors import JaxnstError, check_choice, check_number
from jaxnst.io.settings import config_names, read_config
from jaxnst.networks.base import Network
from jaxnst.networks.model_file import NETWORKS, PAINTERS
from jaxnst.networks.super_resolution import SCALES, UPSCALERS, UpscaleNetwork
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.training.data import DataOptions
from jaxnst.training.painting import Painting
from jaxnst.training.style_task import StyleOptions
from jaxnst.training.upscale_task import UpscaleOptions


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """What is trained."""

    network: Literal["slim", "johnson", "compact", "johnson_upscaler"] = "slim"
    """For styles: slim, ours, for real time; johnson, the residual network of the paper. For
    super-resolution: compact, ours; johnson_upscaler, the paper's."""
    width: int = 0
    """Channels of the first and last layer, of which those inside have two and four times as many;
    0: the network's own default."""
    blocks: int = 0
    """Residual blocks; 0: the network's own default."""
    scale: int = 4
    """How many times as wide and high the pictures of a network for super-resolution are."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Of its features and VGG's in training; parameters, statistics and losses are float32."""

    def __post_init__(self) -> None:
        check_choice("network", self.network, NETWORKS)
        check_choice("precision", self.precision, ("float32", "bfloat16"))
        check_number("width", self.width, high=512)
        check_number("blocks", self.blocks, high=64)
        if self.scale not in SCALES:
            raise JaxnstError(f"scale is {self.scale}: there are {', '.join(map(str, SCALES))}")

    def make(self) -> Network | UpscaleNetwork:
        """The network itself."""
        given = {"width": self.width, "blocks": self.blocks}
        given = {name: value for name, value in given.items() if value}
        if self.network in UPSCALERS:
            return UPSCALERS[self.network](scale=self.scale, **given)  # type: ignore[arg-type]
        return PAINTERS[self.network](**given)  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class OptimizerOptions:
    """How the parameters are trained: Adam (Kingma & Ba, 2015) and what goes with it."""

    steps: int = 40_000
    """Batches to train on."""
    minutes: float = 0.0
    """Train for this long instead, however many steps that makes; the learning rate follows the
    clock, so that the result is not the same to the bit when repeated. 0: count steps."""
    learning_rate: float = 1e-3
    """Greatest step size of Adam."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Whether the step size falls to zero along a cosine."""
    warmup: int = 0
    """Batches over which the step size rises from zero."""
    clip: float = 0.0
    """Greatest norm of the gradient; longer ones are shortened to it. 0: any."""
    accumulate: int = 1
    """Batches whose gradients are averaged before a step is taken."""
    average: float = 0.0
    """The result is a moving average of the parameters with this decay for every batch, such as
    0.999; 0: the parameters themselves."""

    def __post_init__(self) -> None:
        check_number("steps", self.steps, low=1, high=1e9)
        check_number("minutes", self.minutes, high=1e6)
        check_number("learning_rate", self.learning_rate, high=1e3)
        check_choice("schedule", self.schedule, ("constant", "cosine"))
        check_number("warmup", self.warmup, high=self.steps)
        check_number("clip", self.clip)
        check_number("accumulate", self.accumulate, low=1, high=1e6)
        check_number("average", self.average, high=0.999999)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that a run's result depends on."""

    painting: Painting | None = None
    """The style to be learned; only a file can name it."""
    seed: int = 0
    """For all that is random."""
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
    optimizer: OptimizerOptions = dataclasses.field(default_factory=OptimizerOptions)
    """How the parameters are trained."""

    @property
    def upscales(self) -> bool:
        """Whether it is for super-resolution."""
        return self.network.network in UPSCALERS

    def __post_init__(self) -> None:
        check_number("seed", self.seed, high=2**32 - 1)


@dataclasses.dataclass(frozen=True)
class LoopOptions:
    """How a run is watched and kept; its result does not depend on it."""

    checkpoint_every: int = 500
    """Write a checkpoint every this many steps; a run that counts minutes writes one a minute."""
    keep: int = 2
    """Checkpoints to keep, besides the best."""
    report_every: int = 20
    """Report the losses every this many steps, as means over them."""

    def __post_init__(self) -> None:
        check_number("checkpoint_every", self.checkpoint_every, low=1)
        check_number("keep", self.keep, low=1)
        check_number("report_every", self.report_every, low=1)


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
