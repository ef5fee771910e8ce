"""Several photos of one exact room: seated where they were taken, joined by their errors, and never matched by guess."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc.errors import ParameterError
from poc.fuse import JointRoom, RoomPhoto, join_rooms
from poc.measure import measure
from poc.room import jointfit
from poc.room.roomspace import cut_out
from poc.room.sameroom import Details, Seat, chain, quarter, reverse, shown_again
from poc.scene import build_scene
from poc.types import Obstacle, Opening, Scale, ScaleSource, Scene
from poc.words import joint_lines
from tests.synthetic import SyntheticRoom, affine_depth, noisy_depth, perturbed_camera
from tests.views import Place, photograph, rectangle

WIDTH, DEPTH, CEILING = 4.2, 5.0, 2.6
OUTLINE = rectangle(WIDTH, DEPTH)
FRONT, SIDE, BACK, TURNED = Place(2.1, 0.4, -12), Place(1.2, 0.9, 25), Place(3.2, 3.9, 205), Place(1.2, 0.9, 58)
SMALL = {"size": (480, 360), "f_px": 250.0}


def seen(room: SyntheticRoom, *, noise_seed: int | None = None, height: float | None = None, sigma: float = 0.03, references=()) -> RoomPhoto:
    """A photo measured by itself: exact relative depth, or a network's; the camera's height given unless it is 0."""
    depth, camera = affine_depth(room, 3), room.camera
    if noise_seed is not None:
        depth = replace(affine_depth(room, noise_seed, noisy_depth(room, 0.06, noise_seed)), engine="synthetic")
        camera = perturbed_camera(room, noise_seed)
    h = room.camera_height_m if height is None else height
    scene = build_scene(room.photo, depth, room.surfaces, camera, camera_height=(h, sigma * h) if h else None, references=references)
    return RoomPhoto(room.photo, scene, measure(scene))


@pytest.fixture(scope="module")
def photos() -> dict[str, SyntheticRoom]:
    places = {"front": FRONT, "side": SIDE, "back": BACK, "turned": TURNED}
    return {name: photograph(OUTLINE, place, ceiling=CEILING, **SMALL) for name, place in places.items()}


@pytest.fixture(scope="module")
def alone(photos) -> dict[str, RoomPhoto]:
    return {name: seen(room) for name, room in photos.items()}


@pytest.fixture(scope="module")
def pair(alone) -> JointRoom:
    return join_rooms([alone["front"], alone["side"]])


def _own_scale(room: RoomPhoto, name: str) -> RoomPhoto:
    """The same photo, its scale known by a source of its own to ± 3 %."""
    h = room.scene.camera_height_m
    scene = replace(room.scene, scale=Scale(name, h, 0.03, (ScaleSource(name, h, 0.03),)))
    return replace(room, scene=scene, measurements=measure(scene))


def value(joint, name: str):
    return next(m for m in joint.measurements if m.name == name)


def sigma_rel(m) -> float:
    return float(np.log(m.value / m.low)) / 1.645


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


def test_what_one_photo_says_of_its_scale_is_told_as_its_own(alone):
    """The joint interval is another than the one that was widened."""
    noted = replace(alone["front"].scene, scale=replace(alone["front"].scene.scale, notes=("the interval is widened from ± 6 to ± 8 %",)))
    joint = join_rooms([replace(alone["front"], scene=noted), alone["side"]])
    assert joint.record({})["scale"]["notes"] == ["by x2.1y0.4.jpg alone, the interval is widened from ± 6 to ± 8 %"]
    assert "By x2.1y0.4.jpg alone, the interval is widened from ± 6 to ± 8 %." in joint_lines(joint)
    assert join_rooms([replace(alone["front"], scene=noted)]).record({})["scale"]["notes"] == list(noted.scale.notes)


def test_photos_of_different_rooms_narrow_nothing(alone):
    """Each scale has an error of its own, so that joining would average it; the second room is larger and higher besides."""
    other = seen(photograph(rectangle(6.5, 7.5), FRONT, ceiling=3.4, pattern=99, **SMALL), height=1.1 * FRONT.height_m)
    rooms = [_own_scale(alone["front"], "reference door"), _own_scale(other, "reference a4")]
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
    other = _own_scale(seen(photograph(rectangle(6.5, 7.5), BACK, ceiling=3.4, pattern=99, **SMALL)), "reference a4")
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


# --- what is joined ----------------------------------------------------------------------------------------------------


def test_exact_photos_give_the_exact_room(pair):
    assert value(pair, "longest_wall").value == pytest.approx(WIDTH, rel=0.01)
    assert value(pair, "ceiling_height").value == pytest.approx(CEILING, rel=0.01)
    assert value(pair, "wall_2_distance").value == pytest.approx(DEPTH - FRONT.y, rel=0.01)
    assert pair.conflicts == () and pair.remarks == ()


def test_outlines_are_merged(pair, alone):
    area = [next(m.value for m in r.measurements if m.name == "floor_area_visible") for r in (alone["front"], alone["side"])]
    both = value(pair, "floor_area_visible").value
    assert 1.05 * max(area) < both < min(sum(area), 1.03 * WIDTH * DEPTH)


def test_the_record_keeps_the_contract(pair):
    record = json.loads(json.dumps(pair.record({"name": "exact"}), allow_nan=False))
    assert set(record) >= {"camera", "model", "scale", "planes", "measurements", "photos", "conflicts"}
    assert record["photos"] == ["x2.1y0.4.jpg", "x1.2y0.9.jpg"] and record["conflicts"] == []
    assert record["joined"] is True and record["matched"] == record["photos"] and record["photo"] == record["seen_from"]
    named = {m["name"]: m for m in record["measurements"]}
    for plane in record["planes"]:
        assert plane["offset_m"] > 0 and np.linalg.norm(plane["normal_cam"]) == pytest.approx(1, abs=1e-6)
        if plane["kind"] == "wall":
            assert named[f"{plane['id']}_distance"]["value"] == pytest.approx(plane["offset_m"])


def test_a_shared_scale_error_is_not_averaged_away(photos):
    """Both scales rest on one height given to ± 3 %: own errors shrink, the scale's stays."""
    rooms = [seen(photos[n], noise_seed=k) for k, n in enumerate(("front", "side"))]
    joint = join_rooms(rooms)
    single = [sigma_rel(next(m for m in r.measurements if m.name == "ceiling_height")) for r in rooms]
    assert sigma_rel(value(joint, "camera_height")) == pytest.approx(0.03, rel=0.1)
    for name in ("ceiling_height", "longest_wall"):
        assert sigma_rel(value(joint, name)) >= 0.029
    assert sigma_rel(value(joint, "ceiling_height")) < min(single)


