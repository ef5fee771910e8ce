"""From observations to metres and their errors: every number is recomputed with each input moved by its own sigma, up and down.

Central differences: deterministic, cheap (a wall is two normal equations), and they say which cause an interval comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from poc.room.ceiling import TOP_QUANTILE, CeilingData
from poc.room.layout import Layout
from poc.room.planes import DepthFit
from poc.room.wallfit import WALL_CAUSES, State, WallSolution, height_on_wall, solve_wall
from poc.types import Scale, Scene

CAUSES = ("scale", "focal", "gravity", "shift", "fit", "model", "unseen")
"""Entries of an error budget (`Measurement.budget`)."""
FLATTEST = 0.08
"""Least cosine between a direction and a wall's normal: seen at a flatter angle, the wall is taken to be met no farther off."""
CEILING_LINE_SHARE = 0.8
"""One sigma of log ceiling height over the camera, by where a network sees the ceiling begin, as a share of its depth's
common error: on rendered rooms with exact truth the line was off by up to a third of that height."""
LINE_SIGMA_CELLS = 1.2
"""One sigma of the line where walls meet the ceiling, cells of the working grid, common to a wall."""


class CameraMove(NamedTuple):
    """One independent error of the camera or the depth fit: its cause (one of `CAUSES`), and the state with it moved up by one
    sigma, and down."""

    cause: str
    up: State
    down: State


@dataclass(frozen=True)
class FloorData:
    """Floor cells to refit a depth map's scale under another camera. uv: n×2 photo pixels; d: n, inverse depth as the map gives
    it; w: n weights; follows_focal: as of `poc.room.view.View`."""

    uv: np.ndarray
    d: np.ndarray
    w: np.ndarray
    follows_focal: bool

    def fit(self, state: State, nominal: State) -> DepthFit | None:
        """The depth fit under `state`, whose own fit gives the shift: the scale changes as the floor's does against `nominal`."""
        if nominal.fit is None or len(self.d) < 8:
            return state.fit
        ratio = self._ratio(state) / self._ratio(nominal)
        model = nominal.fit.height_model_m
        stretch = state.f_px / nominal.f_px if self.follows_focal else 1.0
        return replace(state.fit, scale=nominal.fit.scale * ratio, height_model_m=None if model is None else model * ratio * stretch)

    def _ratio(self, state: State) -> float:
        """Least-squares scale that brings the floor one camera height below."""
        s, d = -state.level_rays(self.uv)[:, 2], self.d + state.fit.shift
        return float((self.w * s * d).sum() / (self.w * d**2).sum())


@dataclass(frozen=True)
class End:
    """How a wall's visible stretch ends. kind: "corner" with another wall, "frame" (the photo's edge) or "occluded". other: index of
    that other wall, −1 where there is none. uv: photo pixel at camera height where it ends."""

    kind: str
    other: int
    uv: tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """The room in metres under one state. psi, distance: of each of k walls, azimuth of the normal (radians) and metres. ends:
    k×2×2, left and right end in plan (x right, y forward). camera_height; ceiling: height above the floor, None where not seen.
    top: how far above the floor a wall is seen, or None. climb: heights above the floor between which the ceiling's line rises along a
    wall, None where the ceiling is level or not seen."""

    psi: np.ndarray
    distance: np.ndarray
    ends: np.ndarray
    camera_height: float
    ceiling: float | None
    top: float | None = None
    climb: tuple[float, float] | None = None


@dataclass(frozen=True)
class Problem:
    """Everything needed to recompute the room. ends: left and right of each wall. ceiling_from: "ceiling line" (where walls end),
    "depth", or None where no ceiling is measured."""

    layout: Layout
    floor: FloorData
    ends: tuple[tuple[End, End], ...]
    camera_height_m: float
    ceiling_from: str | None


