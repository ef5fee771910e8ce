"""Checks of a scene against itself, without any truth: does the depth, left to itself, agree with the room that was fitted?

The limits below are those of a green and of an amber light; beyond, a check is red. They lie where a check begins to say something
about the measurements: a wall 4° off costs about 1 % of a length across the room, a floor 2° off about 6 % of a far wall's distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from poc.geometry import pixel_rays
from poc.metrics import fit_plane
from poc.room.propagate import ceiling_climb
from poc.room.roomspace import crossing_walls
from poc.room.scale import MODEL, disagreements, sigmas_apart
from poc.types import UNCOMMON_CEILING, Check, Plane, Scene

LEAST_CELLS = 120
"""A plane, or half a floor, of fewer cells is not checked."""
CORNER_DEG = (4.0, 10.0)
FLAT_SHARE = (0.02, 0.05)
"""Residual of the depth on a wall, as a share of its distance."""
GRAVITY_DEG = (2.0, 5.0)
HALVES_SHARE = (0.05, 0.12)
"""Difference between the scales by the left and the right half of the floor (log)."""
SCALE_SIGMAS = (1.645, 2.5)
"""Difference between two sources of the scale, in sigmas: two honest ones differ by more than the first in one photo of ten."""
COMMON_CEILING_M, RARE_CEILING_M = (2.1, 3.6), (1.9, 4.5)
"""Heights that homes and offices have, and that some have (attics, old houses and halls)."""
FOCAL_PERCENT = (8.0, 25.0)
"""Difference between a focal length and the one that the photo's lines ask for, where they contradict it."""
VAGUE_CEILING = 0.25
"""One sigma of the ceiling over the camera, as a share of the room's height, above which the height checks nothing."""
LESSENED_UP_TO = 2.0
"""A corner, or a floor off level, by more than this many times the amber limit stays red: the walls' directions, or the camera's tilt, are
then in doubt themselves."""


def self_test(scene: Scene) -> tuple[Check, ...]:
    """Eight checks: corner angles, wall flatness, gravity, left against right, the scale's sources, the focal length, whether walls cross,
    and whether the ceiling is as high as ceilings are. None for a refused scene.

    A check that has nothing to rest on has value None, no light, and a meaning that says why.
    """
    if scene.refusal or scene.depth_m is None:
        return ()
    points = pixel_rays(scene.camera, *scene.depth_m.shape) * scene.depth_m[..., None]
    fits = {p.id: fit for p in scene.planes if (fit := _fit(scene, p, points)) is not None}
    by_foot = np.mean([p.foot_seen for p in scene.planes if p.kind == "wall"] or [False]) > 0.5
    feet = "most walls here are placed by their foot, which this does not touch" if by_foot else ""
    other = "" if MODEL in scene.scale.source else "the scale here comes from elsewhere, which this does not touch"
    return (_lessened(_corners(scene, fits), feet, LESSENED_UP_TO * CORNER_DEG[1]), _flatness(scene, fits),
            _lessened(_gravity(scene, fits), feet, LESSENED_UP_TO * GRAVITY_DEG[1]), _lessened(_halves(scene, points), other),
            scale_sources(scene), _focal(scene), _crossings(scene), _ceiling(scene))


def _lessened(check: Check, why: str, limit: float = np.inf) -> Check:
    """A red check of the depth made amber where the measurements hardly rest on the depth (why: in words; empty where they do), up
    to this limit of its value."""
    if check.light != "red" or not why or check.value > limit:
        return check
    return replace(check, light="amber", meaning=f"{check.meaning}; {why}")


class FreeFit(NamedTuple):
    """A plane fitted to the depth alone. normal: 3, camera frame, toward the camera. sigma_m: of the residuals. distance_m: median
    distance of its points from the camera."""

    normal: np.ndarray
    sigma_m: float
    distance_m: float


