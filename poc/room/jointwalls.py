"""Which wall of which photo is which: the walls of several photos of one room, paired by where they stand.

Photos are seated in the anchor's frame to within a few decimetres (`poc.room.sameroom`); their walls then fit the known ones to
within their own errors, once each photo's place is corrected by what most of its walls agree on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poc.room.jointfit import View, turned_facing, unit_of_facing
from poc.room.sameroom import Seat

SOLE_SHARE = 0.25
"""The only walls that two photos see on one side are one wall, unless they are farther apart than this share of the room's width."""
SLACK_M, SLACK_SIGMAS = 0.15, 2.0
"""How far apart two photos may see one wall once their places fit: so much, and so many sigmas of it."""


@dataclass(frozen=True)
class JointWall:
    """A wall of the joint room. id: as a plane's, "wall_<number>". facing: as of `Facing`, in the anchor's frame. members: for each
    photo that sees it, (photo, position in that photo's `View.walls`)."""

    id: str
    number: int
    facing: int
    members: tuple[tuple[int, int], ...]


def pair_walls(views: list[View], seats: dict[int, Seat], anchor: int) -> list[JointWall]:
    """The joint room's walls. Those that the anchor sees keep their numbers; walls that only others see follow.

    views: one per photo, None for those without a seat. seats: by position in `views`, the anchor's included.
    """
    walls = [_Growing(f.plane_id, int(f.plane_id.removeprefix("wall_")), f.facing, f.distance_m, [(anchor, k)])
             for k, f in enumerate(views[anchor].walls)]
    last = max([int(w.plane_id.removeprefix("wall_")) for w in views[anchor].scene.walls], default=0)
    for i in (i for i in seats if i != anchor):
        facing = [turned_facing(f.facing, seats[i].turn) for f in views[i].walls]
        at = [f.distance_m + float(unit_of_facing(g) @ seats[i].shift_m) for f, g in zip(views[i].walls, facing)]
        moved = [_correction(views, i, facing, at, walls, axis, seats[i].sigma_m) for axis in (0, 1)]
        places = [p + float(unit_of_facing(g) @ moved) for p, g in zip(at, facing)]
        unpaired = [k for k in range(len(places)) if not _paired(views, i, k, facing[k], places[k], walls)]
        unpaired = [k for k in unpaired if not _sole(i, k, facing, views[i], places[k], walls)]
        for k in unpaired:
            last += 1
            walls.append(_Growing(f"wall_{last}", last, facing[k], places[k], [(i, k)]))
    return [JointWall(w.id, w.number, w.facing, tuple(w.members)) for w in walls]


@dataclass
class _Growing:
    """A `JointWall` in the making. at_m: where it stands along its outward direction, anchor's frame."""

    id: str
    number: int
    facing: int
    at_m: float
    members: list[tuple[int, int]]


def _paired(views: list[View], i: int, k: int, facing: int, place: float, walls: list[_Growing]) -> bool:
    """Whether wall k of photo i is a known one, to which it is then added: the nearest within the slack on the same side, that this
    photo has not given a wall to yet. place: where it stands along its outward direction, metres, anchor's frame."""
    free = [w for w in walls if w.facing == facing and all(photo != i for photo, _ in w.members)]
    near = [w for w in free if abs(w.at_m - place) < _slack(views, i, k, w)]
    if near:
        min(near, key=lambda w: abs(w.at_m - place)).members.append((i, k))
    return bool(near)


def _sole(i: int, k: int, facing: list[int], view: View, place: float, walls: list[_Growing]) -> bool:
    """Whether wall k of photo i is the only one on its side, as is one known wall, to which it is then added.

    Once the opposite wall is paired, they are one even where the distances disagree: the disagreement is then found and told.
    """
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
    """How far (metres) photo i may see its wall k from a known wall that it is."""
    other, j = wall.members[0]
    return SLACK_M + SLACK_SIGMAS * float(np.hypot(_sigma_m(views[i], k), _sigma_m(views[other], j)))


def _sigma_m(view: View, k: int) -> float:
    """One sigma of a wall's distance (k: position in `View.walls`)."""
    return float(view.scene.plane(view.walls[k].plane_id).sigma_m)


def _correction(views: list[View], i: int, facing: list[int], at: list[float], walls: list[_Growing], axis: int,
                sigma_m: float) -> float:
    """The change (metres) of photo i's shift along one axis (0: x, 1: y) under which most of its walls are known ones; of several
    the smallest.

    facing, at: of its walls, in the anchor's frame (at: where they stand along their outward direction, metres). sigma_m: the seat's.
    """
    across = [(k, f, place, unit_of_facing(f)[axis]) for k, (f, place) in enumerate(zip(facing, at)) if unit_of_facing(f)[axis]]
    steps = [(w.at_m - place) * sign for k, f, place, sign in across for w in walls
             if w.facing == f and abs(w.at_m - place) < 2.5 * np.hypot(sigma_m, _slack(views, i, k, w) / 2)]
    if not steps:
        return 0.0

    def agreeing(step: float) -> int:
        return sum(any(w.facing == f and abs(w.at_m - place - step * sign) < _slack(views, i, k, w) for w in walls)
                   for k, f, place, sign in across)

    return float(max(steps, key=lambda s: (agreeing(s), -abs(s))))
