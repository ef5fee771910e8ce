"""Where a piece may stand: free stretches of wall and free floor, with the free depth in front of every point.

A place is a line along which a piece's back stands, and the direction it faces. For free floor the line is an edge of the
largest free rectangle, once per side. Depths come from the grid of visible, free floor. The piece itself must stand on floor that
is visible, not in front of a door, and must not cover a window or what hangs on the wall. Its clearance may cross the zone in front of a
door and, where there is no other way, floor beyond the photo's edge: an eye-level photo shows little floor in front of its far wall.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from poc.products.clearance import STEP_M, free_depths, sill_zones
from poc.products.fit import Extent, ceiling_extent, extent, find, scale_sigma
from poc.room import roomspace
from poc.room.freespace import drawn_stretch, free_stretch, goes_on
from poc.types import Z90, Measurement, Placement, Product, Scene, WallSegment

REACH_M = 4.5
"""How far from the wall free floor is looked for."""
WALL_GAP_M = 0.15
"""The grid is ragged at a wall's foot: this much of it counts as free where the floor in front of it is."""
SHORTEST_M = 0.30
"""A shorter stretch of wall, or side of free floor, is no place."""
BACK_GAP_M = 0.01
"""Gap between a piece and the line behind it."""


class Sill(NamedTuple):
    """Floor in front of a window, or of something that hangs on a wall: its extent along the line and away from it, and the height above
    which a piece standing there would cover it (all in metres)."""

    start_m: float
    end_m: float
    near_m: float
    far_m: float
    height_m: float


