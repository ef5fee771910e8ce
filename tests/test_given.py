"""Lengths of the room itself that are given: they come back as given, and the rest of the room follows as far as it errs alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poc.errors import ContradictionError, ParameterError
from poc.measure import measure
from poc.room.given import with_given
from poc.room.nextstep import lengths
from poc.room.propagate import Learnt, log_changes, wall_length
from poc.room.scale import make_reference, parse_reference
from poc.scene import build_scene
from poc.types import Z90, Measurement, Reference, Scene
from tests.synthetic import CEILING, FLOOR, WALL, SyntheticRoom, cast, make_room, noisy_depth, perturbed_camera

PITCH = -2.0
"""So that floor and ceiling are both in the photo."""


def _room(seed: int) -> SyntheticRoom:
    return make_room(seed, "rectangle", pitch_deg=PITCH, furnished=False, f_px=220.0)


def _scene(room: SyntheticRoom, *references: Reference, seed: int = 1, **options) -> Scene:
    """As a network would have it: smooth errors, of the camera too, and said to be a network's."""
    depth = replace(noisy_depth(room, 0.08, seed), engine="synthetic")
    return build_scene(room.photo, depth, room.surfaces, perturbed_camera(room, seed), references=references, **options)


def _pixel(room: SyntheticRoom, point: np.ndarray) -> tuple[float, float]:
    """Photo pixel of a point in the camera frame."""
    c = room.camera
    return float(point[0] / point[2] * c.f_px + c.cx), float(point[1] / point[2] * c.f_px + c.cy)


def _point(room: SyntheticRoom, v: int, u: int) -> np.ndarray:
    c, z = room.camera, float(room.depth.values[v, u])
    return np.array([(u - c.cx) / c.f_px * z, (v - c.cy) / c.f_px * z, z])


