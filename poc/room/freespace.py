"""What of the room is free, in numbers: the longest free wall, the floor in view and the floor that is free.

The scene's planes carry the errors of scale, camera and walls; what is added here is how well an edge on the floor is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from poc.room.propagate import Shape, variance
from poc.room.roomspace import SHORTEST_FREE_M, free_kinds, longest_free
from poc.room.view import LONG_SIDE
from poc.types import Z90, Measurement, Plane, Scale, Scene, WallSegment

CORNER_SIGMA_M, SOFT_END_SIGMA_M = 0.03, 0.05
"""One sigma of where a stretch ends: in a corner; at furniture, a door or the edge of sight, where it is at least this."""
END_SIGMA_CELLS = 4.0
"""One sigma of where a wall is last seen, cells of the working grid: near a corner with a wall that is not known, a few columns of
that wall cannot be told from this one."""
EDGE_SIGMA_CELLS = 4.0
"""The same at furniture and doors, by the edges of a network's surfaces."""
EDGE_SIGMA_M = 0.03
"""One sigma of an edge of the seen floor where no wall ends it, common to all of it."""
NO_WALL_SHARE = 0.15
"""One sigma of the area seen towards no known wall, as a share of it."""
ON_WALL_CELLS = 1.5
"""An outline this near to a wall (cells of the floor grid) runs along it."""
OUTLINE_SIGMA = 0.012
"""One relative sigma of an area from its drawing alone: cells, and slivers at the photo's sides too narrow to be made out."""
LEAST_FLOOR_M2 = 0.3
"""Less floor than this is a glimpse, not an area."""
LIGHTS = (("green", 0.04), ("amber", 0.12), ("red", np.inf))
"""A measurement's light, by the sigma of its log below which it has it."""
END_WORDS = {"frame": "cut by the photo's edge", "occluded": "hidden by what stands before it"}


def free_measurements(scene: Scene, one_view: bool = True) -> tuple[Measurement, ...]:
    """`longest_free_wall`, `floor_area_visible` and `floor_area_free`, always all three.

    `floor_area_visible` is the floor in the photo's view before the walls, furniture standing on it included; `floor_area_free` is
    what of it is seen bare. one_view: False where photos were joined, and not all was seen from where the scene's camera stands.
    """
    return (_longest_free_wall(scene, one_view), _area(scene, "floor_area_visible"), _area(scene, "floor_area_free"))


def _longest_free_wall(scene: Scene, one_view: bool) -> Measurement:
    found = longest_free(scene)
    if found is None:
        reason = f"no wall is seen free down to its foot for {SHORTEST_FREE_M} m or more"
        return unknown("longest_free_wall", "m", reason)
    wall, span = found
    own = free_stretch(scene, wall, span, free_kinds(wall)[wall.free.index(span)], one_view)
    cut = [w.plane_id.replace("_", " ") for w in scene.walls if _may_hold_more(scene, w, own)]
    if own.status != "measured" or not cut:
        return own  # else another may be the longest: of 27 told with two ends, 19 were shorter than it
    place = f"a free stretch of {wall.plane_id.replace('_', ' ')}, seen whole, is about {own.value:.2f} m"
    reason = f"{place}; {which_go(cut, 'another of ')} on out of sight"
    return replace(own, status="lower_bound", high=None, reason=reason)


def _may_hold_more(scene: Scene, wall: WallSegment, than: Measurement) -> bool:
    """Whether a wall has a free stretch that goes on out of sight, and may be longer than the stretch measured."""
    if not any(map(goes_on, free_kinds(wall))):
        return False
    vague = scene.plane(wall.plane_id)
    return wall.end_kinds != ("corner", "corner") or wall.length_m * np.exp(Z90 * vague.sigma_m / vague.offset_m) > than.low


def drawn_stretch(scene: Scene, told: Measurement | None) -> Measurement | None:
    """`longest_free_wall` (told) as a measurement of the very stretch that is drawn and furnished; None where there is none.

    Where both of its ends are seen the stretch has an interval with two ends, even if `told` is a lower bound because another
    stretch may be longer.
    """
    found = longest_free(scene)
    if found is None or told is None or told.value is None:
        return None
    wall, span = found
    if told.status != "lower_bound" or goes_on(free_kinds(wall)[wall.free.index(span)]):
        return told
    return replace(told, status="measured", high=told.value**2 / told.low, reason="")


def goes_on(kinds: tuple[str, str]) -> bool:
    """Whether a stretch with such ends goes on out of sight."""
    return any(kind in END_WORDS for kind in kinds)


def which_go(walls: list[str], which: str = "") -> str:
    """"wall 2 goes", "wall 1 and wall 3 go"; with `which` before it, of one thing of them."""
    return f"{which}{' and '.join(walls)} {'go' if len(walls) > 1 and not which else 'goes'}"


