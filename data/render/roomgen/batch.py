"""Runs: the sample photos, and random rooms by seed (resumable)."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import export, ids, render, truth
from .camera import Pose
from .plan import Plan
from .randomroom import random_room
from .samples import LOOK, SAMPLES

LOG = logging.getLogger("roomgen")

VIEWS = 3
"""Photos per random room: building it costs about as much as one small photo."""
LOOKS = (
    "AgX - Medium High Contrast",
    "AgX - Base Contrast",
    "AgX - High Contrast",
    "AgX - Medium Low Contrast",
    "AgX - Punchy",
)
FOCALS = (22, 23, 24, 24, 25, 25, 26, 26, 26, 27, 28, 28, 30, 32, 35)


def render_samples(folder: Path, names: list[str], size, samples: int, threads: int) -> None:
    """Writes the named sample photos (all when none is named) and their entries of meta.json."""
    for sample in SAMPLES:
        if names and sample.name not in names:
            continue
        start = time.time()
        pose = replace(sample.pose, width=size[0], height=size[1]) if size else sample.pose
        quality = render.Quality(samples, 8, threads, True)
        render.fresh_scene()
        render.set_up(quality)
        stage = sample.build()
        entry, errors = shoot(
            folder, sample.name, stage, pose, quality, LOOK, sample.target, np.random.default_rng(7), 0.5
        )
        meta = export.read_meta(folder)
        meta["frames"][sample.name] = entry
        export.write_meta(folder, meta)
        LOG.info(
            "%s: %.0f s, plane errors (m) %s",
            sample.name,
            time.time() - start,
            {k: round(v, 5) for k, v in errors.items()},
        )


def shoot(
    folder: Path,
    name: str,
    stage,
    pose: Pose,
    quality,
    look: str,
    target: float,
    rng,
    depth_scale: float = 1.0,
    passes=None,
) -> tuple[dict, dict]:
    """Renders and writes one photo of a built scene; → its meta.json entry and the planes' errors against the depth.

    depth_scale: size of depth_mm against the photo (its own rays through its own pixel centres, not a resampling).
    passes: depth and index at the photo's size, where they are known already."""
    depth, index = passes or truth.close_windows(stage.room, pose, *render.exact_passes(pose))
    entry = {"intrinsics": export.intrinsics(pose), "room": truth.frame_truth(stage, pose, depth, index)}
    errors = truth.plane_errors(stage.room, pose, depth, index)
    if depth_scale != 1.0:
        small = pose.scaled(depth_scale)
        depth, _ = truth.close_windows(stage.room, small, *render.exact_passes(small))
    cast = (1.0, 1.0, 1.0) if quality.fine else tuple(rng.normal(1.0, 0.03, 3))
    grain = 1.2 if quality.fine else float(rng.uniform(0.5, 2.6))
    rgb = export.film(render.picture(pose, quality, look, target), rng, grain, cast=cast)
    export.write_frame(folder, name, pose, rgb, depth, index)
    return entry, errors


