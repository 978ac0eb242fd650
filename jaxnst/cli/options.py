"""The options of every command: frozen dataclasses whose docstrings are the text of --help.

Everything else in this folder may import them; they import only the options of the rooms below.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, Suppress, arg

from jaxnst.errors import JaxnstError, check_number
from jaxnst.networks.export import Weights
from jaxnst.networks.shipped import DEFAULT
from jaxnst.optimize.presets import PaintOptions
from jaxnst.training.config import TrainConfig
from jaxnst.training.options import LoopOptions
from jaxnst.web.limits import Limits

TRAIN_CONFIG = "add_style"
"""The configuration that `jaxnst train` uses by default."""


def _output(metavar: str) -> Any:
    """The --output option, which has the same names in every command."""
    return arg(aliases=["-o", "--out"], metavar=metavar)


def _check_stroke(stroke: float) -> None:
    """Raises JaxnstError unless it is 0 or a size of strokes."""
    if stroke:
        check_number("stroke", stroke, low=0.1, high=10)


@dataclasses.dataclass(frozen=True)
class Stylize:
    """Turn photos into paintings: every CONTENT in the style of every STYLE."""

    content: Annotated[Positional[tuple[Path, ...]], arg(metavar="CONTENT ...")]
    """Photos, folders of photos, a video, or an animated GIF or WebP; pictures may be in buckets,
    s3://... and gs://..., with jaxnst[s3] and jaxnst[gs]. Without any, a style picture becomes a
    texture, by optimization."""
    output: Annotated[Path, _output("FILE|FOLDER/")]
    """Where the painting goes: a .png, .jpg, .webp, .tif or .bmp file (.mp4, .mkv, .mov, .gif or
    .webp for a video), or a folder, both in a bucket too. Several pictures need a folder; a second
    run skips finished ones."""
    style: Annotated[tuple[Path, ...], arg(metavar="[NAME|PICTURE ...]")] = ()
    """Names of trained styles or .safetensors files of one, which paint in a second; or style
    pictures or folders of them, which take minutes by optimization, or seconds with --method fast.
    Not needed with a --model that has one style, nor with --init noise, which inverts the photo's
    features."""
    preset: str = "default"
    """Source of the other defaults: a name from the list above, or a .toml file."""
    method: Literal["auto", "fast", "optimize"] = "auto"
    """fast: in one pass, in any style, at the photo's own size unless --size is given; optimize:
    optimize the pixels; auto: fast for trained styles, optimize for style pictures."""
    model: str = ""
    """Where the trained styles are: slim or johnson (`jaxnst models list`), a .safetensors file of
    one style, or a folder of such files. Default: slim. With style pictures and
    --method fast: a decoder, as `jaxnst train --config any_style` makes them. Default: the one that
    ships."""
    smooth: bool = False
    """Reduce flicker in the still parts of a video."""
    strength: float = 1.0
    """Strength of a style in one pass, 0 (the photo itself) to 2 (exaggerated; of a style picture
    1)."""
    stroke: float = 1.0
    """Size of the strokes in one pass, from 0.1 to 10; 1 is as on a picture of 768 pixels. Larger
    pictures are painted smaller and then enlarged. 0: all are painted as they are; so are the
    frames of a video unless this is given."""
    contact_sheet: bool = False
    """Paint the photo in every style there is, all on one sheet."""
    blend: tuple[float, ...] = ()
    """Blend all styles into one picture: one weight per style, at least 0."""
    mask: tuple[Path, ...] = ()
    """Use all styles in one picture, each in its own region: one mask per style, white where the
    style goes. In one pass, what no mask covers stays as it is; with trained styles so does the
    region of one named "photo"."""
    start_from: Annotated[Path | None, arg(metavar="PICTURE")] = None
    """Start from this picture instead of from --init."""
    paint: PaintOptions = dataclasses.field(default_factory=PaintOptions)

    quality: int = 95
    """Quality of JPEG and WebP files, 1 to 100."""
    compare: bool = False
    """Also write photo, style and result side by side, as OUT_compare."""
    preview_every: int = 0
    """Also write the unfinished picture every N iterations, as OUT_0050 and so on; 0: never."""
    snapshot_every: int = 0
    """Save the run's state to OUT.snapshot every N iterations and on Ctrl-C; running the same
    command again continues exactly from there. The file is large: up to 250 MB at 512 pixels.
    0: never."""
    loss_csv: Path | None = None
    """Write the losses of every iteration to a table."""
    loss_plot: Path | None = None
    """Plot the content, style and total loss over the iterations."""
    table_every: int = 0
    """Print iteration, style, content and total loss every N iterations; 0: never."""
    sidecar: bool = False
    """Also write the settings, which are embedded in the picture, to OUT.json."""
    json: bool = False
    """Print one JSON object per picture instead of its path."""
    overwrite: bool = False
    """Make pictures again even if they exist with the same settings."""
    cluster: Annotated[str, arg(metavar="local|auto|HOST:PORT")] = ""
    """Make the pictures, or the segments of a video, on the machines of a Ray cluster, which share
    the folders or buckets: local starts one on this machine, auto takes the one that this machine
    is part of. Needs jaxnst[cluster]."""
    output_is_folder: Annotated[bool, Suppress] = False
    """Whether --output ends with a slash."""
    quiet: bool = False
    """Show errors only, no progress."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files and folders of photos and styles."""
        return (*self.content, *self.style)

    @property
    def joins_styles(self) -> bool:
        """Whether all styles go into one picture."""
        return bool(self.blend or self.mask)

    def __post_init__(self) -> None:
        check_number("quality", self.quality, low=1, high=100)
        check_number("strength", self.strength, high=2)
        _check_stroke(self.stroke)
        for name in ("preview_every", "snapshot_every", "table_every"):
            check_number(name, getattr(self, name))
        for weight in self.blend:
            check_number("blend", weight)


