"""Networks of pytorch/examples paint here what they paint there."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.networks import base as networks
from jaxnst.networks.convert_johnson import convert_network
from jaxnst.networks.model_file import Model, check_params, load_model, save_model

GOLDEN = Path(__file__).parents[1] / "golden"
CHECKPOINT = GOLDEN / "johnson_checkpoint.npz"
TORCH_NORMS = {"conv1": "in1", "conv2": "in2", "conv3": "in3", "deconv1": "in4", "deconv2": "in5"}


def checkpoint() -> dict[str, np.ndarray]:
    """The golden checkpoint, by the names of the published .npz files."""
    with np.load(CHECKPOINT) as file:
        return {key: file[key] for key in file.files}


def torch_names(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same, by the names of a state dict."""
    named = {}
    for key, array in arrays.items():
        layer, part = key.rsplit(".", 1)
        norm = layer.replace("conv", "in") if "res" in layer else TORCH_NORMS.get(layer)
        named[
            f"{norm}.{'weight' if part == 'in_gamma' else 'bias'}"
            if part.startswith("in_")
            else f"{layer}.conv2d.{part}"
        ] = array
    return named


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


def painted(model: Model, photo: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to [H, W, 3] in 0..255, not clipped."""
    image = jnp.asarray(photo, jnp.float32)[None] / 255
    variables = {"params": jax.tree.map(jnp.asarray, model.params)}
    painting = networks.paint(model.network, variables, image)
    return 255 * np.asarray(painting[0])


def same(a: Model, b: Model) -> bool:
    return jax.tree.all(jax.tree.map(np.array_equal, dict(a.params), dict(b.params)))


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.asarray(Image.open(GOLDEN / "photo.png"))[:32, :40]


def test_paints_what_torch_painted(photo):
    model = convert_network(CHECKPOINT, "golden")
    np.testing.assert_allclose(
        painted(model, photo), np.load(GOLDEN / "johnson_painting.npy"), atol=0.02
    )


def test_paints_it_still_after_saving(photo, tmp_path):
    save_model(tmp_path / "a.safetensors", convert_network(CHECKPOINT, "golden"))
    found = painted(load_model(tmp_path / "a.safetensors"), photo)
    np.testing.assert_allclose(found, np.load(GOLDEN / "johnson_painting.npy"), atol=1.5)


def test_card_and_shapes():
    model = convert_network(CHECKPOINT, "golden", title="A title", artist="N. N.", year="1900")
    check_params(model.network, model.params)
    assert model.name == "golden"
    assert model.card["network"] == {"name": "johnson", "width": 2, "blocks": 2}
    assert model.style["title"] == "A title"
    assert model.card["source"] == "johnson_checkpoint.npz"
    assert re.fullmatch("[0-9a-f]{64}", model.card["source_sha256"])


def test_safetensors_by_torch_s_names(tmp_path):
    safetensors.numpy.save_file(torch_names(checkpoint()), tmp_path / "a.safetensors")
    assert same(convert_network(tmp_path / "a.safetensors", "x"), convert_network(CHECKPOINT, "x"))


def test_running_statistics_are_left_out(tmp_path):
    old = {"in1.running_mean": np.ones(2), "res1.in1.running_var": np.ones(8)}
    path = write_npz(tmp_path / "a.npz", torch_names(checkpoint()) | old)
    assert same(convert_network(path, "x"), convert_network(CHECKPOINT, "x"))


def test_what_is_missing_and_left_over_is_named(tmp_path):
    arrays = checkpoint()
    del arrays["conv2.bias"]
    path = write_npz(tmp_path / "a.npz", arrays | {"head.weight": np.ones(2)})
    with pytest.raises(JaxnstError, match=r"missing conv2\.bias; left over head\.weight$"):
        convert_network(path, "x")


def test_a_block_that_was_left_out_is_named(tmp_path):
    arrays = {k: a for k, a in checkpoint().items() if not k.startswith("res1.")}
    with pytest.raises(JaxnstError, match=r"of 1 blocks: missing res1\.conv1\.bias, .* left over"):
        convert_network(write_npz(tmp_path / "a.npz", arrays), "x")


@pytest.mark.parametrize("key", sorted(checkpoint()))
def test_every_shape_is_checked(tmp_path, key):
    arrays = checkpoint()
    arrays[key] = arrays[key][..., :-1]
    with pytest.raises(JaxnstError, match=rf"{key.replace('.', '[.]')} has shape \(.*, not \("):
        convert_network(write_npz(tmp_path / "a.npz", arrays), "x")


def test_values_that_are_not_finite_are_refused(tmp_path):
    arrays = checkpoint()
    arrays["conv3.in_beta"] = np.full(8, np.nan)
    with pytest.raises(JaxnstError, match=r"conv3\.in_beta has values that are not finite"):
        convert_network(write_npz(tmp_path / "a.npz", arrays), "x")


def test_something_else_is_refused(tmp_path):
    path = write_npz(tmp_path / "a.npz", {"dense": np.ones((2, 2))})
    with pytest.raises(JaxnstError, match="is no fast_neural_style network of pytorch/examples"):
        convert_network(path, "x")


def test_pickled_arrays_are_not_run(tmp_path):
    np.savez(tmp_path / "a.npz", np.array([os.getcwd], dtype=object))
    with pytest.raises(JaxnstError, match=r"cannot be read as an \.npz file"):
        convert_network(tmp_path / "a.npz", "x")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_damaged_file_is_refused_in_one_line(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"\x80damaged")
    with pytest.raises(JaxnstError, match="cannot be read as") as caught:
        convert_network(tmp_path / f"a{suffix}", "x")
    assert "\n" not in str(caught.value)


def test_unknown_suffix_is_refused():
    with pytest.raises(JaxnstError, match=r"unknown suffix: convert one of \.npz, \.safetensors"):
        convert_network("a.h5", "x")


def test_state_dict_of_torch(tmp_path):
    torch = pytest.importorskip("torch")
    state = {key: torch.from_numpy(array) for key, array in torch_names(checkpoint()).items()}
    torch.save(state, tmp_path / "a.pth")
    assert same(convert_network(tmp_path / "a.pth", "x"), convert_network(CHECKPOINT, "x"))
    trained = {f"module.{key}": torch.nn.Parameter(tensor) for key, tensor in state.items()}
    torch.save({"model": trained, "epoch": 3}, tmp_path / "a.pth")
    assert same(convert_network(tmp_path / "a.pth", "x"), convert_network(CHECKPOINT, "x"))
    torch.save({"conv1": os.getcwd}, tmp_path / "a.pth")
    with pytest.raises(JaxnstError, match="could run code"):
        convert_network(tmp_path / "a.pth", "x")


def test_paints_what_torch_paints_now(tmp_path, paint):
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    source = Path(__file__).parents[2] / "benchmarks" / "_torch_johnson.py"
    spec = importlib.util.spec_from_file_location("_torch_johnson", source)
    helper = sys.modules.setdefault("_torch_johnson", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(helper)
    net = helper.TransformerNet(width=3, blocks=3).eval()
    with torch.no_grad():
        net.deconv3.conv2d.weight *= 60
        net.deconv3.conv2d.bias += 100
    torch.save(net.state_dict(), tmp_path / "a.pth")
    picture = (255 * paint(0, 44, 36)).astype(np.uint8)
    found = painted(convert_network(tmp_path / "a.pth", "x"), picture)
    found = (found.clip(0, 255) + 0.5).astype(np.uint8)
    difference = np.abs(found.astype(int) - helper.stylize(net, picture))
    assert difference.max() <= 1
