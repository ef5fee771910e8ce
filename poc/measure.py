"""Measurements with intervals from a scene, a self-test, and what to measure next."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from poc.room.freespace import end_sigma_m, free_measurements, log_normal, propagated, unknown, which_go
from poc.room.nextstep import next_measurement
from poc.room.propagate import ceiling_climb, variance, wall_length
from poc.room.roomspace import crossing_walls, longest_free
from poc.room.selftest import COMMON_CEILING_M, is_common, scale_sources, self_test
from poc.types import RUNS_THROUGH, SLOPING_CEILING, UNCOMMON_CEILING, Measurement, Scene

__all__ = ["FIXED_NAMES", "measure", "measurement_json", "next_measurement", "self_test"]

FIXED_NAMES = (("camera_height", "m"), ("ceiling_height", "m"), ("longest_wall", "m"), ("longest_free_wall", "m"),
               ("floor_area_visible", "m²"), ("floor_area_free", "m²"))
"""Measurements that every photo has, with their units; `measure` adds two for each wall."""
NO_CEILING = "the ceiling is out of the photo, or not seen clearly enough"
END_REASONS = {
    (): "",
    ("frame",): "an end of the wall is out of the photo",
    ("occluded",): "an end of the wall is hidden, or not made out",
    ("frame", "frame"): "both ends of the wall are out of the photo",
    ("occluded", "occluded"): "both ends of the wall are hidden, or not made out",
    ("frame", "occluded"): "one end of the wall is out of the photo, the other hidden, or not made out",
}
"""Why a wall's length is a lower bound, by the kinds of its ends that are no corners."""
LEAST_LENGTH_M = 0.1
"""A wall of which less is seen has no length."""
WORTH_SAYING_M = 1.9
"""A lower bound of the room's height below this is not told: every room is so high."""
MOST_SPREAD = 4.0
"""Where the upper end of an interval is more than so many times the lower one, nothing is said. (None of 455 in photos of 128 rooms.)"""


def measure(scene: Scene, one_view: bool = True) -> tuple[Measurement, ...]:
    """All measurements: `FIXED_NAMES`, and distance and length of each wall; of a refused scene `FIXED_NAMES` as unknown, with the
    reason. one_view: as of `poc.room.freespace.free_measurements`."""
    if scene.refusal:
        return tuple(Measurement(n, None, None, None, unit, "unknown", "", scene.refusal, light="red") for n, unit in FIXED_NAMES)
    out = [_camera_height(scene), _ceiling_height(scene)]
    lengths = []
    for k, wall in enumerate(scene.walls):
        plane = scene.plane(wall.plane_id)
        value, parts = propagated(scene, lambda s, k=k: s.distance[k], plane.offset_m, plane.sigma_m)
        out.append(log_normal(f"{wall.plane_id}_distance", value, "m", parts, plane.basis))
        lengths.append(_length(scene, k))
    groups = (out, lengths, free_measurements(scene, one_view))
    out, lengths, free = ([if_known(m) for m in doubting_crossed(scene, group)] for group in groups)
    out += lengths
    if lengths:
        out.append(replace(longest(lengths), name="longest_wall"))
    return doubting_scale([scene], (*out, *free))


