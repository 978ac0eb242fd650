"""Checks of output paths, before any work begins."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import STREAM, PictureTask
from jaxnst.errors import JaxnstError
from jaxnst.io.buckets import in_bucket
from jaxnst.io.codec import LONGEST_SIDE, check_writable_suffix
from jaxnst.io.files import check_creatable, check_writable, display_name, one_line
from jaxnst.optimize.presets import preset_names
from jaxnst.perceptual.vgg_layers import NETS


def check_new_file(out: Path, noun: str, source: Path | None = None) -> None:
    """Raises JaxnstError unless a new .safetensors file can be written."""
    if out.suffix.lower() != ".safetensors":
        raise JaxnstError(f"{display_name(out)}: {noun} are written as .safetensors; name it so")
    if source is not None and os.path.realpath(out) == os.path.realpath(source):
        raise JaxnstError(f"{display_name(out)}: is the source itself: give another output")
    check_writable(out)


def check_outputs(command: Stylize, tasks: Sequence[PictureTask]) -> None:
    """Raises JaxnstError for outputs that are not writable or would overwrite an input."""
    if command.output == STREAM:
        return
    reports = [path for path in (command.loss_csv, command.loss_plot) if path]
    outputs = [*reports, *(path for task in tasks for path in _written(command, task))]
    _check_places(outputs)
    if command.loss_plot and command.loss_plot.suffix.lower() != ".png":
        raise JaxnstError(f"{display_name(command.loss_plot)}: --loss-plot is a .png file")
    for task in tasks:
        _check_format(command, task)
    inputs = list(_inputs(command, tasks))
    check_apart(inputs, outputs)
    if command.snapshot_every and in_bucket(command.output):
        raise JaxnstError(
            f"{display_name(command.output)}: is in a bucket, and --snapshot-every goes on from a "
            f"file on disk: leave it out, or give a path"
        )
    if command.preview_every:
        _check_previews([*inputs, *outputs], tasks)


def _check_format(command: Stylize, task: PictureTask) -> None:
    size, file_format = command.paint.size, check_writable_suffix(task.output)
    if size > LONGEST_SIDE.get(file_format, size):
        raise JaxnstError(
            f"{display_name(task.output)}: a {file_format} file has at most "
            f"{LONGEST_SIDE[file_format]} pixels a side, not {size}: give a .png path"
        )


def _written(command: Stylize, task: PictureTask) -> Iterator[Path]:
    """The files that a task writes, apart from previews."""
    yield task.output
    if command.compare:
        yield task.comparison
    if command.sidecar:
        yield task.sidecar
    if command.snapshot_every:
        yield task.snapshot


def _inputs(command: Stylize, tasks: Sequence[PictureTask]) -> Iterator[Path]:
    """The files that a command reads."""
    for task in tasks:
        yield from task.inputs
    yield from command.mask
    if command.start_from:
        yield command.start_from
    if command.preset not in preset_names():
        yield Path(command.preset)
    if command.paint.net not in NETS:
        yield Path(command.paint.net)


def _check_places(paths: Iterable[Path]) -> None:
    """Checks that the names are valid and that a file can be created in each folder."""
    folders = set()
    for path in paths:
        check_writable(path)
        try:
            with suppress(FileNotFoundError):
                os.lstat(path)  # fails on a name that is too long
        except OSError as error:
            raise JaxnstError(
                f"{display_name(path)}: cannot be written ({one_line(error)}); give another path"
            ) from error
        folder = os.path.dirname(os.path.realpath(path))
        if folder not in folders:
            check_creatable(path)
            folders.add(folder)


def check_enlarged(tasks: Sequence[PictureTask]) -> None:
    """Raises JaxnstError if an enlarged picture is not writable or would overwrite an input."""
    outputs = [task.output for task in tasks if task.output != STREAM]
    _check_places(outputs)
    check_apart([path for task in tasks for path in task.inputs], outputs)
    for path in outputs:
        check_writable_suffix(path)


def check_apart(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raises JaxnstError for outputs that would overwrite an input or another output."""
    taken = {_identity(path): "an input" for path in inputs}
    for path in outputs:
        role = taken.setdefault(_identity(path), "")
        if role:
            raise JaxnstError(
                f"{display_name(path)}: is {role} and would be overwritten: give another output"
            )
        taken[_identity(path)] = "another output"


def _check_previews(paths: Sequence[Path], tasks: Sequence[PictureTask]) -> None:
    """Raises JaxnstError for files that a preview of some iteration could overwrite."""
    paintings = {(os.path.realpath(t.output.parent), t.output.stem, t.output.suffix) for t in tasks}
    for path in paths:
        numbered = re.fullmatch(r"(.+)_\d{4,}", path.stem, re.DOTALL)
        folder = os.path.realpath(path.parent)
        if numbered and (folder, numbered[1], path.suffix) in paintings:
            raise JaxnstError(
                f"{display_name(path)}: could be overwritten by a preview: give another output"
            )


def _identity(path: Path) -> tuple[int, int] | str:
    """Identifies a file, whether reached by a link or with other case on some disks."""
    target = os.path.realpath(path)
    try:
        status = os.stat(target)
    except OSError:
        return target
    return status.st_dev, status.st_ino
