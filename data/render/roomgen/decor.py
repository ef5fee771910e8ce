"""Small things: plants, vases, books lying about, pictures, mirrors, lamps, baskets, boxes, radiators, clocks."""

from __future__ import annotations

import numpy as np

from .mesh import Builder, rot_x, rot_y, rot_z
from .piece import Piece, Style
from .shapes import arc, blob, box, cylinder, flat_quads, lathe, sheet, tube

_STAND = rot_x(-np.pi / 2)
"""Turns z into +y: for discs that hang on a wall."""


def vase(style: Style, height: float = 0.28, twigs: bool = False) -> Piece:
    rng, piece = style.rng, Piece("vase", on_floor=False)
    r = height * rng.uniform(0.22, 0.4)
    knots = np.array([(0.6, 0), (1.0, 0.3), (0.9, 0.55), (0.35, 0.85), (0.45, 1.0)]) * [1, 1]
    knots[1:3, 0] *= rng.uniform(0.75, 1.1, 2)
    t = np.linspace(0, 1, 24)
    outer = np.stack([np.interp(t, knots[:, 1], knots[:, 0]) * r, t * height], -1)
    outer[:, 0] = np.convolve(np.pad(outer[:, 0], 3, "edge"), np.ones(7) / 7, "valid")
    inner = outer[::-1][:10] - [0.004, 0.0]
    piece.add(lathe(np.concatenate([[(0, 0)], outer, inner])), style.any(style.ceramics))
    if twigs:
        for _ in range(int(rng.integers(5, 11))):
            a, spread = rng.uniform(0, 6.3), rng.uniform(0.05, 0.2)
            tip = (spread * np.cos(a), spread * np.sin(a), height * rng.uniform(1.7, 2.6))
            piece.add(tube(arc((0, 0, height * 0.6), tip, (0.03 * np.cos(a), 0.03 * np.sin(a), 0)), 0.0022, 5), style.wood)
            for s in np.linspace(0.55, 1.0, 5):
                at = np.array([0, 0, height * 0.6]) * (1 - s) + np.array(tip) * s
                piece.add(blob(rng.uniform(0.008, 0.02, 3), rng, 0.1, 6), style.any(style.greens), at + rng.normal(0, 0.012, 3))
    return piece


def plant(style: Style, height: float = 1.3, kind: str = "fig", pot: float = 0.17) -> Piece:
    """Potted plant: "fig" (stem with broad leaves), "palm" (arching fronds) or "sword" (upright blades)."""
    rng, piece = style.rng, Piece("plant")
    tall = pot * rng.uniform(1.5, 2.0)
    profile = [(0, 0), (pot * 0.75, 0), (pot * 0.75, 0), (pot, tall), (pot, tall), (pot - 0.012, tall), (pot - 0.012, tall), (pot - 0.02, tall - 0.05)]
    centre = np.array([0, pot + 0.02, 0])
    piece.add(lathe(profile), style.any(style.ceramics + [style.make.wicker()]), centre)
    piece.add(cylinder(pot - 0.018, 0.01), style.make.pile("#3a2c22", "#241a14"), centre + [0, 0, tall - 0.06])
    base = centre + [0, 0, tall - 0.05]
    leaf = style.any(style.greens)
    grow = {"fig": _fig, "palm": _palm, "sword": _sword}[kind]
    grow(piece, base, height - tall, leaf, style)
    return piece


def leaf_shape(length: float, width: float, droop: float, fold: float = 0.25, cells=(12, 4)):
    """Leaf from the origin along +x, its tip bending down by `droop` of its length."""
    def place(u, v):
        half = width / 2 * np.sin(np.pi * u ** 0.8) ** 0.9 + 0.002
        across = (v - 0.5) * 2
        bend = droop * u ** 2 * length
        return u * length * (1 - 0.25 * droop * u), across * half, fold * np.abs(across) * half - bend
    return sheet(place, cells)


def _orient(yaw: float, pitch: float) -> np.ndarray:
    return rot_z(yaw) @ rot_y(-pitch)


