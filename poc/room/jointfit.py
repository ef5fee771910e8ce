"""Walls, ceiling and cameras of one room from the distances that several photos measured, by generalised least squares.

Everything is in the anchor photo's room frame (axes along the walls). A wall whose facing is f (quarter turns clockwise from +y)
lies at `u_f · p = c`; photo i at t_i sees it at the distance c − u_f · t_i. The unknowns have names: "wall 2" is c of wall 2, "x of
1" and "y of 1" are t of photo 1, "ceiling" is its height above the floor, "height of 0" the camera's in photo 0; all metres.

Each photo's errors come from its scene's own propagation and are its own, but for three. The scale's error of one source (a habit, a
height given), a network's on the floor that it takes the scale from, and a focal length's (one maker's EXIF, one number given) are
common to every photo that relies on it, and are never averaged away. A height that a length marked in one photo contradicts is in doubt
in all (`doubting_given`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from poc.room.propagate import Shape, ceiling_climb, log_changes
from poc.room.sameroom import Seat, quarter
from poc.room.scale import GIVEN_HEIGHT, MODEL, contradict, reaching
from poc.types import Scene

ALONG_AXIS = np.deg2rad(10.0)
"""Walls turned farther from the room's axes than this are left to the photo that saw them."""
FLOOR_SIGMA_M = 0.005
"""One sigma of every observation at least: no wall is flatter, and exact inputs stay solvable."""
TOLD = ("exif", "given", "assumed")
"""Sources (`Camera.f_source`) of a focal length that is as wrong in one photo as in the next. One solved from the lines is each
photo's own."""
DISAGREE = 2.0
"""Sigmas of their difference from which two photos are said to disagree."""


@dataclass(frozen=True)
class Facing:
    """A wall of one photo that stands along the room's axes. index: in `Scene.walls`. facing: of its outward side, quarter turns
    clockwise from +y of the photo's own room frame. distance_m: from the camera."""

    index: int
    plane_id: str
    facing: int
    distance_m: float


@dataclass(frozen=True)
class View:
    """One photo's scene as the fit wants it.

    ceiling_m: above the floor, None where not seen. errors: n×k, changes in metres of n quantities (the distance of each of `walls`,
    the ceiling's height where one is seen, the camera's height) under k independent one-sigma errors of the photo's own. common: such
    columns (n) by cause, for causes that other photos may share. shares: the scale's own error by source, relative (one sigma).
    """

    name: str
    scene: Scene
    walls: tuple[Facing, ...]
    ceiling_m: float | None
    errors: np.ndarray
    shares: dict[str, float]
    common: dict[str, np.ndarray] = field(default_factory=dict)


def unit_of_facing(facing: int) -> np.ndarray:
    """Plan direction of a wall's outward side: 0 is +y, 1 is +x, 2 is −y, 3 is −x."""
    return np.array(((0, 1), (1, 0), (0, -1), (-1, 0))[facing % 4], float)


def view_of(name: str, scene: Scene) -> View:
    """What a scene (not refused) says, with its errors. name: the photo's."""
    walls = []
    for k, segment in enumerate(scene.walls):
        plane = scene.plane(segment.plane_id)
        outward = -(scene.room_from_cam @ plane.normal_cam)
        azimuth = np.arctan2(outward[0], outward[1])
        facing = int(np.rint(azimuth / (np.pi / 2)))
        if abs(azimuth - facing * np.pi / 2) < ALONG_AXIS:
            walls.append(Facing(k, segment.plane_id, facing % 4, float(plane.offset_m)))
    ceiling = scene.plane("ceiling") if ceiling_climb(scene) is None else None  # one that slopes is no observation of a height
    total = None if ceiling is None else float(ceiling.offset_m + scene.camera_height_m)
    errors, common = _errors(scene, walls, total)
    return View(name, scene, tuple(walls), total, errors, scale_shares(name, scene), common)


