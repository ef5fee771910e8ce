"""Photo → Camera: focal length, and which way is down, each with its source and its uncertainty.

Focal length: given, else from EXIF, else solved from the room's lines, else a phone's usual one. Gravity: given, else from
the lines (three directions at right angles), else from the floor in a metric depth map, else a level camera. What
disagrees ends in the notes. Constants of calibration were measured on NYU's training split (`tests/eval_camera.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
from poc.types import SURFACE_CLASSES, Z90, Camera, DepthMap, Photo, Surfaces

PHONE_F35_MM = 26.0
"""35 mm equivalent of phone main cameras: 24–28 mm."""
FOCAL_SIGMA = {"given": 0.01, "exif": 0.03, "assumed": 0.12}
"""Sigma of log f by source. EXIF rounds the 35 mm equivalent to whole millimetres and knows nothing of small crops."""
FOCAL_STARTS = (0.62, 0.8, 1.0, 1.25)
"""Where the search for an unknown focal starts, as factors of the phone's: 16 to 33 mm."""
PINNED_SIGMA = 0.002
"""Sigma of log f that holds a focal length where it is."""
SOLVED_FOCAL_SIGMA = 0.08
"""An unknown focal counts as solved when the lines know it better than this."""
PRINCIPAL_SIGMA = 0.012
"""Sigma of the principal point's distance from the photo's centre per axis, as a share of the long side (crops, lenses)."""
LEVEL_SIGMA_RAD = math.radians(7.0)
"""How far an unknown camera is from level, where nothing in the photo tells."""
MAX_LINE_SIGMA_RAD = math.radians(12.0)
"""Lines whose rival readings differ by more than this say nothing."""
GIVEN_TILT_SIGMA_RAD = math.radians(1.0)
MAX_PITCH_DEG = 60.0
MIN_GAIN, SURE_GAIN = 9.0, 20.0
"""Log-likelihood ratio of three directions over clutter: below the first they are not told from segments at random (which
reach 7, forests 2–14); from the second up (nearly all rooms) it says nothing more. In between, tilt is less sure: """
CROOKED_SIGMA_RAD = math.radians(0.6)
"""What the world, the lens and a photo's processing add per axis, whatever the lines agree on: against floors measured by a
sensor the error is 1.0° per axis, of which the sensor has a part, on rendered rooms 0.2°."""
DOUBT_GAIN, FAR_OFF_LOG = 5.0, 0.22
"""A focal from EXIF or given is taken for wrong where the lines are explained so much better (log likelihood) by one that is so far
off (log f). Of 99 of NYU's photos the true focal is 5 short on one, and there by 9 % of f; one 1.6 to 2.6 times too long is
5 to 80 short on five of six photos."""
MOST_APART, FAR_TILT_RAD = 3.0, math.radians(25.0)
"""A focal length that is given and the file's, apart by more than this factor, and a tilt that is given and one that lines are sure of, by more
than this angle, are not of one photo, however it was cropped or held: a slip, which no interval covers."""
FAINT_SIGMA_RAD = math.radians(6.0)
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

    focal_px, principal_point (photo pixels) and pitch_roll_deg (degrees; pitch > 0 looks up, roll > 0 dips the right
    side) overrule what the photo says; a tilt that agrees with it is joined with it by how sure each is. surfaces with a metric
    depth help where lines are few or ambiguous. Raises ParameterError for a focal no camera has, a pitch beyond ±60° (a room cannot be
    measured from straight above or below), or a focal or tilt that cannot be of this photo (`MOST_APART`, `FAR_TILT_RAD`).
    """
    given = _given_gravity(pitch_roll_deg)
    prior, source, notes = _focal_prior(photo, focal_px, principal_point is not None)
    cx, cy = ((photo.width - 1) / 2, (photo.height - 1) / 2) if principal_point is None else principal_point
    segments = lines.centred(lines.detect_segments(photo.rgb), float(cx), float(cy))
    base = Camera(prior.f_px, float(cx), float(cy), photo.width, photo.height, DOWN, source, "assumed", prior.f_sigma, LEVEL_SIGMA_RAD, notes=notes)
    floor = None if surfaces is None or depth is None or depth.kind != "metric" else _floor_slope(base, surfaces, depth)
    phone = _phone_prior(photo, prior.pp_sigma)
    seen = _solve(segments, prior, source, floor, phone)
    if source == "exif" and seen is not None and seen.rival is not None:
        base, seen, prior = _without_exif(base, seen.rival), seen.rival, phone
        source = base.f_source
    if given is not None:
        pinned = _solve(segments, replace(prior, down=given, down_sigma=GIVEN_TILT_SIGMA_RAD), source, None, phone)
        found = _with_given_gravity(base if pinned is None else _from_lines(base, pinned), given, seen)
    else:
        found = _without_lines(base, floor) if seen is None else _from_lines(base, seen)
    return distortion.allow_for(found, photo)


# --- what is known before looking ---------------------------------------------------------------------------------


def _focal_prior(photo: Photo, focal_px: float | None, centre_known: bool) -> tuple[vanishing.Prior, str, tuple[str, ...]]:
    long_side = max(photo.width, photo.height)
    pp_sigma = (0.02 if centre_known else 1.0) * PRINCIPAL_SIGMA * long_side
    if focal_px is not None:
        given_px = check_focal_px(focal_px, photo.width, photo.height)
        sigma, notes = _against_file(given_px, photo.f_px)
        return vanishing.Prior(given_px, sigma, pp_sigma), "given", notes
    if photo.f_px is not None:
        return vanishing.Prior(float(photo.f_px), FOCAL_SIGMA["exif"], pp_sigma), "exif", ()
    return _phone_prior(photo, pp_sigma), "assumed", ()


def _against_file(given_px: float, exif_px: float | None) -> tuple[float, tuple[str, ...]]:
    """Sigma of log f of a focal length that was given, and what is to be told of it. Where EXIF contradicts it, one of the two is wrong:
    it is used, but no surer than that its 90 % interval reaches EXIF's."""
    sigma = FOCAL_SIGMA["given"]
    off = 0.0 if exif_px is None else abs(math.log(given_px / exif_px))
    if off <= 3 * math.hypot(sigma, FOCAL_SIGMA["exif"]):
        return sigma, ()
    if off > math.log(MOST_APART):
        raise ParameterError(f"the focal length given, {given_px:.0f} px, and the file's, {exif_px:.0f} px, are too far apart for one photo: give it in "
                             "pixels of this photo, or save the photo without what its file says")
    note = (f"You gave a focal length of {given_px:.0f} px, the file says {exif_px:.0f} px: one of them is wrong, "
            "unless the photo was cropped or zoomed; the intervals allow for both")
    return max(sigma, off / Z90), (note,)


