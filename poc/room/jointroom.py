"""One scene from several of the same room: walls with the ends that any photo saw, free stretches, floor and furniture merged.

Everything is in the anchor photo's room frame. What one photo sees standing before a wall is not free, whatever another says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from poc.room.floorplan import CELL_M, in_metres, largest_rectangle, raster
from poc.room.jointfit import Facing, Fit, View, to_anchor, turned_facing, unit_of_facing
from poc.room.roomspace import cut_out, extent_between
from poc.room.sameroom import Seat, quarter
from poc.room.stretches import AT_WALL_M, CLEAR_FROM_M, STRIP_M
from poc.types import Obstacle, Opening, Scene, WallSegment

SAME_CORNER_M = 0.04
"""A stretch ends in the wall whose line passes this near to its end."""
BEYOND_M = 0.3
"""A photo that sees a wall go on this far past another's corner contradicts it."""
BEFORE_WALL_M = CLEAR_FROM_M, STRIP_M
"""Furniture in this strip before a wall takes the stretch behind it."""
SOLE_SHARE = 0.25
"""The only walls on one side are one wall, unless they are farther apart than this share of the room's width."""
SHORT_M = 0.3
EDGE_M = 0.1


@dataclass(frozen=True)
class JointWall:
    """A wall as all its photos have it. members: (photo, position in its `View.walls`)."""

    id: str
    number: int
    facing: int
    members: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class End:
    """Where a joint wall's stretch ends: metres along it, kind, and the unknowns that place it (empty: seen, not solved)."""

    at_m: float
    kind: str
    parts: dict[str, float]
    photo: int


@dataclass(frozen=True)
class Stretch:
    """A joint wall's visible stretch, left and right end, and photos that see it go on past a corner."""

    wall: JointWall
    left: End
    right: End
    beyond: tuple[int, ...]
    farthest_m: float

    @property
    def length_m(self) -> float:
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
    """Plan direction from a wall's left to its right as seen from inside."""
    return unit_of_facing(facing + 1)


def stretch_of(wall: JointWall, walls: list[JointWall], views: list[View], seats: dict[int, Seat], fit: Fit) -> Stretch:
    """Both ends: a corner that any photo saw, else the farthest that is seen."""
    ends = [_ends_of(wall, i, k, walls, views, seats, fit) for i, k in wall.members]
    left, right = _chosen([e[0] for e in ends], -1), _chosen([e[1] for e in ends], 1)
    if right.at_m - left.at_m < SHORT_M:  # corners of different photos that do not go together: the longest single view of it
        left, right = max(ends, key=lambda e: e[1].at_m - e[0].at_m)
    beyond = [e[0] for e in ends if left.kind == "corner" and e[0].at_m < left.at_m - BEYOND_M]
    beyond += [e[1] for e in ends if right.kind == "corner" and e[1].at_m > right.at_m + BEYOND_M]
    reach = max([right.at_m, *(e.at_m for e in beyond)]) - min([left.at_m, *(e.at_m for e in beyond)])
    return Stretch(wall, left, right, tuple(dict.fromkeys(e.photo for e in beyond)), reach)


def _chosen(ends: list[End], side: int) -> End:
    corners = [e for e in ends if e.kind == "corner"]
    return next((e for e in corners if e.parts), None) or max(corners or ends, key=lambda e: side * e.at_m)


def _ends_of(wall: JointWall, i: int, k: int, walls, views, seats, fit: Fit) -> tuple[End, End]:
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
    """Position in `View.walls` of the wall that a corner is shared with."""
    for k, other in enumerate(view.walls):
        if (other.facing - wall.facing) % 2 and abs(unit_of_facing(other.facing) @ end - other.distance_m) < SAME_CORNER_M + 0.02 * other.distance_m:
            return k
    return None


# --- free stretches --------------------------------------------------------------------------------------------------


