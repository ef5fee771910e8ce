"""Scores of a model on photos with true depth: `poc evaluate FOLDER --model NAME`.

The folder's format is the one `poc.training.folder` reads. Depth is scored three ways: *metric* (as it is), *scale*
(times one median ratio) and *affine* (least squares on inverse depth). A relative model has no metric and no scale row.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from poc import metrics
from poc.depth import estimate
from poc.errors import DataError
from poc.models import DEFAULT_MODEL
from poc.photo import load_photo
from poc.training.folder import IGNORE, LoadedFrame, load_frame, select_frames
from poc.types import DepthMap, Photo, Surfaces

log = logging.getLogger(__name__)
FOOT_SIZE = (320, 240)
EDGE_SIDE = 320
"""Depth edges are compared on a grid of about this long side: on a finer one, an interpolated map has no step between neighbours."""
Estimator = Callable[[Photo], tuple[DepthMap, Surfaces | None]]


@dataclass
class Tally:
    """Scores accumulated over frames; every list holds one entry per frame (or plane) for which the score exists.

    rows: depth scores by alignment. planes: by kind of surface. edges: depth-boundary F1. coverage: share of pixels inside the model's
    90 % band. foot: median distance in pixels from the true floor–wall line to the predicted one. ms: time per frame. hits, unions: pixels
    per surface class, for IoU.
    """

    rows: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {"metric": [], "scale": [], "affine": []})
    planes: dict[str, list[metrics.PlaneScore]] = field(default_factory=lambda: {"wall": [], "floor": [], "ceiling": []})
    edges: list[float] = field(default_factory=list)
    coverage: list[float] = field(default_factory=list)
    foot: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    hits: np.ndarray = field(default_factory=lambda: np.zeros(6))
    unions: np.ndarray = field(default_factory=lambda: np.zeros(6))


def default_estimator(model: str, weights_dir: str | Path | None = None) -> Estimator:
    """`poc.depth.estimate` with `model`, and its weights from `weights_dir` where given."""
    return lambda photo: estimate(photo, model, weights_dir=weights_dir)


def evaluate(
    folder: str | Path,
    model: str = DEFAULT_MODEL,
    *,
    names: Iterable[str] | None = None,
    limit: int | None = None,
    estimator: Estimator | None = None,
    progress: Callable[[int, int], None] | None = None,
    seen: Callable[[LoadedFrame, DepthMap, Surfaces | None], None] | None = None,
) -> dict:
    """Score `model` on a folder; returns the JSON of the `poc evaluate` contract.

    names: score only these frames. limit: at most this many, spread evenly. estimator: used in place of `model`, for tests and new
    weights. progress: called with (frames done, frames in all). seen: called with every frame and the model's output for it.
    Raises DataError naming a bad file.
    """
    frames = select_frames(folder, names, limit)
    run = estimator or default_estimator(model)
    tally = Tally()
    for i, frame in enumerate(frames):
        loaded = load_frame(frame)
        photo = replace(load_photo(frame.rgb), f_px=0.5 * (frame.fx + frame.fy))
        if i == 0 and estimator is None:
            run(photo)  # so that loading the model does not count as a frame's time
        start = time.perf_counter()
        depth, surfaces = run(photo)
        tally.ms.append((time.perf_counter() - start) * 1000)
        add_frame(tally, loaded, depth, surfaces)
        if seen:
            seen(loaded, depth, surfaces)
        if progress:
            progress(i + 1, len(frames))
    return summary(tally, model, len(frames))


def add_frame(tally: Tally, loaded: LoadedFrame, depth: DepthMap, surfaces: Surfaces | None) -> None:
    """Add one frame's scores to the tally. Raises DataError where no pixel has both a true and a predicted depth."""
    known = (loaded.depth_m > 0) & depth.valid
    if not known.any():
        raise DataError(f"{loaded.frame.rgb}: the model gave no valid depth where truth is known")
    true = loaded.depth_m[known]
    predicted_m = _depth_rows(tally, depth, known, true)
    step = max(1, round(max(known.shape) / EDGE_SIDE))
    grid = (slice(None, None, step), slice(None, None, step))
    tally.edges.append(metrics.depth_edge_f1(predicted_m[grid], loaded.depth_m[grid], known[grid]))
    if depth.kind == "metric" and depth.sigma_log is not None:
        tally.coverage.append(metrics.band_coverage(depth.values[known], depth.sigma_log[known], true))
    if (loaded.surface != IGNORE).any():
        _add_planes(tally, loaded, predicted_m, known)
        if surfaces is not None:
            _add_surfaces(tally, loaded, surfaces)


