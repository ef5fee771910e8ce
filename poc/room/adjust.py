"""What a depth map knows about the camera: planes at right angles fix gravity, axes, focal length and shift, as far as the depth
can be trusted. With a network's depth the camera's own priors win; with a sensor's, the planes do.

In inverse depth d a plane is d = α·u + β·v + γ over pixels (`poc.geometry.UvdPlane`). These fits and the camera's priors meet in
one small least-squares problem. The covariance of each fit is that of least squares under an error field with a correlation
length, so that a large plane of a smooth error does not look certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from poc.geometry import UvdPlane, angle_between, fit_plane_uvd, grid_pixels, plane_from_uvd, rotation_from_vector
from poc.room.layout import Layout
from poc.room.planes import floor_mask
from poc.room.view import View
from poc.room.wallfit import DepthNoise

MISFIT, MISFIT_FALL = 4.0, 4.0
"""Misfit per degree of freedom above which some plane does not stand in the direction it was given, and the factor by which the
misfit falls without the culprit: a slanted wall taken for one along the room's axes."""
BUILT_TURN = np.deg2rad(2.0), np.deg2rad(0.3)
"""How far walls, and floor and ceiling, stand off their nominal directions in real rooms as sensors see them (one sigma):
taken where planes taken for exact contradict each other. With it true depth of real rooms gives gravity to 0.3°, without to 0.6°."""
BUILT_OFF, BUILT_OFF_BENT = 0.015, 4.0
"""One sigma (log) of walls' distances in real rooms by a sensor's depth, since curtains, boards and pilasters are part of a wall
and sensors err too; at most so many times the sigma by which planes bend, so that exact planes stay exact."""
LONG_CELLS, LONG_GAIN = 4.0, 1.4
"""From this correlation length (cells) on, it is enlarged by this factor: a plane's fit takes the longest waves of an error out of
its residuals, so that blobs of 19 cells look like 9 to 17."""
FACES_AWAY = np.deg2rad(8.0)
"""A plane that depth shows turned by more than this (and three times what its error may turn it) from where it should face is
another thing: a wall taken for ceiling, a bed's side taken for floor."""
SUPPORT_POINTS = 120
"""Sampled cells per plane: what its misfit and its error's correlation are taken from."""
MIN_CELLS = 250
"""A plane of fewer cells is not observed."""
TILT, YAW, FOCAL, SHIFT = (0, 1), 2, 3, 4
"""Where the camera's unknowns stand: a rotation vector in the room frame (tilt about x and y, yaw; radians), log f, and the depth
map's shift (the map's own units)."""


@dataclass(frozen=True)
class PlaneObservation:
    """A fitted plane and the direction it has in the room.

    normal_room: 3, room frame, toward the camera. coef: (α·w, β·w, γ), where w is half the photo's width. Of n sampled cells: design
    (n×3, rows u/w, v/w, 1), cells (n×2, their place on the grid), d (inverse depth), residual (of d, from the fit). turn_sigma: one
    sigma (radians) of how far the plane may stand off that direction.
    """

    normal_room: np.ndarray
    coef: np.ndarray
    design: np.ndarray
    cells: np.ndarray
    d: np.ndarray
    residual: np.ndarray
    turn_sigma: float


@dataclass(frozen=True)
class CameraPrior:
    """What is known of the camera before its depth is looked at: rotation camera → room (3×3) and focal length (pixels), and the
    sigmas: gravity (of the tilt) and yaw, radians; focal, of log f."""

    room_from_cam: np.ndarray
    f_px: float
    gravity: float
    yaw: float
    focal: float

    @property
    def sigmas(self) -> np.ndarray:
        """Of tilt x, tilt y, yaw and log f: 4."""
        return np.array([self.gravity, self.gravity, self.yaw, max(self.focal, 1e-5)])

    def moved(self, room_from_cam: np.ndarray, f_px: float) -> np.ndarray:
        """How far (tilt x, tilt y, yaw, log f) another camera is from this prior. An earlier round, on the same depth, moved it: that
        is no prior knowledge."""
        turn = Rotation.from_matrix(room_from_cam @ self.room_from_cam.T).as_rotvec()
        return np.append(turn, np.log(f_px / self.f_px))


