"""Where floor meets wall: the lines that place walls without any depth, and which wall each direction sees.

Everything is in the panorama of `poc.room.view`, in units of the camera's height: a wall with plan normal at azimuth ψ and
distance D is seen at azimuth φ at the horizontal distance ρ = D / cos(φ − ψ), and its foot at slope −1/ρ. So the *nearness*
s = 1/ρ of a wall is linear in (cos φ, sin φ), and a pixel of the photo is about the same step of s everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from poc.room.view import CEILING, DOOR, FLOOR, WALL, WINDOW, Panorama

DEEP = 4.0
"""Nearness of the nearest wall considered: a quarter of the camera's height away."""
EVIDENCE_PER_CELL = 0.15
"""Nats per misread cell. Neighbouring cells err together, so a cell counts for much less than its own probability says."""
DEPTH_NATS = 4.0
"""What a column of depth says at most, with errors of 5 % or less. Columns of a network's depth err together: they say less."""
WALL_NATS = 4.0
"""What a wall explains of one column at most."""
MOST_WALLS, LEAST_NATS = 10, 8.0
"""At most so many walls are looked for; each must explain at least so many nats more than those found before it."""
MOST_SLANTED, LEAST_SLANTED_NATS = 2, 25.0
"""The same for walls at other angles than the room's own."""
NEAR_CELLS = 5
"""Both surfaces must be seen within so many cells of where one gives way to the other; skirting in between is often neither."""
BOTH_SEEN = 0.35
"""Probability of either surface near a crossing from which on it is seen there. With version 7, which was taught soft labels, 0.45 leaves
feet unseen (held-out frames: 3.2 instead of 4.1 % median error, 93 instead of 89 % inside; found 77 instead of 81 %)."""
LINE_COLUMNS, LINE_CELLS, LINE_TOLD = 55, 1.5, 0.6
"""A slanted wall's foot: so many crossings within so many cells of one straight line, and of those no more than such a share on any one
wall along the room's axes. With 40 of them corners cut by furniture count as walls."""
LINE_TRIALS, LINE_LEAST_CELLS = 600, 8
"""Pairs of crossings tried for a line, and how many cells apart (at slope 1) a pair must be."""
FOOT_WELL, FOOT_WELL_CELLS = 3.0, 2.0
"""Nats that a foot seen right there is worth over any other place in its column, and how wide that place is."""
CORNER_NATS, JUMP_NATS, MEETING_GAP = 1.5, 6.0, 0.06
"""Cost of going from one wall to another between neighbouring columns: where they meet, and where they are `MEETING_GAP`
(nearness) apart or more."""
BLANK_NATS, UNSEEN_NATS = 3.5, 30.0
"""Cost of a column in which no wall is seen, and of one given to a wall that is not in front of it."""


@dataclass(frozen=True)
class WallLine:
    """A candidate wall: a straight line in plan.

    psi: azimuth of its outward normal, radians (as `Panorama.azimuth`). nearness: 1 / its distance from the camera, in
    1/camera heights. along_axes: whether it stands along the room's own two directions, or at another angle.
    """

    psi: float
    nearness: float
    along_axes: bool = True

    def nearness_at(self, azimuth: np.ndarray) -> np.ndarray:
        """Nearness s at which the wall is seen along azimuths (radians, any shape); ≤ 0 where it is not in front."""
        return self.nearness * np.cos(azimuth - self.psi)


@dataclass(frozen=True)
class Crossing:
    """Where one surface gives way to another, per azimuth (n). slope: height over horizontal distance, NaN where there is no
    such place; direct: bool, whether both surfaces are seen right there."""

    slope: np.ndarray
    direct: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Costs (nats) of a wall standing at each nearness, per azimuth: arrays k×n over `nearness` (k) and azimuth (n).

    nearness: k samples, 1/camera heights, evenly spaced. foot: k×n, from the surfaces. depth: k×n, from the depth on wall
    cells. wall_cells: n, height of the wall seen in each column, in cells. cut: where floor gives way to wall in each column.
    """

    nearness: np.ndarray
    foot: np.ndarray
    depth: np.ndarray
    wall_cells: np.ndarray
    cut: Crossing

    @property
    def total(self) -> np.ndarray:
        """Foot and depth together, k×n."""
        return self.foot + self.depth

    def at(self, s: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Values of `table` (k×n, one of the arrays here) along curves of nearness s (…×n), nearest sample: …×n."""
        step = self.nearness[1] - self.nearness[0]
        i = np.clip(np.rint((s - self.nearness[0]) / step), 0, len(self.nearness) - 1).astype(np.intp)
        return table[i, np.arange(table.shape[1])]


