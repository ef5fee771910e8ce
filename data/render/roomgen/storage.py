"""Shelves with books, sideboards, TV stands, chests of drawers, wardrobes, nightstands."""

from __future__ import annotations

import numpy as np

from . import decor
from .mesh import rot_x, rot_z
from .piece import Piece, Style
from .shapes import box, cylinder, tube


def books(style: Style, length: float, tallest: float, depth: float = 0.2, fill: float = 0.9) -> Piece:
    """A row of books standing on z = 0, spines toward +y at y = depth, from x = 0 to `length`."""
    rng, piece, x = style.rng, Piece("books"), 0.0
    height = tallest * rng.uniform(0.75, 0.95)
    while x < length * fill:
        thick = float(rng.choice([0.012, 0.018, 0.025, 0.034, 0.045]))
        tall = min(tallest - 0.01, height * rng.uniform(0.82, 1.08))
        deep = rng.uniform(0.7, 0.98) * depth
        if x + thick > length:
            break
        lean = rng.uniform(0, 0.12) if rng.random() < 0.06 else 0.0
        turn = np.array([[np.cos(lean), 0, np.sin(lean)], [0, 1, 0], [-np.sin(lean), 0, np.cos(lean)]])
        cover = style.make.paint(style.any(style.book_colours), 0.5, 0.0)
        piece.add(
            box((thick - 0.001, deep, tall), 0.002, 1),
            cover,
            (x + thick / 2, depth - deep / 2 - rng.uniform(0, 0.012), 0),
            turn,
        )
        if thick > 0.02 and rng.random() < 0.6:
            band = style.make.paint(style.any(["#e8e2d2", "#d8b45a", "#222222", "#f4f1ea"]), 0.5, 0.0)
            piece.add(
                box((thick - 0.0005, 0.004, 0.03), 0.001, 1),
                band,
                (x + thick / 2, depth - 0.006, tall * rng.uniform(0.2, 0.75)),
            )
        x += thick
        if rng.random() < 0.05:
            height = tallest * rng.uniform(0.7, 0.95)
            x += rng.uniform(0, 0.08)
    return piece


def bookshelf(
    style: Style,
    width: float = 0.9,
    height: float = 1.95,
    depth: float = 0.3,
    rows: int = 5,
    material=None,
    full: float = 0.75,
) -> Piece:
    """Open shelf with books, boxes and small things."""
    material, piece = material or style.wood, Piece("bookshelf")
    board = 0.022
    for side in (-1, 1):
        piece.add(box((board, depth, height), 0.002).grain(2), material, (side * (width - board) / 2, depth / 2, 0))
    piece.add(box((width - 0.02, 0.008, height - 0.04), 0.001), material, (0, 0.006, 0.03))
    bays = max(1, round(width / 0.8))
    gap = (height - 0.06 - board) / rows
    for k in range(rows + 1):
        piece.add(box((width - 2 * board, depth - 0.004, board), 0.002), material, (0, depth / 2, 0.05 + k * gap))
    for b in range(1, bays):
        piece.add(
            box((board, depth - 0.006, height - 0.06), 0.002).grain(2),
            material,
            (-width / 2 + b * width / bays, depth / 2, 0.05),
        )
    bay = width / bays - board
    for b in range(bays):
        left = -width / 2 + board + b * width / bays + 0.004
        for k in range(rows):
            _fill_shelf(piece, style, left, bay - 0.01, 0.05 + board + k * gap, gap - board, depth, full)
    piece.tops.append((-width / 2 + 0.1, width / 2 - 0.1, 0.05, depth - 0.05, height + 0.012))
    return piece


def _fill_shelf(
    piece: Piece, style: Style, left: float, wide: float, z: float, tall: float, depth: float, full: float
) -> None:
    rng = style.rng
    draw = rng.random()
    if draw < full * 0.75:
        share = rng.uniform(0.55, 1.0)
        side = 0 if rng.random() < 0.7 else wide * (1 - share)
        piece.merge(books(style, wide * share, tall - 0.02, depth * 0.75), (left + side, depth * 0.2, z))
        if share < 0.75 and side == 0:
            piece.merge(decor.small_thing(style, tall - 0.04), (left + wide * (share + 1) / 2, depth * 0.55, z))
    elif draw < full * 0.9:
        size = (min(wide * 0.9, 0.33), depth * 0.85, min(tall * 0.75, 0.28))
        piece.merge(decor.basket(style, size), (left + wide / 2, depth / 2, z))
    elif draw < full + 0.15:
        for share in (0.3, 0.7):
            piece.merge(decor.small_thing(style, tall - 0.04), (left + wide * share, depth * 0.55, z))
    elif draw < full + 0.2:
        piece.merge(decor.lying_books(style, 3), (left + wide / 2, depth * 0.5, z))


