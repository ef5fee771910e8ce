"""Bent lines: what the lens did to a photo, told from the photo itself, and the photo straightened.

Plumb lines (Devernay and Faugeras, 2001): edges of a room are straight, so edges that bend, the more so the farther they pass from
the photo's centre, show the lens. The division model (Fitzgibbon, 2001) turns straight lines into arcs of circles: a pixel at r from
the centre belongs at r / (1 + k r²), lengths in half diagonals, so that 1 + k is what is left of the scale in the corners. k < 0 is a
barrel, k > 0 a cushion. Every long edge is an opinion on k; rooms have round things too, so an edge may also be bent by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from poc.types import Camera, Photo

LONG_SIDE = 640
"""Working size: larger photos are shrunk, so the time does not grow with the photo."""
BORDER = 0.01
"""Share of the long side along each edge that is not looked at."""
SHORTEST = 0.08
"""An edge counts from this share of the long side on."""
BINS, BIN_DEG = 12, 45.0
"""Edge pixels are chained within overlapping ranges of direction, so that chains end at corners and still may bend."""
LEAST_GRADIENT = 2.0
"""Grey levels per working pixel from which a pixel may be of an edge."""
MOST_RMS_PX, LEAST_SHARE = 0.8, 0.7
"""A chain is one arc where its pixels lie so near to it and so many of them do."""
NOISE_PX, CROOKED = 0.25, 0.0015
"""Sigma of an edge's sagitta: working pixels, and share of its length, that a straight thing may be off."""
ROUND_SHARE, ROUND_SAGITTA = 0.4, 0.03
"""Share of edges that are bent by themselves, and sigma of their sagitta as a share of their length."""
FAMILY, FAMILY_RAD = 0.15, np.deg2rad(8.0)
"""Edges side by side within this distance (half diagonals) and angle are of one thing, like the slats of a blind, which sag together."""
GRID = np.arange(-160, 21) * 0.005
"""Every k that is tried: from an action camera's to a cushion of a tenth, more than any lens for rooms makes."""
LEAST_GAIN, LEAST_ELSEWHERE = 5.0, 1.0
"""A bend is the lens's from these gains on. Of 133 of NYU's photos (640 pixels) 9 % were told bent when they were by 0.05, 53 % by
0.1, 81 % by 0.2, 94 % by 0.35, k to 0.005, 0.008, 0.010 and 0.020 (median), and none of all 795 as they are; of 1604 photos of houses
43 are, all barrels, and other photos of the same houses agree."""
EXTREME = 0.1
"""A photo bent more than this is refused if it was not straightened: of rendered rooms told bent by 0.15 and 0.3 walls were 5 and
19 % off (median; straight ones 2 %), straightened by what was found 1 and 3 %."""
MOST_STRAIGHTENED = 0.4
"""A bend beyond this is not straightened."""
FOCAL_PER_K, TILT_PER_K = 0.5, 0.2
"""What a bend of k costs: sigma of log f, and of the tilt in radians, per unit of k."""


@dataclass(frozen=True)
class Bend:
    """What the edges say of k: the likeliest, one sigma, how much better (log likelihood) it explains them than k = 0 does, how much of
    that is left without the side of the photo that says it loudest, and how many edges were asked."""

    k: float
    sigma: float
    gain: float
    gain_elsewhere: float
    edges: int

    @property
    def by_lens(self) -> bool:
        """Whether more than one side of the photo says so, and plainly."""
        return self.gain > LEAST_GAIN and self.gain_elsewhere > LEAST_ELSEWHERE


@dataclass(frozen=True)
class Arcs:
    """Edges as parabolas, lengths in half diagonals from the photo's centre: middle (n×2), unit normal there (n×2), bow (n; half the
    curvature, > 0 where it bends toward the normal), length (n). pixel: one working pixel."""

    middle: np.ndarray
    normal: np.ndarray
    bow: np.ndarray
    length: np.ndarray
    pixel: float


