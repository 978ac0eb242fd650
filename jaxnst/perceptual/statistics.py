"""Style statistics: what VGG features are like, regardless of their positions.

Features are [..., H, W, C]. Every statistic is made of *position averages*, means over H and W of
products of channels. Averages of parts of a picture add up to the average of the whole, which is
what masks and row tiles (`tiled_loss`) rest on; what is not linear happens in `distance`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnst.ops.matrices import product
from jaxnst.ops.pixels import check_floating

Averages = Mapping[str, jax.Array]
"""Of "mean" [..., C], "square" [..., C] and "second" [..., C, C], those a statistic needs; "error"
and "size" [...] of features that are compared position by position, with "matched" ones."""

_VARIANCE_FLOOR = 1e-4  # keeps roots differentiable; variances are of the order of 10..10,000
_NOISE = 1e-6  # eigenvalues this far below the largest have no correct digit


def gram_matrix(features: jax.Array) -> jax.Array:
    """Channel co-activation statistics of a feature map.

    Args:
      features: activations of shape [..., H, W, C].

    Returns:
      Gram matrices of shape [..., C, C], divided by H * W * C as in Johnson et al. (2016).
    """
    check_floating("features", features)
    weights = uniform_weights(features.shape[-3:-1])
    return second_moment(features, weights) / features.shape[-1]


def uniform_weights(height_width: Sequence[int]) -> jax.Array:
    """Position weights [H, W] that take the plain mean."""
    height, width = height_width
    return jnp.full((height, width), 1 / (height * width), jnp.float32)


LEAST_ALPHA = 1e-6
"""How much a transparent pixel of a style counts: not 0 where all may fall between a deep layer's
positions."""


def mask_weights(mask: jax.Array, height_width: Sequence[int]) -> jax.Array:
    """Position weights [H, W] that take the mean inside a mask [h, w] over the image.

    Each position weighs as much as the mask covers of the image's pixels below it.
    """
    height, width = height_width
    # The layer's stride, a power of two; the quotient is up to twice that in a small picture.
    step = 1 << ((mask.shape[0] // height).bit_length() - 1)
    cells = mask[: height * step, : width * step].reshape(height, step, width, step).mean((1, 3))
    total = jnp.sum(cells)
    return cells / jnp.where(total > 0, total, 1)


@jax.custom_jvp
def second_moment(features: jax.Array, weights: jax.Array) -> jax.Array:
    """Weighted mean over positions of the products of channels: [..., C, C].

    Its own derivative is one product, F (D + D'), where JAX's derivative of a product of F with
    itself makes two and a transposed copy of F. The weights are constants to it.
    """
    flat = _flat(features)
    return product(jnp.swapaxes(flat, -1, -2), flat * weights.reshape(-1, 1))


@second_moment.defjvp
def _second_moment_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    features, weights = primals
    change = _flat(tangents[0] * weights[..., None])
    half = product(jnp.swapaxes(_flat(features), -1, -2), change)
    return second_moment(features, weights), half + jnp.swapaxes(half, -1, -2)


def _flat(features: jax.Array) -> jax.Array:
    """[..., H, W, C] as [..., H * W, C]."""
    return features.reshape(*features.shape[:-3], -1, features.shape[-1])


def position_averages(
    statistic: str, features: jax.Array, weights: jax.Array, target: Averages = MappingProxyType({})
) -> Averages:
    """The averages that a statistic is made of.

    Args:
      statistic: "gram", "mean_std", "wasserstein" or "neighbors".
      features: [..., H, W, C].
      weights: [H, W], from `uniform_weights` or `mask_weights`, or a part of such.
      target: with what "neighbors" compares, "matched" [H, W, C].
    """
    column = weights[..., None]
    kinds = {
        "mean": lambda f: jnp.sum(f * column, axis=(-3, -2)),
        "square": lambda f: jnp.sum(jnp.square(f) * column, axis=(-3, -2)),
        "second": lambda f: second_moment(f, weights),
        "error": lambda f: _weighted_square(f - target["matched"], weights),
        "size": lambda _: _weighted_square(target["matched"], weights),
    }
    return {kind: kinds[kind](features) for kind in STATISTICS[statistic].averages}


def _weighted_square(features: jax.Array, weights: jax.Array) -> jax.Array:
    """Weighted sum over positions of the squared lengths of features: [...]."""
    return jnp.sum(jnp.square(features) * weights[..., None], axis=(-3, -2, -1))


class Statistic(NamedTuple):
    """How a style is described and compared."""

    averages: tuple[str, ...]
    """The position averages it needs."""
    target: Callable[[Averages], Averages]
    """What `distance` needs of the style, computed once from its averages."""
    distance: Callable[[Averages, Averages], tuple[jax.Array, jax.Array]]
    """Squared distance of averages to a target, and the target's squared norm: its distance to
    features that are zero everywhere."""
    matched: bool = False
    """Whether a target is "matched" features, position by position, from `match_styles`."""


def _gram_distance(averages: Averages, target: Averages) -> tuple[jax.Array, jax.Array]:
    error = jnp.sum(jnp.square(averages["second"] - target["second"]), axis=(-2, -1))
    return error, jnp.sum(jnp.square(target["second"]), axis=(-2, -1))


def _mean_std_distance(averages: Averages, target: Averages) -> tuple[jax.Array, jax.Array]:
    def std(a: Averages) -> jax.Array:
        return jnp.sqrt(jnp.maximum(a["square"] - jnp.square(a["mean"]), 0) + _VARIANCE_FLOOR)

    error = jnp.square(averages["mean"] - target["mean"]) + jnp.square(std(averages) - std(target))
    return jnp.sum(error, axis=-1), jnp.sum(target["square"], axis=-1)


def _covariance(averages: Averages) -> jax.Array:
    mean = averages["mean"]
    return averages["second"] - mean[..., :, None] * mean[..., None, :]


def _wasserstein_target(averages: Averages) -> Averages:
    covariance = _covariance(averages)
    values, vectors = jnp.linalg.eigh(covariance)
    scaled = vectors * jnp.sqrt(jnp.maximum(values, 0))[..., None, :]
    root = product(scaled, jnp.swapaxes(vectors, -1, -2))
    # What rounding and small eigenvalues leave of the distance of the style to itself.
    rest = _trace(covariance) - _trace_of_root(product(product(root, covariance), root))
    return {**averages, "root": root, "rest": rest}


def _wasserstein_distance(averages: Averages, target: Averages) -> tuple[jax.Array, jax.Array]:
    """Wasserstein-2 distance of the Gaussians with these means and covariances (Olkin 1982)."""
    covariance, root = _covariance(averages), target["root"]
    means = jnp.sum(jnp.square(averages["mean"] - target["mean"]), axis=-1)
    traces = _trace(covariance) + _trace(_covariance(target))
    overlap = _trace_of_root(product(product(root, covariance), root)) + target["rest"]
    return means + traces - 2 * overlap, _trace(target["second"])


def _trace(matrix: jax.Array) -> jax.Array:
    return jnp.trace(matrix, axis1=-2, axis2=-1)


@jax.custom_jvp
def _trace_of_root(matrix: jax.Array) -> jax.Array:
    """tr(A^1/2) of a symmetric positive matrix, with the derivative A^-1/2 / 2.

    The derivative of eigh, which JAX would take, divides by differences of eigenvalues. Those below
    a millionth of the largest are rounding noise in float32: there the root is replaced by its
    tangent, which lets noise cancel and bounds the derivative.
    """
    return _trace_and_inverse_of_root(matrix)[0]


@_trace_of_root.defjvp
def _trace_of_root_jvp(
    primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    trace, inverse = _trace_and_inverse_of_root(primals[0])
    return trace, 0.5 * jnp.sum(inverse * tangents[0], axis=(-2, -1))


def _trace_and_inverse_of_root(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """tr(A^1/2) and A^-1/2."""
    values, vectors = jnp.linalg.eigh((matrix + jnp.swapaxes(matrix, -1, -2)) / 2)
    least = jnp.sqrt(_NOISE * values[..., -1:] + 1e-30)
    roots = jnp.sqrt(jnp.maximum(values, jnp.square(least)))
    inverse = product(vectors / roots[..., None, :], jnp.swapaxes(vectors, -1, -2))
    return jnp.sum(values / roots + roots, axis=-1) / 2, inverse


def _neighbors_distance(averages: Averages, target: Averages) -> tuple[jax.Array, jax.Array]:
    """Squared distance to the features that were matched, which are all in the averages."""
    return averages["error"], averages["size"]


STATISTICS = {
    "gram": Statistic(("second",), dict, _gram_distance),
    "mean_std": Statistic(("mean", "square"), dict, _mean_std_distance),
    "wasserstein": Statistic(("mean", "second"), _wasserstein_target, _wasserstein_distance),
    "neighbors": Statistic(("error", "size"), dict, _neighbors_distance, matched=True),
}