def _fit(scene: Scene, plane: Plane, points: np.ndarray) -> FreeFit | None:
    """A free fit to the depth on a plane's cells, outliers left out; None where there are too few. points: h×w×3, camera frame."""
    if plane.mask.shape != scene.depth_m.shape:
        return None
    x = points[plane.mask & scene.valid].astype(float)
    for _ in range(3):
        if len(x) < LEAST_CELLS:
            return None
        normal, sigma = fit_plane(x)
        off = np.abs((x - x.mean(0)) @ normal)
        x = x[off < max(2.5 * sigma, 1e-6)]
    centre = x.mean(0)
    return FreeFit(normal * -np.sign(normal @ centre or 1.0), sigma, float(np.median(np.linalg.norm(x, axis=1))))


def _light(value: float, limits: tuple[float, float]) -> str:
    return "green" if value <= limits[0] else "amber" if value <= limits[1] else "red"


def _check(name: str, value: float | None, unit: str, limits: tuple[float, float], good: str, bad: str, none: str) -> Check:
    """A check by its value and limits. good, bad, none: its meaning where it is green, where it is not, and without a value."""
    if value is None:
        return Check(name, None, unit, "", none)
    light = _light(value, limits)
    return Check(name, float(value), unit, light, good if light == "green" else bad)


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Degrees between two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def _corners(scene: Scene, fits: Mapping[str, FreeFit]) -> Check:
    """The median difference between an angle of two planes as the depth alone has it, and as the room has it."""
    planes = [p for p in scene.planes if p.id in fits and p.kind != "ceiling"]
    off = [abs(_angle(fits[a.id].normal, fits[b.id].normal) - _angle(a.normal_cam, b.normal_cam))
           for i, a in enumerate(planes) for b in planes[i + 1 :]]
    return _check("corner angles", float(np.median(off)) if off else None, "°", CORNER_DEG,
                  "floor and walls meet at the same angles in the depth as in the room that was fitted",
                  "the depth alone would bend the room's corners: a distance that rests on depth is less sure than one from a wall's foot",
                  "no two planes are seen well enough to compare their angle")


def _flatness(scene: Scene, fits: Mapping[str, FreeFit]) -> Check:
    """How far the depth on the walls is from flat (median over the walls)."""
    walls = [fits[p.id] for p in scene.planes if p.kind == "wall" and p.id in fits]
    share = float(np.median([fit.sigma_m / fit.distance_m for fit in walls])) if walls else None
    cm = 100 * float(np.median([fit.sigma_m for fit in walls])) if walls else 0.0
    return _check("wall flatness", None if share is None else 100 * share, "%", (100 * FLAT_SHARE[0], 100 * FLAT_SHARE[1]),
                  f"the depth on the walls is flat to {cm:.1f} cm",
                  f"the depth on the walls ripples by {cm:.1f} cm: furniture, a mirror or a weak depth map",
                  "no wall is seen well enough")


def _gravity(scene: Scene, fits: Mapping[str, FreeFit]) -> Check:
    """How far the floor in the depth is off level."""
    off = _angle(fits["floor"].normal, -scene.camera.gravity) if "floor" in fits else None
    return _check("gravity", off, "°", GRAVITY_DEG, "the floor in the depth is level with the camera's vertical",
                  "the floor in the depth is not level: the camera's tilt or the depth is off, which changes far walls most",
                  "too little floor is seen")


def _halves(scene: Scene, points: np.ndarray) -> Check:
    """Camera height by the left half of the floor against that by the right half. points: h×w×3, camera frame."""
    floor, value = scene.plane("floor"), None
    if floor is not None and floor.mask.shape == scene.depth_m.shape:
        rows, cols = np.nonzero(floor.mask & scene.valid)
        height = -(points[rows, cols] @ floor.normal_cam)
        left = cols < np.median(cols) if len(cols) else np.zeros(0, bool)
        if min(left.sum(), (~left).sum()) >= LEAST_CELLS:
            value = 100 * abs(float(np.log(max(np.median(height[left]), 1e-3) / max(np.median(height[~left]), 1e-3))))
    return _check("left and right", value, "%", (100 * HALVES_SHARE[0], 100 * HALVES_SHARE[1]),
                  "both halves of the floor give the same scale",
                  "the two halves of the floor give different scales: the photo is tilted more than was found, or the floor is not level",
                  "too little floor is seen on one side")