def _errors(scene: Scene, walls: Sequence[Facing], ceiling: float | None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """`View.errors` and `View.common`: changes by each cause but the scale. Without a solution: each plane's own sigma, independent."""
    rows = len(walls) + (ceiling is not None) + 1
    solved = scene.solution
    if solved is None:
        rel = scene.scale.own_sigma_rel
        planes = [scene.plane(w.plane_id) for w in walls] + ([scene.plane("ceiling")] if ceiling is not None else [])
        return np.diag([*(np.sqrt(max(p.sigma_m**2 - (rel * p.offset_m) ** 2, 0.0)) for p in planes), 0.0]), {}
    quantities: list[Callable[[Shape], float]] = [lambda s, k=w.index: s.distance[k] for w in walls]
    quantities += [lambda s: s.ceiling] if ceiling is not None else []
    quantities.append(lambda s: s.camera_height)
    values = np.array([q(solved.base) for q in quantities])
    by_network = any(o.source == MODEL for o in scene.scale.opinions)
    floor = next((k for k, move in enumerate(solved.moved) if move.cause == "model"), None)  # the camera's; a wall's depth comes later
    changes = np.array([log_changes(solved, q) for q in quantities])
    columns, common = [], {}
    for k, move in enumerate(solved.moved):
        if move.cause == "scale" and not solved.known:  # with lengths of the room given, it is this photo's own
            continue
        column = values * changes[:, k]
        if move.cause == "focal" and scene.camera.f_source in TOLD:
            common[f"focal length, {scene.camera.f_source}"] = column
        elif k == floor and by_network and abs(column[-1]) > 1e-9:
            common["floor by the network"] = column
        else:
            columns.append(column)
    return (np.array(columns).T.reshape(rows, -1) if columns else np.zeros((rows, 0))), common


def doubting_given(views: Sequence[View | None]) -> list[View | None]:
    """The views, with a height that was given as unsure in all of them as a length marked in one makes it that contradicts it; those with
    such a length are so already."""
    doubt: dict[int, float] = {}
    for i, view in enumerate(views):
        said = () if view is None else view.scene.scale.opinions
        rivals = [(a, b) for a in said for b in said if a.source == GIVEN_HEIGHT and b.source != MODEL and contradict(a, b)]
        doubt |= {i: max(reaching(pair, float(np.log(pair[0].camera_height_m))) for pair in rivals)} if rivals else {}
    least = max(doubt.values(), default=0.0)
    return [view if view is None or i in doubt or GIVEN_HEIGHT not in view.shares else
            replace(view, shares=view.shares | {GIVEN_HEIGHT: max(view.shares[GIVEN_HEIGHT], least)}) for i, view in enumerate(views)]


def scale_shares(name: str, scene: Scene) -> dict[str, float]:
    """`View.shares`: one-sigma relative error of the scale by source, less what comes from the photo's camera and walls. The error of
    a length marked in the photo (called `name`) is that photo's own."""
    scale = scene.scale
    if not scale.opinions:
        return {scale.source: scale.own_sigma_rel}
    weight = np.array([1 / max(o.sigma_rel, 1e-4) ** 2 for o in scale.opinions])
    parts = weight / weight.sum() * np.array([max(o.sigma_rel, 1e-4) for o in scale.opinions])
    parts = parts * scale.own_sigma_rel / max(float(np.linalg.norm(parts)), 1e-9)  # with what disagreement has widened it by
    shares: dict[str, float] = {}
    for opinion, part in zip(scale.opinions, parts):
        key = f"{opinion.source} in {name}" if opinion.source.startswith("reference") else opinion.source
        shares[key] = float(np.hypot(shares.get(key, 0.0), part))
    return shares


@dataclass(frozen=True)
class Row:
    """One observation. own: weights (n) by which it combines the photo's quantities, the rows of `View.errors`. value: metres. parts:
    coefficients of the unknowns, by name. extra: variance (m²) that disagreement with other photos adds."""

    photo: int
    own: np.ndarray
    value: float
    parts: dict[str, float]
    extra: float = 0.0


@dataclass(frozen=True)
class Fit:
    """The unknowns that were solved: names, values (metres) and covariance (m²)."""

    names: list[str]
    value: np.ndarray
    covariance: np.ndarray

    def get(self, parts: Mapping[str, float]) -> tuple[float, float]:
        """Value and one sigma of a combination of unknowns (coefficient by name), metres."""
        a = np.zeros(len(self.names))
        for name, part in parts.items():
            a[self.names.index(name)] += part
        return float(a @ self.value), float(np.sqrt(max(a @ self.covariance @ a, 1e-12)))


def rows_of(view: View, photo: int, owner: dict[int, int], turn: int) -> list[Row]:
    """Observations of a seated photo. owner: number of the joint wall, by position in `View.walls`. turn: the seat's."""
    out, n = [], len(view.errors)
    for k, wall in enumerate(view.walls):
        if k not in owner:
            continue
        u = unit_of_facing(wall.facing - turn)
        parts = {f"wall {owner[k]}": 1.0} | {f"{axis} of {photo}": -float(v) for axis, v in zip("xy", u) if v}
        out.append(Row(photo, np.eye(n)[k], wall.distance_m, parts))
    return out + height_rows(view, photo)


def height_rows(view: View, photo: int) -> list[Row]:
    """Observations of the camera's and the ceiling's height, which do not depend on where in the room a photo was taken."""
    n = len(view.errors)
    out = [Row(photo, np.eye(n)[n - 1], float(view.scene.camera_height_m), {f"height of {photo}": 1.0})]
    if view.ceiling_m is not None:
        out.append(Row(photo, np.eye(n)[n - 2], view.ceiling_m, {"ceiling": 1.0}))
    return out


def solve(views: list[View], rows: list[Row], seats: dict[int, Seat], anchor: int) -> Fit:
    """All unknowns from all observations. The anchor photo stands at the origin; another photo's seat (by its position in `views`) is
    a weak observation of its place."""
    at_rest = {f"x of {anchor}", f"y of {anchor}"}
    names = [n for n in dict.fromkeys(n for r in rows for n in r.parts) if n not in at_rest]
    a = np.array([[r.parts.get(n, 0.0) for n in names] for r in rows])
    y = np.array([r.value for r in rows])
    own = _own_covariance(views, rows)
    weak = [(names.index(f"{axis} of {i}"), s.shift_m[k], s.sigma_m) for i, s in seats.items()
            for k, axis in enumerate("xy") if f"{axis} of {i}" in names]
    for column, value, sigma in weak:
        a, y = np.vstack([a, np.eye(len(names))[column]]), np.append(y, value)
        own = np.pad(own, (0, 1))
        own[-1, -1] = sigma**2
    scaled = y[: len(rows)]
    for _ in range(3):  # the scale's error is relative to the fitted value: taken of the observed, it would favour the smaller one
        common = np.pad(_common_covariance(views, rows, scaled), (0, len(weak)))
        info = np.linalg.inv(own + common)
        cov = np.linalg.inv(a.T @ info @ a)
        x = cov @ a.T @ info @ y
        scaled = (a @ x)[: len(rows)]
    return Fit(names, x, cov)


def _own_covariance(views: list[View], rows: list[Row]) -> np.ndarray:
    """Covariance (m²) of the observations by each photo's own errors."""
    out = np.diag([FLOOR_SIGMA_M**2 + r.extra for r in rows])
    for i in {r.photo for r in rows}:
        pick = [k for k, r in enumerate(rows) if r.photo == i]
        w = np.array([rows[k].own for k in pick])
        e = w @ views[i].errors if views[i].errors.size else np.zeros((len(pick), 1))
        out[np.ix_(pick, pick)] += e @ e.T
    return out


def _common_covariance(views: list[View], rows: list[Row], value: np.ndarray) -> np.ndarray:
    """Covariance (m²) of the observations by errors that photos share: of the scale, the floor and the focal length. value: of each."""
    sources = sorted({s for r in rows for s in views[r.photo].shares})
    scale = np.array([[views[r.photo].shares.get(s, 0.0) for s in sources] for r in rows]) * value[:, None]
    told = sorted({s for r in rows for s in views[r.photo].common})
    other = np.array([[_shared(views[r.photo], r.own).get(s, 0.0) for s in told] for r in rows]).reshape(len(rows), -1)
    return scale @ scale.T + other @ other.T


def _shared(view: View, own: np.ndarray) -> dict[str, float]:
    """Metres by which each error that photos share moves a combination `own` (as of `Row`)."""
    return {cause: float(own @ column) for cause, column in view.common.items()}


@dataclass(frozen=True)
class Opinion:
    """What one photo says of a quantity. sigma_m: one sigma of its own errors. rows: the observations it comes from. shared: metres
    by cause, under one sigma of errors that photos share."""

    photo: int
    value: float
    sigma_m: float
    rows: tuple[int, ...]
    shared: dict[str, float]


def opinions(views: list[View], rows: list[Row]) -> dict[tuple[str, ...], list[Opinion]]:
    """What photos say of the same quantity, by the names of the unknowns in it.

    Quantities that do not depend on where a photo was taken: single rows without its place, and pairs of a photo's rows in which its
    place cancels (the distance between opposite walls). Camera heights are each photo's own and left out.
    """
    said: dict[tuple[str, ...], list[Opinion]] = {}
    for i, r in enumerate(rows):
        if not any(" of " in n for n in r.parts):
            said.setdefault(tuple(sorted(r.parts)), []).append(_opinion(views, r, (i,)))
        for j in range(i + 1, len(rows)):
            names = _width_of(r, rows[j])
            if names:
                both = Row(r.photo, r.own + rows[j].own, r.value + rows[j].value, {})
                said.setdefault(names, []).append(_opinion(views, both, (i, j)))
    return said


def _width_of(r: Row, s: Row) -> tuple[str, ...]:
    """The names of the two walls whose distance from each other two rows of a photo add up to; empty where they do not."""
    if r.photo != s.photo or len(r.own) == 0:
        return ()
    parts = {n: r.parts.get(n, 0.0) + s.parts.get(n, 0.0) for n in (*r.parts, *s.parts)}
    left = {n: p for n, p in parts.items() if abs(p) > 1e-9}
    walls = [n for n in left if n.startswith("wall")]
    return tuple(sorted(walls)) if len(left) == len(walls) == 2 and len(r.parts) == len(s.parts) == 2 else ()


def _opinion(views: list[View], r: Row, rows: tuple[int, ...]) -> Opinion:
    e = r.own @ views[r.photo].errors if views[r.photo].errors.size else np.zeros(1)
    return Opinion(r.photo, r.value, float(np.sqrt(e @ e + FLOOR_SIGMA_M**2)), rows, _shared(views[r.photo], r.own))


def difference_variance(views: list[View], a: Opinion, b: Opinion) -> float:
    """Variance (m²) of the difference of two photos' values, in which errors that they share cancel."""
    told = sum((a.shared.get(s, 0.0) - b.shared.get(s, 0.0)) ** 2 for s in {*a.shared, *b.shared})
    return a.sigma_m**2 + b.sigma_m**2 + told + scale_difference(views[a.photo], a.value, views[b.photo], b.value)


def scale_difference(a: View, value_a: float, b: View, value_b: float) -> float:
    """Variance (m²) that the scales' errors give to the difference of two photos' values."""
    return float(sum((a.shares.get(s, 0.0) * value_a - b.shares.get(s, 0.0) * value_b) ** 2 for s in {*a.shares, *b.shares}))


class Disagreement(NamedTuple):
    """Two photos that differ about a quantity by more than `DISAGREE` sigmas. names: of the unknowns in it."""

    names: tuple[str, ...]
    first: Opinion
    second: Opinion


def widened(views: list[View], rows: list[Row]) -> tuple[list[Row], list[Disagreement]]:
    """The rows with what disagreement adds to their errors (the Birge ratio, per quantity), and which photos disagree."""
    extra, conflicts = np.zeros(len(rows)), []
    for names, said in opinions(views, rows).items():
        pairs = [(a, b, difference_variance(views, a, b)) for i, a in enumerate(said) for b in said[i + 1:]]
        gaps = [(a.value - b.value) ** 2 / v for a, b, v in pairs]
        conflicts += [Disagreement(names, a, b) for (a, b, _), gap in zip(pairs, gaps) if gap > DISAGREE**2]
        birge2 = float(np.mean(gaps)) if gaps else 0.0
        if birge2 > 1.0:
            share = (birge2 - 1.0) * float(np.mean([v for _, _, v in pairs])) / 2
            for opinion in said:
                pick = list(opinion.rows)
                extra[pick] = np.maximum(extra[pick], share / len(pick))
    return [replace(r, extra=float(e)) for r, e in zip(rows, extra)], conflicts


def turned_facing(facing: int, turn: int) -> int:
    """A facing of a photo's own frame, in the anchor's. turn: the photo's (`Seat.turn`)."""
    return (facing - turn) % 4


def to_anchor(points: np.ndarray, seat: Seat) -> np.ndarray:
    """Plan points (n×2) of a photo's room frame in the anchor's."""
    return np.asarray(points, float) @ quarter(seat.turn).T + seat.shift_m
