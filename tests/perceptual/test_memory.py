"""What fits is planned; what does not is refused with the size that would."""

import re

import psutil
import pytest

from jaxnst.errors import JaxnstError
from jaxnst.perceptual.memory import Needs, budget, plan_tiles

NEEDS = Needs("vgg16", ("relu3_3", "relu1_2", "relu4_3"), ("relu3_3",), pictures=46)


def test_small_picture_needs_no_tiles():
    assert plan_tiles((512, 512), NEEDS, 8e9) >= 512


def test_large_picture_is_tiled_and_more_memory_makes_larger_tiles():
    small, large = (plan_tiles((2160, 3840), NEEDS, limit) for limit in (12e9, 16e9))
    assert 0 < small < large < 2160
    assert small % 32 == 0


def test_refusal_names_the_largest_size_that_fits():
    with pytest.raises(JaxnstError, match="7680 x 4320 pixels do not fit in 6") as caught:
        plan_tiles((4320, 7680), NEEDS, 6e9)
    largest = int(re.search(r"at most (\d+)", str(caught.value)).group(1))
    assert plan_tiles((largest * 9 // 16, largest), NEEDS, 6e9) > 0
    with pytest.raises(JaxnstError):
        plan_tiles(((largest + 2) * 9 // 16, largest + 2), NEEDS, 6e9)


def test_refusal_of_any_size_asks_for_memory():
    with pytest.raises(JaxnstError, match=r"pixels do not fit in 0\.5 GB of memory: give a higher"):
        plan_tiles((64, 64), NEEDS, 0.5e9)


def test_no_limit_means_most_of_the_machine(monkeypatch):
    assert 1e8 < budget() < psutil.virtual_memory().total
    monkeypatch.setattr("jaxnst.perceptual.memory._container_limit", lambda: 8e9)
    assert budget() <= 8e9
    assert plan_tiles((1080, 1920), NEEDS, 0) == plan_tiles((1080, 1920), NEEDS, budget())