def shape_of(problem: Problem, state: State, solved: Sequence[WallSolution], *, line_cells: float = 0.0,
             ceiling_log: float = 0.0) -> Shape:
    """Metres from a state and the walls solved under it. Errors to add: line_cells, of the ceiling line, cells of the working grid;
    ceiling_log, of the log of the ceiling's height over the camera."""
    h = problem.camera_height_m
    psi, distance = np.array([w.psi for w in solved]), np.array([w.distance for w in solved]) * h
    ends = [[_end_point(state, psi, distance, k, end) for end in pair] for k, pair in enumerate(problem.ends)]
    above = ceiling_height(problem, state, solved, line_cells, ceiling_log)
    ceiling = None if above is None else h * (1 + above)
    climb = None if ceiling is None else _climb(problem, state, solved, line_cells, ceiling_log)
    return Shape(psi, distance, np.array(ends).reshape(-1, 2, 2), h, ceiling, _top(problem, state, solved), climb)


def _top(problem: Problem, state: State, solved: Sequence[WallSolution]) -> float | None:
    """How far above the floor a wall is seen, metres."""
    seen = problem.layout.top
    if seen is None:
        return None
    wall = solved[seen.wall]
    return problem.camera_height_m * (1 + height_on_wall(state.level_rays(seen.uv), wall.psi, wall.distance, TOP_QUANTILE))


def _climb(problem: Problem, state: State, solved: Sequence[WallSolution], line_cells: float,
           ceiling_log: float) -> tuple[float, float] | None:
    """The heights above the floor between which the ceiling's line rises along a wall, metres, with errors as of `shape_of`."""
    seen = problem.layout.ceiling.climb
    if seen is None:
        return None
    wall = solved[seen.wall]
    low, high = (_line_height(problem, state, uv, wall.psi, wall.distance, line_cells, ceiling_log) for uv in (seen.low_uv, seen.high_uv))
    return problem.camera_height_m * (1 + low), problem.camera_height_m * (1 + high)


def _end_point(state: State, psi: np.ndarray, distance: np.ndarray, k: int, end: End) -> np.ndarray:
    """Where wall k ends, plan (2), in the unit of `distance`."""
    if end.kind == "corner":
        normals = np.array([[np.sin(psi[k]), np.cos(psi[k])], [np.sin(psi[end.other]), np.cos(psi[end.other])]])
        return np.linalg.solve(normals, [distance[k], distance[end.other]])
    level = state.level_rays(np.array([end.uv]))[0]
    azimuth = np.arctan2(level[0], level[1])
    return distance[k] / max(np.cos(azimuth - psi[k]), FLATTEST) * np.array([np.sin(azimuth), np.cos(azimuth)])


def ceiling_height(problem: Problem, state: State, solved: Sequence[WallSolution], line_cells: float, ceiling_log: float) -> float | None:
    """The ceiling's height over the camera in camera heights, with errors as of `shape_of`; None where no ceiling is measured."""
    data = problem.layout.ceiling
    if problem.ceiling_from == "ceiling line":
        psi, distance = (np.array(x)[data.line_wall] for x in ([w.psi for w in solved], [w.distance for w in solved]))
        return _line_height(problem, state, data.line_uv, psi, distance, line_cells, ceiling_log)
    if problem.ceiling_from == "depth":
        return float(np.median(ceiling_depth_heights(data, state)) * np.exp(ceiling_log))
    return None


def _line_height(problem: Problem, state: State, uv: np.ndarray, psi, distance, line_cells: float, ceiling_log: float) -> float:
    """The height over the camera, camera heights, of a ceiling's line at photo pixels n×2, with errors as of `shape_of`. psi, distance: of
    the wall below it, or of the wall below each pixel (n)."""
    level = state.level_rays(uv)
    level[:, 2] += line_cells / (state.f_px * problem.layout.cells_per_px) * np.hypot(level[:, 0], level[:, 1])
    return height_on_wall(level, psi, distance) * float(np.exp(ceiling_log))


