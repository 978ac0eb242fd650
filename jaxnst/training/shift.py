"""Pictures compared from a random place within a stride, so that no lattice in it gains anything.

VGG pools by pairs of pixels, and a network's last layer makes blocks of them. If both begin at the
same pixel, a pattern in step with the blocks is seen by VGG alike everywhere, and long training
finds the one that deceives it best.
"""

from typing import TypeVar

import jax

Pictures = TypeVar("Pictures")


def shifted(pictures: Pictures, key: jax.Array, stride: int) -> Pictures:
    """A tree of pictures [H, W, C], each from the same random corner, less a stride in size."""
    corner = jax.random.randint(jax.random.fold_in(key, 1), (2,), 0, stride)

    def cut(picture: jax.Array) -> jax.Array:
        height, width, channels = picture.shape
        size = (height - stride, width - stride, channels)
        return jax.lax.dynamic_slice(picture, (*corner, 0), size)

    shifted: Pictures = jax.tree.map(cut, pictures)
    return shifted
