"""Which of the walls found to believe, where depth and surfaces are a network's; and which columns speak for each.

A wall here is a `WallLine` (candidate), its observations (`WallData`) or its solution (`WallSolution`); *path* is the index of
the wall seen in each panorama column, −1 for none.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from poc.room.feet import Evidence, WallLine, wall_share
from poc.room.view import FLOOR, Panorama
from poc.room.wallfit import State, WallData, WallSolution, misfit, solve_wall

AGREED, DISCORD, FALSE_FOOT = 0.05, 0.3, 0.5
"""How far discord between foot and depth widens the foot. Within `AGREED` (log distance) they agree. Of what they differ by
beyond it, the share `DISCORD` is one sigma of the foot; the share itself grows with the discord, to twice as much at
`FALSE_FOOT`, where the foot is as often that of a tub or a worktop. On NYU's held-out frames true feet were up to 0.46 from a
network's depth, false ones 0.5 to 1.2."""
NEARER = 1.2
"""The least such share where the foot is nearer than the depth above it: it may be that of a tub, a screen, a washer
or a base unit before the wall (by eye, 19 of 100 feet in bathrooms were). A foot that is too far has no such cause."""
NO_FOOT = 0.4
"""A foot farther than the wall's depth by more than this (log distance) is dropped: a bed half a metre high, taken for floor, moves
the foot so far. True feet were up to 0.28 off on the held-out frames (model version 6)."""
WALL_EVEN, WALL_FEET, WALL_SHARE, WALL_OFF, WALL_FOOT_OFF = 2.15, 2.4, 0.52, 13.7, 7.5
"""Coefficients of the log odds that a wall found is real (`wall_logit`): the constant, and those of `WallEvidence`.

Logistic regression on some 1600 walls found in NYU's 695 training frames and in 226 renders not learnt from. A good wall is one
whose distance is within 15 % of a true wall's, or of the plane that its own pixels, labelled wall, show. On the 100 held-out
frames a good wall has better odds than a bad one in 78 % of pairs. The length seen adds nothing: most narrow ones are walls too."""
FEET_COLUMNS, LEAST_SHARE, MOST_OFF = 60, 4e-4, 0.6
"""Columns with a foot beyond which more say no more; added to the share of the photo before its log; most that depth may be off (log)."""
LEAST_BELIEF = 0.25
"""Log odds from which on a wall is believed (56 %). With even odds as many true walls are found, and a quarter more false ones."""
CONCEDED_NATS = 0.3
"""A column of a wall that is not believed goes to another wall that leaves at most this much more of it unexplained: often the two
are one wall, found twice."""
SUPPORT_NATS, SUPPORT_CELLS = 2.0, 2.0
"""A column speaks against its wall where its foot would fit elsewhere by `SUPPORT_NATS` better, or its depth by half of what it can
say; a column with fewer than `SUPPORT_CELLS` cells of wall says nothing."""
PAST_FLOOR, PAST_CELLS, PAST_HEIGHTS, PAST_SHARE = 0.6, 4.0, 0.18, 0.9
"""A wall is cut where one sees past it over a stretch of at least `PAST_HEIGHTS` (camera heights): to floor, of probability
`PAST_FLOOR` or more, `PAST_CELLS` high and as many cells beyond the foot; or to the foot of a wall behind it, whose nearness is
less than `PAST_SHARE` of the wall's own."""
BEYOND_DEPTH = 1.6
"""A wall is not continued, where its foot is not seen, into columns in which it would be this many times as far away as a network's
depth: seen at a flat angle, a few columns of another wall would make ten metres of it."""


def credible(data: list[WallData], state: State) -> list[bool]:
    """Which walls to believe where depth is a network's, one bool per wall. The likeliest is always believed."""
    odds = np.array([wall_logit(d, state) for d in data])
    return [bool(x) for x in odds >= min(LEAST_BELIEF, odds.max(initial=-np.inf))]


def wall_logit(data: WallData, state: State) -> float:
    """Log odds that there is a wall, and at this distance; −∞ where nothing is observed.

    The front of a sofa or a chest has a foot too, and a network takes it for wall; but the foot is short, and what is seen above
    it is a wall farther back.
    """
    seen = wall_evidence(data, state)
    return -np.inf if seen is None else WALL_EVEN + float(np.dot([WALL_FEET, WALL_SHARE, -WALL_OFF, WALL_FOOT_OFF], seen))


