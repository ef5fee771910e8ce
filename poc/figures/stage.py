"""The view of a 3D sketch: extent, viewpoint and labels, such that the first view shows everything legibly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poc.figures import theme
from poc.figures.labels import Board, rectangle, text_size
from poc.room.roomspace import wall_quad
from poc.types import Scene

FOV_RAD = np.pi / 4
"""plotly's vertical field of view (gl-plot3d's default)."""
VIEW_PX = (860.0, 600.0)
"""Width and height the first view is fitted to: a laptop's page less the legend."""
DOWN_RAD, ASIDE_RAD = np.radians(31.0), np.radians(9.0)
"""The first view looks from above and behind the photographer, a little from the right."""
LONGEST = 1.6
"""The longest side of what is shown, in plotly's units."""


@dataclass(frozen=True)
class Note:
    """A label that always faces the viewer: possible places (n×3, room frame, the preferred one first), words and colour."""

    places: np.ndarray
    words: str
    colour: str


@dataclass(frozen=True)
class View:
    """A pinhole view of the stage. eye, centre: plotly's units; axes: 3×3, rows right, down, forward."""

    eye: np.ndarray
    centre: np.ndarray
    axes: np.ndarray

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Screen pixels (n×2, origin in the middle) of stage points n×3."""
        p = (points - self.eye) @ self.axes.T
        return p[:, :2] / np.maximum(p[:, 2:], 1e-3) * (VIEW_PX[1] / 2 / np.tan(FOV_RAD / 2))


def stage(scene: Scene, points: np.ndarray, height: float, notes: list[Note]) -> dict:
    """plotly's `scene`: no axes, equal scales, everything in the first view, labels beside one another.

    points: h×w×3 room-frame points of the relief. height: of the walls, metres.
    """
    low, high = extent(scene, points, height)
    unit = LONGEST / float((high - low).max())
    to_stage = (lambda p: (np.asarray(p, float) - (low + high) / 2) * unit)
    heading = scene.room_from_cam[:2, 2]
    view = fitted(to_stage(_marks(scene, height)), float(np.arctan2(heading[1], heading[0])) + ASIDE_RAD)
    aspect = (high - low) * unit
    bare = {"visible": False, "showspikes": False}
    return {
        **{f"{axis}axis": {**bare, "range": [float(low[i]), float(high[i])]} for i, axis in enumerate("xyz")},
        "aspectmode": "manual",
        "aspectratio": _xyz(aspect),
        "camera": {"eye": _xyz(view.eye), "center": _xyz(view.centre), "up": _xyz((0, 0, 1))},
        "annotations": placed(notes, view, to_stage),
        "bgcolor": theme.PAPER,
    }


def extent(scene: Scene, points: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray]:
    """The corners (room frame) of what is shown: the camera, the walls, and all but stray points of the relief."""
    flat = points.reshape(-1, 3)
    flat = flat[np.isfinite(flat).all(1)]
    marks = [_marks(scene, height)]
    if len(flat):
        marks.append(np.percentile(flat, (1, 99), axis=0))
    every = np.concatenate(marks)
    every[:, 2] = np.clip(every[:, 2], 0.0, height + 0.15)
    return every.min(0) - 0.1, every.max(0) + 0.1


def _marks(scene: Scene, height: float) -> np.ndarray:
    """Room-frame points (n×3) that the first view must hold: the camera and its foot, the walls with their dimensions."""
    marks = [np.array([(0.0, 0.0, 0.0), (0.0, 0.0, scene.camera_height_m or 0.0)])]
    marks += [wall_quad(wall, height + 0.15) for wall in scene.walls]
    if len(scene.outline):
        marks.append(np.column_stack([scene.outline, np.zeros(len(scene.outline))]))
    if not scene.walls and not len(scene.outline):
        marks.append(np.array([(-1.5, 0.0, 0.0), (1.5, 3.0, height)]))
    return np.concatenate(marks)


def fitted(points: np.ndarray, heading_rad: float) -> View:
    """The view that holds stage points n×3 as large as VIEW_PX allows, in its middle, looking DOWN_RAD down and along
    `heading_rad` (from the room's x axis)."""
    level = np.cos(DOWN_RAD)
    forward = np.array([np.cos(heading_rad) * level, np.sin(heading_rad) * level, -np.sin(DOWN_RAD)])
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward])
    room = np.array(VIEW_PX) / 2 - (60, 34)
    centre, distance = points.mean(0), 2.0
    for _ in range(12):
        view = View(centre - forward * distance, centre, axes)
        pixels = view.pixels(points)
        low, high = pixels.min(0), pixels.max(0)
        px_per_unit = VIEW_PX[1] / 2 / np.tan(FOV_RAD / 2) / distance
        shift = (low + high) / 2 / px_per_unit
        centre = centre + axes[0] * shift[0] + axes[1] * shift[1]
        distance = max(0.8, distance * float(((high - low) / 2 / room).max()) ** 0.7)
    return View(centre - forward * distance, centre, axes)


def placed(notes: list[Note], view: View, to_stage) -> list[dict]:
    """The notes as annotations, each at its first place that keeps clear of those before it in the first view; one
    that finds none is left out of the picture (the tables hold every number)."""
    board, out = Board(), []
    for note in notes:
        size = text_size(note.words, theme.SMALL_PX)
        pixels = view.pixels(to_stage(note.places))
        number = board.place(rectangle(centre, size) for centre in pixels)
        if number is None:
            continue
        out.append({
            **{axis: round(float(c), 3) for axis, c in zip("xyz", note.places[number], strict=True)},
            "text": note.words, "showarrow": False, "font": {"size": theme.SMALL_PX, "color": note.colour},
            "bgcolor": "rgba(255,255,255,0.88)", "borderpad": 2,
        })
    return out


def _xyz(values) -> dict[str, float]:
    return {axis: round(float(value), 4) for axis, value in zip("xyz", values, strict=True)}
