"""The tools and benchmarks that stand beside the package."""

import dataclasses
import datetime
import functools
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stylize_files import picture
from training_files import LAYERS, photos, small_vgg, start
from vgg_files import random_params

from jaxnst.networks.kinds import Slim
from jaxnst.networks.model_file import load_model
from jaxnst.perceptual.losses import perceptual_loss
from jaxnst.perceptual.targets import Targets, content_targets, style_targets
from jaxnst.perceptual.weights import save_weights
from jaxnst.training.options import StyleOptions
from jaxnst.training.style_task import StyleTask

ROOT = Path(__file__).parents[2]

GALLERY = """
[[styles]]
name = "udnie"
file = "blots.png"
title = "Blots"
artist = "Nobody"
year = "2000"
size = 64
"""

CONFIG = """
seed = 3
net = "{net}"
[network]
network = "{network}"
width = 4
blocks = 1
[data]
crop = 96
batch = 2
[loss]
content_layers = ["relu1_2"]
style_layers = ["relu1_1"]
[style]
repetition_weight = 1.0
[optimizer]
average = 0.9
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The command that trains a small network of each kind on made-up pictures."""
    net = tmp_path / "net.safetensors"
    save_weights(net, random_params(), {"net": "vgg16"})
    photos(tmp_path / "photos")
    for folder in ("styles", "configs"):
        (tmp_path / folder).mkdir()
    picture(tmp_path / "styles" / "blots.png", 99, 64, 64)
    (tmp_path / "gallery.toml").write_text(GALLERY)
    for name, network in (("add_style", "slim"), ("johnson_style", "johnson")):
        text = CONFIG.format(net=net, network=network)
        (tmp_path / "configs" / f"{name}.toml").write_text(text)
    tool = [sys.executable, ROOT / "tools" / "train_gallery.py", "--crop", "64"]
    tool += ["--gallery", tmp_path / "gallery.toml", "--configs", tmp_path / "configs"]
    return [*map(str, tool), "--data", str(tmp_path), "--out", str(tmp_path / "out")]


@pytest.fixture(scope="module")
def start_tool(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.Popen]:
    """Starts the tool; later runs find in the cache what the first one compiled."""
    return functools.partial(
        start,
        PYTHONPATH=str(ROOT),
        JAX_COMPILATION_CACHE_DIR=str(tmp_path_factory.mktemp("cache")),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )


def printed_by(process: subprocess.Popen) -> str:
    """What a run prints that ends well."""
    out, err = process.communicate(timeout=3000)
    assert process.returncode == 0, err
    return out


@pytest.mark.slow
def test_train_gallery_trains_what_it_is_told_and_goes_on_from_it(
    start_tool: Callable[..., subprocess.Popen], words: list[str], tmp_path: Path
) -> None:
    out, pack = tmp_path / "out", tmp_path / "all.tar"
    printed = printed_by(start_tool([*words, "--minutes", "0.05", "--pack", str(pack)]))
    assert "slim/udnie" in printed
    assert "johnson/udnie" in printed
    names = [f"{kind}/udnie" for kind in ("slim", "johnson")]
    first = {name: load_model(out / f"{name}.safetensors") for name in names}
    for name, model in first.items():
        assert model.name == "udnie"
        assert model.style["title"] == "Blots"
        assert model.card["recipe"]["data"]["crop"] == 64
        assert {"content", "style", "repetition"} <= set(model.card["held_out"])
        with Image.open(out / f"{name}.jpg") as sheet:
            assert sheet.size == (64, 128)  # the one photo that is held out, and its painting
    with tarfile.open(pack) as tar:
        packed = {name.partition("/")[2] for name in tar.getnames()}
    assert {f"{name}{suffix}" for name in names for suffix in (".safetensors", ".jpg")} <= packed

    printed = printed_by(start_tool([*words, "--minutes", "0.05", "--only", names[0]]))
    assert names[1] not in printed
    again = load_model(out / f"{names[0]}.safetensors")
    assert again.card["images_seen"] > first[names[0]].card["images_seen"]
    assert again.card["images_seen"] == 2 * again.card["steps"]
    assert again.card["start"] == first[names[0]].card["sha256"]
    assert again.card["recipe"]["start_from"] == ""
    untouched = load_model(out / f"{names[1]}.safetensors")
    assert untouched.card == first[names[1]].card


