"""Sweeps over exact furnished rooms: errors, and whether the 90 % intervals cover. `python -m tests.test_sweeps` prints the table.

Three plan shapes (one L-shaped), pitches of 4–20° down, focals of 0.55–0.85 of the width, landscape and portrait; every room
is drawn from its seed, so the numbers are the same every time. A truth is the room's own, never a fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import pytest

from poc.measure import measure
from poc.scene import build_scene
from poc.types import Z90, Measurement, Scene
from tests import synthetic
from tests.synthetic import SHAPES, SyntheticRoom

QUICK = tuple(range(6))
ALL = tuple(range(100))
SOME, OTHERS = ALL[::8], ALL[4::8]
NOISY = ALL[1::4]
PRIOR_FOCAL, PRIOR_FOCAL_SIGMA = 26 / 36, 0.12
GROUPS = ("distance", "length", "ceiling", "area")
MAY_END = ("length", "ceiling")  # may go on out of the photo: then "at least" is said, and judged as that


@dataclass(frozen=True)
class Row:
    """One measurement against its truth: log error, one sigma of the interval, and whether it is a lower bound."""

    group: str
    error: float
    sigma: float
    bound: bool


@cache
def room(seed: int) -> SyntheticRoom:
    return synthetic.make_room(seed, SHAPES[seed % 3], size=(360, 480) if seed % 7 == 3 else (480, 360))


def exact(seed: int) -> Scene:
    """Exact metric depth, true camera, nothing else."""
    r = room(seed)
    return build_scene(r.photo, r.depth, r.surfaces, r.camera)


def affine(seed: int) -> Scene:
    """Relative inverse depth of random scale and shift; true camera, true height."""
    r = room(seed)
    return build_scene(r.photo, synthetic.affine_depth(r, seed), r.surfaces, r.camera, camera_height=(r.camera_height_m, 0.002))


def focal_unknown(seed: int) -> Scene:
    """The same with a phone's usual focal length, as if nothing told it."""
    r = room(seed)
    f = PRIOR_FOCAL * max(r.photo.width, r.photo.height)
    camera = replace(r.camera, f_px=f, f_source="assumed", f_sigma_rel=PRIOR_FOCAL_SIGMA)
    return build_scene(r.photo, synthetic.affine_depth(r, seed), r.surfaces, camera, camera_height=(r.camera_height_m, 0.002))


def noisy(seed: int, sigma: float) -> Scene:
    """Blobs on the depth, a sigma_log that says so, a camera off by its stated sigmas, soft and shifted surfaces; metric
    with nothing given for even seeds, else relative with a height off by its 2 %."""
    r, rng = room(seed), np.random.default_rng(seed + 77)
    depth = synthetic.noisy_depth(r, sigma, seed + 5)
    surfaces = synthetic.surfaces_from_labels(r.labels, 240, 1.0, rng)
    height = None
    if seed % 2:
        depth = synthetic.affine_depth(r, seed, depth)
        height = (r.camera_height_m * float(np.exp(0.02 * rng.normal())), 0.02 * r.camera_height_m)
    depth = replace(depth, sigma_log=np.full(depth.values.shape, sigma, np.float32))
    return build_scene(r.photo, depth, surfaces, synthetic.perturbed_camera(r, seed), camera_height=height)


def blobs_3(seed: int) -> Scene:
    return noisy(seed, 0.03)


def blobs_10(seed: int) -> Scene:
    return noisy(seed, 0.10)


# --- truth ------------------------------------------------------------------------------------------------------------


def seen_floor_m2(r: SyntheticRoom, cell: float = 0.02) -> float:
    """Floor in the photo's view and before the walls, furniture standing on it included."""
    low, high = r.polygon.min(0), r.polygon.max(0)
    x, y = np.meshgrid(*(np.arange(a, b, cell) + cell / 2 for a, b in zip(low, high, strict=True)))
    cam = np.stack([x, y, np.full_like(x, -r.camera_height_m)], -1) @ r.world_from_cam
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = (cam[..., i] / cam[..., 2] * r.camera.f_px + c for i, c in enumerate((r.camera.cx, r.camera.cy)))
        free = np.ones(x.shape, bool)
        for p, q in zip(r.polygon, np.roll(r.polygon, -1, axis=0), strict=True):
            step = q - p
            cross = x * step[1] - y * step[0]
            t, s = (p[0] * step[1] - p[1] * step[0]) / cross, (p[0] * y - p[1] * x) / cross
            free &= ~((t > 0) & (t < 1) & (s >= 0) & (s <= 1))
    inside = (cam[..., 2] > 0) & (u > -0.5) & (u < r.photo.width - 0.5) & (v > -0.5) & (v < r.photo.height - 0.5)
    return float((inside & free).sum()) * cell**2


