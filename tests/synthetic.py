"""Exact furnished rooms, ray-cast: photo, depth, surfaces, camera and the truth in metres. Nothing here is approximate.

World frame while casting: x right, y forward, z up, floor at z = 0. What is returned follows `poc.types`: camera frame
x right, y down, z forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from poc.types import Camera, DepthMap, Photo, Surfaces

FLOOR, WALL, CEILING, DOOR, WINDOW, OTHER = 1, 2, 3, 4, 5, 0
SHAPES = ("rectangle", "l_shape", "chamfer")


@dataclass(frozen=True)
class TrueWall:
    """A wall in view. length_m is the whole wall's; corners_seen: left and right end inside the photo and not hidden;
    foot_pixels: photo columns where floor meets this wall directly."""

    normal_cam: np.ndarray
    offset_m: float
    length_m: float
    corners_seen: tuple[bool, bool]
    foot_pixels: int
    pixels: int


@dataclass(frozen=True)
class SyntheticRoom:
    """labels: H×W class index in the order of SURFACE_CLASSES; wall_index: H×W index into `walls`, -1 elsewhere;
    polygon: the room's outline in plan, metres, relative to the camera, in the world's axes."""

    photo: Photo
    depth: DepthMap
    surfaces: Surfaces
    camera: Camera
    labels: np.ndarray
    wall_index: np.ndarray
    walls: tuple[TrueWall, ...]
    camera_height_m: float
    ceiling_height_m: float
    polygon: np.ndarray
    boxes: tuple[tuple[float, float, float, float, float], ...]
    world_from_cam: np.ndarray
    ceiling_pixels: int


def make_room(seed: int, shape: str | None = None, *, size: tuple[int, int] = (480, 360), f_px: float | None = None,
              pitch_deg: float | None = None, furnished: bool = True) -> SyntheticRoom:
    """A room drawn from `seed`; size is (width, height) of the photo, pitch_deg is downwards."""
    rng = np.random.default_rng(seed)
    shape = shape or SHAPES[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    width, depth, ceiling = rng.uniform(3.0, 5.5), rng.uniform(3.2, 6.0), rng.uniform(2.3, 2.9)
    polygon = _polygon(shape, width, depth)
    height = rng.uniform(1.25, 1.7)
    eye = np.array([width * rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.7)])
    yaw = np.deg2rad(rng.uniform(-22, 22))
    pitch = np.deg2rad(rng.uniform(4, 20) if pitch_deg is None else pitch_deg)
    roll = np.deg2rad(rng.uniform(-2.0, 2.0))
    f = float(size[0]) * rng.uniform(0.55, 0.85) if f_px is None else float(f_px)
    world_from_cam = _rotation(yaw, pitch, roll)
    boxes = _furniture(rng, polygon, eye, width, depth) if furnished else ()
    openings = _openings(rng, polygon)
    return _cast(polygon - eye, boxes=tuple((b[0] - eye[0], b[1] - eye[1], b[2] - eye[0], b[3] - eye[1], b[4]) for b in boxes),
                 openings=openings, height=height, ceiling=ceiling, world_from_cam=world_from_cam, f=f, size=size, seed=seed)


def cast(corners: np.ndarray, boxes=(), *, pitch_deg: float = 14.0, height: float = 1.45, grades=(0.0,)) -> SyntheticRoom:
    """A room of given corners (plan, metres from the camera) with boxes (x0, y0, x1, y1, height) in it. grades: how far each plane of the
    ceiling rises per metre to the right; straight above the camera it is 2.5 m high. The lowest counts, so that two make a gable."""
    rotation = _rotation(0.05, np.deg2rad(pitch_deg), 0.0)
    return _cast(corners, boxes=boxes, openings=(), height=height, ceiling=2.5, world_from_cam=rotation, f=300.0, size=(480, 360), seed=3,
                 grades=grades)


def _polygon(shape: str, w: float, d: float) -> np.ndarray:
    """Corners in order (clockwise from the near left, seen from above: left wall, far wall, right wall, near wall)."""
    if shape == "l_shape":
        return np.array([[0, 0], [0, d], [0.55 * w, d], [0.55 * w, 0.62 * d], [w, 0.62 * d], [w, 0]])
    if shape == "chamfer":
        return np.array([[0, 0], [0, d], [0.68 * w, d], [w, d - 0.32 * w * 0.8], [w, 0]])
    return np.array([[0, 0], [0, d], [w, d], [w, 0]], float)


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """World from camera: columns are the camera's right, down and forward axes in the world."""
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, -s * right + c * down, forward], axis=1)


