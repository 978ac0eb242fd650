"""Networks that enlarge, and what they are for: any size, tiles without seams."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_files import random_params, small_model, upscaling_model

from jaxnst.errors import JaxnstError
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.upscaler import Upscaler
from jaxnst.networks.kinds import Compact, JohnsonUpscaler, UpscaleNetwork
from jaxnst.networks.model_file import load_model, save_model
from jaxnst.ops.resampling import resize_bicubic

NETWORKS = [Compact(2, 4, 1), Compact(3, 4, 2), JohnsonUpscaler(4, 4, 1)]
networks = pytest.mark.parametrize(
    "network", NETWORKS, ids=lambda n: f"{type(n).__name__}{n.scale}"
)


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@networks
def test_tiles_are_as_the_whole(network: UpscaleNetwork) -> None:
    image, model = photo(40, 52), upscaling_model(network)
    whole = Upscaler(model, tile=64)(image)
    tiled = Upscaler(model, tile=16)(image)
    assert whole.shape == (40 * network.scale, 52 * network.scale, 3)
    assert whole.std() > 20
    assert np.abs(whole.astype(int) - tiled).max() <= 1


@networks
def test_a_network_sees_as_far_as_it_says(network: UpscaleNetwork) -> None:
    side = 2 * network.reach + 1
    image = jax.random.uniform(jax.random.key(0), (1, side + 4, side + 4, 3))
    changed = image.at[:, 0].add(0.5).at[:, 1].add(-0.5)  # rows beyond the reach of the middle
    run = jax.jit(lambda x: network.apply({"params": random_params(network)}, x))
    rows = slice((2 + network.reach) * network.scale, (3 + network.reach) * network.scale)
    np.testing.assert_allclose(run(image)[:, rows], run(changed)[:, rows], atol=1e-5)
    nearer = image.at[:, 2].add(0.5)
    assert float(jnp.max(jnp.abs(run(image)[:, rows] - run(nearer)[:, rows]))) > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 33), (7, 2)])
def test_the_smallest_pictures_are_fine(size: tuple[int, int]) -> None:
    network = NETWORKS[0]
    result = Upscaler(upscaling_model(network))(photo(*size))
    assert result.shape == (2 * size[0], 2 * size[1], 3)


def test_without_a_network_it_is_bicubic() -> None:
    network = NETWORKS[0]
    model = upscaling_model(network)
    silent = jax.tree.map(np.zeros_like, model.params)
    image = photo(24, 20)
    found = Upscaler(dataclasses.replace(model, params=silent))(image)
    wanted = resize_bicubic(jnp.asarray(image, jnp.float32) / 255, (48, 40))
    assert np.abs(found - 255 * np.clip(wanted, 0, 1)).max() <= 0.51


def test_progress_goes_up_to_1() -> None:
    told: list[float] = []
    Upscaler(upscaling_model(NETWORKS[0]), tile=32)(photo(40, 40), progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_a_model_file_keeps_the_scale(tmp_path) -> None:
    model = upscaling_model(Compact(3, 4, 2))
    save_model(tmp_path / "x3.safetensors", model)
    found = load_model(tmp_path / "x3.safetensors")
    assert found.network == model.network
    assert found.name == ""


def test_the_wrong_kind_of_model_is_refused() -> None:
    with pytest.raises(JaxnstError, match="this model does not enlarge"):
        Upscaler(small_model())
    with pytest.raises(JaxnstError, match="this network: has no style: `jaxnst upscale` uses"):
        Stylizer(upscaling_model(NETWORKS[0]))


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(JaxnstError, match=r"expected \[H, W, 3\], uint8"):
        Upscaler(upscaling_model(NETWORKS[0]))(image)


def test_enlarges_four_times_by_default() -> None:
    assert Upscaler().scale == 4
