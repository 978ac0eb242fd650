"""`jaxnst export`, in this process."""

import json
import re
from pathlib import Path

import pytest
from model_files import gallery_folder, model_file, upscaling_model

from jaxnst.cli import main
from jaxnst.networks.kinds import Compact
from jaxnst.networks.model_file import save_model

onnx = pytest.importorskip("onnx", reason="pip install 'jaxnst[export]'")


def run(*words: object) -> int:
    return main(["export", *map(str, words)])


def title(path: Path) -> str:
    return onnx.load(path).doc_string


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    return gallery_folder(tmp_path)


@pytest.fixture
def upscaler(tmp_path: Path) -> Path:
    save_model(tmp_path / "x2.safetensors", upscaling_model(Compact(2, 4, 1)))
    return tmp_path / "x2.safetensors"


def test_a_style_of_a_gallery_is_exported(gallery: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out.onnx"
    assert run(gallery, "--style", "kiss", "-o", out) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: slim network, The kiss, float32, ")
    assert title(out) == "The kiss"


def test_a_blend_is_exported_as_stylize_paints_it(gallery: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    words = ["--style", "wave", "kiss", "--blend", 3, 1, "--strength", 0.5]
    assert run(gallery, *words, "-o", out) == 0
    assert title(out) == "75% wave + 25% kiss, strength 0.5"


def test_the_one_style_of_a_file_needs_no_name(tmp_path: Path) -> None:
    assert run(model_file(tmp_path), "-o", tmp_path / "out.onnx") == 0
    assert title(tmp_path / "out.onnx") == "The wave"


def test_json_has_the_figures_of_the_check(upscaler: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("onnxruntime", reason="pip install 'jaxnst[export]'")
    out = tmp_path / "out.onnx"
    words = ["--float", "--weights", "float16", "--check", "--json"]
    assert run(upscaler, *words, "-o", out) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bytes"] == out.stat().st_size
    assert report["weights"] == "float16"
    assert len({(row["height"], row["width"]) for row in report["check"]}) == 3
    assert all(row["difference"] <= 1 and row["seconds"] > 0 for row in report["check"])


def test_the_check_of_stablehlo_is_printed(upscaler: Path, tmp_path: Path, capsys) -> None:
    assert run(upscaler, "--check", "-o", tmp_path / "out.stablehlo") == 0
    first, *rows = capsys.readouterr().out.splitlines()
    assert "compact network, x2, float32" in first
    assert len(rows) == 3
    assert all(re.match(r"  \d+ x \d+: at most [01]/255 from jaxnst's; ", row) for row in rows)


@pytest.mark.slow
def test_a_gallery_is_exported_for_browsers(gallery: Path, tmp_path: Path, capsys) -> None:
    assert run(gallery, "--for-browser", "-o", tmp_path / "models") == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'models'}: 2 styles, ")
    words = ["--style", "kiss", "--json"]
    assert run(gallery, "--for-browser", *words, "-o", tmp_path / "models") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["styles"] == ["kiss"]
    sizes = [path.stat().st_size for path in (tmp_path / "models").iterdir()]
    assert 0.5 * sum(sizes) < report["bytes"] < sum(sizes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["small", "--for-browser", "--strength", "2"], "--strength is not for --for-browser"),
        (["small", "--for-browser", "--float"], "--float is not for --for-browser"),
        (["x2.safetensors", "--for-browser"], "x2.safetensors: has no style"),
        (["small", "--for-browser", "-o", "out.onnx"], "out.onnx: is not a folder of an earlier"),
        (["small", "--for-browser", "-o", "none/models"], "none/models: cannot be made (No such"),
        (["slimm"], "model 'slimm' is unknown: did you mean 'slim'?"),
        (["decoder_relu3_1"], "decoder_relu3_1: is a decoder, which paints only with VGG-19"),
        (["none.safetensors"], "none.safetensors: there is no such file"),
        (["small"], "small: has 2 styles: give --style"),
        (["small", "--style", "kis"], "style 'kis' is unknown: did you mean 'kiss'?"),
        (["small", "--style", "kiss", "--blend", "1", "2"], "--blend has 2 values, and --style 1"),
        (["small", "--style", "kiss", "wave"], "give --blend with a weight for each"),
        (["small", "--style", "kiss", "--blend", "0"], "the weights of all styles are 0"),
        (["small", "--style", "kiss", "--strength", "3"], "strength is 3"),
        (["x2.safetensors", "--style", "kiss"], "x2.safetensors: enlarges pictures and has no st"),
        (["x2.safetensors", "-o", "x2.safetensors"], "networks are exported as .onnx or"),
        (["x2.safetensors", "-o", "a.stablehlo", "--weights", "int8"], "store no int8"),
        (["x2.safetensors", "-o", "none/a.onnx"], "there is no folder"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(
    gallery: Path, upscaler: Path, tmp_path: Path, monkeypatch, capsys, words, message
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out.onnx").write_bytes(b"of old")
    output = [] if "-o" in words else ["-o", "out.onnx"]
    assert run(*words, *output) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"small", "x2.safetensors", "out.onnx"}
    assert (tmp_path / "out.onnx").read_bytes() == b"of old"


def test_a_check_that_cannot_be_run_is_refused_before_the_work(
    upscaler: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(upscaler, "--check", "-o", tmp_path / "out.onnx") == 2
    assert ".onnx files need onnxruntime: pip install 'jaxnst[export]'" in capsys.readouterr().err
    assert not (tmp_path / "out.onnx").exists()
