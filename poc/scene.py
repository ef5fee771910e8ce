"""From depth, surfaces and a camera to a room in metres: `build_scene`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poc.layout import Layout, solve_layout
from poc.scale import fuse, prior_opinion
from poc.types import Camera, DepthMap, Photo, Plane, Reference, Scale, ScaleSource, Scene, Surfaces, WallSegment
from poc.view import FLOOR, make_view

WIDEST_ASPECT = 2.4


def build_scene(photo: Photo, depth: DepthMap, surfaces: Surfaces | None, camera: Camera, *,
                camera_height: tuple[float, float] | None = None, references: Sequence[Reference] = ()) -> Scene:
    """A room in metres, or a Scene whose `refusal` says why there is none.

    camera_height: metres and one sigma. Raises ParameterError on a depth map whose mask has another shape.
    """
    aspect = max(photo.width, photo.height) / min(photo.width, photo.height)
    if aspect > WIDEST_ASPECT:
        return Scene(camera, f"the photo is {aspect:.1f} times as long as wide: a panorama or a strip, not one view of a room")
    view = make_view(camera, depth, surfaces)
    model_sigma = _model_sigma(view, depth)
    layout = solve_layout(view, model_sigma)
    if layout.fit is None:
        return Scene(camera, "no floor is seen, so nothing can be placed")
    if not layout.walls:
        return Scene(camera, "no walls are seen")
    scale = _scale(layout, camera_height, model_sigma)
    return _assemble(view, layout, scale)


def _model_sigma(view, depth: DepthMap) -> float:
    return 0.01 if depth.model == "exact" else 0.10


def _scale(layout: Layout, camera_height, model_sigma) -> Scale:
    opinions = []
    if camera_height is not None:
        opinions.append(ScaleSource("camera height given", camera_height[0], camera_height[1] / camera_height[0]))
    elif layout.fit.height_model_m is not None:
        opinions.append(ScaleSource("metric model", layout.fit.height_model_m, max(0.02, model_sigma)))
    if camera_height is None:
        opinions.append(prior_opinion())
    return fuse(opinions)


def _assemble(view, layout: Layout, scale: Scale) -> Scene:
    h, rot = scale.camera_height_m, layout.room_from_cam
    up = rot[2]
    floor_mask = (view.p[..., FLOOR] > 0.5) & (view.rays @ up < 0)
    planes = [Plane("floor", "floor", up, h, h * scale.sigma_rel, int(floor_mask.sum()), False, floor_mask, scale.source)]
    if layout.ceiling:
        mask = (view.p[..., 3] > 0.5) & (view.rays @ up > 0)
        value, sigma, basis = layout.ceiling
        planes.append(Plane("ceiling", "ceiling", -up, h * (value - 1), h * value * np.hypot(sigma, scale.sigma_rel),
                            int(mask.sum()), False, mask, basis))
    segments = []
    for i, wall in enumerate(layout.walls, 1):
        normal = -(rot.T @ np.array([np.sin(wall.psi), np.cos(wall.psi), 0.0]))
        sigma = np.sqrt(sum(s**2 for s in wall.sigma_rel.values()) + scale.sigma_rel**2)
        planes.append(Plane(f"wall_{i}", "wall", normal, h * wall.distance, h * wall.distance * sigma, int(wall.mask.sum()),
                            wall.foot_seen, wall.mask, wall.basis, None))
        segments.append(_segment(layout, i - 1, h))
    inverse = layout.fit.inverse(view.inverse)
    with np.errstate(divide="ignore"):
        depth_m = np.where(view.valid & (inverse > 0.02), h / inverse, 0.0).astype(np.float32)
    outline = np.vstack([[[0.0, 0.0]]] + [s.ends for s in segments])
    return Scene(view.camera, None, scale, depth_m, depth_m > 0, tuple(planes), tuple(segments), room_from_cam=rot, outline=outline)


def _segment(layout: Layout, k: int, h: float) -> WallSegment:
    wall, pan = layout.walls[k], layout.pan
    cols = np.flatnonzero(layout.path == k)
    ends, kinds = [], []
    for j, step in ((cols[0], -1), (cols[-1], 1)):
        nxt = j + step
        other = layout.path[nxt] if 0 <= nxt < len(layout.path) else None
        az = pan.azimuth[j]
        kind = "frame" if other is None else "occluded"
        if other is not None and other >= 0:
            meet = _meeting(wall, layout.walls[other])
            if meet is not None and abs(np.arctan2(*meet) - az) < 0.06:
                ends.append(meet * h)
                kinds.append("corner")
                continue
        rho = wall.distance / max(np.cos(az - wall.psi), 0.05)
        ends.append(h * rho * np.array([np.sin(az), np.cos(az)]))
        kinds.append(kind)
    return WallSegment(f"wall_{k + 1}", np.array(ends), tuple(kinds))


def _meeting(a, b) -> np.ndarray | None:
    m = np.array([[np.sin(a.psi), np.cos(a.psi)], [np.sin(b.psi), np.cos(b.psi)]])
    if abs(np.linalg.det(m)) < 0.2:
        return None
    return np.linalg.solve(m, [a.distance, b.distance])
