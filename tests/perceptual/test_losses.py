"""Losses against NumPy of the papers' equations, finite differences and JAX transformations."""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnst.errors import JaxnstError
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions, normalize_weights
from jaxnst.perceptual.loss_terms import style_shares
from jaxnst.perceptual.losses import (
    content_loss,
    perceptual_loss,
    style_loss,
    total_variation,
)
from jaxnst.perceptual.statistics import STATISTICS, gram_matrix, position_averages, uniform_weights
from jaxnst.perceptual.targets import (
    StyleTarget,
    Targets,
    content_targets,
    match_styles,
    style_targets,
    used_layers,
)

OPTIONS = LossOptions(
    content_weight=2.0,
    style_weight=3.0,
    tv_weight=0.5,
    content_layers=("relu2_1",),
    style_layers=("relu1_1", "relu2_1"),
)
FORMULAS = ("relative", "gatys", "johnson")

every_statistic = pytest.mark.parametrize(
    "statistic", [name for name, known in STATISTICS.items() if not known.matched]
)
every_formula = pytest.mark.parametrize("formula", FORMULAS)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(1, 2, shape).astype(np.float32)


def second_moment(features: np.ndarray) -> np.ndarray:
    """F'F/HW."""
    positions = np.asarray(features, np.float64).reshape(-1, features.shape[-1])
    return positions.T @ positions / len(positions)


def style_statistics(statistic: str, style: np.ndarray) -> dict[str, jax.Array]:
    averages = position_averages(statistic, jnp.asarray(style), uniform_weights(style.shape[-3:-1]))
    return STATISTICS[statistic].target(averages)


@pytest.fixture(scope="module")
def image(paint) -> jax.Array:
    return jnp.asarray(paint(0, 32, 48))


@pytest.fixture(scope="module")
def photo(paint) -> jax.Array:
    return jnp.asarray(paint(1, 32, 48))


@pytest.fixture(scope="module")
def style(paint) -> jax.Array:
    return jnp.asarray(paint(2, 40, 36))  # not of the image's size


@pytest.fixture(scope="module")
def make_targets(random_vgg, photo, style):
    """Targets of the photo and the style for some options."""

    @functools.cache
    def make(options: LossOptions = OPTIONS) -> Targets:
        content = content_targets(random_vgg, photo, options)
        return Targets(content, (style_targets(random_vgg, style, options),))

    return make


@pytest.fixture(scope="module")
def features_of(random_vgg):
    """Float64 features by name of layer."""
    layers = ("relu1_1", "relu2_1")

    def features(picture: jax.Array) -> dict[str, np.ndarray]:
        found = vgg.extract_features(random_vgg, picture, layers, border="edge")
        return {layer: np.asarray(f, np.float64) for layer, f in found.items()}

    return features


# Terms


@every_formula
def test_content_loss_is_zero_at_the_target(formula):
    target = noise(0, 4, 5, 6)
    assert float(content_loss(target, target, formula=formula)) == 0
    assert float(content_loss(target + 1e-2, target, formula=formula)) > 0


def test_relative_content_loss_of_zero_features_is_one():
    target = noise(0, 4, 5, 6)
    assert float(content_loss(jnp.zeros_like(target), target)) == pytest.approx(1)


def test_relative_content_loss_has_no_units():
    features, target = noise(0, 4, 5, 6), noise(1, 4, 5, 6)
    scaled = content_loss(1000 * features, 1000 * target)
    assert float(scaled) == pytest.approx(float(content_loss(features, target)), rel=1e-5)


def test_content_loss_is_the_paper_s_by_loops():
    features, target = noise(0, 3, 4, 5), noise(1, 3, 4, 5)
    error = norm = 0.0
    for y, x, c in np.ndindex(3, 4, 5):
        error += float(features[y, x, c] - target[y, x, c]) ** 2
        norm += float(target[y, x, c]) ** 2
    found = [float(content_loss(features, target, formula=f)) for f in FORMULAS]
    assert found == pytest.approx([error / norm, error / 2, error / (3 * 4 * 5)], rel=1e-5)


