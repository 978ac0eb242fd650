"""Training configurations: those that ship, and what is refused of one's own."""

from pathlib import Path
from typing import get_args

import pytest
from training_files import write_run

from jaxnst.cli import main
from jaxnst.networks.kinds import DECODED, NETWORKS
from jaxnst.training.config import TrainConfig, load_train_config, train_config_names
from jaxnst.training.options import Layer, NetworkName
from jaxnst.training.run import claim_folder, make_network

SHIPPED = ("add_style", "johnson_paper", "johnson_style", "slim_style", "smoke")


def refused(capsys, *words: object) -> str:
    """The one line with which `jaxnst train` refuses something."""
    assert main(["train", *map(str, words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jaxnst: error: ")
    assert err.count("\n") == 1
    return err


def test_what_ships():
    assert set(SHIPPED) <= set(train_config_names())


@pytest.mark.parametrize("name", train_config_names())
def test_configuration_loads(name):
    config = load_train_config(name)
    assert config.data.crop % make_network(config.network).stride == 0
    assert not Path(config.data.source).is_absolute()


def test_johnson_is_the_papers():
    config = load_train_config("johnson_paper")
    assert (config.optimizer.steps, config.data.batch, config.data.crop) == (40_000, 4, 256)
    assert (config.optimizer.learning_rate, config.loss.formula) == (1e-3, "johnson")
    assert config.loss.content_layers == ("relu2_2",)
    assert config.loss.style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("sed = 1", "'sed' is not an option: did you mean 'seed'?"),
        ("[data]\nbatches = 2", "'batches' is not an option: did you mean 'batch'?"),
        ("seed = 'one'", "seed = 'one' has the wrong type: expected int"),
        ("[data]\ncrop = 10", "crop is 10: give a finite number, at least 64"),
        (
            "[optimizer]\nwarmup = 20\nsteps = 5",
            "warmup is 20: give at most the number of steps, 5",
        ),
        ("[network]\nnetwork = 'slm'", "network = 'slm' has the wrong type"),
        ("[painting]\nname = 'a'", "'file' is missing"),
        ("[painting]\nname='a'\nfile='b'\nmargin=0.5", "margin is 0.5: give a finite number"),
        ("painting = 'a'", "painting = 'a' has the wrong type: expected a table"),
        ("seed =", "not a TOML file that can be read"),
    ],
)
def test_wrong_configuration(capsys, tmp_path, toml, message):
    (tmp_path / "own.toml").write_text(toml)
    assert message in refused(
        capsys, "--config", tmp_path / "own.toml", "--work", tmp_path / "work"
    )


def test_unknown_configuration(capsys, tmp_path):
    message = refused(capsys, "--config", "smokee", "--work", tmp_path / "work")
    assert "configuration 'smokee' is unknown: did you mean 'smoke'?" in message


def test_there_is_nothing_to_learn_without_a_style(capsys, tmp_path):
    words = ("--config", "add_style", "--work", tmp_path / "work", "--data", tmp_path)
    assert "there is no style to learn: give --style FILE" in refused(capsys, *words)


def test_wrong_runs(capsys, tmp_path):
    words, work = write_run(tmp_path), tmp_path / "work"
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    cases = {
        ("--batch", 6): "batch 6 is not divisible by 8 devices: give --batch 8",
        ("--batch", 8, "--data", f"folder:{tmp_path / 'empty'}"): "no pictures in this folder",
        ("--batch", 8, "--data", f"folder:{tmp_path / 'none'}"): "none: ",
        ("--batch", 8, "--crop", 100): "crop 100 is not a multiple of 8",
        ("--batch", 8, "--net", "vgg17"): "vgg17: there is no such net",
        ("--batch", 8, "--paintings-dir", tmp_path / "photos"): "painting 'blots.png' is not in",
        ("--batch", 8, "--checkpoint-every", 0): "checkpoint_every is 0",
        ("--batch", 8, "--coordinator", "localhost:1"): "--processes N and --process 0..N-1",
    }
    for options, message in cases.items():
        assert message in refused(capsys, *words, "--work", work, *options)
    assert not work.exists()
    options = ("--batch", 8, "--work", tmp_path / "file")
    assert "cannot be a work folder" in refused(capsys, *words, *options)


def test_the_folder_of_another_run_is_refused_and_left_alone(capsys, tmp_path):
    words, work = write_run(tmp_path), tmp_path / "work"
    claim_folder(work, TrainConfig(seed=7))
    held = (work / "config.json").read_bytes()
    message = refused(capsys, *words, "--work", work, "--batch", 8, "--seed", 3)
    assert "is the folder of another configuration" in message
    assert "seed was 7 and is 3" in message
    assert [path.read_bytes() for path in work.iterdir()] == [held]


def test_the_networks_that_can_be_named_are_those_that_there_are() -> None:
    assert set(get_args(NetworkName)) == set(NETWORKS)
    assert get_args(Layer) == DECODED
