"""Where a piece may stand: free stretches of wall and free floor, with the free depth in front of every point.

A place is a line along which a piece's back stands, and the direction it faces. For free floor the line is an edge of the
largest free rectangle, once per side. Depths come from the grid of seen, free floor: what the photo does not show counts
as not free. A piece's body may not stand in front of a door, nor rise above a window's sill; its clearance may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poc.fit import Extent, ceiling_extent, extent, find, scale_sigma
from poc.types import Z90, Measurement, Opening, Placement, Product, Scene, WallSegment

STEP_M = 0.05
REACH_M = 4.5
"""How far into the room free floor is looked for."""
WALL_GAP_M = 0.15
"""At the wall's foot the grid is ragged: this much is taken as free where the floor behind it is."""
SHORTEST_M = 0.30
DOOR_ZONE_M = 0.80
"""Nothing stands within this distance in front of a door."""
BACK_GAP_M = 0.01


@dataclass(frozen=True, eq=False)
class Place:
    """One place. start: room-frame end of the line; along, inward: unit 2-vectors (inward is what a piece faces).

    length, height: uncertain extents. spread: the measured length whose relative error all others here share. body_m,
    reach_m: free depth in metres at every STEP_M along the line, for the piece itself and for the floor kept free in
    front. sills: (from, to, height) of windows along the line. ends: what ends the line ("corner", "obstacle", "door",
    "frame", …). rank: its length over that of the longest place of its kind.
    """

    kind: str
    wall_id: str | None
    start: np.ndarray
    along: np.ndarray
    inward: np.ndarray
    length: Extent
    spread: Extent
    height: Extent
    body_m: np.ndarray
    reach_m: np.ndarray
    sills: tuple[tuple[float, float, float], ...] = ()
    ends: tuple[str, str] = ("corner", "corner")
    rank: float = 1.0

    @property
    def depth(self) -> Extent:
        """The most free depth that there is anywhere along the line."""
        return self.spread.scaled(max(float(self.reach_m.max(initial=0.0)), STEP_M))


@dataclass(frozen=True)
class Spot:
    """Where along a place a piece would stand: centre and usable run (metres along the line), least free depth there,
    and whether it is free as seen (else it is the least bad position, and no placement follows)."""

    centre_m: float
    run_m: float
    depth_m: float
    free: bool


def wall_places(scene: Scene, measurements: Sequence[Measurement]) -> tuple[Place, ...]:
    """Free stretches of every wall, longest first; empty where the longest free wall is unknown."""
    base = extent(find(measurements, "longest_free_wall"), scale_sigma(scene))
    if base is None or scene.free_floor.size == 0:
        return ()
    ceiling = ceiling_extent(measurements, scene)
    places = [
        place
        for wall in scene.walls
        for span, kinds in zip(wall.free, _kinds(wall), strict=False)
        for part, part_kinds in _without_doors(scene, wall, span, kinds)
        if (place := _wall_place(scene, wall, part, part_kinds, base, ceiling)) is not None
    ]
    return _ranked(places)


def floor_places(scene: Scene, measurements: Sequence[Measurement]) -> tuple[Place, ...]:
    """The largest free rectangle, faced from its far side and from its left side; empty where free floor is unknown."""
    area = find(measurements, "floor_area_free")
    known = area is not None and area.status != "unknown" and area.value
    if not known or scene.largest_free_rect is None or scene.free_floor.size == 0:
        return ()
    x0, y0, x1, y1 = scene.largest_free_rect
    if min(x1 - x0, y1 - y0) < SHORTEST_M:
        return ()
    base = extent(find(measurements, "longest_free_wall"), scale_sigma(scene)) or _length_of_area(area, scene)
    ceiling = ceiling_extent(measurements, scene)
    sides = (((x0, y1), (1.0, 0.0), (0.0, -1.0), x1 - x0, y1 - y0), ((x0, y0), (0.0, 1.0), (1.0, 0.0), y1 - y0, x1 - x0))
    places = []
    for corner, along, inward, long_m, deep_m in sides:
        start, along, inward = (np.array(v) for v in (corner, along, inward))
        body, reach = _profiles(scene, start, along, inward, long_m, deep_m, gap_m=0.0)
        length = replace(base.scaled(long_m), at_least=False)
        places.append(Place("floor", None, start, along, inward, length, base, ceiling, body, reach))
    return _ranked(places)


def _ranked(places: Sequence[Place]) -> tuple[Place, ...]:
    """Longest first, each with its rank."""
    longest = max((place.length.value_m for place in places), default=1.0)
    ranked = (replace(place, rank=place.length.value_m / longest) for place in places)
    return tuple(sorted(ranked, key=lambda place: -place.rank))


