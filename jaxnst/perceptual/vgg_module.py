"""VGG as a Flax module: what `jaxnst.perceptual.vgg` applies."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxnst.ops import winograd
from jaxnst.perceptual.vgg_layers import computed_layers, conv_shapes


class Conv3x3(nn.Module):
    """A zero-padded 3x3 convolution with bias; by Winograd where the parameters allow it."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (3, 3, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        if self.has_variable("params", "winograd"):
            return winograd.convolve(x, self.get_variable("params", "winograd")) + bias
        dims = ("NHWC", "HWIO", "NHWC")
        return (
            jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dims) + bias
        )


class VGG(nn.Module):
    """The convolution stack of VGG-16 or VGG-19, up to the deepest of the layers asked for."""

    net: str
    layers: tuple[str, ...]
    pooling: str = "max"
    border: str = "zero"

    @nn.compact
    def __call__(self, image: jax.Array) -> dict[str, jax.Array]:
        """Maps images [N, H, W, 3] to {layer: features [N, H', W', C]}."""
        mean = self.param("mean", nn.initializers.zeros, (3,))
        features: dict[str, jax.Array] = {}
        x = image.astype(mean.dtype) - mean
        if self.border == "edge":  # room for the first convolution, cut off behind it
            x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        for name in computed_layers(self.net, self.layers):
            if name.startswith("conv"):
                x = Conv3x3(conv_shapes(self.net)[name][-1], name=name)(x)
                if name == "conv1_1" and self.border == "edge":
                    x = x[:, 1:-1, 1:-1]
            elif name.startswith("relu"):
                x = nn.relu(x)
            else:
                x = _pool(x, self.pooling)
            if name in self.layers:
                features[name] = x
        return features


def _pool(x: jax.Array, pooling: str) -> jax.Array:
    """Halves [N, H, W, C]; a last odd row or column is left out.

    As four slices, since the gradient of the compiler's own windowed maximum is 25 times slower on
    a CPU, which was a fifth of the whole loss.
    """
    h, w = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    a, b, c, d = (x[:, i:h:2, j:w:2] for i in range(2) for j in range(2))
    if pooling == "max":
        return jnp.maximum(jnp.maximum(a, b), jnp.maximum(c, d))
    return (a + b + c + d) / 4
