"""Sofas, armchairs, dining and office chairs, stools, poufs."""

from __future__ import annotations

import numpy as np

from .mesh import rot_x, rot_y, rot_z
from .piece import Piece, Style
from .shapes import arc, box, cushion, cylinder, lathe, pillow, sheet, tube


def sofa(
    style: Style,
    width: float = 2.1,
    depth: float = 0.92,
    seats: int = 2,
    chaise: int = 0,
    cloth=None,
    pillows: int = 3,
    throw=None,
) -> Piece:
    """Upholstered sofa; chaise −1 or +1 lengthens the seat at that end."""
    rng, cloth = style.rng, cloth or style.cloth
    piece = Piece("sofa")
    arm, seat_z, back_z = rng.uniform(0.13, 0.22), 0.27, rng.uniform(0.66, 0.78)
    arm_z = rng.uniform(0.52, 0.62)
    inside = width - 2 * arm
    piece.add(box((width - 0.02, depth - 0.04, 0.19), 0.025, 3), cloth, (0, depth / 2, 0.1))
    piece.add(box((width - 0.04, 0.2, back_z - 0.12), 0.06, 4, (4, 1, 2)), cloth, (0, 0.11, 0.12))
    for side in (-1, 1):
        piece.add(
            cushion((arm, depth - 0.02, arm_z - 0.1), rng, 0.05, 0.055, 0.002),
            cloth,
            (side * (width - arm) / 2, depth / 2, 0.1),
        )
        for y in (0.08, depth - 0.09):
            piece.add(cylinder(0.016, 0.11, 0.024), style.wood_dark, (side * (width / 2 - 0.09), y, 0))
    each = inside / seats
    for k in range(seats):
        x = -inside / 2 + each * (k + 0.5)
        piece.add(
            cushion((each - 0.008, depth - 0.21, 0.17), rng, 0.30, 0.05, 0.004),
            cloth,
            (x, 0.21 + (depth - 0.21) / 2, seat_z),
        )
        back = cushion((each - 0.02, 0.42, 0.19), rng, 0.5, 0.07, 0.008)
        piece.add(back, cloth, (x, 0.37, seat_z + 0.35), _upright(14))
    if chaise:
        x, long = chaise * (inside - each) / 2, 0.62
        piece.add(box((each, long, 0.19), 0.025, 3), cloth, (x, depth + long / 2 - 0.03, 0.1))
        piece.add(
            cushion((each - 0.008, long + 0.02, 0.17), rng, 0.30, 0.05), cloth, (x, depth + long / 2 - 0.01, seat_z)
        )
        for side in (-1, 1):
            piece.add(
                cylinder(0.016, 0.11, 0.024), style.wood_dark, (x + side * (each / 2 - 0.08), depth + long - 0.1, 0)
            )
    _scatter(piece, style, inside, pillows, seat_z + 0.17, 0.44)
    if throw is not None:
        piece.add(_throw(0.5, depth, seat_z + 0.2, back_z, rng), throw, (rng.uniform(-0.3, 0.3) * inside, 0, 0))
    return piece


def _upright(lean_deg: float) -> np.ndarray:
    """Stands a cushion made lying (thickness along z) on its edge, leaning back."""
    return rot_x(np.radians(90 + lean_deg)) @ rot_z(np.pi)


def _scatter(piece: Piece, style: Style, inside: float, count: int, z: float, y: float) -> None:
    rng = style.rng
    places = list(rng.permutation(np.linspace(-inside / 2 + 0.24, inside / 2 - 0.24, max(count, 2))))[:count]
    for x in places:
        size = rng.uniform(0.38, 0.48)
        turn = rot_z(rng.uniform(-0.35, 0.35)) @ rot_x(rng.uniform(0.32, 0.5)) @ rot_y(rng.uniform(-0.12, 0.12))
        piece.add(
            pillow(size, size * rng.choice([1.0, 1.0, 0.68]), 0.15, rng),
            style.any(style.cloths),
            (x, y + rng.uniform(0.08, 0.14), z - 0.01),
            turn,
        )


