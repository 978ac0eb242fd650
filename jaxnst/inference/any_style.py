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
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError, check_choice, check_number
from jaxnst.inference.look import Look
from jaxnst.inference.painter import BUCKET, Painter
from jaxnst.inference.stroke import resized
from jaxnst.io.function_cache import cached_jit
from jaxnst.io.resize import MIN_SIDE, pad_to_multiple
from jaxnst.networks import base as networks
from jaxnst.networks.gallery import Weights, blend_shares
from jaxnst.networks.kinds import DECODED, Decoder
from jaxnst.networks.model_file import DECODERS, load_model
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.pixels import as_picture, from_uint8, to_uint8
from jaxnst.perceptual import vgg
from jaxnst.perceptual.statistics import LEAST_ALPHA
from jaxnst.perceptual.weights import load_vgg

PAINTING_SIDE = 512
"""Long side in pixels at which a painting is looked at: that of its strokes follows from it."""

_KEPT = 8  # paintings
_RIDGE = 1e-4  # of the mean variance, added to all: no map stretches noise to a stroke


class Gaussian(NamedTuple):
    """Mean [C] and covariance [C, C] of a picture's features at a layer, float64."""

    mean: np.ndarray
    covariance: np.ndarray


Description = Mapping[str, Gaussian]
"""What a picture's features are like, by layer."""


class AnyStylizer(Painter):
    """Paints photos in the style of any picture, in seconds and without training."""

    def __init__(
        self,
        paintings: Mapping[str, ArrayLike] = MappingProxyType({}),
        *,
        layers: Sequence[str] = DECODED,
        exact: bool = False,
    ) -> None:
        """Makes VGG-19 and decoders ready.

        Args:
          paintings: [h, w, 3] or [h, w, 4], uint8, by the names that they have as styles; what is
            transparent does not count.
          layers: of VGG-19 at which style is transferred, of "relu4_1", "relu3_1" and "relu2_1";
            fewer are faster.
          exact: as for `Stylizer`.

        Raises:
          JaxnstError: a painting is no picture, or there is no decoder for a layer.
        """
        for layer in layers:
            check_choice("layer", layer, DECODED)
        if not layers:
            raise JaxnstError(f"layers is empty: give some of {', '.join(DECODED)}")
        self._layers = sorted(set(layers), key=DECODED.index, reverse=True)
        self._vgg = vgg.prepare(load_vgg("vgg19"), self._layers)
        self._decoders = {layer: _load_decoder(layer) for layer in self._layers}
        strides = [network.stride for network, _ in self._decoders.values()]
        self._multiple = max(strides) if exact else BUCKET
        self._styles = {
            name: self._described(_as_painting(f"painting {name!r}", painting))
            for name, painting in paintings.items()
        }
        self._passing: OrderedDict[str, Description] = OrderedDict()

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the paintings."""
        return tuple(self._styles)

    def __call__(
        self,
        image: ArrayLike,
        style: ArrayLike | str | Weights,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = 1.0,
    ) -> np.ndarray:
        """Paints a picture or a batch of pictures.

        Args:
          image: [H, W, 3] or [N, H, W, 3], uint8, RGB.
          style: a painting, [h, w, 3] or [h, w, 4], uint8, RGB or RGBA; or one of `styles`, or
            weights by name for a blend.
          strength: from 0, the photo as it is, to 1.
          keep_colors: keep the photo's colors and take the painting's lightness.
          size: long side of the result; None: as it is.
          stroke: size of the strokes: 1 as on a picture of 768 pixels, from 0.1 to 10; what is
            larger is painted smaller and then enlarged. None: the picture is painted as it is.

        Returns:
          uint8, of the image's shape, or of its shape at the size asked for.

        Raises:
          JaxnstError: a picture is none, or there is no such style or strength.
        """
        if not isinstance(style, str | Mapping):
            style = self._remembered(_as_painting("painting", style))
        return super().__call__(
            image, style, strength=strength, keep_colors=keep_colors, size=size, stroke=stroke
        )

    def paint_as_is(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
        """Paints photos [..., H, W, 3]; the function returned gives the paintings."""
        check_number("strength", look.strength, high=1)
        target = self._target(look.style)
        batch = photos.reshape(-1, *photos.shape[-3:])
        paintings = np.stack([self._painted(photo, target, look) for photo in batch])
        return lambda: paintings.reshape(photos.shape)

    def _painted(self, photo: np.ndarray, target: Description, look: Look) -> np.ndarray:
        """A photo uint8 [H, W, 3] painted at its own size."""
        if look.strength == 0:
            return photo
        height, width = photo.shape[:2]
        picture = from_uint8(pad_to_multiple(photo[None], self._multiple, "symmetric"))
        painting = self._through(picture, target, look.strength)
        if look.strength < 1:  # what decoders lose of the photo is not lost at strength 0
            lost = picture - self._through(picture, target, 0.0)
            painting = painting + (1 - look.strength) * lost
        painting = painting[0, :height, :width]
        if look.keep_colors:
            painting = np.asarray(transfer_luma(painting, from_uint8(photo)))
        return to_uint8(painting)

    def _through(self, picture: np.ndarray, target: Description, strength: float) -> np.ndarray:
        """Pictures [1, H, W, 3] after all levels."""
        share = 1 - (1 - strength) ** (1 / len(self._layers))
        for layer in self._layers:
            network, variables = self._decoders[layer]
            features, *moments = _encode(layer, self._vgg, picture, None)
            matrix, shift = transport(_gaussian(moments), target[layer])
            matrix = share * matrix + (1 - share) * np.eye(len(matrix))
            picture = _decode(
                network, variables, features, np.float32(matrix), np.float32(share * shift)
            )
        return np.asarray(picture)

    def _target(self, style: str | Weights) -> Description:
        """What a painting's or a blend's features are like at each layer."""
        known = {**self._styles, **self._passing}
        shares = blend_shares(style, known)
        return {
            layer: mean([known[name][layer] for name in shares], list(shares.values()))
            for layer in self._layers
        }

    def _remembered(self, painting: np.ndarray) -> str:
        """The name by which a painting is known from now on; the last few are."""
        name = hashlib.sha256(repr(painting.shape).encode() + painting.tobytes()).hexdigest()
        if name not in self._passing:
            self._passing[name] = self._described(painting)
        self._passing.move_to_end(name)
        while len(self._passing) > _KEPT:
            self._passing.popitem(last=False)
        return name

    def _described(self, painting: np.ndarray) -> Description:
        """What the features of a painting, uint8 [H, W, 3 or 4], are like at each layer."""
        side = max(painting.shape[:2])
        height, width = (max(MIN_SIDE, round(n * PAINTING_SIDE / side)) for n in painting.shape[:2])
        small = from_uint8(resized(painting, (height, width))[None])
        alpha = small[..., 3] if small.shape[-1] == 4 else None
        return {
            layer: _gaussian(_encode(layer, self._vgg, small[..., :3], alpha)[1:])
            for layer in self._layers
        }


def mean(gaussians: Sequence[Gaussian], shares: Sequence[float]) -> Gaussian:
    """One that stands between others; the shares add up to 1."""
    means, covariances = zip(*gaussians, strict=True)
    return Gaussian(
        np.tensordot(shares, np.stack(means), 1), np.tensordot(shares, np.stack(covariances), 1)
    )


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


def _as_painting(name: str, image: ArrayLike) -> np.ndarray:
    """The image as an array uint8 [H, W, 3 or 4], if it is one and some of it can be seen."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] != 4:
        return as_picture(name, array)
    as_picture(name, array[..., :3])
    if not array[..., 3].any():
        raise JaxnstError(f"{name} is transparent everywhere: give one of which something is seen")
    return array


