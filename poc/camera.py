"""Photo → Camera: focal length, and which way is down, each with its source and its uncertainty.

Focal length: given, else from EXIF, else solved from the room's lines, else a phone's usual one. Gravity: given, else from
the lines (three directions at right angles), else from the floor in a metric depth map, else a level camera. Where two sources
disagree, `Camera.notes` says so. The calibration constants were measured on NYU's training split (`tests/eval_camera.py`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from poc.errors import ParameterError
from poc.geometry import (
    angle_between,
    fit_plane_uvd,
    gravity_from_pitch_roll,
    grid_pixels,
    nearest_rotation,
    pitch_roll_from_gravity,
    plane_from_uvd,
    unit,
)
from poc.photo import check_focal_px
from poc.room import distortion, lines, vanishing
from poc.room.linefit import SURE_GAIN, CropReading, FloorSlope, LineSolution, LogFocal, read_as_crop, solve_lines
from poc.room.view import check_depth
from poc.types import SURFACE_CLASSES, Z90, Camera, DepthMap, Photo, Surfaces

PHONE_F35_MM = 26.0
"""35 mm equivalent of phone main cameras: 24–28 mm."""
FOCAL_SIGMA = {"given": 0.01, "exif": 0.03, "assumed": 0.12}
"""Sigma of log f by source. EXIF rounds the 35 mm equivalent to whole millimetres and knows nothing of small crops."""
SOLVED_FOCAL_SIGMA = 0.08
"""An unknown focal counts as solved when the lines know it better than this."""
PRINCIPAL_SIGMA = 0.012
"""Sigma of the principal point's distance from the photo's centre per axis, as a share of the long side (crops, lenses)."""
LEVEL_SIGMA_RAD = math.radians(7.0)
"""How far an unknown camera is from level, where nothing in the photo tells."""
GIVEN_TILT_SIGMA_RAD = math.radians(1.0)
"""One sigma of a tilt that is given, per axis."""
MAX_PITCH_DEG = 60.0
"""No room is measured from a camera that looks farther up or down than this."""
MOST_APART, FAR_TILT_RAD = 3.0, math.radians(25.0)
"""A given focal length more than this factor from the file's, or from the one without which the lines make no room, or a given tilt more
than this angle from what the lines are sure of, is a slip that no interval covers: it raises. (Lines asked for another than the true one in
1 of 447 whole photos of rooms, for 0.73 times as much; in 3 of 70 crops off the centre, for less than half.)"""
FOCAL_AGREES, FOCAL_AGREES_SIGMAS = 0.08, 3.0
"""The lines contradict a focal length that is farther from theirs than this share, and than so many sigmas."""
LEFT_OUT = 0.05
"""How probable a second focal length may be without the 90 % interval having to reach it: that leaves out as much on either side."""
UNKNOWN_AXES_RAD = math.pi / 4 / math.sqrt(3)
"""Sigma of a direction that may be anything within an eighth of a circle either way."""
DOWN = np.array([0.0, 1.0, 0.0])


def estimate_camera(
    photo: Photo,
    surfaces: Surfaces | None = None,
    depth: DepthMap | None = None,
    *,
    focal_px: float | None = None,
    pitch_roll_deg: tuple[float, float] | None = None,
    principal_point: tuple[float, float] | None = None,
) -> Camera:
    """Camera of a photo. Its principal point is the photo's centre, moved by a percent or so where the lines ask for it.

    focal_px, principal_point (photo pixels) and pitch_roll_deg (degrees; pitch > 0 looks up, roll > 0 dips the right side) overrule
    what the photo says; a given tilt that agrees with the lines is joined with them by how sure each is. surfaces and a metric depth
    map help where lines are few or ambiguous. Raises ParameterError for a focal length no camera has, a pitch beyond ±60° (a room
    cannot be measured from straight above or below), or a focal length or tilt that cannot be of this photo (`MOST_APART`,
    `FAR_TILT_RAD`), or a depth map that is not 2-D.
    """
    if depth is not None:
        check_depth(depth)
    given = _given_gravity(pitch_roll_deg)
    told = _focal_prior(photo, focal_px, principal_point is not None)
    prior, source = told.prior, told.source
    cx, cy = ((photo.width - 1) / 2, (photo.height - 1) / 2) if principal_point is None else principal_point
    segments = lines.centred(lines.detect_segments(photo.rgb), float(cx), float(cy))
    base = Camera(prior.f_px, float(cx), float(cy), photo.width, photo.height, DOWN, source, "assumed", prior.f_sigma,
                  LEVEL_SIGMA_RAD, notes=told.notes, f_against=told.against)
    floor = None if surfaces is None or depth is None or depth.kind != "metric" else _floor_slope(base, surfaces, depth)
    phone = _phone_prior(photo, prior.pp_sigma)
    seen = solve_lines(segments, prior, source, floor, phone)
    if source == "exif":
        crop = read_as_crop(segments, prior, seen, floor, photo.cropped_px)
        rival = None if seen is None else seen.rival
        if crop.seen is not None and crop.probability >= 0.5 and (rival is None or crop.seen.fit.gain >= rival.fit.gain):
            base, seen = _as_crop(base, crop, crop.seen, photo.cropped_px)
            prior = replace(prior, f_px=base.f_px, f_sigma=base.f_sigma_rel)
        elif seen is not None and rival is not None:
            base, seen, prior = _without_exif(base, rival.calibrated.focal), rival, phone
        else:
            base = _perhaps_crop(base, crop, photo.cropped_px)
        source = base.f_source
    if source == "given" and seen is not None and seen.rival is not None:
        _check_against_lines(base.f_px, seen.free.f_px)
    if given is not None:
        pinned = solve_lines(segments, replace(prior, down=given, down_sigma=GIVEN_TILT_SIGMA_RAD), source, None, phone)
        found = _with_given_gravity(base if pinned is None else _from_lines(base, pinned), given, seen)
    else:
        found = _without_lines(base, floor) if seen is None else _from_lines(base, seen)
    return distortion.allow_for(found, photo)


# --- what is known before looking ---------------------------------------------------------------------------------


class FocalPrior(NamedTuple):
    """What is known of the focal length before the lines are looked at: with its `Camera.f_source` ("given", "exif" or "assumed"),
    what there is to be said about it, and `Camera.f_against` where the file contradicts it."""

    prior: vanishing.Prior
    source: str
    notes: tuple[str, ...] = ()
    against: tuple[float, float, float] | None = None


def _focal_prior(photo: Photo, focal_px: float | None, centre_known: bool) -> FocalPrior:
    """The focal length given, else EXIF's, else a phone's. centre_known: whether the principal point is given."""
    long_side = max(photo.width, photo.height)
    pp_sigma = (0.02 if centre_known else 1.0) * PRINCIPAL_SIGMA * long_side
    if focal_px is not None:
        given_px = check_focal_px(focal_px, photo.width, photo.height)
        in_file = min((f for f in (photo.f_px, photo.cropped_px) if f), key=lambda f: abs(math.log(given_px / f)), default=None)
        sigma, notes = _against_file(given_px, in_file)
        against = (given_px, float(in_file), 0.0) if notes else None
        return FocalPrior(vanishing.Prior(given_px, sigma, pp_sigma), "given", notes, against)
    if photo.f_px is not None:
        return FocalPrior(vanishing.Prior(float(photo.f_px), FOCAL_SIGMA["exif"], pp_sigma), "exif")
    return FocalPrior(_phone_prior(photo, pp_sigma), "assumed")


def _against_file(given_px: float, exif_px: float | None) -> tuple[float, tuple[str, ...]]:
    """Sigma of log f of a given focal length, and notes on it. Where EXIF contradicts it, one of the two is wrong: the given one is
    used, with a 90 % interval wide enough to reach EXIF's. Raises ParameterError where they are `MOST_APART`."""
    sigma = FOCAL_SIGMA["given"]
    off = 0.0 if exif_px is None else abs(math.log(given_px / exif_px))
    if off <= 3 * math.hypot(sigma, FOCAL_SIGMA["exif"]):
        return sigma, ()
    if off > math.log(MOST_APART):
        raise ParameterError(f"the focal length given, {given_px:.0f} px, and the file's, {exif_px:.0f} px, are too far apart for one "
                             "photo: give it in pixels of this photo, or save the photo without what its file says")
    note = (f"You gave a focal length of {given_px:.0f} px, the file says {exif_px:.0f} px: one of them is wrong, "
            "unless the photo was cropped or zoomed; the intervals allow for both")
    return max(sigma, off / Z90), (note,)


