"""The empty room: walls with openings, floor, ceiling, skirting, windows and doors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import ids
from .mesh import Builder, rot_z
from .shapes import box, cylinder, flat_quads, slab, tube

CASING = 0.075
"""Width of a door's or window's casing, metres."""
SKIRTING_OUT = 0.014
"""Thickness of a skirting board, metres."""


@dataclass(frozen=True)
class Opening:
    """A door or window in a wall: `at` is its centre along the wall from the wall's start; metres."""

    kind: str
    wall: int
    at: float
    width: float
    sill: float
    head: float
    depth: float = 0.16
    style: str = "plain"

    @property
    def height(self) -> float:
        return self.head - self.sill


@dataclass(frozen=True)
class Room:
    """outline: n×2, counter-clockwise seen from above, axis-parallel sides; wall i runs from corner i to i+1."""

    outline: np.ndarray
    height: float
    openings: tuple[Opening, ...] = ()

    @property
    def walls(self) -> int:
        return len(self.outline)

    def ends(self, wall: int) -> tuple[np.ndarray, np.ndarray]:
        return self.outline[wall], self.outline[(wall + 1) % len(self.outline)]

    def length(self, wall: int) -> float:
        start, end = self.ends(wall)
        return float(np.linalg.norm(end - start))

    def along(self, wall: int) -> np.ndarray:
        """Unit vector along the wall (2)."""
        start, end = self.ends(wall)
        return (end - start) / np.linalg.norm(end - start)

    def inward(self, wall: int) -> np.ndarray:
        """Unit normal into the room (2)."""
        d = self.along(wall)
        return np.array([-d[1], d[0]])

    def angle(self, wall: int) -> float:
        """Turn that brings a piece's x axis along the wall, its y axis into the room."""
        d = self.along(wall)
        return float(np.arctan2(d[1], d[0]))

    def point(self, wall: int, along: float, out: float = 0.0, up: float = 0.0) -> np.ndarray:
        xy = self.outline[wall] + along * self.along(wall) + out * self.inward(wall)
        return np.array([xy[0], xy[1], up])

    def on_wall(self, wall: int) -> list[Opening]:
        return [o for o in self.openings if o.wall == wall]

    @property
    def area(self) -> float:
        x, y = self.outline.T
        return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


@dataclass
class Finish:
    """Materials of a room's shell. walls: one per wall."""

    walls: list
    ceiling: object
    trim: object
    door: object
    frame: object
    metal: object
    floor: object = None
    planks: tuple = ()
    plank_size: tuple[float, float] = (1.2, 0.14)
    pattern: str = "planks"
    floor_angle: float = 0.0
    skirting: float = 0.09
    cornice: float = 0.0
    door_glass: object = None
    extra: dict = field(default_factory=dict)


def build_shell(room: Room, finish: Finish, rng: np.random.Generator) -> tuple[float, float]:
    """Links the whole shell into the scene, each surface with its pass index (see `ids`).

    → how far skirting and cornice stand out from the walls, metres (0 where there is none)."""
    for wall in range(room.walls):
        Builder().add(_wall(room, wall), finish.walls[wall]).to_object(f"wall_{wall}", ids.WALL + wall)
        _trim(room, wall, finish)
    low, high = room.outline.min(axis=0) - 0.02, room.outline.max(axis=0) + 0.02
    corners = np.array([[low[0], low[1]], [low[0], high[1]], [high[0], high[1]], [high[0], low[1]]])
    ceiling = np.concatenate([corners, np.full((4, 1), room.height)], axis=1)[None]
    Builder().add(flat_quads(ceiling), finish.ceiling).to_object("ceiling", ids.CEILING)
    _floor(low, high, finish, rng).to_object("floor", ids.FLOOR)
    for number, opening in enumerate(room.openings):
        build = _window if opening.kind == "window" else _door
        first = ids.WINDOW if opening.kind == "window" else ids.DOOR
        at, angle = room.point(opening.wall, opening.at), room.angle(opening.wall)
        build(opening, finish, rng).to_object(f"{opening.kind}_{number}", first + number, at, angle)
    return SKIRTING_OUT if finish.skirting else 0.0, finish.cornice


def _wall(room: Room, wall: int):
    """The wall's plane with holes, texture x along the wall and y up."""
    holes = [(o.at - o.width / 2, o.at + o.width / 2, o.sill, o.head) for o in room.on_wall(wall)]
    s = sorted({0.0, room.length(wall), *[v for h in holes for v in h[:2]]})
    z = sorted({0.0, room.height, *[v for h in holes for v in h[2:]]})
    cells = []
    for s0, s1 in zip(s, s[1:]):
        for z0, z1 in zip(z, z[1:]):
            inside = any(h[0] <= (s0 + s1) / 2 <= h[1] and h[2] <= (z0 + z1) / 2 <= h[3] for h in holes)
            if not inside:
                cells.append([(s1, z0), (s0, z0), (s0, z1), (s1, z1)])
    cells = np.array(cells)
    quads = np.array([[room.point(wall, a, 0.0, b) for a, b in cell] for cell in cells])
    tex = np.concatenate([cells, np.zeros(cells.shape[:2] + (1,))], axis=-1)
    return flat_quads(quads, tex)


