"""The room's shape in camera heights: walls from their feet and from depth, fused by uncertainty, and the ceiling.

Metres come later (`poc.scale`): here the camera stands at height 1 over the floor, so that scale can be exchanged freely.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poc.feet import WallLine, assign_columns, find_walls, foot_points, gather_evidence
from poc.planes import DepthFit, fit_floor, plane_offset
from poc.view import CEILING, DOOR, WALL, WINDOW, Panorama, View, make_panorama, sample

MIN_COLUMNS = 6


@dataclass(frozen=True)
class LaidWall:
    """One wall: plan normal azimuth psi (from the camera to it), distance in camera heights, relative sigma by cause,
    columns seen, direct foot columns, mask on the working grid, basis."""

    psi: float
    distance: float
    sigma_rel: dict[str, float]
    columns: np.ndarray
    direct: np.ndarray
    mask: np.ndarray
    basis: str
    foot_seen: bool
    flatness: float | None


@dataclass(frozen=True)
class Layout:
    """pan, path: index into `walls` per azimuth (-1 none). ceiling: height over the floor in camera heights with its relative
    sigma and basis, or None."""

    room_from_cam: np.ndarray
    fit: DepthFit | None
    pan: Panorama
    path: np.ndarray
    walls: tuple[LaidWall, ...]
    ceiling: tuple[float, float, str] | None


def room_rotation(gravity: np.ndarray, manhattan: np.ndarray | None) -> np.ndarray:
    """Camera to room frame: rows right, forward, up; forward is the wall axis nearest to the viewing direction."""
    up = -np.asarray(gravity, float) / np.linalg.norm(gravity)
    candidates = [np.array([0.0, 0.0, 1.0])] if manhattan is None else [s * a for a in manhattan[:2] for s in (1, -1)]
    forward = max(candidates, key=lambda a: a[2])
    forward = forward - (forward @ up) * up
    if np.linalg.norm(forward) < 1e-3:
        forward = np.array([0.0, 1.0, 0.0]) - up[1] * up
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up])


def solve_layout(view: View, model_sigma: float) -> Layout:
    """Walls and ceiling of a view. Never raises for a photo without a room: then `walls` is empty."""
    rot = room_rotation(view.camera.gravity, view.camera.manhattan)
    fit = fit_floor(view, view.camera.gravity, model_sigma=model_sigma)
    pan = make_panorama(view, rot)
    rho = None if fit is None else _horizontal_distance(view, fit, pan)
    ev = gather_evidence(pan, rho, max(model_sigma, 0.03))
    angles = np.arange(-2, 3) * np.pi / 2
    angles = angles[(np.cos(angles[:, None] - pan.azimuth[None]).max(1)) > 0.15]
    walls = find_walls(pan, ev, angles)
    if not walls:
        return Layout(rot, fit, pan, np.full(len(pan.azimuth), -1), (), None)
    path = assign_columns(pan, ev, walls)
    laid, index = [], {}
    for k, (psi, e) in enumerate(walls):
        wall = _refine(view, fit, pan, rot, psi, e, path == k, model_sigma)
        if wall is not None:
            index[k] = len(laid)
            laid.append(wall)
    path = np.array([index.get(k, -1) for k in path])
    order = sorted(range(len(laid)), key=lambda i: float(np.mean(pan.azimuth[laid[i].columns])))
    path = np.array([order.index(k) if k >= 0 else -1 for k in path])
    laid = tuple(laid[i] for i in order)
    return Layout(rot, fit, pan, path, laid, _ceiling(view, fit, pan, path, laid, rot, model_sigma))


def _horizontal_distance(view: View, fit: DepthFit, pan: Panorama) -> np.ndarray:
    """Horizontal distance by depth over the panorama, camera heights; NaN where unknown."""
    inverse = fit.inverse(view.inverse)
    with np.errstate(divide="ignore"):
        depth = np.where(view.valid & (inverse > 0.01), 1.0 / inverse, np.nan)
    span = np.linalg.norm(view.rays @ np.eye(3), axis=-1)
    down = view.rays @ view.camera.gravity
    span = np.sqrt(np.maximum(span**2 - down**2, 0))
    rho = sample((depth * span).astype(np.float32), pan.map_u, pan.map_v, nearest=True)
    return np.where(pan.seen, rho, np.nan)


def _refine(view, fit, pan, rot, psi, e, columns, model_sigma) -> LaidWall | None:
    if columns.sum() < MIN_COLUMNS:
        return None
    c = np.cos(pan.azimuth - psi)
    observed, direct = foot_points(pan, e * c)
    use = columns & direct & (c > 0.05)
    foot = None
    if use.sum() >= 5:
        ratio = observed[use] / c[use]
        e_foot = float(np.average(np.clip(ratio, *np.percentile(ratio, [20, 80])), weights=c[use] ** 2))
        px = 1.2 / view.f_grid / np.sqrt(1 + use.sum() / 25)
        foot = (1.0 / e_foot, px / float(np.mean(observed[use])))
    normal = -(rot.T @ np.array([np.sin(psi), np.cos(psi), 0.0]))
    mask = _wall_mask(view, pan, columns, e * c)
    depth = None if fit is None else plane_offset(view, fit, normal, mask)
    if foot is None and depth is None:
        return None
    sigma_d = None if depth is None else float(np.hypot(model_sigma, depth[1] * 0.3))
    if foot and depth:
        w1, w2 = foot[1] ** -2, sigma_d**-2
        value = float(np.exp((w1 * np.log(foot[0]) + w2 * np.log(depth[0])) / (w1 + w2)))
        sigma, basis = {"fit": foot[1] * w1 / (w1 + w2), "model": sigma_d * w2 / (w1 + w2)}, "foot + depth"
        if w1 > 20 * w2:
            basis = "foot"
    elif foot:
        value, sigma, basis = foot[0], {"fit": foot[1]}, "foot"
    else:
        value, sigma, basis = depth[0], {"model": sigma_d}, "depth"
    return LaidWall(psi, value, sigma, columns, use, mask, basis, foot is not None, None if depth is None else depth[1])


def _wall_mask(view, pan, columns, s) -> np.ndarray:
    """Working-grid cells of wall, door or window whose azimuth is in the wall's columns."""
    rows = (pan.p[..., WALL] + pan.p[..., DOOR] + pan.p[..., WINDOW] > 0.5) & pan.seen & columns[None]
    mask = np.zeros(view.shape, bool)
    v, u = pan.map_v[rows], pan.map_u[rows]
    h, w = view.shape
    mask[np.clip(np.round(v).astype(int), 0, h - 1), np.clip(np.round(u).astype(int), 0, w - 1)] = True
    return mask


