"""From a photo and styles to a painting: resizing and colours around `jaxnst.optimize`."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxnst import optimize, vgg
from jaxnst.color import match_colors, transfer_luma
from jaxnst.errors import JaxnstError
from jaxnst.image import fit_long_side, resize
from jaxnst.losses import LossOptions
from jaxnst.optimize import Job, OptimizeOptions, Progress, Style
from jaxnst.presets import PaintOptions, load_preset
from jaxnst.weights import load_vgg


def stylize(
    content: ArrayLike | None,
    style: ArrayLike | Sequence[Style] | None,
    *,
    preset: str = "default",
    params: vgg.Params | None = None,
    init: ArrayLike | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    **overrides: Any,
) -> np.ndarray:
    """Paints a photo in the style of another picture (Gatys et al., 2016).

    Args:
      content: the photo, [H, W, 3], RGB: floats in [0, 1] or uint8. None makes a texture.
      style: the style picture, likewise, or several `jaxnst.Style` with weights and masks. None
        (with style_weight=0) inverts the photo's features.
      preset: a name from `jaxnst.preset_names()` or a .toml file; the options not overridden.
      params: VGG parameters; None loads those of the option `net`.
      init: a picture to start from, instead of what the option `init` says.
      on_progress: called after each evaluation of the loss.
      **overrides: any field of `PaintOptions`, `LossOptions` or `OptimizeOptions` by its name,
        such as size=1024, style_weight=300, iterations=200.

    Returns:
      The painting, float32 [H, W, 3] in [0, 1], its longer side `size` pixels.

    Raises:
      JaxnstError: an option or a picture is not what it should be.
    """
    options = override(load_preset(preset), overrides)
    if style is None:
        styles: Sequence[Style] = ()
    elif isinstance(style, list | tuple) and all(isinstance(one, Style) for one in style):
        styles = style
    else:
        styles = [Style(np.asarray(style))]
    photo = None if content is None else as_floats(content, "content")
    job = make_job(photo, styles, options, start=None if init is None else as_floats(init, "init"))
    for progress in optimize.run(params or load_vgg(options.net), job):
        if on_progress:
            on_progress(progress)
    return finish(progress.image, job, options)


def make_job(
    content: np.ndarray | None,
    styles: Sequence[Style],
    options: PaintOptions,
    *,
    start: np.ndarray | None = None,
) -> Job:
    """The work of `jaxnst.optimize` for pictures of any size, [H, W, 3] in [0, 1].

    Without a photo the result is square and starts from noise.
    """
    shape = (1, 1) if content is None else content.shape[:2]
    styles = [style._replace(image=as_floats(style.image, "style")) for style in styles]
    if options.keep_colors == "match" and content is not None:
        styles = [s._replace(image=np.asarray(match_colors(s.image, content))) for s in styles]
    settings = options.optimize
    if content is None and start is None:
        settings = dataclasses.replace(settings, init="noise")
    return Job(
        size=fit_long_side(shape, options.size),
        content=content,
        styles=tuple(styles),
        style_scale=options.style_scale,
        start=start,
        loss=options.loss,
        options=settings,
    )


def finish(image: np.ndarray, job: Job, options: PaintOptions) -> np.ndarray:
    """The result [H, W, 3] of a run that ended, or was stopped, at any scale."""
    image = resize(image, job.size)
    if options.keep_colors == "luma" and job.content is not None:
        image = np.asarray(transfer_luma(image, resize(job.content, job.size)))
    return image


def override(options: PaintOptions, values: dict[str, Any]) -> PaintOptions:
    """Options with some fields replaced, each named as in whichever of the dataclasses has it."""
    unknown = set(values)
    parts: dict[str, Any] = {"loss": LossOptions, "optimize": OptimizeOptions}
    for name, kind in parts.items():
        mine = {f.name for f in dataclasses.fields(kind)} & set(values)
        chosen = {field: values[field] for field in mine}
        parts[name] = dataclasses.replace(getattr(options, name), **chosen)
        unknown -= mine
    top = unknown & {f.name for f in dataclasses.fields(PaintOptions)} - set(parts)
    if unknown - top:
        raise JaxnstError(f"{min(unknown - top)!r} is not an option of stylize")
    return dataclasses.replace(options, **{field: values[field] for field in top}, **parts)


def as_floats(image: ArrayLike, name: str) -> np.ndarray:
    """A picture as float32 [H, W, 3] in [0, 1], from that or from uint8."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] != 3:
        raise JaxnstError(f"{name} has shape {array.shape}: expected [H, W, 3]")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / 255
    array = array.astype(np.float32)
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise JaxnstError(f"{name} has values outside [0, 1]: give floats in it, or uint8")
    return array
