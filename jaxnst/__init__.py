"""Neural style transfer and perceptual losses in JAX and Flax.

What is listed here is the public interface; importing the package itself costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from jaxnst.errors import JaxnstError as JaxnstError
    from jaxnst.inference import Stylizer as Stylizer
    from jaxnst.losses import LossOptions as LossOptions
    from jaxnst.losses import StyleTarget as StyleTarget
    from jaxnst.losses import Targets as Targets
    from jaxnst.losses import content_loss as content_loss
    from jaxnst.losses import content_targets as content_targets
    from jaxnst.losses import gram_matrix as gram_matrix
    from jaxnst.losses import perceptual_loss as perceptual_loss
    from jaxnst.losses import style_loss as style_loss
    from jaxnst.losses import style_targets as style_targets
    from jaxnst.losses import total_variation as total_variation
    from jaxnst.models import load_model as load_model
    from jaxnst.optimize import OptimizeOptions as OptimizeOptions
    from jaxnst.optimize import Style as Style
    from jaxnst.paint import stylize as stylize
    from jaxnst.presets import PaintOptions as PaintOptions
    from jaxnst.presets import load_preset as load_preset
    from jaxnst.presets import preset_names as preset_names
    from jaxnst.upscaling import Upscaler as Upscaler
    from jaxnst.vgg import extract_features as extract_features
    from jaxnst.weights import load_vgg as load_vgg

# Name -> module, imported at first use: JAX takes a second that `jaxnst --help` need not wait for.
_HOMES = {
    "errors": ("JaxnstError",),
    "inference": ("Stylizer",),
    "losses": (
        "LossOptions",
        "StyleTarget",
        "Targets",
        "content_loss",
        "content_targets",
        "gram_matrix",
        "perceptual_loss",
        "style_loss",
        "style_targets",
        "total_variation",
    ),
    "models": ("load_model",),
    "optimize": ("OptimizeOptions", "Style"),
    "paint": ("stylize",),
    "presets": ("PaintOptions", "load_preset", "preset_names"),
    "upscaling": ("Upscaler",),
    "vgg": ("extract_features",),
    "weights": ("load_vgg",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'jaxnst' has no attribute {name!r}")
    return getattr(importlib.import_module(f"jaxnst.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
