"""What the networks are made of: convolutions that know borders, and instance norms.

Features are [N, H, W, C]. A convolution continues its input beyond the border instead of filling
it with zeros, which would draw a frame around every picture. Padding first and cutting off the rim
afterwards gives the same numbers as a convolution without padding, several times faster on a CPU.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.networks.valid import Valid
from jaxnst.ops import winograd
from jaxnst.ops.moments import weighted_moments

_DIMS = ("NHWC", "HWIO", "NHWC")
EPSILON = 1e-5
"""What is added to the variance in an instance norm."""

_FLAT = 1e-5
"""A channel's standard deviation, relative to the root mean square of all, up to which it is
rounding errors of the convolution: norm after norm would make them 300 times as large."""

_WINOGRAD_CHANNELS = 32  # with fewer the transforms take what the products save
_FEW = 4  # channels on one side of a large kernel for which a CPU is slow

# Where the three taps of a kernel fall on the small grid, for the first and second of the two
# positions that a small one becomes.
_TAPS = np.array([[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]], np.float32)


class Conv(nn.Module):
    """A convolution whose input goes on beyond the border: with its "edge", or by "reflect"-ion.

    With `upsample` every position becomes four equal ones beforehand, which makes no checkerboards
    (Odena et al., 2016); all is computed at the smaller size.

    The collection "prepared" holds kernels that were made ready for fast convolution, by a call in
    which it is mutable (`networks.prepare`).
    """

    features: int
    size: int = 3
    stride: int = 1
    upsample: bool = False
    use_bias: bool = False
    border: str = "edge"
    level: bool = False
    """Whether the outputs are blocks of 2x2 positions, which must draw no grid: all four have the
    same response to what is the same everywhere."""
    start: float = 1.0
    """Variance of the outputs before training, relative to that of the inputs."""

    @nn.compact
    def __call__(self, x: jax.Array, valid: Valid = None) -> jax.Array:
        """Maps [N, H, W, C_in] to [N, H', W', features]; `valid` are x's own rows and columns."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        initializer = nn.initializers.variance_scaling(self.start, "fan_in", "truncated_normal")
        kernel = self.param("kernel", initializer, shape).astype(x.dtype)
        kernel = leveled(kernel) if self.level else kernel
        # The reflection of one doubled position is the position itself.
        border = "edge" if self.upsample else self.border
        kernel = fold_upsampling(kernel) if self.upsample else kernel
        if self.is_mutable_collection("prepared") and self._suits_winograd(kernel):
            self.put_variable("prepared", "winograd", winograd.transform_kernel(kernel))
        if self.has_variable("prepared", "winograd"):
            height, width = x.shape[1:3]
            tiles = _extend(x, 1, border, valid or (height, width), multiple=winograd.TILE)
            y = winograd.convolve_tiles(tiles, self.get_variable("prepared", "winograd"))
            y = y[:, :height, :width]
        else:
            y = convolve(x, kernel, stride=self.stride, border=border, valid=valid)
        y = depth_to_space(y, 2) if self.upsample else y
        if self.use_bias:
            y = y + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype)
        return y

    def _suits_winograd(self, kernel: jax.Array) -> bool:
        return suits_winograd(kernel.shape, self.stride) and not self.is_initializing()


def suits_winograd(shape: Sequence[int], stride: int) -> bool:
    """Whether Winograd's algorithm is faster on a CPU, for a kernel [S, S, C_in, C_out]."""
    return shape[0] == 3 and stride == 1 and min(shape[2:]) >= _WINOGRAD_CHANNELS


