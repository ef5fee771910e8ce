"""The room's shape in camera heights: which walls there are, what is seen of each, and where the ceiling is.

Metres come later (`poc.room.scale`): here the camera stands at height 1 over the floor, so that scale can be exchanged freely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poc.room import feet
from poc.room.belief import as_mapped, conceded, costs, credible, doubted, parted, pieces, seen_past, supported, wall_logit
from poc.room.ceiling import CeilingData, TopData, observe_ceiling, observe_top
from poc.room.feet import WallLine
from poc.room.observe import Seen, narrowed, observe, on_edge
from poc.room.planes import DepthFit, floor_field
from poc.room.view import Panorama, View, make_panorama, sample
from poc.room.wallfit import DepthNoise, State, WallData, WallSolution, solve_wall

WALL_TURN_SIGMA = np.deg2rad(1.0)
"""One sigma of how far a wall stands off the room's axes, as rooms are built."""
MOST_TURN_SIGMA = np.deg2rad(3.0)
"""Sigma of the axes' direction above which the lines have rival readings: a small turn does not lead from one to the other."""
UNKNOWN_TURN = np.deg2rad(25.0)
"""Sigma of the axes' direction above which nothing is known of it, and the walls decide."""
SLANTED_SIGMA = np.deg2rad(6.0)
"""One sigma of the direction of a wall that does not stand along the room's axes."""
SLANTED_APART, SLANTED_APART_EXACT = np.deg2rad(25.0), np.deg2rad(9.0)
"""Least angle between a slanted wall and the room's axes: as a network's feet show it, which bend toward the photo's edges, and
as exact depth does. Bays stand at 30° and 45°. Sought instead in what a network's feet and depth leave unexplained, slanted walls
were false: 11 in variants of 39 rendered photos, mostly at 23° to 26°, none with the truth inside its interval."""
SAME_TURN = 0.1
"""Walls turned from each other by less than this (radians, plus one sigma of the depth) face the same way."""
SAME_WALL = 0.04
"""Parallel walls whose distances differ by less than this (log) are one wall, whatever the depth."""
SAME_FOOT, SAME_DEPTH = 0.6, 1.6
"""The same in sigmas of the depth on a whole wall, where that is more: for two feet, and where one wall is known by depth alone."""
TOLD_TWICE = 0.3
"""A wall that a network's depth alone places, and that is believed, is another one whose foot is seen if it faces the same way and their
distances differ by less than this (log): of 16 such pairs, in 182 rendered photos and 281 of NYU's, 14 were one wall. Of pairs of feet
no further apart only half are."""
EXACT = 0.02
"""Sigma of a wall's log depth up to which the depth shows by itself that a wall stands at another angle."""


@dataclass(frozen=True)
class Layout:
    """The room's walls, from left to right, and its ceiling, in camera heights.

    state: camera and depth fit in force. pan: the panorama they were seen in. path: per panorama column the index into `walls`,
    −1 for none. solved: where each wall stands. noise: of the depth. support: per column 1 where the wall of `path` is seen,
    0 where no wall is seen (furniture, or out of the photo), −1 where another wall is seen. top: None where no wall is surely
    seen above the horizon.
    """

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
    """Rotation camera → room (3×3, rows right, forward, up). Forward is the room axis nearest to the viewing direction, or,
    where the axes are not known, the viewing direction made horizontal.

    gravity: down in the camera frame (3). manhattan: `Camera.manhattan`, whose first two rows are the room's axes.
    """
    up = -np.asarray(gravity, float) / np.linalg.norm(gravity)
    candidates = [np.array([0.0, 0.0, 1.0])] if manhattan is None else [s * a for a in manhattan[:2] for s in (1, -1)]
    forward = max(candidates, key=lambda a: a[2])
    forward = forward - (forward @ up) * up
    if np.linalg.norm(forward) < 1e-3:
        forward = np.array([0.0, 1.0, 0.0]) - up[1] * up
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up])


