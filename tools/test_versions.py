"""Runs the tests with each Python, on the newest packages and on the oldest that are allowed.

    python tools/test_versions.py
    python tools/test_versions.py --python 3.13 /opt/python/bin/python3 --tests tests/ops

Needs uv (`pip install uv`), which finds Pythons or gets them; pyenv's are found, too. Each is tried
in a fresh environment with the newest packages that it takes, whatever constraints.txt says; 3.11
also with the lowest versions that pyproject.toml names. Prints a table for docs/versions.md; what
goes wrong is told on the way.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
NEWEST, LOWEST = "highest", "lowest-direct"  # as uv calls them
SHOWN = ("jax", "flax", "numpy")  # packages whose versions the table names
QUICK = "not slow and not network"
MISSING = {"venv": "no such Python", "pip": "packages could not be installed"}
KINDS = ("passed", "failed", "skipped")
OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def main() -> int:
    """Prints the table; the exit status is 1 unless every Python was there and passed."""
    args = _parser().parse_args()
    rows = list(_rows(args.python, args.tests, args.marked))
    print("\n".join([f"| Python | {' | '.join(SHOWN)} | tests |", "|---" * (len(SHOWN) + 2) + "|"]))
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return int(not all(re.fullmatch(r"[\d,]+ passed(, [\d,]+ skipped)?", row[-1]) for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--python", nargs="+", default=PYTHONS, metavar="VERSION|PATH", help="which are tried"
    )
    parser.add_argument("--tests", nargs="+", default=["tests"], metavar="PATH")
    parser.add_argument("--marked", default=QUICK, metavar="EXPRESSION", help="for pytest -m")
    return parser


def _rows(pythons: Iterable[str], tests: list[str], marked: str) -> Iterator[list[str]]:
    """The table: a row for each Python with the newest packages, one more with the lowest."""
    lowest = [(python, LOWEST) for python in pythons if python == PYTHONS[0]]
    for python, versions in [*lowest, *((python, NEWEST) for python in pythons)]:
        print(f"Python {python}, {versions}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            yield _row(Path(folder), python, versions, [*tests, "-m", marked])


def _row(folder: Path, python: str, versions: str, tests: list[str]) -> list[str]:
    """What comes of one Python with one choice of packages, in an environment made in a folder."""
    found, report = folder / "bin" / "python", folder / "report.xml"
    install = ("pip", "install", "--quiet", "--python", str(found), "--resolution", versions)
    try:
        _uv("venv", "--quiet", "--python", python, str(folder))
        name = _output(found, "import platform; print(platform.python_version())")
        _uv(*install, "--editable", f"{ROOT}[dev]")
    except subprocess.CalledProcessError as error:
        return [python, *[""] * len(SHOWN), MISSING[error.cmd[3]]]
    code = f"from importlib.metadata import version\nfor name in {SHOWN}: print(version(name))"
    parallel = ("--numprocesses", "2", "--dist", "loadfile", "--quiet", f"--junitxml={report}")
    subprocess.run([found, "-m", "pytest", *parallel, *tests], cwd=ROOT, check=False)
    label = name + (", lowest versions" if versions == LOWEST else "")
    return [label, *_output(found, code).split(), summary(report)]


def summary(report: Path) -> str:
    """What a JUnit report says: "7 passed, 1 failed, 2 skipped"."""
    if not report.exists():
        return "pytest did not run"
    cases = ET.parse(report).iter("testcase")
    kinds = [{OUTCOMES.get(child.tag) for child in case} - {None} for case in cases]
    counts = Counter(kind.pop() if kind else "passed" for kind in kinds)
    return ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]) or "no tests"


def _uv(*words: str) -> None:
    """Runs uv, which finds the Pythons of pyenv by the path of programs."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.pathsep.join([*map(str, root.glob("versions/*/bin")), os.environ["PATH"]])
    command = [sys.executable, "-m", "uv", *words]
    subprocess.run(command, env={**os.environ, "PATH": path}, check=True)


def _output(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
