"""Doors and windows on the walls: each wall looked at straight on, its labels gathered into rectangles."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from poc.geometry import project
from poc.room.roomspace import inward, to_camera, wall_quad
from poc.room.view import DOOR, WINDOW, View, sample
from poc.types import Opening, Scene, WallSegment

CELL_M = 0.025
"""Cell of the straight view of a wall, in which doors and windows are sought."""
TOP_M = 3.0
"""Height up to which a wall is looked at where no lower ceiling is known."""
LEAST_CELLS = 60
"""Smaller components are noise."""
FILL = 0.55
"""Share of a component's rectangle that it must fill."""
PLAUSIBLE = {"door": ((0.45, 2.6), (1.5, 2.6)), "window": ((0.3, 5.0), (0.3, 2.6))}
"""Width and height, metres, between which a component is a door (up to a double one) or a window."""


class WallSamples(NamedTuple):
    """What the photo shows at points of a wall. p: …×6 surface probabilities, 0 out of the photo. shown: …, bool, whether the point
    is in the photo. points_cam: …×3, camera frame, metres."""

    p: np.ndarray
    shown: np.ndarray
    points_cam: np.ndarray


class Box(NamedTuple):
    """A rectangle on a wall, metres: from and to along it, and above the floor."""

    left: float
    right: float
    bottom: float
    top: float


def on_wall(scene: Scene, view: View, wall: WallSegment, along_m: np.ndarray, height_m: np.ndarray, out_m: float = 0.0) -> WallSamples:
    """Surfaces at points of a wall, or out_m before it, into the room.

    along_m: metres from the wall's first end; height_m: above the floor; arrays of one shape (…).
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
    return WallSamples(sample(view.p, u, v) * shown[..., None], shown, cam)


def find_openings(scene: Scene, view: View) -> tuple[Opening, ...]:
    """Doors and windows of plausible size on the scene's walls, wall by wall."""
    kinds = (("door", DOOR), ("window", WINDOW))
    return tuple(o for wall in scene.walls for kind, label in kinds for o in _openings_on(scene, view, wall, kind, label))


def _openings_on(scene: Scene, view: View, wall: WallSegment, kind: str, label: int) -> list[Opening]:
    """Openings of one kind on one wall. label: the kind's index among the surface classes."""
    n, m = int(min(wall.length_m, 12.0) / CELL_M), int(_top(scene) / CELL_M)
    if n < 8 or m < 8:
        return []
    t, z = np.meshgrid((np.arange(n) + 0.5) * CELL_M, (np.arange(m) + 0.5) * CELL_M)
    p = on_wall(scene, view, wall, t, z).p
    mask = cv2.morphologyEx((p[..., label] > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, ids, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    out = []
    for k in range(1, count):
        if stats[k, cv2.CC_STAT_AREA] >= LEAST_CELLS:
            box = _box(ids == k)
            if box is not None and _plausible(kind, box):
                out.append(_opening(scene, wall, kind, box))
    return out


def _top(scene: Scene) -> float:
    """Height above the floor up to which walls are looked at, metres."""
    ceiling = scene.plane("ceiling")
    return TOP_M if ceiling is None else min(TOP_M, ceiling.offset_m + scene.camera_height_m)


def _box(mask: np.ndarray) -> Box | None:
    """The rectangle of a component (bool, rows upward): rows and columns at least a third as full as the fullest; None where ragged."""
    across, up = mask.sum(0), mask.sum(1)
    cols, rows = np.flatnonzero(across > across.max() / 3), np.flatnonzero(up > up.max() / 3)
    r0, r1, c0, c1 = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    if mask[r0:r1, c0:c1].mean() < FILL:
        return None
    return Box(c0 * CELL_M, c1 * CELL_M, r0 * CELL_M, r1 * CELL_M)


def _plausible(kind: str, box: Box) -> bool:
    """Whether a door or window can have this size (`PLAUSIBLE`)."""
    (narrow, broad), (low, high) = PLAUSIBLE[kind]
    fits = narrow <= box.right - box.left <= broad
    if kind == "door":  # furniture may hide its foot, so the height is judged from the floor
        return fits and low <= box.top <= high and box.bottom < 1.2
    return fits and low <= box.top - box.bottom <= high


def _opening(scene: Scene, wall: WallSegment, kind: str, box: Box) -> Opening:
    """A rectangle of a wall as an Opening; a door begins at the floor, whatever hides its foot."""
    bottom = 0.0 if kind == "door" else box.bottom
    step = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    part = WallSegment(wall.plane_id, np.array([wall.ends[0] + step * box.left, wall.ends[0] + step * box.right]), wall.end_kinds)
    quad = wall_quad(part, box.top)
    quad[:2, 2] = bottom
    return Opening(kind, wall.plane_id, to_camera(quad, scene), float(box.right - box.left), float(box.top - bottom))
