"""From depth, surfaces and a camera to a room in metres: `build_scene`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poc.camera import FOCAL_SIGMA
from poc.errors import ParameterError
from poc.geometry import rotation_from_vector
from poc.room.adjust import CameraPrior, adjust, adjust_without_culprits, as_built, depth_noise, observe_planes
from poc.room.floorplan import complete
from poc.room.layout import MOST_TURN_SIGMA, Layout, room_rotation, solve_layout
from poc.room.observe import grid_to_photo
from poc.room.planes import fit_floor, fitted_floor
from poc.room.propagate import CameraMove, End, FloorData, Problem, camera_cause, ceiling_depth_heights, log_change, moved_shapes, variance
from poc.room.reference import References, reference_opinions
from poc.room.refusal import refuse
from poc.room.scale import MODEL, PRIOR_HEIGHT_M, fuse, prior_opinion
from poc.room.stretches import STRIP_M, UP_TO_M
from poc.room.view import CEILING, FLOOR, SURE, View, kept, make_view
from poc.room.wallfit import DepthNoise, State
from poc.types import GIVEN_OFF, Camera, DepthMap, Photo, Plane, Reference, Scale, ScaleSource, Scene, Surfaces, WallSegment

NETWORK_SIGMA = 0.15
"""Sigma of log depth from which on a map is as wrong as networks are, whole planes turned and shifted; below it, less so."""
ROUNDS, SETTLED = 2, 0.01
"""The camera and the layout are solved in turn so often, or until log f moves by less than this."""
CORNER_RAD, CORNER_COLUMNS = 0.06, 6
"""Two walls meet in a corner where their lines cross within this angle of where they are seen to change, and the second is
seen over so many columns there."""
EXACT = 0.02
"""Sigma of log depth up to which depth alone tells a wall."""
LEAST_CEILING, LEAST_EXACT_CEILING = 0.012, 0.001
"""Share of the photo that must surely be ceiling before its height is measured, and the share that is enough where depth itself
shows it. Below the first a network's ceiling was none in 43 of 46 photos of real rooms: the wall goes on out of the frame."""
UNHEARD_LOG = 0.55
"""How far (log) a network may have the camera's height from where photographers hold it: on 242 photos of real and rendered rooms it was
off by 0.49 at most (95 %: 0.27), on a refinery by 0.63; of 201 other interiors one was farther off."""
SENSOR_HEIGHT_M = (0.02, 50.0)
"""Between these a sensor's depth may have the camera above the floor: a robot's on the floor, one under a hall's roof."""
LEAST_MODEL_SIGMA = 0.005
"""No metric map is surer of the camera's height than this (log)."""
APART_LOG = 0.5
"""How far (log) a network may have the camera's height from what is known of it: on 109 photos of real and rendered rooms it was off by
0.25 at most (95 %: 0.21)."""
LEVEL_SPREAD = 0.02
"""Median deviation of a ceiling's height, relative, above which it is none: a wall taken for ceiling."""


def build_scene(photo: Photo, depth: DepthMap, surfaces: Surfaces | None, camera: Camera, *,
                camera_height: tuple[float, float] | None = None, references: Sequence[Reference] = (),
                free_depth_m: float = STRIP_M, free_height_m: float = UP_TO_M) -> Scene:
    """A room in metres, or a Scene whose `refusal` says why there is none.

    camera_height: metres and one sigma. free_depth_m, free_height_m: floor and wall that are clear where a stretch of wall is free.
    Raises ParameterError on a depth map whose mask has another shape, or a free depth or height out of range.
    """
    view = make_view(camera, depth, surfaces, photo)
    reason = refuse(photo, view, camera, surfaces, depth)
    if reason is not None:
        return Scene(camera, reason)
    noise = prior_noise(depth)
    try:
        view, layout, cov = solve_room(view, noise)
    except ParameterError as err:
        return Scene(camera, str(err))
    if layout.state.fit is None:
        return Scene(camera, "no room found: no floor is seen, or hardly any, so nothing can be placed")
    if not layout.walls:
        return Scene(camera, "no room found: no walls are seen")
    view = replace(view, camera=_owned(view.camera, camera))
    floor = _floor_data(view, layout.state)
    moves = _camera_moves(floor, layout.state, layout.noise, cov)
    known = reference_opinions(references, view, layout, moves)
    given = [*(o.camera_height_m for o in known.opinions), *([] if camera_height is None else camera_height[:1])]
    height_m = layout.state.fit.height_model_m
    if reason := _unheard_of(height_m, given) if view.by_network else _of_no_unit(height_m):
        return Scene(camera, reason)
    scale = _scale(layout, camera_height, known, moves)
    return complete(_assemble(view, layout, scale, floor, moves), Surfaces(view.p), free_depth_m, free_height_m)


