"""A gallery as a folder for the page that paints in the visitor's browser."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from model_files import random_model, small_gallery
from PIL import Image

import jaxnst
from jaxnst.errors import JaxnstError
from jaxnst.inference.gallery_export import export_gallery
from jaxnst.networks.gallery import Gallery
from jaxnst.networks.kinds import Johnson, Slim

pytest.importorskip("onnx", reason="pip install 'jaxnst[export]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'jaxnst[export]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "models"
    export_gallery(folder, small_gallery())
    return folder


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def weights(folder: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of a file by the inputs' names."""
    numbers = np.frombuffer((folder / name).read_bytes(), "<f2").astype(np.float32)
    arrays, start = {}, 0
    for given in manifest(folder)["inputs"]:
        size = int(np.prod(given["shape"]))
        arrays[given["name"]] = numbers[start : start + size].reshape(given["shape"])
        start += size
    assert start == numbers.size
    return arrays


def run(
    folder: Path, photo: np.ndarray, arrays: dict[str, np.ndarray], graph: str = "graph"
) -> np.ndarray:
    path = folder / manifest(folder)[graph]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": photo[None], **arrays})[0][0]


def style_weights(folder: Path) -> list[dict[str, np.ndarray]]:
    return [weights(folder, style["weights"]) for style in manifest(folder)["styles"]]


def difference(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return np.abs(one.astype(int) - other).max()


@pytest.fixture
def photo(paint) -> np.ndarray:
    return (255 * paint(0, 33, 45)).astype(np.uint8)


def test_one_graph_paints_all_styles(folder, photo):
    stylizer = jaxnst.Stylizer(small_gallery())
    for name, arrays in zip(("wave", "kiss"), style_weights(folder), strict=True):
        assert difference(run(folder, photo, arrays), stylizer(photo, name)) <= 1


def test_averages_of_weights_are_blends_and_strengths(folder, photo):
    wave, kiss = style_weights(folder)
    unpainted = weights(folder, manifest(folder)["photo"])
    mixed = {key: 0.5 * unpainted[key] + 0.15 * wave[key] + 0.35 * kiss[key] for key in wave}
    blend = {"wave": 0.3, "kiss": 0.7}
    wanted = jaxnst.Stylizer(small_gallery())(photo, blend, strength=0.5)
    assert difference(run(folder, photo, mixed), wanted) <= 1
    np.testing.assert_array_equal(run(folder, photo, unpainted), photo)


def test_the_check_is_what_jaxnst_paints(folder):
    check = manifest(folder)["check"]
    data = np.frombuffer((folder / check["file"]).read_bytes(), np.uint8)
    photo, painting = data.reshape(2, check["height"], check["width"], 3)
    wanted = jaxnst.Stylizer(small_gallery())(photo, check["style"])
    assert difference(painting, wanted) == 0
    assert difference(photo, painting) > 10


def test_networks_that_enlarge_are_there_by_their_scale(folder, photo):
    for scale, upscaler in zip((2, 4), manifest(folder)["upscalers"], strict=True):
        assert upscaler["scale"] == scale
        path = folder / upscaler["graph"]
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (enlarged,) = session.run(None, {"image": photo[None]})
        wanted = jaxnst.Upscaler(jaxnst.load_model(f"upscale_x{scale}"))(photo)
        assert difference(enlarged[0], wanted) <= 1
        # What is further away than the reach changes nothing.
        part = session.run(None, {"image": photo[None, : 10 + upscaler["reach"]]})[0][0]
        assert difference(part[: 10 * scale], enlarged[0, : 10 * scale]) <= 1


def test_names_tell_the_content_and_all_files_are_listed(folder):
    listed = manifest(folder)["files"]
    assert sorted([*listed, "manifest.json"]) == sorted(path.name for path in folder.iterdir())
    for name in listed:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert name.split(".")[1] == digest[:12]


def test_a_style_has_its_title_and_a_picture(folder):
    style = manifest(folder)["styles"][1]
    assert (style["name"], style["title"], style["artist"]) == ("kiss", "The kiss", "Nobody")
    with Image.open(io.BytesIO((folder / style["thumbnail"]).read_bytes())) as image:
        assert max(image.size) == 256


def test_the_graph_for_cpus_takes_the_same_weights(tmp_path, photo):
    gallery = Gallery.of(random_model(Slim(width=8, blocks=1)))
    export_gallery(tmp_path, gallery)
    assert manifest(tmp_path)["cpu_graph"] != manifest(tmp_path)["graph"]
    (arrays,) = style_weights(tmp_path)
    painted = run(tmp_path, photo, arrays, "cpu_graph")
    assert difference(painted, jaxnst.Stylizer(gallery)(photo, "wave")) <= 2


@pytest.mark.slow
def test_networks_without_strengths_have_no_weights_of_the_photo(tmp_path, photo):
    gallery = Gallery.of(random_model(Johnson(width=4, blocks=1)))
    export_gallery(tmp_path, gallery)
    assert manifest(tmp_path)["photo"] is None
    (arrays,) = style_weights(tmp_path)
    painted = run(tmp_path, photo, arrays)
    assert difference(painted, jaxnst.Stylizer(gallery)(photo, "wave")) <= 2


def test_a_second_export_leaves_nothing_of_the_first(tmp_path):
    export_gallery(tmp_path, small_gallery(), ["wave", "kiss"])
    export_gallery(tmp_path, small_gallery(), ["kiss"])
    assert [style["name"] for style in manifest(tmp_path)["styles"]] == ["kiss"]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*manifest(tmp_path)["files"], "manifest.json"}
    assert not any(name.startswith("wave") for name in names)


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(JaxnstError, match="is not a folder of an earlier export: give one that"):
        export_gallery(tmp_path, small_gallery())
    with pytest.raises(JaxnstError, match=r"letter\.txt: is not a folder of an earlier export"):
        export_gallery(tmp_path / "letter.txt", small_gallery())
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_unknown_style_makes_no_folder(tmp_path):
    with pytest.raises(JaxnstError, match="style 'kis' is unknown: did you mean 'kiss'"):
        export_gallery(tmp_path / "models", small_gallery(), ["kis"])
    assert not (tmp_path / "models").exists()
