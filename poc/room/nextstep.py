"""The one thing worth measuring next: which length, or which further photo, would sharpen the most important measurement most.

Nothing is guessed: `Scene.solution` holds what every independent one-sigma error does to the whole room. A known length L rescales the
room, so what is left of a measurement's error is that of its ratio to L: variance |q − l|² + τ², where q and l are the log changes of
the measurement and of L under each error, and τ is the sigma of log L as it is measured. A length of the room itself tells of its errors
too, and what is left is what `poc.room.given` leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from poc.room.freespace import END_WORDS, goes_on, stretch_length
from poc.room.propagate import Learnt, ceiling_climb, log_changes, wall_length
from poc.room.roomspace import free_kinds, longest_free
from poc.room.scale import LENGTH_SIGMA_REL
from poc.types import Z90, Measurement, NextMeasurement, Scene, WallSegment

IMPORTANT = ("longest_free_wall", "longest_wall", "ceiling_height")
"""What decides which furniture fits, in this order."""
TAPE_SIGMA_REL = 0.01
"""A length measured by tape."""
MARK_SIGMA_REL = 0.03
"""A length marked on the photo: the tape, and where the two clicks land."""
WHOLE_MARK_SIGMA_REL = 0.05
"""One sigma of log camera height by where the two ends of a length of the room itself are marked, from floor to ceiling or from corner to
corner, whatever its length: 0.03 to 0.13 on 15 photos, mostly 0.03 to 0.05."""
WORTH_SHARE = 0.9
"""A proposal must leave at most this share of the interval, or it is not worth anybody's time."""
WORTH_M = 0.10
"""Of a lower bound, it must lift the bound by this much instead."""
ITSELF_SHARE = 0.6
"""Measuring the wanted wall itself is proposed only where every other length would leave more than this share."""
SHARP_ENOUGH = 0.06
"""A lower bound within this (log) of the length seen gains more from another photo than from a tape."""
TOO_VAGUE = 0.18
"""Sigma of a wall's log length (± 30 %) from which seeing its other end would not make it a measurement."""
USUAL_CEILING_M, CEILING_SIGMA = 2.5, 0.03
"""Height assumed of a ceiling that is not seen yet, and sigma of its log by the ceiling's line."""
HEIGHT_BY_TAPE = "measure the room's height with a tape and mark it on the photo as that, from the foot of a wall straight up to the ceiling"
STRETCH_M = 2.0
"""Length assumed of a free stretch where none is seen yet: a sofa's."""


@dataclass(frozen=True)
class Length:
    """Something a tape can measure. action: what to do. changes: of its log length under each error of the scene's solution. sigma:
    of its log as measured. itself: names of the measurements that it is, or is most of. height: for a length of the room itself, log changes
    of the camera's height, of which marking it tells too; else None."""

    action: str
    changes: np.ndarray
    sigma: float
    itself: tuple[str, ...] = ()
    height: np.ndarray | None = None

    def variance_left(self, q: np.ndarray) -> float:
        """Variance of the log of a quantity, of log changes q under each error, once this length is known."""
        if self.height is None:
            return variance_left(q, self.changes, self.sigma)
        marked = Learnt.of(self.height, WHOLE_MARK_SIGMA_REL)
        left = Learnt.of(marked.left(self.changes), self.sigma).left(marked.left(q))
        return float(left @ left)


def next_measurement(scene: Scene, measurements: Iterable[Measurement]) -> NextMeasurement | None:
    """The best next step, or None where there is no room or nothing would help by a tenth."""
    if scene.refusal or scene.scale is None or scene.solution is None:
        return None
    by_name = {m.name: m for m in measurements}
    for name in IMPORTANT:
        m = by_name.get(name)
        step = None if m is None else _step(scene, m, by_name)
        if step is not None:
            return step
    return None


