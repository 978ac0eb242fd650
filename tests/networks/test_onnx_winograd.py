"""ONNX graphs that convolve by Winograd's algorithm make the pictures that jaxnst makes."""

import numpy as np
import pytest
from model_files import random_model, upscaling_model

import jaxnst
from jaxnst.networks.kinds import Compact, Johnson, Slim
from jaxnst.networks.model_file import Model

pytest.importorskip("onnx", reason="pip install 'jaxnst[export]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'jaxnst[export]'")

# Multiples of the stride and of the tiles, of the stride only, and of neither.
SIZES = ((32, 64), (40, 48), (33, 45))


def graph(model: Model, **options):
    from jaxnst.networks.export_onnx import to_onnx

    return to_onnx(model, winograd=True, **options)


def run(model, batch: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"image": batch})[0]


def bytes_of(paint, *size: int, seed: int = 0) -> np.ndarray:
    return (255 * paint(seed, *size)).astype(np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return np.abs(one.astype(int) - other).max()


def fast_layers(model) -> int:
    """Each ends by putting tiles of 4x4 together."""
    sizes = [a.i for node in model.graph.node for a in node.attribute if a.name == "blocksize"]
    return sizes.count(4)


def test_paintings_are_those_of_the_stylizer(paint):
    model = random_model(Slim(width=8, blocks=1))
    exported, stylizer = graph(model), jaxnst.Stylizer(model)
    assert fast_layers(exported) == 3  # two of the block, one of the decoder
    for size in SIZES:
        photo = bytes_of(paint, *size)
        assert difference(run(exported, photo[None])[0], stylizer(photo, "wave")) <= 1


def test_a_batch_is_painted_as_its_pictures_are(paint):
    exported = graph(random_model(Slim(width=8, blocks=1)))
    batch = np.stack([bytes_of(paint, 33, 45, seed=seed) for seed in range(3)])
    for one, alone in zip(run(exported, batch), batch, strict=True):
        assert difference(one, run(exported, alone[None])[0]) <= 1


@pytest.mark.parametrize("color", [(255, 255, 255), (10, 200, 120)])
@pytest.mark.parametrize(
    "network", [Slim(width=16, blocks=1), Johnson(width=16, blocks=1)], ids=["slim", "johnson"]
)
def test_pictures_of_one_color_are_those_of_the_stylizer(network, color):
    model = random_model(network)
    flat = np.full((33, 45, 3), color, np.uint8)
    wanted = jaxnst.Stylizer(model)(flat, "wave")
    assert difference(run(graph(model), flat[None])[0], wanted) <= 1


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_enlarged_pictures_are_those_of_the_upscaler(paint, weights):
    model = upscaling_model(Compact(2, 32, 2))
    exported, upscaler = graph(model, weights=weights), jaxnst.Upscaler(model)
    assert fast_layers(exported) == 4
    for size in ((20, 14), (1, 1), (17, 31)):
        photo = bytes_of(paint, *size)
        assert difference(run(exported, photo[None])[0], upscaler(photo)) <= 1
