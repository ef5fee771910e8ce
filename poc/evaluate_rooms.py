"""Room dimensions against truth: `poc evaluate-rooms FOLDER`.

Three ways to measure each photo: as asked for (`camera_height`), with nothing given, and with its true depth in place of the
model's, which leaves what the geometry itself gets wrong.

Truth is the exact `room` of rendered frames where meta.json has it, else planes fitted to true depth on labelled floor, wall and
ceiling pixels; gravity is then the floor's (`gravity_deg`), or what all these planes say together (`gravity_joint_deg`). A measured
plane belongs to a true one when their normals are within 15° and most of its pixels lie on it. Lengths of walls and the floor in view
are scored where the truth is exact: fitted planes do not tell where a wall ends. Photos are taken as they are, since truth goes by
their pixels: one whose lens bends lines is not straightened here, as `poc measure` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from poc.camera import estimate_camera
from poc.errors import DataError
from poc.evaluate import Estimator, default_estimator
from poc.measure import measure
from poc.metrics import fit_plane, foot_pixels, true_wall_masks, unproject_grid
from poc.models import DEFAULT_MODEL
from poc.photo import load_photo
from poc.room.freespace import LEAST_FLOOR_M2
from poc.scene import build_scene
from poc.training.folder import LoadedFrame, load_frame, select_frames
from poc.types import DepthMap, Measurement, Plane, Scene

MATCH_DEG = 15.0
MATCH_SHARE = 0.3
HEIGHT_SIGMA = 0.03 / 1.645
"""A camera height given to ±3 % (90 %)."""
FOOT_PIXELS = 20
FOOT_GAP, FOOT_REACH = 14, 45
"""Rows that hand-drawn labels leave open between wall and floor, and that skirting and edge noise keep out of a fitted wall."""
PLANE_M = 0.05
"""A true point this near to a wall's plane is of it: depth in millimetres, frames and skirting stand out by less."""
LEAST_PIXELS, SEEN_PIXELS = 4000, 100
"""Pixels of a surface that make a truth of it; fewer than the second, and it is not in the photo."""
GROUPS = ("camera_height", "ceiling_height", "walls_foot_seen", "walls", "wall_length", "floor_area_visible")
BOUNDED = ("ceiling_height", "wall_length", "floor_area_visible")
"""Groups in which an answer may be a lower bound."""
WAYS = ("as_asked", "nothing_given", "true_depth")
LEAN, LEVEL_SAY = np.radians(2.0), 2.0
"""Where the say of a plane in the truth's gravity has fallen by half (Cauchy), and how much more say per axis floor and ceiling have than
a wall: on 522 of NYU's training frames the floor was 0.74° off in pitch and 0.89° in roll, a wall 1.2° (hats as in `tests/eval_camera.py`)."""
FALSE_SHARE = 0.15
"""A measured wall is false when it is farther than this from every true wall that faces its way, and from what its own
pixels show."""


@dataclass(frozen=True)
class TrueWall:
    """A wall of the truth: its normal toward the camera, distance, pixels of the photo, and length from corner to corner, where known."""

    normal_cam: np.ndarray
    offset_m: float
    mask: np.ndarray
    foot_seen: bool
    length_m: float | None = None


@dataclass(frozen=True)
class Truth:
    """What is known of a frame; None where it is not. ceiling_seen: whether any ceiling is in the photo. room_height_m: of a room whose
    height is known though its ceiling is not seen well enough to be asked for. slivers: walls of which too little is seen for
    that, where all walls are known; else None. floor_area_m2: of the floor in the photo's frame and before the walls, under furniture too.
    joint_gravity: by all planes together."""

    gravity: np.ndarray | None
    camera_height_m: float | None
    ceiling_height_m: float | None
    walls: tuple[TrueWall, ...]
    ceiling_seen: bool = True
    room_height_m: float | None = None
    slivers: tuple[TrueWall, ...] | None = None
    floor_area_m2: float | None = None
    joint_gravity: np.ndarray | None = None


@dataclass
class RoomTally:
    """Per group one row (error, covered, width) for each truth found, and how many truths there were. bounds: of each quantity told to be
    at least so much, whether the truth breaks it."""

    rows: dict[str, list[tuple[float, bool, float]]] = field(default_factory=lambda: {g: [] for g in GROUPS})
    bounds: dict[str, list[bool]] = field(default_factory=lambda: {g: [] for g in BOUNDED})
    total: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))
    gravity_deg: list[float] = field(default_factory=list)
    gravity_joint_deg: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    false_walls: int = 0
    false_ceilings: int = 0
    geometry_ms: list[float] = field(default_factory=list)


