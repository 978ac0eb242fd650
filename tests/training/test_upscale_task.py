"""Training for super-resolution beyond the step itself: what a run starts from."""

import jax
import numpy as np
import pytest
from model_files import upscaling_model

from jaxnst.errors import JaxnstError
from jaxnst.networks.super_resolution import JohnsonUpscaler
from jaxnst.training.config import NetworkOptions, TrainConfig
from jaxnst.training.jobs import make_job

BASE = JohnsonUpscaler(4, 4, 1)


def config(**network: int) -> TrainConfig:
    options = NetworkOptions(network="johnson_upscaler", **{"width": 4, "blocks": 1, **network})
    return TrainConfig(network=options, start_from="base.safetensors")


def test_a_run_starts_from_all_of_its_own_kind() -> None:
    base = upscaling_model(BASE)
    found = make_job(config(scale=4), base).init(jax.random.key(0))["kernels"]
    jax.tree.map(np.testing.assert_array_equal, found, base.kernels)


def test_a_run_starts_from_what_it_shares_with_another_scale() -> None:
    base = upscaling_model(BASE)
    found = make_job(config(scale=8), base).init(jax.random.key(0))["kernels"]
    fresh = make_job(config(scale=8), None).init(jax.random.key(0))["kernels"]
    for layer in base.kernels:
        jax.tree.map(np.testing.assert_array_equal, found[layer], base.kernels[layer])
    assert found.keys() - base.kernels.keys() == {"up3"}
    jax.tree.map(np.testing.assert_array_equal, found["up3"], fresh["up3"])


def test_a_run_does_not_start_from_a_wider_network() -> None:
    with pytest.raises(JaxnstError, match=r"base\.safetensors: is a network of another width"):
        make_job(config(width=8), upscaling_model(BASE))
