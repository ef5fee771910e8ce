"""The room as an interactive 3D sketch: the photo as a relief, the fitted planes, the dimensions, a product standing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poc.figures import theme
from poc.figures.furniture import Part, standing
from poc.figures.stage import Note, stage
from poc.room.freespace import drawn_stretch
from poc.room.roomspace import along, grid_points, inward, longest_free, room_height, to_room, wall_quad
from poc.types import Measurement, Photo, Recommendation, Scene

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_VERTICES = 11_500
TEAR = 1.12
"""Neighbouring depths with a larger ratio belong to different objects: the relief is cut between them."""
EDGE_ON = 0.14
"""A triangle seen more edge-on than this (cosine) connects two different objects, unless it lies on a plane."""
UNDER_CEILING_M = 0.25
"""Points on no plane and this close to the ceiling most likely belong to it, and would hide the room."""
BEHIND_M = 0.015
"""Planes are drawn this far behind the relief that lies on them, so that the two do not flicker."""


def sketch_3d(scene: Scene, photo: Photo, measurements, recommendations=()) -> go.Figure:
    """The 3D sketch: z up, metres, equal scales. A refused scene gives the photo and the reason.

    scene: from `build_scene`. measurements, recommendations: tuples of `Measurement` and `Recommendation`.
    Of products that want the same floor the first is drawn.
    """
    import plotly.graph_objects as go

    if scene.refusal is not None or scene.depth_m is None:
        return theme.refused(scene.refusal or "there is no depth for this photo", photo)
    named = theme.by_name(measurements)
    height, seen_top = room_height(scene, named)
    points, owner = grid_points(scene)
    traces = [relief(points, owner, photo, scene, height)]
    traces += plane_traces(scene, height, seen_top)
    traces += obstacle_traces(scene)
    placed = standing(recommendations, scene)
    for rec, parts in placed:
        traces += product_traces(rec, parts)
    room_taken = max((rec.product.depth_m for rec, _ in placed), default=0.0)
    lines, notes = dimensions(scene, named, height, room_taken)
    camera_lines, camera_note = camera_marks(scene, named)
    fig = go.Figure([t for t in [*traces, *lines, *camera_lines] if t is not None], layout=theme.layout(620))
    notes = [*(_product_note(rec, parts) for rec, parts in placed), *notes, *camera_note]
    fig.update_layout(scene=stage(scene, points, height, notes), margin={"l": 0, "r": 0, "t": 0, "b": 0},
                      dragmode="orbit", legend={"x": 0.99, "xanchor": "right", "y": 0.98, "itemsizing": "constant"})
    fig.add_annotation(theme.footnote("Drag to turn, scroll to zoom, click the legend to hide. In brackets: 90 % interval."))
    return fig


# --- what stands there -------------------------------------------------------------------------------------------


def relief(points: np.ndarray, owner: np.ndarray, photo: Photo, scene: Scene, height: float):
    """The photo as a coloured triangle mesh of at most MAX_VERTICES vertices, without the ceiling (one looks in from
    above); None where nothing is left."""
    import plotly.graph_objects as go
    from PIL import Image

    rows, columns = _thinned(points.shape[:2])
    p, who = points[np.ix_(rows, columns)], owner[np.ix_(rows, columns)]
    ceiling = [i for i, plane in enumerate(scene.planes) if plane.kind == "ceiling"]
    keep = np.isfinite(p).all(-1) & ~np.isin(who, ceiling) & (p[..., 2] < height - np.where(who < 0, UNDER_CEILING_M, 0.03))
    faces = _faces(p, who, keep, scene)
    if len(faces) == 0:
        return None
    used, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(-1, 3).astype(np.int32)
    rgb = np.asarray(Image.fromarray(photo.rgb).resize((len(columns), len(rows)), Image.Resampling.BOX)).reshape(-1, 3)[used]
    xyz = p.reshape(-1, 3)[used].astype(np.float32)
    return go.Mesh3d(
        x=xyz[:, 0], y=xyz[:, 1], z=xyz[:, 2], i=faces[:, 0], j=faces[:, 1], k=faces[:, 2],
        vertexcolor=[f"#{r:02x}{g:02x}{b:02x}" for r, g, b in rgb.tolist()], name="photo", showlegend=True, hoverinfo="skip",
        lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0}, flatshading=True,
    )


def _thinned(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the working grid to keep, evenly spread."""
    shrink = min(1.0, np.sqrt(MAX_VERTICES / (shape[0] * shape[1])))
    counts = [max(2, int(size * shrink)) for size in shape]
    rows, columns = (np.linspace(0, size - 1, count).round().astype(int) for size, count in zip(shape, counts, strict=True))
    return rows, columns


