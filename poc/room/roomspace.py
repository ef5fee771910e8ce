"""Between the camera frame, the room frame and the photo's pixels; the solid that a scene's walls, floor and ceiling make.

Room-frame points here are n×3 (x right, y forward) with the height *above the floor* as third coordinate, metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from poc.geometry import pixel_rays, project
from poc.types import Measurement, Plane, Scene, WallSegment

NEAR_M = 0.05
"""Nothing nearer to the camera than this is projected."""
USUAL_CEILING_M = 2.4
"""Walls are drawn at least so high where no ceiling is seen."""
CROSSING_M = 0.2
"""Walls that run past each other by more than this, on both sides of both, cross; by less they make a corner."""
SHORTEST_FREE_M = 0.4
"""A free stretch of wall shorter than this is not worth a word."""
SNAP, PULL = 0.08, 0.20
"""In sketches, what is nearer than the room's shell by less than SNAP of its depth is put on it; up to PULL it is drawn nearer to
it, so that the surface does not tear where the two meet."""
BESIDE_M = 0.03
"""A wall counts as reaching this far past its ends."""


class Span(NamedTuple):
    """A stretch along a wall, metres, and the kinds of its two ends (as `WallSegment.end_kinds` and `free_end_kinds`)."""

    start_m: float
    end_m: float
    start_kind: str
    end_kind: str


def to_room(points_cam: np.ndarray, scene: Scene) -> np.ndarray:
    """Camera-frame points (…×3) in the room frame."""
    out = np.asarray(points_cam, float) @ scene.room_from_cam.T
    out[..., 2] += scene.camera_height_m or 0.0
    return out


def to_camera(points_room: np.ndarray, scene: Scene) -> np.ndarray:
    """Room-frame points (…×3, height above the floor) in the camera frame."""
    lowered = np.array(points_room, float)
    lowered[..., 2] -= scene.camera_height_m or 0.0
    return lowered @ scene.room_from_cam


def line_pixels(a_room: Iterable[float], b_room: Iterable[float], scene: Scene) -> np.ndarray | None:
    """The part of a straight line in the room that the photo shows, as 2×2 pixels; None where it shows none of it."""
    a, b = to_camera(np.array([a_room, b_room], float), scene)
    if max(a[2], b[2]) <= NEAR_M:
        return None
    if a[2] < NEAR_M:
        a = b + (a - b) * (b[2] - NEAR_M) / (b[2] - a[2])
    if b[2] < NEAR_M:
        b = a + (b - a) * (a[2] - NEAR_M) / (a[2] - b[2])
    camera = scene.camera
    return clip_line(project(np.array([a, b]), camera), camera.width, camera.height)


def clip_line(ends: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """The part of a pixel line (2×2) inside the photo, or None (Liang and Barsky)."""
    start, step = ends[0], ends[1] - ends[0]
    enter, leave = 0.0, 1.0
    for axis, size in ((0, width), (1, height)):
        for sign, room in ((-1.0, start[axis] + 0.5), (1.0, size - 0.5 - start[axis])):
            speed = sign * step[axis]
            if abs(speed) < 1e-12:
                if room < 0:
                    return None
            elif speed < 0:
                enter = max(enter, room / speed)
            else:
                leave = min(leave, room / speed)
    if enter >= leave:
        return None
    return np.array([start + step * enter, start + step * leave])


def grid_points(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Room-frame points h×w×3 of the working grid and the number of the plane each is on (−1: none), NaN where invalid.

    What supports a plane is put on it, what nearly lies on the room's shell or beyond it on the shell, so that the
    sketch shows the room that was measured, not the depth's ripple.
    """
    depth = np.array(scene.depth_m, float)
    rays = pixel_rays(scene.camera, *depth.shape)
    depth[~(depth > 0) | (False if scene.valid is None else ~np.asarray(scene.valid, bool))] = np.nan
    shell, shell_owner = shell_depth(scene, rays)
    with np.errstate(invalid="ignore"):
        on_shell = depth > (1 - SNAP) * shell
        pulled = shell * (1 - PULL + (depth / shell - 1 + PULL) * PULL / (PULL - SNAP))
        depth = np.where(depth > (1 - PULL) * shell, np.fmin(shell, pulled), depth)
    owner = np.where(on_shell, shell_owner, -1)
    for number, plane in enumerate(scene.planes):
        there = _plane_depth(plane, rays)
        mask = plane_mask(plane, depth.shape) & np.isfinite(there)
        behind = mask & (there > shell)
        depth[mask], owner[mask] = there[mask], number
        depth[behind], owner[behind] = shell[behind], shell_owner[behind]
    return to_room(rays * depth[..., None], scene), owner


