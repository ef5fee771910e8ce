"""What the photo shows of one wall: pixels of its foot, of the photo's edge along it, and of its depth.

Below, s is the nearness of a foot crossing (`poc.room.feet`), and c and cos the cosine of its azimuth from the wall's normal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from poc.geometry import MAD_TO_SIGMA, TUKEY
from poc.room import feet
from poc.room.edges import edge_along, level_line, slope_per_cell
from poc.room.feet import WallLine
from poc.room.view import WINDOW, Panorama, View
from poc.room.wallfit import DEPTH_POINTS, FOOT_COMMON_CELLS, FOOT_SHARED, FOOT_SIGMA_CELLS, DepthNoise, State, WallData

MIN_COLUMNS = 6
"""A wall seen in fewer panorama columns is not observed."""
MIN_FOOT_COLUMNS = 5
"""Fewer crossings of floor and wall than this are no foot."""
LEAST_BARE = 0.2
"""Share of a wall's cells that must not be window for its depth to be taken from them alone: one sees through glass."""


@dataclass(frozen=True)
class Seen:
    """What observations are taken from. field: h×w, local correction of inverse depth (`floor_field`); noise: the depth's."""

    view: View
    pan: Panorama
    ev: feet.Evidence
    field: np.ndarray
    noise: DepthNoise


def observe(seen: Seen, state: State, wall: WallLine, columns: np.ndarray, turn_sigma: float) -> WallData | None:
    """Foot pixels and depth pixels of a wall in its columns (bool, n); None where those are fewer than `MIN_COLUMNS`.

    turn_sigma: one sigma (radians) of how far the wall may be turned from `wall.psi`.
    """
    pan, psi, e = seen.pan, wall.psi, wall.nearness
    if columns.sum() < MIN_COLUMNS:
        return None
    c = np.cos(pan.azimuth - psi)
    cut = feet.foot_crossing(pan, e * c)
    s = -cut.slope
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = s / np.maximum(c, 0.05)
        use = columns & cut.direct & (c > 0.05) & (np.abs(ratio - e) < 0.25 * e + 0.02)
    if use.sum() < MIN_FOOT_COLUMNS:
        use = np.zeros_like(use)
    foot_w = _tukey_weights(s[use], c[use])
    uv, sigma = _foot_pixels(pan, state, use, cut.slope)
    scatter = _scatter_cells(s[use], c[use], np.sin(pan.azimuth - psi)[use], foot_w, sigma)
    cells = float(np.clip(FOOT_SHARED[0] * scatter, *FOOT_SHARED[1:]))
    shared = cells * float(np.median(sigma)) / FOOT_SIGMA_CELLS if use.any() else 0.0
    depth = _depth_on(seen, columns)
    return WallData(psi, turn_sigma, uv, foot_w, sigma, depth.uv, depth.inverse, depth.gain, columns, use,
                    _wall_mask(seen, columns), seen.noise, wall.along_axes, shared)


def narrowed(seen: Seen, data: WallData, others: np.ndarray) -> WallData:
    """The wall without the columns `others` (bool, n) in which its own foot is not seen; the same object where none of those are
    its own, or where fewer than `MIN_COLUMNS` would be left."""
    columns = data.columns & (data.direct | ~others)
    if columns.sum() in (data.columns.sum(), *range(MIN_COLUMNS)):
        return data
    depth = _depth_on(seen, columns)
    return replace(data, columns=columns, mask=_wall_mask(seen, columns), depth_uv=depth.uv, depth_d=depth.inverse, depth_gain=depth.gain)


class DepthSamples(NamedTuple):
    """Depth at some pixels. uv: n×2 photo pixels. inverse: n, inverse depth as the map gives it. gain: n, its local correction."""

    uv: np.ndarray
    inverse: np.ndarray
    gain: np.ndarray


def _depth_on(seen: Seen, columns: np.ndarray) -> DepthSamples:
    """Samples of the wall's depth in its columns; not through its windows, unless it is hardly anything else."""
    mask = _wall_mask(seen, columns)
    bare = mask & (seen.view.p[..., WINDOW] < 0.5)
    return depth_samples(seen.view, seen.field, bare if bare.sum() > LEAST_BARE * mask.sum() else mask)


