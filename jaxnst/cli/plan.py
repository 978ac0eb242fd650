"""Which pictures a `stylize` command is to make."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from jaxnst.cli.options import Stylize
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import list_images
from jaxnst.io.files import display_name
from jaxnst.perceptual.vgg import NETS, check_layers

STREAM = Path("-")
"""Standard input or output."""


class PictureTask(NamedTuple):
    """One picture to be made."""

    content: Path | None
    styles: tuple[Path, ...]
    """Pictures, for a painting by optimisation."""
    output: Path
    trained: tuple[str, ...] = ()
    """Names, for a painting by a network."""

    @property
    def title(self) -> str:
        """What the picture is called in reports."""
        return display_name(" + ".join((*(path.stem for path in self.inputs), *self.trained)))

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files it is made from."""
        return (*((self.content,) if self.content else ()), *self.styles)

    @property
    def snapshot(self) -> Path:
        """Where the state of an unfinished run is kept."""
        return self.output.with_name(self.output.name + ".snapshot")

    @property
    def comparison(self) -> Path:
        """Content, style and result side by side."""
        return self.beside(f"_compare{self.output.suffix}")

    @property
    def sidecar(self) -> Path:
        """The settings as a file."""
        return self.beside(".json")

    def preview(self, iteration: int) -> Path:
        """The picture as it is by then."""
        return self.beside(f"_{iteration:04d}{self.output.suffix}")

    def beside(self, suffix: str) -> Path:
        """A file that belongs to the output: OUT + suffix in place of OUT's own suffix."""
        return self.output.with_name(self.output.stem + suffix)


class StyleChoice(NamedTuple):
    """What makes a photo a painting: pictures, or names of trained styles."""

    pictures: tuple[Path, ...] = ()
    trained: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """For the name of the painting's file."""
        return (*(path.stem for path in self.pictures), *self.trained)


def plan_tasks(
    content: Sequence[Path],
    style: Sequence[Path],
    output: Path,
    *,
    one: bool,
    trained: Sequence[str] = (),
) -> list[PictureTask]:
    """Every photo with every style, or with all styles at once.

    Args:
      content: files and folders; none for a texture.
      style: files and folders; none to invert features.
      output: a file for one picture, or a folder.
      one: all styles go into one picture.
      trained: names of trained styles, instead of files.

    Raises:
      JaxnstError: there is nothing to make a picture of, a folder has no picture in it, or the
        output is not the right one for what is in them.
    """
    photos: list[Path | None] = [*_files(content)] or [None]
    styles = _files(style)
    if photos == [None] and not styles:
        raise JaxnstError("there is nothing to paint: give a photo, or a style for a texture")
    if one or not (styles or trained):
        choices = [StyleChoice(tuple(styles), tuple(trained))]
    else:
        choices = [
            *(StyleChoice((path,)) for path in styles),
            *(StyleChoice((), (name,)) for name in trained),
        ]
    pairs = list(dict.fromkeys((photo, choice) for photo in photos for choice in choices))
    if len(pairs) == 1 and not any(os.path.isdir(path) for path in (*content, *style, output)):
        photo, choice = pairs[0]
        return [PictureTask(photo, choice.pictures, output, choice.trained)]
    _check_folder(output, (*content, *style), len(pairs))
    tasks = [
        PictureTask(photo, choice.pictures, output / f"{_name(photo, choice)}.png", choice.trained)
        for photo, choice in pairs
    ]
    _check_distinct(tasks)
    return tasks


def check_command(command: Stylize, tasks: Sequence[PictureTask]) -> None:
    """Raises JaxnstError for options that do not go together, or ask for what there is not."""
    check_counts(command, len(tasks[0].styles))
    if command.blend and not any(command.blend):
        raise JaxnstError("--blend is 0 for every style: give one that is not")
    if command.quiet and command.table_every:
        raise JaxnstError("--table-every prints what --quiet suppresses: give one of the two")
    paint = command.paint
    if paint.net in NETS:  # that of a weight file is known once it is read
        check_layers(paint.net, (*paint.loss.content_layers, *paint.loss.style_layers))


def check_counts(command: Stylize, count: int) -> None:
    """Raises JaxnstError unless there is a weight, or a mask, for each of so many styles."""
    for name, values in (("blend", command.blend), ("mask", command.mask)):
        if values and len(values) != count:
            raise JaxnstError(
                f"--{name} has {len(values)} values for {count} styles: give one for each --style"
            )


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named."""
    return [f for path in paths for f in (list_images(path) if os.path.isdir(path) else [path])]


def _name(photo: Path | None, choice: StyleChoice) -> str:
    return "_".join((*((photo.stem,) if photo else ()), *choice.names))


def _check_folder(output: Path, inputs: Iterable[Path], count: int) -> None:
    if output.suffix and not os.path.isdir(output):
        raise JaxnstError(
            f"{display_name(output)}: {count} pictures do not go into one file: "
            f"give a folder's name, without a suffix"
        )
    if os.path.realpath(output) in {os.path.realpath(path) for path in inputs}:
        raise JaxnstError(
            f"{display_name(output)}: is a folder of inputs, and paintings in it would be taken "
            f"for more of them: give another folder"
        )


def _check_distinct(tasks: Sequence[PictureTask]) -> None:
    seen: dict[Path, PictureTask] = {}
    for task in tasks:
        other = seen.setdefault(task.output, task)
        if other is not task:
            one, two = (" + ".join(map(display_name, t.inputs)) for t in (other, task))
            raise JaxnstError(
                f"{display_name(task.output)}: would be made from {one} and from {two}: "
                f"give files of different names"
            )