def _trim(room: Room, wall: int, finish: Finish) -> None:
    builder = Builder()
    doors = sorted(
        (o.at - o.width / 2 - CASING, o.at + o.width / 2 + CASING) for o in room.on_wall(wall) if o.sill == 0
    )
    cuts = [0.0] + [v for pair in doors for v in pair] + [room.length(wall)]
    angle = rot_z(room.angle(wall))
    for start, end in zip(cuts[::2], cuts[1::2]):
        if finish.skirting and end - start > 0.02:
            part = box((end - start, SKIRTING_OUT, finish.skirting), 0.004)
            builder.add(part, finish.trim, room.point(wall, (start + end) / 2, SKIRTING_OUT / 2), angle)
    if finish.cornice:
        part = box((room.length(wall), finish.cornice, finish.cornice), 0.4 * finish.cornice, 4)
        at = room.point(wall, room.length(wall) / 2, finish.cornice / 2, room.height - finish.cornice)
        builder.add(part, finish.ceiling, at, angle)
    if builder.parts:
        builder.to_object(f"trim_{wall}", ids.SKIRTING + wall)


def _floor(low, high, finish: Finish, rng) -> Builder:
    builder = Builder()
    size, centre = high - low, (high + low) / 2
    if not finish.planks:
        corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
        quad = np.concatenate([corners, np.zeros((4, 1))], axis=1)[None]
        c, s = np.cos(finish.floor_angle), np.sin(finish.floor_angle)
        return builder.add(flat_quads(quad, quad @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])), finish.floor)
    planks = _chevron if finish.pattern == "chevron" else _courses
    quads, tex = planks(float(np.hypot(*size)) / 2 + 0.3, finish.plank_size, rng)
    quads = quads @ rot_z(finish.floor_angle).T + [centre[0], centre[1], 0.0]
    inside = ((quads[..., :2].max(axis=1) > low) & (quads[..., :2].min(axis=1) < high)).all(axis=1)
    quads, tex = quads[inside], tex[inside]
    if (
        finish.pattern == "planks" and abs(np.sin(2 * finish.floor_angle)) < 1e-9
    ):  # nothing may show outside a low window
        quads[..., :2] = quads[..., :2].clip(low, high)
    kind = rng.integers(0, len(finish.planks), len(quads))
    for i, material in enumerate(finish.planks):
        if (kind == i).any():
            builder.add(flat_quads(quads[kind == i], tex[kind == i]), material)
    base = slab((size[0], size[1], 0.01))
    return builder.add(base, finish.extra.get("gap", finish.planks[0]), (centre[0], centre[1], -0.0112))


def _plank(centre, length, width, angle, rng, gap=0.0012):
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [(length - gap) / 2, (width - gap) / 2]
    turned = half @ rot_z(angle)[:2, :2].T + centre
    flat = np.concatenate([turned, np.zeros((4, 1))], axis=1)
    return flat, np.concatenate([half, np.zeros((4, 1))], axis=1) + rng.uniform(0, 60, 3)


def _courses(reach, size, rng):
    """Planks in rows with random joints."""
    length, width = size
    planks = []
    for y in np.arange(-reach, reach, width):
        x = -reach - rng.uniform(0, length)
        while x < reach:
            piece = length * rng.choice([1.0, 1.0, 0.72])
            planks.append(_plank((x + piece / 2, y + width / 2), piece, width, 0.0, rng))
            x += piece
    return tuple(np.array(a) for a in zip(*planks))


def _chevron(reach, size, rng, gap=0.0012):
    """Columns of planks cut at 45°, alternately rising and falling (the pattern often sold as herringbone)."""
    length, width = size
    column, rise = length / np.sqrt(2), width * np.sqrt(2)
    quads, tex = [], []
    for i, x in enumerate(np.arange(-reach, reach, column)):
        lift = column if i % 2 == 0 else -column
        for y in np.arange(-reach - column, reach + column, rise) + (0 if i % 2 == 0 else column):
            quad = np.array(
                [
                    [x, y, 0],
                    [x + column - gap, y + lift, 0],
                    [x + column - gap, y + lift + rise - gap, 0],
                    [x, y + rise - gap, 0],
                ]
            )
            quads.append(quad)
            tex.append((quad - quad[0]) @ rot_z(-np.sign(lift) * np.pi / 4).T + rng.uniform(0, 60, 3))
    return np.array(quads), np.array(tex)


def pane_offset(opening: Opening) -> float:
    """How far behind the wall's plane a window's glass stands, metres."""
    return opening.depth - 0.03


