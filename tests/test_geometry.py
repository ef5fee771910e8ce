"""Known answers for the pinhole maths: planes made from a room, found again; rotations there and back."""

import numpy as np
import pytest

from poc import geometry as geo
from poc.errors import ParameterError
from poc.types import Camera

F, W, H = 520.0, 640, 480


def camera(pitch=-0.2, roll=0.05, f=F):
    g = geo.gravity_from_pitch_roll(pitch, roll)
    return Camera(f, (W - 1) / 2, (H - 1) / 2, W, H, g, "given", "given", 0.0, 0.0)


def corner(cam, yaw=0.4):
    """Floor and two walls of a room in the camera frame: rows (normal toward the camera, offset)."""
    right, ahead, up = geo.rotation_from_gravity(cam.gravity)
    wall_a = -(np.cos(yaw) * ahead + np.sin(yaw) * right)
    wall_b = -(np.cos(yaw) * right - np.sin(yaw) * ahead)
    return [(up, 1.4), (wall_a, 3.2), (wall_b, 2.1)]


def test_grid_pixels_cover_the_photo_whatever_the_grid():
    cam = camera()
    u, v = geo.grid_pixels(cam, H, W)
    assert u[0, 0] == -cam.cx and v[-1, 0] == H - 1 - cam.cy
    u, v = geo.grid_pixels(cam, 3, 4)
    assert np.allclose(u.mean(), 0) and np.allclose(v.mean(), 0)
    assert np.isclose(u[0, 1] - u[0, 0], W / 4)
    with pytest.raises(ParameterError, match="at least one row"):
        geo.grid_pixels(cam, 0, 4)


def test_unproject_then_project_returns_the_pixels():
    cam = camera()
    depth = np.random.default_rng(0).uniform(1, 5, (6, 8))
    points = geo.unproject(depth, cam)
    assert points.shape == (6, 8, 3) and np.allclose(points[..., 2], depth)
    u, v = geo.grid_pixels(cam, 6, 8)
    assert np.allclose(geo.project(points, cam), np.stack([u + cam.cx, v + cam.cy], -1))
    assert np.isnan(geo.project(np.array([0.0, 0, -1]), cam)).all()
    with pytest.raises(ParameterError, match="2-D"):
        geo.unproject(np.ones(3), cam)


def test_rays_at_and_intersect_plane_hit_the_floor_at_the_camera_height():
    cam = camera()
    ray = geo.rays_at(cam, [[300.0, 470.0]])
    point = geo.intersect_plane(ray, -cam.gravity, 1.4)[0]
    assert np.isclose(point @ cam.gravity, 1.4)
    assert np.allclose(geo.project(point, cam), [300, 470])
    assert np.isnan(geo.intersect_plane(ray, cam.gravity, 1.4)).all()


@pytest.mark.parametrize("angle", [1e-9, 1e-4, 0.5, np.pi / 2, 3.0])
def test_angle_between_is_exact_for_tiny_and_large_angles(angle):
    a = np.array([1.0, 0, 0])
    b = 3.0 * np.array([np.cos(angle), np.sin(angle), 0])
    assert np.isclose(geo.angle_between(a, b), angle, rtol=1e-6)
    assert np.isclose(geo.angle_between(a, b, undirected=True), min(angle, np.pi - angle), rtol=1e-6)


def test_unit_refuses_a_zero_vector():
    with pytest.raises(ParameterError, match="length zero"):
        geo.unit(np.zeros(3))


