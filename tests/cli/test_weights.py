"""`jaxnst weights`: what is printed, what is refused, and that a failure leaves nothing behind."""

import hashlib
import io
import json
import tempfile
import urllib.error
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from vgg_files import random_arrays, random_params, state_dict, write_keras

from jaxnst.cli import main
from jaxnst.cli import weights as cli
from jaxnst.perceptual.weights import BUNDLED, load_vgg, save_weights


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A state dict with torchvision's names."""
    path = tmp_path_factory.mktemp("source") / "net.safetensors"
    head = {"classifier.6.bias": np.zeros(10, np.float32)}
    safetensors.numpy.save_file(state_dict(random_arrays()) | head, path)
    return path


def refused(capsys, *args: object) -> str:
    """The error line of a command that must exit with 2."""
    assert main(["weights", *map(str, args)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("jaxnst: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_list(capsys):
    assert main(["weights", "list"]) == 0
    out = capsys.readouterr().out
    assert "vgg16: ok, 29.4 MB, sha256" in out
    assert "vgg19: ok, 40.1 MB, sha256" in out
    assert out.count("CC BY 4.0") == 2


@pytest.mark.parametrize("command", ["list", "verify"])
def test_json(capsys, command):
    assert main(["weights", command, "--json"]) == 0
    files = json.loads(capsys.readouterr().out)
    assert {file["name"]: file["sha256"] for file in files} == BUNDLED
    assert not any(file["problem"] for file in files)


def test_verify_refuses_a_broken_file_and_reports_on_the_rest(capsys, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"broken")
    assert main(["weights", "verify", "vgg16", str(tmp_path / "a.safetensors")]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("vgg16: ok")
    assert "a.safetensors: is not a jaxnst weight file" in captured.err


def test_convert(capsys, tmp_path, source):
    out = tmp_path / "out.safetensors"
    assert main(["weights", "convert", str(source), "-o", str(out), "--dtype", "float16"]) == 0
    printed = capsys.readouterr().out
    assert "out.safetensors: vgg16, 29.4 MB, float16" in printed
    assert "torchvision (assumed: if the weights want BGR in 0..255, convert with" in printed
    assert "left out: classifier.6.bias" in printed
    np.testing.assert_allclose(load_vgg(out)["mean"], [0.485, 0.456, 0.406], rtol=1e-6)


def test_convert_with_a_convention(capsys, tmp_path, source):
    out = tmp_path / "out.safetensors"
    args = ["weights", "convert", str(source), "--out", str(out), "--convention", "caffe"]
    assert main(args) == 0
    assert "convention: caffe (as you said)" in capsys.readouterr().out
    np.testing.assert_allclose(load_vgg(out)["mean"][0], 123.68 / 255, rtol=1e-6)


def test_output_that_is_the_input_is_refused(capsys, tmp_path, source):
    link = tmp_path / "link.safetensors"
    link.symlink_to(source)
    before = source.stat().st_mtime_ns
    assert "is the source itself" in refused(capsys, "convert", source, "-o", link)
    assert source.stat().st_mtime_ns == before


def test_outputs_that_cannot_be_written_are_refused(capsys, tmp_path, source):
    missing = tmp_path / "none" / "out.safetensors"
    assert "there is no folder" in refused(capsys, "convert", source, "-o", missing)
    assert "name it so" in refused(capsys, "convert", source, "-o", tmp_path / "out.npz")
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    assert "not a regular file" in refused(capsys, "fetch", "vgg16", "-o", folder)


def test_source_that_is_no_vgg_is_refused(capsys, tmp_path):
    (tmp_path / "a.h5").write_bytes(b"nothing")
    out = tmp_path / "out.safetensors"
    assert "cannot be read as a Keras file" in refused(
        capsys, "convert", tmp_path / "a.h5", "-o", out
    )
    assert not out.exists()


def serve(monkeypatch, tmp_path: Path, data: bytes) -> Path:
    """Makes urlopen answer with the data; returns the folder for temporary files."""
    headers = Message()
    headers["Content-Length"] = str(len(data))

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        assert url.startswith("https://")
        response = io.BytesIO(data)
        response.headers = headers  # type: ignore[attr-defined]
        return response

    monkeypatch.setattr(cli.urllib.request, "urlopen", urlopen)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_fetch(capsys, monkeypatch, tmp_path):
    write_keras(tmp_path / "a.h5", random_arrays(), "{layer}/{layer}_{W}_1:0")
    data, out = (tmp_path / "a.h5").read_bytes(), tmp_path / "out.safetensors"
    temporary = serve(monkeypatch, tmp_path, data)
    monkeypatch.setitem(cli.PUBLISHED_MD5, "vgg16", hashlib.md5(data).hexdigest())
    assert main(["weights", "fetch", "vgg16", "-o", str(out)]) == 0
    assert "out.safetensors: vgg16, 58.9 MB, float32; MD5 as published" in capsys.readouterr().out
    expected = random_params()["conv5_3"]["kernel"]
    np.testing.assert_array_equal(load_vgg(out)["conv5_3"]["kernel"], expected)
    assert not list(temporary.iterdir())


def test_fetch_of_another_file_is_refused(capsys, monkeypatch, tmp_path):
    temporary, out = serve(monkeypatch, tmp_path, b"<html>"), tmp_path / "out.safetensors"
    assert main(["weights", "fetch", "vgg19", "-o", str(out)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "published is 253f8cb515780f3b799900260a226db6: nothing kept; try again" in error
    assert not out.exists()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "failure", [urllib.error.URLError(OSError("no route")), TimeoutError("no route")]
)
def test_fetch_offline_is_one_line_and_leaves_nothing(capsys, monkeypatch, tmp_path, failure):
    temporary, out = serve(monkeypatch, tmp_path, b""), tmp_path / "out.safetensors"

    def urlopen(url: str, timeout: float) -> None:
        raise failure

    monkeypatch.setattr(cli.urllib.request, "urlopen", urlopen)
    error = refused(capsys, "fetch", "vgg16", "-o", out)
    assert "cannot be downloaded (no route): check the connection" in error
    assert not out.exists()
    assert not list(temporary.iterdir())


def test_fetch_says_beforehand_that_h5py_is_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    error = refused(capsys, "fetch", "vgg16", "-o", tmp_path / "out.safetensors")
    assert "needs h5py: pip install 'jaxnst[convert]'" in error


@pytest.mark.parametrize("args", [[], ["fetch", "vgg11", "-o", "a"], ["convert"]])
def test_wrong_usage_exits_with_2(capsys, args):
    assert main(["weights", *args]) == 2
    assert capsys.readouterr().err


def test_file_text_cannot_control_the_terminal(capsys, tmp_path):
    path = tmp_path / "a.safetensors"
    metadata = {"net": "vgg16", "source": "\x1b[2Jsource"}
    save_weights(path, random_params(), metadata, kernel_dtype="float16")
    assert main(["weights", "verify", str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