@dataclass(frozen=True, eq=False)
class Place:
    """A line along which a piece could stand.

    kind: "wall" or "floor". wall_id: plane id of the wall, or None. start: the line's first end, room frame; along, inward: unit 2-vectors
    (a piece faces inward). length, height: uncertain extents. spread: the measured length whose relative error the other lengths of this
    place share. body_m, reach_m, open_m: free depth in metres at every STEP_M along the line, for the piece itself, for the floor kept free
    in front of it, and for the latter if floor beyond the photo's edge counts as free. sills: of any wall near the line. ends: what ends
    the line on either side ("corner", "obstacle", "door", "frame", …). rank: its length relative to the longest place of its kind.
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
    open_m: np.ndarray
    sills: tuple[Sill, ...] = ()
    ends: tuple[str, str] = ("corner", "corner")
    rank: float = 1.0

    @property
    def depth(self) -> Extent:
        """The largest free depth anywhere along the line, for a piece with its clearance."""
        return self.spread.scaled(max(float(self.open_m.max(initial=0.0)), STEP_M))

    @property
    def ground(self) -> Extent:
        """The largest free depth anywhere along the line, for the piece itself."""
        return self.spread.scaled(max(float(self.body_m.max(initial=0.0)), STEP_M))


@dataclass(frozen=True)
class Spot:
    """A position along a place.

    centre_m: the middle of the piece, along the line. run_m: length of the usable run around it. depth_m: the least free depth there.
    unseen_m: how much of the clearance lies beyond the photo's edge.
    """

    centre_m: float
    run_m: float
    depth_m: float
    unseen_m: float = 0.0


def wall_places(scene: Scene, measurements: Sequence[Measurement]) -> tuple[Place, ...]:
    """The free stretches of all walls, longest first; empty where the longest free wall is unknown."""
    base = extent(drawn_stretch(scene, find(measurements, "longest_free_wall")), scale_sigma(scene))
    if base is None or scene.free_floor.size == 0:
        return ()
    ceiling = ceiling_extent(measurements, scene)
    places = [
        place
        for wall in scene.walls
        for span, kinds in zip(wall.free, roomspace.free_kinds(wall), strict=True)
        for part, part_kinds in _without_doors(scene, wall, span, kinds)
        if (place := _wall_place(scene, wall, part, part_kinds, base, ceiling)) is not None
    ]
    return _ranked(places)


def floor_places(scene: Scene, measurements: Sequence[Measurement]) -> tuple[Place, ...]:
    """The largest free rectangle of floor, along its far edge and along its left edge; empty where the free floor is unknown."""
    area = find(measurements, "floor_area_free")
    known = area is not None and area.status != "unknown" and area.value
    if not known or scene.largest_free_rect is None or scene.free_floor.size == 0:
        return ()
    x0, y0, x1, y1 = scene.largest_free_rect
    if min(x1 - x0, y1 - y0) < SHORTEST_M:
        return ()
    base = _length_of_area(area, scene)
    ceiling = ceiling_extent(measurements, scene)
    right, forward = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    places = []
    for start, along, inward, long_m, deep_m in (
        (np.array([x0, y1]), right, -forward, x1 - x0, y1 - y0),  # the far edge
        (np.array([x0, y0]), forward, right, y1 - y0, x1 - x0),  # the left edge
    ):
        body, reach, _ = free_depths(scene, start, along, inward, long_m, deep_m, gap_m=0.0)
        places.append(Place(
            kind="floor", wall_id=None, start=start, along=along, inward=inward, length=_bounded(base.scaled(long_m)), spread=_bounded(base),
            height=ceiling, body_m=body, reach_m=reach, open_m=reach, sills=_sills(scene, start, along, inward, long_m),
        ))  # fmt: skip
    return _ranked(places)


def _ranked(places: Sequence[Place]) -> tuple[Place, ...]:
    """The places with their rank set, longest first."""
    longest = max((place.length.value_m for place in places), default=1.0)
    ranked = (replace(place, rank=place.length.value_m / longest) for place in places)
    return tuple(sorted(ranked, key=lambda place: -place.rank))


def find_spot(
    place: Place, product: Product, width_m: float, depth_m: float, *, corner: bool, side_m: float = 0.0, setback_m: float = 0.0
) -> Spot | None:
    """The best position for a piece that needs width_m (with side room and margin) and depth_m (with its clearance); None where there is no
    free one.

    corner: place the piece at the closed end of the run instead of its middle. side_m: room needed beside it; the middle is taken only if
    both sides get it. setback_m: floor kept free behind the piece.
    """
    high = _above_sill(place, product, setback_m)
    stands = (place.body_m >= setback_m + product.depth_m + BACK_GAP_M - 1e-9) & ~high
    for clear_m in (place.reach_m, place.open_m):
        first, last = _longest_run(stands & (clear_m >= depth_m - 1e-9))
        begin_m, end_m = _run_ends(place, first, last)
        run_m = end_m - begin_m
        if run_m >= width_m - 1e-9:
            centred = not corner and run_m >= width_m + side_m
            left_m, centre_m = _position(place, product, width_m, begin_m, end_m, centred)
            under = _steps_under(left_m, left_m + width_m, first, last)
            unseen_m = max(0.0, depth_m - float(place.reach_m[under].min()))
            return Spot(centre_m, run_m, float(clear_m[under].min()), unseen_m)
    return None


def _above_sill(place: Place, product: Product, setback_m: float) -> np.ndarray:
    """Steps along the line (bool) at which the piece would cover a window or something that hangs on a wall."""
    centres = (np.arange(len(place.body_m)) + 0.5) * STEP_M
    high, back, front = np.zeros(len(centres), bool), setback_m + STEP_M / 2, setback_m + product.depth_m + BACK_GAP_M - STEP_M / 2
    for sill in place.sills:
        if product.height_m > sill.height_m and back < sill.far_m and front > sill.near_m:
            high |= (centres > sill.start_m - STEP_M / 2) & (centres < sill.end_m + STEP_M / 2)
    return high


def _sills(scene: Scene, start: np.ndarray, along: np.ndarray, inward: np.ndarray, length_m: float) -> tuple[Sill, ...]:
    """The sills that overlap the length of a line and lie on its inner side."""
    found = []
    for zone, height_m in sill_zones(scene):
        at, off = (zone - start) @ along, (zone - start) @ inward
        if at.max() > 0 and at.min() < length_m and off.max() > 0:
            found.append(Sill(float(at.min()), float(at.max()), float(off.min()), float(off.max()), height_m))
    return tuple(found)


def _run_ends(place: Place, first: int, last: int) -> tuple[float, float]:
    """From where to where along the line a run of steps (first, one past the last) is surely free, in metres.

    A step is judged at its middle, so a run that something ends within the line is relied on only up to the middle of its outer steps. The
    line's own ends are as they were measured (its length is no multiple of STEP_M).
    """
    begin_m = 0.0 if first == 0 else (first + 0.5) * STEP_M
    end_m = place.length.value_m if last == len(place.body_m) else (last - 0.5) * STEP_M
    return begin_m, max(begin_m, end_m)


def _position(place: Place, product: Product, width_m: float, begin_m: float, end_m: float, centred: bool) -> tuple[float, float]:
    """Where along the line the floor that a piece needs (width_m) begins, and where its middle is: at the middle of the run from begin_m to
    end_m, or with the piece at the more closed end; there up to half a step off other furniture, whose edge is known no better, as far as
    the run is long enough."""
    if centred:
        middle_m = (begin_m + end_m) / 2
        return middle_m - width_m / 2, middle_m
    at_start = _openness(place.ends[0]) <= _openness(place.ends[1])
    beside = place.ends[0 if at_start else 1] == "obstacle"
    gap_m = min(STEP_M / 2, max(0.0, end_m - begin_m - width_m)) if beside else 0.0
    half_m = product.width_m / 2 + BACK_GAP_M
    if at_start:
        return begin_m + gap_m, begin_m + gap_m + half_m
    return end_m - gap_m - width_m, end_m - gap_m - half_m


def _steps_under(left_m: float, right_m: float, first: int, last: int) -> slice:
    """The steps of a run that the floor from left_m to right_m along the line reaches into; at least one."""
    begin = min(max(first, math.floor(left_m / STEP_M)), last - 1)
    return slice(begin, max(begin + 1, min(last, math.ceil(right_m / STEP_M))))


def placement_at(place: Place, spot: Spot, product: Product, setback_m: float = 0.0) -> Placement:
    """The placement in the room frame: back to the line, setback_m away from it, facing `inward` = (sin, −cos) of the angle."""
    x, y = place.start + place.along * spot.centre_m + place.inward * (setback_m + product.depth_m / 2 + BACK_GAP_M)
    return Placement(float(x), float(y), math.atan2(place.inward[0], -place.inward[1]), place.wall_id, setback_m)


# --- building blocks ---------------------------------------------------------------------------------------------


def _wall_place(
    scene: Scene, wall: WallSegment, span: tuple[float, float], ends: tuple[str, str], base: Extent, ceiling: Extent
) -> Place | None:
    """The place along one free stretch of a wall; None for a stretch that is too short. span: (start, end) in metres along the wall. base:
    the longest free wall. ceiling: the room's height."""
    length_m = span[1] - span[0]
    if length_m < SHORTEST_M or wall.length_m <= 0:
        return None
    along = (wall.ends[1] - wall.ends[0]) / wall.length_m
    start, inward = wall.ends[0] + along * span[0], roomspace.inward(wall, scene)
    body, reach, clear = free_depths(scene, start, along, inward, length_m, REACH_M, WALL_GAP_M)
    longest = roomspace.longest_free(scene)
    exact = longest is not None and longest[0] is wall and longest[1] == span and abs(length_m - base.value_m) <= STEP_M
    own = base if exact else _own_extent(scene, wall, span, ends, base)
    return Place(
        kind="wall", wall_id=wall.plane_id, start=start, along=along, inward=inward, length=_open_ended(own, ends), spread=_bounded(own),
        height=ceiling, body_m=body, reach_m=reach, open_m=clear, sills=_sills(scene, start, along, inward, length_m), ends=ends,
    )  # fmt: skip


