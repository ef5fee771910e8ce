"""A length the user marked on the photo, as an opinion on the camera's height (`poc.room.scale.fuse` joins the opinions).

The room's shape is known in camera heights before any metre is: where a marked segment lies in that shape gives its length
in camera heights, and its true length over that is the height. A segment lies on the floor, on one wall, or stands
upright on the floor; which, follows from the surfaces at its ends and its angle to the vertical. The room's
height, and a whole wall, are lengths of the room itself too (`poc.room.given`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poc.errors import ParameterError
from poc.room.ends import two_ends
from poc.room.given import GivenLength
from poc.room.layout import Layout
from poc.room.propagate import CameraMove, camera_cause, log_change, wall_cause
from poc.room.scale import CLICK_SIGMA_PX, KNOWN_OBJECTS, OBJECT
from poc.room.view import CEILING, DOOR, FLOOR, WALL, WINDOW, View
from poc.room.wallfit import WALL_CAUSES, State, WallSolution, solve_wall
from poc.types import Reference, ScaleSource

HEIGHT_RANGE_M = (0.3, 3.5)
"""Nobody photographs a room from outside this range: such a reference was marked in the wrong place."""
UPRIGHT_DEG = 12.0
"""A segment within this angle of the vertical, in the photo, may stand upright."""
STANDING = ("door", "socket")
"""Known objects that are measured from the floor upwards."""
MOST_OFF = 0.5
"""Change of log length that one cause makes at most; also counted where the length cannot be had under it."""
NEAR_CELLS = 4
"""Cells around an end whose surfaces tell what it lies on."""
LEAST_DROP = 0.03
"""Tangent below the horizon from which the floor under a pixel is known well enough to measure on."""
OFF_LEVEL = 0.05
"""A segment that rises by up to this share of its length (3°) may be a wall's, from corner to corner."""
FULL_HEIGHT = "from floor to ceiling"
"""How such a segment is named."""
PLACES = {"upright": "standing on the floor", "floor": "lying on the floor", "wall": "on a wall"}


@dataclass(frozen=True)
class References:
    """What references say about the camera's height. changes: for each, the log change of the height by cause, for causes that
    others share: the camera's errors are the same for all, a wall's for all on it, and doors of one make are equally high. given: for
    each, the length of the room itself that it is, or None."""

    opinions: tuple[ScaleSource, ...]
    changes: tuple[dict[str, float], ...]
    given: tuple[GivenLength | None, ...]


def reference_opinions(references: Sequence[Reference], view: View, layout: Layout, camera_moves: Sequence[CameraMove]) -> References:
    """What each reference says about the camera's height; one given twice (from either end) counts once.

    Raises ParameterError where a reference cannot be placed in the room, or implies a height outside `HEIGHT_RANGE_M`.
    """
    once = {(r.kind, *sorted(r.ends), r.length_m): r for r in reversed(references)}
    found = [_opinion(r, view, layout, camera_moves) for r in reversed(once.values())]
    return References(*(tuple(part) for part in zip(*found))) if found else References((), (), ())


@dataclass(frozen=True)
class Place:
    """How a marked segment is read. kind: a key of `PLACES`. wall: index in the layout of the wall that it is on, else None. whole:
    whether it is a length of the room itself: that wall from corner to corner, or, on no wall, the room's height."""

    kind: str
    wall: int | None = None
    whole: bool = False

    @property
    def words(self) -> str:
        """Where it is in the room."""
        if self.whole:
            return FULL_HEIGHT if self.wall is None else f"all along wall {self.wall + 1}"
        return PLACES[self.kind] if self.wall is None else f"on wall {self.wall + 1}"

    def solution(self, layout: Layout) -> WallSolution | None:
        """Where that wall stands, or None without a wall."""
        return None if self.wall is None else layout.solved[self.wall]


def _opinion(ref: Reference, view: View, layout: Layout,
             camera_moves: Sequence[CameraMove]) -> tuple[ScaleSource, dict[str, float], GivenLength | None]:
    """One reference's opinion, by how much (log) each cause that others may share moves the height, and the length of the room itself that
    it is, if it is one. The opinion's sigma holds the clicks too."""
    place = _place(ref, view, layout)
    length = _length(np.array(ref.ends), place.kind, place.solution(layout), layout.state)
    if length is None or not np.isfinite(length) or length < 1e-4:
        raise ParameterError(f"{_named(ref)} cannot be placed in the room: mark something that stands or lies on the floor, "
                             "or is on one wall")
    height = ref.length_m / length
    low, high = HEIGHT_RANGE_M
    if not low <= height <= high:
        raise ParameterError(f"{_named(ref)}, taken as {PLACES[place.kind]}, implies a camera {height:.2f} m above the floor "
                             f"(possible are {low} to {high} m); check its ends and its length in metres")
    changes = _shared_changes(ref, place, layout, camera_moves, length)
    changes[f"{OBJECT} {ref.kind if ref.kind in KNOWN_OBJECTS else ref.ends}"] = ref.sigma_m / ref.length_m
    clicks = _click_variance(ref, place, layout, length, max(view.camera.width, view.camera.height))
    sigma = float(np.sqrt(sum(x**2 for x in changes.values()) + clicks))
    name = f"reference {ref.kind}"
    given = GivenLength(place.wall, ref.length_m, ref.sigma_m / ref.length_m, name, place.words) if place.whole else None
    return ScaleSource(name, float(height), max(sigma, 0.002), f"{ref.length_m:g} m, {place.words}"), changes, given


def _named(ref: Reference) -> str:
    (u1, v1), (u2, v2) = ref.marked or ref.ends
    return f"reference {ref.kind} ({u1:g},{v1:g})–({u2:g},{v2:g}) of {ref.length_m:g} m"


