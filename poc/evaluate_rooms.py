"""Scores of room dimensions against ground truth: `poc evaluate-rooms FOLDER`.

Each photo is measured in three ways: as asked for (`camera_height`), with nothing given, and with the true depth in place of the
model's, which isolates the errors of the geometry.

The truth is the exact `room` of rendered frames where meta.json has one, else planes fitted to the true depth on labelled floor, wall and
ceiling pixels. Gravity is then the floor's normal (`gravity_deg`), or the direction that agrees best with all these planes
(`gravity_joint_deg`). A measured plane matches a true one if their normals are within 15° and their pixels overlap enough. Wall lengths
and the visible floor area are scored only where the truth is exact, since fitted planes do not show where a wall ends. Photos are not
straightened, unlike in `poc measure`: the truth refers to their pixels as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from poc.camera import estimate_camera
from poc.errors import ContradictionError, DataError
from poc.evaluate import Estimator, default_estimator
from poc.measure import measure
from poc.metrics import fit_plane, foot_pixels, true_wall_masks, unproject_grid
from poc.models import DEFAULT_MODEL
from poc.photo import load_photo
from poc.room.freespace import LEAST_FLOOR_M2
from poc.scene import build_scene
from poc.training.folder import LoadedFrame, load_frame, select_frames
from poc.types import Camera, DepthMap, Measurement, Photo, Plane, Scene, Surfaces

MATCH_DEG = 15.0
MATCH_SHARE = 0.3
HEIGHT_SIGMA = 0.03 / 1.645
"""Relative sigma of a camera height given to ±3 % (90 %)."""
FOOT_PIXELS = 20
"""A fitted wall's foot counts as seen from this many foot pixels on."""
FOOT_GAP, FOOT_REACH = 14, 45
"""Rows that hand-drawn labels leave unlabelled between wall and floor, and rows below a fitted wall in which its foot is looked for
(skirting boards and noise at edges keep the lowest rows out of the fit)."""
PLANE_M = 0.05
"""A true point this near to a wall's plane belongs to the wall: rounding of the depth, frames and skirting boards stay below."""
LEAST_PIXELS, SEEN_PIXELS = 4000, 100
"""A surface of more than LEAST_PIXELS is scored; one of fewer than SEEN_PIXELS counts as not in the photo."""
GROUPS = ("camera_height", "ceiling_height", "walls_foot_seen", "walls", "wall_length", "floor_area_visible")
BOUNDED = ("ceiling_height", "wall_length", "floor_area_visible")
"""Groups in which an answer may be a lower bound."""
WAYS = ("as_asked", "nothing_given", "true_depth")
LEAN_RAD, LEVEL_WEIGHT = np.radians(2.0), 2.0
"""For `joint_gravity`: the deviation at which a plane's Cauchy weight has fallen to half, and the weight of floor and ceiling relative to a
wall. On 522 of NYU's training frames the floor was 0.74° off in pitch and 0.89° in roll, a wall 1.2° (see `tests/eval_camera.py`)."""
FALSE_SHARE = 0.15
"""A measured wall is false when its distance differs by more than this (log ratio) from that of every true wall facing the same way, and
from the true depth of its own pixels."""


@dataclass(frozen=True)
class TrueWall:
    """A true wall: unit normal toward the camera, distance in metres, its pixels (bool H×W of the photo), whether its foot is in view, and
    its length from corner to corner where known."""

    normal_cam: np.ndarray
    offset_m: float
    mask: np.ndarray
    foot_seen: bool
    length_m: float | None = None


@dataclass(frozen=True)
class Truth:
    """The ground truth of a frame; None where something is not known.

    gravity: unit 3-vector down, camera frame; joint_gravity: the same, estimated from all fitted planes. ceiling_height_m: only where
    enough of the ceiling is visible to ask for it; room_height_m: also where it is not. walls: those to be found; slivers: those of which
    too little is visible to ask for them, None where not all walls are known. floor_area_m2: the floor within the photo's frame and in
    front of the walls, including what furniture covers.
    """

    gravity: np.ndarray | None
    camera_height_m: float | None
    ceiling_height_m: float | None
    walls: tuple[TrueWall, ...]
    ceiling_seen: bool = True
    room_height_m: float | None = None
    slivers: tuple[TrueWall, ...] | None = None
    floor_area_m2: float | None = None
    joint_gravity: np.ndarray | None = None