def _step(scene: Scene, m: Measurement, by_name: Mapping[str, Measurement]) -> NextMeasurement | None:
    """What would sharpen one measurement most, or None where nothing would by much."""
    if m.name == "ceiling_height" and m.status != "measured":
        return _ceiling_photo(scene, m) if scene.plane("ceiling") is None else None
    if m.status == "unknown" or m.value is None:
        return _free_wall_photo(by_name.get("longest_wall")) if m.name == "longest_free_wall" else None
    by_tape = _best_length(scene, m)
    if m.status == "lower_bound":
        loose = float(np.log(m.value / m.low)) > SHARP_ENOUGH
        if by_tape is not None and loose:
            return by_tape
        return _end_photo(scene, m) if _sigma(m) < TOO_VAGUE else None
    return by_tape


# --- lengths -----------------------------------------------------------------------------------------------------------


def _best_length(scene: Scene, m: Measurement) -> NextMeasurement | None:
    """The length that would leave least of a measurement's error."""
    now = _sigma(m)
    q = _changes_of(scene, m)
    rest = max(now**2 - float(q @ q), 0.0)  # of the interval, what the solution's errors do not explain
    q = q * min(1.0, now / max(float(np.linalg.norm(q)), 1e-12))
    left = [_Proposal(float(np.sqrt(length.variance_left(q) + rest)), length) for length in lengths(scene, m)]
    others = [proposal for proposal in left if m.name not in proposal.length.itself]
    best = min(others, key=lambda proposal: proposal.sigma_after, default=None)
    if best is None or best.sigma_after > ITSELF_SHARE * now:
        best = min(left, key=lambda proposal: proposal.sigma_after, default=None)
    if best is None or best.sigma_after > WORTH_SHARE * now:
        return None
    after, length = best
    if m.status != "measured" and m.value * np.exp(-Z90 * after) < m.low + WORTH_M:
        return None
    if m.status == "measured":
        return NextMeasurement(length.action, m.name, _width(m.value, now), _width(m.value, after))
    return NextMeasurement(length.action, m.name, float("inf"), float("inf"), float(m.low), float(m.value * np.exp(-Z90 * after)))


class _Proposal(NamedTuple):
    """A length to measure, and the sigma of the wanted measurement's log that would be left."""

    sigma_after: float
    length: Length


def variance_left(q: np.ndarray, l: np.ndarray, tau: float) -> float:
    """Variance of the log of a quantity once the room is rescaled by a length known to ± tau (log); as before where that would not help.

    q, l: log changes of the quantity and of the length under each independent one-sigma error.
    """
    return min(float(q @ q), float((q - l) @ (q - l)) + tau**2)


def _sigma(m: Measurement) -> float:
    """One sigma of a measurement's log, from its interval."""
    return float(np.log(m.value / m.low)) / Z90


def _width(value: float, sigma: float) -> float:
    """Width of the 90 % interval of a value whose log has this sigma."""
    return float(value * (np.exp(Z90 * sigma) - np.exp(-Z90 * sigma)))


def lengths(scene: Scene, wanted: Measurement) -> list[Length]:
    """What could be measured in this room: the camera's height, the room's, walls seen from corner to corner, a door."""
    out, height = [], log_changes(scene.solution, lambda s: s.camera_height)
    if "camera height given" not in scene.scale.source:
        action = "measure how high the camera was above the floor, or take the photo again from a height measured to a centimetre"
        out.append(Length(action, height, TAPE_SIGMA_REL))
    if scene.solution.base.ceiling is not None and ceiling_climb(scene) is None:  # else it has not one height
        changes = log_changes(scene.solution, lambda s: s.ceiling)
        out.append(Length(HEIGHT_BY_TAPE, changes, LENGTH_SIGMA_REL, ("ceiling_height",), height))
    for k, wall in enumerate(scene.walls):
        if wall.end_kinds == ("corner", "corner"):
            itself = (wanted.name,) * (wanted.name in IMPORTANT[:2] and wall is _wall_of(scene, wanted))
            action = f"measure {_called(wall)} with a tape, from corner to corner, and mark it on the photo as a whole wall"
            out.append(Length(action, log_changes(scene.solution, lambda s, k=k: wall_length(s, k)), LENGTH_SIGMA_REL, itself, height))
    ids = {w.plane_id for w in scene.walls}
    something = "something that stands or lies on the floor, a metre long or more,"
    what = "the door's height" if any(o.kind == "door" and o.plane_id in ids for o in scene.openings) else something
    out.append(Length(f"measure {what} and mark it on the photo as a reference", height, MARK_SIGMA_REL))
    return out


