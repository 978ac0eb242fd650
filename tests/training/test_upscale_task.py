"""Training for super-resolution beyond the step itself: what a run starts from."""

from pathlib import Path

import jax
import numpy as np
import pytest
from model_files import upscaling_model

from jaxnst.errors import JaxnstError
from jaxnst.networks.kinds import JohnsonUpscaler
from jaxnst.networks.model_file import save_model
from jaxnst.training.config import TrainConfig
from jaxnst.training.options import NetworkOptions
from jaxnst.training.run import first_state, make_task

BASE = JohnsonUpscaler(4, 4, 1)


def config(folder: Path, **network: int) -> TrainConfig:
    path = folder / "base.safetensors"
    save_model(path, upscaling_model(BASE))
    options = NetworkOptions(network="johnson_upscaler", **{"width": 4, "blocks": 1, **network})
    return TrainConfig(network=options, start_from=str(path))


def first(config: TrainConfig) -> dict:
    return first_state(config, make_task(config))[0].params


def test_a_run_starts_from_all_of_its_own_kind(tmp_path: Path) -> None:
    wanted = upscaling_model(BASE).params
    jax.tree.map(np.testing.assert_array_equal, first(config(tmp_path, scale=4)), wanted)


def test_a_run_starts_from_what_it_shares_with_another_scale(tmp_path: Path) -> None:
    base, settings = upscaling_model(BASE).params, config(tmp_path, scale=8)
    found = first(settings)
    for layer in base:
        jax.tree.map(np.testing.assert_array_equal, found[layer], base[layer])
    assert found.keys() - base.keys() == {"up3"}
    assert np.std(found["up3"]["kernel"]) > 0


def test_a_run_does_not_start_from_a_wider_network(tmp_path: Path) -> None:
    with pytest.raises(JaxnstError, match=r"base\.safetensors: is another network"):
        first(config(tmp_path, width=8))