def _furniture(rng, polygon, eye, w, d):
    """Boxes (x0, y0, x1, y1, height): along the walls, and a table in the middle."""
    boxes = []
    for _ in range(int(rng.integers(2, 6))):
        along, out, tall = rng.uniform(0.5, 1.9), rng.uniform(0.35, 0.9), rng.choice([0.45, 0.75, 0.9, 1.9])
        side = rng.integers(0, 3)
        if side == 0:
            y = rng.uniform(1.2, max(1.3, d - along))
            boxes.append((0.0, y, out, y + along, tall))
        elif side == 1:
            y = rng.uniform(1.2, max(1.3, 0.62 * d - along))
            boxes.append((w - out, y, w, y + along, tall))
        else:
            x = rng.uniform(0.0, 0.55 * w - 0.3)
            boxes.append((x, d - out, min(x + along, 0.55 * w), d, tall))
    if rng.random() < 0.6:
        x, y = rng.uniform(0.3, 0.6) * w, rng.uniform(0.4, 0.5) * d
        boxes.append((x - 0.4, y - 0.3, x + 0.4, y + 0.3, 0.45))
    far = [b for b in boxes if np.hypot(max(b[0] - eye[0], 0, eye[0] - b[2]), max(b[1] - eye[1], 0, eye[1] - b[3])) > 0.8]
    return tuple(far)


def _openings(rng, polygon):
    """(edge, start, stop, bottom, top, class) along an edge of the outline."""
    lengths = np.linalg.norm(np.roll(polygon, -1, axis=0) - polygon, axis=1)
    long = [i for i in range(len(polygon) - 1) if lengths[i] > 2.0]
    door, window = rng.choice(long), rng.choice(long)
    s = rng.uniform(0.2, lengths[door] - 1.1)
    out = [(int(door), s, s + 0.9, 0.0, 2.05, DOOR)]
    if window != door:
        s = rng.uniform(0.3, lengths[window] - 1.6)
        out.append((int(window), s, s + 1.2, 0.9, 2.0, WINDOW))
    return out


def _cast(polygon, *, boxes, openings, height, ceiling, world_from_cam, f, size, seed, grades=(0.0,)) -> SyntheticRoom:
    w, h = size
    cx, cy = (w - 1) / 2.0, (h - 1) / 2.0
    u, v = np.meshgrid(np.arange(w), np.arange(h))
    ray = np.stack([(u - cx) / f, (v - cy) / f, np.ones_like(u, float)], -1) @ world_from_cam.T
    best = np.full((h, w), np.inf)
    labels, wall_index, face = np.zeros((h, w), np.int8), np.full((h, w), -1), np.zeros((h, w), np.int16)
    with np.errstate(divide="ignore", invalid="ignore"):
        for z, grade, label, k in ((-height, 0.0, FLOOR, 1), *((ceiling - height, grade, CEILING, 2) for grade in grades)):
            t = z / (ray[..., 2] - grade * ray[..., 0])
            hit = (t > 1e-6) & (t < best)
            best[hit], labels[hit], face[hit] = t[hit], label, k
        for i in range(len(polygon)):
            p, q = polygon[i], polygon[(i + 1) % len(polygon)]
            t, along, length = _hit_edge(ray, p, q)
            z = t * ray[..., 2]
            top = ceiling - height + np.min([grade * t * ray[..., 0] for grade in grades], axis=0)
            hit = (t > 1e-6) & (t < best) & (along >= 0) & (along <= length) & (z > -height) & (z < top)
            best[hit], labels[hit], wall_index[hit], face[hit] = t[hit], WALL, i, 10 + i
            for edge, s0, s1, z0, z1, label in openings:
                if edge == i:
                    inside = hit & (along > s0) & (along < s1) & (z + height > z0) & (z + height < z1)
                    labels[inside], face[inside] = label, 30 + label
        for j, (x0, y0, x1, y1, tall) in enumerate(boxes):
            t, k = _hit_box(ray, x0, y0, x1, y1, -height, tall - height)
            hit = (t > 1e-6) & (t < best)
            best[hit], labels[hit], wall_index[hit], face[hit] = t[hit], OTHER, -1, 40 + 4 * j + k[hit]
    gravity = world_from_cam.T @ np.array([0.0, 0.0, -1.0])
    axes = world_from_cam.T @ np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]).T
    camera = Camera(f, cx, cy, w, h, gravity, "given", "given", 1e-4, np.deg2rad(0.02), axes.T, np.deg2rad(0.05))
    walls, order = _true_walls(polygon, wall_index, labels, world_from_cam)
    remap = np.full(len(polygon) + 1, -1)
    remap[order] = np.arange(len(order))
    depth = DepthMap(best.astype(np.float32), "metric", np.isfinite(best), "exact")
    return SyntheticRoom(_paint(face, labels, best, ray, seed), depth, surfaces_from_labels(labels), camera, labels,
                         remap[wall_index], walls, height, ceiling, polygon, boxes, world_from_cam, int((labels == CEILING).sum()))