def _owned(found: Camera, told: Camera) -> Camera:
    """The camera found, whose focal length nobody gave any more where it had to leave what was told by far."""
    allowed = 3 * FOCAL_SIGMA[told.f_source] if told.f_source in ("given", "exif") else np.inf
    return replace(found, f_source="solved") if abs(np.log(found.f_px / told.f_px)) > allowed else found


def _unheard_of(height_m: float | None, given: Sequence[float]) -> str | None:
    """Why the camera height that a network's depth gives is none of a photo of a room, or None: it is far from what is given, or, with
    nothing given, from where cameras are held."""
    if height_m is None:
        return None
    would = f"no room found: by its depth the camera would stand {height_m:.2f} m above the floor"
    if not given and abs(np.log(height_m / PRIOR_HEIGHT_M)) > UNHEARD_LOG:
        return f"{would}, and from there hardly any room is photographed; if it did stand there, give the camera height"
    if given and (nearest := min(given, key=lambda h: abs(np.log(height_m / h)))) and abs(np.log(height_m / nearest)) > APART_LOG:
        return f"{would}, by what is given {nearest:.2f} m: either this is no room, {GIVEN_OFF}"
    return None


def _of_no_unit(height_m: float | None) -> str | None:
    """Why a sensor's depth cannot be metres, or None: no camera in a room is so high above its floor, or so low."""
    if height_m is None or SENSOR_HEIGHT_M[0] < height_m < SENSOR_HEIGHT_M[1]:
        return None
    return f"no room found: by its depth the camera would stand {height_m:.3g} m above the floor; is the depth in metres?"


def prior_noise(depth: DepthMap) -> DepthNoise:
    """How far to trust a depth map before looking at it. A map that no network computed is judged by its own planes."""
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


def solve_room(view: View, noise: DepthNoise):
    """Layout, then the camera adjusted to what the depth is sure of, then the layout again. Returns view, layout and the
    covariance of (tilt x, tilt y, yaw, log f, shift)."""
    camera = view.camera
    rot = room_rotation(camera.gravity, camera.manhattan)
    fit = fit_floor(view, -rot[2])
    first = replace(noise, sigma=max(noise.sigma, 0.05))
    layout = solve_layout(view, rot, fit, first, camera.axes_sigma_rad)
    vague = camera.axes_sigma_rad > MOST_TURN_SIGMA  # then the walls have told it by now
    prior = CameraPrior(layout.state.room_from_cam if vague else rot, camera.f_px, camera.gravity_sigma_rad,
                        min(camera.axes_sigma_rad, MOST_TURN_SIGMA), camera.f_sigma_rel)
    base = np.diag([*np.square([prior.gravity, prior.gravity, min(prior.yaw, np.deg2rad(2)), prior.focal]), 0.0])
    if fit is None or not layout.walls:
        return view, layout, base
    cov = base
    for _ in range(ROUNDS):
        planes = observe_planes(view, layout)
        if not planes:
            break
        view, layout, fixed, settled = _adjusted(view, layout, planes, noise, prior)
        cov = fixed.covariance
        if settled:
            break
    return view, layout, cov


