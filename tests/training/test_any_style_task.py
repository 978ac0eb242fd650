"""Decoders that learn to paint: from pieces of paintings, by the loss of a style."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_files import LAYERS, metrics_on_the_way, small_vgg

from jaxnst.io.codec import save
from jaxnst.networks.kinds import Decoder
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.any_style_task import AnyStyleTask, Frozen
from jaxnst.training.options import DecoderOptions, StyleOptions
from jaxnst.training.pieces import cut_pieces

pytestmark = pytest.mark.usefixtures("optax_promotion")

KEY = jax.random.key(0, impl="rbg")


def make(paint, share: float = 1.0) -> tuple[AnyStyleTask, Frozen]:
    """A small task with three pieces of paintings."""
    options = DecoderOptions(changed_share=share, pieces=3)
    style = StyleOptions(repetition_weight=1.0, shift=True)
    task = AnyStyleTask(Decoder("relu2_1", width=8), LAYERS, style, options)
    pieces = np.stack([np.uint8(255 * paint(seed, 64, 64)) for seed in (7, 8, 9)])
    photos = [paint(seed, 64, 64) for seed in (1, 2)]
    return task, task.freeze(load_vgg("vgg19"), small_vgg(), pieces, photos)


def batch(paint, samples: int = 2) -> dict[str, np.ndarray]:
    pictures = np.stack([paint(seed, 64, 64) for seed in range(samples)])
    return {"image": np.uint8(255 * pictures), "seed": np.arange(samples, dtype=np.uint32)}


@pytest.mark.slow
def test_a_few_steps_bring_style(paint) -> None:
    task, frozen = make(paint)
    first, *_, last = metrics_on_the_way(task, frozen, task.init(KEY, None), batch(paint))
    assert last["style"] < 0.7 * first["style"]


@pytest.mark.slow
def test_samples_that_are_not_painted_are_photos_to_be_made_again(paint) -> None:
    for share, is_painted in ((0.0, False), (1.0, True)):
        task, frozen = make(paint, share)
        _, parts = task.loss(task.init(KEY, None), frozen, batch(paint))
        assert (float(parts["style"]) > 0) == (float(parts["content"]) > 0) == is_painted
        assert (float(parts["pixel"]) > 0) != is_painted


@pytest.mark.slow
def test_each_piece_is_compared_with_itself(paint) -> None:
    task, frozen = make(paint)
    for which in range(3):
        painting = from_uint8(np.uint8(255 * paint(7 + which, 64, 64)))[None]
        terms = task._style.picture_terms(frozen.style.of(jnp.int32(which)), painting, painting)
        np.testing.assert_allclose(terms["style"], 0, atol=1e-6)
        other = frozen.style.of(jnp.int32((which + 1) % 3))
        assert float(task._style.picture_terms(other, painting, painting)["style"][0]) > 0.1


@pytest.mark.slow
def test_photos_are_shown_painted_and_measured(paint) -> None:
    task, frozen = make(paint)
    params, photo = task.init(KEY, None), paint(1, 64, 80)
    shown = task.show(params, frozen, photo)
    assert [picture.shape for picture in shown] == 3 * [(64, 80, 3)]
    assert not np.array_equal(shown[0], shown[1])
    measured = task.measure(params, frozen, iter([photo[None], photo[None, ::-1]]))
    assert measured["style"] > 0
    assert "pixel" not in measured


def test_pieces_are_of_all_paintings_and_the_same_again(tmp_path) -> None:
    for name, color in (("a", (1, 0, 0)), ("b", (0.2, 0.2, 0.2))):
        save(tmp_path / f"{name}.png", np.broadcast_to(np.float32(color), (40, 90, 3)))
    pieces = cut_pieces(str(tmp_path), 16, 48, seed=3)
    assert pieces.shape == (16, 48, 48, 3)
    is_gray = np.ptp(pieces, axis=(1, 2, 3)) == 0
    np.testing.assert_array_equal(is_gray, np.arange(16) % 2 == 1)
    assert len({tuple(piece[0, 0]) for piece in pieces[::2]}) > 1  # red, green and blue change
    np.testing.assert_array_equal(pieces, cut_pieces(str(tmp_path), 16, 48, seed=3))