def _check_against_lines(given_px: float, lines_px: float) -> None:
    """Raises ParameterError where a given focal length is `MOST_APART` from the one that the lines ask for."""
    if abs(math.log(given_px / lines_px)) > math.log(MOST_APART):
        raise ParameterError(f"the focal length given, {given_px:.0f} px, cannot be this photo's, whose lines ask for about {lines_px:.0f} px: "
                             "give it in pixels of this photo as it is, not of a larger original, or leave it out")


def _phone_prior(photo: Photo, pp_sigma: float) -> vanishing.Prior:
    """A phone's usual focal length. pp_sigma: sigma of the principal point, photo pixels."""
    return vanishing.Prior(PHONE_F35_MM / 36.0 * max(photo.width, photo.height), FOCAL_SIGMA["assumed"], pp_sigma, guess=True)


def _without_exif(camera: Camera, focal: LogFocal) -> Camera:
    """The camera with the focal length that the lines ask for, where EXIF's is far from it."""
    note = _focal_note(camera, focal.f_px, ", which is used")
    return replace(camera, f_px=focal.f_px, f_source="assumed", f_sigma_rel=focal.sigma, notes=(*camera.notes, note),
                   f_against=(camera.f_px, focal.f_px, 0.0))


def _as_crop(camera: Camera, crop: CropReading, seen: LineSolution, cropped_px: float | None) -> tuple[Camera, LineSolution]:
    """The camera with the focal length of a crop, where the lines (`seen`) ask for that, and these; the interval reaches the whole's unless
    they are sure. cropped_px: the file's own focal length for a crop, or None."""
    whole = LogFocal(math.log(camera.f_px), camera.f_sigma_rel)
    focal = _reaching(crop.focal, whole, 1 - crop.probability)
    if cropped_px is None:
        return _without_exif(camera, focal), replace(seen, calibrated=seen.calibrated._replace(focal=focal))
    note = _smaller_note(camera.f_px, cropped_px, "the lines of the room ask for the second, which is used"
                         + (", and the intervals allow for both" if focal.sigma > crop.focal.sigma else ""))
    return replace(camera, f_px=cropped_px, f_sigma_rel=focal.sigma, notes=(*camera.notes, note)), seen


