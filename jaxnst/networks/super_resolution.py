"""Networks for super-resolution: photos [N, H, W, 3] to [N, scale H, scale W, 3], RGB in [0, 1].

Both add to what bicubic interpolation gives, have no norms, and see no further than `reach` pixels
around a position: a photo can be enlarged in tiles that know so much of their surroundings, with
the same result.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxnst.errors import JaxnstError
from jaxnst.networks.layers import Conv, depth_to_space, residual_blocks
from jaxnst.ops.resampling import enlarge_bicubic


class UpscaleNetwork(nn.Module):
    """What the networks have in common."""

    scale: int = 4
    """How many times as wide and high the result is."""
    width: int = 48
    """Channels."""
    blocks: int = 4
    """Residual blocks."""

    condition_size = 0  # they have no styles

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
        """Height and width of what it is to find must be multiples of this."""
        return self.scale

    def example(self) -> tuple[jax.Array]:
        """A small photo, to find out about shapes."""
        return (jnp.zeros((1, 16, 16, 3)),)


class Compact(UpscaleNetwork):
    """Ours, for CPUs: all is computed at the small size.

    The last layer's channels become blocks of pixels (Shi et al., 2016, sub-pixel convolution),
    which are added to the bicubic picture (Kim et al., 2016).
    """

    @property
    def reach(self) -> int:
        return 2 * self.blocks + 2

    @property
    def floats_per_pixel(self) -> int:
        return max(self.width, 3 * self.scale**2)

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Maps [N, H, W, 3] to [N, scale H, scale W, 3]."""
        x = first = Conv(self.width, use_bias=True, name="first")(image - 0.5)
        x = residual_blocks(x, self.blocks)
        x = Conv(3 * self.scale**2, use_bias=True, start=0.01, name="out")(x + first)
        return enlarge_bicubic(image, self.scale) + depth_to_space(x, self.scale)


class JohnsonUpscaler(UpscaleNetwork):
    """The network of Johnson et al. (2016) without its batch norm.

    c9s1-64, residual blocks, a layer for each doubling, c9s1-3. Two more departures: nearest
    neighbors and a convolution instead of transposed convolutions, as in their networks for
    styles since, and the bicubic picture is added instead of learned.
    """

    width: int = 64

    @property
    def reach(self) -> int:
        # The first layer, the blocks, the doublings (1/2 + 1/4 + ... pixels), the last layer.
        return 4 + 2 * self.blocks + math.ceil(1 - 1 / self.scale + 4 / self.scale)

    @property
    def floats_per_pixel(self) -> int:
        return self.width * self.scale**2

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


UPSCALERS: dict[str, type[UpscaleNetwork]] = {
    "compact": Compact,
    "johnson_upscaler": JohnsonUpscaler,
}
