"""ONNX graphs for CPUs whose runtime knows no fast convolution, as those in browsers.

Winograd's algorithm as in `jaxnst.ops.winograd`, in operators that every runtime has: small
convolutions take patches apart, a product of matrices for each of their 36 parts does the work,
and one more product puts the tiles together.
"""

from collections.abc import Mapping

import numpy as np

from jaxnst.networks.kinds import AnyNetwork, Compact, Slim
from jaxnst.networks.layers import suits_winograd
from jaxnst.networks.onnx_graph import Graph, Value
from jaxnst.ops.winograd import PATCH, TILE, A, B, G

_LAYERS: Mapping[type, tuple[str, ...]] = {Slim: ("trunk", "decoder"), Compact: ("block",)}
"""What the names of layers begin with that may go by it, in kinds of networks. Its rounding errors
are not the same at all positions, and an instance norm would magnify them in a picture of one
color; that is why layers without norms may, and those behind noise."""

_PARTS = PATCH**2


class WinogradGraph(Graph):
    """A graph in which 3x3 convolutions of many channels go by Winograd's algorithm."""

    def __init__(
        self, network: AnyNetwork, weights: str = "float32", *, takes_weights: bool = False
    ) -> None:
        """Starts with nothing; `weights` and `takes_weights` are those of `Graph`."""
        super().__init__(weights, takes_weights=takes_weights)
        self._layers = _LAYERS.get(type(network), ())

    def conv(
        self,
        x: Value,
        kernel: np.ndarray,
        bias: np.ndarray | None = None,
        *,
        name: str = "",
        stride: int = 1,
        pads: int = 0,
    ) -> Value:
        """As that of `Graph`, equal to about 1e-5 of the largest value."""
        if not (name.startswith(self._layers) and suits_winograd(kernel.shape, stride)):
            return super().conv(x, kernel, bias, name=name, stride=stride, pads=pads)
        c_in, c_out = kernel.shape[2:]
        parts, tiles = self._take_apart(x, c_in, pads)
        products = self.op("MatMul", self._kernel_parts(name, kernel), parts)
        y = self._put_together(products, c_out, tiles)
        shrink = self.integers(2 - 2 * pads)
        ends = [self.op("Sub", side, shrink) for side in self.sides(x, (2, 3))]
        end = self.op("Concat", *ends, axis=0)
        y = self.op("Slice", y, self.integers(0, 0), end, self.integers(2, 3))
        if bias is None:
            return y
        return self.op("Add", y, self._column(self.vector(f"{name}/bias", bias)))

    def _kernel_parts(self, name: str, kernel: np.ndarray) -> Value:
        """[36, C_out, C_in]: G g G' for all channels."""
        c_in, c_out = kernel.shape[2:]
        taps = self.op("Reshape", self.kernel(f"{name}/kernel", kernel), self.integers(-1, 9))
        parts = self.op("Gemm", self.constant(np.kron(G, G)), taps, transB=1)
        return self.op("Reshape", parts, self.integers(_PARTS, c_out, c_in))

    def _take_apart(self, x: Value, channels: int, pads: int) -> tuple[Value, Value]:
        """[N, 36, C_in, tiles]: B d B' for all patches; and how many there are by height and width.

        What reaches beyond x is zero, and only there are outputs that are cut.
        """
        start, end = pads, pads + TILE - 1
        stripes = self._by_lines(
            self.op("Reshape", x, self.integers(-1, 1, 0, 0)),
            [PATCH, 1], strides=[TILE, 1], pads=[start, 0, end, 0],
        )  # fmt: skip
        parts = self._by_lines(
            self.op("Reshape", stripes, self.integers(-1, 1, 0, 0)),
            [1, PATCH], strides=[1, TILE], pads=[0, start, 0, end],
        )  # fmt: skip
        tiles = self.op("Concat", *self.sides(parts, (2, 3)), axis=0)
        shape = self.op("Concat", self.integers(-1, channels, _PARTS), tiles, axis=0)
        parts = self.op("Transpose", self.op("Reshape", parts, shape), perm=[0, 2, 1, 3, 4])
        return self.op("Reshape", parts, self.integers(0, 0, 0, -1)), tiles

    def _by_lines(self, x: Value, size: list[int], **attributes: list[int]) -> Value:
        """B times patches, along one side: [N, 1, H, W] to [N, 6, ...]."""
        kernel = self.constant(B.reshape(PATCH, 1, *size))
        return self.op("Conv", x, kernel, kernel_shape=size, **attributes)

    def _put_together(self, products: Value, channels: int, tiles: Value) -> Value:
        """[N, C_out, H, W]: A m A' for all tiles."""
        flat = self.op("Reshape", products, self.integers(0, _PARTS, -1))
        y = self.op("MatMul", self.constant(np.kron(A, A)), flat)
        shape = self.op("Concat", self.integers(-1, TILE**2 * channels), tiles, axis=0)
        return self.op("DepthToSpace", self.op("Reshape", y, shape), blocksize=TILE, mode="DCR")

    def _column(self, vector: Value) -> Value:
        return self.op("Reshape", vector, self.integers(-1, 1, 1))
