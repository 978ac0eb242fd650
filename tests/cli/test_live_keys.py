"""The keys of the camera window."""

import numpy as np
import pytest

from jaxnst.cli.live_keys import Controls


@pytest.fixture
def controls() -> Controls:
    return Controls(("wave", "kiss", "night"))


def press(controls: Controls, keys: str) -> Controls:
    for key in keys:
        controls.press("space" if key == " " else key)
    return controls


@pytest.mark.parametrize(
    ("keys", "style"),
    [("", "wave"), ("n", "kiss"), ("p", "night"), ("nnn", "wave"), ("3", "night"), ("9x0", "wave")],
)
def test_styles(controls: Controls, keys: str, style: str) -> None:
    assert press(controls, keys).look(0).style == style


def test_strength_stays_within_its_range(controls: Controls) -> None:
    assert press(controls, "--").look(0).strength == 0.8
    assert press(controls, "-" * 30).look(0).strength == 0
    assert press(controls, "+" * 30).look(0).strength == 2
    controls.has_strengths, controls.strength = False, 1.0
    assert press(controls, "---").look(0).strength == 1


def test_a_blend_moves_to_and_fro_or_is_held(controls: Controls) -> None:
    press(controls, "b")
    shares = [controls.look(seconds).style["kiss"] for seconds in np.linspace(0, 8, 33)]
    assert (shares[0], shares[16], shares[-1]) == (0, 1, 0)
    assert "50% kiss" in controls.title(2)
    press(controls, "]")
    assert {controls.look(seconds).style["kiss"] for seconds in range(9)} == {0.6}
    assert press(controls, "b").look(3).style == "wave"


def test_switches(controls: Controls) -> None:
    press(controls, "ctvmh ")
    look = controls.look(0)
    assert look.keep_colors
    assert look.smooth
    assert controls.split
    assert controls.mirror
    assert controls.help
    assert controls.frozen
    assert press(controls, "c").look(0).keep_colors is False


def test_split_shows_both(controls: Controls) -> None:
    photo, painting = np.zeros((4, 6, 3), np.uint8), np.ones((4, 6, 3), np.uint8)
    assert controls.picture(photo, painting).shape == (4, 6, 3)
    both = press(controls, "v").picture(photo, painting)
    np.testing.assert_array_equal(both, np.concatenate([photo, painting], axis=1))
