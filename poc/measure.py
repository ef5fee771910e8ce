"""Measurements with intervals from a scene, a self-test, and what to measure next."""

from __future__ import annotations

import numpy as np

from poc.room.freespace import free_measurements
from poc.room.nextstep import next_measurement
from poc.room.selftest import self_test
from poc.types import Z90, Measurement, Scene

__all__ = ["FIXED_NAMES", "measure", "measurement_json", "next_measurement", "self_test"]

FIXED_NAMES = (("camera_height", "m"), ("ceiling_height", "m"), ("longest_wall", "m"), ("longest_free_wall", "m"),
               ("floor_area_visible", "m²"), ("floor_area_free", "m²"))


def measure(scene: Scene) -> tuple[Measurement, ...]:
    """All measurements of DESIGN.md; on a refused scene the fixed names as unknown, with the reason."""
    if scene.refusal:
        return tuple(Measurement(n, None, None, None, unit, "unknown", "", scene.refusal, light="red") for n, unit in FIXED_NAMES)
    s = scene.scale.sigma_rel
    out = [_interval("camera_height", scene.camera_height_m, s, s, scene.scale.source)]
    ceiling, floor = scene.plane("ceiling"), scene.plane("floor")
    if ceiling is None:
        out.append(Measurement("ceiling_height", None, None, None, "m", "unknown", "", "the ceiling is out of the photo, or not seen clearly enough", light="red"))
    else:
        total = ceiling.offset_m + scene.camera_height_m
        out.append(_interval("ceiling_height", total, ceiling.sigma_m / total, s, ceiling.basis))
    walls = []
    for seg in scene.walls:
        plane = scene.plane(seg.plane_id)
        rel = plane.sigma_m / plane.offset_m
        out.append(_interval(f"{seg.plane_id}_distance", plane.offset_m, rel, s, plane.basis))
        whole = all(k == "corner" for k in seg.end_kinds)
        walls.append(_interval(f"{seg.plane_id}_length", seg.length_m, np.hypot(rel, 0.02), s, plane.basis,
                               "" if whole else "an end of the wall is out of sight"))
    out += walls
    if walls:
        longest = max(walls, key=lambda m: m.value)
        out.append(Measurement("longest_wall", longest.value, longest.low, longest.high, "m", longest.status, longest.basis,
                               longest.reason, longest.budget, longest.light))
    out += free_measurements(scene)
    return tuple(out)


def _interval(name, value, sigma_rel, scale_rel, basis, hidden="", unit="m") -> Measurement:
    low, high = value * np.exp(-Z90 * sigma_rel), value * np.exp(Z90 * sigma_rel)
    share = min(1.0, (scale_rel / max(sigma_rel, 1e-9)) ** 2)
    light = "green" if sigma_rel < 0.04 else "amber" if sigma_rel < 0.12 else "red"
    return Measurement(name, float(value), float(low), None if hidden else float(high), unit, "lower_bound" if hidden else "measured",
                       basis, hidden, {"scale": share, "fit": 1 - share}, light)


def measurement_json(scene: Scene, measurements: tuple[Measurement, ...], model: dict) -> dict:
    """The contract of `poc measure --json`."""
    camera, scale = scene.camera, scene.scale
    return {
        "camera": {"f_px": float(camera.f_px), "source": camera.f_source},
        "model": model,
        "scale": {"source": "none" if scale is None else scale.source},
        "planes": [{"id": p.id, "kind": p.kind, "normal_cam": [float(x) for x in p.normal_cam], "offset_m": float(p.offset_m),
                    "pixels": p.pixels, "foot_seen": p.foot_seen} for p in scene.planes],
        "measurements": [{"name": m.name, "value": m.value, "low": m.low, "high": m.high, "unit": m.unit, "status": m.status,
                          "basis": m.basis, "reason": m.reason} for m in measurements],
        "refusal": scene.refusal,
    }
