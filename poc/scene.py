"""From depth, surfaces and a camera to a room in metres: `build_scene`.

Covariances of the camera here are 5×5 in the order of `poc.room.adjust.Adjusted`: tilt x, tilt y, yaw (radians), log f, shift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from poc.camera import FOCAL_SIGMA
from poc.errors import ContradictionError, ParameterError
from poc.geometry import rotation_from_vector
from poc.room.adjust import (
    FOCAL, SHIFT, TILT, YAW, CameraPrior, PlaneObservation, adjust, adjust_without_culprits, as_built, depth_noise, observe_planes,
)  # fmt: skip
from poc.room.ceiling import LEAST_LINE
from poc.room.ends import two_ends
from poc.room.floorplan import complete
from poc.room.given import GivenLength, with_given
from poc.room.layout import EXACT, MOST_TURN_SIGMA, Layout, room_rotation, solve_layout
from poc.room.observe import grid_to_photo
from poc.room.planes import fit_floor, fitted_floor
from poc.room.propagate import (
    CameraMove, Errors, FloorData, Problem, Shape, camera_cause, ceiling_depth_heights, log_change, moved_shapes, variance,
)  # fmt: skip
from poc.room.reference import References, reference_opinions
from poc.room.refusal import refuse
from poc.room.scale import GIVEN_HEIGHT, MODEL, MODEL_OFF_LOG, PRIOR_HEIGHT_M, fuse, prior_opinion, rivals
from poc.room.stretches import STRIP_M, UP_TO_M
from poc.room.view import CEILING, FLOOR, SURE, View, kept, make_view
from poc.room.wallfit import DepthNoise, State
from poc.types import GIVEN_OFF, Camera, DepthMap, Photo, Plane, Reference, Scale, ScaleSource, Scene, Surfaces, WallSegment

NETWORK_SIGMA = 0.15
"""Sigma of log depth at which a map errs as networks do, whole planes turned and shifted; below it those errors shrink in proportion."""
ROUNDS, SETTLED = 2, 0.01
"""Most rounds of solving camera and layout in turn, and the change of log f below which they stop sooner."""
LEAST_CEILING, LEAST_EXACT_CEILING = 0.012, 0.001
"""Share of the photo that must surely be ceiling before its height is measured, by a network and by exact depth. Below the first,
43 of 46 ceilings that a network saw in photos of real rooms were none: the wall goes on out of the frame."""
LEAST_CEILING_DEPTHS = 80
"""Depth samples that measure a ceiling's height."""
UNHEARD_LOG = 0.55
"""A camera height by a network's depth farther (log) than this from where photographers hold cameras is not believed. On 242
photos of real and rendered rooms it was off by 0.49 at most (95 %: 0.27), on a refinery by 0.63; of 201 other interiors one was
farther off."""
SENSOR_HEIGHT_M = (0.02, 50.0)
"""Camera heights that a sensor's depth may give: from a robot on the floor to a camera under a hall's roof."""
LEAST_MODEL_SIGMA = 0.005
"""No metric map is surer of the camera's height than this (log)."""
APART_LOG = 2 * MODEL_OFF_LOG
"""A camera height by a network's depth farther (log) than this from one that is given cannot be of the same photo."""
LEVEL_SPREAD = 0.02
"""Median deviation of a ceiling's height, relative, above which it is no ceiling but a wall taken for one."""
FLOOR_CELLS = 300
"""Floor cells kept to fit the depth again under another camera."""