def ceiling_depth_heights(data: CeilingData, state: State) -> np.ndarray:
    """Height over the camera of each ceiling sample by its depth: m, camera heights."""
    return state.level_rays(data.depth_uv)[:, 2] / np.maximum(state.fit.inverse(data.depth_d), 1e-3)


class MovedRoom(NamedTuple):
    """What one independent one-sigma error does: its cause (one of `CAUSES`), and the room with it moved up, and down."""

    cause: str
    up: Shape
    down: Shape


class Learnt(NamedTuple):
    """What a length that is given leaves of the independent errors before it: each column of I − shrink·along·alongᵀ is a new one.

    along: n, log changes of the length under each error before it. off: how many of its sigmas the length was from what the room had for it.
    """

    along: np.ndarray
    shrink: float
    off: float = 0.0

    @staticmethod
    def of(along: np.ndarray, sigma: float, off: float = 0.0) -> Learnt:
        """By a length whose log is given to ± sigma (one sigma, greater than 0): the errors' covariance becomes that of unit normal ones
        given the length, of which this is the symmetric root."""
        before = float(along @ along)
        shrink = (1.0 - sigma / float(np.sqrt(before + sigma**2))) / before if before > 0 else 0.0
        return Learnt(along, shrink, off)

    def left(self, changes: np.ndarray) -> np.ndarray:
        """A quantity's log changes (n) under each error before it, made those under each error that is left. The matrix is symmetric, so it
        also turns an error that is left (n) into the errors before it."""
        return changes - self.shrink * float(self.along @ changes) * self.along


@dataclass(frozen=True)
class Errors:
    """The room as measured (base), and under each independent one-sigma error. What cannot be placed under a move is NaN in it. known:
    what lengths that were given left of these errors, one after the other (`poc.room.given`)."""

    base: Shape
    moved: tuple[MovedRoom, ...] = field(default=())
    known: tuple[Learnt, ...] = ()


def camera_cause(cause: str, k: int) -> str:
    """Name of the k-th camera move in `Scale.changes`."""
    return f"{cause} {k}"


def wall_cause(k: int, name: str) -> str:
    """Name of one of `WALL_CAUSES` of wall k in `Scale.changes`."""
    return f"wall {k} {name}"


def moved_shapes(problem: Problem, camera_moves: Sequence[CameraMove], scale: Scale) -> Errors:
    """The room as measured, and under every one-sigma error. An error that moves the scale too (`Scale.changes`) moves both at once."""
    layout, solved = problem.layout, list(problem.layout.solved)

    def under(state: State, log_scale: float) -> Shape:
        shape = shape_of(problem, state, [solve_wall(d, state) or _lost(s) for d, s in zip(layout.walls, solved)])
        return _scaled(shape, np.exp(log_scale))

    def bumped(k: int, name: str, sign: float) -> Shape:
        one = solve_wall(layout.walls[k], layout.state, bump={name: sign}) or _lost(solved[k])
        shape = shape_of(problem, layout.state, solved[:k] + [one] + solved[k + 1:])
        return _scaled(shape, np.exp(sign * scale.changes.get(wall_cause(k, name), 0.0)))

    base = shape_of(problem, layout.state, solved)
    moved = [_both_ways("scale", lambda sign: _scaled(base, np.exp(sign * scale.own_sigma_rel)))]
    for k, move in enumerate(camera_moves):
        log_scale = scale.changes.get(camera_cause(move.cause, k), 0.0)
        moved.append(MovedRoom(move.cause, under(move.up, log_scale), under(move.down, -log_scale)))
    for k in range(len(solved)):
        for name in _causes_of(solved[k], layout):
            moved.append(_both_ways(WALL_CAUSES[name], lambda sign, k=k, name=name: bumped(k, name, sign)))
    return Errors(base, (*moved, *_ceiling_moves(problem)))


def _both_ways(cause: str, shape: Callable[[float], Shape]) -> MovedRoom:
    """An error moved up and down. shape: the room under the error, by its sign (1 or −1)."""
    return MovedRoom(cause, shape(1.0), shape(-1.0))


