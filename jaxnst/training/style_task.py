"""Style transfer as a task for the trainer: what a network learns, and from what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxnst.networks.base import paint
from jaxnst.networks.kinds import Network
from jaxnst.networks.model_file import Model
from jaxnst.ops.pixels import from_uint8
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.training.options import StyleOptions
from jaxnst.training.style_loss import Frozen, Losses, StyleLoss

Batch = Mapping[str, jax.Array]
Params = Mapping[str, Any]
Measured = dict[str, float]


class StyleTask(StyleLoss):
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
        super().__init__(loss, options, network.stride, dtype)
        self.network = network
        self._terms, self._show = jax.jit(self.terms), jax.jit(self.paint)

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
        photo, painting = jax.vmap(self.shifted)(photo, painting, noise)
        parts = self.picture_terms(frozen, photo, painting)
        parts = {name: jnp.mean(part) for name, part in parts.items()}
        return sum(parts.values(), jnp.zeros(())), parts

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

    def show(self, params: Params, frozen: Frozen, photo: np.ndarray) -> list[np.ndarray]:
        """What the network makes of a photo [H, W, 3]."""
        return [np.asarray(self._show(params, photo[None])[0])]

    def measure(self, params: Params, frozen: Frozen, photos: Iterator[np.ndarray]) -> Measured:
        """Mean terms of the loss on photos [1, H, W, 3]."""
        return mean_terms([self._terms(params, frozen, photo) for photo in photos])


def mean_terms(rows: Sequence[Losses]) -> Measured:
    """The mean of each term over pictures; empty for none."""
    return {name: float(np.mean([row[name] for row in rows])) for name in (rows[0] if rows else {})}
