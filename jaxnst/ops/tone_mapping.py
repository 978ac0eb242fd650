"""HDR video as SDR: PQ and HLG of ITU-R BT.2100 to BT.709, with a soft shoulder for highlights.

Light is in units of the reference white of BT.2408, 203 cd/m2.
"""

import functools

import numpy as np

PQ, HLG = 16, 18
"""Transfer functions, by their numbers in ITU-T H.273 and FFmpeg."""

_WHITE = 203.0  # cd/m2
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2  # cd/m2 of the reference display, and its system gamma
_KNEE = 0.5  # light up to here is kept as it is
_DISPLAY_GAMMA = 2.4  # BT.1886
_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


def tone_map(image: np.ndarray, transfer: int) -> np.ndarray:
    """An HDR image as SDR.

    Args:
      image: uint16 [H, W, 3], RGB with the primaries of BT.2020, 65535 for the signal's maximum.
      transfer: PQ or HLG.

    Returns:
      uint8 [H, W, 3], RGB with the primaries of BT.709.
    """
    light = _light_of_signal(transfer)[image]
    if transfer == HLG:  # its table gives the scene's light, from which a display makes its own
        luma = np.maximum(light @ _BT2020_LUMA, 1e-6)[..., None]
        light = light * luma ** (_HLG_GAMMA - 1) * (_HLG_PEAK / _WHITE)
    light = np.maximum(light @ _BT2020_TO_BT709.T, 0)
    brightest = np.maximum(light.max(-1, keepdims=True), 1e-6)
    mapped = light * (_shoulder(brightest) / brightest)
    return (255 * mapped ** (1 / _DISPLAY_GAMMA) + 0.5).astype(np.uint8)


def _shoulder(light: np.ndarray) -> np.ndarray:
    """Light from 0 on without end, compressed into [0, 1) above the knee, with a smooth bend."""
    over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    return np.minimum(light, _KNEE) + (1 - _KNEE) * over / (1 + over)


@functools.cache
def _light_of_signal(transfer: int) -> np.ndarray:
    """The light of each 16-bit value of a signal, float32 [65536]; HLG's is the scene's."""
    signal = np.linspace(0, 1, 65_536)
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        bright = (np.exp((signal - c) / a) + b) / 12
        return np.where(signal <= 0.5, signal**2 / 3, bright).astype(np.float32)
    m1, m2, c1, c2, c3 = 2610 / 16384, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (light * 10_000 / _WHITE).astype(np.float32)
