"""Refinement of depth and surfaces along the photo's edges, and display of depth.

`guided_filter` and the CRF functions change values but not their kind. `colourise` and `equalise` are for display only:
nothing is measured from what they return.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np

from poc.errors import ParameterError
from poc.types import DepthMap, Photo, Surfaces

COEFFICIENT_SIDE_PX = 640
"""The filter's coefficients are computed at this long side and enlarged (Fast Guided Filter, He and Sun 2015). They are smooth, so this has
no visible effect and keeps a 12-megapixel photo under a second."""
CRF_SIDE_PX = 640
DISPLAY_PERCENTILES = (1.0, 99.0)
NO_VALUE_RGB = (128, 128, 128)


# --- guided filter -------------------------------------------------------------------------------------------------


def guided_filter(depth: DepthMap, photo: Photo, radius: float = 0.02, eps: float = 1e-3) -> DepthMap:
    """Smooth a depth map where the photo is smooth and sharpen it where the photo has an edge.

    Guided filter with the colour photo as guide (He, Sun, Tang, TPAMI 2013). Metric depth is filtered as inverse depth, in
    which planes are linear. radius: of the window, as a share of the long side. eps: variance of colour (in [0, 1]²) below
    which the photo counts as smooth. Kind, size, validity and sigma_log are unchanged; invalid pixels neither contribute nor
    receive values. Raises ParameterError where photo and depth differ in size, or radius or eps is out of range.
    """
    _same_size(depth, photo)
    if not 0 < radius <= 0.5 or not 0 < eps < 10:
        raise ParameterError(f"guided filter: radius must be in (0, 0.5] and eps in (0, 10), got {radius} and {eps}")
    filtered = _guided(_nearness(depth), depth.valid, photo.rgb, radius, eps)
    return replace(depth, values=_from_nearness(filtered, depth))


def _nearness(depth: DepthMap) -> np.ndarray:
    """Inverse depth (of a metric map 1/z, a relative one as it is), float32 H×W, 0 where invalid."""
    if depth.kind == "metric":
        return np.divide(1.0, depth.values, out=np.zeros_like(depth.values, dtype=np.float32), where=depth.valid)
    return np.where(depth.valid, depth.values, 0.0).astype(np.float32)


def _from_nearness(nearness: np.ndarray, depth: DepthMap) -> np.ndarray:
    """Inverse depth converted back to the values of `depth`; where it is not positive, a metric map keeps its original value."""
    if depth.kind != "metric":
        return np.where(depth.valid, nearness, 0.0).astype(np.float32)
    usable = depth.valid & (nearness > 0)
    return np.divide(1.0, nearness, out=depth.values.astype(np.float32), where=usable)


def _guided(values: np.ndarray, valid: np.ndarray, rgb: np.ndarray, radius: float, eps: float) -> np.ndarray:
    """q = mean(a)·I + mean(b), with (a, b) the least-squares fit of values on colour in each window, valid pixels only."""
    height, width = values.shape
    scale = min(1.0, COEFFICIENT_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    weight = cv2.resize(valid.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    p = cv2.resize(values, size, interpolation=cv2.INTER_AREA)  # invalid pixels hold 0: this is the weighted sum
    p = np.divide(p, weight, out=np.zeros_like(p), where=weight > 0)
    guide = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    a, b = _window_fits(p, weight, guide, max(1, round(radius * max(size))), eps)
    a, b = (cv2.resize(m, (width, height), interpolation=cv2.INTER_LINEAR) for m in (a, b))
    out = b
    for channel in range(3):  # one at a time: a float copy of the whole photo would be large
        out += a[..., channel] * (rgb[..., channel].astype(np.float32) / 255)
    return out


def _window_fits(p: np.ndarray, weight: np.ndarray, guide: np.ndarray, radius_px: int, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed coefficients a (h×w×3) and b (h×w) of the local fits of values p (h×w) on the guide (h×w×3), weighted by `weight` (h×w)."""
    total = _box(weight, radius_px)
    seen = total > 1e-6
    safe = np.where(seen, total, 1.0)

    def mean(x: np.ndarray) -> np.ndarray:
        w = weight if x.ndim == 2 else weight[..., None]
        return _box(x * w, radius_px) / (safe if x.ndim == 2 else safe[..., None])

    mean_guide, mean_p = mean(guide), mean(p)
    covariance = mean(guide * p[..., None]) - mean_guide * mean_p[..., None]
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    products = mean(np.stack([guide[..., i] * guide[..., j] for i, j in pairs], axis=-1))
    matrix = np.empty((*p.shape, 3, 3), np.float32)
    for k, (i, j) in enumerate(pairs):
        matrix[..., i, j] = matrix[..., j, i] = products[..., k] - mean_guide[..., i] * mean_guide[..., j]
    matrix += eps * np.eye(3, dtype=np.float32)
    a = np.linalg.solve(matrix, covariance[..., None])[..., 0]
    b = mean_p - (a * mean_guide).sum(axis=-1)
    share = _box(seen.astype(np.float32), radius_px)
    share = np.where(share > 1e-6, share, 1.0)
    return _box(np.where(seen[..., None], a, 0.0), radius_px) / share[..., None], _box(np.where(seen, b, 0.0), radius_px) / share