def free_stretch(scene: Scene, wall: WallSegment, span: tuple[float, float], kinds: tuple[str, str],
                 one_view: bool = True) -> Measurement:
    """A free stretch of a wall, measured as `longest_free_wall` is. span: from, to, metres along the wall; kinds: of its two ends;
    one_view: as of `free_measurements`."""
    start, end = span
    length, plane = end - start, scene.plane(wall.plane_id)
    k = scene.walls.index(wall)
    _, parts = propagated(scene, lambda s: stretch_length(s, k, wall, (start, end), kinds), length, length * plane.sigma_m / plane.offset_m)
    along = (wall.ends[1] - wall.ends[0]) / wall.length_m

    def sigma_m(kind: str, t: float) -> float:
        if kind == "corner":
            return CORNER_SIGMA_M
        cells = END_SIGMA_CELLS if kind in END_WORDS else EDGE_SIGMA_CELLS
        return max(SOFT_END_SIGMA_M, end_sigma_m(scene, plane, wall.ends[0] + t * along, cells) if one_view else 0.0)

    sigmas = [sigma_m(kind, t) for kind, t in zip(kinds, (start, end))]
    parts["unseen"] = parts.get("unseen", 0.0) + sum(np.square(sigmas)) / length**2
    open_ends = dict.fromkeys(END_WORDS[kind] for kind in kinds if kind in END_WORDS)
    reason = f"the free stretch goes on out of sight: {' and '.join(open_ends)}" if open_ends else ""
    return log_normal("longest_free_wall", length, "m", parts, f"{wall.plane_id}, {plane.basis}", reason)


def end_sigma_m(scene: Scene, plane: Plane, at: np.ndarray, cells: float = END_SIGMA_CELLS) -> float:
    """One sigma (metres, along the wall) of a point of it (at: plan, 2) where it is last seen: so many cells of direction, which
    count the more the flatter the view."""
    f_cells = scene.camera.f_px * min(1.0, LONG_SIDE / max(scene.camera.width, scene.camera.height))
    return cells / f_cells * float(at @ at) / max(plane.offset_m, 0.05)


def stretch_length(shape: Shape, k: int, wall: WallSegment, span: tuple[float, float], kinds: tuple[str, str]) -> float:
    """Length (metres) of a stretch of wall k in a moved room: corners move with the walls, other ends keep their direction.

    wall, span, kinds: the stretch as measured, as of `free_stretch`.
    """
    step = (wall.ends[1] - wall.ends[0]) / wall.length_m
    points = [wall.ends[0] + t * step for t in span]
    normal = np.array([np.sin(shape.psi[k]), np.cos(shape.psi[k])])
    moved = [shape.ends[k][i] if kinds[i] == "corner" else p * shape.distance[k] / max(float(normal @ p), 0.05)
             for i, p in enumerate(points)]
    return float(np.linalg.norm(moved[1] - moved[0]))


def _area(scene: Scene, name: str) -> Measurement:
    """`floor_area_visible` or `floor_area_free`."""
    free = name == "floor_area_free"
    outline = area = _polygon_area(scene.outline)
    if free:  # counted in cells, it may be a hair more than the outline holds
        area = min(float(scene.free_floor.sum()) * scene.grid_cell_m**2, outline)
    seen = float(scene.seen_floor.sum()) * scene.grid_cell_m**2
    if seen < LEAST_FLOOR_M2 or area < LEAST_FLOOR_M2:
        return unknown(name, "m²", "hardly any floor is seen" if seen < LEAST_FLOOR_M2 else "hardly any of the floor seen is free")
    _, parts = propagated(scene, lambda s: _area_to_walls(s, scene), area, area * _joined_area_sigma(scene))
    backing = _backing(scene)
    edge_m = _perimeter(scene.free_floor) * scene.grid_cell_m if free else backing.open_edge_m
    edge = (edge_m * EDGE_SIGMA_M / area) ** 2
    vague = max((p.sigma_m / p.offset_m for p in scene.planes if p.kind == "wall"), default=0.0)
    parts["unseen"] = edge + ((NO_WALL_SHARE + 2 * vague) * (1 - backing.share)) ** 2 + OUTLINE_SIGMA**2
    reason = "the floor goes on out of the photo"
    if free and outline > 1.1 * seen:
        reason += " and behind furniture"
    basis = "floor seen bare, less what stands on it" if free else "walls and the photo's edge"
    return log_normal(name, area, "m²", parts, basis, reason)


