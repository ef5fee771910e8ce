"""Free stretches of a wall: where its foot and what is above it are in plain sight and nothing stands before them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from poc.errors import ParameterError
from poc.room.feet import wall_share
from poc.room.openings import on_wall
from poc.room.roomspace import inward, to_room
from poc.room.view import CEILING, DOOR, FLOOR, WALL, WINDOW, View
from poc.types import Scene, WallSegment

STEP_M = 0.05
"""A wall is judged in steps of this length."""
CLEAR_FROM_M, STRIP_M = 0.1, 0.6
"""The strip of floor before a wall that must be free: it begins and ends at these distances from the wall."""
UP_TO_M = 0.9
"""Height of wall that must be in plain sight."""
STRIP_RANGE_M, UP_TO_RANGE_M = (0.2, 2.0), (0.1, 2.3)
"""Values that may be asked for in place of `STRIP_M` and `UP_TO_M`."""
HIGHEST_M = 2.3
"""Height up to which the wall behind a tall piece is looked at."""
SHORTEST_M = 0.2
"""Shorter stretches are left out."""
BRIDGE_STEPS = 2
"""Gaps hidden by something slim farther into the room, up to this many steps, do not end a stretch."""
AT_WALL_M = 0.3
"""What stands farther from the wall than this may not stand in the strip at all, as depth errs: a stretch that ends there is only
known to be at least so long. (Of 23 that were told with two ends, half were inside their interval.)"""
GLAZED_M, GLAZED = 0.6, 0.25
"""A wall that below this height is window with this mean probability is a glazed door. Of 47 free stretches in photos of kitchens
and bedrooms those before one had 0.40 to 0.54, all others 0.07 at most."""
FREE, OBSTACLE, OCCLUDED, FRAME, DOOR_AT, AWAY = range(6)
"""What is found at a step: nothing in the way, a thing near the wall, wall or floor out of sight, the photo's edge, a door, a thing
that may stand before the strip (`AT_WALL_M`)."""
KINDS = ("free", "obstacle", "occluded", "frame", "door", "occluded")
"""The same as `WallSegment.free_end_kinds` has it."""


def check_clearance(strip_m: float, up_to_m: float) -> None:
    """Raises ParameterError unless both lengths that define a free stretch are in their ranges: the depth of clear floor in front of a
    wall, and the height up to which the wall is clear, metres."""
    for name, value, (least, most) in (("depth", strip_m, STRIP_RANGE_M), ("height", up_to_m, UP_TO_RANGE_M)):
        if not least <= value <= most:
            raise ParameterError(f"the free {name} before a wall is {value:g} m; give {least:g} to {most:g} m")


def free_stretches(scene: Scene, view: View, wall: WallSegment, taken: np.ndarray, *, strip_m: float = STRIP_M,
                   up_to_m: float = UP_TO_M) -> WallSegment:
    """The wall with its free stretches, what ends each of them, and what hangs above them.

    taken: bool, cells of the scene's floor grid on which furniture stands. strip_m, up_to_m: see `STRIP_M` and `UP_TO_M`.
    """
    n = int(wall.length_m / STEP_M)
    if n < 2:
        return replace(wall, free=(), free_end_kinds=())
    edges = np.linspace(0.0, wall.length_m, n + 1)
    state = _states(scene, view, wall, (edges[1:] + edges[:-1]) / 2, taken, strip_m, up_to_m)
    state = _bridged(state)
    spans, kinds = [], []
    for a, b in _runs(state == FREE):
        if edges[b] - edges[a] >= SHORTEST_M:
            spans.append((float(edges[a]), float(edges[b])))
            kinds.append((wall.end_kinds[0] if a == 0 else KINDS[state[a - 1]], wall.end_kinds[1] if b == n else KINDS[state[b]]))
    return replace(wall, free=tuple(spans), free_end_kinds=tuple(kinds), covered=_covered(scene, view, wall, edges, up_to_m))


def _covered(scene: Scene, view: View, wall: WallSegment, edges: np.ndarray, from_m: float) -> tuple[tuple[float, float, float], ...]:
    """`WallSegment.covered`: where what is seen above from_m is neither wall nor door (a picture, a curtain, a window not found as
    one), as (from, to, lowest height), metres. A higher piece of furniture would stand before it. Single cells are noise."""
    heights = np.arange(from_m, HIGHEST_M + 1e-6, 0.1)
    t, z = np.meshgrid((edges[1:] + edges[:-1]) / 2, heights)
    p, shown, _ = on_wall(scene, view, wall, t, z)
    thing = shown & (p[..., WALL] + p[..., DOOR] + p[..., CEILING] < 0.5)
    thing = thing[:-1] & thing[1:]
    lowest = np.where(thing.any(0), heights[np.argmax(thing, axis=0)], np.inf)
    return tuple((float(edges[a]), float(edges[b]), float(lowest[a:b].min())) for a, b in _runs(np.isfinite(lowest)) if b - a >= 2)


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(first, one past the last) of each run of true."""
    change = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))


