"""Paints the pictures of a `stylize` command in one pass each, whatever it is that paints."""

import dataclasses
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.cluster import check_cluster
from jaxnst.cli.exit_status import status_of
from jaxnst.cli.options import Stylize
from jaxnst.cli.output_checks import check_outputs
from jaxnst.cli.picture_maker import PictureMaker
from jaxnst.cli.plan import STREAM, PictureTask, check_counts, is_film
from jaxnst.cli.style_source import StyleSource, blend_of
from jaxnst.cli.writing import place_of, write_painting
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import Picture, load, load_mask
from jaxnst.io.sheets import contact_sheet
from jaxnst.ops.pixels import from_uint8, to_uint8

# The options that mean something here; all others are for optimizing pixels.
_OPTIONS = {
    *("--output", "--out", "-o", "--style", "--method", "--model", "--blend", "--strength"),
    *("--size", "--keep-colors", "--contact-sheet", "--quality", "--compare", "--sidecar"),
    *("--json", "--smooth", "--overwrite", "--quiet", "--stroke", "--mask", "--cluster"),
}


def check_options(given: set[str]) -> None:
    """Raises JaxnstError for an option that was given and is for optimizing pixels."""
    for option in sorted(given - _OPTIONS):
        raise JaxnstError(
            f"{option} is for optimizing pixels: leave it out, or give --method optimize and the "
            f"path of a style picture"
        )


def paint_in_one_pass(
    command: Stylize, given: set[str], tasks: Sequence[PictureTask], source: StyleSource
) -> int:
    """Paints all pictures or the video; returns 0, or 2 if any failed.

    Args:
      command: what to make.
      given: the options that were given.
      tasks: the pictures.
      source: their styles.

    Raises:
      JaxnstError: options contradict one another, or the outputs cannot be written.
    """
    _check_command(command, source.names(tasks[0]))
    size = command.paint.size if "--size" in given else None
    if command.cluster:
        check_cluster(command)
    if is_film(command):
        from jaxnst.cli.run_video import VideoPainter  # pictures do not wait for PyAV

        if "--stroke" not in given:
            command = dataclasses.replace(command, stroke=0.0)
        return status_of(lambda: VideoPainter(command, tasks[0], source, size).make())
    use_compilation_cache()
    with place_of(tasks, command.output):
        check_outputs(command, tasks)
        return OnePassPainter(command, source, size).make_all(tasks)


class OnePassPainter(PictureMaker[Stylize]):
    """Paints pictures in one pass each."""

    counts_pictures = True
    at_once = min(4, os.cpu_count() or 1)

    def __init__(self, command: Stylize, source: StyleSource, size: int | None) -> None:
        """Takes the styles; `size` is the long side of the results, None the photo's own."""
        super().__init__(command)
        self._source, self._size = source, size
        self._painting = threading.Lock()  # which takes all cores

    def __reduce__(self) -> Any:
        return OnePassPainter, (self._command, self._source, self._size)

    def prepare(self) -> None:
        """Loads what paints."""
        self._painter = self._source.painter()

    def provenance(self, task: PictureTask) -> dict[str, Any]:
        """The photo, the styles and the options."""
        return self._source.provenance(self._command, task, self._size)

    def make(self, task: PictureTask, provenance: dict[str, Any]) -> dict[str, Any]:
        """Paints one picture, writes it, and returns its record."""
        assert task.content is not None  # `stylize` without a photo makes a texture
        photo = load(sys.stdin.buffer if task.content == STREAM else task.content)
        with self._painting:
            painting = self._painted(photo, task)
        beside = (photo, *map(load, task.styles)) if self._command.compare else ()
        seen = [picture.on_white() for picture in beside]
        write_painting(self._command, task, painting, provenance, seen)
        return provenance

    def _painted(self, photo: Picture, task: PictureTask) -> Picture:
        command, pixels = self._command, to_uint8(photo.rgb)
        how: dict[str, Any] = {
            "strength": command.strength,
            "keep_colors": command.paint.keep_colors == "luma",
            "size": self._size,
            "stroke": command.stroke or None,
        }
        if command.contact_sheet:
            cells = {name: self._painter(pixels, name, **how) for name in self._painter.styles}
            return Picture(contact_sheet(cells))
        names = self._source.names(task)
        if command.mask:
            masks = [load_mask(path, pixels.shape[:2])[0] for path in command.mask]
            regions = dict(zip(names, masks, strict=True))
            return photo.with_rgb(from_uint8(self._painter.in_regions(pixels, regions, **how)))
        blend = blend_of(command, names)
        return photo.with_rgb(from_uint8(self._painter(pixels, blend, **how)))


def _check_command(command: Stylize, names: tuple[str, ...]) -> None:
    """Raises JaxnstError for options that contradict one another."""
    check_counts(command, len(names))
    if command.mask and (command.blend or len(set(names)) < len(names)):
        raise JaxnstError("--mask gives each style its region: leave --blend out, name each once")
    if command.paint.keep_colors == "match":
        raise JaxnstError("--keep-colors match is for optimizing pixels: give luma")
    streams = [path for path in (*command.content, command.output) if path == STREAM]
    if streams and (len(command.content) > 1 or (len(names) > 1 and not command.blend)):
        raise JaxnstError("'-' is one picture: give one photo and one style")
    for option in ("compare", "sidecar"):
        if command.output == STREAM and getattr(command, option):
            raise JaxnstError(
                f"--{option} writes a file beside the painting, and '-' has none: leave it out, or "
                f"give --output a path"
            )
