"""Small things: books lying about, pictures, mirrors, baskets, boxes, radiators, clocks."""

from __future__ import annotations

import numpy as np

from .mesh import rot_x, rot_y, rot_z
from .piece import Piece, Style
from .plants import plant, vase
from .shapes import blob, box, cylinder, lathe

_STAND = rot_x(-np.pi / 2)
"""Turns z into +y: for discs that hang on a wall."""


def lying_books(style: Style, count: int = 3) -> Piece:
    rng, piece, z = style.rng, Piece("lying_books", on_floor=False), 0.0
    for _ in range(count):
        size = (rng.uniform(0.17, 0.28), rng.uniform(0.13, 0.2), rng.uniform(0.012, 0.035))
        turn = rot_z(rng.normal(0, 0.12))
        cover = style.make.paint(style.any(style.book_colours), 0.45, 0.0)
        piece.add(box(size, 0.0015, 1), cover, (0, 0, z), turn)
        piece.add(
            box((size[0] - 0.005, size[1] - 0.003, size[2] - 0.006), 0.001, 1),
            style.make.paint("#efe9dc", 0.9, 0.0),
            (0.004, 0.003, z + 0.003),
            turn,
        )
        z += size[2]
    return piece


def small_thing(style: Style, tallest: float = 0.25) -> Piece:
    """A vase, bowl, framed photo, candle, pot plant or clock, no taller than `tallest`."""
    rng = style.rng
    kind = int(rng.integers(6))
    piece = Piece("thing", on_floor=False)
    if kind == 0:
        return vase(style, min(tallest, rng.uniform(0.12, 0.24)))
    if kind == 1:
        r = min(0.1, tallest * 0.6)
        return piece.add(
            lathe(
                [
                    (0, 0),
                    (0.4 * r, 0),
                    (0.8 * r, 0.35 * r),
                    (r, 0.7 * r),
                    (r, 0.7 * r),
                    (0.93 * r, 0.7 * r),
                    (0.7 * r, 0.35 * r),
                    (0, 0.1 * r),
                ]
            ),
            style.any(style.ceramics),
        )
    if kind == 2:
        w, h = 0.13, min(tallest, 0.18)
        piece.add(
            box((w, 0.015, h), 0.002), style.any([style.wood, style.metal, style.lacquer]), (0, 0, 0), rot_x(0.12)
        )
        return piece.add(box((w - 0.03, 0.004, h - 0.03), 0.001), style.any(style.art), (0, 0.008, 0.015), rot_x(0.12))
    if kind == 3:
        for x in (-0.04, 0.04):
            piece.add(
                cylinder(0.028, min(tallest, rng.uniform(0.08, 0.2))), style.make.paint("#efe6d2", 0.5, 0.0), (x, 0, 0)
            )
        return piece
    if kind == 4 and tallest > 0.2:
        small = plant(style, min(tallest, 0.26), style.any(["sword", "fig"]), 0.055)
        return piece.merge(small, (0, -0.07, 0))
    return piece.merge(lying_books(style, 2))


def basket(style: Style, size=(0.36, 0.36, 0.3)) -> Piece:
    """Box or woven basket, open or lidded."""
    piece = Piece("basket")
    material = style.any([style.make.wicker(), style.make.fabric("#8d8a83"), style.make.wicker("#8a6a45"), style.linen])
    return piece.add(box(size, 0.025, 3), material)


def cardboard(style: Style, size=(0.4, 0.3, 0.3)) -> Piece:
    piece = Piece("box")
    piece.add(box(size, 0.003), style.make.paint("#b08d63", 0.85), (0, size[1] / 2, 0))
    tape = style.make.gloss("#c9a878", 0.3, 0.0)
    return piece.add(box((size[0] + 0.001, 0.05, size[2] + 0.001), 0.003), tape, (0, size[1] / 2, 0))


def heap(style: Style) -> Piece:
    """Clothes or a blanket left on the floor."""
    piece = Piece("heap")
    for _ in range(int(style.rng.integers(1, 4))):
        part = blob(style.rng.uniform((0.12, 0.1, 0.04), (0.28, 0.25, 0.1)), style.rng, 0.22, 18)
        piece.add(part, style.any([style.linen, *style.cloths]), np.append(style.rng.normal(0, 0.06, 2), 0.05))
    return piece


def bin_(style: Style) -> Piece:
    """Waste-paper basket."""
    r, h = style.rng.uniform(0.12, 0.17), style.rng.uniform(0.24, 0.4)
    profile = [
        (0, 0),
        (0.8 * r, 0),
        (0.8 * r, 0),
        (r, h),
        (r, h),
        (r - 0.006, h),
        (r - 0.006, h),
        (0.78 * r, 0.02),
        (0, 0.02),
    ]
    return Piece("bin").add(
        lathe(profile, 36),
        style.any([style.metal, style.lacquer, style.make.gloss("#2a2b2d", 0.4, 0.0), style.make.wicker()]),
    )


