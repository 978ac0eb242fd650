"""Decoders: from VGG-19's features back to pixels, for painting in the style of any picture.

A decoder learns from pictures alone to invert one layer of VGG (Li et al., 2017, universal style
transfer). A painting's features, put together anew, become a painting by it. The mirror
image of VGG, as published, computes most at full size; here the last layer's channels become blocks
of 2x2 pixels (Shi et al., 2016), and nothing is computed there.
"""

import flax.linen as nn
import jax

from jaxnst.networks.layers import Conv, depth_to_space, residual_blocks

_SIZE = {"relu2_1": 220.0, "relu3_1": 280.0, "relu4_1": 940.0}  # root mean square on photos


class DecoderModule(nn.Module):
    """Features [N, h, w, C] of a layer to pictures [N, H, W, 3], RGB, about [0, 1]."""

    layer: str
    width: int
    blocks: int

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps [N, H / s, W / s, C] to [N, H, W, 3]; s is the layer's stride."""
        doublings = int(self.layer[4]) - 2  # of the size of half of the picture
        channels = self.width * 2**doublings
        x = features / _SIZE[self.layer]
        x = nn.relu(Conv(channels, use_bias=True, border="reflect", start=2.0, name="first")(x))
        x = residual_blocks(x, self.blocks)
        for level in range(doublings, 0, -1):
            channels //= 2
            x = nn.relu(
                Conv(channels, upsample=True, use_bias=True, start=2.0, name=f"up{level}")(x)
            )
            inner = Conv(channels, use_bias=True, border="reflect", start=2.0, name=f"level{level}")
            x = nn.relu(inner(x))
        out = Conv(12, use_bias=True, border="reflect", level=True, start=0.1, name="out")
        return depth_to_space(out(x), 2) + 0.5