def _adjusted(view: View, layout: Layout, planes, noise: DepthNoise, prior: CameraPrior):
    """One round: the camera adjusted to the planes of the layout, and the layout under that camera. Returns view, layout, the
    adjustment and whether another round would change nothing."""
    noise = depth_noise(planes, layout.state.fit.shift, noise)
    fixed, kept = adjust_without_culprits(view, layout, planes, noise, prior)
    if fixed.chi2 > 1:
        fixed, kept = adjust_without_culprits(view, layout, as_built(planes), noise, prior)
    if fixed.chi2 > 1:
        noise = replace(noise, sigma=noise.sigma * min(np.sqrt(fixed.chi2), 6.0))
        fixed = adjust(view, layout, kept, noise, prior)
    settled = len(kept) == len(planes) and abs(np.log(fixed.f_px / view.camera.f_px)) < SETTLED
    view = _with_focal(view, fixed.f_px)
    fit = fit_floor(view, -fixed.room_from_cam[2], None if view.metric else fixed.shift) or layout.state.fit
    yaw_sigma = float(np.sqrt(fixed.covariance[2, 2]))
    return view, solve_layout(view, fixed.room_from_cam, fit, noise, max(yaw_sigma, 1e-4)), fixed, settled


def _with_focal(view: View, f_px: float) -> View:
    camera = replace(view.camera, f_px=f_px)
    ratio = view.camera.f_px / f_px
    inverse = view.inverse * np.float32(ratio) if view.follows_focal else view.inverse
    return replace(view, camera=camera, rays=view.rays * [ratio, ratio, 1.0], f_grid=view.f_grid / ratio, inverse=inverse)


def _model_opinion(layout: Layout, moves) -> tuple[ScaleSource, dict[str, float]]:
    """The camera height that a metric map implies, with the map's own error and the camera's; and its log change by cause."""
    height = layout.state.fit.height_model_m
    changes = {camera_cause(cause, k): log_change(up.fit.height_model_m, down.fit.height_model_m, height) for k, (cause, up, down) in enumerate(moves)}
    sigma = float(np.linalg.norm(list(changes.values())))
    return ScaleSource(MODEL, height, max(sigma, LEAST_MODEL_SIGMA)), changes


def _scale(layout: Layout, camera_height, known: References, moves) -> Scale:
    """Everything known about the scale, joined. Known lengths and a given height overrule what a network or habit says
    only as far as their sigmas do. Where no height is given, the habit of photographers is joined to what the network and vague references
    say: a small network's scale is off by an eighth (median), more on photos unlike those it learnt from."""
    told = list(zip(known.opinions, known.changes, strict=True))
    habit = prior_opinion(known.opinions) if camera_height is None else None
    if camera_height is not None:
        told.append((ScaleSource("camera height given", camera_height[0], camera_height[1] / camera_height[0]), {}))
    if layout.state.fit.height_model_m is not None:
        told.append(_model_opinion(layout, moves))
    if habit is not None:
        told.append((habit, {}))
    return fuse([opinion for opinion, _ in told], [changes for _, changes in told])