def _phone_prior(photo: Photo, pp_sigma: float) -> vanishing.Prior:
    return vanishing.Prior(PHONE_F35_MM / 36.0 * max(photo.width, photo.height), FOCAL_SIGMA["assumed"], pp_sigma, guess=True)


def _without_exif(camera: Camera, rival: LineSolution) -> Camera:
    """The camera with the focal length that the lines ask for, where EXIF's is far from it."""
    note = _focal_note(camera, math.exp(rival.log_f), ", which is used")
    return replace(camera, f_px=math.exp(rival.log_f), f_source="assumed", f_sigma_rel=rival.f_sigma, notes=(*camera.notes, note))


def parse_pitch_roll(text: str) -> tuple[float, float] | None:
    """"-6" or "-6,1" to (pitch, roll) in degrees, as of `estimate_camera`; empty text to None. Raises ParameterError for anything else,
    and for a tilt from which no room is measured."""
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
    if pitch_roll_deg is None:
        return None
    pitch, roll = map(float, pitch_roll_deg)
    if not abs(pitch) <= MAX_PITCH_DEG:
        raise ParameterError(f"pitch {pitch:g}° is out of range: a room is measured from within ±{MAX_PITCH_DEG:g}° of level")
    if not abs(roll) <= 180:
        raise ParameterError(f"roll {roll:g}° is out of range: give an angle within ±180°")
    return gravity_from_pitch_roll(math.radians(pitch), math.radians(roll))


# --- lines --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FloorSlope:
    """Down by the floor of a depth map, and its sigma per axis in radians. The embedded model's floors are off by 5° where
    floor fills a third of the photo, by 10° where it fills 5 %: too vague to refine lines, enough to choose among rivals."""

    down: np.ndarray
    sigma: float


@dataclass(frozen=True)
class LineSolution:
    """What the lines say: the best fit, calibrated sigmas of tilt (per axis) and of the axes about gravity, log f and its
    sigma averaged over the rivals. free_f: log f and its sigma as the lines alone have it, to check a focal from elsewhere. rival:
    the solution without that focal, where it explains the lines so much better that the focal must be wrong."""

    fit: vanishing.AxesFit
    tilt_sigma: float
    axes_sigma: float
    log_f: float
    f_sigma: float
    free_f: tuple[float, float]
    rival: LineSolution | None = None


