"""What of the room is free, in numbers: the longest free wall, the floor in view and the floor that is free.

The scene's planes carry the errors of scale, camera and walls; what is added here is how well an edge on the floor is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from poc.room.propagate import Shape, variance
from poc.room.roomspace import SHORTEST_FREE_M, free_kinds, longest_free
from poc.room.view import LONG_SIDE
from poc.types import Z90, Measurement, Plane, Scale, Scene, WallSegment

CORNER_SIGMA_M, SOFT_END_SIGMA_M = 0.03, 0.05
"""One sigma of where a stretch ends: in a corner, or at least, at furniture, a door or the edge of sight."""
END_SIGMA_CELLS = 4.0
"""One sigma of where a wall is last seen, cells of the working grid: near a corner whose other wall is not known, a few columns
of that wall cannot be told from this one."""
EDGE_SIGMA_CELLS = 4.0
"""The same of furniture and doors, as far as a network's surfaces have their edges."""
EDGE_SIGMA_M = 0.03
"""One sigma of an edge of the seen floor where no wall ends it, common to all of it."""
NO_WALL_SHARE = 0.15
"""One sigma of the area seen towards no known wall, as a share of it."""
ON_WALL_CELLS = 1.5
"""An outline this near to a wall (cells of the grid) runs along it."""
OUTLINE_SIGMA = 0.012
"""One sigma of an area by its drawing alone: cells, and slivers of walls too narrow to be told at the photo's sides."""
LEAST_FLOOR_M2 = 0.3
"""Less floor than this is a glimpse, not an area."""
END_WORDS = {"frame": "cut by the photo's edge", "occluded": "hidden by what stands before it"}


def free_measurements(scene: Scene, one_view: bool = True) -> tuple[Measurement, ...]:
    """`longest_free_wall`, `floor_area_visible` and `floor_area_free`, always all three. `floor_area_visible` is the floor
    in the photo's view before the walls, furniture standing on it included; `floor_area_free` what of it is seen bare. one_view:
    all is seen from where the scene's camera stands, as it is not where photos were joined."""
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
    """Whether a wall has a free stretch that goes on out of sight, and is not itself seen to be shorter than the stretch told."""
    if not any(map(goes_on, free_kinds(wall))):
        return False
    vague = scene.plane(wall.plane_id)
    return wall.end_kinds != ("corner", "corner") or wall.length_m * np.exp(Z90 * vague.sigma_m / vague.offset_m) > than.low


def drawn_stretch(scene: Scene, told: Measurement | None) -> Measurement | None:
    """`longest_free_wall` as a measurement of the stretch itself that is drawn and stood on: where both of its ends are seen it has
    an interval with two ends, though another stretch may be longer. None where none is known."""
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


def free_stretch(scene: Scene, wall: WallSegment, span: tuple[float, float], kinds: tuple[str, str], one_view: bool = True) -> Measurement:
    """A free stretch of a wall (from, to along it, and what ends it), measured as `longest_free_wall` is."""
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
    """One sigma (m) along a wall of a point of it (plan) where it is last seen: a few cells of direction, the more the flatter the view."""
    f_cells = scene.camera.f_px * min(1.0, LONG_SIDE / max(scene.camera.width, scene.camera.height))
    return cells / f_cells * float(at @ at) / max(plane.offset_m, 0.05)


def stretch_length(shape: Shape, k: int, wall: WallSegment, span: tuple[float, float], kinds: tuple[str, str]) -> float:
    """Length of a stretch of wall k in a moved room: corners move with the walls, other ends keep their direction."""
    step = (wall.ends[1] - wall.ends[0]) / wall.length_m
    points = [wall.ends[0] + t * step for t in span]
    normal = np.array([np.sin(shape.psi[k]), np.cos(shape.psi[k])])
    moved = [shape.ends[k][i] if kinds[i] == "corner" else p * shape.distance[k] / max(float(normal @ p), 0.05)
             for i, p in enumerate(points)]
    return float(np.linalg.norm(moved[1] - moved[0]))


