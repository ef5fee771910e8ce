"""Photos that are not one view of a room are refused before anything is measured, with the reason in one sentence.

First what the picture itself gives away (blank, drawn, fisheye, panorama, tiny); then evidence that is added up: what the surface
network says of the picture as a whole, the surfaces, the lines and the texture. The surfaces alone are not enough, since a network
trained on rooms sees walls in a street too. But it sees few of them, and none that meets the floor; and a street or a forest has fine
texture everywhere and hardly three directions at right angles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poc.camera import estimate_camera
from poc.room.distortion import refuse_bend
from poc.room.lines import detect_segments
from poc.room.view import DOOR, FLOOR, SURE, WALL, WINDOW, View, kept
from poc.types import Camera, DepthMap, Photo, Surfaces

WIDEST_ASPECT = 2.4
"""Long side over short side from which a picture is a panorama or a strip."""
BLANK_STD = 3.0
"""Standard deviation (levels) of every colour channel below which a picture is blank."""
DARK = 60
"""A photo is too dark where fewer than one pixel in a hundred are above this level: in the darkest of 2438 photos and renderings of
rooms that is 138."""
MOST_TRANSPARENT = 0.03
"""Share of a photo that may be transparent (shown white). A strip of up to 3 % along the left or lower edge of three sample photos moved
no wall by more than 2 % (one was lost); from 5 % on walls appear where there are none, and others are lost. A screenshot's rounded corners, with a radius
of a tenth of its short side, are 0.6 %."""
BLACK, LEAST_LIT, LEAST_BAR = 16, 0.15, 0.04
"""Black bars: a pixel is black below the level `BLACK`, a row or column along the edge where less than `LEAST_LIT` of it is not, and
such rows or columns are bars from the share `LEAST_BAR` of the side on."""
LEAST_EDGE, BAR_LEVELS, BAR_FIRST, BAR_SHARE, BAR_ENDS = 0.03, 8, 0.95, 0.62, 0.4
"""Bars of any colour: on each of two opposite edges at least `LEAST_EDGE` of the side; pixels within `BAR_LEVELS` of the bar's colour
are its own: at least `BAR_FIRST` of the outermost row, `BAR_SHARE` of the others, less than `BAR_ENDS` of a row just after the last.
Found on 21 of 1604 interiors, all of them framed, and on none of NYU's 795 photos and 226 renders."""
LINES_SIDE = 320
"""Long side of the copy, shrunk or enlarged, on which the evidence's lines are found: the more pixels, the surer any lines look."""
DETAIL_SIDE, LEAST_DETAIL = 128, 0.37
"""Of the detail finer than 1/64 of the long side, the least share that must be finer than 1/128 too. Pictures of 100 pixels have 0.29
to 0.34, however much they are enlarged; every photo of rooms, streets, forests and shops from 220 pixels on had 0.41 at least. Below,
the network sees walls in a forest, and the lines, which do not show below 160 pixels, cannot contradict it."""
DRAWN_SHARE = 0.5
"""Share of a picture covered by one exact colour from which it is a drawing or a screenshot: sensors have noise."""
COLOURS, SHADE, PLAN_FLAT, PLAN_SQUARE = 6, 6, 0.7, 0.75
"""A floor plan, coloured or scanned: its `COLOURS` commonest colours, give or take `SHADE` levels, cover the share `PLAN_FLAT` of it, and
the share `PLAN_SQUARE` of its lines' length runs in two directions at right angles. Plans had 0.89 and nearly all. Of 1748 photos and
renderings of rooms four have 0.70 to 0.79 of the first (and 0.34 of the second at most), the others less."""
LEAST_EVIDENCE = -3.7
"""`Evidence.total` from which a photo is taken for a room. With model version 9: of 401 interiors two are below (with a head that has not
seen them), of 100 of NYU's two. Forests, streets, shops and factories of 220 pixels or more lie at −4.3 or below, as they are and
enlarged 2 and 4 times. Of 223 pictures of anything else three are above (with a head for the whole that has not seen their like; with
weights that have none: 71, and 49 of the interiors below). A room refused costs a second photo, a street measured costs trust. To be
looked at again with new weights."""
TURNED = {
    1: "the photo lies on its side; turned by a quarter to the left it shows one: save it so",
    2: "the photo stands on its head; turned round it shows one: save it so",
    3: "the photo lies on its side; turned by a quarter to the right it shows one: save it so",
}
"""What to do with a photo, by `Surfaces.turns`: cameras note how they were held, and some programs lose the note."""
LOGITS, EVEN_LOGIT, WHOLE_SLOPE = (-8.0, 2.5), 1.275, 4.0
"""The log odds of a room by the picture as a whole: range to which they are clipped, value that speaks neither for nor against a room,
and weight in the sum. Chosen on the pictures named at `LEAST_EVIDENCE`."""
MOST_ERROR_LOG = 0.30
"""The depth model's expected error (sigma of log depth, median over the photo) above which it speaks against a room. It was below on 212 of
213 photos of rooms (model version 4); on forests it is 0.34 to 0.39."""