def wall_share(p: np.ndarray) -> np.ndarray:
    """Probability of wall, door or window: all of them stand in the wall's plane."""
    return p[..., WALL] + p[..., DOOR] + p[..., WINDOW]


def gather_evidence(pan: Panorama, rho: np.ndarray | None, sigma_log: float) -> Evidence:
    """Foot and depth costs of a panorama. rho: m×n horizontal distance by depth in camera heights (NaN where unknown), None
    without depth. sigma_log: sigma of log rho.

    Below a wall's foot no wall may be seen, above it no floor; furniture may stand on either side and costs nothing.
    """
    step = pan.slope[1] - pan.slope[0]
    nearness = np.arange(0.0, DEEP, step)
    wall = wall_share(pan.p)
    weight = pan.rows_px * EVIDENCE_PER_CELL
    below = np.cumsum(-np.log(1 - 0.97 * np.clip(wall, 0, 1)) * weight, axis=0)
    above = np.cumsum((-np.log(1 - 0.97 * np.clip(pan.p[..., FLOOR], 0, 1)) * weight)[::-1], axis=0)[::-1]
    total = np.vstack([np.zeros((1, below.shape[1])), below]) + np.vstack([above, np.zeros((1, above.shape[1]))])
    edge = np.clip(np.rint((-nearness - pan.slope[0]) / step + 0.5), 0, len(total) - 1).astype(int)
    foot = total[edge] - total.min(0)
    cells = (wall * pan.rows_px * (wall > 0.4)).sum(0)
    depth = np.zeros_like(foot) if rho is None else _depth_cost(pan, wall, rho, sigma_log, nearness)
    cut = nearest_cut(pan)
    off = (nearness[:, None] + np.where(cut.direct, cut.slope, 0.0)) / (FOOT_WELL_CELLS * step)
    foot = foot + np.where(cut.direct, FOOT_WELL * (1 - np.exp(-0.5 * off**2)), 0.0)
    return Evidence(nearness, foot, depth * np.where(cut.direct, 0.5, 1.0), cells, cut)


def _depth_cost(pan: Panorama, wall: np.ndarray, rho: np.ndarray, sigma: float, nearness: np.ndarray) -> np.ndarray:
    """Robust misfit (Geman–McClure) of log distance averaged over each column's wall cells: k×n, nats.

    A histogram of log nearness per column, convolved with the kernel, gives the misfit at every nearness at once.
    """
    bin_log, lowest = 0.02, np.log(0.02)
    count = int((np.log(DEEP) - lowest) / bin_log) + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (-np.log(rho) - lowest) / bin_log
    rows, cols = np.nonzero(np.isfinite(value) & (wall > 0.4))
    k = np.clip(np.rint(value[rows, cols]), 0, count - 1).astype(int)
    hist = np.bincount(k * rho.shape[1] + cols, (wall * pan.rows_px)[rows, cols], count * rho.shape[1])
    hist = hist.reshape(count, -1).astype(np.float32)
    reach = int(np.ceil(4 * sigma / bin_log))
    kernel = 1.0 / (1.0 + 0.5 * (np.arange(-reach, reach + 1) * bin_log / sigma) ** 2)
    near = cv2.filter2D(hist, -1, kernel[:, None].astype(np.float32), borderType=cv2.BORDER_CONSTANT)
    nats = float(np.clip(DEPTH_NATS * 0.05 / sigma, 0.5, DEPTH_NATS))
    cost = (hist.sum(0) - near) / np.maximum(hist.sum(0), 20.0) * nats
    index = np.clip(np.rint((np.log(np.maximum(nearness, 0.02)) - lowest) / bin_log), 0, count - 1).astype(int)
    return cost[index]


