"""Photos that stay on the devices: whole, random, and the same on one device and many."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from training_files import mean_color_task, photos

from jaxnst.training.data import DataOptions, Subset, open_data
from jaxnst.training.resident_photos import ResidentFeed, ResidentPhotos, make_draw, pack
from jaxnst.training.step import create_train_state, make_train_step, replicate

pytestmark = pytest.mark.usefixtures("optax_promotion")


@pytest.fixture
def options(tmp_path: Path) -> DataOptions:
    return DataOptions(source=f"folder:{photos(tmp_path / 'photos', 5)}", crop=64, batch=8)


def on_device(photos: Subset, options: DataOptions) -> ResidentPhotos:
    return jax.tree.map(jnp.asarray, pack(photos, options))


def test_photos_are_packed_whole_and_continued_by_their_edges(options: DataOptions) -> None:
    data = open_data(options, 0)
    packed = pack(data.train, options)
    for i, (height, width) in enumerate(packed.sizes):
        canvas, photo = packed.pixels[i], data.train[i]
        np.testing.assert_array_equal(canvas[:height, :width], photo)
        np.testing.assert_array_equal(canvas[-1, :width], photo[-1])


def test_large_photos_are_packed_no_larger_than_their_squares_need(options: DataOptions) -> None:
    small = DataOptions(source=options.source, crop=64, smallest=1.0)
    sizes = pack(open_data(small, 0).train, small).sizes
    assert (sizes.min(axis=1) == 64).all()


@pytest.mark.slow
def test_a_square_as_large_as_the_photo_is_the_photo(tmp_path: Path) -> None:
    from stylize_files import picture

    folder = tmp_path / "one"
    folder.mkdir()
    picture(folder / "a.png", 1, 64, 64)
    options = DataOptions(source=f"folder:{folder}", crop=64, batch=3, flip=False, held_out=0)
    data = open_data(options, 0)
    batch = make_draw(options, 0, 1)(on_device(data.train, options), np.int32(0), np.int32(0))
    for image in batch["image"]:
        np.testing.assert_array_equal(image, data.train[0])
    assert len(set(batch["seed"].tolist())) == 3


@pytest.mark.slow
def test_batches_differ_by_step_and_share_nothing_between_devices(options: DataOptions) -> None:
    packed = on_device(open_data(options, 0).train, options)
    whole = make_draw(options, 7, 1)
    half = make_draw(options, 7, 2)
    step = np.int32(3)
    seeds = whole(packed, step, np.int32(0))["seed"]
    shares = [half(packed, step, np.int32(device))["seed"] for device in (0, 1)]
    np.testing.assert_array_equal(seeds, np.concatenate(shares))
    assert set(seeds.tolist()).isdisjoint(whole(packed, np.int32(4), np.int32(0))["seed"].tolist())


@pytest.mark.parametrize("steps", [1, 3])
def test_eight_devices_and_several_steps_a_call_are_as_one(
    options: DataOptions, steps: int
) -> None:
    task, frozen, params = mean_color_task()
    packed = pack(open_data(options, 0).train, options)
    found = []
    for devices, at_once in ((jax.devices()[:1], 1), (jax.devices(), steps)):
        step = make_train_step(
            task, optax.sgd(1.0), lambda step, share: 0.1, steps=at_once, devices=devices,
            draw=make_draw(options, 7, len(devices)),
        )  # fmt: skip
        feed = ResidentFeed(replicate(packed, devices))
        state = replicate(create_train_state(params, optax.sgd(1.0)), devices)
        for _ in range(6 // at_once):
            state, metrics = step(state, replicate(frozen, devices), next(feed), 0.0)
        assert set(metrics) == {"color", "loss", "gradient_norm"}
        found.append(jax.device_get(state))
    assert int(found[1].step) == 6
    np.testing.assert_allclose(found[1].params["color"], found[0].params["color"], rtol=1e-5)
