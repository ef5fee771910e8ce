"""Three directions at right angles from line segments: which way is down, how the room is turned, and the focal length.

A segment votes by the angle between itself and the line to a direction's vanishing point. Its likelihood is a mixture:
one of the three axes (Cauchy errors) or clutter (any angle). A grid over pitch, roll and yaw finds the hypotheses;
Gauss–Newton on the mixture refines the best of them together, with focal length and principal point as nuisances under
their priors, so what is not known about those widens what is said about gravity.

Below, M hypotheses are treated at once over n segments (s), whose weights are w (n); o is the `FitOptions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from poc.geometry import gravity_from_pitch_roll, rotation_from_vector
from poc.room.lines import CentredSegments, closeness


@dataclass(frozen=True)
class FitOptions:
    """Constants of the fit; angles in degrees, end-point noise in working pixels. Chosen on the NYU training split."""

    sigma_deg: float = 0.35
    end_px: float = 0.9
    clutter: float = 0.7
    vertical_share: float = 0.4
    weight_cap_px: float = 150.0
    weight_power: float = 0.5
    pitch_mean_deg: float = -5.0
    pitch_prior_deg: float = 12.0
    roll_prior_deg: float = 5.0
    hypotheses: int = 8
    grid_keep: int = 100
    rounds: int = 14


@dataclass(frozen=True)
class AxesFit:
    """One fitted hypothesis.

    axes: 3×3, rows two horizontals and down, camera frame. principal: shift of the principal point, pixels. covariance: 6×6 of
    (rotation vector, log f, principal) from the curvature, before calibration. loglik: with the priors. gain: log likelihood over "all
    clutter": under 7 for segments at random, 16 and more in rooms, 2–14 in forests. support: per axis, sum of weights ×
    responsibilities. shares: n×3 responsibilities.
    """

    axes: np.ndarray
    f_px: float
    principal: np.ndarray
    covariance: np.ndarray
    loglik: float
    gain: float
    support: np.ndarray
    shares: np.ndarray


def weights(s: CentredSegments, o: FitOptions) -> np.ndarray:
    """Weight of each segment: grows with its length to a cap, since long lines are rarely clutter."""
    cap = o.weight_cap_px * s.pixel
    return (np.minimum(s.length, cap) / cap) ** o.weight_power


def sigmas(s: CentredSegments, o: FitOptions, sigma_deg: float | None = None) -> np.ndarray:
    """Expected angular error per segment, radians: the world's own crookedness and the end points' noise."""
    return np.hypot(np.deg2rad(o.sigma_deg if sigma_deg is None else sigma_deg), o.end_px * s.pixel / s.length)


def tilt_prior(down: np.ndarray, o: FitOptions) -> np.ndarray:
    """Log prior of down vectors (…×3): people hold cameras nearly level, with long tails in roll."""
    pitch = np.degrees(np.arctan2(-down[..., 2], np.hypot(down[..., 0], down[..., 1])))
    roll = np.degrees(np.arctan2(down[..., 0], down[..., 1]))
    return -0.5 * ((pitch - o.pitch_mean_deg) / o.pitch_prior_deg) ** 2 - np.log1p((roll / o.roll_prior_deg) ** 2)


def tilt_grid() -> np.ndarray:
    """Down vectors (n×3) the search tries: pitch within ±45°, roll within ±20°."""
    pitch, roll = np.deg2rad(np.arange(-45, 46, 3.0)), np.deg2rad(np.arange(-20, 21, 2.5))
    return np.array([gravity_from_pitch_roll(p, r) for p in pitch for r in roll])


def search(s: CentredSegments, f_px: float, o: FitOptions, w: np.ndarray, down: np.ndarray | None = None) -> np.ndarray:
    """Best hypotheses of a grid over yaw and `down` (default: `tilt_grid`): M×3×3, rows two horizontals and down, best first."""
    down = tilt_grid() if down is None else down
    broad = sigmas(s, o, 1.6)
    to_down = closeness(s, down, f_px, broad)
    prior = 0.3 * tilt_prior(down, o)
    keep = np.argsort(-(w @ to_down + prior), kind="stable")[: o.grid_keep]
    down, to_down, prior = down[keep], to_down[:, keep], prior[keep]
    yaw = np.deg2rad(np.arange(0, 90, 3.75))
    e1 = np.cross(down, [0.0, 0.0, 1.0])
    e1 /= np.linalg.norm(e1, axis=1, keepdims=True)
    e2 = np.cross(down, e1)
    c, sn = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    first, second = c * e1[:, None] + sn * e2[:, None], c * e2[:, None] - sn * e1[:, None]
    level = np.concatenate([first, second]).reshape(-1, 3)
    near = closeness(s, level, f_px, broad).reshape(len(s), 2, len(down), len(yaw)).max(1)
    score = np.tensordot(w, np.maximum(near, to_down[..., None]), 1) + prior[:, None]
    axes = np.stack([first, second, np.broadcast_to(down[:, None], first.shape)], 2)
    return axes[_distinct(score, down, yaw, o.hypotheses)]


def _distinct(score: np.ndarray, down: np.ndarray, yaw: np.ndarray, count: int) -> tuple[list[int], list[int]]:
    """Indices (into down and yaw) of the best cells of their grid `score`, none within 5° of down and 7° of yaw of a better one."""
    score = score.copy()
    rows, cols = [], []
    for _ in range(count):
        i, j = np.unravel_index(np.argmax(score), score.shape)
        if np.isneginf(score[i, j]):
            break
        rows.append(i)
        cols.append(j)
        turned = np.abs((yaw - yaw[j] + np.pi / 4) % (np.pi / 2) - np.pi / 4) < np.deg2rad(7)
        score[np.ix_(down @ down[i] > np.cos(np.deg2rad(5)), turned)] = -np.inf
    return rows, cols


class Hypotheses(NamedTuple):
    """M hypotheses in work: axes (M×3×3, as of `AxesFit`), log f (M) and the shift of the principal point (M×2, pixels)."""

    axes: np.ndarray
    log_f: np.ndarray
    principal: np.ndarray


def _angles(s: CentredSegments, at: Hypotheses) -> tuple[np.ndarray, np.ndarray]:
    """Pointing errors M×n×3 (radians) and their derivatives M×n×3×6 by rotation vector, log f and principal point."""
    f = np.exp(at.log_f)[:, None, None]
    mid = s.mid[None] - at.principal[:, None]
    d = at.axes[:, None]
    tx, ty = s.tangent[:, 0][None, :, None], s.tangent[:, 1][None, :, None]
    qx = f * d[..., 0] - mid[..., :1] * d[..., 2]
    qy = f * d[..., 1] - mid[..., 1:] * d[..., 2]
    cross, along = tx * qy - ty * qx, tx * qx + ty * qy
    angle = np.arctan(cross / np.where(np.abs(along) < 1e-9, 1e-9, along))
    r2 = np.maximum(cross**2 + along**2, 1e-9)
    by_x, by_y = (-along * ty - cross * tx) / r2, (along * tx - cross * ty) / r2
    by_d = np.stack([f * by_x, f * by_y, -(mid[..., :1] * by_x + mid[..., 1:] * by_y)], -1)
    jac = np.empty(angle.shape + (6,))
    jac[..., :3] = np.cross(np.broadcast_to(d, by_d.shape), by_d)  # d(δ×d)·by_d = δ·(d×by_d)
    jac[..., 3] = f * (by_x * d[..., 0] + by_y * d[..., 1])
    jac[..., 4], jac[..., 5] = by_x * d[..., 2], by_y * d[..., 2]
    return angle, jac


def _mixture(angle: np.ndarray, sigma: np.ndarray, o: FitOptions) -> tuple[np.ndarray, np.ndarray]:
    """Responsibilities M×n×3 and log likelihood M×n of the axes-or-clutter mixture."""
    share = (1 - o.clutter) * np.array([(1 - o.vertical_share) / 2, (1 - o.vertical_share) / 2, o.vertical_share])
    density = share / (np.pi * sigma[:, None] * (1 + (angle / sigma[:, None]) ** 2))
    total = density.sum(-1) + o.clutter / np.pi
    return density / total[..., None], np.log(total)


@dataclass(frozen=True)
class Prior:
    """What is known of the camera before looking at lines: f_px with the sigma of log f, the sigma of the principal point
    in pixels, and down with its sigma in radians where it is given.

    guess: f_px is only a phone's usual focal. Then the prior has a long tail (Student's t, three degrees of freedom) towards
    wide angles, which estate agents and phones' second cameras use, and none towards long lenses, which rooms rule out.
    """

    f_px: float
    f_sigma: float
    pp_sigma: float
    guess: bool = False
    down: np.ndarray | None = None
    down_sigma: float = 1.0

    def focal_precision(self, off: np.ndarray) -> np.ndarray:
        """Precision of log f at `off` from the prior: constant, or falling with the distance."""
        return np.where(self.guess & (off < 0), 4 / (3 * self.f_sigma**2 + off**2), 1 / self.f_sigma**2)

    def tilt(self, down: np.ndarray, o: FitOptions) -> np.ndarray:
        """Log prior of down vectors (…×3)."""
        if self.down is None:
            return tilt_prior(down, o)
        return (down @ self.down - 1) / self.down_sigma**2

    def loglik(self, off: np.ndarray, principal: np.ndarray) -> np.ndarray:
        """Log prior of log f at `off` (M) from the prior's, and of shifts of the principal point (M×2, pixels): M."""
        normal = -0.5 * (off / self.f_sigma) ** 2
        focal = np.where(self.guess & (off < 0), -2 * np.log1p(off**2 / (3 * self.f_sigma**2)), normal)
        return focal - 0.5 * (principal**2).sum(-1) / self.pp_sigma**2


