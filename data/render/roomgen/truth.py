"""What the photo shows, exactly: depth with window panes, camera, walls, areas; and planes checked against depth."""

from __future__ import annotations

import numpy as np

from . import ids
from .camera import Pose
from .shell import Room, pane_offset
from .stage import Placed, Stage


def close_windows(room: Room, pose: Pose, depth: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives pixels that look out of a window the depth of its pane and the window's index, whatever lies beyond."""
    depth, index = depth.copy(), index.copy()
    turn = pose.cam_from_world()
    rays = _rays(pose, depth.shape[1], depth.shape[0])
    for number, opening in enumerate(room.openings):
        if opening.kind != "window":
            continue
        normal = np.append(room.inward(opening.wall), 0.0)
        centre = room.point(opening.wall, opening.at, -pane_offset(opening))
        slope = rays @ (turn @ normal)
        z = normal @ (centre - pose.position) / np.where(np.abs(slope) < 1e-9, 1e-9, slope)
        points = z[..., None] * (rays @ turn) + pose.position
        along = (points[..., :2] - centre[:2]) @ room.along(opening.wall)
        hit = (
            (z > 0)
            & (np.abs(along) <= opening.width / 2)
            & (points[..., 2] >= opening.sill)
            & (points[..., 2] <= opening.head)
        )
        hit &= (depth == 0) | (depth > z + 0.002)
        depth[hit], index[hit] = z[hit], ids.WINDOW + number
    return depth, index


def _rays(pose: Pose, width: int, height: int) -> np.ndarray:
    """Camera rays with z = 1 through the pixel centres, H×W×3."""
    f = pose.f35_mm / 36.0 * max(width, height)
    u, v = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    return np.stack([u / f, v / f, np.ones_like(u)], axis=-1)


def room_axes(pose: Pose) -> np.ndarray:
    """2×2: rows are the room frame's x and y (y along the wall direction nearest to the viewing direction)."""
    quarter = np.radians(90.0 * np.rint(pose.yaw_deg / 90.0))
    return np.array([[np.cos(quarter), -np.sin(quarter)], [np.sin(quarter), np.cos(quarter)]]).round(12)


def to_room(pose: Pose, points) -> list:
    """Generator's x, y → the room frame's (origin on the floor under the camera), as nested lists."""
    return ((np.asarray(points)[..., :2] - pose.position[:2]) @ room_axes(pose).T).round(5).tolist()


def frame_truth(stage: Stage, pose: Pose, depth: np.ndarray, index: np.ndarray) -> dict:
    """The `room` entry of meta.json for one photo; depth and index as the photo's size or smaller, aligned."""
    room, placed = stage.room, stage.placed
    down = pose.cam_from_world() @ [0.0, 0.0, -1.0]
    return {
        "camera": {
            "height_m": round(pose.position[2], 5),
            "pitch_deg": pose.pitch_deg,
            "roll_deg": pose.roll_deg,
            "f35_mm": pose.f35_mm,
            "gravity_cam": down.round(8).tolist(),
        },
        "ceiling_height_m": room.height,
        "walls": [_wall_truth(stage, pose, wall, depth, index) for wall in range(room.walls)],
        "floor_area_m2": round(room.area, 4),
        "floor_area_visible_m2": round(_area_in_view(room, pose), 3),
        "floor_area_seen_m2": round(_area_seen(pose, index), 3),
        "ceiling_pixels": int((index == ids.CEILING).sum()),
        "outline_room": to_room(pose, room.outline),
        "openings": [_opening_truth(room, pose, number, index) for number in range(len(room.openings))],
        "furniture": [_piece_truth(pose, piece, ids.FURNITURE + k, index) for k, piece in enumerate(placed)],
    }


def _wall_truth(stage: Stage, pose: Pose, wall: int, depth: np.ndarray, index: np.ndarray) -> dict:
    room, (skirting, cornice) = stage.room, stage.trim
    normal = np.append(room.inward(wall), 0.0)
    offset = float(normal @ (np.asarray(pose.position) - room.point(wall, 0.0)))
    if offset < 0:  # seen from behind (beyond an inner corner): keep the normal toward the camera
        normal, offset = -normal, -offset
    foot = _edge_seen(room, pose, wall, skirting, 0.0, ids.FLOOR, depth, index)
    top = _edge_seen(room, pose, wall, cornice, room.height, ids.CEILING, depth, index)
    return {
        "id": f"wall_{wall}",
        "normal_cam": (pose.cam_from_world() @ normal).round(8).tolist(),
        "offset_m": round(offset, 5),
        "length_m": round(room.length(wall), 5),
        "ends_room": to_room(pose, np.stack(room.ends(wall))),
        "visible_pixels": int(((index == ids.WALL + wall) | (index == ids.SKIRTING + wall)).sum()),
        "foot_visible": foot > 0.05,
        "foot_visible_m": round(foot, 3),
        "ceiling_line_visible": top > 0.05,
        "ceiling_line_visible_m": round(top, 3),
    }


def _edge_seen(room: Room, pose: Pose, wall: int, out: float, z: float, other: int, depth, index) -> float:
    """Metres of the wall's lower or upper edge (at the front of its skirting or cornice, `out` from the plaster) where
    both wall and floor (ceiling) are seen within two pixels of it."""
    step = 0.01
    s = np.arange(step / 2, room.length(wall), step)
    points = np.array([room.point(wall, a, out, z) for a in s])
    small = pose.scaled(depth.shape[1] / pose.width)
    u, v, along_z = small.project(points)
    height, width = depth.shape
    col, row = np.rint(u).astype(int), np.rint(v).astype(int)
    ok = (along_z > 0.05) & (col >= 2) & (col < width - 2) & (row >= 2) & (row < height - 2)
    mine = np.isin(index, (ids.WALL + wall, ids.SKIRTING + wall))
    seen = 0
    for c, r, d in zip(col[ok], row[ok], along_z[ok]):
        window = np.s_[r - 2 : r + 3, c - 2 : c + 3]
        near = np.abs(depth[window] - d) < 0.04 * d + 0.05
        seen += bool((mine[window] & near).any() and ((index[window] == other) & near).any())
    return seen * step


def _area_in_view(room: Room, pose: Pose, cell: float = 0.03) -> float:
    """Floor area inside the photo's frame and not behind a wall, furniture ignored."""
    low, high = room.outline.min(axis=0), room.outline.max(axis=0)
    x, y = np.meshgrid(*[np.arange(a + cell / 2, b, cell) for a, b in zip(low, high)])
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    points = points[inside(room.outline, points)]
    u, v, z = pose.project(np.concatenate([points, np.zeros((len(points), 1))], axis=1))
    seen = (z > 0.05) & (u > -0.5) & (u < pose.width - 0.5) & (v > -0.5) & (v < pose.height - 0.5)
    for wall in range(room.walls):
        seen &= ~_crosses(np.asarray(pose.position[:2]), points, *room.ends(wall))
    return float(seen.sum() * cell * cell)


def inside(outline: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which points lie in the polygon (even–odd rule)."""
    result = np.zeros(len(points), bool)
    for a, b in zip(outline, np.roll(outline, -1, axis=0)):
        between = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        if between.any():
            result ^= between & (points[:, 0] < a[0] + (points[:, 1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1] + 1e-12))
    return result


def _crosses(eye: np.ndarray, points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether the segment from the eye to each point crosses the wall a–b."""

    def side(p, q, r):
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])

    first = side(a, b, eye) * side(a, b, points) < 0
    return first & (side(eye, points, a) * side(eye, points, b) < 0)


