"""Networks for super-resolution: photos [N, H, W, 3] to [N, scale H, scale W, 3], RGB in [0, 1].

Both add to what bicubic interpolation gives, have no norms, and see no further than `reach` pixels
around a position: a photo can be enlarged in tiles that know so much of their surroundings, with
the same result.
"""

import math

import flax.linen as nn
import jax

from jaxnst.errors import JaxnstError
from jaxnst.networks.layers import Conv, depth_to_space, residual_blocks
from jaxnst.ops.resampling import enlarge_bicubic


class CompactModule(nn.Module):
    """Ours, for CPUs: all is computed at the small size.

    The last layer's channels become blocks of pixels (Shi et al., 2016, sub-pixel convolution),
    which are added to the bicubic picture (Kim et al., 2016).
    """

    scale: int
    width: int
    blocks: int

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Maps [N, H, W, 3] to [N, scale H, scale W, 3]."""
        x = first = Conv(self.width, use_bias=True, name="first")(image - 0.5)
        x = residual_blocks(x, self.blocks)
        x = Conv(3 * self.scale**2, use_bias=True, start=0.01, name="out")(x + first)
        return enlarge_bicubic(image, self.scale) + depth_to_space(x, self.scale)


class JohnsonUpscalerModule(nn.Module):
    """The network of Johnson et al. (2016) without its batch norm.

    c9s1-64, residual blocks, a layer for each doubling, c9s1-3. Two more departures: nearest
    neighbors and a convolution instead of transposed convolutions, as in their networks for
    styles since, and the bicubic picture is added instead of learned.
    """

    scale: int
    width: int
    blocks: int

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Maps [N, H, W, 3] to [N, scale H, scale W, 3]."""
        if self.scale & (self.scale - 1):
            raise JaxnstError(f"this network doubles: a scale of 2, 4 or 8, not {self.scale}")
        x = nn.relu(Conv(self.width, size=9, use_bias=True, name="first")(image - 0.5))
        x = residual_blocks(x, self.blocks)
        for i in range(1, int(math.log2(self.scale)) + 1):
            x = nn.relu(Conv(self.width, upsample=True, use_bias=True, name=f"up{i}")(x))
        x = Conv(3, size=9, use_bias=True, start=0.01, name="out")(x)
        return enlarge_bicubic(image, self.scale) + x
