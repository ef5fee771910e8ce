"""Whether a photo and its copies are told the same: `python tests/eval_variants.py FOLDER [--every N]`

Every N-th photo of a folder is measured as it is and in nine variants that show the same room: mirrored, smaller, larger, darker, brighter,
warmer, compressed, its edges cut off, turned by two degrees. What is told of both is compared, a wall's distance with that of the nearest
wall facing the same way. Prints, for each variant, how many pairs there are, how many have intervals that exclude each other, the median and
90th percentile of how far values are apart (%), how many photos are refused in one of the two only, and every pair that excludes each other.
No truth is needed; an error that all variants share does not show.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from poc.photo import load_photo, photo_from_array
from poc.pipeline import Checked, Options, Room, measure_room
from poc.types import Measurement

SAME_WAY_DEG = 25.0
"""Walls facing directions nearer than this may be one."""
EDGE, TURN_DEG = 0.06, 2.0


def _compressed(rgb: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 35])[1], cv2.IMREAD_COLOR)


def _cut(rgb: np.ndarray) -> np.ndarray:
    height, width = (round(n * EDGE) for n in rgb.shape[:2])
    return rgb[height:-height, width:-width]


def _turned(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), TURN_DEG, 1 / (1 - EDGE))
    return cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


VARIANTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored": lambda rgb: rgb[:, ::-1],
    "smaller": lambda rgb: cv2.resize(rgb, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
    "larger": lambda rgb: cv2.resize(rgb, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC),
    "darker": lambda rgb: 255 * (rgb / 255) ** 1.6,
    "brighter": lambda rgb: 255 * (rgb / 255) ** 0.65,
    "warmer": lambda rgb: np.minimum(rgb * [1.08, 1.0, 0.85], 255),
    "compressed": _compressed,
    "edges cut": _cut,
    "turned": _turned,
}


def measured(rgb: np.ndarray) -> Room:
    """The room of a photo with nothing given."""
    photo = photo_from_array(np.ascontiguousarray(rgb, dtype=np.uint8))
    return measure_room(Checked(photo, Options(), None, ()))


def pairs(room: Room, other: Room, mirrored: bool) -> Iterator[tuple[Measurement, Measurement]]:
    """What is told of both, other than how long which wall is."""
    here, there = ({m.name: m for m in r.measurements if m.status != "unknown"} for r in (room, other))
    yield from ((m, there[name]) for name, m in here.items() if name in there and not name.startswith("wall_"))
    for plane in (p for p in room.scene.planes if f"{p.id}_distance" in here):
        normal = plane.normal_cam * ([-1, 1, 1] if mirrored else 1)
        same = [there[f"{p.id}_distance"] for p in other.scene.planes
                if f"{p.id}_distance" in there and p.normal_cam @ normal > np.cos(np.radians(SAME_WAY_DEG))]
        own = here[f"{plane.id}_distance"]
        if same:
            yield own, min(same, key=lambda m: abs(np.log(m.value / own.value)))


def exclude(a: Measurement, b: Measurement) -> bool:
    """Whether two intervals have nothing in common; a lower bound has no upper end."""
    return a.low > (np.inf if b.high is None else b.high) or b.low > (np.inf if a.high is None else a.high)


def _told(m: Measurement) -> str:
    return f"{m.value:.2f} ({m.low:.2f}–{'' if m.high is None else f'{m.high:.2f}'})"


def main() -> None:
    """Print the comparison for the folder in the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    found: dict[str, list[tuple[Measurement, Measurement]]] = {name: [] for name in VARIANTS}
    refused = dict.fromkeys(VARIANTS, 0)
    photos = sorted(options.folder.glob("*.jpg"))[:: options.every]
    for path in photos:
        rgb = load_photo(path).rgb
        room = measured(rgb)
        for name, variant in VARIANTS.items():
            other = measured(variant(rgb))
            refused[name] += bool(room.scene.refusal) != bool(other.scene.refusal)
            if room.scene.refusal or other.scene.refusal:
                continue
            for a, b in pairs(room, other, name == "mirrored"):
                found[name].append((a, b))
                if exclude(a, b):
                    print(f"{path.name}, {name}: {a.name} {_told(a)}, {_told(b)}")
    for name, both in found.items():
        apart = [100 * abs(np.expm1(np.log(b.value / a.value))) for a, b in both if a.status == b.status == "measured"]
        middle, far = np.percentile(apart, (50, 90)) if apart else (np.nan, np.nan)
        print(f"{name:11} {len(both):5} pairs, {sum(exclude(*pair) for pair in both):3} exclude each other, {middle:4.1f} / {far:4.1f} % apart, "
              f"refused in one of {len(photos)}: {refused[name]}")


if __name__ == "__main__":
    main()
