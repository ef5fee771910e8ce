"""Sharpens steps in depth, which a network with half-size output spreads over several pixels."""

from __future__ import annotations

import cv2
import numpy as np

NEAR_CELLS, AROUND_CELLS = 5, 13
"""Sizes of two neighbourhoods: a step rises within the first, while the depth around it in the second is flat."""
LEAST_STEP, STEP_SHARE = 0.12, 0.6
"""A step is at least this high (log depth) and accounts for this share of the whole rise around it; on a slanted plane it would be 5/13."""
ROUNDS = 2


def sharpen_steps(inverse: np.ndarray) -> np.ndarray:
    """Positive inverse depth (h×w) with its soft steps made steep: cells on a step take the value of its near or far side, whichever is
    closer (toggle mapping, Kramer and Bruckner 1975). Planes are linear in inverse depth, contain no step and stay unchanged."""
    out = inverse.astype(np.float32)
    near, around = (np.ones((n, n), np.uint8) for n in (NEAR_CELLS, AROUND_CELLS))
    for _ in range(ROUNDS):
        high, low = cv2.dilate(out, near), cv2.erode(out, near)
        rise = cv2.dilate(out, around) - cv2.erode(out, around)
        step = (high > low * np.exp(LEAST_STEP)) & (high - low > STEP_SHARE * rise)
        out = np.where(step, np.where(out * out < low * high, low, high), out)
    return out.astype(inverse.dtype)
