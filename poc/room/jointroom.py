"""One scene from several of the same room: walls with the ends that any photo saw, free stretches, floor and furniture merged.

Everything is in the anchor photo's room frame. What one photo sees standing before a wall is not free, whatever another shows.
Photos are named by their position: `views` has one `View` per photo (None where a photo has no seat), `seats` their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from poc.room.cells import CELL_M, in_metres, inside_polygon, largest_rectangle, raster
from poc.room.jointfit import Facing, Fit, View, to_anchor, unit_of_facing
from poc.room.jointwalls import JointWall
from poc.room.roomspace import Span, cut_out, extent_between, free_kinds
from poc.room.sameroom import Seat, quarter
from poc.room.stretches import AT_WALL_M, CLEAR_FROM_M, STRIP_M
from poc.types import Obstacle, Opening, Scene, WallSegment

SAME_CORNER_M = 0.04
"""A stretch ends in the wall whose line passes this near to its end."""
BEYOND_M = 0.3
"""A photo that sees a wall go on this far past a corner that another saw contradicts it."""
BEFORE_WALL_M = CLEAR_FROM_M, STRIP_M
"""Furniture that reaches into this strip before a wall (from, to) takes the stretch behind it."""
SHORT_M = 0.3
"""Corners of different photos nearer to each other than this do not belong to one wall."""
EDGE_M = 0.1
"""Shorter stretches are left out; ends nearer to each other than this are one."""


@dataclass(frozen=True)
class End:
    """Where a joint wall's stretch ends. at_m: metres along it. kind: as of `WallSegment.end_kinds`. parts: the unknowns of the fit
    that place it, by name (empty where it is as one photo saw it). photo: that saw it."""

    at_m: float
    kind: str
    parts: dict[str, float]
    photo: int


@dataclass(frozen=True)
class Stretch:
    """A joint wall's visible stretch. beyond: photos that see it go on past a corner. farthest_m: its length as far as they see it."""

    wall: JointWall
    left: End
    right: End
    beyond: tuple[int, ...]
    farthest_m: float

    @property
    def length_m(self) -> float:
        """From end to end."""
        return self.right.at_m - self.left.at_m

    @property
    def parts(self) -> dict[str, float] | None:
        """The length as a combination of unknowns, or None where an end is not a corner that was solved."""
        if not self.left.parts or not self.right.parts:
            return None
        out = dict(self.right.parts)
        for name, part in self.left.parts.items():
            out[name] = out.get(name, 0.0) - part
        return out


def along_of(facing: int) -> np.ndarray:
    """Plan direction (unit, 2) from a wall's left to its right, as seen from inside."""
    return unit_of_facing(facing + 1)


def stretch_of(wall: JointWall, walls: list[JointWall], views: list[View], seats: dict[int, Seat], fit: Fit) -> Stretch:
    """A joint wall's stretch. Each end is a corner if any photo saw one there, else the farthest that is seen."""
    ends = [_ends_of(wall, i, k, walls, views, seats, fit) for i, k in wall.members]
    left, right = _chosen([e[0] for e in ends], -1), _chosen([e[1] for e in ends], 1)
    if right.at_m - left.at_m < SHORT_M:  # corners of different photos that do not go together: the longest single view of it
        left, right = max(ends, key=lambda e: e[1].at_m - e[0].at_m)
    beyond = [e[0] for e in ends if left.kind == "corner" and e[0].at_m < left.at_m - BEYOND_M]
    beyond += [e[1] for e in ends if right.kind == "corner" and e[1].at_m > right.at_m + BEYOND_M]
    reach = max([right.at_m, *(e.at_m for e in beyond)]) - min([left.at_m, *(e.at_m for e in beyond)])
    return Stretch(wall, left, right, tuple(dict.fromkeys(e.photo for e in beyond)), reach)


def _chosen(ends: list[End], side: int) -> End:
    """Of one end as several photos saw it: a corner that was solved, else the farthest corner, else the farthest end. side: −1 left,
    1 right."""
    corners = [e for e in ends if e.kind == "corner"]
    return next((e for e in corners if e.parts), None) or max(corners or ends, key=lambda e: side * e.at_m)


def _ends_of(wall: JointWall, i: int, k: int, walls: list[JointWall], views: list[View], seats: dict[int, Seat],
             fit: Fit) -> tuple[End, End]:
    """Left and right end of a joint wall as photo i saw it (k: position in its `View.walls`)."""
    view, a = views[i], along_of(wall.facing)
    segment = view.scene.walls[view.walls[k].index]
    at = to_anchor(segment.ends, seats[i]) @ a
    order = (0, 1) if at[0] <= at[1] else (1, 0)
    out = []
    for e in order:
        other = _corner_with(view, view.walls[k], segment.ends[e]) if segment.end_kinds[e] == "corner" else None
        met = None if other is None else next((w for w in walls if (i, other) in w.members), None)
        if met is None:
            out.append(End(float(at[e]), segment.end_kinds[e], {}, i))
        else:
            parts = {f"wall {met.number}": float(unit_of_facing(met.facing) @ a)}
            out.append(End(fit.get(parts)[0], "corner", parts, i))
    return out[0], out[1]


