"""Scores of `poc.camera` on photos with depth and labels: `python tests/eval_camera.py [--frames 150] [--unknown-focal] …`

Reads nyu_train in the folder `POC_DATA`. Two truths per frame, because each
is noisy: the floor's plane alone, and gravity from floor, ceiling and walls jointly. A floor that lies more than 45° off
level, or 3° off the joint gravity, is a label or depth error and no truth; such frames are counted, not scored. How noisy
the rest is, the three-cornered hat tells: where floor F, wall W and lines L (of frames the camera calls sure) each say how
far that wall is from plumb, the variances of F−W, L−W and L−F give each one's own. A second hat needs one plane only: gravity
from the vertical segments alone, from the horizontal ones alone, and the floor's, pitch and roll each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from poc import geometry as geo
from poc.camera import estimate_camera
from poc.depth import estimate
from poc.room import lines, vanishing
from poc.types import Camera, Photo

DATA = Path(os.environ.get("POC_DATA", ".")) / "nyu_train"
FLOOR, CEILING, WALL = 1, 21, 0


@dataclass(frozen=True)
class Plane:
    kind: int
    normal: np.ndarray
    pixels: int


@dataclass(frozen=True)
class Frame:
    name: str
    rgb: np.ndarray
    depth: np.ndarray
    label: np.ndarray
    f_px: float
    centre: tuple[float, float]


def load_frame(name: str, meta: dict, crop: bool = True) -> Frame:
    k, (top, bottom), (left, right) = meta["intrinsics"], meta["crop"]["rows"], meta["crop"]["cols"]
    if not crop:
        top, bottom, left, right = 0, k["height"], 0, k["width"]
    cut = (slice(top, bottom), slice(left, right))
    rgb = cv2.cvtColor(cv2.imread(str(DATA / f"rgb/{name}.jpg")), cv2.COLOR_BGR2RGB)
    depth = cv2.imread(str(DATA / f"depth_mm/{name}.png"), cv2.IMREAD_UNCHANGED) / 1000.0
    label = cv2.imread(str(DATA / f"label/{name}.png"), cv2.IMREAD_UNCHANGED)
    return Frame(name, np.ascontiguousarray(rgb[cut]), depth[cut], label[cut], (k["fx"] + k["fy"]) / 2, (k["cx"] - left, k["cy"] - top))


def true_planes(frame: Frame) -> list[Plane]:
    """Floor, ceiling and up to five walls fitted to the true depth under the labels."""
    h, w = frame.depth.shape
    u, v = np.meshgrid(np.arange(w) - frame.centre[0], np.arange(h) - frame.centre[1])
    u, v, z, label = (x[::2, ::2] for x in (u, v, frame.depth, frame.label))
    ok = (z > 0.3) & (z < 9.5)
    found = []
    for kind in (FLOOR, CEILING):
        mask = ok & (label == kind)
        if mask.sum() > 600:
            found.append(_plane(kind, u, v, z, mask, frame.f_px))
    left = cv2.erode((ok & (label == WALL)).astype(np.uint8), np.ones((3, 3))) > 0
    for _ in range(5):
        mask = _largest_plane(u, v, z, left, np.random.default_rng(0))
        if mask is None:
            break
        found.append(_plane(WALL, u, v, z, mask, frame.f_px))
        left &= cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) == 0
    return [p for p in found if p is not None]


def _plane(kind, u, v, z, mask, f_px) -> Plane | None:
    fit = geo.fit_plane_uvd(u[mask], v[mask], 1 / z[mask], trials=150)
    return None if fit is None else Plane(kind, geo.plane_from_uvd(*fit.coefficients, 0.0, f_px)[0], int(fit.inliers.sum()))


def _largest_plane(u, v, z, mask, rng) -> np.ndarray | None:
    """Mask of the plane most wall pixels lie on (RANSAC over triples of neighbours), or None."""
    index = np.flatnonzero(mask)
    if len(index) < 1500:
        return None
    a = np.stack([u.ravel()[index], v.ravel()[index], np.ones(len(index))], 1)
    d = 1 / z.ravel()[index]
    sample = rng.choice(len(index), min(3000, len(index)), replace=False)
    best, most = None, 0
    for _ in range(150):
        centre = a[rng.integers(len(a))]
        near = np.flatnonzero(np.abs(a[:, :2] - centre[:2]).sum(1) < 120)
        triple = rng.choice(near, 3)
        if abs(np.linalg.det(a[triple])) < 500:
            continue
        coef = np.linalg.solve(a[triple], d[triple])
        count = int((np.abs(a[sample] @ coef - d[sample]) < 0.015 * d[sample] + 0.003).sum())
        if count > most:
            best, most = coef, count
    inlier = np.zeros(mask.size, bool)
    if best is not None:
        inlier[index] = np.abs(a @ best - d) < 0.02 * d + 0.004
    return inlier.reshape(mask.shape) if inlier.sum() >= 1500 else None


def joint_gravity(planes: list[Plane]) -> tuple[np.ndarray, float] | None:
    """Gravity at right angles to walls and along floor and ceiling normals, with its sigma in degrees; robust (Cauchy, 1°)."""
    seeds = [np.array([0.0, 1.0, 0.0])] + [-p.normal if p.kind == FLOOR else p.normal for p in planes if p.kind != WALL]
    best = None
    for g in seeds:
        for _ in range(12):
            m = np.zeros((3, 3))
            for p in planes:
                off = float(geo.angle_between(p.normal, g, undirected=True))
                off = abs(off - np.pi / 2) if p.kind == WALL else off
                weight = 1 / (np.deg2rad(0.35) ** 2 * (1 + 4000 / p.pixels) * (1 + (off / np.deg2rad(1)) ** 2))
                outer = np.outer(p.normal, p.normal)
                m += weight * (outer if p.kind == WALL else np.eye(3) - outer)
            values, vectors = np.linalg.eigh(m)
            g = vectors[:, 0] * (np.sign(vectors[1, 0]) or 1.0)
        inlying = sum(p.pixels for p in planes if _plumb_error(p, g) < np.deg2rad(2)) * np.exp(-float(geo.angle_between(g, [0, 1, 0])))
        if best is None or inlying > best[0]:
            best = (inlying, g, float(np.degrees(1 / np.sqrt(max(values[1] - values[0], 1e-9)))))
    return best[1:] if best[2] < 1.0 else None


def _off_level(floor: Plane) -> bool:
    return float(geo.angle_between(-floor.normal, [0.0, 1.0, 0.0])) > np.pi / 4


def _plumb_error(p: Plane, g: np.ndarray) -> float:
    off = float(geo.angle_between(p.normal, g, undirected=True))
    return abs(off - np.pi / 2) if p.kind == WALL else off


def score_frame(frame: Frame, planes: list[Plane], **options) -> dict:
    start = time.process_time()
    camera = estimate_camera(Photo(frame.rgb), **options)
    out = {"ms": 1e3 * (time.process_time() - start), "camera": camera, "log_f": float(np.log(camera.f_px / frame.f_px))}
    joint = joint_gravity(planes)
    floor = next((p for p in planes if p.kind == FLOOR and p.pixels > 1500), None)
    if floor is not None and (_off_level(floor) or (joint is not None and _plumb_error(floor, joint[0]) > np.deg2rad(3))):
        return out | {"bad_truth": True, "hat": []}
    if joint is not None:
        out["joint"] = np.degrees(float(geo.angle_between(joint[0], camera.gravity)))
        out["tilt"] = np.degrees(np.subtract(geo.pitch_roll_from_gravity(camera.gravity), geo.pitch_roll_from_gravity(joint[0])))
    if floor is not None:
        out["floor"] = np.degrees(float(geo.angle_between(-floor.normal, camera.gravity)))
    out["hat"] = _hat_rows(camera, planes, floor)
    if floor is not None and camera.manhattan is not None:
        out["witnesses"] = _witnesses(frame, camera, floor)
    if camera.manhattan is not None:
        out["axes"] = [_axes_error(camera, p) for p in planes if p.kind == WALL and p.pixels > 4000]
    return out


def _hat_rows(camera: Camera, planes: list[Plane], floor: Plane | None) -> list[tuple[float, float]]:
    """(floor − wall, lines − wall) in degrees, per wall of a frame with a floor."""
    if floor is None or camera.gravity_source != "lines" or camera.gravity_sigma_rad > np.deg2rad(0.8):
        return []
    walls = [p.normal for p in planes if p.kind == WALL and p.pixels > 4000]
    rows = [tuple(np.degrees(np.arcsin([-(w @ floor.normal), w @ camera.gravity]))) for w in walls]
    return [r for r in rows if max(map(abs, r)) < 5]


def _witnesses(frame: Frame, camera: Camera, floor: Plane) -> np.ndarray | None:
    """3×2 degrees: pitch and roll by the vertical segments alone, the horizontal ones alone, and the floor. None where either is under
    six. Which segment is which is told by all together, so a segment that is neither is in neither."""
    s = lines.centred(lines.detect_segments(frame.rgb), *frame.centre)
    options, known = vanishing.FitOptions(), vanishing.Prior(frame.f_px, 0.01, 0.15)
    axes = np.stack([camera.manhattan[0], camera.manhattan[1], camera.gravity])[None]
    shares = vanishing.refine(s, axes, known, options, vanishing.weights(s, options))[0].shares
    downs = []
    for part in (shares[:, 2] > 0.5, shares[:, :2].sum(1) > 0.5):
        if part.sum() < 6:
            return None
        own = lines.CentredSegments(s.mid[part], s.tangent[part], s.length[part], s.pixel)
        downs.append(vanishing.refine(own, axes, known, options, vanishing.weights(own, options))[0].axes[2])
    return np.degrees([geo.pitch_roll_from_gravity(down) for down in (*downs, -floor.normal)])


def own_errors(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> list[float]:
    """Standard deviation of each of three independent witnesses of one quantity (three-cornered hat), robust; 0 where the variance
    that is left for it is negative."""
    ab, ac, bc = robust_sd(a - b) ** 2, robust_sd(a - c) ** 2, robust_sd(b - c) ** 2
    return [round(max(x, 0.0) ** 0.5, 2) for x in ((ab + ac - bc) / 2, (ab + bc - ac) / 2, (ac + bc - ab) / 2)]


def _axes_error(camera: Camera, wall: Plane) -> float:
    """Angle in degrees, about gravity, from a true wall to the nearest axis."""
    right, forward = wall.normal @ camera.manhattan[0], wall.normal @ camera.manhattan[1]
    return abs((np.degrees(np.arctan2(right, forward)) + 45) % 90 - 45)


def robust_sd(x) -> float:
    return float(1.4826 * np.median(np.abs(np.asarray(x) - np.median(x))))


def summary(rows: list[dict]) -> dict:
    pct = lambda x, q: round(float(np.percentile(x, q)), 3)
    out = {"frames": len(rows), "bad_truth": sum("bad_truth" in r for r in rows), "ms": round(float(np.mean([r["ms"] for r in rows])), 1)}
    for key in ("joint", "floor"):
        e = np.array([r[key] for r in rows if key in r])
        out[f"gravity_vs_{key}"] = {"frames": len(e), "median_deg": pct(e, 50), "p90_deg": pct(e, 90), "under_2deg": round(float((e < 2).mean()), 3)}
    hat = np.array([row for r in rows for row in r["hat"]])
    out["three_cornered_hat_deg"] = dict(zip(("floor", "wall", "lines"), own_errors(hat[:, 0], np.zeros(len(hat)), hat[:, 1])))
    seen = [r["witnesses"] for r in rows if r.get("witnesses") is not None]
    if seen:
        by = np.transpose(seen, (2, 1, 0))
        out["second_hat_deg"] = {axis: dict(zip(("verticals", "horizontals", "floor"), own_errors(*x))) for axis, x in zip(("pitch", "roll"), by)}
        out["second_hat_deg"]["frames"] = len(seen)
    tilt = np.array([r["tilt"] for r in rows if "tilt" in r])
    sigma = np.degrees([r["camera"].gravity_sigma_rad for r in rows if "tilt" in r])
    for noise in (0.0, 0.8):
        covered = np.abs(tilt) < 1.645 * np.hypot(sigma, noise)[:, None]
        out[f"tilt_coverage90_truth_noise_{noise}"] = round(float(covered.mean()), 3)
    out["tilt_sigma_deg"] = {"median": pct(sigma, 50), "p90": pct(sigma, 90)}
    axes = np.array([a for r in rows for a in r.get("axes", [])])
    out["axes_deg"] = {"walls": len(axes), "median": pct(axes, 50), "p90": pct(axes, 90)}
    f, f_sigma = np.array([r["log_f"] for r in rows]), np.array([r["camera"].f_sigma_rel for r in rows])
    solved = np.array([r["camera"].f_source == "solved" for r in rows])
    out["focal"] = {"solved": round(float(solved.mean()), 3), "abs_log_median": pct(np.abs(f), 50), "abs_log_p90": pct(np.abs(f), 90),
                    "coverage90": round(float((np.abs(f) < 1.645 * f_sigma).mean()), 3), "sigma_median": pct(f_sigma, 50)}
    return out


def frame_names(meta: dict, count: int, seed: int = 7) -> list[str]:
    return sorted(random.Random(seed).sample(sorted(meta["frames"]), count))


def held_out() -> list[str]:
    return (Path(__file__).parents[1] / "poc/training/nyu_val.txt").read_text().split()


def read_meta() -> dict:
    return json.loads((DATA / "meta.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--unknown-focal", action="store_true")
    parser.add_argument("--unknown-centre", action="store_true")
    parser.add_argument("--full", action="store_true", help="the whole frame, white border and all")
    parser.add_argument("--embedded", action="store_true", help="with the embedded model's depth and surfaces, on the frames kept from its training")
    args = parser.parse_args()
    meta = read_meta()
    rows = []
    for name in held_out() if args.embedded else frame_names(meta, args.frames):
        frame = load_frame(name, meta, crop=not args.full)
        cropped = load_frame(name, meta)
        focal = None if args.unknown_focal else frame.f_px
        centre = None if args.unknown_centre else frame.centre
        options = {"focal_px": focal, "principal_point": centre}
        if args.embedded:
            options["depth"], options["surfaces"] = estimate(Photo(frame.rgb), "embedded", frame.f_px)
        rows.append(score_frame(frame, true_planes(cropped), **options))
    json.dump(summary(rows), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
