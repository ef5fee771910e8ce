"""Simple solid shapes of furniture with the right width, depth and height, to draw products in the sketch, the plan and the photo.

A piece's own frame: x along its width, y from its front to its back, z up, metres, origin on the floor under its
centre. Shapes are made of blocks whose top edges may be bevelled; they never leave the product's own box.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from poc.types import Placement, Product, Recommendation, Scene

FABRIC, FABRIC_LIGHT, WOOD, WOOD_DARK = "#c4674a", "#d27d5f", "#c39a6b", "#8f6a45"
LINEN, WHITE, STEEL = "#ebe5da", "#f4f2ee", "#4b5563"


MOST_STANDING = 3
"""Maximum number of pieces in one drawing; more would hide each other."""


@dataclass(frozen=True)
class Part:
    """A convex solid: vertices n×3 (metres), faces as loops of vertex numbers seen anticlockwise from outside, colour."""

    vertices: np.ndarray
    faces: tuple[tuple[int, ...], ...]
    colour: str

    def triangles(self) -> np.ndarray:
        """Faces cut into triangles, m×3 vertex numbers."""
        return np.array([(f[0], f[i], f[i + 1]) for f in self.faces for i in range(1, len(f) - 1)], np.int32)


def block(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], colour: str,
          bevel: float = 0.0, lean: float = 0.0) -> Part:
    """A box over x, y, z whose top edges are cut by `bevel` metres and whose top is shifted back by `lean` metres."""
    cut = max(0.0, min(bevel, 0.45 * (x[1] - x[0]), 0.45 * (y[1] - y[0]), 0.45 * (z[1] - z[0])))
    levels = [(z[0], 0.0, 0.0), (z[1] - cut, 0.0, lean), (z[1], cut, lean)] if cut else [(z[0], 0.0, 0.0), (z[1], 0.0, lean)]
    rings = [
        [(x[0] + c, y[0] + c + s, h), (x[1] - c, y[0] + c + s, h), (x[1] - c, y[1] - c + s, h), (x[0] + c, y[1] - c + s, h)]
        for h, c, s in levels
    ]
    faces = [(3, 2, 1, 0)]
    for ring in range(len(rings) - 1):
        low, high = 4 * ring, 4 * ring + 4
        faces += [(low + i, low + (i + 1) % 4, high + (i + 1) % 4, high + i) for i in range(4)]
    last = 4 * (len(rings) - 1)
    faces.append((last, last + 1, last + 2, last + 3))
    return Part(np.array(rings, float).reshape(-1, 3), tuple(faces), colour)


def _legs(w: float, d: float, top: float, thick: float, colour: str, inset: float = 0.0) -> list[Part]:
    half_w, half_d = w / 2 - inset, d / 2 - inset
    return [
        block((sx * half_w - (sx > 0) * thick, sx * half_w + (sx < 0) * thick),
              (sy * half_d - (sy > 0) * thick, sy * half_d + (sy < 0) * thick), (0.0, top), colour)
        for sx in (-1, 1) for sy in (-1, 1)
    ]


def _sofa(w: float, d: float, h: float) -> list[Part]:
    arm = min(0.20, 0.16 * w + 0.02)
    foot, seat, arm_top = min(0.10, 0.14 * h), min(0.44, 0.55 * h), min(0.62, 0.76 * h)
    back = min(0.22, 0.25 * d)
    inside = w - 2 * arm
    parts = _legs(w, d, foot, 0.05, STEEL, 0.04)
    parts.append(block((-w / 2 + arm, w / 2 - arm), (-d / 2 + 0.03, d / 2), (foot, seat - 0.15), FABRIC))
    parts.append(block((-w / 2 + arm, w / 2 - arm), (d / 2 - back, d / 2), (seat - 0.15, h), FABRIC, 0.05))
    for side in (-1, 1):
        edges = sorted((side * w / 2, side * (w / 2 - arm)))
        parts.append(block((edges[0], edges[1]), (-d / 2, d / 2), (foot, arm_top), FABRIC, 0.05))
    seats = max(1, round(inside / 0.6))
    for i in range(seats):
        left = -inside / 2 + i * inside / seats
        span = (left + 0.01, left + inside / seats - 0.01)
        parts.append(block(span, (-d / 2 + 0.01, d / 2 - back), (seat - 0.15, seat), FABRIC_LIGHT, 0.04))
        parts.append(block(span, (d / 2 - back - 0.20, d / 2 - back - 0.06), (seat, max(seat + 0.2, h - 0.06)),
                           FABRIC_LIGHT, 0.05, lean=0.06))
    return parts


def _bed(w: float, d: float, h: float) -> list[Part]:
    base, top = min(0.28, 0.5 * h), min(0.50, max(0.8 * h, 0.3))
    board = h > top + 0.08
    back = d / 2 - (0.07 if board else 0.0)
    parts = _legs(w, d, 0.08, 0.06, WOOD_DARK, 0.03)
    parts.append(block((-w / 2, w / 2), (-d / 2, back), (0.08, base), WOOD))
    parts.append(block((-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, back), (base, top), LINEN, 0.05))
    if board:
        parts.append(block((-w / 2, w / 2), (back, d / 2), (0.0, h), WOOD, 0.02))
    cover = (-d / 2 + 0.01, back - 0.30 * d)
    parts.append(block((-w / 2 + 0.01, w / 2 - 0.01), cover, (base + 0.05, min(top + 0.03, h)), FABRIC, 0.05))
    pillows = 2 if w > 1.1 else 1
    for i in range(pillows):
        mid = (i - (pillows - 1) / 2) * w / 2
        half = min(0.33, 0.40 * w / pillows)
        along = (back - min(0.46, 0.45 * d), back - min(0.05, 0.05 * d))
        parts.append(block((mid - half, mid + half), along, (top, min(top + 0.13, max(h, top + 0.02))), WHITE, 0.06))
    return parts


def _wardrobe(w: float, d: float, h: float) -> list[Part]:
    plinth = min(0.08, 0.1 * h)
    doors = max(1, round(w / 0.5))
    parts = [block((-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.05, d / 2), (0.0, plinth), STEEL),
             block((-w / 2, w / 2), (-d / 2 + 0.02, d / 2), (plinth, h), WOOD)]
    for i in range(doors):
        left = -w / 2 + i * w / doors
        parts.append(block((left + 0.008, left + w / doors - 0.008), (-d / 2 + 0.002, -d / 2 + 0.02),
                           (plinth + 0.01, h - 0.01), LINEN))
        hinge_left = i % 2 == 0
        x = left + (w / doors - 0.06 if hinge_left else 0.04)
        parts.append(block((x, x + 0.02), (-d / 2, -d / 2 + 0.002), (0.42 * h, 0.56 * h), STEEL))
    return parts


def _chest(w: float, d: float, h: float) -> list[Part]:
    foot = min(0.12, 0.25 * h)
    columns, rows = max(1, round(w / 0.6)), max(1, round((h - foot) / 0.28))
    parts = _legs(w, d, foot, 0.04, WOOD_DARK, 0.03)
    parts.append(block((-w / 2, w / 2), (-d / 2 + 0.02, d / 2), (foot, h), WOOD))
    for i in range(columns):
        for j in range(rows):
            x, z = -w / 2 + i * w / columns, foot + j * (h - foot) / rows
            parts.append(block((x + 0.012, x + w / columns - 0.012), (-d / 2, -d / 2 + 0.02),
                               (z + 0.012, z + (h - foot) / rows - 0.012), LINEN))
    return parts


def _desk(w: float, d: float, h: float) -> list[Part]:
    parts = [block((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.035, h), WOOD)]
    parts += _legs(w, d, h - 0.035, 0.045, STEEL, 0.02)
    drawers = min(0.40, 0.32 * w)
    parts.append(block((w / 2 - drawers - 0.08, w / 2 - 0.08), (-d / 2 + 0.06, d / 2 - 0.04), (0.35 * h, h - 0.035), LINEN))
    return parts


def _table(w: float, d: float, h: float) -> list[Part]:
    leg = min(0.07, 0.1 * min(w, d))
    low = h - 0.12 if h > 0.5 else h - 0.07
    rail = block((-w / 2 + 0.06, w / 2 - 0.06), (-d / 2 + 0.06, d / 2 - 0.06), (low, h - 0.04), WOOD_DARK)
    return [*_legs(w, d, h - 0.04, leg, WOOD_DARK, 0.05), rail, block((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.04, h), WOOD)]


def _shelf(w: float, d: float, h: float) -> list[Part]:
    board = min(0.025, 0.1 * w)
    parts = [block((-w / 2, w / 2), (d / 2 - 0.015, d / 2), (0.0, h), WOOD_DARK)]
    columns, rows = max(1, round(w / 0.8)), max(1, round(h / 0.36))
    for i in range(columns + 1):
        x = -w / 2 + i * (w - board) / columns
        parts.append(block((x, x + board), (-d / 2, d / 2 - 0.015), (0.0, h), WOOD))
    for j in range(rows + 1):
        z = j * (h - board) / rows
        parts.append(block((-w / 2 + board, w / 2 - board), (-d / 2, d / 2 - 0.015), (z, z + board), WOOD))
    return parts


def _box(w: float, d: float, h: float) -> list[Part]:
    return [block((-w / 2, w / 2), (-d / 2, d / 2), (0.0, h), WOOD, 0.02)]


SHAPES: tuple[tuple[str, Callable[[float, float, float], list[Part]]], ...] = (
    ("armchair", _sofa), ("sofa", _sofa), ("couch", _sofa), ("loveseat", _sofa), (r"(?:day)?beds?\b", _bed), ("wardrobe", _wardrobe),
    ("desk", _desk), ("tv", _chest), ("media", _chest), ("sideboard", _chest), ("chest", _chest), ("dresser", _chest),
    ("cabinet", _chest), ("(?:book)?shel", _shelf), ("bookcase", _shelf), ("table", _table),
)
"""The first of these patterns that begins a word of the category (then of the name) decides the shape; none found: a plain box."""


def shape(product: Product) -> list[Part]:
    """The product's parts in its own frame, from its category and its three sizes."""
    for text in (product.category.lower(), product.name.lower()):
        for word, build in SHAPES:
            if re.search(rf"\b{word}", text):
                return [_between(part, product.height_m) for part in build(product.width_m, product.depth_m, product.height_m)]
    return _box(product.width_m, product.depth_m, product.height_m)