@cached_jit(static=("layer",))
def _encode(
    layer: str, params: vgg.Params, picture: jax.Array, alpha: jax.Array | None
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Features [N, h, w, C] of pictures [N, H, W, 3], their mean [C] and covariance [C, C].

    `alpha`, [N, H, W], is how much each pixel counts for these; None: all the same.
    """
    features = vgg.extract_features(params, picture, (layer,))[layer]
    flat = features.reshape(-1, features.shape[-1])
    weights = jnp.ones(features.shape[:-1])
    if alpha is not None:  # not 0 where all may fall between a deep layer's positions
        weights = jnp.maximum(jax.image.resize(alpha, weights.shape, "linear"), LEAST_ALPHA)
    shares = (weights / jnp.sum(weights)).reshape(-1, 1)
    mean = jnp.sum(shares * flat, 0)
    centered = jnp.sqrt(shares) * (flat - mean)
    precision = jax.lax.Precision.HIGHEST
    return features, mean, jnp.matmul(centered.T, centered, precision=precision)


@cached_jit(static=("network",))
def _decode(
    network: Decoder, variables: Any, features: jax.Array, matrix: jax.Array, shift: jax.Array
) -> jax.Array:
    """Pictures [N, H, W, 3] in [0, 1] of features that are mapped first."""
    picture = network.apply(variables, features @ matrix + shift)
    assert isinstance(picture, jax.Array)
    return jnp.clip(picture, 0, 1)
