"""Weight files are read back as they were written, and refused when they are not what they say."""

import hashlib
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from vgg_files import random_params

from jaxnst.errors import JaxnstError
from jaxnst.perceptual import weights
from jaxnst.perceptual.vgg_layers import NETS, conv_shapes
from jaxnst.perceptual.weights import list_weights, load_vgg, save_weights, verify

METADATA = {"net": "vgg16", "source": "chance"}


def write(path: Path, arrays: dict, **metadata: str) -> Path:
    """A file of the right format with any content."""
    text = json.dumps({"format": "1", "net": "vgg16"} | metadata)
    path.write_bytes(safetensors.numpy.save(arrays, {"jaxnst": text}))
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save_weights(path, random_params(), METADATA, kernel_dtype="float16")
    return path


@pytest.mark.parametrize("net", NETS)
def test_bundled_weights_have_every_array(net):
    params = load_vgg(net)
    assert params.pop("mean").shape == (3,)
    assert {conv: layer["kernel"].shape for conv, layer in params.items()} == conv_shapes(net)
    for layer in params.values():
        assert layer["bias"].shape == layer["kernel"].shape[-1:]
        assert layer["bias"].dtype == layer["kernel"].dtype == jnp.float32


def test_bundled_weights_say_whose_they_are():
    for file, net in zip(list_weights(), NETS, strict=True):
        assert (file.name, file.problem, file.metadata["net"]) == (net, "", net)
        assert file.metadata["licence"] == "CC BY 4.0"
        assert "Visual Geometry Group, University of Oxford" in file.metadata["attribution"]
        assert file.sha256 == weights.BUNDLED[net]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, "float16"])
def test_weights_are_loaded_in_any_floating_type(saved, dtype):
    params = load_vgg(saved, dtype=dtype)
    assert params["mean"].dtype == params["conv5_3"]["kernel"].dtype == dtype


def test_integer_type_is_refused(saved):
    with pytest.raises(JaxnstError, match="int32 is not a floating-point type"):
        load_vgg(saved, dtype=jnp.int32)


