"""Several photos of one room as one set of measurements: `join_rooms`.

Each photo is measured by itself first. Photos are seated in the frame of one of them (the anchor) by the details that both show;
distances to walls found in several are joined by their uncertainty, errors that photos share staying shared. A photo that cannot be
matched to the others may be of another room: it adds nothing to the joint room, and a remark tells what it says by itself. Where no
photo can be matched to another, nothing is joined. Photos that disagree are named, and their disagreement widens the intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from poc.errors import ParameterError
from poc.measure import doubting_crossed, doubting_scale, if_known, longest, measure, measurement_json, no_sliver
from poc.room import jointfit
from poc.room.freespace import CORNER_SIGMA_M, end_sigma_m, log_normal, split, unknown
from poc.room.jointfit import View, to_anchor
from poc.room.jointroom import (
    EDGE_M, End, Stretch, along_of, covered_of, free_of, free_spans, merge_floor, merge_openings, rescaled, segment_of, stretch_of,
)  # fmt: skip
from poc.room.jointwalls import JointWall, pair_walls
from poc.room.roomspace import longest_free
from poc.room.sameroom import Seat
from poc.room.seating import RoomPhoto, same_views, seat_photos, twins
from poc.types import SLOPING_CEILING, Z90, Measurement, Plane, Scale, Scene, floored

__all__ = ["Conflict", "JointRoom", "RoomPhoto", "join_rooms"]

TOLD_ALONE = ("camera_height", "ceiling_height", "longest_wall")
"""Measurements that are told of a photo that is left out."""
IN_LINE = 2.0
"""A wall nearer than this many sigmas to where the anchor stood is in line with it: no distance to it can be told."""
BEYOND_SIGMA = 0.5
"""One sigma of a wall's length where another photo sees it go on past its corner, as a share of how far it goes on."""


