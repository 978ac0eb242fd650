"""What all tests share: JAX with eight CPU devices and strict types, a small net, pictures."""

import os

# Before JAX is imported: tests of several devices need them, and one process can have but one XLA.
_DEVICES = "--xla_force_host_platform_device_count=8"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_DEVICES}".strip()

from collections.abc import Callable, Iterator  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from jax.experimental.compilation_cache import compilation_cache  # noqa: E402

from jaxnst.perceptual.vgg_module import VGG  # noqa: E402

# Ranks may differ: a batch less VGG's mean, and features less those of one photo, are meant.
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture(autouse=True)
def cache_folder_as_before() -> Iterator[None]:
    """A command may have set it for its process, in which other tests follow."""
    before = jax.config.values["jax_compilation_cache_dir"]
    yield
    if jax.config.values["jax_compilation_cache_dir"] != before:
        jax.config.update("jax_compilation_cache_dir", before)
        compilation_cache.reset_cache()  # JAX goes on with the folder that it first found there


@pytest.fixture(autouse=True)
def nothing_is_slow_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command prints should not depend on the machine's pace."""
    monkeypatch.setattr("jaxnst.cli.compile_notice._PATIENCE", 1e6)


@pytest.fixture(scope="module")
def optax_promotion() -> Iterator[None]:
    """For modules that go through optax, which takes floats to the power of an integer count."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="session")
def random_vgg() -> dict:
    """VGG-16 up to relu3_1 with random weights: nothing to read, and quick at 32 pixels."""
    init = VGG("vgg16", ("relu3_1",)).init
    shapes = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    rng = np.random.default_rng(0)  # much quicker than compiling init itself

    def fill(leaf: jax.ShapeDtypeStruct) -> jax.Array:
        spread = np.sqrt(2 / np.prod(leaf.shape[:-1])) if len(leaf.shape) == 4 else 0.1
        return jnp.asarray(rng.normal(0, spread, leaf.shape), jnp.float32)

    return {**jax.tree.map(fill, shapes), "mean": jnp.array([0.48, 0.46, 0.41])}


@pytest.fixture(scope="session")
def paint() -> Callable[..., np.ndarray]:
    """Makes pictures: paint(seed, height, width) is [H, W, 3] of soft blots in [0.05, 0.95]."""

    def paint(seed: int, height: int, width: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width] / 32
        waves = rng.normal(0, 2, (3, 6, 2)) * 2 * np.pi
        phases = rng.uniform(0, 2 * np.pi, (3, 6))
        planes = [
            sum(np.sin(a * y + b * x + p) for (a, b), p in zip(wave, phase, strict=True))
            for wave, phase in zip(waves, phases, strict=True)
        ]
        return (0.5 + 0.45 * np.tanh(np.stack(planes, -1) / 2)).astype(np.float32)

    return paint
