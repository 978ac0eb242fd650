"""Making pictures small as the usual test sets were made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.ops.resampling import downsample, enlarge_bicubic, resize_bicubic


def test_halving_has_the_published_weights() -> None:
    spike = jnp.zeros((1, 32, 1)).at[0, 16].set(1.0)
    found = resize_bicubic(spike, (1, 16))[0, 6:11, 0]
    wanted = [-0.01171875, 0.11328125, 0.43359375, -0.03515625, 0.0]
    np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_inside_it_is_as_pillow_has_it(paint) -> None:
    image = paint(0, 64, 96)
    found = resize_bicubic(jnp.asarray(image), (16, 24))
    planes = [
        Image.fromarray(image[..., c]).resize((24, 16), Image.Resampling.BICUBIC) for c in range(3)
    ]
    wanted = np.stack([np.asarray(plane) for plane in planes], -1)
    np.testing.assert_allclose(found[3:-3, 3:-3], wanted[3:-3, 3:-3], atol=2e-5)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(13, 6), (2, 5), (1, 1)])
def test_enlarging_is_resizing(paint, scale, size) -> None:
    images = jnp.stack([jnp.asarray(paint(seed, *size)) for seed in (0, 1)])
    wanted = resize_bicubic(images, (scale * size[0], scale * size[1]))
    np.testing.assert_allclose(enlarge_bicubic(images, scale), wanted, atol=2e-6)


def test_a_picture_goes_on_as_it_ends(paint) -> None:
    image = jnp.asarray(paint(1, 48, 40))
    wider = jnp.pad(image, ((16, 16), (16, 16), (0, 0)), mode="edge")
    np.testing.assert_allclose(downsample(wider, 4)[4:-4, 4:-4], downsample(image, 4), atol=1e-6)


def test_eight_bits_are_rounded_between_rows_and_columns() -> None:
    rng = np.random.default_rng(0)
    image = jnp.asarray(rng.integers(0, 256, (32, 32, 3)) / 255, jnp.float32)
    rows = jnp.round(255 * jnp.clip(resize_bicubic(image, (16, 32)), 0, 1)) / 255
    wanted = jnp.round(255 * jnp.clip(resize_bicubic(rows, (16, 16)), 0, 1)) / 255
    np.testing.assert_allclose(downsample(image, 2), wanted, atol=1e-6)
    whole = jnp.round(255 * jnp.clip(resize_bicubic(image, (16, 16)), 0, 1)) / 255
    assert float(jnp.max(jnp.abs(downsample(image, 2) - whole))) > 0.003


def test_a_flat_picture_stays_flat_at_any_size() -> None:
    flat = jnp.full((2, 24, 16, 3), 0.25)
    for size in ((6, 4), (7, 5), (96, 64), (1, 1)):
        np.testing.assert_allclose(resize_bicubic(flat, size), 0.25, atol=1e-6)


def test_enlarging_can_be_differentiated() -> None:
    image = jnp.ones((4, 4, 1))
    gradient = jax.grad(lambda x: jnp.sum(resize_bicubic(x, (8, 8))))(image)
    np.testing.assert_allclose(jnp.sum(gradient), 64, rtol=1e-5)


def test_blur_takes_detail_away() -> None:
    image = jnp.asarray(np.random.default_rng(1).random((32, 32, 3), np.float32))
    assert float(jnp.std(downsample(image, 2, blur=True))) < 0.8 * float(
        jnp.std(downsample(image, 2))
    )


def test_a_size_that_does_not_divide_is_refused() -> None:
    with pytest.raises(JaxnstError, match="30 x 32 cannot be divided by 4"):
        downsample(jnp.zeros((32, 30, 3)), 4)