def _area(scene: Scene, name: str) -> Measurement:
    free = name == "floor_area_free"
    outline = _polygon_area(scene.outline)
    area = min(float(scene.free_floor.sum()) * scene.grid_cell_m**2, outline) if free else outline  # counted in cells, it may be a hair more
    seen = float(scene.seen_floor.sum()) * scene.grid_cell_m**2
    if seen < LEAST_FLOOR_M2 or area < LEAST_FLOOR_M2:
        return unknown(name, "m²", "hardly any floor is seen" if seen < LEAST_FLOOR_M2 else "hardly any of the floor seen is free")
    _, parts = propagated(scene, lambda s: _area_to_walls(s, scene), area, area * _joined_area_sigma(scene))
    backed, soft = _backed(scene)
    if free:
        soft = _perimeter(scene.free_floor) * scene.grid_cell_m
    edge = (soft * EDGE_SIGMA_M / area) ** 2
    vague = max((p.sigma_m / p.offset_m for p in scene.planes if p.kind == "wall"), default=0.0)
    parts["unseen"] = edge + ((NO_WALL_SHARE + 2 * vague) * (1 - backed)) ** 2 + OUTLINE_SIGMA**2
    reason = "the floor goes on out of the photo"
    if free and outline > 1.1 * seen:
        reason += " and behind furniture"
    return log_normal(name, area, "m²", parts, "floor seen bare, less what stands on it" if free else "walls and the photo's edge", reason)


def _joined_area_sigma(scene: Scene) -> float:
    """One relative sigma of an area between walls whose errors are known by plane alone: the scale's twice, and two walls' own."""
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
    a, b = shape.ends[:, 0], shape.ends[:, 1]
    return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)


def _backed(scene: Scene) -> tuple[float, float]:
    """Share of the outline's view (radians) that ends at a wall, and the length (m) of its far edge that does not."""
    ring = scene.outline if _signed_area(scene.outline) >= 0 else scene.outline[::-1]  # so that its far edge runs from right to left
    rho = np.linalg.norm(ring, axis=1)
    shut = np.zeros(len(ring), bool)
    for wall in scene.walls:
        shut |= _beside(ring, wall.ends, ON_WALL_CELLS * scene.grid_cell_m)
    azimuth = np.arctan2(ring[:, 0], ring[:, 1])
    wide = soft = total = 0.0
    for i in range(len(ring)):
        j = (i + 1) % len(ring)
        turn, length = (azimuth[j] - azimuth[i] + np.pi) % (2 * np.pi) - np.pi, float(np.linalg.norm(ring[j] - ring[i]))
        if turn < 0:
            angle = -turn
            total += angle
            wide += angle * (shut[i] and shut[j])
            soft += 0.0 if shut[i] and shut[j] else min(length, float(max(rho[i], rho[j]) * angle))
    return (wide / total if total > 0 else 0.0), soft


def _beside(points: np.ndarray, ends: np.ndarray, slack_m: float) -> np.ndarray:
    """Which points lie on a segment, to `slack_m`."""
    step = ends[1] - ends[0]
    t = np.clip((points - ends[0]) @ step / max(float(step @ step), 1e-9), 0, 1)
    return np.linalg.norm(points - (ends[0] + t[:, None] * step), axis=1) < slack_m


def _perimeter(mask: np.ndarray) -> int:
    """Cell sides between True and False."""
    padded = np.pad(mask, 1)
    return int((padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum())


def _polygon_area(ring: np.ndarray) -> float:
    """Area of a simple polygon n×2 (shoelace)."""
    return abs(_signed_area(ring))


def _signed_area(ring: np.ndarray) -> float:
    """Positive where the ring runs against the clock (x right, y forward)."""
    if len(ring) < 3:
        return 0.0
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def propagated(scene: Scene, quantity: Callable[[Shape], float], value: float, sigma: float) -> tuple[float, dict[str, float]]:
    """A quantity and its variance by cause (log units), through the scene's own solution; for a scene without one, `value`
    and what `sigma` leaves beside the scale."""
    if scene.solution is not None:
        return variance(scene.solution, quantity)
    return value, split(sigma / value, scene.scale)


def split(sigma_rel: float, scale: Scale) -> dict[str, float]:
    """The variance of a log error as far as it is the scale's, and the rest."""
    shared = min(scale.sigma_rel, sigma_rel) ** 2
    return {"scale": shared, "fit": sigma_rel**2 - shared}


def log_normal(name: str, value: float, unit: str, parts: dict[str, float], basis: str, reason: str = "") -> Measurement:
    """A value with the 90 % interval of a log-normal error and the share of each cause; with a reason it is a lower bound
    without an upper end."""
    total = max(sum(parts.values()), 1e-12)
    sigma = total**0.5
    light = "green" if sigma < 0.04 else "amber" if sigma < 0.12 else "red"
    high = None if reason else float(value * np.exp(Z90 * sigma))
    return Measurement(name, float(value), float(value * np.exp(-Z90 * sigma)), high, unit, "lower_bound" if reason else "measured",
                       basis, reason, {k: v / total for k, v in parts.items()}, light)


def unknown(name: str, unit: str, reason: str) -> Measurement:
    return Measurement(name, None, None, None, unit, "unknown", "", reason, light="red")
