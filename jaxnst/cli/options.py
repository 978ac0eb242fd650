"""The options of every command: frozen dataclasses, whose docstrings are the text of --help.

All else in this folder may import them; they import the options of the rooms below alone.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, Suppress, arg

from jaxnst.errors import JaxnstError, check_number
from jaxnst.networks.shipped import DEFAULT
from jaxnst.optimize.presets import PaintOptions
from jaxnst.training.config import LoopOptions, TrainConfig
from jaxnst.web.limits import Limits

TRAIN_CONFIG = "add_style"
"""What `jaxnst train` takes its defaults from."""


def _output(metavar: str) -> Any:
    """The option that says where the result goes, by the same names in every command."""
    return arg(aliases=["-o", "--out"], metavar=metavar)


@dataclasses.dataclass(frozen=True)
class Stylize:
    """Turn photos into paintings: every CONTENT in the style of every STYLE."""

    content: Annotated[Positional[tuple[Path, ...]], arg(metavar="CONTENT ...")]
    """Photos, or folders of them; or a video, or an animated GIF or WebP. None, with a style: a
    texture."""
    output: Annotated[Path, _output("FILE|FOLDER/")]
    """The painting: a .png, .jpg, .webp, .tif or .bmp file, for a video .mp4, .mkv, .mov,
    .gif or .webp; or a folder, as for several; on a second run those that are finished are
    skipped."""
    style: Annotated[tuple[Path, ...], arg(metavar="[NAME|PICTURE ...]")] = ()
    """Names of trained styles, or .safetensors files of one, which paint at once; or pictures, or
    folders of them, for which the pixels are optimised. None, with a --model of one style: that
    one; with --style-weight 0: the photo's features are inverted."""
    preset: str = "default"
    """Where the other defaults come from: a name from above, or a .toml file."""
    method: Literal["auto", "fast", "optimize"] = "auto"
    """How: in one pass of a trained network, at the photo's own size unless --size is given; or by
    optimising the pixels. Auto: as --style wants it."""
    model: str = ""
    """Where the trained styles are: slim or johnson, which ship, a .safetensors file of one style,
    or a folder of such files. None: slim."""
    smooth: bool = False
    """Of a video: less flicker where the picture is still."""
    strength: float = 1.0
    """Of a trained style: 0 leaves the photo as it is, up to 2 exaggerates."""
    stroke: float = 1.0
    """Of a trained style: size of the strokes, from 0.1 to 10; 1 is as on a picture of 768 pixels.
    Larger pictures are painted smaller and then enlarged; a video's frames are painted as they
    are."""
    contact_sheet: bool = False
    """Paint the photo in every style there is, on one sheet."""
    blend: tuple[float, ...] = ()
    """Blend all styles in one picture: a weight for each, at least 0."""
    mask: tuple[Path, ...] = ()
    """One picture of all styles, each in its region: a mask for each, white where it goes. Of
    trained styles what no mask covers stays photo, and so does what the style "photo" covers."""
    start_from: Annotated[Path | None, arg(metavar="PICTURE")] = None
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
    output_is_folder: Annotated[bool, Suppress] = False
    """Whether --output ends with a slash."""
    quiet: bool = False
    """No progress, only errors."""

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
        check_number("stroke", self.stroke, low=0.1, high=10)
        for name in ("preview_every", "snapshot_every", "table_every"):
            check_number(name, getattr(self, name))
        for weight in self.blend:
            check_number("blend", weight)


@dataclasses.dataclass(frozen=True)
class Live:
    """Paint what the camera sees. Press h for the keys."""

    source: Annotated[str, arg(metavar="CAMERA|PATH|URL")] = ""
    """Camera by its number or device, a video file, a folder of pictures, or the URL of a stream.
    None: the first camera that opens."""
    width: int = 0
    """Asked of the camera, in pixels; 0: its own."""
    height: int = 0
    """Asked of the camera, in pixels; 0: its own."""
    fps: float = 0.0
    """Frames per second asked of the camera, or pictures per second of a folder; 0: its own."""
    style: Annotated[tuple[str, ...], arg(metavar="[NAME ...]")] = ()
    """Styles that the keys choose from. None: all there are."""
    model: str = ""
    """Where the styles are: slim or johnson, which ship, a .safetensors file of one style, or a
    folder of such files. None: slim."""
    size: str = "auto"
    """Long side that is painted, in pixels; auto: the largest that holds --rate here; 0: as the
    frames come."""
    rate: float = 20.0
    """Frames per second that --size auto holds."""
    strength: float = 1.0
    """0 leaves the photo as it is, up to 2 exaggerates."""
    keep_colors: bool = False
    """Keep the colours of what the camera sees."""
    smooth: bool = False
    """Less flicker where the picture is still."""
    split: bool = False
    """Show the photo beside the painting."""
    mirror: bool = False
    """As in a mirror."""
    output: Annotated[Path | None, _output("FILE")] = None
    """Record everything, from the first frame on, as a .mp4, .mkv or .mov file."""
    folder: Path = Path()
    """Where snapshots and recordings go."""
    virtual_camera: bool = False
    """Offer the painting to other programs as a camera, by pyvirtualcam."""
    no_window: bool = False
    """Show nothing: for servers, with --output, --stats or --virtual-camera."""
    frames: int = 0
    """Stop after so many frames; 0: never."""
    stats: Path | None = None
    """Write rate, latency and dropped frames as a .json file in the end."""
    quiet: bool = False
    """Only errors, and the files that were written."""

    def __post_init__(self) -> None:
        for name in ("width", "height", "frames"):
            check_number(name, getattr(self, name), high=1e6)
        check_number("fps", self.fps, high=1000)
        check_number("rate", self.rate, low=0.1, high=1000)
        check_number("strength", self.strength, high=2)
        if self.size != "auto" and not (self.size.isascii() and self.size.isdigit()):
            raise JaxnstError(f"size {self.size!r} is no size: give auto, or a long side in pixels")
        if self.size not in ("auto", "0"):
            check_number("size", int(self.size), low=32, high=8192)