def _perhaps_crop(camera: Camera, crop: CropReading, cropped_px: float | None) -> Camera:
    """The camera of a photo that is taken for whole. Where it may be a crop nevertheless, the interval reaches that focal length, and a note
    says so."""
    sigma = _reaching(LogFocal(math.log(camera.f_px), camera.f_sigma_rel), crop.focal, crop.probability).sigma
    if sigma == camera.f_sigma_rel:
        return camera
    if cropped_px is None:
        note, against = _focal_note(camera, crop.focal.f_px), (camera.f_px, crop.focal.f_px, 0.0)
    else:
        note, against = _smaller_note(camera.f_px, cropped_px, "the first is used, and the intervals allow for both"), camera.f_against
    return replace(camera, f_sigma_rel=sigma, notes=(*camera.notes, note), f_against=against)


def _reaching(used: LogFocal, other: LogFocal, probability: float) -> LogFocal:
    """A focal length whose 90 % interval reaches into another one of this probability, as far as leaves out no more than `LEFT_OUT`."""
    if probability <= LEFT_OUT:
        return used
    reach = abs(other.value - used.value) + NormalDist().inv_cdf(1 - LEFT_OUT / probability) * other.sigma
    return used._replace(sigma=max(used.sigma, reach / Z90))


def _smaller_note(copy_px: float, cropped_px: float, then: str) -> str:
    """The note on a file that is smaller than EXIF says. then: what follows."""
    return (f"The file has fewer pixels than EXIF says: a smaller copy has a focal length of {copy_px:.0f} px, a crop one of "
            f"{cropped_px:.0f} px; {then}")


