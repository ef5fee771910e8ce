"""On an exact room every check is green; a bent or contradicted one is not; and the next step names what helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poc.measure import measure, next_measurement, self_test
from poc.scene import build_scene
from poc.types import Measurement, Scene
from tests.synthetic import make_room


@pytest.fixture(scope="module")
def room():
    return make_room(3, "rectangle", pitch_deg=8.0, furnished=False)


@pytest.fixture(scope="module")
def scene(room):
    return build_scene(room.photo, room.depth, room.surfaces, room.camera, camera_height=(room.camera_height_m, 0.01))


def test_an_exact_room_agrees_with_itself(scene):
    checks = {c.name: c for c in self_test(scene)}
    assert set(checks) == {"corner angles", "wall flatness", "gravity", "left and right", "scale sources"}
    assert {c.light for c in checks.values()} == {"green"}
    assert checks["gravity"].value < 0.5


def test_a_tilted_camera_shows(scene):
    tilted = replace(scene, camera=replace(scene.camera, gravity=np.array([0.0, 1.0, 0.0])))
    assert {c.name: c.light for c in self_test(tilted)}["gravity"] != "green"


def test_sources_that_disagree_show(room):
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera, camera_height=(1.3 * room.camera_height_m, 0.01))
    assert {c.name: c.light for c in self_test(scene)}["scale sources"] == "red"


def test_nothing_is_said_of_a_refused_photo(room):
    refused = Scene(room.camera, "no room found")
    assert self_test(refused) == () and next_measurement(refused, measure(refused)) is None


def _measured(scale_share: float) -> Measurement:
    return Measurement("longest_wall", 4.0, 3.4, 4.6, "m", "measured", budget={"scale": scale_share, "fit": 1 - scale_share})


def test_an_assumed_height_is_worth_measuring(scene):
    loose = replace(scene, scale=replace(scene.scale, source="camera height assumed", sigma_rel=0.1))
    step = next_measurement(loose, [_measured(0.95)])
    assert "camera" in step.action and step.helps == "longest_wall"
    assert step.width_now_m == pytest.approx(1.2)
    assert step.width_after_m == pytest.approx(1.2 * (1 - 0.95 * 0.99) ** 0.5)


def test_a_missing_end_asks_for_a_photo(scene):
    cut = replace(scene, walls=(replace(scene.walls[0], end_kinds=("corner", "frame")),))
    step = next_measurement(cut, [replace(_measured(0.5), high=None, status="lower_bound")])
    assert "further to the right" in step.action and step.width_after_m < step.width_now_m
