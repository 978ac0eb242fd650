"""3x3 convolution with frozen kernels by Winograd's algorithm (Lavin & Gray, 2016), for CPUs.

F(4x4, 3x3) computes tiles of 4x4 outputs from 6x6 inputs with 36 multiplications for each pair of
channels where the sum of products takes 144. It pays where channels are many, on a CPU, and when
the kernels are transformed once beforehand, as those of a frozen VGG can be. The gradient to the
input is the same kind of convolution and gains as much; the kernels get none. On a GPU or TPU the
compiler's own convolution is the right one.
"""

import functools
import operator
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

Kernels = Mapping[str, jax.Array]
"""{"forward": [6, 6, C_in, C_out], "backward": [6, 6, C_out, C_in]}, from `transform_kernel`."""

_TILE = 4  # outputs a side
_PATCH = _TILE + 2  # inputs a side

# outputs = A [(G g G') * (B d B')] A' for kernel g and patch d: the polynomials' values at
# 0, 1, -1, 2, -2 and infinity.
_B = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float64,
)
_G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    np.float64,
)
_A = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    np.float64,
)


@jax.jit
def transform_kernel(kernel: jax.Array) -> dict[str, jax.Array]:
    """What `convolve` needs of a kernel [3, 3, C_in, C_out]: eight times its size."""
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    return {"forward": _transformed(kernel), "backward": _transformed(flipped)}


@jax.custom_vjp
def convolve(x: jax.Array, kernels: Kernels) -> jax.Array:
    """Zero-padded 3x3 convolution: [N, H, W, C_in] to [N, H, W, C_out].

    Equal to the plain sum of products to about 3e-5 of its largest value.
    """
    return _convolve(x, kernels["forward"])


def _convolve_fwd(x: jax.Array, kernels: Kernels) -> tuple[jax.Array, jax.Array]:
    return convolve(x, kernels), kernels["backward"]


def _convolve_bwd(backward: jax.Array, cotangent: jax.Array) -> tuple[jax.Array, None]:
    return _convolve(cotangent, backward), None


convolve.defvjp(_convolve_fwd, _convolve_bwd)


def _transformed(kernel: jax.Array) -> jax.Array:
    """G g G' for all channels, [6, 6, C_in, C_out]: column by row of the tile's spectrum."""
    rows = jnp.stack(_mix(_G, [kernel[i] for i in range(3)]))
    return jnp.stack(_mix(_G, [rows[:, j] for j in range(3)]))


def _convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    n, h, w, channels = x.shape
    rows, columns = -(-h // _TILE), -(-w // _TILE)
    padded = jnp.pad(x, ((0, 0), (1, rows * _TILE - h + 1), (1, columns * _TILE - w + 1), (0, 0)))
    # Transforms are sums of strided slices: forms that gather or contract lose all that is gained.
    # The barriers keep the compiler from computing a transform anew inside each of its uses.
    stripes = _barrier(jnp.stack(_mix(_B, [padded[:, _every(i, rows)] for i in range(_PATCH)])))
    patches = _mix(_B, [stripes[:, :, :, _every(j, columns)] for j in range(_PATCH)])
    flat = _barrier([p.reshape(_PATCH, n * rows * columns, channels) for p in patches])
    products = _barrier([p @ kernel[j] for j, p in enumerate(flat)])  # [6, tiles, C_out] each
    lines = _barrier(jnp.stack(_mix(_A, products), axis=2))  # [6, tiles, 4, C_out]
    tiles = [
        line.reshape(n, rows, columns * _TILE, -1)
        for line in _mix(_A, [lines[i] for i in range(_PATCH)])
    ]
    y = jnp.stack(tiles, axis=2)  # [n, rows, 4, columns * 4, C_out]
    return y.reshape(n, rows * _TILE, columns * _TILE, -1)[:, :h, :w]


_barrier = jax.lax.optimization_barrier


def _every(start: int, count: int) -> slice:
    """Picks `count` lines, one of each tile."""
    return slice(start, start + _TILE * (count - 1) + 1, _TILE)


def _mix(matrix: np.ndarray, arrays: Sequence[jax.Array]) -> list[jax.Array]:
    """The matrix times a vector of arrays."""
    mixed = []
    for row in matrix:
        terms = [float(c) * array for c, array in zip(row, arrays, strict=True) if c]
        mixed.append(functools.reduce(operator.add, terms))
    return mixed
