"""The styles of a `stylize --method fast` command that are pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxnst.cli.one_pass import check_options, paint_in_one_pass
from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import PictureTask, plan_tasks
from jaxnst.cli.provenance import any_style_provenance
from jaxnst.cli.style_source import StyleSource
from jaxnst.errors import JaxnstError
from jaxnst.inference.any_style import AnyStylizer
from jaxnst.io.codec import load


def paint_in_any_style(command: Stylize, given: set[str]) -> int:
    """Paints all pictures or the video; returns 0, or 2 if any failed.

    Args:
      command: what to make.
      given: the options that were given.

    Raises:
      JaxnstError: an option is not one for this, or a style is no picture.
    """
    check_options(given)
    for option in sorted(given & {"--model", "--contact-sheet"}):
        raise JaxnstError(f"{option} is for trained styles: give the name of one, or leave it out")
    check_strength(command.strength)
    tasks = plan_tasks(
        command.content,
        command.style,
        command.output,
        one=command.joins_styles,
        folder=command.output_is_folder,
    )
    paths = dict.fromkeys(path for task in tasks for path in task.styles)
    return paint_in_one_pass(command, given, tasks, StylePictures(tuple(paths)))


class StylePictures(StyleSource):
    """Pictures as styles; their paths are the styles' names."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Takes the files."""
        self._paths = paths

    def painter(self, *, exact: bool = False) -> AnyStylizer:
        """What paints in the styles of the pictures."""
        return AnyStylizer({str(path): load(path).as_uint8() for path in self._paths}, exact=exact)

    def names(self, task: PictureTask) -> tuple[str, ...]:
        """The paths of a picture's styles."""
        return tuple(map(str, task.styles))

    def provenance(self, command: Stylize, task: PictureTask, size: int | None) -> dict[str, Any]:
        """The photo, the style pictures and the options."""
        return any_style_provenance(command, task, size)


def check_strength(strength: float) -> None:
    """Raises JaxnstError for a strength that style pictures do not have."""
    if strength > 1:
        raise JaxnstError(
            f"--strength {strength:g} is for trained styles: give at most 1 with style pictures"
        )