def _throw(width: float, depth: float, seat: float, back: float, rng):
    """Blanket over the backrest and the seat."""
    path = np.array(
        [
            (-0.02, back - 0.25),
            (0.0, back + 0.02),
            (0.12, back + 0.035),
            (0.3, back - 0.02),
            (0.5, seat + 0.05),
            (0.75, seat + 0.02),
            (depth - 0.03, seat + 0.01),
            (depth + 0.035, seat - 0.06),
            (depth + 0.04, seat - 0.24),
        ]
    )
    knots = np.linspace(0, 1, len(path))
    phase = rng.uniform(0, 6.3, 2)

    def place(u, v):
        y, z = np.interp(v, knots, path[:, 0]), np.interp(v, knots, path[:, 1])
        fold = 0.012 * np.sin(14 * u + phase[0] + 3 * v) + 0.006 * np.sin(31 * u + phase[1])
        return (u - 0.5) * width + 0.05 * np.sin(3 * v), y + 0.3 * fold, z + np.abs(fold) + 0.01

    return sheet(place, (28, 40), 0.006)


def armchair(style: Style, cloth=None, width: float = 0.78, depth: float = 0.82, kind: str = "block") -> Piece:
    """Armchair: "block" like a small sofa, or "wood" with a bent frame and loose cushions."""
    rng, cloth = style.rng, cloth or style.any(style.cloths)
    if kind == "block":
        piece = sofa(style, width, depth, 1, 0, cloth, 1)
        piece.kind = "armchair"
        return piece
    piece = Piece("armchair")
    for side in (-1, 1):
        x = side * (width / 2 - 0.025)
        frame = [
            (x, 0.06, 0.0),
            (x, 0.1, 0.3),
            (x, 0.12, 0.56),
            (x, 0.2, 0.6),
            (x, depth - 0.12, 0.57),
            (x, depth - 0.06, 0.52),
            (x, depth - 0.04, 0.3),
            (x, depth - 0.02, 0.0),
        ]
        piece.add(tube(_smooth(frame), 0.019), style.wood)
        piece.add(tube([(x, 0.14, 0.27), (x, depth - 0.05, 0.34)], 0.016), style.wood)
    for y, z in ((0.14, 0.27), (depth - 0.05, 0.33)):
        piece.add(tube([(-width / 2 + 0.03, y, z), (width / 2 - 0.03, y, z)], 0.016), style.wood)
    piece.add(cushion((width - 0.12, 0.6, 0.14), rng, 0.35, 0.05), cloth, (0, 0.43, 0.31), rot_x(0.1))
    piece.add(cushion((width - 0.14, 0.58, 0.14), rng, 0.4, 0.05), cloth, (0, 0.27, 0.68), _upright(20))
    return piece


def _smooth(points, count: int = 40) -> np.ndarray:
    """Points resampled along a rounded path (corner cutting)."""
    points = np.asarray(points, float)
    for _ in range(3):
        a, b = points[:-1], points[1:]
        inner = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 3)
        points = np.concatenate([points[:1], inner, points[-1:]])
    distance = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0, distance[-1], count)
    return np.stack([np.interp(wanted, distance, points[:, k]) for k in range(3)], axis=1)


def dining_chair(style: Style, kind: str = "slat", seat=None, wood=None) -> Piece:
    """Chair facing +y: "slat" wooden, "shell" plastic on legs, or "padded"."""
    rng, wood = style.rng, wood or style.wood
    piece = Piece("chair")
    if kind == "shell":
        return _shell_chair(piece, style, seat or style.lacquer, wood)
    for side in (-1, 1):
        back = _smooth(
            [(side * 0.19, 0.03, 0), (side * 0.2, 0.06, 0.25), (side * 0.2, 0.05, 0.5), (side * 0.19, -0.02, 0.84)]
        )
        piece.add(tube(back, 0.015), wood)
        piece.add(tube([(side * 0.2, 0.43, 0), (side * 0.195, 0.42, 0.44)], 0.016), wood)
        piece.add(tube([(side * 0.2, 0.06, 0.24), (side * 0.197, 0.42, 0.22)], 0.010), wood)
    if kind == "padded":
        piece.add(cushion((0.45, 0.44, 0.08), rng, 0.4, 0.03), seat or style.cloth, (0, 0.245, 0.41))
        piece.add(cushion((0.4, 0.36, 0.07), rng, 0.4, 0.03), seat or style.cloth, (0, 0.035, 0.68), _upright(8))
        return piece
    piece.add(box((0.44, 0.43, 0.028), 0.012, 3), wood, (0, 0.245, 0.43))
    for z in (0.6, 0.7, 0.8):
        y = np.interp(z, [0.5, 0.84], [0.05, -0.02])
        piece.add(tube(arc((-0.195, y, z), (0.195, y, z), (0, -0.03, 0)), 0.013), wood)
    return piece


