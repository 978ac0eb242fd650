"""The examples paint and enlarge what jaxnst does, without it."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from model_files import small_model, upscaling_model
from PIL import Image

import jaxnst
from jaxnst.networks.kinds import Compact

pytest.importorskip("onnx", reason="pip install 'jaxnst[export]'")
pytest.importorskip("onnxruntime", reason="pip install 'jaxnst[export]'")
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NODE = shutil.which("node")
PACKAGES = ROOT / "browser" / "node_modules"

# A Python in which jaxnst and JAX are not installed, as it were.
WITHOUT = (
    "import runpy, sys; sys.modules.update(dict.fromkeys(('jaxnst', 'jax', 'flax'))); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.fixture
def photo(paint) -> np.ndarray:
    """uint8 [H, W, 3], its sides no multiples of a stride."""
    return (255 * paint(0, 45, 61)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, photo) -> Path:
    """Two networks and a photo."""
    jaxnst.export_model(tmp_path / "paint.onnx", small_model())
    jaxnst.export_model(tmp_path / "enlarge.onnx", upscaling_model(Compact(2, 4, 1)), as_float=True)
    for suffix in ("png", "ppm"):
        Image.fromarray(photo).save(tmp_path / f"photo.{suffix}")
    return tmp_path


def assert_painted(picture: np.ndarray, photo: np.ndarray) -> None:
    wanted = jaxnst.Stylizer(small_model())(photo, "wave")
    assert picture.shape == wanted.shape
    assert np.abs(picture.astype(int) - wanted).max() <= 1


def assert_paints(command: list[str], folder: Path, photo: np.ndarray, suffix: str) -> None:
    """Runs a program with a network, a photo and where the painting goes."""
    paths = [str(folder / name) for name in ("paint.onnx", f"photo.{suffix}", f"out.{suffix}")]
    subprocess.run([*command, *paths], check=True, cwd=folder)
    with Image.open(folder / f"out.{suffix}") as painting:
        assert_painted(np.asarray(painting), photo)


def test_python_paints_without_jaxnst(folder, photo):
    script = EXAMPLES / "paint.py"
    assert_paints([sys.executable, "-c", WITHOUT, str(script)], folder, photo, "png")


@pytest.mark.skipif(NODE is None, reason="Node is not there")
@pytest.mark.skipif(
    not (PACKAGES / "onnxruntime-web").is_dir(), reason="`make browser` was not run"
)
def test_node_paints(folder, photo):
    assert NODE
    shutil.copy(EXAMPLES / "paint.mjs", folder)
    (folder / "node_modules").symlink_to(PACKAGES)
    assert_paints([NODE, str(folder / "paint.mjs")], folder, photo, "ppm")


class Tensor:
    """What the node uses of PyTorch's tensors, over an array."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def cpu(self) -> "Tensor":
        return self

    def numpy(self) -> np.ndarray:
        return self._array


@pytest.fixture
def comfyui(folder, monkeypatch):
    """The node, in a ComfyUI that has the two networks."""
    networks = folder / "models" / "jaxnst"
    networks.mkdir(parents=True)
    for path in folder.glob("*.onnx"):
        path.rename(networks / path.name)
    torch, folder_paths = ModuleType("torch"), ModuleType("folder_paths")
    torch.from_numpy = Tensor
    folder_paths.models_dir = str(folder / "models")
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "folder_paths", folder_paths)
    file = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "comfyui_jaxnst.py")))
    assert file.NODE_CLASS_MAPPINGS.keys() == file.NODE_DISPLAY_NAME_MAPPINGS.keys()
    return SimpleNamespace(node=file.NODE_CLASS_MAPPINGS["jaxnst"], networks=networks)


def run(node, network: str, batch: np.ndarray) -> np.ndarray:
    """What ComfyUI does with a node."""
    (kind,) = node.RETURN_TYPES
    assert kind == "IMAGE"
    assert network in node.INPUT_TYPES()["required"]["network"][0]
    (result,) = getattr(node(), node.FUNCTION)(image=Tensor(batch), network=network)
    array = result.numpy()
    assert array.dtype == np.float32
    assert 0 <= array.min() < array.max() <= 1
    return array


def test_the_comfyui_node_paints_a_batch(comfyui, photo):
    batch = np.stack([photo, photo[::-1]]).astype(np.float32) / 255
    with_alpha = np.concatenate([batch, np.ones_like(batch[..., :1])], axis=-1)
    for one, painted in zip((photo, photo[::-1]), run(comfyui.node, "paint.onnx", with_alpha),
                            strict=True):  # fmt: skip
        assert_painted(np.rint(255 * painted).astype(np.uint8), one)


def test_the_comfyui_node_enlarges_by_floats(comfyui, photo):
    enlarged = run(comfyui.node, "enlarge.onnx", photo[None].astype(np.float32) / 255)
    wanted = jaxnst.Upscaler(upscaling_model(Compact(2, 4, 1)))(photo)
    np.testing.assert_allclose(255 * enlarged[0], wanted, atol=1.01)


def test_the_comfyui_node_sees_that_a_network_was_replaced(comfyui, photo):
    path, batch = comfyui.networks / "paint.onnx", photo[None].astype(np.float32) / 255
    before, seen = run(comfyui.node, "paint.onnx", batch), comfyui.node.IS_CHANGED(None, path.name)
    jaxnst.export_model(path, small_model("kiss"))
    os.utime(path, ns=(seen + 1, seen + 1))
    assert comfyui.node.IS_CHANGED(None, path.name) != seen
    assert np.abs(run(comfyui.node, "paint.onnx", batch) - before).max() > 0.1
