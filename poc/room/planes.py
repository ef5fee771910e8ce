"""Planes in inverse depth: shift and scale of a depth map from the floor, and how far the depth can be trusted.

On a plane with normal n and distance o, inverse depth is −(n · ray)/o: linear in the ray. So with gravity known the floor
alone gives scale and shift of a relative map (a straight line of d over gravity · ray), and no distance is ever averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poc.geometry import MAD_TO_SIGMA, TUKEY, weighted_median
from poc.room.view import CEILING, FLOOR, View


@dataclass(frozen=True)
class DepthFit:
    """How a depth map's own inverse depth d becomes inverse depth in 1/camera heights: scale · (d + shift).

    height_model_m: the camera's height above the floor that a metric map implies, None of a relative one. floor_cells: how many cells
    of floor the fit rests on.
    """

    scale: float
    shift: float
    height_model_m: float | None
    floor_cells: int

    def inverse(self, d: np.ndarray) -> np.ndarray:
        """Inverse depth in 1/camera heights."""
        return self.scale * (d + self.shift)


LEAST_FLOOR, LEAST_KNOWN_FLOOR = 0.01, 0.004
"""Share of the photo that must be floor: by a network, and where the surfaces are known. Of seven real photos where a network saw less
than the first, three showed no floor but a bed or a worktop."""
LEVEL_STEP, LEVEL_BAND, LEVEL_REACH = 0.01, 0.04, 0.12
"""Levels (of floor, bed, table …) in a sensor's depth, as log height: the step in which they are sought, half the width of one, and the
distance within which no other is told apart."""
LEVEL_SHARE, LEVEL_PURE = 0.15, 0.7
"""A level holds at least the first share of all cells, and the second of those within `LEVEL_REACH`."""
FIELD_MOST = 0.25
"""Most that a network's depth is off on the floor (log); cells farther off are a bed or a worktop taken for floor."""


def floor_mask(view: View, gravity: np.ndarray, least: float = 0.6) -> np.ndarray:
    """Cells (h×w, bool) that are floor with at least this probability, with valid depth, below the horizon. With a sensor's depth only
    the lowest of several levels counts: a bed or a table that the surfaces take for floor stands on it. gravity: down (3, camera)."""
    mask = (view.p[..., FLOOR] > least) & view.valid & (view.rays @ gravity > 0.03)
    if not view.metric or view.by_network or not mask.any():
        return mask
    height = np.log((view.rays @ gravity)[mask] / view.inverse[mask])
    level = _lowest_level(height)
    if level is not None:
        mask[mask] = np.abs(height - level) < LEVEL_REACH
    return mask


def ceiling_mask(view: View, up: np.ndarray) -> np.ndarray:
    """Cells (h×w, bool) that are ceiling, above the horizon. With a sensor's depth only those at the level of most of them, if they have
    one: the rest is wall that the surfaces take for ceiling. up: 3, camera frame."""
    mask = (view.p[..., CEILING] > 0.6) & (view.rays @ up > 0.02)
    if not view.metric or view.by_network:
        return mask
    known = mask & view.valid
    if not known.any():
        return mask
    height = np.log((view.rays @ up)[known] / view.inverse[known])
    x = np.sort(height)
    near, around = (np.searchsorted(x, x + reach) - np.searchsorted(x, x - reach) for reach in (LEVEL_BAND, LEVEL_REACH))
    at = int(np.argmax(near))
    if near[at] > LEVEL_SHARE * len(x) and near[at] > LEVEL_PURE * around[at]:
        mask[known] = np.abs(height - x[at]) < LEVEL_BAND
    return mask


def _lowest_level(log_height: np.ndarray) -> float | None:
    """Log height under the camera of the lowest of several distinct levels, or None where there is one only."""
    x = np.sort(log_height)
    at = np.arange(x[-1], np.median(x) + LEVEL_REACH, -LEVEL_STEP)
    near, around = (np.searchsorted(x, at + reach) - np.searchsorted(x, at - reach) for reach in (LEVEL_BAND, LEVEL_REACH))
    good = np.flatnonzero((near > LEVEL_SHARE * len(x)) & (near > LEVEL_PURE * around))
    if len(good) == 0:
        return None
    first = good[: 1 + int(LEVEL_REACH / LEVEL_STEP)]
    return float(at[first[np.argmax(near[first])]])