def turned(rot: np.ndarray, yaw: float) -> np.ndarray:
    """A camera → room rotation with the room's axes turned by yaw (radians): a wall at azimuth yaw comes to azimuth 0."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rot


def solve_layout(view: View, rot: np.ndarray, fit: DepthFit | None, noise: DepthNoise, yaw_sigma: float) -> Layout:
    """Walls and ceiling of a view; a photo without a room gives a layout without walls.

    Walls are found along the room's axes first. Those turn the axes, are joined where two are one, and are solved again
    together with walls at other angles for what they leave unexplained.

    rot: camera → room (3×3). fit: the map's scale and shift by the floor; None where too little floor is seen. yaw_sigma:
    sigma of the axes' direction, radians. Raises ParameterError where the camera looks straight up or down.
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
        _, data = _observe_all(seen, state, start, max(yaw_sigma, WALL_TURN_SIGMA))
        yaw = common_turn([on_edge(seen, state, d) for d in data], state, min(yaw_sigma, MOST_TURN_SIGMA))
        state = replace(state, room_from_cam=turned(rot, yaw))
        seen = replace(seen, pan=replace(pan, azimuth=pan.azimuth - yaw))
        start = _joined(data, state)
        start += (feet.slanted_lines(seen.pan, ev.cut, start, SLANTED_APART) if view.by_network
                  else feet.find_slanted(seen.pan, ev, start, SLANTED_APART_EXACT))
    return _settle(seen, state, start)


def _observe_all(seen: Seen, state: State, walls: Sequence[WallLine], turn_sigma: float,
                 claimed: np.ndarray | None = None) -> tuple[list[WallLine], list[WallData]]:
    """The walls that are seen in enough columns, and what is observed of each.

    turn_sigma: sigma (radians) of the direction of walls along the axes. claimed: per column, what a wall that is not believed
    leaves unexplained there (`conceded`); None where there is no such wall.
    """
    if not walls:
        return [], []
    path = feet.assign_columns(seen.pan, seen.ev, walls)
    if seen.view.by_network:
        path = parted(path, walls, seen.pan.azimuth)
    if claimed is not None:
        path = conceded(path, walls, seen.pan.azimuth, seen.ev, claimed)
    kept, data = [], []
    for k, wall in enumerate(walls):
        observed = observe(seen, state, wall, path == k, turn_sigma if wall.along_axes else SLANTED_SIGMA)
        if observed is not None:
            kept.append(wall)
            data.append(observed)
    return kept, data


@dataclass(frozen=True)
class _Placed:
    """A wall as it was solved. by_foot: whether its foot places it, rather than its depth. columns: in how many it is seen.
    sigma: one sigma of the mean log depth on it."""

    line: WallLine
    by_foot: bool
    columns: int
    sigma: float

    def faces_as(self, other: _Placed) -> bool:
        """Whether this wall, with the sigma of its depth, may face the same way as another."""
        return abs(other.line.psi - self.line.psi) < SAME_TURN + self.sigma

    def apart(self, other: _Placed) -> float:
        """How far the distances of two walls differ (log)."""
        return abs(float(np.log(self.line.nearness / other.line.nearness)))

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Sorts first what others are joined to: walls along the axes, then by foot (the farthest first), then the widest."""
        return not self.line.along_axes, not self.by_foot, self.line.nearness if self.by_foot else -self.columns

    def may_be(self, other: _Placed, exact: bool) -> bool:
        """Whether this wall and another, of better rank, can be one. exact: whether depth is a sensor's."""
        share = SAME_FOOT if self.by_foot and other.by_foot else SAME_DEPTH
        near = self.apart(other) < max(SAME_WALL, share * self.sigma)
        told_apart = exact and self.sigma <= EXACT and other.line.along_axes != self.line.along_axes
        return near and self.faces_as(other) and not told_apart

    def joined_to(self, other: _Placed) -> _Placed:
        """The other wall with this one's columns: where a foot places it, it stays there, else it moves to their mean."""
        n, m = self.columns, other.columns
        mean = float(np.exp((n * np.log(self.line.nearness) + m * np.log(other.line.nearness)) / (n + m)))
        line = other.line if other.by_foot else replace(other.line, nearness=mean)
        return replace(other, line=line, columns=n + m)


