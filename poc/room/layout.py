"""The room's shape in camera heights: which walls there are, what is seen of each, and where the ceiling is.

Metres come later (`poc.room.scale`): here the camera stands at height 1 over the floor, so that scale can be exchanged freely.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poc.room import feet
from poc.room.belief import as_mapped, conceded, costs, credible, doubted, parted, pieces, seen_past, supported, wall_logit
from poc.room.edges import edge_along, level_line
from poc.room.observe import MIN_COLUMNS, MIN_FOOT_COLUMNS, Seen, depth_samples, narrowed, observe, on_edge
from poc.room.planes import DepthFit, ceiling_mask, floor_field
from poc.room.view import SURE, Panorama, View, make_panorama, sample
from poc.room.wallfit import DepthNoise, State, WallData, WallSolution, height_on_wall, solve_wall
from poc.types import Z90

WALL_TURN_SIGMA = np.deg2rad(1.0)
"""How far one wall stands off the room's axes (one sigma): rooms are built, not drawn."""
MOST_TURN_SIGMA = np.deg2rad(3.0)
"""Beyond this an uncertain direction of the axes means rival readings of the lines, between which a turn does not lead."""
UNKNOWN_TURN = np.deg2rad(25.0)
"""A sigma of the axes from which nothing is known of how the room lies: its walls are to tell."""
SLANTED_SIGMA = np.deg2rad(6.0)
SLANTED_APART, SLANTED_APART_EXACT = np.deg2rad(25.0), np.deg2rad(9.0)
"""How far from the room's own directions a wall must stand to be told from them: by a network's feet, which bend toward the photo's
edges, and by exact depth. Bays stand at 30° and 45°. A network's depth turns walls by more, and of what its feet and depth leave unexplained
it made walls that are none: 11 in variants of 39 rendered photos, at 23° to 26° mostly, not one with the truth inside."""
SAME_TURN = 0.1
"""Walls turned by less than this, radians, face the same way (where depth is a network's: and one sigma of it on the smaller)."""
SAME_WALL = 0.04
"""Parallel walls nearer to each other than this (log distance) are taken for one, whatever the depth."""
EXACT = 0.02
"""Sigma of a wall's log depth up to which the depth tells by itself that a wall stands at another angle."""
TOP_QUANTILE = 0.5
"""Of a wall's columns, those that must show it that high: a strip of ceiling taken for wall stands over some of them."""
SAME_FOOT, SAME_DEPTH = 0.6, 1.6
"""The same, in sigmas of the depth on a whole wall: for two feet, and where one is known by depth alone."""


@dataclass(frozen=True)
class CeilingData:
    """Pixels (photo, n×2) on the line where walls meet the ceiling, the wall each belongs to, and pixels of ceiling with
    the map's inverse depth."""

    line_uv: np.ndarray
    line_wall: np.ndarray
    depth_uv: np.ndarray
    depth_d: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class TopData:
    """The wall seen highest up, and pixels (photo, n×2) where its columns are last surely seen: the room is at least as high."""

    wall: int
    uv: np.ndarray


@dataclass(frozen=True)
class Layout:
    """state: camera and depth fit in force. path: index into `walls` per panorama azimuth (-1 none). support: per azimuth 1
    where that wall is seen, 0 where no wall is seen (furniture, or out of the photo), -1 where what is seen is another."""

    state: State
    pan: Panorama
    path: np.ndarray
    walls: tuple[WallData, ...]
    solved: tuple[WallSolution, ...]
    ceiling: CeilingData
    noise: DepthNoise
    support: np.ndarray
    top: TopData | None = None

    @property
    def cells_per_px(self) -> float:
        """Working-grid cells per photo pixel."""
        return 1.0 / (self.pan.slope[1] - self.pan.slope[0]) / self.state.f_px


def room_rotation(gravity: np.ndarray, manhattan: np.ndarray | None) -> np.ndarray:
    """Camera to room frame: rows right, forward, up; forward is the wall axis nearest to the viewing direction."""
    up = -np.asarray(gravity, float) / np.linalg.norm(gravity)
    candidates = [np.array([0.0, 0.0, 1.0])] if manhattan is None else [s * a for a in manhattan[:2] for s in (1, -1)]
    forward = max(candidates, key=lambda a: a[2])
    forward = forward - (forward @ up) * up
    if np.linalg.norm(forward) < 1e-3:
        forward = np.array([0.0, 1.0, 0.0]) - up[1] * up
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up])


