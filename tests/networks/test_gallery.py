"""Galleries: styles by name, from what ships, folders and files; blends and strengths."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from model_files import gallery_folder, model_file, random_model, small_gallery, upscaling_model

from jaxnst.cli import main
from jaxnst.errors import JaxnstError
from jaxnst.networks.base import average
from jaxnst.networks.gallery import Gallery, gallery_names, load_gallery
from jaxnst.networks.kinds import Compact, Decoder, Johnson
from jaxnst.networks.model_file import load_model, save_model


def same(one: object, other: object) -> bool:
    return jax.tree.all(jax.tree.map(lambda a, b: np.allclose(a, b, atol=1e-6), one, other))


def test_what_ships() -> None:
    assert gallery_names() == ("slim", "johnson")
    gallery = load_gallery()
    assert "start" not in gallery.styles
    assert "udnie" in gallery.styles
    assert gallery.has_strengths
    assert not load_gallery("johnson").has_strengths


def test_a_folder_is_a_gallery_read_style_by_style(tmp_path: Path) -> None:
    folder = gallery_folder(tmp_path)
    (folder / "broken.safetensors").write_bytes(b"no network")
    gallery = load_gallery(folder)
    assert gallery.styles == ["broken", "kiss", "wave"]
    assert same(gallery.params("wave"), small_gallery().model("wave").params)
    with pytest.raises(JaxnstError, match=r"broken\.safetensors: not a model"):
        gallery.params("broken")


def test_a_file_is_a_gallery_of_one_style_without_strengths(tmp_path: Path) -> None:
    gallery = load_gallery(model_file(tmp_path))
    assert gallery.styles == ["wave"]
    assert not gallery.has_strengths
    with pytest.raises(JaxnstError, match=r"wave: has no strength but 1, not 0\.5"):
        gallery.params("wave", 0.5)


def test_a_file_has_strengths_beside_the_start_it_was_tuned_from(tmp_path: Path) -> None:
    folder = gallery_folder(tmp_path)
    sha256 = load_model(folder / "start.safetensors").card["sha256"]
    model = random_model(small_gallery().network, "own", 7)
    for wanted, has_strengths in ((sha256, True), ("another", False)):
        model.card["start"] = wanted
        save_model(folder / "own.safetensors", model)
        assert load_gallery(folder / "own.safetensors").has_strengths is has_strengths


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("slimm", "gallery 'slimm' is unknown: did you mean 'slim'"),
        ("empty", r"empty: has no \.safetensors file"),
        ("none.safetensors", r"none\.safetensors: there is no such file"),
        ("x2.safetensors", "has no style: `jaxnst upscale`"),
        ("decoder.safetensors", "has no style: it is a decoder, for pictures as --style;"),
    ],
)
def test_what_is_no_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    save_model("x2.safetensors", upscaling_model(Compact(2, 8, 1)))
    save_model("decoder.safetensors", upscaling_model(Decoder("relu2_1", width=8)))
    with pytest.raises(JaxnstError, match=message):
        load_gallery(name)


def test_a_blend_is_the_weighted_mean_of_networks() -> None:
    gallery = small_gallery()
    wave, kiss = (gallery.params(name) for name in ("wave", "kiss"))
    assert same(gallery.params({"wave": 3, "kiss": 1}), average([wave, kiss], [0.75, 0.25]))
    assert same(gallery.params({"wave": 2, "kiss": 0}), wave)


def test_strength_is_the_way_from_the_photo() -> None:
    gallery = small_gallery()
    wave = gallery.params("wave")
    assert same(gallery.params("wave", 0.0), gallery.photo)
    assert same(gallery.params("wave", 0.5), average([gallery.photo, wave], [0.5, 0.5]))
    assert same(gallery.params("wave", 2.0), average([gallery.photo, wave], [-1, 2]))


@pytest.mark.parametrize(
    ("style", "strength", "message"),
    [
        ("wav", 1, "did you mean 'wave'"),
        ("photo", 1, "'photo' is unknown"),
        ({"wave": 0.0}, 1, "all styles are 0"),
        ({"wave": 1e308, "kiss": 1e308}, 1, "sum of the weights is inf"),
        ({"wave": -1.0}, 1, "at least 0"),
        ({"wave": float("nan")}, 1, "at least 0"),
        ("wave", 2.5, "strength is 2.5"),
        ("wave", float("nan"), "strength is nan"),
    ],
)
def test_what_cannot_be_painted(style: object, strength: float, message: str) -> None:
    with pytest.raises(JaxnstError, match=message):
        small_gallery().params(style, strength)


@pytest.mark.parametrize("style", [["wave", "kiss"], ("wave", 0.5), None, 3])
def test_what_is_no_style_or_blend_is_refused_with_an_example(style: object) -> None:
    with pytest.raises(JaxnstError, match=r"give a name, or weights by name for a blend, such as"):
        small_gallery().params(style)


def test_networks_of_different_kinds_are_not_blended() -> None:
    other = random_model(Johnson(width=4, blocks=1), "other")
    gallery = Gallery.of(small_gallery().model("wave"), other)
    with pytest.raises(JaxnstError, match="'wave' and 'other' are networks of different kinds"):
        gallery.params({"wave": 1, "other": 1})


def test_a_file_joins_a_gallery_under_its_own_name(tmp_path: Path) -> None:
    own = random_model(small_gallery().network, "own", 7)
    save_model(tmp_path / "file.safetensors", own)
    gallery = small_gallery().with_file(tmp_path / "file.safetensors")
    assert gallery.styles == ["wave", "kiss", "own"]
    assert same(gallery.params("own"), own.params)
    with pytest.raises(JaxnstError, match="a style 'own', as the gallery has"):
        gallery.with_file(tmp_path / "file.safetensors")


def test_a_file_of_another_kind_does_not_join_a_gallery(tmp_path: Path) -> None:
    save_model(tmp_path / "file.safetensors", random_model(Johnson(width=4, blocks=1), "own"))
    with pytest.raises(JaxnstError, match="another kind than those of the gallery: give it by"):
        small_gallery().with_file(tmp_path / "file.safetensors")


def test_models_blend_writes_a_network_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder, out = gallery_folder(tmp_path), tmp_path / "mix.safetensors"
    words = ["models", "blend", "wave", "kiss", "--model", str(folder)]
    strength = ["--weights", "3", "1", "--strength", "0.5"]
    assert main([*words, *strength, "-o", str(out)]) == 0
    assert "75% wave + 25% kiss, strength 0.5" in capsys.readouterr().out
    mixed = load_model(out)
    wanted = small_gallery().params({"wave": 3, "kiss": 1}, 0.5)
    assert jax.tree.all(
        jax.tree.map(lambda a, b: np.allclose(a, b, atol=2e-3), mixed.params, wanted)
    )
    assert main([*words, "--weights", "1", "-o", str(tmp_path / "no.safetensors")]) == 2
    assert "1 weights for 2 styles" in capsys.readouterr().err
    assert not (tmp_path / "no.safetensors").exists()


def test_a_shipped_style_that_was_moved_is_as_good_as_where_it_ships(tmp_path: Path) -> None:
    from jaxnst.networks.shipped import ASSETS

    shutil.copy(ASSETS / "slim" / "udnie.safetensors", tmp_path / "mine.safetensors")
    assert load_gallery(tmp_path / "mine.safetensors").styles == ["udnie"]