def evaluate_rooms(folder: str | Path, model: str = DEFAULT_MODEL, *, names: Iterable[str] | None = None, limit: int | None = None,
                   camera_height: str | float | None = "true", estimator: Estimator | None = None,
                   progress: Callable[[int, int], None] | None = None) -> dict:
    """Score room dimensions on a folder in the project's format; errors and widths are relative to the truth.

    camera_height: "true" gives the true height with ±3 % (90 %), a number gives it with that relative sigma, None gives nothing.
    A frame that is refused counts as not found. The groups at the top level are with that height; `nothing_given` and
    `true_depth` (no height given either) hold the same groups. `false_walls` and `false_ceilings` count those
    measured where none is; `bounds` the ceilings, lengths of walls and floors told to be at least so high, long or large where that is
    known, and how many are less. The height given is the true one: its ±3 % is in the intervals, not in the errors.
    Raises DataError naming a bad file.
    """
    frames = select_frames(folder, names, limit)
    run, tallies = estimator or default_estimator(model), {way: RoomTally() for way in WAYS}
    for i, frame in enumerate(frames):
        loaded = load_frame(frame)
        truth = truth_of(loaded)
        add_room(tallies, loaded, truth, run, camera_height)
        if progress:
            progress(i + 1, len(frames))
    asked, free, exact = (tallies[way] for way in WAYS)
    return {"model": model, "frames": len(frames), "height_given": "not given" if camera_height is None else str(camera_height),
            "refused": len(asked.refused), **_groups(asked), "gravity_deg": _spread(asked.gravity_deg),
            "gravity_joint_deg": _spread(asked.gravity_joint_deg), "false_walls": asked.false_walls, "false_ceilings": asked.false_ceilings,
            "geometry_ms": _spread(asked.geometry_ms), "nothing_given": _groups(free), "true_depth": _groups(exact)}


def _groups(tally: RoomTally) -> dict[str, dict]:
    groups = {g: _scores(tally.rows[g], tally.total[g]) for g in GROUPS}
    for group, broken in tally.bounds.items():
        groups[group]["bounds"] = {"n": len(broken), "broken": sum(broken)}
    return groups


def truth_of(loaded: LoadedFrame) -> Truth:
    """The exact truth where a record has one, else what is fitted. Raises DataError for a record that is none."""
    if loaded.frame.room is None:
        return fitted_truth(loaded)
    try:
        return exact_truth(loaded)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{loaded.frame.name}: its `room` in meta.json is not a valid record of a rendered room ({type(error).__name__}: {error})") from error


def exact_truth(loaded: LoadedFrame) -> Truth:
    """Truth of a rendered room from its record in meta.json: the walls with pixels in the photo, which are those labelled wall,
    door or window (all, in a folder without labels) that its depth has in the wall's plane."""
    f, room = loaded.frame, loaded.frame.room
    points = unproject_grid(loaded.depth_m, f.fx, f.fy, f.cx, f.cy)
    upright = (loaded.depth_m > 0) & (np.isin(loaded.surface, (2, 4, 5)) | (f.label is None))
    walls, slivers = [], []
    for w in room["walls"]:
        normal, offset = np.array(w["normal_cam"], float), float(w["offset_m"])
        if w["visible_pixels"] > 0:
            mask = upright & (np.abs(points @ normal + offset) < PLANE_M)
            (walls if w["visible_pixels"] > LEAST_PIXELS else slivers).append(TrueWall(normal, offset, mask, bool(w["foot_visible"]), float(w["length_m"])))
    pixels = room.get("ceiling_pixels", 0)
    ceiling = room["ceiling_height_m"] if pixels > LEAST_PIXELS else None
    floor = float(room["floor_area_visible_m2"])
    return Truth(np.array(room["camera"]["gravity_cam"], float), float(room["camera"]["height_m"]), ceiling, tuple(walls), pixels >= SEEN_PIXELS,
                 room["ceiling_height_m"], tuple(slivers), floor if floor > LEAST_FLOOR_M2 else None)


