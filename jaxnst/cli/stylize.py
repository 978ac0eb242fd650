"""`jaxnst stylize`: photos into paintings."""

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxnst.cli.arguments import options_in, parse, value_in
from jaxnst.cli.plan import check_command, plan_tasks
from jaxnst.cli.run_network import is_trained, paint_trained
from jaxnst.cli.writing import check_outputs, new_folder
from jaxnst.errors import JaxnstError, check_number
from jaxnst.io.container import is_video
from jaxnst.optimize.presets import PaintOptions, load_preset, preset_names


@dataclasses.dataclass(frozen=True)
class Stylize:
    """Turn photos into paintings: every CONTENT in the style of every STYLE."""

    content: Annotated[Positional[tuple[Path, ...]], arg(metavar="CONTENT ...")]
    """Photos, or folders of them; or a video, or an animated GIF or WebP. None, with a style: a
    texture."""
    output: Annotated[Path, arg(aliases=["-o"])]
    """The painting: a .png, .jpg, .webp, .tif or .bmp file, for a video .mp4, .mkv, .mov,
    .gif or .webp; or a folder, as for several; on a second run those that are finished are
    skipped."""
    style: tuple[Path, ...] = ()
    """Names of trained styles, which paint at once; or pictures, or folders of them, for which the
    pixels are optimised. None, with a --model of one style: that one; with --style-weight 0: the
    photo's features are inverted."""
    preset: str = "default"
    """Where the other defaults come from: a name from above, or a .toml file."""
    method: Literal["auto", "fast", "optimize"] = "auto"
    """How: in one pass of a trained network, at the photo's own size unless --size is given; or by
    optimising the pixels. Auto: as --style wants it."""
    model: str = ""
    """Trained network: a name from `jaxnst models`, or a .safetensors file. None: slim."""
    smooth: bool = False
    """Of a video: less flicker where the picture is still."""
    strength: float = 1.0
    """Of a trained style: 0 leaves the photo as it is, up to 2 exaggerates."""
    contact_sheet: bool = False
    """Paint the photo in every style of the network, on one sheet."""
    blend: tuple[float, ...] = ()
    """Blend all styles in one picture: a weight for each, at least 0."""
    mask: tuple[Path, ...] = ()
    """One picture of all styles, each in its region: a mask for each, white where it goes."""
    start_from: Path | None = None
    """Start from this picture instead of what --init says."""
    paint: PaintOptions = dataclasses.field(default_factory=PaintOptions)

    quality: int = 95
    """Of JPEG and WebP, 1 to 100."""
    compare: bool = False
    """Also write content | style | result side by side, as OUT_compare."""
    preview_every: int = 0
    """Also write the picture so far every this many iterations, as OUT_0050, OUT_0100, ...; 0:
    never."""
    snapshot_every: int = 0
    """Keep the run's state in OUT.snapshot every this many iterations and on Ctrl-C; the same
    command again continues exactly from there. It takes up to 80 pictures of floats, 250 MB at 512
    pixels. 0: never."""
    loss_csv: Path | None = None
    """Write the losses of every iteration of this run as a table."""
    loss_plot: Path | None = None
    """Write content, style and total loss over the iterations as a .png file."""
    table_every: int = 0
    """Print iteration, style, content and total loss every this many iterations; 0: never."""
    sidecar: bool = False
    """Also write the settings, which the picture itself carries, as OUT.json."""
    json: bool = False
    """Print one JSON object per picture instead of its path."""
    overwrite: bool = False
    """Make pictures anew that are there with the same settings."""
    quiet: bool = False
    """No progress, only errors."""

    @property
    def joins_styles(self) -> bool:
        """Whether all styles go into one picture."""
        return bool(self.blend or self.mask)

    def __post_init__(self) -> None:
        check_number("quality", self.quality, low=1, high=100)
        check_number("strength", self.strength, high=2)
        for name in ("preview_every", "snapshot_every", "table_every"):
            check_number(name, getattr(self, name))
        for weight in self.blend:
            check_number("blend", weight)


def main(argv: Sequence[str]) -> int:
    """Runs the command; the exit status is 0, or 2 if some picture could not be made."""
    command, given = parse_stylize(argv), options_in(argv)
    if is_trained(command):
        return paint_trained(command, given)
    for option in sorted(given & {"--strength", "--model", "--contact-sheet", "--smooth"}):
        raise JaxnstError(f"{option} is for trained styles: give the name of one, or leave it out")
    if any(is_video(path) for path in command.content):
        raise JaxnstError("a video is painted in trained styles: give --style the name of one")
    tasks = plan_tasks(command.content, command.style, command.output, one=command.joins_styles)
    check_command(command, tasks)
    single = tasks[0].output == command.output
    with nullcontext() if single else new_folder(command.output):
        from jaxnst.cli.run_optimize import paint_all  # a trained style does not wait for optax

        check_outputs(command, tasks)
        return paint_all(command, tasks)


def parse_stylize(argv: Sequence[str]) -> Stylize:
    """The command from its arguments; what they leave open comes from the preset they name."""
    preset = value_in(argv, "--preset", "default")
    presets = f"Defaults are those of --preset {preset}; there are {', '.join(preset_names())}."
    about = f"{Stylize.__doc__}\n\n{presets}"
    return parse(Stylize, argv, "jaxnst stylize", about, preset=preset, paint=load_preset(preset))
