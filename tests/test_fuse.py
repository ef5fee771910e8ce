"""Several photos of one exact room, joined by their errors; what disagrees is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from poc.errors import ParameterError
from poc.fuse import RoomPhoto, join_rooms
from poc.measure import measure
from poc.room import jointfit
from poc.room.cells import inside_polygon
from poc.room.freespace import _polygon_area
from poc.room.jointroom import merge_floor, rescaled
from poc.room.roomspace import cut_out, to_room
from poc.room.sameroom import Seat
from poc.types import Obstacle, Opening, ScaleSource, Scene
from poc.words import joint_lines
from tests.one_room import CEILING, DEPTH, FRONT, OUTLINE, SIDE, SMALL, WIDTH, alone, own_scale, pair, photos, seen  # noqa: F401 (fixtures among them)
from tests.views import Place, photograph, rectangle


def value(joint, name: str):
    return next(m for m in joint.measurements if m.name == name)


def sigma_rel(m) -> float:
    return float(np.log(m.value / m.low)) / 1.645


def test_what_one_photo_says_of_its_scale_is_told_as_its_own(alone):
    """The joint interval is another than the one that was widened."""
    noted = replace(alone["front"].scene, scale=replace(alone["front"].scene.scale, notes=("the interval is widened from ± 6 to ± 8 %",)))
    joint = join_rooms([replace(alone["front"], scene=noted), alone["side"]])
    assert joint.record({})["scale"]["notes"] == ["by x2.1y0.4.jpg alone, the interval is widened from ± 6 to ± 8 %"]
    assert "By x2.1y0.4.jpg alone, the interval is widened from ± 6 to ± 8 %." in joint_lines(joint)
    assert join_rooms([replace(alone["front"], scene=noted)]).record({})["scale"]["notes"] == list(noted.scale.notes)


def test_nothing_joined_is_green_where_one_photos_sources_of_the_scale_differ(alone, pair):
    """Also where it is not the photo that the room is seen from."""
    scale = alone["side"].scene.scale
    rival = ScaleSource("metric model", 1.2 * scale.camera_height_m, 0.08)
    doubted = replace(alone["side"], scene=replace(alone["side"].scene, scale=replace(scale, opinions=(*scale.opinions, rival))))
    joint = join_rooms([alone["front"], doubted])
    assert joint.joined and "green" in {m.light for m in pair.measurements} and "green" not in {m.light for m in joint.measurements}


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
    joint = join_rooms([own_scale(alone["front"], "reference door"), own_scale(alone["side"], "reference a4")])
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


def _with_wall(photo: RoomPhoto, plane_id: str, ends: list[tuple[float, float]], kinds: tuple[str, str]) -> RoomPhoto:
    """The photo with one of its walls elsewhere: from end to end, facing the camera as before."""
    scene = photo.scene
    old = next(w for w in scene.walls if w.plane_id == plane_id)
    wall = replace(old, ends=np.array(ends), end_kinds=kinds, free=(), free_end_kinds=())
    plane = scene.plane(plane_id)
    outward = -(scene.room_from_cam @ plane.normal_cam)[:2]
    moved = replace(plane, offset_m=float(wall.ends.mean(0) @ outward / np.linalg.norm(outward)))
    scene = replace(scene, solution=None, walls=tuple(wall if w is old else w for w in scene.walls),
                    planes=tuple(moved if p is plane else p for p in scene.planes))
    return replace(photo, scene=scene)


def test_a_wall_in_line_with_the_anchor_is_another_wall_and_has_no_distance(alone):
    """The second photo has its right wall where the first one stood, 2.1 m from the first one's: an alcove's, seen by it alone."""
    right = next(w for w in alone["side"].scene.walls if w.end_kinds[0] == "corner" and np.ptp(w.ends[:, 0]) < 0.2 and w.ends[0, 0] > 0)
    at = FRONT.x - SIDE.x
    side = _with_wall(alone["side"], right.plane_id, [(at, float(y)) for y in right.ends[:, 1]], right.end_kinds)
    joint = join_rooms([alone["front"], side])
    (new,) = {w.plane_id for w in joint.scene.walls} - {w.plane_id for w in alone["front"].scene.walls}
    told = value(joint, f"{new}_distance")
    assert told.status == "unknown" and told.reason == "x2.1y0.4.jpg was taken from the line of this wall, which another photo shows"
    assert not any("distance" in c.text for c in joint.conflicts), "the two right walls are not taken for one"


def test_a_wall_that_another_photo_sees_go_on_past_its_corner_is_less_sure(alone):
    side = alone["side"].scene
    far = _freest(side)
    (left, y), (right, _) = far.ends[np.argsort(far.ends[:, 0])]
    exact = join_rooms([alone["front"], alone["side"]])
    longer = join_rooms([alone["front"], _with_wall(alone["side"], far.plane_id, [(left, y), (right + 0.8, y)], ("corner", "occluded"))])
    whole, doubted = (value(joint, "wall_2_length") for joint in (exact, longer))
    assert doubted.value == pytest.approx(whole.value, rel=0.01)
    assert sigma_rel(doubted) > 0.5 * 0.7 / WIDTH > 2 * sigma_rel(whole)
    (conflict,) = longer.conflicts
    assert "disagree about where wall 2 ends" in conflict.text


def test_a_door_is_as_high_whatever_the_cameras_heights(alone):
    """The second photo was taken from 0.3 m higher up; the joint room is seen from the first."""
    high = seen(photograph(OUTLINE, replace(SIDE, height_m=SIDE.height_m + 0.3), ceiling=CEILING, **SMALL))
    wall = _freest(high.scene)
    door = _opening(high.scene, wall, "door", (0.4 * wall.length_m, 0.6 * wall.length_m), (0.0, 2.0))
    joint = join_rooms([alone["front"], replace(high, scene=replace(high.scene, openings=(door,)))])
    (kept,) = joint.scene.openings
    heights = to_room(kept.corners_cam, joint.scene)[:, 2]
    assert (heights.min(), heights.max()) == pytest.approx((0.0, 2.0), abs=0.03)


def test_a_photo_of_another_scale_has_all_its_lengths_changed_alike(alone):
    scene = alone["side"].scene
    wall = _freest(scene)
    hung = replace(wall, covered=((0.5, 0.9, 1.2),))
    scene = replace(scene, walls=tuple(hung if w is wall else w for w in scene.walls))
    view = jointfit.view_of("side", scene)
    larger = rescaled(view, 1.1 * scene.camera_height_m)
    (found,) = [w for w in larger.scene.walls if w.covered]
    assert np.allclose(found.covered, 1.1 * np.array(hung.covered)) and np.allclose(found.free, 1.1 * np.array(hung.free))
    assert found.length_m == pytest.approx(1.1 * hung.length_m)
    assert [w.distance_m for w in larger.walls] == pytest.approx([1.1 * w.distance_m for w in view.walls])
    assert larger.scene.camera_height_m == pytest.approx(1.1 * scene.camera_height_m) and larger.ceiling_m == pytest.approx(1.1 * view.ceiling_m)


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


def sloping(photo, low_m: float, high_m: float):
    """The same photo, as if its ceiling's line climbed so along a wall."""
    def climbing(shape):
        return replace(shape, climb=(low_m * shape.camera_height / base.camera_height, high_m * shape.camera_height / base.camera_height))

    solution = photo.scene.solution
    base = solution.base
    moved = tuple(move._replace(up=climbing(move.up), down=climbing(move.down)) for move in solution.moved)
    scene = replace(photo.scene, solution=replace(solution, base=climbing(base), moved=moved))
    return replace(photo, scene=scene, measurements=measure(scene))