def _fig(piece, base, height, leaf, style) -> None:
    rng = style.rng
    for _ in range(int(rng.integers(1, 4))):
        lean = rng.normal(0, 0.08, 2) * height
        tip = base + [lean[0], lean[1], height * rng.uniform(0.75, 0.95)]
        stem = arc(base, tip, (rng.normal(0, 0.03), rng.normal(0, 0.03), 0), 16)
        piece.add(tube(stem, 0.009, 7), style.make.paint("#6b5640", 0.8))
        for s in np.linspace(0.3, 1.0, max(5, int(height * 16))):
            at = stem[int(s * 15)]
            size = rng.uniform(0.16, 0.28) * (0.7 + 0.3 * height)
            shape = leaf_shape(size, size * 0.55, rng.uniform(0.2, 0.6))
            piece.add(shape, leaf, at, _orient(rng.uniform(0, 6.3), rng.uniform(0.1, 0.9)))


def _palm(piece, base, height, leaf, style) -> None:
    rng = style.rng
    for _ in range(int(rng.integers(9, 15))):
        yaw, reach = rng.uniform(0, 6.3), height * rng.uniform(0.3, 0.6)
        out = np.array([np.cos(yaw), np.sin(yaw), 0])
        tip = base + out * reach + [0, 0, height * rng.uniform(0.55, 1.0)]
        stem = arc(base, tip, out * -0.05 + np.array([0, 0, 0.16 * height]), 18)
        piece.add(tube(stem, 0.005, 5), leaf)
        for k in range(5, 18):
            for side in (-1, 1):
                shape = leaf_shape(height * rng.uniform(0.16, 0.24), 0.022, 0.4, 0.1, (6, 2))
                piece.add(shape, leaf, stem[k], _orient(yaw + side * rng.uniform(0.6, 1.0), rng.uniform(-0.1, 0.5)))


def _sword(piece, base, height, leaf, style) -> None:
    rng = style.rng
    for _ in range(int(rng.integers(9, 16))):
        length = height * rng.uniform(0.6, 1.0)
        shape = leaf_shape(length, rng.uniform(0.04, 0.065), rng.uniform(0.0, 0.12), 0.35)
        piece.add(shape, leaf, base + np.append(rng.normal(0, 0.03, 2), 0), _orient(rng.uniform(0, 6.3), rng.uniform(1.25, 1.5)))


def lying_books(style: Style, count: int = 3) -> Piece:
    rng, piece, z = style.rng, Piece("lying_books", on_floor=False), 0.0
    for _ in range(count):
        size = (rng.uniform(0.17, 0.28), rng.uniform(0.13, 0.2), rng.uniform(0.012, 0.035))
        turn = rot_z(rng.normal(0, 0.12))
        cover = style.make.paint(style.any(style.book_colours), 0.45, 0.0)
        piece.add(box(size, 0.0015, 1), cover, (0, 0, z), turn)
        piece.add(box((size[0] - 0.005, size[1] - 0.003, size[2] - 0.006), 0.001, 1), style.make.paint("#efe9dc", 0.9, 0.0), (0.004, 0.003, z + 0.003), turn)
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
        return piece.add(lathe([(0, 0), (0.4 * r, 0), (0.8 * r, 0.35 * r), (r, 0.7 * r), (r, 0.7 * r), (0.93 * r, 0.7 * r), (0.7 * r, 0.35 * r), (0, 0.1 * r)]), style.any(style.ceramics))
    if kind == 2:
        w, h = 0.13, min(tallest, 0.18)
        piece.add(box((w, 0.015, h), 0.002), style.any([style.wood, style.metal, style.lacquer]), (0, 0, 0), rot_x(0.12))
        return piece.add(box((w - 0.03, 0.004, h - 0.03), 0.001), style.any(style.art), (0, 0.008, 0.015), rot_x(0.12))
    if kind == 3:
        for x in (-0.04, 0.04):
            piece.add(cylinder(0.028, min(tallest, rng.uniform(0.08, 0.2))), style.make.paint("#efe6d2", 0.5, 0.0), (x, 0, 0))
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
    profile = [(0, 0), (0.8 * r, 0), (0.8 * r, 0), (r, h), (r, h), (r - 0.006, h), (r - 0.006, h), (0.78 * r, 0.02), (0, 0.02)]
    return Piece("bin").add(lathe(profile, 36), style.any([style.metal, style.lacquer, style.make.gloss("#2a2b2d", 0.4, 0.0), style.make.wicker()]))


