"""Which of the walls found to believe, where depth and surfaces are a network's."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from poc.room.feet import Evidence, wall_share
from poc.room.view import FLOOR, Panorama
from poc.room.wallfit import State, WallData, WallSolution, misfit, solve_wall

AGREED, DISCORD, FALSE_FOOT = 0.05, 0.3, 0.5
"""Foot and depth that differ by less than the first (log distance) agree; what they differ by beyond it counts with the second as
one sigma of the foot, and with more the more it is: twice that where it is the third, where a foot is as often none (a tub or a
worktop taken for floor). On NYU's held-out frames feet were right with a network's depth up to 0.46 off, and false at 0.5 to 1.2."""
NEARER = 1.2
"""The same first weight where the foot is nearer than depth has the wall above it: then it may be that of a tub, a screen, a washer or a base
unit before the wall, as by eye 19 of 100 feet in bathrooms were; a foot that is too far has no such cause."""
NO_FOOT = 0.4
"""A foot farther than depth has the wall by more than this, in log distance, is none: so far off puts it a bed of half a metre that is
taken for floor. True ones were up to 0.28 off on the held-out frames (version 6)."""
WALL_EVEN, WALL_FEET, WALL_SHARE, WALL_OFF, WALL_FOOT_OFF = 2.15, 2.4, 0.52, 13.7, 7.5
"""Log odds that a wall found is one: so much, and more by the columns that see its foot (as a share of `FEET_COLUMNS`) and by the log of its
share of the photo; less by how far its depth lies from it (median, log), of which a foot that its depth contradicts is excused about half.
Logistic regression on some 1600 walls found in NYU's 695 training frames and in 226 renders not learnt from: good is one whose distance is
within 15 % of a true wall's or of the plane that its own pixels, labelled wall, show. On the 100 held-out frames a good wall has better odds
than a bad one in 78 % of pairs. How long a stretch is seen says nothing beside these: of narrow ones most are walls too."""
FEET_COLUMNS, LEAST_SHARE, MOST_OFF = 60, 4e-4, 0.6
LEAST_BELIEF = 0.25
"""Log odds from which on a wall is believed: 56 of a hundred. With even odds as many walls whose foot is seen are found, and a quarter
more walls where none is."""
CONCEDED_NATS = 0.3
"""A column of a wall that is not believed goes to another one that leaves no more than this more unexplained: often it is the same wall."""
SUPPORT_NATS, SUPPORT_CELLS = 2.0, 2.0
"""A column speaks against its wall where its foot would be this much better elsewhere, or its depth by half of what it can
say; one that sees fewer cells of wall than the second number says nothing."""
PAST_FLOOR, PAST_CELLS, PAST_HEIGHTS, PAST_SHARE = 0.6, 4.0, 0.18, 0.9
"""A wall ends where one sees past it over such a stretch (camera heights): floor of at least this probability and so many cells high, as many
cells beyond its foot, or the foot of another wall, to which the wall is no nearer than this share of its distance."""
BEYOND_DEPTH = 1.6
"""A wall whose foot is not seen is not drawn on to where it would be so many times as far away as a network's depth has it: at a flat
angle a few columns of another wall would else make ten metres of this one."""


def credible(data: list[WallData], state: State) -> list[bool]:
    """Which walls to believe where depth is a network's; of some walls one at least."""
    odds = np.array([wall_logit(d, state) for d in data])
    return [bool(x) for x in odds >= min(LEAST_BELIEF, odds.max(initial=-np.inf))]


def wall_logit(data: WallData, state: State) -> float:
    """Log odds that a wall is there, and there. The front of a sofa or of a chest has a foot too, and a network takes it for wall; but what
    is seen above it is a wall farther back, and its foot is short; a strip of another wall looks as if the room opened."""
    seen = wall_evidence(data, state)
    return -np.inf if seen is None else WALL_EVEN + float(np.dot([WALL_FEET, WALL_SHARE, -WALL_OFF, WALL_FOOT_OFF], seen))


def wall_evidence(data: WallData, state: State) -> tuple[float, float, float, float] | None:
    """What speaks for a wall: columns that see its foot, log share of the photo, log distance of its depth from it, and of its depth as mapped
    from its foot; None where nothing is observed. What the constants above weigh (fitted by `tests/eval_walls.py`)."""
    solved, mapped = solve_wall(data, state), solve_wall(as_mapped(data), state)
    if solved is None:
        return None
    apart = 0.0
    if mapped is not None and mapped.foot_alone and mapped.depth_alone:
        apart = abs(float(np.log(mapped.foot_alone / mapped.depth_alone)))
    feet = min(int(data.direct.sum()), FEET_COLUMNS) / FEET_COLUMNS
    return feet, float(np.log(data.mask.mean() + LEAST_SHARE)), min(misfit(data, solved, state), MOST_OFF), apart


