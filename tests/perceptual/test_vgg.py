"""VGG gives the features of the original nets, and no more is computed than asked for."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.perceptual.convert_vgg import convert_vgg
from jaxnst.perceptual.vgg import extract_features, net_of
from jaxnst.perceptual.vgg_layers import NETS, layer_names, stride
from jaxnst.perceptual.weights import load_vgg

GOLDEN = Path(__file__).parents[1] / "golden"
SOURCES = {"vgg16": "JAXNST_VGG16_ONNX", "vgg19": "JAXNST_VGG19_H5"}


@pytest.fixture(scope="module")
def params() -> dict:
    return load_vgg("vgg16")


@pytest.fixture(scope="module")
def photo() -> jax.Array:
    """[64, 80, 3], RGB in [0, 1]."""
    return jnp.asarray(np.asarray(Image.open(GOLDEN / "photo.png"), np.float32) / 255)


def golden_errors(net: str, params: dict, photo: jax.Array) -> dict[str, float]:
    """Relative error of every relu layer's sample; norms are checked on the way."""
    golden = np.load(GOLDEN / f"{net}.npz")
    layers = [name for name in layer_names(net) if name.startswith("relu")]
    features = extract_features(params, photo, layers)
    errors = {}
    for layer in layers:
        found, sample = np.asarray(features[layer], np.float64), golden[layer]
        assert np.linalg.norm(found) == pytest.approx(golden[f"{layer}_norm"], rel=1e-3)
        positions = np.arange(sample.size) * int(golden["step"]) % found.size
        difference = found.reshape(-1)[positions] - sample
        errors[layer] = float(np.linalg.norm(difference) / np.linalg.norm(sample))
    return errors


@pytest.mark.parametrize("net", NETS)
def test_bundled_weights_give_the_activations_of_other_runtimes(net, photo):
    errors = golden_errors(net, load_vgg(net), photo)
    assert len(errors) == {"vgg16": 13, "vgg19": 16}[net]
    assert max(errors.values()) < 2e-3, errors  # 5e-4 measured: float16 kernels


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_source_weights_give_the_activations_of_other_runtimes(net, photo):
    if SOURCES[net] not in os.environ:
        pytest.skip(f"{SOURCES[net]} does not name the file of tools/make_vgg_weights.py")
    params, _ = convert_vgg(os.environ[SOURCES[net]])
    errors = golden_errors(net, params, photo)
    assert max(errors.values()) < 1e-5, errors  # 5e-7 measured


@pytest.mark.parametrize(("net", "convolutions"), [("vgg16", 13), ("vgg19", 16)])
def test_layer_names(net, convolutions):
    names = layer_names(net)
    assert names[:5] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1")
    assert names[-1] == "pool5"
    assert sum(name.startswith("conv") for name in names) == convolutions
    assert len(set(names)) == 2 * convolutions + 5


def test_net_is_read_off_the_parameters(params):
    assert net_of(params) == "vgg16"
    assert net_of(load_vgg("vgg19")) == "vgg19"


def test_unknown_layer_is_refused_with_the_known_ones(params, photo):
    with pytest.raises(JaxnstError, match=r"'relu3_4' is not in vgg16: .+ conv1_1, relu1_1,"):
        extract_features(params, photo, ["relu1_1", "relu3_4"])


def test_unknown_pooling_is_refused(params, photo):
    with pytest.raises(JaxnstError, match=r"'min' is unknown: .+ max, average"):
        extract_features(params, photo, ["relu1_1"], pooling="min")


@pytest.mark.parametrize("shape", [(31, 64, 3), (64, 31, 3), (64, 64), (64, 64, 4)])
def test_other_shapes_are_refused(params, shape):
    with pytest.raises(JaxnstError, match=r"expected \[..., H, W, 3\], H and W at least 32"):
        extract_features(params, jnp.zeros(shape), ["relu1_1"])


def test_smallest_image_reaches_the_last_layer(params):
    assert extract_features(params, jnp.zeros((32, 32, 3)), ["pool5"])["pool5"].shape == (1, 1, 512)


@pytest.mark.parametrize(("layer", "convolutions"), [("relu1_1", 1), ("conv2_2", 4), ("pool3", 7)])
def test_nothing_past_the_deepest_layer_is_computed(params, layer, convolutions):
    image = jnp.zeros((32, 32, 3))
    program = jax.make_jaxpr(lambda x: extract_features(params, x, ["relu1_1", layer]))(image)
    assert str(program).count("conv_general_dilated[") == convolutions


def test_no_layers_no_work(params, photo):
    assert extract_features(params, photo, []) == {}


@pytest.mark.parametrize("size", [(37, 53), pytest.param((64, 47), marks=pytest.mark.slow)])
def test_odd_sizes_are_floored(params, size):
    layers = ["relu1_2", "pool1", "relu2_2", "relu3_1", "relu4_1", "pool5"]
    features = extract_features(params, jnp.zeros((*size, 3)), layers)
    for layer in layers:
        assert features[layer].shape[:2] == (size[0] // stride(layer), size[1] // stride(layer))


@pytest.mark.parametrize(("pooling", "reduce"), [("max", np.max), ("average", np.mean)])
def test_pooling(params, photo, pooling, reduce):
    features = extract_features(params, photo, ["relu1_2", "pool1"], pooling=pooling)
    blocks = np.asarray(features["relu1_2"]).reshape(32, 2, 40, 2, 64)
    np.testing.assert_allclose(features["pool1"], reduce(blocks, axis=(1, 3)), rtol=1e-5, atol=1e-6)


def test_batched_is_unbatched(params, photo):
    batch = jnp.stack([photo, photo[::-1]]).reshape(1, 2, *photo.shape)
    batched = extract_features(params, batch, ["relu3_1"])["relu3_1"]
    assert batched.shape == (1, 2, 16, 20, 256)
    for i in range(2):
        single = extract_features(params, batch[0, i], ["relu3_1"])["relu3_1"]
        assert relative(batched[0, i], single) < 1e-5


def test_jitted_is_plain(params, photo):
    layers = ("relu2_2", "relu3_1")
    plain = extract_features(params, photo, layers)
    jitted = jax.jit(extract_features, static_argnums=2)(params, photo, layers)
    for layer in layers:
        assert relative(jitted[layer], plain[layer]) < 1e-5


def test_gradient_reaches_the_image(params, photo):
    def energy(image: jax.Array) -> jax.Array:
        return jnp.mean(extract_features(params, image, ["relu2_2"])["relu2_2"] ** 2)

    gradient, direction = jax.grad(energy)(photo), photo - 0.5
    step = 1e-2
    slope = (energy(photo + step * direction) - energy(photo - step * direction)) / (2 * step)
    assert float(jnp.vdot(gradient, direction)) == pytest.approx(float(slope), rel=2e-2)


def relative(found: jax.Array, reference: jax.Array) -> float:
    return float(jnp.linalg.norm(found - reference) / jnp.linalg.norm(reference))


def test_edge_border_sees_the_image_repeated_beyond_its_rim(random_vgg, paint):
    image = paint(0, 40, 44)
    wide = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    found = extract_features(random_vgg, image, ["relu1_1"], border="edge")["relu1_1"]
    expected = extract_features(random_vgg, wide, ["relu1_1"])["relu1_1"][1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    zero = extract_features(random_vgg, image, ["relu1_1"])["relu1_1"]
    np.testing.assert_allclose(found[1:-1, 1:-1], zero[1:-1, 1:-1], rtol=1e-4, atol=1e-4)
    assert float(np.abs(np.asarray(found - zero)[0]).max()) > 0.01