def fitted_truth(loaded: LoadedFrame) -> Truth:
    """Truth from depth and labels: floor, ceiling and up to three walls by RANSAC; only walls that stand upright count. The
    ceiling's height is that of its pixels along the floor's normal: its own plane, often a small far patch, leans by degrees."""
    f, known = loaded.frame, loaded.depth_m > 0
    points = unproject_grid(loaded.depth_m, f.fx, f.fy, f.cx, f.cy)
    least = min(LEAST_PIXELS, known.size // 40)

    def planes(surface: int) -> list[tuple[np.ndarray, float, np.ndarray]]:
        masks = true_wall_masks(points, known & (loaded.surface == surface), np.random.default_rng(0), least)
        return [(*_plane(points[m]), m) for m in masks]

    floor, ceiling = [p for p in planes(1)[:1] if abs(p[0][1]) > np.cos(np.radians(45))], planes(3)[:1]
    seen = int((loaded.surface == 3).sum()) >= SEEN_PIXELS
    if not floor:
        return Truth(None, None, None, (), seen)
    up, height, _ = floor[0]
    level = [abs(n @ up) > np.cos(np.radians(10)) for n, _, _ in ceiling]
    foot = foot_pixels(loaded.surface, gap=FOOT_GAP)
    walls = tuple(TrueWall(n, o, m, _below(foot, m) >= FOOT_PIXELS) for n, o, m in planes(2) if abs(n @ up) < np.sin(np.radians(10)))
    above = float(np.median(points[ceiling[0][2]] @ up)) if level and level[0] else None
    room_height = None if above is None else height + above
    joint = joint_gravity(-up, [up, *(n for (n, _, _), is_level in zip(ceiling, level) if is_level)], [w.normal_cam for w in walls])
    return Truth(-up, height, room_height, walls, seen, room_height, joint_gravity=joint)


def joint_gravity(down: np.ndarray, level: Sequence[np.ndarray], upright: Sequence[np.ndarray]) -> np.ndarray:
    """Down (unit, camera frame) to which unit normals of floor and ceiling (`level`) are nearest to parallel and those of walls
    (`upright`) to square: least squares with Cauchy weights, again and again from a first `down`. A wall that is left out is 1.20° off
    plumb (median of 572 on NYU's training frames) by the floor alone, 1.10° by all the other planes."""
    for _ in range(20):
        scatter = np.zeros((3, 3))
        for n in level:
            scatter += LEVEL_SAY * (np.eye(3) - np.outer(n, n)) / (1 + (1 - (n @ down) ** 2) / LEAN**2)
        for n in upright:
            scatter += np.outer(n, n) / (1 + (n @ down) ** 2 / LEAN**2)
        axis = np.linalg.eigh(scatter)[1][:, 0]
        down = axis * np.sign(axis @ down)
    return down


def _plane(x: np.ndarray) -> tuple[np.ndarray, float]:
    """Unit normal toward the camera and distance of the plane through points."""
    normal, centre = fit_plane(x.astype(float))[0], x.mean(0)
    normal = normal * -np.sign(normal @ centre or 1.0)
    return normal, float(-normal @ centre)


def _below(foot: np.ndarray, mask: np.ndarray) -> int:
    """Foot pixels at most `FOOT_REACH` rows below the mask."""
    reached = np.zeros_like(mask)
    for k in range(1, FOOT_REACH + 1):
        reached[k:] |= mask[:-k]
    return int((foot & reached).sum())


def add_room(tallies: dict[str, RoomTally], loaded: LoadedFrame, truth: Truth, run: Estimator, camera_height) -> None:
    """Measure one frame in all three ways and add what came of it."""
    frame = loaded.frame
    photo = replace(load_photo(frame.rgb), f_px=0.5 * (frame.fx + frame.fy))
    depth, surfaces = run(photo)
    camera = estimate_camera(photo, surfaces, depth, focal_px=photo.f_px, principal_point=(frame.cx, frame.cy))
    sigma = HEIGHT_SIGMA if camera_height == "true" else camera_height
    given = None if sigma is None or truth.camera_height_m is None else (truth.camera_height_m, sigma * truth.camera_height_m)
    start = time.process_time()
    scene = build_scene(photo, depth, surfaces, camera, camera_height=given)
    tallies["as_asked"].geometry_ms.append(1000 * (time.process_time() - start))
    true = DepthMap(loaded.depth_m, "metric", loaded.depth_m > 0, "true depth")
    free = scene if given is None else build_scene(photo, depth, surfaces, camera)
    scenes = (scene, free, build_scene(photo, true, surfaces, camera))
    for way, one in zip(WAYS, scenes):
        _add_scene(tallies[way], frame.name, truth, one)
    points = unproject_grid(loaded.depth_m, frame.fx, frame.fy, frame.cx, frame.cy)
    tallies["as_asked"].false_ceilings += scene.plane("ceiling") is not None and not truth.ceiling_seen
    tallies["as_asked"].false_walls += sum(is_false(p, truth, points) for p in scene.planes if p.kind == "wall")


def _add_scene(tally: RoomTally, name: str, truth: Truth, scene: Scene) -> None:
    if scene.refusal:
        tally.refused.append(name)
    elif truth.gravity is not None:
        tally.gravity_deg.append(_angle(scene.camera.gravity, truth.gravity))
        if truth.joint_gravity is not None:
            tally.gravity_joint_deg.append(_angle(scene.camera.gravity, truth.joint_gravity))
    found = {m.name: m for m in measure(scene)}
    _add(tally, "camera_height", truth.camera_height_m, found.get("camera_height"))
    _add(tally, "ceiling_height", truth.ceiling_height_m, found.get("ceiling_height"))
    _add_bound(tally, "ceiling_height", truth.room_height_m, found.get("ceiling_height"))
    _add(tally, "floor_area_visible", truth.floor_area_m2, found.get("floor_area_visible"))
    _add_bound(tally, "floor_area_visible", truth.floor_area_m2, found.get("floor_area_visible"))
    for wall in truth.walls:
        plane = match(wall, scene)
        m = None if plane is None else found.get(f"{plane.id}_distance")
        _add(tally, "walls", wall.offset_m, m)
        if wall.foot_seen:
            _add(tally, "walls_foot_seen", wall.offset_m, m)
        length = None if plane is None else found.get(f"{plane.id}_length")
        _add(tally, "wall_length", wall.length_m, length)
        _add_bound(tally, "wall_length", wall.length_m, length)


def is_false(plane: Plane, truth: Truth, points: np.ndarray) -> bool:
    """Whether a measured wall is none: no true wall facing its way is near its distance, nor, where not all walls are known, are the
    true points (H×W×3, z 0 where unknown) of its own pixels."""
    near = [w.offset_m for w in (*truth.walls, *(truth.slivers or ())) if _angle(w.normal_cam, plane.normal_cam) < MATCH_DEG]
    rows, cols = (np.linspace(0, n - 1, m).astype(int) for n, m in zip(points.shape[:2], plane.mask.shape))
    own = points[rows[:, None], cols[None]][plane.mask]
    own = own[own[:, 2] > 0]
    if len(own) and truth.slivers is None:
        near.append(max(float(np.median(-(own @ plane.normal_cam))), 0.05))
    return all(abs(np.log(plane.offset_m / o)) > FALSE_SHARE for o in near)


def match(wall: TrueWall, scene: Scene) -> Plane | None:
    """The measured wall that is this true one, or None."""
    best = None
    for plane in scene.planes:
        if plane.kind != "wall" or _angle(plane.normal_cam, wall.normal_cam) > MATCH_DEG:
            continue
        share = overlap(plane.mask, wall.mask)
        if share >= MATCH_SHARE and (best is None or share > best[0]):
            best = (share, plane)
    return None if best is None else best[1]


def overlap(mask: np.ndarray, true: np.ndarray) -> float:
    """Share of the measured plane's cells, or of the true wall's if that is larger, in which both lie."""
    import cv2

    small = cv2.resize(true.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    return float((small & mask).sum() / max(1, min(small.sum(), mask.sum())))


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1, 1))))


