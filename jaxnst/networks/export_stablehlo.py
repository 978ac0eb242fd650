"""Networks as StableHLO, which JAX runs without jaxnst, on CPUs, GPUs and TPUs."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from jaxnst.errors import JaxnstError
from jaxnst.io.resize import MIN_SIDE
from jaxnst.networks.base import paint
from jaxnst.networks.kinds import Network, UpscaleNetwork
from jaxnst.networks.layers import pad
from jaxnst.networks.model_file import Model
from jaxnst.ops.pixels import from_uint8, to_uint8

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


def to_stablehlo(model: Model, *, as_float: bool = False, weights: str = "float32") -> bytes:
    """A model as `jax.export` serializes it, for pictures [N, H, W, 3] of any size.

    Args:
      model: a network that paints or one that enlarges.
      as_float: pictures are float32 in [0, 1] instead of uint8.
      weights: float32, or float16: how the network's numbers are stored.

    Raises:
      JaxnstError: it is a decoder.
    """
    stored = jax.tree.map(lambda leaf: jnp.asarray(leaf, weights), dict(model.params))
    network = model.network

    def run(picture: jax.Array) -> jax.Array:
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), stored)
        image = picture if as_float else from_uint8(picture)
        if isinstance(network, UpscaleNetwork):
            result = _enlarge(network, params, image)
        elif isinstance(network, Network):
            result = _paint(network, params, image)
        else:
            raise JaxnstError(
                "a decoder cannot be exported: give a network that paints or enlarges"
            )
        return result.clip(0, 1) if as_float else to_uint8(result)

    shape = export.symbolic_shape("n, h, w, 3")
    picture = jax.ShapeDtypeStruct(shape, jnp.float32 if as_float else jnp.uint8)
    exported = export.export(jax.jit(run), platforms=PLATFORMS)(picture)
    return bytes(exported.serialize())


def _paint(network: Network, params: Any, image: jax.Array) -> jax.Array:
    """A painting, as by `Stylizer`."""
    height, width = image.shape[1:3]
    for axis, side in ((1, height), (2, width)):
        image = jnp.take(image, _reflected(side, network.stride), axis, mode="clip")
    return paint(network, {"params": params}, image)[:, :height, :width]


def _enlarge(network: UpscaleNetwork, params: Any, image: jax.Array) -> jax.Array:
    """A larger picture, as by `Upscaler`."""
    enlarged = network.apply({"params": params}, pad(image, network.reach, "edge"))
    assert isinstance(enlarged, jax.Array)
    rim = slice(network.scale * network.reach, -network.scale * network.reach)
    return enlarged[:, rim, rim]


def _reflected(side: Any, multiple: int) -> jax.Array:
    """The positions along a side that is continued by its reflection up to a multiple."""
    length = -(-jax.core.max_dim(side, MIN_SIDE) // multiple) * multiple
    period = jnp.asarray(2 * (side - 1), jnp.int32)
    # There and back again: 0, 1, ..., last, ..., 1.
    at = jnp.arange(length, dtype=jnp.int32) % jnp.maximum(period, 1)
    return jnp.minimum(at, period - at)
