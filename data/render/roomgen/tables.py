"""Coffee, side, dining and work tables."""

from __future__ import annotations

import numpy as np

from .piece import Piece, Style
from .shapes import box, cylinder, tube


def coffee_table(style: Style, width: float = 1.1, depth: float = 0.6, kind: str = "wood") -> Piece:
    """Low table: "wood" with a shelf, "round", or "metal" frame with a stone or glass top."""
    piece, height = Piece("coffee_table"), style.rng.uniform(0.36, 0.44)
    if kind == "round":
        r = width * 0.38
        piece.add(cylinder(r, 0.03, segments=48, bevel=0.01), style.wood, (0, r, height - 0.03))
        for k in range(3):
            a = 2 * np.pi * k / 3 + 0.5
            top, foot = 0.55 * r, 0.8 * r
            piece.add(
                tube(
                    [
                        (top * np.cos(a), r + top * np.sin(a), height - 0.02),
                        (foot * np.cos(a), r + foot * np.sin(a), 0),
                    ],
                    0.018,
                ),
                style.wood,
            )
        piece.tops.append((-0.6 * r, 0.6 * r, 0.4 * r, 1.6 * r, height))
        return piece
    top = (
        style.wood
        if kind == "wood"
        else style.any([style.make.stone("#e9e6e1", "#8f8c88"), style.make.glass("#dcebe6"), style.wood])
    )
    piece.add(box((width, depth, 0.03), 0.006), top, (0, depth / 2, height - 0.03))
    frame = style.wood if kind == "wood" else style.metal
    thick = 0.05 if kind == "wood" else 0.022
    for sx in (-1, 1):
        for y in (thick, depth - thick):
            leg = box((thick, thick, height - 0.03), 0.004).grain(2)
            piece.add(leg, frame, (sx * (width / 2 - thick), y, 0))
    piece.add(
        box((width - 2 * thick, depth - 2 * thick, 0.018), 0.004),
        frame if kind == "wood" else style.wood,
        (0, depth / 2, 0.13),
    )
    piece.tops.append((-width / 2 + 0.1, width / 2 - 0.1, 0.1, depth - 0.1, height))
    return piece


def side_table(style: Style, kind: str = "round") -> Piece:
    piece, height = Piece("side_table"), style.rng.uniform(0.48, 0.6)
    if kind == "round":
        piece.add(
            cylinder(0.22, 0.022, segments=40, bevel=0.006),
            style.any([style.wood, style.metal, style.lacquer]),
            (0, 0.22, height - 0.022),
        )
        piece.add(cylinder(0.016, height - 0.03), style.metal, (0, 0.22, 0.01))
        piece.add(cylinder(0.15, 0.014, segments=40), style.metal, (0, 0.22, 0))
        piece.tops.append((-0.12, 0.12, 0.1, 0.34, height))
        return piece
    piece.add(box((0.44, 0.4, 0.025), 0.005), style.wood, (0, 0.2, height - 0.025))
    piece.add(box((0.38, 0.34, 0.018), 0.004), style.wood, (0, 0.2, 0.16))
    for sx in (-1, 1):
        for y in (0.03, 0.37):
            piece.add(box((0.035, 0.035, height - 0.025), 0.005).grain(2), style.wood, (sx * 0.19, y, 0))
    piece.tops.append((-0.16, 0.16, 0.05, 0.35, height))
    return piece


def dining_table(style: Style, width: float = 1.6, depth: float = 0.9, kind: str = "rect", wood=None) -> Piece:
    """Dining table, top at 0.74–0.76 m: "rect", "round" (pedestal) or "trestle"."""
    piece, height, wood = Piece("dining_table"), 0.75, wood or style.wood
    if kind == "round":
        r = depth / 2 + 0.05
        piece.add(cylinder(r, 0.03, segments=64, bevel=0.01), wood, (0, r, height - 0.03))
        piece.add(cylinder(0.05, height - 0.05), style.lacquer, (0, r, 0.02))
        piece.add(cylinder(0.28, 0.03, 0.26, segments=48), style.lacquer, (0, r, 0))
        piece.tops.append((-0.5 * r, 0.5 * r, 0.5 * r, 1.5 * r, height))
        return piece
    piece.add(box((width, depth, 0.035), 0.006), wood, (0, depth / 2, height - 0.035))
    if kind == "trestle":
        for sx in (-1, 1):
            for y in (0.1, depth - 0.1):
                piece.add(
                    tube([(sx * (width / 2 - 0.25), depth / 2, height - 0.03), (sx * (width / 2 - 0.25), y, 0)], 0.022),
                    style.metal,
                )
        piece.add(
            tube([(-width / 2 + 0.25, depth / 2, height - 0.06), (width / 2 - 0.25, depth / 2, height - 0.06)], 0.02),
            style.metal,
        )
    else:
        piece.add(box((width - 0.16, depth - 0.16, 0.08), 0.004), wood, (0, depth / 2, height - 0.115))
        for sx in (-1, 1):
            for y in (0.08, depth - 0.08):
                piece.add(box((0.065, 0.065, height - 0.035), 0.008).grain(2), wood, (sx * (width / 2 - 0.08), y, 0))
    piece.tops.append((-width / 2 + 0.2, width / 2 - 0.2, 0.25, depth - 0.25, height))
    return piece


def desk(style: Style, width: float = 1.4, depth: float = 0.7, drawers: bool = True, top=None) -> Piece:
    """Writing desk against a wall; the sitter is at +y."""
    piece, height, top = Piece("desk"), 0.74, top or style.wood
    piece.add(box((width, depth, 0.028), 0.004), top, (0, depth / 2, height - 0.028))
    for sx in ((-1,) if drawers else (-1, 1)):
        for y in (0.04, depth - 0.04):
            piece.add(box((0.04, 0.04, height - 0.028), 0.003).grain(2), style.metal, (sx * (width / 2 - 0.04), y, 0))
        piece.add(box((0.03, depth - 0.1, 0.03), 0.003), style.metal, (sx * (width / 2 - 0.04), depth / 2, 0.08))
    piece.add(box((width - 0.1, 0.016, 0.25), 0.003), top, (0, 0.06, height - 0.3))
    if drawers:
        x, wide = width / 2 - 0.22, 0.4
        piece.add(box((wide, depth - 0.06, height - 0.09), 0.003), style.lacquer, (x, depth / 2 - 0.01, 0.06))
        for k in range(3):
            h = (height - 0.1) / 3
            piece.add(box((wide - 0.006, 0.018, h - 0.006), 0.003), style.lacquer, (x, depth - 0.032, 0.065 + k * h))
            piece.add(box((0.12, 0.016, 0.012), 0.004), style.metal, (x, depth - 0.016, 0.065 + (k + 0.72) * h))
    piece.tops.append((-width / 2 + 0.08, width / 2 - 0.08, 0.06, depth - 0.08, height))
    return piece
