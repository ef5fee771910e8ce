"""One photo at working resolution: rays, depth and surfaces on one grid, and the same as a level panorama.

The grid's long side is at most `LONG_SIDE`, so that nothing after it depends on the size of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poc.errors import ParameterError
from poc.geometry import pixel_rays
from poc.types import Camera, DepthMap, Photo, Surfaces

LONG_SIDE = 320
"""Long side of the working grid, cells, at most."""
EDGE_SIDE = 960
"""Long side at which the photo's edges are looked at: finer than the grid, and of bounded cost."""
MOST_SIDE = 1280
"""Long side of a depth map from which rows and columns of it are left out, which leaves two to four to a cell."""
FLOOR, WALL, CEILING, DOOR, WINDOW = 1, 2, 3, 4, 5
"""Surface classes by their index in `View.p`; 0 is anything else."""
SURE = 0.8
"""Probability from which a cell surely is a surface: streets have cells that may be wall, rooms have some that surely are."""


@dataclass(frozen=True)
class View:
    """The photo on the working grid of h×w cells.

    rays: h×w×3, camera frame, z = 1. inverse: h×w, inverse depth (1/m, or relative), 0 where not valid. p: h×w×6, surface
    probabilities. metric: whether depth is in metres. f_grid: focal length in cells. grey: the photo's brightness (uint8, at a size of
    its own) where a network saw depth and surfaces, whose boundaries the photo's edges set right; None for a sensor's. follows_focal:
    whether the metric depth was computed for a focal length, so that it grows with the camera's.
    """

    camera: Camera
    rays: np.ndarray
    inverse: np.ndarray
    valid: np.ndarray
    p: np.ndarray
    metric: bool
    f_grid: float
    grey: np.ndarray | None = None
    follows_focal: bool = False

    @property
    def by_network(self) -> bool:
        """Whether depth and surfaces are a network's: then the photo itself is asked where the edges run."""
        return self.grey is not None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.inverse.shape


def grid_shape(camera: Camera) -> tuple[int, int]:
    """Rows and columns of the working grid for a photo."""
    scale = min(1.0, LONG_SIDE / max(camera.width, camera.height))
    return max(8, round(camera.height * scale)), max(8, round(camera.width * scale))


def make_view(camera: Camera, depth: DepthMap, surfaces: Surfaces | None, photo: Photo | None = None) -> View:
    """Depth and surfaces of any size, holes allowed, on the working grid; metric depth as it is under the camera's focal length.

    Without surfaces every cell is "anything else". photo: looked at for edges where a network computed the depth. Raises ParameterError
    where depth is not 2-D or its mask has another shape.
    """
    check_depth(depth)
    h, w = grid_shape(camera)
    shape = depth.values.shape
    values, good = depth.values[kept(shape)], depth.valid[kept(shape)]
    good = good & np.isfinite(values)
    if depth.kind == "metric":
        good = good & (values > 0.05)
    raw = np.where(good, values, 1.0 if depth.kind == "metric" else 0.0).astype(np.float32)
    inverse = 1.0 / raw if depth.kind == "metric" else raw
    follows_focal = depth.kind == "metric" and depth.f_px is not None
    if follows_focal:
        inverse = inverse * np.float32(depth.f_px / camera.f_px)
    share = _shrink(good.astype(np.float32), h, w, shape)
    value = _shrink(np.where(good, inverse, 0.0).astype(np.float32), h, w, shape) / np.maximum(share, 1e-6)
    valid = share > 0.5
    p = np.zeros((h, w, 6), np.float32)
    if surfaces is None:
        p[..., 0] = 1.0
    else:
        p = _shrink(surfaces.probabilities.astype(np.float32), h, w)
        p /= np.maximum(p.sum(-1, keepdims=True), 1e-6)
    return View(camera, pixel_rays(camera, h, w), np.where(valid, value, 0.0), valid, p, depth.kind == "metric",
                camera.f_px * w / camera.width, _brightness(photo) if photo is not None and depth.engine else None, follows_focal)


def check_depth(depth: DepthMap) -> None:
    """Raises ParameterError where a depth map is not 2-D or its mask has another shape."""
    if depth.values.ndim != 2 or depth.values.shape != depth.valid.shape:
        raise ParameterError(f"depth must be 2-D with a mask of its size, got {depth.values.shape} and {depth.valid.shape}")


