"""PSNR and SSIM agree with scikit-image; the distance of features grows with the damage."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from jaxnst.errors import JaxnstError
from jaxnst.ops.metrics import crop_border, psnr, ssim, video_luma
from jaxnst.perceptual.feature_distance import feature_distance


@pytest.fixture
def pair(paint) -> tuple[np.ndarray, np.ndarray]:
    reference = paint(0, 48, 56)
    noise = np.random.default_rng(0).normal(0, 0.05, reference.shape)
    return np.clip(reference + noise, 0, 1).astype(np.float32), reference


def test_psnr_is_that_of_scikit_image(pair) -> None:
    wanted = peak_signal_noise_ratio(pair[1], pair[0], data_range=1.0)
    np.testing.assert_allclose(psnr(*pair), wanted, rtol=1e-5)
    assert np.isinf(psnr(pair[0], pair[0]))


def test_ssim_is_that_of_scikit_image(pair) -> None:
    wanted = structural_similarity(
        *pair, data_range=1.0, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    np.testing.assert_allclose(ssim(*pair), wanted, atol=2e-5)
    np.testing.assert_allclose(ssim(pair[0], pair[0]), 1, atol=1e-5)


def test_batches_are_measured_one_by_one(pair) -> None:
    batch, reference = np.stack(pair), np.stack([pair[1]] * 2)
    assert psnr(batch, reference).shape == ssim(batch, reference).shape == (2,)
    np.testing.assert_allclose(ssim(batch, reference)[0], ssim(*pair), rtol=1e-5)


def test_video_luma_leaves_room_at_both_ends() -> None:
    ends = video_luma(jnp.array([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]))
    np.testing.assert_allclose(255 * ends.ravel(), [16, 235], atol=1e-3)
    assert crop_border(jnp.zeros((2, 10, 12, 1)), 4).shape == (2, 2, 4, 1)


@pytest.mark.slow
def test_features_are_further_apart_the_more_is_lost(pair, random_vgg) -> None:
    layers = ("relu1_1", "relu2_1")
    reference = pair[1][None]
    near = feature_distance(random_vgg, 0.9 * reference + 0.1 * pair[0][None], reference, layers)
    far = feature_distance(random_vgg, pair[0][None], reference, layers)
    assert 0 < float(near[0]) < float(far[0]) < 2
    assert float(feature_distance(random_vgg, reference, reference, layers)[0]) == 0
    alone = feature_distance(random_vgg, pair[0], pair[1], layers)
    np.testing.assert_allclose(alone, far[0], rtol=1e-5)


def test_wrong_shapes_are_refused(pair) -> None:
    with pytest.raises(JaxnstError, match="not two of one shape"):
        psnr(pair[0], pair[1][:-1])
    with pytest.raises(JaxnstError, match="at least 11 pixels"):
        ssim(pair[0][:8], pair[1][:8])


def test_bytes_are_measured_for_what_they_show(random_vgg, pair) -> None:
    picture, other = (np.round(255 * np.clip(one, 0, 1)) for one in pair)
    layers = ("relu1_1", "relu2_1")
    for measure in (psnr, ssim, functools.partial(feature_distance, random_vgg, layers=layers)):
        of_bytes = measure(picture.astype(np.uint8), other.astype(np.uint8))
        np.testing.assert_allclose(of_bytes, measure(picture / 255, other / 255), rtol=1e-4)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_other_integers_are_refused(measure, pair) -> None:
    with pytest.raises(JaxnstError, match="reference has values of type int32: give floats"):
        measure(pair[0], (255 * pair[1]).astype(np.int32))
