"""One wall as a straight line in plan, from foot pixels and depth pixels, for any camera one wants to try.

A wall's nearness s (1 / horizontal distance, in 1/camera heights) along azimuth φ is e·cos Δ + q·sin Δ with Δ = φ − ψ₀, where ψ₀
is its nominal direction (`WallData.psi`). The two unknowns are e = 1/distance and q ≈ e × (turn of the wall away from ψ₀). Foot
and depth observe the same line, so they fuse as two sets of normal equations in (e, q) with their own covariances. Observations
stay pixels, so that errors of focal length, gravity and shift pass through by fitting again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from poc.geometry import MAD_TO_SIGMA, TUKEY
from poc.room.planes import DepthFit
from poc.types import Camera

FOOT_SIGMA_CELLS = 1.0
"""One sigma of a foot crossing, cells of the working grid."""
FOOT_SHARED = (1.3, 0.15, 1.5)
"""The error that all crossings of a wall share, from their scatter about its line: how many times the scatter, and at least and at
most how many cells. It counts in intervals, not in the weight of foot against depth."""
FOOT_COMMON_CELLS = {"edge": 4.3, "network": 7.0}
"""The shared error, in cells, where a network sees the surfaces: with an edge of the photo that confirms the foot, and without.
Set on the 331 walls of NYU that are found with their foot, 43 of them in frames not learnt from: 88 % are inside the 90 %
interval (with 3.2 and 5.4: 86 %), in no quarter of the frames less than 86 % (82 %)."""
FOOT_CORRELATION_CELLS = 14.0
"""Neighbouring crossings err together over this many columns."""
DEPTH_POINTS = 300
"""Depth samples per wall."""
LEAST_FEET, LEAST_DEPTHS = 4, 8
"""Foot crossings, and depth samples, below which they say nothing of a wall."""
WALL_CAUSES = {
    "foot": "fit", "foot_turn": "fit", "foot_shared": "fit", "depth": "model", "depth_turn": "model", "prior": "fit", "uneven": "fit",
}  # fmt: skip
"""What can be wrong with one wall by itself (a name for `solve_wall`'s `bump`), and the entry of the error budget that it counts in."""


@dataclass(frozen=True)
class State:
    """A camera and a depth fit to try: focal length and principal point (photo pixels), rotation camera → room (3×3, rows right,
    forward, up), and the scale and shift of the depth map (None without a floor)."""

    f_px: float
    cx: float
    cy: float
    room_from_cam: np.ndarray
    fit: DepthFit | None

    @staticmethod
    def of(camera: Camera, room_from_cam: np.ndarray, fit: DepthFit | None) -> State:
        """The state of a camera as it is."""
        return State(camera.f_px, camera.cx, camera.cy, room_from_cam, fit)

    def level_rays(self, uv: np.ndarray) -> np.ndarray:
        """Rays (z = 1 in the camera frame) through photo pixels n×2, in the room frame: n×3."""
        ray = np.column_stack([(uv[:, 0] - self.cx) / self.f_px, (uv[:, 1] - self.cy) / self.f_px, np.ones(len(uv))])
        return ray @ self.room_from_cam.T

    def pixels(self, level: np.ndarray) -> np.ndarray:
        """Photo pixels (n×2) of room-frame directions (n×3)."""
        cam = level @ self.room_from_cam
        return cam[:, :2] / cam[:, 2:] * self.f_px + [self.cx, self.cy]


@dataclass(frozen=True)
class DepthNoise:
    """What the depth's errors look like.

    sigma: of log depth in one cell. length_cells: over which such errors are correlated. common, turn: errors that a whole plane
    shares, as sigma of its log distance and of its turn (q as a share of e). uneven: sigma of log distance by which real walls and
    ceilings are not the one plane that they are taken for; it counts in intervals only.
    """

    sigma: float
    length_cells: float
    common: float
    turn: float
    uneven: float = 0.0

    def of_mean(self, cells: float) -> float:
        """Sigma of the mean log depth over so many cells of one plane, on which as many errors are independent as correlated blobs
        fit on it."""
        blobs = max(1.0, cells / (4 * np.pi * self.length_cells**2))
        return float(np.hypot(self.sigma / np.sqrt(blobs), self.common))


@dataclass(frozen=True)
class WallData:
    """Everything observed of one wall.

    psi: nominal azimuth of its outward normal, radians; psi_sigma: one sigma of its turn from there; manhattan: whether it stands
    along the room's axes. Foot, k crossings: foot_uv (k×2 photo pixels), foot_w (weights), foot_sigma (one sigma of s each),
    foot_shared (one sigma of s that all of them share). Depth, m samples: depth_uv (m×2 photo pixels), depth_d (inverse depth as
    the map gives it), depth_gain (local correction of inverse depth), noise. columns, direct: bool per panorama column, where the
    wall is seen, and where its foot is. mask: its cells on the working grid.
    """

    psi: float
    psi_sigma: float
    foot_uv: np.ndarray
    foot_w: np.ndarray
    foot_sigma: np.ndarray
    depth_uv: np.ndarray
    depth_d: np.ndarray
    depth_gain: np.ndarray
    columns: np.ndarray
    direct: np.ndarray
    mask: np.ndarray
    noise: DepthNoise
    manhattan: bool = True
    foot_shared: float = 0.0


@dataclass(frozen=True)
class WallSolution:
    """Where a wall stands. psi: azimuth of its outward normal, radians. distance: camera heights. covariance: 2×2 of (log distance,
    psi) by the wall's own observations. share_foot, share_depth: weights of foot and depth in the distance. foot_alone,
    depth_alone: distance by either alone, None where it says nothing."""

    psi: float
    distance: float
    covariance: np.ndarray
    share_foot: float
    share_depth: float
    foot_alone: float | None = None
    depth_alone: float | None = None


def design(level: np.ndarray, psi: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows (cos Δ, sin Δ) of the line model for room-frame rays (n×3), n×2, and the horizontal length of each ray, n."""
    delta = np.arctan2(level[:, 0], level[:, 1]) - psi
    return np.column_stack([np.cos(delta), np.sin(delta)]), np.hypot(level[:, 0], level[:, 1])


def height_on_wall(level: np.ndarray, psi, distance, quantile: float = 0.5) -> float:
    """Height over the camera, in the unit of `distance`, at which room-frame rays (n×3) meet a wall: a quantile over the rays.

    psi, distance: of the wall, or per ray (n) of the wall it belongs to. Rays on walls whose distance is NaN are left out; NaN
    where none is left.
    """
    across = np.maximum(np.cos(np.arctan2(level[:, 0], level[:, 1]) - psi), 0.08)
    height = level[:, 2] / np.hypot(level[:, 0], level[:, 1]) * distance / across
    height = height[np.isfinite(height)]
    return float(np.quantile(height, quantile)) if len(height) else float("nan")


def foot_nearness(level: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Nearness s at which room-frame rays (n×3, of horizontal length `span`) meet the floor, one camera height below."""
    return -level[:, 2] / span


class NormalEquations(NamedTuple):
    """info @ (e, q) = rhs: the information matrix (2×2) of one kind of observation, and its right-hand side (2)."""

    info: np.ndarray
    rhs: np.ndarray


def solve_wall(data: WallData, state: State, *, bump: Mapping[str, float] | None = None) -> WallSolution | None:
    """Distance and direction of a wall under a state; None without observations, or where they place it at no finite distance.

    bump: errors to add, in sigmas, by name (`WALL_CAUSES`), to see what they do.
    """
    bump = bump or {}
    info, rhs = np.zeros((2, 2)), np.zeros(2)
    foot = _foot_equations(data, state, bump)
    start = _start(foot, data, state)
    if start is None:
        return None
    depth = _depth_equations(data, state, start, bump)
    foot_info = np.zeros((2, 2)) if foot is None else foot.info
    depth_info = np.zeros((2, 2)) if depth is None else depth.info
    prior = np.diag([1e-9, 1.0 / (start * data.psi_sigma) ** 2])
    for group in (foot, depth):
        if group is not None:
            info, rhs = info + group.info, rhs + group.rhs
    cov = np.linalg.inv(info + prior)
    rhs = rhs + prior @ [0.0, bump.get("prior", 0.0) * start * data.psi_sigma]
    e, q = cov @ rhs
    if e <= 1e-4:
        return None
    size = float(np.hypot(e, q))
    jac = np.array([[-e / size**2, -q / size**2], [-q / size**2, e / size**2]])  # of (log distance, psi) by (e, q)
    cov = jac @ cov @ jac.T
    share = _foot_share(foot_info, depth_info + prior)
    distance = float(np.exp(bump.get("uneven", 0.0) * data.noise.uneven)) / size
    return WallSolution(float(data.psi + np.arctan2(q, e)), distance, cov, share, 1 - share,
                        _alone(foot, prior), _alone(depth, prior))


def _foot_share(foot_info: np.ndarray, other_info: np.ndarray) -> float:
    """How much of what is known about e comes from the foot (0 to 1)."""
    return float(foot_info[0, 0] / max(foot_info[0, 0] + other_info[0, 0], 1e-12))


def _alone(group: NormalEquations | None, prior: np.ndarray) -> float | None:
    """Distance by one kind of observation and the prior of the direction; None where it says nothing."""
    if group is None:
        return None
    e, q = np.linalg.solve(group.info + prior, group.rhs)
    return float(1 / np.hypot(e, q)) if e > 1e-4 else None


def _has_depth(data: WallData, state: State) -> bool:
    return state.fit is not None and len(data.depth_d) >= LEAST_DEPTHS


def _start(foot: NormalEquations | None, data: WallData, state: State) -> float | None:
    """A first e, to turn relative into absolute sigmas; None without observations."""
    if foot is not None:
        return max(float(foot.rhs[0] / foot.info[0, 0]), 0.02)
    if not _has_depth(data, state):
        return None
    a, s = _depth_nearness(data, state)
    return max(float(np.median(s / np.maximum(a[:, 0], 0.05))), 0.02)


def _foot_equations(data: WallData, state: State, bump: Mapping[str, float]) -> NormalEquations | None:
    """What the foot says: s of each crossing from the slope at which it is seen. None with fewer than `LEAST_FEET` crossings."""
    if len(data.foot_w) < LEAST_FEET:
        return None
    level = state.level_rays(data.foot_uv)
    a, span = design(level, data.psi)
    s = foot_nearness(level, span)
    w = data.foot_w / data.foot_sigma**2 / FOOT_CORRELATION_CELLS
    info = (a * w[:, None]).T @ a
    rhs = a.T @ (w * s)
    if "foot_shared" in bump:  # the whole line seen too high or too low
        rhs = rhs + bump["foot_shared"] * data.foot_shared * (a.T @ w)
    if "foot" in bump or "foot_turn" in bump:
        root = np.linalg.cholesky(np.linalg.inv(info + 1e-9 * np.trace(info) * np.eye(2)))
        rhs = rhs + info @ (root @ [bump.get("foot", 0.0), bump.get("foot_turn", 0.0)])
    return NormalEquations(info, rhs)


def _depth_nearness(data: WallData, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the line model (m×2) and s (m) of the depth samples."""
    level = state.level_rays(data.depth_uv)
    a, span = design(level, data.psi)
    return a, state.fit.inverse(data.depth_d) * data.depth_gain / span


def misfit(data: WallData, solved: WallSolution, state: State) -> float:
    """How far a wall's depth lies from where it was solved to stand: median absolute log distance; 0 without depth."""
    if not _has_depth(data, state):
        return 0.0
    a, s = _depth_nearness(data, state)
    turn = solved.psi - data.psi
    expected = a @ [np.cos(turn), np.sin(turn)] / solved.distance
    return float(np.median(np.abs(np.log(np.maximum(s, 1e-4) / np.maximum(expected, 1e-4)))))


def _depth_equations(data: WallData, state: State, e0: float, bump: Mapping[str, float]) -> NormalEquations | None:
    """What the depth says: a robust line through s of its samples (Tukey's biweight), whose covariance holds the errors that the
    whole plane shares (`DepthNoise`). e0: a first e. None with fewer than `LEAST_DEPTHS` samples."""
    if not _has_depth(data, state):
        return None
    a, s = _depth_nearness(data, state)
    noise = data.noise
    r = s - (a @ _huber_line(a, s))
    scale = max(MAD_TO_SIGMA * float(np.median(np.abs(r))), 1e-6)
    tukey = np.clip(1 - (r / (TUKEY * scale)) ** 2, 0, None) ** 2
    sigma = np.maximum(noise.sigma * e0, 1e-5)
    blobs = max(1.0, data.mask.sum() / (4 * np.pi * noise.length_cells**2))
    w = tukey / sigma**2 * blobs / len(s)
    own = (a * w[:, None]).T @ a
    own = own + np.diag([1e-9, 1e-9]) * np.trace(own)
    x = np.linalg.solve(own, a.T @ (w * s))
    middle = float(np.average(np.arctan2(a[:, 1], a[:, 0]), weights=w + 1e-12))
    pivot = np.array([-np.sin(middle), np.cos(middle)])  # a wrong tilt of the depth turns the wall about where it is seen
    cov = np.linalg.inv(own) + np.outer(x, x) * noise.common**2 + np.outer(pivot, pivot) * (noise.turn * e0) ** 2
    if "depth" in bump or "depth_turn" in bump:
        x = x + np.linalg.cholesky(cov) @ [bump.get("depth", 0.0), bump.get("depth_turn", 0.0)]
    info = np.linalg.inv(cov)
    return NormalEquations(info, info @ x)


def _huber_line(a: np.ndarray, s: np.ndarray) -> np.ndarray:
    """A line (e, q) through depth samples by least absolute residuals (Huber's weights), from the median of s / cos Δ without a turn."""
    ratio = s / np.maximum(a[:, 0], 0.05)
    x = np.array([np.median(ratio), 0.0])
    for _ in range(4):
        r = s - a @ x
        scale = max(MAD_TO_SIGMA * float(np.median(np.abs(r))), 1e-9)
        w = 1.0 / np.maximum(np.abs(r) / scale, 1.0)
        x = np.linalg.lstsq(a * np.sqrt(w)[:, None], s * np.sqrt(w), rcond=None)[0]
    return x
