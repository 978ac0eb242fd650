"""The loss that painting networks learn from: content, style and no lattice (Johnson et al., 2016).

Each term has a scale of its own, so that one set of weights suits every painting: the content term
is relative to the photo's features, the style term of a layer to the mean distance of ordinary
photos from the painting. It is 1 for a photo and 0 for the painting. A third term keeps strokes
from repeating like a lattice (`jaxnst.perceptual.repetition`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxnst.errors import JaxnstError
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.loss_terms import statistic_error, weighted_terms
from jaxnst.perceptual.losses import content_loss, smoothness, style_loss
from jaxnst.perceptual.repetition import autocorrelation, lattice_shifts, repetition_loss
from jaxnst.perceptual.statistics import LEAST_ALPHA, STATISTICS, Averages, mask_weights
from jaxnst.perceptual.targets import extract_features, style_targets
from jaxnst.training.options import StyleOptions
from jaxnst.training.shift import shifted

Losses = dict[str, jax.Array]
Statistics = Mapping[str, Averages]

_REPETITION_LAYER, _REPETITION_STRIDE = "relu2_2", 2  # pixels between its positions


class Frozen(NamedTuple):
    """What the loss needs and is not trained."""

    vgg: vgg.Params
    targets: Statistics
    """The painting's statistics, by layer."""
    scales: Mapping[str, jax.Array]
    """What the style term of each layer is multiplied by."""
    repetition: jax.Array
    """The painting's autocorrelation, [shifts, C]."""

    def of(self, which: jax.Array) -> "Frozen":
        """One painting of those of `StyleLoss.freeze_many`, by its number."""
        targets, scales, repetition = jax.tree.map(lambda rows: rows[which], self[1:])
        return Frozen(self.vgg, targets, scales, repetition)