def refine(s: CentredSegments, axes: np.ndarray, prior: Prior, o: FitOptions, w: np.ndarray,
           f_start: Sequence[float] | None = None) -> list[AxesFit]:
    """Refine hypotheses (M×3×3) together; an AxesFit per hypothesis, best first. f_start: focal to start each from
    (default: the prior's)."""
    m = len(axes)
    log_f0 = np.log(prior.f_px)
    start = np.full(m, log_f0) if f_start is None else np.log(np.asarray(f_start, float))
    at = Hypotheses(np.array(axes), start, np.zeros((m, 2)))
    for i in range(o.rounds):  # from broad errors to the expected ones, so that far segments pull at first
        step, hessian = _step(s, at, prior, o, w, max(o.sigma_deg, 2.0 * 0.6**i))
        step *= np.minimum(1, 0.15 / np.maximum(np.linalg.norm(step[:, :3], axis=1, keepdims=True), 1e-12))
        at = Hypotheses(at.axes @ rotation_from_vector(step[:, :3]).transpose(0, 2, 1),
                        np.clip(at.log_f + np.clip(step[:, 3], -0.15, 0.15), log_f0 - 0.9, log_f0 + 0.9),
                        at.principal + step[:, 4:])
    shares, log_total = _mixture(_angles(s, at)[0], sigmas(s, o), o)
    gain = (log_total + np.log(np.pi)) @ w
    score = gain + prior.tilt(at.axes[:, 2], o) + prior.loglik(at.log_f - log_f0, at.principal)
    return [
        AxesFit(at.axes[k], float(np.exp(at.log_f[k])), at.principal[k], np.linalg.inv(hessian[k]),
                float(score[k]), float(gain[k]), w @ shares[k], shares[k])
        for k in np.argsort(-score, kind="stable")
    ]


