"""A depth map to look at, as a file: `poc.refine.colourise` decides the colours."""

from __future__ import annotations

from pathlib import Path

from poc.files import write_file
from poc.refine import colourise
from poc.types import DepthMap


def coloured_png(depth: DepthMap, path: Path) -> Path:
    """Write the coloured depth as PNG. Raises WriteError."""
    from PIL import Image

    return write_file(path, lambda file: Image.fromarray(colourise(depth)).save(file, "PNG", compress_level=1))