def _solve(
    segments: lines.CentredSegments, prior: vanishing.Prior, source: str, floor: FloorSlope | None, phone: vanishing.Prior
) -> LineSolution | None:
    """Three directions from the segments, or None where they are not told from clutter, or only vaguely. phone: what is known of a
    focal length before anything is told of it."""
    if len(segments) < 6:
        return None
    options = vanishing.FitOptions()
    w = vanishing.weights(segments, options)
    fits = _fits(segments, prior, source, options, w)
    score = _plausibility(fits, floor)
    best = fits[int(np.argmax(score))]
    rival = None if source == "assumed" else _rival(segments, prior, best, floor, phone)
    sigma = _calibrated(fits, score)
    if rival is not None:
        return LineSolution(best, *sigma, free_f=(rival.log_f, rival.f_sigma), rival=rival)
    if best.gain < MIN_GAIN or sigma[0] > MAX_LINE_SIGMA_RAD:
        return None
    if source == "assumed":
        told = math.log(best.f_px), _focal_sigma(best)
        pinned = replace(prior, f_px=math.exp(sigma[2]), f_sigma=PINNED_SIGMA, guess=False)  # the tilt that goes with the focal that is used
        return LineSolution(vanishing.refine(segments, best.axes[None], pinned, options, w)[0], *sigma, free_f=told)
    loose = vanishing.Prior(prior.f_px, 0.5, prior.pp_sigma)
    free = vanishing.refine(segments, best.axes[None], loose, options, w)[0]  # it does not leave the valley where it starts
    return LineSolution(best, *sigma, free_f=(math.log(free.f_px), _focal_sigma(free)))


def _rival(segments, prior: vanishing.Prior, best: vanishing.AxesFit, floor: FloorSlope | None, phone: vanishing.Prior) -> LineSolution | None:
    """The solution without the focal length that was told, where that must be wrong."""
    other = _solve(segments, replace(phone, down=prior.down, down_sigma=prior.down_sigma), "assumed", floor, phone)
    if other is None or other.fit.gain < best.gain + DOUBT_GAIN or abs(other.log_f - math.log(prior.f_px)) < FAR_OFF_LOG:
        return None
    return other


def _fits(segments, prior, source, options, w) -> list[vanishing.AxesFit]:
    down = None if prior.down is None else prior.down[None]
    if source != "assumed":
        return vanishing.refine(segments, vanishing.search(segments, prior.f_px, options, w, down), prior, options, w)
    axes, focals = [], []
    for k in FOCAL_STARTS:
        found = vanishing.search(segments, k * prior.f_px, options, w, down)[:4]
        axes.append(found)
        focals += [k * prior.f_px] * len(found)
    return vanishing.refine(segments, np.concatenate(axes), prior, options, w, f_start=focals)


def _plausibility(fits: list[vanishing.AxesFit], floor: FloorSlope | None) -> np.ndarray:
    """Log weights of rival hypotheses: a third of their log likelihood, because segments come in families (where the
    runner-up is within 4, the winner was wrong in a third of NYU's frames), and the floor's slope (Student's t)."""
    score = np.array([f.loglik for f in fits]) / 3
    if floor is not None:
        off = np.array([angle_between(f.axes[2], floor.down) for f in fits]) / floor.sigma
        score -= 2.5 * np.log1p(off**2 / 3)
    return score


def _calibrated(fits: list[vanishing.AxesFit], score: np.ndarray) -> tuple[float, float, float, float]:
    """Sigmas of tilt per axis and of the axes about gravity, log f and its sigma: curvature, the world's own crookedness,
    and rivals."""
    p = np.exp(score - score.max())
    p /= p.sum()
    best = fits[int(np.argmax(score))]
    down = best.axes[2]
    cov = best.covariance[:3, :3]
    about = float(down @ cov @ down)
    tilt = p @ np.array([angle_between(f.axes[2], down) for f in fits]) ** 2
    turn = p @ np.array([_turn(f.axes, best.axes) for f in fits]) ** 2
    log_f = np.log([f.f_px for f in fits])
    mean = float(p @ log_f)
    f_var = p @ ((log_f - mean) ** 2 + np.array([_focal_sigma(f) for f in fits]) ** 2)
    crooked = CROOKED_SIGMA_RAD**2
    faint = FAINT_SIGMA_RAD * max(0.0, SURE_GAIN - best.gain) / (SURE_GAIN - MIN_GAIN)
    tilt_var = 1.2**2 * 0.5 * (np.trace(cov) - about) + crooked + 0.5 * tilt + faint**2
    return math.sqrt(tilt_var), math.sqrt(1.2**2 * about + crooked + turn + faint**2), mean, math.sqrt(f_var)