def test_independent_scales_do_average(alone):
    """The same photos, each with a scale of its own of ± 3 %: what both see is known better than by either."""
    joint = join_rooms([_own_scale(alone["front"], "reference door"), _own_scale(alone["side"], "reference a4")])
    assert sigma_rel(value(joint, "ceiling_height")) == pytest.approx(0.03 / np.sqrt(2), rel=0.1)
    assert sigma_rel(value(joint, "camera_height")) < 0.025


# --- disagreement ------------------------------------------------------------------------------------------------------


def test_a_disagreement_is_told_and_widens(photos, alone):
    """The second photo's camera height is given 20 % too high: widths and ceiling differ, and the interval holds both."""
    wrong = seen(photos["side"], height=1.2 * SIDE.height_m)
    joint = join_rooms([alone["front"], wrong])
    about = {c.name for c in joint.conflicts}
    assert {"ceiling_height", "wall_1 to wall_3"} <= about
    assert "% apart" in joint.conflicts[0].text and len(joint.conflicts[0].values) == 2
    ceiling = value(joint, "ceiling_height")
    assert ceiling.low < CEILING < ceiling.high and ceiling.low < 1.2 * CEILING
    assert sigma_rel(ceiling) > 1.5 * sigma_rel(next(m for m in alone["front"].measurements if m.name == "ceiling_height"))


def test_floor_and_free_stretches_take_the_joint_scale(photos, alone, pair):
    """The second photo's own height is 15 % too high and vague: the first decides, and the second's floor shrinks with its walls."""
    vague = seen(photos["side"], height=1.15 * SIDE.height_m, sigma=0.15)
    joint = join_rooms([seen(photos["front"], sigma=0.01), vague])
    assert set(joint.seats) == {0, 1}
    for name in ("floor_area_visible", "longest_free_wall"):
        assert value(joint, name).value == pytest.approx(value(pair, name).value, rel=0.04)
        assert value(joint, name).low < value(pair, name).value
    for m in joint.scene.walls:
        assert all(0 <= a < b <= m.length_m + 0.02 for a, b in m.free)


