"""Room scores on a folder whose estimator knows the truth: errors near nothing, and wrong scales show."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc.errors import ContradictionError, DataError
from poc.evaluate_rooms import RoomTally, TrueWall, Truth, _add_scene, _groups, evaluate_rooms, exact_truth, fitted_truth, is_false, joint_gravity, match
from poc.geometry import rotation_from_vector
from poc.metrics import unproject_grid
from poc.notebook import sample_folder
from poc.scene import build_scene
from poc.training.folder import list_frames, load_frame
from poc.types import Measurement, Plane, Scene
from tests import rooms
from tests.data_folder import write_folder
from tests.synthetic import make_room

LABEL = np.array([5, 1, 0, 21, 7, 8], np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return _written(tmp_path_factory.mktemp("rooms"), (3, 4), pitch_deg=6.0)


def _written(root, seeds, label=LABEL, **options):
    root.mkdir(exist_ok=True)
    for part in ("rgb", "depth_mm", "label"):
        (root / part).mkdir()
    frames, rooms = [], {}
    for seed in seeds:
        room = make_room(seed, "rectangle", furnished=False, **options)
        name, c = f"room_{seed}", room.camera
        cv2.imwrite(str(root / "rgb" / f"{name}.jpg"), room.photo.rgb[:, :, ::-1])
        cv2.imwrite(str(root / "depth_mm" / f"{name}.png"), np.rint(room.depth.values * 1000).astype(np.uint16))
        cv2.imwrite(str(root / "label" / f"{name}.png"), label[room.labels])
        frames.append({"name": name, "intrinsics": {"fx": c.f_px, "fy": c.f_px, "cx": c.cx, "cy": c.cy, "width": c.width, "height": c.height}})
        rooms[f"{name}.jpg"] = rooms[name] = room
    (root / "meta.json").write_text(json.dumps({"frames": frames}))
    return root, rooms


def _score(folder, monkeypatch, factor=1.0, **options):
    root, rooms = folder
    monkeypatch.setattr("poc.evaluate_rooms.estimate_camera", lambda photo, *a, **k: rooms[photo.name].camera)

    def run(photo):
        room = rooms[photo.name]
        return replace(room.depth, values=room.depth.values * factor), room.surfaces

    return evaluate_rooms(root, estimator=run, **options)


def test_a_floor_that_stands_upright_is_no_floor(folder):
    """Labels sometimes call a bed's front floor: there is no truth about heights in such a frame."""
    root, _ = folder
    loaded = load_frame(list_frames(root)[0])
    wall = (loaded.surface == 2) & (np.arange(loaded.surface.shape[1]) > loaded.surface.shape[1] / 2)
    wrong = np.where(loaded.surface == 1, 0, np.where(wall, 1, loaded.surface)).astype(np.uint8)
    assert fitted_truth(loaded).camera_height_m > 1.0
    assert fitted_truth(replace(loaded, surface=wrong)).camera_height_m is None


def _leaning(normal, pitch_deg, roll_deg=0.0):
    return rotation_from_vector(np.radians([pitch_deg, 0.0, roll_deg])) @ np.asarray(normal, float)


def _off_level(down):
    return float(np.degrees(np.arccos(np.clip(down[1], -1, 1))))


def test_walls_correct_a_floor_that_leans_and_a_slanted_one_hardly_counts():
    """Gravity of the truth is told by all planes, each as far as sensors let it; one that stands far off the others has no say."""
    up, front, left = [0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]
    floor = _leaning(up, 1.5, 1.5)
    alone = _off_level(joint_gravity(-floor, [floor], []))
    assert alone == pytest.approx(_off_level(-floor)) and alone > 2
    joint = joint_gravity(-floor, [floor], [np.array(front), np.array(left), np.array(left)])
    assert _off_level(joint) < 0.7 * alone
    level, slanted = np.array(up), _leaning(front, 9.0)
    assert _off_level(joint_gravity(-level, [level], [slanted])) < 0.3
    assert _off_level(joint_gravity(-floor, [floor, np.array(up)], [])) == pytest.approx(alone / 2, rel=0.05)


