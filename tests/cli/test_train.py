"""The arguments of `jaxnst train`; what it does is tested in tests/training."""

from pathlib import Path

from stylize_files import picture

from jaxnst.cli import main
from jaxnst.cli.train import parse_train
from jaxnst.training.data import open_data


def test_smoke_needs_no_data_and_no_style(tmp_path: Path) -> None:
    """It is there to see that everything works: on the pictures that ship."""
    settings = parse_train(["--config", "smoke", "--work", str(tmp_path)]).settings
    assert len(open_data(settings.data, seed=1).train) == 4
    assert settings.painting.load().rgb.shape[-1] == 3


def test_smoke_takes_other_data_and_styles(tmp_path: Path) -> None:
    style = picture(tmp_path / "mine.png")
    words = ["--config", "smoke", "--work", "w", "--data", "tfds:x", "--style", str(style)]
    settings = parse_train(words).settings
    assert settings.data.source == "tfds:x"
    assert settings.painting.name == "mine"


def test_a_folder_of_photos_needs_no_prefix(tmp_path: Path) -> None:
    words = ["--work", "w", "--data"]
    folder = f"folder:{tmp_path}"
    assert parse_train([*words, str(tmp_path)]).settings.data.source == folder
    assert parse_train([*words, folder]).settings.data.source == folder


def test_help_offers_no_option_for_what_only_a_file_can_give(capsys) -> None:
    assert main(["train", "--help"]) == 0
    assert "painting}" not in capsys.readouterr().out
