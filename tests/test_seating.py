"""Which photos show one room and where each was taken: seated by common details, never by guess, and never twice."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc.fuse import RoomPhoto, join_rooms
from poc.measure import measure
from poc.room.sameroom import Details, Seat, chain, quarter, reverse, shown_again
from poc.room.seating import _copies, seat_photos
from poc.types import Scene
from poc.words import joint_lines
from tests.one_room import BACK, CEILING, FRONT, OUTLINE, SIDE, SMALL, TURNED, alone, own_scale, pair, photos, seen  # noqa: F401 (fixtures among them)
from tests.views import Place, photograph, rectangle


# --- where photos were taken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "turn"), [("front", "side", 0), ("front", "turned", 3), ("side", "front", 0)])
def test_a_photo_is_seated_where_it_was_taken(alone, first, second, turn):
    joint = join_rooms([alone[first], alone[second]])
    place = {"front": FRONT, "side": SIDE, "turned": TURNED}
    a, b = place[first], place[second]
    assert joint.seats[1].turn == turn
    assert joint.seats[1].shift_m == pytest.approx([b.x - a.x, b.y - a.y], abs=0.05)


def test_seats_add_up_and_turn_back():
    a, b = Seat(1, np.array([1.0, 2.0]), 0.1, 9), Seat(3, np.array([0.5, -1.0]), 0.2, 12)
    point = np.array([0.3, 0.7])
    both = chain(a, b)
    through = quarter(a.turn) @ (quarter(b.turn) @ point + b.shift_m) + a.shift_m
    assert quarter(both.turn) @ point + both.shift_m == pytest.approx(through)
    back = chain(a, reverse(a))
    assert back.turn == 0 and back.shift_m == pytest.approx([0, 0])


def test_a_photo_is_seated_by_the_one_it_shares_most_with(monkeypatch):
    """The third hardly matches the first but well the second: it is seated by way of that."""
    links = {(0, 1): Seat(0, np.array([1.0, 0.0]), 0.1, 40), (0, 2): Seat(0, np.array([9.0, 0.0]), 0.1, 12), (1, 2): Seat(0, np.array([1.0, 0.0]), 0.1, 30)}
    monkeypatch.setattr("poc.room.seating.find_details", lambda photo, scene: photo)
    monkeypatch.setattr("poc.room.seating.matches", lambda a, b: None)
    monkeypatch.setattr("poc.room.seating.shown_again", lambda a, b, pairs: 0.0)
    monkeypatch.setattr("poc.room.seating.find_seat", lambda a, b, pairs: links[a, b])
    seats = seat_photos([RoomPhoto(number, None, ()) for number in range(3)], [0, 1, 2]).seats
    assert list(seats) == [0, 1, 2] and seats[2].shift_m == pytest.approx([2.0, 0.0])


def test_bare_walls_are_not_matched_by_guess():
    """Nothing hangs on the walls, so their photos fit together in more than one way: nothing is joined, and that is said first."""
    photos = [seen(photograph(rectangle(4.2, 4.4), p, ceiling=CEILING, pattern=None, **SMALL)) for p in (FRONT, SIDE)]
    joint = join_rooms(photos)
    assert set(joint.seats) == {0} and not joint.joined
    assert "not shown to be of one room, and nothing was joined" in joint.remarks[0]
    assert "cannot be matched to x2.1y0.4.jpg" in joint.remarks[1] and "by itself it says: camera height" in joint.remarks[1]
    assert joint.measurements == photos[0].measurements and joint.scene is photos[0].scene
    lines = joint_lines(joint)
    assert "nothing was joined" in lines[0] and not any(line.startswith("One room") for line in lines)


def test_photos_of_different_rooms_narrow_nothing(alone):
    """Each scale has an error of its own, so that joining would average it; the second room is larger and higher besides."""
    other = seen(photograph(rectangle(6.5, 7.5), FRONT, ceiling=3.4, pattern=99, **SMALL), height=1.1 * FRONT.height_m)
    rooms = [own_scale(alone["front"], "reference door"), own_scale(other, "reference a4")]
    rooms[1] = replace(rooms[1], photo=replace(other.photo, name="other.jpg", notes=("greyscale photo",)))
    joint = join_rooms(rooms)
    assert joint.measurements == rooms[0].measurements and joint.conflicts == ()
    record = joint.record({})
    assert record["scale"]["source"] == "reference door" and record["joined"] is False and record["matched"] == ["x2.1y0.4.jpg"]
    assert record["remarks"][0].startswith("The photos x2.1y0.4.jpg and other.jpg were not shown to be of one room")
    assert record["remarks"][0].endswith("the values are those of x2.1y0.4.jpg alone")
    assert record["remarks"][-1] == "other.jpg: greyscale photo"  # what was done to it when it was read


def test_a_photo_that_is_not_matched_changes_nothing_in_those_that_are(alone, pair):
    """Another room's photo, larger and with a scale of its own, beside two that match: heights, widths and bounds stay."""
    other = own_scale(seen(photograph(rectangle(6.5, 7.5), BACK, ceiling=3.4, pattern=99, **SMALL)), "reference a4")
    joint = join_rooms([alone["front"], other, alone["side"]])
    assert set(joint.seats) == {0, 2} and joint.joined and joint.matched == ["x2.1y0.4.jpg", "x1.2y0.9.jpg"]
    assert [(m.name, m.low, m.high) for m in joint.measurements] == [(m.name, m.low, m.high) for m in pair.measurements]
    assert joint.scene.scale.source == pair.scene.scale.source and joint.conflicts == pair.conflicts
    assert len(joint.remarks) == 1 and "cannot be matched to the others and is left out" in joint.remarks[0]


