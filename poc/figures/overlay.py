"""The fitted room drawn on the photo: planes, the lines where they meet, dimensions, and recommended products."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from poc.figures import raster, theme
from poc.figures.furniture import footprint, standing
from poc.figures.labels import Board, rectangle, text_size
from poc.geometry import project
from poc.room.freespace import drawn_stretch
from poc.room.propagate import FLATTEST
from poc.room.roomspace import along, inward, line_pixels, longest_free, main_walls, plane_mask, room_height, to_camera
from poc.types import Measurement, Photo, Plane, Recommendation, Scene, WallSegment
from poc.words import plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN_PX = (960.0, 640.0)
"""The photo's greatest width and height on a laptop's page, from which the labels' sizes in photo pixels follow."""
CLOSED = 9
"""Gaps of up to this many cells in a plane's mask are closed."""
GAP_COLUMNS, LEAST_COLUMNS = 6, 3
"""A foot is drawn as visible if it was seen in at least LEAST_COLUMNS columns of the panorama in a row, with gaps of up to GAP_COLUMNS
closed."""


def overlay(photo: Photo, scene: Scene, measurements, recommendations=()) -> go.Figure:
    """The photo (scaled to at most 1200 px) with the fitted planes tinted, foot, ceiling and corner lines, the
    dimensions, and the first recommended products standing in it. A refused scene gives the photo and the reason."""
    if scene.refusal is not None:
        return theme.refused(scene.refusal, photo)
    named = theme.by_name(measurements)
    shown = min(SHOWN_PX[0] / photo.width, SHOWN_PX[1] / photo.height)
    height, seen_top = room_height(scene, named)
    placed = standing(recommendations, scene)
    notes = Notes(scene, 1 / shown)
    _label(notes, named, height if seen_top else None, placed)
    base = theme.photo_layout(photo)
    base["images"] += _products(photo, scene, placed)
    return theme.figure([*_tints(scene), *_lines(scene, height, seen_top)], theme.layout(
        int(photo.height * shown) + 46, annotations=notes.written, margin={"l": 8, "r": 8, "t": 8, "b": 38}, hovermode="closest",
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0.0, "yanchor": "top", "font": {"size": theme.SMALL_PX}},
        **base))


def _tints(scene: Scene) -> list[dict]:
    """The pixels that support each plane, tinted in its kind's colour."""
    out, named = [], set()
    for plane in scene.planes:
        rings = mask_rings(plane, scene)
        if not rings:
            continue
        colour = theme.PLANE_COLOURS[plane.kind]
        xy = np.concatenate([row for ring in rings for row in (ring, ring[:1], np.full((1, 2), np.nan))][:-1]).round(1)
        out.append({
            "type": "scatter", "x": xy[:, 0], "y": xy[:, 1], "mode": "lines", "fill": "toself",
            "fillcolor": theme.rgba(colour, 0.16), "line": {"width": 0}, "name": plane.kind,
            "legendgroup": plane.kind, "showlegend": plane.kind not in named, "hoverinfo": "text", "hoveron": "fills",
            "text": _plane_words(plane),
        })
        named.add(plane.kind)
    return out


def _plane_words(plane: Plane) -> str:
    return f"{plane.id.replace('_', ' ')}: {plane.offset_m:.2f} m from the camera, by {plane.basis}"