def _depth_rows(tally: Tally, depth: DepthMap, known: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Score the depth under each alignment; returns the aligned depth (by scale, of a relative model affine), H×W metres, for shape
    scores."""
    values = depth.values[known].astype(np.float64)
    if depth.kind == "metric":
        tally.rows["metric"].append(metrics.depth_scores(values, true))
        scaled = metrics.align_scale(values, true)
        tally.rows["scale"].append(metrics.depth_scores(scaled, true))
        aligned_affine = metrics.align_affine(1 / values, true)
        shaped = scaled
    else:
        shaped = aligned_affine = metrics.align_affine(values, true)
    tally.rows["affine"].append(metrics.depth_scores(aligned_affine, true))
    out = np.zeros(known.shape)
    out[known] = shaped
    return out


def _add_planes(tally: Tally, loaded: LoadedFrame, predicted_m: np.ndarray, known: np.ndarray) -> None:
    f = loaded.frame
    true = metrics.unproject_grid(loaded.depth_m, f.fx, f.fy, f.cx, f.cy)
    points = metrics.unproject_grid(predicted_m, f.fx, f.fy, f.cx, f.cy)
    rng = np.random.default_rng(0)
    masks = {
        "wall": metrics.true_wall_masks(true, known & (loaded.surface == 2), rng),
        "floor": metrics.true_wall_masks(true, known & (loaded.surface == 1), rng)[:1],
        "ceiling": metrics.true_wall_masks(true, known & (loaded.surface == 3), rng)[:1],
    }
    for kind, found in masks.items():
        tally.planes[kind] += metrics.plane_scores(points, true, found)


def _add_surfaces(tally: Tally, loaded: LoadedFrame, surfaces: Surfaces) -> None:
    import cv2

    h, w = loaded.surface.shape
    resized = cv2.resize(surfaces.probabilities, (w, h), interpolation=cv2.INTER_LINEAR)
    hits, unions = metrics.iou_counts(resized.argmax(2), loaded.surface, 6, IGNORE)
    tally.hits += hits
    tally.unions += unions
    size = FOOT_SIZE if w >= h else FOOT_SIZE[::-1]
    small = cv2.resize(surfaces.probabilities, size, interpolation=cv2.INTER_LINEAR).argmax(2)
    true = cv2.resize(loaded.surface, size, interpolation=cv2.INTER_NEAREST)
    distances = metrics.foot_distances(small, true)
    if len(distances) >= 20:  # fewer pixels than that are label noise
        tally.foot.append(float(np.median(distances)))


def _mean(rows: list[dict[str, float]]) -> dict[str, float] | None:
    return {k: round(float(np.mean([r[k] for r in rows])), 4) for k in rows[0]} if rows else None


def _median(values: list[float], digits: int = 2) -> float | None:
    """The median, ignoring NaN; None where nothing is left, or where it is infinite (more than half were not found at all)."""
    known = [v for v in values if not np.isnan(v)]
    middle = float(np.median(known)) if known else np.inf
    return round(middle, digits) if np.isfinite(middle) else None


def summary(tally: Tally, model: str, frames: int) -> dict:
    """The JSON of the `poc evaluate` contract: means over frames per alignment, medians for planes and feet, IoU over all pixels."""
    from poc.types import SURFACE_CLASSES

    with_surfaces = tally.unions.sum() > 0
    return {
        "model": model,
        "frames": frames,
        "ms_per_frame": _median(tally.ms, 1),
        **{name: _mean(rows) for name, rows in tally.rows.items()},
        "planes": {
            kind: {"n": len(rows), "flatness_cm": _median([r.flatness_cm for r in rows]), "angle_deg": _median([r.angle_deg for r in rows])}
            for kind, rows in tally.planes.items()
        },
        "edge_f1": round(float(np.nanmean(tally.edges)), 4) if not np.isnan(tally.edges).all() else None,
        "expected_error": {"coverage_90": round(float(np.mean(tally.coverage)), 4)} if tally.coverage else None,
        "surfaces": {
            "iou": {c: round(float(h / u), 4) for c, h, u in zip(SURFACE_CLASSES, tally.hits, tally.unions) if u > 0},
            "foot_px": _median(tally.foot),
            "foot_frames": len(tally.foot),
            "foot_missed": int(np.isinf(tally.foot).sum()),
        }
        if with_surfaces
        else None,
    }
