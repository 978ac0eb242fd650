"""Matrices in 8 bits, half the size of float16, for network files that are to be small.

The numbers of a column of a matrix are stored in units of the largest of them / 127.
"""

from collections.abc import Mapping

import numpy as np

Arrays = dict[str, np.ndarray]

_UNIT = ".unit"  # ends the name of the array with the columns' units
_LARGEST = 127
_ROWS = 32  # in smaller matrices there is little to save


def quantize(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Arrays with the large matrices among them, [..., rows, columns], as int8 and their units."""
    quantized: Arrays = {}
    for name, array in arrays.items():
        if array.ndim < 3 or array.shape[-2] < _ROWS or not array.size:
            quantized[name] = array
            continue
        unit = np.max(np.abs(array), axis=-2, keepdims=True) / _LARGEST
        unit = np.where(unit.astype(np.float16) == 0, 1, unit).astype(np.float16)
        steps = np.round(array / unit.astype(np.float32))
        quantized[name] = steps.clip(-_LARGEST, _LARGEST).astype(np.int8)
        quantized[name + _UNIT] = unit
    return quantized


def dequantize(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """All arrays in float32; those without units are as they were.

    Raises:
      KeyError: an int8 array has no units.
      ValueError: the shape of units is not that of the array's columns.
    """
    full: Arrays = {}
    for name, array in arrays.items():
        scaled = arrays.get(name.removesuffix(_UNIT)) if name.endswith(_UNIT) else None
        if scaled is not None and scaled.dtype == np.int8:
            continue
        full[name] = np.asarray(array, np.float32)
        if array.dtype == np.int8:
            unit = np.asarray(arrays[name + _UNIT], np.float32)
            # Anything that can be broadcast would do, and could be made to fill the memory.
            if array.ndim < 2 or unit.shape != (*array.shape[:-2], 1, array.shape[-1]):
                raise ValueError(f"the units of {name} have the shape {unit.shape}")
            full[name] *= unit
    return full