def rows(seed: int, scene: Scene) -> list[Row]:
    """What was measured against what is true. A true wall is the measured one of its direction that is nearest."""
    if scene.refusal:
        return []
    r, found = room(seed), {m.name: m for m in measure(scene)}
    out = [_row("area", found["floor_area_visible"], seen_floor_m2(r)), _row("ceiling", found["ceiling_height"], r.ceiling_height_m)]
    for wall in r.walls:
        alike = [p for p in scene.planes if p.kind == "wall" and p.normal_cam @ wall.normal_cam > 0.94]
        if alike:
            plane = min(alike, key=lambda p: abs(np.log(p.offset_m / wall.offset_m)))
            if abs(np.log(plane.offset_m / wall.offset_m)) < 0.5:  # farther off is another wall: this one was not found
                out += [_row("distance", found[f"{plane.id}_distance"], wall.offset_m), _row("length", found[f"{plane.id}_length"], wall.length_m)]
    return [x for x in out if x is not None]


def _row(group: str, m: Measurement, true: float) -> Row | None:
    if m.value is None:
        return None
    return Row(group, float(np.log(m.value / true)), float(np.log(m.value / m.low)) / Z90, m.status == "lower_bound")


@cache
def sweep(scenario, seeds: tuple[int, ...]) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {g: [] for g in (*GROUPS, "bound")}
    for seed in seeds:
        for row in rows(seed, scenario(seed)):
            out["bound" if row.bound and row.group in MAY_END else row.group].append(row)
    return out


def errors(found: list[Row]) -> np.ndarray:
    return np.abs([r.error for r in found])


def coverage(found: list[Row]) -> float:
    return float(np.mean([abs(r.error) <= Z90 * r.sigma for r in found]))


def width(found: list[Row]) -> float:
    """Median width of the 90 % intervals, relative."""
    return float(np.median([2 * np.sinh(Z90 * r.sigma) for r in found]))


def bounds_hold(found: list[Row]) -> float:
    """Share of the lower bounds that are not above the truth."""
    return float(np.mean([r.error <= Z90 * r.sigma for r in found]))


# --- quick: six rooms --------------------------------------------------------------------------------------------------


def test_six_exact_rooms():
    found = sweep(exact, QUICK)
    assert len(found["distance"]) >= 12 and len(found["length"]) >= 2
    for group in ("distance", "length", "ceiling"):
        assert np.median(errors(found[group])) <= 0.005 and errors(found[group]).max() <= 0.02, group
    assert bounds_hold(found["bound"]) == 1.0


# --- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_exact_depth_gives_exact_rooms():
    found = sweep(exact, ALL)
    for group in ("distance", "length", "ceiling"):
        assert len(found[group]) >= 40, group
        assert np.median(errors(found[group])) <= 0.005, group
        assert np.percentile(errors(found[group]), 95) <= 0.02, group
    assert np.median(errors(found["area"])) <= 0.02
    assert bounds_hold(found["bound"]) >= 0.97


@pytest.mark.slow
def test_scale_and_shift_of_a_relative_map_are_found():
    found = sweep(affine, SOME)
    for group in ("distance", "length", "ceiling"):
        assert np.median(errors(found[group])) <= 0.01, group


@pytest.mark.slow
def test_an_unknown_focal_is_found():
    found = sweep(focal_unknown, OTHERS)
    for group in ("distance", "length", "ceiling"):
        assert np.median(errors(found[group])) <= 0.03, group


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "widest"), [(blobs_3, 0.16), (blobs_10, 0.18)])
def test_intervals_cover(scenario, widest):
    """85–95 % meant; so few rooms tell a share to ± 5 %, and whole lengths (under soft surfaces most walls show but a bound)
    are too few to be judged on their own."""
    found = sweep(scenario, NOISY)
    for group in ("distance", "ceiling", "area"):
        assert coverage(found[group]) >= 0.80, group
    assert width(found["distance"]) <= widest and width(found["ceiling"]) <= widest
    assert 0.85 <= coverage([r for g in GROUPS for r in found[g]]) <= 0.98
    assert bounds_hold(found["bound"]) >= 0.85


def table() -> None:
    cv2.setNumThreads(1)
    for scenario, seeds in ((exact, ALL), (affine, SOME), (focal_unknown, OTHERS), (blobs_3, NOISY), (blobs_10, NOISY)):
        found = sweep(scenario, seeds)
        for group in GROUPS:
            e = 100 * errors(found[group])
            print(f"{scenario.__name__:14} {group:9} n {len(e):3}  median {np.median(e):5.2f} %  95th {np.percentile(e, 95):5.2f} %  "
                  f"covered {coverage(found[group]):.2f}  width {100 * width(found[group]):5.1f} %")
        print(f"{scenario.__name__:14} lower bounds of length and ceiling hold {bounds_hold(found['bound']):.2f} of {len(found['bound'])}", flush=True)


if __name__ == "__main__":
    table()
