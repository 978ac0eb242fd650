"""Stylizing in one pass: uint8 in, uint8 out, any size.

Functions are compiled for sizes that are multiples of 64. A picture of another size lies in the
corner of such a canvas, and the network is told its size, so that a folder of mixed sizes compiles
a few times only. It is first continued by its reflection to a multiple of the network's stride.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.inference import row_tiles as bands
from jaxnst.inference.look import Look
from jaxnst.inference.painter import BUCKET, Painter
from jaxnst.inference.row_tiles import paint_in_bands
from jaxnst.io.files import PathLike
from jaxnst.io.function_cache import cached_jit
from jaxnst.io.resize import MIN_SIDE, pad_to_multiple
from jaxnst.networks import base as networks
from jaxnst.networks.gallery import DEFAULT, Gallery, Weights, load_gallery
from jaxnst.networks.kinds import Network
from jaxnst.networks.model_file import Model
from jaxnst.networks.valid import Valid
from jaxnst.ops.pixels import from_uint8

WHOLE = 8e7
"""Floats in a network's largest features up to which pictures are painted as a whole; about six
times as much is in memory at once. Larger batches are painted in parts, larger pictures in row
tiles."""

Variables = Mapping[str, Any]

_KEPT = 24  # styles and blends; 2 to 8 MB each
_Blend = tuple[tuple[str, float], ...]


class Stylizer(Painter):
    """Paints photos in the styles of a gallery, in one pass each; see `Painter.__call__`."""

    def __init__(
        self, gallery: Gallery | Model | PathLike = DEFAULT, *, exact: bool = False
    ) -> None:
        """Makes networks ready.

        Args:
          gallery: what paints, or its name or path as for `load_gallery`; or one model.
          exact: compile for every size by itself, which takes seconds, but paints a third faster
            where sides are no multiples of 64: for video and cameras.

        Raises:
          JaxnstError: there is no such gallery, or it does not paint.
        """
        self._bucket = 1 if exact else BUCKET
        if isinstance(gallery, Model):
            gallery = Gallery.of(gallery)
        self.gallery = gallery if isinstance(gallery, Gallery) else load_gallery(gallery)
        self._network = self.gallery.network
        self._ready: OrderedDict[_Blend, Variables] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the styles."""
        return tuple(self.gallery.styles)

    def variables(self, style: str | Weights, strength: float = 1.0) -> Variables:
        """What the network paints a style or a blend with, prepared for this machine.

        Those that were asked for last are kept. Threads may call it: the camera's prepares the
        blend to come while another is painted.

        Raises:
          JaxnstError: the gallery has no such style or strength.
        """
        shares = self.gallery.weights(style)
        key = (*sorted(shares.items()), ("", strength))
        with self._lock:
            if key in self._ready:
                self._ready.move_to_end(key)
                return self._ready[key]
        params = jax.device_put(self.gallery.params(shares, strength))
        prepared = networks.prepare(self._network, params)
        with self._lock:
            self._ready[key] = prepared
            while len(self._ready) > _KEPT:
                self._ready.popitem(last=False)
        return prepared

    def paint_as_is(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
        """Starts painting photos [..., H, W, 3]; the function returned waits for the paintings."""
        variables = self.variables(look.style, look.strength)
        height, width = photos.shape[-3:-1]
        batch = photos.reshape(-1, height, width, 3)
        batch = pad_to_multiple(batch, self._network.stride, "reflect", MIN_SIDE)
        floats = batch.shape[1] * batch.shape[2] * self._network.floats_per_pixel
        if floats > WHOLE:
            paintings: Any = self._in_bands(batch, variables, look.keep_colors)
        else:
            at_once = max(1, int(WHOLE / floats))
            paintings = self._at_once(batch[:at_once], variables, look.keep_colors)
            for i in range(at_once, len(batch), at_once):  # a batch too large for the memory
                part = self._at_once(batch[i : i + at_once], variables, look.keep_colors)
                paintings = np.concatenate([paintings, part])

        def wait() -> np.ndarray:
            return np.asarray(paintings)[:, :height, :width].reshape(photos.shape)

        return wait

    def _at_once(self, photos: np.ndarray, variables: Variables, keep_colors: bool) -> jax.Array:
        """Paintings in the corner of canvases whose sides are multiples of the bucket."""
        canvases = pad_to_multiple(photos, self._bucket, "constant")
        valid: Valid = None
        if canvases.shape != photos.shape:
            valid = (np.int32(photos.shape[1]), np.int32(photos.shape[2]))
        return _paint(self._network, variables, canvases, valid, keep_colors=keep_colors)

    def _in_bands(self, photos: np.ndarray, variables: Variables, keep_colors: bool) -> jax.Array:
        paintings = [
            paint_in_bands(self._network, variables, photo, keep_colors=keep_colors)
            for photo in photos
        ]
        return jnp.stack(paintings)


@cached_jit(static=("network", "keep_colors"))
def _paint(
    network: Network,
    variables: Variables,
    photos: jax.Array,
    valid: Valid,
    *,
    keep_colors: bool,
) -> jax.Array:
    """uint8 [N, H, W, 3] to uint8 [N, H, W, 3]."""
    image = from_uint8(photos)
    painting = networks.paint(network, variables, image, valid)
    return bands.finish(painting, image, keep_colors)