def _shell_chair(piece: Piece, style: Style, shell, wood) -> Piece:
    def place(u, v):
        across = (u - 0.5) * 2
        y = np.interp(v, [0, 0.08, 0.45, 0.6, 0.75, 1], [0.47, 0.45, 0.16, 0.08, 0.04, 0.0])
        z = np.interp(v, [0, 0.08, 0.45, 0.6, 0.75, 1], [0.425, 0.44, 0.43, 0.47, 0.58, 0.82])
        wide = np.interp(v, [0, 0.3, 0.6, 1], [0.2, 0.235, 0.235, 0.17])
        curl = across**2
        return (
            across * wide,
            y + 0.07 * curl * (v > 0.5) * (v - 0.5) * 2,
            z + 0.06 * curl * np.sin(np.pi * np.clip(v * 1.1, 0, 1)),
        )

    piece.add(sheet(place, (16, 28), 0.012), shell)
    for sx in (-1, 1):
        for y, yb in ((0.12, 0.04), (0.36, 0.44)):
            piece.add(tube([(sx * 0.12, y, 0.43), (sx * 0.22, yb, 0)], 0.014), wood)
    piece.add(tube([(-0.14, 0.12, 0.4), (0.14, 0.12, 0.4)], 0.008), style.metal)
    piece.add(tube([(-0.14, 0.36, 0.4), (0.14, 0.36, 0.4)], 0.008), style.metal)
    return piece


def office_chair(style: Style, cloth=None) -> Piece:
    """Swivel chair on five castors, facing +y."""
    rng, cloth = style.rng, cloth or style.any([style.cloth, style.leather, style.make.fabric("#2b2d30")])
    black = style.make.gloss("#1b1c1e", 0.4, 0.0)
    piece = Piece("office_chair")
    for k in range(5):
        a = 2 * np.pi * k / 5 + 0.3
        end = np.array([0.29 * np.cos(a), 0.29 * np.sin(a) + 0.3, 0.07])
        piece.add(tube([(0, 0.3, 0.12), (end[0], end[1], 0.075)], 0.02), black)
        piece.add(cylinder(0.028, 0.045), black, (end[0], end[1] + 0.0, 0.0))
    piece.add(cylinder(0.026, 0.32), style.metal, (0, 0.3, 0.12))
    piece.add(cushion((0.5, 0.48, 0.1), rng, 0.4, 0.045), cloth, (0, 0.33, 0.43))
    piece.add(tube(_smooth([(0, 0.3, 0.42), (0, 0.08, 0.43), (0, 0.04, 0.55), (0, 0.04, 0.7)]), 0.022), black)
    piece.add(cushion((0.46, 0.56, 0.09), rng, 0.4, 0.05), cloth, (0, 0.09, 0.82), _upright(8))
    for side in (-1, 1):
        rail = _smooth([(side * 0.24, 0.3, 0.44), (side * 0.29, 0.3, 0.5), (side * 0.29, 0.3, 0.66)])
        piece.add(tube(rail, 0.014), black)
        piece.add(box((0.06, 0.26, 0.03), 0.014, 3), black, (side * 0.29, 0.32, 0.655))
    return piece


def stool(style: Style, height: float = 0.46) -> Piece:
    piece = Piece("stool")
    piece.add(cylinder(0.18, 0.035, bevel=0.01), style.wood, (0, 0.18, height - 0.035))
    for k in range(4):
        a = np.pi / 4 + k * np.pi / 2
        piece.add(
            tube(
                [
                    (0.1 * np.cos(a), 0.18 + 0.1 * np.sin(a), height - 0.02),
                    (0.17 * np.cos(a), 0.18 + 0.17 * np.sin(a), 0),
                ],
                0.013,
            ),
            style.wood,
        )
    return piece


def pouf(style: Style) -> Piece:
    """Round upholstered footstool."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 18)
    profile = np.stack(
        [0.26 * np.abs(np.cos(angle)) ** 0.45, 0.19 + 0.19 * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.8], -1
    )
    return Piece("pouf").add(lathe(profile, 40), style.any(style.cloths), (0, 0.26, 0))