@every_formula
@pytest.mark.parametrize("batched_target", [True, False])
def test_content_losses_of_a_batch_are_those_of_its_members(batched_target, formula):
    features, targets = noise(0, 2, 3, 4, 5), noise(1, 2, 3, 4, 5)
    loss = functools.partial(content_loss, formula=formula)
    found = loss(features, targets if batched_target else targets[0])
    expected = [loss(features[i], targets[i * batched_target]) for i in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@every_statistic
def test_style_loss_is_zero_at_the_target(statistic):
    style = noise(0, 6, 5, 4)
    target = style_statistics(statistic, style)
    assert float(style_loss(style, target, statistic=statistic)) < 1e-6
    assert float(style_loss(1.1 * style, target, statistic=statistic)) > 1e-3


@every_statistic
def test_relative_style_loss_of_zero_features_is_one(statistic):
    style = noise(0, 6, 5, 4)
    found = style_loss(
        jnp.zeros_like(style), style_statistics(statistic, style), statistic=statistic
    )
    assert float(found) == pytest.approx(1, rel=0.01)


def test_style_loss_is_the_paper_s():
    features, style, channels = noise(0, 6, 5, 4), noise(1, 7, 3, 4), 4
    target = style_statistics("gram", style)
    a, b = second_moment(features), second_moment(style)
    squares = np.sum((a - b) ** 2)
    johnson = np.sum((a / channels - b / channels) ** 2)
    expected = [squares / np.sum(b**2), squares / (4 * channels**2), johnson]
    found = [float(style_loss(features, target, formula=f)) for f in FORMULAS]
    assert found == pytest.approx(expected, rel=1e-5)


def test_style_loss_is_gatys_own_for_pictures_of_one_size():
    features, style = noise(0, 6, 5, 4), noise(1, 6, 5, 4)
    f, s = (x.reshape(-1, 4).astype(np.float64) for x in (features, style))
    n, m = 4, 6 * 5  # channels and positions, as the paper names them
    expected = np.sum((f.T @ f - s.T @ s) ** 2) / (4 * n**2 * m**2)
    found = style_loss(features, style_statistics("gram", style), formula="gatys")
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("statistic", ["mean_std", "wasserstein"])
@pytest.mark.parametrize("formula", ["gatys", "johnson"])
def test_papers_sums_are_refused_but_for_gram_matrices(statistic, formula):
    with pytest.raises(JaxnstError, match=f"{formula}.*'gram'.*{statistic}"):
        LossOptions(statistic=statistic, formula=formula)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_total_variation_by_loops(norm, reduction):
    image, power = noise(0, 4, 6, 3), {"l1": 1, "l2": 2}[norm]
    down, right = [], []
    for y, x, c in np.ndindex(image.shape):
        if y:
            down.append(abs(float(image[y, x, c] - image[y - 1, x, c])) ** power)
        if x:
            right.append(abs(float(image[y, x, c] - image[y, x - 1, c])) ** power)
    reduce = {"mean": np.mean, "sum": np.sum}[reduction]
    found = total_variation(image, norm=norm, reduction=reduction)
    assert float(found) == pytest.approx(reduce(down) + reduce(right), rel=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_total_variations_of_a_batch_are_those_of_its_members(reduction):
    batch = noise(0, 2, 4, 6, 3)
    found = total_variation(batch, reduction=reduction)
    expected = [total_variation(image, reduction=reduction) for image in batch]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_total_variation_of_one_color_is_zero():
    batch = np.tile(noise(0, 1, 1, 3), (2, 4, 5, 1))
    np.testing.assert_array_equal(total_variation(batch), [0, 0])


# The whole


@every_formula
def test_perceptual_loss_is_the_formula_s(formula, random_vgg, image, photo, style, features_of):
    options = LossOptions(
        content_weight=0.7,
        style_weight=1.3,
        tv_weight=0.1,
        content_layers=("relu1_1", "relu2_1"),
        style_layers=("relu1_1", "relu2_1"),
        formula=formula,
    )
    content = content_targets(random_vgg, photo, options)
    targets = Targets(content, (style_targets(random_vgg, style, options),))
    f, p, s = features_of(image), features_of(photo), features_of(style)

    content_terms, style_terms = [], []
    for layer in options.content_layers:
        error = np.sum((f[layer] - p[layer]) ** 2)
        h, w, c = p[layer].shape
        norms = {"relative": np.sum(p[layer] ** 2), "gatys": 2, "johnson": c * h * w}
        content_terms.append(error / norms[formula])
    for layer in options.style_layers:
        m, a = second_moment(f[layer]), second_moment(s[layer])
        norms = {"relative": np.sum(a**2), "gatys": 4 * len(a) ** 2, "johnson": len(a) ** 2}
        style_terms.append(np.sum((m - a) ** 2) / norms[formula])
    pixels = np.asarray(image, np.float64)
    squares = [np.diff(pixels, axis=axis) ** 2 for axis in (0, 1)]
    tv = sum(np.mean(d) for d in squares)
    if formula == "johnson":
        tv = sum(np.sum(255**2 * d) for d in squares)
    join_content = np.mean if formula == "relative" else np.sum
    join_style = np.sum if formula == "johnson" else np.mean
    expected = {
        "content": 0.7 * join_content(content_terms),
        "style": 1.3 * join_style(style_terms),
        "tv": 0.1 * tv,
    }

    loss, parts = perceptual_loss(random_vgg, image, targets, options)
    found = {name: float(parts[name]) for name in expected}
    assert found == pytest.approx(expected, rel=1e-4)
    assert float(loss) == pytest.approx(sum(expected.values()), rel=1e-4)
    for layer, term in zip(options.content_layers, content_terms, strict=True):
        assert float(parts[f"content/{layer}"]) == pytest.approx(term, rel=1e-4)
    for layer, term in zip(options.style_layers, style_terms, strict=True):
        assert float(parts[f"style/{layer}"]) == pytest.approx(term, rel=1e-4)


@every_statistic
def test_perceptual_loss_is_the_sum_of_its_three_parts(statistic, random_vgg, image, photo, style):
    options = replace(OPTIONS, statistic=statistic, tv_norm="l1")
    content = content_targets(random_vgg, photo, options)
    targets = Targets(content, (style_targets(random_vgg, style, options),))
    loss, parts = perceptual_loss(random_vgg, image, targets, options)
    assert loss.shape == ()
    assert min(float(parts[name]) for name in ("content", "style", "tv")) > 0.01
    total = float(parts["content"] + parts["style"] + parts["tv"])
    assert float(loss) == pytest.approx(total, rel=1e-6)
    assert float(parts["tv"]) == pytest.approx(0.5 * float(total_variation(image, norm="l1")))


@every_statistic
def test_perceptual_loss_of_the_photo_in_its_own_style_is_zero(statistic, random_vgg, photo):
    options = replace(OPTIONS, statistic=statistic, tv_weight=0.0)
    content = content_targets(random_vgg, photo, options)
    targets = Targets(content, (style_targets(random_vgg, photo, options),))
    assert float(perceptual_loss(random_vgg, photo, targets, options)[0]) < 1e-4


@pytest.mark.parametrize(
    ("statistic", "formula"),
    [*((s, "relative") for s in STATISTICS), ("gram", "gatys"), ("gram", "johnson")],
)
def test_gradient_is_the_finite_difference(statistic, formula, random_vgg, paint):
    deep = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1")}
    shallow = {"content_layers": ("relu1_1",), "style_layers": ("relu1_1",)}  # to compile sooner
    layers = deep if (statistic, formula) == ("gram", "relative") else shallow
    options = LossOptions(tv_weight=0.5, statistic=statistic, formula=formula, **layers)
    # Position weights stay float32, which is fine but for strict promotion.
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        params = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float64)), random_vgg)
        image, photo, style = (jnp.asarray(paint(s, 32, 32), jnp.float64) for s in range(3))
        direction = jnp.asarray(np.random.default_rng(0).normal(size=image.shape))
        content = content_targets(params, photo, options)
        targets = Targets(content, (style_targets(params, style, options),))
        if STATISTICS[statistic].matched:
            targets = match_styles(params, photo, targets, options)
        loss = jax.jit(
            jax.value_and_grad(lambda x: perceptual_loss(params, x, targets, options)[0])
        )
        h = 1e-7  # relu and max pooling have kinks, most of them farther away
        difference = float(loss(image + h * direction)[0] - loss(image - h * direction)[0]) / (
            2 * h
        )
        found = float(jnp.vdot(loss(image)[1], direction))
    # The derivative of the Wasserstein distance is damped where features hardly vary.
    tolerance = 0.05 if statistic == "wasserstein" else 1e-4
    assert found == pytest.approx(difference, rel=tolerance)