def free_of(stretch: Stretch, views: list[View], seats: dict[int, Seat], at_m: float) -> tuple[list, list, list[int]]:
    """Free stretches (metres from the left end), the kinds of their ends, and the photos whose furniture cut what another
    photo saw free. at_m: the wall's coordinate along its outward direction."""
    own = free_spans(stretch.wall, views, seats)
    merged = _union([span[:4] for span in own])
    cutters = []
    for i in seats:
        before = [(low, high, kind, kind) for low, high, kind in _blocked(stretch.wall, views[i].scene, seats[i], at_m)]
        for a, b, *_, photo in own:
            if photo == i:  # what it has judged free stays free of its own furniture
                before = [part for span in before for part in cut_out([span], a, b, span[2])]
        for low, high, kind, _ in before:
            cut = cut_out(merged, low, high, kind)
            if _total(cut) < _total(merged) - EDGE_M:
                cutters.append(i)
            merged = cut
    for low, high in _doors(stretch.wall, views, seats):
        merged = cut_out(merged, low, high, "door")
    low, high = stretch.left.at_m, stretch.right.at_m
    kept = [(max(a, low), min(b, high), ka if a >= low else stretch.left.kind, kb if b <= high else stretch.right.kind) for a, b, ka, kb in merged]
    kept = [s for s in kept if s[1] - s[0] > EDGE_M]
    return [(s[0] - low, s[1] - low) for s in kept], [(s[2], s[3]) for s in kept], list(dict.fromkeys(cutters))


def _segment_at(wall: JointWall, i: int, k: int, views: list[View], seats: dict[int, Seat]) -> tuple[WallSegment, float]:
    """What photo i has of a wall (position k in its `View.walls`), and where along the wall that begins, metres."""
    segment = views[i].scene.walls[views[i].walls[k].index]
    return segment, float(min(to_anchor(segment.ends, seats[i]) @ along_of(wall.facing)))


def free_spans(wall: JointWall, views: list[View], seats: dict[int, Seat]) -> list[tuple[float, float, str, str, int]]:
    """Free stretches of a wall as each photo has them: from, to (metres along it), kinds of their ends, photo."""
    out = []
    for i, k in wall.members:
        segment, start = _segment_at(wall, i, k, views, seats)
        out += [(start + a, start + b, *kinds, i) for (a, b), kinds in zip(segment.free, segment.free_end_kinds)]
    return out


def _union(spans):
    out: list[tuple[float, float, str, str]] = []
    for span in sorted(spans):
        if out and span[0] <= out[-1][1]:
            last = out[-1]
            out[-1] = (last[0], max(last[1], span[1]), last[2], span[3] if span[1] > last[1] else last[3])
        else:
            out.append(span)
    return out


def _doors(wall: JointWall, views: list[View], seats: dict[int, Seat]) -> list[tuple[float, float]]:
    """Stretches of a wall, metres along it, where any photo sees a door: there it is not free, though nothing stands before it."""
    return [_span(o, wall, views[i].scene, seats[i]) for i, o in _openings_of(wall, views) if o.kind == "door"]


def _openings_of(wall: JointWall, views: list[View]) -> list[tuple[int, Opening]]:
    """(photo, opening) of each opening that a photo has on the wall."""
    return [(i, o) for i, k in wall.members for o in views[i].scene.openings if o.plane_id == views[i].walls[k].plane_id]


def _span(opening: Opening, wall: JointWall, scene: Scene, seat: Seat) -> tuple[float, float]:
    at = to_anchor((opening.corners_cam @ scene.room_from_cam.T)[:, :2], seat) @ along_of(wall.facing)
    return float(at.min()), float(at.max())


def merge_openings(walls: list[JointWall], views: list[View], seats: dict[int, Seat], anchor: int) -> tuple[Opening, ...]:
    """Every photo's doors and windows as the anchor photo's camera has them; one that several saw is as the widest saw it. Those of walls
    that were joined with none stay as they are."""
    own = views[anchor].scene
    joined = {views[i].walls[k].plane_id for w in walls for i, k in w.members if i == anchor}
    out = [o for o in own.openings if o.plane_id not in joined]
    for wall in walls:
        found = [(i, o, _span(o, wall, views[i].scene, seats[i])) for i, o in _openings_of(wall, views)]
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
    """What any photo sees hanging on the wall: (from, to, lowest height), metres from the stretch's left end."""
    out = []
    for i, k in stretch.wall.members:
        segment, start = _segment_at(stretch.wall, i, k, views, seats)
        start -= stretch.left.at_m
        out += [(start + a, start + b, low) for a, b, low in segment.covered]
    return tuple(sorted(out))


