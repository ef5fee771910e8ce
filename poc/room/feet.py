"""Where floor meets wall: the lines that place walls without any depth, and which wall each direction sees.

Everything is in the panorama of `poc.room.view`, in units of the camera's height: a wall with plan normal at azimuth ψ and
distance D is seen at azimuth φ at the horizontal distance ρ = D / cos(φ − ψ), and its foot at slope −1/ρ. So the *nearness*
s = 1/ρ of a wall is linear in (cos φ, sin φ), and a pixel of the photo is about the same step of s everywhere.
"""

from __future__ import annotations

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
MOST_WALLS, LEAST_NATS = 10, 8.0
"""So many walls are looked for, each while it explains so much more."""
NEAR_CELLS = 5
"""Both surfaces must be seen within so many cells of where one gives way to the other; skirting in between is often neither."""
BOTH_SEEN = 0.35
"""Probability of either surface near a crossing from which on it is seen there. With version 7, which was taught soft labels, 0.45 leaves
feet unseen (held-out frames: 3.2 instead of 4.1 % median error, 93 instead of 89 % inside; found 77 instead of 81 %)."""
LINE_COLUMNS, LINE_CELLS, LINE_TOLD = 55, 1.5, 0.6
"""A slanted wall's foot: so many crossings within so many cells of one straight line, and of those no more than such a share on any one
wall along the room's axes. With 40 of them corners cut by furniture count as walls."""
LINE_TRIALS, LINE_LEAST_CELLS = 600, 8
FOOT_WELL, FOOT_WELL_CELLS = 3.0, 2.0
"""Nats that a foot seen right there is worth over any other place in its column, and how wide that place is."""


@dataclass(frozen=True)
class Crossing:
    """Per azimuth: slope where one surface gives way to another (NaN where none), and whether both are seen right there."""

    slope: np.ndarray
    direct: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Costs (nats) of a wall standing at each nearness, per azimuth: arrays k×n over `nearness` (k) and azimuth (n).

    foot: from the surfaces; depth: from the depth on wall cells; wall_cells: height of wall seen per azimuth, in cells;
    cut: where floor gives way to wall in each column, and whether both are seen right there.
    """

    nearness: np.ndarray
    foot: np.ndarray
    depth: np.ndarray
    wall_cells: np.ndarray
    cut: Crossing

    def at(self, s: np.ndarray, table: np.ndarray) -> np.ndarray:
        """`table` (k×n) along curves s (…×n), nearest sample."""
        step = self.nearness[1] - self.nearness[0]
        i = np.clip(np.rint((s - self.nearness[0]) / step), 0, len(self.nearness) - 1).astype(np.intp)
        return table[i, np.arange(table.shape[1])]


def wall_share(p: np.ndarray) -> np.ndarray:
    """Probability of wall, door or window: all of them stand in the wall's plane."""
    return p[..., WALL] + p[..., DOOR] + p[..., WINDOW]


def gather_evidence(pan: Panorama, rho: np.ndarray | None, sigma_log: float) -> Evidence:
    """Foot and depth costs. rho: m×n horizontal distance by depth in camera heights (NaN where unknown).

    Below its foot a wall can show no wall, above it no floor; furniture is possible on both sides and costs nothing.
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
    """Robust misfit (Geman–McClure) of log distance summed over each column's wall cells."""
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


def gain_table(pan: Panorama, ev: Evidence, angles: np.ndarray, e: np.ndarray) -> np.ndarray:
    """What a wall at each angle and nearness explains, per column: angles × e × columns, 4 nats at best."""
    total = ev.foot + ev.depth
    gain = np.maximum(0.0, 4.0 - (total - total.min(0))) * np.clip(ev.wall_cells, 0, 40) / 40
    c = np.cos(pan.azimuth - angles[:, None])
    return np.stack([np.where(row > 0.05, ev.at(np.maximum(e[:, None] * row, 0), gain), 0.0) for row in c])


def find_walls(pan: Panorama, ev: Evidence, angles: np.ndarray) -> list[tuple[float, float]]:
    """Candidate walls (psi, nearness e) over the given normal azimuths: greedy peaks of what columns they explain."""
    e = np.exp(np.arange(np.log(0.08), np.log(DEEP), 0.02))
    return _peaks(gain_table(pan, ev, angles, e), angles, e, np.zeros(len(pan.azimuth)), MOST_WALLS, LEAST_NATS)[0]


def room_turn(pan: Panorama, ev: Evidence) -> float:
    """The turn (radians, within an eighth of a circle either way) of two directions at right angles whose walls explain most: what
    there is where no lines tell how the room lies."""
    e = np.exp(np.arange(np.log(0.08), np.log(DEEP), 0.06))

    def worth(turn: float) -> float:
        angles = turn + np.arange(-1, 3) * np.pi / 2
        found, explained = _peaks(gain_table(pan, ev, angles, e), angles, e, np.zeros(len(pan.azimuth)), MOST_WALLS, LEAST_NATS)
        return float(explained.sum()) - LEAST_NATS * len(found)

    return float(max(np.deg2rad(np.arange(-45.0, 45.0, 3.0)), key=worth))


def _peaks(table: np.ndarray, psi: np.ndarray, e: np.ndarray, explained: np.ndarray, most: int, least: float):
    """Up to `most` walls (psi, e), each the one that adds most to what is `explained` per column, while it adds `least` nats; and what
    is explained by then."""
    found = []
    for _ in range(most):
        score = np.maximum(table - explained, 0).sum(-1)
        a, b = np.unravel_index(np.argmax(score), score.shape)
        if score[a, b] < least:
            break
        found.append((float(psi[a]), float(e[b])))
        explained = np.maximum(explained, table[a, b])
    return found, explained