def _assemble(view: View, layout: Layout, scale: Scale, floor: FloorData, moves) -> Scene:
    state = layout.state
    problem = Problem(layout, floor, _ends(view, layout), scale.camera_height_m, _ceiling_source(view, layout))
    errors = moved_shapes(problem, moves, scale)
    h, rot = scale.camera_height_m, state.room_from_cam
    up = rot[2]
    floor_cells = (view.p[..., FLOOR] > 0.5) & (view.rays @ up < 0)
    planes = [Plane("floor", "floor", up, h, h * scale.sigma_rel, int(floor_cells.sum()), False, floor_cells, scale.source)]
    if errors.base.ceiling is not None:
        value, parts = variance(errors, lambda s: s.ceiling - s.camera_height)
        mask = (view.p[..., CEILING] > 0.5) & (view.rays @ up > 0)
        planes.append(Plane("ceiling", "ceiling", -up, value, value * sum(parts.values()) ** 0.5, int(mask.sum()), False, mask, problem.ceiling_from))
    segments = []
    for k, (data, solved) in enumerate(zip(layout.walls, layout.solved)):
        normal = -(rot.T @ np.array([np.sin(solved.psi), np.cos(solved.psi), 0.0]))
        value, parts = variance(errors, lambda s, k=k: s.distance[k])
        seen = solved.share_foot > 0
        basis = "foot" if solved.share_foot > 0.95 else "foot + depth" if seen else "depth"
        planes.append(Plane(f"wall_{k + 1}", "wall", normal, value, value * sum(parts.values()) ** 0.5, int(data.mask.sum()), seen, data.mask, basis))
        segments.append(WallSegment(f"wall_{k + 1}", errors.base.ends[k], tuple(e.kind for e in problem.ends[k]),
                                    foot_azimuths=layout.pan.azimuth[data.direct]))
    inverse = state.fit.inverse(view.inverse)
    with np.errstate(divide="ignore"):
        depth_m = np.where(view.valid & (inverse > 0.02), h / inverse, 0.0).astype(np.float32)
    return Scene(replace(view.camera, gravity=-up), None, scale, depth_m, depth_m > 0, tuple(planes), tuple(segments),
                 room_from_cam=rot, solution=errors)


def _floor_data(view: View, state: State) -> FloorData:
    rows, cols = np.nonzero(fitted_floor(view, -state.room_from_cam[2]))
    pick = np.linspace(0, len(rows) - 1, min(300, len(rows))).astype(int)
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
    """One-sigma states, up and down: columns of a Cholesky factor ordered focal, tilts, yaw, shift, named by their leading member."""
    order = [3, 0, 1, 2, 4]
    c = cov[np.ix_(order, order)]
    root = _triangular_root(c)
    out = []
    for column, cause in zip(root.T, ("focal", "gravity", "gravity", "gravity", "shift")):
        move = np.zeros(5)
        move[order] = column
        if np.abs(move).max() < 1e-8:
            continue
        out.append((cause, _moved(floor, state, move), _moved(floor, state, -move)))
    rel = noise.of_mean(state.fit.floor_cells)
    return [*out, ("model", _model_moved(state, rel), _model_moved(state, -rel))]


def _moved(floor: FloorData, state: State, move: np.ndarray) -> State:
    """The state with (tilt x, tilt y, yaw, log f, shift) moved, its depth fitted to the floor again."""
    fit = replace(state.fit, shift=state.fit.shift + move[4])
    new = replace(state, f_px=state.f_px * float(np.exp(move[3])), room_from_cam=rotation_from_vector(move[:3]) @ state.room_from_cam, fit=fit)
    return replace(new, fit=floor.fit(new, state))


def _model_moved(state: State, rel: float) -> State:
    model = state.fit.height_model_m
    return replace(state, fit=replace(state.fit, scale=state.fit.scale * np.exp(rel), height_model_m=None if model is None else model * np.exp(rel)))


def _exact(layout: Layout) -> bool:
    """Whether the depth is a sensor's, or as good: then it tells by itself what stands where."""
    return max(layout.noise.sigma, layout.noise.common) < EXACT


def _ceiling_source(view: View, layout: Layout) -> str | None:
    data = layout.ceiling
    exact = layout.noise.of_mean(data.mask.sum()) < EXACT
    if exact:
        seen = data.mask.mean() >= LEAST_EXACT_CEILING and _is_level(layout)
    else:
        seen = (data.mask & (view.p[..., CEILING] > SURE)).mean() >= LEAST_CEILING
    enough = {"depth": len(data.depth_d) >= 80, "ceiling line": len(data.line_wall) >= 6}
    order = ("depth", "ceiling line") if exact else ("ceiling line", "depth")
    return next((source for source in order if enough[source]), None) if seen else None