def _wall_weight(ev: Evidence) -> np.ndarray:
    """How much each column counts (n, 0 to 1): fully where 40 cells of wall or more are seen in it."""
    return np.clip(ev.wall_cells, 0, 40) / 40


def _off_axes(psi):
    """Angle (radians, ≥ 0; a number or an array) from normal azimuths to the nearest of the room's own directions."""
    return np.abs((psi + np.pi / 4) % (np.pi / 2) - np.pi / 4)


def gain_table(pan: Panorama, ev: Evidence, psi: np.ndarray, nearness: np.ndarray) -> np.ndarray:
    """What a wall with each normal azimuth psi (a) and each nearness (b) explains of each column (n): a×b×n, `WALL_NATS` at best."""
    total = ev.total
    gain = np.maximum(0.0, WALL_NATS - (total - total.min(0))) * np.clip(ev.wall_cells, 0, 40) / 40
    cosines = np.cos(pan.azimuth - psi[:, None])
    return np.stack([np.where(cos > 0.05, ev.at(np.maximum(nearness[:, None] * cos, 0), gain), 0.0) for cos in cosines])


def find_walls(pan: Panorama, ev: Evidence, psi: np.ndarray) -> list[WallLine]:
    """Candidate walls with the given normal azimuths (radians): greedy peaks of what they explain."""
    nearness = np.exp(np.arange(np.log(0.08), np.log(DEEP), 0.02))
    nothing = np.zeros(len(pan.azimuth))
    return _peaks(gain_table(pan, ev, psi, nearness), psi, nearness, nothing, MOST_WALLS, LEAST_NATS)[0]


def room_turn(pan: Panorama, ev: Evidence) -> float:
    """Turn of the room's axes (radians, within an eighth of a circle either way) under which walls along them explain most. For
    photos whose lines do not tell the axes."""
    nearness = np.exp(np.arange(np.log(0.08), np.log(DEEP), 0.06))
    nothing = np.zeros(len(pan.azimuth))

    def worth(turn: float) -> float:
        psi = turn + np.arange(-1, 3) * np.pi / 2
        found, explained = _peaks(gain_table(pan, ev, psi, nearness), psi, nearness, nothing, MOST_WALLS, LEAST_NATS)
        return float(explained.sum()) - LEAST_NATS * len(found)

    return float(max(np.deg2rad(np.arange(-45.0, 45.0, 3.0)), key=worth))


def _peaks(table: np.ndarray, psi: np.ndarray, nearness: np.ndarray, explained: np.ndarray, most: int, least: float,
           along_axes: bool = True) -> tuple[list[WallLine], np.ndarray]:
    """Greedy choice from a `gain_table` (a×b×n over psi, nearness and columns).

    Each wall is the one that adds most to what is `explained` per column (n, nats); at most `most` walls, each of which adds
    at least `least` nats. Returns the walls, and what is explained in the end.
    """
    found = []
    for _ in range(most):
        score = np.maximum(table - explained, 0).sum(-1)
        a, b = np.unravel_index(np.argmax(score), score.shape)
        if score[a, b] < least:
            break
        found.append(WallLine(float(psi[a]), float(nearness[b]), along_axes))
        explained = np.maximum(explained, table[a, b])
    return found, explained


