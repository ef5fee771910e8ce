"""Bent lines are told from the photo, with their amount and sign; straight rooms, round things and sagging blinds are not the lens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from poc.camera import estimate_camera
from poc.photo import load_photo
from poc.errors import ParameterError
from poc.room.distortion import EXTREME, allow_for, file_pixels, find_arcs, find_bend, refuse_bend, straight_pixels, straighten, straightened
from poc.room.scale import parse_reference
from poc.types import Photo

PHOTOS = sorted((Path(__file__).resolve().parents[1] / "data/photos/rgb").glob("*.jpg"))


def bent(rgb, k):
    """The photo as a lens of the division model takes it, its corners where they were: no black, the middle larger (k < 0)."""
    h, w = rgb.shape[:2]
    half = np.hypot(h, w) / 2
    v, u = np.indices((h, w), np.float32) - np.float32([(h - 1) / 2, (w - 1) / 2])[:, None, None]
    s = (1 + k) / (1 + k * (u**2 + v**2) / half**2)
    at = (u * s + (w - 1) / 2, v * s + (h - 1) / 2)
    return cv2.remap(rgb, *(x.astype(np.float32) for x in at), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def drawn(*curves, size=(480, 640)):
    """Bright curves (u, v over their own length) on grey, drawn to a sixteenth of a pixel."""
    rgb = np.full((*size, 3), 90, np.uint8)
    for curve in curves:
        cv2.polylines(rgb, [np.round(np.asarray(curve) * 16).astype(np.int32)], False, (220, 220, 220), 3, cv2.LINE_AA, 4)
    return rgb


def arc(u, v, length, sagitta, upright=False):
    t = np.linspace(-0.5, 0.5, 60)
    along, across = t * length, sagitta * 4 * t**2
    return np.stack([u + across, v + along] if upright else [u + along, v + across], 1)


def test_an_arc_is_measured_where_it_was_drawn():
    half = np.hypot(480, 640) / 2
    found = find_arcs(drawn(arc(319.5, 100, 400, 9)))
    assert len(found.bow) == 2  # both sides of the stroke
    assert np.abs(found.bow * found.normal[:, 1]) == pytest.approx(4 * 9 * half / 400**2, rel=0.05)
    assert np.all(found.bow * found.normal[:, 1] > 0)  # bent downwards
    assert found.length * half == pytest.approx(400, abs=12)
    assert found.middle[:, 1] * half == pytest.approx([100 - 239.5] * 2, abs=3)


@pytest.mark.parametrize("k", [-0.35, -0.2, -0.1, 0.06])
def test_the_bend_of_a_warped_room_is_found(k):
    told = [find_bend(bent(load_photo(path).rgb, k)) for path in PHOTOS]
    assert all(b.by_lens for b in told) or k > 0  # so small a cushion is told, not always plainly
    assert np.abs([b.k - k for b in told]).max() < 0.035
    assert all(abs(b.k - k) < 3 * b.sigma for b in told)


def test_straight_rooms_are_left_alone():
    for path in PHOTOS:
        photo = load_photo(path)
        found = find_bend(photo.rgb)
        assert not found.by_lens and abs(found.k) < 0.02
        camera = estimate_camera(photo)
        assert camera.bend_k == 0 and refuse_bend(camera) is None and not any("lens" in note for note in camera.notes)


def test_the_size_of_the_photo_changes_nothing():
    small = bent(load_photo(PHOTOS[0]).rgb, -0.15)
    large = cv2.resize(small, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    assert find_bend(large).k == pytest.approx(find_bend(small).k, abs=0.015)


def test_things_that_sag_on_one_side_are_not_the_lens():
    """Forty slats above the centre, each with its middle lower than its ends, which a cushion would do; and straight lines below."""
    slats = [arc(319.5, v, 420, 4) for v in range(20, 220, 10)]
    straight = [arc(319.5, v, 500, 0) for v in (300, 380, 450)] + [arc(u, 350, 200, 0, upright=True) for u in (30, 610)]
    found = find_bend(drawn(*slats, *straight))
    assert not found.by_lens


def test_a_barrel_is_not_taken_for_a_cushion():
    """Lines on all four sides bent away from the centre: a barrel; toward it: a cushion."""
    for sign in (1, -1):
        frame = [arc(319.5, 60, 420, 8 * sign), arc(319.5, 420, 420, -8 * sign)]
        frame += [arc(60, 239.5, 300, 6 * sign, upright=True), arc(580, 239.5, 300, -6 * sign, upright=True)]
        assert find_bend(drawn(*frame)).k * sign < -0.04


def test_few_edges_say_nothing():
    for rgb in (drawn(), drawn(size=(12, 600)), drawn(arc(319.5, 100, 400, 9)), np.zeros((20, 20, 3), np.uint8)):
        assert find_bend(rgb) is None


def test_a_bent_photo_is_refused_with_what_to_do_and_a_slightly_bent_one_is_less_sure():
    photo = load_photo(PHOTOS[0])
    strong = estimate_camera(Photo(bent(photo.rgb, -0.25), photo.f_px))
    assert "25 %" in refuse_bend(strong) or "24 %" in refuse_bend(strong)
    assert "barrel" in refuse_bend(strong) and "main lens" in refuse_bend(strong)
    rgb = bent(photo.rgb, -0.07)
    slight = estimate_camera(Photo(rgb, photo.f_px))
    assert 0.04 < -slight.bend_k < EXTREME and refuse_bend(slight) is None
    assert any("barrel" in note and ("7 %" in note or "6 %" in note) for note in slight.notes)
    wider = allow_for(slight, Photo(rgb))
    assert wider.f_sigma_rel > slight.f_sigma_rel and wider.gravity_sigma_rad > slight.gravity_sigma_rad
    assert allow_for(slight, photo) is slight


@pytest.mark.parametrize("k", [-0.35, -0.1, 0.08])
def test_straightening_undoes_the_lens_at_the_same_scale_in_the_centre(k):
    """A lens that bends a smooth picture, and back: the middle of the picture is again what it was, enlarged by what the bending enlarged it."""
    v, u = np.indices((300, 400), np.float32)
    rgb = np.repeat((127 + 60 * np.sin(u / 17) + 60 * np.cos(v / 13))[..., None], 3, 2).astype(np.uint8)
    back = straighten(bent(rgb, k), k)
    h, w = back.shape[:2]
    scale = 1 / (1 + k)
    at = [((np.indices((h, w), np.float32)[i] - (n - 1) / 2) / scale + (m - 1) / 2) for i, n, m in ((1, w, 400), (0, h, 300))]
    true = cv2.remap(rgb, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    off = np.abs(back.astype(float) - true)[8:-8, 8:-8]
    assert (w > 400) == (k < 0) and np.median(off) < 2 and np.percentile(off, 95) < 8


def test_a_straightened_photo_is_straight_and_says_so():
    photo = load_photo(PHOTOS[1])
    assert straightened(photo) is photo
    done = straightened(Photo(bent(photo.rgb, -0.2), photo.f_px))
    assert done.f_px == photo.f_px and done.bend_k == pytest.approx(-0.2, abs=0.03)
    left = find_bend(done.rgb)
    assert not left.by_lens and abs(left.k) < 0.03
    assert done.bend_sigma > 0 and done.file_size == (photo.width, photo.height) != (done.width, done.height)
    camera = estimate_camera(done)
    sure = estimate_camera(replace(done, bend_sigma=0.0))
    assert camera.f_sigma_rel > sure.f_sigma_rel and camera.gravity_sigma_rad > sure.gravity_sigma_rad, "k is not known exactly"
    assert "barrel" in camera.notes[-1] and "straightened" in camera.notes[-1] and refuse_bend(camera) is None


def test_an_action_camera_is_not_straightened_but_refused():
    wild = Photo(bent(load_photo(PHOTOS[0]).rgb, -0.55))
    assert straightened(wild) is wild and refuse_bend(estimate_camera(wild)) is not None


@pytest.mark.parametrize("k", [-0.35, -0.1, 0.08])
def test_pixels_of_the_file_are_found_on_the_straightened_photo(k):
    """A white spot in the file lies where its pixel is said to lie, and back."""
    for u, v in ((200, 150), (60, 240), (330, 70)):
        rgb = np.zeros((300, 400, 3), np.uint8)
        cv2.circle(rgb, (u, v), 4, (255, 255, 255), -1)
        photo = Photo(straighten(rgb, k), bend_k=k, bent_size=(400, 300))
        rows, cols = np.nonzero(photo.rgb[..., 0] > 100)
        place = straight_pixels(np.array([[u, v]]), photo)
        assert place[0] == pytest.approx([cols.mean(), rows.mean()], abs=0.6)
        assert file_pixels(place, photo)[0] == pytest.approx([u, v], abs=1e-6)


def made_straight(k, size=(400, 300)):
    plain = np.zeros((size[1], size[0], 3), np.uint8)
    return Photo(straighten(plain, k), bend_k=k, bend_sigma=0.03, bent_size=size)


def test_references_are_in_pixels_of_the_file_whether_it_was_straightened_or_not():
    done = made_straight(-0.2)
    marked = ((60.0, 70.0), (62.0, 240.0))
    found = parse_reference("door:60,70,62,240", done)
    assert found.marked == marked and np.allclose(file_pixels(np.array(found.ends), done), marked)
    assert not np.allclose(found.ends, marked, atol=5)
    with pytest.raises(ParameterError, match=r"\(1, 1\) is off the photo once its bent lines are straightened"):
        parse_reference("1,1,200,200=2", done)
    with pytest.raises(ParameterError, match=r"\(405, 1\) lies outside the photo of 400×300"):
        parse_reference("405,1,200,200=2", done)


def test_a_mark_on_the_very_edge_of_a_straightened_photo_counts():
    """Rounding to tenths of a pixel of the file may put it off the photo by as much."""
    for k in (-0.3, -0.15, -0.05, 0.06):
        for size in ((400, 300), (97, 64), (1280, 960)):
            photo = made_straight(k, size)
            right, bottom = photo.width - 0.5, photo.height - 0.5
            for end in ((-0.5, 0.4 * bottom), (right, 0.6 * bottom), (0.3 * right, bottom), (0.3 * right, -0.5)):
                text = ",".join(f"{x:.1f}" for x in file_pixels(np.array([end, [0.5 * right, 0.5 * bottom]]), photo).ravel())
                assert parse_reference(f"{text}=2", photo).ends[0] == pytest.approx(end, abs=0.3)


def test_a_bent_photo_is_measured_straightened_with_its_reference(tmp_path):
    """A length on the floor, marked in the bent file, gives the scale that it gives in the straight one."""
    from PIL import Image

    from poc.pipeline import Options, check, measure_room

    path = next(path for path in PHOTOS if path.stem == "living_room")
    photo, k = load_photo(path), -0.15
    true_m = cv2.imread(str(path.parents[1] / "depth_mm" / "living_room.png"), cv2.IMREAD_UNCHANGED) / 1000
    centre = (np.array([photo.width, photo.height]) - 1) / 2
    ends = np.array([[780, 640], [960, 800]]) * photo.width / 1280
    depth = true_m[tuple((ends * true_m.shape[1] / photo.width).astype(int).T[::-1])][:, None]
    first, second = np.hstack([(ends - centre) / photo.f_px * depth, depth])
    length, half = np.linalg.norm(first - second), np.hypot(photo.width, photo.height) / 2
    there = (ends - centre) / (1 + k)  # of a lens without bend, with the bent file's centre
    in_bent = there * 2 / (1 + np.sqrt(1 - 4 * k * (there**2).sum(1, keepdims=True) / half**2)) + centre
    heights = []
    for rgb, f_px, at in ((photo.rgb, photo.f_px, ends), (bent(photo.rgb, k), photo.f_px / (1 + k), in_bent)):
        file = tmp_path / f"{len(heights)}.png"
        Image.fromarray(rgb).save(file)
        mark = ",".join(f"{x:.1f}" for x in at.ravel())
        room = measure_room(check(file, Options(focal_px=f_px, references=(f"{mark}={length:.3f}",))))
        heights.append(next(o for o in room.scene.scale.opinions if o.source == "reference length").camera_height_m)
    assert room.photo.bend_k == pytest.approx(k, abs=0.03)
    assert heights[0] == pytest.approx(1.5, rel=0.04) and heights[1] == pytest.approx(heights[0], rel=0.04)
