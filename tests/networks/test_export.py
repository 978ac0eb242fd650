"""Exported networks make the pictures that jaxnst makes."""

import dataclasses
import json
import sys
from pathlib import Path

import golden_models
import jax
import numpy as np
import pytest
from model_files import random_model, small_gallery, small_model, upscaling_model

import jaxnst
from jaxnst.errors import JaxnstError
from jaxnst.inference.exported import compare
from jaxnst.networks.export import export_model
from jaxnst.networks.gallery import Gallery
from jaxnst.networks.kinds import Compact, Johnson, JohnsonUpscaler, Slim
from jaxnst.networks.model_file import Model, load_model

onnx = pytest.importorskip("onnx", reason="pip install 'jaxnst[export]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'jaxnst[export]'")

# A multiple of the strides, none, and one that is smaller than networks take.
SIZES = ((40, 48), (33, 45), (9, 50))


def session(path: Path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(path: Path, batch: np.ndarray) -> np.ndarray:
    return session(path).run(None, {"image": batch})[0]


def exported(tmp_path: Path, model: Model, **options) -> Path:
    export_model(tmp_path / "network.onnx", model, **options)
    return tmp_path / "network.onnx"


@pytest.fixture
def photo(paint):
    """Makes photos, uint8 [H, W, 3]."""

    def photo(height: int = 40, width: int = 48, seed: int = 0) -> np.ndarray:
        return (255 * paint(seed, height, width)).astype(np.uint8)

    return photo


def difference(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    assert one.dtype == other.dtype == np.uint8
    return np.abs(one.astype(int) - other).max()


@pytest.mark.parametrize(
    "network", [Slim(width=4, blocks=1), Johnson(width=4, blocks=2)], ids=["slim", "johnson"]
)
def test_paintings_are_those_of_the_stylizer(tmp_path, photo, network):
    model = random_model(network)
    path, stylizer = exported(tmp_path, model), jaxnst.Stylizer(model)
    for size in SIZES:
        wanted = stylizer(photo(*size), "wave")
        assert wanted.std() > 10
        assert difference(run(path, photo(*size)[None])[0], wanted) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("color", [(255, 255, 255), (128, 128, 128), (10, 200, 120)])
@pytest.mark.parametrize(
    "network", [Slim(width=16, blocks=2), Johnson(width=16, blocks=3)], ids=["slim", "johnson"]
)
def test_pictures_of_one_color_are_those_of_the_stylizer(tmp_path, network, color):
    model = random_model(network)
    path, stylizer = exported(tmp_path, model), jaxnst.Stylizer(model)
    for size in ((1, 1), (33, 45)):
        flat = np.full((*size, 3), color, np.uint8)
        wanted = stylizer(flat, "wave")
        assert difference(run(path, flat[None])[0], wanted) <= 1
        if isinstance(network, Johnson):  # the other has noise of its own
            assert (wanted == wanted[0, 0]).all()


@pytest.mark.parametrize(
    "network",
    [Compact(2, 4, 1), Compact(3, 8, 2), JohnsonUpscaler(4, 4, 1)],
    ids=["compact_x2", "compact_x3", "johnson_x4"],
)
def test_enlarged_pictures_are_those_of_the_upscaler(tmp_path, photo, network):
    model = upscaling_model(network)
    path, upscaler = exported(tmp_path, model), jaxnst.Upscaler(model)
    for size in ((20, 14), (1, 1), (17, 31)):
        assert difference(run(path, photo(*size)[None])[0], upscaler(photo(*size))) <= 1


def test_a_picture_wider_than_the_noise_repeats_it(tmp_path, photo):
    wide, model = photo(32, 1100), small_model()
    painted = run(exported(tmp_path, model), wide[None])[0]
    assert difference(painted, jaxnst.Stylizer(model)(wide, "wave")) <= 1


def test_a_batch_is_painted_as_its_pictures_are(tmp_path, photo):
    path, batch = exported(tmp_path, small_model()), np.stack([photo(seed=0), photo(seed=1)])
    painted = run(path, batch)
    for one, alone in zip(painted, batch, strict=True):
        assert difference(one, run(path, alone[None])[0]) <= 1


def test_floats_are_what_bytes_are(tmp_path, photo):
    batch = photo()[None]
    painted = run(exported(tmp_path, small_model()), batch)
    floats = run(exported(tmp_path, small_model(), as_float=True), batch.astype(np.float32) / 255)
    assert floats.dtype == np.float32
    assert floats.min() >= 0
    assert floats.max() <= 1
    np.testing.assert_allclose(255 * floats, painted, atol=0.51)


def test_small_weights_make_small_files_and_nearly_the_same_picture(tmp_path, photo):
    model, size = random_model(Slim(width=16, blocks=1)), {}
    wanted = run(exported(tmp_path, model), photo()[None])
    for weights, allowed in (("float32", 0), ("float16", 0.1), ("int8", 1)):
        path = exported(tmp_path, model, weights=weights)
        size[weights] = path.stat().st_size
        assert np.abs(run(path, photo()[None]).astype(float) - wanted).mean() <= allowed
    assert size["float16"] < 0.6 * size["float32"]
    assert size["int8"] < 0.8 * size["float16"]


def test_a_blend_and_a_strength_are_exported(tmp_path, photo):
    gallery, blend = small_gallery(), {"wave": 0.3, "kiss": 0.7}
    path = exported(tmp_path, gallery.blended(blend, 0.5))
    wanted = jaxnst.Stylizer(gallery)(photo(), blend, strength=0.5)
    assert difference(run(path, photo()[None])[0], wanted) <= 1


def test_strength_0_returns_the_photo_itself(tmp_path, photo):
    path = exported(tmp_path, small_gallery().blended("wave", 0))
    np.testing.assert_array_equal(run(path, photo(33, 45)[None])[0], photo(33, 45))


def test_the_card_travels_in_the_metadata(tmp_path):
    metadata = session(exported(tmp_path, small_model())).get_modelmeta()
    assert json.loads(metadata.custom_metadata_map["card"]) == small_model().card
    assert metadata.producer_name == "jaxnst"


def test_a_file_has_nothing_that_is_not_used(tmp_path):
    graph = onnx.load(exported(tmp_path, small_model())).graph
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used


def test_stablehlo_paints_at_any_size(tmp_path, photo):
    path, model = tmp_path / "network.stablehlo", small_model()
    export_model(path, model, weights="float16")
    call = jax.export.deserialize(bytearray(path.read_bytes())).call
    for size in ((33, 45), (9, 50)):
        wanted = jaxnst.Stylizer(model)(photo(*size), "wave")
        assert difference(np.asarray(call(photo(*size)[None]))[0], wanted) <= 1


def test_stablehlo_enlarges(tmp_path, photo):
    path, model = tmp_path / "network.stablehlo", upscaling_model(Compact(2, 4, 1))
    export_model(path, model, as_float=True)
    call = jax.export.deserialize(bytearray(path.read_bytes())).call
    enlarged = np.asarray(call(photo(20, 14)[None].astype(np.float32) / 255))[0]
    assert enlarged.dtype == np.float32
    np.testing.assert_allclose(255 * enlarged, jaxnst.Upscaler(model)(photo(20, 14)), atol=1)


def test_a_missing_package_is_named_and_no_file_is_lost(tmp_path, monkeypatch):
    (tmp_path / "network.onnx").write_bytes(b"of old")
    for name in [name for name in sys.modules if name.startswith("jaxnst.networks.onnx_graph")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "jaxnst.networks.export_onnx", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = r"\.onnx files need onnx: pip install 'jaxnst\[export\]'"
    with pytest.raises(JaxnstError, match=message):
        exported(tmp_path, small_model())
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]
    assert (tmp_path / "network.onnx").read_bytes() == b"of old"


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("network.pt", "float32", "network.pt: networks are exported as .onnx or .stablehlo"),
        ("network.onnx", "int4", "network.onnx: .onnx files store no int4: give float32 or float1"),
        ("network.stablehlo", "int8", ".stablehlo files store no int8: give float32 or float16"),
        ("none/network.onnx", "float32", "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, weights, message):
    with pytest.raises(JaxnstError, match=message):
        export_model(tmp_path / name, small_model(), weights=weights)
    assert list(tmp_path.iterdir()) == []


def test_the_comparison_finds_another_network(tmp_path):
    model = upscaling_model(Compact(2, 4, 1))
    other = dataclasses.replace(model, params=jax.tree.map(np.negative, model.params))
    path = exported(tmp_path, model)
    assert max(row.difference for row in compare(path, model)) <= 1
    assert min(row.difference for row in compare(path, other)) > 1


def test_what_a_gallery_gives_is_exported_by_its_name(tmp_path):
    gallery = Gallery.of(small_model("wave"), small_model("kiss"))
    assert onnx.load(exported(tmp_path, gallery.model("kiss"))).doc_string == "The kiss"


EVERY_KIND = ("slim/starry_night", "johnson/udnie", "upscale_x4", "johnson_upscale_x4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weights", "allowed"),
    [
        *((name, "float32", 1) for name in golden_models.names()),
        *((name, "float16", 1) for name in EVERY_KIND),
        *((name, "int8", 4) for name in EVERY_KIND),
    ],
)
def test_a_network_that_ships_does_elsewhere_what_it_does_here(tmp_path, name, weights, allowed):
    model = load_model(name)
    rows = list(compare(exported(tmp_path, model, weights=weights), model))
    print(*(f"{name}, {weights}: {row}" for row in rows), sep="\n")
    assert len(rows) == 3
    assert max(row.difference for row in rows) <= allowed
