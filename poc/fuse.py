"""Several photos of one room as one set of measurements: `join_rooms`.

Each photo is measured by itself first. Photos are seated in the frame of one of them (the anchor) by the details that both
show; distances of walls found in several are joined by their uncertainty, with what the scales have in common kept in common.
A photo that cannot be matched to the others may be of another room: it adds nothing to what is joined, and what it says by
itself is told beside it. Where no photo can be matched to another, nothing is joined. Disagreements are told and widen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from poc.errors import ParameterError
from poc.geometry import rotation_angle
from poc.measure import doubting_crossed, longest, measure, measurement_json, no_sliver
from poc.room import jointfit
from poc.room.freespace import CORNER_SIGMA_M, end_sigma_m, log_normal, split, unknown
from poc.room.jointfit import View, to_anchor
from poc.room.jointroom import (
    EDGE_M, End, JointWall, Stretch, along_of, covered_of, free_of, free_spans, merge_floor, merge_openings, pair_walls, rescaled, segment_of, stretch_of,
)  # fmt: skip
from poc.room.roomspace import longest_free
from poc.room.sameroom import Seat, chain, find_details, find_seat, matches, quarter, reverse, shown_again
from poc.types import Z90, Measurement, Photo, Plane, Scale, Scene, floored

OWN_FRAME = Seat(0, np.zeros(2), 0.0, 0)
TOLD_ALONE = ("camera_height", "ceiling_height", "longest_wall")
"""What is told of a photo that is left out, as far as it says it."""
SAME_SPOT_M, SAME_VIEW_RAD = 0.08, np.deg2rad(3.0)
"""Two cameras nearer to each other than this, and turned by less, took the same photo."""
IN_LINE = 2.0
"""A wall nearer than this many sigmas to where the anchor stood is in line with it: no distance to it can be told."""
BEYOND_SIGMA = 0.5
"""A photo that sees a wall go on past its corner: one sigma of its length, as a share of what it is seen to go on."""


@dataclass(frozen=True)
class RoomPhoto:
    """One photo and what it gave by itself."""

    photo: Photo
    scene: Scene
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Conflict:
    """Two photos that disagree by more than their errors allow: about what, their names and values, and a sentence."""

    name: str
    photos: tuple[str, ...]
    values: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class JointRoom:
    """One room from several photos. scene: in the anchor photo's camera and room frame; measurements: joined.

    photos: names in order; anchor: position of the one that `scene` is seen from; seats: place of every photo that is joined
    (by position); remarks: photos that could not be matched, or show no room, and why, and what was done to a photo when it was
    read. Where nothing was joined, scene and measurements are the anchor's own, and the first remark says so.
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
        conflicts = [{"name": c.name, "photos": list(c.photos), "values": [round(v, 4) for v in c.values], "text": c.text} for c in self.conflicts]
        return measurement_json(self.scene, self.measurements, model, self.photos[self.anchor]) | {
            "photos": list(self.photos), "conflicts": conflicts, "seen_from": self.photos[self.anchor],
            "matched": self.matched, "joined": self.joined, "remarks": list(self.remarks)}


def join_rooms(rooms: Sequence[RoomPhoto]) -> JointRoom:
    """One set of measurements from photos of the same room. Raises ParameterError where there is no photo."""
    if not rooms:
        raise ParameterError("no photo to join: give at least one")
    names = _names(rooms)
    read = tuple(f"{name}: {note}" for name, r in zip(names, rooms) for note in r.photo.notes)
    twins = _twins(rooms)
    good = [i for i, r in enumerate(rooms) if r.scene.refusal is None and i not in twins]
    remarks = [f"{names[i]} is left out: {rooms[i].scene.refusal}" for i, r in enumerate(rooms) if r.scene.refusal is not None]
    remarks += [f"{names[i]} is left out: it is the same file as {names[k]}, and tells nothing new" for i, k in twins.items()]
    if not good:
        first = rooms[0].scene if len(rooms) == 1 else replace(rooms[0].scene, refusal="; ".join(f"{n}: {r.scene.refusal}" for n, r in zip(names, rooms)))
        return JointRoom(first, measure(first), names, 0, {}, (), read)
    seats, copies = _seats(rooms, good)
    same = _same_views(rooms, seats)
    remarks += [f"{names[i]} is left out: it is the same picture as {names[k]}, whole or in part, and tells nothing new" for i, k in copies.items()]
    remarks += [f"{names[i]} is left out: it shows what {names[k]} shows, from the same spot, and tells nothing new" for i, k in same.items()]
    good, seats = [i for i in good if i not in same | copies], {i: seat for i, seat in seats.items() if i not in same}
    anchor = next(iter(seats))
    last = [_left_out(names[i], names[anchor] if len(seats) == 1 else "the others", rooms[i]) for i in good if i not in seats]
    if len(seats) == 1:
        first = [_nothing_joined([names[i] for i in good], names[anchor])] if len(good) > 1 else []
        return JointRoom(rooms[anchor].scene, rooms[anchor].measurements, names, anchor, seats, (), (*first, *remarks, *last, *read))
    join = _Join(rooms, names, anchor, seats, {i: jointfit.view_of(names[i], rooms[i].scene) for i in sorted(seats)})
    return join.result([*remarks, *last, *read])


