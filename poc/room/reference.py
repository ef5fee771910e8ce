"""A length the user marked on the photo, as an opinion on the camera's height (`poc.room.scale.fuse` joins the opinions).

The room's shape is known in camera heights before any metre is: where a marked segment lies in that shape gives its length
in camera heights, and its true length over that is the height. A segment lies on the floor, on one wall, or stands
upright on the floor; which, follows from the surfaces at its ends and its angle to the vertical.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poc.errors import ParameterError
from poc.room.layout import Layout
from poc.room.propagate import CameraMove, camera_cause, log_change, wall_cause
from poc.room.scale import CLICK_SIGMA_PX, KNOWN_OBJECTS, OBJECT
from poc.room.view import CEILING, DOOR, FLOOR, WALL, WINDOW, View
from poc.room.wallfit import WALL_CAUSES, State, WallSolution, solve_wall
from poc.types import Reference, ScaleSource

HEIGHT_RANGE_M = (0.3, 3.5)
"""Nobody photographs a room from outside this range: such a reference was marked in the wrong place."""
UPRIGHT_DEG = 12.0
STANDING = ("door", "socket")
"""Known objects that are measured from the floor upwards."""
MOST_OFF = 0.5
"""Log length by which one cause counts at most, and counts where the length cannot be had under it."""
NEAR_CELLS = 4
LEAST_DROP = 0.03
"""Tangent below the horizon from which the floor under a pixel is known well enough to measure on."""
PLACES = {"upright": "standing on the floor", "floor": "lying on the floor", "wall": "on a wall"}


@dataclass(frozen=True)
class References:
    """What references say about the camera's height. changes: for each, its log change by cause, without its own clicks: the
    camera's errors are the same for all, a wall's for all on it, and doors of one make are as high as each other."""

    opinions: tuple[ScaleSource, ...]
    changes: tuple[dict[str, float], ...]


def reference_opinions(references: Sequence[Reference], view: View, layout: Layout, camera_moves: Sequence[CameraMove]) -> References:
    """What each reference says, one said twice (from either end) counted once. camera_moves: the state under each independent one-sigma cause, moved up and down.

    Raises ParameterError where a reference cannot be placed in the room, or implies a height outside `HEIGHT_RANGE_M`.
    """
    once = {(r.kind, *sorted(r.ends), r.length_m): r for r in reversed(references)}
    found = [_opinion(r, view, layout, camera_moves) for r in reversed(once.values())]
    return References(tuple(opinion for opinion, _ in found), tuple(parts for _, parts in found))


def _opinion(ref: Reference, view: View, layout: Layout, camera_moves) -> tuple[ScaleSource, dict[str, float]]:
    """One reference's opinion, and by how much (log) each cause that others may share moves the height; its sigma holds the clicks too."""
    place, wall = _place(ref, view, layout)
    length = _length(np.array(ref.ends), place, _solution(wall, layout), layout.state)
    if length is None or not np.isfinite(length) or length < 1e-4:
        raise ParameterError(f"{_named(ref)} cannot be placed in the room: mark something that stands or lies on the floor, or is on one wall")
    height = ref.length_m / length
    low, high = HEIGHT_RANGE_M
    if not low <= height <= high:
        raise ParameterError(f"{_named(ref)}, taken as {PLACES[place]}, implies a camera {height:.2f} m above the floor (possible are {low} to {high} m); "
                             "check its ends and its length in metres")
    parts = _shared_changes(ref, place, wall, layout, camera_moves, length)
    parts[f"{OBJECT} {ref.kind if ref.kind in KNOWN_OBJECTS else ref.ends}"] = ref.sigma_m / ref.length_m
    sigma = float(np.sqrt(sum(x**2 for x in parts.values()) + _click_variance(ref, place, _solution(wall, layout), layout.state, length, max(view.camera.width, view.camera.height))))
    name = "reference length" if ref.kind == "length" else f"reference {ref.kind}"
    where = PLACES[place] if wall is None else f"on wall {wall + 1}"
    return ScaleSource(name, float(height), max(sigma, 0.002), f"{ref.length_m:g} m, {where}"), parts


def _named(ref: Reference) -> str:
    (u1, v1), (u2, v2) = ref.marked or ref.ends
    return f"reference {ref.kind} ({u1:g},{v1:g})–({u2:g},{v2:g}) of {ref.length_m:g} m"


def _place(ref: Reference, view: View, layout: Layout) -> tuple[str, int | None]:
    """Which reading of the segment fits: ("upright" | "floor", None) or ("wall", that wall's position in the layout)."""
    ends = _lower_first(np.array(ref.ends), layout.state)
    level = layout.state.level_rays(ends)
    drop = -level[:, 2] / np.maximum(np.hypot(level[:, 0], level[:, 1]), 1e-9)
    floor = [_share(view, uv, (FLOOR,)) for uv in ends]
    upright = _tilt_deg(ends, layout.state) < UPRIGHT_DEG
    if upright and drop[0] > LEAST_DROP and (ref.kind in STANDING or floor[0] > 0.25 and floor[1] < 0.5):
        return "upright", None
    if min(drop) > LEAST_DROP and min(floor) > 0.25:
        return "floor", None
    wall = _common_wall(ends, view, layout)
    if wall is not None:
        return "wall", wall
    raise ParameterError(f"{_named(ref)} is on neither the floor nor one wall that was found: mark something that stands or lies on the floor, "
                         "or is on one wall")