def test_a_photo_without_a_room_is_told_after_that_nothing_was_joined(alone):
    other = seen(photograph(rectangle(6.5, 7.5), BACK, ceiling=3.4, pattern=99, **SMALL))
    forest = Scene(alone["side"].scene.camera, "no room found: trees")
    joint = join_rooms([RoomPhoto(replace(alone["side"].photo, name="forest.jpg"), forest, measure(forest)), alone["front"], other])
    assert "nothing was joined" in joint.remarks[0] and "forest.jpg" not in joint.remarks[0]
    assert joint.remarks[1] == "forest.jpg is left out: no room found: trees" and len(joint.remarks) == 3


# --- photos that show nothing new --------------------------------------------------------------------------------------


def test_the_same_file_twice_is_no_second_opinion(alone):
    photo = replace(alone["front"].photo, sha256="ab" * 32)
    joint = join_rooms([replace(alone["front"], photo=photo), replace(alone["front"], photo=photo)])
    assert joint.remarks[0] == "The values are those of x2.1y0.4.jpg (1) alone" and "same file" in joint.remarks[1] and joint.photos == ("x2.1y0.4.jpg (1)", "x2.1y0.4.jpg (2)")
    assert joint.measurements == alone["front"].measurements


def _cut(room: RoomPhoto, name: str, rows: slice, columns: slice) -> RoomPhoto:
    """Part of a photo as another, which would have the same answers."""
    return replace(room, photo=replace(room.photo, rgb=room.photo.rgb[rows, columns], name=name, sha256=name))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("part", [(slice(None), slice(None)), (slice(36, 324), slice(48, 432)), (slice(None), slice(0, 400)), (slice(90, None), slice(None))])
def test_a_photo_saved_again_or_cut_is_no_second_opinion(alone, part, order):
    """The one that shows more stays, whichever is given first."""
    again = _cut(alone["front"], "again.jpg", *part)
    joint = join_rooms([alone["front"], again][::order])
    left, kept = ("again.jpg", "x2.1y0.4.jpg") if order > 0 or again.photo.rgb.size < alone["front"].photo.rgb.size else ("x2.1y0.4.jpg", "again.jpg")
    assert joint.remarks == (f"The values are those of {kept} alone", f"{left} is left out: it is the same picture as {kept}, whole or in part, and tells nothing new",)
    assert joint.matched == [kept] and joint.measurements == alone["front"].measurements
    assert len(join_rooms([alone["front"], again, alone["side"]]).seats) == 2


def test_two_parts_of_one_photo_that_overlap_are_no_two_photos(alone):
    left, right = (_cut(alone["front"], name, slice(None), columns) for name, columns in (("left.jpg", slice(0, 400)), ("right.jpg", slice(90, None))))
    joint = join_rooms([left, right])
    assert joint.remarks[1:] == ("right.jpg is left out: it is the same picture as left.jpg, whole or in part, and tells nothing new",)


def test_of_two_copies_the_one_with_more_pixels_stays(alone):
    small = replace(alone["front"].photo, rgb=cv2.resize(alone["front"].photo.rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), name="small.jpg", sha256="s")
    for order in (1, -1):
        assert join_rooms([replace(alone["front"], photo=small), alone["front"]][::order]).matched == ["x2.1y0.4.jpg"]