def doubting_scale(scenes: Sequence[Scene], measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """The measurements, none of them green where the sources of the scale differ by more than one expects in any of the scenes that they
    come from: every length hangs on it."""
    doubted = any(scale_sources(scene).light in ("amber", "red") for scene in scenes)
    return tuple(replace(m, light="amber") if doubted and m.light == "green" else m for m in measurements)


def if_known(m: Measurement) -> Measurement:
    """The measurement, unknown where its interval says hardly more than that it has some size."""
    if m.status != "measured" or m.high <= MOST_SPREAD * m.low:
        return m
    return unknown(m.name, m.unit, f"too uncertain to say: {m.low:.2f} to {m.high:.2f} {m.unit}")


def doubting_crossed(scene: Scene, measurements: Iterable[Measurement]) -> list[Measurement]:
    """The measurements, with a red light and a reason at those of walls that run through each other: whatever their intervals say,
    one of the two walls is not where it was put."""
    through: dict[str, list[str]] = {}
    for a, b in crossing_walls(scene):
        through.setdefault(a, []).append(b)
        through.setdefault(b, []).append(a)
    free = longest_free(scene)
    out = []
    for m in measurements:
        wall = re.sub("_(distance|length)$", "", m.name) if m.name != "longest_free_wall" else free and free[0].plane_id
        crossed = through.get(wall, ())
        why = f"{RUNS_THROUGH} {' and '.join(crossed).replace('_', ' ')}: one of them is not where it was put"
        out.append(replace(m, light="red", reason=f"{m.reason}; {why}" if m.reason else why) if crossed else m)
    return out


def longest(lengths: Iterable[Measurement]) -> Measurement:
    """The longest of some walls' lengths, of which those of walls that go on out of sight are lower bounds.

    Where a wall that goes on is already seen to be longer than the longest one with both ends, the longest is at least the greater of
    their lower ends. Where one that goes on might be longer, it is at least the longest seen whole: of 32 such, told with an upper end,
    21 were shorter than the truth.
    """
    told = [m for m in lengths if m.status != "unknown"]
    if not told:
        return unknown("longest_wall", "m", "hardly any of the walls is seen")
    best = max(told, key=lambda m: m.value if m.status == "measured" else m.low)
    longer = max((m for m in told if m.status == "lower_bound" and m.value > best.value), key=lambda m: m.value, default=None)
    if best.status == "lower_bound":
        return best
    if longer is not None:
        return replace(longer, low=max(longer.low, best.low))
    bounds = [m for m in told if m.status == "lower_bound"]
    if not bounds:
        return best
    cut = [m.name.removesuffix("_length").replace("_", " ") for m in bounds]
    own = best.name.removesuffix("_length").replace("_", " ")
    whole = f"{own}, seen whole, is {best.value:.2f} m ({best.low:.2f}–{best.high:.2f}); {which_go(cut)} on out of sight"
    low, reason = max(best.low, *(m.low for m in bounds)), f"{best.reason}; {whole}" if best.reason else whole
    return replace(best, low=low, high=None, status="lower_bound", reason=reason)


def _camera_height(scene: Scene) -> Measurement:
    """The camera above the floor."""
    h = scene.camera_height_m
    value, parts = propagated(scene, lambda s: s.camera_height, h, h * scene.scale.sigma_rel)
    return log_normal("camera_height", value, "m", parts, scene.scale.source)


def _ceiling_height(scene: Scene) -> Measurement:
    """The ceiling above the floor, or how high the room is at least."""
    ceiling = scene.plane("ceiling")
    if ceiling is None:
        return _least_height(scene)
    total = ceiling.offset_m + scene.camera_height_m
    value, parts = propagated(scene, lambda s: s.ceiling, total, ceiling.sigma_m)
    told = log_normal("ceiling_height", value, "m", parts, ceiling.basis)
    if ceiling_climb(scene) is not None:
        return _along_climb(scene, told)
    return _if_common(told, value, value)


def _if_common(told: Measurement, lowest_m: float, highest_m: float) -> Measurement:
    """A ceiling's height, in doubt where no height that is seen of it, from the lowest to the highest, is one that rooms have."""
    if is_common(lowest_m, highest_m):
        return told
    low, high = COMMON_CEILING_M
    outside = told.low > high or told.high < low
    reason = f"{told.reason}; {UNCOMMON_CEILING}" if told.reason else UNCOMMON_CEILING
    return replace(told, light="red" if outside or told.light == "red" else "amber", reason=reason)


def _along_climb(scene: Scene, told: Measurement) -> Measurement:
    """The height of a ceiling that is not level: from the lowest to the highest that is seen of it, each with its own error."""

    def end(k: int) -> Measurement:
        value, parts = variance(scene.solution, lambda s: s.climb[k])
        return log_normal(told.name, value, told.unit, parts, told.basis)

    lowest, highest = end(0), end(1)
    from_m, to_m = min(told.value, lowest.value), max(told.value, highest.value)
    reason = f"{SLOPING_CEILING}; what is seen of it is {from_m:.1f} to {to_m:.1f} m high"
    wide = replace(told, low=min(told.low, lowest.low), high=max(told.high, highest.high), reason=reason,
                   light="red" if told.light == "red" else "amber")
    kept = (math.log(told.high / told.low) / math.log(wide.high / wide.low)) ** 2
    budget = {cause: share * kept for cause, share in told.budget.items()}
    wide = replace(wide, budget=budget | {"fit": budget.get("fit", 0.0) + 1.0 - kept})
    return _if_common(wide, from_m, to_m)


def _least_height(scene: Scene) -> Measurement:
    """The room's height where no ceiling is seen: at least as high as a wall is seen (from `WORTH_SAYING_M` on), else unknown."""
    if scene.solution is not None and scene.solution.base.top is not None:
        value, parts = variance(scene.solution, lambda s: s.top)
        least = log_normal("ceiling_height", value, "m", parts, "height up to which a wall is seen", NO_CEILING)
        if least.low > WORTH_SAYING_M:
            return least
    return unknown("ceiling_height", "m", NO_CEILING)


def _length(scene: Scene, k: int) -> Measurement:
    """Length of wall k as far as it is seen; a lower bound unless both of its ends are corners."""
    wall = scene.walls[k]
    plane = scene.plane(wall.plane_id)
    value, parts = propagated(scene, lambda s: wall_length(s, k), wall.length_m, wall.length_m * plane.sigma_m / plane.offset_m)
    unseen = sum(end_sigma_m(scene, plane, at) ** 2 for at, kind in zip(wall.ends, wall.end_kinds) if kind != "corner")
    parts["unseen"] = unseen / max(value, 0.01) ** 2
    reason = END_REASONS[tuple(sorted(kind for kind in wall.end_kinds if kind != "corner"))]
    return no_sliver(log_normal(f"{wall.plane_id}_length", value, "m", parts, plane.basis, reason))


def no_sliver(length: Measurement) -> Measurement:
    """A wall's length, unknown where hardly any of it is seen."""
    return length if length.low >= LEAST_LENGTH_M else unknown(length.name, length.unit, "hardly any of the wall is seen")


def measurement_json(scene: Scene, measurements: tuple[Measurement, ...], model: dict, photo: str | None = None,
                     notes: Sequence[str] = ()) -> dict:
    """The contract of `poc measure --json`. model: what is told of the depth model. photo: the file's name as given; None where there
    was no file. notes: what was done to it when it was read (`Photo.notes`)."""
    camera = scene.camera
    return {
        "photo": photo,
        "notes": list(notes),
        "camera": {"f_px": float(camera.f_px), "source": camera.f_source, "width": camera.width, "height": camera.height,
                   "notes": list(camera.notes)},
        "model": model,
        "scale": _scale_json(scene, measurements),
        "planes": [{"id": p.id, "kind": p.kind, "normal_cam": [float(x) for x in p.normal_cam], "offset_m": float(p.offset_m),
                    "pixels": p.pixels, "foot_seen": p.foot_seen} for p in scene.planes],
        "measurements": [{"name": m.name, "value": m.value, "low": m.low, "high": m.high, "unit": m.unit, "status": m.status,
                          "basis": m.basis, "reason": m.reason, "light": m.light,
                          "budget": {k: round(float(v), 4) for k, v in m.budget.items()}} for m in measurements],
        "refusal": scene.refusal,
    }


def _scale_json(scene: Scene, measurements: tuple[Measurement, ...]) -> dict:
    """Where the scale comes from: the camera's height (metres) with its 90 % interval as measured, and what each source says of it
    (sigma_rel: one sigma, relative; note: how a reference was read), so that a reader can see which one decides. Empty where there is
    no room."""
    scale, none = scene.scale, {"camera_height_m": None, "low": None, "high": None, "opinions": [], "notes": []}
    source = {"source": "none" if scale is None else scale.source}
    if scale is None or scene.refusal:
        return source | none
    height = next((m for m in measurements if m.name == "camera_height"), None)
    opinions = [{"source": o.source, "camera_height_m": float(o.camera_height_m), "sigma_rel": float(o.sigma_rel), "note": o.note}
                for o in scale.opinions]
    return source | {"camera_height_m": float(scale.camera_height_m), "low": height and height.low, "high": height and height.high,
                     "opinions": opinions, "notes": list(scale.notes)}
