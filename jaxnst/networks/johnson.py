"""The residual network of Johnson et al. (2016), with the changes that became standard.

Instance norm (Ulyanov et al., 2016) instead of batch norm, nearest neighbors and a convolution
instead of transposed convolutions, no tanh: as in PyTorch's examples, whose weights it takes
(`convert_johnson`).
"""

import flax.linen as nn
import jax

from jaxnst.networks.layers import Conv, ConvNorm
from jaxnst.networks.stages import ResidualTrunk
from jaxnst.networks.valid import Valid, downsampled


def stages(width: int, blocks: int, stride: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """c9s1-32, d64, d128; R128 x 5; u64, u32, c9s1-3 in the paper's terms."""
    return (
        JohnsonEncoder(width, parent=None),
        ResidualTrunk(4 * width, blocks, stride, parent=None),
        JohnsonDecoder(width, parent=None),
    )


class JohnsonEncoder(nn.Module):
    """c9s1-32, d64, d128."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, valid: Valid) -> tuple[jax.Array, tuple[()]]:
        plan = (("down1", 1, 9, 1), ("down2", 2, 3, 2), ("down3", 4, 3, 2))
        for level, (name, widening, size, stride) in enumerate(plan):
            layer = ConvNorm(widening * self.width, size, stride, border="reflect", name=name)
            x = nn.relu(layer(x, downsampled(valid, 2**level)))
        return x, ()


class JohnsonDecoder(nn.Module):
    """u64, u32, c9s1-3."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, shortcuts: tuple[()], valid: Valid) -> jax.Array:
        for name, widening, stride in (("up1", 2, 2), ("up2", 1, 1)):
            layer = ConvNorm(widening * self.width, upsample=True, name=name)
            x = nn.relu(layer(x, downsampled(valid, stride)))
        # In 0..255, as in the paper: Adam's steps do not know the unit of a pixel, and those that
        # suit the other kernels are too long for 2,592 numbers that make a pixel in [0, 1].
        out = Conv(3, size=9, border="reflect", use_bias=True, name="out")
        return out(x, valid) / 255 + 0.5  # from gray
