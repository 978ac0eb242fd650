"""Presets: those that ship, one's own, and what is wrong with a file."""

import dataclasses

import numpy as np
import pytest

from jaxnst.cli.stylize import parse_stylize
from jaxnst.errors import JaxnstError
from jaxnst.optimize.presets import PaintOptions, load_preset, override, preset_names
from jaxnst.perceptual.vgg_layers import NETS, check_layers


@pytest.mark.parametrize("name", preset_names())
def test_presets_that_ship(name):
    options = load_preset(name)
    assert options.net in NETS
    check_layers(options.net, (*options.loss.content_layers, *options.loss.style_layers))


def test_names():
    assert {"default", "fast"} <= set(preset_names())


def test_file_of_ones_own(tmp_path):
    path = tmp_path / "my own.toml"
    path.write_text(
        'size = 100\n[loss]\nstyle_weight = 3\nstyle_layers = ["relu1_1"]\n[optimize]\nseed = 4\n'
    )
    options = load_preset(str(path))
    default = PaintOptions()
    assert options == dataclasses.replace(
        default,
        size=100,
        loss=dataclasses.replace(default.loss, style_weight=3.0, style_layers=("relu1_1",)),
        optimize=dataclasses.replace(default.optimize, seed=4),
    )
    assert type(options.loss.style_weight) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("siz = 3", "'siz' is not an option: did you mean 'size'?"),
        ("[loss]\nstyle_wait = 3", "'style_wait' is not an option: did you mean 'style_weight'?"),
        ("size = 10", "size is 10: give a finite number, at least 32"),
        ('size = "x"', "size = 'x' has the wrong type: expected int"),
        ("size = 64.5", "size = 64.5 has the wrong type: expected int"),
        ("size = true", "size = True has the wrong type: expected int"),
        ("style_scale = false", "has the wrong type: expected float"),
        ("style_scale = nan", "style_scale is nan"),
        ("[loss]\ntv_weight = inf", "tv_weight is inf"),
        ("[loss]\ntv_weight = 1" + "0" * 400, "has the wrong type: expected float"),
        ('keep_colors = "lum"', "expected one of 'no', 'luma', 'match'"),
        ("net = 3", "net = 3 has the wrong type: expected str"),
        ("[loss]\nstyle_layers = 3", "style_layers = 3 has the wrong type: expected a list of str"),
        ("[loss]\nstyle_layers = [3]", "style_layers = 3 has the wrong type: expected str"),
        ("loss = 3", "loss = 3 has the wrong type: expected a table"),
        ("[size]\nx = 1", "expected int"),
        ("size = ", "not a TOML file that can be read (Invalid value (at"),
        ("x = " + "[" * 9000, "not a TOML file that can be read"),
        ("size = " + "9" * 9000, "not a TOML file that can be read"),
        ("", "is empty"),
    ],
)
def test_bad_files_are_one_line_that_names_them(tmp_path, text, message):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(JaxnstError) as caught:
        load_preset(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.toml").mkdir()
    for name, message in {
        "binary": "can't decode", "folder": "is a folder", "none": "there is no such file",
    }.items():  # fmt: skip
        with pytest.raises(JaxnstError, match=message):
            load_preset(str(tmp_path / f"{name}.toml"))


def test_unknown_name():
    with pytest.raises(JaxnstError, match="'fats' is unknown: did you mean 'fast'"):
        load_preset("fats")


@pytest.mark.parametrize(
    "words",
    [
        ["--preset", "fast", "--size", "77"],
        ["--size=77", "--preset=fast"],
        ["--preset", "default", "--size", "77", "--preset", "fast"],  # the last one counts
    ],
)
def test_command_line_beats_the_preset_which_beats_the_defaults(words):
    paint = parse_stylize(["a.png", "-o", "b.png", *words]).paint
    assert paint == dataclasses.replace(load_preset("fast"), size=77)


def test_after_two_dashes_there_are_only_files():
    command = parse_stylize(["-o", "b.png", "--", "--preset", "none"])
    assert [str(path) for path in command.content] == ["--preset", "none"]


# Overrides from Python


def test_override():
    default = PaintOptions()
    loss = dataclasses.replace(default.loss, tv_weight=2.0)
    changed = override(
        default, {"size": np.int64(64), "style_layers": ["relu1_1"], "seed": 3, "loss": loss}
    )
    assert changed.size == 64
    assert type(changed.size) is int
    assert changed.loss == dataclasses.replace(loss, style_layers=("relu1_1",))
    assert changed.optimize == dataclasses.replace(default.optimize, seed=3)
    assert override(default, {"style_weight": np.float32(0.5)}).loss.style_weight == 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"siez": 3}, "'siez' is not an option: did you mean 'size'?"),
        ({"size": "64"}, "size = '64' has the wrong type: expected int"),
        ({"style_weight": -1}, "style_weight is -1.0: give"),
        ({"loss": 3}, "loss = 3 has the wrong type"),
        ({"style_layers": "relu1_1"}, "expected a list of str"),
    ],
)
def test_bad_overrides(values, message):
    with pytest.raises(JaxnstError) as caught:
        override(PaintOptions(), values)
    assert message in str(caught.value)
