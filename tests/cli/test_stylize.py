"""`jaxnst stylize`: what it makes, alone and in folders, and what it leaves beside it."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from stylize_files import QUICK, cached_vgg, cut_outs, inputs, picture, pixels, stylize, tree

from jaxnst import __version__
from jaxnst.cli import main
from jaxnst.cli import run_optimize as painter
from jaxnst.cli.progress import ProgressDisplay
from jaxnst.io.codec import load
from jaxnst.io.embedded_settings import read_settings
from jaxnst.optimize import run as optimize

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def weights(monkeypatch) -> None:
    monkeypatch.setattr(painter, "load_vgg", cached_vgg)


# One picture


def test_painting_is_made_and_named_on_stdout(capsys, tmp_path):
    photo, style = inputs(tmp_path)
    out = tmp_path / "out.png"
    assert stylize(photo, "--style", style, "-o", out) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{out}\n"
    lines = captured.err.splitlines()
    assert re.fullmatch(r"photo \+ style: 1/3 loss [\d.]+ style [\d.]+ at 40x33", lines[1])
    assert lines[0] == "optimizing the pixels; --method fast paints such a picture in seconds"
    pace = r"\([\d.]+ iterations/s, 00:00 left\)"
    assert re.fullmatch(rf"photo \+ style: 3/3 loss .* at 40x33 {pace}", lines[-1])
    assert pixels(out).shape == (33, 40, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "photo.png", "style.png"]


def test_picture_in_the_file_has_the_loss_that_is_reported(tmp_path, monkeypatch):
    jobs = []
    run = optimize.run
    monkeypatch.setattr(optimize, "run", lambda *args: jobs.append(args[1]) or run(*args))
    photo, style = inputs(tmp_path)
    out = tmp_path / "out.png"
    assert stylize(photo, "--style", style, "-o", out, "--iterations", "30") == 0
    reported = read_settings(out)["result"]["loss"]
    found, _ = optimize.loss_of(cached_vgg("vgg19"), jobs[0], load(out).rgb)
    assert found == pytest.approx(reported, rel=0.05)


def test_same_seed_and_command_give_the_same_bytes(tmp_path):
    photo, style = inputs(tmp_path)
    args = (photo, "--style", style, "--init", "noise", "--seed")
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        assert stylize(*args, seed, "-o", tmp_path / name) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (pixels(tmp_path / "a.png") != pixels(tmp_path / "c.png")).any()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".BMP"])
def test_formats(tmp_path, suffix):
    photo, style = inputs(tmp_path)
    out = tmp_path / f"out{suffix}"
    assert stylize(photo, "--style", style, "-o", out) == 0
    assert pixels(out).shape == (33, 40, 3)
    if suffix != ".BMP":
        assert read_settings(out)["options"]["size"] == 40


def test_alpha_and_profile_of_the_photo_are_kept(tmp_path):
    _, style = inputs(tmp_path)
    rgba = np.dstack([np.full((40, 40, 3), 120), np.tile(np.arange(40) * 6, (40, 1))])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo, out = tmp_path / "rgba.png", tmp_path / "out.png"
    Image.fromarray(rgba.astype(np.uint8)).save(photo, icc_profile=profile)
    assert stylize(photo, "--style", style, "-o", out) == 0
    made = load(out)
    assert made.icc_profile == profile
    np.testing.assert_array_equal(made.alpha, load(photo).alpha)


@pytest.mark.parametrize("keep_colors", ["no", "match"])
def test_styles_and_photos_that_look_alike_give_one_painting(tmp_path, keep_colors):
    photo, style = inputs(tmp_path)
    pairs = [(photo, path) for path in cut_outs(tmp_path)]
    pairs += [(path, style) for path in cut_outs(tmp_path)]
    for i, (one, other) in enumerate(pairs):
        words = (one, "--style", other, "--keep-colors", keep_colors, "--iterations", 1)
        assert stylize(*words, "-o", tmp_path / f"{i}.png", "--quiet") == 0
    paintings = [pixels(tmp_path / f"{i}.png") for i in range(8)]
    for i in range(4):
        np.testing.assert_array_equal(paintings[i], paintings[0])
        np.testing.assert_array_equal(paintings[4 + i], paintings[4])


def test_texture_without_a_photo(tmp_path):
    _, style = inputs(tmp_path)
    out = tmp_path / "t.png"
    assert stylize("--style", style, "-o", out) == 0
    assert pixels(out).shape == (40, 40, 3)


def test_inversion_without_a_style(tmp_path):
    photo, _ = inputs(tmp_path)
    out = tmp_path / "i.png"
    assert stylize(photo, "--style-weight", 0, "--init", "noise", "-o", out) == 0
    assert read_settings(out)["result"]["parts"]["style"] == 0


def test_start_from(tmp_path):
    photo, style = inputs(tmp_path)
    start = picture(tmp_path / "start.png", 3)
    args = (photo, "--style", style, "--iterations", 1)
    assert stylize(*args, "--start-from", start, "-o", tmp_path / "a.png") == 0
    assert stylize(start, *args[1:], "-o", tmp_path / "b.png") == 0
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


@pytest.mark.parametrize("keep", ["luma", "match"])
def test_keep_colors(tmp_path, keep):
    photo, style = inputs(tmp_path)
    args = (photo, "--style", style, "--style-weight", 100)
    assert stylize(*args, "-o", tmp_path / "plain.png") == 0
    assert stylize(*args, "--keep-colors", keep, "-o", tmp_path / "kept.png") == 0
    target = pixels(photo).mean((0, 1))
    plain, kept = (abs(pixels(tmp_path / f"{n}.png").mean((0, 1)) - target).sum() for n in
                   ("plain", "kept"))  # fmt: skip
    assert kept < plain


def test_blend_and_masks(capsys, tmp_path):
    photo, one = inputs(tmp_path)
    two = picture(tmp_path / "two.png", 5)
    left, right = tmp_path / "left.png", tmp_path / "right.png"
    half = np.tile(np.arange(60) < 30, (50, 1))
    for path, mask in ((left, half), (right, ~half)):
        Image.fromarray((255 * mask).astype(np.uint8)).save(path)
    args = (photo, "--style", one, two)
    assert stylize(*args, "--blend", 1, 0.5, "-o", tmp_path / "blend.png") == 0
    assert stylize(*args, "--mask", left, right, "-o", tmp_path / "mask.png") == 0
    assert f"{left}: resized to 40 x 33 pixels" in capsys.readouterr().err
    record = read_settings(tmp_path / "mask.png")
    assert [entry["name"] for entry in record["masks"]] == ["left.png", "right.png"]
    assert (pixels(tmp_path / "blend.png") != pixels(tmp_path / "mask.png")).any()


def test_adam(tmp_path, optax_promotion):
    photo, style = inputs(tmp_path)
    args = (photo, "--style", style, "-o", tmp_path / "o.png")
    assert stylize(*args, "--optimizer", "adam", "--average", 0.5) == 0


# Beside the picture


def test_everything_beside_the_picture(capsys, tmp_path):
    photo, style = inputs(tmp_path)
    beside = ("--loss-csv", tmp_path / "l.csv", "--loss-plot", tmp_path / "l.png", "--compare")
    more = ("--preview-every", 2, "--table-every", 2, "--sidecar", "--iterations", 5)
    assert stylize(photo, "--style", style, "-o", tmp_path / "out.png", *beside, *more) == 0
    table = [line for line in capsys.readouterr().err.splitlines() if line.startswith("   ")]
    assert table[0].split() == ["iteration", "style", "content", "total"]
    assert [line.split()[0] for line in table[1:]] == ["2", "4"]
    made = {path.name for path in tmp_path.iterdir()} - {"photo.png", "style.png"}
    assert made == {
        "out.png", "out.json", "out_compare.png", "out_0002.png", "out_0004.png", "l.csv", "l.png",
    }  # fmt: skip
    assert pixels(tmp_path / "out_0002.png").shape == (33, 40, 3)
    assert pixels(tmp_path / "out_compare.png").shape == (33, 40 + 33 + 40 + 2 * 4, 3)
    assert json.loads((tmp_path / "out.json").read_text()) == read_settings(tmp_path / "out.png")
    rows = list(csv.DictReader((tmp_path / "l.csv").read_text().splitlines()))
    assert [row["iteration"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    height, width, _ = pixels(tmp_path / "l.png").shape
    assert 400 < width < 2000
    assert 300 < height < 2000


def test_json_is_all_there_is_on_stdout(capsys, tmp_path):
    photo, style = inputs(tmp_path)
    args = (photo, photo.parent / "style.png", "--style", style, "-o", tmp_path / "o", "--json")
    for _ in range(2):  # the second time, both are there already
        assert stylize(*args) == 0
        records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [Path(record["output"]).name for record in records] == [
            "photo_style.png", "style_style.png",
        ]  # fmt: skip
        assert all(record["result"]["iterations"] == 3 for record in records)


def test_quiet(capsys, tmp_path):
    photo, style = inputs(tmp_path)
    for _ in range(2):
        assert stylize(photo, "--style", style, "-o", tmp_path / "o.png", "--quiet") == 0
        assert capsys.readouterr() == (f"{tmp_path / 'o.png'}\n", "")


def test_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with ProgressDisplay("cat", 100) as display:
        for done in range(41, 101):  # an earlier run is continued
            display.update(done, {"loss": 1.5}, done / 100)
        display.line("between")
    text = capsys.readouterr().err
    assert re.search(r"cat: .*100/100 .* iterations/s, 00:00 left, loss 1.5", text)
    assert "between\n" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_time_left_is_told_as_soon_as_it_is_known(capsys, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    known = []
    with ProgressDisplay("cat", 3, time_left=lambda: 90.0 if known else None) as display:
        display._bar.mininterval = 0  # shows every update
        for done in (1, 2):
            display.update(done, {}, done / 3)
        text = capsys.readouterr().err
        assert "2/3" in text
        assert "left" not in text
        known.append(True)
        display.update(3, {}, 1.0)
        assert "01:30 left" in capsys.readouterr().err


# Folders


def test_a_picture_for_a_folder_is_named_after_its_inputs(tmp_path):
    photo, style = inputs(tmp_path)
    (tmp_path / "out").mkdir()
    assert stylize(photo, "--style", style, "-o", tmp_path / "out") == 0
    assert list(tree(tmp_path / "out")) == ["photo_style.png"]


def test_folders_are_crossed_and_finished_pictures_skipped(capsys, tmp_path):
    for folder, names in (("photos", "ab"), ("styles", "xy")):
        (tmp_path / folder).mkdir()
        for seed, name in enumerate(names):
            picture(tmp_path / folder / f"{name}.png", seed)
    out = tmp_path / "new" / "out"
    args = (tmp_path / "photos", "--style", tmp_path / "styles", "-o", out)
    assert stylize(*args) == 0
    made = tree(out)
    assert list(made) == ["a_x.png", "a_y.png", "b_x.png", "b_y.png"]
    (out / "a_y.png").unlink()
    times = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert stylize(*args) == 0
    assert capsys.readouterr().err.count("already there with these settings") == 3
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert tree(out) == made


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_second_run(capsys, tmp_path, suffix):
    photo, style = inputs(tmp_path)
    out = tmp_path / f"out{suffix}"

    def skipped(*options: object) -> bool:
        assert stylize(photo, "--style", style, "-o", out, *options) == 0
        return "already there" in capsys.readouterr().err

    assert not skipped()
    assert skipped("--compare") == (suffix != ".bmp")  # a BMP cannot tell how it was made
    assert not skipped("--overwrite")
    assert not skipped("--tv-weight", 0.1)
    assert not skipped()
    picture(style, 9)
    assert not skipped()


def test_one_bad_photo_does_not_stop_the_others(capsys, tmp_path):
    photo, style = inputs(tmp_path)
    bad = tmp_path / "bad.jpg"
    bad.write_text("text")
    args = (bad, photo, tmp_path / "none.png", "--style", style, "-o", tmp_path / "o")
    assert stylize(*args, "--loss-csv", tmp_path / "o" / "l.csv") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert [error.split(": ")[2] for error in errors] == [str(bad), str(tmp_path / "none.png")]
    assert list(tree(tmp_path / "o")) == ["l.csv", "photo_style.png"]


def test_the_same_photo_twice_is_made_once(capsys, tmp_path):
    photo, style = inputs(tmp_path)
    assert stylize(photo, photo, "--style", style, "-o", tmp_path / "o.png") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'o.png'}\n"


# The commands


def test_help_shows_defaults_and_choices(capsys):
    assert main(["stylize", "--preset", "fast", "--help"]) == 0
    text = " ".join(re.sub("[│╭╰╮╯─]|-{9,}", " ", capsys.readouterr().out).split())
    assert "--size PIXELS Long side of the result, in pixels; with a trained style" in text
    assert "unless this is given. (default: 384)" in text
    assert "--keep-colors {no,luma,match}" in text
    assert "--style-layers [LAYER ...]" in text
    assert "loss options What the picture is compared with" in text
    assert "(default: )" not in text
    assert "None}" not in text
    assert "paint." not in text.replace("paintings", "").replace("painting", "")


@pytest.mark.parametrize(("args", "out"), [(["--version"], __version__), (["--help"], "stylize")])
def test_help_and_version(capsys, args, out):
    assert main(args) == 0
    assert out in capsys.readouterr().out


def test_unknown_command(capsys):
    assert main(["stylise"]) == 2
    assert "'stylise' is not a command: did you mean 'stylize'?" in capsys.readouterr().err
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_script_of_the_checkout(tmp_path):
    photo, style = inputs(tmp_path)
    command = [sys.executable, ROOT / "stylize.py", photo, "--style", style, *QUICK, "--quiet"]
    done = subprocess.run([*command, "-o", "o.png"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "o.png\n", "")


@pytest.mark.parametrize(("sink", "status"), [("pipe", 141), ("/dev/full", 2), ("closed", 0)])
def test_stdout_that_cannot_be_written(sink, status):
    command = f"{sys.executable} -m jaxnst weights list --json"
    if sink == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full", os.O_WRONLY)
    command += " >&-" if sink == "closed" else ""
    done = subprocess.run(command, shell=True, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == status
    assert done.stderr.count("\n") == (1 if status == 2 else 0)


def test_the_comparison_of_a_panorama_shows_the_photo_and_no_more(tmp_path):
    wide = np.linspace(0, 255, 640 * 40).reshape(640, 40).T.astype(np.uint8)
    Image.fromarray(np.dstack([wide] * 3)).save(tmp_path / "wide.png")
    style, out = picture(tmp_path / "style.png", 2, 44, 44), tmp_path / "out.png"
    words = ("--style", style, "-o", out, "--size", 160, "--iterations", 1, "--compare")
    assert stylize(tmp_path / "wide.png", *words) == 0
    height = pixels(out).shape[0]
    shown = pixels(tmp_path / "out_compare.png")[:, : round(640 * height / 40)].astype(int)
    # From top to bottom and from left to right, as in the photo, and not back again.
    assert shown[0, :8].mean() < 10
    assert shown[-1, -8:].mean() > 245


def test_the_comparison_of_a_cut_out_is_on_white(tmp_path):
    (cut_out, *_) = cut_outs(tmp_path)
    style, out = picture(tmp_path / "style.png", 2, 44, 44), tmp_path / "out.png"
    assert stylize(cut_out, "--style", style, "-o", out, "--iterations", 1, "--compare") == 0
    shown = pixels(tmp_path / "out_compare.png").astype(int)
    assert shown[:5, :20].min() > 240  # the photo
    assert shown[:5, -20:].min() > 240  # the painting


def test_that_seconds_would_do_is_said_once_when_the_work_begins(capsys, monkeypatch, tmp_path):
    def run(self, loaded):
        self._losses[loaded.task.title] = []

    monkeypatch.setattr(painter.OptimizePainter, "_run", run)
    photo, style = inputs(tmp_path)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    paint = (bad, photo, style, "--style", style, "-o", tmp_path / "out")
    assert stylize(*paint) == 2
    said = capsys.readouterr().err
    assert said.count("--method fast") == 1
    assert said.index("bad.png: not a picture") < said.index("--method fast")
    assert stylize(*paint, "--method", "optimize") == 2
    assert "--method fast" not in capsys.readouterr().err
