"""Measurements of exact rooms: known answers, what is only a bound or unknown, and the error budget by cause."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from poc.geometry import pixel_rays
from poc.measure import FIXED_NAMES, longest, measure, measurement_json, next_measurement
from poc.room.freespace import drawn_stretch, free_measurements, log_normal, unknown
from poc.room.propagate import CAUSES, log_change
from poc.room.scale import fuse
from poc.scene import build_scene
from poc.types import Z90, Measurement, ScaleSource, Scene
from tests import rooms, synthetic
from tests.synthetic import SyntheticRoom


@pytest.fixture(scope="module")
def room() -> SyntheticRoom:
    return synthetic.make_room(5)


def scene_of(room: SyntheticRoom, height_sigma: float = 0.02, **camera) -> Scene:
    """A relative map with the true height, known to `height_sigma` (log)."""
    given = (room.camera_height_m, height_sigma * room.camera_height_m)
    return build_scene(room.photo, synthetic.affine_depth(room, 1), room.surfaces, replace(room.camera, **camera), camera_height=given)


@pytest.fixture(scope="module")
def scene(room) -> Scene:
    return scene_of(room)


@pytest.fixture(scope="module")
def found(scene) -> dict[str, Measurement]:
    return {m.name: m for m in measure(scene)}


def sigma(m: Measurement) -> float:
    return float(np.log(m.value / m.low)) / Z90


# --- known answers ----------------------------------------------------------------------------------------------------


def test_every_name_once_and_the_fixed_ones_always(scene, found):
    names = [m.name for m in measure(scene)]
    assert len(names) == len(set(names)) and {n for n, _ in FIXED_NAMES} <= set(names)
    assert {f"{w.plane_id}_{what}" for w in scene.walls for what in ("distance", "length")} <= set(names)
    assert {n: found[n].unit for n, _ in FIXED_NAMES} == dict(FIXED_NAMES)


def test_known_answers(room, scene, found):
    assert found["camera_height"].value == pytest.approx(room.camera_height_m, rel=0.002)
    assert found["ceiling_height"].value == pytest.approx(room.ceiling_height_m, rel=0.005)
    whole = [w for w in scene.walls if w.end_kinds == ("corner", "corner")]
    assert len(whole) == 2
    for wall in whole:
        m, normal = found[f"{wall.plane_id}_length"], scene.plane(wall.plane_id).normal_cam
        true = max(room.walls, key=lambda w: w.normal_cam @ normal)
        assert m.status == "measured" and m.value == pytest.approx(true.length_m, rel=0.005)


def test_the_interval_is_the_inputs(found):
    """Exact depth and camera: what is left is the camera's height, known to 2 %."""
    for m in found.values():
        if m.name.endswith("_distance") or m.name == "camera_height":
            assert sigma(m) == pytest.approx(0.02, rel=0.15)
            assert m.high / m.value == pytest.approx(m.value / m.low)


def test_a_value_that_is_lost_under_an_error_is_far_off_on_the_other_side():
    """Never as no change: what is lost counts as a factor e away, on the side that the other value is not."""
    near, far = np.log(1.1), np.log(0.9)
    assert log_change(1.1, 0.9, 1.0) == pytest.approx((near - far) / 2)
    for lost in (None, np.nan, -1.0):
        assert log_change(lost, 0.9, 1.0) == pytest.approx((1 - far) / 2)
        assert log_change(lost, 1.1, 1.0) == pytest.approx((-1 - near) / 2)
        assert log_change(1.1, lost, 1.0) == pytest.approx((near + 1) / 2)
        assert log_change(lost, lost, 1.0) == pytest.approx(1.0)
    assert log_change(None, 0.9, 1.0, most=0.3) == pytest.approx((0.3 - far) / 2)


def test_floor_that_goes_on_to_no_known_wall_is_known_less_well():
    """Without its right wall, the room's outline there is as far as floor is seen: a share of its angle of view without a wall behind it."""
    whole = rooms.scene()
    (_, known, _), (_, open_, _) = (free_measurements(s) for s in (whole, replace(whole, walls=whole.walls[:2])))
    assert open_.value == known.value
    assert np.sqrt(sigma(open_) ** 2 - sigma(known) ** 2) > 0.04