def _is_level(layout: Layout) -> bool:
    """Whether depth shows what is taken for ceiling at one height."""
    height = ceiling_depth_heights(layout.ceiling, layout.state)
    if len(height) == 0:
        return True
    middle = float(np.median(height))
    return float(np.median(np.abs(height - middle))) < LEVEL_SPREAD * (middle + 1.0)


def _ends(view: View, layout: Layout) -> tuple[tuple[End, End], ...]:
    return tuple(_two_ends(layout, k) for k in range(len(layout.walls)))


def _two_ends(layout: Layout, k: int) -> tuple[End, End]:
    """A wall's left and right end. It meets another wall in one corner at most: seen on both sides of a wall that stands before it, it
    has its corner where that wall is seen over more columns, and goes on out of sight on the other side."""
    left, right = (_end(layout, k, side) for side in (-1, 1))
    if left.kind != "corner" or left.other != right.other:
        return left, right
    own = np.flatnonzero(layout.path == k)
    of_other = np.flatnonzero(layout.path == left.other)
    if (of_other < own[0]).sum() > (of_other > own[-1]).sum():
        return left, _open_end(layout, k, 1)
    return _open_end(layout, k, -1), right


def _end(layout: Layout, k: int, step: int) -> End:
    """Where the seen stretch of a wall ends. A corner is where it meets the next wall and both are seen on their sides of
    it, or hidden by furniture only; anything else is the photo's edge or a wall out of sight."""
    pan, j = layout.pan, _last_column(layout, k, step)
    stops = _stops(layout, j, step)
    other = int(layout.path[stops[0]]) if len(stops) and layout.support[stops[0]] > 0 else -1
    if other >= 0 and other != k:
        meet = _meeting(layout.solved[k], layout.solved[other])
        low, high = sorted((pan.azimuth[j], pan.azimuth[stops[0]]))
        if meet is not None and low - CORNER_RAD < np.arctan2(*meet) < high + CORNER_RAD and _is_wall(layout, other, stops):
            return End("corner", other, _level_pixel(layout, np.arctan2(*meet)))
    return _open_end(layout, k, step)


def _open_end(layout: Layout, k: int, step: int) -> End:
    """Where a wall is last seen, which goes on behind something or out of the photo."""
    j = _last_column(layout, k, step)
    return End("occluded" if len(_stops(layout, j, step)) else "frame", -1, _level_pixel(layout, layout.pan.azimuth[j]))


def _last_column(layout: Layout, k: int, step: int) -> int:
    cols = np.flatnonzero((layout.path == k) & (layout.support > 0))
    if len(cols) == 0:
        cols = np.flatnonzero(layout.path == k)
    return int(cols[0] if step < 0 else cols[-1])


def _stops(layout: Layout, j: int, step: int) -> np.ndarray:
    """Columns beyond the j-th in which any wall is seen, the nearest first."""
    beyond = np.arange(j + step, -1 if step < 0 else len(layout.pan.azimuth), step)
    return beyond[layout.support[beyond] != 0]


def _is_wall(layout: Layout, k: int, columns: np.ndarray) -> bool:
    """Whether the wall k is really seen where these columns begin. What only a network's depth says may be no wall."""
    run = columns[:int(np.argmin(np.append(layout.path[columns] == k, False)))]
    run = run[layout.support[run] > 0]
    return len(run) >= CORNER_COLUMNS and (_exact(layout) or layout.walls[k].direct[run].sum() >= CORNER_COLUMNS)


def _level_pixel(layout: Layout, azimuth: float) -> tuple[float, float]:
    """Photo pixel at camera height in a direction."""
    return tuple(layout.state.pixels(np.array([[np.sin(azimuth), np.cos(azimuth), 0.0]]))[0])


def _meeting(a, b) -> np.ndarray | None:
    m = np.array([[np.sin(a.psi), np.cos(a.psi)], [np.sin(b.psi), np.cos(b.psi)]])
    if abs(np.linalg.det(m)) < 0.2:
        return None
    return np.linalg.solve(m, [a.distance, b.distance])