def find_slanted(pan: Panorama, ev: Evidence, walls: Sequence[WallLine], apart: float) -> list[WallLine]:
    """Walls at other angles, at least `apart` (radians) from the room's own, for columns that none of `walls` explains."""
    misfit = ev.total - ev.total.min(0)
    left = np.full(len(pan.azimuth), WALL_NATS)
    for wall in walls:
        cos = np.cos(pan.azimuth - wall.psi)
        left = np.minimum(left, np.where(cos > 0.05, ev.at(np.maximum(wall.nearness * cos, 0), misfit), WALL_NATS))
    weight = _wall_weight(ev)
    if ((left > 2.0) * weight).sum() < 10:
        return []
    psi = np.arange(pan.azimuth.min() - 1.4, pan.azimuth.max() + 1.4, np.deg2rad(4.0))
    psi, nearness = psi[_off_axes(psi) >= apart], np.exp(np.arange(np.log(0.1), np.log(DEEP), 0.03))
    table = gain_table(pan, ev, psi, nearness)
    return _peaks(table, psi, nearness, (WALL_NATS - left) * weight, MOST_SLANTED, LEAST_SLANTED_NATS, along_axes=False)[0]


def slanted_lines(pan: Panorama, cut: Crossing, walls: Sequence[WallLine], apart: float) -> list[WallLine]:
    """Walls at other angles, at least `apart` (radians) from the room's own, with at least `LINE_COLUMNS` foot crossings on one
    straight line, most of which lie on no single one of `walls`.

    A staircase of short walls along the room's axes explains a slanted wall column by column, but no room has one: so a line
    is compared with single walls only. Seeded RANSAC (Fischler and Bolles, 1981) over s = e·cos φ + q·sin φ, the crossings
    of each line taken out before the next is sought.
    """
    use = np.flatnonzero(cut.direct & (cut.slope < -0.05))
    step, rng, found = pan.slope[1] - pan.slope[0], np.random.default_rng(0), []
    a, s = np.column_stack([np.cos(pan.azimuth[use]), np.sin(pan.azimuth[use])]), -cut.slope[use]
    known = np.array([[w.nearness * np.cos(w.psi), w.nearness * np.sin(w.psi)] for w in walls]).reshape(-1, 2)
    while len(found) < MOST_SLANTED and len(s) >= LINE_COLUMNS:
        near = _best_line(a, s, step, rng)
        if near is None or near.sum() < LINE_COLUMNS:
            break
        e, q = np.linalg.lstsq(a[near], s[near], rcond=None)[0]
        line = WallLine(float(np.arctan2(q, e)), float(np.hypot(e, q)), along_axes=False)
        explained = (np.abs(known @ a[near].T - s[near]) < 2 * LINE_CELLS * step).mean(1).max(initial=0.0)
        if _off_axes(line.psi) > apart and explained < LINE_TOLD:
            found.append(line)
        a, s = a[~near], s[~near]
    return found


def _best_line(a: np.ndarray, s: np.ndarray, step: float, rng: np.random.Generator) -> np.ndarray | None:
    """Which crossings (n, bool) lie within `LINE_CELLS` of the line through two of them that most lie near to; None where all
    pairs tried are too close together. a: n×2 rows (cos φ, sin φ); s: their nearness; step: slope of one cell."""
    i, j = rng.integers(0, len(s), (2, LINE_TRIALS))
    cross = a[i, 0] * a[j, 1] - a[i, 1] * a[j, 0]
    i, j, cross = (x[np.abs(cross) > LINE_LEAST_CELLS * step] for x in (i, j, cross))
    if len(i) == 0:
        return None
    lines = np.stack([s[i] * a[j, 1] - s[j] * a[i, 1], s[j] * a[i, 0] - s[i] * a[j, 0]]) / cross
    near = np.abs(a @ lines - s[:, None]) < LINE_CELLS * step
    return near[:, np.argmax(near.sum(0))]


