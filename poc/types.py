"""The values that pass between stages. All are frozen; arrays inside them are to be treated as read-only.

One camera frame everywhere: x right, y down, z forward, metres. Pixels (u, v) have their origin at the centre of the
top-left pixel of the photo. `rgb`, `values`, … are indexed [row, column] = [v, u].

The *room frame* (plan) is x right, y forward, seen from above, metres, with its origin on the floor under the camera
and its y axis along the wall direction nearest to the viewing direction. `Scene.room_from_cam` takes camera-frame
points (less the height) there: `p_room = room_from_cam @ p_cam`, whose third coordinate is height *above the camera*
(add `Scene.camera_height_m` to get height above the floor).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

SURFACE_CLASSES = ("other", "floor", "wall", "ceiling", "door", "window")
"""Channel order of `Surfaces.probabilities`."""

DepthKind = Literal["metric", "relative_inverse"]
Status = Literal["measured", "lower_bound", "unknown"]
Z90 = 1.6448536269514722
"""Half-width of a two-sided 90 % interval of the normal distribution, in standard deviations."""

RUNS_THROUGH = "it runs through"
"""Part of a measurement's reason where walls cross each other: one of them is misplaced, so its interval cannot be trusted."""
UNCOMMON_CEILING = ("few rooms have it: unless this is a hall or an attic, the scale or the ceiling's line is off; the height of a door, "
                    "marked on the photo, would tell")
"""The reason of a ceiling height beyond those of common rooms: if the scale is off, no length is inside its interval."""
SLOPING_CEILING = "the ceiling slopes, or a wall is not where it was put"
"""Beginning of a ceiling height's reason where the ceiling's line is not level: the interval then spans the heights seen."""
GIVEN_OFF = "or a length that was given is far off"
"""Ending of a refusal where a length that the caller gave does not fit the photo."""


def floored(value: float) -> str:
    """A lower bound with two decimals, rounded down."""
    return f"{math.floor(value * 100 + 1e-9) / 100:.2f}"


def sure_percent(probability: float) -> int:
    """A probability in whole per cent, rounded down: 0.978 → 97, 0.29 → 29."""
    return math.floor(probability * 100 + 1e-9)


def whole_percent(percents: float) -> str:
    """An error in per cent as text; below 2 with one decimal and rounded up, so that it never reads as zero: "16", "0.4"."""
    return f"{percents:.0f}" if percents >= 2 else f"{max(1, math.ceil(10 * percents - 1e-6)) / 10:.1f}"


@dataclass(frozen=True)
class Photo:
    """An upright photo.

    rgb: uint8, H×W×3. f_px: focal length in pixels of *this* image from EXIF, or None (never a guess).
    name: file name or a label. notes: what was done on loading, in words ("only the first of 3 frames … is used").
    sha256: of the file's bytes (of the pixels, if there was no file). bend_k, bend_sigma: the lens distortion that was removed
    (`poc.room.distortion`) and its one-sigma error, 0 if none was; bent_size: (width, height) before that. transparent: share of the
    file's pixels, 0–1, that are more see-through than not: `rgb` is nearly white there, and shows nothing. cropped_px: the focal length
    if the file is a crop of the picture that its EXIF describes, in pixels of this image, where it may be that as well as the smaller copy
    for which f_px holds; else None.
    """

    rgb: np.ndarray
    f_px: float | None = None
    name: str = "photo"
    notes: tuple[str, ...] = ()
    sha256: str = ""
    bend_k: float = 0.0
    bend_sigma: float = 0.0
    bent_size: tuple[int, int] | None = None
    transparent: float = 0.0
    cropped_px: float | None = None

    @property
    def file_size(self) -> tuple[int, int]:
        """(width, height) of the upright picture in the file."""
        return self.bent_size or (self.width, self.height)

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])


