"""What --help says of every command."""

import re

import pytest

from jaxnst.cli import COMMANDS, main

WITH_OUTPUT = [
    *(["stylize"], ["live"], ["upscale"], ["export"], ["train"]),
    *(["models", "export"], ["models", "convert"], ["models", "blend"]),
    *(["weights", "convert"], ["weights", "fetch"]),
]


@pytest.fixture
def help_of(capsys):
    """The text of a command's --help."""

    def help_of(*words: str) -> str:
        assert main([*words, "--help"]) == 0
        return capsys.readouterr().out

    return help_of


@pytest.mark.parametrize("command", WITH_OUTPUT, ids=" ".join)
def test_the_output_goes_by_the_same_names_everywhere(help_of, command):
    text = help_of(*command)
    assert all(re.search(rf"{name} FILE", text) for name in ("-o", "--out", "--output"))


ALL = [
    *([name] for name in COMMANDS),
    *(["models", name] for name in ("list", "show", "verify", "export", "convert", "blend")),
    *(["weights", name] for name in ("list", "verify", "convert", "fetch")),
]


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_values_are_named_by_what_they_are_not_by_their_type(help_of, command):
    assert not re.search(r"[- ]\w* ?\[*(STR|INT|FLOAT|PATH)\b", help_of(*command))


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_texts_are_sentences_and_defaults_are_values(help_of, command):
    text = help_of(*command)
    assert not re.search(r"\(default: (''|False|True|None)?\)", text)
    about = text.split("\n\n", 1)[1]
    assert re.match(r"[A-Z]([^\n]|\n(?! ))*\n\W+ (positional arguments|options) ", about)


@pytest.mark.parametrize(
    ("config", "option"),
    [
        ("add_style", "--no-flip +Do not mirror every other sample"),
        ("johnson_paper", "--flip +Mirror every other sample"),
        ("johnson_upscale", "--no-blur +Do not blur photos"),
    ],
)
def test_a_flag_that_turns_something_off_says_so(help_of, config, option):
    assert re.search(option, help_of("train", "--config", config))


def test_every_command_says_what_it_does(help_of):
    assert all(f"usage: jaxnst {command}" in help_of(command) for command in COMMANDS)
