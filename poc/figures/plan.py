"""The floor plan: the room seen from above, in metres, as an architect would draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poc.figures import theme
from poc.figures.furniture import footprint, standing
from poc.figures.labels import rectangle, text_size
from poc.figures.sheet import CUT_M, PLAN_PX, TIER_PX, Sheet
from poc.room.freespace import drawn_stretch
from poc.room.roomspace import along, inward, longest_free, main_walls, to_room
from poc.types import Measurement, Photo, Recommendation, Scene, WallSegment
from poc.words import plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

WALL_M = 0.10
"""Drawn thickness of a wall; its real one is not seen."""
ARROW_PX = 34
"""Length of the arrow along the camera's view, on screen."""


def plan(scene: Scene, measurements, recommendations=(), photo: Photo | None = None) -> go.Figure:
    """The plan: seen and free floor, walls (dashed where the photo cuts them off), obstacles, openings, the camera and
    what it sees, placed products with the floor they need, dimensions with their 90 % intervals, a scale bar.

    scene: from `build_scene`. photo: shown with the reason, where the scene was refused.
    """
    if scene.refusal is not None:
        return theme.refused(scene.refusal, photo)
    named = theme.by_name(measurements)
    sheet = Sheet(*_extent(scene))
    _floor(sheet, scene, named)
    _view_cone(sheet, scene)
    _obstacles(sheet, scene)
    _walls(sheet, scene)
    distances = _distance_lines(sheet, scene, named)
    placed = [rec for rec, _ in _products(sheet, scene, recommendations)]
    _wall_dimensions(sheet, scene, named)
    _openings(sheet, scene)
    _camera(sheet, scene, named)
    for rec in placed:
        _product_label(sheet, rec, footprint(rec, scene))
    for words, foot in distances:
        places = [foot * t for t in (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.8)]
        sheet.label(words, places, foot, 11, theme.MUTED, bgcolor="rgba(255,255,255,0.9)")
    return sheet.figure("Seen from above. In brackets: 90 % interval. ≥: cut off or hidden, so at least this.")


# --- floor, walls, openings ----------------------------------------------------------------------------------------


def _extent(scene: Scene) -> tuple[np.ndarray, np.ndarray, float]:
    """Lower left and upper right (x, y) of the drawing, and metres per pixel: everything on the floor, the camera, and
    room for dimensions around it."""
    marks = [np.zeros((1, 2)), *(wall.ends for wall in scene.walls), *(o.footprint for o in scene.obstacles)]
    if len(scene.outline):
        marks.append(scene.outline)
    every = np.concatenate(marks)
    low, high = every.min(0), every.max(0)
    sides, below, above = 2.6 * TIER_PX, 2.4 * TIER_PX, 2.6 * TIER_PX
    m_per_px = float(((high - low + 2 * WALL_M) / (PLAN_PX[0] - 2 * sides, PLAN_PX[1] - below - above)).max())
    return low - np.array([sides, below]) * m_per_px, high + np.array([sides, above]) * m_per_px, m_per_px