@pytest.mark.parametrize("second", [(2.5, 3.6), None])
def test_a_ceiling_that_a_photo_sees_slope_is_not_joined_as_level(alone, second):
    """All heights seen are in the interval, each photo's words are kept, and different heights of it are no conflict."""
    photos = [sloping(alone["front"], 2.4, 3.3), alone["side"] if second is None else sloping(alone["side"], *second)]
    joint = join_rooms(photos)
    m = value(joint, "ceiling_height")
    assert m.status == "measured" and m.light != "green" and m.low < 2.4 and m.high > (3.3 if second is None else 3.6)
    assert m.reason.count("the ceiling slopes") == (1 if second is None else 2) and m.low < CEILING < m.high
    assert not [c for c in joint.conflicts if "ceiling" in c.text]


def test_a_wall_higher_than_a_sloping_ceiling_is_told(alone):
    """As with a level ceiling: the other photo's wall is a conflict, and the interval reaches it."""
    told = tuple(replace(m, status="lower_bound", value=3.4, low=3.2, high=None) if m.name == "ceiling_height" else m for m in alone["side"].measurements)
    joint = join_rooms([sloping(alone["front"], 2.2, 2.5), replace(alone["side"], measurements=told)])
    m = value(joint, "ceiling_height")
    assert m.status == "measured" and m.low < 2.2 and m.high == pytest.approx(3.4)
    assert any("shows a wall up to 3.20 m at least" in c.text for c in joint.conflicts)


