"""Free depth along a line on the floor, from the grid of free floor, obstacles, doors and the photo's edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poc.room.cells import inside_polygon
from poc.room.roomspace import inward, to_room
from poc.types import Scene

STEP_M = 0.05
"""Distance between samples, along the line and away from it."""
DOOR_ZONE_M = 0.80
"""Nothing stands within this distance in front of a door."""
WINDOW_ZONE_M = 0.30
"""Nothing higher than its lower edge stands within this distance in front of a window, or of something that hangs on a wall."""


def free_depths(
    scene: Scene, start: np.ndarray, along: np.ndarray, inward: np.ndarray, length_m: float, reach_m: float, gap_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Free depth in metres at every STEP_M along a line: for a piece itself (outside the zones of doors), for its clearance, and for its
    clearance if floor beyond the photo's edge counts as free. Three float arrays.

    start: the line's first end, room frame; along, inward: unit 2-vectors. length_m, reach_m: how far to look along and away from the line.
    gap_m: this much at the line counts as free where the floor beyond it is.
    """
    n, m = max(1, round(length_m / STEP_M)), max(1, round(reach_m / STEP_M))
    s, d = ((np.arange(count) + 0.5) * STEP_M for count in (n, m))
    points = start + s[:, None, None] * along + d[None, :, None] * inward
    free = _fill_holes(_on_free_floor(scene, points))
    gap = round(gap_m / STEP_M)
    if gap and m > gap:
        free[:, :gap] |= free[:, gap : gap + 1]
    standing = [o.footprint for o in scene.obstacles if ((o.footprint - start) @ inward).max() > gap_m]  # the others hang on the wall
    taken, doors = (_inside_any(points, polygons) for polygons in (standing, _door_zones(scene)))
    free &= ~taken
    clear = free | (_out_of_photo(scene, points) & ~taken)
    return tuple(np.logical_and.accumulate(ok, axis=1).sum(axis=1) * STEP_M for ok in (free & ~doors, free, clear))


def _inside_any(points: np.ndarray, polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Which points (…×2) lie in any of the polygons (each n×2)."""
    inside = np.zeros(points.shape[:-1], bool)
    for polygon in polygons:
        inside |= inside_polygon(points, polygon)
    return inside


def _out_of_photo(scene: Scene, points: np.ndarray) -> np.ndarray:
    """Which floor points (…×2, room frame) lie beyond the photo's edge and on the camera's side of every known wall."""
    height = np.full((*points.shape[:-1], 1), -(scene.camera_height_m or 0.0))
    cam = np.concatenate([points, height], axis=-1) @ scene.room_from_cam
    camera = scene.camera
    z = np.maximum(cam[..., 2], 1e-6)
    u, v = camera.f_px * cam[..., 0] / z + camera.cx, camera.f_px * cam[..., 1] / z + camera.cy
    shown = (cam[..., 2] > 1e-6) & (u >= -0.5) & (u <= camera.width - 0.5) & (v >= -0.5) & (v <= camera.height - 0.5)
    inside = np.ones(shown.shape, bool)
    for plane in scene.planes:
        if plane.kind == "wall":
            inside &= cam @ plane.normal_cam + plane.offset_m > 0
    return ~shown & inside


def _on_free_floor(scene: Scene, points: np.ndarray) -> np.ndarray:
    """Which points (…×2, room frame) lie on a free cell of the scene's floor grid."""
    cell = np.floor((points - np.array(scene.grid_origin)) / scene.grid_cell_m).astype(int)
    rows, columns = scene.free_floor.shape
    inside = (cell[..., 0] >= 0) & (cell[..., 0] < columns) & (cell[..., 1] >= 0) & (cell[..., 1] < rows)
    free = np.zeros(points.shape[:-1], bool)
    free[inside] = scene.free_floor[cell[..., 1][inside], cell[..., 0][inside]]
    return free


def _fill_holes(free: np.ndarray) -> np.ndarray:
    """Fill isolated gaps, which are noise: a cell is free where at least six of its eight neighbours are."""
    padded = np.pad(free.astype(int), 1)
    around = sum(np.roll(padded, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))[1:-1, 1:-1] - free
    return free | (around >= 6)


def _door_zones(scene: Scene) -> list[np.ndarray]:
    """The floor in front of each door as a room-frame rectangle."""
    return [zone for zone, _ in _opening_zones(scene, "door", DOOR_ZONE_M)]


def sill_zones(scene: Scene) -> list[tuple[np.ndarray, float]]:
    """The floor in front of each window, and of things that hang on walls: (4×2 room-frame rectangle, greatest height of a piece there)."""
    zones = _opening_zones(scene, "window", WINDOW_ZONE_M)
    for wall in scene.walls:
        along, out = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9), inward(wall, scene) * WINDOW_ZONE_M
        zones += [(_before(wall.ends[0] + a * along, wall.ends[0] + b * along, out), low) for a, b, low in wall.covered]
    return zones


def _opening_zones(scene: Scene, kind: str, depth_m: float) -> list[tuple[np.ndarray, float]]:
    """The floor in front of each opening of a kind: (4×2 room-frame rectangle, height of the opening's lower edge)."""
    zones = []
    for opening in scene.openings:
        plane = scene.plane(opening.plane_id)
        if opening.kind != kind or plane is None:
            continue
        corners = to_room(opening.corners_cam, scene)
        normal = (scene.room_from_cam @ plane.normal_cam)[:2]
        normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
        order = corners[:, :2] @ np.array([normal[1], -normal[0]])
        a, b = corners[order.argmin(), :2], corners[order.argmax(), :2]
        zones.append((_before(a, b, normal * depth_m), float(corners[:, 2].min())))
    return zones


def _before(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The rectangle (4×2) between two points of a wall and the same points moved by `out` into the room."""
    return np.array([a, b, b + out, a + out])