def _box(x: np.ndarray, radius_px: int) -> np.ndarray:
    """Mean over a (2r+1)² window, per channel; zeros beyond the border, for which the caller compensates by dividing by the weight."""
    side = 2 * radius_px + 1
    planes = [x] if x.ndim == 2 else [x[..., k] for k in range(x.shape[-1])]
    means = [cv2.boxFilter(np.ascontiguousarray(p, dtype=np.float32), -1, (side, side), borderType=cv2.BORDER_CONSTANT) for p in planes]
    return means[0] if x.ndim == 2 else np.stack(means, axis=-1)


def _same_size(depth: DepthMap, photo: Photo) -> None:
    if depth.values.shape != photo.rgb.shape[:2]:
        height, width = depth.values.shape
        raise ParameterError(f"depth is {width} × {height} and the photo {photo.width} × {photo.height}: they must match")


# --- dense CRF (extra "crf") ---------------------------------------------------------------------------------------


def crf_surfaces(surfaces: Surfaces, photo: Photo, iterations: int = 5) -> Surfaces:
    """Surfaces whose borders follow the photo's edges, with a long side of at most CRF_SIDE_PX.

    Fully connected CRF (Krähenbühl and Koltun 2011). Needs the extra "crf" (pydensecrf2, built from source); raises
    ParameterError with the command to install it where it is missing.
    """
    rgb = _small(photo.rgb)
    size = (rgb.shape[1], rgb.shape[0])
    p = np.clip(cv2.resize(surfaces.probabilities, size, interpolation=cv2.INTER_LINEAR), 1e-4, 1.0)
    return replace(surfaces, probabilities=_mean_field(-np.log(p), rgb, compatibility=6.0, iterations=iterations))


