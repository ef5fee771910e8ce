"""Rectangles and polygons on the grid of cells that the floor is divided into."""

from __future__ import annotations

from typing import NamedTuple

import cv2
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


def raster(polygons: list[np.ndarray], origin: tuple[float, float], shape: tuple[int, int]) -> np.ndarray:
    """Cells (shape, bool) whose centre lies in any polygon (n×2, metres)."""
    image = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cells = (polygon - np.array(origin)) / CELL_M - 0.5
        cv2.fillPoly(image, [np.rint(cells * 16).astype(np.int32)], 1, shift=4)
    return image > 0
