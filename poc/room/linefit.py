"""What the lines of a photo say about its camera: gravity, the room's axes and the focal length, and how sure each is.

The likelihood of `poc.room.vanishing` has rival maxima and is too sure of each. Here the rivals are weighed, a focal length from
elsewhere is checked, and the sigmas are calibrated, by constants measured on NYU's training split (`tests/eval_camera.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from poc.geometry import angle_between
from poc.room import lines, vanishing

FOCAL_STARTS = (0.62, 0.8, 1.0, 1.25)
"""Where the search for an unknown focal starts, as factors of the phone's: 16 to 33 mm."""
STARTS_EACH = 4
"""Hypotheses kept from each of these starts."""
PINNED_SIGMA, LOOSE_SIGMA = 0.002, 0.5
"""Sigma of log f that holds a focal length where it is, and that leaves it free."""
MAX_LINE_SIGMA_RAD = math.radians(12.0)
"""Lines whose rival readings differ by more than this say nothing."""
LEAST_SEGMENTS = 6
"""Fewer segments than this say nothing of three directions."""
MIN_GAIN, SURE_GAIN = 9.0, 20.0
"""Log-likelihood ratio of three directions over clutter. Below the first they cannot be told from segments at random (which
reach 7; forests 2–14); above the second (nearly all rooms) it says nothing more. In between, `FAINT_SIGMA_RAD` is added."""
FAINT_SIGMA_RAD = math.radians(6.0)
"""Sigma added to the tilt at `MIN_GAIN`, falling to none at `SURE_GAIN`."""
CROOKED_SIGMA_RAD = math.radians(0.6)
"""Error per axis from the world, the lens and a photo's processing, which the lines' agreement does not show: against floors
measured by a sensor the error is 1.0° per axis, part of it the sensor's; on rendered rooms 0.2°."""
TILT_TOO_SURE, FOCAL_TOO_SURE, FOCAL_LENS_SIGMA = 1.2, 1.8, 0.012
"""Factors by which the curvature of the likelihood understates the sigmas of tilt and of log f; and sigma of log f because lenses
are not perfect pinholes."""
DOUBT_GAIN, FAR_OFF_LOG = 5.0, 0.22
"""A focal length from EXIF or given counts as wrong where another one, so far off (log f), explains the lines so much better (log
likelihood). On one of 99 NYU photos another beats the true one by 5, and it is 9 % away; focal lengths 1.6 to 2.6 times too long
are beaten by 5 to 80 on five of six photos."""

USUAL_CROP, CROP_LOG_SIGMA = 0.75, 0.15
"""The share of the long side that a crop keeps of which the file says nothing, and its sigma (log). Where lines tell of
a crop at all, the focal length found with it is 1 to 5 % off (median) for shares of 0.65 to 0.85, so little hangs on either."""
CROP_LOG_ODDS = {True: math.log(1 / 10), False: math.log(1 / 500)}
"""Log odds that a file is a crop before its lines are looked at, where it is smaller than EXIF says (True) or not. Judgements: the first
says that most such files are copies; the second is so low that of 319 whole photos of rooms three are doubted (1 in 100 would be six)."""
CROP_SLOPE = {True: 0.65, False: 0.87}
"""Log odds of a crop per log likelihood that the lines gain by it, keys as above: slopes of logistic regressions on NYU's photos, whole and cut
to 0.65–0.85 (265 and 132 of them). On renders, whose lines are straighter, they are 2.5 and 3.2."""


@dataclass(frozen=True)
class FloorSlope:
    """Down (3, camera frame) by the floor of a depth map, and its sigma per axis in radians. The embedded model's floors are off by
    5° where floor fills a third of the photo, by 10° where it fills 5 %: too vague to refine lines, enough to choose among rivals."""

    down: np.ndarray
    sigma: float


class LogFocal(NamedTuple):
    """Log of a focal length in pixels, and one sigma of it."""

    value: float
    sigma: float

    @property
    def f_px(self) -> float:
        """The focal length, pixels."""
        return math.exp(self.value)


class Calibrated(NamedTuple):
    """One sigma of tilt, per axis, and of the axes about gravity (radians); and the focal length, averaged over rival fits."""

    tilt_sigma: float
    axes_sigma: float
    focal: LogFocal


@dataclass(frozen=True)
class LineSolution:
    """What the lines say. fit: the best fit. calibrated: how sure it is, with the focal length over all rivals. free: the focal
    length as the lines alone have it, to check one from elsewhere. loglik: the log likelihood of the best fit under its prior. rival: the
    solution without the focal length that was given or in the file, where that explains the lines so much better that the focal length
    must be wrong; else None."""

    fit: vanishing.AxesFit
    calibrated: Calibrated
    free: LogFocal
    loglik: float
    rival: LineSolution | None = None


class CropReading(NamedTuple):
    """A photo read as a crop, whose focal length is longer than the one for the whole: how probable that is (0–1), the focal length then,
    and what the lines say with it, None where they say too little."""

    probability: float
    focal: LogFocal
    seen: LineSolution | None