def _faces(p: np.ndarray, who: np.ndarray, keep: np.ndarray, scene: Scene) -> np.ndarray:
    """m×3 vertex numbers of the triangles between kept neighbours that belong together."""
    number = np.arange(keep.size).reshape(keep.shape)
    a, b, c, d = (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:])
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    faces = faces[keep.ravel()[faces].all(1)]
    sight = p.reshape(-1, 3) - (0.0, 0.0, scene.camera_height_m or 0.0)
    reach, corners = np.linalg.norm(sight, axis=1)[faces], sight[faces]
    plane = who.ravel()[faces]
    same = (plane[:, 0] >= 0) & (plane[:, 0] == plane[:, 1]) & (plane[:, 0] == plane[:, 2])
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = np.abs((normal * corners[:, 0]).sum(1)) > EDGE_ON * np.linalg.norm(normal, axis=1) * reach[:, 0]
    return faces[same | (facing & (reach.max(1) < TEAR * reach.min(1)))]


def plane_traces(scene: Scene, height: float, seen_top: bool) -> list:
    """Floor and walls as translucent panes with their edges, the ceiling as edges alone (one looks in through it); where
    the ceiling was not seen the walls' tops are dashed."""
    panes = []
    if len(scene.outline) >= 3:
        floor = np.column_stack([scene.outline, np.full(len(scene.outline), -BEHIND_M)])
        panes.append(_pane(floor, "floor", 0.20))
        panes.append(_edges([floor], "floor", theme.PLANE_COLOURS["floor"]))
        if seen_top:
            panes.append(_edges([floor + (0, 0, height)], "ceiling", theme.PLANE_COLOURS["ceiling"], width=1.5, dash="dot"))
    quads = []
    for wall in scene.walls:
        quad = wall_quad(wall, height)
        quad[:, :2] -= inward(wall, scene) * BEHIND_M
        quads.append(quad)
        panes.append(_pane(quad, "wall", 0.16))
    if quads:
        panes.append(_edges([q[[3, 0, 1, 2]] for q in quads], "walls", theme.PLANE_COLOURS["wall"], closed=False))
        panes.append(_edges([q[[2, 3]] for q in quads], "tops of the walls", theme.PLANE_COLOURS["wall"], closed=False,
                            dash="solid" if seen_top else "dash"))
    return panes


def _pane(polygon: np.ndarray, kind: str, opacity: float):
    """A flat polygon (n×3, convex or seen from its first corner) as a translucent mesh."""
    import plotly.graph_objects as go

    faces = _fan(polygon[:, :2] if kind != "wall" else None, len(polygon))
    return go.Mesh3d(
        x=polygon[:, 0].astype(np.float32), y=polygon[:, 1].astype(np.float32), z=polygon[:, 2].astype(np.float32),
        i=faces[:, 0], j=faces[:, 1], k=faces[:, 2], color=theme.PLANE_COLOURS[kind], opacity=opacity, hoverinfo="skip",
        lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0}, showlegend=False,
    )


def _fan(polygon: np.ndarray | None, count: int) -> np.ndarray:
    """Triangles (m×3) of a polygon by cutting ears; of a convex one (None) by a fan."""
    if polygon is None:
        return np.array([(0, i, i + 1) for i in range(1, count - 1)])
    area = np.cross(np.column_stack([polygon, np.zeros(count)]), np.roll(np.column_stack([polygon, np.zeros(count)]), -1, 0))[:, 2].sum()
    left, out = list(range(count))[:: 1 if area > 0 else -1], []
    while len(left) > 3:
        ear = next((k for k in range(len(left)) if _is_ear(polygon, left, k)), 0)
        out.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        left.pop(ear)
    return np.array([*out, tuple(left)])


