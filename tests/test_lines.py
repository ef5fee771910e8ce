"""Segments drawn by hand are found where they were drawn; residuals vanish for lines that were projected."""

import cv2
import numpy as np
import pytest

from poc.geometry import angle_between, gravity_from_pitch_roll, project
from poc.room import lines
from poc.types import Camera


def board(width=640, height=480, shade=90):
    return np.full((height, width, 3), shade, np.uint8)


def block(rgb, corners, shade=210):
    """A filled polygon whose edge pixels hold the share covered, from an 8-fold drawing: sub-pixel truth."""
    h, w = rgb.shape[:2]
    cover = np.zeros((8 * h, 8 * w), np.uint8)
    cv2.fillPoly(cover, [np.round((np.asarray(corners, float) + 0.5) * 8 - 0.5).astype(np.int32)], 255)
    share = cv2.resize(cover, (w, h), interpolation=cv2.INTER_AREA)[..., None] / 255.0
    return np.round(rgb * (1 - share) + shade * share).astype(np.uint8)


def distance_to(segments, a, b):
    """Largest distance in pixels of each segment's ends from the line through a and b."""
    t = (np.asarray(b, float) - a) / np.linalg.norm(np.asarray(b, float) - a)
    ends = segments.ends.reshape(-1, 2, 2) - a
    return np.abs(ends[..., 0] * t[1] - ends[..., 1] * t[0]).max(1)


def test_an_edge_is_found_to_half_a_pixel():
    corners = [(101.3, 60.2), (330.8, 75.6), (322.1, 400.9), (90.7, 380.4)]
    found = lines.detect_segments(block(board(), corners))
    for a, b in zip(corners, corners[1:] + corners[:1]):
        near = distance_to(found, np.array(a), np.array(b)) < 0.5
        assert near.any()
        assert found.lengths[near].max() > 0.9 * np.hypot(*(np.array(a) - b))


def test_a_large_photo_gives_its_own_pixels_and_no_more_segments():
    corners = np.array([(101.3, 60.2), (330.8, 75.6), (322.1, 400.9), (90.7, 380.4)])
    found = lines.detect_segments(block(board(2560, 1920), 4 * corners + 1.5))
    assert found.pixel == pytest.approx(4) and found.size == (2560, 1920)
    near = distance_to(found, 4 * corners[0] + 1.5, 4 * corners[1] + 1.5) < 2.5
    assert near.any() and found.lengths[near].max() > 0.9 * 4 * np.hypot(*(corners[1] - corners[0]))


def test_nothing_to_find_gives_no_segments():
    for rgb in (board(), board(8, 8), board(640, 12)):
        found = lines.detect_segments(rgb)
        assert len(found) == 0 and found.lengths.shape == (0,) and found.midpoints.shape == (0, 2)


def test_a_frame_around_the_photo_is_not_a_line_of_the_room():
    rgb = np.full((480, 640, 3), 255, np.uint8)
    rgb[6:-6, 7:-7] = 90
    assert len(lines.detect_segments(rgb)) == 0


def test_the_longest_are_kept_longest_first():
    rgb = board()
    for k in range(12):
        rgb = block(rgb, [(40 + 45 * k, 60), (62 + 45 * k, 60), (62 + 45 * k, 90 + 25 * k), (40 + 45 * k, 90 + 25 * k)])
    every, few = lines.detect_segments(rgb), lines.detect_segments(rgb, most=5)
    assert len(few) == 5 and np.allclose(few.ends, every.ends[:5])
    assert np.all(np.diff(every.lengths) <= 0)
    assert lines.detect_segments(rgb, shortest=0.2).lengths.min() >= 128


def test_collinear_pieces_are_joined_and_parallel_ones_are_not():
    pieces = np.array([[100, 100, 200, 110], [206, 110.6, 300, 120], [100, 106, 200, 116], [400, 130, 480, 138.0]], float)
    joined = lines.merge_collinear(pieces)
    assert len(joined) == 3
    u = np.sort(joined[0][[0, 2]])
    assert np.allclose(u, [100, 300], atol=1)  # the fourth is in line too, but 100 px away


def camera():
    return Camera(520.0, 319.5, 239.5, 640, 480, gravity_from_pitch_roll(-0.2, 0.05), "given", "given", 0.0, 0.0)


def projected(direction, starts, cam):
    ends = np.hstack([project(starts, cam), project(starts + 0.7 * direction, cam)])
    return lines.Segments(ends, 1.0, (640, 480))


def test_pointing_error_is_zero_for_projected_lines_and_signed_for_turned_ones():
    cam, direction = camera(), np.array([0.5, 0.1, 1.0])
    starts = np.array([[-1.0, 0.5, 3], [0.8, -0.4, 2.5], [0.1, 0.9, 4]])
    s = lines.centred(projected(direction, starts, cam), cam.cx, cam.cy)
    error = lines.pointing_error(s, np.array([direction, cam.gravity]), cam.f_px)
    assert error.shape == (3, 2) and np.allclose(error[:, 0], 0, atol=1e-12) and np.all(np.abs(error[:, 1]) > 0.1)
    c, sn = np.cos(0.03), np.sin(0.03)
    turned = lines.CentredSegments(s.mid, s.tangent @ np.array([[c, sn], [-sn, c]]), s.length, 1.0)
    assert np.allclose(lines.pointing_error(turned, direction, cam.f_px)[:, 0], -0.03)


def test_closeness_agrees_with_the_pointing_error():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi, 40)
    s = lines.CentredSegments(rng.uniform(-300, 300, (40, 2)), np.stack([np.cos(angle), np.sin(angle)], 1), rng.uniform(20, 90, 40), 1.0)
    directions = rng.normal(size=(25, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    sigma = rng.uniform(0.01, 0.05, 40)
    expected = 1 / (1 + (np.sin(lines.pointing_error(s, directions, 500.0)) / sigma[:, None]) ** 2)
    assert np.allclose(lines.closeness(s, directions, 500.0, sigma), expected, rtol=2e-3, atol=1e-5)


def test_a_vertical_line_points_down():
    cam = camera()
    s = lines.centred(projected(cam.gravity, np.array([[0.5, -0.5, 3.0]]), cam), cam.cx, cam.cy)
    assert abs(lines.pointing_error(s, cam.gravity, cam.f_px)[0, 0]) < 1e-12
    assert angle_between(cam.gravity, [0, 1, 0]) > 0.1
