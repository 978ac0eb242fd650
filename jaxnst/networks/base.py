"""What all painting networks share: one pass from a photo to a painting.

Images are [N, H, W, 3], RGB, float, [0, 1]; outputs are alike but may overshoot a little. A network
paints in one style, and all of its weights belong to that style. Networks that were fine-tuned from
one start can be averaged weight by weight (deep network interpolation, Wang et al., 2019): that is
how styles are blended, and how a style's strength is the distance from the photo (`photo_params`).

Encoder, trunk and decoder are modules of their own, so that a huge picture can be encoded and
decoded in row tiles. `valid` are the rows and columns of an image that are not padding, multiples
of the network's stride; what is painted there does not depend on the padding.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jaxnst.io.function_cache import cached_jit
from jaxnst.networks.kinds import AnyNetwork, Network, Params
from jaxnst.networks.valid import Valid

STAGES = ("encoder", "trunk", "decoder")


def paint(
    network: Network,
    variables: Mapping[str, Any],
    image: jax.Array,
    valid: Valid = None,
    *,
    noise: jax.Array | None = None,
) -> jax.Array:
    """`network.apply`: images [N, H, W, 3] to paintings [N, H, W, 3].

    Args:
      network: what is applied.
      variables: {"params": params}, or from `prepare`.
      image: RGB in [0, 1], H and W multiples of the network's stride.
      valid: the rows and columns that are not padding; None: all.
      noise: random key for fresh noise; None: the same pattern at every call.
    """
    rngs = None if noise is None else {"noise": noise}
    painting = network.apply(variables, image, valid, rngs=rngs)
    assert isinstance(painting, jax.Array)
    return painting


def prepare(network: AnyNetwork, params: Params) -> dict[str, Any]:
    """The variables of `network.apply` for inference on this machine.

    On a CPU most 3x3 convolutions go by `jaxnst.ops.winograd`, with kernels that are transformed
    here; elsewhere nothing is prepared. The result is {"params": params, "prepared": ...}.
    """
    if jax.default_backend() != "cpu":
        return {"params": params}
    return {"params": params, **_prepared(network, params)}


def average(params: Sequence[Params], weights: Sequence[float]) -> Params:
    """The weighted sum of the parameters of several networks; the weights should add up to 1."""
    total = sum(weights)
    assert abs(total - 1) < 1e-4, weights
    return jax.tree.map(
        lambda *leaves: sum(w * leaf for w, leaf in zip(weights, leaves, strict=True)), *params
    )


@cached_jit(static=("network",))
def _prepared(network: AnyNetwork, params: Params) -> Any:
    return network.apply({"params": params}, *network.example(), mutable=["prepared"])[1]
