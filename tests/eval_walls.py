"""Which walls found are walls: `python tests/eval_walls.py FOLDER … [--held-out NAMES] [--every 4]`

Every wall that `poc.room.layout` finds before it asks which to believe, against the truth of `poc evaluate-rooms` (folders in the project's
format with depth, and labels or rendered rooms). Good is one whose distance is within 15 % of a true wall's that it lies on, or of the
plane that its own pixels show, most of them labelled wall; one on pixels without label that is a plane there says nothing. Prints the
constants of `poc.room.belief.wall_logit` by logistic regression on all frames but those named in the file, how well they and the ones in
force order good before bad on both, and what a threshold keeps.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from poc.camera import estimate_camera
from poc.evaluate import default_estimator
from poc.evaluate_rooms import HEIGHT_SIGMA, MATCH_DEG, MATCH_SHARE, built_or_refused, overlap, truth_of
from poc.metrics import unproject_grid
from poc.models import DEFAULT_MODEL
from poc.photo import load_photo
from poc.room import belief, layout
from poc.room.wallfit import solve_wall
from poc.training.folder import LoadedFrame, load_frame, select_frames

NEAR = 0.15
"""Log distance within which a wall is where it was put."""
FLAT, MOST = 0.06, 0.5
"""A plane has so much of its pixels within so much of its distance."""
IN_FORCE = np.array([belief.WALL_EVEN, belief.WALL_FEET, belief.WALL_SHARE, -belief.WALL_OFF, belief.WALL_FOOT_OFF])


def walls_of(loaded: LoadedFrame, run) -> list[tuple[tuple[float, ...], bool]]:
    """Evidence of each wall found, with a 1 before it, and whether it is good; those that the truth says nothing of are left out."""
    frame = loaded.frame
    truth = truth_of(loaded)
    if truth.camera_height_m is None:
        return []
    photo = replace(load_photo(frame.rgb), f_px=0.5 * (frame.fx + frame.fy))
    depth, surfaces = run(photo)
    camera = estimate_camera(photo, surfaces, depth, focal_px=photo.f_px, principal_point=(frame.cx, frame.cy))
    found, as_shipped = [], layout.credible

    def all_believed(data, state):
        found[:] = [(belief.wall_evidence(d, state), d, solve_wall(d, state), state) for d in data]
        return [True] * len(data)

    layout.credible = all_believed
    try:
        scene = built_or_refused(photo, depth, surfaces, camera, (truth.camera_height_m, HEIGHT_SIGMA * truth.camera_height_m))
    finally:
        layout.credible = as_shipped
    if scene.refusal:
        return []
    points = unproject_grid(loaded.depth_m, frame.fx, frame.fy, frame.cx, frame.cy)
    judged = [(seen, is_good(data, solved, state, truth, points, loaded.surface)) for seen, data, solved, state in found if seen is not None]
    return [((1.0, *seen), good) for seen, good in judged if good is not None]


def is_good(data, solved, state, truth, points: np.ndarray, surface: np.ndarray) -> bool | None:
    normal = -(state.room_from_cam.T @ [np.sin(solved.psi), np.cos(solved.psi), 0.0])
    offset = solved.distance * truth.camera_height_m
    best = (MATCH_SHARE, None)
    for wall in truth.walls:
        share = overlap(data.mask, wall.mask)
        if wall.normal_cam @ normal > np.cos(np.radians(MATCH_DEG)) and share >= best[0]:
            best = (share, wall.offset_m)
    if best[1] is not None:
        return bool(abs(np.log(offset / best[1])) < NEAR)
    rows, cols = (np.linspace(0, n - 1, m).astype(int) for n, m in zip(points.shape[:2], data.mask.shape))
    own, kinds = (a[rows[:, None], cols[None]][data.mask] for a in (points, surface))
    away = -(own[own[:, 2] > 0] @ normal)
    if len(away) == 0:
        return None
    there = max(float(np.median(away)), 0.05)
    if abs(np.log(offset / there)) > NEAR or np.mean(np.abs(away / there - 1) < FLAT) <= MOST:
        return False
    if np.isin(kinds, (2, 4, 5)).mean() > MOST:
        return True
    return False if (kinds == 0).mean() > MOST else None


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's steps, with a faint ridge."""
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 0.1 * np.eye(len(beta)), x.T @ (y - p) - 0.1 * beta)
    return beta


def ordered(x: np.ndarray, y: np.ndarray, beta: np.ndarray) -> float:
    """Share of pairs of a good and a bad wall in which the good one has the better odds."""
    odds = x @ beta
    return float((odds[y == 1][:, None] > odds[y == 0][None]).mean()) if 0 < y.sum() < len(y) else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--held-out", default="poc/training/nyu_val.txt")
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    held, run = set(Path(args.held_out).read_text().split()), default_estimator(DEFAULT_MODEL)
    rows: dict[bool, list] = {True: [], False: []}
    for folder in args.folders:
        for frame in select_frames(folder, None, None)[:: args.every]:
            rows[frame.name in held] += walls_of(load_frame(frame), run)
    learnt = fit(*(np.array(a, float) for a in zip(*rows[False])))
    print("even, feet, share, off, foot off:", learnt.round(2), "in force:", IN_FORCE)
    for name, found in (("learnt from", rows[False]), ("held out", rows[True])):
        if found:
            x, y = (np.array(a, float) for a in zip(*found))
            kept = x @ IN_FORCE >= belief.LEAST_BELIEF
            print(f"{name}: {len(y)} walls, {y.mean():.0%} good; ordered {ordered(x, y, learnt):.3f}, as in force {ordered(x, y, IN_FORCE):.3f}; "
                  f"kept {kept.mean():.0%}, of those {y[kept].mean():.0%} good")


if __name__ == "__main__":
    main()
