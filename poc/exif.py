"""Focal length in pixels from EXIF, or None: never a guess. Where EXIF leaves two readings, both.

Convention (as photogrammetry tools use it): FocalLengthIn35mmFilm is taken to be by *width*, f_px = f35 / 36 · long side.
Some makers state it by diagonal; on a 4:3 frame the true focal is then 4 % longer. EXIF does not say which, so a consumer
should allow about that much on a focal from EXIF.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

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

SAME_ASPECT_LOG = 0.02
"""Aspect ratios that differ less (log) count as one: rounding a small copy's sides to whole pixels moves it by less than 1 %."""
CROP_SHARE = (0.5, 0.97)
"""A file with this share of the long side that EXIF states, and its aspect ratio, may be a smaller copy or a crop. With more it makes no
difference within EXIF's own error of 3 %. With less it counts as a copy: a phone's 4032 pixels become 2048 or fewer (0.51) when a photo is
sent, and a crop would have thrown away three quarters of the room. That limit is a judgement; nothing here measures it."""

PANORAMA_ASPECT = 2.4
"""A photo with a larger ratio of long to short side counts as a stitched panorama, which is not a pinhole image: no phone or film camera
has wider frames (21:9 is 2.33)."""

_EXIF_IFD = 0x8769
_ORIENTATION = 0x0112
_MAKE, _FOCAL, _F35, _ZOOM = 0x010F, 0x920A, 0xA405, 0xA404
_PLANE_X_RESOLUTION, _PLANE_UNIT, _PIXEL_X, _PIXEL_Y = 0xA20E, 0xA210, 0xA002, 0xA003
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}


class ExifFocal(NamedTuple):
    """Focal length in pixels of the decoded photo (in either orientation), None where EXIF does not tell; what it is if the file is a crop
    of the picture that EXIF describes, where it may be that as well as a smaller copy, else None; and notes on values not used."""

    f_px: float | None = None
    cropped_px: float | None = None
    notes: tuple[str, ...] = ()


def focal_from_exif(image: Image.Image) -> ExifFocal:
    """The focal length that a file's EXIF tells of."""
    tags = _tags(image)
    if not tags:
        return ExifFocal()
    equivalent, notes = _equivalent_mm(tags, max(image.size))
    if equivalent is None:
        return ExifFocal(notes=notes)
    if crop_note := _crop_note(tags, image.size):
        return ExifFocal(notes=(*notes, crop_note))
    long_px, taken_px = max(image.size), _cropped_from(tags, image.size)
    f_px = equivalent / FULL_FRAME_WIDTH_MM * long_px
    return ExifFocal(f_px, None if taken_px is None else f_px * taken_px / long_px, notes)


def orientation_from_exif(image: Image.Image) -> int:
    """EXIF orientation, 1–8; 1 (upright) where it is missing or invalid."""
    return _orientation(_tags(image))


def _orientation(tags: dict[int, object]) -> int:
    """As `orientation_from_exif`, of tags already read."""
    value = _number(tags, _ORIENTATION)
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


def _crop_note(tags: dict[int, object], size: tuple[int, int]) -> str:
    """Why the focal length does not apply to a frame of this stored size, or "": a crop changes the angle of view by an unknown amount."""
    long_px, short_px = max(size), min(size)
    if long_px / short_px < SQUARE_ASPECT:
        return "the EXIF focal length is not used: a nearly square photo is a crop of the sensor"
    if long_px / short_px > PANORAMA_ASPECT:
        return "the EXIF focal length is not used: a photo this long is stitched or cut out of another"
    taken = _taken_size(tags)
    if taken is None or _same_aspect(taken, size):
        return ""
    turn = slice(None, None, -1 if _orientation(tags) >= 5 else 1)  # stored lying on its side: as the user sees it
    then, now = (" × ".join(f"{side:.0f}" for side in sides[turn]) for sides in (taken, size))
    return f"the EXIF focal length is not used: the photo was cropped after it was taken ({then} then, {now} now)"


def _taken_size(tags: dict[int, object]) -> tuple[float, float] | None:
    """Width and height, as stored, that EXIF states; None where it does not."""
    taken_x, taken_y = _number(tags, _PIXEL_X), _number(tags, _PIXEL_Y)
    return None if taken_x is None or taken_y is None else (taken_x, taken_y)


def _same_aspect(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether two sizes have one ratio of long to short side."""
    return abs(math.log(max(a) / min(a) * min(b) / max(b))) <= SAME_ASPECT_LOG


def _cropped_from(tags: dict[int, object], size: tuple[int, int]) -> float | None:
    """Long side of the picture out of which a file of this size and of the same aspect may have been cut; None where it may not."""
    taken = _taken_size(tags)
    if taken is None:
        return None
    fits = all(now <= then for now, then in zip(sorted(size), sorted(taken), strict=True))  # programs turn the pixels, and not these
    return max(taken) if fits and CROP_SHARE[0] <= max(size) / max(taken) <= CROP_SHARE[1] else None


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
    taken_long_px = max(_taken_size(tags) or (long_px,))
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