def find_slanted(pan: Panorama, ev: Evidence, walls: list[tuple[float, float]], apart: float, most: int = 2) -> list[tuple[float, float]]:
    """Walls at other angles (psi, e), at least `apart` (radians) from the room's own, for columns that none of `walls` explains."""
    total = ev.foot + ev.depth
    lack = total - total.min(0)
    have = np.full(len(pan.azimuth), 4.0)
    for psi, e in walls:
        c = np.cos(pan.azimuth - psi)
        have = np.minimum(have, np.where(c > 0.05, ev.at(np.maximum(e * c, 0), lack), 4.0))
    weight = np.clip(ev.wall_cells, 0, 40) / 40
    if ((have > 2.0) * weight).sum() < 10:
        return []
    psi = np.arange(pan.azimuth.min() - 1.4, pan.azimuth.max() + 1.4, np.deg2rad(4.0))
    own = np.abs((psi + np.pi / 4) % (np.pi / 2) - np.pi / 4) < apart
    psi, e = psi[~own], np.exp(np.arange(np.log(0.1), np.log(DEEP), 0.03))
    return _peaks(gain_table(pan, ev, psi, e), psi, e, (4.0 - have) * weight, most, 25.0)[0]


def slanted_lines(pan: Panorama, cut: Crossing, walls: list[tuple[float, float]], apart: float, most: int = 2) -> list[tuple[float, float]]:
    """Walls at other angles (psi, e), at least `apart` from the room's own, on whose straight foot so many crossings lie as on no one of
    `walls`: a staircase of short walls along the room's axes explains a slanted one column by column, and is there in no room.

    Seeded RANSAC (Fischler and Bolles 1981) over s = e·cos φ + q·sin φ, line after line."""
    use = np.flatnonzero(cut.direct & (cut.slope < -0.05))
    step, rng, out = pan.slope[1] - pan.slope[0], np.random.default_rng(0), []
    a, s = np.column_stack([np.cos(pan.azimuth[use]), np.sin(pan.azimuth[use])]), -cut.slope[use]
    own = np.array([[e * np.cos(psi), e * np.sin(psi)] for psi, e in walls]).reshape(-1, 2)
    while len(out) < most and len(s) >= LINE_COLUMNS:
        i, j = rng.integers(0, len(s), (2, LINE_TRIALS))
        cross = a[i, 0] * a[j, 1] - a[i, 1] * a[j, 0]
        i, j, cross = (x[np.abs(cross) > LINE_LEAST_CELLS * step] for x in (i, j, cross))
        if len(i) == 0:
            break
        lines = np.stack([s[i] * a[j, 1] - s[j] * a[i, 1], s[j] * a[i, 0] - s[i] * a[j, 0]]) / cross
        near = np.abs(a @ lines - s[:, None]) < LINE_CELLS * step
        best = near[:, np.argmax(near.sum(0))]
        if best.sum() < LINE_COLUMNS:
            break
        x = np.linalg.lstsq(a[best], s[best], rcond=None)[0]
        psi, e = float(np.arctan2(x[1], x[0])), float(np.hypot(*x))
        told = (np.abs(own @ a[best].T - s[best]) < 2 * LINE_CELLS * step).mean(1).max(initial=0.0)
        if abs((psi + np.pi / 4) % (np.pi / 2) - np.pi / 4) > apart and told < LINE_TOLD:
            out.append((psi, e))
        a, s = a[~best], s[~best]
    return out


def assign_columns(pan: Panorama, ev: Evidence, walls: list[tuple[float, float]], corner: float = 1.5,
                   jump: float = 6.0, blank: float = 3.5) -> np.ndarray:
    """Which wall each azimuth sees (index, -1 for none): Viterbi over columns. Changing walls is cheap where they meet."""
    n, k = len(pan.azimuth), len(walls)
    psi, e = np.array(walls).T
    s = np.vstack([e[:, None] * np.cos(pan.azimuth - psi[:, None]), np.zeros(n)])
    cost = np.where(s > 0.02, ev.at(np.maximum(s, 0), ev.foot + ev.depth), 30.0)
    cost[-1] = blank
    gap = np.clip(np.abs(s[:, None] - s[None]) / 0.06, 0, 1)
    move = corner + (jump - corner) * gap
    move[-1, :], move[:, -1] = jump / 2, jump / 2
    move[np.arange(k + 1), np.arange(k + 1)] = 0.0
    best, back = cost[:, 0].copy(), np.zeros((k + 1, n), int)
    for j in range(1, n):
        total = best[:, None] + move[:, :, j]
        back[:, j] = total.argmin(0)
        best = total.min(0) + cost[:, j]
    path = np.zeros(n, int)
    path[-1] = int(best.argmin())
    for j in range(n - 1, 0, -1):
        path[j - 1] = back[path[j], j]
    return np.where(path == k, -1, path)


def crossing(pan: Panorama, lower: np.ndarray, upper: np.ndarray, expected: np.ndarray, reach: int) -> Crossing:
    """Sub-cell slope where `lower` (m×n probability) gives way to `upper`, within `reach` cells of the expected slope (n).

    The cut misreads least on both sides of it within the window. `direct` asks for both surfaces within a few cells of
    the cut, so that the edge of a sofa against a wall does not count.
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
    """Floor to wall near the expected nearness s (n)."""
    return crossing(pan, pan.p[..., FLOOR], wall_share(pan.p), -s, reach)


def ceiling_crossing(pan: Panorama, expected: np.ndarray, reach: int = 60) -> Crossing:
    """Wall to ceiling near the expected slope (n)."""
    return crossing(pan, wall_share(pan.p), pan.p[..., CEILING], expected, reach)
