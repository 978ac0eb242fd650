"""The kinds of networks that there are, each with its settings.

A network is its kind and a few numbers. The Flax module that computes it is made when it is first
needed: to import Flax takes as long as to paint a picture with a function that is kept on disk.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Params = Mapping[str, Any]

DECODED = ("relu2_1", "relu3_1", "relu4_1")
"""Layers of VGG-19 that decoders invert, from fine to coarse."""

_CHANNELS = {"relu2_1": 128, "relu3_1": 256, "relu4_1": 512}


@dataclasses.dataclass(frozen=True)
class AnyNetwork:
    """What all networks have in common."""

    @property
    def stride(self) -> int:
        """Height and width of the largest pictures that go in or come out are multiples of this."""
        raise NotImplementedError

    def module(self) -> Any:
        """The Flax module."""
        raise NotImplementedError

    def example(self) -> tuple[jax.Array]:
        """A small input, to find out about shapes."""
        raise NotImplementedError

    def init(self, key: jax.Array, *inputs: Any) -> Any:
        """As the Flax module's."""
        return self.module().init(key, *inputs)

    def apply(self, variables: Mapping[str, Any], *inputs: Any, **options: Any) -> Any:
        """As the Flax module's."""
        return self.module().apply(variables, *inputs, **options)


@dataclasses.dataclass(frozen=True)
class Network(AnyNetwork):
    """A network that paints, in three stages: encoder, trunk and decoder."""

    width: int = 16
    """Channels of the layers at the largest size; those further in have two and four times as
    many."""
    blocks: int = 5
    """Residual blocks."""

    @property
    def floats_per_pixel(self) -> int:
        """How many floats the largest features have for each pixel of the image."""
        raise NotImplementedError

    def stages(self) -> tuple[Any, Any, Any]:
        """The Flax modules of encoder, trunk and decoder."""
        raise NotImplementedError

    def module(self) -> Any:
        from jaxnst.networks.stages import Stages

        return Stages(*self.stages())

    def example(self) -> tuple[jax.Array]:
        side = 8 * self.stride
        return (jnp.zeros((1, side, side, 3)),)

    def photo_params(self, start: Params) -> Params | None:
        """Parameters near those of `start` with which the network returns the photo exactly.

        None for a network that cannot do so.
        """
        return None


@dataclasses.dataclass(frozen=True)
class Slim(Network):
    """Our own, for real time: see `jaxnst.networks.slim`."""

    @property
    def stride(self) -> int:
        return 8

    @property
    def floats_per_pixel(self) -> int:
        return self.width // 4

    def stages(self) -> tuple[Any, Any, Any]:
        from jaxnst.networks import slim

        return slim.stages(self.width, self.blocks, self.stride)

    def photo_params(self, start: Params) -> Params:
        decoder = start["decoder"]
        nothing = {**decoder["out"], "kernel": np.zeros_like(decoder["out"]["kernel"])}
        identity = {"kernel": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
        return {**start, "decoder": {**decoder, "out": nothing, "photo": identity}}


@dataclasses.dataclass(frozen=True)
class Johnson(Network):
    """That of Johnson et al. (2016): see `jaxnst.networks.johnson`."""

    width: int = 32

    @property
    def stride(self) -> int:
        return 4

    @property
    def floats_per_pixel(self) -> int:
        return self.width

    def stages(self) -> tuple[Any, Any, Any]:
        from jaxnst.networks import johnson

        return johnson.stages(self.width, self.blocks, self.stride)


@dataclasses.dataclass(frozen=True)
class UpscaleNetwork(AnyNetwork):
    """A network for super-resolution: see `jaxnst.networks.super_resolution`."""

    scale: int = 4
    """How many times as wide and high the result is."""
    width: int = 48
    """Channels."""
    blocks: int = 4
    """Residual blocks."""

    @property
    def reach(self) -> int:
        """Pixels of the small photo around a position that its result depends on."""
        raise NotImplementedError

    @property
    def floats_per_pixel(self) -> int:
        """How many floats the largest features have for each pixel of the small photo."""
        raise NotImplementedError

    @property
    def stride(self) -> int:
        return self.scale

    def example(self) -> tuple[jax.Array]:
        return (jnp.zeros((1, 16, 16, 3)),)


@dataclasses.dataclass(frozen=True)
class Compact(UpscaleNetwork):
    """Ours, for CPUs."""

    @property
    def reach(self) -> int:
        return 2 * self.blocks + 2

    @property
    def floats_per_pixel(self) -> int:
        return max(self.width, 3 * self.scale**2)

    def module(self) -> Any:
        from jaxnst.networks.super_resolution import CompactModule

        return CompactModule(self.scale, self.width, self.blocks)


@dataclasses.dataclass(frozen=True)
class JohnsonUpscaler(UpscaleNetwork):
    """That of Johnson et al. (2016)."""

    width: int = 64

    @property
    def reach(self) -> int:
        # The first layer, the blocks, the doublings (1/2 + 1/4 + ... pixels), the last layer.
        return 4 + 2 * self.blocks + math.ceil(1 - 1 / self.scale + 4 / self.scale)

    @property
    def floats_per_pixel(self) -> int:
        return self.width * self.scale**2

    def module(self) -> Any:
        from jaxnst.networks.super_resolution import JohnsonUpscalerModule

        return JohnsonUpscalerModule(self.scale, self.width, self.blocks)


@dataclasses.dataclass(frozen=True)
class Decoder(AnyNetwork):
    """From features of VGG-19 to pixels: see `jaxnst.networks.decoders`."""

    layer: str = "relu4_1"
    """Which layer it inverts."""
    width: int = 64
    """Channels at half of the picture's size; twice as many at a quarter, and so on."""
    blocks: int = 1
    """Residual blocks at the size of the features."""

    @property
    def stride(self) -> int:
        return int(2 ** (DECODED.index(self.layer) + 1))

    def module(self) -> Any:
        from jaxnst.networks.decoders import DecoderModule

        return DecoderModule(self.layer, self.width, self.blocks)

    def example(self) -> tuple[jax.Array]:
        return (jnp.zeros((1, 8, 8, _CHANNELS[self.layer])),)


PAINTERS: Mapping[str, type[Network]] = {"johnson": Johnson, "slim": Slim}
"""Networks that paint, by the names that cards give them."""

UPSCALERS: Mapping[str, type[UpscaleNetwork]] = {
    "compact": Compact,
    "johnson_upscaler": JohnsonUpscaler,
}
"""Networks that enlarge."""

NETWORKS: Mapping[str, type[AnyNetwork]] = {**PAINTERS, **UPSCALERS, "decoder": Decoder}
"""All networks."""
