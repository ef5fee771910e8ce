"""On an exact room every check is green; a bent or contradicted one is not; and the next step names what helps."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from poc.geometry import pixel_rays, rotation_from_vector
from poc.measure import measure, next_measurement, self_test
from poc.messages import Messages
from poc.room.nextstep import _ceiling_photo, _end_photo, _free_wall_photo, _photo_of, lengths, variance_left
from poc.room.roomspace import longest_free
from poc.room.scale import fuse
from poc.scene import build_scene
from poc.summary import _sure
from poc.types import Measurement, NextMeasurement, Opening, ScaleSource, Scene
from poc.words import SAME, advice_sentence, check_rows, error_percent, measurement_rows, room_lines, scale_sentences, sentence
from tests.synthetic import CEILING, cast, make_room, noisy_depth, perturbed_camera


@pytest.fixture(scope="module")
def room():
    return make_room(3, "rectangle", pitch_deg=8.0, furnished=False)


@pytest.fixture(scope="module")
def scene(room):
    return build_scene(room.photo, room.depth, room.surfaces, room.camera, camera_height=(room.camera_height_m, 0.01))


def test_an_exact_room_agrees_with_itself(scene):
    checks = {c.name: c for c in self_test(scene)}
    assert set(checks) == {"corner angles", "wall flatness", "gravity", "left and right", "scale sources", "focal length", "walls in each other's way", "ceiling height"}
    assert checks.pop("ceiling height").light == "", "there is none in view"
    assert checks.pop("focal length").light == "", "it was given with the room, and its lines not looked at"
    assert {c.light for c in checks.values()} == {"green"}
    assert checks["gravity"].value < 0.5


def test_a_tilted_camera_shows(scene):
    tilted = replace(scene, camera=replace(scene.camera, gravity=np.array([0.0, 1.0, 0.0])))
    assert {c.name: c.light for c in self_test(tilted)}["gravity"] != "green"


def test_sources_that_disagree_show(room):
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera, camera_height=(1.3 * room.camera_height_m, 0.01))
    assert {c.name: c.light for c in self_test(scene)}["scale sources"] == "red"


@pytest.mark.parametrize(("other", "agrees", "light"), [(1.0, 0.1, "green"), (1.05, 0.1, "green"), (1.15, 0.1, "amber"), (1.6, 0.1, "red"), (0.6, 0.0, "red")])
def test_a_focal_length_that_the_lines_contradict_shows(scene, other, agrees, light):
    camera = replace(scene.camera, f_against=(500.0, 500.0 * other, agrees))
    check = {c.name: c for c in self_test(replace(scene, camera=camera))}["focal length"]
    assert (check.light, check.unit) == (light, "%") and ("not this photo's" in check.meaning) == (light != "green")


def test_nothing_is_said_of_a_refused_photo(room):
    refused = Scene(room.camera, "no room found")
    assert self_test(refused) == () and next_measurement(refused, measure(refused)) is None


def test_a_bad_depth_is_no_red_light_where_walls_stand_by_their_feet(scene):
    tilted = replace(scene, camera=replace(scene.camera, gravity=np.array([0.0, 1.0, 0.0])))
    hidden = replace(tilted, planes=tuple(replace(p, foot_seen=False) for p in tilted.planes))
    gravity = [{c.name: c for c in self_test(s)}["gravity"] for s in (tilted, hidden)]
    assert [g.light for g in gravity] == ["amber", "red"]
    assert "by their foot" in gravity[0].meaning and "by their foot" not in gravity[1].meaning


def test_what_could_not_be_checked_says_so(scene):
    bare = replace(scene, planes=tuple(p for p in scene.planes if p.kind != "floor"))
    checks = self_test(bare)
    words = {name: light for name, _, light, _ in check_rows(checks)}
    assert words["gravity"] == "not checked" and words["walls in each other's way"] == "sound"
    made = sum(c.light != "" for c in checks)
    assert 0 < made < len(checks)
    told = next(line for line in _sure(bare, checks, "", Messages("en")) if line.startswith("Self-checks"))
    assert told.endswith(f"{len(checks) - made} could not be run.")


def test_a_floor_far_off_level_is_red_whatever_the_walls_stand_on(scene):
    """Twice the limit and more: then it is the camera's tilt that is in doubt, and feet rest on that too."""
    turned = rotation_from_vector(np.array([0.0, 0.0, np.radians(12.0)])) @ scene.camera.gravity
    gravity = {c.name: c for c in self_test(replace(scene, camera=replace(scene.camera, gravity=turned)))}["gravity"]
    assert gravity.value > 10 and gravity.light == "red"


