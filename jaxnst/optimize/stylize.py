"""From a photo and styles to a painting: resizing and colors around `jaxnst.optimize.run`."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError
from jaxnst.io.resize import MIN_SIDE, extend_by_reflection, fit_long_side, resize
from jaxnst.ops.color import match_colors, transfer_luma
from jaxnst.ops.pixels import from_uint8
from jaxnst.optimize import run as optimize
from jaxnst.optimize.job import Job, Style
from jaxnst.optimize.presets import PaintOptions, load_preset, override
from jaxnst.optimize.run import Progress
from jaxnst.perceptual import vgg
from jaxnst.perceptual.weights import load_vgg


def stylize(
    content: ArrayLike | None,
    style: ArrayLike | Style | Sequence[Style] | None,
    *,
    preset: str = "default",
    params: vgg.Params | None = None,
    init: ArrayLike | str | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    **overrides: Any,
) -> np.ndarray:
    """Paints a photo in the style of another picture (Gatys et al., 2016).

    Args:
      content: the photo, [H, W, 3], RGB: floats in [0, 1] or uint8. None makes a texture.
      style: the style picture, likewise, or `jaxnst.Style`, or several of them with weights and
        masks. None (with style_weight=0) inverts the photo's features.
      preset: a name from `jaxnst.preset_names()` or a .toml file: the options not overridden. The
        presets that ship weigh style by more than `LossOptions()` does, see there.
      params: VGG parameters; None loads those of the option `net`.
      init: a picture to start from, or "content" or "noise"; None: as the preset says.
      on_progress: called after each evaluation of the loss.
      **overrides: any field of `PaintOptions`, `LossOptions` or `OptimizeOptions` by its name,
        such as size=1024, style_weight=300, iterations=200.

    Returns:
      The painting, float32 [H, W, 3] in [0, 1], its longer side `size` pixels.

    Raises:
      JaxnstError: an option or a picture is not what it should be.
    """
    if isinstance(init, str):  # the option of this name
        overrides, init = overrides | {"init": init}, None
    options = override(load_preset(preset), overrides)
    job = make_job(content, _styles(style), options, start=init)
    for progress in optimize.run(params or load_vgg(options.net), job):
        if on_progress:
            on_progress(progress)
    return finish(progress.image, job, options)


def make_job(
    content: ArrayLike | None,
    styles: Sequence[Style],
    options: PaintOptions,
    *,
    start: ArrayLike | None = None,
) -> Job:
    """The work of `jaxnst.optimize.run` for pictures of any size, [H, W, 3], uint8 or in [0, 1].

    Without a photo the result is square and starts from noise. A panorama whose short side would be
    too small for a net is continued by its reflection, which `finish` cuts off again.

    Raises:
      JaxnstError: a picture, mask or weight is not what it should be.
    """
    photo = None if content is None else as_floats(content, "content")
    styles = [_checked(style) for style in styles]
    if options.keep_colors == "match" and photo is not None:
        styles = [
            s._replace(image=np.asarray(match_colors(s.image, photo, style_alpha=s.alpha)))
            for s in styles
        ]
    settings = options.optimize
    if photo is None and start is None:
        settings = dataclasses.replace(settings, init="noise")
    size = result_size(photo, options)
    job = Job(
        size=size,
        content=photo,
        styles=tuple(styles),
        style_scale=options.style_scale,
        start=None if start is None else as_floats(start, "init"),
        loss=options.loss,
        options=settings,
    )
    return job if min(size) >= MIN_SIDE else _on_canvas(job)


def _on_canvas(job: Job) -> Job:
    """The job with all that lies over the result continued until a net can see it."""
    height, width = (max(MIN_SIDE, side) for side in job.size)

    def extend(image: np.ndarray | None) -> np.ndarray | None:
        if image is None or image.shape[:2] == (height, width):  # a start from an earlier run
            return image
        return extend_by_reflection(image, job.size, (height, width))

    return dataclasses.replace(
        job,
        size=(height, width),
        content=extend(job.content),
        start=extend(job.start),
        styles=tuple(style._replace(mask=extend(style.mask)) for style in job.styles),
        kept=job.size,
    )


def result_size(content: np.ndarray | None, options: PaintOptions) -> tuple[int, int]:
    """Height and width of the result in pixels; a square without a photo."""
    return fit_long_side((1, 1) if content is None else content.shape[:2], options.size)


def finish(image: np.ndarray, job: Job, options: PaintOptions) -> np.ndarray:
    """The result [H, W, 3] of a run that ended, or was stopped, at any scale."""
    image = resize(image, job.size)
    if options.keep_colors == "luma" and job.content is not None:
        image = np.asarray(transfer_luma(image, resize(job.content, job.size)))
    height, width = job.kept or job.size
    return image[:height, :width]


def as_floats(image: ArrayLike, name: str) -> np.ndarray:
    """A picture as float32 [H, W, 3] in [0, 1], from that or from uint8.

    Raises:
      JaxnstError: it has another shape or type, is tiny, or has values outside.
    """
    array = _array(image, name)
    if array.ndim != 3 or array.shape[-1] != 3 or min(array.shape[:2]) < MIN_SIDE:
        raise JaxnstError(
            f"{name} has shape {array.shape}: expected [H, W, 3], H and W at least {MIN_SIDE}"
        )
    if array.dtype == np.uint8:
        return from_uint8(array)
    return _unit_range(array, name)


def _styles(style: Any) -> Sequence[Style]:
    """What `stylize` takes for a style, as a sequence."""
    if style is None:
        return ()
    if isinstance(style, Style):
        return (style,)
    if isinstance(style, list | tuple) and all(isinstance(one, Style) for one in style):
        return style
    return (Style(_array(style, "style")),)


def _checked(style: Style) -> Style:
    """The style in floats, if there is nothing wrong with it."""
    mask = style.mask
    if mask is not None:
        mask = _unit_range(_array(mask, "mask"), "mask")
        if mask.ndim != 2 or not mask.any():
            raise JaxnstError(f"mask has shape {mask.shape}: expected [H, W], somewhere above 0")
    image, alpha = as_floats(style.image, "style"), style.alpha
    if alpha is not None:
        alpha = _unit_range(_array(alpha, "alpha"), "alpha")
        if alpha.shape != image.shape[:2]:
            raise JaxnstError(f"alpha has shape {alpha.shape}: expected {image.shape[:2]}")
        if not alpha.any():
            raise JaxnstError("style is wholly transparent: give a picture with something to see")
    return Style(image, style.weight, mask, alpha)


def _array(values: ArrayLike, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise JaxnstError(f"{name} is no array: expected [H, W, 3], floats or uint8") from error
    if array.dtype.kind == "U":
        raise JaxnstError(
            f"{name} is {values!r}: give the picture itself, an array [H, W, 3]; "
            "jaxnst.Stylizer paints in styles by their names"
        )
    if array.dtype.kind not in "biuf":
        raise JaxnstError(f"{name} has values of type {array.dtype}: give floats or uint8")
    return array


def _unit_range(array: np.ndarray, name: str) -> np.ndarray:
    """As float32, if the values are in [0, 1]."""
    array = array.astype(np.float32)
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise JaxnstError(f"{name} has values outside [0, 1]: give floats in it, or uint8")
    return array