def _nothing_joined(names: list[str], anchor: str) -> str:
    """The first thing to know where no two photos could be matched: the values are one photo's."""
    return (f"The photos {', '.join(names[:-1])} and {names[-1]} were not shown to be of one room, and nothing was joined: no two of them "
            f"show enough of the same details; the values are those of {anchor} alone")


def _left_out(name: str, others: str, room: RoomPhoto) -> str:
    """That a photo may be of another room and adds nothing, and what it says by itself."""
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


def _twins(rooms: Sequence[RoomPhoto]) -> dict[int, int]:
    """Photos given twice, and the first of each: the same errors twice are no second opinion."""
    first: dict[str, int] = {}
    return {i: first[r.photo.sha256] for i, r in enumerate(rooms) if r.photo.sha256 and first.setdefault(r.photo.sha256, i) != i}


def _same_views(rooms: Sequence[RoomPhoto], seats: dict[int, Seat]) -> dict[int, int]:
    """Photos that are another once more (saved again, or the next of a burst), and that one: they err alike, and would pass for two."""
    def turned(i: int) -> np.ndarray:
        turn = np.eye(3)
        turn[:2, :2] = quarter(seats[i].turn)
        return turn @ rooms[i].scene.room_from_cam

    same: dict[int, int] = {}
    for k, i in combinations(seats, 2):
        apart = float(np.linalg.norm(seats[i].shift_m - seats[k].shift_m))
        if k not in same and i not in same and apart < SAME_SPOT_M and rotation_angle(turned(i) @ turned(k).T) < SAME_VIEW_RAD:
            same[i] = k
    return same


def _seats(rooms: Sequence[RoomPhoto], good: list[int]) -> tuple[dict[int, Seat], dict[int, int]]:
    """Photos that could be placed, anchor first: the largest group that common details hold together, earliest first. And pictures
    that another shows again, and that one, which are in no group."""
    details = {i: find_details(rooms[i].photo, rooms[i].scene) for i in good}
    pairs = {(a, b): matches(details[a], details[b]) for a, b in combinations(good, 2)}
    copies = _copies(rooms, {(a, b): shown_again(details[a], details[b], found) for (a, b), found in pairs.items()})
    good = [i for i in good if i not in copies]
    links = {(a, b): s for a, b in combinations(good, 2) if (s := find_seat(details[a], details[b], pairs[a, b])) is not None}
    links |= {(b, a): reverse(s) for (a, b), s in links.items()}
    groups = []
    for start in good:
        group, waiting = {start: OWN_FRAME}, [start]
        while waiting:
            here = waiting.pop(0)
            ahead = sorted((pair for pair in links if pair[0] == here and pair[1] not in group), key=lambda p: -links[p].votes)
            for _, there in ahead:
                group[there] = links[here, there] if here == start else chain(group[here], links[here, there])
                waiting.append(there)
        groups.append(group)
    return max(groups, key=len), copies


def _copies(rooms: Sequence[RoomPhoto], shown: dict[tuple[int, int], float]) -> dict[int, int]:
    """Pictures that are another again, and that one: what shows more of the room stays, of two alike the one with more pixels, then the first."""
    copies: dict[int, int] = {}
    for (a, b), share in shown.items():
        if share and a not in copies and b not in copies:
            more = share > 1.1 or (share > 0.9 and np.prod(rooms[b].photo.file_size) > np.prod(rooms[a].photo.file_size))
            copies |= {a: b} if more else {b: a}
    return copies


