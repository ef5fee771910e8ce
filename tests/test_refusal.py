"""Pictures that are not one view of a room are refused with the reason; rooms are not."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc.camera import estimate_camera
from poc.room.refusal import LEAST_EVIDENCE, Evidence, gather_evidence, refuse, refuse_picture
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


def _coloured_plan(noise: float = 0.0, paper: int = 255) -> np.ndarray:
    """A plan with a colour to each room, names and furniture in them, as a JPEG; noise: grey levels, of a scan."""
    colours = [(240, 220, 190), (220, 235, 245), (205, 170, 125), (200, 200, 205), (235, 225, 240)]
    corners = [(100, 100, 600, 500), (600, 100, 1100, 400), (100, 500, 500, 820), (500, 500, 800, 820), (800, 400, 1100, 820)]
    plan = np.full((900, 1200, 3), paper, np.uint8)
    for (left, top, right, bottom), colour in zip(corners, colours, strict=True):
        cv2.rectangle(plan, (left, top), (right, bottom), colour, -1)
        cv2.rectangle(plan, (left, top), (right, bottom), (30, 30, 30), 8)
        cv2.rectangle(plan, (left + 30, top + 30), (left + 130, top + 100), (90, 80, 70), 3)
        cv2.putText(plan, "Bedroom 12 m2", (left + 20, (top + bottom) // 2), 0, 1, (60, 60, 60), 2)
    noisy = np.clip(plan + np.random.default_rng(0).normal(0, noise, plan.shape), 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], 1)


def _barrel() -> np.ndarray:
    """A photo bent by a fisheye lens: black around, but not along straight lines."""
    v, u = np.indices((300, 400), np.float32) - np.array([149.5, 199.5], np.float32)[:, None, None]
    bend = 1 + (u**2 + v**2) / 160**2
    return cv2.remap(np.maximum(_noise(300, 400), 60), u * bend + 199.5, v * bend + 149.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _barred(rows: int, cols: int) -> np.ndarray:
    """A photo with black bars, of which a JPEG leaves no pixel quite black."""
    return np.pad(np.maximum(_noise(300, 400), 60), ((rows, rows), (cols, cols), (0, 0)), constant_values=3)


def _framed(rows: int, cols: int, level: int) -> np.ndarray:
    """A photo between bars of another colour, as a JPEG leaves them, and with a logo in one of them."""
    out = np.pad(_noise(300, 400), ((rows, rows), (cols, cols), (0, 0)), constant_values=level)
    if rows:
        out[-3 * rows // 4 : -rows // 4, -100:-20] = 40
    return cv2.imdecode(cv2.imencode(".jpg", out)[1], cv2.IMREAD_COLOR)


def _enlarged(rgb: np.ndarray, long_side: int) -> np.ndarray:
    scale = long_side / max(rgb.shape[:2])
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _sphere() -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    row = 128 + 100 * np.cos(turn) + 20 * np.sin(3 * turn)
    return np.repeat(np.repeat(row[None, :, None], 200, 0), 3, 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.full((200, 300, 3), 255, np.uint8), "blank"),
        (np.random.default_rng(0).integers(0, 30, (200, 300, 3), np.uint8), "almost black"),
        (_floor_plan(), "floor plan"),
        (_coloured_plan(), "floor plan"),
        (_coloured_plan(noise=4.0), "floor plan"),
        (_coloured_plan(noise=4.0, paper=244), "floor plan"),
        (_disc(), "fisheye"),
        (np.pad(_disc(), ((0, 0), (50, 50), (0, 0))), "fisheye"),
        (_barrel(), "fisheye"),
        (_barred(60, 0), "black bars around the photo: crop them away"),
        (_barred(0, 40), "black bars"),
        (np.pad(_barred(100, 0), ((120, 120), (0, 0), (0, 0))), "black bars"),
        (_framed(60, 0, 255), "bars of one colour on both sides of the photo: crop them away"),
        (_framed(0, 15, 244), "bars of one colour"),
        (_framed(60, 0, 128), "bars of one colour"),
        (_noise(100, 400), "panorama"),
        (_sphere(), "360°"),
    ],
)
def test_the_picture_alone_gives_it_away(picture, says):
    assert says in refuse_picture(Photo(picture))


def test_an_ordinary_picture_passes():
    assert refuse_picture(Photo(_noise(300, 400))) is None
    overexposed = _noise(300, 400)
    overexposed[:40] = 255  # a white ceiling, seen straight
    assert refuse_picture(Photo(overexposed)) is None
    assert refuse_picture(Photo(_noise(300, 400), transparent=0.006)) is None  # a screenshot's rounded corners
    assert refuse_picture(Photo(_noise(300, 600))) is None  # twice as wide as high, but its edges do not meet


def test_a_photo_with_transparent_parts_is_refused_before_they_become_walls():
    says = "no room found: transparent parts cover 31 % of the photo: crop them away"
    assert refuse_picture(Photo(_noise(300, 400), transparent=0.31)) == says
    assert "blank" in refuse_picture(Photo(np.full((300, 400, 3), 255, np.uint8), transparent=1.0))  # nothing would be left


@pytest.mark.parametrize("size", [100, 200, 1200])
def test_a_thumbnail_is_too_little_at_any_size(size):
    tiny = _enlarged(make_room(1).photo.rgb, 100)
    assert "100 pixels" in refuse_picture(Photo(_enlarged(tiny, size)))


@pytest.mark.parametrize("seed", range(3))
def test_the_evidence_does_not_grow_with_the_photo(seed):
    room = make_room(seed)
    found = []
    for size in (240, 480, 960, 1920):
        photo = Photo(_enlarged(room.photo.rgb, size))
        camera = estimate_camera(photo)
        assert refuse_picture(photo) is None
        found.append(gather_evidence(photo, make_view(camera, room.depth, room.surfaces), camera, room.depth).total)
    assert np.ptp(found) < 1.5  # with lines found at the photo's own size: up to 11


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
@pytest.mark.parametrize("enlarged", [1, 2, 4])
def test_forest_street_and_shelf_are_refused(data_folder, enlarged):
    from poc.depth import estimate
    from poc.photo import load_photo

    folder = data_folder / "scenes"
    wrong = []
    for frame in json.loads((folder / "meta.json").read_text())["frames"]:
        if frame["scene"] in ("forest", "street", "shelf"):
            photo = load_photo(folder / "rgb" / f"{frame['name']}.jpg")
            photo = Photo(_enlarged(photo.rgb, min(enlarged * max(photo.width, photo.height), 3200)))
            depth, surfaces = estimate(photo)
            scene = build_scene(photo, depth, surfaces, estimate_camera(photo, surfaces, depth))
            wrong += [] if scene.refusal else [frame["name"]]
    assert wrong == []