def cabinet(
    style: Style,
    kind: str,
    width: float,
    height: float,
    depth: float,
    columns: int,
    rows: int,
    legs: float = 0.12,
    body=None,
    front=None,
    handles: str = "bar",
) -> Piece:
    """Closed case with a grid of fronts: the base of sideboards, chests, TV stands, wardrobes and nightstands."""
    body, front, piece = body or style.wood, front or body or style.lacquer, Piece(kind)
    piece.add(box((width - 0.01, depth - 0.025, height - legs - 0.01), 0.002), body, (0, depth / 2 - 0.0125, legs))
    for side in (-1, 1):
        panel = box((0.018, depth - 0.02, height - legs - 0.018), 0.002).grain(1 if width > height else 2)
        piece.add(panel, body, (side * (width / 2 - 0.009), depth / 2 - 0.01, legs))
    piece.add(box((width, depth, 0.018), 0.003), body, (0, depth / 2, height - 0.018))
    if legs > 0.04:
        for sx in (-1, 1):
            for y in (0.06, depth - 0.08):
                piece.add(cylinder(0.013, legs + 0.005, 0.02), style.wood_dark, (sx * (width / 2 - 0.08), y, 0))
    margin, gap = 0.018, 0.004
    w, h = (width - 2 * margin) / columns, (height - legs - 2 * margin) / rows
    for c in range(columns):
        for r in range(rows):
            x, z = -width / 2 + margin + (c + 0.5) * w, legs + margin + r * h
            grain = 2 if h > w else 0
            piece.add(box((w - gap, 0.019, h - gap), 0.003).grain(grain), front, (x, depth - 0.0105, z + gap / 2))
            _handle(piece, style, handles, x, z, w, h, depth, c % 2 == 0)
    piece.tops.append((-width / 2 + 0.1, width / 2 - 0.1, 0.06, depth - 0.08, height))
    return piece


def _handle(piece, style, kind, x, z, w, h, depth, left) -> None:
    if kind == "none":
        return
    if kind == "knob":
        place = (x, z + h / 2) if w >= h else (x + (w / 2 - 0.05) * (1 if left else -1), z + h * 0.55)
        piece.add(cylinder(0.012, 0.022, 0.015), style.metal, (place[0], depth - 0.002, place[1]), rot_x(-np.pi / 2))
        return
    if w >= h:
        ends = [(x - 0.07, depth + 0.02, z + 0.72 * h), (x + 0.07, depth + 0.02, z + 0.72 * h)]
    else:
        px, pz = x + (w / 2 - 0.045) * (1 if left else -1), z + 0.5 * h
        ends = [(px, depth + 0.02, pz - 0.09), (px, depth + 0.02, pz + 0.09)]
    piece.add(tube(ends, 0.006), style.metal)
    for end in ends:
        piece.add(tube([end, (end[0], depth - 0.004, end[2])], 0.005), style.metal)


def sideboard(style: Style, width: float = 1.5) -> Piece:
    front = style.any([None, style.lacquer])
    return cabinet(
        style,
        "sideboard",
        width,
        style.rng.uniform(0.7, 0.82),
        0.42,
        max(2, round(width / 0.5)),
        int(style.rng.integers(1, 3)),
        0.14,
        style.wood,
        front,
        style.any(["bar", "knob", "none"]),
    )


def chest(style: Style, width: float = 0.9, height: float = 0.9, rows: int = 4) -> Piece:
    body = style.any([style.wood, style.lacquer])
    return cabinet(
        style,
        "dresser",
        width,
        height,
        0.46,
        1 if width < 1.0 else 2,
        rows,
        0.08,
        body,
        body,
        style.any(["bar", "knob"]),
    )


def nightstand(style: Style) -> Piece:
    body = style.any([style.wood, style.lacquer])
    return cabinet(
        style,
        "nightstand",
        0.45,
        style.rng.uniform(0.45, 0.56),
        0.38,
        1,
        2,
        0.12,
        body,
        body,
        style.any(["bar", "knob"]),
    )


def wardrobe(style: Style, width: float = 1.5, height: float = 2.1, body=None) -> Piece:
    """Hinged wardrobe with a plinth and tall doors."""
    body = body or style.any([style.wood, style.lacquer, style.lacquer])
    piece = cabinet(
        style,
        "wardrobe",
        width,
        height,
        0.6,
        max(2, round(width / 0.5)),
        1,
        0.03,
        body,
        body,
        style.any(["bar", "bar", "knob"]),
    )
    piece.add(box((width - 0.04, 0.5, 0.05), 0.002), style.wood_dark, (0, 0.27, 0))
    return piece


def tv_stand(style: Style, width: float = 1.6, tv: float = 1.1) -> Piece:
    """Low board with a television of width `tv` on it (0: none)."""
    front = style.any([None, style.lacquer])
    piece = cabinet(
        style,
        "tv_stand",
        width,
        style.rng.uniform(0.42, 0.55),
        0.4,
        3,
        1,
        0.1,
        style.wood,
        front,
        style.any(["none", "knob"]),
    )
    if tv:
        z, tall = piece.tops[0][4], tv * 0.58
        black = style.make.gloss("#141516", 0.35, 0.0)
        piece.add(box((tv, 0.035, tall), 0.006), black, (0, 0.17, z + 0.07))
        piece.add(box((tv - 0.016, 0.004, tall - 0.016), 0.001), style.make.screen(), (0, 0.189, z + 0.078))
        for side in (-1, 1):
            piece.add(box((0.03, 0.22, 0.012), 0.004), black, (side * tv * 0.33, 0.18, z))
            piece.add(box((0.025, 0.03, 0.09), 0.004), black, (side * tv * 0.33, 0.17, z))
        piece.tops[0] = (-width / 2 + 0.08, -tv / 2 - 0.02, 0.08, 0.32, z)
    return piece


def wall_shelf(style: Style, width: float = 0.9) -> Piece:
    """Board on the wall with a few things on it; its back is y = 0, its underside z = 0."""
    piece = Piece("wall_shelf", on_floor=False)
    piece.add(box((width, 0.22, 0.028), 0.004), style.wood, (0, 0.11, 0))
    length = width * style.rng.uniform(0.3, 0.6)
    piece.merge(books(style, length, 0.26, 0.17), (-width / 2 + 0.04, 0.03, 0.028))
    for share in (0.72, 0.9):
        piece.merge(
            decor.small_thing(style, 0.25), (-width / 2 + width * share, 0.11, 0.028), rot_z(style.rng.uniform(0, 3))
        )
    return piece