# Batches and transformations


def test_loss_of_a_batch_is_the_mean_of_its_members(random_vgg, paint, make_targets):
    batch = jnp.asarray(np.stack([paint(s, 32, 48) for s in (3, 4)]))
    loss, parts = perceptual_loss(random_vgg, batch, make_targets(), OPTIONS)
    singles = [perceptual_loss(random_vgg, image, make_targets(), OPTIONS) for image in batch]
    assert float(loss) == pytest.approx(np.mean([float(s[0]) for s in singles]), rel=1e-5)
    for name, part in parts.items():
        assert part.shape == ()
        expected = np.mean([float(s[1][name]) for s in singles])
        assert float(part) == pytest.approx(expected, rel=1e-5), name


def test_vmapped_loss_and_gradient_are_the_looped_ones(random_vgg, paint, make_targets):
    batch = jnp.asarray(np.stack([paint(s, 32, 48) for s in (3, 4)]))

    def loss(image: jax.Array) -> jax.Array:
        return perceptual_loss(random_vgg, image, make_targets(), OPTIONS)[0]

    evaluate = jax.value_and_grad(loss)
    losses, gradients = jax.jit(jax.vmap(evaluate))(batch)
    looped = [jax.jit(evaluate)(image) for image in batch]
    np.testing.assert_allclose(losses, [value for value, _ in looped], rtol=1e-5)
    for gradient, (_, expected) in zip(gradients, looped, strict=True):
        assert float(jnp.linalg.norm(gradient - expected) / jnp.linalg.norm(expected)) < 1e-4