def _is_ear(polygon: np.ndarray, left: list[int], k: int) -> bool:
    """Whether the corner k of what is left can be cut off: it bends outward and no other corner lies in it."""
    a, b, c = (polygon[left[k - 1]], polygon[left[k]], polygon[left[(k + 1) % len(left)]])

    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    if side(a, b, c) <= 1e-12:
        return False
    others = [polygon[i] for i in left if i not in (left[k - 1], left[k], left[(k + 1) % len(left)])]
    return not any(side(a, b, p) > 0 and side(b, c, p) > 0 and side(c, a, p) > 0 for p in others)


def _edges(loops: list[np.ndarray], name: str, colour: str, closed: bool = True, dash: str = "solid", width: float = 3):
    """Polylines (each n×3) as one trace."""
    import plotly.graph_objects as go

    rows = []
    for loop in loops:
        rows += [loop, loop[:1]] if closed else [loop]
        rows.append(np.full((1, 3), np.nan))
    xyz = np.concatenate(rows).astype(np.float32)
    return go.Scatter3d(x=xyz[:, 0], y=xyz[:, 1], z=xyz[:, 2], mode="lines", name=name, hoverinfo="skip",
                        line={"color": colour, "width": width, "dash": dash}, showlegend=False)


def obstacle_traces(scene: Scene) -> list:
    """What stands in the room, each as the smallest upright box around its footprint."""
    import cv2

    loops = []
    for obstacle in scene.obstacles:
        corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(obstacle.footprint, np.float32))).astype(float)
        middle = corners.mean(0)
        ring = np.column_stack([middle + (corners - middle) * (1 + 2 * BEHIND_M), np.full(4, BEHIND_M)])
        top = ring + (0, 0, obstacle.height_m)
        loops += [np.vstack([ring, ring[:1]]), np.vstack([top, top[:1]]), *(np.stack(pair) for pair in zip(ring, top, strict=True))]
    if not loops:
        return []
    trace = _edges(loops, "in the way", theme.MUTED, closed=False, width=2)
    return [trace.update(showlegend=True)]


def product_traces(rec: Recommendation, parts: list[Part]) -> list:
    """A placed product as one solid mesh, each face in its part's colour."""
    import plotly.graph_objects as go

    # the legend shows the first face's colour: the largest part's, not a leg's
    parts = sorted(parts, key=lambda p: -float(np.ptp(p.vertices, axis=0).prod()))
    xyz = np.concatenate([p.vertices for p in parts]).astype(np.float32)
    starts = np.cumsum([0, *(len(p.vertices) for p in parts[:-1])])
    faces = np.concatenate([p.triangles() + start for p, start in zip(parts, starts, strict=True)])
    colours = [p.colour for p in parts for _ in p.triangles()]
    product = rec.product
    return [go.Mesh3d(
        x=xyz[:, 0], y=xyz[:, 1], z=xyz[:, 2], i=faces[:, 0], j=faces[:, 1], k=faces[:, 2], facecolor=colours,
        flatshading=True, name=theme.escaped(product.name), showlegend=True, hoverinfo="text",
        text=f"{theme.escaped(product.name)}<br>{product.width_m:.2f} × {product.depth_m:.2f} × {product.height_m:.2f} m",
        lighting={"ambient": 0.62, "diffuse": 0.55, "specular": 0.05, "fresnel": 0.0}, lightposition={"x": -2000, "y": -4000, "z": 9000},
    )]


def _product_note(rec: Recommendation, parts: list[Part]) -> Note:
    top = max(float(p.vertices[:, 2].max()) for p in parts)
    words = f"<b>{theme.wrap(rec.product.name, 28)}</b><br>{theme.odds(rec)} likely to fit"
    places = [(rec.placement.x_m, rec.placement.y_m, top + rise) for rise in (0.3, 0.45, 0.6, 0.15, 0.0)]
    return Note(np.array(places), words, theme.VERMILION_INK)


# --- dimensions --------------------------------------------------------------------------------------------------