def _corner_with(view: View, wall: Facing, end: np.ndarray) -> int | None:
    """Position in `View.walls` of the wall that a wall shares a corner with. end: of the corner, plan (2) of the photo."""
    for k, other in enumerate(view.walls):
        gap_m = abs(unit_of_facing(other.facing) @ end - other.distance_m)
        if (other.facing - wall.facing) % 2 and gap_m < SAME_CORNER_M + 0.02 * other.distance_m:
            return k
    return None


# --- free stretches --------------------------------------------------------------------------------------------------


class FreeOfWall(NamedTuple):
    """Free stretches of a joint wall, metres from its left end; and the photos whose furniture cut what another photo saw free."""

    spans: list[Span]
    cutters: list[int]


class SeenFree(NamedTuple):
    """A free stretch of a joint wall (metres along it) as one photo sees it."""

    photo: int
    span: Span


def free_of(stretch: Stretch, views: list[View], seats: dict[int, Seat], at_m: float) -> FreeOfWall:
    """What of a joint wall's stretch is free. at_m: where the wall stands along its outward direction."""
    own = free_spans(stretch.wall, views, seats)
    merged = _union([seen.span for seen in own])
    cutters = []
    for i in seats:
        blocked = _blocked(stretch.wall, views[i].scene, seats[i], at_m)
        for seen in own:
            if seen.photo == i:  # what a photo judged free stays free of its own furniture
                blocked = [part for span in blocked for part in cut_out([span], seen.span.start_m, seen.span.end_m, span.start_kind)]
        for span in blocked:
            cut = cut_out(merged, span.start_m, span.end_m, span.start_kind)
            if _total(cut) < _total(merged) - EDGE_M:
                cutters.append(i)
            merged = cut
    for low, high in _doors(stretch.wall, views, seats):
        merged = cut_out(merged, low, high, "door")
    inside = [_clipped(span, stretch) for span in merged]
    return FreeOfWall([span for span in inside if span is not None], list(dict.fromkeys(cutters)))


def _clipped(span: Span, stretch: Stretch) -> Span | None:
    """The part of a span (metres along the wall) within the wall's stretch, from its left end; None where it is shorter than `EDGE_M`."""
    low, high = stretch.left.at_m, stretch.right.at_m
    start, end = max(span.start_m, low), min(span.end_m, high)
    if not end - start > EDGE_M:
        return None
    return Span(start - low, end - low, span.start_kind if span.start_m >= low else stretch.left.kind,
                span.end_kind if span.end_m <= high else stretch.right.kind)


def _segment_at(wall: JointWall, i: int, k: int, views: list[View], seats: dict[int, Seat]) -> tuple[WallSegment, float]:
    """A joint wall as photo i saw it (k: position in its `View.walls`), and where along the joint wall that begins, metres."""
    segment = views[i].scene.walls[views[i].walls[k].index]
    return segment, float(min(to_anchor(segment.ends, seats[i]) @ along_of(wall.facing)))


def free_spans(wall: JointWall, views: list[View], seats: dict[int, Seat]) -> list[SeenFree]:
    """Free stretches of a joint wall as each photo that sees it has them."""
    out = []
    for i, k in wall.members:
        segment, start = _segment_at(wall, i, k, views, seats)
        out += [SeenFree(i, Span(start + a, start + b, *kinds)) for (a, b), kinds in zip(segment.free, free_kinds(segment), strict=True)]
    return out