def test_jit_changes_nothing(random_vgg, image, make_targets):
    plain = perceptual_loss(random_vgg, image, make_targets(), OPTIONS)
    jitted = jax.jit(perceptual_loss, static_argnames="options")
    found = jitted(random_vgg, image, make_targets(), OPTIONS)
    assert jax.tree.structure(found) == jax.tree.structure(plain)
    np.testing.assert_allclose(jax.tree.leaves(found), jax.tree.leaves(plain), rtol=1e-5)


def test_loss_is_traced_once_for_pictures_targets_and_weights_of_styles(
    random_vgg, image, photo, make_targets
):
    traces = 0

    def counted(params, image, targets, options):
        nonlocal traces
        traces += 1
        return perceptual_loss(params, image, targets, options)

    loss, targets = jax.jit(counted, static_argnames="options"), make_targets()
    heavier = targets._replace(styles=(targets.styles[0]._replace(weight=2.0),))
    equal_options = LossOptions(**vars(OPTIONS))
    values = {
        float(loss(random_vgg, picture, aim, equal_options)[0])
        for picture, aim in [(image, targets), (photo, targets), (photo, heavier)]
    }
    assert traces == 1
    assert len(values) == 2  # one style counts fully, whatever its weight
    loss(random_vgg, image, targets, replace(OPTIONS, tv_weight=9.0))
    assert traces == 2


# Targets and weights


def test_missing_targets_are_left_out(random_vgg, image, make_targets):
    content, styles = make_targets()
    both = perceptual_loss(random_vgg, image, Targets(content, styles), OPTIONS)[1]
    for targets, present, absent in [
        (Targets(content), "content", "style"),
        (Targets(styles=styles), "style", "content"),
    ]:
        loss, parts = perceptual_loss(random_vgg, image, targets, OPTIONS)
        assert float(parts[present]) == pytest.approx(float(both[present]), rel=1e-5)
        assert float(parts[absent]) == 0
        assert not [name for name in parts if name.startswith(f"{absent}/")]
        assert float(loss) == pytest.approx(float(both[present] + both["tv"]), rel=1e-5)


