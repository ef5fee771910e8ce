"""The floor plan: the room seen from above, in metres, as an architect would draw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from poc import theme
from poc.furniture import footprint, standing
from poc.labels import Board, rectangle, text_size
from poc.roomspace import along, inward, longest_free, to_room
from poc.types import Measurement, Photo, Recommendation, Scene, WallSegment

if TYPE_CHECKING:
    import plotly.graph_objects as go

WALL_M = 0.10
"""Drawn thickness of a wall; its real one is not seen."""
TIER_PX = 38
"""Distance between dimension lines outside a wall, on screen."""
PLAN_PX = (860.0, 640.0)
"""The plot's width and height on a laptop's page, from which the labels' sizes in metres follow."""
CUT_M = 0.35
"""How far a wall that the photo cuts off is drawn on, dashed."""


@dataclass
class Sheet:
    """A plan being drawn: metres per pixel, what labels must keep off, traces and annotations."""

    m_per_px: float
    board: Board = field(default_factory=Board)
    traces: list[dict] = field(default_factory=list)
    notes: list[dict] = field(default_factory=list)

    @property
    def tier_m(self) -> float:
        return TIER_PX * self.m_per_px


def plan(scene: Scene, measurements, recommendations=(), photo: Photo | None = None) -> go.Figure:
    """The plan: seen and free floor, walls (dashed where the photo cuts them off), obstacles, openings, the camera and
    what it sees, placed products with the floor they need, dimensions with their 90 % intervals, a scale bar.

    scene: from `build_scene`. photo: shown with the reason, where the scene was refused.
    """
    if scene.refusal is not None:
        return theme.refused(scene.refusal, photo)
    named = theme.by_name(measurements)
    low, high, m_per_px = _extent(scene)
    sheet = Sheet(m_per_px)
    _floor(sheet, scene, named)
    _view_cone(sheet, scene)
    _obstacles(sheet, scene)
    _walls(sheet, scene)
    distances = _distance_lines(sheet, scene, named)
    _products(sheet, scene, recommendations)
    _wall_dimensions(sheet, scene, named)
    _openings(sheet, scene)
    _camera(sheet, scene, named)
    for words, foot in distances:
        places = [foot * t for t in (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.8)]
        _label(sheet, words, places, foot, 11, theme.MUTED, bgcolor="rgba(255,255,255,0.9)")
    return _finished(sheet, low, high)


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


def _polygon(sheet: Sheet, points: np.ndarray, name: str = "", **style) -> None:
    """A closed polygon (n×2) as a filled trace; with a name it is in the legend."""
    ring = np.vstack([points, points[:1]]).round(3)
    sheet.traces.append({"type": "scatter", "x": ring[:, 0], "y": ring[:, 1], "mode": "lines", "fill": "toself", "name": name,
                         "showlegend": bool(name), "hoverinfo": "skip", **style})


def _lines(sheet: Sheet, lines: list[np.ndarray], name: str = "", **line) -> None:
    """Polylines (each n×2) as one trace."""
    rows = [row for points in lines for row in (np.asarray(points, float), np.full((1, 2), np.nan))]
    if rows:
        xy = np.concatenate(rows).round(3)
        sheet.traces.append({"type": "scatter", "x": xy[:, 0], "y": xy[:, 1], "mode": "lines", "line": line, "name": name,
                             "showlegend": bool(name), "hoverinfo": "skip"})


