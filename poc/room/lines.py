"""Line segments of a photo, and how well each points to a vanishing direction.

Segments come from OpenCV's LSD on a grey copy of bounded size, so the time does not grow with the photo. Collinear
pieces are joined, because a line's direction is known in proportion to its length. Pixels are those of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LONG_SIDE = 640
"""Working size: larger photos are shrunk. Their edges are softer than this anyway, and detection costs by the pixel."""
BORDER = 0.02
"""Share of the long side along each edge where segments are ignored: frames, rounded corners, resampling edges."""


@dataclass(frozen=True)
class Segments:
    """Segments of one photo, longest first. ends: float64 n×4 (u1, v1, u2, v2) photo pixels. pixel: size of one working
    pixel in photo pixels, the unit of the end points' noise. size: (width, height) of the photo."""

    ends: np.ndarray
    pixel: float
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> np.ndarray:
        """n, photo pixels."""
        return np.hypot(self.ends[:, 2] - self.ends[:, 0], self.ends[:, 3] - self.ends[:, 1])

    @property
    def midpoints(self) -> np.ndarray:
        """n×2, photo pixels."""
        return 0.5 * (self.ends[:, :2] + self.ends[:, 2:])

    @property
    def tangents(self) -> np.ndarray:
        """n×2, unit directions from the first end to the second."""
        return (self.ends[:, 2:] - self.ends[:, :2]) / np.maximum(self.lengths, 1e-9)[:, None]


def detect_segments(
    rgb: np.ndarray, *, long_side: int = LONG_SIDE, shortest: float = 0.03, most: int = 250
) -> Segments:
    """Straight segments of an H×W×3 uint8 photo: the `most` longest of at least `shortest` × long side.

    LSD (Grompone von Gioi et al., 2010), joined where collinear; those along the photo's edge are left out.
    """
    import cv2

    h, w = rgb.shape[:2]
    scale = min(1.0, long_side / max(h, w))
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    if scale < 1:
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    gh, gw = grey.shape
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0] if min(gh, gw) >= 16 else None
    ends = np.zeros((0, 4)) if found is None else found.reshape(-1, 4).astype(float)
    ends = merge_collinear(_inside(ends, gw, gh))
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    order = np.argsort(-length, kind="stable")[:most]
    ends = ends[order[length[order] >= shortest * max(gh, gw)]]
    stretch = np.array([w / gw, h / gh, w / gw, h / gh])
    return Segments((ends + 0.5) * stretch - 0.5, max(h, w) / max(gh, gw), (w, h))


def _inside(ends: np.ndarray, width: int, height: int) -> np.ndarray:
    """Segments that do not run wholly within the border strip along one edge."""
    m = BORDER * max(width, height)
    u, v = ends[:, [0, 2]], ends[:, [1, 3]]
    along = (u.max(1) < m) | (u.min(1) > width - 1 - m) | (v.max(1) < m) | (v.min(1) > height - 1 - m)
    return ends[~along]


def merge_collinear(ends: np.ndarray, *, off_px: float = 1.5, gap_px: float = 12.0) -> np.ndarray:
    """Join segments (n×4) that continue each other: nearly parallel, within off_px of one line, gap ≤ gap_px and ≤ half
    the longer one. Each joined segment is a length-weighted least-squares line. Longest first."""
    ends = ends[np.argsort(-np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]), kind="stable")]
    ends = ends[np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]) > 6][:800]
    for _ in range(2):
        before = len(ends)
        ends = _merge_once(ends, off_px, gap_px)
        if len(ends) == before:
            break
    return ends


def _merge_once(ends: np.ndarray, off_px: float, gap_px: float) -> np.ndarray:
    """One pass of `merge_collinear`, each segment joined to at most one longer one."""
    if len(ends) < 2:
        return ends
    partner = _continues(ends, off_px, gap_px)
    used = np.zeros(len(ends), bool)
    out = []
    for i in range(len(ends)):
        if used[i]:
            continue
        group = [i, *(j for j in np.flatnonzero(partner[i]) if j > i and not used[j])]
        used[group] = True
        out.append(ends[i] if len(group) == 1 else _joined(ends[group]))
    out = np.array(out)
    return out[np.argsort(-np.hypot(out[:, 2] - out[:, 0], out[:, 3] - out[:, 1]), kind="stable")]


