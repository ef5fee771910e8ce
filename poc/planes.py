"""Planes in inverse depth: shift and scale of a depth map from the floor, wall offsets, how far the depth can be trusted.

On a plane with normal n and distance o, inverse depth is −(n · ray)/o: linear in the ray. So with gravity known the floor
alone gives scale and shift of a relative map (a straight line of d over gravity · ray), and no distance is ever averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poc.geometry import MAD_TO_SIGMA
from poc.view import FLOOR, View


@dataclass(frozen=True)
class DepthFit:
    """Inverse depth in 1/camera heights = scale · (d + shift). scale_sigma_rel, shift_sigma: one sigma; the latter in
    units of 1/camera height. height_model_m: camera height that a metric map implies, or None. floor_cells: support."""

    scale: float
    shift: float
    scale_sigma_rel: float
    shift_sigma: float
    height_model_m: float | None
    floor_cells: int

    def inverse(self, d: np.ndarray) -> np.ndarray:
        return self.scale * (d + self.shift)


def fit_floor(view: View, gravity: np.ndarray, *, model_sigma: float = 0.05) -> DepthFit | None:
    """Scale (and shift, for a relative map) from the floor, or None where too little floor is seen."""
    down = view.rays @ gravity
    mask = (view.p[..., FLOOR] > 0.6) & view.valid & (down > 0.03)
    n = int(mask.sum())
    if n < 0.004 * mask.size:
        return None
    d, s = view.inverse[mask].astype(float), down[mask]
    if view.metric:
        height = weighted_median(s / d, s)
        return DepthFit(height, 0.0, model_sigma, 0.0, float(height), n)
    slope, cut = robust_line(s, d)
    if slope <= 0:
        return None
    spread = float(np.std(s))
    sigma = model_sigma * float(np.mean(s)) / max(spread, 1e-3)
    return DepthFit(1.0 / slope, -cut, sigma, model_sigma * float(np.mean(s)) * 1.5, None, n)


def robust_line(x: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> tuple[float, float]:
    """y ≈ slope · x + cut by Tukey-weighted least squares from a median start."""
    w = np.ones_like(x) if w is None else w
    slope, cut = np.polyfit(x, y, 1, w=np.sqrt(w))
    for _ in range(15):
        r = y - slope * x - cut
        scale = MAD_TO_SIGMA * np.median(np.abs(r)) + 1e-12
        t = w * np.clip(1 - (r / (4.685 * scale)) ** 2, 0, None) ** 2
        slope, cut = np.polyfit(x, y, 1, w=np.sqrt(t + 1e-9))
    return float(slope), float(cut)


def weighted_median(x: np.ndarray, w: np.ndarray) -> float:
    order = np.argsort(x)
    total = np.cumsum(w[order])
    return float(x[order][min(np.searchsorted(total, 0.5 * total[-1]), len(x) - 1)])


def plane_offset(view: View, fit: DepthFit, normal: np.ndarray, mask: np.ndarray) -> tuple[float, float] | None:
    """(offset in camera heights, relative spread) of the plane with this normal through the masked depth, or None."""
    facing = -(view.rays @ normal)
    use = mask & view.valid & (facing > 0.05)
    if use.sum() < 30:
        return None
    inverse = fit.inverse(view.inverse[use])
    ratio = facing[use] / np.maximum(inverse, 1e-3)
    offset = weighted_median(ratio, facing[use])
    spread = MAD_TO_SIGMA * float(np.median(np.abs(np.log(np.maximum(ratio, 1e-6) / offset))))
    return offset, spread