def _ceiling(view, fit, pan, path, walls, rot, model_sigma):
    """Height over the floor from the line where walls meet the ceiling, else from depth."""
    ceiling = pan.p[..., CEILING]
    wall = pan.p[..., WALL] + pan.p[..., DOOR] + pan.p[..., WINDOW]
    heights = []
    for j in np.flatnonzero(path >= 0):
        k = walls[path[j]]
        rho = k.distance / np.cos(pan.azimuth[j] - k.psi)
        d = np.where(pan.seen[:, j] & (pan.slope > 0), ceiling[:, j] - wall[:, j], np.nan)
        with np.errstate(invalid="ignore"):
            cross = np.flatnonzero((d[:-1] <= 0) & (d[1:] > 0))
        if len(cross) == 0:
            continue
        i = cross[0]
        lo, hi = d[max(0, i - 3):i + 1], d[i + 1:i + 5]
        if np.nanmin(lo) < -0.4 and np.nanmax(hi) > 0.4:
            t = pan.slope[i] + d[i] / (d[i] - d[i + 1]) * (pan.slope[1] - pan.slope[0])
            heights.append((1 + t * rho, t * rho * np.hypot(np.sqrt(sum(s**2 for s in k.sigma_rel.values())), 1.2 / view.f_grid / t)))
    if len(heights) >= 6:
        h, s = np.array(heights).T
        value = float(np.median(h))
        return value, float(np.median(s)) / value, "ceiling line"
    mask = (view.p[..., CEILING] > 0.6)
    depth = None if fit is None else plane_offset(view, fit, view.camera.gravity, mask)
    if depth is None:
        return None
    return 1 + depth[0], model_sigma * depth[0] / (1 + depth[0]), "depth"