def _wall_of(scene: Scene, m: Measurement) -> WallSegment:
    """The wall that a longest wall, or free stretch, is a measurement of."""
    if m.name == "longest_free_wall" and (found := longest_free(scene)):
        return found[0]
    return min(scene.walls, key=lambda w: abs(w.length_m - m.value))


def _called(wall: WallSegment) -> str:
    return wall.plane_id.replace("_", " ")


def _changes_of(scene: Scene, m: Measurement) -> np.ndarray:
    """Log changes of a measurement itself under each error of the scene's solution."""
    if m.name == "ceiling_height":
        return log_changes(scene.solution, lambda s: s.ceiling)
    found, wall = longest_free(scene), _wall_of(scene, m)
    k = [w.plane_id for w in scene.walls].index(wall.plane_id)
    if m.name == "longest_free_wall" and found:
        kinds = free_kinds(wall)[wall.free.index(found[1])]
        return log_changes(scene.solution, lambda s: stretch_length(s, k, wall, found[1], kinds))
    return log_changes(scene.solution, lambda s: wall_length(s, k))


# --- photos ------------------------------------------------------------------------------------------------------------


def _ceiling_photo(scene: Scene, m: Measurement) -> NextMeasurement:
    """A photo with the ceiling in it: the height then carries the scale's error, and the ceiling line's."""
    sigma = float(np.hypot(scene.scale.sigma_rel, CEILING_SIGMA))
    width = _width(max(USUAL_CEILING_M, m.low or 0.0), sigma)
    return NextMeasurement("take a photo tilted up, so that the ceiling is in it", "ceiling_height", float("inf"), width, m.low)


def _free_wall_photo(longest_wall: Measurement | None) -> NextMeasurement | None:
    """A photo with a wall's bare foot in it; a stretch of `STRETCH_M` is taken to be as sure as this photo's longest wall is."""
    if longest_wall is None or longest_wall.value is None or _sigma(longest_wall) >= TOO_VAGUE:
        return None
    action = "take another photo, of a wall with nothing in front of it, if there is one, so that the floor at its foot is in it"
    return NextMeasurement(action, "longest_free_wall", float("inf"), _width(STRETCH_M, _sigma(longest_wall)))


def _end_photo(scene: Scene, m: Measurement) -> NextMeasurement | None:
    """A photo with what this one does not show: of the wall, and of each other that goes on and may be longer. Its error is taken to be
    as large as here."""
    free = m.name == "longest_free_wall" and longest_free(scene) is not None
    ends = [(w, kinds) for w in scene.walls for kinds in (free_kinds(w) if free else (w.end_kinds,))]
    cut = [(w, kinds) for w, kinds in ends if goes_on(kinds)]
    walls = list(dict.fromkeys(_called(w) for w, _ in cut))
    if len(cut) == 1:
        (wall, kinds), = cut
        action = _photo_of(f"the free stretch of {_called(wall)}" if free else _called(wall), kinds)
    else:
        *first, last = walls or [_called(_wall_of(scene, m))]
        all_of = f"{', '.join(first)} and {last}" if first else last
        are = "are" if first else "is"
        action = f"take another photo, from further back or from the other side, so that all of {all_of} {are} in it"
    return NextMeasurement(action, m.name, float("inf"), _width(m.value, _sigma(m)), float(m.low))


def _photo_of(what: str, kinds: tuple[str, str]) -> str:
    """The proposal to photograph `what`, and from where: toward the end that the photo's edge cuts, or past what hides it."""
    open_ends = [side for side, kind in zip(("left", "right"), kinds) if kind in END_WORDS]
    if len(open_ends) != 1:
        return f"take another photo, from further back or from the other side, so that both ends of {what} are in it"
    side = open_ends[0]
    if kinds[("left", "right").index(side)] == "frame":
        return f"take another photo, turned further to the {side}, so that the {side} end of {what} is in it"
    return f"take another photo, from further to the {side}, past what hides the {side} end of {what}"
