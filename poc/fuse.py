"""Several photos of one room as one set of measurements: `join_rooms`.

Each photo is measured by itself first. Photos are seated in the frame of one of them (the anchor) by the details that both
show; distances of walls found in several are joined by their uncertainty, with what the scales have in common kept in common.
A photo whose place cannot be told is not guessed at: it adds what holds wherever it was taken (ceiling height, the distance
between opposite walls where only one way of turning it fits) and what it saw most of. Disagreements are told and widen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from poc.errors import ParameterError
from poc.measure import longest, measure, measurement_json
from poc.room import jointfit
from poc.room.freespace import log_normal, split
from poc.room.jointfit import Row, View
from poc.room.jointroom import JointWall, Stretch, free_of, merge_floor, pair_walls, rescaled, segment_of, stretch_of
from poc.room.sameroom import Seat, chain, find_details, find_seat, reverse
from poc.types import Measurement, Photo, Plane, Scale, Scene

OWN_FRAME = Seat(0, np.zeros(2), 0.0, 0)
ROOM_WIDE = ("longest_wall", "longest_free_wall", "floor_area_visible", "floor_area_free")
"""What a photo adds wherever it was taken: the room has at least what any photo shows of it."""
WIDTH_SLACK_M, WIDTH_SIGMAS, REACH_SIGMA = 0.05, 2.5, 0.03
"""How far two looks at one width may differ: metres, sigmas; and one sigma of how far a room is seen to reach, relative."""
SEEN_END_SIGMA = 0.02
"""One sigma of a length that ends where a wall is last seen, as a share of it."""
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

    photos: names in order; anchor: position of the one that `scene` is seen from; seats: place of every photo that could
    be told (by position); remarks: photos that could not be seated, or show no room, and why.
    """

    scene: Scene
    measurements: tuple[Measurement, ...]
    photos: tuple[str, ...]
    anchor: int
    seats: dict[int, Seat]
    conflicts: tuple[Conflict, ...] = ()
    remarks: tuple[str, ...] = ()

    def record(self, model: dict) -> dict:
        """The contract of `poc measure --json`, with the photos, their conflicts and what could not be matched."""
        conflicts = [{"name": c.name, "photos": list(c.photos), "values": [round(v, 4) for v in c.values], "text": c.text} for c in self.conflicts]
        return measurement_json(self.scene, self.measurements, model) | {
            "photos": list(self.photos), "conflicts": conflicts, "seen_from": self.photos[self.anchor],
            "matched": [self.photos[i] for i in sorted(self.seats)], "remarks": list(self.remarks)}


def join_rooms(rooms: Sequence[RoomPhoto]) -> JointRoom:
    """One set of measurements from photos of the same room. Raises ParameterError where there is no photo."""
    if not rooms:
        raise ParameterError("no photo to join: give at least one")
    names = _names(rooms)
    twins = _twins(rooms)
    good = [i for i, r in enumerate(rooms) if r.scene.refusal is None and i not in twins]
    remarks = [f"{names[i]} is left out: {rooms[i].scene.refusal}" for i, r in enumerate(rooms) if r.scene.refusal is not None]
    remarks += [f"{names[i]} is left out: it is the same file as {names[k]}, and tells nothing new" for i, k in twins.items()]
    if not good:
        first = rooms[0].scene if len(rooms) == 1 else replace(rooms[0].scene, refusal="; ".join(f"{n}: {r.scene.refusal}" for n, r in zip(names, rooms)))
        return JointRoom(first, measure(first), names, 0, {}, (), ())
    seats = _seats(rooms, good)
    anchor = next(iter(seats))
    if len(good) == 1:
        return JointRoom(rooms[anchor].scene, rooms[anchor].measurements, names, anchor, seats, (), tuple(remarks))
    join = _Join(rooms, names, anchor, seats, {i: jointfit.view_of(names[i], rooms[i].scene) for i in good})
    return join.result(remarks)


def _names(rooms: Sequence[RoomPhoto]) -> tuple[str, ...]:
    """The photos' names, numbered where two are called the same."""
    out = [r.photo.name for r in rooms]
    return tuple(n if out.count(n) == 1 else f"{n} ({out[: k + 1].count(n)})" for k, n in enumerate(out))


def _twins(rooms: Sequence[RoomPhoto]) -> dict[int, int]:
    """Photos given twice, and the first of each: the same errors twice are no second opinion."""
    first: dict[str, int] = {}
    return {i: first[r.photo.sha256] for i, r in enumerate(rooms) if r.photo.sha256 and first.setdefault(r.photo.sha256, i) != i}


