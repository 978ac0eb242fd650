"""Decoders: from VGG-19's features back to pixels, for painting in the style of any picture.

A decoder learns from photos alone to invert one layer of VGG (Li et al., 2017, universal style
transfer). Features that were given a painting's statistics become a painting by it. The mirror
image of VGG, as published, computes most at full size; here the last layer's channels become blocks
of 2x2 pixels (Shi et al., 2016), and nothing is computed there.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxnst.networks.layers import Conv, depth_to_space, residual_blocks

LAYERS = ("relu2_1", "relu3_1", "relu4_1")
"""Layers of VGG-19 that decoders invert, from fine to coarse."""

_CHANNELS = {"relu2_1": 128, "relu3_1": 256, "relu4_1": 512}
_SIZE = {"relu2_1": 220.0, "relu3_1": 280.0, "relu4_1": 940.0}  # root mean square on photos


class Decoder(nn.Module):
    """Features [N, h, w, C] of a layer to pictures [N, H, W, 3], RGB, about [0, 1]."""

    layer: str = "relu4_1"
    """Which layer of VGG-19 it inverts."""
    width: int = 64
    """Channels at half of the picture's size; twice as many at a quarter, and so on."""
    blocks: int = 1
    """Residual blocks at the size of the features."""

    @property
    def stride(self) -> int:
        """Pixels of the picture between two positions of the features."""
        return 2 ** (LAYERS.index(self.layer) + 1)

    def example(self) -> tuple[jax.Array]:
        """A few features, to find out about shapes."""
        return (jnp.zeros((1, 8, 8, _CHANNELS[self.layer])),)

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps [N, h, w, C] to [N, stride h, stride w, 3]."""
        channels = self.width * self.stride // 2
        x = features / _SIZE[self.layer]
        x = nn.relu(Conv(channels, use_bias=True, border="reflect", start=2.0, name="first")(x))
        x = residual_blocks(x, self.blocks)
        for level in range(LAYERS.index(self.layer), 0, -1):
            channels //= 2
            x = nn.relu(
                Conv(channels, upsample=True, use_bias=True, start=2.0, name=f"up{level}")(x)
            )
            inner = Conv(channels, use_bias=True, border="reflect", start=2.0, name=f"level{level}")
            x = nn.relu(inner(x))
        out = Conv(12, use_bias=True, border="reflect", level=True, start=0.1, name="out")
        return depth_to_space(out(x), 2) + 0.5