def find_bend(rgb: np.ndarray) -> Bend | None:
    """k of an H×W×3 uint8 photo, or None where fewer than three long edges are seen."""
    arcs = find_arcs(rgb)
    if len(arcs.bow) < 3:
        return None
    offset = (arcs.middle * arcs.normal).sum(1)
    likely = _log_likelihood(arcs, offset) / np.sqrt(_family(arcs))[:, None]
    total = likely.sum(0)
    best, straight = int(total.argmax()), int(np.abs(GRID).argmin())
    p = np.exp(total - total[best])
    p /= p.sum()
    gain = likely[:, best] - likely[:, straight]
    foot = arcs.normal * offset[:, None]
    side = np.where(np.abs(foot[:, 0]) > np.abs(foot[:, 1]), foot[:, 0] > 0, 2 + (foot[:, 1] > 0)).astype(int)
    loudest = float(np.bincount(side, gain, 4).max())
    spread = float(np.sqrt(p @ (GRID - p @ GRID) ** 2))
    return Bend(float(GRID[best]), spread, float(gain.sum()), float(gain.sum()) - loudest, len(gain))


def allow_for(camera: Camera, photo: Photo) -> Camera:
    """The camera with a note on a photo's bent lines, or on those that were straightened. Where lines are bent the camera holds their k,
    and is less sure by what the bend costs; where they were straightened, by what an error in that costs."""
    if photo.bend_k:
        note = f"{_told(photo.bend_k)}: the photo was straightened first"
        camera = _less_sure(replace(camera, notes=(*camera.notes, note)), photo.bend_sigma)
    bend = find_bend(photo.rgb)
    if bend is None or not bend.by_lens:
        return camera
    note = f"{_told(bend.k)}: the intervals allow for it, the main lens (1×) or a photo corrected for its lens would be surer"
    return _less_sure(replace(camera, bend_k=bend.k, notes=(*camera.notes, note)), abs(bend.k) + bend.sigma)


def _less_sure(camera: Camera, k: float) -> Camera:
    """The camera, less sure of focal length and tilt by what a bend k that is not accounted for costs."""
    told = camera.gravity_source == "given"
    return replace(
        camera, f_sigma_rel=math.hypot(camera.f_sigma_rel, FOCAL_PER_K * k),
        gravity_sigma_rad=camera.gravity_sigma_rad if told else math.hypot(camera.gravity_sigma_rad, TILT_PER_K * k),
    )


def refuse_bend(camera: Camera) -> str | None:
    """Why nothing is measured through such a lens, or None."""
    if abs(camera.bend_k) <= EXTREME:
        return None
    return (f"no room found: {_told(camera.bend_k)}, as action cameras and ultra-wide lenses do: take the photo with the main lens (1×), "
            "or correct it for its lens first")


def _told(k: float) -> str:
    """A bend in words."""
    return f"the lens bends straight lines (a {'barrel' if k < 0 else 'cushion'} of about {100 * abs(k):.0f} % at the corners)"


def _log_likelihood(arcs: Arcs, offset: np.ndarray) -> np.ndarray:
    """Log likelihood of each edge (rows) under each k of `GRID`: it is straight in the room, or bent by itself. offset: of each edge's
    line from the photo's centre, half diagonals."""
    per_bow = 4 / arcs.length**2  # of a sagitta
    sigma = per_bow * np.hypot(NOISE_PX * arcs.pixel, CROOKED * arcs.length)
    own = per_bow * ROUND_SAGITTA * arcs.length
    reach = (arcs.middle**2).sum(1) - 2 * offset**2
    expected = GRID * offset[:, None] / (1 + GRID * reach[:, None])
    straight = np.exp(-0.5 * ((arcs.bow[:, None] - expected) / sigma[:, None]) ** 2) / sigma[:, None]
    bent = np.exp(-0.5 * (arcs.bow / own) ** 2) / own
    return np.log((1 - ROUND_SHARE) * straight + ROUND_SHARE * bent[:, None] + 1e-12)


