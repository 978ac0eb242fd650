"""What README and documentation show runs, and what they say of the project is so."""

import dataclasses
import inspect
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jax
import nbformat
import numpy as np
import pytest
from model_files import small_model
from nbclient import NotebookClient
from PIL import Image
from web_server import serving

import jaxnst
from jaxnst.cli import COMMANDS, models, weights
from jaxnst.cli.options import Export, Live, Stylize, Train, Upscale, Web
from jaxnst.networks.model_file import Model, save_model
from jaxnst.networks.shipped import SHIPPED
from jaxnst.training.data import DataOptions, open_data

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)

SMALLER = {
    "guides/optimize.md": {"size=512": "size=48", "iterations=100": "iterations=3"},
}
"""What snippets are run with instead, to be quick."""
SLOW = {
    f"guides/{name}.md" for name in ("any_painting", "losses", "one_pass", "optimize", "upscale")
}
NEEDS_PAGE = "guides/page.md"
EXPORTED = "guides/export.md"
RECORDS = "guides/train_many.md"
OWN_STYLE = "run/model.safetensors"
OTHER_OPTIONS = {
    *("check", "clients", "file_format", "gallery", "no_deps", "rounds", "seconds", "wheel_dir"),
    *("address", "disable_usage_stats", "generate", "head"),
    *("xla_gpu_autotune_level", "xla_gpu_enable_triton_gemm"),
}
"""Options that the pages name of pip, Ray, TensorFlow Datasets and XLA, of benchmarks and tools."""

CELLS = {
    "losses_in_your_own_loop": "SIDE, STEPS = 64, 3",
    "add_a_style": (
        "from pathlib import Path\nimport jaxnst\n"
        'assets = Path(jaxnst.__file__).parent / "assets"\n'
        'PHOTOS = assets / "photos"\nPAINTING = assets / "styles" / "ember_hills.jpg"\n'
        "STEPS, CROP, BATCH, SIZE = 2, 64, 2, 64"
    ),
}
"""The cells of parameters that notebooks are run with."""


def name_of(page: Path) -> str:
    return page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT).as_posix()


def snippets(page: Path) -> str:
    """The Python of a page, one snippet after the other."""
    return "\n".join(PYTHON.findall(page.read_text(encoding="utf-8")))


