"""State dicts out of what trainers wrap them in."""

import pytest

from jaxnst.io.foreign_weights import unwrapped

STATE = {"conv1.weight": 1, "conv1.bias": 2}


@pytest.mark.parametrize(
    "checkpoint",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3},
        {"model_state_dict": STATE, "optimizer_state_dict": {}},
        {"model": {"module.conv1.weight": 1, "module.conv1.bias": 2}},
        {"module._orig_mod.conv1.weight": 1, "module._orig_mod.conv1.bias": 2},
    ],
)
def test_a_state_dict_is_unwrapped(checkpoint: dict) -> None:
    assert unwrapped(checkpoint) == STATE


def test_a_layer_called_as_a_wrapper_is_kept() -> None:
    state = {"model": 1, "module.conv1.weight": 2}
    assert unwrapped(state) == state
