"""`jaxnst stylize` on bad input: exit status 2, one line that names it, and nothing written."""

import errno
import io
import os
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stylize_files import cached_vgg, inputs, picture, stylize, tree

from jaxnst import cli
from jaxnst.cli import main
from jaxnst.cli import run_optimize as painter
from jaxnst.optimize import objective
from jaxnst.optimize import run as optimize


@pytest.fixture(autouse=True)
def weights(monkeypatch) -> None:
    monkeypatch.setattr(painter, "load_vgg", cached_vgg)


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder with a photo and a style in it."""
    inputs(tmp_path)
    return tmp_path


@pytest.fixture
def refused(capfd, monkeypatch, place):
    """Runs a command that must be refused, and returns what it says."""
    monkeypatch.chdir(place)

    def refused(*args: object) -> str:
        before = tree(place)
        assert stylize(*args) == 2
        captured = capfd.readouterr()  # by file descriptor: C libraries print as well
        assert captured.out == ""
        assert re.fullmatch("jaxnst: error: .*\n", captured.err)
        assert tree(place) == before
        return captured.err

    return refused


@pytest.fixture
def no_work(monkeypatch) -> None:
    """Fails the test if anything is optimized or weights are read."""

    def never(*_: object) -> None:
        raise AssertionError("too late")

    monkeypatch.setattr(painter, "load_vgg", never)
    monkeypatch.setattr(optimize, "run", never)


def huge_png(path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"\0" * 100), b"IEND"]
    data = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c))
                    for c in chunks)  # fmt: skip
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def truncated(path: Path, source: Path) -> None:
    with Image.open(source) as image:
        image.resize((300, 300)).save(path, **({"compression": "tiff_lzw"} if ".tif" in path.name
                                               else {}))  # fmt: skip
    path.write_bytes(path.read_bytes()[:-200])


BAD = {
    "missing.png": (lambda path, photo: None, "there is no such file"),
    "empty.png": (lambda path, photo: path.touch(), "is empty"),
    "text.jpg": (lambda path, photo: path.write_text("text"), "not a picture"),
    "cut.jpg": (truncated, "not a picture that can be read"),
    "cut.tif": (truncated, "not a picture that can be read"),
    "tiny.png": (lambda path, photo: picture(path, 0, 31, 31), "31x31 pixels are too few"),
    "huge.png": (lambda path, photo: huge_png(path), "60000x60000 pixels are more"),
    "folder.png": (lambda path, photo: path.mkdir(), "no pictures in this folder"),
}


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (role, name)
        for role in ("content", "style", "mask", "start-from")
        for name in BAD
        if (role, name) != ("mask", "tiny.png")  # a mask may be small
    ],
)
def test_bad_pictures(refused, place, role, name):
    make, message = BAD[name]
    make(place / name, place / "photo.png")
    if role in ("mask", "start-from") and name == "folder.png":
        message = "is a folder"
    options = {"content": "photo.png", "style": "style.png", role: name}
    content = options.pop("content")
    words = [word for role, value in options.items() for word in (f"--{role}", value)]
    assert f"error: {name}: {message}" in refused(content, *words, "-o", "o.png")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--preset", "fats"], "preset 'fats' is unknown: did you mean 'fast'?"),
        (["--preset", "none.toml"], "none.toml: there is no such file"),
        (["--content-weight", "-1"], "content_weight is -1.0: give a finite number, at least 0"),
        (["--style-weight", "nan"], "style_weight is nan"),
        (["--tv-weight", "inf"], "tv_weight is inf"),
        (["--size", "31"], "size is 31: give a finite number, at least 32"),
        (["--size", "70000"], "size is 70000"),
        (["--iterations", "0"], "iterations is 0"),
        (["--quality", "101"], "quality is 101"),
        (["--preview-every", "-1"], "preview_every is -1"),
        (
            ["--blend", "1", "2"],
            "--blend has 2 values, and --style 1: give one value for",
        ),
        (["--blend", "0"], "--blend is 0 for every style"),
        (["--blend", "-inf"], "blend is -inf"),
        (["--mask", "a.png", "b.png"], "--mask has 2 values, and --style 1"),
        (["--style", "a", "--style", "b"], "--style is given twice"),
        (["--quiet", "--table-every", "2"], "--table-every prints what --quiet suppresses"),
    ],
)
def test_bad_options_are_refused_before_any_work(refused, no_work, args, message):
    assert message in refused(*args, "--style", "style.png", "-o", "o.png", "--", "photo.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--style-layers", "relu1_9"], "layer 'relu1_9' is not in vgg19: did you mean"),
        (["--content-layers", "relu3_5"], "layer 'relu3_5' is not in vgg19: did you mean"),
        (["--net", "vgg18"], "vgg18: there is no such net or file"),
        (["--net", "photo.png"], "photo.png: is not a jaxnst weight file"),
    ],
)
def test_unknown_layers_and_nets(refused, monkeypatch, options, message):
    monkeypatch.setattr("stylize_files.QUICK", ())
    args = ("--style", "style.png", "-o", "o.png", "--size", 40)
    if "vgg19" in message:
        monkeypatch.setattr(painter, "load_vgg", None)
    assert message in refused("photo.png", *args, *options)


def test_nothing_to_paint(refused):
    assert "there is nothing to paint" in refused("-o", "o.png")
    args = ("--style", "style.png", "-o", "o.png", "--style-weight", 0)
    assert "nothing to do" in refused("photo.png", *args, "--content-weight", 0)


def test_black_mask(refused, place):
    Image.fromarray(np.zeros((33, 40), np.uint8)).save(place / "black.png")
    args = ("--style", "style.png", "-o", "o.png", "--mask", "black.png")
    assert "black.png: the mask is all black" in refused("photo.png", *args)


# Outputs


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("none/o.png", "there is no folder"),
        ("photo.png/o.png", "there is no folder"),
        ("/proc/o.png", "cannot be written"),
        ("/dev/full", "not a regular file"),
        ("o.gif", "cannot be written as '.gif'"),
        ("o", "cannot be written as ''"),
        ("n" * 300 + ".png", "cannot be written (File name too long)"),
        ("photo.png", "photo.png: is an input and would be overwritten"),
        ("./none/../style.png", "style.png: is an input"),
        ("link.png", "link.png: is an input"),
        ("o.webp", "at most 16383 pixels a side, not 20000"),
    ],
)
def test_bad_outputs_are_refused_before_any_work(refused, no_work, place, output, message):
    (place / "link.png").symlink_to("photo.png")
    size = 20_000 if output == "o.webp" else 40
    assert message in refused("photo.png", "--style", "style.png", "-o", output, "--size", size)


@pytest.mark.parametrize(
    ("args", "taken"),
    [
        (["--loss-csv", "style.png"], "style.png"),
        (["--loss-csv", "o.png"], "o.png"),
        (["--loss-plot", "l.png", "--loss-csv", "l.png"], "l.png"),
        (["--loss-plot", "none/l.png"], "l.png"),
        (["--loss-plot", "l.csv"], "l.csv"),
        (["--start-from", "o_compare.png", "--compare"], "o_compare.png"),
        (["--mask", "o_0010.png", "--preview-every", "2"], "o_0010.png"),
        (["--preset", "o.json", "--sidecar"], "o.json"),
        (["--net", "o.png.snapshot", "--snapshot-every", "1"], "o.png.snapshot"),
        (["--sidecar"], "o.json"),
    ],
)
def test_files_beside_the_picture_are_checked_too(refused, no_work, place, args, taken):
    for name in ("o_compare.png", "o_0010.png", "o.png.snapshot"):
        picture(place / name) if name.endswith("png") else (place / name).touch()
    if args == ["--sidecar"]:
        (place / "o.json").mkdir()
    assert taken in refused("photo.png", "--style", "style.png", "-o", "o.png", *args)


def test_bad_folders_for_several_pictures(refused, place):
    (place / "in").mkdir()
    (place / "other").mkdir()
    for folder in ("in", "other"):
        picture(place / folder / "a.png", 1)
    several = ("photo.png", "style.png", "--style", "style.png", "-o")
    assert "2 pictures do not go into one file" in refused(*several, "o.png")
    one = refused("in", *several[2:], "o.png")
    assert "the pictures of a folder do not go into one file" in one
    assert "cannot be made a folder" in refused(*several, "photo.png/o/p")
    assert "cannot be made a folder" in refused(*several, "new/" + "n" * 300)
    assert "is a folder of inputs" in refused("photo.png", "--style", "in", "-o", "in")
    assert "give files of different names" in refused(
        "in", "other", "--style", "style.png", "-o", "o"
    )


def test_failed_run_leaves_no_folder(capsys, place):
    (place / "bad").mkdir()
    for name in "ab":
        (place / "bad" / f"{name}.png").write_text("text")
    before = tree(place)
    args = ("--style", place / "style.png", "-o", place / "new" / "out")
    assert stylize(place / "bad", *args) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith("jaxnst: error: ") for line in said] == [True, True, False]
    assert said[-1] == "2 of 2 pictures could not be made: see above"  # the rest may scroll away
    assert tree(place) == before


@pytest.mark.parametrize("failing", ["o.png", "o.json", "o_compare.png", "l.csv", "l.png"])
def test_full_disk(capsys, monkeypatch, place, failing):
    replace = os.replace

    def full(source: str, target: Path) -> None:
        if Path(target).name == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.chdir(place)
    beside = ("--sidecar", "--compare", "--loss-csv", "l.csv", "--loss-plot", "l.png", "--quiet")
    (place / failing).write_bytes(b"old")
    assert stylize("photo.png", "--style", "style.png", "-o", "o.png", *beside, "--overwrite") == 2
    error = f"jaxnst: error: {failing}: cannot be written (No space left on device)"
    assert capsys.readouterr().err.startswith(error)
    assert (place / failing).read_bytes() == b"old"
    assert not [name for name in tree(place) if name.startswith(".")]


@pytest.mark.parametrize(
    ("error", "message"),
    [(MemoryError(), "not enough memory"), (None, "the loss is nan at iteration 1")],
)
def test_work_that_cannot_be_done(monkeypatch, place, refused, error, message):
    evaluate = objective.loss_and_gradient

    def fail(*args: object):
        if error:
            raise error
        (loss, parts), gradient = evaluate(*args)
        return (loss * float("nan"), parts), gradient

    monkeypatch.setattr(objective, "loss_and_gradient", fail)
    args = ("photo.png", "--style", "style.png", "-o", "o.png", "--quiet")
    assert message in refused(*args)


def test_names_cannot_control_the_terminal(refused):
    assert "\x1b" not in refused("\x1b[2J\n.png", "--style", "\udcff.png", "-o", "o.png")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (BrokenPipeError(32, "Broken pipe"), "Broken pipe"),
        (PermissionError(13, "Permission denied", "/a/file"), "/a/file: Permission denied"),
    ],
)
def test_an_error_of_the_system_is_not_blamed_on_stdout(monkeypatch, capfd, error, message):
    def fail(_: object) -> int:
        print("before")
        raise error

    monkeypatch.setattr("jaxnst.cli.stylize.main", fail)
    assert main(["stylize"]) == 2
    assert main(["--version"]) == 0  # stdout is open still
    out, err = capfd.readouterr()
    assert err == f"jaxnst: error: {message}\n"
    assert re.fullmatch(r"before\njaxnst [\d.]+\n", out)


def test_a_name_that_begins_with_a_dash(refused, place):
    picture(place / "-dash.jpg")
    message = refused("-dash.jpg", "--style", "style.png", "-o", "o.png")
    assert "-dash.jpg: begins with a dash, as options do: give ./-dash.jpg" in message


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_that_stdout_cannot_encode_are_printed_as_the_files_are_called(monkeypatch, encoding):
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream, encoding=encoding))
    cli._set_up_streams()
    print("\N{CJK UNIFIED IDEOGRAPH-65E5}\udcff.png", flush=True)
    assert stream.getvalue() == os.fsencode("\N{CJK UNIFIED IDEOGRAPH-65E5}\udcff.png\n")


def test_addresses_are_not_paths(refused):
    for args in (
        ("photo.png", "--style", "https://example.com/a/style.jpg"),
        ("https://example.com/photo.jpg", "--style", "style.png"),
    ):
        message = refused(*args, "-o", "o.png")
        assert "https://example.com/" in message
        assert "is an address" in message


def test_without_a_style_it_says_where_the_names_are(refused):
    assert "`jaxnst models list`" in refused("photo.png", "-o", "o.png")


def test_unexpected_errors_are_not_hidden(monkeypatch):
    def fail(_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr("jaxnst.cli.stylize.main", fail)
    with pytest.raises(RuntimeError):
        main(["stylize"])
