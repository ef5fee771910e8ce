"""Where each wall's visible stretch ends: in a corner with another wall, at the photo's edge, or out of sight."""

from __future__ import annotations

import numpy as np

from poc.room.layout import EXACT, Layout
from poc.room.propagate import End
from poc.room.wallfit import WallSolution

CORNER_RAD, CORNER_COLUMNS = 0.06, 6
"""Two walls meet in a corner where their lines cross within this angle of where one gives way to the other in the photo, and
the second is seen over so many columns there."""


def two_ends(layout: Layout, k: int) -> tuple[End, End]:
    """The left and right end of wall k. It meets another wall in one corner at most: where it is seen on both sides of a wall that
    stands before it, the corner is on the side where that wall is seen over more columns, and on the other it goes on out of sight."""
    left, right = (_end(layout, k, side) for side in (-1, 1))
    if left.kind != "corner" or left.other != right.other:
        return left, right
    own = np.flatnonzero(layout.path == k)
    of_other = np.flatnonzero(layout.path == left.other)
    if (of_other < own[0]).sum() > (of_other > own[-1]).sum():
        return left, _open_end(layout, k, 1)
    return _open_end(layout, k, -1), right


def _end(layout: Layout, k: int, step: int) -> End:
    """Where the seen stretch of wall k ends on one side. step: −1 to the left, 1 to the right.

    In a corner it meets the next wall, and both are seen on their sides of it, or hidden by furniture only; anything else is the
    photo's edge, or the wall goes on out of sight.
    """
    pan, j = layout.pan, _last_column(layout, k, step)
    stops = _stops(layout, j, step)
    other = int(layout.path[stops[0]]) if len(stops) and layout.support[stops[0]] > 0 else -1
    if other >= 0 and other != k:
        meet = _meeting(layout.solved[k], layout.solved[other])
        low, high = sorted((pan.azimuth[j], pan.azimuth[stops[0]]))
        if meet is not None and low - CORNER_RAD < np.arctan2(*meet) < high + CORNER_RAD and _is_wall(layout, other, stops):
            return End("corner", other, _level_pixel(layout, np.arctan2(*meet)))
    return _open_end(layout, k, step)


def _open_end(layout: Layout, k: int, step: int) -> End:
    """The end of a wall that goes on behind something or out of the photo: where it is last seen."""
    j = _last_column(layout, k, step)
    return End("occluded" if len(_stops(layout, j, step)) else "frame", -1, _level_pixel(layout, layout.pan.azimuth[j]))


def _last_column(layout: Layout, k: int, step: int) -> int:
    """The outermost column on one side in which wall k is seen (or which was given to it, if it is seen in none)."""
    cols = np.flatnonzero((layout.path == k) & (layout.support > 0))
    if len(cols) == 0:
        cols = np.flatnonzero(layout.path == k)
    return int(cols[0] if step < 0 else cols[-1])


def _stops(layout: Layout, j: int, step: int) -> np.ndarray:
    """Columns beyond the j-th, in the direction of `step`, in which any wall is seen; the nearest first."""
    beyond = np.arange(j + step, -1 if step < 0 else len(layout.pan.azimuth), step)
    return beyond[layout.support[beyond] != 0]


def _is_wall(layout: Layout, k: int, columns: np.ndarray) -> bool:
    """Whether wall k is really seen where these columns begin, up to those of another wall. Its foot may be hidden there, if it is seen
    elsewhere; what only a network's depth shows may be no wall."""
    owner = layout.path[columns]
    run = columns[:int(np.argmax(np.append((owner != k) & (owner >= 0), True)))]
    seen = (layout.path[run] == k) & (layout.support[run] > 0)
    return seen.sum() >= CORNER_COLUMNS and (_exact(layout) or layout.walls[k].direct.sum() >= CORNER_COLUMNS)


def _level_pixel(layout: Layout, azimuth: float) -> tuple[float, float]:
    """Photo pixel at camera height in a direction."""
    return tuple(layout.state.pixels(np.array([[np.sin(azimuth), np.cos(azimuth), 0.0]]))[0])


def _meeting(a: WallSolution, b: WallSolution) -> np.ndarray | None:
    """Where two walls' lines cross, plan (2), camera heights; None where they are nearly parallel."""
    normals = np.array([[np.sin(a.psi), np.cos(a.psi)], [np.sin(b.psi), np.cos(b.psi)]])
    if abs(np.linalg.det(normals)) < 0.2:
        return None
    return np.linalg.solve(normals, [a.distance, b.distance])


def _exact(layout: Layout) -> bool:
    """Whether the depth is a sensor's, or as good: then it shows by itself what stands where."""
    return max(layout.noise.sigma, layout.noise.common) < EXACT