def test_round_trip_is_exact_in_float32(tmp_path):
    params = random_params()
    save_weights(tmp_path / "a.safetensors", params, METADATA)
    loaded = load_vgg(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(loaded["mean"], params["mean"])
    for conv in conv_shapes("vgg16"):
        for part in ("kernel", "bias"):
            np.testing.assert_array_equal(loaded[conv][part], params[conv][part])


def test_transposed_views_come_back_in_their_own_order(tmp_path):
    params = random_params()
    kernel = params["conv1_2"]["kernel"]
    view = kernel.transpose(3, 2, 0, 1).copy().transpose(2, 3, 1, 0)  # as OIHW files are read
    params["conv1_2"] = params["conv1_2"] | {"kernel": view}
    save_weights(tmp_path / "a.safetensors", params, METADATA)
    np.testing.assert_array_equal(load_vgg(tmp_path / "a.safetensors")["conv1_2"]["kernel"], kernel)


def test_float16_rounds_kernels_only(saved):
    params, loaded = random_params(), load_vgg(saved)
    for conv in conv_shapes("vgg16"):
        np.testing.assert_array_equal(loaded[conv]["bias"], params[conv]["bias"])
        np.testing.assert_allclose(
            loaded[conv]["kernel"], params[conv]["kernel"], rtol=2**-11, atol=2**-25
        )


def test_same_weights_give_the_same_file(tmp_path, saved):
    metadata = dict(reversed(METADATA.items()))
    save_weights(tmp_path / "b.safetensors", random_params(), metadata, kernel_dtype="float16")
    assert (tmp_path / "b.safetensors").read_bytes() == saved.read_bytes()


def test_overflow_is_refused_and_nothing_written(tmp_path):
    params = random_params()
    params["conv1_1"] = params["conv1_1"] | {"kernel": params["conv1_1"]["kernel"] * 1e6}
    with pytest.raises(JaxnstError, match="conv1_1/kernel overflows float16: store it as float32"):
        save_weights(tmp_path / "a.safetensors", params, METADATA, kernel_dtype="float16")
    assert not list(tmp_path.iterdir())


def test_other_suffix_is_refused(tmp_path):
    with pytest.raises(JaxnstError, match=r"a\.npz: weights are written as \.safetensors"):
        save_weights(tmp_path / "a.npz", random_params(), METADATA)


def test_other_kernel_type_is_refused(tmp_path):
    with pytest.raises(JaxnstError, match="kernel_dtype 'int8': use float16 or float32"):
        save_weights(tmp_path / "a.safetensors", random_params(), METADATA, kernel_dtype="int8")


def test_incomplete_parameters_are_not_written(tmp_path):
    params = random_params()
    del params["conv2_2"]
    params["fc6"] = {"bias": np.zeros(3)}
    with pytest.raises(JaxnstError) as error:
        save_weights(tmp_path / "a.safetensors", params, METADATA)
    assert "missing conv2_2/kernel, conv2_2/bias; left over fc6/bias" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_wrong_shape_is_refused(tmp_path):
    params = random_params()
    params["conv3_1"] = params["conv3_1"] | {"bias": np.zeros(128, np.float32)}
    with pytest.raises(JaxnstError, match=r"conv3_1/bias has shape \(128,\): vgg16 needs \(256,\)"):
        save_weights(tmp_path / "a.safetensors", params, METADATA)


def test_nan_is_refused(tmp_path):
    params = random_params() | {"mean": np.array([0.5, np.nan, 0.5], np.float32)}
    with pytest.raises(JaxnstError, match="mean holds values that are not finite"):
        save_weights(tmp_path / "a.safetensors", params, METADATA)


def test_many_missing_arrays_are_one_short_line(tmp_path):
    path = write(tmp_path / "a.safetensors", {"mean": np.zeros(3, np.float32)})
    with pytest.raises(JaxnstError) as error:
        load_vgg(path)
    assert str(error.value).startswith(f"{path}: is not a whole vgg16: missing conv1_1/kernel, ")
    assert str(error.value).endswith(" and 20 more")


def test_altered_bundled_file_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "assets" / "weights"
    folder.mkdir(parents=True)
    data = bytearray(weights._read("vgg16"))
    data[-1] ^= 1  # the lowest bit of one weight
    (folder / "vgg16.safetensors").write_bytes(data)
    monkeypatch.setattr(weights.resources, "files", lambda package: tmp_path)
    with pytest.raises(JaxnstError, match="vgg16: the bundled weights were altered: install"):
        load_vgg("vgg16")
    (report,) = verify(["vgg16"])
    assert "altered" in report.problem
    assert report.sha256 == hashlib.sha256(data).hexdigest()


def test_missing_bundled_file_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(weights.resources, "files", lambda package: tmp_path)
    with pytest.raises(JaxnstError, match=r"vgg16: cannot be read \(No such file or directory\)"):
        load_vgg("vgg16")


@pytest.mark.parametrize("source", ["vgg11", "/nowhere/a.safetensors", "."])
def test_neither_net_nor_file(source):
    with pytest.raises(JaxnstError, match="no such net or file: give vgg16 or vgg19, or the path"):
        load_vgg(source)


@pytest.mark.parametrize(
    "data", [b"abc", b"\xff" * 100, b"\x02" + b"\0" * 7 + b"{}", b"\x02" + b"\0" * 7 + b"[]"]
)
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(JaxnstError, match="is not a jaxnst weight file: convert it first with"):
        load_vgg(tmp_path / "a.safetensors")


def test_plain_safetensors_are_to_be_converted(tmp_path):
    safetensors.numpy.save_file({"features.0.bias": np.zeros(64)}, tmp_path / "a.safetensors")
    with pytest.raises(JaxnstError, match="convert it first with `jaxnst weights convert`"):
        load_vgg(tmp_path / "a.safetensors")


@pytest.mark.parametrize("metadata", [{"format": "2"}, {"net": "vgg11"}])
def test_other_versions_are_refused(tmp_path, metadata):
    path = write(tmp_path / "a.safetensors", {"mean": np.zeros(3, np.float32)}, **metadata)
    with pytest.raises(JaxnstError, match="is of another jaxnst version's format"):
        load_vgg(path)


def test_truncated_file_is_damaged(tmp_path, saved):
    (tmp_path / "a.safetensors").write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(JaxnstError, match=r"a\.safetensors: is damaged \(.+\): get it again"):
        load_vgg(tmp_path / "a.safetensors")


def test_verify_reports_on_every_file(tmp_path, saved):
    good, missing = verify([str(saved), tmp_path / "none"])
    assert (good.problem, good.metadata["source"]) == ("", "chance")
    assert good.size == saved.stat().st_size
    assert (missing.size, missing.sha256) == (0, "")
    assert "there is no such net or file" in missing.problem
