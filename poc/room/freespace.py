"""What of the room is free, in numbers: the longest free wall, the floor in view and the floor that is free.

The scene's planes carry the errors of scale, camera and walls; what is added here is how well an edge on the floor is seen.
"""

from __future__ import annotations

import numpy as np

from poc.room.roomspace import longest_free
from poc.types import Z90, Measurement, Scene

SHORTEST_FREE_M = 0.4
CORNER_SIGMA_M, SOFT_END_SIGMA_M = 0.03, 0.05
"""One sigma of where a stretch ends: in a corner, or at furniture, a door or the edge of sight."""
EDGE_SIGMA_M = 0.03
"""One sigma of the seen floor's edge, common to all of it."""
LEAST_FLOOR_M2 = 0.3
"""Less floor than this is a glimpse, not an area."""
END_WORDS = {"frame": "cut by the photo's edge", "occluded": "hidden by what stands before it"}


def free_measurements(scene: Scene) -> tuple[Measurement, ...]:
    """`longest_free_wall`, `floor_area_visible` and `floor_area_free`, always all three. `floor_area_visible` is the floor
    in the photo's view before the walls, furniture standing on it included; `floor_area_free` what of it is seen bare."""
    return (_longest_free_wall(scene), _area(scene, "floor_area_visible"), _area(scene, "floor_area_free"))


def _longest_free_wall(scene: Scene) -> Measurement:
    found = longest_free(scene)
    if found is None or found[1][1] - found[1][0] < SHORTEST_FREE_M:
        reason = f"no wall is seen free down to its foot for {SHORTEST_FREE_M} m or more"
        return _unknown("longest_free_wall", "m", reason)
    wall, (start, end) = found
    kinds = wall.free_end_kinds[wall.free.index((start, end))]
    length, plane = end - start, scene.plane(wall.plane_id)
    ends = sum((CORNER_SIGMA_M if k == "corner" else SOFT_END_SIGMA_M) ** 2 for k in kinds) / length**2
    parts = {"scale": scene.scale.sigma_rel**2, "fit": _own_variance(scene, plane) + ends}
    open_ends = dict.fromkeys(END_WORDS[k] for k in kinds if k in END_WORDS)
    reason = f"the free stretch goes on out of sight: {' and '.join(open_ends)}" if open_ends else ""
    return _measured("longest_free_wall", length, "m", parts, f"{wall.plane_id}, {plane.basis}", reason)


def _area(scene: Scene, name: str) -> Measurement:
    free = name == "floor_area_free"
    edge = _perimeter(scene.free_floor) * scene.grid_cell_m
    area = float(scene.free_floor.sum()) * scene.grid_cell_m**2 if free else _polygon_area(scene.outline)
    seen = float(scene.seen_floor.sum()) * scene.grid_cell_m**2
    if seen < LEAST_FLOOR_M2 or area < LEAST_FLOOR_M2:
        return _unknown(name, "m²", "hardly any floor is seen" if seen < LEAST_FLOOR_M2 else "hardly any of the floor seen is free")
    if not free:
        edge = float(np.linalg.norm(np.diff(np.vstack([scene.outline, scene.outline[:1]]), axis=0), axis=1).sum())
    pairs = [(wall.length_m, scene.plane(wall.plane_id)) for wall in scene.walls]
    moved = sum((length * plane.offset_m) ** 2 * _own_variance(scene, plane) for length, plane in pairs) / area**2
    parts = {"scale": 4 * scene.scale.sigma_rel**2, "fit": min(moved, 1.0), "unseen": (edge * EDGE_SIGMA_M / area) ** 2}
    reason = "the floor goes on out of the photo"
    if free and _polygon_area(scene.outline) > 1.1 * seen:
        reason += " and behind furniture"
    return _measured(name, area, "m²", parts, "floor seen bare, less what stands on it" if free else "walls and the photo's edge", reason)


def _own_variance(scene: Scene, plane) -> float:
    """A wall's relative variance less what the scale, common to everything, has in it."""
    return max((plane.sigma_m / plane.offset_m) ** 2 - scene.scale.sigma_rel**2, 0.0)


def _perimeter(mask: np.ndarray) -> int:
    """Cell sides between True and False."""
    padded = np.pad(mask, 1)
    return int((padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum())


def _polygon_area(ring: np.ndarray) -> float:
    """Area of a simple polygon n×2 (shoelace)."""
    if len(ring) < 3:
        return 0.0
    x, y = ring.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _measured(name: str, value: float, unit: str, parts: dict[str, float], basis: str, reason: str) -> Measurement:
    """A value with the 90 % interval of a log-normal error; with a reason it is a lower bound without an upper end."""
    total = max(sum(parts.values()), 1e-12)
    sigma = total**0.5
    light = "green" if sigma < 0.04 else "amber" if sigma < 0.12 else "red"
    high = None if reason else float(value * np.exp(Z90 * sigma))
    return Measurement(name, float(value), float(value * np.exp(-Z90 * sigma)), high, unit, "lower_bound" if reason else "measured",
                       basis, reason, {k: v / total for k, v in parts.items()}, light)


def _unknown(name: str, unit: str, reason: str) -> Measurement:
    return Measurement(name, None, None, None, unit, "unknown", "", reason, light="red")
