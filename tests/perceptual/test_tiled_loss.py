"""The loss in row tiles equals the loss of the whole picture."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.optimize.objective import loss_and_gradient
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.losses import perceptual_loss
from jaxnst.perceptual.targets import Targets, content_targets, match_styles, style_targets
from jaxnst.perceptual.tiled_loss import (
    margin,
    tiled_content_targets,
    tiled_loss_and_gradient,
    tiled_style_targets,
)
from jaxnst.perceptual.weights import load_vgg

OPTIONS = LossOptions(
    style_weight=5.0,
    tv_weight=0.5,
    content_layers=("relu2_1",),
    style_layers=("relu1_1", "relu2_1", "relu3_1"),
)


def relative_error(found, expected):
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))


def test_margin_is_as_wide_as_the_receptive_field_reaches():
    # Half the receptive field of relu1_2 is 2 rows; that of relu4_3 about 46, of relu5_1 about 78.
    assert [margin([layer], "vgg16") for layer in ("relu1_2", "relu4_3", "relu5_1")] == [32, 64, 96]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statistic", "masked", "tolerance"),
    [
        ("gram", False, 1e-5),
        pytest.param("mean_std", True, 1e-5, marks=pytest.mark.slow),
        pytest.param("neighbors", True, 1e-5, marks=pytest.mark.slow),
        pytest.param("wasserstein", True, 3e-3, marks=pytest.mark.slow),
    ],
)
def test_gradient_in_tiles_is_that_of_the_whole_picture(
    random_vgg, paint, statistic, masked, tolerance
):
    options = dataclasses.replace(OPTIONS, statistic=statistic)
    photo, style, image = (jnp.asarray(paint(seed, 139, 37)) for seed in range(3))
    mask = jnp.linspace(0, 1, 139 * 37).reshape(139, 37) if masked else None
    targets = Targets(
        content_targets(random_vgg, photo, options),
        (style_targets(random_vgg, style, options, mask=mask),),
    )
    if statistic == "neighbors":
        targets = match_styles(random_vgg, photo, targets, options)
    (loss, parts), gradient = loss_and_gradient(random_vgg, image, targets, options)
    (tiled_loss, tiled_parts), tiled = tiled_loss_and_gradient(
        random_vgg, image, targets, options, tile_rows=32
    )
    assert float(tiled_loss) == pytest.approx(float(loss), rel=tolerance)
    assert {k: float(v) for k, v in tiled_parts.items()} == pytest.approx(
        {k: float(v) for k, v in parts.items()}, rel=10 * tolerance, abs=1e-6
    )
    assert relative_error(tiled, gradient) < tolerance


def test_targets_in_tiles_are_those_of_the_whole_picture(random_vgg, paint):
    photo = jnp.asarray(paint(0, 139, 37))
    whole = content_targets(random_vgg, photo, OPTIONS)
    tiled = tiled_content_targets(random_vgg, photo, OPTIONS, tile_rows=32)
    for layer, features in whole.items():
        np.testing.assert_allclose(tiled[layer], features, rtol=1e-4, atol=1e-4)
    style = style_targets(random_vgg, photo, OPTIONS).statistics
    tiled_style = tiled_style_targets(random_vgg, photo, OPTIONS, tile_rows=32).statistics
    for layer, averages in style.items():
        assert relative_error(tiled_style[layer]["second"], averages["second"]) < 1e-5


def test_what_is_matched_in_tiles_is_that_of_the_whole_style(random_vgg, paint):
    photo, options = (
        jnp.asarray(paint(0, 139, 37)),
        dataclasses.replace(OPTIONS, statistic="neighbors"),
    )
    whole = style_targets(random_vgg, photo, options).statistics
    tiled = tiled_style_targets(random_vgg, photo, options, tile_rows=32).statistics
    for layer, there in whole.items():
        np.testing.assert_array_equal(tiled[layer]["eligible"], there["eligible"])
        assert relative_error(tiled[layer]["features"], there["features"]) < 1e-5


def test_a_transparent_style_in_tiles_is_that_of_the_whole(random_vgg, paint):
    photo, alpha = jnp.asarray(paint(0, 139, 37)), jnp.asarray(paint(1, 139, 37)[..., 0])
    style = style_targets(random_vgg, photo, OPTIONS, alpha=alpha)
    tiled = tiled_style_targets(random_vgg, photo, OPTIONS, tile_rows=32, alpha=alpha)
    assert tiled.mask is style.mask is None
    for layer, averages in style.statistics.items():
        assert relative_error(tiled.statistics[layer]["second"], averages["second"]) < 1e-5


@pytest.mark.slow
def test_tiles_see_no_seam(random_vgg, paint):
    """Rows at a tile's rim are as exact as those inside."""
    image, photo = jnp.asarray(paint(1, 139, 37)), jnp.asarray(paint(0, 139, 37))
    targets = Targets(content_targets(random_vgg, photo, OPTIONS), ())
    expected = jax.grad(lambda x: perceptual_loss(random_vgg, x, targets, OPTIONS)[0])(image)
    _, found = tiled_loss_and_gradient(random_vgg, image, targets, OPTIONS, tile_rows=32)
    worst = jnp.max(jnp.abs(found - expected), axis=(1, 2))
    assert float(worst.max()) < 1e-4 * float(jnp.abs(expected).max())


def test_prepared_kernels_serve_tiles_as_well(random_vgg, paint):
    photo, image = jnp.asarray(paint(0, 139, 37)), jnp.asarray(paint(1, 139, 37))
    targets = Targets(content_targets(random_vgg, photo, OPTIONS), ())
    _, expected = tiled_loss_and_gradient(random_vgg, image, targets, OPTIONS, tile_rows=32)
    prepared = vgg.prepare(random_vgg, ["relu3_1"])
    _, found = tiled_loss_and_gradient(prepared, image, targets, OPTIONS, tile_rows=32)
    assert relative_error(found, expected) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["pool4", "relu5_1", "pool5"])
def test_tiles_are_aligned_for_the_deepest_layers(paint, layer):
    params, options = load_vgg("vgg16"), LossOptions(content_layers=(layer,), style_layers=(layer,))
    image = jnp.asarray(paint(1, 301, 32))
    photo = content_targets(params, jnp.asarray(paint(0, 301, 32)), options)
    targets = Targets(photo, (style_targets(params, jnp.asarray(paint(2, 64, 32)), options),))
    expected, _ = jax.jit(perceptual_loss, static_argnums=3)(params, image, targets, options)
    (found, _), _ = tiled_loss_and_gradient(params, image, targets, options, tile_rows=32)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
