"""Color spaces and color transfer against hand-computed values and the definitions."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.ops.color import (
    luma,
    match_colors,
    match_histogram,
    rgb_to_ycbcr,
    transfer_luma,
    ycbcr_to_rgb,
)


def _noise(seed: int, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def _moments(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.asarray(rgb, np.float64).reshape(-1, 3)
    return pixels.mean(0), np.cov(pixels, rowvar=False, bias=True)


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        # From the JFIF equations, with 128/255 read as one half.
        ((1, 0, 0), (0.299, 0.331264, 1.0)),
        ((0, 1, 0), (0.587, 0.168736, 0.081312)),
        ((0, 0, 1), (0.114, 1.0, 0.418688)),
        ((1, 1, 1), (1.0, 0.5, 0.5)),
        ((0, 0, 0), (0.0, 0.5, 0.5)),
    ],
)
def test_ycbcr_of_the_primaries(rgb: tuple[float, ...], ycbcr: tuple[float, ...]) -> None:
    pixel = np.array(rgb, np.float32).reshape(1, 1, 3)
    np.testing.assert_allclose(rgb_to_ycbcr(pixel).ravel(), ycbcr, atol=2e-6)
    np.testing.assert_allclose(luma(pixel).item(), ycbcr[0], atol=1e-6)


def test_ycbcr_round_trip_keeps_shape_and_dtype() -> None:
    rgb = _noise(0, (2, 5, 7, 3))
    back = ycbcr_to_rgb(rgb_to_ycbcr(rgb))
    assert back.dtype == jnp.float32
    np.testing.assert_allclose(back, rgb, atol=1e-6)


def test_luma_of_gray_is_exact() -> None:
    gray = np.linspace(0, 1, 256, dtype=np.float32)
    np.testing.assert_array_equal(luma(np.repeat(gray[:, None], 3, axis=-1)), gray)


def test_transfer_luma_takes_luma_from_one_and_chroma_from_the_other() -> None:
    # Mild colors, so that nothing is clipped.
    stylized, content = _noise(1, (8, 9, 3), 0.4, 0.6), _noise(2, (8, 9, 3), 0.4, 0.6)
    result = rgb_to_ycbcr(transfer_luma(stylized, content))
    np.testing.assert_allclose(result[..., 0], luma(stylized), atol=1e-6)
    np.testing.assert_allclose(result[..., 1:], rgb_to_ycbcr(content)[..., 1:], atol=1e-6)


def test_transfer_luma_keeps_the_hue_and_is_clipped() -> None:
    red, white = np.zeros((1, 1, 3), np.float32), np.ones((1, 1, 3), np.float32)
    red[..., 0] = 1.0
    result = np.asarray(transfer_luma(white, red))
    assert result.max() <= 1.0
    assert result.min() >= 0.0
    dark = np.asarray(transfer_luma(white * 0.35, red * 0.5)).ravel()
    assert colorsys.rgb_to_hsv(*dark)[0] in (pytest.approx(0.0, abs=1e-5), pytest.approx(1.0))


def test_match_colors_gives_the_moments_of_the_photo() -> None:
    # Correlated channels; the spread is small enough for no value to be clipped.
    mix = np.array([[0.6, 0.2, 0.1], [0.0, 0.5, 0.3], [0.2, 0.0, 0.4]], np.float32)
    style = 0.55 + 0.3 * (_noise(3, (40, 50, 3)) - 0.5) @ mix.T
    content = 0.45 + 0.6 * (_noise(4, (30, 20, 3)) - 0.5) @ mix
    matched = np.asarray(match_colors(style, content))
    assert matched.shape == style.shape
    assert matched.min() > 0.0
    assert matched.max() < 1.0
    for got, wanted in zip(_moments(matched), _moments(content), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)  # the variance floor, scaled by M
    assert np.abs(_moments(style)[1] - _moments(content)[1]).max() > 0.001


def test_match_colors_with_itself_is_the_identity() -> None:
    style = _noise(5, (16, 16, 3))
    np.testing.assert_allclose(match_colors(style, style), style, atol=1e-5)


def test_match_colors_takes_no_notice_of_what_is_transparent() -> None:
    style, content = _noise(3, (40, 50, 3), 0.3, 0.7), _noise(4, (30, 20, 3), 0.4, 0.6)
    alpha = np.repeat((np.arange(50) < 25)[None], 40, axis=0).astype(np.float32)
    other = np.where(alpha[..., None] > 0, style, 0)
    matched = np.asarray(match_colors(other, content, style_alpha=alpha))[:, :25]
    np.testing.assert_allclose(matched, match_colors(style[:, :25], content), atol=1e-5)


def test_match_colors_is_per_picture_in_a_batch() -> None:
    style, content = _noise(6, (2, 8, 8, 3), 0.3, 0.7), _noise(7, (2, 6, 5, 3))
    batch = match_colors(style, content)
    for index in range(2):
        np.testing.assert_allclose(
            batch[index], match_colors(style[index], content[index]), atol=1e-5
        )


@pytest.mark.parametrize("style_kind", ["gray", "flat", "noise"])
@pytest.mark.parametrize("content_kind", ["gray", "flat", "noise"])
def test_match_colors_is_finite_without_color(style_kind: str, content_kind: str) -> None:
    pictures = {
        "gray": np.repeat(_noise(8, (9, 9, 1)), 3, axis=-1),
        "flat": np.full((9, 9, 3), (0.2, 0.5, 0.7), np.float32),
        "noise": _noise(9, (9, 9, 3)),
    }
    matched = np.asarray(match_colors(pictures[style_kind], pictures[content_kind]))
    assert np.isfinite(matched).all()
    assert matched.min() >= 0.0
    assert matched.max() <= 1.0
    if content_kind == "flat":
        np.testing.assert_allclose(matched, pictures["flat"], atol=0.02)


def test_functions_can_be_jitted_and_take_jax_arrays() -> None:
    style, content = jnp.asarray(_noise(10, (8, 8, 3))), jnp.asarray(_noise(11, (8, 8, 3)))
    for function in (match_colors, transfer_luma):
        np.testing.assert_allclose(
            jax.jit(function)(style, content), function(style, content), atol=1e-5
        )


def test_a_matched_histogram_is_the_references() -> None:
    rng = np.random.default_rng(0)
    image, reference = rng.random((24, 20, 3), np.float32), rng.random((31, 16, 3), np.float32) ** 3
    matched = np.asarray(jax.jit(match_histogram)(image, reference))
    for channel in range(3):
        shares = np.linspace(0.05, 0.95, 10)
        found, wanted = (np.quantile(x[..., channel], shares) for x in (matched, reference))
        np.testing.assert_allclose(found, wanted, atol=0.01)
        order = [np.argsort(x[..., channel].ravel()) for x in (image, matched)]
        assert np.mean(order[0] == order[1]) > 0.99


def test_equal_values_stay_equal_when_matched() -> None:
    image = np.repeat(np.linspace(0, 1, 4, dtype=np.float32), 12).reshape(4, 4, 3)
    matched = np.asarray(
        match_histogram(image, np.random.default_rng(0).random((8, 8, 3), np.float32))
    )
    for channel in range(3):
        assert len(np.unique(matched[..., channel])) == len(np.unique(image[..., channel]))