def _continues(ends: np.ndarray, off_px: float, gap_px: float) -> np.ndarray:
    """Which segments (n×4) continue which: n×n, bool."""
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    tx, ty = ((ends[:, 2:] - ends[:, :2]) / length[:, None]).T
    mx, my = (0.5 * (ends[:, :2] + ends[:, 2:])).T
    dx, dy = mx[None] - mx[:, None], my[None] - my[:, None]
    turn = np.abs(tx[:, None] * ty - ty[:, None] * tx)
    off = np.abs(tx[:, None] * dy - ty[:, None] * dx)
    gap = np.abs(tx[:, None] * dx + ty[:, None] * dy) - 0.5 * (length[:, None] + length)
    longer, shorter = np.maximum(length[:, None], length), np.minimum(length[:, None], length)
    parallel = turn < np.sin(np.deg2rad(1.5)) + 1.0 / shorter  # a short piece's own direction is off by a pixel
    return parallel & (off < off_px) & (gap < np.minimum(gap_px, 0.5 * longer)) & (gap > -4)


def _joined(group: np.ndarray) -> np.ndarray:
    """One segment (4) along the length-weighted least-squares line through the ends of a group (n×4)."""
    points = np.concatenate([group[:, :2], group[:, 2:]])
    weight = np.tile(np.hypot(group[:, 2] - group[:, 0], group[:, 3] - group[:, 1]), 2)
    centre = (points * weight[:, None]).sum(0) / weight.sum()
    axis = np.linalg.svd((points - centre) * np.sqrt(weight)[:, None], full_matrices=False)[2][0]
    along = (points - centre) @ axis
    return np.concatenate([centre + along.min() * axis, centre + along.max() * axis])


# --- residuals ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CentredSegments:
    """Segments ready for residuals: mid (n×2, from the principal point), tangent (n×2 unit), length (n), photo pixels."""

    mid: np.ndarray
    tangent: np.ndarray
    length: np.ndarray
    pixel: float

    def __len__(self) -> int:
        return len(self.mid)


def centred(segments: Segments, cx: float, cy: float) -> CentredSegments:
    """Segments measured from the principal point (cx, cy), photo pixels."""
    return CentredSegments(segments.midpoints - [cx, cy], segments.tangents, segments.lengths, segments.pixel)


def pointing_error(s: CentredSegments, directions: np.ndarray, f_px: float) -> np.ndarray:
    """Angle in radians (signed, within ±π/2) between each segment and the line from its midpoint to the vanishing point
    of each camera-frame direction (k×3): n×k."""
    d = np.atleast_2d(directions)
    qx = f_px * d[:, 0] - s.mid[:, :1] * d[:, 2]
    qy = f_px * d[:, 1] - s.mid[:, 1:] * d[:, 2]
    cross = s.tangent[:, :1] * qy - s.tangent[:, 1:] * qx
    along = s.tangent[:, :1] * qx + s.tangent[:, 1:] * qy
    return np.arctan(cross / np.where(np.abs(along) < 1e-9, 1e-9, along))


def closeness(s: CentredSegments, directions: np.ndarray, f_px: float, sigma: np.ndarray) -> np.ndarray:
    """1 / (1 + (sin error / sigma)²) for many directions (k×3) at once, float32 n×k; sigma is n, radians.

    Both parts are linear in products of the direction, so two matrix products do it: the search's inner loop.
    """
    d = np.asarray(directions, np.float32)
    m, t = s.mid, s.tangent
    line = np.stack([-f_px * t[:, 1], f_px * t[:, 0], t[:, 1] * m[:, 0] - t[:, 0] * m[:, 1]], 1) / sigma[:, None]
    cross2 = (line.astype(np.float32) @ d.T) ** 2
    x, y, z = d.T
    terms = np.stack([f_px**2 * (x * x + y * y), -2 * f_px * z * x, -2 * f_px * z * y, z * z])
    reach = np.stack([np.ones(len(m)), m[:, 0], m[:, 1], (m**2).sum(1)], 1).astype(np.float32) @ terms
    reach = np.maximum(reach, 1e-6)
    return reach / (reach + cross2)