def _brightness(photo: Photo) -> np.ndarray:
    """Grey levels, uint8, long side at most `EDGE_SIDE`."""
    scale = min(1.0, EDGE_SIDE / max(photo.width, photo.height))
    rgb = np.ascontiguousarray(photo.rgb)
    if scale < 1:
        rgb = cv2.resize(rgb, (max(1, round(photo.width * scale)), max(1, round(photo.height * scale))), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def kept(shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of a map (height, width) that are looked at: every k-th, about its middle, so that no cost grows with its
    size. Pixels are left out rather than averaged, which would smear edges and fill holes."""
    k = _stride(shape)
    return slice((shape[0] - 1) % k // 2, None, k), slice((shape[1] - 1) % k // 2, None, k)


def _stride(shape: tuple[int, int]) -> int:
    """The k of `kept`."""
    return -(-max(shape) // MOST_SIDE)


def _shrink(image: np.ndarray, h: int, w: int, shape: tuple[int, int] | None = None) -> np.ndarray:
    """An image on a grid of h×w cells: bilinear at the cells' centres, after a mean over an odd number of pixels where there are more
    than two to a cell. shape: of the whole map, where `image` is what is `kept` of it.

    Both steps keep an affine function of the pixels exact, as the inverse depth of a plane is. OpenCV's area average does not where the
    sizes are no multiples: its cells then stand for centres up to a quarter of a pixel away.
    """
    size = [max(1, 2 * int((n / m - 1) / 2) + 1) for n, m in zip(image.shape[:2], (h, w))]
    if max(size) > 1:
        image = cv2.blur(image, (size[1], size[0]), borderType=cv2.BORDER_REFLECT_101)
    if shape is None or (k := _stride(shape)) == 1:
        return cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    for axis, (n, m) in enumerate(zip(shape, (h, w))):
        image = _between(image, (((np.arange(m) + 0.5) * n / m - 0.5) - (n - 1) % k // 2) / k, axis)
    return image


def _between(image: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    """Linear between the rows (axis 0) or columns (1) next to `at`. OpenCV's `remap` rounds positions to a 32nd of a pixel."""
    low = np.clip(at.astype(int), 0, max(image.shape[axis] - 2, 0))
    part = np.clip(at - low, 0.0, 1.0).astype(np.float32)
    part = part[:, None] if axis == 0 else part[None]
    return image.take(low, axis) * (1 - part) + image.take(np.minimum(low + 1, image.shape[axis] - 1), axis) * part


@dataclass(frozen=True)
class Panorama:
    """The view resampled over azimuth (n columns) and slope (m rows): level, so that a vertical line is a column and the
    foot of a wall at horizontal distance ρ lies at slope −h/ρ, where h is the camera's height.

    azimuth: n, radians from the room's y axis toward x. slope: m, height over horizontal distance, rising with the row. seen: m×n, bool,
    whether the photo shows the cell. p: m×n×6, surface probabilities. map_u, map_v: m×n, where each cell lies on the working grid (column,
    row). rows_px: m×n, how many rows of the working grid a cell stands for, to weigh evidence by what was seen; 0 where not seen.
    """

    azimuth: np.ndarray
    slope: np.ndarray
    seen: np.ndarray
    p: np.ndarray
    map_u: np.ndarray
    map_v: np.ndarray
    rows_px: np.ndarray


def make_panorama(view: View, room_from_cam: np.ndarray, max_slope: float = 2.5) -> Panorama:
    """The surfaces of a view resampled about the vertical through the camera, up to max_slope above and below the horizon. Raises
    ParameterError where the camera looks straight up or down."""
    level = view.rays @ room_from_cam.T
    span = np.hypot(level[..., 0], level[..., 1])
    az, slope = np.arctan2(level[..., 0], level[..., 1]), level[..., 2] / np.maximum(span, 1e-9)
    flat = np.abs(slope) < max_slope
    if not flat.any():
        raise ParameterError("the camera looks straight up or down; walls cannot be seen")
    step = 1.0 / view.f_grid
    azimuth = np.arange(az[flat].min(), az[flat].max() + step, step)
    slopes = np.arange(max(slope.min(), -max_slope), min(slope.max(), max_slope) + step, step)
    direction = np.stack(np.broadcast_arrays(np.sin(azimuth)[None], np.cos(azimuth)[None], slopes[:, None]), -1)
    cam = direction @ room_from_cam
    z = np.where(cam[..., 2] > 1e-3, cam[..., 2], np.nan)
    h, w = view.shape
    c = view.camera
    map_u = ((cam[..., 0] / z * c.f_px + c.cx + 0.5) * w / c.width - 0.5).astype(np.float32)
    map_v = ((cam[..., 1] / z * c.f_px + c.cy + 0.5) * h / c.height - 0.5).astype(np.float32)
    with np.errstate(invalid="ignore"):
        seen = (map_u > -0.5) & (map_u < w - 0.5) & (map_v > -0.5) & (map_v < h - 0.5)
    rows_px = np.abs(np.gradient(map_v, axis=0))
    map_u, map_v = np.where(seen, map_u, -9).astype(np.float32), np.where(seen, map_v, -9).astype(np.float32)
    p = sample(view.p, map_u, map_v) * seen[..., None]
    return Panorama(azimuth, slopes, seen, p, map_u, map_v, np.where(seen & (rows_px < 8), rows_px, 0.0))


def sample(image: np.ndarray, u: np.ndarray, v: np.ndarray, nearest: bool = False) -> np.ndarray:
    """Values of a grid (h×w or h×w×c) at columns u and rows v (float32, any one shape); beyond its edges those of the nearest cell."""
    return cv2.remap(image, u, v, cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
