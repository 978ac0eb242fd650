"""Foreign weights give the features that their own preprocessing and convolution would give."""

import pickle
import sys
from pathlib import Path

import h5py
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.flax
import safetensors.numpy
from vgg_files import oihw, random_arrays, random_params, state_dict, write_keras, write_onnx

from jaxnst.errors import JaxnstError
from jaxnst.perceptual import convert_vgg as convert
from jaxnst.perceptual.convert_vgg import convert_vgg
from jaxnst.perceptual.vgg import extract_features
from jaxnst.perceptual.vgg_layers import conv_shapes
from jaxnst.perceptual.weights import save_weights

KERAS = "{layer}/{layer}_{W}_1:0"


def write_state(path: Path, state: dict) -> Path:
    safetensors.numpy.save_file(state, path)
    return path


def check_same(params: dict, net: str = "vgg16") -> None:
    """All but the first kernel must have come through untouched."""
    assert sorted(params) == sorted(["mean", *conv_shapes(net)])
    for key, array in random_arrays(net).items():
        layer, part = key.split("/")
        if key != "conv1_1/kernel":
            np.testing.assert_array_equal(params[layer][part], array, err_msg=key)


def prepared(image: np.ndarray, convention: str) -> np.ndarray:
    """The input as the papers and the torchvision manual put it."""
    if convention == "caffe":
        return image[..., ::-1] * 255 - np.array([103.939, 116.779, 123.68])
    return (image - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Zero-padded 3x3 convolution [H, W, C_in] -> [H, W, C_out], in float64."""
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    taps = ((i, j) for i in range(3) for j in range(3))
    return bias + sum(padded[i : i + height, j : j + width] @ kernel[i, j] for i, j in taps)


@pytest.mark.parametrize("convention", ["caffe", "torchvision"])
def test_features_are_those_of_the_convention(tmp_path, convention):
    path = write_state(tmp_path / "a.safetensors", state_dict(random_arrays()))
    params, metadata = convert_vgg(path, convention=convention)
    assert (metadata["convention"], metadata["convention_from"]) == (convention, "argument")
    image = np.random.default_rng(1).random((33, 40, 3))
    arrays = random_arrays()
    expected = convolved(
        prepared(image, convention), arrays["conv1_1/kernel"], arrays["conv1_1/bias"]
    )
    found = extract_features(params, jnp.asarray(image, jnp.float32), ["conv1_1"])["conv1_1"]
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 1e-6
    check_same(params)


@pytest.mark.parametrize(
    "names",
    [KERAS, "{layer}/{layer}/{kernel}:0", "model_weights/{layer}_1/vgg/{layer}_1/{kernel}:0"],
    ids=["keras-applications", "tf.keras", "whole model"],
)
def test_keras_names(tmp_path, names):
    write_keras(tmp_path / "a.h5", random_arrays(), names)
    params, metadata = convert_vgg(tmp_path / "a.h5")
    check_same(params)
    assert (metadata["convention"], metadata["convention_from"]) == ("caffe", "layer names")
    assert metadata["left_out"] == ""


def test_keras_head_is_left_out_and_optimizer_ignored(tmp_path):
    head = {"fc1/fc1_W_1:0": np.zeros((4, 4)), "fc1/fc1_b_1:0": np.zeros(4)}
    write_keras(tmp_path / "a.h5", random_arrays(), KERAS)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        for key, array in head.items():
            file[key] = array
        file["optimizer_weights/block1_conv1/kernel/m"] = np.zeros((3, 3, 3, 64))
    params, metadata = convert_vgg(tmp_path / "a.h5")
    check_same(params)
    assert metadata["left_out"] == "fc1/fc1_W_1:0, fc1/fc1_b_1:0"


def test_two_kernels_of_one_layer_are_refused(tmp_path):
    kernel = np.zeros((3, 3, 3, 64))
    write_keras(tmp_path / "a.h5", {"conv1_1/kernel": kernel}, KERAS)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["copy/block1_conv1/kernel:0"] = kernel
    with pytest.raises(JaxnstError, match="are both conv1_1/kernel: keep one"):
        convert_vgg(tmp_path / "a.h5")


@pytest.mark.parametrize("wrap", ["", "Identity", "Constant"])
def test_onnx_convolutions_are_found_in_graph_order(tmp_path, wrap):
    write_onnx(tmp_path / "a.onnx", random_arrays(), layer="{conv}_x", wrap=wrap)
    params, metadata = convert_vgg(tmp_path / "a.onnx")
    check_same(params)
    assert metadata["left_out"] == "fc"
    assert (metadata["convention"], metadata["convention_from"]) == ("torchvision", "assumption")


def test_onnx_from_keras_is_caffe(tmp_path):
    arrays = random_arrays("vgg19")
    write_onnx(tmp_path / "a.onnx", arrays, layer="functional_1/block1_conv1_1/{conv}")
    params, metadata = convert_vgg(tmp_path / "a.onnx")
    check_same(params, "vgg19")
    assert (metadata["net"], metadata["convention"]) == ("vgg19", "caffe")


def test_onnx_of_another_depth_is_refused(tmp_path):
    write_onnx(tmp_path / "a.onnx", {k: a for k, a in random_arrays().items() if k < "conv4"})
    with pytest.raises(JaxnstError, match="7 convolutions of a VGG found: VGG-16 has 13 and"):
        convert_vgg(tmp_path / "a.onnx")


@pytest.mark.parametrize(("net", "prefix"), [("vgg16", ""), ("vgg19", "features.")])
def test_torchvision_names(tmp_path, net, prefix):
    state = state_dict(random_arrays(net), net, prefix)
    path = write_state(tmp_path / "a.safetensors", state)
    params, metadata = convert_vgg(path)
    check_same(params, net)
    assert metadata["net"] == net
    assert (metadata["convention"], metadata["convention_from"]) == ("torchvision", "assumption")


def test_classifier_is_left_out(tmp_path):
    head = {"classifier.0.weight": np.zeros((4, 4)), "classifier.0.bias": np.zeros(4)}
    path = write_state(tmp_path / "a.safetensors", state_dict(random_arrays()) | head)
    assert convert_vgg(path)[1]["left_out"] == "classifier.0.bias, classifier.0.weight"


def test_caffe_names(tmp_path):
    state = {
        key.replace("/kernel", ".weight").replace("/bias", ".bias"): np.array(
            oihw(array), order="C"
        )
        for key, array in random_arrays().items()
    }
    params, metadata = convert_vgg(write_state(tmp_path / "a.safetensors", state))
    check_same(params)
    assert (metadata["convention"], metadata["convention_from"]) == ("caffe", "layer names")


def test_published_file_is_known_by_its_hash(tmp_path, monkeypatch):
    path = write_state(tmp_path / "renamed.safetensors", state_dict(random_arrays()))
    sha256 = convert_vgg(path)[1]["source_sha256"]
    monkeypatch.setitem(convert._PUBLISHED, sha256[:8], "caffe")
    metadata = convert_vgg(path)[1]
    assert (metadata["convention"], metadata["convention_from"]) == ("caffe", "published file")


def test_bfloat16_is_read(tmp_path):
    state = {
        key: jnp.asarray(array.astype(ml_dtypes.bfloat16))
        for key, array in state_dict(random_arrays()).items()
    }
    safetensors.flax.save_file(state, tmp_path / "a.safetensors")
    params, _ = convert_vgg(tmp_path / "a.safetensors")
    assert params["conv5_1"]["kernel"].dtype == np.float32
    np.testing.assert_allclose(
        params["conv5_1"]["kernel"], random_arrays()["conv5_1/kernel"], rtol=2**-8
    )


def test_missing_array_is_named(tmp_path):
    state = state_dict(random_arrays())
    state["features.99.weight"] = state.pop("features.10.weight")
    with pytest.raises(JaxnstError, match="is not a whole vgg16: missing conv3_1/kernel"):
        convert_vgg(write_state(tmp_path / "a.safetensors", state))


def test_wrong_shape_is_named(tmp_path):
    state = state_dict(random_arrays()) | {"features.2.bias": np.zeros(63, np.float32)}
    with pytest.raises(JaxnstError, match=r"conv1_2/bias has shape \(63,\): vgg16 needs \(64,\)"):
        convert_vgg(write_state(tmp_path / "a.safetensors", state))


def test_batch_normalization_is_refused(tmp_path):
    state = {"features.0.weight": np.zeros((64, 3, 3, 3)), "features.1.running_mean": np.zeros(64)}
    with pytest.raises(JaxnstError, match="has batch normalization: convert a plain VGG-16"):
        convert_vgg(write_state(tmp_path / "a.safetensors", state))


def test_something_else_is_refused(tmp_path):
    with pytest.raises(JaxnstError, match="no convolutions of a VGG found"):
        convert_vgg(write_state(tmp_path / "a.safetensors", {"dense": np.zeros((2, 2))}))


def test_our_own_file_needs_no_conversion(tmp_path):
    path = tmp_path / "a.safetensors"
    save_weights(path, random_params(), {"net": "vgg16"}, kernel_dtype="float16")
    with pytest.raises(JaxnstError, match="is a jaxnst weight file already"):
        convert_vgg(path)


@pytest.mark.parametrize("suffix", [".h5", ".onnx", ".safetensors"])
@pytest.mark.parametrize("data", [b"", b"no such format"])
def test_rubbish_is_one_line(tmp_path, suffix, data):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with pytest.raises(JaxnstError) as error:
        convert_vgg(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_unknown_suffix_convention_and_path(tmp_path):
    with pytest.raises(JaxnstError, match=r"a\.bin: has an unknown suffix: convert one of \.h5,"):
        convert_vgg(tmp_path / "a.bin")
    with pytest.raises(JaxnstError, match=r"'bgr' is unknown: .+ caffe, torchvision"):
        convert_vgg(tmp_path / "a.h5", convention="bgr")
    with pytest.raises(JaxnstError, match=r"a\.h5: there is no such file"):
        convert_vgg(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("suffix", "package"), [("pth", "torch"), ("h5", "h5py"), ("onnx", "onnx")]
)
def test_missing_package_is_named(tmp_path, monkeypatch, suffix, package):
    (tmp_path / f"a.{suffix}").write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(JaxnstError, match=rf"needs {package}: pip install 'jaxnst\[convert\]'"):
        convert_vgg(tmp_path / f"a.{suffix}")


def test_pth(tmp_path):
    torch = pytest.importorskip("torch")
    state = {key: torch.from_numpy(a) for key, a in state_dict(random_arrays()).items()}
    torch.save(state, tmp_path / "a.pth")
    params, metadata = convert_vgg(tmp_path / "a.pth")
    check_same(params)
    assert metadata["convention_from"] == "assumption"
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "b.pt")
    check_same(convert_vgg(tmp_path / "b.pt")[0])


def test_code_in_a_pth_is_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    trace = tmp_path / "trace"

    class Malicious:
        def __reduce__(self):
            return Path.touch, (trace,)

    torch.save({"features.0.weight": Malicious()}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Malicious(), protocol=2))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(
            JaxnstError, match="is no state dict of plain tensors, and loading anything"
        ):
            convert_vgg(tmp_path / name)
    assert not trace.exists()