def _turn(axes: np.ndarray, other: np.ndarray) -> float:
    """Angle between two sets of horizontal axes, seen along gravity, modulo a quarter turn (±π/4)."""
    yaw = math.atan2(float(axes[0] @ other[1]), float(axes[0] @ other[0]))
    return (yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4


def _focal_sigma(fit: vanishing.AxesFit) -> float:
    """Calibrated sigma of log f: the curvature is too sure by 1.8, and lenses are not perfect pinholes."""
    return math.hypot(1.8 * math.sqrt(fit.covariance[3, 3]), 0.012)


def _from_lines(camera: Camera, seen: LineSolution) -> Camera:
    notes: list[str] = list(camera.notes)
    f_px, f_source, f_sigma = camera.f_px, camera.f_source, camera.f_sigma_rel
    if f_source == "assumed":
        solved = seen.f_sigma < SOLVED_FOCAL_SIGMA
        f_px, f_sigma, f_source = math.exp(seen.log_f), seen.f_sigma, "solved" if solved else "assumed"
    else:
        off = seen.free_f[0] - math.log(f_px)
        if seen.rival is not None or abs(off) > 3 * math.hypot(seen.free_f[1], f_sigma) and abs(off) > 0.08:
            notes.append(_focal_note(camera, math.exp(seen.free_f[0])))
            f_sigma = f_sigma if f_source == "given" and seen.rival is None else max(f_sigma, 0.5 * abs(off))
    return replace(
        camera, f_px=f_px, f_source=f_source, f_sigma_rel=f_sigma, cx=camera.cx + float(seen.fit.principal[0]),
        cy=camera.cy + float(seen.fit.principal[1]), gravity=seen.fit.axes[2], gravity_source="lines",
        gravity_sigma_rad=seen.tilt_sigma, manhattan=_room_axes(seen.fit.axes), axes_sigma_rad=seen.axes_sigma, notes=tuple(notes),
    )


def _focal_note(camera: Camera, better_px: float, then: str = "") -> str:
    word = "EXIF says" if camera.f_source == "exif" else "You gave"
    return (f"{word} a focal length of {camera.f_px:.0f} px, the lines of the room fit {better_px:.0f} px better{then}: "
            "is the photo cropped, zoomed or edited?")


def _room_axes(axes: np.ndarray) -> np.ndarray:
    """Rows right, forward, up: of the two horizontals, forward is the one nearest to the viewing direction."""
    k = int(np.argmax(np.abs(axes[:2, 2])))
    forward = axes[k] * (1.0 if axes[k, 2] >= 0 else -1.0)
    up = -axes[2]
    return np.stack([np.cross(forward, up), forward, up])


# --- given, or without lines --------------------------------------------------------------------------------------


def _with_given_gravity(camera: Camera, given: np.ndarray, seen: LineSolution | None) -> Camera:
    """The given tilt, joined with what the lines say by how sure each is; `camera` is the solution under it, `seen` the lines on their own.
    Where they contradict it, it overrules them, and its sigma reaches them. Raises ParameterError where both cannot be of one photo."""
    notes, sigma, down, source = camera.notes, GIVEN_TILT_SIGMA_RAD, given, "given"
    if seen is not None:
        off = float(angle_between(given, seen.fit.axes[2]))
        if off > FAR_TILT_RAD and seen.fit.gain >= SURE_GAIN:
            told, found = (", ".join(f"{math.degrees(x):.0f}°" for x in pitch_roll_from_gravity(g)) for g in (given, seen.fit.axes[2]))
            raise ParameterError(f"the given pitch and roll ({told}) are {math.degrees(off):.0f}° from what the lines of the room say ({found}): looking up and "
                                 "dipping the right side are positive; check them, or leave them out")
        if off > 3 * math.hypot(sigma, seen.tilt_sigma):
            notes += (f"The given pitch and roll differ by {math.degrees(off):.0f}° from what the lines of the room say; the intervals allow for both",)
            sigma = max(sigma, off / Z90)
        else:
            own, told, apart = seen.tilt_sigma**-2, sigma**-2, off / math.hypot(sigma, seen.tilt_sigma)
            down, sigma, source = unit(own * seen.fit.axes[2] + told * given), max(1.0, apart) * (own + told) ** -0.5, "given + lines"
    axes = None if camera.manhattan is None else _under(camera.manhattan, down)
    if axes is None:
        camera = replace(camera, axes_sigma_rad=UNKNOWN_AXES_RAD)
    return replace(
        camera, gravity=down, gravity_source=source, gravity_sigma_rad=sigma, manhattan=axes, notes=notes
    )


def _under(axes: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Room axes turned by the least rotation so that the third is exactly -down."""
    forward = unit(axes[1] - (axes[1] @ down) * down)
    return nearest_rotation(np.stack([np.cross(forward, -down), forward, -down]))


def _without_lines(camera: Camera, floor: FloorSlope | None) -> Camera:
    """Level, or between level and the floor of a metric depth map, each by its uncertainty."""
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
    """Down as the floor of a metric depth map has it, or None where too little floor is seen."""
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
    """Nearest samples of a map on an h×w grid over the same extent."""
    rows = ((np.arange(h) + 0.5) * values.shape[0] / h).astype(int)
    cols = ((np.arange(w) + 0.5) * values.shape[1] / w).astype(int)
    return values[rows[:, None], cols[None]]