def _family(arcs: Arcs) -> np.ndarray:
    """How many edges each has beside it, itself included."""
    n = arcs.normal
    apart = arcs.middle[:, None] - arcs.middle
    across = np.abs((apart * n).sum(-1))
    along = np.abs(apart[..., 0] * n[:, 1] - apart[..., 1] * n[:, 0])
    parallel = np.abs(n[:, None, 0] * n[:, 1] - n[:, None, 1] * n[:, 0]) < np.sin(FAMILY_RAD)
    return (parallel & (across < FAMILY) & (along < 0.5 * (arcs.length[:, None] + arcs.length))).sum(1)


# --- edges --------------------------------------------------------------------------------------------------------


def find_arcs(rgb: np.ndarray) -> Arcs:
    """The long edges of an H×W×3 uint8 photo."""
    import cv2

    step = max(1, max(rgb.shape[:2]) // (2 * LONG_SIDE))  # twice the working size at least is left to be averaged
    grey = cv2.cvtColor(np.ascontiguousarray(rgb[::step, ::step]), cv2.COLOR_RGB2GRAY)
    scale = min(1.0, LONG_SIDE / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))), interpolation=cv2.INTER_AREA)
    h, w = grey.shape
    half = 0.5 * float(np.hypot(h, w))
    points, chain = _chains(grey)
    arcs, good = _fitted((points - [(w - 1) / 2, (h - 1) / 2]) / half, chain, 1 / half)
    good &= arcs.length > SHORTEST * max(h, w) / half
    return Arcs(arcs.middle[good], arcs.normal[good], arcs.bow[good], arcs.length[good], arcs.pixel)


