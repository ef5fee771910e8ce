"""A furnished 4.0 × 3.5 m room made by hand: exact values as `poc.scene` gives them, no photo and no network.

x right −2…2, y forward 0…3.5 (the camera stands at the origin, 1.5 m high, against the near wall). Far wall: bare, with
or without a window or door. Left wall: a chest of drawers stands at its far end. Right wall: cut by the photo's edge.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poc.types import Camera, Measurement, Obstacle, Opening, Plane, Scale, Scene, WallSegment

LEFT, RIGHT, FAR, EYE, CELL = -2.0, 2.0, 3.5, 1.5, 0.05
CHEST = np.array([(-2.0, 2.7), (-1.5, 2.7), (-1.5, 3.5), (-2.0, 3.5)])
ROOM_FROM_CAM = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
"""A level camera that looks along the room's y axis."""


def camera() -> Camera:
    return Camera(800.0, 399.5, 299.5, 800, 600, np.array([0.0, 1, 0]), "exif", "lines", 0.01, 0.005)


def plane(name: str, kind: str, normal_room: tuple[float, float, float], offset_m: float) -> Plane:
    normal = ROOM_FROM_CAM.T @ np.array(normal_room, float)
    return Plane(name, kind, normal, offset_m, 0.02 * offset_m, 1000, True, np.zeros((2, 2), bool), "foot")


def opening(kind: str, plane_id: str, corners_room: list[tuple[float, float, float]]) -> Opening:
    """An opening from its room-frame corners (third coordinate above the floor)."""
    corners = np.array(corners_room, float)
    size = np.ptp(corners, axis=0)
    return Opening(kind, plane_id, (corners - [0, 0, EYE]) @ ROOM_FROM_CAM, float(max(size[:2])), float(size[2]))


def on_far_wall(kind: str, x0: float, x1: float, z0: float, z1: float) -> Opening:
    return opening(kind, "wall_2", [(x0, FAR, z1), (x1, FAR, z1), (x1, FAR, z0), (x0, FAR, z0)])


def scene(obstacles: tuple[Obstacle, ...] = (), openings: tuple[Opening, ...] = (), near_m: float = 0.5) -> Scene:
    """The room; floor nearer than near_m is below the photo's edge. Obstacles (besides the chest) take the free floor."""
    obstacles = (Obstacle(CHEST, 0.9), *obstacles)
    x, y = np.meshgrid(np.arange(LEFT + CELL / 2, RIGHT, CELL), np.arange(CELL / 2, FAR, CELL))
    seen = y > near_m
    free = seen.copy()
    for o in obstacles:
        (x0, y0), (x1, y1) = o.footprint.min(0), o.footprint.max(0)
        free &= ~((x > x0) & (x < x1) & (y > y0) & (y < y1))
    walls = (
        WallSegment("wall_1", np.array([(LEFT, near_m), (LEFT, FAR)]), ("frame", "corner"), ((0.0, 2.7 - near_m),), (("frame", "obstacle"),)),
        WallSegment("wall_2", np.array([(LEFT, FAR), (RIGHT, FAR)]), ("corner", "corner"), ((0.5, 4.0),), (("obstacle", "corner"),)),
        WallSegment("wall_3", np.array([(RIGHT, FAR), (RIGHT, near_m)]), ("corner", "frame"), ((0.0, FAR - near_m),), (("corner", "frame"),)),
    )
    planes = (
        plane("floor", "floor", (0, 0, 1), EYE), plane("wall_1", "wall", (1, 0, 0), 2.0),
        plane("wall_2", "wall", (0, -1, 0), 3.5), plane("wall_3", "wall", (-1, 0, 0), 2.0),
    )
    outline = np.array([(LEFT, near_m), (RIGHT, near_m), (RIGHT, FAR), (LEFT, FAR)])
    return Scene(
        camera(), None, Scale("camera height given", EYE, 0.02), None, None, planes, walls, obstacles, openings,
        ROOM_FROM_CAM, outline, free, seen, (LEFT, 0.0), CELL, (-1.5, near_m, 2.0, FAR),
    )


def measured(name: str, value: float, spread: float = 0.05, unit: str = "m", **changes) -> Measurement:
    """A measurement with a symmetric 90 % interval of ± spread · value, two thirds of its variance from the scale."""
    whole = Measurement(name, value, value * (1 - spread), value * (1 + spread), unit, "measured", "foot", "", {"scale": 0.67, "fit": 0.33}, "green")
    return replace(whole, **changes)


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