def _between(part: Part, height_m: float) -> Part:
    """The part between floor and top of the piece: cushions and mattresses have a thickness that a low piece has no room for."""
    vertices = part.vertices.copy()
    vertices[:, 2] = np.clip(vertices[:, 2], 0.0, height_m)
    return Part(vertices, part.faces, part.colour)


def turn_of(placement: Placement, scene: Scene) -> float:
    """The angle (radians) by which the piece's own frame is turned in the room frame.

    A placement gives the direction of the width only; where it stands at a wall, its back is turned to that wall.
    """
    plane = scene.plane(placement.wall_id) if placement.wall_id else None
    if plane is None:
        return placement.angle_rad
    toward_room = (scene.room_from_cam @ plane.normal_cam)[:2]
    back = np.array([-np.sin(placement.angle_rad), np.cos(placement.angle_rad)])
    return placement.angle_rad + (np.pi if back @ toward_room > 0 else 0.0)


def stand(points: np.ndarray, placement: Placement, turn_rad: float) -> np.ndarray:
    """Points n×2 or n×3 of the piece's own frame, in the room frame."""
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    out = np.array(points, float)
    out[:, :2] = points[:, :2] @ np.array([[cos, sin], [-sin, cos]]) + (placement.x_m, placement.y_m)
    return out