def _height(room: SyntheticRoom, metres: float | None = None) -> Reference:
    """The room's height, marked on a wall where floor, wall and ceiling are seen. metres: another length said of it."""
    below, labels = room.camera.gravity, room.labels
    for u in np.argsort(np.abs(np.arange(labels.shape[1]) - labels.shape[1] // 2)):
        column = labels[:, u]
        if {FLOOR, WALL, CEILING} <= set(column.tolist()):
            v = int(np.flatnonzero(column == FLOOR)[0])
            if column[v - 1] == WALL:
                foot = _point(room, v, int(u))
                ends = _pixel(room, foot), _pixel(room, foot - room.ceiling_height_m * below)
                return make_reference("height", ends, metres or room.ceiling_height_m, room.photo)
    raise AssertionError("no column shows floor, wall and ceiling")


def _named(scene: Scene) -> dict[str, Measurement]:
    return {m.name: m for m in measure(scene)}


def _sigma(m: Measurement) -> float:
    return float(np.log(m.value / m.low)) / Z90


@pytest.fixture(scope="module")
def room() -> SyntheticRoom:
    return _room(3)


@pytest.fixture(scope="module")
def before(room) -> Scene:
    return _scene(room)


@pytest.fixture(scope="module")
def after(room) -> Scene:
    return _scene(room, _height(room))


def test_the_rooms_height_comes_back_as_given(room, before, after):
    assert after.scale.opinions[0].note.endswith("from floor to ceiling") and "reference height" in after.scale.source
    told = _named(after)["ceiling_height"]
    assert told.value == pytest.approx(room.ceiling_height_m, rel=0.002)
    assert _sigma(told) == pytest.approx(0.003, rel=0.2)
    assert after.camera_height_m + after.plane("ceiling").offset_m == pytest.approx(told.value)
    assert _sigma(_named(before)["ceiling_height"]) > 0.05


def test_nothing_gets_less_sure_and_the_truth_stays_inside(room, before, after):
    was, now = _named(before), _named(after)
    both = [name for name, m in was.items() if m.status == "measured" and name in now and now[name].status == "measured"]
    assert len(both) >= 5
    assert not [name for name in both if _sigma(now[name]) > 1.001 * _sigma(was[name])]
    assert _sigma(now["camera_height"]) < 0.7 * _sigma(was["camera_height"])
    assert now["camera_height"].low < room.camera_height_m < now["camera_height"].high


@pytest.mark.parametrize("name", ["ceiling_height", "longest_wall"])
def test_what_the_advice_promises_of_the_rooms_height_is_what_comes(before, after, name):
    was, now = _named(before)[name], _named(after)[name]
    if name == "longest_wall":
        k = int(np.argmax([w.length_m for w in before.walls]))
        changes = log_changes(before.solution, lambda s: wall_length(s, k))
    else:
        changes = log_changes(before.solution, lambda s: s.ceiling)
    step, = (step for step in lengths(before, was) if "room's height" in step.action)
    unexplained = max(_sigma(was) ** 2 - changes @ changes, 0.0)
    promised = float(np.sqrt(step.variance_left(changes) + unexplained))
    assert _sigma(now) == pytest.approx(promised, rel=0.2)
    assert now.low == pytest.approx(was.value * np.exp(-Z90 * promised), rel=0.06)


def test_a_wall_from_corner_to_corner_comes_back_as_given(room, before):
    """Its own value is said of it, marked where the room has it; at its foot, or at the height of the eyes."""
    k = next(k for k, w in enumerate(before.walls) if w.end_kinds == ("corner", "corner"))
    wall, h = before.walls[k], before.camera_height_m
    for z in (-h, 0.0):
        ends = [_seen(before, [*end, z]) for end in wall.ends]
        scene = _scene(room, make_reference("wall", ends, wall.length_m, room.photo))
        assert scene.scale.opinions[0].note.endswith(f"all along wall {k + 1}")
        told = _named(scene)[f"wall_{k + 1}_length"]
        assert told.value == pytest.approx(wall.length_m, rel=0.002) and _sigma(told) == pytest.approx(0.003, rel=0.2)


def _seen(scene: Scene, point: list[float]) -> tuple[float, float]:
    """Photo pixel of a point in the room frame."""
    x, y, z = np.array(point) @ scene.room_from_cam
    c = scene.camera
    return float(x / z * c.f_px + c.cx), float(y / z * c.f_px + c.cy)


def test_only_what_is_said_to_be_is_a_length_of_the_room(room, before):
    """The same marks without a word may be a wardrobe's, or a rug's."""
    full = _height(room)
    scene = _scene(room, replace(full, kind="length"))
    assert scene.scale.opinions[0].note.endswith("standing on the floor") and not scene.solution.known
    k, (a, b), length_m = _whole_wall(before)
    inner = [np.array(a) * (1 - t) + np.array(b) * t for t in (0.1, 0.9)]
    scene = _scene(room, make_reference("length", inner, 0.8 * length_m, room.photo))
    assert scene.scale.opinions[0].note.endswith(f"on wall {k + 1}") and not scene.solution.known


def _whole_wall(scene: Scene):
    """Index of a wall with two corners, the pixels of those at the height of the eyes, and its length."""
    k = next(k for k, w in enumerate(scene.walls) if w.end_kinds == ("corner", "corner"))
    return k, [_seen(scene, [*end, 0.0]) for end in scene.walls[k].ends], scene.walls[k].length_m


@pytest.mark.parametrize(("kind", "move", "words"), [("height", (60, 0), "straight up"), ("wall", (60, 0), "both corners"), ("wall", (0, 40), "both corners")])
def test_a_mark_that_cannot_be_the_length_it_is_said_to_be_is_refused(room, before, kind, move, words):
    ends = _height(room).ends if kind == "height" else _whole_wall(before)[1]
    (first, (u, v)) = ends
    with pytest.raises(ParameterError, match=words):
        _scene(room, make_reference(kind, (first, (u - move[0], v - move[1])), 2.5, room.photo))


def test_a_length_off_what_the_photo_shows_is_told_and_nothing_is_green(room, after):
    """a wall said to be a seventh longer: between two and three sigmas off. It is taken as given."""
    _, ends, length_m = _whole_wall(after)
    scene = _scene(room, _height(room), make_reference("wall", ends, 1.14 * length_m, room.photo))
    assert any("contradicts the photo and what else is given" in note for note in scene.scale.notes)
    assert "green" in {m.light for m in measure(after)} and "green" not in {m.light for m in measure(scene)}


def test_a_length_that_the_photo_and_another_contradict_is_refused(room, before):
    """The room's height as it is, and a wall said to be a fourth longer: more than three sigmas off what is left, less than three of the scale's."""
    _, ends, length_m = _whole_wall(before)
    with pytest.raises(ContradictionError, match=r"reference wall \(.*contradicts the photo and what else is given, by which it is \d"):
        _scene(room, _height(room), make_reference("wall", ends, 1.25 * length_m, room.photo))
    with pytest.raises(ParameterError, match="has no length"):
        parse_reference("height:100,300,100,50", room.photo)


def test_a_height_that_another_length_contradicts_decides_nothing(room):
    """One of the two is wrong, nobody knows which: the room's height holds what either says, and is not sure."""
    scene = _scene(room, _height(room, 1.7 * room.ceiling_height_m), camera_height=(room.camera_height_m, 0.02))
    told = _named(scene)["ceiling_height"]
    assert not scene.solution.known and told.low < room.ceiling_height_m and told.high > 1.65 * room.ceiling_height_m and told.light == "red"


def test_a_sloping_ceiling_has_not_the_height_of_one_place():
    room = cast(np.array([(-2.2, -1.0), (-2.2, 4.0), (2.2, 4.0), (2.2, -1.0)]), pitch_deg=-4.0, grades=(0.3,))
    scene = build_scene(room.photo, replace(noisy_depth(room, 0.04, 1), engine="synthetic"), room.surfaces, perturbed_camera(room, 1),
                        references=[_height(room)])  # fmt: skip
    assert scene.solution.base.climb is not None and not scene.solution.known
    assert _sigma(_named(scene)["ceiling_height"]) > 0.03


def test_errors_left_are_those_of_normal_ones_given_the_length():
    rng = np.random.default_rng(0)
    along, tau = rng.normal(size=6), 0.3
    left = np.array([Learnt.of(along, tau).left(row) for row in np.eye(6)])
    expected = np.eye(6) - np.outer(along, along) / (along @ along + tau**2)
    assert left @ left.T == pytest.approx(expected)


def test_without_a_length_the_room_stays_as_it_is(before):
    errors, scale = with_given(before.solution, before.scale, ())
    assert errors is before.solution and scale is before.scale


def test_intervals_cover_the_truth_once_the_rooms_height_is_given():
    inside = []
    for seed in range(12):
        room = _room(20 + seed)
        scene = _scene(room, _height(room), seed=seed)
        assert scene.refusal is None
        assert scene.scale.opinions[0].note.endswith("from floor to ceiling")
        told = _named(scene)
        inside.append(told["camera_height"].low < room.camera_height_m < told["camera_height"].high)
        for plane in scene.planes:
            if plane.kind == "wall":
                true = max(room.walls, key=lambda w: float(w.normal_cam @ plane.normal_cam)).offset_m
                m = told[f"{plane.id}_distance"]
                inside.append(m.low < true < m.high)
    assert len(inside) > 30 and np.mean(inside) > 0.82