class WallEvidence(NamedTuple):
    """What speaks for a wall, in the order of the coefficients above (fitted by `tests/eval_walls.py`).

    feet: columns that see its foot, as a share of `FEET_COLUMNS`. log_share: log of its share of the photo. depth_off: median
    distance of its depth from it (log). foot_off: distance between its foot and its depth as the map gives it (log); it excuses
    about half of what `depth_off` counts against the wall.
    """

    feet: float
    log_share: float
    depth_off: float
    foot_off: float


def wall_evidence(data: WallData, state: State) -> WallEvidence | None:
    """The evidence for one wall, or None where nothing of it is observed."""
    solved, mapped = solve_wall(data, state), solve_wall(as_mapped(data), state)
    if solved is None:
        return None
    foot_off = 0.0
    if mapped is not None and mapped.foot_alone and mapped.depth_alone:
        foot_off = abs(float(np.log(mapped.foot_alone / mapped.depth_alone)))
    feet = min(int(data.direct.sum()), FEET_COLUMNS) / FEET_COLUMNS
    return WallEvidence(feet, float(np.log(data.mask.mean() + LEAST_SHARE)), min(misfit(data, solved, state), MOST_OFF), foot_off)


def doubted(data: WallData, solved: WallSolution | None, azimuth: np.ndarray) -> WallData:
    """The wall with its foot made as uncertain as its depth contradicts it, since a foot that is really furniture's shows in that.

    This widens the interval and leaves the value: the foot is still the better guess (Birge, 1932, widens for discord in this
    way). A foot beyond the depth by `NO_FOOT` is dropped instead: a bed or a worktop taken for floor puts it there, never a wall.

    solved: the wall's solution with depth as the map gives it (`as_mapped`). azimuth: of every panorama column, radians.
    """
    if solved is None or not solved.foot_alone or not solved.depth_alone:
        return data
    farther = np.log(solved.foot_alone / solved.depth_alone)
    if farther > NO_FOOT:
        return as_mapped(without_foot(data))
    apart = max(abs(farther) - AGREED, 0.0)
    discord = max(DISCORD * (1 + apart / FALSE_FOOT), NEARER if farther < 0 else 0.0)
    cos = np.cos(azimuth[data.direct] - solved.psi)
    per_log = float((cos**2).sum() / max(cos.sum(), 1e-6)) / solved.distance  # nearness shared by all crossings, per log distance
    sigma = discord * apart * per_log
    return replace(data, foot_shared=float(np.hypot(data.foot_shared, sigma)))


def as_mapped(data: WallData) -> WallData:
    """The wall with its depth as the map gives it. The correction comes from the floor, and so from the very bed taken for floor."""
    return replace(data, depth_gain=np.ones_like(data.depth_gain))


def without_foot(data: WallData) -> WallData:
    """The wall with its depth alone."""
    none = np.zeros(0)
    return replace(data, foot_uv=np.zeros((0, 2)), foot_w=none, foot_sigma=none, direct=np.zeros_like(data.direct), foot_shared=0.0)


def parted(path: np.ndarray, walls: Sequence[WallLine], azimuth: np.ndarray) -> np.ndarray:
    """The path without the stretches by which two walls would run through each other: where both are seen on both sides of where
    they meet, the shortest of the four stretches becomes nobody's."""
    out = path.copy()
    nearness = [wall.nearness_at(azimuth) for wall in walls]
    for i, j in itertools.combinations(range(len(walls)), 2):
        first, second, nearer = path == i, path == j, nearness[i] > nearness[j]
        stretches = (first & nearer, first & ~nearer, second & nearer, second & ~nearer)
        if all(stretch.any() for stretch in stretches):
            out[min(stretches, key=np.count_nonzero)] = -1
    return out


def costs(ev: Evidence, azimuth: np.ndarray, wall: WallLine) -> np.ndarray:
    """What a wall leaves unexplained of each column's foot and depth: n, nats."""
    return ev.at(np.maximum(wall.nearness_at(azimuth), 0.0), ev.total)


