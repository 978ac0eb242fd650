"""`jaxnst upscale`: enlarges pictures and videos by super-resolution."""

import sys
from collections.abc import Sequence
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.cluster import check_cluster
from jaxnst.cli.exit_status import status_of
from jaxnst.cli.options import Upscale
from jaxnst.cli.output_checks import check_enlarged
from jaxnst.cli.parsing import options_in, output_is_folder, parse
from jaxnst.cli.picture_maker import PictureMaker
from jaxnst.cli.plan import STREAM, PictureTask, is_film, plan_tasks
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.cli.provenance import upscale_provenance
from jaxnst.cli.writing import place_of, write_picture
from jaxnst.errors import JaxnstError
from jaxnst.inference.upscaler import Upscaler, enlarge_picture
from jaxnst.io.codec import MAX_PIXELS, Picture, load
from jaxnst.io.files import display_name
from jaxnst.networks.model_file import upscaling_model

_LESS_MEMORY = "give a smaller picture, or a smaller --scale"


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns 0, or 2 if any picture failed."""
    folder = output_is_folder(argv)
    about = Upscale.__doc__ or ""
    command = parse(Upscale, argv, "jaxnst upscale", about, output_is_folder=folder)
    if not command.content:
        raise JaxnstError("there is nothing to enlarge: give a picture or a video")
    if command.cluster:
        check_cluster(command)
    name = _model_name(command)
    use_compilation_cache()
    upscaler = Upscaler(name)
    if "--scale" in options_in(argv):
        _check_scale(command, upscaler.scale)
    tasks = plan_tasks(
        command.content,
        (),
        command.output,
        one=False,
        trained=(f"x{upscaler.scale}",),
        folder=folder,
    )
    streams = [path for path in (*command.content, command.output) if path == STREAM]
    if streams and len(tasks) > 1:
        raise JaxnstError("'-' is one picture: give no other beside it")
    if is_film(command):
        from jaxnst.cli.upscale_video import VideoEnlarger  # pictures do not wait for PyAV

        maker = VideoEnlarger(command, tasks[0], upscaler, name)
        return status_of(maker.make, less_memory=_LESS_MEMORY)
    with place_of(tasks, command.output):
        check_enlarged(tasks)
        return Enlarger(command, upscaler, name).make_all(tasks)


class Enlarger(PictureMaker[Upscale]):
    """Enlarges pictures with one model."""

    less_memory = _LESS_MEMORY

    def __init__(self, command: Upscale, upscaler: Upscaler, name: str) -> None:
        """Stores the options, the upscaler, and the name or file of its model."""
        super().__init__(command)
        self._upscaler, self._name = upscaler, name

    def __reduce__(self) -> Any:
        return _enlarger_again, (self._command, self._name)

    def provenance(self, task: PictureTask) -> dict[str, Any]:
        """The photo, the model and the options."""
        return upscale_provenance(self._command, task, self._upscaler.model.card, self._name)

    def make(self, task: PictureTask, provenance: dict[str, Any]) -> dict[str, Any]:
        """Enlarges one picture, writes it, and returns its record."""
        assert task.content is not None
        source = sys.stdin.buffer if task.content == STREAM else task.content
        limit = MAX_PIXELS // self._upscaler.scale**2
        photo = load(source, min_side=1, max_pixels=limit, keep_profile=True)
        enlarged = self._enlarged(task, photo)
        write_picture(task.output, enlarged, self._command.quality, provenance)
        return provenance

    def _enlarged(self, task: PictureTask, photo: Picture) -> Picture:
        with ProgressDisplay(task.title, 100, unit="%", quiet=self._command.quiet) as display:
            display.resume(0, 0.0)
            return enlarge_picture(
                self._upscaler,
                photo,
                match_histogram=self._command.match_histogram,
                progress=lambda share: display.update(round(100 * share), {}, share),
            )


def _enlarger_again(command: Upscale, name: str) -> Enlarger:
    """What enlarges the pictures of a command, in another process."""
    return Enlarger(command, Upscaler(name), name)


def _model_name(command: Upscale) -> str:
    """The name or file of the model to use."""
    if command.model and command.sharp:
        raise JaxnstError("--sharp chooses the network: leave out --model, or it")
    return command.model or upscaling_model(command.scale, sharp=command.sharp)


def _check_scale(command: Upscale, scale: int) -> None:
    """Raises JaxnstError if the model's scale differs from --scale."""
    if scale != command.scale:
        raise JaxnstError(
            f"{display_name(command.model)}: enlarges {scale} times, not {command.scale}: "
            f"leave --scale out"
        )
