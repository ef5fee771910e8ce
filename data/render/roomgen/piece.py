"""A piece of furniture before it is placed, and the style a room's pieces share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .materials import Materials
from .mesh import Builder


@dataclass
class Piece:
    """kind, geometry (x along its width, back at y = 0, front toward +y, z up), and where it stands on the floor.

    on_floor: False for what hangs on a wall or from the ceiling, or stands on another piece.
    lights: (kind, position, power in watts, colour) of lamps inside it, in its own frame.
    tops: surfaces that clutter can stand on: (x0, x1, y0, y1, z).
    """

    kind: str
    builder: Builder = field(default_factory=Builder)
    on_floor: bool = True
    lights: list = field(default_factory=list)
    tops: list = field(default_factory=list)

    def add(self, part, material, at=(0.0, 0.0, 0.0), turn=None) -> "Piece":
        self.builder.add(part, material, at, turn)
        return self

    def merge(self, other: "Piece", at=(0.0, 0.0, 0.0), turn=None) -> "Piece":
        """Takes another piece's geometry and lamps into this one."""
        self.builder.merge(other.builder, at, turn)
        turn = np.eye(3) if turn is None else turn
        self.lights += [(k, turn @ np.asarray(p) + at, power, c) for k, p, power, c in other.lights]
        return self

    def footprint(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in its own frame."""
        low, high = self.builder.bounds()
        return low[0], low[1], high[0], high[1]

    @property
    def size(self) -> np.ndarray:
        low, high = self.builder.bounds()
        return high - low

    @property
    def top(self) -> float:
        return float(self.builder.bounds()[1][2])


@dataclass
class Style:
    """What the pieces of one room have in common."""

    make: Materials
    rng: np.random.Generator
    wood: object
    wood_dark: object
    lacquer: object
    metal: object
    cloth: object
    cloths: list
    linen: object
    leather: object
    greens: list
    ceramics: list
    book_colours: list
    art: list

    def any(self, options):
        return options[int(self.rng.integers(len(options)))]
