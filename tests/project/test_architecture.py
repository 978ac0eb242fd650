"""Arrows between rooms point down, there is no import circle, and the public names are known.

The imports are read off the source, those inside functions too: what is imported late to save time
is an arrow all the same.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import jaxnst

PACKAGE = Path(jaxnst.__file__).parent

# From the bottom up. Rooms of one floor do not import one another.
FLOORS = (
    {"errors"},
    {"ops"},
    {"io"},
    {"perceptual", "networks"},
    {"optimize", "inference", "training"},
    {"cli", "web"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# The command line starts the pages, whose options are among those of its commands.
ALLOWED = {
    ("jaxnst.cli.options", "jaxnst.web.limits"),
    ("jaxnst.cli.web", "jaxnst.web"),
    ("jaxnst.cli.web", "jaxnst.web.browser_page"),
    ("jaxnst.cli.web", "jaxnst.web.server"),
}
# `jaxnst` itself: the version, which every room may read, and the start of the command line.
ROOTS = {"jaxnst", "jaxnst.__main__"}

PUBLIC = [
    "AnyStylizer",
    "JaxnstError",
    "LossOptions",
    "OptimizeOptions",
    "PaintOptions",
    "Style",
    "StyleTarget",
    "Stylizer",
    "Targets",
    "Upscaler",
    "content_loss",
    "content_targets",
    "export_model",
    "extract_features",
    "feature_distance",
    "gram_matrix",
    "load_gallery",
    "load_model",
    "load_preset",
    "load_vgg",
    "match_styles",
    "perceptual_loss",
    "preset_names",
    "psnr",
    "ssim",
    "style_loss",
    "style_targets",
    "stylize",
    "total_variation",
]

Graph = Mapping[str, set[str]]


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its full name, parsed."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


def imports(tree: ast.AST, known: set[str]) -> set[str]:
    """The modules that a module imports, out of those known."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative imports are not used"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= submodules & known
            if not submodules <= known:  # some name is defined in the package itself
                names.add(node.module)
    return names & known


@cache
def import_graph() -> Graph:
    """Module -> the modules it imports."""
    trees = modules()
    return {name: imports(tree, set(trees)) for name, tree in trees.items()}


def room(module: str) -> str:
    return module.split(".")[1]


def bad_arrows(graph: Graph) -> list[str]:
    """The imports that go up, or across between rooms of one floor."""
    return [
        f"{module} -> {imported}"
        for module, imported in _arrows(graph)
        if module not in ROOTS
        and imported != "jaxnst"
        and room(module) != room(imported)
        and FLOOR_OF[room(module)] <= FLOOR_OF[room(imported)]
        and (module, imported) not in ALLOWED
    ]


def circle(graph: Graph) -> list[str]:
    """The modules of one import circle, or none."""
    # The package itself names the homes of its public names, and imports them when first used.
    below = {name: found - {"jaxnst"} for name, found in graph.items() if name != "jaxnst"}
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def type_checking_imports(tree: ast.AST) -> list[ast.stmt]:
    """The imports in `if TYPE_CHECKING:` blocks."""
    return [
        statement
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]


def _arrows(graph: Graph) -> Iterator[tuple[str, str]]:
    for module, imported in sorted(graph.items()):
        for name in sorted(imported):
            yield module, name


def test_every_module_has_a_room():
    rooms = {room(name) for name in modules() if name not in ROOTS}
    assert rooms == set(FLOOR_OF)


def test_arrows_between_rooms_point_down():
    assert bad_arrows(import_graph()) == []


def test_no_module_is_in_an_import_circle():
    assert circle(import_graph()) == []


def test_nothing_is_imported_for_the_type_checker_alone():
    """A circle that only the type checker sees is a circle still."""
    found = {name for name, tree in modules().items() if type_checking_imports(tree)}
    assert found <= {"jaxnst"}


def test_every_allowed_exception_is_needed():
    assert ALLOWED - set(_arrows(import_graph())) == set()


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("jaxnst.ops.color", "jaxnst.io.files"),  # up
        ("jaxnst.networks.layers", "jaxnst.perceptual.vgg"),  # across
        ("jaxnst.training.loop", "jaxnst.optimize.run"),
        ("jaxnst.web.page", "jaxnst.cli.exit_status"),
        ("jaxnst.cli.upscale", "jaxnst.web.server"),  # only `jaxnst web` starts the page
        ("jaxnst.errors", "jaxnst.ops.color"),
    ],
)
def test_a_bad_arrow_is_found(module, imported):
    graph = {**import_graph(), module: import_graph()[module] | {imported}}
    assert bad_arrows(graph) == [f"{module} -> {imported}"]


def test_a_circle_is_found():
    graph = {"jaxnst.io.a": {"jaxnst.io.b"}, "jaxnst.io.b": {"jaxnst.io.c"}, "jaxnst.io.c": set()}
    assert circle(graph) == []
    graph["jaxnst.io.c"] = {"jaxnst.io.a"}
    assert set(circle(graph)) == set(graph)


def test_imports_are_found_wherever_they_stand():
    source = """
import jaxnst.io.files
from jaxnst.io import codec, name_of_the_package_itself
def f():
    from jaxnst.ops.color import luma
if TYPE_CHECKING:
    from jaxnst.cli.options import Stylize
"""
    known = {f"jaxnst.{n}" for n in ("io", "io.files", "io.codec", "ops.color", "cli.options")}
    assert imports(ast.parse(source), known) == known
    assert len(type_checking_imports(ast.parse(source))) == 1


def test_public_names():
    assert sorted(jaxnst.__all__) == PUBLIC
    assert all(hasattr(jaxnst, name) for name in PUBLIC)


@pytest.mark.parametrize(
    "code",
    ["import jaxnst", "from jaxnst.cli import main; assert main(['--help']) == 0"],
    ids=["import", "help"],
)
def test_what_needs_no_jax_does_not_import_it(code):
    heavy = "('jax', 'flax', 'optax', 'numpy', 'cv2', 'tyro')"
    check = f"{code}\nimport sys\nassert not [name for name in {heavy} if name in sys.modules]"
    subprocess.run([sys.executable, "-c", check], check=True, stdout=subprocess.DEVNULL)
