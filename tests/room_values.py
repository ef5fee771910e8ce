"""A room made by hand for tests: exact planes, an exact depth map and a shaded photo, without any network.

The room is 3.6 m wide, 4.2 m long and 2.6 m high; the camera stands 1.5 m high, looks 8° down and 7° to the right of
the walls' direction. A cabinet stands in the far right corner; there is a window in the far wall, a door in the left one.
"""

from __future__ import annotations

import numpy as np

from poc.types import (
    Camera,
    DepthMap,
    Measurement,
    Obstacle,
    Opening,
    Photo,
    Placement,
    Plane,
    Product,
    Recommendation,
    Scale,
    ScaleSource,
    Scene,
    WallSegment,
)

LEFT, RIGHT, FAR, NEAR, TOP, EYE = -1.7, 1.9, 3.9, -0.3, 2.6, 1.5
CABINET = np.array([[1.35, 2.75, 0.0], [1.9, 3.9, 0.85]])
WINDOW = ((-0.9, 0.5), (0.95, 2.1))
DOOR = ((2.85, 3.67), (0.0, 2.03))
WIDTH, HEIGHT, F_PX = 960, 720, 640.0


def room_from_cam(pitch_deg: float = 8.0, yaw_deg: float = 7.0) -> np.ndarray:
    """3×3 rotation of a camera looking `pitch_deg` down and `yaw_deg` to the right of the room's y axis."""
    p, w = np.radians(pitch_deg), np.radians(yaw_deg)
    level = np.array([[1.0, 0, 0], [0, -np.sin(p), np.cos(p)], [0, -np.cos(p), -np.sin(p)]])
    turn = np.array([[np.cos(w), np.sin(w), 0], [-np.sin(w), np.cos(w), 0], [0, 0, 1.0]])
    return turn @ level


def camera() -> Camera:
    """The camera that `photo` was taken with."""
    return Camera(F_PX, (WIDTH - 1) / 2, (HEIGHT - 1) / 2, WIDTH, HEIGHT, -room_from_cam()[2], "exif", "lines", 0.01, 0.006)