def _edge_pixels(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of edge pixels, their points (n×2: u, v) moved onto the ridge of the gradient, and its direction in degrees."""
    import cv2

    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    gx, gy = cv2.Sobel(smooth, cv2.CV_16S, 1, 0), cv2.Sobel(smooth, cv2.CV_16S, 0, 1)
    edge = cv2.Canny(gx, gy, 8 * LEAST_GRADIENT, 16 * LEAST_GRADIENT, L2gradient=True)
    m = int(BORDER * max(grey.shape)) + 2
    inside = np.zeros_like(edge)
    inside[m:-m, m:-m] = edge[m:-m, m:-m]
    v, u = np.nonzero(inside)
    a, b = gx[v, u].astype(np.float32), gy[v, u].astype(np.float32)
    du = (np.abs(a) >= np.abs(b)).astype(int)
    dv = 1 - du

    def steepness(v: np.ndarray, u: np.ndarray) -> np.ndarray:
        return np.hypot(gx[v, u].astype(np.float32), gy[v, u].astype(np.float32))

    here, after, before = steepness(v, u), steepness(v + dv, u + du), steepness(v - dv, u - du)
    move = np.clip(0.5 * (after - before) / np.maximum(2 * here - after - before, 1e-6), -0.7, 0.7)
    return v, u, np.stack([u + move * du, v + move * dv], 1), np.degrees(np.arctan2(b, a))


def _chains(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (n×2) of connected edge pixels of like direction, and the chain that each belongs to. A chain is taken from the range of
    directions whose middle its own mean is nearest to."""
    import cv2

    if min(grey.shape) < 16:
        return np.zeros((0, 2)), np.zeros(0, int)
    v, u, points, direction = _edge_pixels(grey)
    step, found, chain, count = 360 / BINS, [points[:0]], [np.zeros(0, int)], 0
    for k in range(BINS):
        off = (direction - k * step + 180) % 360 - 180
        pick = np.flatnonzero(np.abs(off) < BIN_DEG / 2)
        mask = np.zeros(grey.shape, np.uint8)
        mask[v[pick], u[pick]] = 1
        n, labels = cv2.connectedComponents(mask, connectivity=8)
        label = labels[v[pick], u[pick]]
        size = np.bincount(label, minlength=n)
        good = (size >= 0.7 * SHORTEST * max(grey.shape)) & (np.abs(np.bincount(label, off[pick], n)) <= size * step / 2)
        taken = good[label]
        found.append(points[pick[taken]])
        chain.append((np.cumsum(good) - 1)[label[taken]] + count)
        count += int(good.sum())
    return np.concatenate(found), np.concatenate(chain)


def _fitted(points: np.ndarray, chain: np.ndarray, pixel: float) -> tuple[Arcs, np.ndarray]:
    """A parabola through each chain's points, stragglers left out, all chains at once; and which of them are arcs at all."""
    n = int(chain.max()) + 1 if chain.size else 0
    if n == 0:
        return Arcs(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0), pixel), np.zeros(0, bool)

    def total(x: np.ndarray) -> np.ndarray:
        return np.bincount(chain, x, n)

    count = np.bincount(chain, minlength=n)
    centre = np.stack([total(points[:, 0]), total(points[:, 1])], 1) / count[:, None]
    x, y = (points - centre[chain]).T
    turn = 0.5 * np.arctan2(2 * total(x * y), total(x * x) - total(y * y))
    along = np.stack([np.cos(turn), np.sin(turn)], 1)
    normal = along[:, ::-1] * [-1, 1]
    s, e = x * along[chain, 0] + y * along[chain, 1], x * normal[chain, 0] + y * normal[chain, 1]
    size = np.sqrt(total(s * s) / count) + 1e-9
    t = s / size[chain]
    kept = np.ones(len(s))
    for _ in range(3):
        moments = [total(kept * t**j) for j in range(5)]
        matrix = np.stack([np.stack(moments[i : i + 3], -1) for i in range(3)], -2) + 1e-6 * count[:, None, None] * np.eye(3)
        c = np.linalg.solve(matrix, np.stack([total(kept * e * t**j) for j in range(3)], -1)[..., None])[..., 0]
        rest = np.abs(e - (c[chain] * np.stack([np.ones_like(t), t, t * t], 1)).sum(1))
        near = np.maximum(1.5 * total(kept * rest) / np.maximum(moments[0], 1), 0.3 * pixel)
        kept = (rest < 2.5 * near[chain]).astype(float)
    left = np.maximum(total(kept), 1)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, chain, np.where(kept > 0, s, np.inf))
    np.maximum.at(high, chain, np.where(kept > 0, s, -np.inf))
    ok = (np.sqrt(total(kept * rest**2) / left) < MOST_RMS_PX * pixel) & (left > LEAST_SHARE * count) & (high > low)
    c = c / size[:, None] ** [0, 1, 2]
    s = np.where(ok, 0.5 * (low + high), 0.0)
    tilt = np.arctan(c[:, 1] + 2 * c[:, 2] * s)
    middle = centre + along * s[:, None] + normal * (c[:, 0] + c[:, 1] * s + c[:, 2] * s**2)[:, None]
    here = np.cos(tilt)[:, None] * normal - np.sin(tilt)[:, None] * along
    return Arcs(middle, here, c[:, 2] * np.cos(tilt) ** 3, np.where(ok, high - low, 0.0), pixel), ok


# --- straightened -------------------------------------------------------------------------------------------------


def straightened(photo: Photo) -> Photo:
    """The photo without its lens's bend, whose k it keeps in `bend_k`; as it is where none is told, where it is so strong (beyond
    `MOST_STRAIGHTENED`) that little is known of it, and where the picture is no plain photo (a fisheye's disc). Depth and pixels that
    belong to the photo as it was fit it no more (`straight_pixels`)."""
    from poc.room.refusal import refuse_picture  # which asks for the camera, which asks here

    bend = None if photo.bend_k else find_bend(photo.rgb)
    if bend is None or not bend.by_lens or abs(bend.k) > MOST_STRAIGHTENED or refuse_picture(photo):
        return photo
    notes, size = (*photo.notes, f"{_told(bend.k)}: straightened"), (photo.width, photo.height)
    return replace(photo, rgb=straighten(photo.rgb, bend.k), bend_k=bend.k, bend_sigma=bend.sigma, bent_size=size, notes=notes)