@dataclass(frozen=True)
class Adjusted:
    """The camera after the adjustment, and the depth map's shift. covariance: 5×5 in the order `TILT`, `YAW`, `FOCAL`, `SHIFT`.
    chi2: misfit per degree of freedom."""

    room_from_cam: np.ndarray
    f_px: float
    shift: float
    covariance: np.ndarray
    chi2: float


def observe_planes(view: View, layout: Layout) -> list[PlaneObservation]:
    """Fits of floor, ceiling and the walls along the room's axes, without those that plainly face another way."""
    up = np.array([0.0, 0.0, 1.0])
    rot = layout.state.room_from_cam
    nominal = [(up, floor_mask(view, -rot[2]), 1e-3), (-up, layout.ceiling.mask, 1e-3)]  # normal, cells, sigma of its turn
    for data in layout.walls:
        if data.manhattan:
            nominal.append((-np.array([np.sin(data.psi), np.cos(data.psi), 0.0]), data.mask, np.deg2rad(0.15)))
    out = []
    for normal, mask, turn in nominal:
        use = mask & view.valid
        if use.sum() >= MIN_CELLS:
            obs = _observe(view, use, normal, turn)
            if obs is not None and not _faces_away(view, layout, obs):
                out.append(obs)
    return out


def _faces_away(view: View, layout: Layout, p: PlaneObservation) -> bool:
    """Whether a metric map shows the plane turned from its direction by more than errors do."""
    if not view.metric:
        return False
    half = view.camera.width / 2
    normal = plane_from_uvd(*(p.coef / [half, half, 1.0]), 0.0, view.camera.f_px)[0]
    off = angle_between(normal, p.normal_room @ layout.state.room_from_cam)
    return off > np.hypot(FACES_AWAY, 3 * layout.noise.turn)


def _observe(view: View, use: np.ndarray, normal: np.ndarray, turn: float) -> PlaneObservation | None:
    """A plane fitted to the cells `use` (bool, h×w), which should face `normal`; None where they lie on no plane."""
    u, v = grid_pixels(view.camera, *view.shape)
    rows, cols = np.nonzero(use)
    pick = np.linspace(0, len(rows) - 1, min(1500, len(rows))).astype(int)
    r, c = rows[pick], cols[pick]
    fit: UvdPlane | None = fit_plane_uvd(u[r, c], v[r, c], view.inverse[r, c], trials=30)
    if fit is None:
        return None
    keep = np.flatnonzero(fit.inliers)
    keep = keep[np.linspace(0, len(keep) - 1, min(SUPPORT_POINTS, len(keep))).astype(int)]
    r, c = r[keep], c[keep]
    half = view.camera.width / 2
    design = np.column_stack([u[r, c] / half, v[r, c] / half, np.ones(len(r))])
    coef = fit.coefficients * [half, half, 1.0]
    d = view.inverse[r, c].astype(float)
    return PlaneObservation(normal, coef, design, np.column_stack([c, r]).astype(float), d, d - design @ coef, turn)


def depth_noise(planes: list[PlaneObservation], shift: float, prior: DepthNoise) -> DepthNoise:
    """The prior with sigma and correlation length as planes bend in this map; neither falls below the prior's.

    Residuals of a fit lack what the fit absorbed, so the sum of squares is divided by what an error field of unit variance and that
    correlation length would leave (`_left`).
    """
    rel = [p.residual / np.maximum(p.d + shift, 1e-6 + 0.05 * np.abs(p.d).max()) for p in planes]
    if not rel:
        return prior
    length = _length(planes, rel)
    num = den = 0.0
    for p, r in zip(planes, rel):
        num, den = num + float((r**2).sum()), den + float(_left(p, length))
    sigma = float(np.sqrt(num / max(den, 1e-3)))
    sigma = max(sigma, prior.sigma, 2e-4)
    return replace(prior, sigma=sigma, length_cells=max(length, prior.length_cells), uneven=min(BUILT_OFF, BUILT_OFF_BENT * sigma))


