"""The styles of a `stylize --method fast` command that are pictures."""

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from jaxnst.cli.one_pass import check_options, paint_in_one_pass
from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import PictureTask, plan_pictures
from jaxnst.cli.provenance import any_style_provenance
from jaxnst.cli.style_source import StyleSource
from jaxnst.errors import JaxnstError
from jaxnst.inference.any_style import AnyStylizer
from jaxnst.inference.look import Look
from jaxnst.io.codec import load
from jaxnst.networks.gallery import blend_shares
from jaxnst.networks.model_file import DECODER, load_decoder


def paint_in_any_style(command: Stylize, given: set[str]) -> int:
    """Paints all pictures or the video; returns 0, or 2 if any failed.

    Args:
      command: what to make.
      given: the options that were given.

    Raises:
      JaxnstError: an option is not one for this, a style is no picture, or the model no decoder.
    """
    check_options(given)
    check_strength(command.strength)
    tasks = plan_pictures(command, command.style)
    tasks.sort(key=attrgetter("styles"))  # so that each painting is looked at once
    if not command.content:
        raise JaxnstError(
            "--method fast paints photos, and there is none: give one, or --method optimize for a "
            "texture"
        )
    paths = dict.fromkeys(path for task in tasks for path in task.styles)
    source = StylePictures(tuple(paths), command.model or DECODER)
    return paint_in_one_pass(command, given, tasks, source)


class StylePictures(StyleSource):
    """Pictures as styles; their paths are the styles' names."""

    holds_strokes = AnyStylizer.holds_strokes

    def __init__(self, paths: Sequence[Path], model: str = DECODER) -> None:
        """Takes the files, and loads the decoder."""
        self._paths, self._name = paths, model
        self._model = load_decoder(model)

    def __reduce__(self) -> Any:
        return StylePictures, (self._paths, self._name)

    def painter(self, *, exact: bool = False) -> AnyStylizer:
        """What paints in the styles of the pictures."""
        paintings = {str(path): partial(read_painting, path) for path in self._paths}
        return AnyStylizer(paintings, model=self._model, exact=exact)

    def names(self, task: PictureTask) -> tuple[str, ...]:
        """The paths of a picture's styles."""
        return tuple(map(str, task.styles))

    def provenance(self, command: Stylize, task: PictureTask, size: int | None) -> dict[str, Any]:
        """The photo, the style pictures, the decoder and the options."""
        return any_style_provenance(command, task, self._model, size)

    def check(self, look: Look) -> None:
        """Raises JaxnstError unless the look's pictures can be read."""
        for name in blend_shares(look.style, tuple(map(str, self._paths))):
            read_painting(Path(name))


def check_strength(strength: float) -> None:
    """Raises JaxnstError for a strength that style pictures do not have."""
    if strength > 1:
        raise JaxnstError(
            f"--strength {strength:g} is for trained styles: give at most 1 with style pictures"
        )


def read_painting(path: Path) -> np.ndarray:
    """The picture in a file, uint8 [H, W, 3 or 4]."""
    return load(path).as_uint8()