def _states(scene: Scene, view: View, wall: WallSegment, at: np.ndarray, taken: np.ndarray, strip_m: float,
            up_to_m: float) -> np.ndarray:
    """What is found at each step (at: metres along the wall): int, one of `FREE` … `AWAY`."""
    heights = np.arange(0.08, up_to_m + 1e-6, 0.08)
    t, z = np.meshgrid(at, heights)
    p, shown, _ = on_wall(scene, view, wall, t, z)
    clear = wall_share(p) > 0.5
    hidden = (shown & ~clear).sum(0) > np.maximum(1, 0.12 * shown.sum(0))
    door = (shown & (p[..., DOOR] > 0.5)).sum(0) > 0.5 * np.maximum(shown.sum(0), 1)
    low = shown & (heights[:, None] < GLAZED_M)
    door |= (p[..., WINDOW] * low).sum(0) > GLAZED * np.maximum(low.sum(0), 1)
    cut = ~shown[:2].any(0)
    strip = _strip(scene, view, wall, at, taken, strip_m)
    state = np.full(len(at), FREE)
    state[~strip.bare | hidden] = OCCLUDED
    state[strip.thing] = np.where(strip.near[strip.thing], OBSTACLE, AWAY)
    state[cut & ~strip.thing] = FRAME
    state[(door | _in_doors(scene, wall, at)) & ~strip.thing] = DOOR_AT
    return state


class Strip(NamedTuple):
    """The strip of floor before a wall, bool per step. thing: something stands in it; near: something stands in it near the wall;
    bare: its floor is seen, as far as it is in the photo."""

    thing: np.ndarray
    near: np.ndarray
    bare: np.ndarray


def _strip(scene: Scene, view: View, wall: WallSegment, at: np.ndarray, taken: np.ndarray, strip_m: float) -> Strip:
    """What is seen of the strip at each step (at: metres along the wall)."""
    out = np.arange(CLEAR_FROM_M, strip_m + 1e-6, 0.05)
    step = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    plan = wall.ends[0] + at[:, None] * step
    plan = plan[None] + out[:, None, None] * inward(wall, scene)
    cell = np.floor((plan - np.array(scene.grid_origin)) / scene.grid_cell_m).astype(int)
    known = ((cell >= 0) & (cell < np.array(taken.shape)[::-1])).all(-1)
    thing = np.zeros(plan.shape[:2], bool)
    thing[known] = taken[cell[known][:, 1], cell[known][:, 0]]
    floor, shown = np.zeros(plan.shape[:2], bool), np.zeros(plan.shape[:2], bool)
    for i, d in enumerate(out):
        p, shown[i], points_cam = on_wall(scene, view, wall, at, np.zeros(len(at)), float(d))
        floor[i] = p[..., FLOOR] > 0.5
        shown[i] &= _inside(scene, points_cam, wall)
    missing = (shown & ~floor).sum(0)
    return Strip(thing.sum(0) >= 2, thing[out < AT_WALL_M + 1e-6].sum(0) >= 2, missing <= np.maximum(1, 0.2 * shown.sum(0)))


def _inside(scene: Scene, points_cam: np.ndarray, wall: WallSegment) -> np.ndarray:
    """Which points of the strip (…×3, camera frame) are neither behind nor within 8 cm of a wall that this one meets: …, bool."""
    inside = np.ones(points_cam.shape[:-1], bool)
    room = to_room(points_cam, scene)[..., :2]
    for other in scene.walls:
        meets = np.abs(other.ends[:, None] - wall.ends[None]).sum(-1).min() < 0.05
        if other.plane_id != wall.plane_id and meets:
            inside &= (room - other.ends[0]) @ inward(other, scene) > 0.08
    return inside


def _in_doors(scene: Scene, wall: WallSegment, at: np.ndarray) -> np.ndarray:
    """Which steps (at: metres along the wall) lie in a door that was found on it: bool."""
    hit = np.zeros(len(at), bool)
    step = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    for opening in scene.openings:
        if opening.kind == "door" and opening.plane_id == wall.plane_id:
            s = (to_room(opening.corners_cam, scene)[:, :2] - wall.ends[0]) @ step
            hit |= (at > s.min()) & (at < s.max())
    return hit


def _bridged(state: np.ndarray) -> np.ndarray:
    """Short hidden gaps between free steps taken as free."""
    out = state.copy()
    free = _runs(state == FREE)
    for (_, end), (begin, _) in zip(free, free[1:], strict=False):
        if begin - end <= BRIDGE_STEPS and (state[end:begin] == OCCLUDED).all():
            out[end:begin] = FREE
    return out