def parse_pitch_roll(text: str) -> tuple[float, float] | None:
    """"-6" or "-6,1" to (pitch, roll) in degrees with the signs of `estimate_camera`; empty text to None. Raises ParameterError for
    anything else, and for a tilt from which no room is measured."""
    if not text.strip():
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise ParameterError(f"pitch and roll {text!r} are not understood; give degrees, like -6 or -6,1 (negative pitch looks down)")
    pitch, roll = (*numbers, 0.0)[:2]
    _given_gravity((pitch, roll))
    return pitch, roll


def _given_gravity(pitch_roll_deg: tuple[float, float] | None) -> np.ndarray | None:
    """Down in the camera frame by a given tilt, or None. Raises ParameterError for a tilt that is out of range."""
    if pitch_roll_deg is None:
        return None
    pitch, roll = map(float, pitch_roll_deg)
    if not abs(pitch) <= MAX_PITCH_DEG:
        raise ParameterError(f"pitch {pitch:g}° is out of range: a room is measured from within ±{MAX_PITCH_DEG:g}° of level")
    if not abs(roll) <= 180:
        raise ParameterError(f"roll {roll:g}° is out of range: give an angle within ±180°")
    return gravity_from_pitch_roll(math.radians(pitch), math.radians(roll))


# --- with lines ---------------------------------------------------------------------------------------------------


def _from_lines(camera: Camera, seen: LineSolution) -> Camera:
    """The camera with what the lines say. A focal length that was given or in the file stays; where the lines contradict it, a note
    says so and it is less sure, one that was given only where they rule it out (`LineSolution.rival`)."""
    notes: list[str] = list(camera.notes)
    f_px, f_source, f_sigma, against = camera.f_px, camera.f_source, camera.f_sigma_rel, camera.f_against
    if f_source == "assumed":
        focal = seen.calibrated.focal
        f_px, f_sigma, f_source = focal.f_px, focal.sigma, "solved" if focal.sigma < SOLVED_FOCAL_SIGMA else "assumed"
    else:
        agrees = max(FOCAL_AGREES, FOCAL_AGREES_SIGMAS * math.hypot(seen.free.sigma, f_sigma)) if seen.rival is None else 0.0
        against = against or (f_px, seen.free.f_px, agrees)
        off = abs(seen.free.value - math.log(f_px))
        if off > agrees:
            notes.append(_focal_note(camera, seen.free.f_px))
            if f_source != "given" or seen.rival is not None:
                f_sigma = max(f_sigma, off / Z90)
    return replace(
        camera, f_px=f_px, f_source=f_source, f_sigma_rel=f_sigma, cx=camera.cx + float(seen.fit.principal[0]),
        cy=camera.cy + float(seen.fit.principal[1]), gravity=seen.fit.axes[2], gravity_source="lines",
        gravity_sigma_rad=seen.calibrated.tilt_sigma, manhattan=_room_axes(seen.fit.axes),
        axes_sigma_rad=seen.calibrated.axes_sigma, notes=tuple(notes), f_against=against,
    )


def _focal_note(camera: Camera, better_px: float, then: str = "") -> str:
    """The note that the lines contradict the camera's focal length. then: what was done about it."""
    word = "EXIF says" if camera.f_source == "exif" else "You gave"
    return (f"{word} a focal length of {camera.f_px:.0f} px, the lines of the room fit {better_px:.0f} px better{then}: "
            "is the photo cropped, zoomed or edited?")


def _room_axes(axes: np.ndarray) -> np.ndarray:
    """`AxesFit.axes` as rows right, forward, up: of the two horizontals, forward is the one nearest to the viewing direction."""
    k = int(np.argmax(np.abs(axes[:2, 2])))
    forward = axes[k] * (1.0 if axes[k, 2] >= 0 else -1.0)
    up = -axes[2]
    return np.stack([np.cross(forward, up), forward, up])


# --- with a given tilt, or without lines ---------------------------------------------------------------------------


