"""Photo + model → `DepthMap` (and `Surfaces`, always from the embedded model), and depth maps as 16-bit PNG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from poc.models import DEFAULT_MODEL, load_model
from poc.photo import check_focal_px
from poc.types import DepthMap, Photo, Surfaces

PNG_UNIT_M = 0.001
PNG_MAX = 65535
UPRIGHT_LOGIT, TURNED_LOGIT, TURNED_BETTER, TURNED_SIDE = 6.0, 2.5, 2.0, 640
"""Below the first log odds of a room a photo is looked at turned, too, at most this large; it stands wrong where a turn has the second at least,
and so much better ones than as it stands. Of 177 photos of rooms (110 of them not NYU's) none is taken for turned as it is, turned by one, two or
three quarters 95 % are; a third of the upright ones are looked at turned."""


def estimate_depth(
    photo: Photo, model: str = DEFAULT_MODEL, f_px: float | None = None, weights_dir: str | Path | None = None
) -> DepthMap:
    """Depth of every pixel at the photo's size, by the preset called `model`.

    f_px: focal length in photo pixels where the caller knows better than `photo.f_px`; a metric model's depth is
    proportional to it, and DepthMap.f_px says which was used (a 26 mm equivalent lens where nobody knows). Pixels whose
    output is not finite are invalid. Raises ModelError (unknown model, no weights), ParameterError (bad focal).
    """
    return load_model(model, weights_dir).depth(photo, _checked_focal(photo, f_px))


def estimate_surfaces(photo: Photo, weights_dir: str | Path | None = None) -> Surfaces:
    """Floor, wall, ceiling, door, window, other: always by the embedded model, at its own (smaller) size."""
    return load_model(DEFAULT_MODEL, weights_dir).surfaces(photo)


def estimate(
    photo: Photo, model: str = DEFAULT_MODEL, f_px: float | None = None, weights_dir: str | Path | None = None
) -> tuple[DepthMap, Surfaces]:
    """Depth by `model` and surfaces by the embedded model, which runs only once when it gives both."""
    if model == DEFAULT_MODEL:
        return load_model(model, weights_dir).both(photo, _checked_focal(photo, f_px))
    return estimate_depth(photo, model, f_px, weights_dir), estimate_surfaces(photo, weights_dir)


def looked_at_turned(photo: Photo, surfaces: Surfaces, weights_dir: str | Path | None = None) -> Surfaces:
    """The surfaces of a photo with `turns` set: where it does not plainly show a room, the network is asked about it turned, too.

    Cameras note how they were held, and some programs lose it; upside down, a ceiling is a floor.
    """
    import cv2

    if surfaces.room_logit is None or surfaces.room_logit >= UPRIGHT_LOGIT:
        return surfaces
    scale = min(1.0, TURNED_SIDE / max(photo.width, photo.height))
    small = photo.rgb if scale == 1.0 else cv2.resize(photo.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    turned = (estimate_surfaces(Photo(np.ascontiguousarray(np.rot90(small, k))), weights_dir).room_logit for k in (1, 2, 3))
    odds = [surfaces.room_logit, *(-np.inf if x is None else x for x in turned)]
    best = int(np.argmax(odds))
    return replace(surfaces, turns=best if odds[best] >= max(TURNED_LOGIT, odds[0] + TURNED_BETTER) else 0)


def _checked_focal(photo: Photo, f_px: float | None) -> float | None:
    return None if f_px is None else check_focal_px(f_px, photo.width, photo.height)


def depth_png(depth: DepthMap) -> Callable[[BinaryIO], None]:
    """What writes a 16-bit greyscale PNG, 0 = no value, to an open file.

    Metric: millimetres along z (beyond 65.535 m: no value). Relative inverse depth: value = (pixel − 1) · step + smallest,
    with both numbers in the PNG's text fields, so that nothing is lost but precision.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    pixels, facts = _png_metric(depth) if depth.kind == "metric" else _png_relative(depth)
    info = PngInfo()
    for name, text in {"model": depth.model, "kind": depth.kind, **facts}.items():
        info.add_text(name, text)
    return lambda file: Image.fromarray(pixels).save(file, "PNG", pnginfo=info, compress_level=1)


def _png_metric(depth: DepthMap) -> tuple[np.ndarray, dict[str, str]]:
    mm = np.rint(depth.values * np.float32(1 / PNG_UNIT_M))
    mm[~depth.valid | (mm < 0) | (mm > PNG_MAX)] = 0
    return mm.astype(np.uint16), {"unit": "mm along z, 0 = no value"}


def _png_relative(depth: DepthMap) -> tuple[np.ndarray, dict[str, str]]:
    inside = depth.values[depth.valid].astype(np.float64)
    low, high = (float(inside.min()), float(inside.max())) if inside.size else (0.0, 0.0)
    step = (high - low) / (PNG_MAX - 1) or 1.0
    pixels = np.where(depth.valid, np.round((depth.values - low) / step) + 1, 0)
    unit = "relative inverse depth = (pixel - 1) * step + smallest, 0 = no value"
    return pixels.astype(np.uint16), {"unit": unit, "step": repr(step), "smallest": repr(low)}
