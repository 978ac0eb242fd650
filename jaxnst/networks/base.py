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

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.traverse_util import path_aware_map

from jaxnst.io.function_cache import cached_jit
from jaxnst.networks.layers import ConvNorm, Valid

Params = Mapping[str, Any]

STAGES = ("encoder", "trunk", "decoder")


class Network(nn.Module):
    """A network of three stages; a subclass names them."""

    width: int = 16
    """Channels of the layers at the largest size; those further in have two and four times as
    many."""
    blocks: int = 5
    """Residual blocks."""

    def stages(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Encoder, trunk and decoder, by themselves."""
        raise NotImplementedError

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of this."""
        raise NotImplementedError

    @property
    def floats_per_pixel(self) -> int:
        """How many floats the largest features have for each pixel of the image."""
        raise NotImplementedError

    def photo_params(self, start: Params) -> Params | None:
        """Parameters near those of `start` with which the network returns the photo exactly.

        None for a network that cannot do so.
        """
        return None

    def example(self) -> tuple[jax.Array]:
        """A small image, to find out about shapes."""
        side = 8 * self.stride
        return (jnp.zeros((1, side, side, 3)),)

    @nn.compact
    def __call__(self, image: jax.Array, valid: Valid = None) -> jax.Array:
        """Maps images [N, H, W, 3] to paintings [N, H, W, 3]."""
        encoder, trunk, decoder = (
            stage.copy(parent=self, name=name)
            for stage, name in zip(self.stages(), STAGES, strict=True)
        )
        x, shortcuts = encoder(image, valid)
        return decoder(trunk(x, valid), shortcuts, valid)


class ResidualTrunk(nn.Module):
    """Residual blocks (He et al., 2016) of two convolutions; no activation after the sum."""

    features: int
    blocks: int
    stride: int
    """Pixels of the image between two positions."""

    @nn.compact
    def __call__(self, x: jax.Array, valid: Valid) -> jax.Array:
        within = downsampled(valid, self.stride)
        for i in range(1, self.blocks + 1):
            first = ConvNorm(self.features, border="reflect", name=f"block{i}_1")
            # The next norm would take off whatever this one's bias adds to a channel.
            second = ConvNorm(self.features, border="reflect", norm_bias=False, name=f"block{i}_2")
            x = x + second(nn.relu(first(x, within)), within)
        return x


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


def prepare(network: nn.Module, params: Params) -> dict[str, Any]:
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


def replaced(params: Params, new: Mapping[str, Any]) -> Params:
    """The parameters with some leaves, named by their paths "decoder/out/kernel", replaced."""
    return path_aware_map(lambda path, leaf: new.get("/".join(map(str, path)), leaf), dict(params))


def downsampled(valid: Valid, stride: int) -> Valid:
    """The valid rows and columns where positions are `stride` pixels apart."""
    return None if valid is None else (valid[0] // stride, valid[1] // stride)


@cached_jit(static=("network",))
def _prepared(network: nn.Module, params: Params) -> Any:
    return network.apply({"params": params}, *network.example(), mutable=["prepared"])[1]