def _reveal(builder: Builder, opening: Opening, material, bottom: bool) -> None:
    """The four faces of the hole, from the wall's plane outward (y < 0)."""
    w, d, h = opening.width / 2, -opening.depth, opening.height
    quads = [
        [(-w, 0, 0), (-w, d, 0), (-w, d, h), (-w, 0, h)],
        [(w, d, 0), (w, 0, 0), (w, 0, h), (w, d, h)],
        [(-w, 0, h), (-w, d, h), (w, d, h), (w, 0, h)],
    ]
    if bottom:
        quads.append([(-w, d, 0), (-w, 0, 0), (w, 0, 0), (w, d, 0)])
    builder.add(flat_quads(np.array(quads, float)), material, (0, 0, opening.sill))


def _window(opening: Opening, finish: Finish, rng) -> Builder:
    """Reveal, frame with one to three lights, handle, sill board. Local frame: x along the wall, y into the room."""
    builder = Builder()
    _reveal(builder, opening, finish.extra.get("reveal", finish.ceiling), True)
    y, bar, width, height = -pane_offset(opening), 0.055, opening.width, opening.height
    lights = 1 if width < 0.9 else 2 if width < 1.9 else 3
    uprights = [-width / 2 + bar / 2, width / 2 - bar / 2] + [width * (k / lights - 0.5) for k in range(1, lights)]
    for k, x in enumerate(uprights):
        thick = bar if k < 2 else bar * 1.6
        builder.add(box((thick, 0.06, height), 0.006), finish.frame, (x, y, opening.sill))
    for z in (opening.sill, opening.head - bar):
        builder.add(box((width, 0.057, bar), 0.006), finish.frame, (0, y, z))  # thinner: no coincident faces
    if opening.style == "cross":
        builder.add(box((width, 0.045, 0.035), 0.005), finish.frame, (0, y, opening.sill + 0.68 * height))
    if lights > 1:
        builder.add(
            box((0.018, 0.03, 0.12), 0.006), finish.metal, (uprights[2], y + 0.045, opening.sill + 0.45 * height)
        )
    if opening.sill > 0.2:
        board = box((width + 0.08, opening.depth + 0.045, 0.028), 0.006)
        builder.add(board, finish.trim, (0, -opening.depth / 2 + 0.0225, opening.sill - 0.014))
    return builder


def _casing(builder: Builder, opening: Opening, material) -> None:
    width, proud = opening.width, 0.018
    for side in (-1, 1):
        builder.add(box((CASING, proud, opening.head), 0.004), material, (side * (width + CASING) / 2, proud / 2, 0))
    builder.add(box((width + 2 * CASING, proud, CASING), 0.004), material, (0, proud / 2 + 0.0005, opening.head))


def _door(opening: Opening, finish: Finish, rng) -> Builder:
    """Closed door: casing, leaf with panels, lever handle, hinges."""
    builder = Builder()
    _casing(builder, opening, finish.extra.get("casing", finish.door))
    _reveal(builder, opening, finish.extra.get("casing", finish.door), False)
    width, height, face = opening.width - 0.008, opening.head - 0.012, -0.012
    leaf = box((width, 0.04, height), 0.003).grain(2)
    builder.add(leaf, finish.door, (0, face - 0.02, 0.006))
    for x, z, w, h in _panels(opening.style, width, height):
        for dx, dz, pw, ph, proud in (
            (0, -h / 2, w, 0.02, 0.016),
            (0, h / 2, w, 0.02, 0.016),
            (-w / 2, 0, 0.02, h, 0.0145),
            (w / 2, 0, 0.02, h, 0.0145),
        ):
            builder.add(box((pw + 0.02, proud, ph), 0.007), finish.door, (x + dx, face, z + dz - ph / 2))
        inset = finish.door_glass if opening.style == "glazed" and finish.door_glass else finish.door
        builder.add(box((w - 0.07, 0.016, h - 0.07), 0.008).grain(2), inset, (x, face, z - (h - 0.07) / 2))
    side = 1 if rng.random() < 0.5 else -1
    x = side * (width / 2 - 0.065)
    builder.add(cylinder(0.024, 0.008), finish.metal, (x, face, 1.03), _lying())
    builder.add(cylinder(0.012, 0.008), finish.metal, (x, face, 0.94), _lying())
    bend = [
        (x, face, 1.03),
        (x, face + 0.045, 1.03),
        (x - side * 0.012, face + 0.055, 1.03),
        (x - side * 0.12, face + 0.055, 1.03),
    ]
    builder.add(tube(bend, 0.009), finish.metal)
    for z in (0.25, height - 0.3):
        builder.add(cylinder(0.008, 0.09), finish.metal, (-side * (width / 2 + 0.002), face + 0.004, z))
    return builder


def _lying() -> np.ndarray:
    """Turns a shape's z axis into +y."""
    return np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def _panels(style: str, width: float, height: float):
    """Panel centres and sizes (x, z, w, h) of a door leaf."""
    if style == "plain":
        return []
    w = width - 0.26
    if style == "four":
        half = (width - 0.34) / 2
        rows = ((0.30 * height, 0.40 * height), (0.76 * height, 0.36 * height))
        return [(sx * (half + 0.09) / 2, z, half, h) for sx in (-1, 1) for z, h in rows]
    return [(0.0, 0.26 * height, w, 0.34 * height), (0.0, 0.71 * height, w, 0.44 * height)]
