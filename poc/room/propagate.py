"""From observations to metres and their errors: every number is recomputed with each input moved by its own sigma, up and down.

Central differences: deterministic, cheap (a wall is two normal equations), and they say which cause an interval comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from poc.room.layout import TOP_QUANTILE, CeilingData, Layout
from poc.room.planes import DepthFit
from poc.room.wallfit import WALL_CAUSES, State, WallSolution, height_on_wall, solve_wall
from poc.types import Scale

CameraMove = tuple[str, State, State]
"""A cause, and the state under it moved up by one sigma and down."""
CAUSES = ("scale", "focal", "gravity", "shift", "fit", "model", "unseen")
FLATTEST = 0.08
"""Cosine between a direction and a wall's normal below which the two are taken to meet no farther off."""
CEILING_LINE_SHARE = 0.8
"""One sigma of log ceiling height over the camera, by where a network sees the ceiling begin, as a share of its depth's
common error: on rendered rooms with exact truth the line was off by up to a third of that height."""
LINE_SIGMA_CELLS = 1.2
"""One sigma of the line where walls meet the ceiling, cells of the working grid, common to a wall."""


@dataclass(frozen=True)
class FloorData:
    """Floor cells to refit a depth map's scale and shift under another camera: photo pixels, inverse depth, weights."""

    uv: np.ndarray
    d: np.ndarray
    w: np.ndarray
    follows_focal: bool

    def fit(self, state: State, nominal: State) -> DepthFit | None:
        """The depth fit under `state` (whose fit gives the shift), keeping the weights of the nominal one."""
        if nominal.fit is None or len(self.d) < 8:
            return state.fit
        ratio = self._ratio(state) / self._ratio(nominal)
        model = nominal.fit.height_model_m
        stretch = state.f_px / nominal.f_px if self.follows_focal else 1.0
        return replace(state.fit, scale=nominal.fit.scale * ratio, height_model_m=None if model is None else model * ratio * stretch)

    def _ratio(self, state: State) -> float:
        s, d = -state.level_rays(self.uv)[:, 2], self.d + state.fit.shift
        return float((self.w * s * d).sum() / (self.w * d**2).sum())


@dataclass(frozen=True)
class End:
    """How a wall's visible stretch ends: "corner" with another wall, else at a photo pixel ("frame", "occluded")."""

    kind: str
    other: int
    uv: tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """The room in metres under one state: wall lines (psi, distance), their ends (k×2×2, plan), heights. top: how far above
    the floor a wall is seen."""

    psi: np.ndarray
    distance: np.ndarray
    ends: np.ndarray
    camera_height: float
    ceiling: float | None
    top: float | None = None


@dataclass(frozen=True)
class Problem:
    """Everything needed to recompute the room: layout, floor cells, ends per wall, the camera's height."""

    layout: Layout
    floor: FloorData
    ends: tuple[tuple[End, End], ...]
    camera_height_m: float
    ceiling_from: str | None


def shape_of(p: Problem, state: State, solved: list[WallSolution], *, line: float = 0.0, ceiling_model: float = 0.0) -> Shape:
    """Metres from a state and solved walls. line: error of the ceiling line in cells; ceiling_model: of log ceiling depth."""
    h = p.camera_height_m
    psi, dist = np.array([w.psi for w in solved]), np.array([w.distance for w in solved]) * h
    ends = np.array([[_end_point(p, state, psi, dist, k, end) for end in pair] for k, pair in enumerate(p.ends)]).reshape(-1, 2, 2)
    above = ceiling_height(p, state, solved, line, ceiling_model)
    return Shape(psi, dist, ends, h, None if above is None else h * (1 + above), _top(p, state, solved, h))


def _top(p: Problem, state: State, solved: list[WallSolution], h: float) -> float | None:
    """How far above the floor a wall is seen, metres."""
    seen = p.layout.top
    if seen is None:
        return None
    wall = solved[seen.wall]
    return h * (1 + height_on_wall(state.level_rays(seen.uv), wall.psi, wall.distance, TOP_QUANTILE))


def _end_point(p: Problem, state: State, psi, dist, k: int, end: End) -> np.ndarray:
    if end.kind == "corner":
        a = np.array([[np.sin(psi[k]), np.cos(psi[k])], [np.sin(psi[end.other]), np.cos(psi[end.other])]])
        return np.linalg.solve(a, [dist[k], dist[end.other]])
    level = state.level_rays(np.array([end.uv]))[0]
    az = np.arctan2(level[0], level[1])
    return dist[k] / max(np.cos(az - psi[k]), FLATTEST) * np.array([np.sin(az), np.cos(az)])


def ceiling_height(p: Problem, state: State, solved, line: float, model: float) -> float | None:
    """Ceiling over the camera in camera heights."""
    data = p.layout.ceiling
    if p.ceiling_from == "ceiling line":
        level = state.level_rays(data.line_uv)
        level[:, 2] += line / (state.f_px * p.layout.cells_per_px) * np.hypot(level[:, 0], level[:, 1])
        psi, dist = np.array([w.psi for w in solved])[data.line_wall], np.array([w.distance for w in solved])[data.line_wall]
        return height_on_wall(level, psi, dist) * float(np.exp(model))
    if p.ceiling_from == "depth":
        return float(np.median(ceiling_depth_heights(data, state)) * np.exp(model))
    return None


