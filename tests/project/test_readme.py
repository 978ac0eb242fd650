"""The README is short, and what it links to is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
LONGEST = 150  # lines


def test_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_readme_links_to_files_that_are_there():
    """MkDocs sees to the links of the documentation."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README.read_text(encoding="utf-8"))
    paths = [link for link in links if "://" not in link]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_guide_is_linked_from_the_readme():
    text = README.read_text(encoding="utf-8")
    guides = {path.name for path in (ROOT / "docs" / "guides").glob("*.md")}
    assert {name for name in guides if f"docs/guides/{name}" not in text} == set()