@pytest.mark.parametrize(("share", "conflict"), [(0.5, False), (1.1, True)])
def test_a_wall_inside_the_ceilings_interval_is_no_conflict(alone, pair, share, conflict):
    """A wall seen higher than the ceiling's likeliest height, but within its interval, is no contradiction; beyond it, it is."""
    ceiling = value(pair, "ceiling_height")
    least = ceiling.value + share * (ceiling.high - ceiling.value)
    told = tuple(replace(m, status="lower_bound", value=1.05 * least, low=least, high=None) if m.name == "ceiling_height" else m for m in alone["side"].measurements)
    joint = join_rooms([alone["front"], replace(alone["side"], measurements=told)])
    assert any("shows a wall up to" in c.text for c in joint.conflicts) is conflict
    assert (value(joint, "ceiling_height").high > 1.001 * ceiling.high) is conflict


def test_an_area_carries_the_scales_error_twice(pair):
    assert sigma_rel(value(pair, "floor_area_visible")) > 1.98 * pair.scene.scale.sigma_rel


def test_what_any_photo_sees_standing_takes_the_joint_floor(alone):
    """A small piece in one photo, a larger one around it in the other: neither's place is free, whichever photo comes first."""
    small, large = (np.array([(1.0 - a, 2.0 - a), (1.0 + a, 2.0 - a), (1.0 + a, 2.0 + a), (1.0 - a, 2.0 + a)]) for a in (0.2, 0.6))
    scenes = [replace(photo.scene, obstacles=(Obstacle(foot, 0.7),)) for photo, foot in ((alone["front"], small), (alone["front"], large))]
    for order in (scenes, scenes[::-1]):
        joint = merge_floor(alone["front"].scene, dict(enumerate(order)), {0: Seat(0, np.zeros(2), 0.0, 99), 1: Seat(0, np.zeros(2), 0.0, 99)})
        rows, columns = np.nonzero(joint.free_floor)
        centres = np.column_stack([columns, rows]) * joint.grid_cell_m + np.array(joint.grid_origin) + joint.grid_cell_m / 2
        assert len(centres) and not inside_polygon(centres, large).any()
        assert len(joint.obstacles) == 1 and np.ptp(joint.obstacles[0].footprint, axis=0) == pytest.approx([1.2, 1.2])


def test_a_floor_merged_with_itself_is_as_large(alone):
    scene = alone["front"].scene
    joint = merge_floor(scene, {0: scene, 1: scene}, {0: Seat(0, np.zeros(2), 0.0, 99), 1: Seat(0, np.zeros(2), 0.0, 99)})
    assert _polygon_area(joint.outline) == pytest.approx(_polygon_area(scene.outline), rel=0.01)


def test_a_joint_ceiling_of_any_height_is_not_told(alone):
    def vague(photo):
        planes = tuple(replace(p, sigma_m=1.6) if p.id == "ceiling" else p for p in photo.scene.planes)
        scene = replace(photo.scene, planes=planes, solution=None)
        return replace(photo, scene=scene, measurements=measure(scene))

    m = value(join_rooms([vague(alone["front"]), vague(alone["side"])]), "ceiling_height")
    assert m.status == "unknown" and "too uncertain to say" in m.reason
