"""Transform networks: one pass from a photo to a painting.

Images are [N, H, W, 3], RGB, float, [0, 1]; outputs are alike but may overshoot a little. A network
is made of convolutions, shared by all its styles, and of a *condition* for each style: the scales
and shifts of its instance norms (Dumoulin et al., 2017), gains of shortcuts, mixtures of channels
and of colours, as one vector [K]. Conditions can be added up: a blend of styles is a weighted mean
of their conditions, and a style's strength is the distance from the condition that leaves the photo
as it is.

Encoder, trunk and decoder are modules of their own, so that a huge picture can be encoded and
decoded in tiles. `valid` are the rows and columns of an image that are not padding, multiples of
the network's stride; what is painted there does not depend on the padding.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.networks.layers import Conv, ConvNorm, Valid, depth_to_space, space_to_depth
from jaxnst.networks.super_resolution import UpscaleNetwork

Params = Mapping[str, Any]
Parts = Mapping[str, jax.Array]
"""Conditions by the names of the layers they are for, [N, 1, 1, C] each, or one, [1, 1, C]."""

STAGES = ("encoder", "trunk", "decoder")

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_NOISE_CHANNELS = 4  # each twice as coarse as the one before
_NOISE_PERIOD = 128  # positions; 1,024 pixels


class Part(NamedTuple):
    """A part of a condition: how many numbers, and what they are before training."""

    size: int
    start: tuple[float, ...]
    """Each of them for as many numbers as the others."""
    side: int = 0
    """Of the square matrix that the numbers are; 0: they are none."""


class Network(nn.Module):
    """What the networks have in common; a subclass names its stages and its condition's parts."""

    width: int = 16
    """Channels of the layers at the largest size; further in there are twice and four times as
    many."""
    blocks: int = 5
    """Residual blocks."""

    def stages(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Encoder, trunk and decoder, by themselves."""
        raise NotImplementedError

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of this."""
        raise NotImplementedError

    @property
    def floats_per_pixel(self) -> int:
        """How many floats the largest features have for each pixel of the image."""
        raise NotImplementedError

    @property
    def condition_parts(self) -> dict[str, Part]:
        """The parts of a condition, in order."""
        raise NotImplementedError

    @property
    def added_parts(self) -> tuple[str, ...]:
        """Parts of a condition by which the photo is changed: without them it stays as it is.
        Empty for a network that has to learn to leave it so."""
        return ()

    def leave_photo(self, condition: jax.Array) -> jax.Array:
        """The condition [K] without its added parts."""
        added = self.added_parts
        kept = [
            np.full(part.size, name not in added, np.float32)
            for name, part in self.condition_parts.items()
        ]
        return condition * np.concatenate(kept)

    @property
    def condition_size(self) -> int:
        """K: how many numbers make a condition."""
        return sum(part.size for part in self.condition_parts.values())

    @property
    def part_ends(self) -> list[int]:
        """Where one part of a condition ends and the next begins."""
        return np.cumsum([part.size for part in self.condition_parts.values()])[:-1].tolist()

    def first_condition(self) -> np.ndarray:
        """The condition [K] that training starts from."""
        return np.concatenate(
            [
                np.repeat(np.array(part.start, np.float32), part.size // len(part.start))
                for part in self.condition_parts.values()
            ]
        )

    def example(self) -> tuple[jax.Array, jax.Array]:
        """A small image and a condition, to find out about shapes."""
        side = 8 * self.stride
        return jnp.zeros((1, side, side, 3)), jnp.asarray(self.first_condition()[None])

    def split(self, condition: jax.Array) -> Parts:
        """The parts of conditions [N, K], or of one for all images, [K]."""
        parts = jnp.split(condition[..., None, None, :], self.part_ends, axis=-1)
        return dict(zip(self.condition_parts, parts, strict=True))

    @nn.compact
    def __call__(self, image: jax.Array, condition: jax.Array, valid: Valid = None) -> jax.Array:
        """Maps images [N, H, W, 3] and conditions [N, K], or one for all [K], to paintings."""
        encoder, trunk, decoder = (
            stage.copy(parent=self, name=name)
            for stage, name in zip(self.stages(), STAGES, strict=True)
        )
        parts = self.split(condition)
        x, shortcuts = encoder(image, parts, valid)
        return decoder(trunk(x, parts, valid), shortcuts, parts, valid)


class Johnson(Network):
    """The residual network of Johnson et al. (2016), with the changes that became standard.

    Instance norm (Ulyanov et al., 2016) instead of batch norm, nearest neighbours and a convolution
    instead of transposed convolutions, no tanh: as in PyTorch's examples, whose weights it takes.
    """

    width: int = 32

    def stages(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        w = self.width
        return (
            JohnsonEncoder(w, parent=None),
            Trunk(4 * w, self.blocks, 4, border="reflect", parent=None),
            JohnsonDecoder(w, parent=None),
        )

    @property
    def stride(self) -> int:
        return 4

    @property
    def floats_per_pixel(self) -> int:
        return self.width

    @property
    def condition_parts(self) -> dict[str, Part]:
        w = self.width
        return {
            **_norm_parts({"down1": w, "down2": 2 * w, "down3": 4 * w}),
            **_norm_parts(dict.fromkeys(_block_names(self.blocks), 4 * w)),
            **_norm_parts({"up1": 2 * w, "up2": w}),
        }


class JohnsonEncoder(nn.Module):
    """c9s1-32, d64, d128 in the paper's terms."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, parts: Parts, valid: Valid) -> tuple[jax.Array, tuple[()]]:
        plan = (("down1", 1, 9, 1), ("down2", 2, 3, 2), ("down3", 4, 3, 2))
        for level, (name, widening, size, stride) in enumerate(plan):
            layer = ConvNorm(widening * self.width, size, stride, border="reflect", name=name)
            x = nn.relu(layer(x, parts[name], _shrunk(valid, 2**level)))
        return x, ()


class JohnsonDecoder(nn.Module):
    """u64, u32, c9s1-3."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, shortcuts: tuple[()], parts: Parts, valid: Valid) -> jax.Array:
        for name, widening, stride in (("up1", 2, 2), ("up2", 1, 1)):
            layer = ConvNorm(widening * self.width, upsample=True, name=name)
            x = nn.relu(layer(x, parts[name], _shrunk(valid, stride)))
        # In 0..255, as in the paper: Adam's steps do not know the unit of a pixel, and those that
        # suit the other kernels are too long for 2,592 numbers that make a pixel in [0, 1].
        out = Conv(3, size=9, border="reflect", use_bias=True, name="out")
        return out(x, valid) / 255 + 0.5  # from grey


class Slim(Network):
    """Our own network for real time: most is done at an eighth of the size, nothing at full size.

    Blocks of 4x4 pixels become channels; one step down, residual blocks, two steps up; channels
    become blocks of 2x2 pixels. Noise gives strokes something to start from in flat regions. Two
    shortcuts carry detail past the trunk, each channel as much as a style wants of it. A style also
    mixes the channels that some convolutions see: with scales and shifts alone, the styles of one
    small network look like one another.

    The result is the photo, mixed with its own colours as a style wants them, and what is painted
    on it. The condition that leaves the photo as it is has neither, so that it does so exactly.
    """

    width: int = 16

    def stages(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        return (
            SlimEncoder(self.width, parent=None),
            Trunk(
                4 * self.width,
                self.blocks,
                8,
                border="reflect",
                noisy=True,
                mixing=True,
                parent=None,
            ),
            SlimDecoder(self.width, parent=None),
        )

    @property
    def stride(self) -> int:
        return 8

    @property
    def floats_per_pixel(self) -> int:
        return self.width // 4

    @property
    def condition_parts(self) -> dict[str, Part]:
        half, quarter, eighth = self.width, 2 * self.width, 4 * self.width
        return {
            **_norm_parts({"down1": quarter, "down2": eighth}),
            "noise": Part(eighth, (0.1,)),
            **_norm_parts(dict.fromkeys(_block_names(self.blocks), eighth)),
            **_norm_parts({"up1": quarter, "up2": half}),
            "shortcut1": Part(quarter, (0.1,)),
            "shortcut2": Part(half, (0.1,)),
            **{f"mix_block{i}": _mixture(eighth) for i in range(1, self.blocks + 1)},
            "mix_up1": _mixture(eighth),
            "mix_up2": _mixture(quarter),
            "mix_out": _mixture(half),
            "strokes": Part(9, _IDENTITY),
            "colors": Part(9, (0.0,)),
            "tone": Part(3, (0.0,)),
        }

    @property
    def added_parts(self) -> tuple[str, ...]:
        return ("strokes", "colors", "tone")


class SlimEncoder(nn.Module):
    """From pixels to an eighth of the size, and what goes past the trunk."""

    width: int

    @nn.compact
    def __call__(
        self, image: jax.Array, parts: Parts, valid: Valid
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
        half, quarter, eighth = self.width, 2 * self.width, 4 * self.width
        pixels = Conv(half, size=1, name="pixels")(space_to_depth(image, 2))
        x = ConvNorm(quarter, name="down1")(
            space_to_depth(image, 4), parts["down1"], _shrunk(valid, 4)
        )
        x = nn.relu(x)
        y = ConvNorm(eighth, stride=2, border="reflect", name="down2")(
            x, parts["down2"], _shrunk(valid, 8)
        )
        return nn.relu(y), (x, pixels, image)


class SlimDecoder(nn.Module):
    """From an eighth of the size to pixels."""

    width: int

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        shortcuts: tuple[jax.Array, jax.Array, jax.Array],
        parts: Parts,
        valid: Valid,
    ) -> jax.Array:
        half, quarter = self.width, 2 * self.width
        parts = {name: part.astype(x.dtype) for name, part in parts.items()}
        features, pixels, image = shortcuts
        up1 = ConvNorm(quarter, upsample=True, name="up1")
        x = up1(x, parts["up1"], _shrunk(valid, 4), parts["mix_up1"])
        x = nn.relu(x + features * parts["shortcut1"])
        up2 = ConvNorm(half, upsample=True, name="up2")
        x = up2(x, parts["up2"], _shrunk(valid, 2), parts["mix_up2"])
        x = nn.relu(x + pixels * parts["shortcut2"])
        out = Conv(12, border="reflect", level=True, start=0.01, name="out")
        strokes, photo = out(x, _shrunk(valid, 2), parts["mix_out"]), space_to_depth(image, 2)
        mixed = _mixed(strokes, parts["strokes"]) + _mixed(photo, parts["colors"])
        return depth_to_space(photo + mixed + jnp.tile(parts["tone"], 4), 2)


def _mixed(blocks: jax.Array, colors: jax.Array) -> jax.Array:
    """The colours of blocks of 2x2 pixels, [N, H, W, 12], each times a matrix [N, 1, 1, 9]."""
    matrix = jnp.einsum("pq,nij->npiqj", jnp.eye(4, dtype=blocks.dtype), colors.reshape(-1, 3, 3))
    matrix = jnp.broadcast_to(matrix, (len(blocks), *matrix.shape[1:]))
    return jnp.einsum("nhwc,ncd->nhwd", blocks, matrix.reshape(-1, 12, 12))


class Trunk(nn.Module):
    """Residual blocks (He et al., 2016) of two convolutions; no activation behind the sum."""

    features: int
    blocks: int
    stride: int
    border: str = "edge"
    noisy: bool = False
    mixing: bool = False
    """Whether each style has a mixture of its own of the channels inside a block."""

    @nn.compact
    def __call__(self, x: jax.Array, parts: Parts, valid: Valid) -> jax.Array:
        within = _shrunk(valid, self.stride)
        if self.noisy:
            initializer = nn.initializers.lecun_normal()
            kernel = self.param("noise", initializer, (_NOISE_CHANNELS, self.features))
            x = x + (self._noise(x) @ kernel.astype(x.dtype)) * parts["noise"].astype(x.dtype)
        for i in range(1, self.blocks + 1):
            first, second = f"block{i}_1", f"block{i}_2"
            conv1 = ConvNorm(self.features, border=self.border, name=first)
            conv2 = ConvNorm(self.features, border=self.border, name=second)
            mixture = parts[f"mix_block{i}"] if self.mixing else None
            y = nn.relu(conv1(x, parts[first], within))
            x = x + conv2(y, _without_shift_gradient(parts[second]), within, mixture)
        return x

    def _noise(self, x: jax.Array) -> jax.Array:
        """[N, H, W, channels]: fresh with a random key for "noise", else a fixed pattern."""
        if self.has_rng("noise"):
            return _rough(self.make_rng("noise"), x.shape).astype(x.dtype)
        pattern = jnp.asarray(_pattern(), x.dtype)
        repeats = [-(-side // _NOISE_PERIOD) for side in x.shape[1:3]]
        noise = jnp.tile(pattern, (1, *repeats, 1))
        return noise[:, : x.shape[1], : x.shape[2]]


def _rough(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Noise [N, H, W, channels] of unit variance, each channel twice as coarse as the one before.

    White noise alone would have strokes begin at every position and lie as regularly as bricks.
    """
    n, height, width, _ = shape
    channels = []
    for level, key_ in enumerate(jax.random.split(key, _NOISE_CHANNELS)):
        coarse = (n, -(-height // 2**level), -(-width // 2**level), 1)
        full = (n, coarse[1] * 2**level, coarse[2] * 2**level, 1)
        noise = jax.image.resize(jax.random.normal(key_, coarse), full, "linear")
        channels.append(noise[:, :height, :width] * (1.5 if level else 1.0))
    return jnp.concatenate(channels, axis=-1)


@functools.cache
def _pattern() -> np.ndarray:
    """What `_rough` gives, the same everywhere and always, [1, period, period, channels]."""
    rng, side = np.random.default_rng(0), _NOISE_PERIOD
    channels = []
    for level in range(_NOISE_CHANNELS):
        step = 2**level
        coarse = rng.standard_normal((side // step, side // step), np.float32)
        # Linear interpolation between the centres of the coarse positions, around the edges.
        at = (np.arange(side) + 0.5) / step - 0.5
        low, share = np.floor(at).astype(int), (at % 1).astype(np.float32)
        rows = coarse[low % len(coarse)] * (1 - share[:, None])
        rows += coarse[(low + 1) % len(coarse)] * share[:, None]
        fine = rows[:, low % len(coarse)] * (1 - share) + rows[:, (low + 1) % len(coarse)] * share
        channels.append(fine * (1.5 if level else 1.0))
    return np.stack(channels, axis=-1)[None].astype(np.float32)


NETWORKS: dict[str, type[Network]] = {"johnson": Johnson, "slim": Slim}


def paint(
    network: Network,
    variables: Mapping[str, Any],
    image: jax.Array,
    condition: jax.Array,
    valid: Valid = None,
    *,
    noise: jax.Array | None = None,
) -> jax.Array:
    """`network.apply`: images [N, H, W, 3] and conditions [N, K] or [K] to paintings [N, H, W, 3].

    Args:
      network: what is applied.
      variables: {"params": kernels}, or from `prepare`.
      image: RGB in [0, 1], H and W multiples of the network's stride.
      condition: one for each image, or [K], one for all, which is faster.
      valid: the rows and columns that are not padding; None: all.
      noise: random key for fresh noise; None: the same pattern at every call.
    """
    rngs = None if noise is None else {"noise": noise}
    painting = network.apply(variables, image, condition, valid, rngs=rngs)
    assert isinstance(painting, jax.Array)
    return painting


def prepare(network: Network | UpscaleNetwork, kernels: Params) -> dict[str, Any]:
    """The variables of `network.apply` for inference: what this machine is fast with.

    On a CPU most 3x3 convolutions go by `jaxnst.ops.winograd`, with kernels that are transformed
    here; elsewhere nothing is prepared. The result is {"params": kernels, "prepared": ...}.
    """
    if jax.default_backend() != "cpu":
        return {"params": kernels}

    @jax.jit
    def run(kernels: Params) -> Any:
        return network.apply({"params": kernels}, *network.example(), mutable=["prepared"])[1]

    return {"params": kernels, **run(kernels)}


def _without_shift_gradient(part: jax.Array) -> jax.Array:
    """Scales and shifts of a norm that no activation follows, for training.

    What is added to a whole channel is taken off again by the next norm, so that the gradient to
    these shifts is nothing but rounding errors, which Adam would follow at its full step size.
    """
    scale, shift = jnp.split(part, 2, axis=-1)
    return jnp.concatenate([scale, jax.lax.stop_gradient(shift)], axis=-1)


def _norm_parts(channels: Mapping[str, int]) -> dict[str, Part]:
    """Scales, then shifts, of norms with so many channels."""
    return {name: Part(2 * size, (1.0, 0.0)) for name, size in channels.items()}


def _mixture(channels: int) -> Part:
    """What is added to each channel of all others: a matrix, nothing at first."""
    return Part(channels**2, (0.0,), side=channels)


def _block_names(blocks: int) -> list[str]:
    return [f"block{i}_{j}" for i in range(1, blocks + 1) for j in (1, 2)]


def _shrunk(valid: Valid, stride: int) -> Valid:
    """The rows and columns that belong to the picture where positions are `stride` pixels apart."""
    return None if valid is None else (valid[0] // stride, valid[1] // stride)
