"""Rugs, curtains, blinds."""

from __future__ import annotations

import numpy as np

from .mesh import Builder, rot_y
from .piece import Piece, Style
from .shapes import blob, box, cylinder, flat_quads, sheet, tube

RUG_COLOURS = "#d8cfc0 #b9ad9b #8b8f94 #4d5a66 #9c5f4a #c9b79c #6f7c6a #a33f34 #e6e0d4 #35424f #bfa27a #7d6a5c".split()


def rug(style: Style, width: float, depth: float, round_: bool = False, material=None, border=None) -> Builder:
    """Flat rug, 8–14 mm thick (it counts as floor); material and border are drawn where not given."""
    thick = style.rng.uniform(0.008, 0.014)
    if material is None:
        material, border = _rug_materials(style)
    builder = Builder()
    if round_:
        return builder.add(cylinder(width / 2, thick, segments=64, bevel=0.004), material)
    builder.add(box((width, depth, thick), 0.004), material)
    if border is not None:
        builder.add(box((width - 0.3, depth - 0.3, thick + 0.001), 0.002), border)
    return builder


def _rug_materials(style: Style):
    rng, make = style.rng, style.make
    ground, figure = style.any(RUG_COLOURS), style.any(RUG_COLOURS)
    kind = int(rng.integers(5))
    if kind == 0:
        material = make.striped(ground, figure, rng.uniform(0.06, 0.2))
    elif kind == 1:
        material = make.patterned(
            ground, figure, rng.uniform(0.12, 0.4), style.any(["leaves", "dots", "waves", "check"])
        )
    else:
        material = make.pile(ground, figure if kind == 2 else None)
    return material, make.pile(figure, ground) if rng.random() < 0.4 else None


def curtains(style: Style, width: float, height: float, material, open_share: float = 0.32, rod: bool = True) -> Piece:
    """Pair of curtains (each covering `open_share` of the width) in front of a window; z = 0 is their lower edge,
    x = 0 the window's centre."""
    rng, piece = style.rng, Piece("curtains", on_floor=False)
    total = width + 0.5
    for side in (-1, 1):
        wide = total * open_share
        folds, phase = max(3, round(wide / 0.085)), rng.uniform(0, 6.3)

        def place(u, v, wide=wide, side=side, folds=folds, phase=phase):
            gather = 1 - 0.12 * np.sin(np.pi * v * 0.9)
            depth = (
                0.032 * (0.55 + 0.45 * (1 - v)) * np.sin(2 * np.pi * folds * u + phase + 0.5 * np.sin(2.2 * v + phase))
            )
            x = side * (total / 2 - u * wide * gather)
            return x, 0.1 + depth + 0.008 * np.sin(5 * v + 9 * u), v * height

        piece.add(sheet(place, (folds * 10, 26)), material)
    if rod:
        piece.add(
            cylinder(0.011, total + 0.2), style.metal, (-(total + 0.2) / 2, 0.1, height + 0.012), rot_y(np.pi / 2)
        )
        for side in (-1, 1):
            piece.add(
                blob((0.022, 0.022, 0.022), rng, 0.0, 8), style.metal, (side * (total + 0.2) / 2, 0.1, height + 0.012)
            )
            piece.add(
                tube([(side * total / 2, 0.0, height + 0.012), (side * total / 2, 0.1, height + 0.012)], 0.006),
                style.metal,
            )
    return piece


def blind(style: Style, width: float, height: float, drop: float) -> Piece:
    """Roller blind over a window of `width`×`height`; z = 0 is the window's sill."""
    piece = Piece("blind", on_floor=False)
    cloth = style.make.shade(style.any(["#e9e2d3", "#d5d2c8", "#c4b8a3", "#9fa39a"]))
    quad = [
        [
            (-width / 2, 0.03, height - drop),
            (width / 2, 0.03, height - drop),
            (width / 2, 0.03, height),
            (-width / 2, 0.03, height),
        ]
    ]
    piece.add(flat_quads(np.array(quad)[:, ::-1]), cloth)
    piece.add(cylinder(0.02, width), style.lacquer, (-width / 2, 0.03, height + 0.01), rot_y(np.pi / 2))
    return piece.add(box((width, 0.012, 0.022), 0.004), style.lacquer, (0, 0.03, height - drop - 0.01))
