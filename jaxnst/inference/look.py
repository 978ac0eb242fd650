"""How a picture or a frame is painted in one pass."""

from dataclasses import dataclass

from jaxnst.networks.gallery import Weights


@dataclass(frozen=True)
class Look:
    """How a picture or a frame is painted."""

    style: str | Weights
    """A style of the gallery, or weights by name for a blend."""
    strength: float = 1.0
    keep_colors: bool = False
    smooth: bool = False
    """Less flicker, where frames follow one another."""
    stroke: float | None = None
    """Size of the strokes: 1 as on a picture of 768 pixels; None: as the network paints them."""
    quick: bool = False
    """What is painted smaller for its strokes is enlarged by interpolation, never by a network."""