def doubted(data: WallData, solved: WallSolution | None, azimuth: np.ndarray) -> WallData:
    """The wall with a foot as uncertain as depth contradicts it: a foot that is really furniture's shows in that. It widens the
    interval and leaves the value, because the foot is still the better guess (Birge 1932 widens for discord in this way); but a
    foot far beyond what depth says is none: a bed or a worktop taken for floor puts it there, never a wall.

    solved: with depth as the map has it (`as_mapped`)."""
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
    """The wall without what its depth was corrected by: that comes from the floor, and so from the very bed that is taken for it."""
    return replace(data, depth_gain=np.ones_like(data.depth_gain))


def without_foot(data: WallData) -> WallData:
    """The wall as depth alone has it."""
    none = np.zeros(0)
    return replace(data, foot_uv=np.zeros((0, 2)), foot_w=none, foot_sigma=none, direct=np.zeros_like(data.direct), foot_shared=0.0)


def parted(path: np.ndarray, walls: list[tuple[float, float, bool]], azimuth: np.ndarray) -> np.ndarray:
    """The wall of each column (−1 none), without the stretches by which two walls (azimuth of the normal, nearness, …) would run
    through each other: of two that are both seen on both sides of where they meet, the shortest of the four stretches goes."""
    out = path.copy()
    nearness = [e * np.cos(azimuth - psi) for psi, e, _ in walls]
    for i, j in itertools.combinations(range(len(walls)), 2):
        first, nearer = (path == i), nearness[i] > nearness[j]
        second = path == j
        sides = (first & nearer, first & ~nearer, second & nearer, second & ~nearer)
        if all(side.any() for side in sides):
            out[min(sides, key=np.count_nonzero)] = -1
    return out


def costs(ev: Evidence, azimuth: np.ndarray, wall: tuple[float, float, bool]) -> np.ndarray:
    """What a wall (azimuth of its normal, nearness, …) leaves unexplained in each column by foot and depth, nats."""
    return ev.at(np.maximum(wall[1] * np.cos(azimuth - wall[0]), 0.0), ev.foot + ev.depth)


def conceded(path: np.ndarray, walls: list[tuple[float, float, bool]], azimuth: np.ndarray, ev: Evidence, claimed: np.ndarray) -> np.ndarray:
    """The wall of each column (−1 none), without those columns that a wall which is not believed explains better. claimed: what that wall
    leaves unexplained (`costs`), infinite where there is none. It may be no wall, or not stand there, but what is seen there is none of
    the others either: given to them, it made them run on to behind a side wall and mixed its depth with theirs."""
    given = np.full(len(path), -np.inf)
    for k, wall in enumerate(walls):
        given = np.where(path == k, costs(ev, azimuth, wall), given)
    return np.where(given > claimed + CONCEDED_NATS, -1, path)


def seen_past(pan: Panorama, walls: list[WallData], solved: list[WallSolution]) -> np.ndarray:
    """Walls × azimuths: whether one sees past where each wall would stand, to floor or to another wall's foot behind it."""
    s = np.stack([np.cos(pan.azimuth - w.psi) / w.distance for w in solved])
    above = pan.slope[:, None] > -s[:, None] + PAST_CELLS * (pan.slope[1] - pan.slope[0])
    cells = (above * ((pan.p[..., FLOOR] > PAST_FLOOR) * pan.rows_px)).sum(1)
    feet = np.stack([np.where(w.direct, row, np.inf) for w, row in zip(walls, s)])
    behind = (feet[None] < PAST_SHARE * s[:, None]).any(1)
    return (s > 0.02) & ((cells >= PAST_CELLS) | behind)


def pieces(columns: np.ndarray, past: np.ndarray, along: np.ndarray) -> list[np.ndarray]:
    """The columns (bool, per azimuth) of a wall, parted where one sees past it. past: as of `seen_past`; along: place along the wall, camera
    heights."""
    part = np.zeros(len(columns), int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], past.astype(int), [0]])))
    own = np.flatnonzero(columns)
    for start, stop in edges.reshape(-1, 2):
        start, stop = max(start, own[0]), min(stop, own[-1] + 1)
        if stop > start and abs(along[stop - 1] - along[start]) >= PAST_HEIGHTS:
            part[start:] += 1
            columns = columns & ~_range(len(columns), start, stop)
    return [columns & (part == k) for k in np.unique(part)]


def _range(n: int, start: int, stop: int) -> np.ndarray:
    inside = np.zeros(n, bool)
    inside[start:stop] = True
    return inside


def supported(pan: Panorama, ev: Evidence, path: np.ndarray, walls, solved, rho: np.ndarray | None, others: np.ndarray) -> np.ndarray:
    """`Layout.support`: whether foot and depth of each column speak for the wall that it was given to. rho: m×n horizontal distance
    by a network's depth, camera heights; None where depth is a sensor's. others: whether another wall is seen in a column that was given
    to none."""
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
    """Median of each column of m×n over the cells that count, NaN where there are none."""
    masked = np.where(where, values, np.nan)
    out = np.full(values.shape[1], np.nan)
    some = np.isfinite(masked).any(0)
    out[some] = np.nanmedian(masked[:, some], axis=0)
    return out