def _with_given_gravity(camera: Camera, given: np.ndarray, seen: LineSolution | None) -> Camera:
    """The camera with the given down vector, joined with what the lines say by how sure each is.

    camera: the solution under the given tilt. seen: the lines on their own, or None. Where they contradict the given tilt, it
    overrules them, with a sigma wide enough to reach them. Raises ParameterError where both cannot be of one photo.
    """
    notes, sigma, down, source = camera.notes, GIVEN_TILT_SIGMA_RAD, given, "given"
    if seen is not None:
        off = float(angle_between(given, seen.fit.axes[2]))
        if off > FAR_TILT_RAD and seen.fit.gain >= SURE_GAIN:
            told, found = (", ".join(f"{math.degrees(x):.0f}°" for x in pitch_roll_from_gravity(g)) for g in (given, seen.fit.axes[2]))
            raise ParameterError(f"the given pitch and roll ({told}) are {math.degrees(off):.0f}° from what the lines of the room say "
                                 f"({found}): looking up and dipping the right side are positive; check them, or leave them out")
        tilt_sigma = seen.calibrated.tilt_sigma
        if off > 3 * math.hypot(sigma, tilt_sigma):
            notes += (f"The given pitch and roll differ by {math.degrees(off):.0f}° from what the lines of the room say; "
                      "the intervals allow for both",)
            sigma = max(sigma, off / Z90)
        else:
            by_lines, by_given, apart = tilt_sigma**-2, sigma**-2, off / math.hypot(sigma, tilt_sigma)
            down, source = unit(by_lines * seen.fit.axes[2] + by_given * given), "given + lines"
            sigma = max(1.0, apart) * (by_lines + by_given) ** -0.5
    axes = None if camera.manhattan is None else _under(camera.manhattan, down)
    if axes is None:
        camera = replace(camera, axes_sigma_rad=UNKNOWN_AXES_RAD)
    return replace(camera, gravity=down, gravity_source=source, gravity_sigma_rad=sigma, manhattan=axes, notes=notes)


def _under(axes: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Room axes (3×3, rows right, forward, up) turned by the least rotation so that the third is exactly −down."""
    forward = unit(axes[1] - (axes[1] @ down) * down)
    return nearest_rotation(np.stack([np.cross(forward, -down), forward, -down]))


def _without_lines(camera: Camera, floor: FloorSlope | None) -> Camera:
    """The camera taken as level, or as between level and the floor of a metric depth map, each by its uncertainty."""
    note = "Too few straight lines to tell how the camera was tilted"
    camera = replace(camera, axes_sigma_rad=UNKNOWN_AXES_RAD)
    if floor is None:
        return replace(camera, notes=(*camera.notes, note + ": taken as level"))
    level, own = 1 / LEVEL_SIGMA_RAD**2, 1 / floor.sigma**2
    return replace(
        camera, gravity=unit(own * floor.down + level * DOWN), gravity_source="planes", gravity_sigma_rad=(level + own) ** -0.5,
        notes=(*camera.notes, note + ": taken from the floor's slope in the depth map"),
    )


def _floor_slope(camera: Camera, surfaces: Surfaces, depth: DepthMap) -> FloorSlope | None:
    """Down by the floor of a metric depth map, or None where too little floor is seen or it is far too steep."""
    h, w = 60, 80
    share = _sampled(surfaces.probabilities[..., SURFACE_CLASSES.index("floor")], h, w)
    z, valid = _sampled(depth.values, h, w).astype(float), _sampled(depth.valid, h, w)
    mask = valid & (share > 0.5) & (z > 0.1)
    if mask.mean() < 0.03:
        return None
    u, v = grid_pixels(camera, h, w)
    fit = fit_plane_uvd(u[mask], v[mask], 1 / z[mask])
    if fit is None:
        return None
    normal, _ = plane_from_uvd(*fit.coefficients, 0.0, camera.f_px)
    if -normal[1] < math.cos(math.radians(MAX_PITCH_DEG)):
        return None
    return FloorSlope(-normal, math.radians(4.0) * math.sqrt(1 + 0.25 / float(mask.mean())))


def _sampled(values: np.ndarray, h: int, w: int) -> np.ndarray:
    """Nearest samples of a map (H×W) on an h×w grid over the same extent."""
    rows = ((np.arange(h) + 0.5) * values.shape[0] / h).astype(int)
    cols = ((np.arange(w) + 0.5) * values.shape[1] / w).astype(int)
    return values[rows[:, None], cols[None]]
