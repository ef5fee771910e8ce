"""Where another photo of the same room was taken: from details that both photos show, placed in the room by each scene.

Room axes agree up to quarter turns, so what is sought is a quarter turn and a shift in plan. Details are SIFT keypoints (Lowe,
2004) matched both ways; each match votes for one shift per turn, and only a clear winner counts. Plain walls of two photos fit
together in several ways, so without common details nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poc.geometry import intersect_plane, pixel_rays
from poc.room.roomspace import plane_mask, to_room
from poc.types import Photo, Scene

LONG_SIDE = 1000
"""Size at which details are sought; larger photos are shrunk."""
MOST_DETAILS = 2000
"""Keypoints kept per photo."""
RATIO = 0.8
"""Lowe's ratio: the best match must be this much nearer than the second best."""
REACH_M, REACH_SHARE = 0.15, 0.06
"""How far apart two votes for one shift may lie: metres, and share of the details' distances from their cameras."""
LEAST_VOTES, LEAD = 10, 2.0
"""Votes that a shift needs, and how many times the votes of any rival (under another turn, or `RIVAL_M` away). Two rooms with
pictures in like frames and the same plant beside them had 9."""
RIVAL_M = 1.0
EPIPOLAR_RAD = np.deg2rad(0.6)
"""Largest `_epipolar_residual` of a seat. On rendered rooms with a network's depth it was 0.5° at most where the turn was right, and
0.5 to 4° for matches by chance."""
ABOVE_FLOOR_M = 0.2
"""Details on the floor are left out: tiles and boards repeat, and repeated details agree on many places."""
SAME_SIDE = np.deg2rad(50.0)
"""Change of viewpoint up to which SIFT keypoints of flat things are found again (Mikolajczyk and Schmid, 2005)."""
ONE_PICTURE, PICTURE_SHARE, FRAME_SHARE = 0.7, 0.004, 0.03
"""Two photos may be one picture (saved again, made smaller, or cut out of it) where one similarity transform carries the share
`ONE_PICTURE` of their common details onto each other to within `PICTURE_SHARE` of the long side. It carries one frame into the other
where its corners lie in it to within `FRAME_SHARE`."""
PICTURE_SIDE, TILE, PLAIN = 256, 16, 6.0
"""The pixels, too, must agree: long side at which they are compared, side of the tiles whose correlation counts (pixels), and the
standard deviation (of 255) below which a tile is too plain to tell."""
ALIKE_INSIDE, ALIKE_BESIDE = (25, 0.85), (10, 0.9)
"""Percentile of the tiles' correlations, and what it must be: where one picture holds the other, and where they only overlap. Of 376
copies of 47 photos (JPEG at quality 60 and 70, down to 0.3 of the size, brighter, cut on all sides) the lower quartile was 0.89 and
more, and of two overlapping parts the tenth percentile 0.9 but once; of 230 pairs of other views of a room the lower quartile was 0.71
at most. A step before a bare wall that fills both pictures is not told from a copy; neither does it tell more of the room."""
SPOT_M = 0.1
"""Matches that lie on one spot of this size in both photos count as one vote."""


@dataclass(frozen=True)
class Details:
    """Keypoints of a photo. points: n×3, room frame (height above the floor), metres. descriptors: float32 n×128. eye_m: the camera's
    height. places: n×2, pixels in units of the picture's long side. frame: its width and height in those units. picture: in grey,
    float32 h×w, long side at most `PICTURE_SIDE`."""

    points: np.ndarray
    descriptors: np.ndarray
    eye_m: float
    places: np.ndarray
    frame: np.ndarray
    picture: np.ndarray


@dataclass(frozen=True)
class Seat:
    """A photo's place in another's room frame: p_other = turned(turn) @ p_own + shift_m. turn: quarter turns, counter-clockwise
    seen from above. sigma_m: one sigma of the shift per axis."""

    turn: int
    shift_m: np.ndarray
    sigma_m: float
    votes: int


def quarter(turn: int) -> np.ndarray:
    """2×2 rotation by so many quarter turns, counter-clockwise; exact."""
    c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[turn % 4]
    return np.array([[c, -s], [s, c]], float)


def find_details(photo: Photo, scene: Scene) -> Details:
    """Keypoints of a photo that lie on something whose place the scene knows, above the floor. The scene must not be refused."""
    import cv2

    grey = _shrunk(cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY), LONG_SIDE)
    found, descriptors = cv2.SIFT_create(nfeatures=MOST_DETAILS, contrastThreshold=0.02).detectAndCompute(grey, None)
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    size = np.array(grey.shape[1::-1], float)
    frame = size / size.max()
    grid = _places_of_cells(scene)
    share = np.array([k.pt for k in found]).reshape(-1, 2) / size
    cell = np.clip((share * [grid.shape[1], grid.shape[0]]).astype(int), 0, [grid.shape[1] - 1, grid.shape[0] - 1])
    points = grid[cell[:, 1], cell[:, 0]]
    descriptors = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-6))  # Arandjelović and Zisserman, 2012
    known = np.isfinite(points).all(1) & (points[:, 2] > ABOVE_FLOOR_M)
    return Details(points[known], descriptors[known].astype(np.float32), float(scene.camera_height_m), share[known] * frame, frame,
                   _shrunk(grey, PICTURE_SIDE).astype(np.float32))