def _union(spans: Iterable[Span]) -> list[Span]:
    """Overlapping spans joined, from left to right."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start_m <= out[-1].end_m:
            last = out[-1]
            end_kind = span.end_kind if span.end_m > last.end_m else last.end_kind
            out[-1] = Span(last.start_m, max(last.end_m, span.end_m), last.start_kind, end_kind)
        else:
            out.append(span)
    return out


def _doors(wall: JointWall, views: list[View], seats: dict[int, Seat]) -> list[tuple[float, float]]:
    """Stretches (from, to) of a joint wall, metres along it, where any photo sees a door: not free, though nothing stands there."""
    return [_extent(o, wall, views[i].scene, seats[i]) for i, o in _openings_of(wall, views) if o.kind == "door"]


def _openings_of(wall: JointWall, views: list[View]) -> list[tuple[int, Opening]]:
    """Each opening that a photo has on a joint wall, with the photo."""
    return [(i, o) for i, k in wall.members for o in views[i].scene.openings if o.plane_id == views[i].walls[k].plane_id]


def _extent(opening: Opening, wall: JointWall, scene: Scene, seat: Seat) -> tuple[float, float]:
    """From where to where an opening reaches along a joint wall, metres. scene, seat: of the photo that has it."""
    at = to_anchor((opening.corners_cam @ scene.room_from_cam.T)[:, :2], seat) @ along_of(wall.facing)
    return float(at.min()), float(at.max())


def merge_openings(walls: list[JointWall], views: list[View], seats: dict[int, Seat], anchor: int) -> tuple[Opening, ...]:
    """Every photo's doors and windows in the anchor's camera frame; one that several saw is as the photo has it that saw it widest.
    Those of the anchor's walls that are no joint walls stay as they are."""
    own = views[anchor].scene
    joined = {views[i].walls[k].plane_id for w in walls for i, k in w.members if i == anchor}
    out = [o for o in own.openings if o.plane_id not in joined]
    for wall in walls:
        found = [(i, o, _extent(o, wall, views[i].scene, seats[i])) for i, o in _openings_of(wall, views)]
        kept: list[tuple[int, Opening, tuple[float, float]]] = []
        for i, o, (low, high) in sorted(found, key=lambda x: x[2][0] - x[2][1]):
            if any(j != i and p.kind == o.kind and a < high and low < b for j, p, (a, b) in kept):
                continue  # another photo's, seen no wider
            kept.append((i, o, (low, high)))
            scene = views[i].scene
            room = o.corners_cam @ scene.room_from_cam.T
            height = room[:, 2] + scene.camera_height_m - own.camera_height_m
            corners = np.column_stack([to_anchor(room[:, :2], seats[i]), height]) @ own.room_from_cam
            out.append(replace(o, plane_id=wall.id, corners_cam=corners))
    return tuple(out)


def covered_of(stretch: Stretch, views: list[View], seats: dict[int, Seat]) -> tuple[tuple[float, float, float], ...]:
    """What any photo sees hanging on the wall, as `WallSegment.covered` has it: (from, to, lowest height), metres from the stretch's
    left end."""
    out = []
    for i, k in stretch.wall.members:
        segment, start = _segment_at(stretch.wall, i, k, views, seats)
        start -= stretch.left.at_m
        out += [(start + a, start + b, low) for a, b, low in segment.covered]
    return tuple(sorted(out))


def _total(spans: Iterable[Span]) -> float:
    """Metres in all."""
    return float(sum(span.end_m - span.start_m for span in spans))


def _blocked(wall: JointWall, scene: Scene, seat: Seat, at_m: float) -> list[Span]:
    """Stretches of a joint wall (metres along it) before which a photo's furniture reaches into the strip that has to be free.

    Both kinds of each are what it ends a free stretch as: "occluded" where it does not stand near the wall (`AT_WALL_M`), else
    "obstacle". What hangs on the wall does not reach into the strip. at_m: as of `free_of`.
    """
    out = []
    for obstacle in scene.obstacles:
        foot = to_anchor(obstacle.footprint, seat)
        along, off = foot @ along_of(wall.facing), at_m - foot @ unit_of_facing(wall.facing)
        span = extent_between(along, off, *BEFORE_WALL_M)
        if span is not None:
            kind = "occluded" if extent_between(along, off, CLEAR_FROM_M, AT_WALL_M) is None else "obstacle"
            out.append(Span(*span, kind, kind))
    return out


# --- scale -------------------------------------------------------------------------------------------------------------


def rescaled(view: View, height_m: float) -> View:
    """A photo's view, its scene scaled so that its camera stood height_m above the floor."""
    own = view.scene
    k = height_m / own.camera_height_m
    rect = own.largest_free_rect
    scene = replace(
        own,
        scale=replace(own.scale, camera_height_m=height_m),
        depth_m=None if own.depth_m is None else own.depth_m * np.float32(k),
        planes=tuple(replace(p, offset_m=p.offset_m * k, sigma_m=p.sigma_m * k) for p in own.planes),
        walls=tuple(replace(w, ends=w.ends * k, free=tuple((a * k, b * k) for a, b in w.free),
                            covered=tuple((a * k, b * k, low * k) for a, b, low in w.covered)) for w in own.walls),
        obstacles=tuple(Obstacle(o.footprint * k, o.height_m * k) for o in own.obstacles),
        openings=tuple(replace(o, corners_cam=o.corners_cam * k, width_m=o.width_m * k, height_m=o.height_m * k) for o in own.openings),
        outline=own.outline * k, grid_origin=(own.grid_origin[0] * k, own.grid_origin[1] * k), grid_cell_m=own.grid_cell_m * k,
        largest_free_rect=None if rect is None else tuple(x * k for x in rect),
    )  # fmt: skip
    walls = tuple(replace(w, distance_m=w.distance_m * k) for w in view.walls)
    return replace(view, scene=scene, walls=walls, ceiling_m=None if view.ceiling_m is None else view.ceiling_m * k)