def find_spot(
    place: Place, product: Product, width_m: float, depth_m: float, *, corner: bool, side_m: float = 0.0, setback_m: float = 0.0
) -> Spot:
    """The best position for a piece that needs width_m (side room and margin included) and depth_m (clearance included).

    corner: stand at the run's closed end, else in its middle; beside a piece that needs side room, the middle is taken
    only where both sides get it. setback_m: floor kept free behind the piece.
    """
    high = np.zeros(len(place.body_m), bool)
    centres = (np.arange(len(high)) + 0.5) * STEP_M
    for left, right, sill in place.sills:
        high |= (product.height_m > sill) & (centres > left - STEP_M / 2) & (centres < right + STEP_M / 2)
    free = (place.body_m >= setback_m + product.depth_m + BACK_GAP_M - 1e-9) & (place.reach_m >= depth_m - 1e-9) & ~high
    first, last = _longest_run(free)
    run_m = min((last - first) * STEP_M, place.length.value_m)
    if last - first == len(high):
        run_m = place.length.value_m  # the whole stretch, whose length is no multiple of the step
    if run_m < width_m - 1e-9:
        return _least_bad(place, width_m, high)
    begin = first * STEP_M
    centred = not corner and run_m >= width_m + side_m
    if centred:
        centre = begin + run_m / 2
    else:
        closed_left = _openness(place.ends[0]) <= _openness(place.ends[1])
        half = product.width_m / 2 + BACK_GAP_M
        centre = begin + half if closed_left else begin + run_m - half
    covered = slice(int((centre - width_m / 2) / STEP_M) if centre > width_m / 2 else 0, math.ceil((centre + width_m / 2) / STEP_M))
    return Spot(centre, run_m, float(place.reach_m[covered].min()), True)


def placement_at(place: Place, spot: Spot, product: Product, setback_m: float = 0.0) -> Placement:
    """Room-frame placement: back to the line (setback_m from it), front to `inward` = (sin, −cos) of the angle."""
    x, y = place.start + place.along * spot.centre_m + place.inward * (setback_m + product.depth_m / 2 + BACK_GAP_M)
    return Placement(float(x), float(y), math.atan2(place.inward[0], -place.inward[1]), place.wall_id)


# --- building blocks ---------------------------------------------------------------------------------------------


def _wall_place(
    scene: Scene, wall: WallSegment, span: tuple[float, float], ends: tuple[str, str], base: Extent, ceiling: Extent
) -> Place | None:
    length_m = span[1] - span[0]
    if length_m < SHORTEST_M or wall.length_m <= 0:
        return None
    along = (wall.ends[1] - wall.ends[0]) / wall.length_m
    start = wall.ends[0] + along * span[0]
    inward = np.array([along[1], -along[0]])
    inward = inward if inward @ -start >= 0 else -inward  # the camera, at the origin, is inside
    body, reach = _profiles(scene, start, along, inward, length_m, REACH_M, WALL_GAP_M)
    exact = abs(length_m - base.value_m) <= STEP_M
    length = _open_ended(base if exact else base.scaled(length_m), ends, keep=exact)
    sills = tuple((a - span[0], b - span[0], sill) for a, b, sill in _openings(scene, wall, "window"))
    return Place("wall", wall.plane_id, start, along, inward, length, base, ceiling, body, reach, sills, ends)


def _open_ended(length: Extent, ends: tuple[str, str], keep: bool) -> Extent:
    """Whether a stretch goes on out of sight: as its measurement says where it has one, else by its ends."""
    return length if keep else replace(length, at_least=any(end in ("frame", "occluded") for end in ends))


def _kinds(wall: WallSegment) -> tuple[tuple[str, str], ...]:
    return wall.free_end_kinds or (("corner", "corner"),) * len(wall.free)


def _length_of_area(area: Measurement, scene: Scene) -> Extent:
    """A length's relative error from an area's: half of it (both sides carry the scale)."""
    low = area.low if area.low else area.value * math.exp(-2 * scale_sigma(scene))
    side = math.sqrt(area.value)
    sigma = max(side - math.sqrt(low), side * scale_sigma(scene) * 0.5) / Z90
    return Extent(side, sigma, sigma, min(1.0, (scale_sigma(scene) * side / max(sigma, 1e-9)) ** 2), False, None, area.basis)


def _openings(scene: Scene, wall: WallSegment, kind: str) -> list[tuple[float, float, float]]:
    """(from, to, lowest height above the floor) along a wall of its doors or windows."""
    along = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    found = []
    for opening in scene.openings:
        if opening.kind == kind and opening.plane_id == wall.plane_id:
            room = _room_corners(scene, opening)
            at = (room[:, :2] - wall.ends[0]) @ along
            found.append((float(at.min()), float(at.max()), float(room[:, 2].min())))
    return found