class StyleLoss:
    """How far a painting by a network is from a photo in content, and from a painting in style."""

    def __init__(
        self,
        loss: LossOptions,
        options: StyleOptions,
        stride: int,
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        """Takes what counts, the stride of what paints, and the type of VGG's features.

        Raises:
          JaxnstError: the statistic is none that a network can learn from.
        """
        if STATISTICS[loss.statistic].matched:
            others = ", ".join(name for name, known in STATISTICS.items() if not known.matched)
            raise JaxnstError(
                f"statistic {loss.statistic!r} is for optimizing pixels: to train choose {others}"
            )
        self._loss, self._options, self._stride, self._dtype = loss, options, stride, dtype
        self._shifts = lattice_shifts(stride // _REPETITION_STRIDE)
        # What each picture's style is relative to cancels out where it is relative to photos.
        self._formula = "relative" if options.relative_to == "photos" else loss.formula
        self._measure = jax.jit(self._measured)

    def freeze(
        self,
        params: vgg.Params,
        painting: np.ndarray,
        photos: Iterable[np.ndarray],
        weight: float = 1.0,
        *,
        alpha: np.ndarray | None = None,
    ) -> Frozen:
        """The frozen part of the loss for a painting.

        Args:
          params: of VGG.
          painting: [H, W, 3].
          photos: [H, W, 3] each, from which its distance is measured.
          weight: of its style term relative to that of other paintings.
          alpha: [H, W] in [0, 1]: how much each pixel of the painting counts.
        """
        params = vgg.prepare(params, self._layers)
        style = self._style(params, painting, self._photos(params, photos), weight, alpha)
        return Frozen(self._cast(params), *style)

    def freeze_many(
        self, params: vgg.Params, paintings: Iterable[np.ndarray], photos: Iterable[np.ndarray]
    ) -> Frozen:
        """As `freeze`, for several paintings [H, W, 3] of one size.

        Targets, scales and repetition have a first axis more: that of the paintings.
        """
        params = vgg.prepare(params, self._layers)
        found = self._photos(params, photos)
        styles = [self._style(params, painting, found) for painting in paintings]
        return Frozen(self._cast(params), *jax.tree.map(lambda *rows: jnp.stack(rows), *styles))

    def shifted(
        self, photo: jax.Array, painting: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Both [H, W, 3] from a random place within the stride, if the options ask for it."""
        if not self._options.shift:
            return photo, painting
        return shifted((photo, painting), key, self._stride)

    def picture_terms(self, frozen: Frozen, photo: jax.Array, painting: jax.Array) -> Losses:
        """The weighted terms of the loss for paintings [N, H, W, 3] by whatever means, [N]."""
        options = self._loss
        wanted = self._features(frozen.vgg, photo, options.content_layers)
        features = self._features(frozen.vgg, painting, self._layers)
        content = {
            layer: content_loss(features[layer], wanted[layer], formula=options.formula)
            for layer in options.content_layers
        }
        style = {
            layer: frozen.scales[layer]
            * style_loss(
                features[layer], target, statistic=options.statistic, formula=self._formula
            )
            for layer, target in frozen.targets.items()
        }
        terms = weighted_terms(content, style, smoothness(painting, options), options)
        if self._options.repetition_weight:
            found = repetition_loss(features[_REPETITION_LAYER], frozen.repetition, self._shifts)
            terms["repetition"] = self._options.repetition_weight * found
        return terms

    @property
    def _layers(self) -> tuple[str, ...]:
        names = (*self._loss.content_layers, *self._loss.style_layers, _REPETITION_LAYER)
        return tuple(dict.fromkeys(names))

    def _features(
        self, params: vgg.Params, image: jax.Array, layers: tuple[str, ...]
    ) -> dict[str, jax.Array]:
        """Features, compared in float32."""
        found = extract_features(params, image.astype(self._dtype), layers, self._loss)
        return {layer: features.astype(jnp.float32) for layer, features in found.items()}

    def _measured(
        self, params: vgg.Params, picture: jax.Array, alpha: jax.Array | None = None
    ) -> tuple[Statistics, jax.Array]:
        """A picture's statistics and autocorrelation."""
        found = extract_features(params, picture, (_REPETITION_LAYER,), self._loss)
        features = found[_REPETITION_LAYER]
        cover = None if alpha is None else mask_weights(alpha, features.shape[-3:-1])
        return (
            style_targets(params, picture, self._loss, alpha=alpha).statistics,
            autocorrelation(features, self._shifts, cover),
        )

    def _photos(self, params: vgg.Params, photos: Iterable[np.ndarray]) -> list[Statistics]:
        """The statistics of photos, if they are needed."""
        if self._options.relative_to != "photos":
            return []
        return [self._measure(params, photo)[0] for photo in photos]

    def _style(
        self,
        params: vgg.Params,
        painting: np.ndarray,
        found: Sequence[Statistics],
        weight: float = 1.0,
        alpha: np.ndarray | None = None,
    ) -> tuple[Statistics, Mapping[str, jax.Array], jax.Array]:
        """A painting's statistics, what its terms are multiplied by, and its repetition."""
        if alpha is not None:
            alpha = np.maximum(alpha, LEAST_ALPHA)
        targets, repetition = self._measure(params, painting, alpha)
        distances = {
            layer: self._mean_distance(found, targets, layer) if found else 1.0 for layer in targets
        }
        scales = {layer: jnp.float32(weight / distance) for layer, distance in distances.items()}
        return targets, scales, repetition

    def _cast(self, params: vgg.Params) -> vgg.Params:
        return jax.tree.map(lambda leaf: leaf.astype(self._dtype), params)

    def _mean_distance(
        self, found: Sequence[Statistics], targets: Statistics, layer: str
    ) -> jax.Array:
        """How far pictures' statistics are from the painting's at a layer."""
        target, statistic = targets[layer], self._loss.statistic
        errors = [statistic_error(one[layer], target, statistic, self._formula) for one in found]
        return jnp.mean(jnp.stack(errors))
