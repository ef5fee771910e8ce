"""Draws solid furniture into a photo: every pixel's nearest face, shaded, hidden where the photo shows something nearer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poc.figures.furniture import Part
from poc.geometry import project
from poc.room.roomspace import plane_mask, to_camera
from poc.types import Camera, Photo, Scene

PHOTO_PX = 1200
"""The whole photo's long side at the fineness a piece is drawn in."""
SMOOTH = 2
"""Drawn this much finer than shown, then averaged down."""
LIGHT = np.array([-0.35, -0.45, 0.82])
"""Where the light comes from, room frame: from above, behind the photographer."""
NEARER = 0.82
"""What the photo shows hides the product where its depth is below this share of the product's: depth errs by 10 %."""


@dataclass(frozen=True)
class Picture:
    """A uint8 RGBA image and the rectangle of the photo (left, top, right, bottom edges, photo pixels) that it covers."""

    rgba: np.ndarray
    edges: tuple[float, float, float, float]


def draw(parts: list[Part], footprint: np.ndarray, scene: Scene, photo: Photo) -> Picture | None:
    """Parts (room frame) with a soft shadow on their footprint (n×2), as the photo would show them; None where it does
    not show them, or where they reach behind the camera."""
    import cv2

    points = to_camera(np.concatenate([p.vertices for p in parts]), scene)
    if points[:, 2].min() < 0.15:
        return None
    spread = footprint.mean(0) + (footprint - footprint.mean(0)) * 1.25
    ground = to_camera(np.column_stack([spread, np.zeros(len(spread))]), scene)
    camera, edges = _window(np.concatenate([points, ground[ground[:, 2] > 0.15]]), scene.camera)
    if camera is None:
        return None
    inverse, colour = np.zeros((camera.height, camera.width)), np.zeros((camera.height, camera.width, 3), np.float32)
    for part in parts:
        vertices = to_camera(part.vertices, scene)
        for face in part.faces:
            _fill(vertices[list(face)], _shaded(part, face), camera, inverse, colour)
    shown = (inverse > 0) & ~_hidden(scene, camera, edges, inverse)
    if not shown.any():
        return None
    size = (camera.width // SMOOTH, camera.height // SMOOTH)
    alpha = cv2.resize(shown.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    rgb = cv2.resize(colour * shown[..., None], size, interpolation=cv2.INTER_AREA) * _brightness(photo)
    dark = cv2.resize(_shadow(footprint, scene, camera), size, interpolation=cv2.INTER_AREA)
    total = alpha + dark * (1 - alpha)  # colours are premultiplied, and the shadow is black
    rgba = np.dstack([np.clip(rgb / np.maximum(total, 1e-3)[..., None], 0, 255), total * 250])
    return Picture(rgba.astype(np.uint8), edges)


def _window(points: np.ndarray, camera: Camera) -> tuple[Camera | None, tuple[float, float, float, float]]:
    """The camera of just the part of the photo around camera-frame points, SMOOTH times finer than shown, and that
    part's edges in photo pixels."""
    pixels = project(points, camera)
    margin = 0.03 * (pixels.max(0) - pixels.min(0)).max() + 4
    low = np.maximum(np.floor(pixels.min(0) - margin), 0) - 0.5
    high = np.minimum(np.ceil(pixels.max(0) + margin), (camera.width, camera.height)) - 0.5
    if (high - low < 4).any():
        return None, (0.0, 0.0, 0.0, 0.0)
    scale = min(1.0, PHOTO_PX / max(camera.width, camera.height))
    width, height = (max(2, round(side * scale)) * SMOOTH for side in high - low)
    sx, sy = width / (high[0] - low[0]), height / (high[1] - low[1])
    # f differs in x and y by rounding alone: less than a pixel over the whole window
    window = replace(camera, f_px=camera.f_px * (sx + sy) / 2, cx=(camera.cx - low[0]) * sx - 0.5,
                     cy=(camera.cy - low[1]) * sy - 0.5, width=width, height=height)
    return window, (*low.tolist(), *high.tolist())


def _shadow(footprint: np.ndarray, scene: Scene, camera: Camera) -> np.ndarray:
    """How dark the floor is (float32, 0–1) under and around a footprint (n×2, room frame)."""
    import cv2

    dark = np.zeros((camera.height, camera.width), np.float32)
    points = to_camera(np.column_stack([footprint, np.zeros(len(footprint))]), scene)
    pixels = project(points, camera)
    cv2.fillConvexPoly(dark, (pixels * 16).round().astype(np.int32), 1.0, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(dark, (0, 0), max(2.0, 0.06 * camera.f_px / float(points[:, 2].mean()))) * 0.5


def _shaded(part: Part, face: tuple[int, ...]) -> np.ndarray:
    """The face's colour (RGB, 0–255) in the light."""
    a, b, c = part.vertices[list(face[:3])]
    normal = np.cross(b - a, c - a)
    normal /= max(float(np.linalg.norm(normal)), 1e-12)
    base = np.array([int(part.colour[i : i + 2], 16) for i in (1, 3, 5)], float)
    return base * (0.62 + 0.42 * max(0.0, float(normal @ LIGHT) / float(np.linalg.norm(LIGHT))))


def _fill(face: np.ndarray, rgb: np.ndarray, camera: Camera, inverse: np.ndarray, colour: np.ndarray) -> None:
    """Draw a convex face (n×3, camera frame) where it is nearer than what is drawn already.

    A plane's inverse depth is affine in the pixel: n · ray / −(n · p).
    """
    import cv2

    normal = np.cross(face[1] - face[0], face[2] - face[0])
    level = normal @ face[0]
    if level >= -1e-12:  # seen from behind
        return
    pixels = project(face, camera)
    x0, y0 = np.maximum(np.floor(pixels.min(0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(pixels.max(0)).astype(int) + 1, (camera.width, camera.height))
    if x0 >= x1 or y0 >= y1:
        return
    inside = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(inside, ((pixels - (x0, y0)) * 16).round().astype(np.int32), 1, cv2.LINE_8, 4)
    u, v = (np.arange(x0, x1) - camera.cx) / camera.f_px, (np.arange(y0, y1) - camera.cy) / camera.f_px
    here = (normal[0] * u[None] + normal[1] * v[:, None] + normal[2]) / level
    window = inverse[y0:y1, x0:x1]
    nearer = (inside > 0) & (here > window)
    window[nearer] = here[nearer]
    colour[y0:y1, x0:x1][nearer] = rgb


def _hidden(scene: Scene, camera: Camera, edges: tuple[float, float, float, float], inverse: np.ndarray) -> np.ndarray:
    """Where the photo shows a thing (not floor, wall or ceiling) clearly nearer than what is drawn."""
    import cv2

    if scene.depth_m is None:
        return np.zeros(inverse.shape, bool)
    thing = np.isfinite(scene.depth_m) & (scene.depth_m > 0)
    if scene.valid is not None:
        thing &= np.asarray(scene.valid, bool)
    for plane in scene.planes:
        thing &= ~plane_mask(plane, thing.shape)
    thing = cv2.morphologyEx(thing.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.float32)
    x0, y0, x1, y1 = edges
    u = x0 + (np.arange(camera.width) + 0.5) * (x1 - x0) / camera.width
    v = y0 + (np.arange(camera.height) + 0.5) * (y1 - y0) / camera.height
    column = (u + 0.5) * thing.shape[1] / scene.camera.width - 0.5
    row = (v + 0.5) * thing.shape[0] / scene.camera.height - 0.5
    maps = [m.astype(np.float32) for m in np.meshgrid(column, row)]
    depth = cv2.remap(np.nan_to_num(scene.depth_m).astype(np.float32), *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    thing = cv2.remap(thing, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0.5
    return thing & (depth * inverse < NEARER)


def _brightness(photo: Photo) -> float:
    """How light the piece is painted, so that it sits in a dark or a bright photo."""
    return float(np.clip(np.median(photo.rgb[::8, ::8]) / 150.0, 0.6, 1.08))