def _total(spans) -> float:
    return float(sum(s[1] - s[0] for s in spans))


def _blocked(wall: JointWall, scene: Scene, seat: Seat, at_m: float) -> list[tuple[float, float, str]]:
    """Stretches of a wall that a photo's furniture stands before, as far as it reaches into the strip that has to be free, and what it
    ends a free one as ("occluded" where it is not near the wall: see `AT_WALL_M`). What hangs on the wall does not reach into it."""
    out = []
    for obstacle in scene.obstacles:
        foot = to_anchor(obstacle.footprint, seat)
        along, off = foot @ along_of(wall.facing), at_m - foot @ unit_of_facing(wall.facing)
        span = extent_between(along, off, *BEFORE_WALL_M)
        if span is not None:
            out.append((*span, "occluded" if extent_between(along, off, CLEAR_FROM_M, AT_WALL_M) is None else "obstacle"))
    return out


# --- scale -------------------------------------------------------------------------------------------------------------


def rescaled(view: View, height_m: float) -> View:
    """A photo's scene and walls as they are where its camera stood `height_m` over the floor."""
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
    """The joint scene with outline, seen and free floor, furniture and the largest free rectangle of all seated photos."""
    rings = [to_anchor(scenes[i].outline, seats[i]) for i in seats if len(scenes[i].outline) >= 3]
    obstacles = _furniture(scenes, seats)
    if not rings:
        return replace(scene, obstacles=obstacles)
    low = np.floor(np.vstack(rings).min(0) / CELL_M) * CELL_M - CELL_M
    n = np.ceil((np.vstack(rings).max(0) - low) / CELL_M).astype(int) + 2
    origin, shape = (float(low[0]), float(low[1])), (int(n[1]), int(n[0]))
    inside = raster(rings, origin, shape)
    seen, free = (sum_of(scenes, seats, name, low, n) for name in ("seen_floor", "free_floor"))
    free &= ~raster([o.footprint for o in obstacles], origin, shape)
    return replace(scene, outline=_contour(inside, low), seen_floor=seen, free_floor=free, grid_origin=origin,
                   grid_cell_m=CELL_M, obstacles=obstacles, largest_free_rect=in_metres(largest_rectangle(free), origin))


