"""3x3 convolution with frozen kernels by Winograd's algorithm (Lavin & Gray, 2016), for CPUs.

F(4x4, 3x3) computes tiles of 4x4 outputs from 6x6 inputs with 36 multiplications for each pair of
channels where the sum of products takes 144. It pays where channels are many, on a CPU, and when
the kernels are transformed once beforehand, as those of a frozen network can be. On a GPU or TPU
the compiler's own convolution is the right one.
"""

import functools
import operator
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

Kernels = Mapping[str, jax.Array]
"""{"forward": [6, 6, C_in, C_out], "backward": [6, 6, C_out, C_in]}, from `kernels_both_ways`."""

TILE = 4
"""Outputs a side."""

PATCH = TILE + 2
"""Inputs a side."""

# outputs = A [(G g G') * (B d B')] A' for kernel g and patch d: the polynomials' values at
# 0, 1, -1, 2, -2 and infinity.
B = np.array(
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
G = np.array(
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
A = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    np.float64,
)


def transform_kernel(kernel: jax.Array) -> jax.Array:
    """G g G' for all channels: [3, 3, C_in, C_out] to [6, 6, C_in, C_out], by column and row."""
    matrix = jnp.asarray(G, kernel.dtype)
    highest = jax.lax.Precision.HIGHEST
    return jnp.einsum("ai,bj,ijxy->baxy", matrix, matrix, kernel, precision=highest)


@jax.jit
def kernels_both_ways(kernel: jax.Array) -> dict[str, jax.Array]:
    """What `convolve` needs of a kernel [3, 3, C_in, C_out]: eight times its size."""
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    return {"forward": transform_kernel(kernel), "backward": transform_kernel(flipped)}


@jax.custom_vjp
def convolve(x: jax.Array, kernels: Kernels) -> jax.Array:
    """Zero-padded 3x3 convolution: [N, H, W, C_in] to [N, H, W, C_out].

    Equal to the plain sum of products to about 3e-5 of its largest value. The gradient to the input
    is the same kind of convolution and gains as much; the kernels get none.
    """
    return _convolve(x, kernels["forward"])


def _convolve_fwd(x: jax.Array, kernels: Kernels) -> tuple[jax.Array, jax.Array]:
    return convolve(x, kernels), kernels["backward"]


def _convolve_bwd(backward: jax.Array, cotangent: jax.Array) -> tuple[jax.Array, None]:
    return _convolve(cotangent, backward), None


convolve.defvjp(_convolve_fwd, _convolve_bwd)


def _convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    height, width = x.shape[1:3]
    beyond = [(1, 1 + -n % TILE) for n in (height, width)]  # zeros up to whole tiles
    return convolve_tiles(jnp.pad(x, ((0, 0), *beyond, (0, 0))), kernel)[:, :height, :width]


def convolve_tiles(padded: jax.Array, kernel: jax.Array) -> jax.Array:
    """3x3 convolution without padding: [N, H + 2, W + 2, C_in] to [N, H, W, C_out].

    Args:
      padded: H and W are multiples of `TILE`.
      kernel: [6, 6, C_in, C_out], from `transform_kernel`.
    """
    n, (rows, columns) = len(padded), ((side - 2) // TILE for side in padded.shape[1:3])
    # Transforms are sums of strided slices: forms that gather or contract lose all that is gained.
    # The barriers keep the compiler from computing a transform anew inside each of its uses.
    stripes = _barrier(jnp.stack(_mix(B, [padded[:, _every(i, rows)] for i in range(PATCH)])))
    patches = _mix(B, [stripes[:, :, :, _every(j, columns)] for j in range(PATCH)])
    flat = _barrier([p.reshape(PATCH, n * rows * columns, -1) for p in patches])
    products = _barrier([p @ kernel[j] for j, p in enumerate(flat)])  # [6, tiles, C_out] each
    lines = _barrier(jnp.stack(_mix(A, products), axis=2))  # [6, tiles, 4, C_out]
    tiles = [
        line.reshape(n, rows, columns * TILE, -1)
        for line in _mix(A, [lines[i] for i in range(PATCH)])
    ]
    y = jnp.stack(tiles, axis=2)  # [n, rows, 4, columns * 4, C_out]
    return y.reshape(n, rows * TILE, columns * TILE, -1)


_barrier = jax.lax.optimization_barrier


def _every(start: int, count: int) -> slice:
    """Picks `count` lines, one of each tile."""
    return slice(start, start + TILE * (count - 1) + 1, TILE)


def _mix(matrix: np.ndarray, arrays: Sequence[jax.Array]) -> list[jax.Array]:
    """The matrix times a vector of arrays."""
    mixed = []
    for row in matrix:
        terms = [float(c) * array for c, array in zip(row, arrays, strict=True) if c]
        mixed.append(functools.reduce(operator.add, terms))
    return mixed
