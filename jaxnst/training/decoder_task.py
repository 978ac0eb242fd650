"""Decoders as a task for the trainer: from VGG's features back to the photo (Li et al., 2017).

Some samples are features that no photo has, in which one half of a photo is made of what is most
similar in the other half, as photos will be made of what is most similar in a painting. Of them
nobody knows the pixels, but what is decoded should have these features again. No pairs of photos
and paintings are needed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxnst.errors import JaxnstError
from jaxnst.networks.kinds import DECODED, Decoder
from jaxnst.networks.model_file import Model
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual import vgg
from jaxnst.perceptual.neighbors import nearest_features
from jaxnst.training.options import DecoderOptions
from jaxnst.training.style_task import Measured, mean_terms

Batch = Mapping[str, jax.Array]
Params = Mapping[str, Any]
Losses = dict[str, jax.Array]


class DecoderTask:
    """Trains a network to invert a layer of VGG-19.

    Batches are {"image": uint8 [N, H, W, 3], "seed": uint32 [N]}.
    """

    def __init__(
        self, network: Decoder, options: DecoderOptions, dtype: DTypeLike = jnp.float32
    ) -> None:
        """Takes what is trained, what counts, and the features' type."""
        self.network, self._options, self._dtype = network, options, dtype
        self._layers = ("relu1_1", *DECODED[: DECODED.index(network.layer) + 1])
        self._terms, self._show = jax.jit(self._measured), jax.jit(self._shown)

    def freeze(self, params: vgg.Params) -> vgg.Params:
        """The frozen part: VGG-19 as far as it is needed.

        Raises:
          JaxnstError: the parameters are those of another net.
        """
        if vgg.net_of(params) != "vgg19":
            raise JaxnstError(
                "decoders invert VGG-19: give --net vgg19, or --pieces N to learn from paintings"
            )
        params = vgg.prepare(params, self._layers)
        return jax.tree.map(lambda leaf: leaf.astype(self._dtype), params)

    def init(self, key: jax.Array, start: Model | None) -> Params:
        """Parameters before training: those of a model, or random ones."""
        if start is not None:
            return jax.tree.map(jnp.asarray, dict(start.params))
        return jax.jit(self.network.init)(key, *self.network.example())["params"]

    def loss(self, params: Params, frozen: vgg.Params, batch: Batch) -> tuple[jax.Array, Losses]:
        """Mean loss of a batch, and its weighted parts."""
        photo = from_uint8(batch["image"])
        wanted = self.features(frozen, photo)
        changed, features = jax.vmap(self._changed)(wanted[self.network.layer], batch["seed"])
        parts = self.terms(frozen, self.decode(params, features), photo, features, wanted, changed)
        parts = {name: jnp.mean(part) for name, part in parts.items()}
        return sum(parts.values(), jnp.zeros(())), parts

    def decode(self, params: Params, features: jax.Array) -> jax.Array:
        """Pictures [N, H, W, 3] for features [N, h, w, C] of the layer, float32."""
        picture = self.network.apply({"params": params}, features)
        assert isinstance(picture, jax.Array)
        return picture

    def terms(
        self,
        frozen: vgg.Params,
        picture: jax.Array,
        photo: jax.Array,
        features: jax.Array,
        wanted: Mapping[str, jax.Array],
        changed: jax.Array,
    ) -> Losses:
        """The weighted terms of the loss for each sample, [N].

        Args:
          frozen: from `freeze`.
          picture: what was decoded, [N, H, W, 3].
          photo: of which the features were, [N, H, W, 3].
          features: what was decoded from, [N, h, w, C].
          wanted: the photo's features by layer.
          changed: [N], whether a sample's features are not the photo's; only the layer that is
            inverted counts then.
        """
        found = self.features(frozen, picture)
        pixel = jnp.mean(jnp.abs(picture - photo), (1, 2, 3))
        own = _relative_error(found[self.network.layer], features)
        others = [
            _relative_error(found[name], wanted[name])
            for name in self._layers
            if name != self.network.layer
        ]
        return {
            "pixel": self._options.reconstruction_weight * jnp.where(changed, 0, pixel),
            "feature": own + jnp.where(changed, 0, sum(others, jnp.zeros_like(own))),
        }

    def show(self, params: Params, frozen: vgg.Params, photo: np.ndarray) -> list[np.ndarray]:
        """What is decoded from the features of a photo [H, W, 3]."""
        return [np.asarray(self._show(params, frozen, photo[None])[0])]

    def measure(self, params: Params, frozen: vgg.Params, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3] as they are."""
        return mean_terms([self._terms(params, frozen, photo) for photo in photos])

    def _changed(self, features: jax.Array, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Features [h, w, C], and whether they were exchanged by the chance of the seed."""
        changed = jax.random.bernoulli(jax.random.key(seed), self._options.changed_share)
        half = features.shape[1] // 2
        left, right = features[:, :half], features[:, half:]
        exchanged = jnp.concatenate(
            [nearest_features(left, right), nearest_features(right, left)], axis=1
        )
        return changed, jnp.where(changed, exchanged, features)

    def features(self, frozen: vgg.Params, image: jax.Array) -> dict[str, jax.Array]:
        """Of pictures [N, H, W, 3], those of all layers that are compared, float32."""
        found = vgg.extract_features(frozen, image.astype(self._dtype), self._layers)
        return {layer: features.astype(jnp.float32) for layer, features in found.items()}

    def _shown(self, params: Params, frozen: vgg.Params, photo: jax.Array) -> jax.Array:
        return self.decode(params, self.features(frozen, photo)[self.network.layer])

    def _measured(self, params: Params, frozen: vgg.Params, photo: jax.Array) -> Losses:
        wanted = self.features(frozen, photo)
        features = wanted[self.network.layer]
        unchanged = jnp.zeros(len(photo), bool)
        return self.terms(frozen, self.decode(params, features), photo, features, wanted, unchanged)


def _relative_error(found: jax.Array, wanted: jax.Array) -> jax.Array:
    """Squared error of features [N, h, w, C], relative to the size of those that are wanted."""
    size = jnp.mean(jnp.square(wanted), (1, 2, 3))
    return jnp.mean(jnp.square(found - wanted), (1, 2, 3)) / jnp.maximum(size, 1e-6)