def dimensions(scene: Scene, named: dict[str, Measurement], height: float, room_taken: float) -> tuple[list, list[Note]]:
    """Dimension lines (traces) and their labels (annotations): wall lengths along the tops, ceiling height in a
    corner, the longest free stretch on the floor. room_taken: how far (metres) placed products come off the walls."""
    spans: list[tuple[np.ndarray, np.ndarray, str]] = []
    for wall in scene.walls:
        measured = named.get(f"{wall.plane_id}_length")
        if measured is not None and measured.value is not None:
            a, b = (np.append(end, height + 0.10) for end in wall.ends)
            spans.append((a, b, theme.value_words(measured)))
    measured, corner = named.get("ceiling_height"), _corner(scene)
    if measured is not None and measured.value is not None and corner is not None:
        spans.append((np.append(corner, 0.0), np.append(corner, height), theme.value_words(measured)))
    lines = [_edges([loop for a, b, _ in spans for loop in _ruled(a, b)], "dimensions", theme.INK, closed=False, width=4)] if spans else []
    notes = [Note(_between(a, b), words, theme.INK) for a, b, words in spans]
    free_lines, free_notes = free_stretch(scene, named, room_taken)
    return [*lines, *free_lines], [*notes, *free_notes]


def _ruled(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    """A dimension line with a tick across each end."""
    tick = np.array([0.0, 0.0, 0.06]) if abs(b[2] - a[2]) < 0.5 else np.array([0.06, 0.06, 0.0])
    return [np.stack([a, b]), np.stack([a - tick, a + tick]), np.stack([b - tick, b + tick])]


def free_stretch(scene: Scene, named: dict[str, Measurement], room_taken: float) -> tuple[list, list[Note]]:
    """The longest free stretch: a band at the foot of its wall, its dimension on the floor before what stands there."""
    free, measured = longest_free(scene), drawn_stretch(scene, named.get("longest_free_wall"))
    if measured is None:
        return [], []
    wall, (start, end) = free
    inside = inward(wall, scene)
    foot = [np.append(along(wall, t) + inside * 0.03, 0.02) for t in (start, end)]
    front = [point + np.append(inside, 0.0) * (room_taken + 0.25) for point in foot]
    lines = [
        _edges([np.stack(foot)], "longest free wall", theme.GREEN, closed=False, width=8).update(showlegend=True),
        _edges([np.stack(front), *(np.stack(pair) for pair in zip(foot, front, strict=True))], "its length", theme.GREEN, closed=False, width=3),
    ]
    return lines, [Note(_between(*front), f"free {theme.value_words(measured)}", theme.GREEN_INK)]


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Places for a label along a line, the middle first."""
    return np.array([a + (b - a) * t for t in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)])


def _corner(scene: Scene) -> np.ndarray | None:
    """The corner (x, y) to draw the height in: the leftmost where two walls meet, else any end of a wall."""
    ends = [(kind != "corner", end[0], end) for wall in scene.walls for end, kind in zip(wall.ends, wall.end_kinds, strict=True)]
    return min(ends, key=lambda item: item[:2])[2] if ends else None


def camera_marks(scene: Scene, named: dict[str, Measurement]) -> tuple[list, list[Note]]:
    """Where the photo was taken from: a small frustum, its plumb line to the floor, its height."""
    camera = scene.camera
    corners = np.array([(-0.5, -0.5), (camera.width - 0.5, -0.5), (camera.width - 0.5, camera.height - 0.5), (-0.5, camera.height - 0.5)])
    rays = np.column_stack([(corners - (camera.cx, camera.cy)) / camera.f_px, np.ones(4)])
    frame, eye = to_room(rays * 0.28, scene), to_room(np.zeros(3), scene)
    loops = [np.vstack([frame, frame[:1]]), *(np.stack([eye, corner]) for corner in frame)]
    plumb = np.stack([eye, eye * (1, 1, 0)])
    measured = named.get("camera_height")
    words = f"camera {theme.value_words(measured)} high" if measured is not None and measured.value is not None else "camera"
    return ([_edges(loops, "camera", theme.INK, closed=False), _edges([plumb], "camera height", theme.MUTED, closed=False, dash="dot")],
            [Note(_between(*plumb[::-1]), words, theme.MUTED)])


