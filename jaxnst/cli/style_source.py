"""Where the styles of a `stylize` command come from: a gallery, or pictures."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import PictureTask
from jaxnst.errors import JaxnstError, nearest
from jaxnst.inference.look import Look
from jaxnst.inference.painter import Painter
from jaxnst.io.files import display_name


class StyleSource(ABC):
    """Where the styles of a command come from."""

    holds_strokes = False
    """As of the painter."""

    @abstractmethod
    def painter(self, *, exact: bool = False) -> Painter:
        """What paints in them; `exact` as for `Stylizer`."""

    @abstractmethod
    def names(self, task: PictureTask) -> tuple[str, ...]:
        """The names of a picture's styles, as the painter knows them."""

    @abstractmethod
    def provenance(self, command: Stylize, task: PictureTask, size: int | None) -> dict[str, Any]:
        """The inputs and options that determine a picture or a video.

        Raises:
          JaxnstError: the photo cannot be read.
        """

    @abstractmethod
    def check(self, look: Look) -> None:
        """Raises JaxnstError unless there is such a look."""


def unknown_style(name: str | Path, known: Iterable[str]) -> JaxnstError:
    """The error for a name that no trained style has."""
    return JaxnstError(
        f"style {display_name(name)!r} is unknown: {nearest(str(name), known)}; "
        f"or give the path of a picture"
    )


def no_picture(name: str | Path) -> JaxnstError:
    """The error for a name beside pictures."""
    return JaxnstError(
        f"--style has {display_name(name)!r}, which is no file, beside pictures: "
        f"give names of trained styles, or paths of pictures"
    )


def blend_of(command: Stylize, names: Sequence[str]) -> dict[str, float]:
    """The weight of each style of a picture."""
    return dict(zip(names, command.blend or (1.0,) * len(names), strict=True))
