"""What is seen of the room's top: the ceiling, or else how far up its walls are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poc.room import feet
from poc.room.edges import edge_along, level_line
from poc.room.observe import MIN_COLUMNS, MIN_FOOT_COLUMNS, Seen, depth_samples
from poc.room.planes import ceiling_mask
from poc.room.view import SURE, Panorama, View
from poc.room.wallfit import State, WallSolution, height_on_wall
from poc.types import Z90

TOP_QUANTILE = 0.5
"""A wall is as high as at least this share of its columns show it: in the others a strip of ceiling may be taken for wall."""
LEAST_LINE = 6
"""Fewer columns than this, of those that agree on the ceiling's height, show no ceiling line."""
LINE_SPREAD = 0.15
"""Columns whose ceiling differs by more than this share of its height from the median are left out."""


@dataclass(frozen=True)
class CeilingData:
    """What is seen of the ceiling.

    line_uv: n×2 photo pixels on the line where walls meet it. line_wall: n, index of the wall below each of them. depth_uv: m×2
    photo pixels on the ceiling, with depth_d: m, inverse depth there as the map gives it. mask: its cells on the working grid.
    """

    line_uv: np.ndarray
    line_wall: np.ndarray
    depth_uv: np.ndarray
    depth_d: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class TopData:
    """How far up a wall is seen, which the room is at least as high as. wall: index of the wall seen highest up; uv: n×2 photo
    pixels where its columns are last surely wall."""

    wall: int
    uv: np.ndarray


def observe_ceiling(seen: Seen, state: State, path: np.ndarray, solved: Sequence[WallSolution]) -> CeilingData:
    """The line where walls meet the ceiling, and depth samples of the ceiling; empty without walls."""
    view, pan, on_wall = seen.view, seen.pan, path >= 0
    if not solved:
        return CeilingData(np.zeros((0, 2)), np.zeros(0, int), np.zeros((0, 2)), np.zeros(0), np.zeros(view.shape, bool))
    s = np.zeros(len(path))  # nearness of the wall in each column
    for j in np.flatnonzero(on_wall):
        wall = solved[path[j]]
        s[j] = np.cos(pan.azimuth[j] - wall.psi) / wall.distance
    cut = feet.ceiling_crossing(pan, np.where(s > 0.02, 0.8 * s, np.nan))
    use = on_wall & cut.direct & (s > 0.02) & (np.nan_to_num(cut.slope) > 0.02)
    height = cut.slope / np.where(s > 0.02, s, 1.0)
    if use.sum() >= LEAST_LINE:
        middle = np.median(height[use])
        use &= np.abs(height - middle) < LINE_SPREAD * middle
    if use.sum() < LEAST_LINE:
        use = np.zeros_like(use)
    az, slope = pan.azimuth[use], _ceiling_on_edges(view, pan, state, path, solved, use, cut.slope)[use]
    uv = state.pixels(np.column_stack([np.sin(az), np.cos(az), slope])).reshape(-1, 2)
    mask = ceiling_mask(view, state.room_from_cam[2])
    depth = depth_samples(view, seen.field, mask)
    return CeilingData(uv, path[use], depth.uv, depth.inverse, mask)


def observe_top(pan: Panorama, state: State, path: np.ndarray, solved: Sequence[WallSolution]) -> TopData | None:
    """Of the walls that are surely seen above the horizon in enough columns, the one whose height, less its error, is greatest."""
    sure = pan.seen & (feet.wall_share(pan.p) > SURE)
    last = len(pan.slope) - 1 - np.argmax(sure[::-1], axis=0)
    best, top = 0.0, None
    for k, wall in enumerate(solved):
        use = (path == k) & sure.any(axis=0) & (pan.slope[last] > 0)
        if use.sum() < MIN_COLUMNS:
            continue
        az, slope = pan.azimuth[use], pan.slope[last[use]]
        level = np.column_stack([np.sin(az), np.cos(az), slope])
        least = height_on_wall(level, wall.psi, wall.distance, TOP_QUANTILE) * float(np.exp(-Z90 * np.sqrt(wall.covariance[0, 0])))
        if least > best:
            best, top = least, TopData(k, state.pixels(level).reshape(-1, 2))
    return top


def _ceiling_on_edges(view: View, pan: Panorama, state: State, path: np.ndarray, solved: Sequence[WallSolution],
                      use: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Slopes of the ceiling line (n) moved onto the photo's own edge, wall by wall, in the columns `use` (bool, n)."""
    out = slope.copy()
    for k, wall in enumerate(solved):
        own = use & (path == k)
        if not view.by_network or own.sum() < MIN_FOOT_COLUMNS:
            continue
        line, cell = level_line(pan, own, wall.psi, slope[own], np.ones(own.sum()))
        edge = edge_along(view, pan, state, own, line, cell, 0)
        if edge is not None:
            out[own] = line + edge.offset * cell
    return out