def _hit_edge(ray, p, q):
    """Distance factor along the rays to the vertical plane through p and q, and metres along the edge from p."""
    d = (q - p) / np.linalg.norm(q - p)
    n = np.array([d[1], -d[0]])
    t = (n @ p) / (ray[..., 0] * n[0] + ray[..., 1] * n[1])
    along = (t * ray[..., 0] - p[0]) * d[0] + (t * ray[..., 1] - p[1]) * d[1]
    return t, along, np.linalg.norm(q - p)


def _hit_box(ray, x0, y0, x1, y1, z0, z1):
    near = np.full(ray.shape[:2], -np.inf)
    far = np.full(ray.shape[:2], np.inf)
    k = np.zeros(ray.shape[:2], np.int16)
    for axis, (lo, hi) in enumerate(((x0, x1), (y0, y1), (z0, z1))):
        a, b = lo / ray[..., axis], hi / ray[..., axis]
        enter, leave = np.minimum(a, b), np.maximum(a, b)
        k = np.where(enter > near, axis, k)
        near, far = np.maximum(near, enter), np.minimum(far, leave)
    return np.where(near < far, near, np.inf), k


def _true_walls(polygon, wall_index, labels, world_from_cam):
    """Walls with at least 1 % of the photo, left to right as seen, and their edge numbers."""
    found = []
    total = wall_index.size
    below = np.vstack([labels[1:], labels[-1:]])
    for i in range(len(polygon)):
        mask = wall_index == i
        if mask.sum() < 0.01 * total:
            continue
        p, q = polygon[i], polygon[(i + 1) % len(polygon)]
        d = (q - p) / np.linalg.norm(q - p)
        n = np.array([d[1], -d[0], 0.0])
        if n[:2] @ p > 0:
            n = -n
        columns = np.flatnonzero(mask.any(0))
        left, right = columns.min(), columns.max()
        seen = (_corner_seen(wall_index, i, left, -1), _corner_seen(wall_index, i, right, 1))
        foot = int((mask & (below == FLOOR)).any(0).sum())
        found.append((columns.mean(), i, TrueWall(world_from_cam.T @ n, float(-(n[:2] @ p)), float(np.linalg.norm(q - p)),
                                                  seen, foot, int(mask.sum()))))
    found.sort(key=lambda item: item[0])
    return tuple(item[2] for item in found), [item[1] for item in found]


def _corner_seen(wall_index, i, column, step):
    """True where the wall's last column lies beside a column of another wall (a visible corner)."""
    nxt = column + step
    if not 0 <= nxt < wall_index.shape[1]:
        return False
    rows = np.flatnonzero(wall_index[:, column] == i)
    other = wall_index[rows, nxt]
    return bool((other >= 0).any())