def _room_corners(scene: Scene, opening: Opening) -> np.ndarray:
    """Corners 4×3 in the room frame, the third coordinate above the floor."""
    room = np.asarray(opening.corners_cam, float) @ scene.room_from_cam.T
    return room + [0.0, 0.0, scene.camera_height_m or 0.0]


def _without_doors(
    scene: Scene, wall: WallSegment, span: tuple[float, float], kinds: tuple[str, str]
) -> list[tuple[tuple[float, float], tuple[str, str]]]:
    """A free stretch cut where doors are; a cut end is of kind "door"."""
    parts = [(tuple(span), tuple(kinds))]
    for left, right, _ in _openings(scene, wall, "door"):
        cut = []
        for (a, b), (ka, kb) in parts:
            if right <= a or left >= b:
                cut.append(((a, b), (ka, kb)))
                continue
            if left > a:
                cut.append(((a, left), (ka, "door")))
            if right < b:
                cut.append(((right, b), ("door", kb)))
        parts = cut
    return parts


def _profiles(
    scene: Scene, start: np.ndarray, along: np.ndarray, inward: np.ndarray, length_m: float, reach_m: float, gap_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Free depth (metres) at every step along a line: for a body (door zones excluded) and for its clearance."""
    n, m = max(1, round(length_m / STEP_M)), max(1, round(reach_m / STEP_M))
    s, d = ((np.arange(count) + 0.5) * STEP_M for count in (n, m))
    points = start + s[:, None, None] * along + d[None, :, None] * inward
    free = _fill_holes(_on_free_floor(scene, points))
    gap = round(gap_m / STEP_M)
    if gap and m > gap:
        free[:, :gap] |= free[:, gap : gap + 1]
    for obstacle in scene.obstacles:
        free &= ~inside_polygon(points, obstacle.footprint)
    body = free.copy()
    for zone in _door_zones(scene):
        body &= ~inside_polygon(points, zone)
    return tuple(np.logical_and.accumulate(ok, axis=1).sum(axis=1) * STEP_M for ok in (body, free))


def _on_free_floor(scene: Scene, points: np.ndarray) -> np.ndarray:
    cell = np.floor((points - np.array(scene.grid_origin)) / scene.grid_cell_m).astype(int)
    rows, columns = scene.free_floor.shape
    inside = (cell[..., 0] >= 0) & (cell[..., 0] < columns) & (cell[..., 1] >= 0) & (cell[..., 1] < rows)
    free = np.zeros(points.shape[:-1], bool)
    free[inside] = scene.free_floor[cell[..., 1][inside], cell[..., 0][inside]]
    return free


def _fill_holes(free: np.ndarray) -> np.ndarray:
    """Single unseen cells amid free floor are noise: free where at least six of eight neighbours are."""
    padded = np.pad(free.astype(int), 1)
    around = sum(np.roll(padded, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))[1:-1, 1:-1] - free
    return free | (around >= 6)


def _door_zones(scene: Scene) -> list[np.ndarray]:
    """The floor in front of each door as a room-frame rectangle."""
    zones = []
    for opening in scene.openings:
        plane = scene.plane(opening.plane_id)
        if opening.kind != "door" or plane is None:
            continue
        corners = _room_corners(scene, opening)[:, :2]
        normal = (scene.room_from_cam @ plane.normal_cam)[:2]
        normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
        across = np.array([normal[1], -normal[0]])
        order = corners @ across
        a, b = corners[order.argmin()], corners[order.argmax()]
        zones.append(np.array([a, b, b + normal * DOOR_ZONE_M, a + normal * DOOR_ZONE_M]))
    return zones


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which points (…×2) lie in a polygon (n×2, any order): even-odd rule."""
    x, y = points[..., 0], points[..., 1]
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _openness(end: str) -> int:
    """Where a piece rather stands: in a corner, beside another piece, anywhere else."""
    return {"corner": 0, "obstacle": 1}.get(end, 2)


def _longest_run(free: np.ndarray) -> tuple[int, int]:
    """First and one-past-last index of the longest run of True; (0, 0) where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best])


def _least_bad(place: Place, width_m: float, high: np.ndarray) -> Spot:
    """For a piece that does not fit as seen: the window of its width with the most free depth (windows above it count 0)."""
    reach = np.where(high, 0.0, place.reach_m)
    size = min(len(reach), max(1, math.ceil(width_m / STEP_M - 1e-9)))
    least = np.lib.stride_tricks.sliding_window_view(reach, size).min(axis=1)
    best = int(least.argmax())
    return Spot((best + size / 2) * STEP_M, place.length.value_m, float(least[best]), False)
