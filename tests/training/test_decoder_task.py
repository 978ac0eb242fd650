"""Decoders: what they learn, and that a few steps teach them something."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_files import metrics_on_the_way

from jaxnst.errors import JaxnstError
from jaxnst.networks.kinds import DECODED, Decoder
from jaxnst.networks.model_file import Model, describe_network, load_model, save_model
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.decoder_task import DecoderTask
from jaxnst.training.options import DecoderOptions

pytestmark = pytest.mark.usefixtures("optax_promotion")

KEY = jax.random.key(0, impl="rbg")


@pytest.fixture(scope="module")
def vgg19() -> dict:
    return load_vgg("vgg19")


def make(layer: str = "relu2_1", **options: float) -> DecoderTask:
    return DecoderTask(Decoder(layer, width=8), DecoderOptions(**options))


def batch(paint, samples: int = 2) -> dict[str, np.ndarray]:
    pictures = np.stack([paint(seed, 32, 32) for seed in range(samples)])
    return {
        "image": np.uint8(255 * pictures),
        "seed": np.arange(samples, dtype=np.uint32),
    }


@pytest.mark.parametrize(
    "layer",
    [pytest.param(layer, marks=[pytest.mark.slow] * (layer != "relu3_1")) for layer in DECODED],
)
def test_picture_has_the_size_of_what_the_features_were_of(layer, vgg19):
    task = make(layer)
    params = task.init(KEY, None)
    features = jnp.ones((2, 5, 4, task.network.example()[0].shape[-1]))
    stride = task.network.stride
    assert task.decode(params, features).shape == (2, 5 * stride, 4 * stride, 3)


def test_a_few_steps_halve_the_loss(paint, vgg19):
    task = make(changed_share=0.25)
    first, *_, last = metrics_on_the_way(
        task, task.freeze(vgg19), task.init(KEY, None), batch(paint)
    )
    assert last["loss"] < 0.5 * first["loss"]


@pytest.mark.slow
def test_changed_samples_count_by_the_features_that_they_were_given(paint, vgg19):
    photos = batch(paint, 4)
    for share, is_changed in ((0.0, False), (1.0, True)):
        task = make(changed_share=share)
        frozen, params = task.freeze(vgg19), task.init(KEY, None)
        _, parts = task.loss(params, frozen, photos)
        assert (float(parts["pixel"]) == 0) == is_changed
        assert float(parts["feature"]) > 0


@pytest.mark.slow
def test_features_that_are_not_changed_are_those_of_the_photo(paint, vgg19):
    task, photos = make(changed_share=0.0), batch(paint)
    frozen, params = task.freeze(vgg19), task.init(KEY, None)
    _, parts = task.loss(params, frozen, photos)
    pictures = np.float32(photos["image"]) / 255
    measured = task.measure(params, frozen, (picture[None] for picture in pictures))
    assert parts["feature"] == pytest.approx(measured["feature"], rel=1e-4)
    assert parts["pixel"] == pytest.approx(measured["pixel"], rel=1e-4)


def test_each_half_is_made_of_the_other(paint, vgg19):
    features = jnp.asarray(np.random.default_rng(0).random((4, 6, 128), np.float32))
    task = make(changed_share=1.0)
    _, exchanged = task._changed(features, jnp.uint32(1))
    halves, others = np.split(np.asarray(exchanged), 2, 1), np.split(np.asarray(features), 2, 1)
    for half, other in zip(halves, others[::-1], strict=True):
        rows = {row.tobytes() for row in other.reshape(-1, 128)}
        assert all(row.tobytes() in rows for row in half.reshape(-1, 128))


def test_a_share_of_the_samples_is_changed_by_their_seeds():
    features = jnp.asarray(np.random.default_rng(0).random((4, 4, 128), np.float32))
    task = make(changed_share=0.5)
    changed, _ = jax.vmap(task._changed, (None, 0))(features, jnp.arange(40, dtype=jnp.uint32))
    assert 10 < int(changed.sum()) < 30


def test_another_net_is_refused():
    with pytest.raises(JaxnstError, match="give --net vgg19, or --pieces N to learn from paint"):
        make().freeze(load_vgg("vgg16"))


@pytest.mark.slow
def test_decoder_survives_its_file(tmp_path):
    network = Decoder("relu3_1", width=8, blocks=2)
    params = network.init(KEY, *network.example())["params"]
    card = {"network": describe_network(network)}
    save_model(tmp_path / "decoder.safetensors", Model(network, params, card))
    assert load_model(tmp_path / "decoder.safetensors").network == network
    wrong = {"network": {**card["network"], "layer": "relu9_1"}}
    save_model(tmp_path / "wrong.safetensors", Model(network, params, wrong))
    with pytest.raises(JaxnstError, match="relu9_1"):
        load_model(tmp_path / "wrong.safetensors")


def test_options_out_of_range_are_refused():
    for wrong in ({"changed_share": 1.5}, {"reconstruction_weight": -1}):
        with pytest.raises(JaxnstError):
            dataclasses.replace(DecoderOptions(), **wrong)