def _add(tally: RoomTally, group: str, true: float | None, m: Measurement | None) -> None:
    if true is None:
        return
    tally.total[group] += 1
    if m is None or m.status != "measured" or m.value is None:
        return
    covered = m.low <= true <= m.high
    tally.rows[group].append((abs(m.value - true) / true, bool(covered), (m.high - m.low) / m.value))


def _add_bound(tally: RoomTally, group: str, true: float | None, m: Measurement | None) -> None:
    if true is not None and m is not None and m.status == "lower_bound":
        tally.bounds[group].append(bool(m.low > true))


def _spread(values: list[float]) -> dict[str, float] | None:
    return {"median": round(float(np.median(values)), 2), "p90": round(float(np.percentile(values, 90)), 2)} if values else None


def _scores(rows: list[tuple[float, bool, float]], total: int) -> dict[str, float | int | None]:
    """n truths, share found, and over those found: errors, coverage of the 90 % interval, its median relative width."""
    out: dict[str, float | int | None] = {"n": total, "found": round(len(rows) / total, 3) if total else None}
    if not rows:
        return out | {"median": None, "p90": None, "coverage_90": None, "width": None}
    error, covered, width = (np.array(x, float) for x in zip(*rows))
    numbers = {"median": np.median(error), "p90": np.percentile(error, 90), "coverage_90": covered.mean(), "width": np.median(width)}
    return out | {k: round(float(v), 4) for k, v in numbers.items()}
