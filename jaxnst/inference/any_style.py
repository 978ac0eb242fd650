"""Painting in the style of any picture, in seconds and without training.

The photo's features at a layer of VGG-19 are moved, by the affine map that moves them least, to
where they have the mean and the covariance of the painting's (the optimal transport of Gaussians;
Mroueh, 2020, Wasserstein style transfer), and a decoder makes a picture of them (Li et al., 2017,
universal style transfer). One level after the other, from coarse to fine: deep layers bring large
strokes and lose detail, which the finer ones sharpen again.
"""

import functools
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError, check_choice, check_number
from jaxnst.inference.look import Look
from jaxnst.inference.stroke import enlarge_painting, painted_size, resized
from jaxnst.io.function_cache import cached_jit
from jaxnst.io.resize import MIN_SIDE, pad_to_multiple
from jaxnst.networks import base as networks
from jaxnst.networks.kinds import DECODED, Decoder
from jaxnst.networks.model_file import DECODERS, load_model
from jaxnst.ops.pixels import as_picture, from_uint8, to_uint8
from jaxnst.perceptual import vgg
from jaxnst.perceptual.weights import load_vgg

PAINTING_SIDE = 512
"""Long side in pixels at which a painting is looked at: that of its strokes follows from it."""

_BUCKET = 64  # sides of pictures are compiled for multiples of this
_KEPT = 8  # paintings
_RIDGE = 1e-4  # of the mean variance, added to all: no map stretches noise to a stroke


class Gaussian(NamedTuple):
    """Mean [C] and covariance [C, C] of a picture's features at a layer, float64."""

    mean: np.ndarray
    covariance: np.ndarray


class AnyStylizer:
    """Paints photos in the style of any picture; see `__call__`."""

    def __init__(self, layers: Sequence[str] = DECODED) -> None:
        """Makes VGG-19 and decoders ready.

        Args:
          layers: of VGG-19 at which style is transferred, of "relu4_1", "relu3_1" and "relu2_1";
            fewer are faster.

        Raises:
          JaxnstError: there is no decoder for a layer.
        """
        for layer in layers:
            check_choice("layer", layer, DECODED)
        if not layers:
            raise JaxnstError(f"layers is empty: give some of {', '.join(DECODED)}")
        self._layers = sorted(set(layers), key=DECODED.index, reverse=True)
        self._vgg = vgg.prepare(load_vgg("vgg19"), self._layers)
        self._decoders = {layer: _load_decoder(layer) for layer in self._layers}
        self._paintings: OrderedDict[str, dict[str, Gaussian]] = OrderedDict()

    def __call__(
        self,
        image: ArrayLike,
        painting: ArrayLike,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        stroke: float = 1.0,
    ) -> np.ndarray:
        """Paints a picture in the style of another.

        Args:
          image: [H, W, 3], uint8, RGB.
          painting: [h, w, 3], uint8, RGB.
          strength: from 0, the photo as it is, to 1.
          keep_colors: keep the photo's colors and take the painting's lightness.
          stroke: size of the strokes, from 0.1 to 10: 1 as on a picture of 768 pixels; what is
            larger is painted smaller and then enlarged.

        Returns:
          uint8 [H, W, 3].

        Raises:
          JaxnstError: one of them is no picture, or a number is out of its range.
        """
        check_number("strength", strength, high=1)
        photo, look = as_picture("image", image), Look("", strength, keep_colors, stroke=stroke)
        small = resized(photo, painted_size(photo.shape[:2], stroke))
        style = self._described(as_picture("painting", painting))
        return enlarge_painting(self._painted(small, style, strength), small, photo, look)

    def _painted(
        self, photo: np.ndarray, style: dict[str, Gaussian], strength: float
    ) -> np.ndarray:
        """A photo uint8 [H, W, 3] painted at its own size."""
        if strength == 0:
            return photo
        height, width = photo.shape[:2]
        picture = from_uint8(pad_to_multiple(photo[None], _BUCKET, "symmetric"))
        for layer in self._layers:
            network, variables = self._decoders[layer]
            features, *moments = _encode(layer, self._vgg, picture)
            matrix, shift = transport(_gaussian(moments), style[layer])
            matrix = strength * matrix + (1 - strength) * np.eye(len(matrix))
            picture = _decode(
                network, variables, features, np.float32(matrix), np.float32(strength * shift)
            )
        return to_uint8(np.asarray(picture[0, :height, :width]))

    def _described(self, painting: np.ndarray) -> dict[str, Gaussian]:
        """What the painting's features are like at each layer; the last few are kept."""
        key = hashlib.sha256(repr(painting.shape).encode() + painting.tobytes()).hexdigest()
        if key not in self._paintings:
            side = max(painting.shape[:2])
            shape = [max(MIN_SIDE, round(n * PAINTING_SIDE / side)) for n in painting.shape[:2]]
            small = from_uint8(resized(painting, (shape[0], shape[1]))[None])
            self._paintings[key] = {
                layer: _gaussian(_encode(layer, self._vgg, small)[1:]) for layer in self._layers
            }
            while len(self._paintings) > _KEPT:
                self._paintings.popitem(last=False)
        self._paintings.move_to_end(key)
        return self._paintings[key]


def transport(source: Gaussian, target: Gaussian) -> tuple[np.ndarray, np.ndarray]:
    """The affine map x -> x M + b that moves one Gaussian to another with the least change.

    M = S^-1/2 (S^1/2 T S^1/2)^1/2 S^-1/2 for covariances S and T (Olkin & Pukelsheim, 1982).

    Returns:
      (M [C, C], b [C]).
    """
    ridge = _RIDGE * np.trace(source.covariance) / len(source.mean)
    covariance = source.covariance + ridge * np.eye(len(source.mean))
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse = (vectors / np.sqrt(values)) @ vectors.T
    inner = root @ target.covariance @ root
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    middle = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    matrix = inverse @ middle @ inverse
    return matrix, target.mean - source.mean @ matrix


def _gaussian(moments: Sequence[jax.Array]) -> Gaussian:
    """Of a mean [C] and a mean of products [C, C] about it."""
    mean, covariance = (np.asarray(moment, np.float64) for moment in moments)
    return Gaussian(mean, covariance)


@functools.cache
def _load_decoder(layer: str) -> tuple[Decoder, Any]:
    """A layer's decoder and its variables."""
    model = load_model(DECODERS[layer])
    assert isinstance(model.network, Decoder)
    return model.network, networks.prepare(model.network, jax.device_put(model.params))


@cached_jit(static=("layer",))
def _encode(
    layer: str, params: vgg.Params, picture: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Features [N, h, w, C] of pictures [N, H, W, 3], their mean [C] and covariance [C, C]."""
    features = vgg.extract_features(params, picture, (layer,))[layer]
    flat = features.reshape(-1, features.shape[-1])
    mean = jnp.mean(flat, 0)
    centered = flat - mean
    precision = jax.lax.Precision.HIGHEST
    return features, mean, jnp.matmul(centered.T, centered, precision=precision) / len(flat)


@cached_jit(static=("network",))
def _decode(
    network: Decoder, variables: Any, features: jax.Array, matrix: jax.Array, shift: jax.Array
) -> jax.Array:
    """Pictures [N, H, W, 3] in [0, 1] of features that are mapped first."""
    picture = network.apply(variables, features @ matrix + shift)
    assert isinstance(picture, jax.Array)
    return jnp.clip(picture, 0, 1)
