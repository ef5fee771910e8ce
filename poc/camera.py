"""Photo → Camera: focal length, and which way is down, each with its source and its uncertainty.

Focal length: given, else from EXIF, else solved from the room's lines, else a phone's usual one. Gravity: given, else from the
lines of the room (three directions at right angles), else a level camera. Whatever disagrees ends in the notes.
"""

from __future__ import annotations

import math

import numpy as np

from poc import lines, vanishing
from poc.errors import ParameterError
from poc.geometry import angle_between, gravity_from_pitch_roll, pitch_roll_from_gravity
from poc.types import Camera, DepthMap, Photo, Surfaces

PHONE_F35_MM = 26.0
"""35 mm equivalent of phone main cameras: 24–28 mm."""
FOCAL_SIGMA = {"given": 0.01, "exif": 0.03, "assumed": 0.12}
"""Sigma of log f by source. EXIF rounds the 35 mm equivalent to whole millimetres and knows nothing of small crops."""
PRINCIPAL_SIGMA = 0.01
"""Sigma of the principal point's distance from the photo's centre, as a share of the long side."""
LEVEL_SIGMA_RAD = math.radians(7.0)
"""How far an unknown camera is from level, where nothing in the photo tells."""
GIVEN_TILT_SIGMA_RAD = math.radians(1.0)
MAX_PITCH_DEG = 60.0


def estimate_camera(
    photo: Photo,
    surfaces: Surfaces | None = None,
    depth: DepthMap | None = None,
    *,
    focal_px: float | None = None,
    pitch_roll_deg: tuple[float, float] | None = None,
    principal_point: tuple[float, float] | None = None,
) -> Camera:
    """Camera of a photo.

    focal_px, principal_point (photo pixels) and pitch_roll_deg (degrees; pitch > 0 looks up, roll > 0 dips the right
    side) overrule what the photo says. surfaces and depth help where lines are few. Raises ParameterError for a focal
    that is not positive, or a pitch beyond ±60° (a room cannot be measured from straight above or below).
    """
    prior, source = _focal_prior(photo, focal_px)
    given = _given_gravity(pitch_roll_deg)
    cx, cy = principal_point or ((photo.width - 1) / 2, (photo.height - 1) / 2)
    segments = lines.centred(lines.detect_segments(photo.rgb), cx, cy)
    fit, sigma = _fit(segments, prior, source)
    f_px, f_source, f_sigma = prior.f_px, source, prior.f_sigma
    gravity, axes = np.array([0.0, 1.0, 0.0]), None
    gravity_source, gravity_sigma, axes_sigma = "assumed", LEVEL_SIGMA_RAD, math.pi / 6
    if fit is not None:
        gravity, axes = fit.axes[2], _room_axes(fit.axes)
        gravity_source, gravity_sigma, axes_sigma = "lines", sigma[0], sigma[1]
        if source == "assumed":
            f_px, f_source, f_sigma = fit.f_px, "solved", sigma[2]
    if given is not None:
        gravity, gravity_source, gravity_sigma = given, "given", GIVEN_TILT_SIGMA_RAD
    return Camera(
        f_px, cx, cy, photo.width, photo.height, gravity, f_source, gravity_source, f_sigma, gravity_sigma,
        manhattan=axes, axes_sigma_rad=axes_sigma,
    )


def _focal_prior(photo: Photo, focal_px: float | None) -> tuple[vanishing.Prior, str]:
    long_side = max(photo.width, photo.height)
    pp_sigma = PRINCIPAL_SIGMA * long_side
    if focal_px is not None:
        if not (math.isfinite(focal_px) and 0.2 * long_side < focal_px < 10 * long_side):
            raise ParameterError(
                f"focal length {focal_px:g} px does not suit a photo of {photo.width}×{photo.height}: expected "
                f"{0.2 * long_side:.0f} to {10 * long_side:.0f} px"
            )
        return vanishing.Prior(float(focal_px), FOCAL_SIGMA["given"], pp_sigma), "given"
    if photo.f_px is not None:
        return vanishing.Prior(float(photo.f_px), FOCAL_SIGMA["exif"], pp_sigma), "exif"
    f = PHONE_F35_MM / 36.0 * long_side
    return vanishing.Prior(f, FOCAL_SIGMA["assumed"], pp_sigma, heavy_focal=True), "assumed"


def _given_gravity(pitch_roll_deg: tuple[float, float] | None) -> np.ndarray | None:
    if pitch_roll_deg is None:
        return None
    pitch, roll = map(float, pitch_roll_deg)
    if not abs(pitch) <= MAX_PITCH_DEG or not abs(roll) <= 180:
        raise ParameterError(
            f"pitch {pitch:g}° and roll {roll:g}° are out of range: a room is measured from a pitch within ±{MAX_PITCH_DEG:g}°"
        )
    return gravity_from_pitch_roll(math.radians(pitch), math.radians(roll))


def _fit(segments, prior, source):
    options = vanishing.FitOptions()
    if len(segments) < 6:
        return None, None
    w = vanishing.weights(segments, options)
    starts = [1.0] if source != "assumed" else [0.62, 0.8, 1.0, 1.25]
    axes, focals = [], []
    for k in starts:
        found = vanishing.search(segments, prior.f_px * k, options, w)
        found = found if len(starts) == 1 else found[:4]
        axes.append(found)
        focals += [prior.f_px * k] * len(found)
    fit = vanishing.refine(segments, np.concatenate(axes), prior, options, w, f_start=focals)[0]
    sd = np.sqrt(np.diag(fit.covariance))
    return fit, (float(2.5 * sd[:3].max() + 0.007), float(2.5 * sd[1] + 0.01), float(sd[3]))


def _room_axes(axes: np.ndarray) -> np.ndarray:
    """Rows right, forward, up: of the two horizontals, forward is the one nearest to the viewing direction."""
    k = int(np.argmax(np.abs(axes[:2, 2])))
    forward = axes[k] * np.sign(axes[k, 2] or 1.0)
    up = -axes[2]
    return np.stack([np.cross(forward, up), forward, up])