@dataclass(frozen=True)
class Camera:
    """Pinhole camera of a photo of `width`×`height` pixels, and which way is down.

    f_px, cx, cy: pixels of the photo. gravity: unit 3-vector pointing *down* in the camera frame ((0, 1, 0) for a
    level camera). *_source: "exif", "given", "solved", "assumed" (f_px); "lines", "planes", "given", "assumed", … (gravity).
    f_sigma_rel: one standard deviation of log f. gravity_sigma_rad: one standard deviation of the angle, per axis.
    manhattan: 3×3, rows are the room's axes in the camera frame (two horizontal, third = -gravity), or None.
    axes_sigma_rad: one standard deviation of the axes' azimuth. notes: disagreements between sources, in words, without a full stop
    (`poc.words.sentence` adds it). bend_k: lens distortion, as in `poc.room.distortion`; 0 for none. f_against: the focal length that was
    given or in the file, the one that the photo's lines, or else the file, ask for (pixels), and how far (log) the two may be apart without
    contradicting each other; None where there are not two.
    """

    f_px: float
    cx: float
    cy: float
    width: int
    height: int
    gravity: np.ndarray
    f_source: str
    gravity_source: str
    f_sigma_rel: float
    gravity_sigma_rad: float
    manhattan: np.ndarray | None = None
    axes_sigma_rad: float = 0.05
    notes: tuple[str, ...] = ()
    bend_k: float = 0.0
    f_against: tuple[float, float, float] | None = None

    def matrix(self) -> np.ndarray:
        """Intrinsics K, 3×3."""
        return np.array([[self.f_px, 0.0, self.cx], [0.0, self.f_px, self.cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class DepthMap:
    """Depth along z (metric, metres) or relative inverse depth (any scale and shift, larger is nearer).

    values: float32 H×W, aligned to the photo (same extent; usually the same size). valid: bool H×W; where it is False,
    values are 0 and mean nothing. sigma_log: float32 H×W, one standard deviation of log depth as estimated by the model,
    or None. model: preset name. engine, weights: what computed it, for provenance. f_px: the focal length (pixels
    of the photo) with which a metric depth was computed, or None; metric depth is proportional to it, so a later stage with a
    better focal length multiplies the values by f_better / f_px.
    """

    values: np.ndarray
    kind: DepthKind
    valid: np.ndarray
    model: str
    sigma_log: np.ndarray | None = None
    engine: str = ""
    weights: str = ""
    f_px: float | None = None


@dataclass(frozen=True)
class Surfaces:
    """The surface each pixel belongs to.

    probabilities: float32 h×w×6 in the order of SURFACE_CLASSES, summing to 1; they cover the whole photo at their own (usually smaller)
    size. room_logit: log odds that the photo shows a room, from the same network; None if it has no such output. turns: quarter turns to
    the left after which the photo shows a room while it does not as it is stored; else 0.
    """

    probabilities: np.ndarray
    model: str = "embedded"
    room_logit: float | None = None
    turns: int = 0

    def shares(self) -> np.ndarray:
        """Share of the photo's pixels assigned to each class: six numbers that sum to 1."""
        taken = self.probabilities.argmax(-1).ravel()
        return np.bincount(taken, minlength=len(SURFACE_CLASSES)) / max(taken.size, 1)


@dataclass(frozen=True)
class Reference:
    """A length the user knows. kind: "length", "door", "a4", "socket", …. ends: ((u1, v1), (u2, v2)), pixels of the photo. length_m,
    sigma_m: its true length and one standard deviation. marked: the ends in pixels of the photo's file, if the photo was straightened."""

    kind: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    length_m: float
    sigma_m: float
    marked: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class ScaleSource:
    """One opinion on the scale. camera_height_m: the camera's height above the floor that it implies. sigma_rel: its relative one-sigma
    error."""

    source: str
    camera_height_m: float
    sigma_rel: float
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """The scale that is used.

    source: in words ("camera height given", "metric model", "reference length", …, joined by " + " where several were combined).
    sigma_rel: its relative one-sigma error. opinions: every source that was combined. changes: how much of that error comes from causes
    that also move the rest of the room (log change of the height under one sigma of each cause, see `poc.room.propagate`), and must not be
    counted twice.
    """

    source: str
    camera_height_m: float
    sigma_rel: float
    opinions: tuple[ScaleSource, ...] = ()
    notes: tuple[str, ...] = ()
    changes: Mapping[str, float] = field(default_factory=dict)

    @property
    def own_sigma_rel(self) -> float:
        """The relative one-sigma error of the scale alone, without the part shared with other causes (`changes`)."""
        return math.sqrt(max(self.sigma_rel**2 - sum(x**2 for x in self.changes.values()), 0.0))


@dataclass(frozen=True)
class Plane:
    """A room plane: normal_cam · X + offset_m = 0 for X in the camera frame, unit normal toward the camera, so
    offset_m > 0 is the camera's distance to it. mask: bool h×w on the scene's working grid (pixels that support it).
    sigma_m: one standard deviation of offset_m. basis: "foot", "depth", "foot + depth", "ceiling line", …"""

    id: str
    kind: Literal["floor", "ceiling", "wall"]
    normal_cam: np.ndarray
    offset_m: float
    sigma_m: float
    pixels: int
    foot_seen: bool
    mask: np.ndarray
    basis: str


@dataclass(frozen=True)
class WallSegment:
    """The visible stretch of a wall, in the room frame.

    ends: 2×2 metres, left then right as seen by the camera. end_kinds: for each end "corner" (meets another wall), "frame" (cut by the
    photo's edge) or "occluded". free: stretches, as (start, end) in metres along the wall from ends[0], with nothing standing in front;
    free_end_kinds: the kinds of their ends, which may also be "obstacle" or "door". foot_azimuths: increasing directions (radians from the
    room's y axis toward x, one per column of the panorama) in which the camera saw the wall's foot, or None where that is not known.
    covered: (start, end, height) in metres: above that height something hangs on the wall or hides it, higher up than free stretches
    require.
    """

    plane_id: str
    ends: np.ndarray
    end_kinds: tuple[str, str]
    free: tuple[tuple[float, float], ...] = ()
    free_end_kinds: tuple[tuple[str, str], ...] = ()
    foot_azimuths: np.ndarray | None = None
    covered: tuple[tuple[float, float, float], ...] = ()

    @property
    def length_m(self) -> float:
        return float(np.linalg.norm(self.ends[1] - self.ends[0]))


@dataclass(frozen=True)
class Obstacle:
    """Something standing on the floor (or hanging low): footprint n×2 room-frame polygon, height above the floor."""

    footprint: np.ndarray
    height_m: float


@dataclass(frozen=True)
class Opening:
    """A door or window on a wall: kind, plane id, corners 4×3 in the camera frame (metres), and width × height."""

    kind: Literal["door", "window"]
    plane_id: str
    corners_cam: np.ndarray
    width_m: float
    height_m: float


@dataclass(frozen=True)
class Scene:
    """A room in metres, or the reason why there is none.

    refusal: None, or why no room was measured, in one sentence; planes, walls, … are then empty and depth_m may be None. depth_m, valid:
    h×w working grid (long side ≤ 320), metres along z. room_from_cam: 3×3 rotation to the room frame. outline: n×2 room-frame polygon of
    the visible floor, bounded by walls and the photo's frame. free_floor: bool grid of floor that is visible and free, with its [0, 0]
    corner at `grid_origin` (x, y), cells of `grid_cell_m`, rows along y (forward) and columns along x; seen_floor: the same grid, True for
    floor within the outline. largest_free_rect: (x0, y0, x1, y1) in the room frame, or None. notes: disagreements, in words.
    """

    camera: Camera
    refusal: str | None = None
    scale: Scale | None = None
    depth_m: np.ndarray | None = None
    valid: np.ndarray | None = None
    planes: tuple[Plane, ...] = ()
    walls: tuple[WallSegment, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    openings: tuple[Opening, ...] = ()
    room_from_cam: np.ndarray = field(default_factory=lambda: np.eye(3))
    outline: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    free_floor: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))
    seen_floor: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))
    grid_origin: tuple[float, float] = (0.0, 0.0)
    grid_cell_m: float = 0.05
    largest_free_rect: tuple[float, float, float, float] | None = None
    notes: tuple[str, ...] = ()
    solution: object | None = field(default=None, repr=False, compare=False)
    """Internal: what `poc.measure` propagates errors through."""

    @property
    def camera_height_m(self) -> float | None:
        return None if self.scale is None else self.scale.camera_height_m

    def plane(self, plane_id: str) -> Plane | None:
        return next((p for p in self.planes if p.id == plane_id), None)


