"""`jaxnst stylize` on whatever a command line and files can hold: it never ends in a traceback.

The optimization itself is left out: what is made is the picture that it would start from.
"""

import contextlib
import functools
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stylize_files import cached_vgg, picture

from jaxnst.cli import main
from jaxnst.cli import run_optimize as painter
from jaxnst.io.resize import resize
from jaxnst.optimize import run as optimize
from jaxnst.optimize.job import Job
from jaxnst.optimize.projected_lbfgs import LbfgsState
from jaxnst.optimize.run import Progress, RunState

FILES = {
    "photo.png": "PNG", "style.png": "PNG", "a.jpg": "JPEG", "sp ace ünï$x_1$.webp": "WEBP",
    "-dash.bmp": "BMP", "a.tif": "TIFF",
}  # fmt: skip
OUTPUTS = ["o.png", "o.jpg", "ö 1.webp", "o.bmp", "./o.tif", "new/out", "$.png"]
ODD_PATHS = [
    "none.png", "empty.png", "folder", "nothing", "-", "--", "", ".", "photo.png/x", "a" * 300,
    "no/such/o.png", "\x1b[2J.png", "\udcff.png", "/dev/full", "/dev/null", "/proc/x.png", "~",
    "None", "-x.png", "loop.png", "fifo.png", "x=y.png", "hostile.png", *FILES,
]  # fmt: skip
OPTIONS = {  # with values that are right
    "--size": ["32", "40"], "--quality": ["1", "50"], "--preview-every": ["1", "2"],
    "--snapshot-every": ["1", "9"], "--table-every": ["1"], "--content-weight": ["0", "1e9"],
    "--style-weight": ["0", "0.5"], "--tv-weight": ["0.1"], "--style-scale": ["0.1", "2"],
    "--iterations": ["1", "4", "7"], "--learning-rate": ["1"], "--memory": ["1"],
    "--coarsest": ["0", "9"], "--average": ["0.5"], "--seed": ["7"],
    "--keep-colors": ["luma", "match"], "--statistic": ["wasserstein", "mean_std"],
    "--formula": ["gatys"], "--pooling": ["average"], "--init": ["noise"], "--tv-norm": ["l1"],
    "--optimizer": ["adam"], "--content-layers": ["relu1_1"], "--style-layers": ["pool5"],
    "--method": ["optimize"], "--start-from": [*FILES], "--loss-csv": ["l.csv", "ö"],
    "--loss-plot": ["l.png"], "--preset": ["fast", "p.toml"], "--net": ["vgg19"],
    "--mask": [*FILES], "--blend": ["1", "0.5"],
}  # fmt: skip
ODD_VALUES = [
    "0", "1", "-1", "31", "0.5", "nan", "inf", "-inf", "1e400", "1e38", "66000", "9" * 30, "x", "",
    "0x10", "1_0", "٣", "None", "True", "relu3_4", "Relu1_1", *ODD_PATHS,
]  # fmt: skip
FLAGS = ["--compare", "--sidecar", "--json", "--overwrite", "--quiet"]
ODD_FLAGS = ["--nosuch", "-q", "--help", "--no-json", "--json=1", "--", "-o"]

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def mostly(good: st.SearchStrategy, odd: st.SearchStrategy) -> st.SearchStrategy:
    """One in about twelve is odd."""
    return st.integers(0, 11).flatmap(lambda n: odd if n == 7 else good)


inputs = mostly(st.sampled_from([*FILES]), st.one_of(st.sampled_from(ODD_PATHS), text))
outputs = mostly(st.sampled_from(OUTPUTS), st.one_of(st.sampled_from(ODD_PATHS), text))
flags = mostly(st.sampled_from(FLAGS), st.one_of(st.sampled_from(ODD_FLAGS), text))
odd_values = st.one_of(st.sampled_from(ODD_VALUES), text)


@st.composite
def options(draw: Any) -> list[str]:
    """`--name value` or `--name=value`."""
    name = draw(st.sampled_from([*OPTIONS]))
    value = draw(mostly(st.sampled_from(OPTIONS[name]), odd_values))
    return [f"{name}={value}"] if draw(st.booleans()) else [name, value]