def _placed(data: WallData, state: State) -> _Placed | None:
    """One wall solved; walls along the axes keep the axes' direction. None where it cannot be solved."""
    solved = solve_wall(replace(data, psi_sigma=WALL_TURN_SIGMA if data.manhattan else SLANTED_SIGMA), state)
    if solved is None:
        return None
    line = WallLine(data.psi if data.manhattan else solved.psi, 1.0 / solved.distance, data.manhattan)
    return _Placed(line, solved.share_foot > 0.5, int(data.columns.sum()), data.noise.of_mean(data.mask.sum()))


def _joined(data: list[WallData], state: State) -> list[WallLine]:
    """The walls as they were solved, those that are one wall joined.

    Walls facing the same way are one when their distances differ by no more than their observations may: exact depth
    keeps an alcove apart, a network's depth cannot. A foot overrules depth, and of two feet that may be one wall's the
    farther one counts: furniture taken for wall stands in front of it, never behind.
    """
    exact = not any(d.noise.common > 0 for d in data)
    out: list[_Placed] = []
    for wall in sorted((p for d in data if (p := _placed(d, state)) is not None), key=lambda p: p.rank):
        same = next((i for i, other in enumerate(out) if wall.may_be(other, exact)), None)
        if same is None:
            out.append(wall)
        else:
            out[same] = wall.joined_to(out[same])
    return [wall.line for wall in out]


def _settle(seen: Seen, state: State, start: list[WallLine]) -> Layout:
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
    nobodys = np.zeros(len(seen.pan.azimuth), bool)
    found = _of_believed(seen, state, start, data) if seen.view.by_network else _numbered(seen, state, data, nobodys)
    ceiling = observe_ceiling(seen, state, found.path, found.solved)
    top = observe_top(seen.pan, state, np.where(found.support > 0, found.path, -1), found.solved)
    return Layout(state, seen.pan, found.path, found.walls, found.solved, ceiling, seen.noise, found.support, top)


@dataclass(frozen=True)
class _Numbered:
    """Walls from left to right, and per azimuth `Layout.path` and `Layout.support`."""

    walls: tuple[WallData, ...]
    solved: tuple[WallSolution, ...]
    path: np.ndarray
    support: np.ndarray


def _of_believed(seen: Seen, state: State, start: list[WallLine], data: list[WallData]) -> _Numbered:
    """Of walls by a network's depth those to believe, each in the columns that speak for it. Columns of the others become nobody's, but
    those of a wall that is told twice are left to the walls that stay."""
    good, claimed = credible(data, state), np.full(len(seen.pan.azimuth), np.inf)
    stays = _once(data, state, good)
    if not all(stays):
        for wall, d, believed in zip(start, data, good):
            if not believed:
                claimed = np.where(d.columns, costs(seen.ev, seen.pan.azimuth, wall), claimed)
        start, data = _observe_all(seen, state, [wall for wall, kept in zip(start, stays) if kept], WALL_TURN_SIGMA, claimed)
        data = [on_edge(seen, state, d) for d in data]
    unknown = np.isfinite(claimed)
    found = _numbered(seen, state, data, unknown)
    others = found.support < 0
    left = [narrowed(seen, d, others) for d in data]
    return _in_pieces(seen, state, left, unknown if all(a is b for a, b in zip(left, data)) else unknown | others)


def _once(data: list[WallData], state: State, good: list[bool]) -> list[bool]:
    """Which of the believed walls (good) stay: not those by depth alone that are another believed wall, whose foot is seen (`TOLD_TWICE`)."""
    placed = [_placed(d, state) if believed else None for d, believed in zip(data, good)]
    by_foot = [wall for wall in placed if wall is not None and wall.by_foot]

    def again(wall: _Placed | None) -> bool:
        depth_alone = wall is not None and not wall.by_foot
        return depth_alone and any(wall.faces_as(other) and wall.apart(other) < TOLD_TWICE for other in by_foot)

    return [believed and not again(wall) for wall, believed in zip(placed, good)]


