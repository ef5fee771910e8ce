"""Scores of a depth map, a surface map or an expected error against truth: pure functions of arrays.

Predicted and true depth are float H×W metres; `known` is bool H×W where truth (and prediction) count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from poc.types import Z90

DELTA = 1.25
CLAMP_M = (0.1, 10.0)
EDGE_RATIOS = np.linspace(1.05, 1.25, 10)


def depth_scores(predicted_m: np.ndarray, true_m: np.ndarray) -> dict[str, float]:
    """AbsRel, RMSE (metres) and δ1 of two 1-D arrays of positive depths."""
    ratio = np.maximum(predicted_m / true_m, true_m / predicted_m)
    return {
        "abs_rel": float(np.mean(np.abs(predicted_m - true_m) / true_m)),
        "rmse_m": float(np.sqrt(np.mean((predicted_m - true_m) ** 2))),
        "delta1": float(np.mean(ratio < DELTA)),
    }


def align_scale(predicted_m: np.ndarray, true_m: np.ndarray) -> np.ndarray:
    """The prediction multiplied by the median ratio of true to predicted depth."""
    return predicted_m * np.median(true_m / predicted_m)


def align_affine(inverse: np.ndarray, true_m: np.ndarray) -> np.ndarray:
    """Metric depth from the least-squares fit of true inverse depth on `inverse` (any scale and shift), clamped to CLAMP_M."""
    x, y = inverse.astype(np.float64), 1 / true_m.astype(np.float64)
    spread = x.var()
    a = ((x - x.mean()) * (y - y.mean())).mean() / spread if spread > 0 else 0.0
    return 1 / np.clip(a * (x - x.mean()) + y.mean(), 1 / CLAMP_M[1], 1 / CLAMP_M[0])


def depth_edge_f1(predicted_m: np.ndarray, true_m: np.ndarray, known: np.ndarray) -> float:
    """Depth-boundary F1 (Depth Pro, Bochkovskii et al. 2024): neighbours whose depth ratio is over a threshold,
    thresholds 1.05 to 1.25, the higher ones weighing more. NaN where the truth has no such edge at any threshold."""
    scores, weights = [], []
    for t in EDGE_RATIOS:
        true_positive = predicted = actual = 0
        for axis in (0, 1):
            both = np.logical_and(*_neighbours(known, axis))
            for sign in (1, -1):
                p = (_log_ratio(predicted_m, axis) * sign > np.log(t)) & both
                g = (_log_ratio(true_m, axis) * sign > np.log(t)) & both
                true_positive, predicted, actual = true_positive + (p & g).sum(), predicted + p.sum(), actual + g.sum()
        if actual:
            scores.append(2 * true_positive / max(predicted + actual, 1))
            weights.append(t - 1)
    return float(np.average(scores, weights=weights)) if scores else float("nan")


def _neighbours(a: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of neighbours along an axis: the later pixels and the earlier ones."""
    return (a[1:], a[:-1]) if axis == 0 else (a[:, 1:], a[:, :-1])


def _log_ratio(depth_m: np.ndarray, axis: int) -> np.ndarray:
    """Log ratio of the depths of neighbours along an axis."""
    a, b = _neighbours(np.log(np.maximum(depth_m, 1e-3)), axis)
    return a - b


def unproject_grid(depth_m: np.ndarray, fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Camera-frame points, H×W×3 metres, of a depth map (H×W metres along z) with the given intrinsics in pixels."""
    v, u = np.indices(depth_m.shape)
    return np.stack([(u - cx) / fx * depth_m, (v - cy) / fy * depth_m, depth_m], axis=-1)


def fit_plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Unit normal and residual standard deviation (metres) of the total-least-squares plane through n×3 points."""
    centred = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(points))
    return vectors[:, 0], float(np.sqrt(max(values[0], 0.0)))


def true_wall_masks(points: np.ndarray, is_wall: np.ndarray, rng: np.random.Generator, least: int = 4000) -> list[np.ndarray]:
    """The separate flat walls among wall pixels, by RANSAC on the true points, at most three, 4 cm inlier distance."""
    left, masks = is_wall.copy(), []
    while left.sum() > least and len(masks) < 3:
        candidates = points[left]
        best = None
        for _ in range(60):
            a, b, c = candidates[rng.choice(len(candidates), 3, replace=False)]
            normal = np.cross(b - a, c - a)
            norm = np.linalg.norm(normal)
            if norm < 1e-6:
                continue
            inlier = np.abs((candidates[::7] - a) @ normal) < 0.04 * norm
            if best is None or inlier.sum() > best[0]:
                best = (inlier.sum(), normal / norm, a)
        if best is None:
            break
        mask = left & (np.abs((points - best[2]) @ best[1]) < 0.04)
        if mask.sum() < least:
            break
        masks.append(mask)
        left &= ~mask
    return masks


class PlaneScore(NamedTuple):
    """How well a predicted plane matches the true one (iBims-1, Koch et al. 2018): the residual standard deviation of its points, and the
    angle between the fitted and the true normal."""

    flatness_cm: float
    angle_deg: float


def plane_scores(predicted: np.ndarray, true: np.ndarray, masks: list[np.ndarray]) -> list[PlaneScore]:
    """One score per mask (bool H×W). predicted, true: camera-frame points, H×W×3 metres."""
    rows = []
    for mask in masks:
        n_true, _ = fit_plane(true[mask])
        n_pred, spread = fit_plane(predicted[mask])
        rows.append(PlaneScore(spread * 100, float(np.degrees(np.arccos(np.clip(abs(n_true @ n_pred), 0, 1))))))
    return rows


def iou_counts(predicted: np.ndarray, true: np.ndarray, classes: int, ignore: int) -> tuple[np.ndarray, np.ndarray]:
    """Intersections and unions per class, to be summed over frames before dividing."""
    seen = true != ignore
    hits, unions = np.zeros(classes), np.zeros(classes)
    for c in range(classes):
        p, t = (predicted == c) & seen, true == c
        hits[c], unions[c] = (p & t).sum(), (p | t).sum()
    return hits, unions


def foot_pixels(labels: np.ndarray, floor: int = 1, wall: int = 2, gap: int = 6) -> np.ndarray:
    """bool H×W: topmost floor pixels with wall at most `gap` pixels above; labellers leave a strip that thin unlabelled."""
    is_floor, is_wall = labels == floor, labels == wall
    foot = np.zeros_like(is_floor)
    for k in range(1, gap + 1):
        foot[k:] |= is_floor[k:] & is_wall[:-k] & ~np.roll(is_floor, 1, axis=0)[k:]
    return foot


def foot_distances(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Distance in pixels from each true foot pixel to the nearest predicted one; infinite where none is predicted."""
    import cv2

    target, found = foot_pixels(true), foot_pixels(predicted)
    if not target.any():
        return np.zeros(0)
    if not found.any():
        return np.full(int(target.sum()), np.inf)
    return cv2.distanceTransform((~found).astype(np.uint8), cv2.DIST_L2, 5)[target]


def band_coverage(predicted_m: np.ndarray, sigma_log: np.ndarray, true_m: np.ndarray) -> float:
    """Share of pixels whose true depth lies in the model's own 90 % band."""
    return float(np.mean(np.abs(np.log(predicted_m / true_m)) <= Z90 * sigma_log))
