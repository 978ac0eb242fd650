"""Which pictures a `stylize` command is to make, checked before any work begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jaxnst.errors import JaxnstError
from jaxnst.files import check_writable, display_name
from jaxnst.image import check_writable_suffix, list_images

if TYPE_CHECKING:
    from jaxnst.cli.stylize import Stylize


class Task(NamedTuple):
    """One picture to be made."""

    content: Path | None
    styles: tuple[Path, ...]
    output: Path

    @property
    def title(self) -> str:
        """What the picture is called in reports."""
        return " + ".join(path.stem for path in self.inputs)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files it is made from."""
        return (*((self.content,) if self.content else ()), *self.styles)

    def beside(self, suffix: str) -> Path:
        """A file that belongs to the output: OUT + suffix in place of OUT's own suffix."""
        return self.output.with_name(self.output.stem + suffix)


def plan_tasks(
    content: Sequence[Path], style: Sequence[Path], output: Path, *, one: bool
) -> list[Task]:
    """Every photo with every style, or with all styles at once.

    Args:
      content: files and folders; none for a texture.
      style: files and folders; none to invert features.
      output: a file for one picture, else a folder.
      one: all styles go into one picture.
    """
    photos: list[Path | None] = [*_files(content)] or [None]
    styles = _files(style)
    groups = [tuple(styles)] if one or not styles else [(path,) for path in styles]
    pairs = [(photo, group) for photo in photos for group in groups]
    several = any(path.is_dir() for path in (*content, *style)) or len(pairs) > 1
    if not several:
        return [Task(*pairs[0], output)]
    if output.suffix and not output.is_dir():
        raise JaxnstError(
            f"{display_name(output)}: {len(pairs)} pictures do not go into one file: "
            f"give a folder's name, without a suffix"
        )
    tasks = [Task(photo, group, output / f"{_name(photo, group)}.png") for photo, group in pairs]
    _check_distinct(tasks)
    return tasks


def check_options(command: Stylize, tasks: Sequence[Task]) -> None:
    """Raises JaxnstError for what would only fail after the work is done."""
    for name, values in (("blend", command.blend), ("mask", command.mask)):
        count = len(tasks[0].styles)
        if values and len(values) != count:
            raise JaxnstError(f"--{name} has {len(values)} values for {count} styles: give {count}")
    if command.blend and not any(command.blend):
        raise JaxnstError("--blend is 0 for every style: give one that is not")
    if command.quiet and command.table_every:
        raise JaxnstError("--table-every prints what --quiet suppresses: give one of the two")
    for report in filter(None, (command.loss_csv, command.loss_plot)):
        check_writable(report)
    if command.loss_plot and command.loss_plot.suffix.lower() != ".png":
        raise JaxnstError(f"{display_name(command.loss_plot)}: --loss-plot is a .png file")
    extra = (*command.mask, *filter(None, [command.start_from]))
    reports = (*filter(None, (command.loss_csv, command.loss_plot)),)
    for task in tasks:
        check_writable_suffix(task.output)
        _check_apart((task.output, *reports), (*task.inputs, *extra))
    _make_folder(tasks, command.output)


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named."""
    return [file for path in paths for file in (list_images(path) if path.is_dir() else [path])]


def _name(photo: Path | None, styles: tuple[Path, ...]) -> str:
    return "_".join(path.stem for path in (*((photo,) if photo else ()), *styles))


def _check_distinct(tasks: Sequence[Task]) -> None:
    seen: dict[Path, Task] = {}
    for task in tasks:
        other = seen.setdefault(task.output, task)
        if other is not task:
            raise JaxnstError(
                f"{display_name(task.output)}: would be made from {display_name(other.inputs[0])} "
                f"and from {display_name(task.inputs[0])}: give files of different names"
            )


def _check_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    sources = {path.resolve() for path in inputs}
    for output in outputs:
        if output.resolve() in sources:
            raise JaxnstError(
                f"{display_name(output)}: is an input and would be overwritten: give another output"
            )


def _make_folder(tasks: Sequence[Task], output: Path) -> None:
    """The folder for several pictures, unless it is there; a single picture's must be there."""
    if tasks[0].output == output:
        check_writable(output)
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JaxnstError(f"{display_name(output)}: cannot be made a folder ({error})") from error
    check_writable(tasks[0].output)