def scale_sources(scene: Scene) -> Check:
    """The largest disagreement between two opinions on the scale, or of a given length of the room with the rest, in standard deviations."""
    opinions = scene.scale.opinions if scene.scale else ()
    gaps = [sigmas_apart(*pair) for pair in combinations(opinions, 2)]
    gaps += [learnt.off for learnt in scene.solution.known] if scene.solution else []
    told = "the sources of the scale differ by somewhat more than one expects of their errors"
    if apart := disagreements(opinions):  # not `Scale.notes`, which also tell that the interval was widened
        told = "the sources of the scale disagree by more than their errors allow: " + "; ".join(apart)
    return _check("scale sources", max(gaps, default=None), "σ", SCALE_SIGMAS, "the sources of the scale agree", told,
                  "there is only one source of the scale, so nothing to compare it with")


def _focal(scene: Scene) -> Check:
    """How far the focal length that was given, or in the file, is from the one that the photo's lines, or else its file, ask for."""
    camera = scene.camera
    if camera.f_against is None:
        return Check("focal length", None, "%", "", "there is only one source of the focal length, so nothing to compare it with")
    told_px, other_px, agrees = camera.f_against
    off = abs(float(np.log(told_px / other_px)))
    percent = 100 * float(np.expm1(off))
    light = "green" if off <= agrees else _light(percent, FOCAL_PERCENT)
    told = (f"the photo's lines, or its file, ask for {other_px:.0f} px, not {told_px:.0f}: it is cropped, zoomed or edited, or the focal "
            "length is not this photo's")
    return Check("focal length", percent, "%", light, "the lines of the room do not contradict it" if light == "green" else told)


def _crossings(scene: Scene) -> Check:
    """How many walls run through each other."""
    pairs = crossing_walls(scene)
    told = "; ".join(f"{a} and {b} run through each other".replace("_", " ") for a, b in pairs)
    return _check("walls in each other's way", float(len(pairs)) if len(scene.walls) > 1 else None, "", (0.0, 0.0),
                  "no wall runs through another", f"{told}: at least one is not where it was put, so measure these by tape",
                  "fewer than two walls were found")


def is_common(lowest_m: float, highest_m: float) -> bool:
    """Whether any height of a ceiling, from the lowest to the highest that is seen of it, is one that homes and offices have."""
    return lowest_m <= COMMON_CEILING_M[1] and highest_m >= COMMON_CEILING_M[0]


def _ceiling(scene: Scene) -> Check:
    """Whether the height found is one that rooms have: a check of the scale that needs no second source."""
    ceiling = scene.plane("ceiling")
    if ceiling is None or scene.camera_height_m is None:
        return Check("ceiling height", None, "m", "", "no ceiling was found")
    height = float(scene.camera_height_m + ceiling.offset_m)
    climb = ceiling_climb(scene)
    if climb is not None and is_common(min(height, climb[0]), max(height, climb[1])):
        return Check("ceiling height", None, "m", "", "the ceiling is not level, so its height does not check the scale")
    if ceiling.sigma_m > VAGUE_CEILING * height:
        return Check("ceiling height", None, "m", "", "the height is too uncertain to check the scale")
    inside = [low <= height <= high for low, high in (COMMON_CEILING_M, RARE_CEILING_M)]
    if inside[0]:
        return Check("ceiling height", height, "m", "green", "it is one that homes and offices have")
    return Check("ceiling height", height, "m", "amber" if inside[1] else "red", UNCOMMON_CEILING)
