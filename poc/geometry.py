"""Pure maths of the pinhole camera: rays, planes in inverse depth, rotations, gravity, vanishing points.

Frames as in `poc.types`: camera x right, y down, z forward; room x right, y forward, z up. Angles are in radians.
`u, v` named *centred* are pixels of the photo measured from the principal point. Arrays of a working grid (h×w) cover
the whole photo whatever its size, so the grid's pixel (i, j) sits at photo pixel ((j + ½)·W/w − ½, (i + ½)·H/h − ½).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poc.errors import ParameterError
from poc.types import Camera

TUKEY = 4.685
"""Tukey biweight constant: 95 % efficiency under normal noise (Holland and Welsch, 1977)."""
MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation of the normal distribution."""


# --- pixels, rays and points -------------------------------------------------------------------------------------


def grid_pixels(camera: Camera, h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """Centred photo pixels (u, v) of every cell of an h×w grid over the photo; two float64 h×w arrays."""
    if h < 1 or w < 1:
        raise ParameterError(f"a grid needs at least one row and one column, got {h}×{w}")
    u = (np.arange(w) + 0.5) * camera.width / w - 0.5 - camera.cx
    v = (np.arange(h) + 0.5) * camera.height / h - 0.5 - camera.cy
    return np.broadcast_to(u, (h, w)).copy(), np.broadcast_to(v[:, None], (h, w)).copy()


def pixel_rays(camera: Camera, h: int, w: int) -> np.ndarray:
    """Viewing rays of an h×w grid over the photo: float64 h×w×3, scaled so that z = 1 (multiply by depth for points)."""
    u, v = grid_pixels(camera, h, w)
    return np.stack([u / camera.f_px, v / camera.f_px, np.ones_like(u)], axis=-1)


def rays_at(camera: Camera, uv: np.ndarray) -> np.ndarray:
    """Viewing rays (z = 1) through photo pixels uv (…×2); float64 …×3."""
    uv = np.asarray(uv, float)
    centred = (uv - [camera.cx, camera.cy]) / camera.f_px
    return np.concatenate([centred, np.ones_like(centred[..., :1])], axis=-1)


def unproject(depth_m: np.ndarray, camera: Camera) -> np.ndarray:
    """Depth along z (h×w, metres, any grid over the photo) to camera-frame points, float64 h×w×3."""
    depth_m = np.asarray(depth_m, float)
    if depth_m.ndim != 2:
        raise ParameterError(f"depth must be a 2-D array, got shape {depth_m.shape}")
    return pixel_rays(camera, *depth_m.shape) * depth_m[..., None]


def project(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Camera-frame points (…×3) to photo pixels (…×2). Points not in front of the camera give NaN."""
    points = np.asarray(points, float)
    z = np.where(points[..., 2:] > 1e-9, points[..., 2:], np.nan)
    return points[..., :2] / z * camera.f_px + [camera.cx, camera.cy]


def intersect_plane(rays: np.ndarray, normal: np.ndarray, offset: float) -> np.ndarray:
    """Where rays (…×3, from the camera) meet the plane normal · X + offset = 0: points …×3, NaN where behind or parallel."""
    rays = np.asarray(rays, float)
    slope = rays @ np.asarray(normal, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = -offset / slope
    return rays * np.where((t > 0) & np.isfinite(t), t, np.nan)[..., None]


# --- directions and rotations -------------------------------------------------------------------------------------


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors (…×3) at length one. Raises ParameterError on a zero vector."""
    v = np.asarray(v, float)
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    if np.any(length < 1e-12):
        raise ParameterError("a direction of length zero has no unit vector")
    return v / length


def angle_between(a: np.ndarray, b: np.ndarray, *, undirected: bool = False) -> np.ndarray:
    """Angle in radians between vectors (…×3); `undirected` treats v and −v as one line (result ≤ π/2).

    By atan2 of cross and dot, which stays exact for tiny angles where arccos does not.
    """
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    dot = (a * b).sum(-1)
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.arctan2(cross, np.abs(dot) if undirected else dot)


def rotation_from_vector(w: np.ndarray) -> np.ndarray:
    """Rodrigues: rotation vectors (…×3, radians) to rotations (…×3×3)."""
    w = np.asarray(w, float)
    angle = np.linalg.norm(w, axis=-1)[..., None, None]
    x, y, z = w[..., 0], w[..., 1], w[..., 2]
    zero = np.zeros_like(x)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*w.shape, 3)
    return np.eye(3) + np.sinc(angle / np.pi) * k + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (k @ k)


def rotation_angle(r: np.ndarray) -> float:
    """Angle in radians of a 3×3 rotation."""
    skew = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    return float(np.arctan2(np.linalg.norm(skew), np.trace(r) - 1))


def gravity_from_pitch_roll(pitch_rad: float, roll_rad: float) -> np.ndarray:
    """Down in the camera frame. pitch > 0: the camera looks up. roll > 0: its right side dips (clockwise from behind)."""
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    return np.array([np.sin(roll_rad) * cp, np.cos(roll_rad) * cp, -sp])


def pitch_roll_from_gravity(gravity: np.ndarray) -> tuple[float, float]:
    """Inverse of `gravity_from_pitch_roll`; radians."""
    g = unit(gravity)
    return float(np.arctan2(-g[2], np.hypot(g[0], g[1]))), float(np.arctan2(g[0], g[1]))


def rotation_from_gravity(gravity: np.ndarray, forward: np.ndarray = (0.0, 0.0, 1.0)) -> np.ndarray:
    """Rotation camera → room (3×3, rows right, forward, up in the camera frame) for a down vector.

    The forward row is `forward` made horizontal. Raises ParameterError when `forward` is (nearly) vertical.
    """
    up = -unit(gravity)
    level = np.asarray(forward, float) - np.dot(forward, up) * up
    if np.linalg.norm(level) < 1e-6 * np.linalg.norm(forward):
        raise ParameterError("the forward direction is vertical; it cannot be made horizontal")
    ahead = unit(level)
    return np.stack([np.cross(ahead, up), ahead, up])


def nearest_rotation(m: np.ndarray) -> np.ndarray:
    """The rotation nearest to a 3×3 matrix (orthogonal Procrustes, det +1)."""
    u, _, vt = np.linalg.svd(np.asarray(m, float))
    return u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt


# --- vanishing points and the horizon -----------------------------------------------------------------------------


def vanishing_point(direction: np.ndarray, camera: Camera) -> np.ndarray | None:
    """Photo pixel where lines along `direction` meet, or None where they stay parallel in the photo."""
    d = unit(direction)
    if abs(d[2]) < 1e-9:
        return None
    return d[:2] / d[2] * camera.f_px + [camera.cx, camera.cy]


def line_normals(ends: np.ndarray, f_px: float, cx: float, cy: float) -> np.ndarray:
    """Unit normals (n×3) of the planes through the camera and image segments (n×4: u1, v1, u2, v2 photo pixels).

    A segment is the image of a line along direction d exactly when its normal is at right angles to d.
    """
    ends = np.asarray(ends, float).reshape(-1, 4)
    ones = np.full(len(ends), f_px)
    a = np.stack([ends[:, 0] - cx, ends[:, 1] - cy, ones], 1)
    b = np.stack([ends[:, 2] - cx, ends[:, 3] - cy, ones], 1)
    n = np.cross(a, b)
    return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)


