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
from jaxnst.ops.pixels import from_uint8, to_uint8
from jaxnst.ops.tiles import RowTile, split_rows

Variables = Mapping[str, Any]
Moments = dict[str, tuple[jax.Array, jax.Array]]
"""Mean and mean square [1, 1, 1, C] of what a norm is applied to, by the norm's name."""

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
        known[norm] = _mean([encode(band, norm) for band in bands])
    stride = network.stride
    features = jnp.concatenate([band.own(encode(band, ""), stride) for band in bands], axis=1)
    features = _trunk(network, trunk, features)

    def decode(band: RowTile, wanted: str, colors: bool = False) -> Any:
        inner = features[:, band.start // stride : band.stop // stride]
        both = (encoder, decoder)
        return _decode(network, wanted, both, known, photo[None, band.rows], inner, band, colors)

    for norm in _normed_layers(decoder):
        known[norm] = _mean([decode(band, norm) for band in bands])
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


def _mean(sums: list[tuple[jax.Array, jax.Array, jax.Array]]) -> tuple[jax.Array, jax.Array]:
    """Moments of the whole from sums over its bands, added up in float64."""
    count, total, square = (
        sum(np.asarray(s, np.float64) for s in kind) for kind in zip(*sums, strict=True)
    )
    return jnp.asarray(total / count, jnp.float32), jnp.asarray(square / count, jnp.float32)


def _sums(x: jax.Array, band: RowTile) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Positions, sums and sums of squares over the band's own rows of [1, H', W', C]."""
    scale = (band.stop - band.start) // x.shape[1]
    rows = jnp.arange(x.shape[1]) * scale + band.start
    inside = (rows >= band.top) & (rows < band.bottom)
    own = jnp.where(inside[None, :, None, None], x, 0)
    count = jnp.sum(inside) * x.shape[2]
    return count, jnp.sum(own, (1, 2), keepdims=True), jnp.sum(own**2, (1, 2), keepdims=True)


@cached_jit(static=("network", "wanted"))
def _encode(
    network: Network,
    wanted: str,
    variables: Variables,
    known: Moments,
    window: jax.Array,
    band: RowTile,
) -> Any:
    """Sums of what the norm `wanted` is applied to; or, if it is "", what the encoder is for."""
    image = from_uint8(window)
    encoder = network.stages()[0]
    inputs = {**variables, "moments": _given(known)}
    (x, _), kept = encoder.apply(inputs, image, None, mutable=["unnormed"])
    return _sums(_unnormed(kept, wanted), band) if wanted else x


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
    """Sums of what the norm `wanted` is applied to; or, if it is "", the painting, uint8."""
    image = from_uint8(window)
    encoder, _, decoder = network.stages()
    encoding, decoding = ({**v, "moments": _given(known)} for v in variables)
    _, shortcuts = encoder.apply(encoding, image, None)
    painting, kept = decoder.apply(decoding, features, shortcuts, None, mutable=["unnormed"])
    if wanted:
        return _sums(_unnormed(kept, wanted), band)
    return finish(painting, image, keep_colors)


def _given(known: Moments) -> dict[str, Any]:
    """The moments as the norms look for them."""
    return {layer: {"norm": {"given": pair}} for layer, pair in known.items()}


def _unnormed(kept: Variables, layer: str) -> jax.Array:
    """What a layer's norm was applied to."""
    return kept["unnormed"][layer]["norm"]["features"][0]
