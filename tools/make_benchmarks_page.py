"""Makes docs/benchmarks.md from benchmarks/page.md and benchmarks/figures.

    python tools/make_benchmarks_page.py

The page has a block for each benchmark, from `<!-- NAME -->` to `<!-- end -->`. In the place of
what is in it come the figures of NAME.json, which the benchmark has written with --out; what was
noted by hand stays where there are none yet, and says so. A test compares the page with what this
makes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jaxnst.io.files import atomic_write

ROOT = Path(__file__).parent.parent
TEXT = ROOT / "benchmarks" / "page.md"
FIGURES = ROOT / "benchmarks" / "figures"
PAGE = ROOT / "docs" / "benchmarks.md"

BLOCK = re.compile(r"^<!-- (\w+) -->\n(.*?)\n<!-- end -->$", re.DOTALL | re.MULTILINE)
MADE = "<!-- Made by tools/make_benchmarks_page.py from benchmarks/page.md and the figures. -->"
BY_HAND = "*Noted by hand.*"


def main() -> None:
    """Writes the page."""
    with atomic_write(PAGE) as temporary:
        temporary.write_text(page(TEXT.read_text(encoding="utf-8"), FIGURES), encoding="utf-8")


def page(text: str, figures: Path) -> str:
    """The text with figures in its blocks: those of a folder, or what was noted by hand."""

    def filled(block: re.Match[str]) -> str:
        file = figures / f"{block[1]}.json"
        if not file.exists():
            return f"{block[2]}\n\n{BY_HAND}"
        found = json.loads(file.read_text(encoding="utf-8"))
        return "\n\n".join([*_tables(found["figures"]), _origin(found)])

    heading, _, rest = BLOCK.sub(filled, text).partition("\n")
    return f"{heading}\n\n{MADE}\n{rest}"


def _tables(figures: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Tables of figures in mappings of mappings, below the names of those that lead to them."""
    title = [f"**{', '.join(path)}**"] if path else []
    groups = {name: _named(value) for name, value in figures.items() if _is_group(value)}
    single = {name: value for name, value in figures.items() if name not in groups}
    if single:
        yield "\n\n".join([*title, _table(["", ""], [[k, _cell(v)] for k, v in single.items()])])
    columns = list(next(iter(groups.values()), {}))
    flat = [not any(map(_is_group, group.values())) for group in groups.values()]
    if len(groups) > 1 and all(flat) and all(list(group) == columns for group in groups.values()):
        rows = [[name, *map(_cell, group.values())] for name, group in groups.items()]
        yield "\n\n".join([*title, _table(["", *columns], rows)])
    else:
        for name, group in groups.items():
            yield from _tables(group, (*path, name))


def _is_group(value: Any) -> bool:
    """Whether a value is not a figure, or a few in a row, but figures with names or numbers."""
    return isinstance(value, Mapping) or (isinstance(value, list) and any(map(_is_group, value)))


def _named(group: Any) -> Mapping[str, Any]:
    """A group by names; those of a list are counted."""
    if isinstance(group, Mapping):
        return group
    return {str(number): value for number, value in enumerate(group, 1)}


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    """A figure to three digits; several, such as a median and a maximum, one after the other."""
    if isinstance(value, list):
        return " / ".join(map(_cell, value))
    if not isinstance(value, float):
        return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _origin(found: Mapping[str, Any]) -> str:
    """Where figures come from, in a line."""
    machine = found["machine"]
    commit, dirty, _ = found["commit"].partition("-dirty")
    return (
        f"*{found['date']}, {machine['cpu']}, {machine['cores']} cores, on {machine['device']}, "
        f"Python {machine['python']}, JAX {machine['jax']}, commit {commit[:10]}"
        f"{' with changes' if dirty else ''}.*"
    )


if __name__ == "__main__":
    main()