# --- the floor ---------------------------------------------------------------------------------------------------------


def merge_floor(scene: Scene, scenes: dict[int, Scene], seats: dict[int, Seat]) -> Scene:
    """The joint scene with outline, seen and free floor, furniture and the largest free rectangle of all seated photos' scenes."""
    rings = [to_anchor(scenes[i].outline, seats[i]) for i in seats if len(scenes[i].outline) >= 3]
    pieces = [Obstacle(to_anchor(o.footprint, seat), o.height_m) for i, seat in seats.items() for o in scenes[i].obstacles]
    obstacles = _seen_once(pieces)
    if not rings:
        return replace(scene, obstacles=obstacles)
    low = np.floor(np.vstack(rings).min(0) / CELL_M) * CELL_M - CELL_M
    n = np.ceil((np.vstack(rings).max(0) - low) / CELL_M).astype(int) + 2
    origin, shape = (float(low[0]), float(low[1])), (int(n[1]), int(n[0]))
    inside = raster(rings, origin, shape)
    seen, free = (_merged_cells(scenes, seats, name, low, n) for name in ("seen_floor", "free_floor"))
    free &= ~raster([o.footprint for o in pieces], origin, shape)
    return replace(scene, outline=_contour(inside, low), seen_floor=seen, free_floor=free, grid_origin=origin,
                   grid_cell_m=CELL_M, obstacles=obstacles, largest_free_rect=in_metres(largest_rectangle(free), origin))


def _contour(mask: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Outline (n×2, metres) of the largest piece of a mask of floor cells, whose cell [0, 0] begins at `low`."""
    fine = np.kron(np.pad(mask, (0, 1)).astype(np.uint8), np.ones((4, 4), np.uint8))
    fine = cv2.dilate(fine, np.ones((2, 2), np.uint8), anchor=(1, 1))  # a contour runs through centres: now from edge to edge
    rings, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = cv2.approxPolyDP(max(rings, key=cv2.contourArea), 1.5, True)[:, 0]
    return low + ring / 4 * CELL_M


def _merged_cells(scenes: Mapping[int, Scene], seats: dict[int, Seat], name: str, low: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Cells (bool) of the joint grid that any photo's own grid `name` (a field of Scene) holds. low: where cell [0, 0] begins, metres;
    n: cells along x and y."""
    x, y = np.meshgrid(low[0] + (np.arange(n[0]) + 0.5) * CELL_M, low[1] + (np.arange(n[1]) + 0.5) * CELL_M)
    points, out = np.stack([x, y], -1), np.zeros((n[1], n[0]), bool)
    for i, seat in seats.items():
        grid, scene = getattr(scenes[i], name), scenes[i]
        if grid.size == 0:
            continue
        own = (points - seat.shift_m) @ quarter(seat.turn)  # the inverse turn, on row vectors
        cell = np.floor((own - np.array(scene.grid_origin)) / scene.grid_cell_m).astype(int)
        ok = (cell[..., 0] >= 0) & (cell[..., 1] >= 0) & (cell[..., 0] < grid.shape[1]) & (cell[..., 1] < grid.shape[0])
        out[ok] |= grid[cell[ok][:, 1], cell[ok][:, 0]]
    return out


def _seen_once(pieces: Sequence[Obstacle]) -> tuple[Obstacle, ...]:
    """Furniture, the largest first; a piece whose middle lies in a larger one is that piece, seen again."""
    out: list[Obstacle] = []
    for piece in sorted(pieces, key=lambda o: -cv2.contourArea(o.footprint.astype(np.float32))):
        if not any(inside_polygon(piece.footprint.mean(0), larger.footprint) for larger in out):
            out.append(piece)
    return tuple(out)


def segment_of(stretch: Stretch, at_m: float, free: Sequence[Span], covered: tuple[tuple[float, float, float], ...]) -> WallSegment:
    """A stretch as a wall of the joint scene. at_m: as of `free_of`; free: its spans; covered: as of `covered_of`."""
    u, a = unit_of_facing(stretch.wall.facing), along_of(stretch.wall.facing)
    ends = np.array([u * at_m + a * stretch.left.at_m, u * at_m + a * stretch.right.at_m])
    spans, kinds = tuple((s.start_m, s.end_m) for s in free), tuple((s.start_kind, s.end_kind) for s in free)
    return WallSegment(stretch.wall.id, ends, (stretch.left.kind, stretch.right.kind), spans, kinds, covered=covered)