def crf_depth(depth: DepthMap, photo: Photo, levels: int = 48, iterations: int = 5) -> DepthMap:
    """Depth whose steps follow the photo's edges: inverse depth cut into levels, a dense CRF over them, the expected level.

    levels: their number; each holds an equal share of the pixels. Kind and validity are unchanged; for photos larger than CRF_SIDE_PX
    only the *change* is enlarged to full size, so that detail is kept. Needs the extra "crf", as `crf_surfaces` does.
    """
    _same_size(depth, photo)
    if not 4 <= levels <= 256:
        raise ParameterError(f"crf_depth: levels must be from 4 to 256, got {levels}")
    nearness = _nearness(depth)
    if not depth.valid.any():
        return depth
    rgb = _small(photo.rgb)
    size = (rgb.shape[1], rgb.shape[0])
    small = cv2.resize(nearness, size, interpolation=cv2.INTER_AREA)
    valid = cv2.resize(depth.valid.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999
    centres = np.unique(np.quantile(nearness[depth.valid], (np.arange(levels) + 0.5) / levels))
    if centres.size < 2:
        return depth
    index = np.interp(small, centres, np.arange(centres.size))
    unary = np.where(valid[..., None], 0.5 * ((index[..., None] - np.arange(centres.size)) / 1.5) ** 2, 0.0)
    steps = np.abs(np.subtract.outer(np.arange(centres.size), np.arange(centres.size)))
    compatibility = 4.0 * np.minimum(steps / 6.0, 1.0) - 4.0  # neighbours of like colour should have like levels
    expected = _mean_field(np.minimum(unary, 20.0), rgb, compatibility, iterations) @ centres
    change = np.where(valid, expected - np.clip(small, centres[0], centres[-1]), 0.0).astype(np.float32)
    grown = cv2.resize(change, (photo.width, photo.height), interpolation=cv2.INTER_LINEAR)
    return replace(depth, values=_from_nearness(nearness + grown, depth))


def _small(rgb: np.ndarray) -> np.ndarray:
    """An H×W×3 photo scaled down to a long side of at most CRF_SIDE_PX."""
    scale = min(1.0, CRF_SIDE_PX / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.ascontiguousarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def _mean_field(energy: np.ndarray, rgb: np.ndarray, compatibility: float | np.ndarray, iterations: int) -> np.ndarray:
    """Label probabilities h×w×n after mean-field inference on unary energies h×w×n (−log p)."""
    try:
        import pydensecrf.densecrf as dense
    except ImportError:
        install = "pip install -c constraints.txt -e '.[crf]' (builds with gcc)"
        raise ParameterError(f"the CRF needs pydensecrf2, which is not installed: {install}") from None
    height, width, labels = energy.shape
    crf = dense.DenseCRF2D(width, height, labels)
    crf.setUnaryEnergy(np.ascontiguousarray(energy.reshape(-1, labels).T, dtype=np.float32))
    compat = np.ascontiguousarray(compatibility, dtype=np.float32) if isinstance(compatibility, np.ndarray) else compatibility
    crf.addPairwiseGaussian(sxy=2, compat=compat)
    crf.addPairwiseBilateral(sxy=30, srgb=8, rgbim=rgb, compat=compat)
    q = np.array(crf.inference(iterations), dtype=np.float32)
    return np.ascontiguousarray(q.T.reshape(height, width, labels))


# --- display only --------------------------------------------------------------------------------------------------


def colourise(depth: DepthMap, method: Literal["percentile", "histogram"] = "percentile", max_side: int | None = None) -> np.ndarray:
    """A picture of a depth map, uint8 H×W×3 RGB: near is bright, invalid is grey. For display only.

    Colours are OpenCV's "inferno", whose lightness rises evenly (perceptually uniform). See `equalise` for the methods.
    max_side: a larger map is reduced to this long side.
    """
    depth = _decimated(depth, max_side) if max_side else depth
    level = (equalise(depth, method) * 255).astype(np.uint8)
    picture = np.ascontiguousarray(cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1])
    picture[~depth.valid] = NO_VALUE_RGB
    return picture


def equalise(depth: DepthMap, method: Literal["percentile", "histogram"] = "percentile") -> np.ndarray:
    """Inverse depth stretched to [0, 1], float32 H×W, 0 where invalid. For display only: two photos cannot be compared by it.

    percentile: inverse depth, linear between its 1st and 99th percentile, so that one stray pixel does not flatten the
    rest. histogram: every level is equally frequent, which shows structure in the distance but not how far it is.
    """
    if method not in ("percentile", "histogram"):
        raise ParameterError(f"equalise: method must be percentile or histogram, got {method!r}")
    nearness = _nearness(depth)
    every = max(1, round((nearness.size / 200_000) ** 0.5))
    sample = nearness[::every, ::every][depth.valid[::every, ::every]]
    if not sample.size:
        sample = nearness[depth.valid]
    if not sample.size:
        return np.zeros_like(nearness)
    if method == "percentile":
        low, high = np.percentile(sample, DISPLAY_PERCENTILES)
        level = (nearness - low) / max(float(high - low), 1e-12)
    else:
        edges = np.quantile(sample, np.linspace(0, 1, 257))
        level = np.interp(nearness, edges, np.linspace(0, 1, 257))
    return np.where(depth.valid, np.clip(level, 0, 1), 0).astype(np.float32)


def _decimated(depth: DepthMap, max_side: int) -> DepthMap:
    """A map reduced by nearest neighbour, so that no value is mixed with an invalid one."""
    height, width = depth.values.shape
    scale = min(1.0, max_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    values, valid = (cv2.resize(m, size, interpolation=cv2.INTER_NEAREST) for m in (depth.values, depth.valid.astype(np.uint8)))
    return replace(depth, values=values, valid=valid.astype(bool), sigma_log=None)
