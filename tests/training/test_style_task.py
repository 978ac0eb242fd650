"""What a network that paints learns: terms relative to the painting, strokes without a lattice."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from model_files import random_model, small_model
from PIL import Image
from training_files import (
    LAYERS,
    STYLE,
    make_batches,
    painting_and_photos,
    small_task,
    small_vgg,
)

from jaxnst.errors import JaxnstError
from jaxnst.networks.kinds import Johnson, Slim
from jaxnst.networks.model_file import save_model
from jaxnst.training.config import TrainConfig
from jaxnst.training.options import NetworkOptions
from jaxnst.training.painting import Painting
from jaxnst.training.run import export, first_state, make_task
from jaxnst.training.step import create_train_state
from jaxnst.training.style_task import Frozen, StyleTask

pytestmark = pytest.mark.usefixtures("optax_promotion")
SLIM = NetworkOptions(width=4, blocks=1)


def photo() -> jax.Array:
    return jnp.asarray(make_batches(1, 2)[0]["image"], jnp.float32) / 255


@pytest.mark.slow
def test_the_style_term_is_1_for_photos_and_0_for_the_painting() -> None:
    task, frozen, _ = small_task()
    painting, photos = painting_and_photos()
    terms = task.picture_terms(frozen, jnp.asarray(photos), jnp.asarray(photos))
    np.testing.assert_allclose(jnp.mean(terms["style"]), LAYERS.style_weight, rtol=1e-3)
    np.testing.assert_allclose(terms["content"], 0, atol=1e-6)
    terms = task.picture_terms(frozen, jnp.asarray(painting)[None], jnp.asarray(painting)[None])
    np.testing.assert_allclose(terms["style"], 0, atol=1e-6)


def test_a_network_does_not_learn_from_matches() -> None:
    loss = dataclasses.replace(LAYERS, statistic="neighbors")
    with pytest.raises(JaxnstError, match="'neighbors' is for optimizing pixels: to train choose"):
        StyleTask(Slim(4, 1), loss, STYLE)


@pytest.mark.slow
def test_contrast_of_the_painting_does_not_change_the_balance() -> None:
    task, *_ = small_task()
    painting, photos = painting_and_photos()
    for contrast in (0.2, 1.0):
        frozen = task.freeze(small_vgg(), 0.5 + contrast * (painting - 0.5), photos)
        terms = task.picture_terms(frozen, jnp.asarray(photos), jnp.asarray(photos))
        np.testing.assert_allclose(jnp.mean(terms["style"]), LAYERS.style_weight, rtol=1e-3)


@pytest.mark.slow
def test_by_the_formula_the_style_term_is_that_of_the_loss() -> None:
    options = dataclasses.replace(STYLE, relative_to="formula", repetition_weight=0.0)
    task, frozen, _ = small_task(options=options)
    assert all(float(scale) == 1 for scale in frozen.scales.values())
    assert "repetition" not in task.picture_terms(frozen, photo(), photo())


@pytest.mark.slow
def test_half_precision_is_near_the_whole() -> None:
    task, frozen, params = small_task()
    half = StyleTask(task.network, LAYERS, STYLE, jnp.bfloat16)
    painting, photos = painting_and_photos()
    rounded = half.terms(params, half.freeze(small_vgg(), painting, photos), photo())
    whole = task.terms(params, frozen, photo())
    for name in ("content", "style"):
        assert rounded[name].dtype == jnp.float32
        assert not np.array_equal(whole[name], rounded[name])
        np.testing.assert_allclose(rounded[name], whole[name], rtol=0.05)


def test_pictures_are_compared_from_places_within_a_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    task, frozen, params = small_task(options=dataclasses.replace(STYLE, shift=True))
    batch, stride, compared = make_batches(1, 8)[0], task.network.stride, []
    monkeypatch.setattr(task, "paint", lambda params, photo, noise: photo / 2)
    monkeypatch.setattr(
        task, "picture_terms", lambda frozen, *pictures: compared.extend(pictures) or {}
    )
    task.loss(params, frozen, batch)
    photos, paintings = map(np.asarray, compared)
    np.testing.assert_array_equal(paintings, photos / 2)
    side = batch["image"].shape[1] - stride
    assert photos.shape[1:] == (side, side, 3)
    places = [
        (y, x)
        for whole, part in zip(np.asarray(batch["image"], np.float32) / 255, photos, strict=True)
        for y, x in np.ndindex(stride, stride)
        if np.allclose(whole[y : y + side, x : x + side], part, atol=1e-6)
    ]
    assert len(places) == len(photos)
    assert len(set(places)) > 1


def test_a_model_knows_its_style_and_what_it_was_tuned_from(tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    save_model(start, small_model())
    config = TrainConfig(
        painting=Painting("new", "/home/me/new.png", title="New"),
        network=SLIM,
        start_from=str(start),
    )
    task = make_task(config)
    state, tx = first_state(config, task)
    jax.tree.map(np.testing.assert_array_equal, state.params, dict(small_model().params))
    model = export(config, task, create_train_state(state.params, tx), {"style": 0.5})
    assert model.style == {"name": "new", "title": "New", "artist": "", "year": "", "licence": ""}
    assert len(model.card["start"]) == 64
    assert model.card["recipe"]["painting"]["file"] == "new.png"
    save_model(tmp_path / "new.safetensors", model)
    again = dataclasses.replace(config, start_from=str(tmp_path / "new.safetensors"))
    card = export(again, task, create_train_state(state.params, optax.identity())).card
    assert card["start"] == model.card["start"]


def test_a_run_does_not_start_from_another_kind_of_network(tmp_path: Path) -> None:
    save_model(tmp_path / "j.safetensors", random_model(Johnson(width=4, blocks=1)))
    config = TrainConfig(
        painting=Painting("a", "a.png"), network=SLIM, start_from=str(tmp_path / "j.safetensors")
    )
    with pytest.raises(JaxnstError, match="is another network than the one to be trained"):
        first_state(config, make_task(config))


def test_a_painting_is_learned_without_its_frame_and_never_enlarged(tmp_path: Path) -> None:
    framed = np.zeros((100, 200, 3), np.uint8)
    framed[10:90, 20:180] = 200
    Image.fromarray(framed).save(tmp_path / "framed.png")
    picture = Painting("a", "framed.png", size=80, margin=0.1).load(str(tmp_path)).rgb
    assert picture.shape == (40, 80, 3)
    np.testing.assert_allclose(picture, 200 / 255, atol=1e-6)
    assert Painting("a", "framed.png", size=900).load(str(tmp_path)).rgb.shape == (100, 200, 3)


@pytest.mark.slow
def test_what_is_transparent_in_a_painting_counts_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cut_out = np.dstack([rng.integers(0, 255, (64, 128, 3)), np.full((64, 128), 255)])
    cut_out[:, 64:] = 0
    Image.fromarray(cut_out.astype(np.uint8)).save(tmp_path / "cut.png")
    picture = Painting("a", "cut.png").load(str(tmp_path))
    assert picture.alpha is not None
    task, *_ = small_task()
    _, photos = painting_and_photos()
    frozen = task.freeze(small_vgg(), picture.rgb, photos, alpha=picture.alpha)
    whole = task.freeze(small_vgg(), picture.rgb, photos)
    wanted = task.freeze(small_vgg(), picture.rgb[:, :64], photos)

    def distances(found: Frozen) -> list[float]:
        pairs = zip(jax.tree.leaves(found.targets), jax.tree.leaves(wanted.targets), strict=True)
        return [float(jnp.linalg.norm(a - b) / jnp.linalg.norm(b)) for a, b in pairs]

    # But for what the net sees across the edge.
    assert max(distances(frozen)) < 0.05
    assert max(distances(whole)) > 0.2
    errors = [jnp.abs(each.repetition - wanted.repetition).mean() for each in (frozen, whole)]
    assert errors[0] < 0.2 * errors[1]


def test_a_painting_with_nothing_to_see_is_refused(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    with pytest.raises(JaxnstError, match=r"clear\.png: is wholly transparent"):
        Painting("a", "clear.png").load(str(tmp_path))