def _paint(face, labels, depth, ray, seed) -> Photo:
    rng = np.random.default_rng(seed + 9999)
    palette = rng.uniform(60, 235, (256, 1)) + rng.uniform(-18, 18, (256, 3))
    shade = palette[face % 256]
    point = ray * depth[..., None]
    tiles = ((np.floor(point[..., 0] / 0.4) + np.floor(point[..., 1] / 0.4)) % 2)[..., None] * 7.0
    shade = shade + np.where((labels == FLOOR)[..., None], tiles, 0.0) + rng.normal(0, 2.0, (*face.shape, 1))
    return Photo(np.clip(cv2.GaussianBlur(shade, (0, 0), 0.7), 0, 255).astype(np.uint8), None, f"synthetic {seed}")


def surfaces_from_labels(labels: np.ndarray, long_side: int = 240, blur: float = 0.0, rng=None) -> Surfaces:
    """Class shares per coarse pixel. With a generator, boundaries are shifted by a smooth field of `blur` coarse pixels
    and softened, as a network's are."""
    h, w = labels.shape
    scale = min(1.0, long_side / max(h, w))
    size = (round(w * scale), round(h * scale))
    maps = [cv2.resize((labels == k).astype(np.float32), size, interpolation=cv2.INTER_AREA) for k in range(6)]
    p = np.stack(maps, -1)
    if rng is not None and blur > 0:
        shift = np.stack([correlated(rng, p.shape[:2], 24.0) for _ in range(2)]) * blur
        yy, xx = np.mgrid[0:size[1], 0:size[0]].astype(np.float32)
        p = cv2.remap(p, (xx + shift[0]).astype(np.float32), (yy + shift[1]).astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)
        p = cv2.GaussianBlur(p, (0, 0), 1.0)
    p = 0.98 * p + 0.02 / 6
    return Surfaces((p / p.sum(-1, keepdims=True)).astype(np.float32), "synthetic")


def correlated(rng, shape: tuple[int, int], length_px: float) -> np.ndarray:
    """Unit-variance Gaussian blobs with the given correlation length."""
    pad = int(3 * length_px)
    field = cv2.GaussianBlur(rng.normal(size=(shape[0] + 2 * pad, shape[1] + 2 * pad)), (0, 0), length_px)
    field = field[pad:-pad, pad:-pad]
    return field * (2.0 * np.sqrt(np.pi) * length_px)


def noisy_depth(room: SyntheticRoom, sigma: float, seed: int, length: float = 0.06) -> DepthMap:
    """Depth times exp(sigma × blobs); `length` is the correlation length as a share of the photo's width."""
    rng = np.random.default_rng(seed)
    field = correlated(rng, room.depth.values.shape, length * room.photo.width)
    return replace(room.depth, values=(room.depth.values * np.exp(sigma * field)).astype(np.float32), model="noisy")


def affine_depth(room: SyntheticRoom, seed: int, depth: DepthMap | None = None) -> DepthMap:
    """The same as relative inverse depth with random scale and shift."""
    rng = np.random.default_rng(seed)
    depth = depth or room.depth
    inverse = 1.0 / depth.values
    a, b = rng.uniform(0.002, 0.5), rng.uniform(-0.6, 0.6) * float(np.median(inverse))
    return replace(depth, values=((inverse - b) / a).astype(np.float32), kind="relative_inverse", model="affine")


def perturbed_camera(room: SyntheticRoom, seed: int, *, gravity_deg: float = 0.5, f_rel: float = 0.02, yaw_deg: float = 1.0) -> Camera:
    """The camera with errors drawn from the sigmas that it states."""
    rng = np.random.default_rng(seed)
    true = room.camera
    tilt = rng.normal(size=2) * np.deg2rad(gravity_deg)
    turn = rng.normal() * np.deg2rad(yaw_deg)
    axes = true.manhattan
    rotation = cv2.Rodrigues(axes[0] * tilt[0] + axes[1] * tilt[1] + axes[2] * turn)[0]
    moved = axes @ rotation.T
    return replace(true, f_px=true.f_px * float(np.exp(rng.normal() * f_rel)), gravity=-moved[2], manhattan=moved,
                   f_sigma_rel=f_rel, gravity_sigma_rad=np.deg2rad(gravity_deg), axes_sigma_rad=np.deg2rad(yaw_deg))