def test_rotation_vector_there_and_back():
    w = np.array([0.2, -0.4, 0.1])
    r = geo.rotation_from_vector(w)
    assert np.allclose(r @ r.T, np.eye(3)) and np.isclose(geo.rotation_angle(r), np.linalg.norm(w))
    assert np.allclose(geo.rotation_from_vector([0, 0, np.pi / 2]) @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(geo.nearest_rotation(r + 1e-3), r, atol=2e-3)


def test_gravity_signs_looking_down_and_dipping_right():
    assert np.allclose(geo.gravity_from_pitch_roll(0, 0), [0, 1, 0])
    assert geo.gravity_from_pitch_roll(-0.3, 0)[2] > 0  # looking down: down is partly ahead
    assert geo.gravity_from_pitch_roll(0, 0.1)[0] > 0  # right side dips: down is partly to the right
    assert np.allclose(geo.pitch_roll_from_gravity(geo.gravity_from_pitch_roll(-0.3, 0.1)), [-0.3, 0.1])


def test_rotation_from_gravity_is_right_handed_with_z_up():
    cam = camera()
    r = geo.rotation_from_gravity(cam.gravity)
    assert np.isclose(np.linalg.det(r), 1) and np.allclose(r @ cam.gravity, [0, 0, -1])
    assert (r @ [0, 0, 1])[1] > 0.9 and (r @ [1, 0, 0])[0] > 0.9
    with pytest.raises(ParameterError, match="vertical"):
        geo.rotation_from_gravity(cam.gravity, forward=cam.gravity)


def test_vanishing_point_lies_on_the_horizon_and_on_the_lines():
    cam = camera()
    right, ahead, up = geo.rotation_from_gravity(cam.gravity)
    direction = ahead + 0.5 * right
    vp = geo.vanishing_point(direction, cam)
    assert np.isclose(geo.horizon_v(cam, vp[0]), vp[1])
    start = np.array([[0.3, 0.8, 3.0], [-1.0, 0.2, 4.0]])
    ends = np.hstack([geo.project(start, cam), geo.project(start + direction, cam)])
    normals = geo.line_normals(ends, cam.f_px, cam.cx, cam.cy)
    assert np.allclose(normals @ direction, 0, atol=1e-9)
    assert geo.vanishing_point([1, 0, 0], cam) is None


def test_plane_to_uvd_and_back_with_scale_and_shift():
    normal, offset = corner(camera())[1]
    abg = geo.uvd_from_plane(normal, offset, F, b0=0.07, a=1.7)
    n, o = geo.plane_from_uvd(*abg, b0=0.07, f_px=F, a=1.7)
    assert np.allclose(n, normal) and np.isclose(o, offset)
    with pytest.raises(ParameterError, match="infinity"):
        geo.plane_from_uvd(0, 0, -0.1, 0.1, F)


def test_plane_inverse_depth_agrees_with_the_points():
    cam = camera()
    normal, offset = corner(cam)[1]
    rays = geo.pixel_rays(cam, 5, 6)
    z = 1 / geo.plane_inverse_depth(normal, offset, rays)
    assert np.allclose((rays * z[..., None]) @ normal + offset, 0)


def test_fit_plane_uvd_finds_the_plane_under_forty_percent_of_outliers():
    rng = np.random.default_rng(1)
    u, v = rng.uniform(-300, 300, (2, 4000))
    d = 1e-3 * u - 5e-4 * v + 0.4 + rng.normal(0, 2e-3, 4000)
    bad = rng.random(4000) < 0.4
    d[bad] += rng.uniform(0.1, 1.0, bad.sum())
    d[7] = np.nan
    fit = geo.fit_plane_uvd(u, v, d)
    assert np.allclose(fit.coefficients, [1e-3, -5e-4, 0.4], atol=[1e-6, 1e-6, 2e-4])
    assert np.isclose(fit.sigma, 2e-3, rtol=0.25)
    assert not fit.inliers[7] and fit.inliers[~bad].mean() > 0.99 and fit.inliers[bad].mean() < 0.02
    assert np.allclose(fit.at(u[:3], v[:3]), 1e-3 * u[:3] - 5e-4 * v[:3] + 0.4, atol=1e-3)


def test_fit_plane_uvd_covariance_tells_the_scatter_of_repeats():
    rng = np.random.default_rng(2)
    u, v = rng.uniform(-300, 300, (2, 300))
    fits = [geo.fit_plane_uvd(u, v, 0.4 + 1e-3 * u + rng.normal(0, 2e-3, 300)) for _ in range(60)]
    spread = np.std([f.coefficients for f in fits], axis=0)
    told = np.mean([np.sqrt(np.diag(f.covariance)) for f in fits], axis=0)
    assert np.all(spread < 1.6 * told) and np.all(spread > 0.6 * told)


def test_fit_plane_uvd_weights_choose_and_degenerate_input_gives_none():
    u, v = np.meshgrid(np.arange(-20.0, 20), np.arange(-15.0, 15))
    d = np.where(u < 0, 0.3 + 0.001 * v, 0.9)
    fit = geo.fit_plane_uvd(u, v, d, weights=(u < 0).astype(float))
    assert np.allclose(fit.coefficients, [0, 0.001, 0.3], atol=1e-6)
    assert geo.fit_plane_uvd([0, 1], [0, 1], [1, 1]) is None
    assert geo.fit_plane_uvd(np.arange(9.0), np.arange(9.0), np.ones(9)) is None
    with pytest.raises(ParameterError, match="one length"):
        geo.fit_plane_uvd([0, 1, 2], [0, 1], [1, 1, 1])


def test_right_angle_gives_the_shift_back():
    cam, b0 = camera(), 0.11
    floor, wall, _ = [geo.uvd_from_plane(n, o, F, b0, 0.8) for n, o in corner(cam)]
    assert min(abs(r - b0) for r in geo.shift_from_right_angle(floor, wall, F)) < 1e-9
    assert geo.shift_from_right_angle((1e-3, 0, 0.4), (1e-3, 0, 0.4), F) == ()


def test_a_corner_gives_focal_and_shift_back():
    cam, b0 = camera(), 0.11
    planes = [geo.uvd_from_plane(n, o, F, b0, 0.8) for n, o in corner(cam)]
    f, shift = geo.calibrate_from_corner(planes)
    assert np.isclose(f, F) and np.isclose(shift, b0)
    assert geo.calibrate_from_corner([planes[0]] * 3) is None
