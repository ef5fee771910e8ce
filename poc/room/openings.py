"""Doors and windows on the walls: each wall looked at straight on, its labels gathered into rectangles."""

from __future__ import annotations

import cv2
import numpy as np

from poc.geometry import project
from poc.room.roomspace import inward, to_camera, wall_quad
from poc.room.view import DOOR, WINDOW, View, sample
from poc.types import Opening, Scene, WallSegment

CELL_M = 0.025
TOP_M = 3.0
LEAST_CELLS = 60
FILL = 0.55
PLAUSIBLE = {"door": ((0.45, 2.6), (1.5, 2.6)), "window": ((0.3, 5.0), (0.3, 2.6))}
"""Width and height, metres, between which a component is a door (up to a double one) or a window."""


def on_wall(scene: Scene, view: View, wall: WallSegment, along_m: np.ndarray, height_m: np.ndarray, out_m: float = 0.0):
    """Surface probabilities at points of a wall (or out_m before it): p …×6, in the photo …, grid cells u, v, camera points.

    along_m: metres from the wall's first end; height_m: above the floor; arrays of one shape.
    """
    step = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    plan = wall.ends[0] + along_m[..., None] * step + out_m * inward(wall, scene)
    cam = to_camera(np.concatenate([plan, height_m[..., None]], -1), scene)
    uv = project(cam, scene.camera)
    h, w = view.shape
    u = (uv[..., 0] + 0.5) * w / scene.camera.width - 0.5
    v = (uv[..., 1] + 0.5) * h / scene.camera.height - 0.5
    with np.errstate(invalid="ignore"):
        shown = (u > -0.5) & (u < w - 0.5) & (v > -0.5) & (v < h - 0.5)
    u, v = np.where(shown, u, -9).astype(np.float32), np.where(shown, v, -9).astype(np.float32)
    return sample(view.p, u, v) * shown[..., None], shown, u, v, cam


def find_openings(scene: Scene, view: View) -> tuple[Opening, ...]:
    """Openings of plausible size, wall by wall."""
    return tuple(o for wall in scene.walls for kind, label in (("door", DOOR), ("window", WINDOW)) for o in _on_wall(scene, view, wall, kind, label))


def _on_wall(scene: Scene, view: View, wall: WallSegment, kind: str, label: int) -> list[Opening]:
    n, m = int(min(wall.length_m, 12.0) / CELL_M), int(_top(scene) / CELL_M)
    if n < 8 or m < 8:
        return []
    t, z = np.meshgrid((np.arange(n) + 0.5) * CELL_M, (np.arange(m) + 0.5) * CELL_M)
    p, _, _, _, _ = on_wall(scene, view, wall, t, z)
    mask = cv2.morphologyEx((p[..., label] > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, ids, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    out = []
    for k in range(1, count):
        if stats[k, cv2.CC_STAT_AREA] >= LEAST_CELLS:
            box = _box(ids == k)
            if box is not None and _plausible(kind, *box):
                out.append(_opening(scene, wall, kind, *box))
    return out


def _top(scene: Scene) -> float:
    ceiling = scene.plane("ceiling")
    return TOP_M if ceiling is None else min(TOP_M, ceiling.offset_m + scene.camera_height_m)


def _box(mask: np.ndarray) -> tuple[float, float, float, float] | None:
    """Left, right, bottom, top (metres): the lines and columns at least a third as full as the fullest; None where ragged."""
    across, up = mask.sum(0), mask.sum(1)
    cols, rows = np.flatnonzero(across > across.max() / 3), np.flatnonzero(up > up.max() / 3)
    r0, r1, c0, c1 = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    if mask[r0:r1, c0:c1].mean() < FILL:
        return None
    return c0 * CELL_M, c1 * CELL_M, r0 * CELL_M, r1 * CELL_M


def _plausible(kind: str, left: float, right: float, bottom: float, top: float) -> bool:
    (narrow, broad), (low, high) = PLAUSIBLE[kind]
    fits = narrow <= right - left <= broad
    if kind == "door":  # furniture may hide its foot, so the height is judged from the floor
        return fits and low <= top <= high and bottom < 1.2
    return fits and low <= top - bottom <= high


def _opening(scene: Scene, wall: WallSegment, kind: str, left: float, right: float, bottom: float, top: float) -> Opening:
    if kind == "door":
        bottom = 0.0
    step = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    part = WallSegment(wall.plane_id, np.array([wall.ends[0] + step * left, wall.ends[0] + step * right]), wall.end_kinds)
    quad = wall_quad(part, top)
    quad[:2, 2] = bottom
    return Opening(kind, wall.plane_id, to_camera(quad, scene), float(right - left), float(top - bottom))