def picture(style: Style, width: float = 0.6, height: float = 0.8, mount: float = 0.06) -> Piece:
    """Framed picture with a mount; its back is y = 0, its lower edge z = 0."""
    piece, bar = Piece("picture", on_floor=False), style.rng.uniform(0.012, 0.03)
    frame = style.any([style.wood, style.wood_dark, style.metal, style.lacquer, style.make.paint("#1d1d1d", 0.4, 0.0)])
    for side in (-1, 1):
        piece.add(box((bar, 0.025, height), 0.002).grain(2), frame, (side * (width - bar) / 2, 0.0125, 0))
    for z in (0, height - bar):
        piece.add(box((width, 0.0245, bar), 0.002), frame, (0, 0.0122, z + 0.0003))
    piece.add(box((width - bar, 0.006, height - bar), 0.001), style.make.paint("#f3f0e8", 0.7, 0.0), (0, 0.012, bar / 2))
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
            piece.add(tube([(0.02 * np.cos(a), y + 0.02 * np.sin(a), height - 0.2), (0.24 * np.cos(a), y + 0.24 * np.sin(a), 0)], 0.014), style.wood)
    else:
        head = np.array([0.55, y, height - 0.25])
        piece.add(cylinder(0.16, 0.03, segments=40), style.make.stone("#dedbd6"), (0, y, 0))
        path = [(0, y, 0.02), *arc((0, y, 0.9), (0.55, y, height - 0.02), (-0.06, 0, 0.32), 18)]
        piece.add(tube(np.array(path), 0.01), style.metal)
    piece.add(_drum(0.19, 0.15, 0.26), shade, head)
    piece.lights.append(("point", tuple(head + [0, 0, 0.12]), 38.0 if lit else 0.0, "#ffce94"))
    return piece


def _drum(bottom: float, top: float, height: float):
    return lathe([(bottom, 0), (top, height), (top, height), (top - 0.003, height), (top - 0.003, height), (bottom - 0.003, 0)], 40)


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
    return piece.add(lathe([(0.018, 0.08), (0.03, 0.07), (0.075, 0), (0.072, 0), (0.028, 0.066)], 32), material, (0.13, 0, 0.4), rot_y(-0.5))


def monitor(style: Style, width: float = 0.6) -> Piece:
    """Computer monitor on a foot, with keyboard, mouse and mug in front."""
    piece, black, tall = Piece("monitor", on_floor=False), style.make.gloss("#191a1c", 0.4, 0.0), width * 0.58
    piece.add(box((width, 0.03, tall), 0.006), black, (0, 0, 0.11))
    piece.add(box((width - 0.016, 0.004, tall - 0.016), 0.001), style.make.screen(), (0, 0.016, 0.118))
    piece.add(box((0.05, 0.03, 0.2), 0.006), black, (0, -0.025, 0.0))
    piece.add(box((0.24, 0.18, 0.01), 0.004), black, (0, 0.0, 0.0))
    piece.add(box((0.43, 0.13, 0.016), 0.005), style.any([black, style.make.gloss("#e8e8e6", 0.4, 0.0)]), (0, 0.26, 0.0))
    piece.add(blob((0.032, 0.052, 0.018), style.rng, 0.0, 8), black, (-0.3, 0.27, 0.012))
    return piece.add(lathe([(0, 0), (0.04, 0), (0.042, 0.095), (0.038, 0.095), (0.036, 0.01), (0, 0.01)], 28), style.any(style.ceramics), (0.38, 0.2, 0))


