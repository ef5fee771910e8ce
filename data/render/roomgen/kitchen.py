"""Fitted kitchens: base units with worktop, sink, hob and oven; wall units; hood; fridge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import plants
from .mesh import rot_x
from .piece import Piece, Style
from .shapes import blob, box, cylinder, lathe, tube
from .storage import cabinet

UNIT = 0.6
"""Width of one kitchen unit, metres."""


def base_run(
    style: Style,
    units: int,
    top,
    front,
    sink: int | None = 1,
    hob: int | None = 3,
    backsplash=None,
    clutter: bool = True,
    splash_height: float = 0.55,
) -> Piece:
    """Row of base units, 0.9 m high. `sink`, `hob`: unit index or None; an oven sits under the hob."""
    piece, width, depth, height = Piece("kitchen_base"), units * UNIT, 0.6, 0.9
    piece.add(box((width, depth - 0.06, 0.1), 0.002), style.make.paint("#3a3a3a", 0.5, 0.0), (0, (depth - 0.06) / 2, 0))
    for k in range(units):
        x = -width / 2 + (k + 0.5) * UNIT
        if hob == k:
            _oven(piece, style, x, depth)
            continue
        rows = 3 if (k * 7 + units) % 3 == 0 and k != sink else 1
        unit = cabinet(
            style,
            "unit",
            UNIT,
            height - 0.04,
            depth - 0.015,
            1 if rows == 3 else 2 if k == sink else 1,
            rows,
            0.1,
            front,
            front,
            "bar",
        )
        unit.builder.parts = [pair for pair in unit.builder.parts if pair[0].verts[:, 2].max() > 0.12]
        piece.merge(unit, (x, 0, 0))
    piece.add(box((width + 0.02, depth + 0.02, 0.038), 0.004), top, (0, depth / 2 + 0.01, height - 0.038))
    if backsplash is not None:
        piece.add(splash(width, splash_height), backsplash, (0, 0, height))
    if hob is not None:
        _hob(piece, style, -width / 2 + (hob + 0.5) * UNIT, depth, height)
    if sink is not None:
        _sink(piece, style, -width / 2 + (sink + 0.5) * UNIT, depth, height)
    if clutter:
        _worktop_things(piece, style, [k for k in range(units) if k not in (sink, hob)], width, height)
    piece.tops.append((-width / 2, width / 2, 0.1, 0.5, height))
    return piece


def splash(width: float, height: float):
    """Upright tile panel, 8 mm thick, its texture x along and y up (for tiles)."""
    part = box((width, 0.008, height), 0.001).moved((0, 0.004, 0))
    return replace(part, tex=part.tex[:, [0, 2, 1]])


def _oven(piece: Piece, style: Style, x: float, depth: float) -> None:
    steel, black = style.make.metal("#b9bab9", 0.3), style.make.screen()
    piece.add(
        box((UNIT - 0.004, depth - 0.03, 0.75), 0.002),
        style.make.paint("#444444", 0.5, 0.0),
        (x, (depth - 0.03) / 2, 0.11),
    )
    piece.add(box((UNIT - 0.006, 0.02, 0.5), 0.004), black, (x, depth - 0.022, 0.22))
    piece.add(box((UNIT - 0.006, 0.02, 0.11), 0.004), steel, (x, depth - 0.022, 0.735))
    piece.add(box((UNIT - 0.006, 0.02, 0.1), 0.004), steel, (x, depth - 0.022, 0.112))
    piece.add(tube([(x - 0.22, depth + 0.03, 0.68), (x + 0.22, depth + 0.03, 0.68)], 0.009), steel)
    for side in (-1, 1):
        piece.add(tube([(x + side * 0.2, depth + 0.03, 0.68), (x + side * 0.2, depth - 0.015, 0.68)], 0.007), steel)
    for k in (-0.2, -0.1, 0.1, 0.2):
        piece.add(cylinder(0.018, 0.022), steel, (x + k, depth - 0.012, 0.79), rot_x(-np.pi / 2))


def _hob(piece: Piece, style: Style, x: float, depth: float, height: float) -> None:
    piece.add(box((0.57, 0.5, 0.008), 0.003), style.make.screen(), (x, depth / 2, height))
    pot = style.make.metal("#c2c3c2", 0.18)
    at = np.array([x - 0.13, depth / 2 - 0.1, height + 0.008])
    piece.add(
        lathe(
            [
                (0, 0),
                (0.1, 0),
                (0.1, 0),
                (0.105, 0.13),
                (0.105, 0.13),
                (0.108, 0.135),
                (0.04, 0.15),
                (0.015, 0.155),
                (0.012, 0.18),
                (0, 0.182),
            ],
            36,
        ),
        pot,
        at,
    )
    for side in (-1, 1):
        piece.add(
            tube(
                [
                    at + [side * 0.1, -0.03, 0.1],
                    at + [side * 0.145, -0.02, 0.1],
                    at + [side * 0.145, 0.02, 0.1],
                    at + [side * 0.1, 0.03, 0.1],
                ],
                0.006,
            ),
            pot,
        )


def _sink(piece: Piece, style: Style, x: float, depth: float, height: float) -> None:
    steel = style.make.metal("#c4c6c6", 0.22)
    piece.add(box((0.52, 0.43, 0.006), 0.003), steel, (x, depth / 2 + 0.02, height - 0.001))
    piece.add(
        box((0.44, 0.35, 0.004), 0.002), style.make.metal("#6f7272", 0.35), (x, depth / 2 + 0.02, height + 0.0035)
    )
    bend = [
        (x, 0.07, height),
        (x, 0.07, height + 0.24),
        (x, 0.09, height + 0.3),
        (x, 0.15, height + 0.335),
        (x, 0.21, height + 0.31),
        (x, 0.225, height + 0.24),
    ]
    piece.add(tube(np.array(bend), 0.012), steel)
    piece.add(cylinder(0.022, 0.05), steel, (x, 0.07, height))
    piece.add(tube([(x + 0.02, 0.07, height + 0.05), (x + 0.07, 0.09, height + 0.09)], 0.006), steel)


def _worktop_things(piece: Piece, style: Style, units: list[int], width: float, height: float) -> None:
    rng = style.rng
    for k in units:
        x = -width / 2 + (k + 0.5) * UNIT
        draw = int(rng.integers(5))
        if draw == 0:
            board = box((0.28, 0.02, 0.4), 0.008)
            piece.add(board.grain(2), style.wood, (x, 0.08, height), rot_x(0.14))
            piece.add(box((0.2, 0.018, 0.3), 0.008).grain(2), style.wood_dark, (x + 0.12, 0.11, height), rot_x(0.16))
        elif draw == 1:
            for dx, tall in ((-0.12, 0.2), (0.0, 0.16), (0.11, 0.13)):
                piece.add(cylinder(0.045, tall), style.any(style.ceramics), (x + dx, 0.14, height))
                piece.add(cylinder(0.046, 0.018), style.wood, (x + dx, 0.14, height + tall))
        elif draw == 2:
            piece.merge(plants.vase(style, 0.2, True), (x, 0.2, height))
        elif draw == 3:
            _kettle(piece, style, (x, 0.2, height))
        else:
            piece.add(
                lathe([(0, 0.01), (0.06, 0), (0.12, 0.06), (0.14, 0.08), (0.135, 0.08), (0.1, 0.04), (0, 0.02)], 36),
                style.any(style.ceramics),
                (x, 0.24, height),
            )
            fruit = style.any(["#c8702a", "#b8322a", "#9aa83a", "#d9b23a"])
            for _ in range(6):
                at = (x + rng.normal(0, 0.035), 0.24 + rng.normal(0, 0.035), height + rng.uniform(0.06, 0.1))
                piece.add(blob((0.036, 0.036, 0.034), rng, 0.03, 8), style.make.paint(fruit, 0.4), at)


def _kettle(piece: Piece, style: Style, at) -> None:
    body = style.any([style.make.metal("#b9bab9", 0.2), style.make.gloss("#2a2b2d", 0.3), style.lacquer])
    at = np.asarray(at)
    piece.add(
        lathe(
            [(0, 0), (0.085, 0), (0.09, 0.02), (0.075, 0.16), (0.06, 0.19), (0.02, 0.2), (0.012, 0.215), (0, 0.22)], 36
        ),
        body,
        at,
    )
    piece.add(
        tube(
            np.array([at + [0.07, 0, 0.04], at + [0.125, 0, 0.07], at + [0.125, 0, 0.16], at + [0.06, 0, 0.19]]), 0.011
        ),
        style.make.gloss("#1d1d1f", 0.4, 0.0),
    )


def wall_units(style: Style, units: int, front, height: float = 0.72) -> Piece:
    """Row of wall units, 0.35 m deep; z = 0 is their underside."""
    piece = Piece("kitchen_wall", on_floor=False)
    for k in range(units):
        x = (k - (units - 1) / 2) * UNIT
        piece.merge(
            cabinet(style, "unit", UNIT, height, 0.35, 1 if k % 2 else 2, 1, 0.0, front, front, "bar"), (x, 0, 0)
        )
    return piece


def hood(style: Style, up: float = 0.9) -> Piece:
    """Extractor with a chimney of height `up`; z = 0 is its underside."""
    piece, steel = Piece("hood", on_floor=False), style.make.metal("#b9bbbb", 0.26)
    piece.add(box((0.6, 0.48, 0.06), 0.005), steel, (0, 0.24, 0))
    piece.add(box((0.42, 0.34, 0.05), 0.02), steel, (0, 0.18, 0.055))
    return piece.add(box((0.26, 0.24, up), 0.004), steel, (0, 0.13, 0.06))


def fridge(style: Style, front=None, height: float = 1.95) -> Piece:
    piece, front = Piece("fridge"), front or style.make.metal("#b3b5b5", 0.32)
    piece.add(box((0.6, 0.6, height), 0.006), style.make.paint("#8b8d8d", 0.5, 0.0), (0, 0.3, 0.02))
    split = height * 0.38
    for z, h in ((0.05, split - 0.054), (split, height - split + 0.01)):
        piece.add(box((0.595, 0.05, h), 0.012, 3), front, (0, 0.63, z))
    for z0, z1 in ((split - 0.35, split - 0.06), (split + 0.06, split + 0.45)):
        piece.add(tube([(0.25, 0.69, z0), (0.25, 0.69, z1)], 0.01), style.metal)
        for z in (z0 + 0.02, z1 - 0.02):
            piece.add(tube([(0.25, 0.69, z), (0.25, 0.65, z)], 0.008), style.metal)
    return piece


def island(style: Style, width: float, top, front) -> Piece:
    """Free-standing block, 0.9 m high, with an overhanging worktop."""
    piece = cabinet(style, "island", width, 0.86, 0.75, max(2, round(width / 0.6)), 1, 0.05, front, front, "none")
    return piece.add(box((width + 0.1, 0.95, 0.04), 0.004), top, (0, 0.42, 0.86))
