"""What stands where: seen and free floor, furniture, openings and free stretches of wall, for a scene whose walls are known.

Everything is looked at in the level panorama of `poc.room.view`, where a column is one direction in plan. Where an object stands
on floor that is seen, its foot in the photo places its front far better than depth does, so depth is brought onto the feet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from poc.room.cells import CELL_M, in_metres, largest_rectangle, raster
from poc.room.feet import wall_share
from poc.room.openings import find_openings
from poc.room.stretches import STRIP_M, UP_TO_M, check_clearance, free_stretches
from poc.room.view import CEILING, FLOOR, WALL, Panorama, View, make_panorama, make_view, sample
from poc.types import DepthMap, Obstacle, Scene, Surfaces

REACH_M = 10.0
"""Nothing farther from the camera than this is drawn into the plan."""
LOW_M, HIGH_M = 0.10, 2.0
"""Heights above the floor between which a thing stands in the way."""
FIELD_CELLS = (10.0, 45.0)
"""Reach of the depth's correction from floor and walls: near, and where nothing is near."""
FOOT_RATIO = (0.80, 1.35)
"""An object's depth over that of the floor seen right below it, within which it stands there rather than overhangs."""
FOOT_CELLS = 9
"""Cells above the foot whose mean depth is compared with it."""
FRONT_M2 = 5e-4
"""Frontal area that a plan cell must show to count as taken (four working-grid cells at 3 m)."""
SPECK_M2 = 0.015
"""Components of less frontal area than this are noise."""
RECT_FILL, HULL_FILL = 0.85, 0.8
"""Share of a rectangle or a convex outline that must be taken or hidden for it to be a component's footprint."""
HANGS_M, HANGS_SEEN = UP_TO_M, 0.5
"""A component that begins this high, over floor of which this share is seen bare, hangs from the wall or the ceiling: nothing stands there.
Of 245 components in 115 photos of homes 4 do (lamps, shutters, shelves), of 153 in rendered rooms 5."""
HIDDEN_BACK_M = 0.6
"""A front this near to its wall is taken to reach the wall: what is between them cannot be seen."""


@dataclass(frozen=True)
class Sight:
    """The panorama (m rows, n columns) with horizontal distances in metres. wall_m: n, to the wall seen in each direction, infinite where
    none. floor_m: m, to the floor. rho_m: m×n, by depth, corrected, NaN where unknown. sigma: of log rho after correction. height_m: of
    the camera."""

    pan: Panorama
    wall_m: np.ndarray
    floor_m: np.ndarray
    rho_m: np.ndarray
    sigma: float
    height_m: float

    @property
    def above_m(self) -> np.ndarray:
        """Height above the floor of every cell, m×n."""
        return self.height_m + self.pan.slope[:, None] * self.rho_m


@dataclass(frozen=True)
class Grid:
    """Cells of the floor in plan (x right, y forward), metres. origin: where cell [0, 0] begins. centres: h×w×2 (x, y). row, col: h×w,
    where in the panorama each cell is seen, −1 out of it."""

    origin: tuple[float, float]
    centres: np.ndarray
    row: np.ndarray
    col: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.centres.shape[:2]

    def cells(self, points: np.ndarray) -> np.ndarray:
        """Integer (row, column) of plan points n×2, unchecked."""
        return np.floor((points[:, ::-1] - np.array(self.origin)[::-1]) / CELL_M).astype(int)


def complete(scene: Scene, surfaces: Surfaces | None, strip_m: float = STRIP_M, up_to_m: float = UP_TO_M) -> Scene:
    """The scene with openings, obstacles, free stretches of wall, floor grids, outline and the largest free rectangle.

    strip_m, up_to_m: depth of floor and height of wall that are clear where a stretch is free. A refused scene, or one
    without depth or walls, comes back as it is. Raises ParameterError where they are out of range.
    """
    check_clearance(strip_m, up_to_m)
    if scene.refusal or scene.depth_m is None or not scene.walls or scene.camera_height_m is None:
        return scene
    valid = scene.depth_m > 0 if scene.valid is None else scene.valid
    view = make_view(scene.camera, DepthMap(scene.depth_m, "metric", valid, "scene"), surfaces)
    if surfaces is None:
        view = replace(view, p=_classes_of_planes(scene, view.shape))
    sight = look(scene, view)
    grid = floor_grid(scene, sight)
    region = _region(grid, sight)
    seen = region & (sight.pan.p[grid.row, grid.col, FLOOR] > 0.5)
    seen = cv2.medianBlur(seen.astype(np.uint8), 3) > 0
    obstacles, taken = find_obstacles(scene, sight, grid, seen)
    free = seen & ~taken
    scene = replace(scene, obstacles=obstacles, openings=find_openings(scene, view), outline=outline(sight),
                    seen_floor=seen, free_floor=free, grid_origin=grid.origin, grid_cell_m=CELL_M,
                    largest_free_rect=in_metres(largest_rectangle(free), grid.origin))
    return replace(scene, walls=tuple(free_stretches(scene, view, wall, taken, strip_m=strip_m, up_to_m=up_to_m) for wall in scene.walls))


