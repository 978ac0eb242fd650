"""Style transfer as a task for the trainer: what a network learns, and from what.

Every picture of a batch gets a style and a strength of its own. At strength 1 the loss is that of
Johnson et al. (2016): content and style. Towards 0 the style counts less and the photo's pixels
count, so that the condition "photo" is learnt, and what lies between it and a style.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxnst.errors import check_number
from jaxnst.networks.base import Network, paint
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual import losses, vgg
from jaxnst.perceptual.losses import LossOptions

Batch = Mapping[str, jax.Array]
Params = Mapping[str, Any]
Losses = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class StyleOptions:
    """What a network learns of a style's strength."""

    full_strength: float = 1.0
    """The part of samples that are painted at strength 1; the others at anything from 0. At 1 no
    other strength is learnt."""
    photo_weight: float = 10.0
    """Weight of the squared error of the pixels at strength 0; it falls to nothing at 1."""

    def __post_init__(self) -> None:
        check_number("full_strength", self.full_strength, high=1)
        check_number("photo_weight", self.photo_weight)


class Frozen(NamedTuple):
    """What the loss needs and is not trained."""

    vgg: vgg.Params
    targets: Mapping[str, Mapping[str, jax.Array]]
    """{layer: averages [S, ...]}: the statistics of every style."""
    weights: jax.Array
    """[S]: how much the style counts in its loss, relative to `style_weight`."""


class StyleTask:
    """Trains a network to paint in several styles.

    Parameters are {"kernels": the network's own, "photo": [K], "styles": [S, K]}, the latter being
    conditions. Batches are {"image": uint8 [N, H, W, 3], "seed": uint32 [N]}.
    """

    def __init__(
        self,
        network: Network,
        loss: LossOptions,
        options: StyleOptions,
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        """Takes what is trained, what for, how, and the type of the network's features."""
        self.network, self._loss, self._options, self._dtype = network, loss, options, dtype

    def freeze(
        self, params: vgg.Params, paintings: Sequence[np.ndarray], weights: Sequence[float]
    ) -> Frozen:
        """The frozen part for paintings [H, W, 3] of any sizes, and their relative weights."""
        params = vgg.prepare(params, (*self._loss.content_layers, *self._loss.style_layers))
        measure = jax.jit(losses.style_targets, static_argnums=2)
        targets = [measure(params, painting, self._loss).statistics for painting in paintings]
        stacked = jax.tree.map(lambda *rows: jnp.stack(rows), *targets)
        return Frozen(params, stacked, jnp.array(weights, jnp.float32))

    def init(self, key: jax.Array, styles: int) -> dict[str, Any]:
        """Parameters before training."""
        first = self.network.first_condition()
        kernels = jax.jit(self.network.init)(key, *self.network.example())["params"]
        conditions = jnp.tile(first, (styles, 1))
        return {"kernels": kernels, "photo": jnp.asarray(first), "styles": conditions}

    def loss(self, params: Params, frozen: Frozen, batch: Batch) -> tuple[jax.Array, Losses]:
        """Mean loss of a batch, and its weighted parts."""
        style, strength, noise = jax.vmap(self._draw, (0, None))(batch["seed"], len(frozen.weights))
        photo = from_uint8(batch["image"])
        parts = self.terms(params, frozen, photo, style, strength, noise)
        parts = {name: jnp.mean(part) for name, part in parts.items()}
        return sum(parts.values(), jnp.zeros(())), parts

    def terms(
        self,
        params: Params,
        frozen: Frozen,
        photo: jax.Array,
        style: jax.Array,
        strength: jax.Array,
        noise: jax.Array | None = None,
    ) -> Losses:
        """The weighted terms of the loss for each picture, [N].

        Args:
          params: of the network.
          frozen: from `freeze`.
          photo: [N, H, W, 3] in [0, 1].
          style: [N], numbers of styles.
          strength: [N], from 0 to 1.
          noise: [N] random keys for the network's noise; None: its fixed pattern.
        """
        origin = self.network.leave_photo(params["photo"])
        condition = origin + strength[:, None] * (params["styles"][style] - origin)
        painting = self._paint(params["kernels"], photo, condition, noise)
        targets = jax.tree.map(lambda rows: rows[style], frozen.targets)
        weighted = self._perceptual_terms(frozen.vgg, photo, painting, targets)
        if self._options.full_strength == 1:
            return {**weighted, "style": frozen.weights[style] * weighted["style"]}
        pixels = jnp.mean(jnp.square(painting - photo), (1, 2, 3))
        return {
            **weighted,
            "style": jnp.square(strength) * frozen.weights[style] * weighted["style"],
            "photo": (1 - strength) * self._options.photo_weight * pixels,
        }

    def _draw(self, seed: jax.Array, styles: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """A sample's style, strength and key for noise: its own, on however many devices."""
        which, whether, strength, noise = jax.random.split(jax.random.key(seed), 4)
        full = jax.random.uniform(whether) < self._options.full_strength
        return (
            jax.random.randint(which, (), 0, styles),
            jnp.where(full, 1.0, jax.random.uniform(strength)),
            noise,
        )

    def _paint(
        self, kernels: Any, photo: jax.Array, condition: jax.Array, noise: jax.Array | None
    ) -> jax.Array:
        variables, photo = {"params": kernels}, photo.astype(self._dtype)
        if noise is None:
            return paint(self.network, variables, photo, condition).astype(jnp.float32)

        def one(photo: jax.Array, condition: jax.Array, key: jax.Array) -> jax.Array:
            return paint(self.network, variables, photo[None], condition[None], noise=key)[0]

        return jax.vmap(one)(photo, condition, noise).astype(jnp.float32)

    def _perceptual_terms(
        self,
        params: vgg.Params,
        photo: jax.Array,
        painting: jax.Array,
        targets: Mapping[str, Mapping[str, jax.Array]],
    ) -> Losses:
        """Content, style and smoothness for each picture, [N], with a style of its own each."""
        options = self._loss
        layers = tuple(dict.fromkeys((*options.content_layers, *options.style_layers)))
        wanted = losses.extract_features(params, photo, options.content_layers, options)
        features = losses.extract_features(params, painting, layers, options)
        content = {
            layer: losses.content_loss(features[layer], wanted[layer], formula=options.formula)
            for layer in options.content_layers
        }
        style = {
            layer: losses.style_loss(
                features[layer], target, statistic=options.statistic, formula=options.formula
            )
            for layer, target in targets.items()
        }
        return losses.weighted_terms(content, style, losses.smoothness(painting, options), options)
