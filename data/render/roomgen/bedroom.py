"""Beds with bedding."""

from __future__ import annotations

import numpy as np

from .mesh import rot_x, rot_z
from .piece import Piece, Style
from .shapes import box, cushion, cylinder, pillow, sheet


def bed(style: Style, width: float = 1.6, length: float = 2.05, head: str = "padded", blanket=None) -> Piece:
    """Bed with its head at y = 0: frame, mattress, duvet with soft folds, pillows, folded blanket."""
    rng, piece = style.rng, Piece("bed")
    frame = style.cloth if head == "padded" else style.wood
    top = 0.5
    _headboard(piece, style, width, head, frame)
    piece.add(box((width + 0.06, length + 0.02, 0.24), 0.015, 3), frame, (0, 0.08 + length / 2, 0.07))
    for sx in (-1, 1):
        for y in (0.14, length):
            piece.add(cylinder(0.025, 0.09), style.wood_dark, (sx * (width / 2 - 0.06), y, 0))
    piece.add(box((width - 0.02, length - 0.04, 0.2), 0.05, 4), style.linen, (0, 0.09 + length / 2, 0.29))
    piece.add(_duvet(width, length, top, rng), style.any([style.linen, style.linen, style.any(style.cloths)]))
    if blanket is not None:
        piece.add(_runner(width, length, top + 0.05, rng), blanket)
    count = 2 if width > 1.1 else 1
    for k in range(count):
        x = (k - (count - 1) / 2) * width * 0.47
        for row, lean in ((0, 0.5), (1, 0.95)):
            cover = style.linen if row == 0 else style.any([style.linen, *style.cloths])
            size = (0.68, 0.46) if row == 0 else (0.62, 0.42)
            turn = rot_z(rng.normal(0, 0.05)) @ rot_x(lean + rng.normal(0, 0.05))
            piece.add(
                pillow(*size, 0.19, rng),
                cover,
                (x + rng.normal(0, 0.015), 0.30 + 0.2 * row, top - 0.01 + 0.015 * row),
                turn,
            )
    if width > 1.1:
        piece.add(
            pillow(0.42, 0.42, 0.14, rng), style.any(style.cloths), (rng.normal(0, 0.1), 0.66, top + 0.02), rot_x(0.7)
        )
    return piece


def _headboard(piece: Piece, style: Style, width: float, kind: str, material) -> None:
    rng, tall = style.rng, style.rng.uniform(0.95, 1.2)
    if kind == "padded":
        columns = max(2, round(width / 0.4))
        wide = (width + 0.1) / columns
        for k in range(columns):
            panel = cushion((wide - 0.004, tall - 0.1, 0.09), rng, 0.4, 0.03, 0.001, 6)
            piece.add(panel, material, ((k - (columns - 1) / 2) * wide, 0.09, 0.1 + (tall - 0.1) / 2), rot_x(np.pi / 2))
    elif kind == "slats":
        for sx in (-1, 1):
            piece.add(box((0.06, 0.05, tall), 0.008).grain(2), material, (sx * (width / 2 + 0.01), 0.045, 0))
        for z in (0.35, tall - 0.1):
            piece.add(box((width, 0.03, 0.08), 0.008), material, (0, 0.045, z))
        for x in np.linspace(-width / 2 + 0.12, width / 2 - 0.12, max(4, int(width / 0.14))):
            piece.add(box((0.05, 0.018, tall - 0.45), 0.005).grain(2), material, (x, 0.045, 0.4))
    else:
        piece.add(box((width + 0.06, 0.045, tall - 0.15), 0.008), material, (0, 0.045, 0.1))


def _duvet(width: float, length: float, top: float, rng):
    """Cloth over the mattress, falling over three sides."""
    phase = rng.uniform(0, 6.3, 8)
    half, start, end = width / 2 + 0.015, 0.62, 0.1 + length
    fall = rng.uniform(0.2, 0.27)

    def place(u, v):
        s = (u - 0.5) * 2 * (half + fall)
        t = start + v * (end - start + fall)
        over_x, over_y = (np.abs(s) - half).clip(0), (t - end).clip(0)
        x = np.sign(s) * np.minimum(np.abs(s), half + 0.045 * np.tanh(over_x * 12))
        y = np.minimum(t, end + 0.045 * np.tanh(over_y * 12))
        puff = 0.055 * (1 - (np.abs(s) / half) ** 4).clip(0) ** 0.5 * np.minimum(1, (t - start) / 0.12 + 0.25)
        fold = (
            0.013 * np.sin(5 * s + 3 * t + phase[0]) * np.sin(4.2 * t - 2 * s + phase[1])
            + 0.008 * np.sin(11 * s + 5 * np.sin(3 * t + phase[2]))
            + 0.006 * np.sin(13 * t + 4 * np.sin(2.5 * s + phase[3]) + phase[4])
        )
        hang = np.maximum(over_x, over_y)
        wave = 0.014 * np.sin(16 * t + phase[5]) * np.tanh(over_x * 9) * np.sign(s)
        wave_y = 0.014 * np.sin(15 * s + phase[6]) * np.tanh(over_y * 9)
        z = top + puff + fold * (1 - np.tanh(hang * 14)) - hang * 0.93
        return x + wave, y + wave_y, z

    return sheet(place, (64, 64), 0.0)


def _runner(width: float, length: float, top: float, rng):
    """Folded blanket across the foot of the bed."""
    phase, half = rng.uniform(0, 6.3, 3), width / 2 + 0.04
    start, wide, fall = length - rng.uniform(0.5, 0.7), rng.uniform(0.4, 0.5), 0.3

    def place(u, v):
        s = (u - 0.5) * 2 * (half + fall)
        over = (np.abs(s) - half).clip(0)
        x = np.sign(s) * np.minimum(np.abs(s), half + 0.05 * np.tanh(over * 12))
        crease = 0.01 * np.sin(6 * s + phase[0]) * np.sin(9 * v + phase[1])
        return (
            x,
            start + v * wide + 0.02 * np.sin(3 * s + phase[2]),
            top + 0.03 + crease - over - 0.03 * (np.abs(s) / half) ** 4 * (over == 0),
        )

    return sheet(place, (60, 18), 0.015)