def picture(style: Style, width: float = 0.6, height: float = 0.8, mount: float = 0.06) -> Piece:
    """Framed picture with a mount; its back is y = 0, its lower edge z = 0."""
    piece, bar = Piece("picture", on_floor=False), style.rng.uniform(0.012, 0.03)
    frame = style.any([style.wood, style.wood_dark, style.metal, style.lacquer, style.make.paint("#1d1d1d", 0.4, 0.0)])
    for side in (-1, 1):
        piece.add(box((bar, 0.025, height), 0.002).grain(2), frame, (side * (width - bar) / 2, 0.0125, 0))
    for z in (0, height - bar):
        piece.add(box((width, 0.0245, bar), 0.002), frame, (0, 0.0122, z + 0.0003))
    piece.add(
        box((width - bar, 0.006, height - bar), 0.001), style.make.paint("#f3f0e8", 0.7, 0.0), (0, 0.012, bar / 2)
    )
    w, h = width - 2 * bar - 2 * mount, height - 2 * bar - 2 * mount
    art = box((w, 0.002, h), 0.0005)
    return piece.add(art, style.any(style.art), (0, 0.0165, bar + mount))


def mirror(style: Style, width: float = 0.6, height: float = 0.9, round_: bool = False) -> Piece:
    piece = Piece("mirror", on_floor=False)
    frame = style.any([style.wood, style.metal, style.wood_dark])
    if round_:
        r = width / 2
        piece.add(cylinder(r, 0.02, segments=64), frame, (0, 0, r), _STAND)
        return piece.add(cylinder(r - 0.015, 0.004, segments=64), style.make.mirror(), (0, 0.02, r), _STAND)
    piece.add(box((width, 0.025, height), 0.004), frame, (0, 0.0125, 0))
    return piece.add(box((width - 0.05, 0.004, height - 0.05), 0.001), style.make.mirror(), (0, 0.026, 0.025))


def clock(style: Style) -> Piece:
    piece, r = Piece("clock", on_floor=False), 0.15
    piece.add(cylinder(r, 0.03, segments=48), style.any([style.wood, style.metal, style.lacquer]), (0, 0, r), _STAND)
    piece.add(cylinder(r - 0.012, 0.004, segments=48), style.make.paint("#f5f3ee", 0.4, 0.0), (0, 0.029, r), _STAND)
    black = style.make.paint("#1d1d1d", 0.4, 0.0)
    for turn, length in ((0.9, 0.07), (-2.0, 0.11)):
        piece.add(box((0.008, 0.003, length), 0.001), black, (0, 0.035, r), rot_y(turn))
    return piece


def monitor(style: Style, width: float = 0.6) -> Piece:
    """Computer monitor on a foot, with keyboard, mouse and mug in front."""
    piece, black, tall = Piece("monitor", on_floor=False), style.make.gloss("#191a1c", 0.4, 0.0), width * 0.58
    piece.add(box((width, 0.03, tall), 0.006), black, (0, 0, 0.11))
    piece.add(box((width - 0.016, 0.004, tall - 0.016), 0.001), style.make.screen(), (0, 0.016, 0.118))
    piece.add(box((0.05, 0.03, 0.2), 0.006), black, (0, -0.025, 0.0))
    piece.add(box((0.24, 0.18, 0.01), 0.004), black, (0, 0.0, 0.0))
    piece.add(
        box((0.43, 0.13, 0.016), 0.005), style.any([black, style.make.gloss("#e8e8e6", 0.4, 0.0)]), (0, 0.26, 0.0)
    )
    piece.add(blob((0.032, 0.052, 0.018), style.rng, 0.0, 8), black, (-0.3, 0.27, 0.012))
    return piece.add(
        lathe([(0, 0), (0.04, 0), (0.042, 0.095), (0.038, 0.095), (0.036, 0.01), (0, 0.01)], 28),
        style.any(style.ceramics),
        (0.38, 0.2, 0),
    )


def radiator(style: Style, width: float = 1.0, height: float = 0.55) -> Piece:
    """Panel radiator on brackets, its foot 0.12 m above the floor."""
    piece, white = Piece("radiator", on_floor=False), style.make.gloss("#eeece6", 0.35, 0.1)
    for y in (0.05, 0.1):
        piece.add(box((width, 0.018, height), 0.006), white, (0, y, 0))
    for x in np.arange(-width / 2 + 0.035, width / 2 - 0.02, 0.035):
        piece.add(box((0.018, 0.008, height - 0.06), 0.003, 1), white, (x, 0.111, 0.03))
    piece.add(box((width, 0.08, 0.012), 0.003), white, (0, 0.075, height - 0.006))
    piece.add(cylinder(0.018, 0.06), white, (width / 2 + 0.03, 0.075, height - 0.06))
    for x in (width / 2 + 0.03, -width / 2 + 0.1):
        piece.add(cylinder(0.008, 0.16), white, (x, 0.075, -0.12))
    return piece


def switch(style: Style) -> Piece:
    """Light switch or socket plate, 8 cm square."""
    piece, white = Piece("switch", on_floor=False), style.make.gloss("#f2f1ec", 0.3, 0.0)
    piece.add(box((0.082, 0.009, 0.082), 0.003), white, (0, 0.0045, 0))
    return piece.add(box((0.056, 0.006, 0.056), 0.002), white, (0, 0.009, 0.013))