def _left(p: PlaneObservation, length: float) -> float:
    """Expected sum of squared residuals for unit errors of this correlation length."""
    corr = _correlation(p.cells, length)
    hat = p.design @ np.linalg.solve(p.design.T @ p.design, p.design.T)
    m = np.eye(len(hat)) - hat
    return max(float(np.einsum("ij,ji->", m @ corr, m)), 0.02 * len(hat))


def _correlation(cells: np.ndarray, length: float) -> np.ndarray:
    """Correlation of the depth's errors between cells (n×2): n×n, a Gaussian of the gap between them."""
    gap2 = ((cells[:, None] - cells[None]) ** 2).sum(-1)
    return np.exp(-gap2 / (4 * max(length, 0.3) ** 2))


def _length(planes: list[PlaneObservation], rel: list[np.ndarray]) -> float:
    """Correlation length (cells) by the gap at which the correlation of the planes' relative residuals falls to a half."""
    gaps, products = [], []
    for p, r in zip(planes, rel):
        if len(r) < 40:
            continue
        gap = np.sqrt(((p.cells[:, None] - p.cells[None]) ** 2).sum(-1))
        i, j = np.triu_indices(len(r), 1)
        gaps.append(gap[i, j])
        products.append(r[i] * r[j] / max(float((r**2).mean()), 1e-18))
    if not gaps:
        return 5.0
    gap, product = np.concatenate(gaps), np.concatenate(products)
    edges = np.array([0, 3, 6, 9, 13, 18, 24, 32, 42, 55])
    which = np.digitize(gap, edges)
    for k in range(1, len(edges)):
        near = which == k
        if near.sum() >= 30 and product[near].mean() < 0.5:
            length = max(0.5 * (edges[k - 1] + edges[k]) / 1.665, 1.0)
            return length if length < LONG_CELLS else LONG_GAIN * length
    return LONG_GAIN * edges[-1] / 1.665


def adjust_without_culprits(view: View, layout: Layout, planes: list[PlaneObservation], noise: DepthNoise,
                            prior: CameraPrior) -> tuple[Adjusted, list[PlaneObservation]]:
    """`adjust` without walls that contradict the other planes, and the planes that were kept. One wall always stays.

    While the misfit is above `MISFIT`, the wall goes without which it is least: of two only if it falls by `MISFIT_FALL`, of three or
    more in any case.
    """
    best, kept = adjust(view, layout, planes, noise, prior), list(planes)
    while best.chi2 > MISFIT and sum(abs(p.normal_room[2]) < 0.5 for p in kept) > 1:
        walls = [i for i, p in enumerate(kept) if abs(p.normal_room[2]) < 0.5]
        rivals = [adjust(view, layout, kept[:i] + kept[i + 1:], noise, prior) for i in walls]
        k = int(np.argmin([r.chi2 for r in rivals]))
        if rivals[k].chi2 > best.chi2 / MISFIT_FALL and len(walls) < 3:
            break
        best, kept = rivals[k], kept[:walls[k]] + kept[walls[k] + 1:]
    return best, kept


def as_built(planes: list[PlaneObservation]) -> list[PlaneObservation]:
    """The planes as they stand in real rooms: `BUILT_TURN` off their nominal directions."""
    return [replace(p, turn_sigma=max(p.turn_sigma, BUILT_TURN[int(abs(p.normal_room[2]) > 0.5)])) for p in planes]


