"""What a style network learns: strengths, one style beside others, and the optimiser's options."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from model_files import small_model
from PIL import Image
from training_files import LAYERS, make_batches, small_task

from jaxnst.training.config import Painting, TrainConfig
from jaxnst.training.jobs import load_painting, make_job
from jaxnst.training.optimizer import OptimizerOptions, make_optimizer
from jaxnst.training.run import export
from jaxnst.training.step import create_train_state
from jaxnst.training.style_task import StyleOptions, StyleTask

pytestmark = pytest.mark.usefixtures("optax_promotion")
SIZE = {"samples": 2, "count": 2}


def test_strength_weighs_style_against_the_photos_pixels() -> None:
    task, frozen, params = small_task()
    photo = jnp.asarray(make_batches(**SIZE)[0]["image"], jnp.float32) / 255
    style = jnp.array([0, 1])
    terms = jax.jit(task.terms)(params, frozen, photo, style, jnp.array([0.1, 1.0]))
    assert 0 < float(terms["style"][0]) < 0.1 * float(terms["style"][1])
    assert float(terms["photo"][0]) > 0
    assert float(terms["photo"][1]) == 0


def test_at_strength_0_a_slim_network_leaves_the_photo_and_costs_nothing() -> None:
    task, frozen, params = small_task()
    photo = jnp.asarray(make_batches(**SIZE)[0]["image"], jnp.float32) / 255
    terms = jax.jit(task.terms)(params, frozen, photo, jnp.array([0, 1]), jnp.zeros(2))
    assert not any(np.any(term) for term in terms.values())


@pytest.mark.slow
def test_half_precision_is_near_the_whole() -> None:
    task, frozen, params = small_task()
    half = StyleTask(task.network, LAYERS, StyleOptions(0.7), jnp.bfloat16)
    photo = jnp.asarray(make_batches(**SIZE)[0]["image"], jnp.float32) / 255
    style, strength = jnp.array([0, 1]), jnp.ones(2)
    whole, rounded = (t.terms(params, frozen, photo, style, strength) for t in (task, half))
    for name in ("content", "style"):
        assert not np.array_equal(whole[name], rounded[name])
        np.testing.assert_allclose(rounded[name], whole[name], rtol=0.05)


def test_only_the_styles_are_trained_when_asked() -> None:
    params = {"kernels": {"a": jnp.ones(3)}, "photo": jnp.ones(2), "styles": jnp.ones((2, 2))}
    rates = {"kernels": 0.0, "photo": 0.0, "styles": 1.0}
    tx = make_optimizer(OptimizerOptions(steps=10), rates)
    updates, _ = tx.update(params, tx.init(params), params)
    assert not np.any(updates["kernels"]["a"])
    assert not np.any(updates["photo"])
    assert np.all(updates["styles"])


def test_a_new_style_leaves_the_others_as_they_are() -> None:
    base = small_model()
    config = TrainConfig(
        paintings=(Painting("new", "new.png"), Painting("kiss", "kiss.png")),
        start_from="base.safetensors",
        only_styles=True,
    )
    state = create_train_state(
        {"kernels": base.kernels, "photo": base.conditions[0], "styles": base.conditions[1:] + 1},
        optax.identity(),
    )
    model = export(config, make_job(config, base), state)
    assert model.rows == ["photo", "wave", "new", "kiss"]
    np.testing.assert_array_equal(model.conditions[:2], base.conditions[:2])
    np.testing.assert_array_equal(model.conditions[2:], base.conditions[1:] + 1)


def test_a_painting_is_learnt_without_its_frame(tmp_path: Path) -> None:
    framed = np.zeros((100, 200, 3), np.uint8)
    framed[10:90, 20:180] = 200
    Image.fromarray(framed).save(tmp_path / "framed.png")
    picture = load_painting(Painting("a", "framed.png", size=80, margin=0.1), str(tmp_path))
    assert picture.shape == (40, 80, 3)
    np.testing.assert_allclose(picture, 200 / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "step", "gradient", "wanted"),
    [
        ({}, 0, 1e-3, 1e-3),  # Adam's first step is of this size whatever the gradient
        ({"warmup": 10}, 0, 1.0, 0.0),
        ({"schedule": "cosine"}, 100, 1.0, 0.0),
    ],
)
def test_step_sizes(changed: dict, step: int, gradient: float, wanted: float) -> None:
    tx = make_optimizer(OptimizerOptions(steps=100, learning_rate=1e-3, **changed))
    state = tx.init(jnp.zeros(1))
    for _ in range(step + 1):
        updates, state = tx.update(jnp.full(1, gradient), state)
    np.testing.assert_allclose(-updates, wanted, rtol=1e-3, atol=1e-9)


def test_clipping_bounds_what_adam_is_given() -> None:
    options = OptimizerOptions(steps=10, learning_rate=1e-3, clip=1.0)
    clipped, free = (make_optimizer(o) for o in (options, dataclasses.replace(options, clip=0.0)))
    moments = [tx.update(jnp.array([3.0, 4.0]), tx.init(jnp.zeros(2)))[1] for tx in (clipped, free)]
    first, second = (
        next(leaf for leaf in jax.tree.leaves(m) if leaf.shape == (2,)) for m in moments
    )
    np.testing.assert_allclose(second, 5 * first, rtol=1e-5)


def test_accumulated_batches_are_as_one() -> None:
    gradients = [jnp.array([1.0, -2.0]), jnp.array([3.0, 4.0])]
    double = make_optimizer(OptimizerOptions(steps=10, accumulate=2))
    state = double.init(jnp.zeros(2))
    first, state = double.update(gradients[0], state, jnp.zeros(2))
    second, _ = double.update(gradients[1], state, jnp.zeros(2))
    np.testing.assert_array_equal(first, 0)
    one = make_optimizer(OptimizerOptions(steps=10))
    wanted, _ = one.update(jnp.array([2.0, 1.0]), one.init(jnp.zeros(2)), jnp.zeros(2))
    np.testing.assert_allclose(second, wanted, rtol=1e-6)
