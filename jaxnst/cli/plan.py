"""Plans which pictures a command makes, from which files, under which names."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from jaxnst.cli.options import Stylize, Upscale
from jaxnst.errors import JaxnstError
from jaxnst.io import animation
from jaxnst.io.buckets import in_bucket
from jaxnst.io.codec import size_in_header
from jaxnst.io.container import WRITTEN, is_video
from jaxnst.io.files import display_name, open_binary
from jaxnst.io.folders import is_folder, list_images, list_left_out
from jaxnst.perceptual.vgg_layers import NETS, check_layers

STREAM = Path("-")
"""Standard input or output."""

MOVING = (*WRITTEN, *animation.SUFFIXES)
"""Of files that can hold many frames."""


class PictureTask(NamedTuple):
    """One picture to be made."""

    content: Path | None
    styles: tuple[Path, ...]
    """Style pictures."""
    output: Path
    trained: tuple[str, ...] = ()
    """Names of trained styles, for a network."""
    labels: tuple[str, ...] = ()
    """Names of the photo and the styles, unique within the command."""

    @property
    def title(self) -> str:
        """Name of the picture in progress bars and reports."""
        return display_name(" + ".join(self.labels))

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The photo and the style pictures."""
        return (*((self.content,) if self.content else ()), *self.styles)

    @property
    def snapshot(self) -> Path:
        """File for the state of an unfinished run."""
        return self.output.with_name(self.output.name + ".snapshot")

    @property
    def comparison(self) -> Path:
        """File for photo, style and result side by side."""
        return self.beside(f"_compare{self.output.suffix}")

    @property
    def sidecar(self) -> Path:
        """File for the settings."""
        return self.beside(".json")

    def preview(self, iteration: int) -> Path:
        """File for the unfinished picture at an iteration."""
        return self.beside(f"_{iteration:04d}{self.output.suffix}")

    def beside(self, suffix: str) -> Path:
        """A path next to the output: OUT with another suffix."""
        return self.output.with_name(self.output.stem + suffix)


class StyleChoice(NamedTuple):
    """The styles of one picture: style pictures, or names of trained styles."""

    pictures: tuple[Path, ...] = ()
    trained: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def plan_tasks(
    content: Sequence[Path],
    style: Sequence[Path],
    output: Path,
    *,
    one: bool,
    trained: Sequence[str] = (),
    folder: bool = False,
) -> list[PictureTask]:
    """Pairs every photo with every style, or with all styles at once.

    Args:
      content: files and folders; none for a texture.
      style: files and folders; none to invert features.
      output: a file for one picture, or a folder.
      one: all styles go into one picture.
      trained: names of trained styles, instead of files.
      folder: the output is a folder even for one picture, and if it is not there yet.

    Raises:
      JaxnstError: there is nothing to make a picture of, a folder has no picture in it, or the
        output is not the right one for what is in them.
    """
    photos, styles = files_in(content), files_in(style)
    if not photos and not styles:
        raise JaxnstError("there is nothing to paint: give a photo, or a style for a texture")
    choices = _choices(styles, trained, one=one)
    labels: dict[Path | None, tuple[str, ...]] = {
        path: (s,) for path, s in labels_of(photos).items()
    }
    tasks = [
        PictureTask(photo, choice.pictures, output, choice.trained, (*label, *choice.labels))
        for photo, label in (labels or {None: ()}).items()
        for choice in choices
    ]
    inputs = (*content, *style)
    if len(tasks) > 1 or folder or any(map(is_folder, (*inputs, output))):
        if not folder:
            _check_no_file(output, len(tasks))
        _check_no_input(output, inputs)
        tasks = [task._replace(output=output / f"{'_'.join(task.labels)}.png") for task in tasks]
    _check_distinct(tasks)
    return tasks


def plan_pictures(
    command: Stylize, style: Sequence[Path] = (), trained: Sequence[str] = ()
) -> list[PictureTask]:
    """The pictures of a command, as by `plan_tasks`: in style pictures, or in trained styles."""
    return plan_tasks(
        command.content,
        style,
        command.output,
        one=command.joins_styles,
        trained=trained,
        folder=command.output_is_folder,
    )


def left_out(paths: Iterable[Path]) -> list[Path]:
    """The files in the given folders that are not pictures."""
    return [f for path in paths if is_folder(path) for f in list_left_out(path)]