def test_layers_without_target_are_not_used(make_targets):
    content, styles = make_targets()
    assert used_layers(Targets(content), OPTIONS) == ("relu2_1",)
    assert used_layers(Targets(), OPTIONS) == ()
    assert set(used_layers(Targets(content, styles), OPTIONS)) == {"relu1_1", "relu2_1"}


def test_style_layer_weights_are_relative(random_vgg, image, make_targets):
    plain = perceptual_loss(random_vgg, image, make_targets(), OPTIONS)[1]
    first, second = (float(plain[f"style/{layer}"]) for layer in OPTIONS.style_layers)
    for weights, expected in [
        ((1.0, 3.0), (first + 3 * second) / 4),
        ((10.0, 30.0), (first + 3 * second) / 4),
        ((0.0, 1.0), second),
    ]:
        options = replace(OPTIONS, style_layer_weights=weights)
        found = perceptual_loss(random_vgg, image, make_targets(), options)[1]["style"]
        assert float(found) == pytest.approx(OPTIONS.style_weight * expected, rel=1e-5)


def test_blend_is_the_mean_of_its_styles_by_weight(random_vgg, image, paint, make_targets):
    first = make_targets().styles[0]
    second = style_targets(random_vgg, jnp.asarray(0.5 * paint(5, 40, 36)), OPTIONS)

    def loss(*styles: StyleTarget) -> float:
        return float(
            perceptual_loss(random_vgg, image, Targets(styles=styles), OPTIONS)[1]["style"]
        )

    alone = loss(first), loss(second)
    assert alone[0] != pytest.approx(alone[1], rel=0.01)
    for weights in [(1.0, 3.0), (0.5, 1.5)]:
        blend = (s._replace(weight=w) for s, w in zip((first, second), weights, strict=True))
        assert loss(*blend) == pytest.approx((alone[0] + 3 * alone[1]) / 4, rel=1e-5)


# Masks


