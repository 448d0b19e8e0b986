"""HDR pictures, HLG and PQ as phones record them, in the colours of ordinary screens."""

from __future__ import annotations

from functools import cache

import av
import numpy as np
from av.video.reformatter import ColorTrc
from numpy.typing import NDArray
from PIL import Image, ImageFilter

# ITU-R BT.2408: a white wall or shirt, in candela a square metre; what is brighter is glare.
_WHITE = 203.0
# ITU-R BT.2100: the screen for which HLG is graded.
_PEAK = 1000.0
# From here to white, in shares of white, all that is brighter finds its place.
_KNEE = 0.7
_GAMMA = 2.4  # ITU-R BT.1886
_STEPS = 33  # of the signals, in which the curves are smooth
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
# ITU-R BT.2087.
_709_FROM_2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)


def is_hdr(picture: av.VideoFrame) -> bool:
    """Return whether a picture needs ``to_standard`` to be looked at."""
    return picture.color_trc in (ColorTrc.ARIB_STD_B67, ColorTrc.SMPTE2084)


def to_standard(image_bgr: NDArray[np.uint8], transfer: int) -> NDArray[np.uint8]:
    """Return an HDR picture in the colours of BT.709.

    Args:
        image_bgr: uint8 ``(H, W, 3)``, signals of BT.2100 from 0 to 255.
        transfer: ``ColorTrc.ARIB_STD_B67`` or ``ColorTrc.SMPTE2084``.

    Returns:
        A new uint8 ``(H, W, 3)``.
    """
    # Pillow takes what comes first for red, and so does the table.
    mapped = Image.fromarray(image_bgr).filter(_table(transfer))
    return np.array(mapped, np.uint8)


@cache
def _table(transfer: int) -> ImageFilter.Color3DLUT:
    steps = np.linspace(0, 1, _STEPS)
    signals_rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    shown = _bent(_LIGHT[ColorTrc(transfer)](signals_rgb) / _WHITE)
    standard = np.clip(shown @ _709_FROM_2020.T, 0, 1) ** (1 / _GAMMA)
    return ImageFilter.Color3DLUT(_STEPS, standard[..., ::-1].astype(np.float32).ravel())


def _bent(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring light, in shares of white, below 1: as it is up to the knee, and smoothly above."""
    room, over = 1 - _KNEE, _PEAK / _WHITE - _KNEE
    above = np.clip((light - _KNEE) / over, 0, 1)
    slope = room / over
    return np.where(light <= _KNEE, light, _KNEE + room * above / (slope + (1 - slope) * above))


def _light_of_hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light of each colour on the screen, by ITU-R BT.2100, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = np.maximum(scene @ _LUMA_2020, 1e-9)[..., np.newaxis]
    light: NDArray[np.float64] = _PEAK * luma**0.2 * scene
    return light


def _light_of_pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light of each colour on the screen, by ITU-R BT.2100, table 4."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = signal ** (1 / m2)
    return 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


_LIGHT = {ColorTrc.ARIB_STD_B67: _light_of_hlg, ColorTrc.SMPTE2084: _light_of_pq}
