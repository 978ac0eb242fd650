"""`jaxnst upscale`, in this process."""

import dataclasses
import io
import json
import re
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from model_files import model_file, upscaling_model
from PIL import Image
from stylize_files import cut_outs, picture, pixels, tree

from jaxnst.cli import main
from jaxnst.io.embedded_settings import read_settings
from jaxnst.networks.kinds import Compact
from jaxnst.networks.model_file import save_model


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxnst.cli.upscale.use_compilation_cache", lambda: None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_model(tmp_path / "x2.safetensors", upscaling_model(Compact(2, 4, 1)))
    return tmp_path / "x2.safetensors"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return picture(tmp_path / "photo.png", 1, 20, 14)


def run(*words: object) -> int:
    return main(["upscale", *map(str, words)])


def test_help_warns_of_what_compression_leaves(capsys) -> None:
    assert run("--help") == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "the ripples that JPEG leaves along edges are sharpened too" in text


def test_a_picture_becomes_larger(photo: Path, model: Path, capsys) -> None:
    out = photo.with_name("big.png")
    assert run(photo, "--model", model, "-o", out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert pixels(out).shape == (28, 40, 3)
    record = read_settings(out)
    assert record is not None
    assert record["options"]["scale"] == 2
    assert run(photo, "--model", model, "-o", out) == 0
    assert "already there" in capsys.readouterr().err


def test_progress_is_per_cent_and_has_no_rate(photo: Path, model: Path, capsys) -> None:
    assert run(photo, "--model", model, "-o", photo.with_name("big.png")) == 0
    said = capsys.readouterr().err
    assert re.search(r"^photo \+ x2: 100 %", said, re.MULTILINE)
    assert "/s" not in said


def test_alpha_and_gray_are_kept(tmp_path: Path, model: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (9, 11, 2), np.uint8), "LA").save(tmp_path / "la.png")
    assert run(tmp_path / "la.png", "--model", model, "-o", tmp_path / "out.png") == 0
    result = pixels(tmp_path / "out.png")
    assert result.shape == (18, 22, 4)
    assert np.all(result[..., :3] == result[..., :1])
    assert result[..., 3].std() > 10


def test_the_color_profile_is_kept(tmp_path: Path, model: Path) -> None:
    profile = b"RGB ".rjust(20, b"\0").ljust(128, b"\0")
    Image.new("RGB", (40, 40), "teal").save(tmp_path / "a.png", icc_profile=profile)
    assert run(tmp_path / "a.png", "--model", model, "-o", tmp_path / "b.jpg") == 0
    with Image.open(tmp_path / "b.jpg") as enlarged:
        assert enlarged.info["icc_profile"] == profile


def test_colors_under_transparency_do_not_bleed_into_edges(tmp_path: Path, model: Path) -> None:
    results = []
    for path in cut_outs(tmp_path, 24):
        assert run(path, "--model", model, "-o", tmp_path / f"big_{path.name}") == 0
        results.append(pixels(tmp_path / f"big_{path.name}"))
    for result in results:
        np.testing.assert_array_equal(result, results[0])


def test_a_cut_out_of_one_color_keeps_it_at_its_edges(tmp_path: Path) -> None:
    model = upscaling_model(Compact(2, 4, 1))
    bicubic = dataclasses.replace(model, params=jax.tree.map(np.zeros_like, model.params))
    save_model(tmp_path / "bicubic.safetensors", bicubic)
    image = Image.new("RGBA", (24, 24), (0, 255, 0, 0))
    image.paste((200, 40, 40, 255), (6, 6, 18, 18))
    image.save(tmp_path / "red.png")
    out = tmp_path / "big.png"
    assert run(tmp_path / "red.png", "--model", tmp_path / "bicubic.safetensors", "-o", out) == 0
    result = pixels(out)
    visible = result[result[..., 3] > 0]
    assert len(visible) >= 24 * 24
    assert np.abs(visible[:, :3].astype(int) - [200, 40, 40]).max() <= 1


def test_a_folder_of_pictures(tmp_path: Path, model: Path, capsys) -> None:
    (tmp_path / "in").mkdir()
    for i in range(2):
        picture(tmp_path / "in" / f"{i}.png", i, 12 + i, 10)
    assert run(tmp_path / "in", "--model", model, "-o", tmp_path / "out", "--json", "--quiet") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(row["output"]).name for row in rows] == ["0_x2.png", "1_x2.png"]


def test_colors_can_be_those_of_the_photo(photo: Path, model: Path) -> None:
    plain, matched = photo.with_name("plain.png"), photo.with_name("matched.png")
    assert run(photo, "--model", model, "-o", plain) == 0
    assert run(photo, "--model", model, "-o", matched, "--match-histogram") == 0
    means = {path: pixels(path).mean((0, 1)) for path in (photo, plain, matched)}
    before, after = (np.abs(means[path] - means[photo]).max() for path in (plain, matched))
    assert after < 0.5 * before


def test_standard_streams(photo: Path, model: Path, monkeypatch) -> None:
    class Stream:
        def __init__(self, data: bytes = b"") -> None:
            self.buffer = io.BytesIO(data)

        def flush(self) -> None: ...

        def write(self, text: str) -> None: ...

    out = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(photo.read_bytes()))
    monkeypatch.setattr(sys, "stdout", out)
    assert run("-", "--model", model, "-o", "-", "--quiet") == 0
    assert Image.open(io.BytesIO(out.buffer.getvalue())).size == (40, 28)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scale", "5"], "no network enlarges 5 times: the scale can be 2, 4, 8"),
        (["--scale", "2", "--sharp"], "no sharp network enlarges 2 times: the scale can be 4, 8"),
        (["--model", "x2.safetensors", "--sharp"], "--sharp chooses the network"),
        (["--model", "x2.safetensors", "--scale", "4"], "enlarges 2 times, not 4"),
        (["--model", "x2.safetensors", "--quality", "0"], "quality is 0"),
        (
            ["--model", "small.safetensors"],
            "small.safetensors does not enlarge: give one of johnson_upscale_x4, upscale_x2",
        ),
        (["--model", "nothing"], "model 'nothing' is unknown"),
        (["--model", "upscale_x3"], "did you mean 'upscale_x8'? There are johnson_upscale_x4, u"),
    ],
)
def test_wrong_input_is_one_line(
    photo: Path, model: Path, capsys, monkeypatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(photo.parent)
    model_file(photo.parent)
    before = tree(photo.parent)
    assert run("photo.png", "-o", "big.png", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert tree(photo.parent) == before


def test_what_is_no_picture_leaves_nothing(tmp_path: Path, model: Path, capsys) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert run(tmp_path / "bad.png", "--model", model, "-o", tmp_path / "o.png", "--quiet") == 2
    assert "not a picture" in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()


def test_too_little_memory_is_told_with_what_helps_here(
    photo: Path, model: Path, capsys, monkeypatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("jaxnst.cli.upscale.enlarge_picture", fail)
    assert run(photo, "--model", model, "-o", photo.with_name("o.png"), "--quiet") == 2
    advice = "give a smaller picture, or a smaller --scale"
    assert capsys.readouterr().err == f"jaxnst: error: there is not enough memory: {advice}\n"