def _step(s: CentredSegments, at: Hypotheses, prior: Prior, o: FitOptions, w: np.ndarray,
          sigma_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """One Gauss–Newton step of all hypotheses, M×6, and the Hessian, M×6×6 (both as of `_angles`). sigma_deg: error expected of a
    segment."""
    m = len(at.axes)
    sigma = sigmas(s, o, sigma_deg)
    angle, jac = _angles(s, at)
    shares, _ = _mixture(angle, sigma, o)
    pull = w[:, None] * shares * 2 / (sigma[:, None] ** 2 + angle**2)
    flat = jac.reshape(m, -1, 6)
    weighted = flat * pull.reshape(m, -1, 1)
    hessian = weighted.transpose(0, 2, 1) @ flat
    slope = (weighted * angle.reshape(m, -1, 1)).sum(1)
    off = at.log_f - np.log(prior.f_px)
    focal = prior.focal_precision(off)
    hessian[:, 3, 3] += focal
    slope[:, 3] += focal * off
    hessian[:, 4, 4] += 1 / prior.pp_sigma**2
    hessian[:, 5, 5] += 1 / prior.pp_sigma**2
    slope[:, 4:] += at.principal / prior.pp_sigma**2
    if prior.down is not None:
        down = at.axes[:, 2]
        hessian[:, :3, :3] += (np.eye(3) - down[:, :, None] * down[:, None]) / prior.down_sigma**2
        slope[:, :3] += np.cross(prior.down, down) / prior.down_sigma**2
    hessian[:, :3, :3] += 30 * np.eye(3)  # 10°: keeps the step finite where nothing holds an axis
    return -np.linalg.solve(hessian, slope[..., None])[..., 0], hessian