def _lower_first(ends: np.ndarray, state: State) -> np.ndarray:
    level = state.level_rays(ends)
    slope = level[:, 2] / np.maximum(np.hypot(level[:, 0], level[:, 1]), 1e-9)
    return ends[np.argsort(slope)]


def _tilt_deg(ends: np.ndarray, state: State) -> float:
    """Angle in the photo between the segment and the vertical line through its middle."""
    middle = state.level_rays(ends.mean(0)[None])[0]
    step = state.pixels(np.array([middle + [0, 0, 1e-3], middle - [0, 0, 1e-3]]))
    up, along = step[0] - step[1], ends[1] - ends[0]
    cosine = abs(up @ along) / max(np.linalg.norm(up) * np.linalg.norm(along), 1e-12)
    return float(np.degrees(np.arccos(min(1.0, cosine))))


def _share(view: View, uv: np.ndarray, classes: tuple[int, ...]) -> float:
    """Mean probability of some surfaces within a few cells of a photo pixel."""
    h, w = view.shape
    col, row = (uv[0] + 0.5) * w / view.camera.width, (uv[1] + 0.5) * h / view.camera.height
    r0, c0 = max(0, int(row) - NEAR_CELLS), max(0, int(col) - NEAR_CELLS)
    patch = view.p[r0 : int(row) + NEAR_CELLS + 1, c0 : int(col) + NEAR_CELLS + 1, list(classes)]
    return float(patch.sum(-1).mean()) if patch.size else 0.0


def _common_wall(ends: np.ndarray, view: View, layout: Layout) -> int | None:
    """The wall both ends lie on, where the surfaces there agree that it is a wall."""
    if min(_share(view, uv, (WALL, DOOR, WINDOW, FLOOR, CEILING)) for uv in ends) < 0.4:
        return None
    level = layout.state.level_rays(ends)
    azimuth = np.arctan2(level[:, 0], level[:, 1])
    found = {int(layout.path[np.argmin(np.abs(layout.pan.azimuth - az))]) for az in azimuth}
    if len(found) == 2 and -1 in found:
        found.remove(-1)
    return found.pop() if len(found) == 1 and min(found) >= 0 else None


def _solution(wall: int | None, layout: Layout) -> WallSolution | None:
    return None if wall is None else layout.solved[wall]


def _length(ends: np.ndarray, place: str, wall: WallSolution | None, state: State) -> float | None:
    """Length of the segment in camera heights under a state, or None where it cannot be had."""
    ends = _lower_first(ends, state)
    level = state.level_rays(ends)
    if place == "wall":
        along = level[:, 0] * np.sin(wall.psi) + level[:, 1] * np.cos(wall.psi)
        if min(along) < 0.02:
            return None
        points = level * (wall.distance / along)[:, None]
        return float(np.linalg.norm(points[1] - points[0]))
    if level[0, 2] >= -1e-3:
        return None
    foot = level[0] / -level[0, 2]
    if place == "floor":
        return None if level[1, 2] >= -1e-3 else float(np.linalg.norm(level[1] / -level[1, 2] - foot))
    span = np.hypot(level[1, 0], level[1, 1])
    return float(1.0 + np.hypot(foot[0], foot[1]) * level[1, 2] / max(span, 1e-9))


def _click_variance(ref: Reference, place: str, wall: WallSolution | None, state: State, length: float, long_side: int) -> float:
    """Variance of log length from where the ends were marked, on a photo with so many pixels along its long side."""
    click, total = CLICK_SIGMA_PX * long_side / 640.0, 0.0
    for index in np.ndindex(2, 2):
        moved = []
        for by in (click, -click):
            ends = np.array(ref.ends)
            ends[index] += by
            moved.append(_length(ends, place, wall, state))
        total += log_change(*moved, length, MOST_OFF) ** 2
    return total


def _shared_changes(ref: Reference, place: str, wall: int | None, layout: Layout, camera_moves, length: float) -> dict[str, float]:
    """Log change of the height, against that of the length, under each cause of the camera's and of the wall's, which is solved
    again under each."""
    ends, out = np.array(ref.ends), {}

    def under(state: State, bump: dict[str, float] | None = None) -> float | None:
        solved = None if wall is None else solve_wall(layout.walls[wall], state, bump=bump)
        return None if solved is None and wall is not None else _length(ends, place, solved, state)

    for k, (cause, up, down) in enumerate(camera_moves):
        out[camera_cause(cause, k)] = -log_change(under(up), under(down), length, MOST_OFF)
    for cause in WALL_CAUSES if wall is not None else ():
        up, down = (under(layout.state, {cause: sign}) for sign in (1.0, -1.0))
        out[wall_cause(wall, cause)] = -log_change(up, down, length, MOST_OFF)
    return out
