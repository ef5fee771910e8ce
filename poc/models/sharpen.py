"""Steps in depth made steps again: a network that answers at half size spreads them over several pixels."""

from __future__ import annotations

import cv2
import numpy as np

NEAR_CELLS, AROUND_CELLS = 5, 13
"""A step rises within the first neighbourhood, and what is about it in the second is flat."""
LEAST_STEP, STEP_SHARE = 0.12, 0.6
"""A step is at least this high (log depth) and holds this share of all the rise about it: a slanted plane holds 5/13."""
ROUNDS = 2


def sharpen_steps(inverse: np.ndarray) -> np.ndarray:
    """h×w positive inverse depth with its soft steps steep: cells on a step take the near or the far side's value, whichever is
    nearer (toggle mapping, Kramer and Bruckner 1975). Planes are linear in inverse depth, hold no step and stay as they are."""
    out = inverse.astype(np.float32)
    near, around = (np.ones((n, n), np.uint8) for n in (NEAR_CELLS, AROUND_CELLS))
    for _ in range(ROUNDS):
        high, low = cv2.dilate(out, near), cv2.erode(out, near)
        rise = cv2.dilate(out, around) - cv2.erode(out, around)
        step = (high > low * np.exp(LEAST_STEP)) & (high - low > STEP_SHARE * rise)
        out = np.where(step, np.where(out * out < low * high, low, high), out)
    return out.astype(inverse.dtype)