def adjust(view: View, layout: Layout, planes: list[PlaneObservation], noise: DepthNoise, prior: CameraPrior) -> Adjusted:
    """The camera (and the shift of a relative map) under which the planes (at least one) stand in their directions, by Gauss–Newton
    with the camera's prior.

    The unknowns x are those of the covariance (`TILT` … `SHIFT`, the shift in units of the planes' median d) and the log nearness of
    each plane. It starts from the layout's camera.
    """
    rot = layout.state.room_from_cam
    shift0 = layout.state.fit.shift if layout.state.fit else 0.0
    half = view.camera.width / 2
    whiteners = [_whitener(p, noise, shift0) for p in planes]
    start = _start_nearness(planes, rot, view.camera.f_px, half, shift0)
    scale_d = max(float(np.median(np.concatenate([np.abs(p.d) for p in planes]))), 1e-9)
    moved = prior.moved(rot, view.camera.f_px)

    def residuals(x: np.ndarray) -> np.ndarray:
        turned = rotation_from_vector(x[:3]) @ rot
        f, shift = view.camera.f_px * np.exp(x[FOCAL]), shift0 + x[SHIFT] * scale_d
        out = [(x[:4] + moved) / prior.sigmas, [x[SHIFT] / (1e-9 if view.metric else 1e3)]]
        for plane, whitener, log_nearness in zip(planes, whiteners, x[5:]):
            n = -(plane.normal_room @ turned) * np.exp(log_nearness)
            out.append(whitener @ (np.array([n[0] * half / f, n[1] * half / f, n[2] - shift]) - plane.coef))
        return np.concatenate(out)

    x = np.concatenate([np.zeros(5), start])
    for _ in range(8):
        r = residuals(x)
        jac = _jacobian(residuals, x, r)
        step = np.linalg.lstsq(jac, -r, rcond=None)[0]
        x = x + np.clip(step, -0.3, 0.3)
        if np.abs(step).max() < 1e-8:
            break
    r = residuals(x)
    cov = _covariance(_jacobian(residuals, x, r))[:5, :5]
    dof = max(len(r) - len(x), 1)
    cov[SHIFT] *= scale_d
    cov[:, SHIFT] *= scale_d
    return Adjusted(rotation_from_vector(x[:3]) @ rot, view.camera.f_px * float(np.exp(x[FOCAL])),
                    shift0 + float(x[SHIFT]) * scale_d, cov, float((r**2).sum() / dof))


def _covariance(jac: np.ndarray) -> np.ndarray:
    """Inverse of the normal equations. The columns are scaled alike first: next to a pinned shift a vague tilt would else count as
    singular and lose its variance."""
    size = np.maximum(np.linalg.norm(jac, axis=0), 1e-12)
    scaled = jac / size
    return np.linalg.pinv(scaled.T @ scaled) / np.outer(size, size)


def _start_nearness(planes: list[PlaneObservation], rot: np.ndarray, f_px: float, half: float, shift: float) -> np.ndarray:
    """Log of 1 / distance of each plane, in the map's units, as its samples have it (median) under a camera."""
    out = []
    for p in planes:
        n = -(p.normal_room @ rot)
        facing = np.array([n[0] * half / f_px, n[1] * half / f_px, n[2]])
        depth = p.design @ facing
        out.append(np.log(max(float(np.median((p.d + shift) / np.maximum(depth, 1e-3))), 1e-6)))
    return np.array(out)


def _whitener(p: PlaneObservation, noise: DepthNoise, shift: float) -> np.ndarray:
    """3×3 matrix that turns errors of a plane's `coef` into independent unit ones: the inverse Cholesky factor of their covariance
    under the error field, the errors that the whole plane shares, and how far it may stand off its direction."""
    err = noise.sigma * np.maximum(p.d + shift, 1e-9)
    c = err[:, None] * _correlation(p.cells, noise.length_cells) * err[None]
    solve = np.linalg.solve(p.design.T @ p.design, p.design.T)
    cov = solve @ c @ solve.T
    size = np.linalg.norm(p.coef)
    slant = np.outer(p.coef, p.coef) * noise.common**2
    tilt = (noise.turn**2 + p.turn_sigma**2) * float(np.mean(p.d + shift)) ** 2
    centre = p.design.mean(0)
    for axis in (0, 1):
        t = np.zeros(3)
        t[axis], t[2] = 1.0, -centre[axis]
        cov = cov + tilt * np.outer(t, t)
    return np.linalg.inv(np.linalg.cholesky(cov + slant + 1e-16 * size**2 * np.eye(3)))


def _jacobian(fun: Callable[[np.ndarray], np.ndarray], x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Forward differences of `fun` at x, where its value is r."""
    step = 1e-6
    return np.column_stack([(fun(x + step * e) - r) / step for e in np.eye(len(x))])