class Hit(NamedTuple):
    """A measured value against its truth: relative error, whether the truth is inside the 90 % interval, and the interval's relative
    width."""

    error: float
    covered: bool
    width: float


@dataclass
class RoomTally:
    """Scores accumulated over frames, by group: a hit for each true value that was measured, and in `total` how many true values there
    were. bounds: for each measured lower bound, whether the true value lies below it."""

    rows: dict[str, list[Hit]] = field(default_factory=lambda: {g: [] for g in GROUPS})
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

    camera_height: "true" gives the true height with ±3 % (90 %), a number gives it with that relative sigma, None gives nothing. The value
    given is always the true one, so its uncertainty is in the intervals but not in the errors.

    The groups at the top level are measured with that height; `nothing_given` and `true_depth` (without a height either) hold the same
    groups. A refused frame counts as not found. `false_walls` and `false_ceilings` count planes measured where there is none; `bounds`
    counts the lower bounds whose true value is known, and how many of them are broken. Raises DataError naming a bad file.
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
    """The scores of every group, with its lower bounds where it can have them."""
    groups = {g: _scores(tally.rows[g], tally.total[g]) for g in GROUPS}
    for group, broken in tally.bounds.items():
        groups[group]["bounds"] = {"n": len(broken), "broken": sum(broken)}
    return groups


def truth_of(loaded: LoadedFrame) -> Truth:
    """The exact truth of a rendered room, else the fitted one. Raises DataError for a malformed record of a room."""
    if loaded.frame.room is None:
        return fitted_truth(loaded)
    try:
        return exact_truth(loaded)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"is not a valid record of a rendered room ({type(error).__name__}: {error})"
        raise DataError(f"{loaded.frame.name}: its `room` in meta.json {problem}") from error


def exact_truth(loaded: LoadedFrame) -> Truth:
    """Truth of a rendered room from its record in meta.json. A wall's mask holds the pixels labelled wall, door or window (any pixel in
    a folder without labels) whose true depth puts them on the wall's plane."""
    f, room = loaded.frame, loaded.frame.room
    points = unproject_grid(loaded.depth_m, f.fx, f.fy, f.cx, f.cy)
    upright = (loaded.depth_m > 0) & (np.isin(loaded.surface, (2, 4, 5)) | (f.label is None))
    walls, slivers = [], []
    for w in room["walls"]:
        normal, offset = np.array(w["normal_cam"], float), float(w["offset_m"])
        if w["visible_pixels"] > 0:
            mask = upright & (np.abs(points @ normal + offset) < PLANE_M)
            wall = TrueWall(normal, offset, mask, bool(w["foot_visible"]), float(w["length_m"]))
            (walls if w["visible_pixels"] > LEAST_PIXELS else slivers).append(wall)
    pixels = room.get("ceiling_pixels", 0)
    ceiling = room["ceiling_height_m"] if pixels > LEAST_PIXELS else None
    floor = float(room["floor_area_visible_m2"])
    return Truth(
        gravity=np.array(room["camera"]["gravity_cam"], float), camera_height_m=float(room["camera"]["height_m"]),
        ceiling_height_m=ceiling, walls=tuple(walls), ceiling_seen=pixels >= SEEN_PIXELS, room_height_m=room["ceiling_height_m"],
        slivers=tuple(slivers), floor_area_m2=floor if floor > LEAST_FLOOR_M2 else None,
    )  # fmt: skip