def straight_pixels(uv: np.ndarray, photo: Photo) -> np.ndarray:
    """Pixels (n×2) of a photo's file as pixels of `photo`, which may have been straightened."""
    in_file, here, half = _centres(photo)
    x = (np.asarray(uv, float) - in_file) / half
    return x / (1 + photo.bend_k * (x**2).sum(-1, keepdims=True)) * half + here


def file_pixels(uv: np.ndarray, photo: Photo) -> np.ndarray:
    """Pixels (n×2) of `photo`, which may have been straightened, as pixels of its file."""
    in_file, here, half = _centres(photo)
    x = (np.asarray(uv, float) - here) / half
    return x * _bent_share(photo.bend_k, (x**2).sum(-1, keepdims=True)) * half + in_file


def _centres(photo: Photo) -> tuple[np.ndarray, np.ndarray, float]:
    """The middle of a photo's file and of the photo, in pixels of each, and the file's half diagonal."""
    was = np.array(photo.file_size, float)
    return (was - 1) / 2, np.array([photo.width - 1, photo.height - 1]) / 2, 0.5 * float(np.hypot(*was))


def _growth(k: float, width: float, height: float) -> float:
    """By how much a photo's sides grow when it is straightened: as far as every pixel is still seen in it."""
    short = min(width, height) / float(np.hypot(width, height))
    return 1 / (1 + k * (short**2 if k < 0 else 1.0))


def _bent_share(k: float, square: np.ndarray) -> np.ndarray:
    """r / s of pixels whose place is s = r / (1 + k r²), from s²."""
    return 2 / (1 + np.sqrt(1 - 4 * k * square))


def straighten(rgb: np.ndarray, k: float) -> np.ndarray:
    """The H×W×3 uint8 photo as a lens without bend would have taken it, at the same scale in its centre, so that a focal length in pixels
    stays what it is. A barrel's picture grows, a cushion's shrinks: to the largest whose every pixel the photo shows."""
    import cv2

    h, w = rgb.shape[:2]
    half, grow = 0.5 * float(np.hypot(h, w)), _growth(k, w, h)
    tall, wide = round(h * grow), round(w * grow)
    # the map is smooth: a coarse one, enlarged strip by strip, costs no more than reading the pixels
    x, y = np.linspace(-0.5, 0.5, 129) * (wide - 1) / half, np.linspace(-0.5, 0.5, 129) * (tall - 1) / half
    out = np.empty((tall, wide, 3), np.uint8)
    fine = np.arange(wide, dtype=np.float32) * (128 / max(wide - 1, 1))
    factor = _bent_share(k, x[None] ** 2 + y[:, None] ** 2).astype(np.float32)
    xs = np.linspace(-0.5, 0.5, wide, dtype=np.float32) * (wide - 1)
    for top in range(0, tall, 256):
        rows = np.arange(top, min(top + 256, tall), dtype=np.float32)
        at = np.broadcast_to(fine, (len(rows), wide)), np.broadcast_to((rows * (128 / max(tall - 1, 1)))[:, None], (len(rows), wide))
        f = cv2.remap(factor, np.ascontiguousarray(at[0]), np.ascontiguousarray(at[1]), cv2.INTER_LINEAR)
        u, v = f * xs + np.float32((w - 1) / 2), f * (rows - np.float32((tall - 1) / 2))[:, None] + np.float32((h - 1) / 2)
        out[top : top + len(rows)] = cv2.remap(rgb, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out