def with_python() -> list:
    """The pages that show Python, but for those with a test of their own."""
    own = (NEEDS_PAGE, EXPORTED, RECORDS)
    pages = [page for page in PAGES if snippets(page) and name_of(page) not in own]
    return [
        pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] * (name_of(page) in SLOW))
        for page in pages
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch, paint):
    """The folder of a user, with the files that the snippets name."""
    for seed, name in enumerate(("photo.jpg", "painting.jpg")):
        Image.fromarray((255 * paint(seed, 48, 64)).astype(np.uint8)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_style(path: Path) -> None:
    """Writes a network as a run with add_style would."""
    start = jaxnst.load_model("slim/start")
    card = {**start.card, "style": {"name": "own"}, "start": start.card["sha256"]}
    path.parent.mkdir()
    save_model(path, Model(start.network, start.params, card))


@pytest.mark.parametrize("page", with_python())
def test_python_of_a_page_runs(page, folder):
    code = snippets(page)
    if OWN_STYLE in code:
        own_style(folder / OWN_STYLE)
    for shown, smaller in SMALLER.get(name_of(page), {}).items():
        assert shown in code
        code = code.replace(shown, smaller)
    with jax.numpy_dtype_promotion("standard"):  # as users have it
        exec(compile(code, str(page), "exec"), names := {"__name__": "__main__"})
    results = [value for value in names.values() if isinstance(value, np.ndarray | jax.Array)]
    floats = [result for result in results if result.dtype.kind == "f"]
    assert results
    assert all(np.isfinite(np.asarray(result)).all() for result in floats)


@pytest.mark.slow
def test_api_of_the_page_is_as_the_guide_says(folder):
    code, address = snippets(DOCS / NEEDS_PAGE), "http://127.0.0.1:7860"
    assert address in code
    with serving(folder) as server:
        names: dict = {}
        exec(code.replace(address, server.url), names)
    assert names["file"]


def test_exported_networks_paint_without_jaxnst(folder):
    pytest.importorskip("onnxruntime", reason="pip install 'jaxnst[export]'")
    code = snippets(DOCS / EXPORTED)
    assert not re.search(r"^\s*(import|from) jaxnst", code, re.MULTILINE)
    for suffix in ("onnx", "stablehlo"):
        jaxnst.export_model(f"starry_night.{suffix}", small_model())
    exec(compile(code, EXPORTED, "exec"), names := {})
    wanted = jaxnst.Stylizer(small_model())(names["photo"], "wave").astype(int)
    with Image.open("painting.png") as painting:
        assert np.abs(np.asarray(painting) - wanted).max() <= 1
    assert np.abs(names["painting"] - wanted).max() <= 1


def test_array_records_as_the_guide_writes_them_can_be_trained_from(folder):
    pytest.importorskip("array_record", reason="array_record has no wheel for this machine")
    (folder / "photos" / "deeper").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "deeper/c.jpg"):
        shutil.copy("photo.jpg", folder / "photos" / name)
    exec(compile(snippets(DOCS / RECORDS), RECORDS, "exec"), {})
    data = open_data(DataOptions(source="records:train-*.array_record", held_out=0), seed=0).train
    assert len(data) == 3
    with Image.open("photo.jpg") as photo:
        assert all(np.array_equal(data[number], photo) for number in range(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_notebook_runs(name, tmp_path, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)  # one device, as a user has
    notebook = nbformat.read(DOCS / "notebooks" / f"{name}.ipynb", as_version=4)
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    assert len(cells) == 1
    assert set(re.findall(r"\b[A-Z]{3,}\b", CELLS[name])) >= assigned(cells[0].source)
    cells[0].source = CELLS[name]
    NotebookClient(notebook, timeout=None, resources={"metadata": {"path": tmp_path}}).execute()


def assigned(source: str) -> set[str]:
    """The names in capitals that a cell of parameters sets."""
    left = [line.split("=")[0] for line in source.splitlines() if re.match(r"[A-Z, ]+ = ", line)]
    return set(re.findall(r"[A-Z]+", " ".join(left)))


def test_commands_of_the_pages_exist():
    blocks = [block for page in PAGES for block in SHELL.findall(page.read_text(encoding="utf-8"))]
    used = set(re.findall(r"(?:^|[|&] )jaxnst (\w+)", "\n".join(blocks), re.MULTILINE))
    assert used
    assert used <= set(COMMANDS)


def test_options_of_the_pages_exist():
    """Long options on the pages are those of jaxnst, or of the other programs that they name."""
    known = {"coordinator", "data", "float", "out", "help", "version"} | OTHER_OPTIONS
    for options in (Stylize, Live, Upscale, Export, Train, Web):
        known |= fields_in(options)
    for command in (models, weights):
        known |= {name for _, f in inspect.getmembers(command, inspect.isfunction)
                  for name in inspect.signature(f).parameters}  # fmt: skip
    unknown = {
        f"{name_of(page)}: --{name}"
        for page in PAGES
        for name in re.findall(r"(?<![\w-])--([a-z][\w-]+)", page.read_text(encoding="utf-8"))
        if name.replace("-", "_") not in known
    }
    assert unknown == set()


def fields_in(options: type) -> set[str]:
    """The names of a dataclass's fields, and of those in it."""
    found = set()
    for field in dataclasses.fields(options):
        found.add(field.name)
        if dataclasses.is_dataclass(field.default_factory):
            found |= fields_in(field.default_factory)
    return found


def test_every_public_name_is_in_the_api():
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    assert set(re.findall(r"^::: jaxnst\.(\w+)$", text, re.MULTILINE)) == set(jaxnst.__all__)


def test_model_zoo_is_of_the_networks_that_ship(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import make_model_zoo

    assert (DOCS / "model_zoo.md").read_text(encoding="utf-8") == make_model_zoo.page()
    shown = {path.name for path in (DOCS / "zoo").iterdir()}
    styles = [name.split("/") for name in SHIPPED if "/" in name]
    assert shown == {f"{a}_{b}.jpg" for a, b in styles if b != "start"}


def test_files_that_the_pages_name_are_there():
    folders = "benchmarks|configs|docs|examples|jaxnst|tests|tools"
    named = {
        path for page in PAGES
        for path in re.findall(rf"`((?:{folders})/[\w/.]+)`", page.read_text(encoding="utf-8"))
    }  # fmt: skip
    assert named
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_version_is_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert headings[:2] == ["Unreleased", jaxnst.__version__]


@pytest.mark.slow
def test_wheel_has_all_that_ships_and_is_small(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("jaxnst-*.whl")
    assert wheel.name.startswith(f"jaxnst-{jaxnst.__version__}-")
    assert wheel.stat().st_size < 100e6
    names = set(zipfile.ZipFile(wheel).namelist())
    networks = {f"jaxnst/assets/models/{name}.safetensors" for name in SHIPPED}
    configs = {
        f"jaxnst/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob("configs/*/*.toml")
    }
    weights = {f"jaxnst/assets/weights/{name}.safetensors" for name in ("vgg16", "vgg19")}
    assert (networks | configs | weights | {"jaxnst/py.typed"}) <= names