def test_walls_that_run_through_each_other_are_weak(scene):
    """The second wall's near end is moved out through the first: both lengths say so in red, and a check fails; a corner is no crossing."""
    first, second = scene.walls[:2]
    into = (second.ends[0] - second.ends[1]) / second.length_m
    shifted = replace(second, ends=second.ends + 0.5 * (first.ends[0] - first.ends[1]) / first.length_m + [0.6 * into, 0 * into])
    moved = replace(scene, walls=(first, shifted, *scene.walls[2:]), solution=None)
    check = {c.name: c for c in self_test(moved)}["walls in each other's way"]
    assert (check.light, check.value) == ("red", 1.0) and "wall 1 and wall 2 run through each other" in check.meaning
    found = {m.name: m for m in measure(moved)}
    for name in ("wall_1_length", "wall_2_length", "wall_1_distance", "wall_2_distance"):
        assert found[name].light == "red" and "runs through wall" in found[name].reason
    wall = longest_free(moved)[0].plane_id
    assert (wall in ("wall_1", "wall_2")) == ("runs through" in found["longest_free_wall"].reason)
    assert not any("runs through" in m.reason for m in measure(scene))


def test_a_stretch_that_products_are_fitted_to_is_doubted_with_its_wall(scene):
    first, second = scene.walls[:2]
    into = (second.ends[0] - second.ends[1]) / second.length_m
    shifted = replace(second, ends=second.ends + 0.5 * (first.ends[0] - first.ends[1]) / first.length_m + [0.6 * into, 0 * into])
    bare = tuple(replace(w, free=((0.0, w.length_m),) if w is first else (), free_end_kinds=(("corner", "corner"),) if w is first else ())
                 for w in (first, shifted, *scene.walls[2:]))
    free = {m.name: m for m in measure(replace(scene, walls=bare, solution=None))}["longest_free_wall"]
    assert free.status == "measured" and free.light == "red" and "runs through wall 2" in free.reason


@pytest.mark.parametrize(("height_m", "light"), [(2.5, "green"), (4.2, "amber"), (1.95, "amber"), (5.5, "red"), (1.5, "red")])
def test_a_ceiling_that_no_room_has_shows(scene, height_m, light):
    above = replace(scene.plane("floor"), id="ceiling", kind="ceiling", offset_m=height_m - scene.camera_height_m)
    check = {c.name: c for c in self_test(replace(scene, planes=(*scene.planes, above)))}["ceiling height"]
    assert (check.light, check.unit) == (light, "m") and check.value == pytest.approx(height_m)
    assert ("marked on the photo" in check.meaning) == (light != "green")
    told = {m.name: m for m in measure(replace(scene, planes=(*scene.planes, above), solution=None))}["ceiling_height"]
    assert told.status == "measured" and (light == "green" or told.light == "red") and ("few rooms have it" in told.reason) == (light != "green")


def test_a_ceiling_of_any_height_is_not_told(scene):
    above = replace(scene.plane("floor"), id="ceiling", kind="ceiling", offset_m=2.6 - scene.camera_height_m, sigma_m=1.3)
    vague = replace(scene, planes=(*scene.planes, above), solution=None)
    told = {m.name: m for m in measure(vague)}["ceiling_height"]
    assert (told.status, told.value, told.light) == ("unknown", None, "red") and re.search(r"too uncertain to say: 1\.\d\d to \d\.\d\d m", told.reason)
    assert {c.name: c.light for c in self_test(vague)}["ceiling height"] == ""
    step = next_measurement(replace(vague, solution=scene.solution), measure(vague))
    assert step is None or "ceiling" not in step.action, "it is in the photo already"


