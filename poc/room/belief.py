"""Which of the walls found to believe, where depth and surfaces are a network's."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from poc.room.feet import Evidence, wall_share
from poc.room.view import Panorama
from poc.room.wallfit import WallData, WallSolution

SAME_TURN = 0.1
"""Walls turned by less than this, radians, face the same way (where depth is a network's: and one sigma of it on the smaller)."""
AGREED, DISCORD, FALSE_FOOT = 0.05, 0.3, 0.5
"""Foot and depth that differ by less than the first (log distance) agree; what they differ by beyond it counts with the second as
one sigma of the foot, and with more the more it is: twice that where it is the third, where a foot is as often none (a tub or a
worktop taken for floor). On NYU's held-out frames feet were right with a network's depth up to 0.46 off, and false at 0.5 to 1.2."""
NO_FOOT = 0.4
"""A foot farther than depth has the wall by more than this, in log distance, is none: so far off puts it a bed of half a metre that is
taken for floor. True ones were up to 0.28 off on the held-out frames (version 6)."""
EDGE_COLUMNS, GAP_COLUMNS = 4, 30
"""How near to the photo's side edge, and to another wall, a wall's columns end to count as ending there."""
WEAK_SHARE, WEAK_COLUMNS = 0.3, 20
"""A foot seen in a smaller share of a wall's columns, and in fewer of them, may be furniture's."""
RIVAL_FOOT = 1.5
"""A parallel wall farther away whose foot is seen in this many times the columns is the wall; the nearer is what stands before it."""
SUPPORT_NATS, SUPPORT_CELLS = 2.0, 2.0
"""A column speaks against its wall where its foot would be this much better elsewhere, or its depth by half of what it can
say; one that sees fewer cells of wall than the second number says nothing."""
BEYOND_DEPTH = 1.6
"""A wall whose foot is not seen is not drawn on to where it would be so many times as far away as a network's depth has it: at a flat
angle a few columns of another wall would else make ten metres of this one."""
NARROW = 0.45
"""A wall seen over so little of its length, camera heights, is rather a wardrobe, a pillar or a door standing open."""


def credible(data: list[WallData], e: list[float], azimuth: np.ndarray) -> list[bool]:
    """Which walls (with nearness e) to believe where depth is a network's.

    The front of a sofa or a chest has a foot too, and a network takes it for wall; but most of what is seen above it is a
    wall farther back, and its foot is short. A wall across the room's directions needs a foot that is seen along a good
    part of it: depth alone turns walls by tens of degrees. A narrow stretch is no wall. And where a wall runs out of the photo at its side, the network's
    floor bends there: a strip of another wall behind it, as if the room opened just at the edge, is taken for the same wall."""
    feet_seen = np.array([int(d.direct.sum()) for d in data])
    share = feet_seen / np.array([max(int(d.columns.sum()), 1) for d in data])

    def believed(k: int) -> bool:
        d, others = data[k], [i for i in range(len(data)) if i != k]
        weak = feet_seen[k] < WEAK_COLUMNS
        if others and _seen_length(azimuth, d, e[k]) < NARROW:
            return False
        if (weak or not d.manhattan) and any(_opens_at_edge(azimuth, d, e[k], data[i], e[i]) for i in others):
            return False
        if not d.manhattan:
            return not weak
        return not (0 < feet_seen[k] and share[k] < WEAK_SHARE) or not any(
            abs(data[i].psi - d.psi) < SAME_TURN and e[i] < e[k] and feet_seen[i] >= RIVAL_FOOT * feet_seen[k] and share[i] > share[k] for i in others)

    return [believed(k) for k in range(len(data))]


def _seen_length(azimuth: np.ndarray, d: WallData, e: float) -> float:
    """Length of wall in a wall's columns, camera heights."""
    step = float(azimuth[1] - azimuth[0])
    return float((step / np.maximum(np.cos(azimuth[d.columns] - d.psi), 0.05) ** 2).sum()) / e


def doubted(data: WallData, solved: WallSolution | None, azimuth: np.ndarray) -> WallData:
    """The wall with a foot as uncertain as depth contradicts it: a foot that is really furniture's shows in that. It widens the
    interval and leaves the value, because the foot is still the better guess (Birge 1932 widens for discord in this way); but a
    foot far beyond what depth says is none: a bed or a worktop taken for floor puts it there, never a wall.

    solved: with depth as the map has it (`as_mapped`)."""
    if solved is None or not solved.foot_alone or not solved.depth_alone:
        return data
    farther = np.log(solved.foot_alone / solved.depth_alone)
    if farther > NO_FOOT:
        return without_foot(data)
    apart = max(abs(farther) - AGREED, 0.0)
    cos = np.cos(azimuth[data.direct] - solved.psi)
    per_log = float((cos**2).sum() / max(cos.sum(), 1e-6)) / solved.distance  # nearness shared by all crossings, per log distance
    sigma = DISCORD * apart * (1 + apart / FALSE_FOOT) * per_log
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
    through each other: of two that are both seen on both sides of where they meet, each is kept where it is the nearer."""
    out = path.copy()
    nearness = [e * np.cos(azimuth - psi) for psi, e, _ in walls]
    for i, j in itertools.combinations(range(len(walls)), 2):
        first, nearer = (path == i), nearness[i] > nearness[j]
        second = path == j
        if all(side.any() for side in (first & nearer, first & ~nearer, second & nearer, second & ~nearer)):
            out[(first & ~nearer) | (second & nearer)] = -1
    return out


def supported(pan: Panorama, ev: Evidence, path: np.ndarray, walls, solved, rho: np.ndarray | None) -> np.ndarray:
    """`Layout.support`: whether foot and depth of each column speak for the wall that it was given to. rho: m×n horizontal distance
    by a network's depth, camera heights; None where depth is a sensor's."""
    out = np.zeros(len(path), int)
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


def _opens_at_edge(azimuth: np.ndarray, d: WallData, e: float, before: WallData, e_before: float) -> bool:
    """Whether wall d is seen only between the wall `before` and the photo's edge, and lies behind that wall's extension."""
    own, other = np.flatnonzero(d.columns), np.flatnonzero(before.columns)
    last = len(d.columns) - 1
    right = own[-1] >= last - EDGE_COLUMNS and -EDGE_COLUMNS <= own[0] - other[-1] <= GAP_COLUMNS
    left = own[0] <= EDGE_COLUMNS and -EDGE_COLUMNS <= other[0] - own[-1] <= GAP_COLUMNS
    if not (right or left):
        return False
    edge = azimuth[own[-1] if right else own[0]]
    return e * np.cos(edge - d.psi) < e_before * np.cos(edge - before.psi)
