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
UPRIGHT_LOGIT = 6.0
"""A photo with at least these log odds of showing a room is upright; any other is also tried in the three other orientations."""
TURNED_LOGIT, TURNED_BETTER = 2.5, 2.0
"""A photo is stored rotated if another orientation reaches the first log odds and beats the stored one by the second. Of 177 photos of
rooms (110 of them not from NYU) none is taken for rotated as it is, and 95 % are detected when rotated by one, two or three quarter
turns; a third of the upright ones are tried in the other orientations."""
TURNED_SIDE = 640
"""Longest side, in pixels, of the copy on which the other orientations are tried."""


def estimate_depth(
    photo: Photo, model: str = DEFAULT_MODEL, f_px: float | None = None, weights_dir: str | Path | None = None
) -> DepthMap:
    """Depth of every pixel at the photo's size, by the preset called `model`.

    f_px: focal length in photo pixels if the caller knows it better than `photo.f_px`; a metric model's depth is
    proportional to it, and DepthMap.f_px says which was used (that of a 26 mm equivalent lens if neither is known). Pixels whose
    output is not finite are invalid. Raises ModelError (unknown model, no weights) and ParameterError (impossible focal length).
    """
    return load_model(model, weights_dir).depth(photo, _checked_focal(photo, f_px))


def estimate_surfaces(photo: Photo, weights_dir: str | Path | None = None) -> Surfaces:
    """Floor, wall, ceiling, door, window, other: always by the embedded model, at its own (smaller) size."""
    return load_model(DEFAULT_MODEL, weights_dir).surfaces(photo)


def estimate(
    photo: Photo, model: str = DEFAULT_MODEL, f_px: float | None = None, weights_dir: str | Path | None = None
) -> tuple[DepthMap, Surfaces]:
    """Depth by `model` and surfaces by the embedded model, which runs only once if it is `model`. Arguments and errors as
    `estimate_depth`."""
    if model == DEFAULT_MODEL:
        return load_model(model, weights_dir).depth_and_surfaces(photo, _checked_focal(photo, f_px))
    return estimate_depth(photo, model, f_px, weights_dir), estimate_surfaces(photo, weights_dir)


def detect_rotation(photo: Photo, surfaces: Surfaces, weights_dir: str | Path | None = None) -> Surfaces:
    """`surfaces` with `turns` set to the quarter turns (to the left) after which the photo shows a room, 0 where it is upright.

    Cameras record their orientation in the file, but some programs drop it, and upside down a ceiling looks like a floor. Only a photo
    that does not clearly show a room as it is stored is run through the network in the other three orientations.
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
    """A function that writes `depth` to an open file as a 16-bit greyscale PNG in which 0 means no value.

    Metric: millimetres along z (no value beyond 65.535 m). Relative inverse depth: value = (pixel − 1) · step + smallest,
    with both numbers in the PNG's text fields, so that only precision is lost.
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
