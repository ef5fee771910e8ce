"""Photo → network input, and network output → photo size. Pixel extents stay aligned (half-pixel centres) throughout."""

from __future__ import annotations

import cv2
import numpy as np

from poc.errors import ParameterError
from poc.models.presets import Preset

SMALLEST_SIDE_PX = 32


def network_size(width: int, height: int, preset: Preset) -> tuple[int, int]:
    """(width, height) in network pixels by the preset's resize policy.

    long_side: the long side becomes input_size. upper_bound (MiDaS v2.1, official run): the smaller of the two scales, so
    that the photo fits inside the input_size square. Each side is rounded to the nearest multiple, down where rounding
    would exceed the square; never below SMALLEST_SIDE_PX.
    """
    if preset.resize not in ("long_side", "upper_bound"):
        raise ParameterError(f"{preset.name}: unknown resize policy {preset.resize!r}")
    scale = preset.input_size / max(width, height)
    return _to_multiple(width * scale, preset), _to_multiple(height * scale, preset)


def _to_multiple(side: float, preset: Preset) -> int:
    step = preset.multiple_of
    rounded = int(np.round(side / step)) * step  # halves to even, as the official code does
    if rounded > preset.input_size:
        rounded = int(side // step) * step
    return max(rounded, SMALLEST_SIDE_PX)


def area_input(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 H×W×3 → float32 1×3×h×w in [0, 1], antialiased (area) when shrinking, bilinear when growing."""
    shrinks = size[0] <= rgb.shape[1] and size[1] <= rgb.shape[0]
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.ascontiguousarray(small.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)


def cubic_input(rgb: np.ndarray, size: tuple[int, int], preset: Preset) -> np.ndarray:
    """uint8 H×W×3 → normalised float32 1×3×h×w as the official MiDaS run makes it: bicubic on floats, not antialiased.

    One channel at a time, since a 100-megapixel photo in float32 would take 1.2 GB.
    """
    planes = []
    for channel, (mean, std) in enumerate(zip(preset.mean, preset.std, strict=True)):
        plane = rgb[..., channel].astype(np.float32) / np.float32(255)
        plane = cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC)
        planes.append((plane - np.float32(mean)) / np.float32(std))
    return np.stack(planes)[None]


def resize_map(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bilinear h×w → height×width, float32."""
    return cv2.resize(np.ascontiguousarray(values, dtype=np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
