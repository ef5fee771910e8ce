"""Placement of labels: each takes the first of its possible places that is not yet occupied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from poc.figures.furniture import overlap


def text_size(text: str, font_px: float) -> tuple[float, float]:
    """Width and height (pixels) that a label takes, generously, from its characters; markup does not count."""
    lines = text.replace("<b>", "").replace("</b>", "").split("<br>")
    widest = max(sum(1.0 if ord(c) > 0x2E80 else 0.56 for c in line) for line in lines)
    return widest * font_px + 8, len(lines) * font_px * 1.3 + 4


def rectangle(centre: Iterable[float], size: tuple[float, float], angle_rad: float = 0.0) -> np.ndarray:
    """4×2 corners of a rectangle of `size` about `centre`, turned by `angle_rad`."""
    half = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array(size) / 2
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return half @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(list(centre), float)


@dataclass
class Board:
    """What is taken so far: convex polygons (n×2) in the drawing's own coordinates."""

    taken: list[np.ndarray] = field(default_factory=list)

    def block(self, polygon: np.ndarray) -> None:
        """Keep labels off a polygon."""
        self.taken.append(np.asarray(polygon, float))

    def free(self, polygon: np.ndarray) -> bool:
        """Whether nothing lies on the polygon yet."""
        return not any(overlap(polygon, other) for other in self.taken)

    def place(self, places: Iterable[np.ndarray]) -> int | None:
        """Take the first free one of these polygons; its number, or None where all are taken."""
        for number, polygon in enumerate(places):
            if self.free(polygon):
                self.block(polygon)
                return number
        return None
