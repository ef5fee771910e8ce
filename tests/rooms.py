"""A furnished 4.0 × 3.5 m room made by hand: exact values as `poc.scene` gives them, no photo and no network.

x right −2…2, y forward 0…3.5 (the camera stands at the origin, 1.5 m high, against the near wall). Far wall: bare, with
or without a window or door. Left wall: a chest of drawers stands at its far end. Right wall: cut by the photo's edge.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poc.types import Camera, Measurement, Obstacle, Opening, Plane, Product, Scale, Scene, WallSegment

LEFT, RIGHT, FAR, EYE, CELL = -2.0, 2.0, 3.5, 1.5, 0.05
CHEST = np.array([(-2.0, 2.7), (-1.5, 2.7), (-1.5, 3.5), (-2.0, 3.5)])
F_PX, WIDTH, HEIGHT = 400.0, 1600, 600


def room_from_cam(near_m: float = 0.5) -> np.ndarray:
    """A camera that looks along the room's y axis, pitched so that its lower edge meets the floor at y = near_m."""
    pitch = np.arctan2(EYE, near_m) - np.arctan2(HEIGHT / 2, F_PX)
    return np.array([[1.0, 0, 0], [0, -np.sin(pitch), np.cos(pitch)], [0, -np.cos(pitch), -np.sin(pitch)]])


def camera(near_m: float = 0.5) -> Camera:
    return Camera(F_PX, (WIDTH - 1) / 2, (HEIGHT - 1) / 2, WIDTH, HEIGHT, -room_from_cam(near_m)[2], "exif", "lines", 0.01, 0.005)


def plane(name: str, kind: str, normal_room: tuple[float, float, float], offset_m: float, near_m: float) -> Plane:
    normal = room_from_cam(near_m).T @ np.array(normal_room, float)
    return Plane(name, kind, normal, offset_m, 0.02 * offset_m, 1000, True, np.zeros((2, 2), bool), "foot")


def opening(kind: str, plane_id: str, corners_room: list[tuple[float, float, float]]) -> Opening:
    """An opening from its room-frame corners (third coordinate above the floor)."""
    corners = np.array(corners_room, float)
    size = np.ptp(corners, axis=0)
    return Opening(kind, plane_id, (corners - [0, 0, EYE]) @ room_from_cam(), float(max(size[:2])), float(size[2]))


def wall(name: str, left, right, end_kinds, free: tuple[float, float], free_kinds: tuple[str, str]) -> WallSegment:
    return WallSegment(name, np.array([left, right]), end_kinds, (free,), (free_kinds,))


def on_far_wall(kind: str, x0: float, x1: float, z0: float, z1: float) -> Opening:
    return opening(kind, "wall_2", [(x0, FAR, z1), (x1, FAR, z1), (x1, FAR, z0), (x0, FAR, z0)])


def scene(obstacles: tuple[Obstacle, ...] = (), openings: tuple[Opening, ...] = (), near_m: float = 0.5) -> Scene:
    """The room; floor nearer than near_m is below the photo's edge (openings are for the default camera alone). Obstacles (besides the chest) take the free floor."""
    obstacles = (Obstacle(CHEST, 0.9), *obstacles)
    x, y = np.meshgrid(np.arange(LEFT + CELL / 2, RIGHT, CELL), np.arange(CELL / 2, FAR, CELL))
    seen = y > near_m
    free = seen.copy()
    for o in obstacles:
        (x0, y0), (x1, y1) = o.footprint.min(0), o.footprint.max(0)
        free &= ~((x > x0) & (x < x1) & (y > y0) & (y < y1))
    walls = (
        wall("wall_1", (LEFT, near_m), (LEFT, FAR), ("frame", "corner"), (0.0, 2.7 - near_m), ("frame", "obstacle")),
        wall("wall_2", (LEFT, FAR), (RIGHT, FAR), ("corner", "corner"), (0.5, 4.0), ("obstacle", "corner")),
        wall("wall_3", (RIGHT, FAR), (RIGHT, near_m), ("corner", "frame"), (0.0, FAR - near_m), ("corner", "frame")),
    )
    planes = (
        plane("floor", "floor", (0, 0, 1), EYE, near_m), plane("wall_1", "wall", (1, 0, 0), 2.0, near_m),
        plane("wall_2", "wall", (0, -1, 0), 3.5, near_m), plane("wall_3", "wall", (-1, 0, 0), 2.0, near_m),
    )
    outline = np.array([(LEFT, near_m), (RIGHT, near_m), (RIGHT, FAR), (LEFT, FAR)])
    return Scene(
        camera(near_m), None, Scale("camera height given", EYE, 0.02), None, None, planes, walls, obstacles, openings,
        room_from_cam(near_m), outline, free, seen, (LEFT, 0.0), CELL, (-1.5, near_m, 2.0, FAR),
    )


def piece(width=1.8, depth=0.9, height=0.8, clearance=0.6, category="sofa") -> Product:
    return Product("OWN", "Own piece", category, "own", width, depth, height, clearance, 0.0)


def measured(name: str, value: float, spread: float = 0.05, unit: str = "m", **changes) -> Measurement:
    """A measurement with a symmetric 90 % interval of ± spread · value, two thirds of its variance from the scale."""
    low, high, budget = value * (1 - spread), value * (1 + spread), {"scale": 0.67, "fit": 0.33}
    return replace(Measurement(name, value, low, high, unit, "measured", "foot", "", budget, "green"), **changes)


def unknown(name: str, reason: str) -> Measurement:
    return Measurement(name, None, None, None, "m", "unknown", "", reason)


def measurements(spread: float = 0.05) -> tuple[Measurement, ...]:
    return (
        measured("camera_height", 1.5, 0.03), measured("ceiling_height", 2.6, spread), measured("longest_wall", 4.0, spread),
        measured("longest_free_wall", 3.5, spread), measured("floor_area_free", 11.6, 2 * spread, "m2"),
    )


def without(*names: str, reason: str = "the floor's edge is hidden") -> tuple[Measurement, ...]:
    """The measurements with the named ones unknown."""
    return tuple(unknown(m.name, reason) if m.name in names else m for m in measurements())
