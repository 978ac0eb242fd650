"""How pixels are optimized: options alone, since the command line reads them for every command."""

import dataclasses
from typing import Literal

from jaxnst.errors import check_choice, check_number


@dataclasses.dataclass(frozen=True)
class OptimizeOptions:
    """How the pixels are optimized."""

    iterations: int = 150
    """Evaluations of the loss in all, shared equally by the sizes from coarse to fine."""
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    """L-BFGS, or Adam."""
    learning_rate: float = 0.02
    """Adam's step, in units of the pixel range, at most 1."""
    memory: int = 40
    """Pairs that L-BFGS remembers, each the size of two pictures."""
    init: Literal["content", "noise"] = "content"
    """Start from the photo or from noise."""
    coarsest: int = 128
    """Sizes are halved down to this long side at the least, in pixels; 0: full size only."""
    average: float = 0.0
    """Decay of an exponential average of the iterates, below 1, which becomes the result (losses
    shown are still those of the iterates); 0: the last iterate."""
    seed: int = 0
    """Seed of the noise."""
    memory_limit: float = 0.0
    """Gigabytes that may be used; larger pictures are worked on in tiles. 0: three quarters
    of the machine's."""

    def __post_init__(self) -> None:
        check_choice("optimizer", self.optimizer, ("lbfgs", "adam"))
        check_choice("init", self.init, ("content", "noise"))
        check_number("iterations", self.iterations, low=1)
        check_number("learning_rate", self.learning_rate, low=1e-6, high=1)
        check_number("memory", self.memory, low=1, high=1000)
        check_number("coarsest", self.coarsest)
        check_number("memory_limit", self.memory_limit)
        check_number("average", self.average, high=0.9999)
        check_number("seed", self.seed, high=2**32 - 1)
