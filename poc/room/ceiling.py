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
LEAST_CLIMB, LEAST_RUN, LEAST_GRADE = 0.2, 1.0, 0.14
"""What shows that a ceiling is not level: its line on a wall rises by so much, along so much of the wall (camera heights), so steeply (8°).
Of 389 photos of bedrooms 56 show such a rise; by eye most of those have a sloping ceiling. Under level ceilings it is a wall in the wrong
place that makes the line rise: on 1 of 87 rendered photos and 21 of NYU's 142, mostly of shops and of kitchens open to other rooms."""
CLIMB_COLUMNS = 30
"""Least columns in which such a rise is seen."""
OFF_CLIMB = 0.15
"""A rise is a straight one where half of its columns are within this share of it."""
FITTED = 60
"""Columns, evenly spread, that a rising line is fitted to."""


@dataclass(frozen=True)
class Climb:
    """The ceiling's line where it rises along a wall, so that the ceiling is not level. wall: its index. low_uv, high_uv: k×2 photo
    pixels on the lowest and on the highest fifth of the rise."""

    wall: int
    low_uv: np.ndarray
    high_uv: np.ndarray


@dataclass(frozen=True)
class CeilingData:
    """What is seen of the ceiling.

    line_uv: n×2 photo pixels on the line where walls meet it. line_wall: n, index of the wall below each of them. depth_uv: m×2
    photo pixels on the ceiling, with depth_d: m, inverse depth there as the map gives it. mask: its cells on the working grid. climb: the
    greatest rise of the line along a wall; None where it shows the ceiling level.
    """

    line_uv: np.ndarray
    line_wall: np.ndarray
    depth_uv: np.ndarray
    depth_d: np.ndarray
    mask: np.ndarray
    climb: Climb | None = None


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
    climb = _greatest_climb(pan, state, np.where(use, path, -1), solved, cut.slope, height)
    if use.sum() >= LEAST_LINE:
        middle = np.median(height[use])
        use &= np.abs(height - middle) < LINE_SPREAD * middle
    if use.sum() < LEAST_LINE:
        use = np.zeros_like(use)
    az, slope = pan.azimuth[use], _ceiling_on_edges(view, pan, state, path, solved, use, cut.slope)[use]
    uv = state.pixels(np.column_stack([np.sin(az), np.cos(az), slope])).reshape(-1, 2)
    mask = ceiling_mask(view, state.room_from_cam[2])
    depth = depth_samples(view, seen.field, mask)
    return CeilingData(uv, path[use], depth.uv, depth.inverse, mask, climb)


def _greatest_climb(pan: Panorama, state: State, path: np.ndarray, solved: Sequence[WallSolution], slope: np.ndarray,
                    height: np.ndarray) -> Climb | None:
    """The greatest rise of the ceiling's line along a wall. path: per column the wall whose ceiling line is seen there, −1 for none.
    slope: of that line. height: of it over the camera, camera heights."""
    greatest, found = 0.0, None
    for k, wall in enumerate(solved):
        own = np.flatnonzero(path == k)
        along = wall.distance * np.tan(pan.azimuth[own] - wall.psi)
        for part in _rises(height[own]):
            rise = climbed(along[part], height[own[part]])
            if abs(rise) > greatest:
                upward = own[part] if rise > 0 else own[part][::-1]
                greatest, found = abs(rise), (k, upward)
    if found is None:
        return None
    k, upward = found
    uv = state.pixels(np.column_stack([np.sin(pan.azimuth[upward]), np.cos(pan.azimuth[upward]), slope[upward]]))
    fifth = len(upward) // 5
    return Climb(k, uv[:fifth], uv[-fifth:])


def _rises(height: np.ndarray) -> list[slice]:
    """Where a ceiling's line (n heights, from left to right) may rise evenly: along the whole, and on either side of its highest point, as
    under a gable."""
    whole = [slice(0, len(height))]
    if len(height) < 2 * CLIMB_COLUMNS:
        return whole
    smooth = np.convolve(np.pad(height, 4, "edge"), np.ones(9) / 9, "valid")
    peak = int(np.argmax(smooth))
    return [*whole, slice(0, peak + 1), slice(peak, len(height))]


def climbed(along: np.ndarray, height: np.ndarray) -> float:
    """How far a ceiling's line rises over its length, camera heights (negative: it falls); 0 where it is level, or not straight.

    along, height: n, camera heights, in order along the wall. The line is fitted by Theil and Sen's estimator, the median over all pairs
    of columns, so that a lamp before the line does not count.
    """
    if len(along) < CLIMB_COLUMNS or np.ptp(along) < LEAST_RUN:
        return 0.0
    pick = np.linspace(0, len(along) - 1, min(len(along), FITTED)).astype(int)
    one, other = np.triu_indices(len(pick), 1)
    one, other = pick[one], pick[other]
    grade = float(np.median((height[other] - height[one]) / (along[other] - along[one])))
    rise = grade * float(np.ptp(along))
    off = height[pick] - grade * along[pick]
    straight = float(np.median(np.abs(off - np.median(off)))) < OFF_CLIMB * abs(rise)
    return rise if straight and abs(grade) > LEAST_GRADE and abs(rise) > LEAST_CLIMB else 0.0


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
