"""Lamps that stand, hang, or sit under the ceiling; each tells its light to the stage."""

from __future__ import annotations

import numpy as np

from .mesh import rot_y
from .piece import Piece, Style
from .plants import vase
from .shapes import arc, blob, cylinder, lathe, tube


def floor_lamp(style: Style, lit: bool = False) -> Piece:
    """Standing lamp: a drum shade on a stem, a tripod, or an arc."""
    rng, piece, height = style.rng, Piece("floor_lamp"), style.rng.uniform(1.4, 1.65)
    shade = style.make.shade(style.any(["#efe6d2", "#e9e4da", "#d9c9ad", "#c8b6a0"]), 4.0 if lit else 0.0)
    kind = int(rng.integers(3))
    y = 0.2
    head = np.array([0.0, y, height - 0.25])
    if kind == 0:
        piece.add(cylinder(0.14, 0.02, segments=40), style.metal, (0, y, 0))
        piece.add(cylinder(0.011, height - 0.2), style.metal, (0, y, 0.01))
    elif kind == 1:
        for k in range(3):
            a = 2 * np.pi * k / 3 + 0.4
            piece.add(
                tube(
                    [
                        (0.02 * np.cos(a), y + 0.02 * np.sin(a), height - 0.2),
                        (0.24 * np.cos(a), y + 0.24 * np.sin(a), 0),
                    ],
                    0.014,
                ),
                style.wood,
            )
    else:
        head = np.array([0.55, y, height - 0.25])
        piece.add(cylinder(0.16, 0.03, segments=40), style.make.stone("#dedbd6"), (0, y, 0))
        path = [(0, y, 0.02), *arc((0, y, 0.9), (0.55, y, height - 0.02), (-0.06, 0, 0.32), 18)]
        piece.add(tube(np.array(path), 0.01), style.metal)
    piece.add(_drum(0.19, 0.15, 0.26), shade, head)
    piece.lights.append(("point", tuple(head + [0, 0, 0.12]), 38.0 if lit else 0.0, "#ffce94"))
    return piece


def _drum(bottom: float, top: float, height: float):
    return lathe(
        [(bottom, 0), (top, height), (top, height), (top - 0.003, height), (top - 0.003, height), (bottom - 0.003, 0)],
        40,
    )


def table_lamp(style: Style, lit: bool = False) -> Piece:
    rng, piece = style.rng, Piece("table_lamp", on_floor=False)
    base = rng.uniform(0.18, 0.3)
    shade = style.make.shade(style.any(["#f0e8d6", "#e7e0d2", "#d8c4a4"]), 4.0 if lit else 0.0)
    if rng.random() < 0.5:
        piece.merge(vase(style, base))
    else:
        piece.add(cylinder(0.07, 0.015), style.metal)
        piece.add(cylinder(0.009, base), style.metal)
    piece.add(cylinder(0.006, 0.1), style.metal, (0, 0, base - 0.02))
    piece.add(_drum(0.13, 0.09, 0.17), shade, (0, 0, base + 0.03))
    piece.lights.append(("point", (0, 0, base + 0.11), 16.0 if lit else 0.0, "#ffc98a"))
    return piece


def desk_lamp(style: Style) -> Piece:
    piece = Piece("desk_lamp", on_floor=False)
    material = style.any([style.metal, style.lacquer, style.make.gloss("#1f2022", 0.35)])
    piece.add(cylinder(0.08, 0.02, segments=40), material)
    piece.add(tube([(0, 0, 0.02), (-0.09, 0, 0.26), (0.1, 0, 0.45)], 0.007), material)
    return piece.add(
        lathe([(0.018, 0.08), (0.03, 0.07), (0.075, 0), (0.072, 0), (0.028, 0.066)], 32),
        material,
        (0.13, 0, 0.4),
        rot_y(-0.5),
    )


def pendant(style: Style, drop: float = 0.9, kind: str = "dome", lit: bool = False) -> Piece:
    """Hanging lamp; z = 0 is the ceiling, everything hangs below."""
    piece = Piece("pendant", on_floor=False)
    body = style.any([style.metal, style.lacquer, style.make.gloss("#22252a", 0.35), style.make.wicker()])
    piece.add(cylinder(0.05, 0.025), style.lacquer, (0, 0, -0.025))
    piece.add(cylinder(0.003, drop, segments=6), style.make.paint("#2a2a2a", 0.6, 0.0), (0, 0, -drop))
    if kind == "globe":
        r = 0.16
        angle = np.linspace(-np.pi / 2, np.pi / 2, 20)
        piece.add(
            lathe(np.stack([r * np.cos(angle), r * np.sin(angle)], -1), 36),
            style.make.shade("#f6f1e6", 5.0 if lit else 0.0),
            (0, 0, -drop - r),
        )
    elif kind == "drum":
        piece.add(_drum(0.24, 0.24, 0.24), style.make.shade("#ece3d2", 4.0 if lit else 0.0), (0, 0, -drop - 0.22))
    else:
        angle = np.linspace(0.12, np.pi / 2, 16)
        dome = np.stack([0.21 * np.sin(angle), 0.2 * np.cos(angle)], -1)[::-1]
        piece.add(lathe(np.concatenate([dome, (dome - [0.004, 0.004])[::-1]]), 40), body, (0, 0, -drop - 0.2))
        piece.add(
            blob((0.04, 0.04, 0.05), style.rng, 0.0, 8),
            style.make.glow("#ffdcae", 12.0) if lit else style.make.gloss("#f4f0e6", 0.2),
            (0, 0, -drop - 0.12),
        )
    piece.lights.append(("point", (0, 0, -drop - 0.24), 55.0 if lit else 0.0, "#ffd7a6"))
    return piece


def ceiling_lamp(style: Style, lit: bool = False) -> Piece:
    """Flat round lamp under the ceiling (z = 0)."""
    piece, r = Piece("ceiling_lamp", on_floor=False), style.rng.uniform(0.15, 0.24)
    piece.add(
        lathe([(0, -0.09), (r * 0.8, -0.085), (r, -0.05), (r, 0.0)], 40),
        style.make.shade("#f5f1e8", 5.0 if lit else 0.0),
    )
    piece.lights.append(("point", (0, 0, -0.2), 70.0 if lit else 0.0, "#ffe2bd"))
    return piece