@dataclasses.dataclass(frozen=True)
class Live:
    """Paint what the camera sees. Press h for the keys."""

    source: Annotated[str, arg(metavar="CAMERA|PATH|URL")] = ""
    """A camera's number or device, a video file, a folder of pictures, or the URL of a stream.
    Default: the first camera that opens."""
    width: Annotated[int, arg(metavar="PIXELS")] = 0
    """Frame width to request from the camera; 0: the camera's default."""
    height: Annotated[int, arg(metavar="PIXELS")] = 0
    """Frame height to request from the camera; 0: the camera's default."""
    fps: float = 0.0
    """Frame rate to request from the camera, or pictures per second of a folder; 0: the default."""
    style: Annotated[tuple[str, ...], arg(metavar="[NAME|PICTURE ...]")] = ()
    """Styles that the keys choose from: names of trained ones; or pictures and folders of pictures,
    which take ten times as long. Default: all trained ones."""
    model: str = ""
    """Where the trained styles are: slim or johnson (`jaxnst models list`), a .safetensors file of
    one style, or a folder of such files. Default: slim. With pictures as styles: a decoder,
    as `jaxnst train --config any_style` makes them. Default: the one that ships."""
    size: str = "auto"
    """Long side of the painting, in pixels; auto: the largest that reaches --rate on this machine;
    0: the size of the frames."""
    rate: float = 20.0
    """Frame rate that --size auto aims for."""
    strength: float = 1.0
    """Strength of the style, 0 (the photo itself) to 2 (exaggerated; of a style picture 1)."""
    stroke: float = 0.0
    """Size of the strokes, from 0.1 to 10: 1 is as on a picture of 768 pixels, and a larger frame
    is painted smaller and then enlarged. 0: frames are painted as they are."""
    keep_colors: bool = False
    """Keep the camera's colors."""
    smooth: bool = False
    """Reduce flicker where the picture is still."""
    split: bool = False
    """Show the photo beside the painting."""
    mirror: bool = False
    """Mirror the picture, left to right."""
    output: Annotated[Path | None, _output("FILE")] = None
    """Record from the first frame to the last, as a .mp4, .mkv or .mov file."""
    folder: Path = Path()
    """Folder for snapshots and recordings."""
    virtual_camera: bool = False
    """Offer the painting to other programs as a camera, through pyvirtualcam."""
    no_window: bool = False
    """Open no window: for servers, with --output, --stats or --virtual-camera."""
    frames: int = 0
    """Stop after N frames; 0: never."""
    stats: Path | None = None
    """Write frame rate, latency and dropped frames to a .json file at the end."""
    quiet: bool = False
    """Show only errors and the files that were written."""

    def __post_init__(self) -> None:
        for name in ("width", "height", "frames"):
            check_number(name, getattr(self, name), high=1e6)
        check_number("fps", self.fps, high=1000)
        check_number("rate", self.rate, low=0.1, high=1000)
        check_number("strength", self.strength, high=2)
        _check_stroke(self.stroke)
        if self.size != "auto" and not (self.size.isascii() and self.size.isdigit()):
            raise JaxnstError(
                f"--size {self.size!r} is not a size: give auto, or the long side in pixels"
            )
        if self.size not in ("auto", "0"):
            check_number("size", int(self.size), low=32, high=8192)