@dataclass(frozen=True)
class Measurement:
    """A measured quantity, or the reason why there is none.

    low, high: 90 % interval (None where unknown; high is None for a lower bound without an upper limit).
    status: measured, lower_bound (the true value is at least `low`; `value` is the visible part) or unknown.
    basis: where it comes from, in words. reason: why it is not simply measured. budget: share of the variance by
    cause ("scale", "focal", "gravity", "shift", "fit", "model", "unseen"), summing to 1. light: "green", "amber" or "red".
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    status: Status
    basis: str = ""
    reason: str = ""
    budget: dict[str, float] = field(default_factory=dict)
    light: str = ""


@dataclass(frozen=True)
class Check:
    """A self-test without ground truth: its name, what it found, its light ("green", "amber", "red" or "" if it could not be run), and
    what that means."""

    name: str
    value: float | None
    unit: str
    light: str
    meaning: str


@dataclass(frozen=True)
class NextMeasurement:
    """The one thing most worth measuring next: what to do, the name of the measurement it improves, and that interval's width before and
    after. The width of a lower bound is infinite; its bound before and after is in least_now_m and least_after_m."""

    action: str
    helps: str
    width_now_m: float
    width_after_m: float
    least_now_m: float | None = None
    least_after_m: float | None = None


@dataclass(frozen=True)
class Product:
    """A piece from the catalogue, in metres and the catalogue's currency. clearance_m: free depth needed in front of it."""

    sku: str
    name: str
    category: str
    style: str
    width_m: float
    depth_m: float
    height_m: float
    clearance_m: float
    price: float


@dataclass(frozen=True)
class Placement:
    """Where a product stands, in the room frame: its centre (x, y), the direction of its width as an angle from the x axis, the plane id
    of the wall it stands against or None, and the free floor kept behind a piece that is used from both sides."""

    x_m: float
    y_m: float
    angle_rad: float
    wall_id: str | None
    behind_m: float = 0.0


@dataclass(frozen=True)
class Recommendation:
    """A product, its placement, the probability that it fits there, and the reason in words and numbers. at_least: the place continues
    out of sight, so the probability is a lower bound."""

    product: Product
    placement: Placement
    probability: float
    reason: str
    at_least: bool = False