def solve_lines(segments: lines.CentredSegments, prior: vanishing.Prior, source: str, floor: FloorSlope | None,
           phone: vanishing.Prior | None) -> LineSolution | None:
    """Three directions at right angles from the segments, or None where they cannot be told from clutter, or only vaguely.

    source: `Camera.f_source` of the prior's focal length ("solved": to be found near it). phone: what is known of a focal length that
    nothing tells of; None to look for no rival.
    """
    if len(segments) < LEAST_SEGMENTS:
        return None
    options = vanishing.FitOptions()
    weight = vanishing.weights(segments, options)
    fits = _fits(segments, prior, source, options, weight)
    score = _plausibility(fits, floor)
    best = fits[int(np.argmax(score))]
    rival = None if source == "assumed" or phone is None else _rival(segments, prior, best, floor, phone)
    calibrated = _calibrated(fits, score)
    if rival is not None:
        return LineSolution(best, calibrated, rival.calibrated.focal, best.loglik, rival)
    if best.gain < MIN_GAIN or calibrated.tilt_sigma > MAX_LINE_SIGMA_RAD:
        return None
    if source in ("assumed", "solved"):  # refined once more: the tilt that goes with the focal length in use
        pinned = replace(prior, f_px=calibrated.focal.f_px, f_sigma=PINNED_SIGMA, guess=False)
        fit = vanishing.refine(segments, best.axes[None], pinned, options, weight)[0]
        return LineSolution(fit, calibrated, _focal_of(best), best.loglik)
    loose = vanishing.Prior(prior.f_px, LOOSE_SIGMA, prior.pp_sigma)
    free = vanishing.refine(segments, best.axes[None], loose, options, weight)[0]  # it does not leave the valley where it starts
    return LineSolution(best, calibrated, _focal_of(free), best.loglik)


def read_as_crop(segments: lines.CentredSegments, prior: vanishing.Prior, seen: LineSolution | None, floor: FloorSlope | None,
                 cropped_px: float | None) -> CropReading:
    """The photo read as a crop. prior, seen: with the focal length that the file has for the whole; cropped_px: with what it has for a
    crop, None where it tells of none."""
    known = cropped_px is not None
    if known:
        crop = replace(prior, f_px=cropped_px)
    else:
        crop = replace(prior, f_px=prior.f_px / USUAL_CROP, f_sigma=CROP_LOG_SIGMA)
    found = solve_lines(segments, crop, "exif" if known else "solved", floor, None)
    gain = 0.0 if seen is None or found is None else found.loglik - seen.loglik
    probability = 1 / (1 + math.exp(-CROP_LOG_ODDS[known] - CROP_SLOPE[known] * gain))
    focal = LogFocal(math.log(crop.f_px), crop.f_sigma) if known or found is None else found.calibrated.focal
    return CropReading(probability, focal, found)


def _rival(segments: lines.CentredSegments, prior: vanishing.Prior, best: vanishing.AxesFit, floor: FloorSlope | None,
           phone: vanishing.Prior) -> LineSolution | None:
    """The solution without the focal length that was given or in the file, where that must be wrong; else None."""
    other = solve_lines(segments, replace(phone, down=prior.down, down_sigma=prior.down_sigma), "assumed", floor, phone)
    if other is None or other.fit.gain < best.gain + DOUBT_GAIN:
        return None
    return None if abs(other.calibrated.focal.value - math.log(prior.f_px)) < FAR_OFF_LOG else other


def _fits(segments: lines.CentredSegments, prior: vanishing.Prior, source: str, options: vanishing.FitOptions,
          weight: np.ndarray) -> list[vanishing.AxesFit]:
    """Rival fits, best first: from the prior's focal length, or from several where it is only assumed."""
    down = None if prior.down is None else prior.down[None]
    if source != "assumed":
        return vanishing.refine(segments, vanishing.search(segments, prior.f_px, options, weight, down), prior, options, weight)
    axes, focals = [], []
    for factor in FOCAL_STARTS:
        found = vanishing.search(segments, factor * prior.f_px, options, weight, down)[:STARTS_EACH]
        axes.append(found)
        focals += [factor * prior.f_px] * len(found)
    return vanishing.refine(segments, np.concatenate(axes), prior, options, weight, f_start=focals)


def _plausibility(fits: list[vanishing.AxesFit], floor: FloorSlope | None) -> np.ndarray:
    """Log weights of rival fits: a third of their log likelihood, and how well they agree with the floor's slope (Student's t).

    A third, because segments come in families: where the runner-up is within 4, the winner was wrong in a third of NYU's frames.
    """
    score = np.array([f.loglik for f in fits]) / 3
    if floor is not None:
        off = np.array([angle_between(f.axes[2], floor.down) for f in fits]) / floor.sigma
        score -= 2.5 * np.log1p(off**2 / 3)
    return score


def _calibrated(fits: list[vanishing.AxesFit], score: np.ndarray) -> Calibrated:
    """How sure the best fit is: by the curvature of its likelihood, the world's own crookedness, and how far rivals (log weights
    `score`) are from it."""
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
    tilt_var = TILT_TOO_SURE**2 * 0.5 * (np.trace(cov) - about) + crooked + 0.5 * tilt + faint**2
    axes_var = TILT_TOO_SURE**2 * about + crooked + turn + faint**2
    return Calibrated(math.sqrt(tilt_var), math.sqrt(axes_var), LogFocal(mean, math.sqrt(f_var)))


def _turn(axes: np.ndarray, other: np.ndarray) -> float:
    """Angle between two sets of horizontal axes (3×3, rows as of `AxesFit.axes`), seen along gravity, modulo a quarter turn (±π/4)."""
    yaw = math.atan2(float(axes[0] @ other[1]), float(axes[0] @ other[0]))
    return (yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4


def _focal_sigma(fit: vanishing.AxesFit) -> float:
    """Calibrated sigma of log f of one fit."""
    return math.hypot(FOCAL_TOO_SURE * math.sqrt(fit.covariance[3, 3]), FOCAL_LENS_SIGMA)


def _focal_of(fit: vanishing.AxesFit) -> LogFocal:
    return LogFocal(math.log(fit.f_px), _focal_sigma(fit))
