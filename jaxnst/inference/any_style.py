"""Painting in the style of any picture, at once and without training.

Each feature of the photo at a layer of VGG-19 is replaced by the painting's most similar one, and a
decoder makes a picture of them (Li et al., 2017, universal style transfer), which has learned from
other paintings how strokes look: nearest neighbors, as Kolkin et al. (2022, neural neighbor style
transfer) match them. First this is done at a quarter of the size, then at half and at all of it,
photo and painting alike. At each size the picture so far brings the large strokes, and the photo
the detail that the smaller size could not hold. A little noise, always the same, lets even parts of
a photo find more than one feature.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxnst.errors import JaxnstError, check_number
from jaxnst.inference.look import Look
from jaxnst.inference.painter import BUCKET, Painter
from jaxnst.inference.stroke import resized
from jaxnst.io.files import PathLike
from jaxnst.io.function_cache import cached_jit
from jaxnst.io.resize import MIN_SIDE, fit_long_side, pad_to_multiple
from jaxnst.io.transparency import extend_visible_colors
from jaxnst.networks.gallery import Weights, blend_shares
from jaxnst.networks.kinds import Decoder
from jaxnst.networks.model_file import DECODER, Model, load_decoder
from jaxnst.ops.color import transfer_luma
from jaxnst.ops.pixels import as_picture, from_uint8, to_uint8
from jaxnst.perceptual import vgg
from jaxnst.perceptual.coarse_to_fine import GRAIN, grained, joined, smaller
from jaxnst.perceptual.neighbors import Candidates, nearest_features, sample_candidates
from jaxnst.perceptual.weights import load_vgg

PAINTING_SIDE = 640
"""Long side in pixels at which a painting is looked at: that of its strokes follows from it."""

LARGEST = 12_000_000
"""Pixels that are painted at most: what is larger is painted smaller and then enlarged."""

_PARTS = (4, 2, 1)  # of the size, one after the other
_LEAST = max(_PARTS) * MIN_SIDE  # pixels, of what is painted: smaller photos are continued
_CANDIDATES = {4: 1024, 2: 4096, 1: 6144}  # features of a painting at most
_MARGIN = (
    16  # pixels by which a photo is continued, since what is painted at a border is no picture
)
_EDGE = 2  # features at each side of a painting that know of its border: they would draw a frame
_KEPT = 16  # paintings, of 12 MB each


Description = tuple[Candidates, ...]
"""A painting at each size."""

Read = Callable[[], ArrayLike]
"""Reads a painting."""


class AnyStylizer(Painter):
    """Paints photos in the style of any picture, in seconds and without training."""

    holds_strokes = True

    def __init__(
        self,
        paintings: Mapping[str, ArrayLike | Read] = MappingProxyType({}),
        *,
        model: Model | PathLike = DECODER,
        exact: bool = False,
    ) -> None:
        """Makes VGG-19 and a decoder ready.

        Args:
          paintings: [h, w, 3] or [h, w, 4], uint8, by the names that they have as styles; what is
            transparent does not count. Of many, give functions that return them: each is called
            when its style is asked for, and the last few paintings are kept.
          model: the decoder, or its name or file, as `jaxnst train --config any_style` makes them.
          exact: as for `Stylizer`.

        Raises:
          JaxnstError: a painting is no picture, there is no such model, or it is no decoder.
        """
        model = load_decoder(model)
        assert isinstance(model.network, Decoder)
        self._decoder = model.network
        # Not prepared: that would quadruple the time to compile it.
        self._variables = {"params": jax.device_put(model.params)}
        self._vgg = load_vgg("vgg19")
        self._multiple = max(_PARTS) * self._decoder.stride if exact else BUCKET
        self._styles = {
            name: painting if callable(painting) else self._described(name, painting)
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
        return self.begin(
            image, style, strength=strength, keep_colors=keep_colors, size=size, stroke=stroke
        )()

    def begin(
        self,
        image: ArrayLike,
        style: ArrayLike | str | Weights,
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = 1.0,
    ) -> Callable[[], np.ndarray]:
        """Starts painting, with the arguments of `__call__`; see `Painter.begin`."""
        if not isinstance(style, str | Mapping):
            style = self._named(style)
        return super().begin(
            image, style, strength=strength, keep_colors=keep_colors, size=size, stroke=stroke
        )

    def in_regions(
        self,
        image: ArrayLike,
        masks: Mapping[str, ArrayLike],
        *,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: int | None = None,
        stroke: float | None = 1.0,
    ) -> np.ndarray:
        """Paints a picture in several of `styles`, each in its region; see `Painter.in_regions`."""
        return super().in_regions(
            image, masks, strength=strength, keep_colors=keep_colors, size=size, stroke=stroke
        )

    def paint_as_is(self, photos: np.ndarray, look: Look) -> Callable[[], np.ndarray]:
        """Starts painting photos [..., H, W, 3]; the function returned waits for the paintings."""
        check_number("strength", look.strength, high=1)
        height, width = photos.shape[-3:-1]
        if height * width > LARGEST:
            raise JaxnstError(
                f"image would be painted at {width}x{height} pixels, more than "
                f"{LARGEST / 1e6:g} million: give a larger stroke"
            )
        passes = isinstance(look.style, str) and look.style in self._passing
        shares = blend_shares(look.style, (str(look.style),) if passes else self.styles)
        if look.strength == 0:
            return lambda: photos
        batch = photos.reshape(-1, height, width, 3)
        margins = ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
        batch = np.pad(batch, margins, "symmetric")
        batch = pad_to_multiple(batch, self._multiple, "symmetric", _LEAST)
        known = tuple(map(self._known, shares))
        paintings = [
            _paint(
                self._decoder, self._vgg, self._variables, photo,
                known, np.array(list(shares.values()), np.float32),
                np.float32(look.strength), weak=look.strength < 1, keep_colors=look.keep_colors,
            )
            for photo in batch
        ]  # fmt: skip
        inner = (slice(None), slice(_MARGIN, _MARGIN + height), slice(_MARGIN, _MARGIN + width))
        return lambda: np.stack(paintings)[inner].reshape(photos.shape)

    def _named(self, painting: ArrayLike) -> str:
        """A name that a painting has from now on; the last few are kept."""
        array = _as_painting("painting", painting)
        name = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
        self._kept(name, lambda: array)
        return name

    def _known(self, name: str) -> Description:
        """The painting of a name."""
        style = self._styles.get(name, self._passing.get(name))
        assert style is not None  # a name that was checked
        return self._kept(name, style) if callable(style) else style

    def _kept(self, name: str, read: Read) -> Description:
        """A painting that is kept for a while; it is read if it is not there any more."""
        if name not in self._passing:
            self._passing[name] = self._described(name, read())
        self._passing.move_to_end(name)
        while len(self._passing) > _KEPT:
            self._passing.popitem(last=False)
        return self._passing[name]

    def _described(self, name: str, painting: ArrayLike) -> Description:
        """What a painting offers at each size."""
        array = _as_painting(f"painting {name!r}", painting)
        return tuple(self._candidates(array, part) for part in _PARTS)

    def _candidates(self, painting: np.ndarray, part: int) -> Candidates:
        size = fit_long_side(painting.shape[:2], PAINTING_SIDE // part, MIN_SIDE // part)
        small = resized(painting[..., :3], size)  # alpha apart: together, what is hidden gets black
        canvas = from_uint8(pad_to_multiple(small[None], BUCKET, "symmetric"))
        features = np.asarray(_encode(self._decoder.layer, self._vgg, canvas))[0]
        opaque = np.full(size, 255, np.uint8)
        alpha = resized(painting[..., 3], size) if painting.shape[-1] == 4 else opaque
        seen = _seen(alpha, self._decoder.stride)
        features = features[: seen.shape[0], : seen.shape[1]]
        inner = tuple(
            slice(_EDGE, -_EDGE) if side > 4 * _EDGE else slice(None) for side in seen.shape
        )
        if seen[inner].any():
            seen, features = seen[inner], features[inner]
        return sample_candidates(features[seen], _CANDIDATES[part])


def _seen(alpha: np.ndarray, stride: int) -> np.ndarray:
    """Which features [h, w] are of pixels that can be seen; bool. At least one of them is."""
    canvas = pad_to_multiple(alpha[None, ..., None], stride, "constant")[0, ..., 0]
    rows, columns = (side // stride for side in canvas.shape)
    cover = canvas.reshape(rows, stride, columns, stride).mean((1, 3), dtype=np.float32)
    return np.asarray(cover >= min(127, cover.max()))


def _as_painting(name: str, image: ArrayLike) -> np.ndarray:
    """The image as an array uint8 [H, W, 3 or 4], if it is one and some of it can be seen.

    What is transparent gets the colors around it.
    """
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] != 4:
        return as_picture(name, array)
    rgb, alpha = as_picture(name, array[..., :3]), array[..., 3]
    if not alpha.any():
        raise JaxnstError(f"{name} is transparent everywhere: give one of which something is seen")
    seen = to_uint8(extend_visible_colors(from_uint8(rgb), from_uint8(alpha)))
    return np.dstack([seen, alpha])


@cached_jit(static=("layer",))
def _encode(layer: str, params: vgg.Params, picture: jax.Array) -> jax.Array:
    """Features [N, h, w, C] of pictures [N, H, W, 3]."""
    return vgg.extract_features(params, picture, (layer,))[layer]


@cached_jit(static=("decoder", "weak", "keep_colors"))
def _paint(
    decoder: Decoder,
    params: vgg.Params,
    variables: Any,
    photo: jax.Array,
    paintings: Sequence[Description],
    shares: jax.Array,
    strength: jax.Array,
    *,
    weak: bool,
    keep_colors: bool,
) -> jax.Array:
    """A photo uint8 [H, W, 3] in paintings with shares, [S]; `weak`: the strength is not 1."""

    def encode(picture: jax.Array) -> jax.Array:
        return vgg.extract_features(params, picture[None], (decoder.layer,))[decoder.layer][0]

    def decode(features: jax.Array) -> jax.Array:
        picture = decoder.apply(variables, features[None])
        assert isinstance(picture, jax.Array)
        return jnp.clip(picture[0], 0, 1)

    def exchange(picture: jax.Array, level: int) -> jax.Array:
        features = encode(picture)
        found = [nearest_features(features, *painting[level]) for painting in paintings]
        painted = jnp.tensordot(shares, jnp.stack(found), 1)
        return decode(strength * painted + (1 - strength) * features)

    whole = from_uint8(photo)
    painting = before = None
    for level, part in enumerate(_PARTS):
        picture = small = smaller(whole, part)
        if painting is not None and before is not None:
            picture = joined(small, before, painting)
        picture = grained(picture, jax.random.key(level), 0 if part == 1 else GRAIN)
        painting, before = exchange(jnp.clip(picture, 0, 1), level), small
    assert painting is not None
    if weak:  # what the decoder loses of a photo is not lost at small strengths
        painting = painting + (1 - strength) * (whole - decode(encode(whole)))
    if keep_colors:
        painting = transfer_luma(jnp.clip(painting, 0, 1), whole)
    return to_uint8(painting)