def halves(height: int, width: int) -> tuple[jax.Array, jax.Array]:
    left = jnp.zeros((height, width)).at[:, : width // 2].set(1.0)
    return left, 1 - left


@pytest.fixture(scope="module")
def two_regions(random_vgg, paint):
    """Gradient of the style term at a picture [32, 64, 3] with a style on either half."""
    options = LossOptions(style_layers=("relu1_1", "relu2_1", "relu3_1"))
    image, masks = jnp.asarray(paint(0, 32, 64)), halves(32, 64)

    @jax.jit
    def gradient(styles: tuple[StyleTarget, ...]) -> jax.Array:
        targets = Targets(styles=styles)
        return jax.grad(lambda x: perceptual_loss(random_vgg, x, targets, options)[0])(image)

    def of(*seeds: int, right_weight: float = 1.0) -> np.ndarray:
        pictures = [jnp.asarray(paint(seed, 40, 36)) for seed in seeds]
        styles = tuple(
            style_targets(random_vgg, picture, options, mask=mask, weight=weight)
            for picture, mask, weight in zip(pictures, masks, (1.0, right_weight), strict=True)
        )
        return np.asarray(gradient(styles))

    return of


REACH = 14  # pixels that relu3_1 sees to either side: 2 + 2 * 2 + 4, poolings and the cell itself


def test_style_pulls_only_at_its_region(two_regions):
    size = np.abs(two_regions(5, 6, right_weight=0.0)).max((0, 2))
    assert not size[32 + REACH :].any()
    assert size[:32].min() > 0
    assert size[32:36].min() > 0  # the net sees across the border


def test_each_region_depends_on_its_own_style(two_regions):
    before, after = two_regions(5, 6), two_regions(5, 7)
    scale = np.abs(before).max()
    assert np.abs(before - after)[:, : 32 - REACH].max() < 1e-5 * scale
    assert np.abs(before - after)[:, 32 + REACH :].max() > 1e-2 * scale


def test_mask_compares_the_region_alone(random_vgg, image, style):
    options, left = LossOptions(style_layers=("relu1_1", "relu2_1")), halves(32, 48)[0]
    features = vgg.extract_features(random_vgg, image, options.style_layers, border="edge")
    target = style_targets(random_vgg, style, options, mask=left)
    parts = perceptual_loss(random_vgg, image, Targets(styles=(target,)), options)[1]
    for layer, f in features.items():
        region = f[:, : f.shape[1] // 2]
        expected = 0.5 * style_loss(region, target.statistics[layer])  # half of the picture
        assert float(parts[f"style/{layer}"]) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("statistic", ["gram", "mean_std", "wasserstein"])
def test_what_is_transparent_in_a_style_counts_for_nothing(random_vgg, paint, statistic):
    options = LossOptions(style_layers=("relu1_1", "relu2_1"), statistic=statistic)
    style = jnp.asarray(paint(5, 40, 64))
    other = style.at[:, 32 + REACH :].set(0.5)
    left = halves(40, 64)[0]

    def targets(picture: jax.Array, alpha: jax.Array | None) -> dict:
        found = style_targets(random_vgg, picture, options, alpha=alpha)
        assert found.mask is None
        return found.statistics

    def difference(a: dict, b: dict) -> float:
        leaves = [jax.tree.leaves(jax.tree.map(jnp.subtract, a, b)), jax.tree.leaves(b)]
        errors, sizes = (sum(float(jnp.sum(x**2)) for x in part) for part in leaves)
        return (errors / sizes) ** 0.5

    assert difference(targets(other, left), targets(style, left)) < 1e-6
    assert difference(targets(other, None), targets(style, None)) > 0.05


# Nearest neighbors

NEIGHBORS = replace(OPTIONS, statistic="neighbors", content_weight=0.0, tv_weight=0.0)


def matched_with(params, picture: jax.Array, style: StyleTarget) -> Targets:
    return match_styles(params, picture, Targets(styles=(style,)), NEIGHBORS)


def test_neighbors_compare_each_feature_with_the_most_similar_of_the_style(
    random_vgg, image, photo, style, features_of
):
    targets = matched_with(random_vgg, photo, style_targets(random_vgg, style, NEIGHBORS))
    loss, parts = perceptual_loss(random_vgg, image, targets, NEIGHBORS)
    found, there, guide = features_of(image), features_of(style), features_of(photo)
    terms = []
    for layer in NEIGHBORS.style_layers:
        columns = [f[layer].reshape(-1, f[layer].shape[-1]) for f in (guide, there)]
        a, b = (c - c.mean(0) for c in columns)
        a, b = (c / np.linalg.norm(c, axis=1, keepdims=True) for c in (a, b))
        wanted = columns[1][(a @ b.T).argmax(1)].reshape(found[layer].shape)
        terms.append(np.sum((found[layer] - wanted) ** 2) / np.sum(wanted**2))
        assert float(parts[f"style/{layer}"]) == pytest.approx(terms[-1], rel=1e-3)
    assert float(loss) == pytest.approx(3 * np.mean(terms), rel=1e-3)


def test_a_picture_matched_with_itself_has_no_style_loss(random_vgg, photo):
    targets = matched_with(random_vgg, photo, style_targets(random_vgg, photo, NEIGHBORS))
    assert float(perceptual_loss(random_vgg, photo, targets, NEIGHBORS)[0]) < 1e-6


def test_styles_that_are_not_matched_say_what_to_do(random_vgg, image, style):
    targets = Targets(styles=(style_targets(random_vgg, style, NEIGHBORS),))
    with pytest.raises(JaxnstError, match="give the targets to match_styles first"):
        perceptual_loss(random_vgg, image, targets, NEIGHBORS)


def test_styles_matched_with_a_picture_of_another_size_are_refused(random_vgg, image, style):
    targets = matched_with(random_vgg, style, style_targets(random_vgg, style, NEIGHBORS))
    with pytest.raises(JaxnstError, match=r"features have shape .* make it from a picture of"):
        perceptual_loss(random_vgg, image, targets, NEIGHBORS)


def test_what_is_transparent_in_a_style_is_matched_with_nothing(random_vgg, paint, photo):
    style, left = jnp.asarray(paint(5, 40, 64)), halves(40, 64)[0]
    other = style.at[:, 32 + REACH :].set(0.5)
    one, two, opaque = (
        matched_with(random_vgg, photo, style_targets(random_vgg, picture, NEIGHBORS, alpha=alpha))
        for picture, alpha in ((style, left), (other, left), (other, None))
    )
    for layer in NEIGHBORS.style_layers:
        found = [t.styles[0].statistics[layer]["matched"] for t in (one, two, opaque)]
        np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-4)
        assert float(jnp.abs(found[2] - found[1]).max()) > 0.1


def shares(*weighted_masks: tuple[float, jax.Array | None]) -> list[float]:
    return [float(s) for s in style_shares([StyleTarget({}, w, m) for w, m in weighted_masks])]


def test_shares_of_a_blend_are_its_weights_and_sum_to_one():
    assert shares((1.0, None), (3.0, None)) == pytest.approx([0.25, 0.75])


def test_shares_of_regions_are_their_areas():
    quarter = jnp.zeros((8, 8)).at[:4, :4].set(1.0)
    assert shares((1.0, quarter), (1.0, 1 - quarter)) == pytest.approx([0.25, 0.75])
    assert shares((5.0, quarter)) == pytest.approx([0.25])


def test_shares_of_each_pixel_sum_to_one_where_most_styles_meet():
    left, right = halves(8, 8)
    masks, weights = (left, jnp.ones((8, 8)), 0.5 * right), (1.0, 2.0, 1.0)
    found = shares(*zip(weights, masks, strict=True))
    # A style's share is spread evenly over its mask.
    density = sum(s * m / jnp.mean(m) for s, m in zip(found, masks, strict=True))
    assert float(density.max()) == pytest.approx(1)
    assert float(density[0, -1]) == pytest.approx(2.5 / 3)  # fewer meet here


def test_empty_masks_and_no_styles_do_no_harm(random_vgg, image, make_targets):
    assert style_shares([]) == []
    options = LossOptions(content_layers=("relu1_1",), style_layers=("relu1_1",))
    empty = make_targets(options).styles[0]._replace(mask=jnp.zeros(image.shape[:2]))
    evaluate = jax.value_and_grad(perceptual_loss, argnums=1, has_aux=True)
    (loss, _), gradient = evaluate(random_vgg, image, Targets(styles=(empty,)), options)
    assert float(loss) == 0
    assert not np.any(gradient)


def test_unknown_names_are_refused():
    features = jnp.ones((2, 2, 3))
    with pytest.raises(JaxnstError, match="did you mean 'relative'"):
        content_loss(features, features, formula="relativ")
    with pytest.raises(JaxnstError, match="did you mean 'gram'"):
        style_loss(features, {"second": jnp.eye(3)}, statistic="grm")
    with pytest.raises(JaxnstError, match="norm 'l3'"):
        total_variation(features, norm="l3")


# What is not an image or a target


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, bool])
def test_images_of_integers_are_refused(dtype, random_vgg, image, make_targets):
    integers = jnp.asarray(255 * image).astype(dtype)
    for use in (
        lambda: perceptual_loss(random_vgg, integers, make_targets(), OPTIONS),
        lambda: content_targets(random_vgg, integers, OPTIONS),
        lambda: style_targets(random_vgg, integers, OPTIONS),
        lambda: vgg.extract_features(random_vgg, integers, ["relu1_1"]),
        lambda: total_variation(integers),
        lambda: content_loss(integers, integers),
        lambda: gram_matrix(integers),
    ):
        with pytest.raises(JaxnstError, match=rf"of type {np.dtype(dtype)}: give floats"):
            use()


