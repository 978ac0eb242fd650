"""Paints the pictures of a `stylize` command with a trained network, in one pass each."""

import dataclasses
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.exit_status import status_of
from jaxnst.cli.options import Stylize
from jaxnst.cli.output_checks import check_outputs
from jaxnst.cli.picture_maker import PictureMaker
from jaxnst.cli.plan import STREAM, PictureTask, check_counts, is_film, plan_tasks
from jaxnst.cli.provenance import network_provenance
from jaxnst.cli.writing import place_of, write_painting
from jaxnst.errors import JaxnstError, nearest
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import Picture, load, load_mask
from jaxnst.io.files import display_name
from jaxnst.io.sheets import contact_sheet
from jaxnst.networks.gallery import PHOTO, Gallery, load_gallery
from jaxnst.networks.model_file import SUFFIX
from jaxnst.networks.shipped import DEFAULT
from jaxnst.ops.pixels import from_uint8, to_uint8

# The options that apply to a network; all others are for optimizing pixels.
_OPTIONS = {
    *("--output", "--out", "-o", "--style", "--method", "--model", "--blend", "--strength"),
    *("--size", "--keep-colors", "--contact-sheet", "--quality", "--compare", "--sidecar"),
    *("--json", "--smooth", "--overwrite", "--quiet", "--stroke", "--mask"),
}


def is_trained(command: Stylize) -> bool:
    """Whether a command asks for a trained network: by its method, or by names for its styles.

    Raises:
      JaxnstError: it asks for that and for optimization at once.
    """
    if command.method != "auto":
        return command.method == "fast"
    if command.contact_sheet or command.model:
        return True
    named = [_is_name(style) for style in command.style]
    if any(named) and not all(named):
        name = command.style[named.index(True)]
        raise JaxnstError(
            f"--style has {display_name(name)!r}, which is no file, beside pictures: "
            f"give names of trained styles, or paths of pictures"
        )
    return any(named)


def paint_trained(command: Stylize, given: set[str]) -> int:
    """Paints all pictures or the video; returns 0, or 2 if any failed.

    Args:
      command: what to make.
      given: the options that were given.

    Raises:
      JaxnstError: an option is not one for networks, or the model does not know a style.
    """
    for option in sorted(given - _OPTIONS):
        raise JaxnstError(
            f"{option} is for optimizing pixels: leave it out, or give --method optimize and the "
            f"path of a style picture"
        )
    if not command.model and [style.suffix for style in command.style] == [SUFFIX]:
        # A single file is a gallery of its own, of whichever kind of network.
        command = dataclasses.replace(command, model=str(command.style[0]), style=())
    gallery = load_gallery(command.model or DEFAULT)
    if not command.style and not command.contact_sheet and len(gallery.styles) == 1:
        command = dataclasses.replace(command, style=(Path(gallery.styles[0]),))
    gallery, names = _named_styles(gallery, command.style, with_photo=bool(command.mask))
    if command.contact_sheet == bool(names):
        raise JaxnstError(
            "give --style one of the names in `jaxnst models list`, or --contact-sheet without "
            "--style for all of them"
        )
    trained = ("styles",) if command.contact_sheet else names
    tasks = plan_tasks(
        command.content,
        (),
        command.output,
        one=command.joins_styles,
        trained=trained,
        folder=command.output_is_folder,
    )
    _check_command(command, names)
    size = command.paint.size if "--size" in given else None
    if is_film(command):
        from jaxnst.cli.run_video import VideoPainter  # pictures do not wait for PyAV

        if "--stroke" not in given:
            command = dataclasses.replace(command, stroke=0.0)
        return status_of(lambda: VideoPainter(command, tasks[0], gallery, size).make())
    use_compilation_cache()
    with place_of(tasks, command.output):
        check_outputs(command, tasks)
        return NetworkPainter(command, gallery, size).make_all(tasks)


class NetworkPainter(PictureMaker[Stylize]):
    """Paints pictures in the styles of a gallery."""

    counts_pictures = True
    at_once = min(4, os.cpu_count() or 1)

    def __init__(self, command: Stylize, gallery: Gallery, size: int | None) -> None:
        """Prepares the networks; `size` is the long side of the results, None the photo's own."""
        super().__init__(command)
        self._gallery, self._size = gallery, size
        self._stylizer = Stylizer(gallery)
        self._painting = threading.Lock()  # which takes all cores

    def provenance(self, task: PictureTask) -> dict[str, Any]:
        """The photo, the networks and the options."""
        return network_provenance(self._command, task, self._gallery, self._size)

    def make(self, task: PictureTask, provenance: dict[str, Any]) -> dict[str, Any]:
        """Paints one picture, writes it, and returns its record."""
        assert task.content is not None  # `stylize` without a photo makes a texture
        photo = load(sys.stdin.buffer if task.content == STREAM else task.content)
        with self._painting:
            painting = self._painted(photo, task)
        write_painting(self._command, task, painting, provenance, [photo.on_white()])
        return provenance

    def _painted(self, photo: Picture, task: PictureTask) -> Picture:
        command, pixels = self._command, to_uint8(photo.rgb)
        look: dict[str, Any] = {
            "strength": command.strength,
            "keep_colors": command.paint.keep_colors == "luma",
            "size": self._size,
            "stroke": command.stroke or None,
        }
        if command.contact_sheet:
            cells = {name: self._stylizer(pixels, name, **look) for name in self._gallery.styles}
            return Picture(contact_sheet(cells))
        if command.mask:
            masks = [load_mask(path, pixels.shape[:2])[0] for path in command.mask]
            regions = dict(zip(task.trained, masks, strict=True))
            return photo.with_rgb(from_uint8(self._stylizer.in_regions(pixels, regions, **look)))
        weights = command.blend or (1.0,) * len(task.trained)
        blend = dict(zip(task.trained, weights, strict=True))
        return photo.with_rgb(from_uint8(self._stylizer(pixels, blend, **look)))


def _named_styles(
    gallery: Gallery, styles: Sequence[Path], *, with_photo: bool
) -> tuple[Gallery, tuple[str, ...]]:
    """A gallery that has the styles of --style, some of which may be model files, and their names.

    Args:
      gallery: what is there without those files.
      styles: names and files.
      with_photo: whether "photo" stands for the photo itself.

    Raises:
      JaxnstError: there is no such style.
    """
    names = []
    for style in styles:
        name = str(style)
        if style.suffix == SUFFIX:
            gallery = gallery.with_file(style)
            name = gallery.styles[-1]
        elif name not in gallery.styles and not (with_photo and name == PHOTO):
            raise JaxnstError(
                f"style {display_name(name)!r} is unknown: {nearest(name, gallery.styles)}; "
                f"or give the path of a picture"
            )
        names.append(name)
    return gallery, tuple(names)


def _is_name(style: Path) -> bool:
    """Whether a --style can only be the name of a trained style, or the file of one."""
    if style.suffix == SUFFIX:
        return True
    return not os.path.exists(style) and not style.suffix and len(style.parts) == 1


def _check_command(command: Stylize, names: Sequence[str]) -> None:
    """Raises JaxnstError for options that contradict one another."""
    check_counts(command, len(names))
    if command.mask and (command.blend or len(set(names)) < len(names)):
        raise JaxnstError("--mask gives each style its region: leave --blend out, name each once")
    if command.paint.keep_colors == "match":
        raise JaxnstError("--keep-colors match is for style pictures: give luma")
    streams = [path for path in (*command.content, command.output) if path == STREAM]
    if streams and (len(command.content) > 1 or (len(names) > 1 and not command.blend)):
        raise JaxnstError("'-' is one picture: give one photo and one style")