def _contour(mask: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The largest piece's outline, metres."""
    fine = np.kron(mask.astype(np.uint8), np.ones((4, 4), np.uint8))
    rings, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = cv2.approxPolyDP(max(rings, key=cv2.contourArea), 1.5, True)[:, 0]
    return low + (ring + 0.5) / 4 * CELL_M


def sum_of(scenes: dict[int, Scene], seats: dict[int, Seat], name: str, low: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Cells of the joint grid that any photo's own grid `name` holds."""
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


def _furniture(scenes: dict[int, Scene], seats: dict[int, Seat]) -> tuple[Obstacle, ...]:
    """Every photo's furniture; a piece whose middle lies in one already there is that piece, seen again."""
    out: list[Obstacle] = []
    for i, seat in seats.items():
        for o in scenes[i].obstacles:
            foot = to_anchor(o.footprint, seat)
            middle = tuple(map(float, foot.mean(0)))
            if not any(cv2.pointPolygonTest(p.footprint.astype(np.float32)[:, None], middle, False) >= 0 for p in out):
                out.append(Obstacle(foot, o.height_m))
    return tuple(out)


def segment_of(stretch: Stretch, at_m: float, free: list, kinds: list, covered: tuple = ()) -> WallSegment:
    """A stretch as a wall of the joint scene."""
    u, a = unit_of_facing(stretch.wall.facing), along_of(stretch.wall.facing)
    ends = np.array([u * at_m + a * stretch.left.at_m, u * at_m + a * stretch.right.at_m])
    return WallSegment(stretch.wall.id, ends, (stretch.left.kind, stretch.right.kind), tuple(free), tuple(kinds), covered=covered)


def pair_walls(views: list[View], seats: dict[int, Seat], anchor: int) -> list[JointWall]:
    """Which wall of which photo is which. The anchor's keep their numbers; walls that only others see follow."""
    walls = [_Growing(f.plane_id, int(f.plane_id.removeprefix("wall_")), f.facing, f.distance_m, [(anchor, k)])
             for k, f in enumerate(views[anchor].walls)]
    last = max([int(w.plane_id.removeprefix("wall_")) for w in views[anchor].scene.walls], default=0)
    for i in (i for i in seats if i != anchor):
        facing = [turned_facing(f.facing, seats[i].turn) for f in views[i].walls]
        at = [f.distance_m + float(unit_of_facing(g) @ seats[i].shift_m) for f, g in zip(views[i].walls, facing)]
        moved = [_correction(views, i, facing, at, walls, axis, seats[i].sigma_m) for axis in (0, 1)]
        places = [p + float(unit_of_facing(g) @ moved) for p, g in zip(at, facing)]
        left = [k for k in range(len(places)) if not _paired(views, i, k, facing[k], places[k], walls)]
        left = [k for k in left if not _sole(i, k, facing, views[i], places[k], walls)]
        for k in left:
            last += 1
            walls.append(_Growing(f"wall_{last}", last, facing[k], places[k], [(i, k)]))
    return [JointWall(w.id, w.number, w.facing, tuple(w.members)) for w in walls]


@dataclass
class _Growing:
    id: str
    number: int
    facing: int
    at_m: float
    members: list[tuple[int, int]]


def _paired(views: list[View], i: int, k: int, facing: int, place: float, walls: list[_Growing]) -> bool:
    """Give a photo's wall to the known wall where it is seen to be, if there is one."""
    near = [w for w in walls if w.facing == facing and all(m[0] != i for m in w.members) and abs(w.at_m - place) < _slack(views, i, k, w)]
    if near:
        min(near, key=lambda w: abs(w.at_m - place)).members.append((i, k))
    return bool(near)


def _sole(i: int, k: int, facing: list[int], view: View, place: float, walls: list[_Growing]) -> bool:
    """The only wall on its side in both is one wall even where the distances disagree, once the opposite one is paired:
    the disagreement is then seen and told."""
    same = [w for w in walls if w.facing == facing[k]]
    opposite = [m[1] for w in walls if w.facing == (facing[k] + 2) % 4 for m in w.members if m[0] == i]
    if len(same) != 1 or facing.count(facing[k]) != 1 or not opposite:
        return False
    width = view.walls[k].distance_m + view.walls[opposite[0]].distance_m
    if abs(same[0].at_m - place) > SOLE_SHARE * width:
        return False
    same[0].members.append((i, k))
    return True


def _slack(views: list[View], i: int, k: int, wall: _Growing) -> float:
    """How far apart two photos may see one wall, once their places fit."""
    other, j = wall.members[0]
    return 0.15 + 2.0 * float(np.hypot(_sigma(views[i], k), _sigma(views[other], j)))


def _sigma(view: View, k: int) -> float:
    return float(view.scene.plane(view.walls[k].plane_id).sigma_m)


def _correction(views, i: int, facing, at, walls: list[_Growing], axis: int, sigma_m: float) -> float:
    """The change of a photo's shift along one axis under which most of its walls are known ones; the smallest of those."""
    steps = []
    for k, (f, place) in enumerate(zip(facing, at)):
        u = unit_of_facing(f)
        if u[axis]:
            steps += [(w.at_m - place) * u[axis] for w in walls if w.facing == f and abs(w.at_m - place) < 2.5 * np.hypot(sigma_m, _slack(views, i, k, w) / 2)]
    if not steps:
        return 0.0

    def agreeing(step: float) -> int:
        return sum(any(w.facing == f and abs(w.at_m - p - step * unit_of_facing(f)[axis]) < _slack(views, i, k, w) for w in walls)
                   for k, (f, p) in enumerate(zip(facing, at)) if unit_of_facing(f)[axis])

    return float(max(steps, key=lambda s: (agreeing(s), -abs(s))))