def _cast(width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth along z, hit points in the room (z from the floor) and surface numbers, on a grid over the photo."""
    u, v = np.meshgrid((np.arange(width) + 0.5) * WIDTH / width - 0.5, (np.arange(height) + 0.5) * HEIGHT / height - 0.5)
    cam = camera()
    rays = np.stack([(u - cam.cx) / F_PX, (v - cam.cy) / F_PX, np.ones_like(u)], -1) @ room_from_cam().T
    eye = np.array([0, 0, EYE])
    with np.errstate(divide="ignore", invalid="ignore"):
        near = (np.array([LEFT, NEAR, 0.0]) - eye) / rays
        far = (np.array([RIGHT, FAR, TOP]) - eye) / rays
        planes = np.maximum(near, far)
        box = (CABINET[:, None, None] - eye) / rays
    t = planes.min(-1)
    which = planes.argmin(-1) * 2 + (np.take_along_axis(rays, planes.argmin(-1)[..., None], -1)[..., 0] > 0)
    enter, leave = box.min(0).max(-1), box.max(0).min(-1)
    hit = (enter > 0) & (enter < leave) & (enter < t - 1e-6)
    t, which = np.where(hit, enter, t), np.where(hit, 6 + box.min(0).argmax(-1), which)
    return t, eye + rays * t[..., None], which


def photo() -> Photo:
    """A plainly shaded picture of the room: boards on the floor, a bright window, a brown cabinet."""
    _, p, which = _cast(WIDTH, HEIGHT)
    base = np.array([[196, 190, 178], [205, 200, 190], [0, 0, 0], [218, 214, 204], [176, 138, 100], [240, 239, 235],
                     [122, 88, 62], [140, 102, 72], [158, 118, 84]], float)
    rgb = base[which]
    floor = which == 4
    rgb[floor] *= (0.90 + 0.12 * (np.floor(p[..., 0] / 0.14) * 37 % 5 / 4))[floor, None]
    glass = (which == 3) & _within(p[..., 0], WINDOW[0]) & _within(p[..., 2], WINDOW[1])
    rgb[glass] = (214, 232, 245)
    leaf = (which == 0) & _within(p[..., 1], DOOR[0]) & _within(p[..., 2], DOOR[1])
    rgb[leaf] = (150, 120, 92)
    light = 0.72 + 0.33 / (1 + 0.25 * np.linalg.norm(p - (-0.2, FAR, 1.5), axis=-1) ** 2)
    noise = np.random.default_rng(0).normal(0, 2.5, rgb.shape)
    return Photo(np.clip(rgb * light[..., None] + noise, 0, 255).astype(np.uint8), F_PX, "hand-made room")


def _within(values: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    return (values >= span[0]) & (values <= span[1])


def depth_map(kind: str = "metric") -> DepthMap:
    """The room's exact depth (or an affine inverse of it), at half the photo's size."""
    depth = _cast(WIDTH // 2, HEIGHT // 2)[0].astype(np.float32)
    values = depth if kind == "metric" else 7.0 / depth + 0.4
    sigma = np.full_like(depth, 0.04) + 0.02 * (depth > 3) if kind == "metric" else None
    return DepthMap(values, kind, np.ones(depth.shape, bool), "exact", sigma)


def clip(polygon: np.ndarray, normal: np.ndarray, level: float) -> np.ndarray:
    """The part of an n×2 polygon where p · normal ≥ level (Sutherland and Hodgman)."""
    out = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        da, db = a @ normal - level, b @ normal - level
        if da >= 0:
            out.append(a)
        if da * db < 0:
            out.append(a + (b - a) * da / (da - db))
    return np.array(out).reshape(-1, 2)


def seen(polygon: np.ndarray) -> np.ndarray:
    """The part of a floor polygon (n×2, room frame) inside the photo."""
    rotation, drop = room_from_cam(), np.array([0, 0, -EYE])
    for a, c in ((F_PX, WIDTH / 2), (-F_PX, WIDTH / 2)):
        side = rotation @ np.array([a, 0, c])
        polygon = clip(polygon, side[:2], -side @ drop)
    low = rotation @ np.array([0, -F_PX, HEIGHT / 2])
    return clip(polygon, low[:2], -low @ drop)


def _planes(which: np.ndarray) -> tuple[Plane, ...]:
    cam_from_room = room_from_cam().T
    spec = [("floor", "floor", (0, 0, 1), EYE, 4), ("ceiling", "ceiling", (0, 0, -1), TOP - EYE, 5),
            ("wall_1", "wall", (1, 0, 0), -LEFT, 0), ("wall_2", "wall", (0, -1, 0), FAR, 3), ("wall_3", "wall", (-1, 0, 0), RIGHT, 1)]
    return tuple(
        Plane(name, kind, cam_from_room @ np.array(normal, float), offset, 0.02 * offset, int((which == number).sum()),
              kind == "wall", which == number, "foot")
        for name, kind, normal, offset, number in spec)


def _openings() -> tuple[Opening, ...]:
    def corners(points):
        return (np.array(points, float) - (0, 0, EYE)) @ room_from_cam()

    (x0, x1), (z0, z1) = WINDOW
    (y0, y1), (d0, d1) = DOOR
    return (
        Opening("window", "wall_2", corners([(x0, FAR, z1), (x1, FAR, z1), (x1, FAR, z0), (x0, FAR, z0)]), x1 - x0, z1 - z0),
        Opening("door", "wall_1", corners([(LEFT, y0, d1), (LEFT, y1, d1), (LEFT, y1, d0), (LEFT, y0, d0)]), y1 - y0, d1 - d0),
    )


def scene() -> Scene:
    """The room as `build_scene` would give it, were it perfect."""
    depth, _, which = _cast(320, 240)
    room = np.array([(LEFT, NEAR), (RIGHT, NEAR), (RIGHT, FAR), (LEFT, FAR)], float)
    outline = seen(room)
    left_foot, right_foot = (outline[np.isclose(outline[:, 0], x, atol=1e-6)][:, 1].min() for x in (LEFT, RIGHT))
    walls = (
        WallSegment("wall_1", np.array([(LEFT, left_foot), (LEFT, FAR)]), ("frame", "corner"), ((0.0, DOOR[0][0] - left_foot),), (("frame", "obstacle"),)),
        WallSegment("wall_2", np.array([(LEFT, FAR), (RIGHT, FAR)]), ("corner", "corner"), ((0.0, CABINET[0, 0] - LEFT),), (("corner", "obstacle"),)),
        WallSegment("wall_3", np.array([(RIGHT, FAR), (RIGHT, right_foot)]), ("corner", "frame"), ((FAR - CABINET[0, 1], FAR - right_foot),), (("obstacle", "frame"),)),
    )
    x, y = np.meshgrid(np.arange(LEFT + 0.025, RIGHT, 0.05), np.arange(0.025, FAR, 0.05))
    inside = np.ones(x.shape, bool)
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        inside &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0
    taken = _within(x, CABINET[:, 0]) & _within(y, CABINET[:, 1])
    (x0, y0), (x1, y1) = CABINET[:, :2]
    scale = Scale("camera height given", EYE, 0.02, (ScaleSource("camera height given", EYE, 0.02), ScaleSource("metric model", 1.57, 0.08)))
    return Scene(
        camera(), None, scale, depth, np.ones(depth.shape, bool), _planes(which), walls,
        (Obstacle(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), CABINET[1, 2]),), _openings(), room_from_cam(), outline,
        inside & ~taken, inside, (LEFT, 0.0), 0.05, (LEFT, 2.5, 1.3, FAR),
    )


def measurements() -> tuple[Measurement, ...]:
    """What `measure` would say of `scene`, with every status among them."""
    def m(name, value, spread, unit="m", status="measured", reason="", light="green"):
        low, high = (None, None) if value is None else (value * (1 - spread), value * (1 + spread))
        return Measurement(name, value, low, None if status == "lower_bound" else high, unit, status, "foot + camera height", reason, {}, light if value is not None else "")

    return (
        m("camera_height", 1.50, 0.033), m("ceiling_height", 2.60, 0.045),
        m("wall_1_distance", 1.70, 0.06), m("wall_2_distance", 3.90, 0.05), m("wall_3_distance", 1.90, 0.07, light="amber"),
        m("wall_1_length", 1.16, 0.05, status="lower_bound", reason="cut by the photo's left edge"),
        m("wall_2_length", 3.60, 0.06), m("wall_3_length", 2.09, 0.05, status="lower_bound", reason="cut by the photo's right edge", light="amber"),
        m("longest_wall", 3.60, 0.06), m("longest_free_wall", 3.05, 0.07, light="amber"),
        m("floor_area_visible", 6.87, 0.05, "m2", "lower_bound", "the floor goes on below the photo's edge", "amber"),
        m("floor_area_free", 6.23, 0.14, "m2", light="amber"),
        m("wall_4_length", None, 0, status="unknown", reason="behind the camera: the photo does not show it"),
    )


def recommendations() -> tuple[Recommendation, ...]:
    """A sofa along the far wall, and a second that wants the same place."""
    sofa = Product("SOF-001", "Lagom three-seat sofa", "sofa", "Nordic", 2.10, 0.90, 0.82, 0.70, 4990.0)
    spare = Product("SOF-002", "Fjord two-seat sofa", "sofa", "Nordic", 1.80, 0.88, 0.80, 0.70, 3990.0)
    at = Placement(-0.25, FAR - 0.45, 0.0, "wall_2")
    return (Recommendation(sofa, at, 0.97, "2.10 m wide, 2.84–3.26 m of free wall"), Recommendation(spare, at, 0.99, "1.80 m wide"))


def refused_scene(reason: str = "the photo shows no floor that meets a wall") -> Scene:
    """A scene of a photo that shows no room."""
    return Scene(camera(), refusal=reason)