def build_scene(photo: Photo, depth: DepthMap, surfaces: Surfaces | None, camera: Camera, *,
                camera_height: tuple[float, float] | None = None, references: Sequence[Reference] = (),
                free_depth_m: float = STRIP_M, free_height_m: float = UP_TO_M) -> Scene:
    """A room in metres, or a Scene whose `refusal` says why there is none.

    camera_height: metres above the floor and one sigma, metres. free_depth_m, free_height_m: depth of floor and height of wall that
    must be clear for a stretch of wall to be free. Raises ParameterError on a depth map whose mask has another shape, a free depth or
    height out of range, or a reference that cannot be placed in the room, and of those ContradictionError where a given length cannot be
    this photo's.
    """
    view = make_view(camera, depth, surfaces, photo)
    reason = refuse(photo, view, camera, surfaces, depth)
    if reason is not None:
        return Scene(camera, reason)
    noise = prior_noise(depth)
    try:
        room = solve_room(view, noise)
    except ParameterError as err:
        return Scene(camera, str(err))
    view, layout = room.view, room.layout
    if layout.state.fit is None:
        return Scene(camera, "no room found: no floor is seen, or hardly any, so nothing can be placed")
    if not layout.walls:
        return Scene(camera, "no room found: no walls are seen")
    view = replace(view, camera=_owned(view.camera, camera))
    floor = _floor_data(view, layout.state)
    moves = _camera_moves(floor, layout.state, layout.noise, room.covariance)
    given = _with_height(reference_opinions(references, view, layout, moves), camera_height)
    height_m = layout.state.fit.height_model_m
    if reason := _unheard_of(height_m, given.opinions) if view.by_network else _of_no_unit(height_m):
        return Scene(camera, reason)
    scale = _scale(layout, given, moves)
    doubted = rivals(scale.opinions)
    sure = [length for o, length in zip(given.opinions, given.given, strict=True) if length is not None and o not in doubted]
    return complete(_assemble(view, layout, scale, floor, moves, sure), Surfaces(view.p), free_depth_m, free_height_m)


def _owned(found: Camera, told: Camera) -> Camera:
    """The camera found, its focal length marked as solved where it left far behind the one that was given or in the file."""
    allowed = 3 * FOCAL_SIGMA[told.f_source] if told.f_source in ("given", "exif") else np.inf
    return replace(found, f_source="solved") if abs(np.log(found.f_px / told.f_px)) > allowed else found


def _unheard_of(height_m: float | None, given: Sequence[ScaleSource]) -> str | None:
    """Why a camera height by a network's depth cannot be of a photo of a room, or None. It is compared with what each given length says,
    or, with nothing given, with where cameras are held. height_m: None for a relative depth map.

    Raises ContradictionError for a given length that is far off, where the height by depth is one that cameras have or another given
    length confirms it: then it is the length that is wrong.
    """
    if height_m is None:
        return None
    unusual = abs(np.log(height_m / PRIOR_HEIGHT_M)) > UNHEARD_LOG
    would = f"no room found: by its depth the camera would stand {height_m:.2f} m above the floor"
    if not given and unusual:
        return f"{would}, and from there hardly any room is photographed; if it did stand there, give the camera height"
    off = [o for o in given if abs(np.log(height_m / o.camera_height_m)) > APART_LOG]
    if not off:
        return None
    if not unusual or len(off) < len(given):
        raise ContradictionError(_far_off(height_m, off[0]))
    return f"{would}, by what is given {off[0].camera_height_m:.2f} m: either this is no room, {GIVEN_OFF}"


def _far_off(height_m: float, length: ScaleSource) -> str:
    """Why a given length cannot be the photo's, and what to do. height_m: of the camera, by depth."""
    by_depth = f"by its depth the camera is about {height_m:.2f} m above the floor"
    if length.source == GIVEN_HEIGHT:
        return (f"the camera height given, {length.camera_height_m:.2f} m, cannot be this photo's: {by_depth}; give metres from the floor "
                "to the lens, or leave it out")
    return (f"the {length.source} ({length.note}) implies a camera {length.camera_height_m:.2f} m above the floor, which cannot be this "
            f"photo's: {by_depth}; check its ends and its length in metres, or leave it out")


def _with_height(known: References, camera_height: tuple[float, float] | None) -> References:
    """Everything that was given: what references say, and the camera's height (metres and one sigma; None for unknown)."""
    if camera_height is None:
        return known
    height = ScaleSource(GIVEN_HEIGHT, camera_height[0], camera_height[1] / camera_height[0])
    return References((*known.opinions, height), (*known.changes, {}), (*known.given, None))


def _of_no_unit(height_m: float | None) -> str | None:
    """Why a sensor's depth cannot be in metres, or None: no camera in a room is so high above its floor, or so low."""
    if height_m is None or SENSOR_HEIGHT_M[0] < height_m < SENSOR_HEIGHT_M[1]:
        return None
    return f"no room found: by its depth the camera would stand {height_m:.3g} m above the floor; is the depth in metres?"