def test_a_ceiling_that_may_be_a_common_one_is_used_with_care(scene):
    above = replace(scene.plane("floor"), id="ceiling", kind="ceiling", offset_m=3.7 - scene.camera_height_m, sigma_m=0.2)
    told = {m.name: m for m in measure(replace(scene, planes=(*scene.planes, above), solution=None))}["ceiling_height"]
    assert told.low < 3.6 < told.value and told.light == "amber" and "few rooms have it" in told.reason


FLAT, SHED, GABLE = (0.0,), (0.25,), (0.3, -0.3)


@pytest.mark.parametrize("grades", [FLAT, (0.06,), SHED, (-0.25,), GABLE])
def test_a_ceiling_that_is_not_level_has_not_one_height(grades):
    """A roof's slope is told, and all heights that are seen lie in the interval; floors laid by eye (3°) are no roof."""
    room = cast(np.array([(-2.2, -1.0), (-2.2, 4.0), (2.2, 4.0), (2.2, -1.0)]), pitch_deg=-4.0, grades=grades)
    scene = _network_scene(room, 0.04, camera_height=(1.45, 0.04))
    told, check = ({x.name: x for x in found}[name] for found, name in
                   ((measure(scene), "ceiling_height"), (self_test(scene), "ceiling height")))
    assert told.status == "measured" and told.low < told.value < told.high
    rises = max(abs(grade) for grade in grades) > 0.1
    assert ("the ceiling slopes" in told.reason) == rises and (check.light == "") == rises
    on_ceiling = room.labels == CEILING
    above = pixel_rays(room.camera, *room.labels.shape) @ -scene.camera.gravity * room.depth.values + room.camera_height_m
    far = on_ceiling & (room.depth.values > 3.5)
    seen = np.quantile(above[far], [0.02, 0.98])
    assert told.low < seen[0] and seen[1] < told.high
    assert not rises or told.light != "green"
    assert sum(told.budget.values()) == pytest.approx(1.0)
    by_tape = [step.action for step in lengths(scene, told) if "room's height" in step.action]
    assert bool(by_tape) != rises, "which of its heights would it be?"


def test_a_sloping_ceiling_higher_than_any_is_still_in_doubt():
    """That it slopes does not make all its heights ones that rooms have; and they grow with the scale."""
    room = cast(np.array([(-2.2, -1.0), (-2.2, 4.0), (2.2, 4.0), (2.2, -1.0)]), pitch_deg=-4.0, grades=SHED)
    twice = replace(room, depth=replace(room.depth, values=2 * room.depth.values))
    scene, hall = (_network_scene(r, 0.04, camera_height=(1.45 * k, 0.04 * k)) for k, r in ((1, room), (2, twice)))
    low, high = scene.solution.base.climb
    assert hall.solution.base.climb == pytest.approx((2 * low, 2 * high), rel=0.02)
    up = hall.solution.moved[0].up
    assert up.climb[0] / hall.solution.base.climb[0] == pytest.approx(up.camera_height / hall.solution.base.camera_height), "the scale's error moves it too"
    told = {m.name: m for m in measure(hall)}["ceiling_height"]
    assert "the ceiling slopes" in told.reason and "few rooms have it" in told.reason
    assert {c.name: c for c in self_test(hall)}["ceiling height"].light in ("amber", "red")


# --- the next measurement --------------------------------------------------------------------------------------------


def _network_scene(room, noise: float = 0.08, **options):
    """As a network would have it: smooth errors, and said to be a network's."""
    depth = replace(noisy_depth(room, noise, 1), engine="synthetic")
    camera = perturbed_camera(room, 1)
    return build_scene(room.photo, depth, room.surfaces, camera, **options)


def _least(scene, name: str) -> float:
    return {m.name: m for m in measure(scene)}[name].low


@pytest.fixture(scope="module")
def whole_wall():
    """A room whose far wall is seen from corner to corner."""
    return make_room(3, "rectangle", pitch_deg=8.0, furnished=False, f_px=220.0)


