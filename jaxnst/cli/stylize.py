"""`jaxnst stylize`: photos into paintings."""

from collections.abc import Sequence

from jaxnst.cli.options import Stylize
from jaxnst.cli.output_checks import check_outputs
from jaxnst.cli.parsing import options_in, output_is_folder, parse, value_in
from jaxnst.cli.plan import check_command, is_film, plan_pictures
from jaxnst.cli.run_network import is_trained, paint_trained
from jaxnst.cli.writing import place_of
from jaxnst.errors import JaxnstError
from jaxnst.optimize.presets import load_preset, preset_names

_IN_ONE_PASS = {"--strength", "--stroke", "--smooth", "--cluster", "--model"}
_TRAINED = {"--contact-sheet"}
"""Options that mean nothing to the optimization."""


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns 0, or 2 if any picture failed."""
    command, given = parse_stylize(argv), options_in(argv)
    if is_trained(command):
        return paint_trained(command, given)
    if command.method == "fast":
        from jaxnst.cli.run_any_style import paint_in_any_style

        return paint_in_any_style(command, given)
    for option in sorted(given & (_IN_ONE_PASS | _TRAINED)):
        also = ", or --method fast" if option in _IN_ONE_PASS else ""
        raise JaxnstError(
            f"{option} is for trained styles: give the name of one{also}, or leave it out"
        )
    if is_film(command):
        raise JaxnstError(
            "a video is painted in one pass, and so is an animation: give --style the name of a "
            "trained style, or --method fast for a picture's"
        )
    tasks = plan_pictures(command, command.style)
    check_command(command, tasks)
    with place_of(tasks, command.output):
        from jaxnst.cli.run_optimize import OptimizePainter  # trained styles do not wait for it

        check_outputs(command, tasks)
        return OptimizePainter(command).make_all(tasks)


def parse_stylize(argv: Sequence[str]) -> Stylize:
    """Parses the command line; defaults come from its --preset."""
    preset = value_in(argv, "default", "--preset")
    presets = f"Defaults are those of --preset {preset}; there are {', '.join(preset_names())}."
    about = f"{Stylize.__doc__}\n\n{presets}"
    return parse(
        Stylize,
        argv,
        "jaxnst stylize",
        about,
        preset=preset,
        paint=load_preset(preset),
        output_is_folder=output_is_folder(argv),
    )