def _floor(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> None:
    """The seen floor's outline, and on it the floor that is free; the legend gives their areas."""
    seen, free = (
        f"{title} {theme.value_words(named[name])}" if name in named and named[name].value is not None else title
        for title, name in (("floor seen", "floor_area_visible"), ("free floor", "floor_area_free"))
    )
    if len(scene.outline) >= 3:
        sheet.polygon(scene.outline, seen, fillcolor="#f3f1ec", line={"width": 1, "color": theme.FAINT, "dash": "dot"})
    rings = [row for ring in free_rings(scene) for row in (ring, ring[:1], np.full((1, 2), np.nan))]
    if rings:
        xy = np.concatenate(rings[:-1]).round(3)
        sheet.traces.append({"type": "scatter", "x": xy[:, 0], "y": xy[:, 1], "mode": "lines", "fill": "toself", "name": free,
                             "fillcolor": theme.rgba(theme.GREEN, 0.16), "line": {"width": 0}, "hoverinfo": "skip"})


def free_rings(scene: Scene) -> list[np.ndarray]:
    """Outlines (each n×2, room frame; holes among them run the other way round) of the free floor's grid, smoothed to
    about a cell."""
    import cv2

    if not scene.free_floor.size or not scene.free_floor.any():
        return []
    fine = np.kron(np.pad(scene.free_floor, 1).astype(np.uint8), np.ones((4, 4), np.uint8))
    rings, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    out = []
    for ring in rings:
        simple = cv2.approxPolyDP(ring, 3.2, True).reshape(-1, 2)
        if len(simple) >= 3 and cv2.contourArea(ring) > 16 * 8:
            out.append((simple + 0.5) / 4 * scene.grid_cell_m - scene.grid_cell_m + scene.grid_origin)
    return out


def _view_cone(sheet: Sheet, scene: Scene) -> None:
    """What the photo's width takes in, from the camera to the farthest wall."""
    camera = scene.camera
    edges = np.array([(-camera.cx - 0.5, 0.0, camera.f_px), (camera.width - 0.5 - camera.cx, 0.0, camera.f_px)])
    rays = (edges @ scene.room_from_cam.T)[:, :2]
    rays = rays[0] + (rays[1] - rays[0]) * np.linspace(0, 1, 81)[:, None]
    rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-9)
    reach = max([1.5, *(np.linalg.norm(end) for wall in scene.walls for end in wall.ends), *np.linalg.norm(scene.outline, axis=1)])
    far = np.pad([min(reach, _first_wall(scene, ray)) for ray in rays], 6, mode="edge")
    # a median over neighbouring rays: a chink between two walls is no view
    tips = rays * np.median(np.lib.stride_tricks.sliding_window_view(far, 13), axis=1)[:, None]
    sheet.polygon(np.vstack([np.zeros(2), tips]), fillcolor=theme.rgba(theme.SKY, 0.09), line={"width": 0})
    sheet.lines([np.vstack([tips[0], np.zeros(2), tips[-1]])], "camera's view", color=theme.SKY, width=1.5, dash="dash")


def _first_wall(scene: Scene, ray: np.ndarray) -> float:
    """Distance along a ray from the camera to the first drawn wall it meets; infinite where it meets none."""
    nearest = np.inf
    for wall in scene.walls:
        a, step = wall.ends[0], wall.ends[1] - wall.ends[0]
        cross = ray[0] * step[1] - ray[1] * step[0]
        if abs(cross) > 1e-9:
            t, s = (a[0] * step[1] - a[1] * step[0]) / cross, (a[0] * ray[1] - a[1] * ray[0]) / cross
            if t > 0 and -0.05 <= s <= 1.05:
                nearest = min(nearest, t)
    return nearest


def _walls(sheet: Sheet, scene: Scene) -> None:
    """Walls as solid bars outside the floor; where the photo or a piece of furniture cuts them off, dashed on; a wall
    whose foot was not seen is drawn lighter. The longest free stretch is a green band along its foot."""
    listed, cut = {""}, []
    for wall in scene.walls:
        plane = scene.plane(wall.plane_id)
        foot_seen = plane is None or plane.foot_seen
        colour, name = (theme.INK, "wall") if foot_seen else (theme.FAINT, "wall, its foot hidden")
        sheet.polygon(_bar(wall, scene), "" if name in listed else name, fillcolor=colour, line={"width": 0.5, "color": colour})
        listed.add(name)
        sheet.board.block(_bar(wall, scene))
        direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
        for end, kind, sign in zip(wall.ends, wall.end_kinds, (-1, 1), strict=True):
            if kind != "corner":
                outer = end - inward(wall, scene) * WALL_M
                cut += [np.stack([p, p + sign * direction * CUT_M]) for p in (end, outer)]
    sheet.lines(cut, "cut off by the photo or hidden", color=theme.INK, width=1.5, dash="dash")
    free = longest_free(scene)
    if free is not None:
        wall, (start, end) = free
        a, b, depth = along(wall, start), along(wall, end), inward(wall, scene) * 0.06
        sheet.polygon(np.array([a, b, b + depth, a + depth]), "longest free wall", fillcolor=theme.GREEN, line={"width": 0})


def _bar(wall: WallSegment, scene: Scene) -> np.ndarray:
    """The wall's bar, 4×2, lengthened at corners so that bars meet."""
    direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    a, b = (end + sign * direction * (WALL_M if kind == "corner" else 0.0)
            for end, kind, sign in zip(wall.ends, wall.end_kinds, (-1, 1), strict=True))
    out = inward(wall, scene) * WALL_M
    return np.array([a, b, b - out, a - out])