@dataclass
class _Join:
    """The work in progress on the photos that could be matched (`by_photo`, in order): one object, so that its steps need no long
    argument lists."""

    rooms: Sequence[RoomPhoto]
    names: tuple[str, ...]
    anchor: int
    seats: dict[int, Seat]
    by_photo: dict[int, View]

    def result(self, remarks: list[str]) -> JointRoom:
        self.views = [self.by_photo.get(i) for i in range(len(self.rooms))]
        self.walls = pair_walls(self.views, self.seats, self.anchor)
        rows = [r for i in self.seats for r in jointfit.rows_of(self.views[i], i, self._owner(i), self.seats[i].turn)]
        others = {i: s for i, s in self.seats.items() if i != self.anchor}
        rows, apart = jointfit.widened(self.views, rows)
        self.fit = jointfit.solve(self.views, rows, others, self.anchor)
        self.conflicts = [self._conflict(*pair) for pair in apart]
        self.placed = {i: self._settled(i, s) for i, s in self.seats.items()}
        for i in self.seats:
            self.views[i] = rescaled(self.views[i], self.fit.get({f"height of {i}": 1.0})[0])
        stretches = [stretch_of(w, self.walls, self.views, self.placed, self.fit) for w in self.walls]
        scene = self._scene(stretches)
        return JointRoom(scene, self._measurements(scene, stretches), self.names, self.anchor, self.placed, tuple(self.conflicts), tuple(remarks))

    def _owner(self, photo: int) -> dict[int, int]:
        return {k: w.number for w in self.walls for i, k in w.members if i == photo}

    def _settled(self, photo: int, seat: Seat) -> Seat:
        """A seat with the shift that the walls gave it."""
        shift = [self.fit.get({n: 1.0})[0] if (n := f"{axis} of {photo}") in self.fit.names else seat.shift_m[k] for k, axis in enumerate("xy")]
        return replace(seat, shift_m=np.array(shift))

    # --- disagreements ---------------------------------------------------------------------------------------------

    def _conflict(self, names: tuple[str, ...], a, b) -> Conflict:
        name = "ceiling_height" if names == ("ceiling",) else " to ".join(n.replace(" ", "_") for n in names)
        what = "the ceiling's height" if names == ("ceiling",) else f"the distance from {' to '.join(names)}"
        return self._told(name, what, (a.photo, b.photo), (a.value, b.value))

    def _told(self, name: str, what: str, photos: tuple[int, int], values: tuple[float, float]) -> Conflict:
        first, second = (self.names[i] for i in photos)
        gap = 100 * float(np.expm1(abs(np.log(values[0] / values[1]))))
        text = (f"{first} and {second} disagree about {what}: {values[0]:.2f} m and {values[1]:.2f} m, {gap:.0f} % apart, which is more than "
                "their errors allow")
        return Conflict(name, (first, second), values, text)

    # --- the joint room --------------------------------------------------------------------------------------------

    def _scene(self, stretches: list[Stretch]) -> Scene:
        own = self.views[self.anchor].scene
        height, sigma = self.fit.get({f"height of {self.anchor}": 1.0})
        sources = dict.fromkeys(s for i in self.by_photo for s in self.rooms[i].scene.scale.source.split(" + "))
        notes = tuple(f"by {self.names[self.anchor]} alone, {note}" for note in own.scale.notes)  # the joint interval is another
        scale = Scale(" + ".join(sources), height, sigma / height, own.scale.opinions, notes)
        planes = [replace(own.plane("floor"), offset_m=height, sigma_m=sigma, basis=scale.source)]
        if "ceiling" in self.fit.names:
            planes.append(self._ceiling(own, height))
        segments = []
        for s in stretches:
            planes.append(self._plane(s.wall, own))
            at = self.fit.get({f"wall {s.wall.number}": 1.0})[0]
            spans, kinds, cutters = free_of(s, self.views, self.placed, at)
            self._note_cut(s, cutters)
            segments.append(segment_of(s, at, spans, kinds, covered_of(s, self.views, self.placed)))
        slanted = [w for w in own.walls if w.plane_id not in {s.wall.id for s in stretches}]
        planes += [p for w in slanted if (p := own.plane(w.plane_id)) is not None]
        segments += slanted
        openings = merge_openings(self.walls, self.views, self.placed, self.anchor)
        scene = replace(own, scale=scale, planes=tuple(planes), walls=tuple(segments), openings=openings, solution=None, notes=own.notes)
        return merge_floor(scene, {i: self.views[i].scene for i in self.placed}, self.placed)

    def _ceiling(self, own: Scene, height: float) -> Plane:
        total, sigma = self.fit.get({"ceiling": 1.0})
        seen = [p for i in self.by_photo if (p := self.rooms[i].scene.plane("ceiling")) is not None]
        mine = own.plane("ceiling")
        mask = np.zeros_like(own.plane("floor").mask) if mine is None else mine.mask
        basis = " + ".join(dict.fromkeys(p.basis for p in seen))
        return Plane("ceiling", "ceiling", -own.plane("floor").normal_cam, total - height, sigma, sum(p.pixels for p in seen), False, mask, basis)

    def _plane(self, wall: JointWall, own: Scene) -> Plane:
        at, sigma = self.fit.get({f"wall {wall.number}": 1.0})
        seen = [self.rooms[i].scene.plane(self.views[i].walls[k].plane_id) for i, k in wall.members]
        mask = seen[0].mask if wall.members[0][0] == self.anchor else np.zeros_like(own.plane("floor").mask)
        normal = -(own.room_from_cam.T @ np.append(jointfit.unit_of_facing(wall.facing), 0.0))
        basis = " + ".join(dict.fromkeys(part for p in seen for part in p.basis.split(" + ")))
        side = 1.0 if at > 0 else -1.0  # a wall of an alcove may face away from where the anchor stood
        return Plane(wall.id, "wall", normal * side, abs(at), sigma, sum(p.pixels for p in seen), any(p.foot_seen for p in seen), mask, basis)

    def _note_cut(self, stretch: Stretch, cutters: list[int]) -> None:
        for i in cutters:
            text = f"{self.names[i]} shows something standing before {stretch.wall.id.replace('_', ' ')} where another photo shows it free; it counts as taken"
            self.conflicts.append(Conflict(f"{stretch.wall.id} free", (self.names[i],), (), text))

    # --- measurements ----------------------------------------------------------------------------------------------

    def _measurements(self, scene: Scene, stretches: list[Stretch]) -> tuple[Measurement, ...]:
        found = {m.name: m for m in measure(self._as_seen(scene, stretches), one_view=False)}
        found["longest_free_wall"] = self._free_wall(found["longest_free_wall"], scene, stretches)
        own = [told(s, scene.plane(s.wall.id), scene.scale) for s in stretches for told in (self._distance, self._length)]
        found |= {m.name: m for m in doubting_crossed(scene, own)}
        joined = self._ceiling_beside_walls if "ceiling" in self.fit.names else self._least_height
        found["ceiling_height"] = joined(found["ceiling_height"])
        lengths = [m for name, m in found.items() if name.startswith("wall_") and name.endswith("_length")]
        found["longest_wall"] = replace(longest(lengths), name="longest_wall")
        return tuple(found.values())

    def _least_heights(self) -> list[tuple[int, Measurement]]:
        """Photos without the ceiling in them, and up to what height they see a wall; the highest last."""
        said = [(i, o) for i in self.by_photo for o in self.rooms[i].measurements if o.name == "ceiling_height" and o.status == "lower_bound"]
        return sorted(said, key=lambda x: x[1].low)

    def _least_height(self, m: Measurement) -> Measurement:
        """Where no photo shows the ceiling: what the photo says that sees a wall highest up, or that none does."""
        for i, o in self._least_heights()[-1:]:
            m = replace(o, basis=f"{o.basis}, in {self.names[i]}")
        return replace(m, reason="the ceiling is out of every photo, or not seen clearly enough")

    def _ceiling_beside_walls(self, m: Measurement) -> Measurement:
        """The ceiling's height, reaching up to where another photo surely sees a wall, if that is higher."""
        for i, o in self._least_heights()[-1:]:
            if o.low > m.high:
                text = (f"{self.names[i]} shows a wall up to {o.low:.2f} m at least, above the ceiling at {m.value:.2f} m that "
                        f"{' and '.join(self._seeing_ceiling())} shows")
                self.conflicts.append(Conflict(m.name, (*self._seeing_ceiling(), self.names[i]), (m.value, o.value), text))
                m = replace(m, high=o.value)
        return m

    def _seeing_ceiling(self) -> list[str]:
        return [self.names[i] for i in self.by_photo if self.rooms[i].scene.plane("ceiling") is not None]

    def _as_seen(self, scene: Scene, stretches: list[Stretch]) -> Scene:
        """The scene whose walls have the relative error that they have from a camera that saw them: lengths and areas on them have it too."""
        own = {s.wall.id: self._distance_sigma(s.wall) for s in stretches}
        planes = tuple(replace(p, sigma_m=own[p.id] * p.offset_m) if p.id in own and p.offset_m > 0 else p for p in scene.planes)
        return replace(scene, planes=planes)

    def _distance_sigma(self, wall: JointWall) -> float:
        """Smallest relative error of its distance from a camera that saw it: what its length as seen from there is off by. (From the
        anchor it may lie at no distance at all.)"""
        planes = [self.rooms[i].scene.plane(self.views[i].walls[k].plane_id) for i, k in wall.members]
        return min(p.sigma_m / p.offset_m for p in planes)

    def _end_sigma(self, wall: JointWall, end: End) -> float:
        """One sigma (m) along a wall of where it ends, as the photo has it that saw it there."""
        if end.kind == "corner":
            return CORNER_SIGMA_M
        view = self.views[end.photo]
        segment = view.scene.walls[next(view.walls[k].index for i, k in wall.members if i == end.photo)]
        at = to_anchor(segment.ends, self.placed[end.photo]) @ along_of(wall.facing)
        return end_sigma_m(view.scene, view.scene.plane(segment.plane_id), segment.ends[int(np.argmin(np.abs(at - end.at_m)))])

    def _shift_sigma(self, wall: JointWall, photos: set[int]) -> float:
        """One sigma (m) along a wall of where the photos stood to each other; 0 of a single one."""
        if len(photos) < 2:
            return 0.0
        a = along_of(wall.facing)
        parts = [{n: float(v) for axis, v in zip("xy", a) if v and (n := f"{axis} of {i}") in self.fit.names} for i in photos]
        return float(np.linalg.norm([self.fit.get(p)[1] if p else self.placed[i].sigma_m * (i != self.anchor) for i, p in zip(photos, parts)]))

    def _free_wall(self, m: Measurement, scene: Scene, stretches: list[Stretch]) -> Measurement:
        """The longest free wall; one that only several photos together show has the error of where they stood, too."""
        found = longest_free(scene)
        stretch = next((s for s in stretches if found and s.wall.id == found[0].plane_id), None)
        if stretch is None or m.low is None:
            return m
        low, high = (stretch.left.at_m + t for t in found[1])
        photos = {i for i, _ in stretch.wall.members}
        if any(a <= low + EDGE_M and b >= high - EDGE_M for a, b, *_ in free_spans(stretch.wall, self.views, self.placed)):
            return m
        sigma2, apart = (np.log(m.value / m.low) / Z90) ** 2, self._shift_sigma(stretch.wall, photos) / m.value
        parts = {cause: share * sigma2 for cause, share in m.budget.items()}
        wider = log_normal(m.name, m.value, m.unit, parts | {"unseen": parts.get("unseen", 0.0) + apart**2}, m.basis)
        doubted = m.light == "red"
        return replace(m, low=wider.low, high=None if m.high is None else wider.high, budget=wider.budget, light="red" if doubted else wider.light)

    def _distance(self, s: Stretch, plane: Plane, scale: Scale) -> Measurement:
        name = f"{s.wall.id}_distance"
        if plane.offset_m < IN_LINE * plane.sigma_m:
            return unknown(name, "m", f"{self.names[self.anchor]} was taken from the line of this wall, which another photo shows")
        return log_normal(name, plane.offset_m, "m", split(plane.sigma_m / plane.offset_m, scale), plane.basis)

    def _length(self, s: Stretch, plane: Plane, scale: Scale) -> Measurement:
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
            self.conflicts.append(self._told(name, f"where {s.wall.id.replace('_', ' ')} ends", (corner, s.beyond[0]), (value, s.farthest_m)))
        hidden = "" if s.left.kind == s.right.kind == "corner" else "an end of the wall is out of sight in every photo"
        return no_sliver(log_normal(name, value, "m", split(sigma / value, scale), basis, hidden))