@dataclasses.dataclass(frozen=True)
class Upscale:
    """Enlarge pictures, with detail that a trained network finds for them."""

    content: Annotated[Positional[tuple[Path, ...]], arg(metavar="PHOTO ...")]
    """Pictures of any size, or folders of them; - is standard input. Give the least compressed
    there are: the ripples that JPEG leaves along edges are sharpened too."""
    output: Annotated[Path, _output("FILE|FOLDER/")]
    """The result: a .png, .jpg, .webp, .tif or .bmp file; or a folder, as for several; on a second
    run those that are finished are skipped. - is standard output."""
    scale: int = 4
    """How many times as wide and high."""
    sharp: bool = False
    """Sharper detail, less near to the truth pixel by pixel: by a network trained by features. For
    --scale 4 and 8."""
    model: str = ""
    """Trained network: a name from `jaxnst models`, or a .safetensors file, whose scale counts
    then. None: the one that ships for --scale."""
    match_histogram: bool = False
    """Give the result the distribution of colours of the photo, as in Johnson et al. (2016)."""
    quality: int = 95
    """Of JPEG and WebP, 1 to 100."""
    json: bool = False
    """Print one JSON object per picture instead of its path."""
    overwrite: bool = False
    """Make pictures anew that are there with the same settings."""
    output_is_folder: Annotated[bool, Suppress] = False
    """Whether --output ends with a slash."""
    quiet: bool = False
    """No progress, only errors."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files and folders of photos."""
        return self.content

    def __post_init__(self) -> None:
        check_number("quality", self.quality, low=1, high=100)


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a network that paints in one pass. The same command again goes on where it stopped."""

    work: Path
    """Folder for checkpoints, losses and pictures; made if it is not there."""
    config: str = TRAIN_CONFIG
    """Where the other defaults come from: a name from above, or a .toml file."""
    style: Annotated[Path | None, arg(metavar="PICTURE")] = None
    """Learn this style picture, named as its file, instead of the configuration's."""
    paintings_dir: Path = Path()
    """Folder with the configuration's painting."""
    output: Annotated[Path | None, _output("FILE")] = None
    """Where the model goes in the end. None: model.safetensors in the work folder."""
    grid_every: int = 250
    """Paint a few fixed photos each this many steps; 0: never."""
    coordinator: str = ""
    """HOST:PORT of the first of several processes; "auto" asks the cluster. None: this one only."""
    processes: int = 0
    """How many processes there are. 0: the cluster knows."""
    process: int = -1
    """Which of them this one is, from 0. -1: the cluster knows."""
    json: bool = False
    """Print the model's path and held-out losses as one JSON object."""
    quiet: bool = False
    """No progress, only errors."""
    settings: TrainConfig = dataclasses.field(default_factory=TrainConfig)
    loop: LoopOptions = dataclasses.field(default_factory=LoopOptions)
    """How the run is watched and kept; its result does not depend on it."""

    def __post_init__(self) -> None:
        check_number("grid_every", self.grid_every)

    @property
    def model(self) -> Path:
        """Where the model goes."""
        return self.output or self.work / "model.safetensors"


@dataclasses.dataclass(frozen=True)
class Web:
    """Open a page in the browser, to paint photos and the webcam and to enlarge pictures. Ctrl-C
    ends it. No request leaves the machine."""

    host: str = "127.0.0.1"
    """Address to listen at: this machine's own, for itself alone; 0.0.0.0: all networks."""
    port: int = 7860
    """Port to listen at; 0: any that is free."""
    auth: str = ""
    """USER:PASSWORD that visitors have to give. None: all may come in."""
    model: str = DEFAULT
    """Where the styles are: slim or johnson, which ship, a .safetensors file of one style, or a
    folder of such files."""
    no_browser: bool = False
    """Open no browser, only say where the page is."""
    limits: Limits = dataclasses.field(default_factory=Limits)
    """What a visitor may ask for."""
    quiet: bool = False
    """Only errors."""

    def __post_init__(self) -> None:
        check_number("port", self.port, high=65_535)
        user, colon, password = self.auth.partition(":")
        if self.auth and not (user and colon and password):
            raise JaxnstError("--auth is USER:PASSWORD: give both, with a colon between them")