def _openings(sheet: Sheet, scene: Scene) -> None:
    """Doors and windows as gaps in their wall: a window with its pane, a door as a threshold."""
    for opening in scene.openings:
        wall = next((w for w in scene.walls if w.plane_id == opening.plane_id), None)
        if wall is None:
            continue
        direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
        at = (to_room(opening.corners_cam, scene)[:, :2] - wall.ends[0]) @ direction
        low, high = np.clip([at.min(), at.max()], 0.0, wall.length_m)
        if high - low < 0.05:
            continue
        a, b, out = along(wall, low), along(wall, high), inward(wall, scene) * WALL_M
        sheet.polygon(np.array([a, b, b - out, a - out]), fillcolor=theme.PAPER, line={"width": 1, "color": theme.INK})
        if opening.kind == "window":
            sheet.lines([np.stack([a - out / 2, b - out / 2])], color=theme.INK, width=1.5)
        away = text_size(opening.kind, 11)[1] / 2 * sheet.m_per_px
        places = [(a + b) / 2 + out / WALL_M * step for step in (-WALL_M - away, 0.08 + away, 0.18 + away)]
        sheet.label(opening.kind, places, direction, 11, theme.MUTED)


# --- what stands on the floor --------------------------------------------------------------------------------------


def _obstacles(sheet: Sheet, scene: Scene) -> None:
    """What stands in the way, hatched."""
    for number, obstacle in enumerate(scene.obstacles):
        sheet.polygon(obstacle.footprint, "in the way" if number == 0 else "", fillcolor="rgba(255,255,255,0.6)",
                 fillpattern={"shape": "/", "fgcolor": theme.MUTED, "size": 7, "solidity": 0.18, "fillmode": "replace"},
                 line={"width": 1.5, "color": theme.MUTED})
        sheet.board.block(obstacle.footprint)


def _products(sheet: Sheet, scene: Scene, recommendations) -> list:
    """Placed products from above, with the floor they need free in front of them; what `standing` gave."""
    placed = standing(recommendations, scene)
    for number, (rec, parts) in enumerate(placed):
        sheet.polygon(footprint(rec, scene), fillcolor=theme.PAPER, line={"width": 0})
        sheet.polygon(footprint(rec, scene), "recommended" if number == 0 else "", fillcolor=theme.rgba(theme.VERMILION, 0.22),
                 line={"width": 2.5, "color": theme.VERMILION})
        tops = sorted((p for p in parts if np.ptp(p.vertices[:, :2], axis=0).min() > 0.12), key=lambda p: p.vertices[:, 2].max())
        for part in tops:
            ring = part.vertices[-4:, :2]
            sheet.polygon(ring, fillcolor=theme.rgba(theme.VERMILION, 0.10), line={"width": 1, "color": theme.rgba(theme.VERMILION, 0.7)})
        if rec.product.clearance_m > 0:
            sheet.polygon(footprint(rec, scene, clearance=True), "kept free in front" if number == 0 else "",
                     fillcolor=theme.rgba(theme.VERMILION, 0.05), line={"width": 1.2, "color": theme.VERMILION, "dash": "dash"})
        sheet.board.block(footprint(rec, scene))
        if rec.product.clearance_m > 0:
            sheet.board.block(footprint(rec, scene, clearance=True))
    return placed


def _product_label(sheet: Sheet, rec: Recommendation, ring: np.ndarray) -> None:
    """Name, sizes and probability, on the piece where they fit, else near it."""
    product = rec.product
    width, front = ring[1] - ring[0], (ring[0] - ring[3]) / product.depth_m
    size = f"{product.width_m:.2f} × {product.depth_m:.2f} m"
    words = f"<b>{theme.wrap(product.name, 26)}</b><br>{size} · {theme.odds(rec)} likely to fit"
    across, high = np.array(text_size(words, theme.SMALL_PX)) * sheet.m_per_px
    if across < product.width_m and high < product.depth_m:
        sheet.label(words, [ring.mean(0)], width, theme.SMALL_PX, theme.INK, force=True, bgcolor="rgba(255,255,255,0.86)")
    else:
        _with_leader(sheet, words, ring.mean(0), front, (across, high))