def _tukey_weights(s: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Weights (n, 0.0001 to 1) of foot crossings: low for those off the level line through their median (Tukey's biweight)."""
    if len(s) == 0:
        return np.zeros(0)
    r = s - np.median(s / c) * c
    scale = max(MAD_TO_SIGMA * float(np.median(np.abs(r))), 0.004)
    return np.clip(1 - (r / (TUKEY * scale)) ** 2, 0.01, None) ** 2


def _scatter_cells(s: np.ndarray, cos: np.ndarray, sin: np.ndarray, w: np.ndarray, sigma: np.ndarray) -> float:
    """Weighted root mean square of foot crossings about their straight line, in cells; half a cell where there are too few.

    w: weights; sigma: one sigma of each s, which stands for `FOOT_SIGMA_CELLS` cells.
    """
    if len(s) < 8:
        return 0.5
    a = np.column_stack([cos, sin])
    line = np.linalg.lstsq(a * np.sqrt(w)[:, None], s * np.sqrt(w), rcond=None)[0]
    off = (s - a @ line) / sigma * FOOT_SIGMA_CELLS
    return float(np.sqrt(np.average(off**2, weights=w)))


def on_edge(seen: Seen, state: State, data: WallData) -> WallData:
    """The wall with its foot moved onto the photo's own edge near it, and with the error that its crossings share: a smaller one
    where there is such an edge. A wall without a foot, or by a sensor's depth, comes back as it is."""
    if len(data.foot_w) == 0 or not seen.view.by_network:
        return data
    pan, use = seen.pan, data.direct
    level = state.level_rays(data.foot_uv)
    slope = level[:, 2] / np.hypot(level[:, 0], level[:, 1])
    line, cell = level_line(pan, use, data.psi, slope, data.foot_w)
    edge = edge_along(seen.view, pan, state, use, line, cell, -1)
    shared = FOOT_COMMON_CELLS["network" if edge is None else "edge"] * float(np.median(cell))
    if edge is None:
        return replace(data, foot_shared=max(shared, data.foot_shared))
    az, slope = pan.azimuth[use], line + edge.offset * cell
    uv = state.pixels(np.column_stack([np.sin(az), np.cos(az), slope]))
    return replace(data, foot_uv=uv, foot_w=np.ones(len(uv)), foot_sigma=FOOT_SIGMA_CELLS * cell, foot_shared=shared)


def _foot_pixels(pan: Panorama, state: State, use: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Photo pixels (k×2) of the crossings in the k columns `use` (bool, n), and one sigma of their nearness (k)."""
    az = pan.azimuth[use]
    level = np.column_stack([np.sin(az), np.cos(az), slope[use]])
    return state.pixels(level).reshape(-1, 2), FOOT_SIGMA_CELLS * slope_per_cell(pan, use, slope[use])


def depth_samples(view: View, field: np.ndarray, mask: np.ndarray) -> DepthSamples:
    """Depth at up to `DEPTH_POINTS` valid cells of a mask (h×w), evenly spread over them. field: h×w, as of `Seen`."""
    rows, cols = np.nonzero(mask & view.valid)
    pick = np.linspace(0, len(rows) - 1, min(DEPTH_POINTS, len(rows))).astype(int)
    rows, cols = rows[pick], cols[pick]
    return DepthSamples(grid_to_photo(view, rows, cols), view.inverse[rows, cols].astype(float), field[rows, cols])


def grid_to_photo(view: View, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Photo pixels (n×2) of working-grid cells."""
    h, w = view.shape
    return np.column_stack([(cols + 0.5) * view.camera.width / w - 0.5, (rows + 0.5) * view.camera.height / h - 0.5])


def _wall_mask(seen: Seen, columns: np.ndarray) -> np.ndarray:
    """Working-grid cells of wall, door or window whose azimuth is in the wall's columns."""
    view, pan = seen.view, seen.pan
    cells = (feet.wall_share(pan.p) > 0.5) & pan.seen & columns[None]
    mask = np.zeros(view.shape, bool)
    h, w = view.shape
    v, u = np.rint(pan.map_v[cells]).astype(int), np.rint(pan.map_u[cells]).astype(int)
    mask[np.clip(v, 0, h - 1), np.clip(u, 0, w - 1)] = True
    return mask