@dataclasses.dataclass(frozen=True)
class Upscale:
    """Enlarge pictures and videos, with detail added by a trained network."""

    content: Annotated[Positional[tuple[Path, ...]], arg(metavar="PHOTO ...")]
    """Pictures of any size, folders of pictures, a video, or an animated GIF or WebP; pictures may
    be in buckets, s3://... and gs://..., with jaxnst[s3] and jaxnst[gs]; - is standard input. Give
    the least compressed there are: the ripples that JPEG leaves along edges are sharpened too.
    Where blocks can be seen and there is no better file, halve its size before."""
    output: Annotated[Path, _output("FILE|FOLDER/")]
    """Where the result goes: a .png, .jpg, .webp, .tif or .bmp file (.mp4, .mkv, .mov, .gif or
    .webp for a video), or a folder, both in a bucket too. Several pictures need a folder; a second
    run skips finished ones. - is standard output."""
    scale: int = 4
    """How many times wider and higher the result is: 2, 4 or 8."""
    sharp: bool = False
    """Sharper detail at the cost of accuracy pixel by pixel: uses a network trained with feature
    losses. For --scale 4 and 8."""
    model: str = ""
    """Trained network: a name from `jaxnst models list`, or a .safetensors file; its scale replaces
    --scale. Default: the network that ships for --scale."""
    match_histogram: bool = False
    """Match the result's color histogram to the photo's, as in Johnson et al. (2016)."""
    quality: int = 95
    """Quality of JPEG and WebP files, 1 to 100."""
    json: bool = False
    """Print one JSON object per picture instead of its path."""
    overwrite: bool = False
    """Make pictures again even if they exist with the same settings."""
    cluster: Annotated[str, arg(metavar="local|auto|HOST:PORT")] = ""
    """Make the pictures, or the segments of a video, on the machines of a Ray cluster, which share
    the folders or buckets: local starts one on this machine, auto takes the one that this machine
    is part of. Needs jaxnst[cluster]."""
    output_is_folder: Annotated[bool, Suppress] = False
    """Whether --output ends with a slash."""
    quiet: bool = False
    """Show errors only, no progress."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files and folders of photos."""
        return self.content

    def __post_init__(self) -> None:
        check_number("quality", self.quality, low=1, high=100)


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a trained network as a file that runs without jaxnst: ONNX for browsers, phones and
    other programs, or StableHLO for JAX. It takes pictures of any size, [N, H, W, 3], RGB."""

    model: Annotated[Positional[str], arg(metavar="MODEL")]
    """slim or johnson, a network that enlarges (`jaxnst models list`), a .safetensors file, or a
    folder of such files."""
    output: Annotated[Path, _output("FILE|FOLDER/")]
    """The .onnx or .stablehlo file; with --for-browser a folder."""
    style: Annotated[tuple[str, ...], arg(metavar="[NAME ...]")] = ()
    """The style to paint in, or several with --blend. Not needed where there is but one. With
    --for-browser those that the page is to have. Default: all."""
    blend: tuple[float, ...] = ()
    """Blend all styles: one weight per style, at least 0."""
    strength: float = 1.0
    """Strength of the style, 0 (the photo itself) to 2 (exaggerated)."""
    as_float: Annotated[bool, arg(name="float")] = False
    """Pictures are float32 in [0, 1] on both sides, instead of uint8."""
    weights: Weights = "float32"
    """How the network's numbers are stored; all is computed in float32. float16 halves the file;
    int8, for ONNX only, quarters it and changes pictures slightly."""
    check: bool = False
    """Run the file and print how far its pictures are from jaxnst's own, and how long both take."""
    for_browser: bool = False
    """Write the styles of a gallery as a folder for the page that paints in the visitor's own
    browser, which blends them and sets their strength itself."""
    json: bool = False
    """Print one JSON object instead."""

    def __post_init__(self) -> None:
        check_number("strength", self.strength, high=2)
        if self.for_browser:
            self._check_for_browser()
        for weight in self.blend:
            check_number("blend", weight)
        if len(self.style) > 1 and not self.blend and not self.for_browser:
            raise JaxnstError(
                f"--style has {len(self.style)} names, and a file holds one network: "
                f"give --blend with a weight for each"
            )
        if self.blend and len(self.blend) != len(self.style):
            raise JaxnstError(
                f"--blend has {len(self.blend)} values, and --style {len(self.style)}: "
                f"give one value for each style"
            )

    def _check_for_browser(self) -> None:
        for name in ("blend", "strength", "as_float", "weights", "check"):
            default = Export.__dataclass_fields__[name].default
            if getattr(self, name) != default:
                option = "float" if name == "as_float" else name
                raise JaxnstError(f"--{option} is not for --for-browser: leave one out")


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a network that paints in one pass, or one that enlarges. Running the same command again
    resumes from the last checkpoint."""

    work: Path
    """Folder for checkpoints, losses and pictures; created if missing."""
    config: str = TRAIN_CONFIG
    """Source of the other defaults: a name from the list above, or a .toml file."""
    style: Annotated[Path | None, arg(metavar="PICTURE")] = None
    """Style picture to learn instead of the configuration's; the style is named after its file."""
    paintings_dir: Path = Path()
    """Folder with the configuration's painting, or with those that a decoder learns from."""
    output: Annotated[Path | None, _output("FILE")] = None
    """The trained model. Default: model.safetensors in the work folder."""
    grid_every: int = 250
    """Paint a few fixed photos every N steps; 0: never."""
    coordinator: str = ""
    """Address of the first of several processes; "auto" asks the cluster. Default: one process."""
    processes: int = 0
    """Number of processes; 0: ask the cluster."""
    process: int = -1
    """Index of this process, from 0; -1: ask the cluster."""
    json: bool = False
    """Print the model's path and held-out losses as one JSON object."""
    quiet: bool = False
    """Show errors only, no progress."""
    settings: TrainConfig = dataclasses.field(default_factory=TrainConfig)
    loop: LoopOptions = dataclasses.field(default_factory=LoopOptions)
    """Logging and checkpoints; the result does not depend on them."""

    def __post_init__(self) -> None:
        check_number("grid_every", self.grid_every)

    @property
    def model(self) -> Path:
        """Path of the trained model."""
        return self.output or self.work / "model.safetensors"