def _floor(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> None:
    """The seen floor's outline, and on it the floor that is free; the legend gives their areas."""
    seen, free = (
        f"{title} {theme.value_words(named[name])}" if name in named and named[name].value is not None else title
        for title, name in (("floor seen", "floor_area_visible"), ("free floor", "floor_area_free"))
    )
    if len(scene.outline) >= 3:
        _polygon(sheet, scene.outline, seen, fillcolor="#f3f1ec", line={"width": 1, "color": theme.FAINT, "dash": "dot"})
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
    tips = np.array([ray * min(reach, _first_wall(scene, ray)) for ray in rays])
    _polygon(sheet, np.vstack([np.zeros(2), tips]), fillcolor=theme.rgba(theme.SKY, 0.09), line={"width": 0})
    _lines(sheet, [np.vstack([tips[0], np.zeros(2), tips[-1]])], "camera's view", color=theme.SKY, width=1.5, dash="dash")


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
    seen, cut = True, []
    for wall in scene.walls:
        plane = scene.plane(wall.plane_id)
        foot_seen = plane is None or plane.foot_seen
        colour = theme.INK if foot_seen else theme.FAINT
        name = "wall" if foot_seen and seen else ""
        seen = seen and not foot_seen
        _polygon(sheet, _bar(wall, scene), name, fillcolor=colour, line={"width": 0.5, "color": colour})
        sheet.board.block(_bar(wall, scene))
        direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
        for end, kind, sign in zip(wall.ends, wall.end_kinds, (-1, 1), strict=True):
            if kind != "corner":
                outer = end - inward(wall, scene) * WALL_M
                cut += [np.stack([p, p + sign * direction * CUT_M]) for p in (end, outer)]
    _lines(sheet, cut, "cut off by the photo or hidden", color=theme.INK, width=1.5, dash="dash")
    free = longest_free(scene)
    if free is not None:
        wall, (start, end) = free
        a, b, depth = along(wall, start), along(wall, end), inward(wall, scene) * 0.06
        _polygon(sheet, np.array([a, b, b + depth, a + depth]), "longest free wall", fillcolor=theme.GREEN, line={"width": 0})


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
        _polygon(sheet, np.array([a, b, b - out, a - out]), fillcolor=theme.PAPER, line={"width": 1, "color": theme.INK})
        if opening.kind == "window":
            _lines(sheet, [np.stack([a - out / 2, b - out / 2])], color=theme.INK, width=1.5)
        away = text_size(opening.kind, 11)[1] / 2 * sheet.m_per_px
        places = [(a + b) / 2 + out / WALL_M * step for step in (-WALL_M - away, 0.08 + away, 0.18 + away)]
        _label(sheet, opening.kind, places, direction, 11, theme.MUTED)


# --- what stands on the floor --------------------------------------------------------------------------------------


def _obstacles(sheet: Sheet, scene: Scene) -> None:
    """What stands in the way, hatched."""
    for number, obstacle in enumerate(scene.obstacles):
        _polygon(sheet, obstacle.footprint, "in the way" if number == 0 else "", fillcolor="rgba(255,255,255,0.6)",
                 fillpattern={"shape": "/", "fgcolor": theme.MUTED, "size": 7, "solidity": 0.18, "fillmode": "replace"},
                 line={"width": 1.5, "color": theme.MUTED})
        sheet.board.block(obstacle.footprint)


def _products(sheet: Sheet, scene: Scene, recommendations) -> None:
    """Placed products from above, with the floor they need free in front of them."""
    for number, (rec, parts) in enumerate(standing(recommendations, scene)):
        _polygon(sheet, footprint(rec, scene), fillcolor=theme.PAPER, line={"width": 0})
        _polygon(sheet, footprint(rec, scene), "recommended" if number == 0 else "", fillcolor=theme.rgba(theme.VERMILION, 0.22),
                 line={"width": 2.5, "color": theme.VERMILION})
        tops = sorted((p for p in parts if np.ptp(p.vertices[:, :2], axis=0).min() > 0.12), key=lambda p: p.vertices[:, 2].max())
        for part in tops:
            ring = part.vertices[-4:, :2]
            _polygon(sheet, ring, fillcolor=theme.rgba(theme.VERMILION, 0.10), line={"width": 1, "color": theme.rgba(theme.VERMILION, 0.7)})
        if rec.product.clearance_m > 0:
            _polygon(sheet, footprint(rec, scene, clearance=True), "kept free in front" if number == 0 else "",
                     fillcolor=theme.rgba(theme.VERMILION, 0.05), line={"width": 1.2, "color": theme.VERMILION, "dash": "dash"})
        _product_label(sheet, rec, footprint(rec, scene))


def _product_label(sheet: Sheet, rec: Recommendation, ring: np.ndarray) -> None:
    product, width = rec.product, ring[1] - ring[0]
    words = f"<b>{theme.wrap(product.name, 26)}</b><br>{product.width_m:.2f} × {product.depth_m:.2f} m · {theme.percent(rec.probability)} likely to fit"
    _label(sheet, words, [ring.mean(0)], width, theme.SMALL_PX, theme.INK, bgcolor="rgba(255,255,255,0.86)", force=True)
    sheet.board.block(ring)
    if product.clearance_m > 0:
        front = ring[:2] + (ring[1] - ring[2]) * product.clearance_m / product.depth_m
        sheet.board.block(np.array([ring[0], ring[1], front[1], front[0]]))


# --- dimensions ----------------------------------------------------------------------------------------------------


def _wall_dimensions(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> None:
    """Outside each wall, its length; nearer to it, the longest free stretch on it."""
    free, free_told = longest_free(scene), named.get("longest_free_wall")
    for wall in scene.walls:
        out, tier = -inward(wall, scene), 1
        if free is not None and free[0] is wall and free_told is not None and free_told.value is not None:
            start, end = free[1]
            if end - start < 0.97 * wall.length_m:
                ends = np.array([along(wall, start), along(wall, end)]) + out * (WALL_M + 0.75 * sheet.tier_m)
                _dimension(sheet, ends, f"free {theme.value_words(free_told)}", theme.GREEN_INK, out)
                tier = 2
        told = named.get(f"{wall.plane_id}_length")
        if told is not None and told.value is not None:
            ends = wall.ends + out * (WALL_M + (tier - 0.25) * sheet.tier_m)
            all_free = tier == 1 and free is not None and free[0] is wall
            words = theme.value_words(told) + (", all free" if all_free else "")
            _dimension(sheet, ends, words, theme.INK, out, open_ends=tuple(kind != "corner" for kind in wall.end_kinds))


def _dimension(sheet: Sheet, ends: np.ndarray, words: str, colour: str, out: np.ndarray, open_ends=(False, False)) -> None:
    """A dimension line with an arrow at each end and its label on it; an end that goes on unseen has no arrow but dots."""
    step = ends[1] - ends[0]
    length = max(float(np.linalg.norm(step)), 1e-9)
    feet = [np.stack([end - out * 0.06, end + out * 0.06]) for end, open_end in zip(ends, open_ends, strict=True) if not open_end]
    _lines(sheet, feet, color=colour, width=1)
    _lines(sheet, [np.stack([end, end + sign * step / length * CUT_M]) for end, sign, o in zip(ends, (-1, 1), open_ends, strict=True) if o],
           color=colour, width=1, dash="dot")
    side = {(False, False): "end+start", (True, False): "end", (False, True): "start", (True, True): "none"}[tuple(open_ends)]
    (x0, y0), (x1, y1) = ends.round(3).tolist()
    sheet.notes.append({
        "x": x1, "y": y1, "ax": x0, "ay": y0, "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "", "showarrow": True,
        "arrowhead": 2, "startarrowhead": 2, "arrowwidth": 1.5, "arrowcolor": colour, "arrowside": side,
    })
    height = text_size(words, theme.SMALL_PX)[1] * sheet.m_per_px
    places = [ends[0] + step * t + out * rise * height for rise in (0.0, 0.95, -0.95, 1.9) for t in (0.5, 0.4, 0.6, 0.3, 0.7)]
    _label(sheet, words, places, step, theme.SMALL_PX, colour, bgcolor=theme.PAPER)
    sheet.board.block(rectangle(ends.mean(0), (length, 4 * sheet.m_per_px), float(np.arctan2(step[1], step[0]))))


def _distance_lines(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> list[tuple[str, np.ndarray]]:
    """Dotted lines from the camera straight to each wall, whose own line is drawn on as far as that; (words, foot) of each."""
    out = []
    for wall in scene.walls:
        told = named.get(f"{wall.plane_id}_distance")
        if told is None or told.value is None:
            continue
        inside = inward(wall, scene)
        foot = inside * float(wall.ends[0] @ inside)
        direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
        at = float((foot - wall.ends[0]) @ direction)
        if not 0.0 <= at <= wall.length_m:
            _lines(sheet, [np.stack([wall.ends[0 if at < 0 else 1], foot])], color=theme.FAINT, width=1, dash="dot")
        _lines(sheet, [np.stack([np.zeros(2), foot])], color=theme.MUTED, width=1, dash="dot")
        out.append((theme.value_words(told), foot))
    return out


def _label(sheet: Sheet, words: str, places: list[np.ndarray], direction: np.ndarray, font_px: int, colour: str,
           force: bool = False, **style) -> None:
    """A label along `direction`, upright, at the first free of its places; without one it is left out, unless forced."""
    angle = float(np.arctan2(direction[1], direction[0]))
    angle = (angle + np.pi / 2 - 1e-6) % np.pi - np.pi / 2 + 1e-6
    width, height = text_size(words, font_px)
    size = (width * sheet.m_per_px, height * sheet.m_per_px)
    number = sheet.board.place(rectangle(place, size, angle) for place in places)
    if number is None and not force:
        return
    x, y = (round(float(c), 3) for c in places[number or 0])
    sheet.notes.append({"x": x, "y": y, "text": words, "showarrow": False, "textangle": round(-float(np.degrees(angle)), 1),
                        "font": {"size": font_px, "color": colour}, "borderpad": 1, **style})


# --- camera, scale bar ---------------------------------------------------------------------------------------------


def _camera(sheet: Sheet, scene: Scene, named: dict[str, Measurement]) -> None:
    """Where the photo was taken from, and how high."""
    forward = scene.room_from_cam[:2, 2]
    angle = float(np.degrees(np.arctan2(forward[0], forward[1])))
    sheet.traces.append({"type": "scatter", "x": [0], "y": [0], "mode": "markers", "showlegend": False, "hovertext": "camera",
                         "hoverinfo": "text", "marker": {"symbol": "triangle-down", "size": 15, "color": theme.BLUE, "angle": angle}})
    sheet.board.block(rectangle((0, 0), (20 * sheet.m_per_px, 20 * sheet.m_per_px)))
    told = named.get("camera_height")
    words = "camera" if told is None or told.value is None else f"camera, {theme.value_words(told)} high"
    drop = (text_size(words, theme.SMALL_PX)[1] / 2 + 12) * sheet.m_per_px
    _label(sheet, words, [np.array([0.0, -drop]), np.array([0.0, -1.6 * drop])], np.array([1.0, 0.0]), theme.SMALL_PX, theme.BLUE)


def _finished(sheet: Sheet, low: np.ndarray, high: np.ndarray) -> go.Figure:
    """The figure: scale bar, equal scales, the legend beside the drawing."""
    x, y = low + np.array([14, 12]) * sheet.m_per_px
    for start, colour in ((0.0, theme.INK), (0.5, theme.PAPER)):
        bar = np.array([(x + start, y), (x + start + 0.5, y), (x + start + 0.5, y), (x + start, y)])
        bar[2:, 1] += 6 * sheet.m_per_px
        _polygon(sheet, bar, fillcolor=colour, line={"width": 1, "color": theme.INK})
    for mark, words in ((0.0, "0"), (0.5, "0.5"), (1.0, "1 m")):
        sheet.notes.append({"x": x + mark, "y": y, "yshift": 15, "text": words, "showarrow": False, "font": {"size": 11, "color": theme.MUTED}})
    note = theme.footnote("Seen from above. In brackets: 90 % interval. ≥: cut off or hidden, so at least this.")
    sheet.notes.append(note | {"yanchor": "top", "yshift": -10})
    bare = {"visible": False, "constrain": "domain"}
    return theme.figure(sheet.traces, theme.layout(
        int(PLAN_PX[1]) + 42, annotations=sheet.notes, margin={"l": 8, "r": 8, "t": 8, "b": 34},
        xaxis={"range": [float(low[0]), float(high[0])], **bare},
        yaxis={"range": [float(low[1]), float(high[1])], "scaleanchor": "x", "scaleratio": 1, **bare},
        legend={"x": 1.0, "xanchor": "left", "y": 0.98, "font": {"size": theme.SMALL_PX}}))
