"""Pictures that are not one view of a room are refused with the reason; rooms are not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from poc.room.refusal import LEAST_EVIDENCE, Evidence, refuse, refuse_picture
from poc.room.view import make_view
from poc.scene import build_scene
from poc.types import Photo, Surfaces
from tests.synthetic import make_room


def _noise(h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def _disc() -> np.ndarray:
    v, u = np.indices((300, 300)) - 149.5
    return np.where((np.hypot(u, v) < 148)[..., None], np.maximum(_noise(300, 300), 90), 3).astype(np.uint8)


def _floor_plan() -> np.ndarray:
    plan = np.full((300, 400, 3), 255, np.uint8)
    plan[40:260, [40, 41, 200, 201, 359, 360]] = 0
    plan[[40, 41, 150, 151, 259, 260], 40:360] = 0
    return plan


def _sphere() -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    row = 128 + 100 * np.cos(turn) + 20 * np.sin(3 * turn)
    return np.repeat(np.repeat(row[None, :, None], 200, 0), 3, 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.full((200, 300, 3), 255, np.uint8), "blank"),
        (_floor_plan(), "floor plan"),
        (_disc(), "fisheye"),
        (_noise(100, 400), "panorama"),
        (_sphere(), "360°"),
    ],
)
def test_the_picture_alone_gives_it_away(picture, says):
    assert says in refuse_picture(Photo(picture))


def test_an_ordinary_picture_passes():
    assert refuse_picture(Photo(_noise(300, 400))) is None
    assert refuse_picture(Photo(_noise(300, 600))) is None  # twice as wide as high, but its edges do not meet


@pytest.mark.parametrize("seed", range(6))
def test_rooms_pass_with_a_margin(seed):
    room = make_room(seed)
    view = make_view(room.camera, room.depth, room.surfaces)
    assert refuse(room.photo, view, room.camera, room.surfaces) is None


@pytest.mark.parametrize("changes", [{"sure_wall": 0.01, "upper": 0.1}, {"contact": 0.0}, {"texture": 30.0}, {"line_sigma_rad": 0.09}, {"error_log": 0.34}])
def test_each_lack_counts(changes):
    good = Evidence(sure_wall=0.15, upper=0.7, contact=0.1, texture=14.0, line_sigma_rad=0.03)
    assert good.total > LEAST_EVIDENCE + 2
    assert replace(good, **changes).total < good.total - 1


def test_a_photo_without_room_surfaces_is_refused_in_words():
    room = make_room(1)
    p = np.zeros((60, 80, 6), np.float32)
    p[..., 0] = 1
    lost = replace(room.camera, gravity_sigma_rad=0.1)
    scene = build_scene(Photo(_noise(room.photo.height, room.photo.width)), room.depth, Surfaces(p), lost)
    assert scene.refusal.startswith("no room found: ")
    assert scene.planes == () and scene.scale is None


@pytest.mark.data
@pytest.mark.slow
def test_forest_street_and_shelf_are_refused(data_folder):
    from poc.camera import estimate_camera
    from poc.depth import estimate
    from poc.photo import load_photo

    folder = data_folder / "scenes"
    wrong = []
    for frame in json.loads((folder / "meta.json").read_text())["frames"]:
        if frame["scene"] in ("forest", "street", "shelf"):
            photo = load_photo(folder / "rgb" / f"{frame['name']}.jpg")
            depth, surfaces = estimate(photo)
            scene = build_scene(photo, depth, surfaces, estimate_camera(photo, surfaces, depth))
            wrong += [] if scene.refusal else [frame["name"]]
    assert wrong == []