def fitted_truth(loaded: LoadedFrame) -> Truth:
    """Truth from depth and labels: floor, ceiling and up to three vertical walls by RANSAC. The ceiling's height is the median of its
    pixels along the floor's normal, since a plane fitted to the ceiling itself, often a small far patch, tilts by degrees."""
    f, known = loaded.frame, loaded.depth_m > 0
    points = unproject_grid(loaded.depth_m, f.fx, f.fy, f.cx, f.cy)
    least = min(LEAST_PIXELS, known.size // 40)

    def planes(surface: int) -> list[_FittedPlane]:
        masks = true_wall_masks(points, known & (loaded.surface == surface), np.random.default_rng(0), least)
        return [_FittedPlane(*_plane(points[mask]), mask) for mask in masks]

    floor = [plane for plane in planes(1)[:1] if abs(plane.normal[1]) > np.cos(np.radians(45))]
    ceiling = planes(3)[:1]
    seen = int((loaded.surface == 3).sum()) >= SEEN_PIXELS
    if not floor:
        return Truth(None, None, None, (), seen)
    up, height = floor[0].normal, floor[0].offset_m
    level_ceiling = [plane for plane in ceiling if abs(plane.normal @ up) > np.cos(np.radians(10))]
    foot = foot_pixels(loaded.surface, gap=FOOT_GAP)
    walls = tuple(
        TrueWall(plane.normal, plane.offset_m, plane.mask, _below(foot, plane.mask) >= FOOT_PIXELS)
        for plane in planes(2)
        if abs(plane.normal @ up) < np.sin(np.radians(10))
    )
    room_height = height + float(np.median(points[level_ceiling[0].mask] @ up)) if level_ceiling else None
    joint = joint_gravity(-up, [up, *(plane.normal for plane in level_ceiling)], [wall.normal_cam for wall in walls])
    return Truth(-up, height, room_height, walls, seen, room_height, joint_gravity=joint)


class _FittedPlane(NamedTuple):
    """A plane through true points: unit normal toward the camera, distance in metres, and its pixels (bool H×W)."""

    normal: np.ndarray
    offset_m: float
    mask: np.ndarray


def joint_gravity(down: np.ndarray, level: Sequence[np.ndarray], upright: Sequence[np.ndarray]) -> np.ndarray:
    """The direction of gravity (unit, camera frame) that agrees best with unit normals of level planes (floor, ceiling) and upright ones
    (walls): iteratively reweighted least squares with Cauchy weights, starting from `down`.

    Checked by leaving a wall out: it is 1.20° off plumb by the floor alone and 1.10° by all the other planes (median of 572 walls in NYU's
    training frames).
    """
    for _ in range(20):
        scatter = np.zeros((3, 3))
        for n in level:
            scatter += LEVEL_WEIGHT * (np.eye(3) - np.outer(n, n)) / (1 + (1 - (n @ down) ** 2) / LEAN_RAD**2)
        for n in upright:
            scatter += np.outer(n, n) / (1 + (n @ down) ** 2 / LEAN_RAD**2)
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
    """Measure one frame in all three ways and add the results. camera_height: as in `evaluate_rooms`."""
    frame = loaded.frame
    photo = replace(load_photo(frame.rgb), f_px=0.5 * (frame.fx + frame.fy))
    depth, surfaces = run(photo)
    camera = estimate_camera(photo, surfaces, depth, focal_px=photo.f_px, principal_point=(frame.cx, frame.cy))
    sigma = HEIGHT_SIGMA if camera_height == "true" else camera_height
    given = None if sigma is None or truth.camera_height_m is None else (truth.camera_height_m, sigma * truth.camera_height_m)
    start = time.process_time()
    scene = built_or_refused(photo, depth, surfaces, camera, given)
    tallies["as_asked"].geometry_ms.append(1000 * (time.process_time() - start))
    true = DepthMap(loaded.depth_m, "metric", loaded.depth_m > 0, "true depth")
    free = scene if given is None else build_scene(photo, depth, surfaces, camera)
    scenes = (scene, free, build_scene(photo, true, surfaces, camera))
    for way, one in zip(WAYS, scenes):
        _add_scene(tallies[way], frame.name, truth, one)
    points = unproject_grid(loaded.depth_m, frame.fx, frame.fy, frame.cx, frame.cy)
    tallies["as_asked"].false_ceilings += scene.plane("ceiling") is not None and not truth.ceiling_seen
    tallies["as_asked"].false_walls += sum(is_false(p, truth, points) for p in scene.planes if p.kind == "wall")


def built_or_refused(photo: Photo, depth: DepthMap, surfaces: Surfaces | None, camera: Camera, height: tuple[float, float] | None) -> Scene:
    """The scene with its true camera height given (metres and one sigma); a depth that this contradicts is the model's mistake, not the
    caller's, so that the frame counts as refused."""
    try:
        return build_scene(photo, depth, surfaces, camera, camera_height=height)
    except ContradictionError as error:
        return Scene(camera, str(error))


def _add_scene(tally: RoomTally, name: str, truth: Truth, scene: Scene) -> None:
    """Add the gravity, measurements and lower bounds of one scene."""
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
    """Whether a measured wall does not exist: no true wall facing the same way is near its distance, nor (where not all walls are known)
    are the true points of its own pixels. points: H×W×3, camera frame, z = 0 where unknown."""
    near = [w.offset_m for w in (*truth.walls, *(truth.slivers or ())) if _angle(w.normal_cam, plane.normal_cam) < MATCH_DEG]
    rows, cols = (np.linspace(0, n - 1, m).astype(int) for n, m in zip(points.shape[:2], plane.mask.shape))
    own = points[rows[:, None], cols[None]][plane.mask]
    own = own[own[:, 2] > 0]
    if len(own) and truth.slivers is None:
        near.append(max(float(np.median(-(own @ plane.normal_cam))), 0.05))
    return all(abs(np.log(plane.offset_m / o)) > FALSE_SHARE for o in near)


def match(wall: TrueWall, scene: Scene) -> Plane | None:
    """The measured wall that overlaps this true one most, or None where none matches."""
    facing = [p for p in scene.planes if p.kind == "wall" and _angle(p.normal_cam, wall.normal_cam) <= MATCH_DEG]
    shares = [overlap(plane.mask, wall.mask) for plane in facing]
    best = max(range(len(facing)), key=lambda i: shares[i], default=None)
    return facing[best] if best is not None and shares[best] >= MATCH_SHARE else None


def overlap(mask: np.ndarray, true: np.ndarray) -> float:
    """Intersection of two masks over the area of the smaller one. mask: bool h×w on the working grid; true: bool H×W of the photo."""
    import cv2

    small = cv2.resize(true.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    return float((small & mask).sum() / max(1, min(small.sum(), mask.sum())))


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Degrees between two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1, 1))))


