"""Huge pictures in bands of rows, with the statistics of the whole: the same painting, less memory.

An instance norm needs the moments of its input over the whole picture. So encoder and decoder go
over all bands once for each of their norms, from the first to the last, and then once more for what
they are there for; the trunk, where a picture is small, is applied to the whole. The bands overlap
by what the convolutions see beyond their borders, and are all of one height, to compile once.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.networks.base import STAGES, Network
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.pixels import from_uint8, to_uint8

Variables = Mapping[str, Any]
Moments = dict[str, tuple[jax.Array, jax.Array]]
"""Mean and mean square [1, 1, 1, C] of what a norm is applied to, by the norm's name."""

_HALO = 32  # pixels; encoder and decoder see 16 beyond a border each
_ROWS = 512  # of a band, in pixels


class Band(NamedTuple):
    """Rows that are computed at a time, in pixels, of which the inner ones are the band's own."""

    start: int
    stop: int
    top: int
    """The first row of its own."""
    bottom: int
    """The row behind the last of its own."""

    @property
    def rows(self) -> slice:
        """All of its rows."""
        return slice(self.start, self.stop)

    def own(self, x: Any, stride: int = 1) -> Any:
        """Its own rows of features [N, H', ...] of all its rows."""
        return x[:, (self.top - self.start) // stride : (self.bottom - self.start) // stride]


def split_rows(height: int, rows: int, halo: int) -> list[Band]:
    """Bands of equal height whose own rows are all rows, each once, at least `halo` from its ends
    but for those of the picture."""
    extent = min(height, rows + 2 * halo)
    bands = []
    for top in range(0, height, rows):
        start = max(0, min(top - halo, height - extent))
        bands.append(Band(start, start + extent, top, min(top + rows, height)))
    return bands


def paint_in_bands(
    network: Network,
    variables: Variables,
    photo: np.ndarray,
    condition: np.ndarray,
    *,
    keep_colors: bool = False,
    rows: int = _ROWS,
) -> np.ndarray:
    """Paints uint8 [H, W, 3]; sides are multiples of the network's stride.

    Args:
      network: what paints.
      variables: from `networks.prepare`.
      photo: uint8 [H, W, 3].
      condition: [K].
      keep_colors: keep the photo's colours and take the painting's lightness.
      rows: height of a band, a multiple of the network's stride.
    """
    bands = split_rows(photo.shape[0], rows, _HALO)
    encoder, trunk, decoder = (_part(variables, name) for name in STAGES)
    known: Moments = {}

    def encode(band: Band, wanted: str) -> Any:
        return _encode(network, wanted, encoder, known, photo[None, band.rows], condition, band)

    for norm in _norms(encoder, network):
        known[norm] = _mean([encode(band, norm) for band in bands])
    stride = network.stride
    features = jnp.concatenate([band.own(encode(band, ""), stride) for band in bands], axis=1)
    features = _trunk(network, trunk, features, condition)

    def decode(band: Band, wanted: str, colors: bool = False) -> Any:
        inner = features[:, band.start // stride : band.stop // stride]
        both = (encoder, decoder)
        return _decode(
            network, wanted, both, known, photo[None, band.rows], inner, condition, band, colors
        )

    for norm in _norms(decoder, network):
        known[norm] = _mean([decode(band, norm) for band in bands])
    painted = [band.own(np.asarray(decode(band, "", keep_colors))) for band in bands]
    return np.concatenate(painted, axis=1)[0]


def finish(painting: jax.Array, photo: jax.Array, keep_colors: bool) -> jax.Array:
    """A network's output as uint8, clipped, in the photo's colours if they are to be kept."""
    painting = jnp.clip(painting, 0, 1)
    if keep_colors:
        painting = transfer_luma(painting, photo)
    return to_uint8(painting)


def _part(variables: Variables, stage: str) -> dict[str, Any]:
    """The variables of one of a network's stages."""
    return {kind: tree[stage] for kind, tree in variables.items() if stage in tree}


def _norms(variables: Variables, network: Network) -> list[str]:
    """The names of a stage's norms, in the order of computation."""
    return [name for name in network.condition_parts if "conv" in variables["params"].get(name, {})]


def _mean(sums: list[tuple[jax.Array, jax.Array, jax.Array]]) -> tuple[jax.Array, jax.Array]:
    """Moments of the whole from sums over its bands, added up in float64."""
    count, total, square = (
        sum(np.asarray(s, np.float64) for s in kind) for kind in zip(*sums, strict=True)
    )
    return jnp.asarray(total / count, jnp.float32), jnp.asarray(square / count, jnp.float32)


def _sums(x: jax.Array, band: Band) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Positions, sums and sums of squares over the band's own rows of [1, H', W', C]."""
    scale = (band.stop - band.start) // x.shape[1]
    rows = jnp.arange(x.shape[1]) * scale + band.start
    inside = (rows >= band.top) & (rows < band.bottom)
    own = jnp.where(inside[None, :, None, None], x, 0)
    count = jnp.sum(inside) * x.shape[2]
    return count, jnp.sum(own, (1, 2), keepdims=True), jnp.sum(own**2, (1, 2), keepdims=True)


@functools.partial(jax.jit, static_argnames=("network", "wanted"))
def _encode(
    network: Network,
    wanted: str,
    variables: Variables,
    known: Moments,
    window: jax.Array,
    condition: jax.Array,
    band: Band,
) -> Any:
    """Sums of what the norm `wanted` is applied to; or, if it is "", what the encoder is for."""
    image, parts = from_uint8(window), network.split(condition)
    encoder = network.stages()[0]
    inputs = {**variables, "moments": _given(known)}
    (x, _), kept = encoder.apply(inputs, image, parts, None, mutable=["unnormed"])
    return _sums(kept["unnormed"][wanted]["features"][0], band) if wanted else x


@functools.partial(jax.jit, static_argnames="network")
def _trunk(
    network: Network, variables: Variables, features: jax.Array, condition: jax.Array
) -> Any:
    """The trunk on the whole picture."""
    return network.stages()[1].apply(variables, features, network.split(condition), None)


@functools.partial(jax.jit, static_argnames=("network", "wanted", "keep_colors"))
def _decode(
    network: Network,
    wanted: str,
    variables: tuple[Variables, Variables],
    known: Moments,
    window: jax.Array,
    features: jax.Array,
    condition: jax.Array,
    band: Band,
    keep_colors: bool,
) -> Any:
    """Sums of what the norm `wanted` is applied to; or, if it is "", the painting, uint8."""
    image, parts = from_uint8(window), network.split(condition)
    encoder, _, decoder = network.stages()
    encoding, decoding = ({**v, "moments": _given(known)} for v in variables)
    _, shortcuts = encoder.apply(encoding, image, parts, None)
    painting, kept = decoder.apply(decoding, features, shortcuts, parts, None, mutable=["unnormed"])
    if wanted:
        return _sums(kept["unnormed"][wanted]["features"][0], band)
    return finish(painting, image, keep_colors)


def _given(known: Moments) -> dict[str, Any]:
    return {norm: {"given": pair} for norm, pair in known.items()}
