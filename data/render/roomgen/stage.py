"""A scene being furnished: places pieces, keeps the list of what stands where, switches lamps on."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import numpy as np

from . import ids
from .mesh import Builder, rot_z
from .nodes import colour
from .piece import Piece, Style
from .shell import Room


@dataclass(frozen=True)
class Placed:
    """kind, footprint (4×2 polygon, generator's frame), lowest and highest z, whether it stands on the floor."""

    kind: str
    footprint: np.ndarray
    low_m: float
    high_m: float
    on_floor: bool


@dataclass
class Stage:
    """trim: how far skirting and cornice stand out from the walls, metres."""

    room: Room
    style: Style
    trim: tuple[float, float]
    placed: list[Placed] = field(default_factory=list)

    def put(self, piece: Piece, x: float, y: float, angle: float = 0.0, z: float = 0.0) -> Placed:
        """Stands `piece` with its origin at (x, y, z), turned by `angle` (radians)."""
        index = ids.FURNITURE + len(self.placed)
        piece.builder.to_object(f"{piece.kind}_{index}", index, (x, y, z), angle)
        x0, y0, x1, y1 = piece.footprint()
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) @ rot_z(angle)[:2, :2].T + [x, y]
        low, high = (float(b[2]) + z for b in piece.builder.bounds())
        self.placed.append(Placed(piece.kind, corners, low, high, piece.on_floor))
        for _, at, watts, tone in piece.lights:
            if watts > 0:
                _point_light(rot_z(angle) @ np.asarray(at) + [x, y, z], watts, tone)
        return self.placed[-1]

    def against(self, piece: Piece, wall: int, along: float, out: float = 0.02, z: float = 0.0) -> Placed:
        """Stands (or hangs) `piece` with its back to a wall, `along` metres from the wall's start."""
        x, y, _ = self.room.point(wall, along, out)
        return self.put(piece, x, y, self.room.angle(wall), z)

    def rug(self, builder: Builder, x: float, y: float, angle: float = 0.0) -> None:
        """Lays a rug: it counts as floor, so it gets the floor's index and is not listed as furniture."""
        builder.to_object("rug", ids.FLOOR, (x, y, 0.0), angle)


def _point_light(at, watts: float, tone: str) -> None:
    light = bpy.data.lights.new("lamp", "POINT")
    light.energy, light.shadow_soft_size, light.color = watts, 0.05, colour(tone)[:3]
    obj = bpy.data.objects.new("lamp", light)
    obj.location = at
    obj.visible_camera = False
    bpy.context.scene.collection.objects.link(obj)
