"""Neural style transfer and perceptual losses in JAX and Flax.

What is listed here is the public interface; importing the package itself costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from jaxnst.errors import JaxnstError as JaxnstError
    from jaxnst.inference.any_style import AnyStylizer as AnyStylizer
    from jaxnst.inference.stylizer import Stylizer as Stylizer
    from jaxnst.inference.upscaler import Upscaler as Upscaler
    from jaxnst.networks.export import export_model as export_model
    from jaxnst.networks.gallery import load_gallery as load_gallery
    from jaxnst.networks.model_file import load_model as load_model
    from jaxnst.ops.metrics import psnr as psnr
    from jaxnst.ops.metrics import ssim as ssim
    from jaxnst.optimize.job import Style as Style
    from jaxnst.optimize.options import OptimizeOptions as OptimizeOptions
    from jaxnst.optimize.presets import PaintOptions as PaintOptions
    from jaxnst.optimize.presets import load_preset as load_preset
    from jaxnst.optimize.presets import preset_names as preset_names
    from jaxnst.optimize.stylize import stylize as stylize
    from jaxnst.perceptual.feature_distance import feature_distance as feature_distance
    from jaxnst.perceptual.loss_options import LossOptions as LossOptions
    from jaxnst.perceptual.losses import content_loss as content_loss
    from jaxnst.perceptual.losses import perceptual_loss as perceptual_loss
    from jaxnst.perceptual.losses import style_loss as style_loss
    from jaxnst.perceptual.losses import total_variation as total_variation
    from jaxnst.perceptual.statistics import gram_matrix as gram_matrix
    from jaxnst.perceptual.targets import StyleTarget as StyleTarget
    from jaxnst.perceptual.targets import Targets as Targets
    from jaxnst.perceptual.targets import content_targets as content_targets
    from jaxnst.perceptual.targets import match_styles as match_styles
    from jaxnst.perceptual.targets import style_targets as style_targets
    from jaxnst.perceptual.vgg import extract_features as extract_features
    from jaxnst.perceptual.weights import load_vgg as load_vgg

# Name -> module, imported at first use: JAX takes a second that `jaxnst --help` need not wait for.
_HOMES = {
    "errors": ("JaxnstError",),
    "inference.any_style": ("AnyStylizer",),
    "inference.stylizer": ("Stylizer",),
    "perceptual.losses": ("content_loss", "perceptual_loss", "style_loss", "total_variation"),
    "perceptual.statistics": ("gram_matrix",),
    "perceptual.targets": (
        "StyleTarget",
        "Targets",
        "content_targets",
        "match_styles",
        "style_targets",
    ),
    "networks.export": ("export_model",),
    "networks.gallery": ("load_gallery",),
    "perceptual.feature_distance": ("feature_distance",),
    "perceptual.loss_options": ("LossOptions",),
    "networks.model_file": ("load_model",),
    "ops.metrics": ("psnr", "ssim"),
    "optimize.options": ("OptimizeOptions",),
    "optimize.job": ("Style",),
    "optimize.stylize": ("stylize",),
    "optimize.presets": ("PaintOptions", "load_preset", "preset_names"),
    "inference.upscaler": ("Upscaler",),
    "perceptual.vgg": ("extract_features",),
    "perceptual.weights": ("load_vgg",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'jaxnst' has no attribute {name!r}")
    return getattr(importlib.import_module(f"jaxnst.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
