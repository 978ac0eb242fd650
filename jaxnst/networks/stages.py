"""Painting networks as Flax modules of three stages: encoder, trunk and decoder.

The stages are modules of their own, so that a huge picture can be encoded and decoded in row tiles.
"""

import flax.linen as nn
import jax

from jaxnst.networks.layers import ConvNorm
from jaxnst.networks.valid import Valid, downsampled


class Stages(nn.Module):
    """Three stages, one after the other."""

    encoder: nn.Module
    trunk: nn.Module
    decoder: nn.Module

    def __call__(self, image: jax.Array, valid: Valid = None) -> jax.Array:
        """Maps images [N, H, W, 3] to paintings [N, H, W, 3]."""
        x, shortcuts = self.encoder(image, valid)
        painting = self.decoder(self.trunk(x, valid), shortcuts, valid)
        assert isinstance(painting, jax.Array)
        return painting


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
