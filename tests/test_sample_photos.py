"""The sample photos of data/photos: their truth agrees with their depth, their EXIF with their intrinsics."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).parents[1] / "data"
PHOTOS = DATA / "photos"
FRAMES = json.loads((PHOTOS / "meta.json").read_text())["frames"]
NAMES = sorted(FRAMES)


@pytest.fixture(scope="module")
def verify():
    spec = importlib.util.spec_from_file_location("render_verify", DATA / "render" / "verify.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_promised_rooms_are_there():
    assert {"living_room", "bedroom", "kitchen", "office"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_planes_lie_on_the_depth(verify, name):
    result = verify.check(PHOTOS, name, FRAMES[name])
    for kind in ("wall", "ceiling", "floor"):
        assert result[f"{kind}_median_mm"] < (15.0 if kind == "floor" else 1.0), f"{kind} (a rug is up to 14 mm thick)"
    assert result["wall_within_2mm"] > 0.9  # the rest is skirting and cornice
    assert result["missing_depth_share"] == 0.0


def test_a_wrong_plane_is_noticed(verify):
    entry = json.loads(json.dumps(FRAMES["office"]))
    for wall in entry["room"]["walls"]:
        wall["offset_m"] += 0.02
    assert verify.check(PHOTOS, "office", entry)["wall_median_mm"] > 10.0


@pytest.mark.parametrize("name", NAMES)
def test_exif_focal_is_exact(verify, name):
    assert verify.check(PHOTOS, name, FRAMES[name])["focal_error_px"] < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_files_belong_together(name):
    photo, depth, label = (Image.open(PHOTOS / sub) for sub in (f"rgb/{name}.jpg", f"depth_mm/{name}.png", f"label/{name}.png"))
    assert photo.size == label.size == (FRAMES[name]["intrinsics"]["width"], FRAMES[name]["intrinsics"]["height"])
    assert photo.size[0] / depth.size[0] == photo.size[1] / depth.size[1]
    assert (PHOTOS / f"rgb/{name}.jpg").stat().st_size <= 400_000


@pytest.mark.parametrize("name", NAMES)
def test_room_truth_is_consistent(name):
    room = FRAMES[name]["room"]
    outline = np.array(room["outline_room"])
    x, y = outline.T
    area = 0.5 * abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    assert area == pytest.approx(room["floor_area_m2"], abs=1e-3)
    assert np.linalg.norm(room["camera"]["gravity_cam"]) == pytest.approx(1.0, abs=1e-6)
    for wall in room["walls"]:
        ends = np.array(wall["ends_room"])
        assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(wall["length_m"], abs=1e-3)
        assert abs(np.dot(wall["normal_cam"], room["camera"]["gravity_cam"])) < 1e-6
    assert sum(wall["foot_visible"] for wall in room["walls"]) >= 2
    assert 0 < room["floor_area_seen_m2"] <= room["floor_area_visible_m2"] + 0.1 <= room["floor_area_m2"]