def pendant(style: Style, drop: float = 0.9, kind: str = "dome", lit: bool = False) -> Piece:
    """Hanging lamp; z = 0 is the ceiling, everything hangs below."""
    piece = Piece("pendant", on_floor=False)
    body = style.any([style.metal, style.lacquer, style.make.gloss("#22252a", 0.35), style.make.wicker()])
    piece.add(cylinder(0.05, 0.025), style.lacquer, (0, 0, -0.025))
    piece.add(cylinder(0.003, drop, segments=6), style.make.paint("#2a2a2a", 0.6, 0.0), (0, 0, -drop))
    if kind == "globe":
        r = 0.16
        angle = np.linspace(-np.pi / 2, np.pi / 2, 20)
        piece.add(lathe(np.stack([r * np.cos(angle), r * np.sin(angle)], -1), 36), style.make.shade("#f6f1e6", 5.0 if lit else 0.0), (0, 0, -drop - r))
    elif kind == "drum":
        piece.add(_drum(0.24, 0.24, 0.24), style.make.shade("#ece3d2", 4.0 if lit else 0.0), (0, 0, -drop - 0.22))
    else:
        angle = np.linspace(0.12, np.pi / 2, 16)
        dome = np.stack([0.21 * np.sin(angle), 0.2 * np.cos(angle)], -1)[::-1]
        piece.add(lathe(np.concatenate([dome, (dome - [0.004, 0.004])[::-1]]), 40), body, (0, 0, -drop - 0.2))
        piece.add(blob((0.04, 0.04, 0.05), style.rng, 0.0, 8), style.make.glow("#ffdcae", 12.0) if lit else style.make.gloss("#f4f0e6", 0.2), (0, 0, -drop - 0.12))
    piece.lights.append(("point", (0, 0, -drop - 0.24), 55.0 if lit else 0.0, "#ffd7a6"))
    return piece


def ceiling_lamp(style: Style, lit: bool = False) -> Piece:
    """Flat round lamp under the ceiling (z = 0)."""
    piece, r = Piece("ceiling_lamp", on_floor=False), style.rng.uniform(0.15, 0.24)
    piece.add(lathe([(0, -0.09), (r * 0.8, -0.085), (r, -0.05), (r, 0.0)], 40), style.make.shade("#f5f1e8", 5.0 if lit else 0.0))
    piece.lights.append(("point", (0, 0, -0.2), 70.0 if lit else 0.0, "#ffe2bd"))
    return piece


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


def rug(style: Style, width: float, depth: float, round_: bool = False, material=None, border=None) -> Builder:
    """Flat rug, 8–14 mm thick (it counts as floor); material and border are drawn where not given."""
    rng, thick = style.rng, style.rng.uniform(0.008, 0.014)
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
        material = make.patterned(ground, figure, rng.uniform(0.12, 0.4), style.any(["leaves", "dots", "waves", "check"]))
    else:
        material = make.pile(ground, figure if kind == 2 else None)
    return material, make.pile(figure, ground) if rng.random() < 0.4 else None


RUG_COLOURS = ["#d8cfc0", "#b9ad9b", "#8b8f94", "#4d5a66", "#9c5f4a", "#c9b79c", "#6f7c6a", "#a33f34", "#e6e0d4", "#35424f", "#bfa27a", "#7d6a5c"]


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
            depth = 0.032 * (0.55 + 0.45 * (1 - v)) * np.sin(2 * np.pi * folds * u + phase + 0.5 * np.sin(2.2 * v + phase))
            x = side * (total / 2 - u * wide * gather)
            return x, 0.1 + depth + 0.008 * np.sin(5 * v + 9 * u), v * height

        piece.add(sheet(place, (folds * 10, 26)), material)
    if rod:
        piece.add(cylinder(0.011, total + 0.2), style.metal, (-(total + 0.2) / 2, 0.1, height + 0.012), rot_y(np.pi / 2))
        for side in (-1, 1):
            piece.add(blob((0.022, 0.022, 0.022), rng, 0.0, 8), style.metal, (side * (total + 0.2) / 2, 0.1, height + 0.012))
            piece.add(tube([(side * total / 2, 0.0, height + 0.012), (side * total / 2, 0.1, height + 0.012)], 0.006), style.metal)
    return piece


def blind(style: Style, width: float, height: float, drop: float) -> Piece:
    """Roller blind over a window of `width`×`height`; z = 0 is the window's sill."""
    piece = Piece("blind", on_floor=False)
    cloth = style.make.shade(style.any(["#e9e2d3", "#d5d2c8", "#c4b8a3", "#9fa39a"]))
    quad = [[(-width / 2, 0.03, height - drop), (width / 2, 0.03, height - drop), (width / 2, 0.03, height), (-width / 2, 0.03, height)]]
    piece.add(flat_quads(np.array(quad)[:, ::-1]), cloth)
    piece.add(cylinder(0.02, width), style.lacquer, (-width / 2, 0.03, height + 0.01), rot_y(np.pi / 2))
    return piece.add(box((width, 0.012, 0.022), 0.004), style.lacquer, (0, 0.03, height - drop - 0.01))