def horizon_v(camera: Camera, u: np.ndarray) -> np.ndarray:
    """Photo row v of the horizon at photo columns u (NaN where gravity makes the horizon vertical)."""
    g = np.asarray(camera.gravity, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        v = -(g[0] * (np.asarray(u, float) - camera.cx) + g[2] * camera.f_px) / g[1] + camera.cy
    return np.where(abs(g[1]) > 1e-9, v, np.nan)


# --- planes in (u, v, d) ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UvdPlane:
    """d = alpha·u + beta·v + gamma over centred pixels. covariance: 3×3 of (alpha, beta, gamma), as if residuals were
    independent (real ones are not: treat it as a lower bound). sigma: robust standard deviation of the residuals of
    the inliers, in units of d. inliers: bool, one per input point."""

    alpha: float
    beta: float
    gamma: float
    sigma: float
    covariance: np.ndarray
    inliers: np.ndarray

    @property
    def coefficients(self) -> np.ndarray:
        """(alpha, beta, gamma)."""
        return np.array([self.alpha, self.beta, self.gamma])

    def at(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """d on the plane at centred pixels."""
        return self.alpha * np.asarray(u) + self.beta * np.asarray(v) + self.gamma


def weighted_median(x: np.ndarray, w: np.ndarray) -> float:
    """The value of x (n) that splits the weights w (n) in halves."""
    order = np.argsort(x)
    total = np.cumsum(w[order])
    return float(x[order][min(np.searchsorted(total, 0.5 * total[-1]), len(x) - 1)])


def _best_triple(a: np.ndarray, d: np.ndarray, w: np.ndarray, trials: int, seed: int) -> np.ndarray | None:
    """Coefficients (3) of d ≈ a @ coef (a: n×3) by least median of squares over random triples (Rousseeuw, 1984), on at most 1500 of
    the points; None where every triple lies on one line."""
    rng = np.random.default_rng(seed)
    pick = rng.choice(len(d), 1500, replace=False) if len(d) > 1500 else np.arange(len(d))
    a, d, w = a[pick], d[pick], w[pick]
    triples = rng.integers(0, len(d), (trials, 3))
    m = a[triples]
    good = np.abs(np.linalg.det(m)) > 1e-9
    if not good.any():
        return None
    candidates = np.linalg.solve(m[good], d[triples[good]][..., None])[..., 0]
    scores = [weighted_median(np.abs(a @ c - d), w) for c in candidates]
    return candidates[int(np.argmin(scores))]


def fit_plane_uvd(
    u: np.ndarray,
    v: np.ndarray,
    d: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    trials: int = 60,
    seed: int = 0,
) -> UvdPlane | None:
    """Robust plane d = αu + βv + γ through points given by centred pixels and inverse depth (any shapes, flattened).

    Least median over random triples, then Tukey-weighted least squares; stands up to just under half of outliers.
    Non-finite points and weights ≤ 0 are left out. Returns None for fewer than three points or points on one line.
    """
    u, v, d = (np.asarray(x, float).ravel() for x in (u, v, d))
    if not len(u) == len(v) == len(d):
        raise ParameterError(f"u, v and d must be of one length, got {len(u)}, {len(v)}, {len(d)}")
    w = np.ones_like(d) if weights is None else np.asarray(weights, float).ravel()
    use = np.isfinite(u) & np.isfinite(v) & np.isfinite(d) & (w > 0)
    if use.sum() < 3:
        return None
    scale = max(np.abs(u[use]).max(), np.abs(v[use]).max(), 1e-9)
    a = np.stack([u[use] / scale, v[use] / scale, np.ones(use.sum())], 1)
    if np.linalg.matrix_rank(a - a.mean(0), tol=1e-6 * len(a) ** 0.5) < 2:
        return None
    start = _best_triple(a, d[use], w[use], trials, seed)
    if start is None:
        return None
    coef, sigma, cov, inlier = _tukey(a, d[use], w[use], start)
    unscale = np.array([1 / scale, 1 / scale, 1.0])
    coef, cov = coef * unscale, cov * np.outer(unscale, unscale)
    inliers = np.zeros(len(d), bool)
    inliers[use] = inlier
    return UvdPlane(*map(float, coef), sigma=sigma, covariance=cov, inliers=inliers)


def _tukey(a: np.ndarray, d: np.ndarray, w: np.ndarray, coef: np.ndarray,
           rounds: int = 12) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """Iteratively reweighted least squares (Tukey's biweight) of d ≈ a @ coef, starting from `coef`.

    Returns coefficients (3), the residuals' sigma, the coefficients' covariance (3×3) and which points are inliers (n, bool).
    """
    floor = 1e-9 * max(float(np.abs(d).max()), 1e-12)
    keep = np.ones(len(d), bool)
    for _ in range(rounds):
        r = d - a @ coef
        sigma = max(MAD_TO_SIGMA * weighted_median(np.abs(r[keep]), w[keep]), floor)
        keep = np.abs(r) <= 3 * sigma  # outliers would inflate the next scale; a cut at 3σ biases it by under 1 %
        tukey = w * np.clip(1 - (r / (TUKEY * sigma)) ** 2, 0, None) ** 2
        normal = (a * tukey[:, None]).T @ a + 1e-12 * w.sum() * np.eye(3)
        new = np.linalg.solve(normal, (a * tukey[:, None]).T @ d)
        done = np.abs(new - coef).max() < 1e-10 * max(np.abs(new).max(), 1e-12)
        coef = new
        if done:
            break
    inlier = np.abs(d - a @ coef) < TUKEY * sigma
    return coef, sigma, sigma**2 * w.mean() * np.linalg.inv(normal), inlier


def plane_from_uvd(
    alpha: float, beta: float, gamma: float, b0: float, f_px: float, a: float = 1.0
) -> tuple[np.ndarray, float]:
    """Plane of the camera frame from d = αu + βv + γ, where true inverse depth is a·(d + b0).

    Returns (normal_cam, offset): unit normal toward the camera, normal · X + offset = 0, offset in metres when `a` is
    metric (else in units of 1/a).
    """
    n = np.array([f_px * alpha, f_px * beta, gamma + b0], float)
    length = float(np.linalg.norm(n))
    if length < 1e-15 or a <= 0:
        raise ParameterError("this (u, v, d) plane is at infinity, or the scale is not positive")
    return -n / length, 1.0 / (a * length)


def uvd_from_plane(
    normal_cam: np.ndarray, offset: float, f_px: float, b0: float = 0.0, a: float = 1.0
) -> tuple[float, float, float]:
    """Inverse of `plane_from_uvd`: (alpha, beta, gamma)."""
    n = -np.asarray(normal_cam, float) / (a * offset)
    return float(n[0] / f_px), float(n[1] / f_px), float(n[2] - b0)


def plane_inverse_depth(normal_cam: np.ndarray, offset: float, rays: np.ndarray) -> np.ndarray:
    """Inverse depth along z of the plane seen along rays with z = 1 (…×3); ≤ 0 where the plane is not in front."""
    return -(np.asarray(rays, float) @ np.asarray(normal_cam, float)) / offset


# --- right angles calibrate the camera ----------------------------------------------------------------------------


def shift_from_right_angle(p: np.ndarray, q: np.ndarray, f_px: float) -> tuple[float, ...]:
    """b0 from two planes (α, β, γ each) known to stand at right angles, focal given: the real roots, none to two.

    f²(αᵢαⱼ + βᵢβⱼ) + (γᵢ + b0)(γⱼ + b0) = 0: the normals of `plane_from_uvd` at right angles.
    """
    lateral = f_px**2 * (p[0] * q[0] + p[1] * q[1])
    half = 0.5 * (p[2] + q[2])
    inside = half**2 - p[2] * q[2] - lateral
    if inside < 0:
        return ()
    root = float(np.sqrt(inside))
    return (-half + root, -half - root) if root > 0 else (-half,)


def calibrate_from_corner(planes: np.ndarray) -> tuple[float, float] | None:
    """(f_px, b0) from three mutually perpendicular planes (3×3, rows α, β, γ), or None where no real focal fits.

    The three right-angle equations differ pairwise only linearly in b0 and f², so two of them are solved exactly.
    """
    p = np.asarray(planes, float).reshape(3, 3)
    pairs = [(0, 1), (0, 2), (1, 2)]
    lat = np.array([p[i, 0] * p[j, 0] + p[i, 1] * p[j, 1] for i, j in pairs])
    add = np.array([p[i, 2] + p[j, 2] for i, j in pairs])
    mul = np.array([p[i, 2] * p[j, 2] for i, j in pairs])
    m = np.stack([lat[1:] - lat[0], add[1:] - add[0]], 1)
    size = np.linalg.norm(m, axis=0)
    if np.any(size < 1e-15) or abs(np.linalg.det(m / size)) < 1e-9:
        return None
    f2, b0 = np.linalg.solve(m, mul[0] - mul[1:])
    return None if f2 <= 0 else (float(np.sqrt(f2)), float(b0))