def test_the_longest_wall_is_the_longest(found):
    """Two walls go on beyond the photo: it is at least the longest seen whole, whose length is told."""
    lengths = [m for m in found.values() if m.name.startswith("wall_") and m.name.endswith("_length")]
    best, told = max(lengths, key=lambda m: m.value), found["longest_wall"]
    assert best.status == "measured" and (told.value, told.low, told.high, told.status) == (best.value, best.low, None, "lower_bound")
    assert f", seen whole, is {best.value:.2f} m ({best.low:.2f}–{best.high:.2f}); wall 1 and wall 4 go on out of sight" in told.reason


def test_a_wall_seen_to_be_longer_makes_the_longest_a_bound():
    whole = log_normal("wall_1_length", 3.2, "m", {"fit": 0.03**2}, "foot")
    cut = log_normal("wall_2_length", 3.9, "m", {"fit": 0.16**2}, "foot", "an end of the wall is out of the photo")
    assert cut.low < whole.low < whole.value < cut.value
    told = longest([whole, cut])
    assert told.status == "lower_bound" and told.high is None and told.low == whole.low
    vague = replace(whole, low=2.5)
    assert longest([vague, replace(cut, value=3.1, low=2.9)]).low == 2.9, "never below what another wall has at least"
    told = longest([whole, replace(cut, value=3.1, low=2.6)])
    assert told == replace(whole, status="lower_bound", high=None, reason=f"wall 1, seen whole, is 3.20 m ({whole.low:.2f}–{whole.high:.2f}); wall 2 goes on out of sight")
    assert longest([whole, replace(whole, name="wall_2_length", value=3.0)]) == whole
    sliver = unknown("wall_2_length", "m", "hardly any of the wall is seen")
    assert longest([whole, sliver]) == whole and longest([sliver]).status == "unknown"


def test_a_free_stretch_seen_whole_is_a_bound_where_another_goes_on():
    """In numbers the longest is at least so long; where the stretch itself is drawn or stood on, it has both its ends."""
    scene = rooms.scene()
    first = replace(scene.walls[0], free=((0.0, 2.0),), free_end_kinds=(("corner", "obstacle"),))
    second = replace(scene.walls[1], free=((0.5, 1.5),), free_end_kinds=(("obstacle", "frame"),))
    bare = [replace(w, free=(), free_end_kinds=()) for w in scene.walls]

    def told(*walls):
        seen = replace(scene, walls=(*walls, *bare[len(walls):]))
        found = {m.name: m for m in measure(seen)}["longest_free_wall"]
        return found, drawn_stretch(seen, found)

    alone, drawn = told(first)
    assert alone.status == "measured" and drawn == alone
    bound, drawn = told(first, second)
    assert (bound.status, bound.low, bound.high) == ("lower_bound", alone.low, None)
    assert bound.reason == "a free stretch of wall 1, seen whole, is about 2.00 m; another of wall 2 goes on out of sight"
    assert (drawn.status, drawn.low, drawn.reason) == ("measured", alone.low, "") and drawn.high == pytest.approx(alone.high)
    short = replace(second, ends=np.array([second.ends[0], second.ends[0] + (second.ends[1] - second.ends[0]) * 1.5 / second.length_m]),
                    end_kinds=("corner", "corner"))
    assert told(first, short)[0] == alone, "a wall seen to be shorter holds no longer one"
    cut, drawn = told(replace(first, free_end_kinds=(("corner", "occluded"),)), second)
    assert cut.status == "lower_bound" and drawn == cut


def test_what_is_free_of_a_wall_is_not_surer_than_the_wall():
    """The far end of a wall along the view is seen flat: a few cells of direction are a decimetre there."""
    scene = rooms.scene()
    wall = scene.walls[0]
    hidden = replace(wall, end_kinds=("frame", "occluded"), free=((0.0, wall.length_m),), free_end_kinds=(("frame", "occluded"),))
    found = {m.name: m for m in measure(replace(scene, walls=(hidden, *(replace(w, free=(), free_end_kinds=()) for w in scene.walls[1:]))))}
    free, whole = found["longest_free_wall"], found[f"{wall.plane_id}_length"]
    assert free.status == whole.status == "lower_bound" and free.low <= whole.low + 0.01 < free.value - 0.1