def _seats(rooms: Sequence[RoomPhoto], good: list[int]) -> dict[int, Seat]:
    """Photos that could be placed, anchor first: the largest group that common details hold together, earliest first."""
    details = {i: find_details(rooms[i].photo, rooms[i].scene) for i in good}
    links = {(a, b): s for a, b in combinations(good, 2) if (s := find_seat(details[a], details[b])) is not None}
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
    return max(groups, key=len)


@dataclass
class _Join:
    """The work in progress: one object, so that its steps need no long argument lists."""

    rooms: Sequence[RoomPhoto]
    names: tuple[str, ...]
    anchor: int
    seats: dict[int, Seat]
    by_photo: dict[int, View]

    def result(self, remarks: list[str]) -> JointRoom:
        self.views = [self.by_photo.get(i) for i in range(len(self.rooms))]
        self.walls = pair_walls(self.views, self.seats, self.anchor)
        rows = [r for i in self.seats for r in jointfit.rows_of(self.views[i], i, self._owner(i), self.seats[i].turn)]
        for i in self.by_photo:
            if i not in self.seats:
                more, remark = self._unseated(i)
                rows += more
                remarks.append(remark)
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

    # --- photos whose place is not known ---------------------------------------------------------------------------

    def _unseated(self, photo: int) -> tuple[list[Row], str]:
        """What a photo says wherever it was taken; the room's widths where only one way of turning it fits."""
        view, name = self.views[photo], self.names[photo]
        rows = jointfit.height_rows(view, photo)
        here, there = (_Extents(self.views[i]) for i in (self.anchor, photo))
        fits = [swap for swap in (0, 1) if all(self._fits(here, axis, there, (axis + swap) % 2) for axis in (0, 1))]
        both = [(axis, (axis + fits[0]) % 2) for axis in (0, 1)] if len(fits) == 1 else []
        common = [(a, b) for a, b in both if here.pair[a] and there.pair[b]]
        for a, b in common:
            parts = {f"wall {self._owner(self.anchor)[k]}": 1.0 for k in here.pair[a]}
            rows.append(jointfit.width_row(view, photo, there.pair[b], parts))
        said = f"the walls of {name} cannot be matched to those of {self.names[self.anchor]}: too few details are in both photos"
        if common:
            return rows, f"{said}; only the distance between opposite walls is joined"
        why = "it fits in no way of turning it" if not fits else "its walls fit in more than one way" if len(fits) > 1 else "no width is seen in both"
        return rows, f"{said}, and {why}; only heights are joined, and the most that it shows"

    @staticmethod
    def _fits(a: _Extents, axis: int, b: _Extents, other: int) -> bool:
        """Whether two extents of the room may be the same: equal widths, or no less than the other is seen to be."""
        (w, s), (v, t) = a.width(axis), b.width(other)
        scale = jointfit.scale_difference(a.view, w, b.view, v)
        slack = WIDTH_SLACK_M + WIDTH_SIGMAS * float(np.sqrt(s**2 + t**2 + scale))
        if a.pair[axis] and b.pair[other]:
            return abs(w - v) < slack
        if a.pair[axis]:
            return w > v - slack
        return not b.pair[other] or v > w - slack

    # --- disagreements ---------------------------------------------------------------------------------------------

    def _conflict(self, names: tuple[str, ...], a, b) -> Conflict:
        name = "ceiling_height" if names == ("ceiling",) else " to ".join(n.replace(" ", "_") for n in names)
        what = "the ceiling's height" if names == ("ceiling",) else f"the distance from {' to '.join(names)}"
        return self._told(name, what, (a.photo, b.photo), (a.value, b.value))

    def _told(self, name: str, what: str, photos: tuple[int, int], values: tuple[float, float]) -> Conflict:
        first, second = (self.names[i] for i in photos)
        gap = 100 * abs(float(np.log(values[0] / values[1])))
        text = (f"{first} and {second} disagree about {what}: {values[0]:.2f} m and {values[1]:.2f} m, {gap:.0f} % apart, which is more than "
                "their errors allow")
        return Conflict(name, (first, second), values, text)

    # --- the joint room --------------------------------------------------------------------------------------------

    def _scene(self, stretches: list[Stretch]) -> Scene:
        own = self.views[self.anchor].scene
        height, sigma = self.fit.get({f"height of {self.anchor}": 1.0})
        sources = dict.fromkeys(s for i in self.by_photo for s in self.rooms[i].scene.scale.source.split(" + "))
        scale = Scale(" + ".join(sources), height, sigma / height, own.scale.opinions, own.scale.notes)
        planes = [replace(own.plane("floor"), offset_m=height, sigma_m=sigma, basis=scale.source)]
        if "ceiling" in self.fit.names:
            planes.append(self._ceiling(own, height))
        segments = []
        for s in stretches:
            planes.append(self._plane(s.wall, own))
            at = self.fit.get({f"wall {s.wall.number}": 1.0})[0]
            spans, kinds, cutters = free_of(s, self.views, self.placed, at)
            self._note_cut(s, cutters)
            segments.append(segment_of(s, at, spans, kinds))
        slanted = [w for w in own.walls if w.plane_id not in {s.wall.id for s in stretches}]
        planes += [p for w in slanted if (p := own.plane(w.plane_id)) is not None]
        segments += slanted
        scene = replace(own, scale=scale, planes=tuple(planes), walls=tuple(segments), solution=None, notes=own.notes)
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
        found = {m.name: m for m in measure(scene)}
        found |= {(m := self._length(s, scene.plane(s.wall.id), scene.scale)).name: m for s in stretches}
        joined = self._ceiling_beside_walls if "ceiling" in self.fit.names else self._least_height
        found["ceiling_height"] = joined(found["ceiling_height"])
        lengths = [m for name, m in found.items() if name.startswith("wall_") and name.endswith("_length")]
        found["longest_wall"] = replace(longest(lengths), name="longest_wall")
        return tuple(self._most_seen(m) if m.name in ROOM_WIDE else m for m in found.values())

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

    def _length(self, s: Stretch, plane: Plane, scale: Scale) -> Measurement:
        name, basis = f"{s.wall.id}_length", plane.basis
        if s.parts is not None:
            value, sigma = self.fit.get(s.parts)
        else:
            value, sigma = s.length_m, s.length_m * float(np.hypot(plane.sigma_m / plane.offset_m, SEEN_END_SIGMA))
        if s.beyond:
            sigma = float(np.hypot(sigma, BEYOND_SIGMA * (s.farthest_m - value)))
            corner = s.left.photo if s.left.kind == "corner" else s.right.photo
            self.conflicts.append(self._told(name, f"where {s.wall.id.replace('_', ' ')} ends", (corner, s.beyond[0]), (value, s.farthest_m)))
        hidden = "" if s.left.kind == s.right.kind == "corner" else "an end of the wall is out of sight in every photo"
        return log_normal(name, value, "m", split(sigma / value, scale), basis, hidden)

    def _most_seen(self, m: Measurement) -> Measurement:
        """A photo that could not be seated still shows a wall or a floor: the room has at least that."""
        for i in self.by_photo:
            if i in self.seats:
                continue
            other = next((o for o in self.rooms[i].measurements if o.name == m.name), None)
            if other is not None and other.value is not None and _shows_more(other, m):
                m = replace(other, basis=f"{other.basis}, in {self.names[i]}")
        return m


