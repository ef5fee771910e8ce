"""Files of the folder format: JPEG with EXIF, 16-bit depth, labels, meta.json."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from .camera import Pose
from .ids import label_table

CROP_FACTOR = 6
"""Sensor size of the pretended phone: FocalLength = f35 / 6 (26 mm → 4.33 mm)."""


def film(
    rgb: np.ndarray, rng: np.random.Generator, grain: float = 1.2, vignette: float = 0.10, cast=(1.0, 1.0, 1.0)
) -> np.ndarray:
    """What a small camera adds: a darker rim, a colour cast, fine grain (uint8 in, uint8 out; geometry untouched)."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    rim = 1 - vignette * (x**2 + y**2) / 2
    noise = rng.normal(0, grain, (height, width, 1)) + rng.normal(0, 0.5 * grain, (height, width, 3))
    return np.clip(np.rint(rgb * rim[..., None] * cast + noise), 0, 255).astype(np.uint8)


def write_frame(
    folder: Path, name: str, pose: Pose, rgb: np.ndarray, depth: np.ndarray, index: np.ndarray, quality: int = 90
) -> None:
    """Writes rgb/, depth_mm/ and label/ of one photo; the photo comes last, so that it marks a finished frame."""
    for sub in ("rgb", "depth_mm", "label"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    millimetres = np.rint(depth * 1000.0).clip(0, 65535).astype(np.uint16)
    Image.fromarray(millimetres).save(folder / "depth_mm" / f"{name}.png", optimize=True)
    Image.fromarray(label_table()[index]).save(folder / "label" / f"{name}.png", optimize=True)
    path = folder / "rgb" / f"{name}.jpg"
    Image.fromarray(rgb).save(path.with_suffix(".part"), "JPEG", quality=quality, exif=_exif(pose), optimize=True)
    os.replace(path.with_suffix(".part"), path)


def _exif(pose: Pose) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "poc", "poc render", 1
    details = exif.get_ifd(0x8769)
    details[0x920A] = IFDRational(pose.f35_mm, CROP_FACTOR)
    details[0xA405] = pose.f35_mm
    details[0xA002], details[0xA003] = pose.width, pose.height
    return exif


def intrinsics(pose: Pose) -> dict:
    """fx, fy, cx, cy, width, height of the photo."""
    f, (cx, cy) = pose.f_px, pose.centre
    return {"fx": round(f, 6), "fy": round(f, 6), "cx": cx, "cy": cy, "width": pose.width, "height": pose.height}


def read_meta(folder: Path) -> dict:
    """meta.json as it stands, or an empty one."""
    path = folder / "meta.json"
    if path.exists():
        return json.loads(path.read_text())
    return {"source": "rendered by data/render (poc); exact truth", "frames": {}}


def write_meta(folder: Path, meta: dict) -> None:
    """Replaces meta.json in one step: a reader never sees half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "meta.json.part"
    part.write_text(json.dumps(meta, separators=(",", ":")) if len(meta["frames"]) > 20 else json.dumps(meta, indent=1))
    os.replace(part, folder / "meta.json")