# --- budget -----------------------------------------------------------------------------------------------------------


def test_shares_sum_to_one_and_have_known_names(found):
    for m in found.values():
        if m.status != "unknown":
            assert sum(m.budget.values()) == pytest.approx(1.0)
            assert set(m.budget) <= set(CAUSES) and min(m.budget.values()) >= 0


def test_the_scale_counts_once_in_lengths_and_twice_in_areas(room, found):
    more = {m.name: m for m in measure(scene_of(room, height_sigma=0.05))}
    added = 0.05**2 - 0.02**2
    for name, power in (("camera_height", 1), ("wall_2_distance", 1), ("wall_2_length", 1), ("ceiling_height", 1), ("floor_area_visible", 2)):
        assert sigma(more[name]) ** 2 - sigma(found[name]) ** 2 == pytest.approx(power**2 * added, rel=0.1), name
        assert more[name].budget["scale"] > found[name].budget["scale"] - 1e-9
    assert found["camera_height"].budget["scale"] == pytest.approx(1.0)


def noisy(room: SyntheticRoom, **camera) -> dict[str, Measurement]:
    depth = synthetic.affine_depth(room, 1, synthetic.noisy_depth(room, 0.05, 1))
    depth = replace(depth, sigma_log=np.full(depth.values.shape, 0.05, np.float32))
    scene = build_scene(room.photo, depth, room.surfaces, replace(room.camera, **camera), camera_height=(room.camera_height_m, 0.01))
    return {m.name: m for m in measure(scene)}


@pytest.fixture(scope="module")
def under_noise(room) -> dict[str, Measurement]:
    return noisy(room)


def test_a_vague_vertical_shows_as_gravity(room, under_noise):
    vague = noisy(room, gravity_sigma_rad=np.deg2rad(2.0))
    for name in ("wall_2_distance", "ceiling_height"):
        assert vague[name].budget["gravity"] > 0.3 > under_noise[name].budget["gravity"], name
        assert sigma(vague[name]) > 1.2 * sigma(under_noise[name]), name


def test_a_vague_focal_shows_as_focal(room, under_noise):
    vague = noisy(room, f_sigma_rel=0.10)
    assert vague["wall_2_distance"].budget["focal"] > 0.2 > under_noise["wall_2_distance"].budget["focal"]
    assert sigma(vague["wall_2_distance"]) > sigma(under_noise["wall_2_distance"])


def test_noise_of_the_depth_takes_its_share(found, under_noise):
    assert under_noise["wall_2_distance"].budget["scale"] < found["wall_2_distance"].budget["scale"]


# --- bounds and unknowns ----------------------------------------------------------------------------------------------


def test_a_wall_cut_by_the_photo_is_a_lower_bound(room, scene, found):
    cut = [w for w in scene.walls if "frame" in w.end_kinds]
    assert len(cut) == 2
    for wall in cut:
        m, normal = found[f"{wall.plane_id}_length"], scene.plane(wall.plane_id).normal_cam
        true = max(room.walls, key=lambda w: w.normal_cam @ normal)
        assert m.status == "lower_bound" and m.high is None and "out of the photo" in m.reason
        assert m.low < m.value < 1.01 * true.length_m
        assert m.budget["unseen"] > 0