def _place(ref: Reference, view: View, layout: Layout) -> Place:
    """Which reading of the segment fits: standing on the floor, lying on it, or on one wall; a length of the room itself only where it is said
    to be one. Raises ParameterError where none does."""
    ends = _lower_first(np.array(ref.ends), layout.state)
    level = layout.state.level_rays(ends)
    drop = -level[:, 2] / np.maximum(np.hypot(level[:, 0], level[:, 1]), 1e-9)
    floor = [_share(view, uv, (FLOOR,)) for uv in ends]
    upright = _tilt_deg(ends, layout.state) < UPRIGHT_DEG
    if ref.kind == "height":
        if upright and drop[0] > LEAST_DROP:
            return Place("upright", whole=True)
        raise ParameterError(f"{_named(ref)} does not go straight up from the floor: mark the room's height at one place, from where the wall "
                             "meets the floor up to where it meets the ceiling")
    if ref.kind == "wall":
        wall = _whole_wall(ends, layout)
        if wall is not None:
            return Place("wall", wall, whole=True)
        raise ParameterError(f"{_named(ref)} goes along no wall of which both corners were found: mark both ends in the corners, equally high, "
                             "or leave out \"wall:\"")
    if upright and drop[0] > LEAST_DROP and (ref.kind in STANDING or floor[0] > 0.25 and floor[1] < 0.5):
        return Place("upright")
    if min(drop) > LEAST_DROP and min(floor) > 0.25:
        return Place("floor")
    wall = _common_wall(ends, view, layout)
    if wall is not None:
        return Place("wall", wall)
    raise ParameterError(f"{_named(ref)} is on neither the floor nor one wall that was found: mark something that stands or lies "
                         "on the floor, or is on one wall")


def _lower_first(ends: np.ndarray, state: State) -> np.ndarray:
    """Photo pixels 2×2, the one that is lower in the room first."""
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


def _whole_wall(ends: np.ndarray, layout: Layout) -> int | None:
    """The wall whose two corners the ends (photo pixels 2×2) lie in, equally high on it."""
    near = NEAR_CELLS / (layout.state.f_px * layout.cells_per_px)
    level = layout.state.level_rays(ends)
    azimuth = np.sort(np.arctan2(level[:, 0], level[:, 1]))
    for k, wall in enumerate(layout.solved):
        pair = two_ends(layout, k)
        if any(end.kind != "corner" for end in pair):
            continue
        corners = layout.state.level_rays(np.array([end.uv for end in pair]))
        if np.abs(np.sort(np.arctan2(corners[:, 0], corners[:, 1])) - azimuth).max() > near:
            continue
        length = _length(ends, "wall", wall, layout.state)
        along = level[:, 0] * np.sin(wall.psi) + level[:, 1] * np.cos(wall.psi)
        if length is not None and abs(float(np.diff(level[:, 2] / along)[0])) * wall.distance < OFF_LEVEL * length:
            return k
    return None


def _length(ends: np.ndarray, kind: str, wall: WallSolution | None, state: State) -> float | None:
    """Length of the segment (photo pixels 2×2) in camera heights under a state, or None where it cannot be had. kind, wall: how
    it is read (`Place`)."""
    ends = _lower_first(ends, state)
    level = state.level_rays(ends)
    if kind == "wall":
        along = level[:, 0] * np.sin(wall.psi) + level[:, 1] * np.cos(wall.psi)
        if min(along) < 0.02:
            return None
        points = level * (wall.distance / along)[:, None]
        return float(np.linalg.norm(points[1] - points[0]))
    if level[0, 2] >= -1e-3:
        return None
    foot = level[0] / -level[0, 2]
    if kind == "floor":
        return None if level[1, 2] >= -1e-3 else float(np.linalg.norm(level[1] / -level[1, 2] - foot))
    span = np.hypot(level[1, 0], level[1, 1])
    return float(1.0 + np.hypot(foot[0], foot[1]) * level[1, 2] / max(span, 1e-9))


def _click_variance(ref: Reference, place: Place, layout: Layout, length: float, long_side: int) -> float:
    """Variance of log length from where the ends were marked. long_side: of the photo, pixels."""
    click, total = CLICK_SIGMA_PX * long_side / 640.0, 0.0
    for index in np.ndindex(2, 2):
        moved = []
        for by in (click, -click):
            ends = np.array(ref.ends)
            ends[index] += by
            moved.append(_length(ends, place.kind, place.solution(layout), layout.state))
        total += log_change(*moved, length, MOST_OFF) ** 2
    return total


def _shared_changes(ref: Reference, place: Place, layout: Layout, camera_moves: Sequence[CameraMove], length: float) -> dict[str, float]:
    """Log change of the camera's height (the opposite of the length's) under each error of the camera and of the wall, which is
    solved again under each. length: of the segment at rest, camera heights."""
    ends, wall, out = np.array(ref.ends), place.wall, {}

    def under(state: State, bump: dict[str, float] | None = None) -> float | None:
        solved = None if wall is None else solve_wall(layout.walls[wall], state, bump=bump)
        return None if solved is None and wall is not None else _length(ends, place.kind, solved, state)

    for k, move in enumerate(camera_moves):
        out[camera_cause(move.cause, k)] = -log_change(under(move.up), under(move.down), length, MOST_OFF)
    for cause in WALL_CAUSES if wall is not None else ():
        up, down = (under(layout.state, {cause: sign}) for sign in (1.0, -1.0))
        out[wall_cause(wall, cause)] = -log_change(up, down, length, MOST_OFF)
    return out
