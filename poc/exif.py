"""Focal length in pixels from EXIF, or None: never a guess.

Convention (as photogrammetry tools use it): FocalLengthIn35mmFilm is taken to be by *width*, f_px = f35 / 36 · long side.
Some makers state it by diagonal; on a 4:3 frame the true focal is then 4 % longer. EXIF does not say which, so a consumer
should allow about that much on a focal from EXIF.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FULL_FRAME_WIDTH_MM = 36.0
F35_RANGE_MM = (9.0, 250.0)
"""Plausible 35 mm equivalents for a photo of a room: below is a fisheye, above only a patch of wall is visible."""
SENSOR_LONG_SIDE_RANGE_MM = (2.0, 70.0)
"""From the smallest phone sensor to medium format; outside, FocalPlaneXResolution is in another unit or wrong."""
LEAST_TAKEN_PX = 2000
LARGE_LENS_MM, LARGE_LENS_SENSOR_MM = 10.0, 12.0
"""Signs of a photo that was scaled down: fewer than LEAST_TAKEN_PX pixels, or a lens of LARGE_LENS_MM or more in front of a sensor that
would be narrower than LARGE_LENS_SENSOR_MM. FocalPlaneXResolution then refers to the original width, not to the one stated."""
NO_ZOOM_RATIO = 1.02
"""A digital zoom ratio up to this counts as none."""
SQUARE_ASPECT = 1.2
"""No sensor has a smaller aspect ratio (5:4 is 1.25), so the frame is a crop."""

PANORAMA_ASPECT = 2.4
"""A photo with a larger ratio of long to short side counts as a stitched panorama, which is not a pinhole image: no phone or film camera
has wider frames (21:9 is 2.33)."""

_EXIF_IFD = 0x8769
_ORIENTATION = 0x0112
_MAKE, _FOCAL, _F35, _ZOOM = 0x010F, 0x920A, 0xA405, 0xA404
_PLANE_X_RESOLUTION, _PLANE_UNIT, _PIXEL_X, _PIXEL_Y = 0xA20E, 0xA210, 0xA002, 0xA003
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}


def focal_from_exif(image: Image.Image) -> tuple[float | None, tuple[str, ...]]:
    """Focal length in pixels of the decoded photo (in either orientation) or None, and notes on EXIF values that were not used."""
    tags = _tags(image)
    if not tags:
        return None, ()
    long_px, short_px = max(image.size), min(image.size)
    crop_note = _crop_note(tags, long_px, short_px)
    equivalent, notes = _equivalent_mm(tags, long_px)
    if equivalent is None or not crop_note:
        return (None if equivalent is None else equivalent / FULL_FRAME_WIDTH_MM * long_px), notes
    return None, (*notes, crop_note)


def orientation_from_exif(image: Image.Image) -> int:
    """EXIF orientation, 1–8; 1 (upright) where it is missing or invalid."""
    value = _number(_tags(image), _ORIENTATION)
    return int(value) if value in range(1, 9) else 1


def _tags(image: Image.Image) -> dict[int, object]:
    """The camera's EXIF tags; none where EXIF is damaged, since the pixels may still be fine."""
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(_EXIF_IFD)}
    except Exception:  # noqa: BLE001 - Pillow's parser lets through whatever its struct and codec calls raise
        return {}


def _number(tags: dict[int, object], tag: int) -> float | None:
    """A positive finite number, or None (absent, zero = unknown, 0/0, text)."""
    try:
        value = float(tags[tag])  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _crop_note(tags: dict[int, object], long_px: int, short_px: int) -> str:
    """Why the focal length does not apply to this frame, or "": a crop changes the angle of view by an unknown amount."""
    if long_px / short_px < SQUARE_ASPECT:
        return "the EXIF focal length is not used: a nearly square photo is a crop of the sensor"
    if long_px / short_px > PANORAMA_ASPECT:
        return "the EXIF focal length is not used: a photo this long is stitched or cut out of another"
    taken_x, taken_y = _number(tags, _PIXEL_X), _number(tags, _PIXEL_Y)
    if taken_x is None or taken_y is None:
        return ""
    taken = max(taken_x, taken_y) / min(taken_x, taken_y)
    if abs(math.log(taken / (long_px / short_px))) > 0.02:
        return (f"the EXIF focal length is not used: the photo was cropped after it was taken ({taken_x:.0f} × {taken_y:.0f} then,"
                f" {long_px} × {short_px} now)")
    return ""


def _equivalent_mm(tags: dict[int, object], long_px: int) -> tuple[float | None, tuple[str, ...]]:
    """The 35 mm equivalent focal length by width, as stated or else from the sensor's pixel pitch; None where neither is usable. And
    notes."""
    stated = _number(tags, _F35)
    if stated is not None and not F35_RANGE_MM[0] <= stated <= F35_RANGE_MM[1]:
        return _from_sensor(tags, long_px, (f"the EXIF focal length ({stated:g} mm equivalent) is implausible and not used",))
    if stated is None:
        return _from_sensor(tags, long_px, ())
    zoom = _number(tags, _ZOOM) or 1.0
    if zoom <= NO_ZOOM_RATIO or "apple" in str(tags.get(_MAKE, "")).lower():
        return stated, ()  # Apple states the equivalent with the zoom already in it
    return _from_sensor(tags, long_px, (
        f"the EXIF equivalent focal length is not used: digital zoom {zoom:g}×, and EXIF does not say whether it is included",))


def _from_sensor(tags: dict[int, object], long_px: int, notes: tuple[str, ...]) -> tuple[float | None, tuple[str, ...]]:
    """The 35 mm equivalent from FocalLength and the sensor width that follows from FocalPlaneXResolution; None where unusable. And
    notes."""
    focal_mm, per_unit = _number(tags, _FOCAL), _number(tags, _PLANE_X_RESOLUTION)
    if focal_mm is None or per_unit is None:
        return None, notes
    unit_mm = _UNIT_MM.get(int(_number(tags, _PLANE_UNIT) or 2), 25.4)
    taken_x, taken_y = _number(tags, _PIXEL_X), _number(tags, _PIXEL_Y)
    taken_long_px = max(taken_x, taken_y) if taken_x and taken_y else long_px
    sensor_mm = taken_long_px / per_unit * unit_mm
    equivalent = FULL_FRAME_WIDTH_MM * focal_mm / sensor_mm * (_number(tags, _ZOOM) or 1.0)
    sensor_ok = SENSOR_LONG_SIDE_RANGE_MM[0] <= sensor_mm <= SENSOR_LONG_SIDE_RANGE_MM[1]
    shrunk = taken_long_px < LEAST_TAKEN_PX or focal_mm >= LARGE_LENS_MM and sensor_mm < LARGE_LENS_SENSOR_MM
    if shrunk and sensor_ok:  # as when a program saves a smaller copy with the new width but the old pixel density
        problem = "it does not match the photo's size; was the photo scaled down?"
        return None, (*notes, f"the EXIF focal length ({focal_mm:g} mm) is not used: {problem}")
    if not sensor_ok or not F35_RANGE_MM[0] <= equivalent <= F35_RANGE_MM[1]:
        return None, (*notes, f"the EXIF focal length ({focal_mm:g} mm on a sensor {sensor_mm:.3g} mm wide) is implausible and not used")
    return equivalent, notes
