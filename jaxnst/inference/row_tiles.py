"""Huge pictures in bands of rows, with the statistics of the whole: the same painting, less memory.

An instance norm needs the moments of its input over the whole picture. So encoder and decoder go
over all bands once for each of their norms, from the first to the last, and then once more for what
they are there for; the trunk, where a picture is small, is applied to the whole. The bands overlap
by what the convolutions see beyond their borders, and are all of one height, to compile once.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.io.function_cache import cached_jit
from jaxnst.networks.base import STAGES
from jaxnst.networks.kinds import Network
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.moments import weighted_moments
from jaxnst.ops.pixels import from_uint8, to_uint8
from jaxnst.ops.tiles import RowTile, split_rows

Variables = Mapping[str, Any]
Moments = dict[str, tuple[jax.Array, jax.Array]]
"""Mean and variance [1, 1, 1, C] of what a norm is applied to, by the norm's name."""

_HALO = 32  # pixels; encoder and decoder see 16 beyond a border each
_ROWS = 512  # of a band, in pixels


def paint_in_bands(
    network: Network,
    variables: Variables,
    photo: np.ndarray,
    *,
    keep_colors: bool = False,
    rows: int = _ROWS,
) -> np.ndarray:
    """Paints uint8 [H, W, 3]; sides are multiples of the network's stride.

    Args:
      network: what paints.
      variables: from `networks.prepare`.
      photo: uint8 [H, W, 3].
      keep_colors: keep the photo's colors and take the painting's lightness.
      rows: height of a band, a multiple of the network's stride.
    """
    bands = split_rows(photo.shape[0], rows, _HALO)
    encoder, trunk, decoder = (_part(variables, name) for name in STAGES)
    known: Moments = {}

    def encode(band: RowTile, wanted: str) -> Any:
        return _encode(network, wanted, encoder, known, photo[None, band.rows], band)

    for norm in _normed_layers(encoder):
        known[norm] = _whole([encode(band, norm) for band in bands])
    stride = network.stride
    features = jnp.concatenate([band.own(encode(band, ""), stride) for band in bands], axis=1)
    features = _trunk(network, trunk, features)

    def decode(band: RowTile, wanted: str, colors: bool = False) -> Any:
        inner = features[:, band.start // stride : band.stop // stride]
        both = (encoder, decoder)
        return _decode(network, wanted, both, known, photo[None, band.rows], inner, band, colors)

    for norm in _normed_layers(decoder):
        known[norm] = _whole([decode(band, norm) for band in bands])
    painted = [band.own(np.asarray(decode(band, "", keep_colors))) for band in bands]
    return np.concatenate(painted, axis=1)[0]


def finish(painting: jax.Array, photo: jax.Array, keep_colors: bool) -> jax.Array:
    """A network's output as uint8, clipped, in the photo's colors if they are to be kept."""
    if keep_colors:
        painting = transfer_luma(jnp.clip(painting, 0, 1), photo)
    return to_uint8(painting)


def _part(variables: Variables, stage: str) -> dict[str, Any]:
    """The variables of one of a network's stages."""
    return {kind: tree[stage] for kind, tree in variables.items() if stage in tree}


def _normed_layers(variables: Variables) -> list[str]:
    """The names of a stage's layers with a norm, in the order of computation."""
    order = ("down1", "down2", "down3", "up1", "up2")
    return [name for name in order if name in variables["params"]]


def _whole(parts: list[tuple[jax.Array, jax.Array, jax.Array]]) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of the whole from the shares and moments of its bands, in float64."""
    shares, means, variances = (np.asarray(kind, np.float64) for kind in zip(*parts, strict=True))
    shares = (shares / shares.sum()).reshape(-1, 1, 1, 1, 1)
    mean = (shares * means).sum(0)
    variance = (shares * (variances + (means - mean) ** 2)).sum(0)
    return jnp.asarray(mean, jnp.float32), jnp.asarray(variance, jnp.float32)


def _moments(x: jax.Array, band: RowTile) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The number, the mean and the variance of the band's own rows of [1, H', W', C]."""
    scale = (band.stop - band.start) // x.shape[1]
    rows = jnp.arange(x.shape[1]) * scale + band.start
    inside = (rows >= band.top) & (rows < band.bottom)
    count = jnp.sum(inside)
    each = 1 / (jnp.maximum(count, 1) * x.shape[2])
    weights = jnp.where(inside[:, None, None], each, 0)
    return count, *weighted_moments(x, weights)


@cached_jit(static=("network", "wanted"))
def _encode(
    network: Network,
    wanted: str,
    variables: Variables,
    known: Moments,
    window: jax.Array,
    band: RowTile,
) -> Any:
    """Moments of what the norm `wanted` is applied to; or, if it is "", what the encoder is for."""
    image = from_uint8(window)
    encoder = network.stages()[0]
    inputs = {**variables, "moments": _given(known)}
    (x, _), kept = encoder.apply(inputs, image, None, mutable=["unnormed"])
    return _moments(_unnormed(kept, wanted), band) if wanted else x


@cached_jit(static=("network",))
def _trunk(network: Network, variables: Variables, features: jax.Array) -> Any:
    """The trunk on the whole picture."""
    return network.stages()[1].apply(variables, features, None)


@cached_jit(static=("network", "wanted", "keep_colors"))
def _decode(
    network: Network,
    wanted: str,
    variables: tuple[Variables, Variables],
    known: Moments,
    window: jax.Array,
    features: jax.Array,
    band: RowTile,
    keep_colors: bool,
) -> Any:
    """Moments of what the norm `wanted` is applied to; or, if it is "", the painting, uint8."""
    image = from_uint8(window)
    encoder, _, decoder = network.stages()
    encoding, decoding = ({**v, "moments": _given(known)} for v in variables)
    _, shortcuts = encoder.apply(encoding, image, None)
    painting, kept = decoder.apply(decoding, features, shortcuts, None, mutable=["unnormed"])
    if wanted:
        return _moments(_unnormed(kept, wanted), band)
    return finish(painting, image, keep_colors)


def _given(known: Moments) -> dict[str, Any]:
    """The moments as the norms look for them."""
    return {layer: {"norm": {"given": pair}} for layer, pair in known.items()}


def _unnormed(kept: Variables, layer: str) -> jax.Array:
    """What a layer's norm was applied to."""
    return kept["unnormed"][layer]["norm"]["features"][0]