def ceiling_depth_heights(data: CeilingData, state: State) -> np.ndarray:
    """Height over the camera of each ceiling sample by its depth, camera heights."""
    return state.level_rays(data.depth_uv)[:, 2] / np.maximum(state.fit.inverse(data.depth_d), 1e-3)


@dataclass(frozen=True)
class Errors:
    """The room at rest, and for each independent one-sigma cause (cause, the room moved up by it, and down). What cannot be placed
    any more under a move is NaN in it."""

    base: Shape
    moved: tuple[tuple[str, Shape, Shape], ...] = field(default=())


def camera_cause(cause: str, k: int) -> str:
    """Name of the k-th camera move in `Scale.changes`."""
    return f"{cause} {k}"


def wall_cause(k: int, name: str) -> str:
    """Name of one of `WALL_CAUSES` of wall k in `Scale.changes`."""
    return f"wall {k} {name}"


def moved_shapes(p: Problem, camera_moves: Sequence[CameraMove], scale: Scale) -> Errors:
    """The room at rest, and under every one-sigma cause: what moves the scale as well moves both at once."""
    lay = p.layout
    solved = list(lay.solved)

    def both(cause: str, shape: Callable[[float], Shape]) -> tuple[str, Shape, Shape]:
        return cause, shape(1.0), shape(-1.0)

    def under(state: State, log_scale: float) -> Shape:
        shape = shape_of(p, state, [solve_wall(d, state) or _lost(s) for d, s in zip(lay.walls, solved)])
        return _scaled(shape, np.exp(log_scale))

    def bumped(k: int, name: str, sign: float) -> Shape:
        one = solve_wall(lay.walls[k], lay.state, bump={name: sign}) or _lost(solved[k])
        shape = shape_of(p, lay.state, solved[:k] + [one] + solved[k + 1:])
        return _scaled(shape, np.exp(sign * scale.changes.get(wall_cause(k, name), 0.0)))

    base = shape_of(p, lay.state, solved)
    moved = [both("scale", lambda sign: _scaled(base, np.exp(sign * scale.own_sigma_rel)))]
    for k, (cause, up, down) in enumerate(camera_moves):
        log_scale = scale.changes.get(camera_cause(cause, k), 0.0)
        moved.append((cause, under(up, log_scale), under(down, -log_scale)))
    for k in range(len(solved)):
        for name, cause in WALL_CAUSES.items():
            if (name.startswith("foot") and solved[k].share_foot == 0) or (name.startswith("depth") and solved[k].share_depth == 0):
                continue
            if name == "uneven" and lay.noise.uneven == 0:
                continue
            moved.append(both(cause, lambda sign, k=k, name=name: bumped(k, name, sign)))
    if p.ceiling_from == "ceiling line":
        moved.append(both("fit", lambda sign: shape_of(p, lay.state, solved, line=sign * LINE_SIGMA_CELLS)))
    if p.ceiling_from is not None:
        share = CEILING_LINE_SHARE * lay.noise.common if p.ceiling_from == "ceiling line" else lay.noise.of_mean(lay.ceiling.mask.sum())
        share = float(np.hypot(share, lay.noise.uneven))
        moved.append(both("model", lambda sign: shape_of(p, lay.state, solved, ceiling_model=sign * share)))
    return Errors(base, tuple(moved))


def _lost(wall: WallSolution) -> WallSolution:
    """A wall whose observations place it nowhere under a move: behind the horizon, say."""
    return replace(wall, distance=float("nan"))


def _scaled(s: Shape, factor: float) -> Shape:
    heights = (None if x is None else x * factor for x in (s.ceiling, s.top))
    return Shape(s.psi, s.distance * factor, s.ends * factor, s.camera_height * factor, *heights)


def variance(errors: Errors, quantity: Callable[[Shape], float]) -> tuple[float, dict[str, float]]:
    """Value of a quantity and its variance by cause (log units: relative to the value)."""
    parts: dict[str, float] = {}
    for (cause, _, _), change in zip(errors.moved, log_changes(errors, quantity)):
        parts[cause] = parts.get(cause, 0.0) + float(change) ** 2
    return float(quantity(errors.base)), parts


def log_changes(errors: Errors, quantity: Callable[[Shape], float]) -> np.ndarray:
    """Log change of a quantity under every independent cause, in the order of `Errors.moved`; at most a factor e either way."""
    base = quantity(errors.base)
    return np.array([log_change(quantity(up), quantity(down), base) for _, up, down in errors.moved])


def log_change(up: float | None, down: float | None, base: float, most: float = 1.0) -> float:
    """Half the log ratio of a quantity moved up to the same moved down, each at most `most` from its base. One that cannot be had
    any more (None, NaN, not positive) is that far off, on the other's far side: never no change at all."""
    if not base > 0:
        return 0.0
    off = [None if x is None or not x > 0 else float(np.clip(np.log(x / base), -most, most)) for x in (up, down)]
    if off[0] is None:
        off[0] = most if off[1] is None or off[1] <= 0 else -most
    if off[1] is None:
        off[1] = -most if off[0] >= 0 else most
    return (off[0] - off[1]) / 2


def wall_length(shape: Shape, k: int) -> float:
    """Metres from end to end of wall k."""
    return float(np.linalg.norm(shape.ends[k][1] - shape.ends[k][0]))
