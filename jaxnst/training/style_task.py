"""Style transfer as a task for the trainer: what a network learns, and from what.

The loss is that of Johnson et al. (2016), content and style, with each term brought to a scale of
its own so that one set of weights suits every painting: the content term is relative to the photo's
features, the style term of a layer to the mean distance of ordinary photos from the painting. It is
1 for a photo and 0 for the painting. A third term keeps strokes from repeating like a lattice
(`jaxnst.perceptual.repetition`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxnst.networks.base import paint
from jaxnst.networks.kinds import Network
from jaxnst.networks.model_file import Model
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.loss_terms import statistic_error, weighted_terms
from jaxnst.perceptual.losses import content_loss, smoothness, style_loss
from jaxnst.perceptual.repetition import autocorrelation, lattice_shifts, repetition_loss
from jaxnst.perceptual.statistics import LEAST_ALPHA, Averages, mask_weights
from jaxnst.perceptual.targets import extract_features, style_targets
from jaxnst.training.options import StyleOptions

Batch = Mapping[str, jax.Array]
Params = Mapping[str, Any]
Losses = dict[str, jax.Array]
Measured = dict[str, float]

_REPETITION_LAYER, _REPETITION_STRIDE = "relu2_2", 2  # pixels between its positions


class Frozen(NamedTuple):
    """What the loss needs and is not trained."""

    vgg: vgg.Params
    targets: Mapping[str, Averages]
    """The painting's statistics, by layer."""
    scales: Mapping[str, jax.Array]
    """What the style term of each layer is multiplied by."""
    repetition: jax.Array
    """The painting's autocorrelation, [shifts, C]."""


class StyleTask:
    """Trains a network to paint in one style.

    Batches are {"image": uint8 [N, H, W, 3], "seed": uint32 [N]}.
    """

    def __init__(
        self,
        network: Network,
        loss: LossOptions,
        options: StyleOptions,
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        """Takes what is trained, what for, how, and the type of VGG's features."""
        self.network, self._loss, self._options, self._dtype = network, loss, options, dtype
        self._shifts = lattice_shifts(network.stride // _REPETITION_STRIDE)
        # What each picture's style is relative to cancels out where it is relative to photos.
        self._formula = "relative" if options.relative_to == "photos" else loss.formula
        self._measure = jax.jit(self._measured)
        self._terms, self._show = jax.jit(self.terms), jax.jit(self.paint)

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
        if alpha is not None:
            alpha = np.maximum(alpha, LEAST_ALPHA)
        targets, repetition = self._measure(params, painting, alpha)
        scales = {layer: jnp.float32(weight) for layer in targets}
        if self._options.relative_to == "photos":
            found = [self._measure(params, photo)[0] for photo in photos]
            scales = {
                layer: weight / self._mean_distance(found, targets, layer) for layer in targets
            }
        params = jax.tree.map(lambda leaf: leaf.astype(self._dtype), params)
        return Frozen(params, targets, scales, repetition)

    def init(self, key: jax.Array, start: Model | None) -> Params:
        """Parameters before training: those of a model, or random ones."""
        if start is not None:
            return jax.tree.map(jnp.asarray, dict(start.params))
        return jax.jit(self.network.init)(key, *self.network.example())["params"]

    def loss(self, params: Params, frozen: Frozen, batch: Batch) -> tuple[jax.Array, Losses]:
        """Mean loss of a batch, and its weighted parts."""
        photo = from_uint8(batch["image"])
        noise = jax.vmap(jax.random.key)(batch["seed"])
        painting = self.paint(params, photo, noise)
        if self._options.shift:
            photo, painting = jax.vmap(self._shifted)(photo, painting, noise)
        parts = self.picture_terms(frozen, photo, painting)
        parts = {name: jnp.mean(part) for name, part in parts.items()}
        return sum(parts.values(), jnp.zeros(())), parts

    def _shifted(
        self, photo: jax.Array, painting: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Both [H, W, 3] from a place within the first stride, less one stride in size."""
        stride = self.network.stride
        corner = jax.random.randint(jax.random.fold_in(key, 1), (2,), 0, stride)
        size = (photo.shape[0] - stride, photo.shape[1] - stride, 3)
        start = (*corner, 0)
        return (
            jax.lax.dynamic_slice(photo, start, size),
            jax.lax.dynamic_slice(painting, start, size),
        )

    def terms(
        self, params: Params, frozen: Frozen, photo: jax.Array, noise: jax.Array | None = None
    ) -> Losses:
        """The weighted terms of the loss for each picture, [N].

        Args:
          params: of the network.
          frozen: from `freeze`.
          photo: [N, H, W, 3] in [0, 1].
          noise: [N] random keys for the network's noise; None: its fixed pattern.
        """
        return self.picture_terms(frozen, photo, self.paint(params, photo, noise))

    def paint(self, params: Params, photo: jax.Array, noise: jax.Array | None = None) -> jax.Array:
        """What the network makes of photos [N, H, W, 3], float32."""
        variables = {"params": params}
        if noise is None:
            return paint(self.network, variables, photo)

        def one(photo: jax.Array, key: jax.Array) -> jax.Array:
            return paint(self.network, variables, photo[None], noise=key)[0]

        return jax.vmap(one)(photo, noise)

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
    ) -> tuple[Mapping[str, Averages], jax.Array]:
        """A picture's statistics and autocorrelation."""
        found = extract_features(params, picture, (_REPETITION_LAYER,), self._loss)
        features = found[_REPETITION_LAYER]
        cover = None if alpha is None else mask_weights(alpha, features.shape[-3:-1])
        return (
            style_targets(params, picture, self._loss, alpha=alpha).statistics,
            autocorrelation(features, self._shifts, cover),
        )

    def _mean_distance(
        self, found: Sequence[Mapping[str, Averages]], targets: Mapping[str, Averages], layer: str
    ) -> jax.Array:
        """How far pictures' statistics are from the painting's at a layer."""
        target, statistic = targets[layer], self._loss.statistic
        errors = [statistic_error(one[layer], target, statistic, self._formula) for one in found]
        return jnp.mean(jnp.stack(errors))

    def show(self, params: Params, frozen: Frozen, photo: np.ndarray) -> list[np.ndarray]:
        """What the network makes of a photo [H, W, 3]."""
        return [np.asarray(self._show(params, photo[None])[0])]

    def measure(self, params: Params, frozen: Frozen, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3]."""
        return mean_terms([self._terms(params, frozen, photo) for photo in photos])


def mean_terms(rows: Sequence[Losses]) -> Measured:
    """The mean of each term over pictures; empty for none."""
    return {name: float(np.mean([row[name] for row in rows])) for name in (rows[0] if rows else {})}