def _classes_of_planes(scene: Scene, shape: tuple[int, int]) -> np.ndarray:
    """Surface probabilities from the planes' own masks, where no model says what each pixel is."""
    p = np.zeros((*shape, 6), np.float32)
    for plane in scene.planes:
        if plane.mask.shape == shape:
            p[plane.mask, {"floor": FLOOR, "wall": WALL, "ceiling": CEILING}[plane.kind]] = 1.0
    p[p.sum(-1) == 0, 0] = 1.0
    return p / p.sum(-1, keepdims=True)


# --- distances -------------------------------------------------------------------------------------------------------


def look(scene: Scene, view: View) -> Sight:
    """The panorama in metres, its depth brought onto the floor, the walls and the feet of what stands on the floor."""
    pan = make_panorama(view, scene.room_from_cam)
    h, rot = scene.camera_height_m, scene.room_from_cam
    wall = wall_distances(scene, pan.azimuth)
    with np.errstate(divide="ignore"):
        floor = np.where(pan.slope < -0.02, -h / pan.slope, np.inf)
        depth = np.where(view.valid, 1.0 / np.maximum(view.inverse, 1e-6), np.nan)
    span = np.hypot(view.rays @ rot[0], view.rays @ rot[1])
    rho = sample((depth * span).astype(np.float32), pan.map_u, pan.map_v, nearest=True).astype(float)
    rho = np.where(pan.seen & (rho > 0.05), rho, np.nan)
    rho, sigma = _on_known_planes(pan, rho, wall, floor)
    return Sight(pan, wall, floor, _on_feet(pan, rho, floor), sigma, h)