def prior_noise(depth: DepthMap) -> DepthNoise:
    """How far to trust a depth map before looking at its planes: by its own sigma where it has one. A map without one that no
    network computed (`DepthMap.engine` empty) counts as exact here; its planes tell more later (`depth_noise`)."""
    if depth.sigma_log is not None:
        at = kept(depth.sigma_log.shape)
        sigma = depth.sigma_log[at]
        good = depth.valid[at] & np.isfinite(sigma)
        middle = float(np.median(sigma[good])) if good.any() else 0.15
        level = min(middle / NETWORK_SIGMA, 1.0)
        if not depth.engine:
            return DepthNoise(0.01 * level, 1.0, min(0.25 * middle, 0.3), 0.1 * level)
        return DepthNoise(0.05 * level, 20.0, float(np.clip(0.7 * middle, 0.01, 0.3)), 0.25 * level)
    if depth.engine:
        return DepthNoise(0.05, 20.0, 0.10, 0.25)
    return DepthNoise(2e-4, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class SolvedRoom:
    """The working grid under the camera in force, the layout, and the camera's covariance (5×5, as told at the top)."""

    view: View
    layout: Layout
    covariance: np.ndarray


def solve_room(view: View, noise: DepthNoise) -> SolvedRoom:
    """The layout, then in turn the camera adjusted to what the depth is sure of and the layout under that camera (`ROUNDS`).

    Without a floor or walls the camera stays as it is. Raises ParameterError where the camera looks straight up or down.
    """
    camera = view.camera
    rot = room_rotation(camera.gravity, camera.manhattan)
    fit = fit_floor(view, -rot[2])
    first = replace(noise, sigma=max(noise.sigma, 0.05))
    layout = solve_layout(view, rot, fit, first, camera.axes_sigma_rad)
    vague = camera.axes_sigma_rad > MOST_TURN_SIGMA  # then the walls have given the axes' direction
    prior = CameraPrior(layout.state.room_from_cam if vague else rot, camera.f_px, camera.gravity_sigma_rad,
                        min(camera.axes_sigma_rad, MOST_TURN_SIGMA), camera.f_sigma_rel)
    base = np.diag([*np.square([prior.gravity, prior.gravity, min(prior.yaw, np.deg2rad(2)), prior.focal]), 0.0])
    room = SolvedRoom(view, layout, base)
    if fit is None or not layout.walls:
        return room
    for _ in range(ROUNDS):
        planes = observe_planes(room.view, room.layout)
        if not planes:
            break
        room, settled = _adjusted(room, planes, noise, prior)
        if settled:
            break
    return room


def _adjusted(room: SolvedRoom, planes: list[PlaneObservation], noise: DepthNoise, prior: CameraPrior) -> tuple[SolvedRoom, bool]:
    """One round: the camera adjusted to the planes of the layout, and the layout under that camera; and whether another round
    would change nothing.

    Where the planes contradict each other (chi2 above 1), they are taken as rooms are built, and if that is not enough the
    depth's sigma grows.
    """
    view, layout = room.view, room.layout
    noise = depth_noise(planes, layout.state.fit.shift, noise)
    fixed, agreeing = adjust_without_culprits(view, layout, planes, noise, prior)
    if fixed.chi2 > 1:
        fixed, agreeing = adjust_without_culprits(view, layout, as_built(planes), noise, prior)
    if fixed.chi2 > 1:
        noise = replace(noise, sigma=noise.sigma * min(np.sqrt(fixed.chi2), 6.0))
        fixed = adjust(view, layout, agreeing, noise, prior)
    settled = len(agreeing) == len(planes) and abs(np.log(fixed.f_px / view.camera.f_px)) < SETTLED
    view = _with_focal(view, fixed.f_px)
    fit = fit_floor(view, -fixed.room_from_cam[2], None if view.metric else fixed.shift) or layout.state.fit
    yaw_sigma = float(np.sqrt(fixed.covariance[YAW, YAW]))
    layout = solve_layout(view, fixed.room_from_cam, fit, noise, max(yaw_sigma, 1e-4))
    return SolvedRoom(view, layout, fixed.covariance), settled


def _with_focal(view: View, f_px: float) -> View:
    """The view under another focal length; a metric map made for one scales with it."""
    camera = replace(view.camera, f_px=f_px)
    ratio = view.camera.f_px / f_px
    inverse = view.inverse * np.float32(ratio) if view.follows_focal else view.inverse
    return replace(view, camera=camera, rays=view.rays * [ratio, ratio, 1.0], f_grid=view.f_grid / ratio, inverse=inverse)


def _model_opinion(layout: Layout, moves: Sequence[CameraMove]) -> tuple[ScaleSource, dict[str, float]]:
    """The camera height that a metric map implies, with the map's own error and the camera's; and its log change by cause."""
    height = layout.state.fit.height_model_m
    changes = {camera_cause(move.cause, k): log_change(move.up.fit.height_model_m, move.down.fit.height_model_m, height)
               for k, move in enumerate(moves)}
    sigma = float(np.linalg.norm(list(changes.values())))
    return ScaleSource(MODEL, height, max(sigma, LEAST_MODEL_SIGMA)), changes


def _scale(layout: Layout, given: References, moves: Sequence[CameraMove]) -> Scale:
    """Everything known about the scale, joined by its uncertainty.

    given: as of `_with_height`. The height at which people hold cameras is joined to what the network and vague lengths say
    (`prior_opinion`): a small network's scale is off by an eighth (median), more on photos unlike those it learnt from.
    """
    told = list(zip(given.opinions, given.changes, strict=True))
    habit = prior_opinion(given.opinions)
    if layout.state.fit.height_model_m is not None:
        told.append(_model_opinion(layout, moves))
    if habit is not None:
        told.append((habit, {}))
    return fuse([opinion for opinion, _ in told], [changes for _, changes in told])


def _assemble(view: View, layout: Layout, scale: Scale, floor: FloorData, moves: Sequence[CameraMove],
              given: Sequence[GivenLength] = ()) -> Scene:
    """The scene in metres, with planes, walls and their errors; without what stands in the room (`complete` adds it). given: lengths of
    the room itself that are known, and that nothing else given contradicts."""
    ends = tuple(two_ends(layout, k) for k in range(len(layout.walls)))
    problem = Problem(layout, floor, ends, scale.camera_height_m, _ceiling_source(view, layout))
    errors, scale = with_given(moved_shapes(problem, moves, scale), scale, given)
    state, h = layout.state, scale.camera_height_m
    up = state.room_from_cam[2]
    floor_cells = (view.p[..., FLOOR] > 0.5) & (view.rays @ up < 0)
    planes = [Plane("floor", "floor", up, h, h * scale.sigma_rel, int(floor_cells.sum()), False, floor_cells, scale.source)]
    if errors.base.ceiling is not None:
        value, sigma = _with_sigma(errors, lambda shape: shape.ceiling - shape.camera_height)
        mask = (view.p[..., CEILING] > 0.5) & (view.rays @ up > 0)
        planes.append(Plane("ceiling", "ceiling", -up, value, sigma, int(mask.sum()), False, mask, problem.ceiling_from))
    planes += [_wall_plane(layout, errors, k) for k in range(len(layout.walls))]
    segments = tuple(WallSegment(f"wall_{k + 1}", errors.base.ends[k], tuple(e.kind for e in ends[k]),
                                 foot_azimuths=layout.pan.azimuth[wall.direct]) for k, wall in enumerate(layout.walls))
    inverse = state.fit.inverse(view.inverse)
    with np.errstate(divide="ignore"):
        depth_m = np.where(view.valid & (inverse > 0.02), h / inverse, 0.0).astype(np.float32)
    return Scene(replace(view.camera, gravity=-up), None, scale, depth_m, depth_m > 0, tuple(planes), segments,
                 room_from_cam=state.room_from_cam, solution=errors)


def _with_sigma(errors: Errors, quantity: Callable[[Shape], float]) -> tuple[float, float]:
    """A quantity of the room and one sigma of it, metres."""
    value, parts = variance(errors, quantity)
    return value, value * sum(parts.values()) ** 0.5


def _wall_plane(layout: Layout, errors: Errors, k: int) -> Plane:
    """Wall k as a plane, metres."""
    data, solved = layout.walls[k], layout.solved[k]
    psi = errors.base.psi[k]
    normal = -(layout.state.room_from_cam.T @ np.array([np.sin(psi), np.cos(psi), 0.0]))
    value, sigma = _with_sigma(errors, lambda shape: shape.distance[k])
    foot_seen = solved.share_foot > 0
    basis = "foot" if solved.share_foot > 0.95 else "foot + depth" if foot_seen else "depth"
    return Plane(f"wall_{k + 1}", "wall", normal, value, sigma, int(data.mask.sum()), foot_seen, data.mask, basis)


def _floor_data(view: View, state: State) -> FloorData:
    """Floor cells spread over the floor that the depth was fitted to; those far off its plane count for next to nothing."""
    rows, cols = np.nonzero(fitted_floor(view, -state.room_from_cam[2]))
    pick = np.linspace(0, len(rows) - 1, min(FLOOR_CELLS, len(rows))).astype(int)
    rows, cols = rows[pick], cols[pick]
    d = view.inverse[rows, cols].astype(float)
    s = (view.rays @ -state.room_from_cam[2])[rows, cols]
    off = np.abs(np.log(np.maximum(state.fit.inverse(d), 1e-6) / s))
    return FloorData(grid_to_photo(view, rows, cols), d, np.where(off < 3 * np.median(off) + 1e-4, 1.0, 1e-3), view.follows_focal)


def _triangular_root(c: np.ndarray) -> np.ndarray:
    """Lower triangular r with r·rᵀ = c and no negative diagonal, for a covariance that may be singular or, by rounding, slightly
    indefinite: the eigenvalue square root, turned triangular by QR."""
    values, vectors = np.linalg.eigh((c + c.T) / 2)
    root = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T)[1].T
    return root * np.where(np.diag(root) < 0, -1.0, 1.0)