def shell_depth(scene: Scene, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (h×w) at which each ray first meets the floor, the ceiling or a wall's visible stretch, and that plane's
    number; infinite and −1 where it meets none."""
    nearest, owner = np.full(rays.shape[:2], np.inf), np.full(rays.shape[:2], -1)
    segments = {wall.plane_id: wall for wall in scene.walls}
    for number, plane in enumerate(scene.planes):
        there = _plane_depth(plane, rays)
        wall = segments.get(plane.id)
        if plane.kind == "wall":
            if wall is None:
                continue
            direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
            at = (to_room(rays * there[..., None], scene)[..., :2] - wall.ends[0]) @ direction
            with np.errstate(invalid="ignore"):
                there = np.where((at > -BESIDE_M) & (at < wall.length_m + BESIDE_M), there, np.nan)
        with np.errstate(invalid="ignore"):
            first = there < nearest
        nearest[first], owner[first] = there[first], number
    return nearest, owner


def _plane_depth(plane: Plane, rays: np.ndarray) -> np.ndarray:
    """Depth (h×w) at which rays (z = 1) meet a plane in front of the camera, NaN where they do not."""
    slope = rays @ np.asarray(plane.normal_cam, float)
    with np.errstate(divide="ignore"):
        return np.where(slope < -1e-3, -plane.offset_m / np.where(slope < -1e-3, slope, -1.0), np.nan)


def plane_mask(plane: Plane, shape: tuple[int, int]) -> np.ndarray:
    """The plane's mask as a fresh bool array of the working grid's shape (nearest cell, where its own differs)."""
    mask = np.asarray(plane.mask, bool)
    if mask.shape == shape or mask.size == 0:
        return mask.copy() if mask.size else np.zeros(shape, bool)
    rows = np.arange(shape[0]) * mask.shape[0] // shape[0]
    columns = np.arange(shape[1]) * mask.shape[1] // shape[1]
    return mask[np.ix_(rows, columns)]


def room_height(scene: Scene, measurements: dict[str, Measurement]) -> tuple[float, bool]:
    """The ceiling's height above the floor, and whether it was seen; unseen, how far up the drawing shows the walls."""
    ceiling = next((p for p in scene.planes if p.kind == "ceiling"), None)
    if ceiling is not None:
        return ceiling.offset_m + (scene.camera_height_m or 0.0), True
    told = measurements.get("ceiling_height")
    least = told.low or told.value or 0.0 if told is not None else 0.0
    return max(least, (scene.camera_height_m or 0.0) + 0.2, USUAL_CEILING_M), False


def wall_quad(wall: WallSegment, height: float) -> np.ndarray:
    """4×3 corners of a wall: foot left, foot right, top right, top left as seen."""
    (x0, y0), (x1, y1) = wall.ends
    return np.array([(x0, y0, 0.0), (x1, y1, 0.0), (x1, y1, height), (x0, y0, height)])


def inward(wall: WallSegment, scene: Scene) -> np.ndarray:
    """Unit vector (2, plan) from the wall into the room."""
    along = wall.ends[1] - wall.ends[0]
    normal = np.array([along[1], -along[0]]) / max(float(np.linalg.norm(along)), 1e-9)
    plane = scene.plane(wall.plane_id)
    toward = (scene.room_from_cam @ plane.normal_cam)[:2] if plane is not None else -wall.ends.mean(0)
    return normal if normal @ toward >= 0 else -normal


def main_walls(scene: Scene) -> list[WallSegment]:
    """The longest wall on each side of the room: of parallel walls behind one another, one distance is enough to draw."""
    out: list[WallSegment] = []
    for wall in sorted(scene.walls, key=lambda wall: -wall.length_m):
        if all(inward(wall, scene) @ inward(other, scene) < 0.9 for other in out):
            out.append(wall)
    return out


def longest_free(scene: Scene) -> tuple[WallSegment, tuple[float, float]] | None:
    """The wall with the longest free stretch of at least `SHORTEST_FREE_M`, and that stretch (from, to; metres along it), or None."""
    stretches = [(wall, span) for wall in scene.walls for span in wall.free if span[1] - span[0] >= SHORTEST_FREE_M]
    return max(stretches, key=lambda item: item[1][1] - item[1][0], default=None)


def free_kinds(wall: WallSegment) -> tuple[tuple[str, str], ...]:
    """The kinds of both ends of each of a wall's free stretches; corners where they are not known."""
    return wall.free_end_kinds or (("corner", "corner"),) * len(wall.free)


def cut_out(spans: Sequence[Span], low: float, high: float, kind: str) -> list[Span]:
    """Stretches without what lies between low and high (metres along the wall), which ends them with `kind`."""
    out = []
    for start, end, start_kind, end_kind in spans:
        if high <= start or low >= end:
            out.append(Span(start, end, start_kind, end_kind))
            continue
        if low > start:
            out.append(Span(start, low, start_kind, kind))
        if high < end:
            out.append(Span(high, end, kind, end_kind))
    return out


def extent_between(s: np.ndarray, off: np.ndarray, near: float, far: float) -> tuple[float, float] | None:
    """Least and greatest s of the part of a polygon whose `off` lies between near and far, or None where no part does.

    s, off: n, the polygon's corners in order: along a wall, and before it.
    """
    inside = list(s[(off >= near) & (off <= far)])
    for a, b, oa, ob in zip(s, np.roll(s, -1), off, np.roll(off, -1), strict=True):
        inside += [a + (b - a) * (line - oa) / (ob - oa) for line in (near, far) if (oa - line) * (ob - line) < 0]
    return (float(min(inside)), float(max(inside))) if inside else None


def crossing_walls(scene: Scene) -> list[tuple[str, str]]:
    """Pairs of walls (plane ids) that run through each other, which no two walls do: at least one is not where it was put."""
    out = []
    for i, a in enumerate(scene.walls):
        for b in scene.walls[i + 1 :]:
            step_a, step_b, gap = a.ends[1] - a.ends[0], b.ends[1] - b.ends[0], b.ends[0] - a.ends[0]
            turn = float(step_a[0] * step_b[1] - step_a[1] * step_b[0])
            if abs(turn) <= 0.1 * a.length_m * b.length_m:  # parallel, or of no length
                continue
            t, u = ((gap[0] * s[1] - gap[1] * s[0]) / turn for s in (step_b, step_a))
            inside = (min(x, 1.0 - x) * wall.length_m > CROSSING_M for x, wall in ((t, a), (u, b)))
            if all(inside):
                out.append((a.plane_id, b.plane_id))
    return out


def along(wall: WallSegment, distance: float) -> np.ndarray:
    """The plan point (2) at `distance` metres along the wall from its first end."""
    return wall.ends[0] + (wall.ends[1] - wall.ends[0]) * (distance / max(wall.length_m, 1e-9))
