"""The tables of a training configuration besides the data's and the loss's.

They load nothing of what they are for, since every command line is parsed with them at hand.
"""

import dataclasses
from typing import Literal, get_args

from jaxnst.errors import JaxnstError, check_choice, check_number

NetworkName = Literal["slim", "johnson", "compact", "johnson_upscaler", "decoder"]
Layer = Literal["relu2_1", "relu3_1", "relu4_1"]

_SCALES = (2, 3, 4, 8)


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """What is trained."""

    network: NetworkName = "slim"
    """For styles: slim, ours, for real time; johnson, the residual network of the paper. For
    super-resolution: compact, ours; johnson_upscaler, the paper's. For any style: decoder."""
    width: int = 0
    """Channels of the first and last layer, of which those inside have two and four times as many;
    0: the network's own default."""
    blocks: int = 0
    """Residual blocks; 0: the network's own default."""
    scale: int = 4
    """How many times as wide and high the pictures of a network for super-resolution are."""
    layer: Layer = "relu4_1"
    """Layer of VGG-19 that a decoder inverts."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Type of VGG's features in training, or of those of a network that enlarges; all else is
    float32."""

    def __post_init__(self) -> None:
        check_choice("network", self.network, get_args(NetworkName))
        check_choice("precision", self.precision, ("float32", "bfloat16"))
        check_number("width", self.width, high=512)
        check_number("blocks", self.blocks, high=64)
        check_choice("layer", self.layer, get_args(Layer))
        if self.scale not in _SCALES:
            raise JaxnstError(f"scale is {self.scale}: there are {', '.join(map(str, _SCALES))}")


@dataclasses.dataclass(frozen=True)
class StyleOptions:
    """What a network that paints learns, besides the loss."""

    relative_to: Literal["photos", "formula"] = "photos"
    """What the style term of a layer is relative to: the mean distance of photos from the painting,
    which suits all paintings alike; or whatever --formula says."""
    repetition_weight: float = 0.0
    """Weight of strokes that repeat like a lattice, with the network's stride for its period."""
    shift: bool = False
    """Compare what is painted from a place drawn at random within the network's stride, so that a
    pattern in step with VGG's pooling gains nothing."""

    def __post_init__(self) -> None:
        check_choice("relative_to", self.relative_to, ("photos", "formula"))
        check_number("repetition_weight", self.repetition_weight)


@dataclasses.dataclass(frozen=True)
class UpscaleOptions:
    """How a network for super-resolution learns."""

    pixel_weight: float = 1.0
    """Weight of the pixels' absolute error (Lim et al., 2017; Johnson et al. squared it)."""
    feature_weight: float = 0.0
    """Weight of the features' error at --content-layers."""
    blur: bool = False
    """Blur photos before they are made small. Johnson et al. did; the usual test sets were made
    without."""
    shift_blocks: bool = False
    """Compare what is enlarged from a place drawn at random within a block of pixels, so that a
    lattice in step with VGG's pooling gains nothing."""

    def __post_init__(self) -> None:
        check_number("pixel_weight", self.pixel_weight)
        check_number("feature_weight", self.feature_weight)


@dataclasses.dataclass(frozen=True)
class DecoderOptions:
    """How a decoder learns."""

    reconstruction_weight: float = 2.0
    """Weight of the pixels' absolute error, beside the features' squared error, relative to their
    size, at the layer that is inverted and those before it."""
    changed_share: float = 0.5
    """Part of the samples in which each half of a photo is made of the other half's features, or
    with --pieces all of it of a painting's."""
    pieces: int = 0
    """Pieces of the paintings in --paintings-dir, like which the decoder learns to paint, by the
    losses of a style; 0: it only learns to invert the layer."""

    def __post_init__(self) -> None:
        check_number("reconstruction_weight", self.reconstruction_weight)
        check_number("changed_share", self.changed_share, high=1)
        check_number("pieces", self.pieces, high=10_000)


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
    """How the step size goes on after the warm-up: constant, or to zero along a cosine."""
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
        check_number("warmup", self.warmup)
        if self.warmup > self.steps:
            steps = f"the number of steps, {self.steps}"
            raise JaxnstError(f"warmup is {self.warmup}: give at most {steps}")
        check_number("clip", self.clip)
        check_number("accumulate", self.accumulate, low=1, high=1e6)
        check_number("average", self.average, high=0.999999)


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