def convolve(
    x: jax.Array, kernel: jax.Array, *, stride: int, border: str, valid: Valid = None
) -> jax.Array:
    """[N, H, W, C_in] to [N, H / stride, W / stride, C_out], for odd kernels and H, W divisible."""
    reach = kernel.shape[0] // 2
    if stride == 1 and _suits_blocks(x, kernel):
        return convolve_large(pad(x, reach, border, valid), kernel)
    rim = -(-reach // stride)  # outputs that would see zeros
    return _cut(pad(x, rim * stride, border, valid), kernel, stride, rim)


def _suits_blocks(x: jax.Array, kernel: jax.Array) -> bool:
    divisible = all(n % 4 == 0 for n in (kernel.shape[0] // 2, *x.shape[1:3]))
    few = min(kernel.shape[2:]) <= _FEW and kernel.shape[0] > 1
    return jax.default_backend() == "cpu" and few and divisible


@jax.custom_vjp
def convolve_large(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution without padding, for a CPU and a large kernel with few channels on one side.

    [N, H + 2 R, W + 2 R, C_in] to [N, H, W, C_out], kernels [2 R + 1, 2 R + 1, C_in, C_out]; H, W
    and R are multiples of 4. On blocks of 2x2 positions there are four times as many channels, with
    which the compiler's convolution is several times as fast; the gradient to a kernel of few
    outputs gains as much on blocks of 4x4.
    """
    return _on_blocks(x, kernel, 2)


def _large_fwd(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return convolve_large(x, kernel), (x, kernel)


def _large_bwd(
    saved: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    factor = 4 if saved[1].shape[3] <= _FEW else 2
    backward = jax.vjp(lambda x, kernel: _on_blocks(x, kernel, factor), *saved)[1]
    to_x, to_kernel = backward(cotangent)
    return to_x, to_kernel


convolve_large.defvjp(_large_fwd, _large_bwd)


def _on_blocks(x: jax.Array, kernel: jax.Array, factor: int) -> jax.Array:
    """As `convolve_large`, for R divisible by the factor."""
    blocks = block_kernel(kernel, factor)
    return depth_to_space(_cut(space_to_depth(x, factor), blocks, 1, len(blocks) // 2), factor)


def block_kernel(kernel: jax.Array, factor: int) -> jax.Array:
    """What a kernel [S, S, C_in, C_out] is on blocks of `factor` x `factor` positions.

    With blocks as in `space_to_depth` it is [B, B, factor^2 C_in, factor^2 C_out], B blocks wide as
    the kernel reaches: 5 of 2x2, or 3 of 4x4, for S = 9.
    """
    size, _, c_in, c_out = kernel.shape
    reach = -(-(size // 2) // factor)
    blocks, inside = np.arange(-reach, reach + 1), np.arange(factor)
    # Which tap lies between position p of the a-th block and position u of the middle one.
    tap = factor * blocks[:, None, None] + inside[:, None] - inside + size // 2
    taps = jnp.asarray(tap[..., None] == np.arange(size), kernel.dtype)
    y = jnp.einsum("apuy,bqvx,yxio->abpqiuvo", taps, taps, kernel)
    return y.reshape(len(blocks), len(blocks), factor**2 * c_in, factor**2 * c_out)


def _cut(x: jax.Array, kernel: jax.Array, stride: int, rim: int) -> jax.Array:
    """A convolution with zeros at the border, less `rim` outputs at each side."""
    reach = kernel.shape[0] // 2
    pads = ((reach, reach), (reach, reach))
    y = jax.lax.conv_general_dilated(x, kernel, (stride, stride), pads, dimension_numbers=_DIMS)
    return y[:, rim : y.shape[1] - rim, rim : y.shape[2] - rim]


def pad(x: jax.Array, width: int, border: str, valid: Valid = None) -> jax.Array:
    """[N, H, W, C] with so many positions on each side, as its "edge" or by "reflect"-ion.

    Where rows and columns are valid only in part, those behind them are as if they ended there.
    """
    if valid is None:  # the gradient of what is gathered would be slow
        return jnp.pad(x, ((0, 0), (width, width), (width, width), (0, 0)), mode=border)
    return _extend(x, width, border, valid)


def _extend(
    x: jax.Array, width: int, border: str, valid: tuple[Any, Any], multiple: int = 1
) -> jax.Array:
    """As `pad`, with more positions at the end until H and W are multiples of a number."""
    for axis, length in zip((1, 2), valid, strict=True):
        size = x.shape[axis]
        at = jnp.arange(-width, size + -size % multiple + width)
        if border == "reflect":
            at = jnp.minimum(jnp.abs(at), 2 * (length - 1) - at)
        x = jnp.take(x, jnp.clip(at, 0, length - 1), axis, mode="clip")
    return x


def fold_upsampling(kernel: jax.Array) -> jax.Array:
    """What a kernel [3, 3, C_in, C_out] behind a doubling is before it: [3, 3, C_in, 4 C_out]."""
    taps = _TAPS.astype(kernel.dtype)
    folded = jnp.einsum("pay,qbx,yxio->abipqo", taps, taps, kernel)
    return folded.reshape(*kernel.shape[:3], 4 * kernel.shape[3])


def leveled(kernel: jax.Array) -> jax.Array:
    """A kernel [S, S, C_in, 4 C] with the same sum over its taps for each position of a block."""
    size, _, c_in, c_out = kernel.shape
    blocks = kernel.reshape(size, size, c_in, 4, c_out // 4)
    sums = jnp.mean(blocks, (0, 1), keepdims=True)
    return (blocks - sums + jnp.mean(sums, 3, keepdims=True)).reshape(kernel.shape)


def space_to_depth(x: jax.Array, factor: int) -> jax.Array:
    """[N, H, W, C] to [N, H / factor, W / factor, factor^2 C]: each block of positions in one."""
    n, h, w, c = x.shape
    x = x.reshape(n, h // factor, factor, w // factor, factor, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // factor, w // factor, factor**2 * c)


def depth_to_space(x: jax.Array, factor: int) -> jax.Array:
    """The inverse of `space_to_depth`."""
    n, h, w, c = x.shape
    x = x.reshape(n, h, w, factor, factor, c // factor**2)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * factor, w * factor, c // factor**2)


def residual_blocks(x: jax.Array, count: int) -> jax.Array:
    """Residual blocks (He et al., 2016) without norms; to be called within a module."""
    for i in range(1, count + 1):
        y = nn.relu(Conv(x.shape[-1], use_bias=True, start=2.0, name=f"block{i}_1")(x))
        x = x + Conv(x.shape[-1], use_bias=True, start=0.1, name=f"block{i}_2")(y)
    return x


class ConvNorm(nn.Module):
    """A convolution and its instance norm (Ulyanov et al., 2016).

    The convolution has no bias, which the norm would undo.
    """

    features: int
    size: int = 3
    stride: int = 1
    upsample: bool = False
    border: str = "edge"
    norm_bias: bool = True
    """Whether the norm adds a constant to each channel."""

    @nn.compact
    def __call__(self, x: jax.Array, valid: Valid = None) -> jax.Array:
        """Maps [N, H, W, C_in] to [N, H', W', C].

        `valid` are the rows and columns of the output that are picture and not padding.
        """
        conv = Conv(
            self.features, self.size, self.stride, self.upsample, border=self.border, name="conv"
        )
        before = None if valid is None else (self._before(valid[0]), self._before(valid[1]))
        return InstanceNorm(self.norm_bias, name="norm")(conv(x, before), valid)

    def _before(self, length: Any) -> Any:
        """Rows or columns of the input that make so many of the output."""
        return length // 2 if self.upsample else length * self.stride


class InstanceNorm(nn.Module):
    """Brings every channel of every picture to zero mean and unit variance, then scales and shifts.

    So that a picture can be worked on in parts (`jaxnst.inference.row_tiles`), the collection
    "moments" may give the mean and variance of the channels over the whole of it, and the
    collection "unnormed", where it is mutable, is left what the norm is applied to.
    """

    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, valid: Valid = None) -> jax.Array:
        """Maps [N, H, W, C] to the same shape."""
        self.sow("unnormed", "features", x)
        if self.has_variable("moments", "given"):
            given: tuple[jax.Array, jax.Array] = self.get_variable("moments", "given")
            mean, variance = given
        else:
            mean, variance = moments(x, valid)
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        square = jnp.mean(jnp.square(mean) + variance, -1, keepdims=True)
        factor = scale * jax.lax.rsqrt(variance + EPSILON)
        factor = jnp.where(variance > _FLAT**2 * square, factor, 0)
        shift = -mean * factor
        if self.use_bias:
            shift = shift + self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return x * factor.astype(x.dtype) + shift.astype(x.dtype)


def moments(x: jax.Array, valid: Valid = None) -> tuple[jax.Array, jax.Array]:
    """Mean and variance [N, 1, 1, C] of each channel over the valid positions, in float32."""
    if valid is None:
        return weighted_moments(x)
    rows, columns = (jnp.arange(n) < v for n, v in zip(x.shape[1:3], valid, strict=True))
    inside = (rows[:, None] & columns[None, :])[..., None].astype(jnp.float32)
    return weighted_moments(x, inside / (valid[0] * valid[1]).astype(jnp.float32))