def _causes_of(wall: WallSolution, layout: Layout) -> list[str]:
    """Those of `WALL_CAUSES` that can move a wall: of what it was observed by."""
    idle = [prefix for prefix, share in (("foot", wall.share_foot), ("depth", wall.share_depth)) if share == 0]
    idle += ["uneven"] if layout.noise.uneven == 0 else []
    return [name for name in WALL_CAUSES if not name.startswith(tuple(idle))]


def _ceiling_moves(problem: Problem) -> list[MovedRoom]:
    """The room under the ceiling's own errors: of its line, and of the depth (or the network's line) that its height rests on."""
    layout = problem.layout
    if problem.ceiling_from is None:
        return []
    by_line = problem.ceiling_from == "ceiling line"
    share = CEILING_LINE_SHARE * layout.noise.common if by_line else layout.noise.of_mean(layout.ceiling.mask.sum())
    share = float(np.hypot(share, layout.noise.uneven))

    def shape(**error: float) -> Shape:
        return shape_of(problem, layout.state, layout.solved, **error)

    moves = [_both_ways("fit", lambda sign: shape(line_cells=sign * LINE_SIGMA_CELLS))] if by_line else []
    return [*moves, _both_ways("model", lambda sign: shape(ceiling_log=sign * share))]


def _lost(wall: WallSolution) -> WallSolution:
    """A wall that its observations place nowhere under a move (behind the horizon, say): at distance NaN."""
    return replace(wall, distance=float("nan"))


def _scaled(shape: Shape, factor: float) -> Shape:
    ceiling, top = (None if x is None else x * factor for x in (shape.ceiling, shape.top))
    climb = None if shape.climb is None else (shape.climb[0] * factor, shape.climb[1] * factor)
    return Shape(shape.psi, shape.distance * factor, shape.ends * factor, shape.camera_height * factor, ceiling, top, climb)


def variance(errors: Errors, quantity: Callable[[Shape], float]) -> tuple[float, dict[str, float]]:
    """Value of a quantity of the room, and the variance of its log by cause."""
    parts: dict[str, float] = {}
    for move, change in zip(errors.moved, log_changes(errors, quantity)):
        parts[move.cause] = parts.get(move.cause, 0.0) + float(change) ** 2
    return float(quantity(errors.base)), parts


def log_changes(errors: Errors, quantity: Callable[[Shape], float]) -> np.ndarray:
    """Log change of a quantity under every independent error, in the order of `Errors.moved`; at most a factor e either way. Of errors that
    given lengths have lessened, what is left."""
    base = quantity(errors.base)
    changes = np.array([log_change(quantity(move.up), quantity(move.down), base) for move in errors.moved])
    for learnt in errors.known:
        changes = learnt.left(changes)
    return changes


def log_change(up: float | None, down: float | None, base: float, most: float = 1.0) -> float:
    """Half the log ratio of a quantity moved up to the same moved down, each at most `most` from its base (log). A value that cannot
    be had any more (None, NaN, not positive) counts as `most` away, on the side that the other one is not: never as no change."""
    if not base > 0:
        return 0.0
    off = [None if x is None or not x > 0 else float(np.clip(np.log(x / base), -most, most)) for x in (up, down)]
    if off[0] is None:
        off[0] = most if off[1] is None or off[1] <= 0 else -most
    if off[1] is None:
        off[1] = -most if off[0] >= 0 else most
    return (off[0] - off[1]) / 2


def ceiling_climb(scene: Scene) -> tuple[float, float] | None:
    """`Shape.climb` of a scene as measured; None also where photos were joined, whose scene has no solution."""
    return None if scene.solution is None else scene.solution.base.climb


def wall_length(shape: Shape, k: int) -> float:
    """Metres from end to end of wall k."""
    return float(np.linalg.norm(shape.ends[k][1] - shape.ends[k][0]))