def _shows_more(other: Measurement, m: Measurement) -> bool:
    """Whether another photo's value is surely the larger: what may be the same wall is not replaced by a noisier look at it."""
    if m.value is None:
        return True
    return other.low > (m.low if m.high is None else m.high)


class _Extents:
    """How far a room reaches along a photo's own axes (0: x, 1: y): pairs of opposite walls, or what is seen at least."""

    def __init__(self, view: View):
        self.view = view
        by = {f: [k for k, w in enumerate(view.walls) if w.facing == f] for f in range(4)}
        single = {f: ks[0] for f, ks in by.items() if len(ks) == 1}
        self.pair = [(single[a], single[b]) if a in single and b in single else () for a, b in ((1, 3), (0, 2))]
        self.reach = [self._reach(axis, by) for axis in (0, 1)]

    def _reach(self, axis: int, by: dict[int, list[int]]) -> float:
        ring = self.view.scene.outline
        low, high = (min(0.0, *ring[:, axis]), max(0.0, *ring[:, axis])) if len(ring) else (0.0, 0.0)
        plus, minus = ((1, 3), (0, 2))[axis]
        far = [min((self.view.walls[k].distance_m for k in by[f]), default=0.0) for f in (plus, minus)]
        return max(high, far[0]) + max(-low, far[1])

    def width(self, axis: int) -> tuple[float, float]:
        """Metres, and one sigma without the scale's error."""
        if not self.pair[axis]:
            return self.reach[axis], REACH_SIGMA * self.reach[axis]
        value = sum(self.view.walls[k].distance_m for k in self.pair[axis])
        return float(value), float(np.linalg.norm(self.view.errors[list(self.pair[axis])].sum(0)))