def refuse_picture(photo: Photo) -> str | None:
    """Why the picture cannot be one pinhole view of a room, or None. Only the picture is looked at."""
    aspect = max(photo.width, photo.height) / min(photo.width, photo.height)
    if aspect > WIDEST_ASPECT:
        return f"no room found: the photo is {aspect:.1f} times as long as wide, a panorama or a strip, not one view of a room"
    small = _small(photo.rgb)
    if small.reshape(-1, 3).astype(float).std(0).max() < BLANK_STD:
        return "no room found: the picture is blank"
    if photo.transparent > MOST_TRANSPARENT:
        return f"no room found: transparent parts cover {100 * photo.transparent:.0f} % of the photo: crop them away"
    if np.percentile(small.max(-1), 99) < DARK:
        return "no room found: the photo is almost black: take it with the lights on, or save it brighter"
    if _wraps(small, photo):
        return "no room found: left and right edge continue each other, so it is a 360° panorama, not one view of a room"
    if _has_bars(small):
        return "no room found: black bars around the photo: crop them away"
    if _is_fisheye(small):
        return "no room found: the picture is a bright disc with black corners, as a fisheye lens makes it; straight lines are bent in it"
    if _is_drawn(photo.rgb):
        return "no room found: one flat colour covers most of the picture, as in a floor plan or a screenshot, not in a photo"
    if _is_plan(photo.rgb):
        return "no room found: a few flat colours cover most of the picture and its lines are all square, as in a floor plan, not in a photo"
    if _is_framed(small):
        return "no room found: bars of one colour on both sides of the photo: crop them away"
    if _detail(photo.rgb) < LEAST_DETAIL:
        return "no room found: the picture shows no more than one of 100 pixels would (tiny, enlarged or blurred), too little to know a room by"
    return None


