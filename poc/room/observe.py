"""What the photo shows of one wall: pixels of its foot, of the photo's edge along it, and of its depth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poc.room import feet
from poc.room.edges import edge_along, level_line, slope_per_cell
from poc.room.view import WINDOW, Panorama, View
from poc.room.wallfit import DEPTH_POINTS, FOOT_COMMON_CELLS, FOOT_SHARED, FOOT_SIGMA_CELLS, DepthNoise, State, WallData

MIN_COLUMNS = 6
MIN_FOOT_COLUMNS = 5
LEAST_BARE = 0.2
"""Share of a wall's cells that must not be window for its depth to be taken from them alone: one sees through glass."""


@dataclass(frozen=True)
class Seen:
    """The arrays that observations are taken from."""

    view: View
    pan: Panorama
    ev: feet.Evidence
    field: np.ndarray
    noise: DepthNoise


def observe(seen: Seen, state: State, psi: float, e: float, columns, turn_sigma: float, own: bool) -> WallData | None:
    """Foot pixels and depth pixels of the wall at (psi, e) in its columns."""
    pan = seen.pan
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
    shared = float(np.clip(FOOT_SHARED[0] * scatter, *FOOT_SHARED[1:])) * float(np.median(sigma)) / FOOT_SIGMA_CELLS if use.any() else 0.0
    return WallData(psi, turn_sigma, uv, foot_w, sigma, *_depth_on(seen, columns), columns, use, _wall_mask(seen, columns), seen.noise, own, shared)


def narrowed(seen: Seen, data: WallData, others: np.ndarray) -> WallData:
    """The wall without the columns (bool, per azimuth) that are others', where its own foot is not seen; unchanged where hardly any are left."""
    columns = data.columns & (data.direct | ~others)
    if columns.sum() in (data.columns.sum(), *range(MIN_COLUMNS)):
        return data
    uv, d, gain = _depth_on(seen, columns)
    return replace(data, columns=columns, mask=_wall_mask(seen, columns), depth_uv=uv, depth_d=d, depth_gain=gain)


def _depth_on(seen: Seen, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples of the wall's depth in its columns: not through its windows, where enough of it is none."""
    mask = _wall_mask(seen, columns)
    bare = mask & (seen.view.p[..., WINDOW] < 0.5)
    return depth_samples(seen.view, seen.field, bare if bare.sum() > LEAST_BARE * mask.sum() else mask)


def _tukey_weights(s: np.ndarray, c: np.ndarray) -> np.ndarray:
    if len(s) == 0:
        return np.zeros(0)
    r = s - np.median(s / c) * c
    scale = max(1.4826 * float(np.median(np.abs(r))), 0.004)
    return np.clip(1 - (r / (4.685 * scale)) ** 2, 0.01, None) ** 2


def _scatter_cells(s: np.ndarray, cos: np.ndarray, sin: np.ndarray, w: np.ndarray, sigma: np.ndarray) -> float:
    """Root mean square of foot crossings about their straight line, in cells; half a cell where there are too few."""
    if len(s) < 8:
        return 0.5
    a = np.column_stack([cos, sin])
    line = np.linalg.lstsq(a * np.sqrt(w)[:, None], s * np.sqrt(w), rcond=None)[0]
    off = (s - a @ line) / sigma * FOOT_SIGMA_CELLS
    return float(np.sqrt(np.average(off**2, weights=w)))


def on_edge(seen: Seen, state: State, data: WallData) -> WallData:
    """A wall whose foot stands on the photo's own edge near where it was seen, with the sigma that its crossings share."""
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


def _foot_pixels(pan: Panorama, state: State, use: np.ndarray, slope: np.ndarray):
    """Photo pixels of the crossings, and one sigma of their nearness."""
    az = pan.azimuth[use]
    level = np.column_stack([np.sin(az), np.cos(az), slope[use]])
    return state.pixels(level).reshape(-1, 2), FOOT_SIGMA_CELLS * slope_per_cell(pan, use, slope[use])


def depth_samples(view: View, field: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At most `DEPTH_POINTS` of a mask's cells: photo pixels (n×2), inverse depth as the map gives it, its local correction."""
    rows, cols = np.nonzero(mask & view.valid)
    pick = np.linspace(0, len(rows) - 1, min(DEPTH_POINTS, len(rows))).astype(int)
    rows, cols = rows[pick], cols[pick]
    return grid_to_photo(view, rows, cols), view.inverse[rows, cols].astype(float), field[rows, cols]


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