def _joined_area_sigma(scene: Scene) -> float:
    """One relative sigma of an area between walls, for a scene without a solution: the scale's twice, and two walls' own."""
    scale = scene.scale.sigma_rel
    own = [max((p.sigma_m / p.offset_m) ** 2 - scale**2, 0.0) for p in scene.planes if p.kind == "wall"]
    return float(np.sqrt(4 * scale**2 + 2 * (np.mean(own) if own else 0.0)))


def _area_to_walls(shape: Shape, scene: Scene) -> float:
    """The outline's area in a moved room: each wall sweeps the triangle between the camera and its ends."""
    base = scene.solution.base
    grow = (shape.camera_height / base.camera_height) ** 2
    swept = _triangles(shape) - grow * _triangles(base)
    return max(grow * _polygon_area(scene.outline) + swept, 1e-3)


def _triangles(shape: Shape) -> float:
    """Area between the camera and all walls, m²."""
    a, b = shape.ends[:, 0], shape.ends[:, 1]
    return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)


class Backing(NamedTuple):
    """share: of the outline's angle of view, how much ends at a wall. open_edge_m: length of its far edge that does not."""

    share: float
    open_edge_m: float


def _backing(scene: Scene) -> Backing:
    """How far walls end the floor in view."""
    ring = scene.outline if _signed_area(scene.outline) >= 0 else scene.outline[::-1]  # so that its far edge runs from right to left
    rho = np.linalg.norm(ring, axis=1)
    shut = np.zeros(len(ring), bool)
    for wall in scene.walls:
        shut |= _beside(ring, wall.ends, ON_WALL_CELLS * scene.grid_cell_m)
    azimuth = np.arctan2(ring[:, 0], ring[:, 1])
    backed = open_edge = total = 0.0
    for i in range(len(ring)):
        j = (i + 1) % len(ring)
        turn, length = (azimuth[j] - azimuth[i] + np.pi) % (2 * np.pi) - np.pi, float(np.linalg.norm(ring[j] - ring[i]))
        if turn < 0:
            angle = -turn
            total += angle
            backed += angle * (shut[i] and shut[j])
            open_edge += 0.0 if shut[i] and shut[j] else min(length, float(max(rho[i], rho[j]) * angle))
    return Backing(backed / total if total > 0 else 0.0, open_edge)


def _beside(points: np.ndarray, ends: np.ndarray, slack_m: float) -> np.ndarray:
    """Which points (n×2) lie on a segment (2×2) to `slack_m`: n, bool."""
    step = ends[1] - ends[0]
    t = np.clip((points - ends[0]) @ step / max(float(step @ step), 1e-9), 0, 1)
    return np.linalg.norm(points - (ends[0] + t[:, None] * step), axis=1) < slack_m


def _perimeter(mask: np.ndarray) -> int:
    """Number of cell sides between True and False (and the border)."""
    padded = np.pad(mask, 1)
    return int((padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum())


def _polygon_area(ring: np.ndarray) -> float:
    """Area of a simple polygon n×2 (shoelace)."""
    return abs(_signed_area(ring))


def _signed_area(ring: np.ndarray) -> float:
    """The same with its sign: positive where the ring runs counter-clockwise (x right, y forward); 0 below three points."""
    if len(ring) < 3:
        return 0.0
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def propagated(scene: Scene, quantity: Callable[[Shape], float], value: float, sigma: float) -> tuple[float, dict[str, float]]:
    """A quantity of the room and the variance of its log by cause, through the scene's own solution. A scene without one gives
    `value`, and the variance of `sigma` (one sigma of it) `split` into the scale's and the rest."""
    if scene.solution is not None:
        return variance(scene.solution, quantity)
    return value, split(sigma / value, scene.scale)


def split(sigma_rel: float, scale: Scale) -> dict[str, float]:
    """The variance of a log error by cause: as much of it as is the scale's, and the rest as the fit's."""
    shared = min(scale.sigma_rel, sigma_rel) ** 2
    return {"scale": shared, "fit": sigma_rel**2 - shared}


def log_normal(name: str, value: float, unit: str, parts: dict[str, float], basis: str, reason: str = "") -> Measurement:
    """A measurement with the 90 % interval of a log-normal error and the share of each cause in it. parts: variance of the log by
    cause. With a reason it is a lower bound: without an upper end."""
    total = max(sum(parts.values()), 1e-12)
    sigma = total**0.5
    light = next((light for light, limit in LIGHTS if sigma < limit), "red")
    high = None if reason else float(value * np.exp(Z90 * sigma))
    return Measurement(name, float(value), float(value * np.exp(-Z90 * sigma)), high, unit, "lower_bound" if reason else "measured",
                       basis, reason, {k: v / total for k, v in parts.items()}, light)


def unknown(name: str, unit: str, reason: str) -> Measurement:
    """A measurement without a value, and why."""
    return Measurement(name, None, None, None, unit, "unknown", "", reason, light="red")