@pytest.mark.parametrize("shape", [(64, 48), (32, 40), (48, 32)])
def test_photo_of_another_size_is_refused(shape, random_vgg, image, paint):
    photo = content_targets(random_vgg, jnp.asarray(paint(1, *shape)), OPTIONS)
    with pytest.raises(JaxnstError, match=r"features have shape \(16, 24, 128\) and the target"):
        perceptual_loss(random_vgg, image, Targets(photo), OPTIONS)


def test_pictures_and_parts_of_targets_are_no_targets(random_vgg, image, make_targets):
    content, styles = make_targets()
    for wrong in (image, content, styles[0]):
        with pytest.raises(JaxnstError, match=r"targets is of type \w+: make it of"):
            perceptual_loss(random_vgg, image, wrong, OPTIONS)


def test_batches_of_other_lengths_are_refused(random_vgg, image):
    photos = content_targets(random_vgg, jnp.stack([image] * 3), OPTIONS)
    with pytest.raises(JaxnstError, match="make it from a picture of"):
        perceptual_loss(random_vgg, jnp.stack([image] * 2), Targets(photos), OPTIONS)


def test_mask_of_another_size_is_refused(random_vgg, image, make_targets):
    style = make_targets().styles[0]._replace(mask=jnp.ones((48, 32)))
    with pytest.raises(JaxnstError, match=r"mask has shape \(48, 32\): expected the image's"):
        perceptual_loss(random_vgg, image, Targets(styles=(style,)), OPTIONS)