def conceded(path: np.ndarray, walls: Sequence[WallLine], azimuth: np.ndarray, ev: Evidence, claimed: np.ndarray) -> np.ndarray:
    """The path without the columns that a wall which is not believed explains better.

    claimed: per column, what that wall leaves unexplained (`costs`), infinite where there is none. It may be no wall, or stand
    elsewhere, but what is seen there belongs to none of the others either: given to them, it made them run on behind a side wall
    and mixed its depth with theirs.
    """
    given = np.full(len(path), -np.inf)
    for k, wall in enumerate(walls):
        given = np.where(path == k, costs(ev, azimuth, wall), given)
    return np.where(given > claimed + CONCEDED_NATS, -1, path)


def seen_past(pan: Panorama, walls: list[WallData], solved: list[WallSolution]) -> np.ndarray:
    """Whether one sees past where each wall would stand, to floor or to another wall's foot behind it: bool, walls × azimuths."""
    s = np.stack([np.cos(pan.azimuth - w.psi) / w.distance for w in solved])  # nearness
    above = pan.slope[:, None] > -s[:, None] + PAST_CELLS * (pan.slope[1] - pan.slope[0])
    floor_cells = (above * ((pan.p[..., FLOOR] > PAST_FLOOR) * pan.rows_px)).sum(1)
    feet = np.stack([np.where(wall.direct, nearness, np.inf) for wall, nearness in zip(walls, s)])
    behind = (feet[None] < PAST_SHARE * s[:, None]).any(1)
    return (s > 0.02) & ((floor_cells >= PAST_CELLS) | behind)


def pieces(columns: np.ndarray, past: np.ndarray, along: np.ndarray) -> list[np.ndarray]:
    """A wall's columns (bool, n) cut into pieces where one sees past it: a list of n-bool masks, from left to right.

    past: bool, n, this wall's row of `seen_past`. along: n, where each column meets the wall, camera heights along it.
    """
    part = np.zeros(len(columns), int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], past.astype(int), [0]])))
    own = np.flatnonzero(columns)
    for start, stop in edges.reshape(-1, 2):
        start, stop = max(start, own[0]), min(stop, own[-1] + 1)
        if stop > start and abs(along[stop - 1] - along[start]) >= PAST_HEIGHTS:
            part[start:] += 1
            columns = columns.copy()
            columns[start:stop] = False
    return [columns & (part == k) for k in np.unique(part)]


def supported(pan: Panorama, ev: Evidence, path: np.ndarray, walls: Sequence[WallData], solved: Sequence[WallSolution],
              rho: np.ndarray | None, others: np.ndarray) -> np.ndarray:
    """`Layout.support`: whether foot and depth of each column speak for the wall that it was given to (1 yes, −1 no, 0 says nothing).

    walls, solved: in the order of the path's indices. rho: m×n horizontal distance by a network's depth, camera heights; None
    where depth is a sensor's. others: bool, n, whether a column that was given to none shows a wall that is none of these.
    """
    out = np.where(others & (path < 0) & (ev.wall_cells >= SUPPORT_CELLS), -1, 0)
    if not solved:
        return out
    psi, distance = np.array([w.psi for w in solved])[path], np.array([w.distance for w in solved])[path]
    s = np.cos(pan.azimuth - psi) / distance
    foot, depth = (ev.at(np.maximum(s, 0.0), t) - t.min(0) for t in (ev.foot, ev.depth))
    most = ev.depth.max(0) - ev.depth.min(0)
    shown = (path >= 0) & (ev.wall_cells >= SUPPORT_CELLS)
    speaks = (foot < SUPPORT_NATS) & (depth <= 0.5 * most)
    if rho is not None:
        seen_foot = np.any([d.direct for d in walls], axis=0)
        speaks &= seen_foot | ~(_column_medians(rho, wall_share(pan.p) > 0.5) * np.maximum(s, 1e-3) * BEYOND_DEPTH < 1.0)
    out[shown] = np.where(speaks[shown], 1, -1)
    return out


def _column_medians(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Median of each column of m×n over the cells that count (bool, m×n), NaN where there are none."""
    masked = np.where(where, values, np.nan)
    out = np.full(values.shape[1], np.nan)
    some = np.isfinite(masked).any(0)
    out[some] = np.nanmedian(masked[:, some], axis=0)
    return out
