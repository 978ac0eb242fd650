"""Model files: what is written comes back, and what was tampered with does not."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from golden_models import PHOTO
from model_files import model_file, random_model, small_model
from safetensors.numpy import load_file, save_file

from jaxnst.errors import JaxnstError
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.networks import model_file as models
from jaxnst.networks.kinds import Slim
from jaxnst.networks.model_file import load_model, model_names, read_card, save_model
from jaxnst.ops.pixels import to_uint8


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = load_model(model_file(tmp_path))
    small = small_model()
    assert model.network == small.network
    assert jax.tree.all(jax.tree.map(np.array_equal, model.params, small.params))
    assert (model.name, model.style["title"]) == ("wave", "The wave")


@pytest.mark.slow
def test_a_file_of_8_bits_is_half_as_large_and_paints_alike(tmp_path: Path) -> None:
    model, photo = random_model(Slim()), to_uint8(load(PHOTO).rgb)
    halves, bytes_ = tmp_path / "16.safetensors", tmp_path / "8.safetensors"
    save_model(halves, model)
    save_model(bytes_, model, bits=8)
    assert bytes_.stat().st_size < 0.55 * halves.stat().st_size
    painting, alike = (
        Stylizer(load_model(path))(photo, "wave", size=128).astype(float)
        for path in (halves, bytes_)
    )
    # Random weights are worse to round than trained ones.
    assert np.abs(alike - painting).mean() < 0.03 * painting.std()


def test_units_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "8.safetensors"
    save_model(path, random_model(Slim(blocks=1)), bits=8)
    card, arrays = read_card(path.read_bytes()), load_file(path)
    unit = next(name for name in arrays if name.endswith(".unit"))
    others = {name: array for name, array in arrays.items() if name != unit}
    for changed in (others, others | {unit: np.ascontiguousarray(arrays[unit][..., :1])}):
        new_card = {"format": "3", **card, "sha256": models._digest(changed)}
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
    save_file(load_file(path), path, {"card": json.dumps({"format": "3", **card})})
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
    (tmp_path / "slim").mkdir()
    other.rename(tmp_path / "slim" / "udnie.safetensors")
    monkeypatch.setattr(models, "ASSETS", tmp_path)
    with pytest.raises(JaxnstError, match="slim/udnie: is not the file that ships"):
        load_model("slim/udnie")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(JaxnstError, match="'slim/udni' is unknown: did you mean 'slim/udnie'"):
        load_model("slim/udni")


def test_a_network_of_several_styles_by_an_earlier_version_is_refused(tmp_path: Path) -> None:
    path = model_file(tmp_path)
    arrays = load_file(path) | {"conditions": np.zeros((2, 9), np.float16)}
    card = {"format": "2", **read_card(path.read_bytes()), "sha256": models._digest(arrays)}
    save_file(arrays, path, {"card": json.dumps(card)})
    with pytest.raises(JaxnstError, match="several styles in one network; train the style anew"):
        load_model(path)


@pytest.mark.parametrize("name", model_names())
def test_a_model_that_ships_has_a_whole_card(name: str) -> None:
    model = load_model(name)
    card = model.card
    assert {"network", "recipe", "images_seen", "sha256"} <= set(card)
    if model.style and not name.endswith("/start"):
        assert all(model.style[key] for key in ("title", "artist", "year", "licence"))
        assert model.name == name.split("/")[1]
        assert card["held_out"]
    assert ".." not in json.dumps(card["recipe"])