@st.composite
def command_lines(draw: Any) -> list[str]:
    """Mostly a command that would work, with some of it odd."""
    one, some = st.lists(inputs, min_size=1, max_size=1), st.lists(inputs, max_size=3)
    more = draw(st.lists(st.one_of(options(), options(), flags.map(lambda f: [f])), max_size=4))
    styles = ["--style", *draw(mostly(one, some))]
    output = draw(mostly(st.just(["-o"]), st.sampled_from([[], ["--output"]])))
    output += [draw(outputs)] if output else []
    groups = draw(st.permutations([["--size", "40"], styles, output, *more]))
    return [*draw(mostly(one, some)), *(word for group in groups for word in group)]


@st.composite
def hostile_files(draw: Any) -> bytes:
    """Random bytes, or a good picture with some bytes changed, cut off or put in."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    data = bytearray(encoded(draw(st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"]))))
    for _ in range(draw(st.integers(0, 8))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


@functools.cache
def encoded(file_format: str, seed: int = 0) -> bytes:
    """A good picture."""
    with tempfile.TemporaryDirectory() as folder:
        return picture(Path(folder) / "x", seed, format=file_format).read_bytes()


def one_step(_: object, job: Job, state: RunState | None = None) -> Iterator[Progress]:
    """In place of `optimize.run`."""
    picture = job.start if job.start is not None else job.content
    image = resize(np.full((32, 32, 3), 0.5) if picture is None else picture, job.size)
    parts = {"content": 0.0, "style": 1.5, "tv": 0.0}
    lbfgs = LbfgsState(jnp.asarray(image), 1.5, parts, jnp.asarray(image), (), 1.0)
    total = min(job.options.iterations, 4)
    for n in range(1, total + 1):
        yield Progress(n, job.options.iterations, 1.5, parts, RunState(0, n, lbfgs, None))


def furnish(folder: Path, hostile: bytes, preset: bytes) -> None:
    """Everything the command lines name that is there."""
    for i, (name, file_format) in enumerate(FILES.items()):
        (folder / name).write_bytes(encoded(file_format, i))
    for name, data in {"hostile.png": hostile, "p.toml": preset, "empty.png": b""}.items():
        (folder / name).write_bytes(data)
    (folder / "folder").mkdir()
    for name in ("a.png", "b.png"):
        (folder / "folder" / name).write_bytes(encoded("PNG"))
    (folder / "nothing").mkdir()
    (folder / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "fifo.png")


def contents(folder: Path) -> dict[Path, int]:
    """All paths in a folder, and when files were written."""
    return {path: path.is_file() and path.stat().st_mtime_ns for path in folder.rglob("*")}


def check(argv: list[str], hostile: bytes, preset: bytes) -> None:
    """The property: status 0 or 2, no exception, and 2 says why and writes nothing."""
    out, err = io.StringIO(), io.StringIO()
    with (
        tempfile.TemporaryDirectory() as name,
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        folder = Path(name)
        furnish(folder, hostile, preset)
        before = contents(folder)
        patch.chdir(folder)
        patch.setattr(painter, "load_vgg", cached_vgg)
        patch.setattr(optimize, "run", one_step)
        status = main(["stylize", *argv])
        after = contents(folder)
    assert status in (0, 2), (status, err.getvalue())
    if status == 2:
        assert err.getvalue().strip()
        assert "Traceback" not in err.getvalue()
    if status == 2 and not out.getvalue():  # of several pictures, some may have been made
        assert after == before, err.getvalue()
    assert not [path for path in after if path.name.startswith(".jaxnst")]


presets = st.one_of(
    st.binary(max_size=60),
    st.just(b"[loss]\nstyle_weight = 3\n"),
    st.sampled_from([b"size = 10", b"size = nan", b"[loss]\nx = 1", b"loss = 3", b"[" * 9000]),
)
quick = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@given(command_lines(), hostile_files(), presets)
@settings(quick, max_examples=60)
def test_any_command_line(argv, hostile, preset):
    check(argv, hostile, preset)


@pytest.mark.slow
@given(command_lines(), hostile_files(), presets)
@settings(quick, max_examples=2000)
def test_any_command_line_at_length(argv, hostile, preset):
    check(argv, hostile, preset)


@given(hostile_files(), st.sampled_from(["content", "--style", "--mask", "--start-from"]))
@settings(quick, max_examples=25)
def test_any_file(hostile, role):
    words = {"content": "photo.png", "--style": "style.png", role: "hostile.png"}
    content = words.pop("content")
    argv = [content, *(w for pair in words.items() for w in pair), "--size", "40", "-o", "o.png"]
    check(argv, hostile, b"")
