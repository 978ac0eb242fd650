"""`jaxnst stylize` with a trained network, in this process."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from model_files import decoder_file, gallery_folder, random_model, small_model
from PIL import Image
from stylize_files import cut_outs, picture, pixels, tree

from jaxnst.cli import main
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.embedded_settings import read_settings
from jaxnst.networks.kinds import Johnson, Network, Slim
from jaxnst.networks.model_file import save_model


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # No compilation cache: what a test compiled must not outlive it, or reach the user's folder.
    monkeypatch.setattr("jaxnst.cli.one_pass.use_compilation_cache", lambda: None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return picture(tmp_path / "photo.png", 1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return gallery_folder(tmp_path)


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


def test_photos_that_look_alike_give_one_painting(tmp_path: Path, model: Path) -> None:
    paths, out = cut_outs(tmp_path), tmp_path / "out"
    assert run(*paths, "--model", model, "--style", "wave", "-o", out, "--quiet") == 0
    paintings = [pixels(out / f"{path.stem}_wave.png") for path in paths]
    for painting in paintings:
        np.testing.assert_array_equal(painting, paintings[0])


def test_the_only_style_needs_no_name(photo: Path, model: Path) -> None:
    out, one = photo.with_name("out.png"), model / "kiss.safetensors"
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


@pytest.mark.slow
@pytest.mark.parametrize("network", [Slim(width=4, blocks=2), Johnson(width=4, blocks=1)])
def test_a_file_alone_may_be_a_network_of_any_kind(photo: Path, network: Network) -> None:
    out, own = photo.with_name("out.png"), photo.with_name("own.safetensors")
    save_model(own, random_model(network, "own"))
    assert run(photo, "--style", own, "-o", out) == 0
    assert read_settings(out)["options"]["styles"] == {"own": 1.0}


def test_a_style_of_ones_own_file_beside_those_that_have_names(photo: Path, model: Path) -> None:
    out, own = photo.with_name("out.png"), photo.with_name("own.safetensors")
    save_model(own, random_model(small_model().network, "own", 7))
    words = (photo, "--model", model, "--style", "wave", own, "--blend", "1", "1", "-o", out)
    assert run(*words) == 0
    assert read_settings(out)["options"]["styles"] == {"wave": 1.0, "own": 1.0}
    assert set(read_settings(out)["model"]["sha256"]) == {"wave", "own"}


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
    for number, name in enumerate(("IMG_1.jpg", "img_1.png", "IMG_2.jpg")):
        picture(folder / name, number)
    assert run(folder, "--model", model, "--style", "wave", "--output", out) == 0
    assert list(tree(out)) == ["IMG_1_jpg_wave.png", "IMG_2_wave.png", "img_1_png_wave.png"]
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


def test_masks_give_each_style_a_region_and_leave_the_rest(photo: Path, model: Path) -> None:
    out, mask = photo.with_name("out.png"), photo.with_name("mask.png")
    height, width = pixels(photo).shape[:2]
    ground = np.zeros((height, width), np.uint8)
    ground[height // 2 :] = 255
    Image.fromarray(ground).save(mask)
    other = photo.with_name("face.png")
    Image.fromarray(ground[::-1]).save(other)
    words = (photo, "--model", model, "--style", "wave", "photo", "--mask", mask, other, "-o", out)
    assert run(*words) == 0
    found, wanted = pixels(out).astype(int), pixels(photo).astype(int)
    assert np.abs(found - wanted)[: height // 2].max() <= 1
    assert np.abs(found - wanted)[height // 2 :].mean() > 5
    assert len(read_settings(out)["options"]["masks"]) == 2


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
        (["--style", "wave", "--iterations", "5"], "--iterations is for optimizing"),
        (["--style", "wave", "--style-weight=5"], "--style-weight is for optimizing"),
        (["--style", "wave", "kiss", "--blend", "1"], "--blend has 1 values, and --style 2"),
        (["--style", "wave", "kiss", "--blend", "0", "0"], "all styles are 0"),
        (["--style", "wave", "--keep-colors", "match"], "give luma"),
        (["--style", "wave", "--contact-sheet"], "without --style"),
        (["--style", "wave", "--stroke", "0.01"], "stroke is 0.01"),
        (["--style", "photo"], "'photo' is unknown"),
        (["--style", "wave", "--mask", "a.png", "b.png"], "--mask has 2 values, and --style 1"),
        (["--style", "wave", "wave", "--mask", "a.png", "b.png"], "name each once"),
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


def test_a_decoder_is_no_trained_style(photo: Path, capsys: pytest.CaptureFixture) -> None:
    style, decoder = picture(photo.with_name("style.png"), 2), decoder_file(photo.parent)
    words = ("--model", decoder, "-o", photo.with_name("out.png"))
    for styles in ((), ("--style", style), ("--style", "wave")):
        assert run(photo, *styles, *words) == 2
        error = capsys.readouterr().err
        assert "decoder0.safetensors: has no style: it is a decoder, for pictures" in error
        assert error.count("\n") == 1
    assert run(photo, "--style", style, *words, "--method", "optimize") == 2
    assert "--model is for trained styles: give the name" in capsys.readouterr().err


def test_names_and_pictures_do_not_mix(photo: Path, capsys: pytest.CaptureFixture) -> None:
    style = picture(photo.with_name("style.png"), 2)
    assert run(photo, "--style", style, "wave", "-o", photo.with_name("out")) == 2
    assert "'wave', which is no file" in capsys.readouterr().err
