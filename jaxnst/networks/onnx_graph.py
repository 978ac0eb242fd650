"""An ONNX graph in the making: operators and constants, one after the other.

Values are [N, C, H, W], as ONNX has them, and known by their names.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from jaxnst.networks import int8

OPSET = 17
_IR_VERSION = 8  # of that opset; programs refuse files that are newer than they are

Value = str
"""The name of what an operator returns, or of a constant."""


class Graph:
    """Operators and constants; every method adds to them and returns the new value."""

    def __init__(self, weights: str = "float32", *, takes_weights: bool = False) -> None:
        """Starts with nothing.

        Args:
          weights: how a network's numbers are stored: float32, float16, or int8, which is for its
            large kernels, beside float16.
          takes_weights: they are not stored, but inputs in float32: what they would be is kept in
            `taken`.
        """
        self._weights = weights
        self._takes_weights = takes_weights
        self.taken: dict[str, np.ndarray] = {}
        """The network's numbers by the names of the inputs that take them."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[Any, ...], onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: Value, **attributes: Any) -> Value:
        """The one result of an operator."""
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def constant(self, value: Any, dtype: type[np.generic] = np.float32) -> Value:
        """An array; equal ones are one."""
        array = np.array(value, dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._constants[key] = numpy_helper.from_array(array, name)
        return self._constants[key].name

    def integers(self, *values: int) -> Value:
        """A list of integers, as operators take shapes and axes."""
        return self.constant(values, np.int64)

    def weight(self, array: np.ndarray) -> Value:
        """Numbers of a network that are no kernel, stored as float32 or float16."""
        if self._weights == "float32":
            return self.constant(array)
        return self._as_float(self.constant(array, np.float16))

    def vector(self, name: str, vector: np.ndarray) -> Value:
        """Few numbers of a network, which are float32 however the others are stored."""
        return self._input(name, vector) if self._takes_weights else self.constant(vector)

    def kernel(self, name: str, kernel: np.ndarray) -> Value:
        """A kernel [H, W, C_in, C_out] as [C_out, C_in, H, W], stored as the weights are to be.

        One without a name is no network's, but the same for all.
        """
        if name and self._takes_weights:
            return self._input(name, kernel.transpose(3, 2, 0, 1))
        parts = int8.quantize({"": kernel}) if self._weights == "int8" else {"": kernel}
        stored, *units = (array.transpose(3, 2, 0, 1) for array in parts.values())
        if not units:
            return self.weight(stored)
        steps = self._as_float(self.constant(stored, np.int8))
        return self.op("Mul", steps, *map(self.weight, units))

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
        """A convolution with a kernel [H, W, C_in, C_out], and so many zeros at each border.

        The name is that of the network's layer whose numbers these are.
        """
        inputs = [x, self.kernel(name and f"{name}/kernel", kernel)]
        inputs += [] if bias is None else [self.vector(f"{name}/bias", bias)]
        height, width = kernel.shape[:2]
        return self.op(
            "Conv",
            *inputs,
            kernel_shape=[height, width],
            strides=[stride, stride],
            pads=[pads] * 4,
        )

    def pad(self, x: Value, width: int, mode: str) -> Value:
        """So many more positions at each border, as its "edge" or by "reflect"-ion."""
        if not width:
            return x
        return self.op("Pad", x, self.integers(*[0, 0, width, width] * 2), mode=mode)

    def sides(self, x: Value, axes: Sequence[int]) -> list[Value]:
        """The lengths of some axes, each a list of one integer."""
        shape = self.op("Shape", x)
        return [
            self.op("Slice", shape, self.integers(axis), self.integers(axis + 1)) for axis in axes
        ]

    def counted(self, length: Value) -> Value:
        """0, 1, 2, ... up to a length, which is a list of one integer."""
        stop = self.op("Squeeze", length)
        return self.op("Range", self.constant(0, np.int64), stop, self.constant(1, np.int64))

    def model(
        self,
        name: str,
        inputs: onnx.ValueInfoProto,
        outputs: onnx.ValueInfoProto,
        **properties: Any,
    ) -> onnx.ModelProto:
        """The finished model; the result of the last operator is its output."""
        self._nodes[-1].output[0] = outputs.name
        weights = [
            helper.make_tensor_value_info(taken, onnx.TensorProto.FLOAT, array.shape)
            for taken, array in self.taken.items()
        ]
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, name, [inputs, *weights], [outputs], constants)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, **properties)

    def _input(self, name: str, array: np.ndarray) -> Value:
        """An input, and what it would be were it stored."""
        assert name not in self.taken, name
        self.taken[name] = np.asarray(array, np.float32)
        return name

    def _as_float(self, x: Value) -> Value:
        return self.op("Cast", x, to=onnx.TensorProto.FLOAT)
