"""What a joined room keeps of each photo's errors, and what it can say of walls that the first photo does not see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poc.fuse import join_rooms
from poc.geometry import project
from poc.room import jointfit
from poc.room.propagate import log_change
from poc.room.roomspace import to_camera
from poc.scene import build_scene
from poc.types import Reference
from tests.synthetic import noisy_depth, perturbed_camera
from tests.test_fuse import CEILING, FRONT, OUTLINE, SIDE, SMALL, _with_thing, seen, value
from tests.views import Place, photograph


def test_a_photo_keeps_its_whole_covariance():
    """What other photos may share and what is its own add up to what is wrong with it, a length marked on a wall or not."""
    room = photograph(OUTLINE, FRONT, ceiling=CEILING, **SMALL)
    depth = replace(noisy_depth(room, 0.06, 1), engine="onnx", sigma_log=np.full(room.depth.values.shape, 0.12, np.float32), f_px=room.camera.f_px)
    base = build_scene(room.photo, depth, room.surfaces, perturbed_camera(room, 1))
    wall = max(base.walls, key=lambda w: w.length_m)
    middle, step = wall.ends.mean(0), (wall.ends[1] - wall.ends[0]) / wall.length_m
    ends = tuple(tuple(project(to_camera(np.array([*(middle + side * step), 1.6]), base), base.camera)) for side in (-0.5, 0.5))
    for references in ((), (Reference("length", ends, 1.0, 0.003),)):
        scene = build_scene(room.photo, depth, room.surfaces, perturbed_camera(room, 1), references=references)
        view = jointfit.view_of("a", scene)
        quantities = [*(lambda s, k=w.index: s.distance[k] for w in view.walls), lambda s: s.ceiling, lambda s: s.camera_height]
        values = np.array([q(scene.solution.base) for q in quantities])
        columns = [values * [log_change(q(up), q(down), v) for q, v in zip(quantities, values)] for cause, up, down in scene.solution.moved if cause != "scale"]
        kept = view.errors @ view.errors.T + sum(np.outer(c, c) for c in view.common.values())
        assert "floor by the network" in view.common and kept == pytest.approx(sum(np.outer(c, c) for c in columns), abs=1e-9)


def test_a_height_that_a_marked_length_contradicts_is_in_doubt_in_every_photo():
    """The length is marked in the first; the second, which has none, must not make the wrong height sure again."""
    rooms = [photograph(OUTLINE, place, ceiling=CEILING, **SMALL) for place in (FRONT, SIDE)]
    true = seen(rooms[0]).scene
    wall = max(true.walls, key=lambda w: w.length_m)
    step = (wall.ends[1] - wall.ends[0]) / wall.length_m
    ends = tuple(tuple(project(to_camera(np.array([*(wall.ends.mean(0) + side * step), 1.6]), true), true.camera)) for side in (-0.5, 0.5))
    marked = Reference("length", ends, 1.0, 0.003)

    def joint(factor: float):
        first, second = ({"height": factor * room.camera_height_m, "sigma": 0.005} for room in rooms)
        return join_rooms([seen(rooms[0], references=(marked,), **first), seen(rooms[1], **second)])

    sure, doubted = (value(joint(factor), "ceiling_height") for factor in (1.0, 1.3))
    assert joint(1.3).joined and doubted.low < CEILING < doubted.high and doubted.high > 1.3 * CEILING
    assert (sure.light, doubted.light) == ("green", "red") and sure.low < CEILING < sure.high < 1.02 * CEILING


def test_a_wall_in_line_with_the_first_camera_has_no_distance():
    """An L-shaped room: the first photo is taken from the line of the wall that runs back into it, which the second sees."""
    outline = np.array([[0, 0], [0, 6], [2.5, 6], [2.5, 3.6], [5, 3.6], [5, 0]], float)
    rooms = [seen(photograph(outline, place, ceiling=2.6, **SMALL)) for place in (Place(2.5, 0.4, -8), Place(1.0, 0.6, 20))]
    joint = join_rooms(rooms)
    distances = [m for m in joint.measurements if m.name.endswith("_distance")]
    assert joint.joined and [m.status for m in distances].count("unknown") == 1
    assert "line of this wall" in next(m.reason for m in distances if m.status == "unknown")
    assert all(m.high < 10 for m in distances if m.status == "measured")


def test_a_free_wall_that_is_in_doubt_stays_so(monkeypatch):
    """Each photo sees one half of it free; what is wrong with the wall is wrong with the whole."""
    alone = {n: seen(photograph(OUTLINE, place, ceiling=CEILING, **SMALL)) for n, place in (("front", FRONT), ("side", SIDE))}
    halves = [_with_thing(alone["front"], -2.0, -0.1, 0.1), _with_thing(alone["side"], 0.8, 2.9, 0.1)]
    sure = value(join_rooms(halves), "longest_free_wall")
    monkeypatch.setattr("poc.measure.crossing_walls", lambda scene: [(sure.basis.split(",")[0], "wall_9")])
    doubted = value(join_rooms(halves), "longest_free_wall")
    assert (doubted.status, doubted.light) == (sure.status, "red") and "wall 9" in doubted.reason
    assert doubted.low == pytest.approx(sure.low)
