"""Painting like any picture as a task for the trainer: a decoder that paints.

What it gets is what it will get when it paints (`jaxnst.inference.any_style`): the features of a
photo, each replaced by the most similar one of a painting, at half of the size and then at all of
it. What it makes of them is compared by the loss of painting networks. This is done for pieces of
many paintings at once, so that what it learns is no one style. The rest of the samples are features
as they are, of which it should make the photo again (Li et al., 2017).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxnst.networks.kinds import Decoder
from jaxnst.networks.model_file import Model
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual import vgg
from jaxnst.perceptual.coarse_to_fine import GRAIN, grained, joined, smaller
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.neighbors import nearest_features
from jaxnst.training import style_loss
from jaxnst.training.decoder_task import DecoderTask
from jaxnst.training.options import DecoderOptions, StyleOptions
from jaxnst.training.style_loss import Losses, StyleLoss
from jaxnst.training.style_task import Measured, mean_terms

Batch = Mapping[str, Any]
Params = Mapping[str, Any]

_CANDIDATES = 4096  # features of a piece at most
_EDGE = 2  # features at each side of a piece that know of its border
_SHOWN = 3  # pieces like which a photo is painted to be looked at


class Frozen(NamedTuple):
    """What the loss needs and is not trained."""

    encoder: vgg.Params
    """VGG-19 as far as the layer that is inverted."""
    style: style_loss.Frozen
    """What all pieces' styles are compared by."""
    fine: jax.Array
    """Features of each piece, [P, M, C]."""
    coarse: jax.Array
    """The same at half of the size."""