def test_gravity_is_scored_against_the_floor_and_against_all_planes(folder, monkeypatch):
    scores = _score(folder, monkeypatch)
    assert scores["gravity_joint_deg"]["median"] < 0.5 and scores["gravity_deg"]["median"] < 0.5


def test_exact_depth_scores_near_nothing(folder, monkeypatch):
    scores = json.loads(json.dumps(_score(folder, monkeypatch)))
    assert scores["frames"] == 2 and scores["refused"] == 0
    assert scores["walls"]["n"] >= 3 and scores["walls"]["found"] > 0.6
    assert scores["walls"]["median"] < 0.02 and scores["camera_height"]["median"] < 0.01
    assert scores["gravity_deg"]["median"] < 0.5
    assert scores["false_walls"] == 0 and scores["geometry_ms"]["median"] > 0
    assert scores["true_depth"]["walls"]["median"] < 0.015
    assert scores["false_ceilings"] == 0
    assert scores["nothing_given"]["walls"]["n"] == scores["walls"]["n"]
    assert scores["wall_length"]["n"] == scores["floor_area_visible"]["n"] == 0, "planes fitted to depth do not tell where a wall ends"


def test_a_wrong_scale_shows_where_no_height_is_given(folder, monkeypatch):
    scores = _score(folder, monkeypatch, factor=1.3, camera_height=None)
    assert scores["walls"]["median"] == pytest.approx(0.3, abs=0.05)
    assert scores["walls"]["coverage_90"] < 0.5
    assert scores["false_walls"] >= 3
    assert scores["height_given"] == "not given" and scores["camera_height"]["n"] == 2
    assert scores["nothing_given"] == {k: scores[k] for k in scores["nothing_given"]}
    assert scores["true_depth"]["walls"]["median"] < 0.015


def test_a_depth_far_off_the_true_height_is_the_models_mistake(folder, monkeypatch):
    """Refused like a photo that shows no room; the other ways are scored all the same."""
    def contradicted(*args, camera_height=None, **kwargs):
        if camera_height is not None:
            raise ContradictionError("the camera height given cannot be this photo's")
        return build_scene(*args, **kwargs)

    monkeypatch.setattr("poc.evaluate_rooms.build_scene", contradicted)
    scores = _score(folder, monkeypatch)
    assert scores["refused"] == scores["frames"] == 2 and scores["walls"]["found"] == 0 and scores["true_depth"]["walls"]["found"] > 0.6


@pytest.mark.parametrize(("label_of_ceiling", "false"), [(LABEL[3], 0), (LABEL[2], 2)])
def test_ceilings_measured_where_none_is_labelled_are_false(monkeypatch, tmp_path, label_of_ceiling, false):
    label = LABEL.copy()
    label[3] = label_of_ceiling
    scores = _score(_written(tmp_path, (1, 8), label), monkeypatch)
    assert scores["ceiling_height"]["n"] == 2 - false and scores["false_ceilings"] == false


def test_a_ceiling_that_leans_is_as_high_as_its_pixels(folder):
    """A far patch's own plane leans by degrees, and its distance from the camera then says little about the height."""
    root, rooms = _written(folder[0] / "leaning", (8,))
    loaded = load_frame(list_frames(root)[0])
    room, v = rooms["room_8"], np.indices(loaded.depth_m.shape)[0]
    ceiling = loaded.surface == 3
    lean = 1 + 0.003 * (v - v[ceiling].mean())
    leaning = replace(loaded, depth_m=np.where(ceiling, loaded.depth_m * lean, loaded.depth_m).astype(np.float32))
    assert fitted_truth(leaning).ceiling_height_m == pytest.approx(room.ceiling_height_m, rel=0.02)


def test_a_bound_above_the_truth_is_counted_as_broken(monkeypatch):
    """Where the ceiling is out of the photo the room is said to be at least so high; of a rendered one it is known how high."""
    scene, tally = rooms.scene(), RoomTally()
    truth = Truth(None, None, None, (), room_height_m=2.4)
    for low in (2.35, 2.9):  # the value of the first is above the truth, its bound is not
        told = Measurement("ceiling_height", low + 0.1, low, None, "m", "lower_bound")
        monkeypatch.setattr("poc.evaluate_rooms.measure", lambda _, told=told: (told,))
        _add_scene(tally, "name", truth, scene)
    assert _groups(tally)["ceiling_height"]["bounds"] == {"n": 2, "broken": 1}


