"""Whole runs: sizes, progress, exact continuation, starts, and jobs that cannot be done."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from jaxnst.errors import JaxnstError
from jaxnst.io.resize import resize
from jaxnst.optimize.job import Job, Style, check_job, memory_needs, scales, style_size
from jaxnst.optimize.options import OptimizeOptions
from jaxnst.optimize.run import Progress, loss_of, run, work_done
from jaxnst.perceptual.loss_options import LossOptions

LOSS = LossOptions(
    style_weight=2.0,
    tv_weight=0.1,
    content_layers=("relu2_1",),
    style_layers=("relu1_1", "relu2_1"),
)
NEIGHBORS = replace(LOSS, statistic="neighbors", tv_weight=0.0)
OPTIONS = OptimizeOptions(iterations=7, coarsest=32, memory=4)  # two sizes


pytestmark = pytest.mark.usefixtures("optax_promotion")
both_optimizers = pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])


@pytest.fixture(scope="module")
def job(paint) -> Job:
    style = Style(paint(5, 50, 40))
    return Job((64, 64), paint(0, 70, 66), (style,), loss=LOSS, options=OPTIONS)


def with_options(job: Job, **changes) -> Job:
    return replace(job, options=replace(job.options, **changes))


@pytest.fixture(scope="module")
def whole(random_vgg, job) -> list[Progress]:
    return list(run(random_vgg, job))


# Sizes


@pytest.mark.parametrize(
    ("size", "coarsest", "expected"),
    [
        ((600, 1000), 128, [(150, 250), (300, 500), (600, 1000)]),
        ((1000, 600), 251, [(500, 300), (1000, 600)]),
        ((256, 256), 128, [(128, 128), (256, 256)]),
        ((255, 255), 128, [(255, 255)]),
        ((512, 512), 0, [(512, 512)]),
        ((64, 1024), 128, [(32, 512), (64, 1024)]),  # the next would be 16 high
        ((1024, 63), 128, [(512, 32), (1024, 63)]),
        ((40, 4000), 128, [(40, 4000)]),
        ((32, 32), 128, [(32, 32)]),
    ],
)
def test_sizes_halve_down_to_the_coarsest_or_to_what_the_net_can_see(size, coarsest, expected):
    assert scales(Job(size, options=OptimizeOptions(coarsest=coarsest))) == expected


# Progress


def test_progress_counts_every_iteration(whole):
    assert [progress.iteration for progress in whole] == [1, 2, 3, 4, 5, 6, 7]
    assert {progress.total for progress in whole} == {7}


def test_iterations_are_shared_by_the_sizes_and_the_rest_is_coarse(whole):
    assert [progress.state.scale for progress in whole] == [0, 0, 0, 0, 1, 1, 1]
    assert [progress.state.iteration for progress in whole] == [1, 2, 3, 4, 1, 2, 3]
    sizes = [progress.image.shape for progress in whole]
    assert sizes == 4 * [(32, 32, 3)] + 3 * [(64, 64, 3)]


def test_loss_goes_down_at_every_size(whole):
    losses = [progress.loss for progress in whole]
    assert losses[3] < 0.9 * losses[0]
    assert losses[6] < losses[4]


def test_parts_add_up_to_the_loss(whole):
    for progress in whole:
        parts = [progress.parts[name] for name in ("content", "style", "tv")]
        assert progress.loss == pytest.approx(sum(parts), rel=1e-5)
        assert min(parts[1:]) > 0


def test_full_size_starts_from_the_coarse_picture(whole):
    np.testing.assert_array_equal(whole[4].image, resize(whole[3].image, (64, 64)))


def test_run_starts_from_the_photo(random_vgg, job, paint):
    photo = paint(0, 64, 64)
    first = next(run(random_vgg, with_options(replace(job, content=photo), coarsest=0)))
    np.testing.assert_array_equal(first.image, photo)
    assert first.parts["content"] == pytest.approx(0, abs=1e-9)


def test_run_starts_from_the_start_if_there_is_one(random_vgg, job, paint):
    start = paint(9, 64, 64)
    for init in ("content", "noise"):
        first = next(
            run(random_vgg, with_options(replace(job, start=start), coarsest=0, init=init))
        )
        np.testing.assert_array_equal(first.image, start)


@both_optimizers
def test_pixels_stay_in_the_box(optimizer, random_vgg, job, paint):
    start = np.round(paint(9, 64, 64))  # nothing but zeros and ones
    changes = {"optimizer": optimizer, "learning_rate": 0.3}
    for progress in run(random_vgg, with_options(replace(job, start=start), **changes)):
        assert progress.image.min() >= 0
        assert progress.image.max() <= 1


def test_loss_of_the_saved_picture_is_the_one_reported(random_vgg, job, whole):
    saved = np.round(255 * whole[-1].image) / 255
    start = replace(job, start=saved.astype(np.float32))
    first = next(run(random_vgg, with_options(start, coarsest=0)))
    assert first.loss == pytest.approx(whole[-1].loss, rel=0.05)
    assert first.loss != whole[-1].loss


def test_average_is_of_the_iterates(random_vgg, job):
    averaged = list(run(random_vgg, with_options(job, average=0.75)))
    iterates = [np.asarray(progress.state.optimizer.image) for progress in averaged]
    for first, last in [(0, 3), (4, 6)]:  # at each size
        expected = iterates[first]
        for count, iterate in enumerate(iterates[first + 1 : last + 1], start=2):
            decay = min(0.75, (count - 1) / count)  # a plain mean at first
            expected = decay * expected + (1 - decay) * iterate
        np.testing.assert_allclose(averaged[last].image, expected, atol=1e-6)
        assert np.abs(averaged[last].image - iterates[last]).max() > 1e-3


def test_printed_progress_is_one_short_line(whole):
    assert str(whole[0]).startswith("1/7 at 32 x 32 px: loss ")
    assert "style " in str(whole[0])
    for shown in (str(whole[-1]), repr(whole[-1])):
        assert len(shown) < 100
        assert "\n" not in shown


# Weights of any size


def scaled(loss: LossOptions, factor: float) -> LossOptions:
    names = ("content_weight", "style_weight", "tv_weight")
    return replace(loss, **{name: factor * getattr(loss, name) for name in names})


@both_optimizers
def test_picture_does_not_depend_on_the_scale_of_the_weights(optimizer, random_vgg, job):
    job = with_options(job, optimizer=optimizer, coarsest=0, iterations=4)
    expected = list(run(random_vgg, job))
    for factor in (2.0**80, 2.0**-80):
        found = list(run(random_vgg, replace(job, loss=scaled(job.loss, factor))))
        np.testing.assert_array_equal(found[-1].image, expected[-1].image)
        assert np.abs(found[-1].image - found[0].image).max() > 0.01
        assert [p.loss for p in found] == [factor * p.loss for p in expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"formula": "johnson", "style_weight": 1e25, "content_weight": 1e20},
        {"formula": "johnson", "style_layer_weights": (1e28, 1e28)},
        {"formula": "johnson", "tv_weight": 1e30},
        {"formula": "gatys", "style_weight": 1e30},
        {"tv_weight": 1e30},
        {"style_weight": 1e-22, "content_weight": 1e-22, "tv_weight": 0.0},
    ],
)
def test_extreme_weights_do_not_return_the_photo(changes, random_vgg, job):
    job = replace(job, size=(32, 32), loss=replace(LOSS, **changes))
    for optimizer in ("lbfgs", "adam"):
        found = list(run(random_vgg, with_options(job, optimizer=optimizer, iterations=3)))
        assert np.abs(found[-1].image - found[0].image).max() > 0.01
        assert found[-1].loss < found[0].loss


def test_tiny_weight_of_the_only_style_counts_in_full(random_vgg, job):
    job = replace(job, size=(32, 32))
    tiny = replace(job, styles=tuple(style._replace(weight=1e-22) for style in job.styles))
    losses = [next(run(random_vgg, one)).parts["style"] for one in (job, tiny)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_losses_of_large_weights_are_reported_as_asked_for(random_vgg, job):
    job = with_options(job, coarsest=0)
    large = replace(job, loss=scaled(job.loss, 1e29))
    plain, reported = next(run(random_vgg, job)), next(run(random_vgg, large))
    assert reported.parts["style"] == pytest.approx(1e29 * plain.parts["style"], rel=1e-5)
    assert reported.parts["style/relu1_1"] == plain.parts["style/relu1_1"]
    loss, parts = loss_of(random_vgg, large, reported.image)
    assert loss == pytest.approx(reported.loss, rel=1e-5)
    assert parts == pytest.approx(reported.parts, rel=1e-5)


def test_gradient_beyond_float32_is_refused(random_vgg, job):
    first = random_vgg["conv1_1"]
    params = {**random_vgg, "conv1_1": {**first, "kernel": 1e14 * first["kernel"]}}
    loss = LossOptions(style_weight=0.0, content_layers=("relu1_1",), formula="gatys")
    job = with_options(replace(job, loss=loss), init="noise")
    with pytest.raises(JaxnstError, match="length of the gradient is inf at iteration 1"):
        next(run(params, job))


# Continuation


@pytest.mark.parametrize("average", [0.0, 0.75])
@both_optimizers
def test_run_continues_from_any_state_to_the_bit(optimizer, average, random_vgg, job):
    job = with_options(job, optimizer=optimizer, average=average)
    whole = list(run(random_vgg, job))
    for index in (0, 1, 3, 4, 5):  # 3 is the last of the coarse size, 4 the first of the full one
        rest = list(run(random_vgg, job, whole[index].state))
        assert [p.iteration for p in rest] == [p.iteration for p in whole[index + 1 :]]
        assert [p.loss for p in rest] == [p.loss for p in whole[index + 1 :]]
        np.testing.assert_array_equal(rest[-1].image, whole[-1].image)
    assert not list(run(random_vgg, job, whole[-1].state))


@pytest.mark.parametrize("optimizer", ["lbfgs", pytest.param("adam", marks=pytest.mark.slow)])
def test_run_with_neighbors_continues_to_the_bit(optimizer, random_vgg, job, monkeypatch):
    monkeypatch.setattr("jaxnst.optimize.run._STEPS", 2)
    job = with_options(replace(job, loss=NEIGHBORS), optimizer=optimizer, iterations=12)
    whole = list(run(random_vgg, job))
    for index in (1, 2, 6, 8):  # before a match at the coarse size, at it, and at the full one
        rest = list(run(random_vgg, job, whole[index].state))
        assert [p.loss for p in rest] == [p.loss for p in whole[index + 1 :]]
        np.testing.assert_array_equal(rest[-1].image, whole[-1].image)


def test_styles_are_matched_with_the_picture_so_far_at_each_size(random_vgg, job, monkeypatch):
    monkeypatch.setattr("jaxnst.optimize.run._STEPS", 2)
    job = with_options(replace(job, loss=NEIGHBORS), iterations=12)
    states = [progress.state for progress in run(random_vgg, job)]
    assert [s.iteration for s in states] == [1, 2, 3, 4, 5, 6] * 2
    before = None
    for state in states:
        if state.iteration in (1, 3, 5):
            np.testing.assert_array_equal(state.matched, state.optimizer.image)
        else:
            assert state.matched is before
        before = state.matched


def test_what_is_matched_anew_is_nearer(random_vgg, job):
    job = with_options(replace(job, loss=NEIGHBORS), coarsest=0, iterations=30)
    losses = [progress.loss for progress in run(random_vgg, job)]
    assert losses[10] < losses[9] < losses[0]
    assert losses[-1] < losses[10]


def test_a_run_that_matches_needs_more_memory(random_vgg, job):
    plain, matching = (memory_needs(random_vgg, replace(job, loss=x)) for x in (LOSS, NEIGHBORS))
    assert plain.kept_layers == LOSS.content_layers
    assert matching.kept_layers == (*LOSS.content_layers, *2 * LOSS.style_layers)


def test_state_is_not_changed_by_going_on(random_vgg, job, whole):
    state = whole[4].state
    before = [np.array(leaf) for leaf in jax.tree.leaves(state)]
    list(run(random_vgg, job, state))
    for leaf, copy in zip(jax.tree.leaves(state), before, strict=True):
        np.testing.assert_array_equal(leaf, copy)


# What is made of what


def losses_from_noise(params, job: Job, **changes) -> list[float]:
    options = {"iterations": 40, "coarsest": 0, "init": "noise", **changes}
    return [progress.loss for progress in run(params, with_options(job, **options))]


def test_texture_needs_no_photo(random_vgg, job):
    job = replace(job, content=None, loss=replace(LOSS, tv_weight=0.0))
    losses = losses_from_noise(random_vgg, job)
    assert losses[-1] < 0.02 * losses[0]


def test_features_are_inverted_without_style(random_vgg, job):
    job = replace(job, styles=(), loss=replace(LOSS, tv_weight=0.0))
    losses = losses_from_noise(random_vgg, job)
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("weight", ["content_weight", "style_weight"])
def test_weight_of_zero_leaves_the_term_out(weight, random_vgg, job, paint):
    light = replace(job, loss=replace(LOSS, **{weight: 0.0}), start=paint(9, 32, 32))
    found = next(run(random_vgg, light))
    name = weight.removesuffix("_weight")
    assert found.parts[name] == 0
    assert not [part for part in found.parts if part.startswith(f"{name}/")]


def test_masks_of_any_size_give_each_region_its_style(random_vgg, paint):
    left = np.zeros((9, 10), np.float32)
    left[:, :5] = 1
    dark, bright = 0.4 * paint(5, 64, 64), 0.6 + 0.4 * paint(6, 64, 64)
    start = np.where(np.arange(64)[:, None] < 32, dark, bright)  # dark on the left

    def style_loss(*masks: np.ndarray) -> float:
        styles = tuple(Style(s, mask=m) for s, m in zip((dark, bright), masks, strict=True))
        job = Job((64, 64), None, styles, start=start, loss=LOSS, options=OPTIONS)
        return next(run(random_vgg, with_options(job, coarsest=0))).parts["style"]

    assert style_loss(left, 1 - left) < 0.3 * style_loss(1 - left, left)


def test_a_long_style_picture_is_not_squashed(job):
    assert style_size(job, Style(np.zeros((40, 800, 3))), (64, 64)) == (32, 640)
    assert style_size(job, Style(np.zeros((400, 800, 3))), (64, 64)) == (32, 64)


def test_what_is_transparent_in_a_style_counts_for_nothing(random_vgg, paint):
    wide = np.concatenate([paint(5, 64, 64), np.full((64, 192, 3), 0.5, np.float32)], axis=1)
    alpha = np.repeat((np.arange(256) < 64)[None], 64, axis=0).astype(np.float32)

    def style_loss(style: Style, scale: float) -> float:
        job = Job((64, 64), None, (style,), scale, paint(7, 64, 64), LOSS, OPTIONS)
        return next(run(random_vgg, with_options(job, coarsest=0))).parts["style"]

    alone = style_loss(Style(wide[:, :64]), 1.0)
    assert style_loss(Style(wide, alpha=alpha), 4.0) == pytest.approx(alone, rel=0.1)
    assert style_loss(Style(wide), 4.0) != pytest.approx(alone, rel=0.3)


def test_a_style_of_which_little_is_visible_has_finite_statistics(random_vgg, paint):
    alpha = np.zeros((63, 63), np.float32)
    alpha[-1, -1] = 1  # beyond the last whole position of every deep layer
    style = Style(paint(5, 63, 63), alpha=alpha)
    start = paint(7, 64, 64)
    job = Job((64, 64), None, (style,), 1.0, start, LOSS, OPTIONS)
    assert next(run(random_vgg, job)).parts["style"] < 1e3


def test_styles_count_by_their_weights(random_vgg, paint):
    def style_loss(*weights: float) -> float:
        pictures = paint(5, 64, 64), 0.5 * paint(6, 64, 64)
        styles = tuple(Style(s, w) for s, w in zip(pictures, weights, strict=True))
        start = paint(7, 64, 64)
        job = Job((64, 64), None, styles, start=start, loss=LOSS, options=OPTIONS)
        return next(run(random_vgg, with_options(job, coarsest=0))).parts["style"]

    first, second = style_loss(1.0, 0.0), style_loss(0.0, 1.0)
    assert second > 1.5 * first
    assert style_loss(3.0, 1.0) == pytest.approx((3 * first + second) / 4, rel=1e-4)


def test_style_scale_sizes_the_style_picture(random_vgg, job):
    firsts = {}
    for scale in (0.5, 1.0):
        scaled = with_options(replace(job, style_scale=scale), coarsest=0)
        firsts[scale] = next(run(random_vgg, scaled)).parts["style"]
    assert firsts[0.5] != pytest.approx(firsts[1.0], rel=1e-3)


def test_seed_decides_the_noise(random_vgg, job):
    def last(seed: int) -> np.ndarray:
        return list(run(random_vgg, with_options(job, init="noise", seed=seed)))[-1].image

    first = last(1)
    np.testing.assert_array_equal(first, last(1))
    assert np.abs(first - last(2)).mean() > 0.01


# Jobs that cannot be done


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": None, "styles": ()}, "nothing to do"),
        ({"loss": replace(LOSS, content_weight=0.0, style_weight=0.0)}, "nothing to do"),
        ({"content": None, "loss": replace(LOSS, style_weight=0.0)}, "nothing to do"),
        ({"content": None}, "init 'content' needs a photo"),
        ({"options": replace(OPTIONS, iterations=1)}, "iterations 1 is less .* 2 sizes"),
        ({"loss": replace(LOSS, style_layers=("relu9_1",))}, "'relu9_1' is not in vgg16"),
        ({"styles": (), "loss": replace(LOSS, style_layers=("relu9_1",))}, "'relu9_1'"),
        ({"loss": replace(LOSS, content_layers=("relu3_4",))}, "'relu3_4' is not in vgg16"),
    ],
)
def test_job_that_cannot_be_done_is_refused(changes, message, random_vgg, job):
    with pytest.raises(JaxnstError, match=message):
        next(run(random_vgg, replace(job, **changes)))


def test_work_done_counts_pixels(random_vgg, job):
    job = with_options(replace(job, size=(128, 128)), coarsest=64, iterations=6)
    shares = [work_done(job, progress.state) for progress in run(random_vgg, job)]
    assert shares == pytest.approx([n / 15 for n in (1, 2, 3, 7, 11, 15)])


def test_photo_without_a_style_is_refused_unless_it_starts_from_noise(random_vgg, job):
    alone = replace(job, styles=())
    with pytest.raises(JaxnstError, match="give a style"):
        check_job(random_vgg, alone)
    check_job(random_vgg, with_options(alone, init="noise"))


def test_average_forgets_the_start(random_vgg, job):
    """A slow decay gives the plain mean of the iterates, not the picture it started from."""
    job = with_options(job, coarsest=0, average=0.999, iterations=5)
    seen = list(run(random_vgg, job))
    mean = np.mean([progress.state.optimizer.image for progress in seen], axis=0)
    np.testing.assert_allclose(seen[-1].image, mean, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"optimizer": "adm"}, {"init": "nois"}])
def test_unknown_choices_are_refused(wrong):
    with pytest.raises(JaxnstError, match="did you mean"):
        OptimizeOptions(**wrong)


@pytest.mark.parametrize("rate", [1e308, 1.01, 0.0, float("nan")])
def test_step_of_more_than_the_pixel_range_is_refused(rate):
    with pytest.raises(JaxnstError, match=r"learning_rate is .* at most 1"):
        OptimizeOptions(learning_rate=rate)
