"""Super-resolution as a task for the trainer, after Johnson et al. (2016).

The photo of a batch is what the network is to find; it sees a smaller one made from it. The loss
compares pixels, features of VGG, or both.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.typing import DTypeLike

from jaxnst.networks.kinds import UpscaleNetwork
from jaxnst.networks.model_file import Model
from jaxnst.ops.metrics import psnr
from jaxnst.ops.pixels import from_uint8
from jaxnst.ops.resampling import downsample
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.losses import content_loss
from jaxnst.perceptual.targets import extract_features
from jaxnst.training.options import UpscaleOptions
from jaxnst.training.shift import shifted
from jaxnst.training.style_task import Measured, mean_terms

Batch = Mapping[str, jax.Array]
Params = Mapping[str, Any]
Losses = dict[str, jax.Array]


class UpscaleTask:
    """Trains a network to enlarge.

    Batches are {"image": uint8 [N, H, W, 3], "seed": uint32 [N]}.
    """

    def __init__(
        self,
        network: UpscaleNetwork,
        loss: LossOptions,
        options: UpscaleOptions,
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        """Takes what is trained, how features are compared, what counts, and the features' type."""
        self.network, self._loss, self._options, self._dtype = network, loss, options, dtype
        self._terms = jax.jit(self._measured)

    def freeze(self, params: vgg.Params) -> vgg.Params:
        """The frozen part: VGG's parameters as far as they are needed."""
        if not self._options.feature_weight:
            return {}
        return vgg.prepare(params, self._loss.content_layers)

    def init(self, key: jax.Array, start: Model | None) -> Params:
        """Parameters before training: random ones, and those of a model where it has them.

        One for another scale has most layers in common (Lim et al., 2017, begin x4 from x2).
        """
        fresh = flatten_dict(jax.jit(self.network.init)(key, *self.network.example())["params"])
        known = flatten_dict(dict(start.params)) if start is not None else {}
        for layer in fresh.keys() & known.keys():
            if fresh[layer].shape == known[layer].shape:
                fresh[layer] = jnp.asarray(known[layer])
        return unflatten_dict(fresh)

    def loss(self, params: Params, frozen: vgg.Params, batch: Batch) -> tuple[jax.Array, Losses]:
        """Mean loss of a batch, and its weighted parts."""
        photo = from_uint8(batch["image"])
        pictures = self.enlarge(params, self.small(photo)), photo
        if self._options.shift_blocks:
            shift = functools.partial(shifted, stride=self.network.scale)
            pictures = jax.vmap(shift)(pictures, jax.vmap(jax.random.key)(batch["seed"]))
        parts = self.terms(frozen, *pictures)
        return sum(parts.values(), jnp.zeros(())), parts

    def small(self, photo: jax.Array) -> jax.Array:
        """What the network sees of photos [N, H, W, 3]."""
        return downsample(photo, self.network.scale, blur=self._options.blur)

    def enlarge(self, params: Params, small: jax.Array) -> jax.Array:
        """What the network makes of small photos."""
        variables, small = {"params": params}, small.astype(self._dtype)
        result = self.network.apply(variables, small)
        assert isinstance(result, jax.Array)
        return result.astype(jnp.float32)

    def terms(self, frozen: vgg.Params, result: jax.Array, photo: jax.Array) -> Losses:
        """The weighted terms of the loss, each a mean over the batch."""
        options = self._options
        terms = {"pixel": options.pixel_weight * jnp.mean(jnp.abs(result - photo))}
        if options.feature_weight:
            layers, formula = self._loss.content_layers, self._loss.formula
            wanted = extract_features(frozen, photo, layers, self._loss)
            found = extract_features(frozen, result, layers, self._loss)
            errors = [
                jnp.mean(content_loss(found[layer], wanted[layer], formula=formula))
                for layer in layers
            ]
            terms["feature"] = options.feature_weight * sum(errors, jnp.zeros(())) / len(layers)
        return terms

    def show(self, params: Params, frozen: vgg.Params, photo: np.ndarray) -> list[np.ndarray]:
        """What the network sees of a photo [H, W, 3], pixel by pixel, and what it makes of that."""
        small = self.small(jnp.asarray(photo[None]))
        pixels = np.kron(small[0], np.ones((self.network.scale, self.network.scale, 1)))
        return [pixels.astype(np.float32), np.asarray(self.enlarge(params, small)[0])]

    def measure(self, params: Params, frozen: Any, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3], and the PSNR of the colors in dB."""
        return mean_terms([self._terms(params, frozen, photo) for photo in photos])

    def _measured(self, params: Params, frozen: Any, photo: jax.Array) -> Losses:
        result = self.enlarge(params, self.small(photo))
        return {**self.terms(frozen, result, photo), "psnr": psnr(result, photo)[0]}
