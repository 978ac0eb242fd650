"""`jaxnst stylize --method fast` with pictures as styles, in this process."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from model_files import decoder_file, model_file
from PIL import Image
from stylize_files import picture, pixels

from jaxnst.cli import main
from jaxnst.cli.run_any_style import StylePictures
from jaxnst.inference import any_style
from jaxnst.io.embedded_settings import read_settings


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random one of a fine layer."""
    return decoder_file(tmp_path_factory.mktemp("decoder"))


@pytest.fixture(autouse=True)
def _small_decoder(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the one that ships; and no compilation cache."""
    monkeypatch.setattr("jaxnst.cli.run_any_style.DECODER", str(decoder))
    monkeypatch.setattr("jaxnst.cli.one_pass.use_compilation_cache", lambda: None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return picture(tmp_path / "photo.png", 1)


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    return picture(tmp_path / "painting.png", 2)


def run(*words: object) -> int:
    return main(["stylize", *map(str, words), "--method", "fast"])


@pytest.mark.slow
def test_a_picture_as_a_style(photo: Path, painting: Path, capsys: pytest.CaptureFixture) -> None:
    out = photo.with_name("out.png")
    assert run(photo, "--style", painting, "-o", out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert pixels(out).shape == pixels(photo).shape
    record = read_settings(out)
    assert record["method"] == "fast"
    assert [style["name"] for style in record["styles"]] == ["painting.png"]
    assert len(record["model"]["sha256"]) == 64
    assert run(photo, "--style", painting, "-o", out) == 0  # finished already
    assert "already there" in capsys.readouterr().err


@pytest.mark.slow
def test_every_photo_in_every_style(photo: Path, painting: Path, tmp_path: Path) -> None:
    other, out = picture(tmp_path / "other.png", 3), tmp_path / "out"
    assert run(photo, other, "--style", painting, photo, "-o", out, "--quiet") == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "other_painting.png", "other_photo.png", "photo_painting.png", "photo_photo.png"
    ]  # fmt: skip


@pytest.mark.slow
def test_a_painting_is_looked_at_once_for_all_photos_however_few_are_kept(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    described = any_style.AnyStylizer._described

    def seeing(self, name, picture):
        seen.append(Path(name).name)
        return described(self, name, picture)

    monkeypatch.setattr(any_style, "_KEPT", 1)
    monkeypatch.setattr(any_style.AnyStylizer, "_described", seeing)
    other, out = picture(tmp_path / "other.png", 3), tmp_path / "out"
    assert run(photo, other, "--style", painting, photo, "-o", out, "--quiet") == 0
    assert sorted(seen) == ["painting.png", "photo.png"]


def test_a_blend_and_masks(photo: Path, painting: Path, tmp_path: Path) -> None:
    second = picture(tmp_path / "second.png", 3)
    blend, one = tmp_path / "blend.png", tmp_path / "one.png"
    assert run(photo, "--style", painting, second, "--blend", 1, 1, "-o", blend) == 0
    assert run(photo, "--style", painting, "-o", one) == 0
    assert (pixels(blend) != pixels(one)).any()
    height, width = pixels(photo).shape[:2]
    mask, out = tmp_path / "mask.png", tmp_path / "masked.png"
    Image.fromarray(np.uint8(255 * (np.arange(width) < 20)[None].repeat(height, 0))).save(mask)
    assert run(photo, "--style", painting, "--mask", mask, "-o", out) == 0
    np.testing.assert_array_equal(pixels(out)[:, 20:], pixels(photo)[:, 20:])
    np.testing.assert_array_equal(pixels(out)[:, :20], pixels(one)[:, :20])


def test_a_black_mask_is_told(photo: Path, painting: Path, tmp_path: Path, capsys) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "black.png")
    out = tmp_path / "out.png"
    assert run(photo, "--style", painting, "--mask", tmp_path / "black.png", "-o", out) == 2
    assert "black.png: the mask is all black" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_what_is_transparent_in_a_style_does_not_count(photo: Path, tmp_path: Path) -> None:
    rgb = np.uint8(np.random.default_rng(4).integers(0, 256, (64, 64, 3)))
    paintings = []
    for hidden in (0, 255):
        cut = np.full((64, 64, 4), 255, np.uint8)
        cut[..., :3] = rgb
        cut[:, 32:] = (hidden, hidden, hidden, 0)
        style, out = tmp_path / f"cut{hidden}.png", tmp_path / f"out{hidden}.png"
        Image.fromarray(cut).save(style)
        assert run(photo, "--style", style, "-o", out) == 0
        paintings.append(pixels(out))
    np.testing.assert_array_equal(*paintings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strength", "1.5"], "give at most 1"),
        (["--model", "slim"], "model 'slim' is no decoder, and pictures as styles want one: give"),
        (["--model", "none.safetensors"], "none.safetensors: there is no such file"),
        (["--contact-sheet"], "is a picture, and --model and --contact-sheet are for trained"),
        (["--preset", "fast", "--iterations", "9"], "--iterations is for optimizing pixels"),
        (["--keep-colors", "match"], "give luma"),
        (["--blend", "1", "2"], "--blend has 2 values"),
    ],
)
def test_what_cannot_be(photo, painting, options, message, capsys) -> None:
    out = photo.with_name("out.png")
    assert run(photo, "--style", painting, "-o", out, *options) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_decoder_of_ones_own(photo, painting, tmp_path, decoder, capsys) -> None:
    first, second = (decoder_file(tmp_path, seed) for seed in (0, 1))
    usual, same, out = (tmp_path / f"{name}.png" for name in ("usual", "same", "out"))
    assert run(photo, "--style", painting, "-o", usual) == 0
    assert run(photo, "--style", painting, "--model", first, "-o", same) == 0
    assert run(photo, "--style", painting, "--model", second, "-o", out) == 0
    np.testing.assert_array_equal(pixels(same), pixels(usual))
    assert (pixels(out) != pixels(usual)).any()
    record = read_settings(out)
    assert record["model"]["name"] == "decoder1.safetensors"
    assert record["model"]["sha256"] != read_settings(same)["model"]["sha256"]
    capsys.readouterr()
    assert run(photo, "--style", painting, "--model", second, "-o", out) == 0
    assert "already there" in capsys.readouterr().err
    assert run(photo, "--style", painting, "--model", first, "-o", out) == 0  # made anew
    np.testing.assert_array_equal(pixels(out), pixels(same))


def test_a_network_of_a_style_is_no_decoder(photo, painting, capsys) -> None:
    model, out = model_file(photo.parent), photo.with_name("out.png")
    assert run(photo, "--style", painting, "--model", model, "-o", out) == 2
    error = capsys.readouterr().err
    assert "small.safetensors' is no decoder, and pictures as styles want one" in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_workers_take_the_same_decoder(painting, decoder) -> None:
    source = StylePictures((painting,), str(decoder))
    again = pickle.loads(pickle.dumps(source))
    assert again.painter().styles == (str(painting),)
    assert again._model.card == source._model.card


def test_a_style_is_never_overwritten(photo, painting, capsys) -> None:
    before = painting.read_bytes()
    assert run(photo, "--style", painting, "-o", painting) == 2
    assert painting.read_bytes() == before


def test_a_painting_that_cannot_be_read_costs_its_own_pictures_alone(
    photo, painting, tmp_path, capsys
) -> None:
    folder, out = tmp_path / "paintings", tmp_path / "out"
    folder.mkdir()
    painting.rename(folder / "good.png")
    (folder / "bad.png").write_bytes(b"no picture")
    assert run(photo, "--style", folder, "-o", out) == 2
    assert [path.name for path in out.iterdir()] == ["photo_good.png"]
    error = capsys.readouterr().err
    assert "bad.png: not a picture" in error
    assert "1 of 2 pictures could not be made" in error


def test_without_a_photo_there_is_nothing_to_paint(painting, tmp_path, capsys) -> None:
    assert run("--style", painting, "-o", tmp_path / "out.png") == 2
    assert "--method fast paints photos, and there is none" in capsys.readouterr().err


def test_the_comparison_shows_the_painting_too(photo, painting, tmp_path) -> None:
    out = tmp_path / "out.png"
    assert run(photo, "--style", painting, "-o", out, "--compare") == 0
    parts = [pixels(path) for path in (photo, painting, out)]
    height = parts[-1].shape[0]
    widths = [round(part.shape[1] * height / part.shape[0]) for part in parts]
    comparison = pixels(tmp_path / "out_compare.png")
    gap = max(4, height // 64)
    assert comparison.shape == (height, sum(widths) + 2 * gap, 3)
    np.testing.assert_array_equal(comparison[:, -widths[-1] :], parts[-1])


def test_a_painting_that_cannot_be_read_is_told_before_a_video_is_begun(
    tmp_path, capsys, monkeypatch
) -> None:
    frames = [Image.fromarray(np.full((48, 48, 3), shade, np.uint8)) for shade in (0, 99)]
    clip, bad = tmp_path / "clip.gif", tmp_path / "bad.png"
    frames[0].save(clip, save_all=True, append_images=frames[1:])
    bad.write_bytes(b"no picture")
    monkeypatch.setattr("jaxnst.cli.run_video.VideoPainter.make", lambda self: 0)
    assert run(clip, "--style", bad, "-o", tmp_path / "out.mp4") == 2
    assert "bad.png: not a picture" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--compare", "--sidecar"])
def test_standard_output_has_no_file_beside_it(
    photo, painting, option, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(photo.parent)
    before = set(photo.parent.iterdir())
    assert run(photo, "--style", painting, "-o", "-", option) == 2
    said = capsys.readouterr()
    assert f"{option} writes a file beside the painting" in said.err
    assert said.out == ""
    assert set(photo.parent.iterdir()) == before
