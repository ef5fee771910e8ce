"""Checks that the files of a rendered folder agree with each other: `python data/render/verify.py FOLDER`.

Every wall, floor and ceiling pixel is back-projected with the photo's intrinsics and compared with the planes that
meta.json states; the EXIF focal is compared with the intrinsics. Needs numpy and Pillow only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = {"wall": 0, "floor": 1, "ceiling": 21}


def points_of(depth_mm: np.ndarray, intrinsics: dict) -> np.ndarray:
    """Camera-frame points (metres, H×W×3) of a depth image of the photo's size or smaller, aligned."""
    height, width = depth_mm.shape
    shrink = width / intrinsics["width"]
    f = intrinsics["fx"] * shrink
    cx, cy = (intrinsics["cx"] + 0.5) * shrink - 0.5, (intrinsics["cy"] + 0.5) * shrink - 0.5
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    z = depth_mm / 1000.0
    return np.stack([(u - cx) / f * z, (v - cy) / f * z, z], axis=-1)


def check(folder: Path, name: str, entry: dict) -> dict[str, float]:
    """Median distance (mm) of labelled pixels to the nearest plane of their kind, share within 2 mm; the focal's error."""
    depth = np.array(Image.open(folder / "depth_mm" / f"{name}.png")).astype(float)
    label = np.array(Image.open(folder / "label" / f"{name}.png").resize(depth.shape[::-1], Image.Resampling.NEAREST))
    points, room = points_of(depth, entry["intrinsics"]), entry["room"]
    down, height = np.array(room["camera"]["gravity_cam"]), room["camera"]["height_m"]
    planes = {
        "wall": [(np.array(w["normal_cam"]), w["offset_m"]) for w in room["walls"]],
        "floor": [(-down, height)],
        "ceiling": [(down, room["ceiling_height_m"] - height)],
    }
    result = {}
    for kind, value in LABELS.items():
        chosen = points[(label == value) & (depth > 0)]
        if len(chosen) > 50:
            gap = np.min([np.abs(chosen @ normal + offset) for normal, offset in planes[kind]], axis=0) * 1000
            result[f"{kind}_median_mm"], result[f"{kind}_within_2mm"] = float(np.median(gap)), float((gap < 2).mean())
    with Image.open(folder / "rgb" / f"{name}.jpg") as photo:
        f35 = photo.getexif().get_ifd(0x8769)[0xA405]
        result["focal_error_px"] = abs(f35 / 36 * max(photo.size) - entry["intrinsics"]["fx"])
        result["missing_depth_share"] = float((depth == 0).mean())
    return result


def main() -> int:
    folder = Path(sys.argv[1])
    frames = json.loads((folder / "meta.json").read_text())["frames"]
    rows = {name: check(folder, name, entry) for name, entry in frames.items() if "room" in entry}
    for key in sorted({key for row in rows.values() for key in row}):
        values = np.array([row[key] for row in rows.values() if key in row])
        print(
            f"{key:22s} median {np.median(values):8.4f}   min {values.min():8.4f}   max {values.max():8.4f}   ({len(values)} photos)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