def _area_seen(pose: Pose, index: np.ndarray) -> float:
    """Floor area behind the pixels labelled floor: each covers z³ / (f² h)."""
    height, width = index.shape
    f = pose.f35_mm / 36.0 * max(width, height)
    slope = _rays(pose, width, height)[index == ids.FLOOR] @ (pose.cam_from_world() @ [0.0, 0.0, -1.0])
    z = pose.position[2] / slope[slope > 1e-3]
    return float((z**3).sum() / (f * f * pose.position[2]))


def _opening_truth(room: Room, pose: Pose, number: int, index: np.ndarray) -> dict:
    opening = room.openings[number]
    ends = [room.point(opening.wall, opening.at + side * opening.width / 2) for side in (-1, 1)]
    first = ids.WINDOW if opening.kind == "window" else ids.DOOR
    return {
        "kind": opening.kind,
        "wall": f"wall_{opening.wall}",
        "ends_room": to_room(pose, np.stack(ends)),
        "sill_m": opening.sill,
        "head_m": opening.head,
        "visible_pixels": int((index == first + number).sum()),
    }


def _piece_truth(pose: Pose, piece: Placed, number: int, index: np.ndarray) -> dict:
    return {
        "kind": piece.kind,
        "footprint_room": to_room(pose, piece.footprint),
        "low_m": round(piece.low_m, 4),
        "height_m": round(piece.high_m, 4),
        "on_floor": piece.on_floor,
        "visible_pixels": int((index == number).sum()),
    }


def plane_errors(room: Room, pose: Pose, depth: np.ndarray, index: np.ndarray) -> dict[str, float]:
    """Largest distance (metres) between the rendered depth and each true plane, over its own pixels (no skirting, no
    rugs: of the floor the 90th percentile)."""
    height, width = depth.shape
    points = (_rays(pose, width, height) * depth[..., None]) @ pose.cam_from_world() + pose.position
    errors = {}
    for wall in range(room.walls):
        mask = index == ids.WALL + wall
        if mask.any():
            errors[f"wall_{wall}"] = float(np.abs((points[mask][:, :2] - room.outline[wall]) @ room.inward(wall)).max())
    for name, which, z in (("floor", ids.FLOOR, 0.0), ("ceiling", ids.CEILING, room.height)):
        if (index == which).any():
            gap = np.abs(points[index == which][:, 2] - z)
            errors[name] = float(np.quantile(gap, 0.5) if which == ids.FLOOR else gap.max())
    return errors