def _with_leader(sheet: Sheet, words: str, origin: np.ndarray, toward: np.ndarray, size: tuple[float, float]) -> None:
    """A label as near to `origin` (x, y) as there is room for it, on the side of `toward` if there is, with a thin line to
    what it names."""
    ahead = np.arctan2(toward[1], toward[0])
    turns = [ahead + sign * t for t in np.linspace(0, 0.5 * np.pi, 8) for sign in (1, -1)]
    half = np.array(size) / 2
    reaches = np.arange(16, 260, 12) * sheet.m_per_px
    places = [origin + np.array([np.cos(t), np.sin(t)]) * (half + reach) for reach in reaches for t in turns]
    places = [place for place in places if (place - half > sheet.low).all() and (place + half < sheet.high).all()] or [origin]
    places.sort(key=lambda place: bool((place - origin) @ toward < 0))
    number = sheet.label(words, places, np.array([1.0, 0.0]), theme.SMALL_PX, theme.VERMILION_INK, force=True, bgcolor="rgba(255,255,255,0.9)")
    sheet.lines([np.stack([origin, places[number]])], color=theme.VERMILION, width=1)


# --- dimensions ----------------------------------------------------------------------------------------------------


def _wall_dimensions(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> None:
    """Outside each wall, its length; nearer to it, the longest free stretch on it."""
    free, free_measured = longest_free(scene), drawn_stretch(scene, named.get("longest_free_wall"))
    for wall in scene.walls:
        out, tier, all_free = -inward(wall, scene), 1, False
        if free is not None and free[0] is wall and free_measured is not None:
            start, end = free[1]
            all_free = end - start >= 0.97 * wall.length_m
            if not all_free:
                ends = np.array([along(wall, start), along(wall, end)]) + out * (WALL_M + 0.75 * sheet.tier_m)
                sheet.dimension(ends, f"free {theme.value_words(free_measured)}", theme.GREEN_INK, out)
                tier = 2
        measured = named.get(f"{wall.plane_id}_length")
        if measured is not None and measured.value is not None:
            ends = wall.ends + out * (WALL_M + (tier - 0.25) * sheet.tier_m)
            words = f"{plain(wall.plane_id)}: {theme.value_words(measured)}" + (", all free" if all_free else "")
            sheet.dimension(ends, words, theme.INK, out, open_ends=tuple(kind != "corner" for kind in wall.end_kinds))


def _distance_lines(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> list[tuple[str, np.ndarray]]:
    """Dotted lines from the camera straight to each wall (of those on one side, the longest), whose own line is drawn
    on as far as that; (words, foot) of each."""
    out = []
    for wall in main_walls(scene):
        measured = named.get(f"{wall.plane_id}_distance")
        if measured is None or measured.value is None:
            continue
        inside = inward(wall, scene)
        foot = inside * float(wall.ends[0] @ inside)
        direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
        at = float((foot - wall.ends[0]) @ direction)
        if not 0.0 <= at <= wall.length_m:
            sheet.lines([np.stack([wall.ends[0 if at < 0 else 1], foot])], color=theme.FAINT, width=1, dash="dot")
        sheet.lines([np.stack([np.zeros(2), foot])], color=theme.MUTED, width=1, dash="dot")
        out.append((theme.value_words(measured), foot))
    return out


# --- camera, scale bar ---------------------------------------------------------------------------------------------


def _camera(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> None:
    """The camera's position, its height, and an arrow in the direction it looks."""
    forward = scene.room_from_cam[:2, 2]
    tip = (forward / max(float(np.linalg.norm(forward)), 1e-9) * ARROW_PX * sheet.m_per_px).round(3)
    sheet.traces.append({"type": "scatter", "x": [0], "y": [0], "mode": "markers", "showlegend": False, "hovertext": "camera",
                         "hoverinfo": "text", "marker": {"symbol": "circle", "size": 10, "color": theme.BLUE}})
    sheet.notes.append({
        "x": float(tip[0]), "y": float(tip[1]), "ax": 0.0, "ay": 0.0, "xref": "x", "yref": "y", "axref": "x", "ayref": "y",
        "text": "", "showarrow": True, "arrowhead": 2, "arrowwidth": 2.5, "arrowcolor": theme.BLUE,
    })  # fmt: skip
    for at, size in ((np.zeros(2), 20), (0.7 * tip, 16)):
        sheet.board.block(rectangle(at, (size * sheet.m_per_px, size * sheet.m_per_px)))
    measured = named.get("camera_height")
    words = "camera" if measured is None or measured.value is None else f"camera, {theme.value_words(measured)} high"
    drop = (text_size(words, theme.SMALL_PX)[1] / 2 + 12) * sheet.m_per_px
    sheet.label(words, [np.array([0.0, -drop]), np.array([0.0, -1.6 * drop])], np.array([1.0, 0.0]), theme.SMALL_PX, theme.BLUE)