class AnyStyleTask:
    """Trains a decoder to paint by what a painting's features make of a photo's.

    Batches are {"image": uint8 [N, H, W, 3], "seed": uint32 [N]}.
    """

    def __init__(
        self,
        network: Decoder,
        loss: LossOptions,
        style: StyleOptions,
        options: DecoderOptions,
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        """Takes what is trained, what for, how, and the type of VGG's features."""
        self.network, self._options = network, options
        self._decoder = DecoderTask(network, options, dtype)
        self._style = StyleLoss(loss, style, network.stride, dtype)
        self._describe = jax.jit(self._described, static_argnums=2)
        self._show, self._measure = jax.jit(self._shown), jax.jit(self._measured)

    def freeze(
        self,
        encoder: vgg.Params,
        params: vgg.Params,
        pieces: np.ndarray,
        photos: Iterable[np.ndarray],
    ) -> Frozen:
        """The frozen part.

        Args:
          encoder: VGG-19's parameters.
          params: of the VGG net that compares the pictures.
          pieces: of paintings, uint8 [P, S, S, 3].
          photos: [H, W, 3] each, from which each piece's distance is measured.

        Raises:
          JaxnstError: the encoder is another net.
        """
        encoder, paintings = self._decoder.freeze(encoder), list(map(from_uint8, pieces))
        fine, coarse = (
            jnp.stack([self._describe(encoder, painting, part) for painting in paintings])
            for part in (1, 2)
        )
        return Frozen(encoder, self._style.freeze_many(params, paintings, photos), fine, coarse)

    def init(self, key: jax.Array, start: Model | None) -> Params:
        """Parameters before training: those of a model, or random ones."""
        return self._decoder.init(key, start)

    def loss(self, params: Params, frozen: Frozen, batch: Batch) -> tuple[jax.Array, Losses]:
        """Mean loss of a batch, and its weighted parts."""
        keys = jax.vmap(jax.random.key)(batch["seed"])
        share = self._options.changed_share
        changed = jax.vmap(lambda key: jax.random.bernoulli(key, share))(keys)
        parts = self._parts(params, frozen, from_uint8(batch["image"]), keys, changed)
        parts = {name: jnp.mean(part) for name, part in parts.items()}
        return sum(parts.values(), jnp.zeros(())), parts

    def show(self, params: Params, frozen: Frozen, photo: np.ndarray) -> list[np.ndarray]:
        """A photo [H, W, 3] painted like a few of the pieces."""
        numbers = np.linspace(0, len(frozen.fine) - 1, _SHOWN).astype(np.int32)
        return [np.asarray(self._show(params, frozen, photo, number)) for number in numbers]

    def measure(self, params: Params, frozen: Frozen, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3], each painted like another piece."""
        return mean_terms(
            [self._measure(params, frozen, photo, seed) for seed, photo in enumerate(photos)]
        )

    def _parts(
        self,
        params: Params,
        frozen: Frozen,
        photo: jax.Array,
        keys: jax.Array,
        changed: jax.Array,
    ) -> Losses:
        """The terms [N] for photos [N, H, W, 3], of which those that are changed are painted."""
        which = jax.vmap(lambda key: self._drawn(key, frozen))(keys)
        matched = jax.vmap(lambda *sample: self._matched(params, frozen, *sample))(
            photo, which, keys
        )
        wanted = self._decoder.features(frozen.encoder, photo)
        own = wanted[self.network.layer]
        features = jnp.where(changed[:, None, None, None], matched, own)
        picture = self._decoder.decode(params, features)
        parts = self._decoder.terms(frozen.encoder, picture, photo, features, wanted, changed)
        style = jax.vmap(lambda *sample: self._style_terms(frozen.style, *sample))(
            photo, picture, which, keys
        )
        return parts | {name: jnp.where(changed, term, 0) for name, term in style.items()}

    def _drawn(self, key: jax.Array, frozen: Frozen) -> jax.Array:
        """The number of a random piece."""
        return jax.random.randint(jax.random.fold_in(key, 2), (), 0, len(frozen.fine))

    def _style_terms(
        self,
        frozen: style_loss.Frozen,
        photo: jax.Array,
        picture: jax.Array,
        which: jax.Array,
        key: jax.Array,
    ) -> Losses:
        """The terms of one picture [H, W, 3], of the style of one piece."""
        photo, picture = self._style.shifted(photo, picture, key)
        terms = self._style.picture_terms(frozen.of(which), photo[None], picture[None])
        return {name: term[0] for name, term in terms.items()}

    def _matched(
        self, params: Params, frozen: Frozen, photo: jax.Array, which: jax.Array, key: jax.Array
    ) -> jax.Array:
        """Features of a piece that stand for those of the photo [H, W, 3], [h, w, C]."""
        small = smaller(photo, 2)
        picture = grained(small, jax.random.fold_in(key, 3), GRAIN)
        features = self._nearest(frozen, picture, frozen.coarse[which])
        painting = jax.lax.stop_gradient(self._decoder.decode(params, features[None])[0])
        picture = joined(photo, small, jnp.clip(painting, 0, 1))
        return self._nearest(frozen, picture, frozen.fine[which])

    def _nearest(self, frozen: Frozen, picture: jax.Array, candidates: jax.Array) -> jax.Array:
        features = self._encoded(frozen.encoder, jnp.clip(picture, 0, 1))
        return nearest_features(features, candidates)

    def _encoded(self, encoder: vgg.Params, picture: jax.Array) -> jax.Array:
        """Features [h, w, C] of a picture [H, W, 3]."""
        return self._decoder.features(encoder, picture[None])[self.network.layer][0]

    def _described(self, encoder: vgg.Params, painting: jax.Array, part: int) -> jax.Array:
        """Features [M, C] of a piece [S, S, 3] at a part of its size, always the same."""
        features = self._encoded(encoder, smaller(painting, part))
        inner = features[_EDGE:-_EDGE, _EDGE:-_EDGE].reshape(-1, features.shape[-1])
        order = jax.random.permutation(jax.random.key(0), len(inner))
        return inner[order[:_CANDIDATES]]

    def _shown(
        self, params: Params, frozen: Frozen, photo: jax.Array, which: jax.Array
    ) -> jax.Array:
        features = self._matched(params, frozen, photo, which, jax.random.key(0))
        return self._decoder.decode(params, features[None])[0]

    def _measured(
        self, params: Params, frozen: Frozen, photo: jax.Array, seed: jax.Array
    ) -> Losses:
        changed = jnp.ones(len(photo), bool)
        parts = self._parts(params, frozen, photo, jax.random.key(seed)[None], changed)
        return {name: part for name, part in parts.items() if name != "pixel"}  # of photos alone
