"""Where things may stand: free places on the floor and on the walls of a room being furnished."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .mesh import rot_z
from .piece import Piece
from .shell import CASING, Room
from .stage import Placed, Stage
from .truth import inside

GAP = 0.04
"""Least distance between two pieces, metres."""


@dataclass
class Plan:
    """boxes: axis-parallel footprints taken (x0, y0, x1, y1, height).

    on_wall[i]: taken rectangles (a0, a1, z0, z1) of wall i: metres along it, metres up."""

    stage: Stage
    boxes: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    on_wall: dict[int, list[tuple[float, float, float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for opening in self.room.openings:
            half = opening.width / 2 + CASING + 0.03
            self.on_wall.setdefault(opening.wall, []).append(
                (opening.at - half, opening.at + half, opening.sill - 0.02, opening.head + 0.1)
            )
            if opening.kind == "door":
                a = self.room.point(opening.wall, opening.at - half, 0.0)[:2]
                b = self.room.point(opening.wall, opening.at + half, 0.8)[:2]
                self.boxes.append((*np.minimum(a, b), *np.maximum(a, b), 0.0))

    @property
    def room(self) -> Room:
        return self.stage.room

    def free(self, box) -> bool:
        """Whether an axis-parallel box (x0, y0, x1, y1) lies inside the room and touches nothing."""
        x0, y0, x1, y1 = box
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        centre = corners.mean(axis=0)
        if not inside(self.room.outline, corners * 0.999 + centre * 0.001).all():
            return False
        outline = self.room.outline
        if ((outline > (x0, y0)) & (outline < (x1, y1))).all(axis=1).any():
            return False
        return not any(x0 < b[2] + GAP and b[0] < x1 + GAP and y0 < b[3] + GAP and b[1] < y1 + GAP for b in self.boxes)

    def wall_free(self, wall: int, a0: float, a1: float, z0: float, z1: float) -> bool:
        return not any(a0 < t[1] and t[0] < a1 and z0 < t[3] and t[2] < z1 for t in self.on_wall.get(wall, []))

    def against_wall(
        self, piece: Piece, rng, walls=None, out: float | None = None, tries: int = 14, corner: float = 0.0
    ) -> tuple[int, float] | None:
        """Stands a piece at a random free stretch of wall; → (wall, along) or None where nothing was free.

        corner: share of the tries that go into a corner of the room."""
        walls = list(range(self.room.walls)) if walls is None else list(walls)
        x0, _, x1, _ = piece.footprint()
        out = float(rng.uniform(0.015, 0.06)) if out is None else out
        for _ in range(tries):
            wall = int(rng.choice(walls))
            low, high = -x0 + 0.03, self.room.length(wall) - x1 - 0.03
            if high < low:
                continue
            along = float(rng.choice([low, high])) if rng.random() < corner else float(rng.uniform(low, high))
            if self.try_wall(piece, wall, along, out):
                return wall, along
        return None

    def try_wall(self, piece: Piece, wall: int, along: float, out: float = 0.02) -> bool:
        """Stands a piece at that place if it is free."""
        x0, _, x1, _ = piece.footprint()
        if (
            along + x0 < 0
            or along + x1 > self.room.length(wall)
            or not self.wall_free(wall, along + x0, along + x1, 0.0, piece.top)
        ):
            return False
        x, y, _ = self.room.point(wall, along, out)
        if not self.try_at(piece, x, y, self.room.angle(wall)):
            return False
        self.on_wall.setdefault(wall, []).append((along + x0, along + x1, 0.0, piece.top))
        return True

    def try_at(self, piece: Piece, x: float, y: float, angle: float) -> bool:
        """Stands a piece with its origin at (x, y) if its bounding box there is free."""
        box = self._box(piece, x, y, angle)
        if not self.free(box):
            return False
        self.boxes.append((*box, piece.top))
        self.stage.put(piece, x, y, angle)
        return True

    def anywhere(self, piece: Piece, rng, angle: float | None = None, tries: int = 12) -> bool:
        """Stands a piece at a random free place on the floor."""
        low, high = self.room.outline.min(axis=0), self.room.outline.max(axis=0)
        for _ in range(tries):
            x, y = rng.uniform(low, high)
            turn = float(rng.uniform(0, 2 * np.pi)) if angle is None else angle
            if self.try_at(piece, x, y, turn):
                return True
        return False

    def hang(self, piece: Piece, wall: int, along: float, z: float) -> Placed | None:
        """Hangs a piece on a wall if that patch of wall is free."""
        x0, _, x1, _ = piece.footprint()
        patch = (along + x0 - 0.03, along + x1 + 0.03, z - 0.02, z + piece.top + 0.02)
        if (
            patch[0] < 0
            or patch[1] > self.room.length(wall)
            or patch[3] > self.room.height
            or not self.wall_free(wall, *patch)
        ):
            return None
        self.on_wall.setdefault(wall, []).append(patch)
        return self.stage.against(piece, wall, along, 0.001, z)

    def highest(self, wall: int, a0: float, a1: float, depth: float = 0.3) -> float:
        """Height of the tallest thing that stands within `depth` of a stretch of wall."""
        a, b = self.room.point(wall, a0)[:2], self.room.point(wall, a1, depth)[:2]
        low, high = np.minimum(a, b), np.maximum(a, b)
        return max(
            (t[4] for t in self.boxes if t[0] < high[0] and low[0] < t[2] and t[1] < high[1] and low[1] < t[3]),
            default=0.0,
        )

    @staticmethod
    def _box(piece: Piece, x: float, y: float, angle: float):
        x0, y0, x1, y1 = piece.footprint()
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) @ rot_z(angle)[:2, :2].T + [x, y]
        return (*corners.min(axis=0), *corners.max(axis=0))
