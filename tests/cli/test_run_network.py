"""`jaxnst stylize` with a trained network, in this process."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from model_files import model_file
from PIL import Image
from stylize_files import picture, pixels, tree

from jaxnst.cli import main
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import read_settings
from jaxnst.networks.model_file import load_model, save_model, with_styles


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # No compilation cache: what a test compiled must not outlive it, or reach the user's folder.
    monkeypatch.setattr("jaxnst.cli.run_network.use_compilation_cache", lambda: None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return picture(tmp_path / "photo.png", 1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_file(tmp_path)


def run(*words: object) -> int:
    return main(["stylize", *map(str, words)])


def test_a_style_by_name(photo: Path, model: Path, capsys: pytest.CaptureFixture) -> None:
    out = photo.with_name("out.png")
    assert run(photo, "--model", model, "--style", "wave", "-o", out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert pixels(out).shape == pixels(photo).shape
    record = read_settings(out)
    assert record["options"]["styles"] == {"wave": 1.0}
    assert record["model"]["name"] == model.name


def test_the_only_style_needs_no_name(photo: Path, model: Path) -> None:
    out, one = photo.with_name("out.png"), photo.with_name("one.safetensors")
    save_model(one, with_styles(load_model(model), ["kiss"]))
    assert run(photo, "--model", one, "-o", out) == 0
    assert read_settings(out)["options"]["styles"] == {"kiss": 1.0}


def test_a_second_run_leaves_the_picture(
    photo: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    out = photo.with_name("out.png")
    words = (photo, "--model", model, "--style", "wave", "-o", out)
    assert run(*words) == 0
    before = out.stat().st_mtime_ns
    assert run(*words, "--json") == 0
    assert "already there" in capsys.readouterr().err
    assert out.stat().st_mtime_ns == before
    assert run(*words, "--strength", "0.5") == 0
    assert out.stat().st_mtime_ns != before


@pytest.mark.parametrize("name", ["new/", "new.dir/", "new/deep/"])
def test_an_output_that_ends_with_a_slash_is_a_folder(
    photo: Path, model: Path, name: str, capsys: pytest.CaptureFixture
) -> None:
    out = f"{photo.parent}/{name}"
    assert run(photo, "--model", model, "--style", "wave", "-o", out) == 0
    assert capsys.readouterr().out.strip() == f"{out}photo_wave.png"
    assert pixels(Path(out, "photo_wave.png")).shape == pixels(photo).shape


def test_pictures_of_one_name_and_two_suffixes(photo: Path, model: Path) -> None:
    folder, out = photo.parent / "photos", photo.parent / "out"
    folder.mkdir()
    for number, name in enumerate(("IMG_1.jpg", "IMG_1.png", "IMG_2.jpg")):
        picture(folder / name, number)
    assert run(folder, "--model", model, "--style", "wave", "--output", out) == 0
    assert list(tree(out)) == ["IMG_1_jpg_wave.png", "IMG_1_png_wave.png", "IMG_2_wave.png"]
    assert read_settings(out / "IMG_1_jpg_wave.png")["content"][0]["name"] == "IMG_1.jpg"


def test_files_of_a_folder_that_are_no_pictures_are_named_once(
    photo: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = photo.parent / "photos"
    folder.mkdir()
    picture(folder / "a.png", 1)
    words = (folder, "--model", model, "--style", "wave", "kiss", "-o", photo.parent / "out")
    assert run(*words) == 0
    assert "left out" not in capsys.readouterr().err
    for name in ("clip.mp4", "notes.txt"):
        (folder / name).touch()
    assert run(*words) == 0
    said = capsys.readouterr().err
    assert said.count("2 files are no pictures and left out: clip.mp4, notes.txt\n") == 1
    assert run(*words, "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_a_folder_that_is_removed_while_its_picture_is_made_is_made_again(
    photo: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = photo.parent / "gone" / "out.png"
    out.parent.mkdir()
    paint = Stylizer.__call__

    def paint_and_remove(*args: object, **options: object) -> np.ndarray:
        out.parent.rmdir()
        return paint(*args, **options)

    monkeypatch.setattr(Stylizer, "__call__", paint_and_remove)
    assert run(photo, "--model", model, "--style", "wave", "--sidecar", "-o", out) == 0
    assert sorted(tree(out.parent)) == ["out.json", "out.png"]


def test_a_folder_in_two_styles(photo: Path, model: Path) -> None:
    folder = photo.parent / "photos"
    folder.mkdir()
    picture(folder / "a.jpg", 1)
    picture(folder / "b.png", 2)
    out = photo.parent / "out"
    assert run(folder, "--model", model, "--style", "wave", "kiss", "-o", out, "--quiet") == 0
    assert set(tree(out)) == {"a_wave.png", "a_kiss.png", "b_wave.png", "b_kiss.png"}


def test_a_blend_is_one_picture(photo: Path, model: Path) -> None:
    out = photo.with_name("out.png")
    words = (photo, "--model", model, "--style", "wave", "kiss", "-o", out)
    assert run(*words, "--blend", "1", "3") == 0
    assert read_settings(out)["options"]["styles"] == {"wave": 1.0, "kiss": 3.0}


def test_a_contact_sheet_has_every_style(photo: Path, model: Path) -> None:
    out = photo.with_name("sheet.png")
    assert run(photo, "--model", model, "--contact-sheet", "-o", out) == 0
    height, width = pixels(photo).shape[:2]
    assert pixels(out).shape[0] * pixels(out).shape[1] > 2 * height * width


def test_a_bad_photo_does_not_stop_a_folder(
    photo: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = photo.parent / "photos"
    folder.mkdir()
    picture(folder / "good.png", 1)
    (folder / "bad.png").write_bytes(b"no picture")
    out = photo.parent / "out"
    assert run(folder, "--model", model, "--style", "wave", "-o", out) == 2
    assert set(tree(out)) == {"good_wave.png"}
    assert "bad.png" in capsys.readouterr().err


def test_json_sidecar_and_comparison(
    photo: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    out = photo.with_name("out.png")
    extras = ("--json", "--sidecar", "--compare")
    assert run(photo, "--model", model, "--style", "wave", "-o", out, *extras) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.pop("output") == str(out)
    assert printed == json.loads(out.with_suffix(".json").read_text())
    assert pixels(out.with_name("out_compare.png")).shape[1] > 2 * pixels(out).shape[1]


def test_streams(photo: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin, stdout = (io.TextIOWrapper(io.BytesIO(b)) for b in (photo.read_bytes(), b""))
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert run("-", "--model", model, "--style", "wave", "-o", "-") == 0
    stdout.flush()
    painted = np.asarray(Image.open(io.BytesIO(stdout.buffer.getvalue())))
    out = photo.with_name("out.png")
    assert run(photo, "--model", model, "--style", "wave", "-o", out) == 0
    np.testing.assert_array_equal(painted, pixels(out))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--style", "wav"], "did you mean 'wave'"),
        (["--style", "wave", "--strength", "3"], "strength is 3"),
        (["--style", "wave", "--iterations", "5"], "--iterations is for optimising"),
        (["--style", "wave", "--style-weight=5"], "--style-weight is for optimising"),
        (["--style", "wave", "kiss", "--blend", "1"], "1 values for 2 styles"),
        (["--style", "wave", "kiss", "--blend", "0", "0"], "all styles are 0"),
        (["--style", "wave", "--keep-colors", "match"], "give luma"),
        (["--style", "wave", "--contact-sheet"], "without --style"),
        ([], "`jaxnst models list`"),
    ],
)
def test_what_is_refused(
    photo: Path, model: Path, words: list[str], message: str, capsys: pytest.CaptureFixture
) -> None:
    before = tree(photo.parent)
    assert run(photo, "--model", model, "-o", photo.with_name("out.png"), *words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert tree(photo.parent) == before


def test_options_for_networks_do_not_go_with_pictures(
    photo: Path, capsys: pytest.CaptureFixture
) -> None:
    style = picture(photo.with_name("style.png"), 2)
    assert run(photo, "--style", style, "-o", photo.with_name("out.png"), "--strength", ".5") == 2
    assert "--strength is for trained styles" in capsys.readouterr().err


def test_names_and_pictures_do_not_mix(photo: Path, capsys: pytest.CaptureFixture) -> None:
    style = picture(photo.with_name("style.png"), 2)
    assert run(photo, "--style", style, "wave", "-o", photo.with_name("out")) == 2
    assert "'wave', which is no file" in capsys.readouterr().err