@dataclass(frozen=True)
class Conflict:
    """A disagreement beyond the errors. name: of the quantity. photos: names of those that disagree. values: what they say, metres
    (empty where it is no number). text: a sentence."""

    name: str
    photos: tuple[str, ...]
    values: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class JointRoom:
    """One room from several photos. scene: in the anchor photo's camera and room frame; measurements: joined.

    photos: names in order. anchor: position of the photo that `scene` is seen from. seats: place of every photo that is joined, by
    position. remarks: photos that are left out, and why; what was done to a photo when it was read. Where nothing was joined, scene
    and measurements are the anchor's own, and the first remark says so.
    """

    scene: Scene
    measurements: tuple[Measurement, ...]
    photos: tuple[str, ...]
    anchor: int
    seats: dict[int, Seat]
    conflicts: tuple[Conflict, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def matched(self) -> list[str]:
        """Names of the photos that the measurements come from."""
        return [self.photos[i] for i in sorted(self.seats)]

    @property
    def joined(self) -> bool:
        """Whether the measurements come from more than one photo."""
        return len(self.seats) > 1

    def record(self, model: dict) -> dict:
        """The contract of `poc measure --json`, with the photos, their conflicts and what could not be matched."""
        conflicts = [{"name": c.name, "photos": list(c.photos), "values": [round(v, 4) for v in c.values], "text": c.text}
                     for c in self.conflicts]
        return measurement_json(self.scene, self.measurements, model, self.photos[self.anchor]) | {
            "photos": list(self.photos), "conflicts": conflicts, "seen_from": self.photos[self.anchor],
            "matched": self.matched, "joined": self.joined, "remarks": list(self.remarks)}


class _LeastHeight(NamedTuple):
    """Up to what height a photo (by position) sees a wall, as its own `ceiling_height`."""

    photo: int
    measurement: Measurement


def join_rooms(rooms: Sequence[RoomPhoto]) -> JointRoom:
    """One set of measurements from photos of the same room. Raises ParameterError where there is no photo."""
    if not rooms:
        raise ParameterError("no photo to join: give at least one")
    names = _names(rooms)
    read = tuple(f"{name}: {note}" for name, r in zip(names, rooms) for note in r.photo.notes)
    again = twins(rooms)
    good = [i for i, r in enumerate(rooms) if r.scene.refusal is None and i not in again]
    remarks = [f"{names[i]} is left out: {rooms[i].scene.refusal}" for i, r in enumerate(rooms) if r.scene.refusal is not None]
    remarks += [f"{names[i]} is left out: it is the same file as {names[k]}, and tells nothing new" for i, k in again.items()]
    if not good:
        reasons = "; ".join(f"{n}: {r.scene.refusal}" for n, r in zip(names, rooms))
        first = rooms[0].scene if len(rooms) == 1 else replace(rooms[0].scene, refusal=reasons)
        return JointRoom(first, measure(first), names, 0, {}, (), read)
    seats, copies = seat_photos(rooms, good)
    same = same_views(rooms, seats)
    remarks += [f"{names[i]} is left out: it is the same picture as {names[k]}, whole or in part, and tells nothing new"
                for i, k in copies.items()]
    remarks += [f"{names[i]} is left out: it shows what {names[k]} shows, from the same spot, and tells nothing new"
                for i, k in same.items()]
    good, seats = [i for i in good if i not in same | copies], {i: seat for i, seat in seats.items() if i not in same}
    anchor = next(iter(seats))
    last = [_left_out(names[i], names[anchor] if len(seats) == 1 else "the others", rooms[i]) for i in good if i not in seats]
    if len(seats) == 1:
        first = [f"The values are those of {names[anchor]} alone"] if len(rooms) > 1 else []
        if len(good) > 1:
            first = [_nothing_joined([names[i] for i in good], names[anchor])]
        return JointRoom(rooms[anchor].scene, rooms[anchor].measurements, names, anchor, seats, (), (*first, *remarks, *last, *read))
    return _solved(rooms, names, anchor, seats).result((*remarks, *last, *read))


def _nothing_joined(names: list[str], anchor: str) -> str:
    """The first remark where no two photos could be matched: the values are one photo's."""
    return (f"The photos {', '.join(names[:-1])} and {names[-1]} were not shown to be of one room, and nothing was joined: no two of them "
            f"show enough of the same details; the values are those of {anchor} alone")


def _left_out(name: str, others: str, room: RoomPhoto) -> str:
    """The remark that a photo may be of another room and adds nothing, and what it says by itself."""
    said = [_alone(m) for m in room.measurements if m.name in TOLD_ALONE and m.status != "unknown"]
    own = f"; by itself it says: {', '.join(said)}" if said else ""
    return f"{name} cannot be matched to {others} and is left out: too few details are in both photos{own}"


def _alone(m: Measurement) -> str:
    """A measurement in half a sentence: "ceiling height 2.50 m (1.99–3.13)", "longest wall at least 3.27 m"."""
    title = m.name.replace("_", " ")
    if m.status == "lower_bound":
        return f"{title} at least {floored(m.low)} {m.unit}"
    return f"{title} {m.value:.2f} {m.unit} ({m.low:.2f}–{m.high:.2f})"


def _names(rooms: Sequence[RoomPhoto]) -> tuple[str, ...]:
    """The photos' names, numbered where two are called the same."""
    out = [r.photo.name for r in rooms]
    return tuple(n if out.count(n) == 1 else f"{n} ({out[: k + 1].count(n)})" for k, n in enumerate(out))


def _solved(rooms: Sequence[RoomPhoto], names: tuple[str, ...], anchor: int, seats: dict[int, Seat]) -> _Join:
    """Walls of the seated photos paired, and their distances fitted together with where the photos were taken."""
    views = jointfit.doubting_given([jointfit.view_of(names[i], r.scene) if i in seats else None for i, r in enumerate(rooms)])
    walls = pair_walls(views, seats, anchor)
    rows = []
    for i, seat in seats.items():
        owner = {k: wall.number for wall in walls for photo, k in wall.members if photo == i}
        rows += jointfit.rows_of(views[i], i, owner, seat.turn)
    rows, apart = jointfit.widened(views, rows)
    fit = jointfit.solve(views, rows, {i: s for i, s in seats.items() if i != anchor}, anchor)
    placed = {i: _settled(i, seat, fit) for i, seat in seats.items()}
    for i in seats:
        views[i] = rescaled(views[i], fit.get({f"height of {i}": 1.0})[0])
    join = _Join(rooms, names, anchor, views, walls, fit, placed)
    join.conflicts += [join.conflict_of(pair) for pair in apart]
    return join


def _settled(photo: int, seat: Seat, fit: jointfit.Fit) -> Seat:
    """A seat with the shift that the fit gave it, along the axes on which it has any wall."""
    unknowns = (f"x of {photo}", f"y of {photo}")
    shift = [fit.get({name: 1.0})[0] if name in fit.names else seat.shift_m[k] for k, name in enumerate(unknowns)]
    return replace(seat, shift_m=np.array(shift))


@dataclass
class _Join:
    """The photos that could be matched, and what was solved of them. views: per photo, scaled to the joint camera heights, None
    without a seat. walls: paired. placed: seats by photo, as the walls settled them. conflicts: grow while the room is put together."""

    rooms: Sequence[RoomPhoto]
    names: tuple[str, ...]
    anchor: int
    views: list[View | None]
    walls: list[JointWall]
    fit: jointfit.Fit
    placed: dict[int, Seat]
    conflicts: list[Conflict] = field(default_factory=list)

    def result(self, remarks: tuple[str, ...]) -> JointRoom:
        """The joint room; looked at step by step, because each may add conflicts."""
        stretches = [stretch_of(w, self.walls, self.views, self.placed, self.fit) for w in self.walls]
        scene = self._scene(stretches)
        measurements = self._measurements(scene, stretches)
        return JointRoom(scene, measurements, self.names, self.anchor, self.placed, tuple(self.conflicts), remarks)

    @property
    def _matched(self) -> list[int]:
        """Positions of the photos that are joined, in order."""
        return sorted(self.placed)

    # --- disagreements ---------------------------------------------------------------------------------------------

    def conflict_of(self, pair: jointfit.Disagreement) -> Conflict:
        """Two photos that differ about a distance between walls, or the ceiling's height."""
        ceiling = pair.names == ("ceiling",)
        name = "ceiling_height" if ceiling else " to ".join(n.replace(" ", "_") for n in pair.names)
        what = "the ceiling's height" if ceiling else f"the distance from {' to '.join(pair.names)}"
        return self._told(name, what, (pair.first.photo, pair.second.photo), (pair.first.value, pair.second.value))

    def _told(self, name: str, what: str, photos: tuple[int, int], values: tuple[float, float]) -> Conflict:
        """A conflict in words. what: the quantity, as the sentence has it; values: metres."""
        first, second = (self.names[i] for i in photos)
        gap = 100 * float(np.expm1(abs(np.log(values[0] / values[1]))))
        text = (f"{first} and {second} disagree about {what}: {values[0]:.2f} m and {values[1]:.2f} m, {gap:.0f} % apart, "
                "which is more than their errors allow")
        return Conflict(name, (first, second), values, text)

    # --- the joint room --------------------------------------------------------------------------------------------

    def _scene(self, stretches: list[Stretch]) -> Scene:
        """The anchor's scene with the joint walls, ceiling, scale and floor. Walls of its own along no axis stay as they are."""
        own = self.views[self.anchor].scene
        height, sigma = self.fit.get({f"height of {self.anchor}": 1.0})
        sources = dict.fromkeys(s for i in self._matched for s in self.rooms[i].scene.scale.source.split(" + "))
        notes = tuple(f"by {self.names[self.anchor]} alone, {note}" for note in own.scale.notes)  # the joint interval is another
        scale = Scale(" + ".join(sources), height, sigma / height, own.scale.opinions, notes)
        planes = [replace(own.plane("floor"), offset_m=height, sigma_m=sigma, basis=scale.source)]
        if "ceiling" in self.fit.names:
            planes.append(self._ceiling(own, height))
        segments = []
        for s in stretches:
            planes.append(self._plane(s.wall, own))
            at = self.fit.get({f"wall {s.wall.number}": 1.0})[0]
            free = free_of(s, self.views, self.placed, at)
            self._note_cut(s, free.cutters)
            segments.append(segment_of(s, at, free.spans, covered_of(s, self.views, self.placed)))
        slanted = [w for w in own.walls if w.plane_id not in {s.wall.id for s in stretches}]
        planes += [p for w in slanted if (p := own.plane(w.plane_id)) is not None]
        segments += slanted
        openings = merge_openings(self.walls, self.views, self.placed, self.anchor)
        scene = replace(own, scale=scale, planes=tuple(planes), walls=tuple(segments), openings=openings, solution=None)
        return merge_floor(scene, {i: self.views[i].scene for i in self.placed}, self.placed)

    def _ceiling(self, own: Scene, height: float) -> Plane:
        """The joint ceiling as the anchor's plane. height: of the anchor's camera, metres."""
        total, sigma = self.fit.get({"ceiling": 1.0})
        seen = [p for i in self._matched if (p := self.rooms[i].scene.plane("ceiling")) is not None]
        mine = own.plane("ceiling")
        mask = np.zeros_like(own.plane("floor").mask) if mine is None else mine.mask
        basis = " + ".join(dict.fromkeys(p.basis for p in seen))
        normal, pixels = -own.plane("floor").normal_cam, sum(p.pixels for p in seen)
        return Plane("ceiling", "ceiling", normal, total - height, sigma, pixels, False, mask, basis)

    def _plane(self, wall: JointWall, own: Scene) -> Plane:
        """A joint wall as the anchor's plane, with a mask where the anchor sees it."""
        at, sigma = self.fit.get({f"wall {wall.number}": 1.0})
        seen = [self.rooms[i].scene.plane(self.views[i].walls[k].plane_id) for i, k in wall.members]
        mask = seen[0].mask if wall.members[0][0] == self.anchor else np.zeros_like(own.plane("floor").mask)
        normal = -(own.room_from_cam.T @ np.append(jointfit.unit_of_facing(wall.facing), 0.0))
        basis = " + ".join(dict.fromkeys(part for p in seen for part in p.basis.split(" + ")))
        side = 1.0 if at > 0 else -1.0  # a wall of an alcove may face away from where the anchor stood
        pixels, foot_seen = sum(p.pixels for p in seen), any(p.foot_seen for p in seen)
        return Plane(wall.id, "wall", normal * side, abs(at), sigma, pixels, foot_seen, mask, basis)

    def _note_cut(self, stretch: Stretch, cutters: list[int]) -> None:
        """A conflict for each photo whose furniture takes what another photo sees free."""
        for i in cutters:
            text = (f"{self.names[i]} shows something standing before {stretch.wall.id.replace('_', ' ')} where another photo shows it "
                    "free; it counts as taken")
            self.conflicts.append(Conflict(f"{stretch.wall.id} free", (self.names[i],), (), text))

    # --- measurements ----------------------------------------------------------------------------------------------

    def _measurements(self, scene: Scene, stretches: list[Stretch]) -> tuple[Measurement, ...]:
        """The joint scene's measurements; those of walls and ceiling by the fit."""
        found = {m.name: m for m in measure(self._as_seen(scene, stretches), one_view=False)}
        found["longest_free_wall"] = self._free_wall(found["longest_free_wall"], scene, stretches)
        own = [told(s, scene.plane(s.wall.id), scene.scale) for s in stretches for told in (self._distance, self._length)]
        found |= {m.name: m for m in doubting_crossed(scene, own)}
        height = found["ceiling_height"] if "ceiling" in self.fit.names else self._least_height(found["ceiling_height"])
        found["ceiling_height"] = self._ceiling_beside_walls(self._where_sloping(height))
        found = {name: if_known(m) for name, m in found.items()}
        lengths = [m for name, m in found.items() if name.startswith("wall_") and name.endswith("_length")]
        found["longest_wall"] = replace(longest(lengths), name="longest_wall")
        return doubting_scale([self.rooms[i].scene for i in self._matched], found.values())

    def _highest_wall(self) -> _LeastHeight | None:
        """Of the photos without the ceiling in them, the one that sees a wall highest up; None where no photo tells so."""
        told = [_LeastHeight(i, m) for i in self._matched for m in self.rooms[i].measurements
                if m.name == "ceiling_height" and m.status == "lower_bound"]
        return sorted(told, key=lambda least: least.measurement.low)[-1] if told else None

    def _least_height(self, m: Measurement) -> Measurement:
        """The ceiling's height where no photo shows the ceiling: at least up to where a photo sees a wall."""
        highest = self._highest_wall()
        if highest is not None:
            m = replace(highest.measurement, basis=f"{highest.measurement.basis}, in {self.names[highest.photo]}")
        return replace(m, reason="the ceiling is out of every photo, or not seen clearly enough")

    def _ceiling_beside_walls(self, m: Measurement) -> Measurement:
        """The ceiling's height; its interval reaches up to where another photo surely sees a wall, if that is higher."""
        highest = self._highest_wall()
        if highest is None or m.status != "measured" or not highest.measurement.low > m.high:
            return m
        name, least, seeing = self.names[highest.photo], highest.measurement, self._seeing_ceiling()
        text = (f"{name} shows a wall up to {least.low:.2f} m at least, above the ceiling at {m.value:.2f} m that "
                f"{' and '.join(seeing)} {'show' if len(seeing) > 1 else 'shows'}")
        self.conflicts.append(Conflict(m.name, (*seeing, name), (m.value, least.value), text))
        return replace(m, high=least.value)

    def _where_sloping(self, m: Measurement) -> Measurement:
        """The ceiling's height with what each photo shows that sees it slope, which is no observation of one height."""
        sloping = [(self.names[i], seen) for i in self._matched for seen in self.rooms[i].measurements
                   if seen.name == m.name and seen.status == "measured" and SLOPING_CEILING in seen.reason]
        if not sloping:
            return m
        told = [*(seen for _, seen in sloping), *([m] if m.status == "measured" else [])]
        return replace(told[-1], low=min(t.low for t in told), high=max(t.high for t in told),
                       light="red" if any(t.light == "red" for t in told) else "amber",
                       reason="; ".join(f"by {name}, {seen.reason}" for name, seen in sloping))

    def _seeing_ceiling(self) -> list[str]:
        """Names of the photos in which the ceiling is measured."""
        return [self.names[i] for i in self._matched if self.rooms[i].scene.plane("ceiling") is not None]

    def _as_seen(self, scene: Scene, stretches: list[Stretch]) -> Scene:
        """The scene with its walls' relative errors as from a camera that saw them: lengths and areas on them have those."""
        own = {s.wall.id: self._distance_sigma(s.wall) for s in stretches}
        planes = tuple(replace(p, sigma_m=own[p.id] * p.offset_m) if p.id in own and p.offset_m > 0 else p for p in scene.planes)
        return replace(scene, planes=planes)

    def _distance_sigma(self, wall: JointWall) -> float:
        """Smallest relative error of a wall's distance from a camera that saw it, which its length as seen from there has too. (From
        the anchor it may lie at no distance at all.)"""
        planes = [self.rooms[i].scene.plane(self.views[i].walls[k].plane_id) for i, k in wall.members]
        return min(p.sigma_m / p.offset_m for p in planes)

    def _end_sigma(self, wall: JointWall, end: End) -> float:
        """One sigma (metres, along the wall) of where it ends, by the photo that saw the end."""
        if end.kind == "corner":
            return CORNER_SIGMA_M
        view = self.views[end.photo]
        segment = view.scene.walls[next(view.walls[k].index for i, k in wall.members if i == end.photo)]
        at = to_anchor(segment.ends, self.placed[end.photo]) @ along_of(wall.facing)
        return end_sigma_m(view.scene, view.scene.plane(segment.plane_id), segment.ends[int(np.argmin(np.abs(at - end.at_m)))])

    def _shift_sigma(self, wall: JointWall, photos: set[int]) -> float:
        """One sigma (metres, along the wall) of where photos stood relative to each other; 0 for a single one."""
        if len(photos) < 2:
            return 0.0
        a = along_of(wall.facing)
        parts = [{n: float(v) for axis, v in zip("xy", a) if v and (n := f"{axis} of {i}") in self.fit.names} for i in photos]
        sigmas = [self.fit.get(p)[1] if p else self.placed[i].sigma_m * (i != self.anchor) for i, p in zip(photos, parts)]
        return float(np.linalg.norm(sigmas))

    def _free_wall(self, m: Measurement, scene: Scene, stretches: list[Stretch]) -> Measurement:
        """The longest free wall; one that only several photos together show has the error of where they stood, too."""
        found = longest_free(scene)
        stretch = next((s for s in stretches if found and s.wall.id == found[0].plane_id), None)
        if stretch is None or m.low is None:
            return m
        low, high = (stretch.left.at_m + t for t in found[1])
        photos = {i for i, _ in stretch.wall.members}
        seen = [free.span for free in free_spans(stretch.wall, self.views, self.placed)]
        if any(span.start_m <= low + EDGE_M and span.end_m >= high - EDGE_M for span in seen):
            return m
        sigma2, apart = (np.log(m.value / m.low) / Z90) ** 2, self._shift_sigma(stretch.wall, photos) / m.value
        parts = {cause: share * sigma2 for cause, share in m.budget.items()}
        wider = log_normal(m.name, m.value, m.unit, parts | {"unseen": parts.get("unseen", 0.0) + apart**2}, m.basis)
        light = "red" if m.light == "red" else wider.light
        return replace(m, low=wider.low, high=None if m.high is None else wider.high, budget=wider.budget, light=light)

    def _distance(self, s: Stretch, plane: Plane, scale: Scale) -> Measurement:
        """Distance of a joint wall from where the anchor stood."""
        name = f"{s.wall.id}_distance"
        if plane.offset_m < IN_LINE * plane.sigma_m:
            return unknown(name, "m", f"{self.names[self.anchor]} was taken from the line of this wall, which another photo shows")
        return log_normal(name, plane.offset_m, "m", split(plane.sigma_m / plane.offset_m, scale), plane.basis)

    def _length(self, s: Stretch, plane: Plane, scale: Scale) -> Measurement:
        """Length of a joint wall: by the fit between two corners that were solved, else by the photos that saw its ends."""
        name, basis = f"{s.wall.id}_length", plane.basis
        if s.parts is not None:
            value, sigma = self.fit.get(s.parts)
        else:
            ends = [self._end_sigma(s.wall, end) for end in (s.left, s.right)]
            apart = self._shift_sigma(s.wall, {s.left.photo, s.right.photo})
            value, sigma = s.length_m, float(np.linalg.norm([s.length_m * self._distance_sigma(s.wall), apart, *ends]))
        if s.beyond:
            sigma = float(np.hypot(sigma, BEYOND_SIGMA * (s.farthest_m - value)))
            corner = s.left.photo if s.left.kind == "corner" else s.right.photo
            what = f"where {s.wall.id.replace('_', ' ')} ends"
            self.conflicts.append(self._told(name, what, (corner, s.beyond[0]), (value, s.farthest_m)))
        hidden = "" if s.left.kind == s.right.kind == "corner" else "an end of the wall is out of sight in every photo"
        return no_sliver(log_normal(name, value, "m", split(sigma / value, scale), basis, hidden))
