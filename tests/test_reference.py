"""A marked length on exact rooms: whatever it lies on, it gives back the camera's height."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poc.errors import ParameterError
from poc.room.propagate import variance
from poc.room.reference import reference_opinions
from poc.room.scale import make_reference
from poc.scene import build_scene
from tests.synthetic import FLOOR, WALL, SyntheticRoom, make_room


@pytest.fixture(scope="module")
def room() -> SyntheticRoom:
    return make_room(3, "rectangle", pitch_deg=8.0, furnished=False)


def _point(room: SyntheticRoom, v: int, u: int) -> np.ndarray:
    c, z = room.camera, float(room.depth.values[v, u])
    return np.array([(u - c.cx) / c.f_px * z, (v - c.cy) / c.f_px * z, z])


def _pixel(room: SyntheticRoom, point: np.ndarray) -> tuple[float, float]:
    c = room.camera
    return float(point[0] / point[2] * c.f_px + c.cx), float(point[1] / point[2] * c.f_px + c.cy)


def _spread_pair(mask: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two cells of a mask far apart, well inside it."""
    import cv2

    rows, cols = np.nonzero(cv2.erode(mask.astype(np.uint8), np.ones((15, 15))))
    order = np.argsort(rows + 2 * cols)
    a, b = order[len(order) // 10], order[-(len(order) // 10)]
    return (int(rows[a]), int(cols[a])), (int(rows[b]), int(cols[b]))


def _ends(room: SyntheticRoom, place: str):
    """Pixels and true length of a segment on the floor, on a wall, or standing on the floor in front of a wall."""
    if place == "upright":
        (v, u), _ = _spread_pair(room.labels == FLOOR)
        low = _point(room, v, u)
        high = low - 1.6 * room.camera.gravity
        return (_pixel(room, low), _pixel(room, high)), 1.6
    index = int(np.bincount(room.wall_index[room.wall_index >= 0]).argmax())
    mask = room.labels == FLOOR if place == "floor" else (room.wall_index == index) & (room.labels == WALL)
    (v1, u1), (v2, u2) = _spread_pair(mask)
    return ((u1, v1), (u2, v2)), float(np.linalg.norm(_point(room, v1, u1) - _point(room, v2, u2)))


def _scene(room: SyntheticRoom, *references, **options):
    relative = replace(room.depth, kind="relative_inverse", values=1 / room.depth.values)
    return build_scene(room.photo, relative, room.surfaces, room.camera, references=references, **options)


@pytest.mark.parametrize("place", ["floor", "wall", "upright"])
def test_a_marked_length_gives_the_camera_height(room, place):
    ends, length = _ends(room, place)
    scene = _scene(room, make_reference("length", ends, length, room.photo))
    assert scene.refusal is None
    assert scene.camera_height_m == pytest.approx(room.camera_height_m, rel=0.015)
    assert scene.scale.source == "reference length"
    assert 0.002 <= scene.scale.sigma_rel < 0.1


def test_said_twice_is_known_no_better(room):
    ends, length = _ends(room, "wall")
    once = make_reference("length", ends, length, room.photo)
    scene, again = _scene(room, once), _scene(room, once, once)
    assert again.scale == scene.scale
    turned = make_reference("length", ends[::-1], length, room.photo)
    assert _scene(room, once, turned).scale == scene.scale, "the same length from its other end"


def test_what_is_unsure_about_an_object_is_unsure_in_every_measurement(room):
    """Sockets are 0.25 to 0.35 m up: no measurement can be surer than that."""
    (low, _), _ = _ends(room, "upright")
    foot = _point(room, *np.rint(low[::-1]).astype(int))
    socket = make_reference("socket", (_pixel(room, foot), _pixel(room, foot - 0.3 * room.camera.gravity)), None, room.photo)
    scene = _scene(room, socket)
    assert scene.scale.sigma_rel > 0.1
    assert sum(variance(scene.solution, lambda s: s.camera_height)[1].values()) == pytest.approx(scene.scale.sigma_rel**2, rel=0.02)



def test_a_length_is_marked_as_exactly_in_a_larger_copy_of_the_photo(room):
    """A finger is as wide on the screen, whatever the file's size: pixels of a larger one are marked less exactly."""
    ends, length = _ends(room, "upright")
    c, photo = room.camera, room.photo
    rgb = photo.rgb.repeat(2, 0).repeat(2, 1)
    large = replace(room, photo=replace(photo, rgb=rgb), camera=replace(
        c, f_px=2 * c.f_px, cx=2 * c.cx + 0.5, cy=2 * c.cy + 0.5, width=2 * c.width, height=2 * c.height))  # fmt: skip
    there = tuple((2 * u + 0.5, 2 * v + 0.5) for u, v in ends)
    small_sigma = _scene(room, make_reference("length", ends, length, photo)).scale.sigma_rel
    large_sigma = _scene(large, make_reference("length", there, length, large.photo)).scale.sigma_rel
    assert large_sigma == pytest.approx(small_sigma, rel=0.05)


def test_a_lengths_sigma_holds_its_walls_error(room, monkeypatch):
    """A wall whose foot may be seen cells too high or low: what a length on it says of the camera is so much less sure."""
    from poc import scene as module

    found = {}

    def kept(references, view, layout, moves):
        for name, sigma in (("sure", 0.0), ("unsure", 0.03)):
            by_foot = [replace(w, depth_uv=w.depth_uv[:0], depth_d=w.depth_d[:0], foot_shared=sigma / s.distance) for w, s in zip(layout.walls, layout.solved)]
            found[name] = reference_opinions(references, view, replace(layout, walls=tuple(by_foot)), moves)
        return found["sure"]

    monkeypatch.setattr(module, "reference_opinions", kept)
    ends, length = _ends(room, "wall")
    _scene(room, make_reference("length", ends, length, room.photo))
    sure, unsure = (found[name].opinions[0].sigma_rel for name in ("sure", "unsure"))
    shared = {name: sum(x**2 for x in r.changes[0].values()) for name, r in found.items()}
    assert shared["unsure"] == pytest.approx(shared["sure"] + unsure**2 - sure**2)
    assert np.sqrt(unsure**2 - sure**2) == pytest.approx(0.03, rel=0.35)


def test_an_error_of_the_wall_that_a_length_is_on_moves_the_camera_instead(room):
    """The wall nearer in camera heights means a higher camera: in metres it stays where the length has it."""
    ends, length = _ends(room, "wall")
    scene = _scene(room, make_reference("length", ends, length, room.photo))
    k = int(scene.scale.opinions[0].note.split()[-1]) - 1
    own = 0
    for up, down in (move[1:] for move in scene.solution.moved):
        shape = np.log(up.distance / up.camera_height) - np.log(down.distance / down.camera_height)
        if abs(shape[k]) > 1e-3 and np.abs(np.delete(shape, k)).max() < 1e-4:
            own += 1
            assert np.log(up.camera_height / down.camera_height) == pytest.approx(-shape[k], rel=0.1)
            assert abs(np.log(up.distance[k] / down.distance[k])) < 0.1 * abs(shape[k])
    assert own


def test_an_absurd_length_says_what_it_implies(room):
    ends, length = _ends(room, "floor")
    with pytest.raises(ParameterError, match=r"implies a camera \d+\.\d\d m above the floor"):
        _scene(room, make_reference("length", ends, min(7.9, 6 * length), room.photo))


def test_a_contradiction_is_said_and_widens(room):
    ends, length = _ends(room, "upright")
    given = (room.camera_height_m, 0.01 * room.camera_height_m)
    agree = _scene(room, make_reference("length", ends, length, room.photo), camera_height=given)
    differ = _scene(room, make_reference("length", ends, 1.4 * length, room.photo), camera_height=given)
    assert agree.scale.notes == ()
    assert "apart" in differ.scale.notes[0]
    assert differ.scale.sigma_rel > 2 * agree.scale.sigma_rel


def test_a_length_in_the_air_is_refused(room):
    with pytest.raises(ParameterError, match="stands or lies on the floor"):
        _scene(room, make_reference("length", ((5.0, 3.0), (room.photo.width - 8.0, room.photo.height - 8.0)), 2.0, room.photo))