def _least_floor(view: View) -> float:
    """Share of the photo that must be floor."""
    return LEAST_FLOOR if view.by_network else LEAST_KNOWN_FLOOR


def fitted_floor(view: View, gravity: np.ndarray) -> np.ndarray:
    """Cells (h×w, bool) that scale and shift are fitted to: those that are probably floor; where these are too few, any likely ones."""
    mask = floor_mask(view, gravity)
    return mask if mask.mean() >= _least_floor(view) else floor_mask(view, gravity, 0.4)


def fit_floor(view: View, gravity: np.ndarray, shift: float | None = None) -> DepthFit | None:
    """Scale and shift of the depth map by the floor, or None where too little floor is seen or it fits no plane below the camera.

    The shift of a metric map is 0; of a relative one it is fitted unless given. gravity: down (3, camera frame).
    """
    mask = fitted_floor(view, gravity)
    n = int(mask.sum())
    if n < _least_floor(view) * mask.size:
        return None
    d, s = view.inverse[mask].astype(float), (view.rays @ gravity)[mask]
    if view.metric:
        shift = 0.0
    elif shift is None:
        slope, cut = robust_line(s, d)
        if slope <= 0:
            return None
        return DepthFit(1.0 / slope, -cut, None, n)
    good = d + shift > 1e-6 * np.abs(d).max()
    if good.sum() < 0.5 * n:
        return None
    scale = weighted_median(s[good] / (d[good] + shift), s[good])
    return DepthFit(scale, shift, float(scale) if view.metric else None, n)


def floor_field(view: View, fit: DepthFit, gravity: np.ndarray, *, reach_cells: float = 30.0, trust: float = 0.25) -> np.ndarray:
    """Smooth local correction of inverse depth (h×w, a factor) that brings the floor onto its plane and fades to 1 away from it.

    A network's error is largely a smooth field of scale, so that on the wall above the floor it is much as on the floor. reach_cells:
    sigma of the smoothing, working-grid cells. trust: how fast the correction fades; more is sooner.
    """
    down = view.rays @ gravity
    mask = floor_mask(view, gravity, 0.5)
    inverse = fit.inverse(view.inverse)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.where(mask & (inverse > 0.02), np.log(down / inverse), 0.0)
    good = mask & (inverse > 0.02) & (np.abs(log_ratio) < FIELD_MOST)
    small = (max(4, view.shape[1] // 4), max(4, view.shape[0] // 4))
    num = cv2.resize(np.where(good, log_ratio, 0.0).astype(np.float32), small, interpolation=cv2.INTER_AREA)
    den = cv2.resize(good.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    sigma = reach_cells / 4
    num, den = (cv2.GaussianBlur(x, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT) for x in (num, den))
    field = num / (den + trust * 0.2)
    return np.exp(cv2.resize(field, view.shape[::-1], interpolation=cv2.INTER_LINEAR))


def robust_line(x: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> tuple[float, float]:
    """Slope and intercept of y ≈ slope · x + intercept by Tukey-weighted least squares, from a least-squares start with weights w."""
    w = np.ones_like(x) if w is None else w
    a = np.column_stack([x, np.ones_like(x)])
    t = w
    for _ in range(15):
        m = a * t[:, None]
        slope, cut = np.linalg.solve(m.T @ a + 1e-12 * np.eye(2), m.T @ y)
        r = y - slope * x - cut
        scale = MAD_TO_SIGMA * np.median(np.abs(r)) + 1e-12
        t = w * np.clip(1 - (r / (TUKEY * scale)) ** 2, 0, None) ** 2 + 1e-9
    return float(slope), float(cut)
