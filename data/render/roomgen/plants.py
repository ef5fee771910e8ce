"""Plants and vases."""

from __future__ import annotations

import numpy as np

from .mesh import rot_y, rot_z
from .piece import Piece, Style
from .shapes import arc, blob, cylinder, lathe, sheet, tube


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
            piece.add(
                tube(arc((0, 0, height * 0.6), tip, (0.03 * np.cos(a), 0.03 * np.sin(a), 0)), 0.0022, 5), style.wood
            )
            for s in np.linspace(0.55, 1.0, 5):
                at = np.array([0, 0, height * 0.6]) * (1 - s) + np.array(tip) * s
                piece.add(
                    blob(rng.uniform(0.008, 0.02, 3), rng, 0.1, 6),
                    style.any(style.greens),
                    at + rng.normal(0, 0.012, 3),
                )
    return piece


def plant(style: Style, height: float = 1.3, kind: str = "fig", pot: float = 0.17) -> Piece:
    """Potted plant: "fig" (stem with broad leaves), "palm" (arching fronds) or "sword" (upright blades)."""
    rng, piece = style.rng, Piece("plant")
    tall = pot * rng.uniform(1.5, 2.0)
    profile = [
        (0, 0),
        (pot * 0.75, 0),
        (pot * 0.75, 0),
        (pot, tall),
        (pot, tall),
        (pot - 0.012, tall),
        (pot - 0.012, tall),
        (pot - 0.02, tall - 0.05),
    ]
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
        half = width / 2 * np.sin(np.pi * u**0.8) ** 0.9 + 0.002
        across = (v - 0.5) * 2
        bend = droop * u**2 * length
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
        piece.add(
            shape,
            leaf,
            base + np.append(rng.normal(0, 0.03, 2), 0),
            _orient(rng.uniform(0, 6.3), rng.uniform(1.25, 1.5)),
        )
