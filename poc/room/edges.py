"""The photo's own edges: where a wall's foot or a ceiling line runs to a pixel, near to where a network saw it.

A network's boundary between two surfaces is off by a few cells over long stretches; the photo shows the edge itself. The strip
of photo along the expected line is laid flat, and the offset and tilt are sought along which brightness changes the same way in
all columns. A pattern or a shadow changes it in places only, the end of a floor everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from poc.room.view import Panorama, View
from poc.room.wallfit import State

REACH_CELLS = 8.0
"""How far from the network's line an edge is looked for."""
NETWORK_SIGMA_CELLS = 4.0
"""One sigma of the network's line: 2.2 cells median on photos of rooms and on renders, with a long tail."""
STEP = 0.25
"""Between the offsets tried, cells."""
TILT_CELLS = 2.5
"""Largest tilt tried: how far the edge's ends may leave the expected line, in cells."""
STRONG = 20.0
"""Grey levels per cell at which a column's change counts half, so that a few bright columns do not decide."""
LEAST_CONTRAST = 1.5
"""Grey levels per cell below which there is no edge."""
SATURATION = 6.0
"""Contrast at which an edge is half as good as any can be: the top of white skirting is not the foot for being brighter."""
RIVAL = 0.8
"""Of several edges the outermost counts that is at least this share as good as the best: skirting has two edges."""
LEAST_TILTED = 12
"""Columns from which on tilts are tried."""


@dataclass(frozen=True)
class Edge:
    """An edge of the photo: its offset from the expected line in each column (n, cells), and its contrast in grey levels per cell."""

    offset: np.ndarray
    contrast: float


def find_edge(grey: np.ndarray, pixels: Callable[[np.ndarray], np.ndarray], columns: int, size: tuple[int, int],
              outward: int) -> Edge | None:
    """The edge near an expected line of `columns` columns, or None where the photo shows none.

    grey: uint8 h×w, the photo at any size. pixels: function from offsets (k, cells) to photo pixels k×columns×2. size: width and
    height of the photo. outward: sign of the offset that leads away from the wall, −1 at its foot; 0 where simply the best edge
    counts, as at a ceiling, whose mouldings and panels have edges on both sides of the line.
    """
    offsets = np.arange(-REACH_CELLS - TILT_CELLS, REACH_CELLS + TILT_CELLS + STEP / 2, STEP)
    uv = pixels(offsets)
    place = ((uv + 0.5) * [grey.shape[1] / size[0], grey.shape[0] / size[1]] - 0.5).astype(np.float32)
    strip = cv2.remap(grey, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    strip = cv2.GaussianBlur(strip, (1, 13), sigmaX=0.1, sigmaY=2.0, borderType=cv2.BORDER_REPLICATE)
    change = np.gradient(strip, axis=0) / STEP
    change /= 1 + np.abs(change) / STRONG
    across = (np.arange(columns) - (columns - 1) / 2) / max((columns - 1) / 2, 1.0)
    tilts = np.arange(-TILT_CELLS, TILT_CELLS + 0.1, 0.5) if columns >= LEAST_TILTED else np.zeros(1)
    wanted = offsets[np.abs(offsets) <= REACH_CELLS]
    mean = np.stack([_along(change, offsets, wanted[:, None] + t * across) for t in tilts])
    contrast = np.abs(mean) * np.exp(-0.04 * tilts**2)[:, None]
    turn = contrast.argmax(0)
    best = contrast.max(0)
    k = _choose(best, best / (best + SATURATION) * np.exp(-0.5 * (wanted / NETWORK_SIGMA_CELLS) ** 2), outward)
    return None if k is None else Edge(_middle(wanted, best, k) + tilts[turn[k]] * across, float(best[k]))


def _middle(offsets: np.ndarray, contrast: np.ndarray, k: int) -> float:
    """Offset (cells) of the middle of peak k: the mean over the offsets around it with nine tenths of its contrast."""
    low = contrast < 0.9 * contrast[k]
    first = k - int(np.argmax(np.append(low[k::-1], True))) + 1
    last = k + int(np.argmax(np.append(low[k:], True)))
    own = slice(first, last)
    return float(np.average(offsets[own], weights=contrast[own]))


def _along(change: np.ndarray, offsets: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Mean change of brightness along each line (k×columns offsets, cells): k."""
    row = np.clip(np.rint((lines - offsets[0]) / STEP), 0, len(offsets) - 1).astype(np.intp)
    return change[row, np.arange(change.shape[1])].mean(1)


def _choose(contrast: np.ndarray, score: np.ndarray, outward: int) -> int | None:
    """Index of the outermost good peak of the contrast, by its score; of the best one where outward is 0; None without peaks."""
    inner = np.arange(1, len(contrast) - 1)
    peak = inner[(contrast[inner] >= contrast[inner - 1]) & (contrast[inner] > contrast[inner + 1]) & (contrast[inner] > LEAST_CONTRAST)]
    if len(peak) == 0:
        return None
    if outward == 0:
        return int(peak[score[peak].argmax()])
    good = peak[score[peak] >= RIVAL * score[peak].max()]
    return int(good[-1] if outward > 0 else good[0])


def level_line(pan: Panorama, use: np.ndarray, psi: float, slope: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The level line on a wall with normal azimuth psi that best fits slopes (k, with weights) in the k columns `use` (bool, n): its
    slope in each of them, and the slope that one cell there stands for, k each."""
    delta = pan.azimuth[use] - psi
    a = np.column_stack([np.cos(delta), np.sin(delta)])
    total = weight.sum()
    line = a @ np.linalg.solve((a * weight[:, None]).T @ a + np.diag([1e-9, 0.02]) * total, a.T @ (weight * slope))
    return line, slope_per_cell(pan, use, line)


def edge_along(view: View, pan: Panorama, state: State, use: np.ndarray, line: np.ndarray, cell: np.ndarray,
               outward: int) -> Edge | None:
    """The photo's edge near a line in the k columns `use` (bool, n). line, cell: as of `level_line`; outward: as of `find_edge`."""
    az = pan.azimuth[use]

    def pixels(offsets: np.ndarray) -> np.ndarray:
        slopes = line + offsets[:, None] * cell
        level = np.stack([*np.broadcast_arrays(np.sin(az), np.cos(az), slopes)], -1)
        return state.pixels(level.reshape(-1, 3)).reshape(len(offsets), -1, 2)

    return find_edge(view.grey, pixels, len(az), (view.camera.width, view.camera.height), outward)


def slope_per_cell(pan: Panorama, use: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Slope that one cell of the working grid stands for, at slopes (k) in the k columns `use` (bool, n)."""
    row = np.clip(np.searchsorted(pan.slope, slope), 0, len(pan.slope) - 1)
    return (pan.slope[1] - pan.slope[0]) / np.maximum(pan.rows_px[row, np.flatnonzero(use)], 0.2)
