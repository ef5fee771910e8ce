"""A depth map to look at, as a file: `poc.refine.colourise` decides the colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from poc.refine import colourise
from poc.types import DepthMap

SHOWN_SIDE_PX = 1600
"""Long side of the picture: a screen shows no more, and twelve million coloured pixels take a second to write."""


def coloured_png(depth: DepthMap) -> Callable[[BinaryIO], None]:
    """What writes the coloured depth as PNG, at most SHOWN_SIDE_PX on the long side, to an open file."""
    from PIL import Image

    picture = Image.fromarray(colourise(depth, max_side=SHOWN_SIDE_PX))
    return lambda file: picture.save(file, "PNG", compress_level=1)