def check_command(command: Stylize, tasks: Sequence[PictureTask]) -> None:
    """Raises JaxnstError for options that contradict one another or name unknown layers."""
    check_counts(command, len(tasks[0].styles))
    inverts = command.paint.optimize.init != "content" or command.start_from
    if not (command.style or inverts):
        raise JaxnstError(
            "there is no style: give --style a name, as `jaxnst models list` has them, or the path "
            "of a picture; or --init noise to invert the photo's features"
        )
    if command.blend and not any(command.blend):
        raise JaxnstError("--blend is 0 for every style: give one that is not")
    if command.quiet and command.table_every:
        raise JaxnstError("--table-every prints what --quiet suppresses: give one of the two")
    paint = command.paint
    if paint.net in NETS:  # that of a weight file is known once it is read
        check_layers(paint.net, (*paint.loss.content_layers, *paint.loss.style_layers))


def check_counts(command: Stylize, count: int) -> None:
    """Raises JaxnstError unless --blend and --mask have one value per style."""
    for name, values in (("blend", command.blend), ("mask", command.mask)):
        if values and len(values) != count:
            raise JaxnstError(
                f"--{name} has {len(values)} values, and --style {count}: "
                f"give one value for each style"
            )


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The given files, and the pictures in the given folders.

    Raises:
      JaxnstError: a folder has none, or a path is an address.
    """
    files: list[Path] = []
    for path in paths:
        address = re.fullmatch(r"(\w[\w+.-]+):/([^/].*)", str(path))  # Path has taken out a slash
        if address and not in_bucket(path):
            raise JaxnstError(
                f"{address[1]}://{display_name(address[2])}: is an address, and jaxnst downloads "
                f"pictures from s3:// and gs:// only: save it and give the path of the file"
            )
        files += list_images(path) if is_folder(path) else [path]
    return files


def _choices(styles: Sequence[Path], trained: Sequence[str], *, one: bool) -> list[StyleChoice]:
    """The styles one by one, or all at once."""
    label = labels_of(styles)
    if one or not (styles or trained):
        return [StyleChoice(tuple(styles), tuple(trained), (*(label[p] for p in styles), *trained))]
    return [
        *(StyleChoice((path,), (), (name,)) for path, name in label.items()),
        *(StyleChoice((), (name,), (name,)) for name in dict.fromkeys(trained)),
    ]


def labels_of(paths: Sequence[Path]) -> dict[Path, str]:
    """Path -> its stem, with the suffix appended where two files share a stem.

    To some systems, to which the results may be carried, A and a are one name.
    """
    count = Counter(path.stem.casefold() for path in set(paths))
    return {
        path: path.stem if count[path.stem.casefold()] == 1 else path.name.replace(".", "_")
        for path in paths
    }


def _check_no_file(output: Path, count: int) -> None:
    if output.suffix and not is_folder(output):
        pictures = f"{count} pictures" if count > 1 else "the pictures of a folder"
        raise JaxnstError(
            f"{display_name(output)}: {pictures} do not go into one file: "
            f"give a folder's name, without a suffix, or --blend to join several styles"
        )


def _check_no_input(output: Path, inputs: Iterable[Path]) -> None:
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


def is_film(command: Stylize | Upscale) -> bool:
    """Whether a command asks for a video, or for an animation.

    An animated picture is a film where the output can be one, and else a picture, its first frame.

    Raises:
      JaxnstError: it asks for more than that, or for a video of what is none.
    """
    moving = command.output.suffix.lower() in MOVING
    films = [
        path
        for path in command.content
        if is_video(path) or (moving and animation.is_animation(path))
    ]
    if films and len(command.content) > 1:
        raise JaxnstError(
            f"{display_name(films[0])}: is a video, and others are given beside it: give one video"
        )
    if not films and command.output.suffix.lower() in WRITTEN and len(command.content) == 1:
        raise _no_film(command.content[0], command.output)
    for path in (*films, command.output) if films else ():
        if in_bucket(path):
            raise JaxnstError(
                f"{display_name(path)}: is in a bucket, and videos are read and written on disks "
                f"only: copy it, or give a path"
            )
    return bool(films)


def _no_film(path: Path, output: Path) -> JaxnstError:
    """Says what a file is, of which a video is asked for, and is none."""
    name = display_name(path)
    if path != STREAM:
        with open_binary(path):  # it is there, and not empty
            pass
        if size_in_header(path) is None:
            return JaxnstError(f"{name}: is neither a video nor a picture: give another file")
    return JaxnstError(
        f"{display_name(output)}: would be a video, and {name} is none: give a .png path"
    )