def _camera_moves(floor: FloorData, state: State, noise: DepthNoise, cov: np.ndarray) -> list[CameraMove]:
    """The independent one-sigma errors of the camera, and of the depth on the floor ("model").

    The camera's are the columns of a triangular root of its covariance (5×5) in the order focal, tilts, yaw, shift; each is named
    by the first of these that it moves, and moves what is correlated with it too.
    """
    order = [FOCAL, *TILT, YAW, SHIFT]
    root = _triangular_root(cov[np.ix_(order, order)])
    out = []
    for column, cause in zip(root.T, ("focal", "gravity", "gravity", "gravity", "shift")):
        move = np.zeros(5)
        move[order] = column
        if np.abs(move).max() < 1e-8:
            continue
        out.append(CameraMove(cause, _moved(floor, state, move), _moved(floor, state, -move)))
    floor_log = noise.of_mean(state.fit.floor_cells)
    return [*out, CameraMove("model", _model_moved(state, floor_log), _model_moved(state, -floor_log))]


def _moved(floor: FloorData, state: State, move: np.ndarray) -> State:
    """The state with its camera and shift moved (5, as the covariance), and its depth fitted to the floor again."""
    new = replace(state, f_px=state.f_px * float(np.exp(move[FOCAL])), room_from_cam=rotation_from_vector(move[:3]) @ state.room_from_cam,
                  fit=replace(state.fit, shift=state.fit.shift + move[SHIFT]))
    return replace(new, fit=floor.fit(new, state))