def _small(rgb: np.ndarray, long_side: int = 160) -> np.ndarray:
    """An H×W×3 picture shrunk to at most this long side."""
    import cv2

    scale = min(1.0, long_side / max(rgb.shape[:2]))
    size = max(8, round(rgb.shape[1] * scale)), max(8, round(rgb.shape[0] * scale))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _wraps(small: np.ndarray, photo: Photo) -> bool:
    """An equirectangular picture is twice as wide as high, and its first and last columns are neighbours on the sphere."""
    if abs(photo.width / photo.height - 2.0) > 0.02:
        return False
    x = small.astype(float)
    seam = np.abs(x[:, 0] - x[:, -1]).mean()
    near, far = np.abs(np.diff(x, axis=1)).mean(), np.abs(x[:, 0] - x[:, x.shape[1] // 2]).mean()
    return bool(seam < 2.0 * near + 1.0 and seam < 0.5 * far)


def _has_bars(small: np.ndarray) -> bool:
    """Whether rows or columns along an edge are black from end to end, around a photo that reaches into its corners (which a fisheye's
    disc or barrel does not)."""
    lit = small.max(-1) >= BLACK
    rows, cols = np.flatnonzero(lit.mean(1) > LEAST_LIT), np.flatnonzero(lit.mean(0) > LEAST_LIT)
    if not rows.size or not cols.size:
        return False
    part = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    inside, level = lit[part], np.median(small[part].max(-1))
    h, w = inside.shape
    a, b = max(1, h // 20), max(1, w // 20)
    corners = [inside[:a, :b], inside[:a, -b:], inside[-a:, :b], inside[-a:, -b:]]
    barred = min(h / lit.shape[0], w / lit.shape[1]) <= 1 - LEAST_BAR
    return bool(barred and level > 40 and sum(c.mean() > 0.5 for c in corners) >= 2)


def _is_framed(small: np.ndarray) -> bool:
    """Whether bars of one colour, any colour, run along two opposite edges (a listing's logo may stand in one)."""

    def barred(a: np.ndarray) -> bool:
        (near, first), (far, last) = _bar(a), _bar(a[::-1])
        return min(near, far) >= LEAST_EDGE * len(a) and np.abs(first - last).max() <= BAR_LEVELS

    return barred(small) or barred(small.transpose(1, 0, 2))


def _bar(picture: np.ndarray) -> tuple[int, np.ndarray]:
    """How many rows from the top on are a bar of one colour (0 where there is none that ends sharply), and that colour (3)."""
    colour = np.median(picture[0], axis=0)
    share = (np.abs(picture - colour).max(-1) <= BAR_LEVELS).mean(1)
    rows = int(np.argmin(np.append(share >= BAR_SHARE, False)))
    ends = rows < len(share) and share[min(rows + 1, len(share) - 1)] < BAR_ENDS
    return rows if share[0] >= BAR_FIRST and ends else 0, colour


def _is_fisheye(small: np.ndarray) -> bool:
    """Whether all four corners are black outside the inscribed disc, and the disc itself is not."""
    h, w = small.shape[:2]
    v, u = np.indices((h, w))
    r = np.hypot((u - (w - 1) / 2) / (w / 2), (v - (h - 1) / 2) / (h / 2))
    bright = small.max(-1)
    corners = [bright[part][r[part] > 1.15] for part in _quarters(h, w)]
    return bool(all(c.size and np.percentile(c, 90) < BLACK for c in corners) and np.median(bright[r < 0.8]) > 40)


def _quarters(h: int, w: int) -> list[tuple[slice, slice]]:
    """The four quarters of an h×w picture, as slices."""
    top, bottom, left, right = slice(0, h // 2), slice(h // 2, h), slice(0, w // 2), slice(w // 2, w)
    return [(top, left), (top, right), (bottom, left), (bottom, right)]


def _is_drawn(rgb: np.ndarray) -> bool:
    """Whether one exact colour covers more than half of the picture; black does not count, since a photo may be dark."""
    step = max(1, max(rgb.shape[:2]) // 400)
    x = rgb[::step, ::step].astype(np.uint32)
    code = (x[..., 0] << 16) | (x[..., 1] << 8) | x[..., 2]
    values, counts = np.unique(code, return_counts=True)
    return bool(counts.max() > DRAWN_SHARE * code.size and values[counts.argmax()] != 0)


def _is_plan(rgb: np.ndarray) -> bool:
    """Whether the picture has a few colours without shading, and lines in two directions at right angles, however it is turned."""
    if _flat_share(rgb) < PLAN_FLAT:
        return False
    found = detect_segments(rgb)
    turn = np.degrees(np.arctan2(found.tangents[:, 1], found.tangents[:, 0])) % 90
    along = np.bincount((turn / 0.75).astype(int) % 120, found.lengths, 120)
    return bool((along + np.roll(along, 1)).max() > PLAN_SQUARE * max(along.sum(), 1e-6))


def _flat_share(rgb: np.ndarray) -> float:
    """Share of the picture, its noise smoothed away, that is within `SHADE` levels of one of its commonest colours."""
    import cv2

    pixels = left = cv2.medianBlur(_small(rgb, 200), 3).reshape(-1, 3).astype(int)
    for _ in range(COLOURS):
        if not len(left):
            break
        _, which, counts = np.unique(left // 4 @ [4096, 64, 1], return_inverse=True, return_counts=True)
        middle = np.median(left[which.ravel() == counts.argmax()], axis=0)
        left = left[np.abs(left - middle).max(1) > SHADE]
    return 1.0 - len(left) / len(pixels)


def _resized(image: np.ndarray, long_side: int) -> np.ndarray:
    """The image with this long side, shrunk or enlarged."""
    import cv2

    scale = long_side / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _detail(rgb: np.ndarray) -> float:
    """What a copy of `DETAIL_SIDE` pixels loses, over what one of half that loses: how fine the detail is, whatever the photo's size."""
    import cv2

    grey = _resized(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), LINES_SIDE).astype(np.float32)
    size = grey.shape[1], grey.shape[0]

    def lost(side: int) -> float:
        return np.abs(grey - cv2.resize(_resized(grey, side), size, interpolation=cv2.INTER_CUBIC)).mean()

    return float(lost(DETAIL_SIDE) / max(lost(DETAIL_SIDE // 2), 1e-6))


@dataclass(frozen=True)
class Evidence:
    """What speaks for a room, each between 0 and 1 unless said otherwise.

    sure_wall: share of the photo that is wall for sure. upper: mean probability of any room surface above the horizon.
    contact: share of columns in which floor meets wall directly. texture: mean local contrast of a 160-pixel copy, grey levels.
    line_sigma_rad: one sigma of gravity as the lines of a copy of `LINES_SIDE` pixels give it (or as the caller does): small where three
    directions at right angles are plain.
    error_log: median of the depth model's own expected error, or None where it gives none. room_logit: log odds of a room by the picture
    as a whole, or None where the network does not judge it.
    """

    sure_wall: float
    upper: float
    contact: float
    texture: float
    line_sigma_rad: float
    error_log: float | None = None
    room_logit: float | None = None

    def terms(self) -> dict[str, float]:
        """Contributions to the sum, by cause (the keys of `REASONS`)."""
        return {
            "wall": 10.0 * (min(self.sure_wall / 0.15, 1.0) - 0.5) + 5.5 * (self.upper - 0.5),
            "contact": 2.5 * min(self.contact / 0.1, 1.0),
            "texture": -0.075 * (float(np.clip(self.texture, 8.0, 30.0)) - 14.0),
            "lines": -150.0 * (float(np.clip(self.line_sigma_rad, 0.01, 0.07)) - 0.01),
            "doubt": 0.0 if self.error_log is None else -200.0 * float(np.clip(self.error_log - MOST_ERROR_LOG, 0.0, 0.05)),
            "whole": 0.0 if self.room_logit is None else WHOLE_SLOPE * (float(np.clip(self.room_logit, *LOGITS)) - EVEN_LOGIT),
        }

    @property
    def total(self) -> float:
        """The sum, which `LEAST_EVIDENCE` is the limit of."""
        return sum(self.terms().values())


REASONS = {
    "wall": "hardly any of it is plainly a bare wall, so nothing shows where the room ends",
    "contact": "no floor is seen that meets a wall",
    "texture": "it is full of fine detail and shows hardly any plain wall or floor",
    "doubt": "the depth model doubts its own answer more than on any photo of a room",
    "lines": "its lines do not run in three directions at right angles, as those of a room do",
    "whole": "as a whole the picture does not look like one of a room",
}


def gather_evidence(photo: Photo, view: View, camera: Camera, depth: DepthMap | None = None,
                    room_logit: float | None = None) -> Evidence:
    """The evidence for a room in a photo, its surfaces (on the working grid), its camera, what the depth model says of its own error, and
    the picture as a whole (`Surfaces.room_logit`)."""
    import cv2

    p, h = view.p, view.shape[0]
    camera = _seen_small(photo, view, camera, depth)
    up = view.rays @ -camera.gravity
    inside, wall = p[..., 1:].sum(-1), p[..., [WALL, DOOR, WINDOW]].sum(-1)
    above = up > 0
    gap = max(3, h // 40)
    floor = (p[..., FLOOR] > 0.5) & (up < 0)
    contact = (floor[gap:] & (wall > 0.5)[:-gap]).any(0).mean()
    grey = cv2.cvtColor(cv2.resize(photo.rgb, (160, 120), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(float)
    texture = np.minimum(np.abs(cv2.Laplacian(grey, cv2.CV_64F)), 40).mean()
    upper = float(inside[above].mean()) if above.any() else float(inside.mean())
    sure = float((p[..., WALL] > SURE).mean())
    line_sigma = float(camera.gravity_sigma_rad)
    return Evidence(sure, upper, float(contact), float(texture), line_sigma, _expected_error(depth), room_logit)


def _seen_small(photo: Photo, view: View, camera: Camera, depth: DepthMap | None) -> Camera:
    """The camera estimated from a copy of the photo of one fixed size, so that the lines say the same whatever the photo's size."""
    if camera.gravity_source == "given":
        return camera
    rgb = _resized(np.ascontiguousarray(photo.rgb), LINES_SIDE)
    told = camera.f_px * rgb.shape[1] / photo.width if camera.f_source in ("given", "exif") else None
    return estimate_camera(Photo(rgb, told), Surfaces(view.p), depth)


def _expected_error(depth: DepthMap | None) -> float | None:
    """Median of the depth map's own sigma of log depth, or None where it has none."""
    if depth is None or depth.sigma_log is None:
        return None
    at = kept(depth.valid.shape)
    sigma = depth.sigma_log[at][depth.valid[at]]
    sigma = sigma[np.isfinite(sigma)]
    return float(np.median(sigma)) if sigma.size else None


def refuse(photo: Photo, view: View, camera: Camera, surfaces: Surfaces | None, depth: DepthMap | None = None) -> str | None:
    """Why no room is to be measured in a photo, in one sentence, or None. Without surfaces only the picture is judged."""
    reason = refuse_picture(photo) or refuse_bend(camera)
    if reason is not None or surfaces is None:
        return reason
    if surfaces.turns:
        return f"no room found: {TURNED[surfaces.turns]}"
    evidence = gather_evidence(photo, view, camera, depth, surfaces.room_logit)
    if evidence.total >= LEAST_EVIDENCE:
        return None
    terms = evidence.terms()
    return f"no room found: {REASONS[min(terms, key=terms.get)]}"