def test_a_ceiling_out_of_the_photo_is_unknown():
    room = synthetic.make_room(4, "rectangle", pitch_deg=28.0)
    assert room.ceiling_pixels == 0
    m = next(m for m in measure(build_scene(room.photo, room.depth, room.surfaces, room.camera)) if m.name == "ceiling_height")
    assert (m.status, m.value, m.low, m.high, m.light) == ("unknown", None, None, None, "red")
    assert "ceiling is out of the photo" in m.reason


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_a_ceiling_out_of_the_photo_is_as_high_as_a_wall_is_seen_at_least(seed):
    room = synthetic.make_room(seed, pitch_deg=20.0)
    assert room.ceiling_pixels == 0
    given = (room.camera_height_m, 0.05 * room.camera_height_m)
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera, camera_height=given)
    m = next(m for m in measure(scene) if m.name == "ceiling_height")
    assert (m.status, m.high) == ("lower_bound", None) and "ceiling is out of the photo" in m.reason
    up = -scene.camera.gravity
    rays = pixel_rays(room.camera, *room.labels.shape)
    seen = (room.labels == synthetic.WALL) & (room.depth.values > 0)
    highest = float((rays[seen] * room.depth.values[seen, None] @ up).max()) + room.camera_height_m
    assert 0.85 * highest < m.low < m.value < 1.01 * highest < room.ceiling_height_m
    step = next_measurement(scene, measure(scene))
    assert step.helps != "ceiling_height" or step.least_now_m == m.low


def test_no_more_floor_is_free_than_is_seen(scene):
    """One is counted in cells, the other cut out along walls and the photo's edge."""
    more = replace(scene, solution=None, free_floor=np.ones_like(scene.free_floor), seen_floor=np.ones_like(scene.seen_floor))
    areas = {m.name: m.value for m in measure(more)}
    assert areas["floor_area_free"] == areas["floor_area_visible"] < more.free_floor.sum() * more.grid_cell_m**2


def test_no_room_no_numbers(room):
    out = measure(Scene(room.camera, "no room found: no walls are seen"))
    assert [(m.name, m.unit) for m in out] == list(FIXED_NAMES)
    assert all(m.status == "unknown" and m.value is None and m.reason == "no room found: no walls are seen" for m in out)


def test_a_scene_made_by_hand_needs_no_solution():
    found = {m.name: m for m in measure(rooms.scene())}
    for m in found.values():
        assert m.status == "unknown" or 0 < m.low <= m.value
        assert m.status == "unknown" or sum(m.budget.values()) == pytest.approx(1.0)


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_json_has_everything_and_is_json(scene):
    out = json.loads(json.dumps(measurement_json(scene, measure(scene), {"name": "exact"})))
    assert set(out) == {"photo", "notes", "camera", "model", "scale", "planes", "measurements", "refusal"} and out["photo"] is None
    assert out["refusal"] is None and out["scale"]["source"] == "camera height given"
    for m in out["measurements"]:
        assert {"name", "value", "low", "high", "unit", "status", "basis", "reason", "light", "budget"} <= set(m)
        assert m["light"] in ("green", "amber", "red")
        assert m["status"] == "unknown" or sum(m["budget"].values()) == pytest.approx(1.0, abs=1e-3)


def test_json_of_a_refused_photo(room):
    out = measurement_json(Scene(room.camera, "no room found"), measure(Scene(room.camera, "no room found")), {})
    assert out["refusal"] == "no room found" and out["planes"] == []
    assert out["scale"] == {"source": "none", "camera_height_m": None, "low": None, "high": None, "opinions": [], "notes": []}
    json.dumps(out)


def test_json_names_the_photo_and_every_opinion_on_the_scale(scene):
    """Two sources that disagree: what each says, what came of it with its 90 % interval, and that they disagree."""
    h = scene.camera_height_m
    said = (ScaleSource("camera height given", h, 0.03), ScaleSource("metric model", 1.5 * h, 0.05))
    scene = replace(scene, scale=fuse(said), solution=None)
    found = measure(scene)
    out = json.loads(json.dumps(measurement_json(scene, found, {}, "kitchen.jpg", ("greyscale photo",)), allow_nan=False))
    assert (out["photo"], out["notes"]) == ("kitchen.jpg", ["greyscale photo"])
    scale, height = out["scale"], next(m for m in out["measurements"] if m["name"] == "camera_height")
    assert scale["opinions"] == [{"source": o.source, "camera_height_m": pytest.approx(o.camera_height_m), "sigma_rel": o.sigma_rel, "note": o.note} for o in said]
    assert scale["notes"] == list(scene.scale.notes) and "% apart" in scale["notes"][0]
    assert scale["camera_height_m"] == pytest.approx(scene.camera_height_m)
    assert (scale["low"], scale["high"]) == (height["low"], height["high"]) and scale["low"] < scale["camera_height_m"] < scale["high"]