def test_lengths_of_walls_and_the_floor_in_view_are_scored_where_they_are_known(monkeypatch):
    """One wall has both its ends in the photo, of the other there is more than is told, and of the floor less."""
    scene, tally, seen = rooms.scene(), RoomTally(), np.ones((2, 2), bool)
    walls = tuple(TrueWall(scene.plane(name).normal_cam, scene.plane(name).offset_m, seen, False, length) for name, length in (("wall_2", 4.0), ("wall_3", 6.0)))
    told = (Measurement("wall_2_length", 4.1, 3.8, 4.4, "m", "measured"), Measurement("wall_3_length", 3.5, 3.2, None, "m", "lower_bound"),
            Measurement("floor_area_visible", 13.0, 12.5, None, "m²", "lower_bound"))
    monkeypatch.setattr("poc.evaluate_rooms.measure", lambda _: told)
    monkeypatch.setattr("poc.evaluate_rooms.match", lambda wall, scene: next(p for p in scene.planes if p.normal_cam is wall.normal_cam))
    _add_scene(tally, "name", Truth(None, None, None, walls, floor_area_m2=12.0), scene)
    groups = _groups(tally)
    length, floor = groups["wall_length"], groups["floor_area_visible"]
    assert (length["n"], length["found"], length["median"], length["coverage_90"]) == (2, 0.5, 0.025, 1.0)
    assert length["bounds"] == {"n": 1, "broken": 0}
    assert (floor["n"], floor["found"], floor["median"], floor["bounds"]) == (1, 0.0, None, {"n": 1, "broken": 1})


def test_a_wall_of_a_rendered_room_is_found_by_its_pixels_not_by_the_answer():
    """And what is measured where a room that is wholly known has no wall is false, though something stands there."""
    frame = list_frames(sample_folder())[0]
    loaded = load_frame(frame)
    truth = exact_truth(loaded)
    assert truth.slivers == () and truth.walls
    assert truth.floor_area_m2 == frame.room["floor_area_visible_m2"]
    assert {w.length_m for w in truth.walls} <= {w["length_m"] for w in frame.room["walls"]}
    points = unproject_grid(loaded.depth_m, frame.fx, frame.fy, frame.cx, frame.cy)
    wall = max(truth.walls, key=lambda w: w.mask.sum())
    assert wall.mask.sum() > 4000 and np.abs(points[wall.mask] @ wall.normal_cam + wall.offset_m).max() < 0.05
    near = Plane("wall_1", "wall", wall.normal_cam, wall.offset_m, 0.1, 10, False, ~wall.mask, "depth")
    own = replace(near, id="wall_2", offset_m=1.3 * wall.offset_m, mask=wall.mask)
    assert match(wall, Scene(None, None, planes=(near, own))).id == "wall_2"
    front = replace(near, offset_m=0.7 * wall.offset_m, mask=np.zeros_like(wall.mask))
    assert is_false(front, truth, points) and not is_false(near, truth, points)


def test_names_that_are_not_there_are_an_error(folder):
    with pytest.raises(DataError, match="frames named are not here"):
        evaluate_rooms(folder[0], names=["nothing"])


@pytest.mark.parametrize("keyed", [True, False])
def test_exact_truth_is_found_in_both_forms_of_meta(tmp_path, keyed):
    first, second = write_folder(tmp_path, n=2)
    meta = json.loads((tmp_path / "meta.json").read_text())
    frames = {first: {"room": {"ceiling_height_m": 2.5}}, second: {}}
    listed = frames if keyed else [{"name": name, **facts} for name, facts in frames.items()]
    (tmp_path / "meta.json").write_text(json.dumps(meta | {"frames": listed}))
    assert [f.room for f in list_frames(tmp_path)] == [{"ceiling_height_m": 2.5}, None]