def wall_distances(scene: Scene, azimuth: np.ndarray) -> np.ndarray:
    """Horizontal distance (n, metres) to the first wall in each direction, infinite where none is known."""
    direction = np.column_stack([np.sin(azimuth), np.cos(azimuth)])
    best = np.full(len(azimuth), np.inf)
    for wall in scene.walls:
        a, step = wall.ends[0], wall.ends[1] - wall.ends[0]
        cross = direction[:, 0] * step[1] - direction[:, 1] * step[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (a[0] * step[1] - a[1] * step[0]) / cross
            s = (a[0] * direction[:, 1] - a[1] * direction[:, 0]) / cross
        slack = 0.03 / max(wall.length_m, 0.1)
        hit = np.isfinite(t) & (t > 0.05) & (s > -slack) & (s < 1 + slack)
        best[hit] = np.minimum(best[hit], t[hit])
    return best


def _on_known_planes(pan: Panorama, rho: np.ndarray, wall: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, float]:
    """Distances rho (m×n) corrected by the smooth field that brings floor and walls onto their planes, and the sigma (log) that is left."""
    kernel = np.ones((5, 5), np.uint8)
    is_floor = cv2.erode((pan.p[..., FLOOR] > 0.6).astype(np.uint8), kernel) > 0
    is_wall = cv2.erode((wall_share(pan.p) > 0.6).astype(np.uint8), kernel) > 0
    known = np.where(is_wall & np.isfinite(wall)[None], wall[None], np.nan)
    known = np.where(is_floor & np.isfinite(floor)[:, None], floor[:, None], known)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(known / rho)
        good = np.isfinite(ratio) & (np.abs(ratio) < 0.5)
    if good.sum() < 50:
        return rho, 0.15
    weight, value = good.astype(np.float32), np.where(good, ratio, 0.0).astype(np.float32)
    tight, wide = (_smooth(value, weight, reach) for reach in FIELD_CELLS)
    field = (tight[0] * tight[1] + 0.02 * wide[0]) / (tight[1] + 0.02)
    left = 1.4826 * float(np.median(np.abs(ratio[good] - field[good])))
    before = 1.4826 * float(np.median(np.abs(ratio[good])))
    return rho * np.exp(field), float(np.clip(max(left, 0.4 * before), 0.003, 0.3))


def _smooth(value: np.ndarray, weight: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean within `reach` cells, and the share of cells it rests on. At a quarter of the size, for speed."""
    size = (max(8, value.shape[1] // 4), max(8, value.shape[0] // 4))
    num, den = (cv2.GaussianBlur(cv2.resize(a, size, interpolation=cv2.INTER_AREA), (0, 0), reach / 4) for a in (value, weight))
    mean, den = (cv2.resize(a, value.shape[::-1], interpolation=cv2.INTER_LINEAR) for a in (num / np.maximum(den, 1e-6), den))
    return mean, den


def _on_feet(pan: Panorama, rho: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Each column's run of object cells over seen floor, scaled so that it starts where the floor under it ends."""
    thing, is_floor = _things(pan), pan.p[..., FLOOR] > 0.5
    run_id, foot = _runs(thing, is_floor, floor)
    out = rho.copy()
    key = np.where(np.isfinite(foot), np.cumsum(run_id == 0, axis=0) * rho.shape[1] + np.arange(rho.shape[1]), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(rho / foot)
    use = np.isfinite(ratio) & (run_id < FOOT_CELLS)
    total, count = (np.bincount(key[use], w, int(key.max()) + 1) for w in (ratio[use], None))
    with np.errstate(invalid="ignore"):
        first = np.where(np.isfinite(foot), np.exp(total / count)[key], np.nan)
    with np.errstate(invalid="ignore"):
        stands = (first > FOOT_RATIO[0]) & (first < FOOT_RATIO[1])
        out[stands] = np.maximum(rho[stands] / first[stands], foot[stands])
    return out


def _things(pan: Panorama) -> np.ndarray:
    """Cells of things: neither floor, wall, ceiling, door nor window."""
    return pan.seen & (pan.p[..., 0] > 0.5)


def _runs(thing: np.ndarray, is_floor: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of thing cells in each column, from below. Per cell (m×n): how many cells it is above its run's start (a million out of runs),
    and the distance of the floor seen right below that start (NaN where none is seen within two cells).

    thing, is_floor: bool, m×n. floor: m, distance of the floor in each row.
    """
    count, foot = np.full(thing.shape, 10**6), np.full(thing.shape, np.nan)
    # per column: length of the run so far, the floor's distance under it, rows since floor was last seen, and its distance there
    age, current, since = np.zeros(thing.shape[1], int), np.full(thing.shape[1], np.nan), np.full(thing.shape[1], 99)
    last = np.full(thing.shape[1], np.nan)
    for i in range(len(thing)):
        t = thing[i]
        start = t & (age == 0)
        current = np.where(start, np.where(since <= 2, last, np.nan), current)
        age = np.where(t, age + 1, 0)
        count[i], foot[i] = np.where(t, age - 1, 10**6), np.where(t, current, np.nan)
        since = np.where(is_floor[i], 0, since + 1)
        last = np.where(is_floor[i] & np.isfinite(floor[i]), floor[i], last)
    return count, foot


# --- the floor ---------------------------------------------------------------------------------------------------------


def floor_grid(scene: Scene, sight: Sight) -> Grid:
    """Cells over everything between the camera, the walls and the farthest floor seen, at most REACH_M away."""
    marks = np.clip(np.vstack([np.zeros((1, 2)), *(w.ends for w in scene.walls), outline(sight).reshape(-1, 2)]), -REACH_M, REACH_M)
    low = np.floor(marks.min(0) / CELL_M) * CELL_M - CELL_M
    n = np.ceil((marks.max(0) - low) / CELL_M).astype(int) + 1
    x, y = np.meshgrid(low[0] + (np.arange(n[0]) + 0.5) * CELL_M, low[1] + (np.arange(n[1]) + 0.5) * CELL_M)
    pan = sight.pan
    step = pan.slope[1] - pan.slope[0]
    rho = np.maximum(np.hypot(x, y), 1e-6)
    col = np.rint((np.arctan2(x, y) - pan.azimuth[0]) / (pan.azimuth[1] - pan.azimuth[0])).astype(int)
    row = np.rint((-sight.height_m / rho - pan.slope[0]) / step).astype(int)
    inside = (col >= 0) & (col < len(pan.azimuth)) & (row >= 0) & (row < len(pan.slope))
    return Grid((float(low[0]), float(low[1])), np.stack([x, y], -1), np.where(inside, row, -1), np.where(inside, col, -1))


def _region(grid: Grid, sight: Sight) -> np.ndarray:
    """Cells in the photo's view and before the walls, whatever stands there."""
    rho = np.hypot(grid.centres[..., 0], grid.centres[..., 1])
    inside = (grid.row >= 0) & (rho < np.minimum(sight.wall_m[grid.col], REACH_M))
    return inside & sight.pan.seen[grid.row, grid.col]


def outline(sight: Sight) -> np.ndarray:
    """n×2 polygon of the floor in view: from the photo's lower edge to the walls, or to the farthest floor seen."""
    pan = sight.pan
    below = pan.seen & np.isfinite(sight.floor_m)[:, None]
    near = np.where(below, sight.floor_m[:, None], np.inf).min(0)
    as_floor = below & (pan.p[..., FLOOR] > 0.5)
    farthest = np.where(as_floor, sight.floor_m[:, None], 0.0).max(0)
    in_photo = np.where(below, sight.floor_m[:, None], 0.0).max(0)  # towards the photo's sides the wall itself may be out of it
    far = np.minimum(np.where(np.isfinite(sight.wall_m), sight.wall_m, np.maximum(farthest, _back_m(sight))), np.minimum(in_photo, REACH_M))
    use = np.flatnonzero(np.isfinite(near) & (far > near))
    if len(use) < 2:
        return np.zeros((0, 2))
    direction = np.column_stack([np.sin(pan.azimuth[use]), np.cos(pan.azimuth[use])])
    ring = np.vstack([direction * near[use, None], (direction * far[use, None])[::-1]])
    return cv2.approxPolyDP(ring.astype(np.float32)[:, None], 0.01, True)[:, 0].astype(float)


def _back_m(sight: Sight) -> np.ndarray:
    """Per azimuth, the horizontal distance at which what is seen ends, by depth; 0 where unknown."""
    rho = np.where(np.isfinite(sight.rho_m), sight.rho_m, 0.0)
    ordered, count = np.sort(rho, axis=0), (rho > 0).sum(0)
    rank = np.clip(len(rho) - 1 - (0.1 * count).astype(int), 0, len(rho) - 1)
    return ordered[rank, np.arange(rho.shape[1])]


# --- furniture ---------------------------------------------------------------------------------------------------------


def find_obstacles(scene: Scene, sight: Sight, grid: Grid, seen: np.ndarray) -> tuple[tuple[Obstacle, ...], np.ndarray]:
    """What stands before the walls, as footprints along the room's axes where they fill those, else as they are seen; and
    the cells that it takes. What plainly hangs is left out."""
    points, tall, area = _object_points(sight)
    cell = grid.cells(points)
    ok = ((cell >= 0) & (cell < np.array(grid.shape))).all(1)
    cell, tall, area = cell[ok], tall[ok], area[ok]
    front = np.bincount(cell[:, 0] * grid.shape[1] + cell[:, 1], area, int(np.prod(grid.shape))).reshape(grid.shape)
    mask = cv2.morphologyEx((front > FRONT_M2).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    hidden = _region(grid, sight) & ~seen
    count, label = cv2.connectedComponents(mask, connectivity=8)
    out, taken = [], np.zeros(grid.shape, bool)
    owner = label[cell[:, 0], cell[:, 1]]
    for k in range(1, count):
        own = owner == k
        if area[own].sum() < SPECK_M2 or (label == k).sum() < 3:
            continue
        if np.percentile(tall[own], 3) > HANGS_M and seen[label == k].mean() > HANGS_SEEN:
            continue
        out.append(Obstacle(_footprint(label == k, hidden, grid, scene), float(np.percentile(tall[own], 97))))
        taken |= label == k
    return tuple(out), taken | raster([o.footprint for o in out], grid.origin, grid.shape)


def _object_points(sight: Sight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plan points n×2 of things that stand before the walls, their height above the floor, the frontal area of each (m²)."""
    pan, rho, above = sight.pan, sight.rho_m, sight.above_m
    margin = np.minimum(0.08 + sight.sigma * np.where(np.isfinite(sight.wall_m), sight.wall_m, 0.0), 0.35)
    with np.errstate(invalid="ignore"):
        jump = np.abs(np.diff(np.log(rho), axis=0, append=np.nan)) > 0.12
        use = _things(pan) & (above > LOW_M) & (above < HIGH_M) & (rho < sight.wall_m - margin) & (rho < REACH_M) & ~jump
    i, j = np.nonzero(use)
    r, step = rho[i, j], pan.slope[1] - pan.slope[0]
    plan = np.column_stack([np.sin(pan.azimuth[j]), np.cos(pan.azimuth[j])]) * r[:, None]
    return plan, above[i, j], (r * step) ** 2


def _footprint(mask: np.ndarray, hidden: np.ndarray, grid: Grid, scene: Scene) -> np.ndarray:
    """A component's polygon: its rectangle where it fills it (hidden floor counts), else its contour."""
    (r0, r1), (c0, c1) = (_span((mask | hidden & _within(mask)).sum(axis)) for axis in (1, 0))
    filled = (mask | hidden)[r0:r1, c0:c1].mean()
    origin = np.array(grid.origin)
    if filled >= RECT_FILL:
        low, high = origin + np.array([c0, r0]) * CELL_M, origin + np.array([c1, r1]) * CELL_M
        low, high = _to_walls(low, high, scene, hidden, grid)
        return np.array([low, (high[0], low[1]), high, (low[0], high[1])], float)
    fine = np.kron(np.pad(mask, 1).astype(np.uint8), np.ones((4, 4), np.uint8))
    rings, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = max(rings, key=cv2.contourArea)
    hull = cv2.convexHull(ring)
    whole = raster([hull[:, 0] * (CELL_M / 4) - CELL_M + origin], grid.origin, grid.shape)
    if (mask | hidden)[whole].sum() >= HULL_FILL * whole.sum():
        ring = hull
    ring = cv2.approxPolyDP(ring, 3.2, True)[:, 0]
    return origin + ((ring + 0.5) / 4 - 1) * CELL_M


def _within(mask: np.ndarray) -> np.ndarray:
    """The component's bounding box."""
    box = np.zeros_like(mask)
    rows, cols = np.nonzero(mask)
    box[rows.min():rows.max() + 1, cols.min():cols.max() + 1] = True
    return box


def _span(full: np.ndarray) -> tuple[int, int]:
    """First and one past last line that is at least a quarter as full as the fullest: ragged edges are noise."""
    lines = np.flatnonzero(full > full.max() / 4)
    return int(lines[0]), int(lines[-1]) + 1


def _to_walls(low: np.ndarray, high: np.ndarray, scene: Scene, hidden: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The rectangle drawn on to a wall right behind it, where no floor is seen between them."""
    low, high = low.copy(), high.copy()
    for wall in scene.walls:
        step = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
        axis = int(abs(step[0]) > abs(step[1]))  # the axis across the wall
        if abs(step[axis]) > 0.1:
            continue
        at, other = float(wall.ends[:, axis].mean()), 1 - axis
        lo, hi = np.sort(wall.ends[:, other])
        if min(hi, high[other]) - max(lo, low[other]) < 0.5 * (high[other] - low[other]):
            continue
        begin, end = (float(high[axis]), at) if at > 0 else (at, float(low[axis]))
        if not 0.0 < end - begin < HIDDEN_BACK_M:
            continue
        strip_low, strip_high = low.copy(), high.copy()
        strip_low[axis], strip_high[axis] = begin, end
        (c0, r0), (c1, r1) = (np.rint((p - np.array(grid.origin)) / CELL_M).astype(int) for p in (strip_low, strip_high))
        strip = hidden[max(r0, 0):r1, max(c0, 0):c1]
        if strip.size and strip.mean() < 0.6 and end - begin > 2 * CELL_M:
            continue
        (high if at > 0 else low)[axis] = at
    return low, high
