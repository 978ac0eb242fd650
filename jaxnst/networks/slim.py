"""Slim, our own painting network for real time: nothing is computed at full size.

Blocks of 4x4 pixels become channels; one step down, residual blocks at an eighth of the size, two
steps up; channels become blocks of 2x2 pixels. Noise gives strokes something to start from in flat
regions (Ulyanov et al., 2016). Two shortcuts carry detail past the trunk.

The result is what is painted plus what is left of the photo, its colors times a 3x3 matrix. With
nothing painted and the identity for that matrix the network returns the photo exactly.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.networks.layers import Conv, ConvNorm, depth_to_space, space_to_depth
from jaxnst.networks.stages import ResidualTrunk
from jaxnst.networks.valid import Valid, downsampled

_NOISE_CHANNELS = 4  # each twice as coarse as the one before
NOISE_PERIOD = 128
"""Positions after which the noise repeats itself: 1,024 pixels."""

Shortcuts = tuple[jax.Array, jax.Array, jax.Array]
"""Features at a quarter and at half of the size, and the image."""


def stages(width: int, blocks: int, stride: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Encoder, trunk and decoder."""
    return (
        SlimEncoder(width, parent=None),
        SlimTrunk(4 * width, blocks, stride, parent=None),
        SlimDecoder(width, parent=None),
    )


class SlimEncoder(nn.Module):
    """From pixels to an eighth of the size, and what goes past the trunk."""

    width: int

    @nn.compact
    def __call__(self, image: jax.Array, valid: Valid) -> tuple[jax.Array, Shortcuts]:
        half, quarter, eighth = self.width, 2 * self.width, 4 * self.width
        pixels = Conv(half, size=1, name="pixels")(space_to_depth(image, 2))
        x = ConvNorm(quarter, name="down1")(space_to_depth(image, 4), downsampled(valid, 4))
        x = nn.relu(x)
        y = ConvNorm(eighth, stride=2, border="reflect", name="down2")(x, downsampled(valid, 8))
        return nn.relu(y), (x, pixels, image)


class SlimTrunk(nn.Module):
    """Noise is added to the features, then residual blocks."""

    features: int
    blocks: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array, valid: Valid) -> jax.Array:
        initializer = nn.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")
        kernel = self.param("noise", initializer, (_NOISE_CHANNELS, self.features))
        x = x + self._noise(x) @ kernel.astype(x.dtype)
        blocks = ResidualTrunk(self.features, self.blocks, self.stride, name="blocks")
        return blocks(x, valid)

    def _noise(self, x: jax.Array) -> jax.Array:
        """[N, H, W, channels]: fresh with a random key for "noise", else a fixed pattern."""
        if self.has_rng("noise"):
            return _fresh_noise(self.make_rng("noise"), x.shape).astype(x.dtype)
        pattern = jnp.asarray(noise_pattern(), x.dtype)
        repeats = [-(-side // NOISE_PERIOD) for side in x.shape[1:3]]
        noise = jnp.tile(pattern, (1, *repeats, 1))
        return noise[:, : x.shape[1], : x.shape[2]]


class SlimDecoder(nn.Module):
    """From an eighth of the size to pixels."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, shortcuts: Shortcuts, valid: Valid) -> jax.Array:
        half, quarter = self.width, 2 * self.width
        features, pixels, image = shortcuts
        x = ConvNorm(quarter, upsample=True, name="up1")(x, downsampled(valid, 4))
        x = nn.relu(x + Scale(name="shortcut1")(features))
        x = ConvNorm(half, upsample=True, name="up2")(x, downsampled(valid, 2))
        x = nn.relu(x + Scale(name="shortcut2")(pixels))
        out = Conv(12, border="reflect", level=True, start=0.01, name="out")
        painted = depth_to_space(out(x, downsampled(valid, 2)), 2)
        return painted + ColorMatrix(name="photo")(image)


class Scale(nn.Module):
    """A factor for each channel."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        start = nn.initializers.constant(0.1)
        return x * self.param("scale", start, (x.shape[-1],)).astype(x.dtype)


class ColorMatrix(nn.Module):
    """Colors times a matrix [3, 3], plus a color. Training starts from a little of the photo."""

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        kernel = self.param("kernel", lambda _: 0.1 * jnp.eye(3))
        bias = self.param("bias", lambda _: jnp.full(3, 0.4))
        # Not a product of matrices, whose rounding would change even a photo that is to stay.
        mixed = jnp.sum(image[..., None] * kernel.astype(image.dtype), axis=-2)
        return mixed + bias.astype(image.dtype)


def _fresh_noise(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Noise [N, H, W, channels] of unit variance, each channel twice as coarse as the one before.

    White noise alone would have strokes begin at every position and lie as regularly as bricks.
    """
    n, height, width, _ = shape
    channels = []
    for level, key_ in enumerate(jax.random.split(key, _NOISE_CHANNELS)):
        coarse = (n, -(-height // 2**level), -(-width // 2**level), 1)
        full = (n, coarse[1] * 2**level, coarse[2] * 2**level, 1)
        noise = jax.image.resize(jax.random.normal(key_, coarse), full, "linear")
        channels.append(noise[:, :height, :width] * (1.5 if level else 1.0))
    return jnp.concatenate(channels, axis=-1)


@functools.cache
def noise_pattern() -> np.ndarray:
    """Noise as by `_fresh_noise`, the same everywhere and always, [1, period, period, channels]."""
    rng, side = np.random.default_rng(0), NOISE_PERIOD
    channels = []
    for level in range(_NOISE_CHANNELS):
        step = 2**level
        coarse = rng.standard_normal((side // step, side // step), np.float32)
        # Linear interpolation between the centers of the coarse positions, around the edges.
        at = (np.arange(side) + 0.5) / step - 0.5
        low, share = np.floor(at).astype(int), (at % 1).astype(np.float32)
        rows = coarse[low % len(coarse)] * (1 - share[:, None])
        rows += coarse[(low + 1) % len(coarse)] * share[:, None]
        fine = rows[:, low % len(coarse)] * (1 - share) + rows[:, (low + 1) % len(coarse)] * share
        channels.append(fine * (1.5 if level else 1.0))
    return np.stack(channels, axis=-1)[None].astype(np.float32)
