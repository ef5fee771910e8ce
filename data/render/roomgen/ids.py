"""What a pass index means, and the label it becomes in label/NAME.png (NYU numbering where NYU has a class)."""

from __future__ import annotations

import numpy as np

FLOOR, CEILING = 1, 2
WALL, SKIRTING, WINDOW, DOOR, FURNITURE = 10, 40, 70, 100, 200
"""First index of a range: wall i has WALL + i, its skirting and cornice SKIRTING + i, opening j WINDOW + j or DOOR + j,
piece k FURNITURE + k."""

LABEL_WALL, LABEL_FLOOR, LABEL_DOOR, LABEL_WINDOW, LABEL_CEILING = 0, 1, 7, 8, 21
LABEL_FURNITURE, LABEL_NONE = 20, 39


def label_table(size: int = 1024) -> np.ndarray:
    """uint8 label by pass index; index 0 (nothing hit) is LABEL_NONE."""
    table = np.full(size, LABEL_FURNITURE, np.uint8)
    table[0] = LABEL_NONE
    table[FLOOR], table[CEILING] = LABEL_FLOOR, LABEL_CEILING
    table[WALL:SKIRTING] = table[SKIRTING:WINDOW] = LABEL_WALL
    table[WINDOW:DOOR], table[DOOR:FURNITURE] = LABEL_WINDOW, LABEL_DOOR
    return table
