"""Pixels between uint8 [0, 255] and float32 [0, 1]."""

import numpy as np


def to_bytes(values: np.ndarray) -> np.ndarray:
    """8-bit values, clipped, halves rounded up."""
    return (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