def test_a_copy_of_a_copy_is_one_of_what_stays(alone):
    """The second shows what the first does, and is found in the third later: both are the third's copies."""
    assert _copies([alone["front"]] * 3, {(0, 1): 2.0, (0, 2): 0.0, (1, 2): 2.0}) == {0: 2, 1: 2}


def test_a_step_towards_a_wall_is_a_second_photo():
    """One similarity carries the wall's details, and the nearer picture's frame lies in the other's."""
    near, far = (seen(photograph(OUTLINE, Place(2.1, y, 0), ceiling=CEILING, **SMALL)) for y in (1.5, 0.4))
    joint = join_rooms([far, near])
    assert len(joint.seats) == 2 and joint.seats[1].shift_m == pytest.approx([0.0, 1.1], abs=0.1)


def test_a_photo_from_the_same_spot_is_no_second_opinion(alone, monkeypatch):
    monkeypatch.setattr("poc.room.seating.shown_again", lambda a, b, pairs: 0.0)
    joint = join_rooms([alone["front"], _cut(alone["front"], "burst.jpg", slice(None), slice(None))])
    assert joint.remarks[1:] == ("burst.jpg is left out: it shows what x2.1y0.4.jpg shows, from the same spot, and tells nothing new",)
    assert joint.measurements == alone["front"].measurements


def _facade(step_wall: int, step_floor: int) -> np.ndarray:
    """A picture 256×192 of a wall with things on it and a floor before it, which a step aside moves by so many pixels."""
    noise = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (192, 512)).astype(np.float32), (0, 0), 2.0)
    noise = (noise - noise.mean()) * 40 / noise.std() + 128
    return np.vstack([noise[:110, step_wall:step_wall + 256], noise[110:, step_floor:step_floor + 256]])


def test_a_step_before_a_flat_wall_is_another_picture():
    """All details that are matched move alike, as in parts of one picture; but the floor before the wall does not."""
    at, frame = np.random.default_rng(0).uniform([0.25, 0.0], [1.0, 0.43], (60, 2)), np.array([1.0, 0.75])
    one = Details(np.zeros((60, 3)), np.zeros((60, 128), np.float32), 1.5, at, frame, _facade(0, 0))
    pairs = np.column_stack([np.arange(60)] * 2)
    assert shown_again(one, replace(one, places=at - [0.25, 0.0], picture=_facade(64, 64)), pairs) == pytest.approx(1.0, rel=0.01)
    assert shown_again(one, replace(one, places=at - [0.25, 0.0], picture=_facade(64, 110)), pairs) == 0.0
    larger = cv2.resize(_facade(0, 0), None, fx=1.25, fy=1.25)[:192, :256]
    assert shown_again(one, replace(one, places=at / 0.8, picture=larger), pairs) == pytest.approx(0.64, rel=0.01)
    assert shown_again(one, replace(one, places=at / 0.8, picture=_facade(0, 0)), pairs) == 0.0
    assert shown_again(one, replace(one, places=np.roll(at, 7, axis=0)), pairs) == 0.0
    assert shown_again(one, one, pairs) == pytest.approx(1.0) and shown_again(one, one, pairs[:9]) == 0.0, "nine are too few to tell"


def test_a_photo_without_a_room_is_left_out(alone):
    forest = Scene(alone["side"].scene.camera, "no room found: trees")
    joint = join_rooms([RoomPhoto(replace(alone["side"].photo, name="forest.jpg"), forest, measure(forest)), alone["front"]])
    assert joint.anchor == 1 and joint.remarks[1:] == ("forest.jpg is left out: no room found: trees",)
    nothing = join_rooms([RoomPhoto(alone["side"].photo, forest, measure(forest))] * 2)
    assert nothing.scene.refusal and all(m.status == "unknown" for m in nothing.measurements)


def test_one_of_three_without_a_room_leaves_the_other_two_as_they_are(alone, pair):
    forest = Scene(alone["side"].scene.camera, "no room found: trees")
    three = join_rooms([alone["front"], RoomPhoto(replace(alone["side"].photo, name="forest.jpg"), forest, measure(forest)), alone["side"]])
    assert three.remarks == ("forest.jpg is left out: no room found: trees",) and set(three.seats) == {0, 2}
    assert [m.value for m in three.measurements] == pytest.approx([m.value for m in pair.measurements])
