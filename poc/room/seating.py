"""Which photos show one room, and where each was taken: seats in the frame of one of them, the anchor.

Photos that show nothing new are told apart first: the same file, one picture saved again, the same view from the same spot. They err
as the other does, and would pass for a second opinion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from poc.geometry import rotation_angle
from poc.room.sameroom import Seat, chain, find_details, find_seat, matches, quarter, reverse, shown_again
from poc.types import Measurement, Photo, Scene

OWN_FRAME = Seat(0, np.zeros(2), 0.0, 0)
"""The anchor's seat."""
SAME_SPOT_M, SAME_VIEW_RAD = 0.08, np.deg2rad(3.0)
"""Two cameras nearer to each other than this, and turned by less, took the same photo."""
WHOLE_COPY, LARGER_COPY = 0.9, 1.1
"""Shares of one picture that another shows (`shown_again`) between which they show equally much of the room."""


@dataclass(frozen=True)
class RoomPhoto:
    """One photo, and its scene and measurements by itself."""

    photo: Photo
    scene: Scene
    measurements: tuple[Measurement, ...]


def twins(rooms: Sequence[RoomPhoto]) -> dict[int, int]:
    """Photos that are the same file as an earlier one, and that one (by position)."""
    first: dict[str, int] = {}
    return {i: first[r.photo.sha256] for i, r in enumerate(rooms) if r.photo.sha256 and first.setdefault(r.photo.sha256, i) != i}


def same_views(rooms: Sequence[RoomPhoto], seats: dict[int, Seat]) -> dict[int, int]:
    """Seated photos that show what another shows from the same spot (saved again, or the next of a burst), and that one."""

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


class Seated(NamedTuple):
    """Where photos were taken, by position. seats: of those that could be placed, the anchor first. copies: photos that are another's
    picture again, and that other; they get no seat."""

    seats: dict[int, Seat]
    copies: dict[int, int]


def seat_photos(rooms: Sequence[RoomPhoto], good: Sequence[int]) -> Seated:
    """Seats for the largest group of photos that common details hold together; of equal groups that with the earliest anchor.

    good: positions of photos with a room in them, at least one. Of all pairs of a seated photo and one that is not, that with the most
    votes is taken next.
    """
    details = {i: find_details(rooms[i].photo, rooms[i].scene) for i in good}
    pairs = {(a, b): matches(details[a], details[b]) for a, b in combinations(good, 2)}
    copies = _copies(rooms, {(a, b): shown_again(details[a], details[b], found) for (a, b), found in pairs.items()})
    good = [i for i in good if i not in copies]
    links = {(a, b): s for a, b in combinations(good, 2) if (s := find_seat(details[a], details[b], pairs[a, b])) is not None}
    links |= {(b, a): reverse(s) for (a, b), s in links.items()}
    groups = []
    for start in good:
        group = {start: OWN_FRAME}
        while ahead := [pair for pair in links if pair[0] in group and pair[1] not in group]:
            here, there = max(ahead, key=lambda pair: links[pair].votes)
            group[there] = links[here, there] if here == start else chain(group[here], links[here, there])
        groups.append(group)
    return Seated(max(groups, key=len), copies)


def _copies(rooms: Sequence[RoomPhoto], shown: dict[tuple[int, int], float]) -> dict[int, int]:
    """Photos that are another's picture again, and that other: the one that shows more of the room stays, of two that show equally much
    the one with more pixels, then the first. shown: per pair (a, b), as of `shown_again`."""
    copies: dict[int, int] = {}
    for (a, b), share in shown.items():
        if share and a not in copies and b not in copies:
            larger = np.prod(rooms[b].photo.file_size) > np.prod(rooms[a].photo.file_size)
            more = share > LARGER_COPY or (share > WHOLE_COPY and larger)
            copies |= {a: b} if more else {b: a}
    for photo, shown_by in copies.items():
        while shown_by in copies:  # found later to be a copy itself
            shown_by = copies[shown_by]
        copies[photo] = shown_by
    return copies