def test_a_joint_floor_is_known_no_worse_than_one_photo_knows_it(alone, pair):
    """Its outline comes from a raster, yet the part along walls is known to end there."""
    first = next(m for m in alone["front"].measurements if m.name == "floor_area_visible")
    assert sigma_rel(value(pair, "floor_area_visible")) < 1.2 * sigma_rel(first)


def _with_thing(photo: RoomPhoto, left: float, right: float, deep_m: float) -> RoomPhoto:
    """The photo with a thing on or before its far wall, which is free there no more."""
    scene = photo.scene
    wall = _freest(scene)
    far, step = float(wall.ends[:, 1].mean()), float(np.sign(wall.ends[1, 0] - wall.ends[0, 0]))
    foot = np.array([(left, far - deep_m), (right, far - deep_m), (right, far - 0.02), (left, far - 0.02)])
    spans = [(a, b, *kinds) for (a, b), kinds in zip(wall.free, wall.free_end_kinds, strict=True)]
    low, high = sorted(step * (x - float(wall.ends[0, 0])) for x in (left, right))
    left_free = cut_out(spans, low, high, "obstacle")
    other = replace(wall, free=tuple(s[:2] for s in left_free), free_end_kinds=tuple(s[2:] for s in left_free))
    scene = replace(scene, obstacles=(Obstacle(foot, 1.9),), walls=tuple(other if w is wall else w for w in scene.walls))
    return replace(photo, scene=scene, measurements=measure(scene))


def test_what_one_photo_sees_standing_is_not_free(alone):
    """A cupboard put before the far wall in the second photo's scene only."""
    joint = join_rooms([alone["front"], _with_thing(alone["side"], 0.0, 0.9, 0.5)])
    assert value(joint, "longest_free_wall").value < WIDTH - 0.8
    assert any("something standing before wall 2" in c.text for c in joint.conflicts)


def test_what_stands_off_a_wall_ends_a_stretch_of_another_photo_less_surely(alone):
    """A table 0.4 to 0.55 m off the far wall in the second photo's scene only: by depth it may not stand in the strip at all."""
    side = _with_thing(alone["side"], 0.0, 0.9, 0.5)
    far = float(_freest(alone["side"].scene).ends[:, 1].mean())
    for near, kind in ((0.1, "obstacle"), (0.4, "occluded")):
        foot = np.array([(0.0, far - 0.55), (0.9, far - 0.55), (0.9, far - near), (0.0, far - near)])
        joint = join_rooms([alone["front"], replace(side, scene=replace(side.scene, obstacles=(Obstacle(foot, 0.7),)))])
        kinds = [k for wall in joint.scene.walls for ends in wall.free_end_kinds for k in ends if wall.plane_id == "wall_2"]
        assert kind in kinds and {"obstacle": "occluded", "occluded": "obstacle"}[kind] not in kinds


def test_what_hangs_on_a_wall_and_what_a_photo_judged_free_itself_cut_nothing(alone):
    hung = join_rooms([alone["front"], _with_thing(alone["side"], 0.0, 0.9, 0.1)])
    assert value(hung, "longest_free_wall").value == pytest.approx(WIDTH, abs=0.05) and hung.conflicts == ()
    side = alone["side"]
    far = float(_freest(side.scene).ends[:, 1].mean())
    beside = np.array([(0.0, far - 0.9), (0.9, far - 0.9), (0.9, far - 0.55), (0.0, far - 0.55)])  # a corner of it comes near the wall
    joint = join_rooms([alone["front"], replace(side, scene=replace(side.scene, obstacles=(Obstacle(beside, 0.7),)))])
    assert value(joint, "longest_free_wall").value == pytest.approx(WIDTH, abs=0.05) and joint.conflicts == ()


def test_a_free_wall_that_two_photos_show_together_has_the_error_of_where_they_stood(alone):
    """Each sees one half of it free; the whole is no better known than the wall's length is."""
    halves = [_with_thing(alone["front"], -2.0, -0.1, 0.1), _with_thing(alone["side"], 0.8, 2.9, 0.1)]
    joint = join_rooms(halves)
    whole = value(joint, "longest_free_wall")
    apart = join_rooms([alone["front"], alone["side"]])
    assert whole.value == pytest.approx(WIDTH, abs=0.05)
    assert sigma_rel(whole) > 1.02 * sigma_rel(value(apart, "longest_free_wall"))