@pytest.mark.slow
def test_ctrl_c_ends_train_gallery_with_what_it_has(
    start_tool: Callable[..., subprocess.Popen], words: list[str], tmp_path: Path
) -> None:
    process = start_tool([*words, "--minutes", "600", "--only", "slim/udnie"])
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any("step" in line for line in lines)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=3000)
    assert process.returncode == 130
    assert err.endswith("stopped at slim/udnie: the same command goes on from there\n")
    assert "Traceback" not in err
    model = load_model(tmp_path / "out" / "slim" / "udnie.safetensors")
    assert model.card["steps"] >= 20  # after as many it had said so
    assert not list(tmp_path.rglob(".jaxnst-*"))


@pytest.mark.slow
def test_train_gallery_refuses_a_style_that_is_not_there(
    start_tool: Callable[..., subprocess.Popen], words: list[str], tmp_path: Path
) -> None:
    process = start_tool([*words, "--minutes", "1", "--only", "slim/udney"])
    _, err = process.communicate(timeout=3000)
    assert process.returncode == 2
    assert err.startswith("train_gallery: error: 'slim/udney' is not in gallery.toml: did you mean")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets the benchmarks be imported."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in [name for name, module in sys.modules.items() if _is_benchmark(module)]:
        del sys.modules[name]


def _is_benchmark(module: object) -> bool:
    return Path(getattr(module, "__file__", None) or ".").parent == ROOT / "benchmarks"


@pytest.mark.slow
@pytest.mark.usefixtures("benchmarks")
def test_quality_optimizes_the_very_loss_that_networks_are_trained_on() -> None:
    from quality import as_relative

    loss = dataclasses.replace(LAYERS, style_layer_weights=(0.5, 2.0), style_weight=7.0)
    painting, *others = np.random.default_rng(1).random((3, 48, 48, 3), np.float32)
    task = StyleTask(Slim(8, 1), loss, StyleOptions())
    frozen = task.freeze(small_vgg(), painting, others, weight=3.0)
    options = as_relative(loss, frozen)
    targets = Targets(
        content_targets(small_vgg(), others[0], options),
        (style_targets(small_vgg(), painting, options),),
    )
    _, parts = perceptual_loss(small_vgg(), others[1], targets, options)
    terms = task.picture_terms(frozen, others[0][None], others[1][None])
    for name in ("content", "style"):
        np.testing.assert_allclose(parts[name], terms[name][0], rtol=1e-4)


@pytest.mark.usefixtures("benchmarks")
def test_a_benchmark_writes_where_its_figures_come_from(tmp_path: Path) -> None:
    import _record

    _record.write(None, {"ratio": 1.0})
    _record.write(tmp_path / "new" / "a.json", {"ratio": np.float32(1.5), 512: {"rows": [1, 2]}})
    found = json.loads((tmp_path / "new" / "a.json").read_text())
    assert found["figures"] == {"ratio": 1.5, "512": {"rows": [1, 2]}}
    assert set(found["machine"]) == {"cpu", "cores", "device", "python", "jax"}
    assert all(found["machine"].values())
    assert datetime.date.fromisoformat(found["date"]) <= datetime.datetime.now(datetime.UTC).date()
    assert set(found) == {"machine", "date", "commit", "figures"}


REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure/><error/></testcase>
<testcase name="c"><error/></testcase>
<testcase name="d"><skipped/></testcase><testcase name="e"><system-out/></testcase>
</testsuite></testsuites>"""


def test_what_versions_passed_is_read_off_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    from test_versions import summary

    report = tmp_path / "report.xml"
    assert summary(report) == "pytest did not run"
    report.write_text("<testsuites/>")
    assert summary(report) == "no tests"
    report.write_text(REPORT)
    assert summary(report) == "2 passed, 2 failed, 1 skipped"