def _in_pieces(seen: Seen, state: State, data: list[WallData], others: np.ndarray) -> _Numbered:
    """`_numbered`, after cutting the walls that one sees past. Columns cut off become nobody's, and so do those of a piece that would not
    be believed by itself.

    For a network's depth only: a sensor's shows by itself which pieces lie in one plane.
    """
    whole = _unbroken(seen, state, data)
    if any(a is not b for a, b in zip(whole, data)):
        left = [d for d in whole if d is not None]
        believed = [any(d is was for was in data) or good for d, good in zip(left, credible(left, state))]
        kept = [d for d, good in zip(left, believed) if good]
        others = others | np.any([d.columns for d in data], axis=0) & ~np.any([d.columns for d in kept], axis=0)
        data = kept
    return _numbered(seen, state, data, others)


def _unbroken(seen: Seen, state: State, data: list[WallData]) -> list[WallData | None]:
    """Each wall, or, where one sees past it, only the piece that is likeliest a wall (None where no piece can be observed). The
    other pieces stand elsewhere, or go on behind an opening: nobody can tell."""
    solved = [solve_wall(d, state) for d in data]
    if not data or None in solved:
        return data
    return [_one_piece(seen, state, *each) for each in zip(data, solved, seen_past(seen.pan, data, solved))]


def _one_piece(seen: Seen, state: State, data: WallData, solved: WallSolution, past: np.ndarray) -> WallData | None:
    """The likeliest piece of one wall. past: bool, n, the columns in which one sees past it."""
    parts = pieces(data.columns, past, solved.distance * np.tan(np.clip(seen.pan.azimuth - solved.psi, -1.5, 1.5)))
    if np.array_equal(parts[0], data.columns):
        return data
    line = WallLine(data.psi, 1.0 / solved.distance, data.manhattan)
    found = [observe(seen, state, line, part, data.psi_sigma) for part in parts]
    found = [on_edge(seen, state, d) for d in found if d is not None]
    return max(found, key=lambda d: wall_logit(d, state), default=None)


def _numbered(seen: Seen, state: State, data: list[WallData], others: np.ndarray) -> _Numbered:
    """The walls solved, with feet `doubted` where a network's depth contradicts them, from left to right.

    others: bool, n, columns in which a wall is seen that is none of these.
    """
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
    """Normal azimuths (radians) of the walls along the room's axes that can be in view."""
    psi = np.arange(-1, 3) * np.pi / 2
    return psi[np.cos(psi[:, None] - pan.azimuth[None]).max(1) > 0.15]


def _rho(view: View, fit: DepthFit | None, field: np.ndarray, rot: np.ndarray, pan: Panorama) -> np.ndarray | None:
    """Horizontal distance by depth over the panorama, m×n, camera heights; NaN where unknown, None without a fit.

    field: h×w, local correction of inverse depth (`floor_field`).
    """
    if fit is None:
        return None
    inverse = fit.inverse(view.inverse) * field
    with np.errstate(divide="ignore"):
        depth = np.where(view.valid & (inverse > 0.01), 1.0 / inverse, np.nan)
    span = np.hypot(view.rays @ rot[0], view.rays @ rot[1])
    rho = sample((depth * span).astype(np.float32), pan.map_u, pan.map_v, nearest=True)
    return np.where(pan.seen, rho, np.nan)


def common_turn(data: list[WallData], state: State, yaw_sigma: float) -> float:
    """Turn of the room's axes (radians of azimuth): inverse-variance mean of the turns that its walls ask for and of none at all,
    whose sigma is yaw_sigma."""
    weighted, weight = 0.0, 1.0 / yaw_sigma**2
    for wall in data:
        solved = solve_wall(replace(wall, psi_sigma=0.5), state)
        if solved is not None and wall.manhattan:
            variance = solved.covariance[1, 1] + WALL_TURN_SIGMA**2
            turn = float(np.clip(solved.psi - wall.psi, -3 * yaw_sigma, 3 * yaw_sigma))
            weighted, weight = weighted + turn / variance, weight + 1 / variance
    return weighted / weight