def footprint(rec: Recommendation, scene: Scene, clearance: bool = False) -> np.ndarray:
    """The four corners (room frame, 4×2) of the placed product, or of the floor it needs free in front of it (where it is used from
    both sides: from end to end, its own floor among it)."""
    w, d = rec.product.width_m / 2, rec.product.depth_m / 2
    behind_m = rec.placement.behind_m
    low, high = (-d - rec.product.clearance_m, d + behind_m if behind_m else -d) if clearance else (-d, d)
    corners = np.array([(-w, low), (w, low), (w, high), (-w, high)])
    return stand(corners, rec.placement, turn_of(rec.placement, scene))


def standing(recommendations, scene: Scene) -> list[tuple[Recommendation, list[Part]]]:
    """At most MOST_STANDING recommendations, with their parts in the room frame. Where two want the
    same floor (what each needs free in front included), the first, better one stands."""
    out: list[tuple[Recommendation, list[Part]]] = []
    for rec in recommendations:
        if any(_in_the_way(rec, other, scene) for other, _ in out):
            continue
        if len(out) == MOST_STANDING:
            break
        turn = turn_of(rec.placement, scene)
        out.append((rec, [Part(stand(p.vertices, rec.placement, turn), p.faces, p.colour) for p in shape(rec.product)]))
    return out


def _in_the_way(a: Recommendation, b: Recommendation, scene: Scene) -> bool:
    """Whether one piece stands on the other's floor, or on what the other needs free."""
    fa, fb = footprint(a, scene), footprint(b, scene)
    return overlap(fa, fb) or overlap(fa, footprint(b, scene, True)) or overlap(footprint(a, scene, True), fb)


def overlap(a: np.ndarray, b: np.ndarray, slack: float = 1e-6) -> bool:
    """Whether two convex polygons (n×2) share area: no edge of either separates them."""
    for polygon in (a, b):
        edges = np.roll(polygon, -1, axis=0) - polygon
        for nx, ny in zip(-edges[:, 1], edges[:, 0], strict=True):
            pa, pb = a @ (nx, ny), b @ (nx, ny)
            if pa.max() <= pb.min() + slack or pb.max() <= pa.min() + slack:
                return False
    return True
