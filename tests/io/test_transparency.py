"""Colors that are hidden by transparency never show; what is visible is kept to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnst.io.transparency import extend_visible_colors

RED = np.array([1, 0, 0], np.float32)


def _random(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


@settings(max_examples=50, deadline=None, database=None)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), share=st.floats(0, 1), soft=st.booleans()
)
def test_the_result_depends_on_what_is_visible_alone(
    height: int, width: int, share: float, soft: bool
) -> None:
    rgb, other = _random(height, width, 1), _random(height, width, 2)
    opacity = _random(height, width, 3)[..., 0] * (_random(height, width, 4)[..., 0] < share)
    alpha = opacity if soft else np.ceil(opacity)
    visible = alpha[..., None] > 0
    result = extend_visible_colors(rgb, alpha)
    np.testing.assert_array_equal(
        result, extend_visible_colors(np.where(visible, rgb, other), alpha)
    )
    np.testing.assert_array_equal(result[alpha > 0], rgb[alpha > 0])
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


def test_one_color_is_continued_everywhere() -> None:
    alpha = np.zeros((65, 130), np.float32)
    alpha[20:40, 7:30] = 1
    rgb = np.where(alpha[..., None] > 0, RED, RED[::-1])
    np.testing.assert_allclose(extend_visible_colors(rgb, alpha), np.broadcast_to(RED, rgb.shape))


def test_colors_come_from_near_by() -> None:
    rgb = np.zeros((64, 64, 3), np.float32)
    rgb[:, :32] = RED
    alpha = np.ones((64, 64), np.float32)
    alpha[24:40, 8:12] = alpha[24:40, 52:56] = 0
    result = extend_visible_colors(rgb, alpha)
    np.testing.assert_allclose(result[24:40, 8:12], np.broadcast_to(RED, (16, 4, 3)), atol=0.1)
    np.testing.assert_allclose(result[24:40, 52:56], 0, atol=0.1)


def test_colors_that_can_hardly_be_seen_count_for_little() -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[8:24, 8:24] = 1
    alpha[7, 8:24] = 1 / 255  # a rim whose color is a rounding error
    rgb = np.where(alpha[..., None] == 1, RED, RED[::-1])
    np.testing.assert_allclose(
        extend_visible_colors(rgb, alpha)[:7], RED * np.ones((7, 32, 1)), atol=0.05
    )


def test_a_picture_with_nothing_visible_is_white() -> None:
    assert (extend_visible_colors(_random(5, 6), np.zeros((5, 6), np.float32)) == 1).all()


@pytest.mark.parametrize("least", [1.0, 1 / 255])
def test_a_picture_that_hides_nothing_comes_back_as_it_is(least: float) -> None:
    rgb = _random(5, 6)
    assert extend_visible_colors(rgb, np.full((5, 6), least, np.float32)) is rgb
