"""The page of benchmarks is made of the figures that the benchmarks have written."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

TEXT = """\
# Benchmarks

`benchmarks/speed.py`: in turns.

<!-- speed -->
Twice as fast.
<!-- end -->

<!-- memory -->
| | GB |
|---|---|
| peak | 3 |
<!-- end -->

The end.
"""

FIGURES = {
    "networks": {
        "slim": {"seconds": 0.12345, "ratio": [1.5, 2]},
        "johnson": {"seconds": 1234.5, "ratio": [2.0, None]},
    },
    "curves": [{"style": "udnie", "after": {"25": 118.0}}],
    "peak_bytes": 3_000_000_000,
}

PAGE = """\
# Benchmarks

<!-- Made by tools/make_benchmarks_page.py from benchmarks/page.md and the figures. -->

`benchmarks/speed.py`: in turns.

|  |  |
| --- | --- |
| peak_bytes | 3,000,000,000 |

**networks**

|  | seconds | ratio |
| --- | --- | --- |
| slim | 0.123 | 1.5 / 2 |
| johnson | 1,234 | 2 /  |

**curves, 1**

|  |  |
| --- | --- |
| style | udnie |

**curves, 1, after**

|  |  |
| --- | --- |
| 25 | 118 |

*2026-11-27, Some CPU, 2 cores, on cpu, Python 3.11.7, JAX 0.10.2, commit 0123456789 with changes.*

| | GB |
|---|---|
| peak | 3 |

*Noted by hand.*

The end.
"""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(ROOT / "tools")
    import make_benchmarks_page

    yield make_benchmarks_page
    del sys.modules["make_benchmarks_page"]


def test_figures_take_the_place_of_what_was_noted_by_hand(tool: ModuleType, tmp_path: Path) -> None:
    machine = {"cpu": "Some CPU", "cores": 2, "device": "cpu", "python": "3.11.7", "jax": "0.10.2"}
    found = {"machine": machine, "date": "2026-11-27", "commit": f"{'0123456789' * 4}-dirty"}
    (tmp_path / "speed.json").write_text(json.dumps({**found, "figures": FIGURES}))
    assert tool.page(TEXT, tmp_path) == PAGE


def test_the_page_is_that_of_the_figures_there_are(tool: ModuleType) -> None:
    text = tool.TEXT.read_text(encoding="utf-8")
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(text, tool.FIGURES)


def test_every_benchmark_has_its_place_on_the_page(tool: ModuleType) -> None:
    places = [block[1] for block in tool.BLOCK.finditer(tool.TEXT.read_text(encoding="utf-8"))]
    assert sorted(places) == sorted(
        path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.name[0] != "_"
    )
