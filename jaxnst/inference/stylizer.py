"""Stylizing in one pass: uint8 in, uint8 out, any size.

Functions are compiled for sizes that are multiples of 64. A picture of another size lies in the
corner of such a canvas, and the network is told its size, so that a folder of mixed sizes compiles
a few times only. It is first continued by its reflection to a multiple of the network's stride.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import repeat
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference import row_tiles as bands
from jaxnst.inference.look import Look
from jaxnst.inference.regions import combine
from jaxnst.inference.row_tiles import paint_in_bands
from jaxnst.inference.stroke import enlarge_painting, painted_size, resized
from jaxnst.io.files import PathLike
from jaxnst.io.function_cache import cached_jit
from jaxnst.io.resize import MIN_SIDE, fit_long_side, pad_to_multiple, resize
from jaxnst.networks import base as networks
from jaxnst.networks.gallery import DEFAULT, PHOTO, Gallery, Weights, load_gallery
from jaxnst.networks.kinds import Network
from jaxnst.networks.model_file import Model
from jaxnst.networks.valid import Valid
from jaxnst.ops.pixels import from_uint8, to_uint8

BUCKET = 64
"""Sides of the pictures that functions are compiled for are multiples of this, in pixels."""

WHOLE = 8e7
"""Floats in a network's largest features up to which pictures are painted as a whole; about six
times as much is in memory at once. Larger batches are painted in parts, larger pictures in row
tiles."""

Variables = Mapping[str, Any]

_KEPT = 24  # styles and blends; 2 to 8 MB each
_Blend = tuple[tuple[str, float], ...]


class Stylizer:
    """Paints photos in the styles of a gallery, in one pass each; see `__call__`."""

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

    def __call__(
        self,
        image: ArrayLike,
        style: str | Weights,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = None,
    ) -> np.ndarray:
        """Paints a picture or a batch of pictures.

        Args:
          image: [H, W, 3] or [N, H, W, 3], uint8, RGB. What is less than 32 pixels high or wide is
            continued by its reflection for the network, and cut off again.
          style: one of `gallery.styles`, or weights by name for a blend, {"udnie": 1, "kiss": 2}.
          strength: from 0, the photo as it is, to 1, and beyond it up to 2.
          keep_colors: keep the photo's colors and take the painting's lightness.
          size: long side of the result; None: as it is.
          stroke: size of the strokes: 1 as on a picture of 768 pixels, from 0.1 to 10; what is
            larger is painted smaller and then enlarged. None: the picture is painted as it is.

        Returns:
          uint8, of the image's shape, or of its shape at the size asked for.

        Raises:
          JaxnstError: the image is not one, or the gallery has no such style or strength.
        """
        return self.begin(
            image, style, strength=strength, keep_colors=keep_colors, size=size, stroke=stroke
        )()

    def in_regions(
        self,
        image: ArrayLike,
        masks: Mapping[str, ArrayLike],
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = None,
    ) -> np.ndarray:
        """Paints a picture in several styles, each in its region.

        Args:
          image: [H, W, 3], uint8, RGB.
          masks: [h, w] in [0, 1], of any size, by style; "photo" stands for the photo itself, and
            what no mask covers is left as it is, too.
          strength: as for `__call__`, as are the others.
          keep_colors: keep the photo's colors.
          size: long side of the result.
          stroke: size of the strokes.

        Returns:
          uint8 [H, W, 3], or at the size asked for.

        Raises:
          JaxnstError: the image or a mask is not one, or there is no such style.
        """
        photo = _photos(image, size)
        if photo.ndim != 3:
            raise JaxnstError(f"image has shape {photo.shape}: regions are for one, [H, W, 3]")
        looks = [
            Look(name, strength, keep_colors, stroke=stroke) for name in masks if name != PHOTO
        ]
        paintings = {str(look.style): self.start(photo, look)() for look in looks}
        paintings[PHOTO] = photo
        return combine(photo, paintings, masks)

    def begin(
        self,
        image: ArrayLike,
        style: str | Weights,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = None,
    ) -> Callable[[], np.ndarray]:
        """Starts painting and returns at once a function that waits for the result.

        In between, the next frame can be got ready. Takes what `__call__` takes.
        """
        look = Look(style, strength, keep_colors, stroke=stroke)
        return self.start(_photos(image, size), look)

    def start(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
        """As `begin`, of photos uint8 [..., H, W, 3]."""
        size = photos.shape[-3:-1]
        small_size = size if look.stroke is None else painted_size(size, look.stroke)
        if small_size == size:
            return self._begin(photos, look)
        batch = photos.reshape(-1, *photos.shape[-3:])
        small = np.stack([resized(photo, small_size) for photo in batch])
        paintings = self._begin(small, replace(look, keep_colors=False))

        def wait() -> np.ndarray:
            enlarged = map(enlarge_painting, paintings(), small, batch, repeat(look))
            return np.stack(list(enlarged)).reshape(photos.shape)

        return wait

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

    def _begin(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
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


def _photos(image: ArrayLike, size: int | None) -> np.ndarray:
    """The image as an array [..., H, W, 3], if it is one, at the size asked for."""
    photos = _checked(image)
    return photos if size is None else _resized(photos, size)


def _checked(image: ArrayLike) -> np.ndarray:
    """The image as an array, if it is one."""
    if isinstance(image, jax.core.Tracer):
        raise JaxnstError(
            "image is traced: a Stylizer is for arrays outside of jax.jit; within it apply "
            "`stylizer.gallery.network` to `stylizer.variables(style)`"
        )
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise JaxnstError(f"image has values of type {array.dtype}: give uint8")
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise JaxnstError(f"image has shape {array.shape}: expected [H, W, 3] or [N, H, W, 3]")
    return array


def _resized(photos: np.ndarray, size: int) -> np.ndarray:
    """The pictures [..., H, W, 3] with their long side at `size`."""
    check_number("size", size, low=MIN_SIDE, high=65_000)
    height_width = fit_long_side(photos.shape[-3:-1], size)
    if height_width == photos.shape[-3:-1]:
        return photos
    batch = photos.reshape(-1, *photos.shape[-3:])
    resized = [resize(from_uint8(photo), height_width) for photo in batch]
    return to_uint8(np.stack(resized)).reshape(*photos.shape[:-3], *height_width, 3)
