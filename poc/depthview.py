"""A depth map to look at: coloured, bright is near. For the eye only; nothing is measured from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poc.files import write_file
from poc.types import DepthMap

CLIP = (1.0, 99.0)
"""Percentiles that become the ends of the colours, so that one stray pixel does not flatten the rest."""
NO_VALUE_RGB = (128, 128, 128)


def coloured(depth: DepthMap) -> np.ndarray:
    """uint8 H×W×3 RGB: inverse depth through the “inferno” colours, near is bright; what has no value is grey."""
    import cv2

    metric = depth.kind == "metric"
    nearness = np.where(depth.valid, 1.0 / np.where(depth.valid, depth.values, 1.0) if metric else depth.values, 0.0)
    inside = nearness[depth.valid]
    low, high = np.percentile(inside[:: max(1, inside.size // 200_000)], CLIP) if inside.size else (0.0, 1.0)
    level = np.clip((nearness - low) / max(float(high - low), 1e-9), 0.0, 1.0)
    picture = cv2.applyColorMap((level * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1].copy()
    picture[~depth.valid] = NO_VALUE_RGB
    return picture


def coloured_png(depth: DepthMap, path: Path) -> Path:
    """Write the coloured depth as PNG. Raises WriteError."""
    from PIL import Image

    return write_file(path, lambda file: Image.fromarray(coloured(depth)).save(file, "PNG", compress_level=1))