def mask_rings(plane: Plane, scene: Scene) -> list[np.ndarray]:
    """Smooth outlines (each n×2, photo pixels; holes run the other way round) of the plane's mask, specks left out."""
    import cv2

    mask = np.asarray(plane.mask, bool) if scene.depth_m is None else plane_mask(plane, scene.depth_m.shape)
    if not mask.any():
        return []
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSED, CLOSED))
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    fine = cv2.resize(np.pad(mask, 1, mode="edge").astype(np.float32), None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    fine = cv2.GaussianBlur(fine, (0, 0), 4.0)
    # a border of nothing closes the outlines that run along the photo's edge
    fine = np.pad((fine[4:-4, 4:-4] > 0.5).astype(np.uint8), 1)
    rings, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    scale = np.array([scene.camera.width / mask.shape[1], scene.camera.height / mask.shape[0]]) / 4
    least = 0.0008 * fine.size
    simple = [cv2.approxPolyDP(ring, 2.5, True).reshape(-1, 2) for ring in rings if cv2.contourArea(ring) > least]
    return [(ring - 0.5) * scale - 0.5 for ring in simple if len(ring) >= 3]


def _lines(scene: Scene, height: float, seen_top: bool) -> list[dict]:
    """Where the planes meet: feet of the walls, ceiling lines, corners; the longest free stretch along its foot."""
    feet, hidden, tops, corners, free = [], [], [], [], []
    for wall in scene.walls:
        a, b = wall.ends
        plane = scene.plane(wall.plane_id)
        shown = foot_spans(wall) if plane is None or plane.foot_seen else ()
        feet += [_on_floor(wall, span) for span in shown]
        hidden += [_on_floor(wall, span) for span in _between(shown, wall.length_m)]
        if seen_top:
            tops.append((np.append(a, height), np.append(b, height)))
        met = [end for end, kind in zip(wall.ends, wall.end_kinds, strict=True) if kind == "corner"]
        corners += [(np.append(end, 0.0), np.append(end, height)) for end in met]
    longest = longest_free(scene)
    if longest is not None:
        wall, span = longest
        free.append(tuple(np.append(along(wall, t) + inward(wall, scene) * 0.02, 0.0) for t in span))
    blue, purple = theme.PLANE_COLOURS["wall"], theme.PLANE_COLOURS["ceiling"]
    return [
        *_trace(scene, corners, "corner", {"color": blue, "width": 2, "dash": "dash"}),
        *_trace(scene, tops, "ceiling line", {"color": purple, "width": 2.5}),
        *_trace(scene, feet, "foot of a wall", {"color": theme.VERMILION, "width": 3}),
        *_trace(scene, hidden, "foot of a wall, hidden", {"color": theme.VERMILION, "width": 2, "dash": "dot"}),
        *_trace(scene, free, "longest free wall", {"color": theme.GREEN, "width": 7}),
    ]


def foot_spans(wall: WallSegment) -> tuple[tuple[float, float], ...]:
    """Where the camera saw the wall's foot, as stretches (start, end) in metres from its first end; the whole wall where the scene does not
    keep the directions. Since the surfaces of a photo are ragged, gaps of a few columns count as seen, also at the wall's ends, and single
    stretches of a few columns do not."""
    azimuths = wall.foot_azimuths
    if azimuths is None:
        return ((0.0, wall.length_m),)
    if len(azimuths) < LEAST_COLUMNS:
        return ()
    step = np.diff(azimuths)
    column, out = float(step.min()), []
    for run in np.split(azimuths, np.flatnonzero(step > (GAP_COLUMNS + 0.5) * column) + 1):
        if len(run) < LEAST_COLUMNS:
            continue
        start, end = (_met(wall, azimuth) for azimuth in (run[0] - column / 2, run[-1] + column / 2))
        start = 0.0 if _met(wall, run[0] - GAP_COLUMNS * column) <= 0.0 else start
        end = wall.length_m if _met(wall, run[-1] + GAP_COLUMNS * column) >= wall.length_m else end
        if end > start:
            out.append((start, end))
    return tuple(out)


def _met(wall: WallSegment, azimuth: float) -> float:
    """Where a direction from the camera (radians from the room's y axis toward x) meets the wall's line, metres from its first end."""
    direction = (wall.ends[1] - wall.ends[0]) / max(wall.length_m, 1e-9)
    away, ray = np.array([-direction[1], direction[0]]), np.array([np.sin(azimuth), np.cos(azimuth)])
    distance = float(wall.ends[0] @ away)
    if distance < 0:
        distance, away = -distance, -away
    return float((ray * distance / max(float(ray @ away), FLATTEST) - wall.ends[0]) @ direction)


def _between(spans, length_m: float) -> list[tuple[float, float]]:
    """The rest of a wall between stretches in increasing order, in metres from its first end."""
    marks = [0.0, *(mark for span in spans for mark in span), length_m]
    return [(a, b) for a, b in zip(marks[::2], marks[1::2], strict=True) if b > a]


def _on_floor(wall: WallSegment, span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A stretch of a wall's foot as two room-frame points."""
    start, end = (np.append(along(wall, at), 0.0) for at in span)
    return start, end


def _trace(scene: Scene, lines, name: str, line: dict) -> list[dict]:
    """Straight lines of the room (pairs of room-frame points) as one trace of photo pixels, or none."""
    seen = [pixels for a, b in lines if (pixels := line_pixels(a, b, scene)) is not None]
    if not seen:
        return []
    xy = np.concatenate([row for pixels in seen for row in (pixels, np.full((1, 2), np.nan))]).round(1)
    return [{"type": "scatter", "x": xy[:, 0], "y": xy[:, 1], "mode": "lines", "name": name, "line": line, "hoverinfo": "name"}]


def _products(photo: Photo, scene: Scene, placed) -> list[dict]:
    """Each placed product with its shadow, as a transparent image over its part of the photo, the farthest first."""
    out = []
    for rec, parts in sorted(placed, key=lambda item: -float(np.hypot(item[0].placement.x_m, item[0].placement.y_m))):
        picture = raster.draw(parts, footprint(rec, scene), scene, photo)
        if picture is not None:
            left, top, right, bottom = picture.edges
            out.append({"source": theme.png_uri(picture.rgba), "xref": "x", "yref": "y", "x": left, "y": top, "sizex": right - left,
                        "sizey": bottom - top, "sizing": "stretch", "layer": "above", "yanchor": "top"})
    return out


# --- labels ------------------------------------------------------------------------------------------------------


@dataclass
class Notes:
    """The labels on a photo: each goes to the first of its places that is free and inside the photo; one for which there is none is left
    out, since the tables hold all numbers. px: photo pixels per screen pixel."""

    scene: Scene
    px: float
    board: Board = field(default_factory=Board)
    written: list[dict] = field(default_factory=list)

    def write(self, words: str, places: list[np.ndarray], colour: str) -> None:
        """Place a label; places too close to the photo's edge are moved inward."""
        size = np.array(text_size(words, theme.SMALL_PX)) * self.px
        margin = size / 2 + 3 * self.px
        limit = np.array([self.scene.camera.width, self.scene.camera.height]) - margin
        inside = [np.clip(place, np.minimum(margin, limit), np.maximum(margin, limit)) for place in places]
        number = self.board.place(rectangle(place, tuple(size + 5 * self.px)) for place in inside)
        if number is None:
            return
        x, y = (round(float(c), 1) for c in inside[number])
        self.written.append({"x": x, "y": y, "text": words, "showarrow": False, "font": {"size": theme.SMALL_PX, "color": colour},
                             "bgcolor": "rgba(255,255,255,0.88)", "borderpad": 2})

    def on(self, a, b, steps=(0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)) -> list[np.ndarray]:
        """Photo pixels along the part of a room line that the photo shows."""
        pixels = line_pixels(a, b, self.scene)
        return [] if pixels is None else [pixels[0] + (pixels[1] - pixels[0]) * t for t in steps]

    def beside(self, a, b, drop: float, farther=(0, 14, -14, 28, -28)) -> list[np.ndarray]:
        """Places along a line, `drop` screen pixels below it (above it where negative), then farther off."""
        return [place + np.array([0.0, (drop + more) * self.px]) for more in farther for place in self.on(a, b)]


def _label(notes: Notes, named: dict[str, Measurement], top: float | None, placed: list[tuple[Recommendation, list]]) -> None:
    """Every label, the most useful first. top: the ceiling's height where it was seen."""
    for rec, parts in placed:
        _product_label(notes, rec, np.concatenate([p.vertices for p in parts]))
    free, measured = longest_free(notes.scene), drawn_stretch(notes.scene, named.get("longest_free_wall"))
    if measured is not None:
        a, b = (np.append(along(free[0], t), 0.0) for t in free[1])
        places = notes.beside(a, b, 17, farther=(0, 15, 30, 45, 60, 80, 100, 120, 140))
        notes.write(f"free {theme.value_words(measured)}", places, theme.GREEN_INK)
    for wall in notes.scene.walls:
        a, b = wall.ends
        measured = named.get(f"{wall.plane_id}_length")
        if measured is not None and measured.value is not None:
            level, drop = (top, 0) if top is not None else (0.0, -20)
            places = notes.beside(np.append(a, level), np.append(b, level), drop)
            notes.write(f"{plain(wall.plane_id)}: {theme.value_words(measured)}", places, theme.INK)
        measured = named.get(f"{wall.plane_id}_distance")
        if measured is not None and measured.value is not None and any(wall is main for main in main_walls(notes.scene)):
            notes.write(f"{theme.value_words(measured)} away", notes.beside(np.append(a, 1.1), np.append(b, 1.1), 0), theme.MUTED)
    _height_label(notes, named, top)


def _product_label(notes: Notes, rec: Recommendation, points: np.ndarray) -> None:
    """The product's name above it; no other label is put on it."""
    middle, high = np.append(points[:, :2].mean(0), 0.0), float(points[:, 2].max())
    places = notes.on(middle + (0, 0, high), middle + (0, 0, high + 0.6), (0.3, 0.5, 0.75, 1.0, 0.0))
    words = f"<b>{theme.wrap(rec.product.name, 30)}</b><br>{theme.odds(rec)} likely to fit"
    notes.write(words, places, theme.VERMILION_INK)
    pixels = project(to_camera(points, notes.scene), notes.scene.camera)
    if np.isfinite(pixels).all():
        notes.board.block(rectangle((pixels.min(0) + pixels.max(0)) / 2, tuple(np.ptp(pixels, axis=0))))


def _height_label(notes: Notes, named: dict[str, Measurement], top: float | None) -> None:
    """The ceiling's height, on a corner line where there is one."""
    measured, walls = named.get("ceiling_height"), notes.scene.walls
    if measured is None or measured.value is None:
        return
    kinds = ("corner", "obstacle", "occluded", "frame")
    both = [(kind, end) for wall in walls for end, kind in zip(wall.ends, wall.end_kinds, strict=True)]
    ends = [end for _, end in sorted(both, key=lambda item: kinds.index(item[0]))]
    up = top if top is not None else 2.0
    places = [place for end in ends for place in notes.on(np.append(end, 0.0), np.append(end, up), (0.6, 0.7, 0.5, 0.8, 0.4))]
    notes.write(f"height {theme.value_words(measured)}", places, theme.INK)
