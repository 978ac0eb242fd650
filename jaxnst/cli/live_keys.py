"""The keys of `jaxnst live` and the settings they change."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jaxnst.inference.look import Look

HELP = (
    "n p  next, previous style",
    "1-9  style by its number",
    "b  blend with the next style, to and fro",
    "[ ]  hold the blend, and shift it",
    "- +  strength",
    "c  keep the colors",
    "t  steady: less flicker",
    "v  photo | painting",
    "m  mirror",
    "space  freeze",
    "s  snapshot    r  record",
    "f  full screen    h  help    q  quit",
)

_SECONDS = 8.0  # for a blend to go to and fro
_STEP = 0.1  # of the strength


@dataclasses.dataclass
class Controls:
    """The display settings, which keys change."""

    styles: Sequence[str]
    """The styles that keys choose from."""
    index: int = 0
    strength: float = 1.0
    has_strengths: bool = True
    """Whether the model supports strengths other than 1."""
    strongest: float = 2.0
    stroke: float | None = None
    """Size of the strokes, as of `Look`."""
    keep_colors: bool = False
    smooth: bool = False
    split: bool = False
    mirror: bool = False
    frozen: bool = False
    help: bool = False
    blended: bool = False
    held: float | None = None
    """Fixed share of the second style in a blend; None: it oscillates."""

    def press(self, key: str) -> None:
        """Applies a key that changes a setting; ignores any other."""
        toggles = {
            "c": "keep_colors", "t": "smooth", "v": "split", "m": "mirror", "h": "help",
            "space": "frozen", "b": "blended",
        }  # fmt: skip
        if key in toggles:
            setattr(self, toggles[key], not getattr(self, toggles[key]))
            self.held = None if key == "b" else self.held
        elif key in ("n", "p"):
            self.index = (self.index + (1 if key == "n" else -1)) % len(self.styles)
        elif key in tuple("123456789") and int(key) <= len(self.styles):
            self.index = int(key) - 1
        elif key in ("-", "+", "=") and self.has_strengths:
            step = -_STEP if key == "-" else _STEP
            self.strength = min(self.strongest, max(0.0, self.strength + step))
        elif key in ("[", "]") and self.blended:
            share = 0.5 if self.held is None else self.held
            self.held = min(1.0, max(0.0, share + (0.1 if key == "]" else -0.1)))

    def look(self, seconds: float) -> Look:
        """The settings for a frame at the given time."""
        first, second = self._pair()
        share = self.share(seconds)
        style = {first: 1 - share, second: share} if self.blended and first != second else first
        strength = round(self.strength, 3)
        return Look(style, strength, self.keep_colors, self.smooth, self.stroke, quick=True)

    def share(self, seconds: float) -> float:
        """Share of the second style in a blend, in steps of 1/20."""
        if self.held is not None:
            return self.held
        return round(10 * (1 - math.cos(2 * math.pi * seconds / _SECONDS))) / 20

    def title(self, seconds: float) -> str:
        """The style and its strength as text."""
        first, second = self._pair()
        name = f"{first} + {self.share(seconds):.0%} {second}" if self.blended else first
        return name if self.strength == 1 else f"{name}, strength {self.strength:.1f}"

    def picture(self, photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        """The picture to show: the painting, beside its photo if --split is on."""
        shown = np.concatenate([photo, painting], axis=1) if self.split else painting
        return np.ascontiguousarray(shown)

    def _pair(self) -> tuple[str, str]:
        return self.styles[self.index], self.styles[(self.index + 1) % len(self.styles)]
