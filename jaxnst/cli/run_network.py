"""The styles of a `stylize` command that trained networks paint in."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxnst.cli.one_pass import check_options, paint_in_one_pass
from jaxnst.cli.options import Stylize
from jaxnst.cli.plan import PictureTask, plan_pictures
from jaxnst.cli.provenance import network_provenance
from jaxnst.cli.style_source import StyleSource, no_picture, unknown_style
from jaxnst.errors import JaxnstError
from jaxnst.inference.look import Look
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.files import display_name
from jaxnst.networks.gallery import PHOTO, Gallery, load_gallery
from jaxnst.networks.model_file import SUFFIX
from jaxnst.networks.shipped import DEFAULT


def is_trained(command: Stylize) -> bool:
    """Whether a command asks for trained networks: by names for its styles, or by its options.

    Raises:
      JaxnstError: it asks for that and for optimization at once.
    """
    if command.method == "optimize":
        return False
    fast, named = command.method == "fast", [_is_name(style) for style in command.style]
    of_pictures = fast and named and not any(named)  # which may have a decoder as --model
    if command.contact_sheet or (command.model and not of_pictures) or (fast and not named):
        return True
    if any(named) and not all(named):
        raise no_picture(command.style[named.index(True)])
    return any(named)


def paint_trained(command: Stylize, given: set[str]) -> int:
    """Paints all pictures or the video; returns 0, or 2 if any failed.

    Args:
      command: what to make.
      given: the options that were given.

    Raises:
      JaxnstError: an option is not one for networks, or the model does not know a style.
    """
    check_options(given)
    if not command.model and [style.suffix for style in command.style] == [SUFFIX]:
        # A single file is a gallery of its own, of whichever kind of network.
        command = dataclasses.replace(command, model=str(command.style[0]), style=())
    gallery = load_gallery(command.model or DEFAULT)
    if not command.style and not command.contact_sheet and len(gallery.styles) == 1:
        command = dataclasses.replace(command, style=(Path(gallery.styles[0]),))
    source, names = _styles_of(command, gallery)
    if command.contact_sheet == bool(names):
        raise JaxnstError(
            "give --style one of the names in `jaxnst models list`, or --contact-sheet without "
            "--style for all of them"
        )
    tasks = plan_pictures(command, trained=names or ("styles",))
    return paint_in_one_pass(command, given, tasks, source)


class TrainedStyles(StyleSource):
    """Styles of a gallery."""

    def __init__(self, command: Stylize, gallery: Gallery) -> None:
        """Takes the gallery, and the command that asks for it."""
        self._command, self._gallery = command, gallery

    def __reduce__(self) -> Any:
        return _styles_again, (self._command,)

    def painter(self, *, exact: bool = False) -> Stylizer:
        """What paints in the gallery's styles."""
        return Stylizer(self._gallery, exact=exact)

    def names(self, task: PictureTask) -> tuple[str, ...]:
        """The names of a picture's styles."""
        return task.trained

    def provenance(self, command: Stylize, task: PictureTask, size: int | None) -> dict[str, Any]:
        """The photo, the networks and the options."""
        return network_provenance(command, task, self._gallery, size)

    def check(self, look: Look) -> None:
        """Raises JaxnstError unless the gallery has such styles at such a strength."""
        self._gallery.params(look.style, look.strength)


def _styles_of(command: Stylize, gallery: Gallery) -> tuple[TrainedStyles, tuple[str, ...]]:
    """The styles of a command, whose --model is a gallery, and the names of those asked for.

    Raises:
      JaxnstError: there is no such style.
    """
    gallery, names = _named_styles(gallery, command.style, with_photo=bool(command.mask))
    return TrainedStyles(command, gallery), names


def _styles_again(command: Stylize) -> TrainedStyles:
    """The styles of a command, in another process."""
    return _styles_of(command, load_gallery(command.model or DEFAULT))[0]


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
        elif name not in gallery.styles and os.path.isfile(style):
            raise JaxnstError(
                f"{display_name(style)}: is a picture, and --model and --contact-sheet are for "
                f"trained styles: leave them out, or give names of those"
            )
        elif name not in gallery.styles and not (with_photo and name == PHOTO):
            raise unknown_style(name, gallery.styles)
        names.append(name)
    return gallery, tuple(names)


def _is_name(style: Path) -> bool:
    """Whether a --style can only be the name of a trained style, or the file of one."""
    if style.suffix == SUFFIX:
        return True
    return not os.path.exists(style) and not style.suffix and len(style.parts) == 1