def _own_extent(scene: Scene, wall: WallSegment, span: tuple[float, float], ends: tuple[str, str], base: Extent) -> Extent:
    """The length of a stretch with the error of its own wall and ends; where photos were joined, at least as uncertain as the longest
    one."""
    one_view = scene.solution is not None
    own = extent(free_stretch(scene, wall, span, ends, one_view), scale_sigma(scene))
    like_longest = base.scaled(span[1] - span[0])
    return own if one_view or own.below_m > like_longest.below_m else like_longest


def _bounded(length: Extent) -> Extent:
    """The same length, but not a lower bound: for lengths within a place, whose ends are seen even where the place itself is cut off."""
    return replace(length, at_least=False)


def _open_ended(length: Extent, ends: tuple[str, str]) -> Extent:
    """The same length, a lower bound only if one of its own ends is out of sight (its measurement is also one if another stretch may be
    longer)."""
    return replace(length, at_least=goes_on(ends))


def _length_of_area(area: Measurement, scene: Scene) -> Extent:
    """The side of a square of the free floor's area, with half the relative error of the area (both sides carry the scale's error)."""
    side = math.sqrt(area.value)
    low = math.sqrt(max(area.low, 0.0)) if area.low is not None else side * math.exp(-Z90 * scale_sigma(scene))
    sigma = max((side - low) / Z90, side * scale_sigma(scene))
    return Extent(side, sigma, sigma, min(1.0, (scale_sigma(scene) * side / max(sigma, 1e-9)) ** 2), False, None, area.basis)


def _doors(scene: Scene, wall: WallSegment) -> list[tuple[float, float]]:
    """The doors of a wall, each as (start, end) in metres along it."""
    along = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    found = []
    for opening in scene.openings:
        if opening.kind == "door" and opening.plane_id == wall.plane_id:
            at = (roomspace.to_room(opening.corners_cam, scene)[:, :2] - wall.ends[0]) @ along
            found.append((float(at.min()), float(at.max())))
    return found


def _without_doors(
    scene: Scene, wall: WallSegment, span: tuple[float, float], kinds: tuple[str, str]
) -> list[tuple[tuple[float, float], tuple[str, str]]]:
    """A free stretch without its doors, as a list of ((start, end), (kind of start, kind of end)); an end at a door has the kind "door"."""
    parts = [(*span, *kinds)]
    for left, right in _doors(scene, wall):
        parts = roomspace.cut_out(parts, left, right, "door")
    return [((start, end), (start_kind, end_kind)) for start, end, start_kind, end_kind in parts]


def _openness(end: str) -> int:
    """Order of preference for the end a piece is placed at: a corner, beside another piece, anything else."""
    return {"corner": 0, "obstacle": 1}.get(end, 2)


def _longest_run(free: np.ndarray) -> tuple[int, int]:
    """First and one-past-last index of the longest run of True; (0, 0) where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best])