def _model_moved(state: State, log_depth: float) -> State:
    """The state with its depth on the floor wrong by so much (log)."""
    model = state.fit.height_model_m
    height = None if model is None else model * np.exp(log_depth)
    return replace(state, fit=replace(state.fit, scale=state.fit.scale * np.exp(log_depth), height_model_m=height))


def _ceiling_source(view: View, layout: Layout) -> str | None:
    """What the ceiling's height is measured by: "ceiling line" or "depth"; None where too little ceiling is seen."""
    data = layout.ceiling
    exact = layout.noise.of_mean(data.mask.sum()) < EXACT
    if exact:
        seen = data.mask.mean() >= LEAST_EXACT_CEILING and _is_level(layout)
    else:
        seen = (data.mask & (view.p[..., CEILING] > SURE)).mean() >= LEAST_CEILING
    enough = {"depth": len(data.depth_d) >= LEAST_CEILING_DEPTHS, "ceiling line": len(data.line_wall) >= LEAST_LINE}
    order = ("depth", "ceiling line") if exact else ("ceiling line", "depth")
    return next((source for source in order if enough[source]), None) if seen else None


def _is_level(layout: Layout) -> bool:
    """Whether depth shows what is taken for ceiling at one height; True without any depth on it."""
    height = ceiling_depth_heights(layout.ceiling, layout.state)
    if len(height) == 0:
        return True
    middle = float(np.median(height))
    return float(np.median(np.abs(height - middle))) < LEVEL_SPREAD * (middle + 1.0)