def turned(rot: np.ndarray, yaw: float) -> np.ndarray:
    """Room rotation with its axes turned by yaw (a wall at azimuth yaw comes to azimuth 0)."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rot


def solve_layout(view: View, rot: np.ndarray, fit: DepthFit | None, noise: DepthNoise, yaw_sigma: float) -> Layout:
    """Walls and ceiling of a view. Never raises for a photo without a room: then `walls` is empty.

    Twice: candidates from the evidence as it is, then the walls that came of them, joined where they are one, with walls
    at other angles for what the room's own directions leave unexplained.
    """
    field = np.ones(view.shape) if fit is None else floor_field(view, fit, -rot[2])
    pan = make_panorama(view, rot)
    ev = feet.gather_evidence(pan, _rho(view, fit, field, rot, pan), max(np.hypot(noise.sigma, noise.common), 0.03))
    if yaw_sigma > UNKNOWN_TURN:
        turn, yaw_sigma = feet.room_turn(pan, ev), MOST_TURN_SIGMA
        rot, pan = turned(rot, turn), replace(pan, azimuth=pan.azimuth - turn)
    state = State.of(view.camera, rot, fit)
    start = feet.find_walls(pan, ev, _angles(pan))
    seen = Seen(view, pan, ev, field, noise)
    if start:
        start, data = _observe_all(seen, state, [(psi, e, True) for psi, e in start], max(yaw_sigma, WALL_TURN_SIGMA))
        yaw = common_turn([on_edge(seen, state, d) for d in data], state, min(yaw_sigma, MOST_TURN_SIGMA))
        state = replace(state, room_from_cam=turned(rot, yaw))
        seen = replace(seen, pan=replace(pan, azimuth=pan.azimuth - yaw))
        start = _joined(data, state)
        own = [(psi, e) for psi, e, _ in start]
        slanted = (feet.slanted_lines(seen.pan, ev.cut, own, SLANTED_APART) if view.by_network
                   else feet.find_slanted(seen.pan, ev, own, SLANTED_APART_EXACT))
        start += [(psi, e, False) for psi, e in slanted]
    return _settle(seen, state, start)


def _observe_all(seen: Seen, state: State, walls, turn_sigma: float, claimed: np.ndarray | None = None):
    """Columns by Viterbi, less those that a wall not believed claims (`conceded`), then the observations of every wall that keeps some:
    (walls kept, data)."""
    if not walls:
        return [], []
    path = feet.assign_columns(seen.pan, seen.ev, [(psi, e) for psi, e, _ in walls])
    if seen.view.by_network:
        path = parted(path, walls, seen.pan.azimuth)
    if claimed is not None:
        path = conceded(path, walls, seen.pan.azimuth, seen.ev, claimed)
    kept, data = [], []
    for k, (psi, e, own) in enumerate(walls):
        d = observe(seen, state, psi, e, path == k, turn_sigma if own else SLANTED_SIGMA, own)
        if d is not None:
            kept.append((psi, e, own))
            data.append(d)
    return kept, data


def _joined(data: list[WallData], state: State) -> list[tuple[float, float, bool]]:
    """Solved walls as (psi, e, in the room's directions), those that are one wall joined.

    Walls facing the same way are one when their distances differ by no more than their observations may: exact depth
    keeps an alcove apart, a network's depth cannot. What a foot says goes before what depth says, and of two feet that
    may be one wall's the farther: furniture taken for wall stands in front of it, never behind.
    """
    walls = []
    for d in data:
        s = solve_wall(replace(d, psi_sigma=WALL_TURN_SIGMA if d.manhattan else SLANTED_SIGMA), state)
        if s is not None:
            psi = d.psi if d.manhattan else s.psi
            walls.append((s.share_foot > 0.5, int(d.columns.sum()), psi, 1.0 / s.distance, d.manhattan, d.noise.of_mean(d.mask.sum())))
    inexact = any(d.noise.common > 0 for d in data)
    out: list[tuple[bool, int, float, float, bool]] = []
    for by_foot, n, psi, e, own, sigma in sorted(walls, key=lambda w: (not w[4], not w[0], w[3] if w[0] else -w[1])):
        for i, (by_foot2, n2, psi2, e2, own2) in enumerate(out):
            share = SAME_FOOT if by_foot and by_foot2 else SAME_DEPTH
            near = abs(np.log(e / e2)) < max(SAME_WALL, share * sigma)
            if near and abs(psi2 - psi) < SAME_TURN + sigma and (own2 == own or inexact or sigma > EXACT):
                mean = float(np.exp((n * np.log(e) + n2 * np.log(e2)) / (n + n2)))
                out[i] = (by_foot2, n + n2, psi2, e2 if by_foot2 else mean, own2)
                break
        else:
            out.append((by_foot, n, psi, e, own))
    return [(psi, e, own) for _, _, psi, e, own in out]


def _settle(seen: Seen, state: State, start) -> Layout:
    """Observe and solve the walls once more, number them from left to right, and look for the ceiling."""
    for _ in range(2):
        start, data = _observe_all(seen, state, start, WALL_TURN_SIGMA)
        merged = _joined(data, state)
        if len(merged) == len(start):
            break
        start = merged
    if len(start) != len(data):
        start, data = _observe_all(seen, state, start, WALL_TURN_SIGMA)
    data = [on_edge(seen, state, d) for d in data]
    found = _of_believed(seen, state, start, data) if seen.view.by_network else _numbered(seen, state, data, np.zeros(len(seen.pan.azimuth), bool))
    ceiling = _observe_ceiling(seen, state, found.path, found.solved)
    top = _observe_top(seen.pan, state, np.where(found.support > 0, found.path, -1), found.solved)
    return Layout(state, seen.pan, found.path, found.walls, found.solved, ceiling, seen.noise, found.support, top)


@dataclass(frozen=True)
class _Numbered:
    """Walls from left to right, and per azimuth `Layout.path` and `Layout.support`."""

    walls: tuple[WallData, ...]
    solved: tuple[WallSolution, ...]
    path: np.ndarray
    support: np.ndarray


def _of_believed(seen: Seen, state: State, start, data: list[WallData]) -> _Numbered:
    """The walls to believe where depth is a network's, each in the columns that speak for it: what the others showed is nobody's."""
    good, claimed = credible(data, state), np.full(len(seen.pan.azimuth), np.inf)
    if not all(good):
        for wall, d, believed in zip(start, data, good):
            if not believed:
                claimed = np.where(d.columns, costs(seen.ev, seen.pan.azimuth, wall), claimed)
        start, data = _observe_all(seen, state, [wall for wall, believed in zip(start, good) if believed], WALL_TURN_SIGMA, claimed)
        data = [on_edge(seen, state, d) for d in data]
    unknown = np.isfinite(claimed)
    found = _numbered(seen, state, data, unknown)
    others = found.support < 0
    left = [narrowed(seen, d, others) for d in data]
    return _in_pieces(seen, state, left, unknown if all(a is b for a, b in zip(left, data)) else unknown | others)


def _in_pieces(seen: Seen, state: State, data: list[WallData], others: np.ndarray) -> _Numbered:
    """`_numbered`, after walls that one sees past are cut: what is no longer theirs is nobody's, nor is a piece that would not have been
    believed by itself. (A sensor's depth tells by itself which pieces lie in one plane.)"""
    whole = _unbroken(seen, state, data)
    if any(a is not b for a, b in zip(whole, data)):
        left = [d for d in whole if d is not None]
        believed = [any(d is was for was in data) or good for d, good in zip(left, credible(left, state))]
        kept = [d for d, good in zip(left, believed) if good]
        others = others | np.any([d.columns for d in data], axis=0) & ~np.any([d.columns for d in kept], axis=0)
        data = kept
    return _numbered(seen, state, data, others)


def _unbroken(seen: Seen, state: State, data: list[WallData]) -> list[WallData | None]:
    """The walls, of those that one sees past only the piece that is likeliest a wall, or None where none is left. What else was taken
    for it stands elsewhere, or goes on behind an opening: nobody can tell."""
    solved = [solve_wall(d, state) for d in data]
    if not data or None in solved:
        return data
    return [_one_piece(seen, state, *each) for each in zip(data, solved, seen_past(seen.pan, data, solved))]


def _one_piece(seen: Seen, state: State, data: WallData, solved: WallSolution, past: np.ndarray) -> WallData | None:
    parts = pieces(data.columns, past, solved.distance * np.tan(np.clip(seen.pan.azimuth - solved.psi, -1.5, 1.5)))
    if np.array_equal(parts[0], data.columns):
        return data
    found = [observe(seen, state, data.psi, 1.0 / solved.distance, part, data.psi_sigma, data.manhattan) for part in parts]
    found = [on_edge(seen, state, d) for d in found if d is not None]
    return max(found, key=lambda d: wall_logit(d, state), default=None)


def _numbered(seen: Seen, state: State, data: list[WallData], others: np.ndarray) -> _Numbered:
    """Solve the walls, their feet doubted as their depth contradicts them. others: per azimuth, whether another wall is seen there, which
    is none of these."""
    azimuth, network = seen.pan.azimuth, seen.view.by_network
    told = [doubted(d, solve_wall(as_mapped(d), state), azimuth) for d in data] if network else data
    pairs = [(d, s) for d in told if (s := solve_wall(d, state)) is not None]
    pairs.sort(key=lambda pair: float(np.mean(azimuth[pair[0].columns])))
    path = np.full(len(azimuth), -1)
    for k, (d, _) in enumerate(pairs):
        path[d.columns] = k
    walls, solved = tuple(d for d, _ in pairs), tuple(s for _, s in pairs)
    rho = _rho(seen.view, state.fit, seen.field, state.room_from_cam, seen.pan) if network else None
    return _Numbered(walls, solved, path, supported(seen.pan, seen.ev, path, walls, solved, rho, others))


def _angles(pan: Panorama) -> np.ndarray:
    """Normal azimuths of the room's own directions that can be seen."""
    psi = np.arange(-1, 3) * np.pi / 2
    return psi[np.cos(psi[:, None] - pan.azimuth[None]).max(1) > 0.15]


def _rho(view: View, fit: DepthFit | None, field, rot: np.ndarray, pan: Panorama) -> np.ndarray | None:
    """Horizontal distance by depth over the panorama, camera heights; NaN where unknown."""
    if fit is None:
        return None
    inverse = fit.inverse(view.inverse) * field
    with np.errstate(divide="ignore"):
        depth = np.where(view.valid & (inverse > 0.01), 1.0 / inverse, np.nan)
    span = np.hypot(view.rays @ rot[0], view.rays @ rot[1])
    rho = sample((depth * span).astype(np.float32), pan.map_u, pan.map_v, nearest=True)
    return np.where(pan.seen, rho, np.nan)


def common_turn(data: list[WallData], state: State, yaw_sigma: float) -> float:
    """Turn of the whole room (radians of azimuth) that its walls ask for together, with the camera's prior."""
    num, den = 0.0, 1.0 / yaw_sigma**2
    for d in data:
        free = replace(d, psi_sigma=0.5)
        s = solve_wall(free, state)
        if s is not None and d.manhattan:
            var = s.covariance[1, 1] + WALL_TURN_SIGMA**2
            turn = float(np.clip(s.psi - d.psi, -3 * yaw_sigma, 3 * yaw_sigma))
            num, den = num + turn / var, den + 1 / var
    return num / den


def _no_ceiling(view: View) -> CeilingData:
    return CeilingData(np.zeros((0, 2)), np.zeros(0, int), np.zeros((0, 2)), np.zeros(0), np.zeros(view.shape, bool))


def _observe_ceiling(seen: Seen, state: State, path, solved) -> CeilingData:
    """The line where walls meet the ceiling, and depth samples of the ceiling."""
    view, pan, on_wall = seen.view, seen.pan, path >= 0
    if not solved:
        return _no_ceiling(view)
    s = np.zeros(len(path))
    for j in np.flatnonzero(on_wall):
        wall = solved[path[j]]
        s[j] = np.cos(pan.azimuth[j] - wall.psi) / wall.distance
    cut = feet.ceiling_crossing(pan, np.where(s > 0.02, 0.8 * s, np.nan))
    use = on_wall & cut.direct & (s > 0.02) & (np.nan_to_num(cut.slope) > 0.02)
    height = cut.slope / np.where(s > 0.02, s, 1.0)
    if use.sum() >= 6:
        middle = np.median(height[use])
        use &= np.abs(height - middle) < 0.15 * middle
    if use.sum() < 6:
        use = np.zeros_like(use)
    az, slope = pan.azimuth[use], _ceiling_on_edges(view, pan, state, path, solved, use, cut.slope)[use]
    uv = state.pixels(np.column_stack([np.sin(az), np.cos(az), slope])).reshape(-1, 2)
    mask = ceiling_mask(view, state.room_from_cam[2])
    depth_uv, depth_d, _ = depth_samples(view, seen.field, mask)
    return CeilingData(uv, path[use], depth_uv, depth_d, mask)


def _observe_top(pan: Panorama, state: State, path, solved) -> TopData | None:
    """How far up walls are surely seen: of those with enough columns, the one whose height, less its error, is greatest."""
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


def _ceiling_on_edges(view: View, pan: Panorama, state: State, path, solved, use: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Slopes of the ceiling line moved onto the photo's own edge, wall by wall."""
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