def test_what_is_promised_is_what_comes(whole_wall):
    """The camera's height is proposed; with it given, the interval is as narrow as was said."""
    before = _network_scene(whole_wall)
    step = next_measurement(before, measure(before))
    assert step.helps == "longest_free_wall" and "camera" in step.action
    assert step.least_now_m == _least(before, step.helps)
    after = _network_scene(whole_wall, camera_height=(before.camera_height_m, 0.01 * before.camera_height_m))
    assert step.least_after_m == pytest.approx(_least(after, step.helps), rel=0.05)
    assert step.least_after_m > 1.05 * step.least_now_m


def test_where_the_height_is_known_another_length_is_proposed(whole_wall):
    sharp = _network_scene(whole_wall, camera_height=(whole_wall.camera_height_m, 0.03 * whole_wall.camera_height_m))
    step = next_measurement(sharp, measure(sharp))
    assert step is not None and "how high the camera" not in step.action
    assert step.least_after_m > step.least_now_m


def test_knowing_a_length_that_errs_alike_helps_and_another_does_not():
    q = np.array([0.10, 0.03])
    assert variance_left(q, np.array([0.10, 0.0]), 0.01) == pytest.approx(0.03**2 + 0.01**2)
    assert variance_left(q, np.array([-0.10, 0.0]), 0.01) == pytest.approx(q @ q)


def _photo_step(scene, kinds: tuple[str, str]):
    """What is proposed for a longest wall with such ends, where no wall is free and the scale is good."""
    wall = replace(max(scene.walls, key=lambda w: w.length_m), end_kinds=kinds, free=(), free_end_kinds=())
    others = tuple(replace(w, end_kinds=("corner", "corner"), free=(), free_end_kinds=()) for w in scene.walls if w.plane_id != wall.plane_id)
    walls = tuple(wall if w.plane_id == wall.plane_id else next(o for o in others if o.plane_id == w.plane_id) for w in scene.walls)
    found = Measurement("longest_wall", 4.0, 3.9, None, "m", "lower_bound", budget={"scale": 0.5, "fit": 0.5})
    return next_measurement(replace(scene, walls=walls), [found])


@pytest.mark.parametrize(
    ("kinds", "words"),
    [(("corner", "frame"), "turned further to the right"), (("occluded", "corner"), "past what hides the left end"),
     (("frame", "frame"), "from further back")],
)  # fmt: skip
def test_a_missing_end_asks_for_a_photo(scene, kinds, words):
    step = _photo_step(scene, kinds)
    assert words in step.action and step.least_now_m == 3.9 and np.isfinite(step.width_after_m)
    assert "only known to be at least 3.90 m;" in advice_sentence(step)


def test_a_lower_bound_is_lifted_by_a_hand_or_not_at_all(whole_wall):
    """What would go up from 0.31 m to 0.32 m is not worth anybody's tape."""
    loose = _network_scene(whole_wall)
    longest = replace({m.name: m for m in measure(loose)}["longest_wall"], high=None, status="lower_bound")
    small = replace(longest, value=0.1 * longest.value, low=0.1 * longest.low)
    assert next_measurement(loose, [longest]) is not None
    step = next_measurement(loose, [small])
    assert step is None or "photo" in step.action


def test_a_loose_lower_bound_asks_for_a_length_first(whole_wall):
    loose = _network_scene(whole_wall)
    longest = {m.name: m for m in measure(loose)}["longest_wall"]
    step = next_measurement(loose, [replace(longest, high=None, status="lower_bound")])
    assert "camera" in step.action and longest.low < step.least_after_m < longest.value
    assert f"from {int(longest.low * 100) / 100:.2f} m to about" in advice_sentence(step)


def test_no_free_wall_asks_for_a_photo_of_one(scene):
    found = {m.name: m for m in measure(scene)} | {"longest_free_wall": Measurement("longest_free_wall", None, None, None, "m", "unknown", reason="hidden")}
    step = next_measurement(scene, found.values())
    assert step.helps == "longest_free_wall" and "nothing in front of it" in step.action and "cannot be determined" in advice_sentence(step)
    vague = replace(found["longest_wall"], low=found["longest_wall"].value * 0.6)
    assert next_measurement(scene, [found["longest_free_wall"], vague]) is None


