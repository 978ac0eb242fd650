"""Which terms the perceptual loss has, and how much each counts."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Literal

from jaxnst.errors import JaxnstError, check_choice, check_number
from jaxnst.perceptual import vgg_layers
from jaxnst.perceptual.statistics import STATISTICS

CHOICES: dict[str, Iterable[str]] = {
    "statistic": STATISTICS,
    "formula": ("relative", "gatys", "johnson"),
    "tv_norm": ("l1", "l2"),
    "pooling": vgg_layers.POOLINGS,
    "border": vgg_layers.BORDERS,
}
"""What may be chosen, by the names of the options."""


@dataclasses.dataclass(frozen=True)
class LossOptions:
    """What `perceptual_loss` adds up; hashable, so it can be a static argument of `jax.jit`.

    By default content and style weigh the same, the neutral start for a loss of one's own, such as
    for training. The presets of `jaxnst.stylize` weigh style by 10: an optimization that starts
    from the photo stays close to it otherwise.
    """

    content_weight: float = 1.0
    """Weight of the content term."""
    style_weight: float = 1.0
    """Weight of the style term."""
    tv_weight: float = 0.0
    """Weight of the total variation (smoothness) of the picture."""
    content_layers: tuple[str, ...] = ("relu4_2",)
    """Layers at which the picture should resemble the photo."""
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """Layers at which the picture should have the style's statistics."""
    style_layer_weights: tuple[float, ...] = ()
    """Relative weight of each style layer; none: all alike."""
    statistic: Literal["gram", "mean_std", "wasserstein", "neighbors"] = "gram"
    """What describes a style: Gram matrices, means and standard deviations of the channels, their
    Gaussian (Wasserstein-2 distance), or its features themselves, of which the picture's are to be
    like the most similar ones."""
    formula: Literal["relative", "gatys", "johnson"] = "relative"
    """How terms are normalized: relative errors, or a paper's own sums."""
    tv_norm: Literal["l1", "l2"] = "l2"
    """Total variation of absolute (l1) or squared (l2) differences."""
    pooling: Literal["max", "average"] = "max"
    """VGG's pooling."""
    border: Literal["edge", "zero"] = "edge"
    """What VGG sees beyond the picture's border: its edge pixels, or the mean color, as it was
    trained, which draws a thin frame."""

    def __post_init__(self) -> None:
        for name in ("content_layers", "style_layers", "style_layer_weights"):
            object.__setattr__(self, name, _as_tuple(name, getattr(self, name)))
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name), high=1e30)
        for weight in self.style_layer_weights:
            check_number("style_layer_weights", weight, high=1e30)
        if self.style_layer_weights and len(self.style_layer_weights) != len(self.style_layers):
            raise JaxnstError(
                f"style_layer_weights has {len(self.style_layer_weights)} numbers for "
                f"{len(self.style_layers)} style layers: give one for each, or none"
            )
        if self.style_layer_weights and not sum(self.style_layer_weights):
            raise JaxnstError("style_layer_weights are all 0: give one that is not")
        for name, known in CHOICES.items():
            check_choice(name, getattr(self, name), known)
        if self.formula != "relative" and self.statistic != "gram":
            raise JaxnstError(
                f"formula {self.formula!r} is for the statistic 'gram', not {self.statistic!r}"
            )


def normalize_weights(
    options: LossOptions, *, content: bool, style: bool
) -> tuple[LossOptions, float]:
    """The same loss with its largest weight near 1, and the factor back to the loss as asked for.

    What minimizes a loss does not depend on its scale, but optimizers square gradients, and the
    squares leave the range of float32 where weights are very large or very small. The factor is a
    power of two, so that no digit of the loss changes.

    Args:
      options: with weights of any size.
      content: whether there is a content term; otherwise its weight does not count, and becomes 0.
      style: whether there is a style term, likewise.

    Returns:
      Options with all weights at most 1, and the factor.
    """
    layers = math.frexp(max(options.style_layer_weights, default=0.5))[1]
    carried = layers if options.formula == "johnson" else 0  # the others take means over the layers
    weights = {
        "content_weight": (options.content_weight if content else 0.0, 0),
        "style_weight": (options.style_weight if style else 0.0, carried),
        "tv_weight": (options.tv_weight, 0),
    }
    exponents = [math.frexp(weight)[1] + more for weight, more in weights.values() if weight]
    largest = max(exponents, default=0)
    changes: dict[str, Any] = {
        name: math.ldexp(weight, more - largest) for name, (weight, more) in weights.items()
    }
    scaled = tuple(math.ldexp(weight, -layers) for weight in options.style_layer_weights)
    return dataclasses.replace(options, style_layer_weights=scaled, **changes), 2.0**largest


def _as_tuple(name: str, values: Any) -> tuple[Any, ...]:
    """A list as a tuple, which can be hashed."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise JaxnstError(f"{name} is {values!r}: give several in a tuple, or one as ({values!r},)")
    return tuple(values)
