"""Model files: what is written comes back, and what was tampered with does not."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from golden_models import PHOTO
from model_files import model_file, random_model, small_model
from safetensors.numpy import load_file, save_file

from jaxnst.cli import main
from jaxnst.errors import JaxnstError
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.networks import model_file as models
from jaxnst.networks.base import Slim
from jaxnst.networks.model_file import load_model, model_names, read_card, save_model
from jaxnst.ops.pixels import to_uint8


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = load_model(model_file(tmp_path))
    small = small_model()
    assert model.network == small.network
    assert jax.tree.all(jax.tree.map(np.array_equal, model.kernels, small.kernels))
    np.testing.assert_array_equal(model.conditions, small.conditions)
    assert model.styles == ["wave", "kiss"]
    assert model.rows == ["photo", "wave", "kiss"]


def test_a_file_of_8_bits_is_half_as_large_and_paints_alike(tmp_path: Path) -> None:
    model, photo = random_model(Slim()), to_uint8(load(PHOTO).rgb)
    halves, codes = tmp_path / "16.safetensors", tmp_path / "8.safetensors"
    save_model(halves, model)
    save_model(codes, model, bits=8)
    assert codes.stat().st_size < 0.55 * halves.stat().st_size
    painting, alike = (
        Stylizer(load_model(path))(photo, "wave", size=128).astype(float)
        for path in (halves, codes)
    )
    # Random weights are worse to round than trained ones.
    assert np.abs(alike - painting).mean() < 0.03 * painting.std()


def test_codes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "8.safetensors"
    save_model(path, random_model(Slim(blocks=1)), bits=8)
    card, arrays = read_card(path.read_bytes()), load_file(path)
    unit = next(name for name in arrays if name.endswith(".unit"))
    others = {name: array for name, array in arrays.items() if name != unit}
    for changed in (others, others | {unit: np.ascontiguousarray(arrays[unit][..., :1])}):
        new_card = {"format": "2", **card, "sha256": models._digest(changed)}
        save_file(changed, path, {"card": json.dumps(new_card)})
        with pytest.raises(JaxnstError, match="not a model of this version"):
            load_model(path)


def test_an_array_that_was_changed_is_noticed(tmp_path: Path) -> None:
    path = model_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(JaxnstError, match="not those of its card"):
        load_model(path)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("blocks", 2, "block2_1"),
        ("blocks", 10**9, "at most 64"),
        ("width", 0, "at least 1"),
        ("width", "wide", "not a model of this version"),
    ],
)
def test_a_card_for_another_network_is_refused(
    tmp_path: Path, setting: str, value: object, message: str
) -> None:
    path = model_file(tmp_path)
    card = read_card(path.read_bytes())
    card["network"][setting] = value
    save_file(load_file(path), path, {"card": json.dumps({"format": "1", **card})})
    with pytest.raises(JaxnstError, match=message):
        load_model(path)


@pytest.mark.parametrize(
    "data",
    [b"x", b"\xff" * 64, *(len(h).to_bytes(8, "little") + h for h in (
        b"{}", b"[]", b'{"__metadata__": "x"}', b"[" * 100_000
    ))],
)  # fmt: skip
def test_a_file_of_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(JaxnstError, match=r"bad\.safetensors: not a model"):
        load_model(path)


def test_a_model_that_ships_and_was_changed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = model_file(tmp_path)  # a good model, but not the one
    other.rename(tmp_path / "slim.safetensors")
    monkeypatch.setattr(models, "_ASSETS", tmp_path)
    with pytest.raises(JaxnstError, match="slim: is not the file that ships"):
        load_model("slim")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(JaxnstError, match="'slimm' is unknown"):
        load_model("slimm")


@pytest.mark.parametrize("name", model_names())
def test_a_model_that_ships_has_a_whole_card(name: str) -> None:
    card = load_model(name).card
    assert {"network", "styles", "recipe", "images_seen", "held_out", "sha256"} <= set(card)
    for style in card["styles"]:
        if style["name"] != "photo":
            assert all(style[key] for key in ("title", "artist", "year", "licence"))
            assert style["name"] in card["held_out"]
    assert ".." not in json.dumps(card["recipe"])


def test_a_blend_is_the_weighted_mean_of_conditions() -> None:
    model = small_model()
    wave, kiss = (model.condition(name) for name in ("wave", "kiss"))
    blend = model.condition({"wave": 3, "kiss": 1})
    np.testing.assert_allclose(blend, 0.75 * wave + 0.25 * kiss, atol=1e-6)


def test_strength_is_the_way_from_the_photo() -> None:
    model = small_model()
    np.testing.assert_allclose(model.condition("wave", 0.0), model.conditions[0], atol=1e-6)
    half = (model.conditions[0] + model.conditions[1]) / np.float32(2)
    np.testing.assert_allclose(model.condition("wave", 0.5), half, atol=2e-3)


@pytest.mark.parametrize(
    ("style", "strength", "message"),
    [
        ("wav", 1, "did you mean 'wave'"),
        ("photo", 1, "'photo' is unknown"),
        ({"wave": 0.0}, 1, "all styles are 0"),
        ({"wave": -1.0}, 1, "at least 0"),
        ({"wave": float("nan")}, 1, "at least 0"),
        ("wave", 2.5, "strength is 2.5"),
        ("wave", float("nan"), "strength is nan"),
    ],
)
def test_conditions_that_there_are_not(style: object, strength: float, message: str) -> None:
    with pytest.raises(JaxnstError, match=message):
        small_model().condition(style, strength)


def test_a_model_without_a_photo_has_one_strength() -> None:
    with pytest.raises(JaxnstError, match="no strength but 1"):
        small_model(photo=False).condition("wave", 0.5)


def test_some_styles_can_be_selected(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path, out = model_file(tmp_path), tmp_path / "kiss.safetensors"
    assert main(["models", "select", str(path), "kiss", "-o", str(out)]) == 0
    found, whole = load_model(out), load_model(path)
    assert found.rows == ["photo", "kiss"]
    np.testing.assert_array_equal(found.condition("kiss", 0.3), whole.condition("kiss", 0.3))
    assert main(["models", "select", str(path), "kis", "-o", str(tmp_path / "no.safetensors")]) == 2
    assert "did you mean 'kiss'" in capsys.readouterr().err
    assert not (tmp_path / "no.safetensors").exists()
