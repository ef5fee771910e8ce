"""One exact room seen from several places, with a pattern on its walls that all photos show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from poc.geometry import pixel_rays
from poc.types import Photo
from tests import synthetic
from tests.synthetic import SyntheticRoom

BLOCK_M = 0.11


@dataclass(frozen=True)
class Place:
    """Where a photo is taken: plan position in the room (metres from its near left corner), degrees clockwise from +y and
    downwards, camera height."""

    x: float
    y: float
    yaw_deg: float
    pitch_deg: float = 8.0
    height_m: float = 1.5


def rectangle(width: float, depth: float) -> np.ndarray:
    """Outline of a room, clockwise from its near left corner."""
    return np.array([[0, 0], [0, depth], [width, depth], [width, 0]], float)


def photograph(polygon: np.ndarray, place: Place, *, ceiling: float = 2.6, boxes=(), f_px: float = 330.0,
               size: tuple[int, int] = (640, 480), pattern: int | None = 0) -> SyntheticRoom:
    """The room from a place; pattern: seed of what hangs on the walls, None for bare ones. `boxes` as in `synthetic`."""
    eye = np.array([place.x, place.y])
    world_from_cam = synthetic._rotation(np.deg2rad(place.yaw_deg), np.deg2rad(place.pitch_deg), 0.0)
    moved = tuple((x0 - eye[0], y0 - eye[1], x1 - eye[0], y1 - eye[1], tall) for x0, y0, x1, y1, tall in boxes)
    room = synthetic._cast(polygon - eye, boxes=moved, openings=(), height=place.height_m, ceiling=ceiling,
                           world_from_cam=world_from_cam, f=f_px, size=size, seed=5)
    name = f"x{place.x:g}y{place.y:g}.jpg"
    rgb = room.photo.rgb if pattern is None else _hung(room, np.append(eye, place.height_m), pattern)
    return replace(room, photo=Photo(rgb, None, name))


def _hung(room: SyntheticRoom, eye: np.ndarray, seed: int) -> np.ndarray:
    """The photo with blocks of random grey on its walls, fixed in the room."""
    h, w = room.labels.shape
    world = (pixel_rays(room.camera, h, w) * room.depth.values[..., None]) @ room.world_from_cam.T + eye
    cell = np.floor(world / BLOCK_M + 0.37).astype(int) % 64
    grey = np.random.default_rng(seed).integers(30, 225, (64, 64, 64))[cell[..., 0], cell[..., 1], cell[..., 2]]
    rgb = room.photo.rgb.copy()
    wall = room.labels == synthetic.WALL
    rgb[wall] = grey[wall][:, None]
    return cv2.GaussianBlur(rgb, (0, 0), 0.7)