@dataclasses.dataclass(frozen=True)
class Web:
    """Open a page in the browser to paint photos or the webcam's picture and to enlarge pictures.
    Ctrl-C ends it. No request leaves the machine."""

    host: str = "127.0.0.1"
    """Address to listen on: 127.0.0.1 for this machine only, 0.0.0.0 for all networks."""
    port: int = 7860
    """Port to listen on; 0: any free one."""
    auth: str = ""
    """User name and password that visitors must enter. Default: no password."""
    model: str = DEFAULT
    """Where the trained styles are: slim or johnson (`jaxnst models list`), a .safetensors file of
    one style, or a folder of such files."""
    browser: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Instead of this page the one that paints in the visitor's own browser, from the folder that
    `make browser` built, such as browser/dist."""
    cluster: Annotated[str, arg(metavar="local|auto|HOST:PORT")] = ""
    """Do the page's jobs on the machines of a Ray cluster, several at a time: local starts one on
    this machine, auto takes the one that this machine is part of. Needs jaxnst[cluster]."""
    no_browser: bool = False
    """Print the page's address but open no browser."""
    limits: Limits = dataclasses.field(default_factory=Limits)
    """Limits on what visitors may ask for."""
    quiet: bool = False
    """Show errors only."""

    def __post_init__(self) -> None:
        check_number("port", self.port, high=65_535)
        if self.browser is not None:
            self._check_for_browser()
        user, colon, password = self.auth.partition(":")
        if self.auth and not (user and colon and password):
            raise JaxnstError("--auth is USER:PASSWORD: give both, with a colon between them")

    def _check_for_browser(self) -> None:
        others = ("auth", "model", "cluster")
        given, default = (
            {name: getattr(web, name) for name in others} | dataclasses.asdict(web.limits)
            for web in (self, Web())
        )
        for name, value in given.items():
            if value != default[name]:
                option = name.replace("_", "-")
                raise JaxnstError(f"--{option} is not for --browser: leave one out")