def _shrunk(grey: np.ndarray, long_side: int) -> np.ndarray:
    """A picture made smaller, if it is larger than that."""
    import cv2

    scale = min(1.0, long_side / max(grey.shape))
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1.0 else grey


def _places_of_cells(scene: Scene) -> np.ndarray:
    """Room-frame points of the working grid, h×w×3: on a plane where the cell is part of one, else by depth; NaN where unknown."""
    depth = np.where(scene.depth_m > 0, scene.depth_m, np.nan).astype(float)
    rays = pixel_rays(scene.camera, *depth.shape)
    points = rays * depth[..., None]
    for plane in scene.planes:
        mask = plane_mask(plane, depth.shape)
        points[mask] = intersect_plane(rays[mask], plane.normal_cam, plane.offset_m)
    return to_room(points, scene)


def matches(a: Details, b: Details) -> np.ndarray:
    """n×2 indices into a and b: each the other's best, and clearly better than the second best."""
    import cv2

    if min(len(a.points), len(b.points)) < 2:
        return np.zeros((0, 2), int)
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    there = [m for m, n in matcher.knnMatch(a.descriptors, b.descriptors, k=2) if m.distance < RATIO * n.distance]
    back = {m.queryIdx: m.trainIdx for m, n in matcher.knnMatch(b.descriptors, a.descriptors, k=2) if m.distance < RATIO * n.distance}
    pairs = [(m.queryIdx, m.trainIdx) for m in there if back.get(m.trainIdx) == m.queryIdx]
    return np.array(pairs, int).reshape(-1, 2)


def shown_again(a: Details, b: Details, pairs: np.ndarray) -> float:
    """Whether two photos are one picture, as the share of a's picture that b's shows: 1 for a copy, less where b was cut out of a, more
    where a was cut out of b or where of two parts that overlap b is the larger; 0 where they are two pictures. pairs: as of `matches`.

    A step before a flat wall moves all its details alike as well, but not what stands before it, the floor and the walls beside it: so
    the pixels must agree.
    """
    import cv2

    if len(pairs) < LEAST_VOTES:
        return 0.0
    onto, carried = cv2.estimateAffinePartial2D(b.places[pairs[:, 1]], a.places[pairs[:, 0]], method=cv2.RANSAC,
                                                ransacReprojThreshold=PICTURE_SHARE)
    if onto is None or carried.mean() < ONE_PICTURE:
        return 0.0
    linear, shift = onto[:, :2], onto[:, 2]
    inside = _within(b.frame, linear, shift, a.frame)
    if not inside:
        back = np.linalg.inv(linear)
        inside = _within(a.frame, back, -back @ shift, b.frame)
    percentile, least = ALIKE_INSIDE if inside else ALIKE_BESIDE
    alike = _correlations(a.picture, b.picture, linear, shift)
    if len(alike) == 0 or np.percentile(alike, percentile) < least:
        return 0.0
    return float(np.linalg.det(linear) * np.prod(b.frame / a.frame))