def assign_columns(pan: Panorama, ev: Evidence, walls: Sequence[WallLine]) -> np.ndarray:
    """Which of the walls (at least one) each azimuth sees: int, n, index into `walls`, −1 for none. Viterbi over columns;
    a change of walls costs `CORNER_NATS` where they meet, up to `JUMP_NATS` where they do not."""
    n, none = len(pan.azimuth), len(walls)
    s = np.vstack([*(w.nearness_at(pan.azimuth) for w in walls), np.zeros(n)])
    cost = np.where(s > 0.02, ev.at(np.maximum(s, 0), ev.total), UNSEEN_NATS)
    cost[none] = BLANK_NATS
    gap = np.clip(np.abs(s[:, None] - s[None]) / MEETING_GAP, 0, 1)
    move = CORNER_NATS + (JUMP_NATS - CORNER_NATS) * gap
    move[none, :], move[:, none] = JUMP_NATS / 2, JUMP_NATS / 2
    move[np.arange(none + 1), np.arange(none + 1)] = 0.0
    best, back = cost[:, 0].copy(), np.zeros((none + 1, n), int)
    for j in range(1, n):
        total = best[:, None] + move[:, :, j]
        back[:, j] = total.argmin(0)
        best = total.min(0) + cost[:, j]
    path = np.zeros(n, int)
    path[-1] = int(best.argmin())
    for j in range(n - 1, 0, -1):
        path[j - 1] = back[path[j], j]
    return np.where(path == none, -1, path)


def crossing(pan: Panorama, lower: np.ndarray, upper: np.ndarray, expected: np.ndarray, reach: int) -> Crossing:
    """Sub-cell slope where `lower` gives way to `upper` (probabilities, m×n), within `reach` cells of the expected slope (n,
    NaN where none is expected).

    The cut is where the least probability lies on the wrong side, within the window. `direct` asks for both surfaces within
    `NEAR_CELLS` of the cut, so that the edge of a sofa against a wall does not count.
    """
    step = pan.slope[1] - pan.slope[0]
    wide = reach + 8
    centre = np.rint((np.nan_to_num(expected, nan=-1e3) - pan.slope[0]) / step).astype(int)
    rows = centre[None] + np.arange(-wide, wide + 1)[:, None]
    inside = (rows >= 0) & (rows < len(pan.slope))
    rows = np.clip(rows, 0, len(pan.slope) - 1)
    cols = np.arange(len(pan.azimuth))[None]
    inside &= pan.seen[rows, cols]
    lo, up = lower[rows, cols] * inside, upper[rows, cols] * inside
    cost = np.cumsum(up, 0) + np.cumsum(lo[::-1], 0)[::-1] - lo  # cut above row i: upper at or below it, lower above it
    cost[:wide - reach], cost[wide + reach + 1:] = np.inf, np.inf
    i = np.argmin(np.where(inside, cost, np.inf), 0)
    c = cols[0]
    diff = lo - up
    j = np.minimum(i + 1, len(rows) - 1)
    a, b = diff[i, c], diff[j, c]
    frac = np.where((a > 0) & (b <= 0), a / np.maximum(a - b, 1e-6), 0.5)
    slope = pan.slope[rows[i, c]] + frac * step
    near_lo = np.max([lo[np.maximum(i - k, 0), c] for k in range(NEAR_CELLS)], 0)
    near_up = np.max([up[np.minimum(i + 1 + k, len(rows) - 1), c] for k in range(NEAR_CELLS)], 0)
    at_edge = (i <= wide - reach) | (i >= wide + reach) | ~inside[i, c] | ~inside[j, c]
    found = ~at_edge & np.isfinite(cost[i, c])
    return Crossing(np.where(found, slope, np.nan), found & (near_lo > BOTH_SEEN) & (near_up > BOTH_SEEN))


def nearest_cut(pan: Panorama) -> Crossing:
    """Floor to wall in each column, wherever it is below the horizon: the cut that misreads least in the whole column."""
    low = int(np.searchsorted(pan.slope, -0.02))
    middle = pan.slope[max(low // 2, 0)]
    return crossing(pan, pan.p[..., FLOOR], wall_share(pan.p), np.full(len(pan.azimuth), middle), max(low // 2, 4))


def foot_crossing(pan: Panorama, s: np.ndarray, reach: int = 8) -> Crossing:
    """Floor to wall within `reach` cells of the expected nearness s (n)."""
    return crossing(pan, pan.p[..., FLOOR], wall_share(pan.p), -s, reach)


def ceiling_crossing(pan: Panorama, expected: np.ndarray, reach: int = 60) -> Crossing:
    """Wall to ceiling within `reach` cells of the expected slope (n)."""
    return crossing(pan, wall_share(pan.p), pan.p[..., CEILING], expected, reach)