@pytest.mark.parametrize("other", [{"statistic": "mean_std"}, {"style_layers": ("relu1_1",)}])
def test_style_target_of_other_options_is_refused(other, random_vgg, image, make_targets):
    with pytest.raises(JaxnstError, match="make it with the same options"):
        perceptual_loss(random_vgg, image, make_targets(), replace(OPTIONS, **other))


def test_lists_of_layers_become_tuples():
    options = LossOptions(
        content_layers=["relu2_2"], style_layers=["relu1_1"], style_layer_weights=[2.0]
    )
    expected = LossOptions(
        content_layers=("relu2_2",), style_layers=("relu1_1",), style_layer_weights=(2.0,)
    )
    assert hash(options) == hash(expected)
    assert options == expected


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_layer_that_is_not_in_a_tuple_is_refused(name):
    with pytest.raises(JaxnstError, match=rf"{name} is 'relu2_2': .* \('relu2_2',\)"):
        LossOptions(**{name: "relu2_2"})


# Weights of any size


@every_formula
def test_normalized_weights_give_the_same_loss_to_the_bit(formula, random_vgg, image, make_targets):
    options = replace(OPTIONS, formula=formula, style_layer_weights=(3.0, 700.0))
    normalized, factor = normalize_weights(options, content=True, style=True)
    loss, parts = perceptual_loss(random_vgg, image, make_targets(options), options)
    found, found_parts = perceptual_loss(random_vgg, image, make_targets(options), normalized)
    assert factor > 1
    assert float(found) * factor == float(loss)
    assert float(found_parts["style"]) * factor == float(parts["style"])


@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 1e30])
@every_formula
def test_largest_weight_is_normalized_whatever_its_size(formula, size):
    options = LossOptions(
        content_weight=0.1 * size,
        style_weight=size,
        style_layer_weights=(size, 0.3 * size),
        style_layers=("relu1_1", "relu2_1"),
        formula=formula,
    )
    found, factor = normalize_weights(options, content=True, style=True)
    assert 0.5 <= max(found.content_weight, found.style_weight) < 1
    assert 0.5 <= max(found.style_layer_weights) < 1
    assert found.content_weight * factor == options.content_weight


def test_weights_of_absent_terms_do_not_count():
    options = LossOptions(content_weight=1e30, style_weight=1e-20)
    found, _ = normalize_weights(options, content=False, style=True)
    assert found.content_weight == 0
    assert 0.5 <= found.style_weight < 1


# Forward mode


@pytest.mark.parametrize(
    "statistic",
    ["mean_std", *(pytest.param(name, marks=pytest.mark.slow) for name in ("gram", "wasserstein"))],
)
def test_forward_derivative_is_the_backward_one(statistic, random_vgg, image, make_targets, paint):
    options = replace(OPTIONS, statistic=statistic)
    direction = jnp.asarray(paint(7, 32, 48)) - 0.5

    def loss(image: jax.Array) -> jax.Array:
        return perceptual_loss(random_vgg, image, make_targets(options), options)[0]

    @jax.jit
    def both() -> tuple[jax.Array, jax.Array]:
        forward = jax.jvp(loss, (image,), (direction,))[1]
        return forward, jnp.vdot(jax.grad(loss)(image), direction)

    forward, backward = both()
    assert float(forward) == pytest.approx(float(backward), rel=1e-4)
