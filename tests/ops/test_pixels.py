"""8-bit values and floats: one rounding for NumPy and JAX."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.ops.pixels import from_uint8, to_uint8


def test_every_8_bit_value_survives() -> None:
    values = np.arange(256, dtype=np.uint8)
    for array in (values, jnp.asarray(values)):
        floats = from_uint8(array)
        assert floats.dtype == np.float32
        np.testing.assert_array_equal(to_uint8(floats), values)


def test_numpy_and_jax_round_and_clip_alike() -> None:
    values = np.random.default_rng(0).uniform(-0.2, 1.2, 10_000).astype(np.float32)
    values[:5] = [-1, 0.5 / 255, 1.5 / 255, 254.6 / 255, 7]
    found = to_uint8(values)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found[:5], [0, 1, 2, 255, 255])
    np.testing.assert_array_equal(to_uint8(jnp.asarray(values)), found)
    np.testing.assert_array_equal(jax.jit(to_uint8)(values), found)