# --- odd sets ----------------------------------------------------------------------------------------------------------


def test_one_photo_is_itself(alone):
    joint = join_rooms([alone["front"]])
    assert joint.measurements == alone["front"].measurements and joint.record({})["conflicts"] == []


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


@pytest.mark.parametrize(("ceiling", "noise_seed", "status"), [(3.75, 1, "lower_bound"), (3.75, None, "measured"), (3.4, 1, "measured")])
def test_a_strip_of_ceiling_is_believed_only_where_depth_shows_it(ceiling, noise_seed, status):
    """At 3.75 m little more than 1 % of the photo is surely ceiling: a network sees as much where the wall only goes on out of the frame."""
    room = photograph(OUTLINE, FRONT, ceiling=ceiling, **SMALL)
    height = next(m for m in seen(room, noise_seed=noise_seed).measurements if m.name == "ceiling_height")
    assert height.status == status
    assert height.low < ceiling and (height.high is None or ceiling < height.high)


def test_a_ceiling_in_no_photo_is_as_high_as_the_photo_says_that_shows_most():
    photos = [seen(photograph(OUTLINE, p, ceiling=5.0, **SMALL)) for p in (FRONT, SIDE)]
    alone = [next(m for m in p.measurements if m.name == "ceiling_height") for p in photos]
    m = value(join_rooms(photos), "ceiling_height")
    assert (m.status, m.high, m.low) == ("lower_bound", None, max(a.low for a in alone))
    assert "out of every photo" in m.reason and "a wall is seen, in " in m.basis


def test_a_wall_seen_above_the_ceiling_of_another_photo_is_a_disagreement(alone):
    high = seen(photograph(OUTLINE, SIDE, ceiling=5.0, **SMALL))
    least = next(m for m in high.measurements if m.name == "ceiling_height")
    joint = join_rooms([alone["front"], high])
    m = value(joint, "ceiling_height")
    assert m.status == "measured" and m.value == pytest.approx(CEILING, rel=0.02) and m.high == least.value > least.low > CEILING
    assert any(c.name == "ceiling_height" and "shows a wall up to" in c.text for c in joint.conflicts)


def _freest(scene: Scene):
    return max(scene.walls, key=lambda w: sum(b - a for a, b in w.free))


def _opening(scene: Scene, wall, kind: str, span: tuple[float, float], heights: tuple[float, float]) -> Opening:
    along = (wall.ends[1] - wall.ends[0]) / wall.length_m
    (a, b), (low, high) = span, heights
    corners = [[*(wall.ends[0] + t * along), z - scene.camera_height_m] for t, z in ((a, high), (b, high), (b, low), (a, low))]
    return Opening(kind, wall.plane_id, np.array(corners) @ scene.room_from_cam, b - a, high - low)


def test_windows_above_each_other_stay_two_and_one_seen_twice_is_one(alone):
    """And it is as the photo has it that saw most of it."""
    rooms = []
    for name, widest in (("front", 0.5), ("side", 0.9)):
        scene = alone[name].scene
        wall = _freest(scene)
        middle = sum(max(wall.free, key=lambda s: s[1] - s[0])) / 2
        openings = tuple(_opening(scene, wall, "window", (middle - widest / 2, middle + widest / 2), z) for z in ((1.8, 2.2), (0.5, 1.6)))
        rooms.append(replace(alone[name], scene=replace(scene, openings=openings)))
    joint = join_rooms(rooms)
    assert len({o.plane_id for o in joint.scene.openings}) == 1  # the far wall of both
    assert sorted(round(o.width_m, 2) for o in joint.scene.openings) == [0.9, 0.9]


