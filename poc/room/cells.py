"""Rectangles and polygons on the grid of cells that the floor is divided into."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CELL_M = 0.05
"""Cell of the floor's grid."""


class CellRectangle(NamedTuple):
    """A rectangle of grid cells: its first row and column, and one past its last."""

    row: int
    column: int
    row_end: int
    column_end: int


def largest_rectangle(free: np.ndarray) -> CellRectangle | None:
    """The largest all-True rectangle (histogram with a stack), or None where there is no True."""
    best, found = 0, None
    height = np.zeros(free.shape[1] + 1, int)
    for i in range(free.shape[0]):
        height[:-1] = np.where(free[i], height[:-1] + 1, 0)
        stack: list[tuple[int, int]] = []
        for j, tall in enumerate(height.tolist()):
            start = j
            while stack and stack[-1][1] > tall:
                start, top = stack.pop()
                if top * (j - start) > best:
                    best, found = top * (j - start), CellRectangle(i + 1 - top, start, i + 1, j)
            if tall and (not stack or stack[-1][1] < tall):
                stack.append((start, tall))
    return found


def in_metres(rect: CellRectangle | None, origin: tuple[float, float]) -> tuple[float, float, float, float] | None:
    """A rectangle as `Scene.largest_free_rect` has it, (x0, y0, x1, y1), metres. origin: where cell [0, 0] begins."""
    if rect is None:
        return None
    (x, y), (r0, c0, r1, c1) = origin, rect
    return (x + c0 * CELL_M, y + r0 * CELL_M, x + c1 * CELL_M, y + r1 * CELL_M)


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which points (…×2) lie in a polygon (n×2, any order): even-odd rule."""
    x, y = points[..., 0], points[..., 1]
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def raster(polygons: list[np.ndarray], origin: tuple[float, float], shape: tuple[int, int]) -> np.ndarray:
    """Cells (shape, bool) whose centre lies in any polygon (n×2, metres). origin: where cell [0, 0] begins."""
    out = np.zeros(shape, bool)
    for polygon in polygons:
        cells = (polygon - np.array(origin)) / CELL_M - 0.5
        low = np.maximum(np.floor(cells.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(cells.max(0)).astype(int) + 1, shape[::-1])
        x, y = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high)))
        out[low[1]:high[1], low[0]:high[0]] |= inside_polygon(np.stack([x, y], -1), cells)
    return out
