"""Texts and identifiers are in American spelling, as those of JAX are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEMS = (
    "custom|general|initial|maxim|minim|normal|optim|organ|penal|quant|random|real|recogn|regular"
    "|serial|special|standard|styl|summar|synthes|util|visual"
)
BRITISH = re.compile(
    r"\w*(?:colour|grey|centre(?!l)|centred|learnt|neighbour|honour|favour|behaviour|artefact"
    rf"|catalogue|licence|analyse|(?:{STEMS})is(?:e|ed|er|ers|es|able|ation|ations|ing)\b)\w*",
    re.IGNORECASE,
)
KEY = re.compile(r"(?:\.licence|[\"`]licence[\"`]|licence[:=])")
"""`licence`, by which the files that ship name what it is."""
QUOTED = {
    ("CHANGELOG.md", "Optimise"),  # what the page once said
    ("CHANGELOG.md", "optimise"),
    ("tests/cli/test_stylize.py", "stylise"),  # a slip that the command line mends
}
FOLDERS = ("jaxnst", "docs", "configs", "benchmarks", "tools", "tests", "browser/src", "examples")
READ = {".py", ".md", ".toml", ".yml", ".ipynb", ".js", ".mjs", ".ts", ".css", ".html"}


def british(text: str) -> set[str]:
    """The words of a text that are spelled otherwise in America."""
    return set(BRITISH.findall(KEY.sub("", text)))


def texts() -> list[Path]:
    """What people read in the repository, but for this file."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    found = [path for path in (*ROOT.glob("*"), *inside) if path.suffix in READ]
    return [path for path in found if path != Path(__file__)]


@pytest.mark.parametrize(
    "word", ["Colours", "stroke_colours", "optimisation", "centre", "greyscale"]
)
def test_british_words_are_seen(word: str) -> None:
    assert british(f"The {word} of a picture") == {word}


@pytest.mark.parametrize("text", ["a promise", "likewise", '"licence": "CC BY 4.0"', "realistic"])
def test_other_words_are_not(text: str) -> None:
    assert british(text) == set()


def test_spelling_is_american() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), word)
        for path in texts()
        for word in british(path.read_text(encoding="utf-8"))
    }
    assert found == QUOTED