def render_random(folder: Path, count: int, seed: int, size: tuple[int, int], samples: int, threads: int) -> None:
    """Writes `count` photos of random rooms (seed, seed + 1, …; VIEWS of each). Frames that exist are skipped."""
    meta = export.read_meta(folder)
    quality = render.Quality(samples, 4, threads, False)
    for number in range(-(-count // VIEWS)):
        views = range(min(VIEWS, count - number * VIEWS))
        wanted = [k for k in views if not _done(folder, meta, f"r{seed + number:06d}_{k}")]
        if wanted:
            start = time.time()
            made = _room(folder, meta, seed + number, wanted, size, quality)
            export.write_meta(folder, meta)
            LOG.info(
                "room %d: %d photos, %.1f s each; %d in all",
                seed + number,
                made,
                (time.time() - start) / max(made, 1),
                len(meta["frames"]),
            )


def _done(folder: Path, meta: dict, name: str) -> bool:
    """Written, or given up before (no good view in that room)."""
    return name in meta.get("given_up", []) or (name in meta["frames"] and (folder / "rgb" / f"{name}.jpg").exists())


def _room(folder: Path, meta: dict, seed: int, views: list[int], size, quality) -> int:
    render.fresh_scene()
    render.set_up(quality)
    stage, plan = random_room(seed)
    made = 0
    for k in views:
        rng = np.random.default_rng([seed, k])
        name, (pose, passes) = f"r{seed:06d}_{k}", _find_view(plan, rng, size)
        if pose is None:
            meta.setdefault("given_up", []).append(name)
            continue
        entry, errors = shoot(
            folder,
            name,
            stage,
            pose,
            quality,
            str(rng.choice(LOOKS)),
            float(rng.uniform(0.2, 0.46)),
            rng,
            passes=passes,
        )
        worst = max((v for plane, v in errors.items() if plane != "floor"), default=0.0)
        if worst > 0.001:
            LOG.warning("%s: a plane is %.1f mm off its depth", name, worst * 1000)
        meta["frames"][name] = entry
        made += 1
    return made


def _find_view(plan: Plan, rng, size, tries: int = 4):
    """A view that a person would take: not into a cupboard, not with something right before the lens.

    → (pose, (depth, index)) or (None, None)."""
    for _ in range(tries):
        pose = _draw_pose(plan, rng, size)
        if pose is None:
            break
        depth, index = truth.close_windows(plan.room, pose, *render.exact_passes(pose))
        shares = np.bincount(index.ravel(), minlength=ids.FURNITURE) / index.size
        floor_seen = shares[ids.FLOOR] > 0.03 or rng.random() < 0.15
        if (depth < 0.6).mean() < 0.10 and shares.max() < 0.75 and np.median(depth) > 1.1 and floor_seen:
            return pose, (depth, index)
    return None, None


def _draw_pose(plan: Plan, rng, size) -> Pose | None:
    """A standing place clear of furniture and walls, looking where there is room to see."""
    low, high = plan.room.outline.min(axis=0), plan.room.outline.max(axis=0)
    for _ in range(400):
        x, y = rng.uniform(low + 0.12, high - 0.12)
        around = np.array(
            [(x - 0.25, y - 0.25), (x + 0.25, y - 0.25), (x + 0.25, y + 0.25), (x - 0.25, y + 0.25), (x, y)]
        )
        if not truth.inside(plan.room.outline, around[:4] * 0.5 + around[4] * 0.5).all():
            continue
        if any(b[4] > 0.3 and b[0] - 0.2 < x < b[2] + 0.2 and b[1] - 0.2 < y < b[3] + 0.2 for b in plan.boxes):
            continue
        yaw = float(rng.uniform(-180, 180))
        if _sight(plan, x, y, yaw) < max(1.8, 0.55 * float((high - low).max())):
            continue
        width, height = size
        draw = rng.random()
        if draw < 0.13:
            width, height = height, width
        elif draw < 0.22:
            height = round(width * 9 / 16)
        pitch, roll = float(np.clip(rng.normal(-5.5, 5), -15, 5)), float(np.clip(rng.normal(0, 0.9), -2, 2))
        tall = float(np.clip(rng.normal(1.45, 0.18), 0.9, 1.8))
        return Pose(
            (round(x, 4), round(y, 4), round(tall, 4)),
            round(yaw, 3),
            round(pitch, 3),
            round(roll, 3),
            int(rng.choice(FOCALS)),
            width,
            height,
        )
    return None


def _sight(plan: Plan, x: float, y: float, yaw_deg: float) -> float:
    """Free distance (metres) along the viewing direction, to a wall or to something taller than 1.1 m."""
    step = np.array([np.sin(np.radians(yaw_deg)), np.cos(np.radians(yaw_deg))])
    for far in np.arange(0.2, 9.0, 0.1):
        px, py = x + far * step[0], y + far * step[1]
        blocked = any(b[4] > 1.1 and b[0] < px < b[2] and b[1] < py < b[3] for b in plan.boxes)
        if blocked or not truth.inside(plan.room.outline, np.array([[px, py]]))[0]:
            return float(far)
    return 9.0