def test_a_ceiling_out_of_sight_asks_for_a_photo_tilted_up(scene):
    unknown = Measurement("ceiling_height", None, None, None, "m", "unknown", reason="out of the photo")
    step = next_measurement(scene, [unknown])
    assert "tilted up" in step.action and "cannot be determined" in advice_sentence(step)


def test_every_next_step_can_be_said_in_chinese(scene):
    """Whatever is proposed, with its wall and its side; what the table does not know stays in English, all of it."""
    zh, longest = Messages("zh"), {m.name: m for m in measure(scene)}["longest_wall"]
    above = replace(scene.solution, base=replace(scene.solution.base, ceiling=2.5))
    door = Opening("door", scene.walls[0].plane_id, np.zeros((4, 3)), 0.9, 2.0)
    rooms = [replace(scene, solution=above, walls=tuple(replace(w, end_kinds=("corner", "corner")) for w in scene.walls), openings=o) for o in ((), (door,))]
    photos = [_photo_of(what, kinds) for what in ("wall 12", "the free stretch of wall 2") for kinds in product(("corner", "frame", "occluded"), repeat=2)]
    actions = {length.action for room in rooms for length in lengths(room, longest)} | set(photos)
    actions |= {_ceiling_photo(scene, longest).action, _free_wall_photo(longest).action, _end_photo(scene, longest).action}
    assert len(actions) > 15
    for action in actions:
        told = zh.action(sentence(action))
        assert told and told.endswith("。") and not re.search(r"[A-Za-z{}.]", told), action
    assert zh.action("Take another photo, turned further to the left, so that the right end of wall 2 is in it.") is None
    odd = NextMeasurement("count the tiles", "longest_wall", 0.6, 0.2)
    assert advice_sentence(odd, say=zh) == "Count the tiles. It narrows “Longest wall seen” from ±0.30 m to ±0.10 m."


@pytest.mark.parametrize(
    ("numbers", "english", "chinese"),
    [
        ((0.6, 0.2), "It narrows “Ceiling height” from ±0.30 m to ±0.10 m.", "这样“层高”的误差由 ±0.30 m 缩小到 ±0.10 m。"),
        ((np.inf, np.inf, 2.0, 2.2), "It would raise the lower bound of “Ceiling height” from 2.00 m to about 2.20 m.", "这样“层高”的下限可由 2.00 m 提高到约 2.20 m。"),
        ((np.inf, 0.2, 2.0), "So far, “Ceiling height” is only known to be at least 2.00 m; this would give its value to about ±0.10 m.",
         "目前只知道“层高”不小于 2.00 m；这样之后误差约为 ±0.10 m。"),
        ((np.inf, 0.2), "So far, “Ceiling height” cannot be determined; this would give its value to about ±0.10 m.", "目前无法判断“层高”；这样之后误差约为 ±0.10 m。"),
    ],
)  # fmt: skip
def test_what_a_step_brings_is_said_in_either_language(numbers, english, chinese):
    step = NextMeasurement("measure wall 2 with a tape, from corner to corner, and mark it on the photo as a whole wall", "ceiling_height", *numbers)
    assert advice_sentence(step) == f"Measure wall 2 with a tape, from corner to corner, and mark it on the photo as a whole wall. {english}"
    assert advice_sentence(step, say=Messages("zh")) == f"用卷尺测量墙面 2，从墙角量到墙角，并在照片上标为整面墙。{chinese}"


@pytest.mark.parametrize(("percents", "words"), [(16.4, "16"), (2.1, "2"), (1.91, "2.0"), (1.5, "1.5"), (1 / 3, "0.4"), (0.001, "0.1")])
def test_no_length_is_told_as_exact(scene, percents, words):
    sigma = percents / 164.48536269514722
    assert error_percent(sigma) == words
    sharp = replace(scene, scale=replace(scene.scale, sigma_rel=sigma, opinions=tuple(replace(o, sigma_rel=sigma) for o in scene.scale.opinions)))
    told = scale_sentences(sharp)
    assert f", ± {words} % (90 %)" in told[0] and f" m ± {words} %" in told[1]
    assert all(f"± {words} %" in _sure(sharp, (), "", Messages(language))[1] for language in ("en", "zh"))