def _add(tally: RoomTally, group: str, true: float | None, m: Measurement | None) -> None:
    """Count a true value, and score what was measured of it."""
    if true is None:
        return
    tally.total[group] += 1
    if m is None or m.status != "measured" or m.value is None:
        return
    covered = m.low <= true <= m.high
    tally.rows[group].append(Hit(abs(m.value - true) / true, bool(covered), (m.high - m.low) / m.value))


def _add_bound(tally: RoomTally, group: str, true: float | None, m: Measurement | None) -> None:
    """Note whether a lower bound is above the true value."""
    if true is not None and m is not None and m.status == "lower_bound":
        tally.bounds[group].append(bool(m.low > true))


def _spread(values: list[float]) -> dict[str, float] | None:
    return {"median": round(float(np.median(values)), 2), "p90": round(float(np.percentile(values, 90)), 2)} if values else None


def _scores(rows: list[Hit], total: int) -> dict[str, float | int | None]:
    """Number of true values, share found, and over those found: median and 90th percentile of the error, coverage and median width of the
    90 % interval."""
    out: dict[str, float | int | None] = {"n": total, "found": round(len(rows) / total, 3) if total else None}
    if not rows:
        return out | {"median": None, "p90": None, "coverage_90": None, "width": None}
    error, covered, width = (np.array(x, float) for x in zip(*rows))
    numbers = {"median": np.median(error), "p90": np.percentile(error, 90), "coverage_90": covered.mean(), "width": np.median(width)}
    return out | {k: round(float(v), 4) for k, v in numbers.items()}
