"""The layers of VGG-16 and VGG-19: their names, their shapes, and what may be chosen about them."""

from collections.abc import Sequence

from jaxnst.errors import JaxnstError, nearest

MIN_SIDE = 32  # five poolings leave one position

# Convolutions and channels of each block; a pooling follows every block.
_BLOCKS = {
    "vgg16": ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    "vgg19": ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
}
NETS = tuple(_BLOCKS)
POOLINGS = ("max", "average")
BORDERS = ("zero", "edge")


def layer_names(net: str) -> tuple[str, ...]:
    """All layers of a net in the order of computation: conv1_1, relu1_1, ..., pool5."""
    names: list[str] = []
    for block, (depth, _) in enumerate(_BLOCKS[net], start=1):
        for i in range(1, depth + 1):
            names += [f"conv{block}_{i}", f"relu{block}_{i}"]
        names.append(f"pool{block}")
    return tuple(names)


def conv_shapes(net: str) -> dict[str, tuple[int, int, int, int]]:
    """Shape [3, 3, C_in, C_out] of every convolution's kernel, by name."""
    shapes, c_in = {}, 3
    for block, (depth, c_out) in enumerate(_BLOCKS[net], start=1):
        for i in range(1, depth + 1):
            shapes[f"conv{block}_{i}"] = (3, 3, c_in, c_out)
            c_in = c_out
    return shapes


def stride(layer: str) -> int:
    """Input pixels from one position of a layer to the next: 1 for block 1, 16 for block 5."""
    block = int(layer[4])  # conv5_1, relu5_1, pool5
    return 2**block if layer.startswith("pool") else 2 ** (block - 1)


def check_layers(net: str, layers: Sequence[str]) -> None:
    """Raises JaxnstError, with the net's own names, unless it has all of the layers."""
    known = layer_names(net)
    for layer in layers:
        if layer not in known:
            raise JaxnstError(f"layer {layer!r} is not in {net}: {nearest(layer, known)}")


def computed_layers(net: str, layers: Sequence[str]) -> tuple[str, ...]:
    """The layers up to the deepest one asked for."""
    names = layer_names(net)
    return names[: 1 + max((names.index(layer) for layer in layers), default=-1)]