def test_notes_are_sentences_with_one_full_stop(scene):
    """Wherever they come from, and whether or not they bring one; a question keeps its mark."""
    camera = replace(scene.camera, notes=("the intervals allow for both.", "is the photo cropped?", "taken as level"))
    told = replace(scene, camera=camera, scale=replace(scene.scale, notes=("a says 1.50 m",)), notes=("b",))
    ends = ["A says 1.50 m.", "The intervals allow for both.", "Is the photo cropped?", "Taken as level."]
    assert scale_sentences(told)[-5:] == [*ends, "B."]
    assert [line for line in room_lines(told, ()) if line in ends] == ends


def test_what_widened_the_interval_stands_beside_it(scene):
    """On the first page too, in either language."""
    given, model = ScaleSource("camera height given", 1.5, 0.03), ScaleSource("metric model", 1.19, 0.12)
    scale = fuse([given, model])
    told = replace(scene, scale=scale)
    words = "Camera height given says the camera is 1.50 m up, metric model says 1.19 m: the interval is widened from ± 5 to ± 9 %."
    assert words in scale_sentences(told) and words in room_lines(told, ()) and words in _sure(told, (), "", Messages("en"))
    assert "给定的相机高度推算相机离地 1.50 m，度量深度模型为 1.19 m：区间由 ± 5 % 放宽到 ± 9 %。" in _sure(told, (), "", Messages("zh"))
    apart = replace(scene, scale=fuse([given, replace(model, camera_height_m=2.2)]))
    assert "：相差 47 %；区间由" in _sure(apart, (), "", Messages("zh"))[2]


def test_an_interval_that_is_widened_is_no_disagreement(scene):
    """1.87 sigmas apart: the check is in doubt, and says no more than that."""
    near, far = ScaleSource("camera height given", 1.5, 0.03), ScaleSource("metric model", 1.19, 0.12)
    checks = [{c.name: c for c in self_test(replace(scene, scale=fuse([near, replace(far, camera_height_m=h)])))}["scale sources"] for h in (1.19, 1.0)]
    assert [c.light for c in checks] == ["amber", "red"] and "disagree" not in checks[0].meaning and "50 % apart" in checks[1].meaning


@pytest.mark.parametrize(("rival", "sigma"), [(1.5, 0.03), (1.19, 0.12), (1.8, 0.03)])
def test_nothing_is_green_where_the_sources_of_the_scale_differ(scene, rival, sigma):
    """Whatever the interval's width; and every other light stays as it is."""
    sources = (ScaleSource("camera height given", 1.5, 0.001), ScaleSource("metric model", rival, sigma))
    told = replace(scene, scale=replace(scene.scale, opinions=sources))
    light = {c.name: c.light for c in self_test(told)}["scale sources"]
    before, after = ([m.light for m in measure(s)] for s in (scene, told))
    assert "green" in before and (light == "green") == (rival == 1.5)
    assert after == (before if light == "green" else [{"green": "amber"}.get(light, light) for light in before])


def test_why_nothing_is_known_is_said_once():
    """A table of a refused photo: the reason stands in its first row, and other reasons are never swallowed."""

    def row(name: str, reason: str, status: str = "unknown") -> Measurement:
        return Measurement(name, None, None, None, "m", status, "", reason)

    told = [r[3] for r in measurement_rows([row("camera_height", "no room"), row("ceiling_height", "no room"), row("longest_wall", "hidden")])]
    assert told == ["no room", SAME, "hidden"]
    told = [r[3] for r in measurement_rows([row("a", "cut", "lower_bound"), row("b", "cut", "lower_bound"), row("c", ""), row("d", "")])]
    assert told == ["at least this: cut", "at least this: cut", "", ""]