@pytest.mark.parametrize("order", [("front", "side"), ("side", "front")])
def test_a_door_that_one_photo_sees_is_a_door(alone, order):
    """Nothing is to stand before it, whatever the other photo says; and what hangs on the wall goes along."""
    scene = alone["side"].scene
    wall = _freest(scene)
    start, end = max(wall.free, key=lambda s: s[1] - s[0])
    a, b = start + 0.4 * (end - start), start + 0.6 * (end - start)
    door = _opening(scene, wall, "door", (a, b), (0.0, 2.0))
    hung = replace(wall, covered=((a - 0.3, a, 1.1),))
    with_door = replace(scene, openings=(door,), walls=tuple(hung if w is wall else w for w in scene.walls))
    rooms = {"front": alone["front"], "side": replace(alone["side"], scene=with_door, measurements=measure(with_door))}
    joint = join_rooms([rooms[name] for name in order])
    (kept,) = joint.scene.openings
    segment = next(w for w in joint.scene.walls if w.plane_id == kept.plane_id)
    ends = np.sort(((kept.corners_cam @ joint.scene.room_from_cam.T)[:, :2] - segment.ends[0]) @ (segment.ends[1] - segment.ends[0]) / segment.length_m)
    assert all(high <= ends[0] + 0.01 or low >= ends[-1] - 0.01 for low, high in segment.free) and ends[-1] - ends[0] == pytest.approx(b - a, rel=0.02)
    assert any("door" in kinds for kinds in segment.free_end_kinds)
    (thing,) = segment.covered
    assert thing[1] == pytest.approx(ends[0], abs=0.05) and thing[2] == pytest.approx(1.1, rel=0.03)


def test_no_photo_is_a_mistake():
    with pytest.raises(ParameterError, match="at least one"):
        join_rooms([])


# --- the fit -----------------------------------------------------------------------------------------------------------


def _fit(alone, *shares: dict[str, float], common=None):
    views = [replace(jointfit.view_of(str(k), alone["front"].scene), ceiling_m=2.5 + 0.1 * k, errors=np.array([[0.05], [0.0]]), walls=(), shares=s, common=common or {})
             for k, s in enumerate(shares)]
    rows = [r for k, v in enumerate(views) for r in jointfit.height_rows(v, k)]
    return jointfit.solve(views, rows, {}, 0), views, rows


def test_a_focal_length_that_photos_share_is_not_averaged_away(alone):
    told = {"focal length, exif": np.array([0.1, 0.0])}
    apart, together = (_fit(alone, *[{"height": 0.001}] * 4, common=common)[0].get({"ceiling": 1.0})[1] for common in (None, told))
    assert apart < 0.03 and together == pytest.approx(np.hypot(apart, 0.1), rel=0.02)


def test_two_equal_photos_meet_in_the_middle(alone):
    fit, _, _ = _fit(alone, {"height": 0.02}, {"height": 0.02})
    mean, sigma = fit.get({"ceiling": 1.0})
    assert mean == pytest.approx(2.55, abs=1e-3)
    assert sigma == pytest.approx(np.hypot(np.hypot(0.05, 0.005) / np.sqrt(2), 0.02 * 2.55), rel=0.02)


def test_opinions_that_differ_widen_each_other(alone):
    _, views, rows = _fit(alone, {"height": 0.0}, {"height": 0.0})
    rows[-1] = replace(rows[-1], value=2.9)
    wider, conflicts = jointfit.widened(views, rows)
    assert len(conflicts) == 1 and conflicts[0][0] == ("ceiling",)
    sigma = jointfit.solve(views, wider, {}, 0).get({"ceiling": 1.0})[1]
    assert sigma == pytest.approx(0.4 / 2, rel=0.05)


@pytest.mark.slow
def test_joint_intervals_hold_and_are_narrower(capsys):
    """Eight rooms, two photos each, a network's depth, one height given to ± 3 %: coverage and width of what is joined."""
    covered, width, alone_width = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        w, d, c = rng.uniform(3, 5.5), rng.uniform(3.5, 6), rng.uniform(2.3, 2.9)
        places = [Place(w * rng.uniform(0.3, 0.7), rng.uniform(0.3, 1.2), rng.uniform(-25, 25), 8.0, rng.uniform(1.3, 1.7)) for _ in range(2)]
        shared = np.exp(0.03 * rng.normal())
        rooms = [seen(photograph(rectangle(w, d), p, ceiling=c, pattern=seed, **SMALL), noise_seed=2 * seed + k, height=p.height_m * shared)
                 for k, p in enumerate(places)]
        joint = join_rooms(rooms)
        both = [(value(joint, "ceiling_height"), c), (value(joint, "longest_wall"), w)]
        covered += [m.low <= t <= m.high for m, t in both if m.status == "measured"]
        width += [np.log(m.high / m.low) for m, t in both if m.status == "measured"]
        alone_width += [np.log(m.high / m.low) for r in rooms for m in r.measurements
                        if m.name in ("ceiling_height", "longest_wall") and m.status == "measured"]
    assert np.mean(covered) >= 0.8 and np.median(width) < 0.95 * np.median(alone_width)