def _correlations(a: np.ndarray, b: np.ndarray, linear: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Correlation of each tile that both pictures (grey, h×w) show and that is not plain. linear, shift: the similarity that carries b
    onto a, in units of their long sides."""
    import cv2

    finer = max(a.shape) * float(np.sqrt(abs(np.linalg.det(linear)))) / max(b.shape)
    if finer < 1.0:
        b = cv2.resize(b, None, fx=finer, fy=finer, interpolation=cv2.INTER_AREA)
    pixels = linear * max(a.shape) / max(b.shape)
    matrix = np.column_stack([pixels, max(a.shape) * shift + pixels @ [0.5, 0.5] - 0.5])  # pixel centres lie at halves
    carried = cv2.warpAffine(b, matrix, a.shape[::-1], flags=cv2.INTER_LINEAR)
    shown = cv2.warpAffine(np.ones_like(b), matrix, a.shape[::-1], flags=cv2.INTER_NEAREST) > 0
    rows, columns = a.shape[0] // TILE, a.shape[1] // TILE
    one, other, both = (x[:rows * TILE, :columns * TILE].reshape(rows, TILE, columns, TILE).swapaxes(1, 2).reshape(rows * columns, -1)
                        for x in (cv2.GaussianBlur(a, (0, 0), 1.0), cv2.GaussianBlur(carried, (0, 0), 1.0), shown))  # fmt: skip
    one, other = (x - x.mean(1, keepdims=True) for x in (one, other))
    spread = one.std(1), other.std(1)
    use = both.all(1) & (np.maximum(*spread) > PLAIN)
    return (one * other).mean(1)[use] / np.maximum(spread[0] * spread[1], 1e-6)[use]


def _within(frame: np.ndarray, linear: np.ndarray, shift: np.ndarray, other: np.ndarray) -> bool:
    """Whether a frame's corners, carried over by x → linear @ x + shift, lie in the other frame (`FRAME_SHARE`)."""
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * frame @ linear.T + shift
    return bool((corners > -FRAME_SHARE).all() and (corners < other + FRAME_SHARE).all())


def find_seat(a: Details, b: Details, pairs: np.ndarray) -> Seat | None:
    """Where b's camera stands in a's room frame, or None where the common details do not decide it. pairs: as of `matches`."""
    if len(pairs) < LEAST_VOTES:
        return None
    pa, pb = a.points[pairs[:, 0]], b.points[pairs[:, 1]]  # each match as either photo places it, n×3
    reach = REACH_M + REACH_SHARE * (np.linalg.norm(pa[:, :2], axis=1) + np.linalg.norm(pb[:, :2], axis=1))
    level = np.abs(pa[:, 2] - pb[:, 2]) < reach
    pa, pb, reach = pa[level], pb[level], reach[level]
    if len(pa) < LEAST_VOTES:
        return None
    counts, shifts = [], []
    for turn in range(4):
        shift = pa[:, :2] - pb[:, :2] @ quarter(turn).T
        alike = _seen_alike(pa[:, :2], pb[:, :2] @ quarter(turn).T)
        near = np.linalg.norm(shift[:, None] - shift[None], axis=-1) < np.minimum(reach[:, None], reach[None])
        counts.append(_votes(near & alike[:, None] & alike[None], pa, pb))
        shifts.append(shift)
    turn = int(np.argmax([c.max() for c in counts]))
    best = int(np.argmax(counts[turn]))
    votes, centre = int(counts[turn][best]), shifts[turn][best]
    rivals = [c.max() for k, c in enumerate(counts) if k != turn]
    rivals += list(counts[turn][np.linalg.norm(shifts[turn] - centre, axis=1) > RIVAL_M])
    if votes < LEAST_VOTES or votes < LEAD * max(rivals, default=0):
        return None
    own = (np.linalg.norm(shifts[turn] - centre, axis=1) < reach) & _seen_alike(pa[:, :2], pb[:, :2] @ quarter(turn).T)
    if _epipolar_residual(pa[own] - [0, 0, a.eye_m], pb[own] - [0, 0, b.eye_m], turn) > EPIPOLAR_RAD:
        return None
    shift = np.median(shifts[turn][own], axis=0)
    return Seat(turn, shift, float(max(0.2, np.median(reach[own]))), votes)


def _seen_alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which details (n, bool) two cameras look at from much the same side, by the directions to them (n×2 each, in one frame). From
    elsewhere a keypoint is not recognised; this tells the four turns of a small patch of details apart."""
    cosine = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)
    return cosine > np.cos(SAME_SIDE)


def _epipolar_residual(a: np.ndarray, b: np.ndarray, turn: int) -> float:
    """How far lines of sight are from meeting, by directions alone (radians; four of five details are within it).

    The two lines of sight to a detail and the line between the cameras lie in one plane (the epipolar constraint). Directions are
    known far better than distances, and details matched by chance, or on another of several alike things, do not keep it. a, b: n×3,
    from each camera, in its room frame.
    """
    b = np.column_stack([b[:, :2] @ quarter(turn).T, b[:, 2]])
    rays = [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (a, b)]
    normals = np.cross(*rays)
    between = np.linalg.svd(normals, full_matrices=False)[2][-1]
    return float(np.percentile(np.abs(normals @ between), 80))


def _votes(near: np.ndarray, pa: np.ndarray, pb: np.ndarray) -> np.ndarray:
    """Votes (n) for each match's shift: matches near it (n×n, bool), those on one spot (`SPOT_M`) in both photos counted once."""
    spots = np.unique(np.floor(np.hstack([pa, pb]) / SPOT_M).astype(int), axis=0, return_inverse=True)[1].ravel()
    return np.array([len(np.unique(spots[row])) for row in near])


def chain(first: Seat, then: Seat) -> Seat:
    """The seat of c in a's frame from that of b in a's (first) and of c in b's (then)."""
    shift = quarter(first.turn) @ then.shift_m + first.shift_m
    return Seat((first.turn + then.turn) % 4, shift, float(np.hypot(first.sigma_m, then.sigma_m)), min(first.votes, then.votes))


def reverse(seat: Seat) -> Seat:
    """The seat of a in b's frame from that of b in a's."""
    return Seat(-seat.turn % 4, -quarter(-seat.turn) @ seat.shift_m, seat.sigma_m, seat.votes)
