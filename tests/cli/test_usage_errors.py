"""Wrong usage of any command: one line that names the word and says what would be right."""

import subprocess
import sys

import pytest

from jaxnst.cli import main

OUT = ("-o", "o.png")
LINES = [
    ("stylize a.jpg -o o.png --nosuch", "--nosuch is no option of jaxnst stylize: `jaxnst stylize "
     "--help` lists them"),
    ("stylize a.jpg -o o.png --stlye udnie", "--stlye is no option of jaxnst stylize: did you mean "
     "--style?"),
    ("stylize a.jpg -o o.png --iteratons=3", "--iteratons is no option of jaxnst stylize: did you "
     "mean --iterations?"),
    ("upscale a.jpg --ouput o.png", "--ouput is no option of jaxnst upscale: did you mean "
     "--output?"),
    ("stylize a.jpg --style udnie", "--output FILE|FOLDER/ is missing: see `jaxnst stylize "
     "--help`"),
    ("train foo --work run", "'foo' is a word too many: see `jaxnst train --help`"),
    ("stylize a.jpg -o o.png --method fats", "--method is 'fats': did you mean 'fast'? There are "
     "auto, fast, optimize"),
    ("stylize a.jpg -o o.png --size x", "--size is 'x': give a whole number"),
    ("upscale a.jpg -o o.png --scale 2.5", "--scale is '2.5': give a whole number"),
    ("stylize a.jpg -o o.png --strength much", "--strength is 'much': give a number"),
    ("stylize a.jpg -o o.png --blend 1 x", "--blend is '1', 'x': give numbers"),
    ("web --port", "--port has no value: give --port N"),
    ("models", "jaxnst models: a command is missing: there are list, show, verify, export, "
     "convert, blend"),
    ("weights vrify", "jaxnst weights: 'vrify' is not a command: did you mean 'verify'? There are "
     "list, verify, convert, fetch"),
    ("models show", "MODEL is missing: see `jaxnst models show --help`"),
    ("models list --jsno", "--jsno is no option of jaxnst models list: did you mean --json?"),
    ("models export . -o x.safetensors --bits 4", "--bits is '4': there are 16, 8"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), LINES, ids=[words for words, _ in LINES])
def test_wrong_usage_is_one_line(capfd, words, line):
    assert main(words.split()) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == f"jaxnst: error: {line}\n"


def test_names_that_are_misspelt_cannot_control_the_terminal(capfd):
    assert main(["stylize", "a.jpg", *OUT, "--\x1b[2J"]) == 2
    assert main(["stylize", "a.jpg", *OUT, "--method", "\x1b[2J"]) == 2
    assert main(["models", "\x1b[2J"]) == 2
    assert "\x1b" not in capfd.readouterr().err


def test_wrong_usage_ends_the_program_with_status_2():
    command = [sys.executable, "-m", "jaxnst", "upscale", "a.jpg", *OUT, "--scael", "2"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "jaxnst: error: --scael is no option of jaxnst upscale: did you mean --scale?"
    ]


def test_another_tyro_tells_it_in_its_own_way(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tyro._errors", None)
    assert main(["stylize", "a.jpg", *OUT, "--size", "x"]) == 2
    assert "--size" in capsys.readouterr().err
