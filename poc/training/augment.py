"""From a stored frame to a training sample: random crop, zoom, roll, mirror and light, with depth rescaled by focal.

A crop enlarged to the network's size has a longer focal length in network pixels. What the network answers is depth at
the *canonical* focal length, z_c = z · f_canonical / f_net (the label transform of Metric3D, Yin et al. 2023), so a
zoomed crop of the same wall gets a nearer canonical depth, as it must: it looks the same as that nearer wall.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poc.training.folder import IGNORE

CANONICAL_FOCAL_PX = 260.0
"""Focal length in network pixels at which the network's depth is in metres (about NYU's at 320 pixels width)."""


@dataclass(frozen=True)
class Stored:
    """A frame kept in memory at reduced size. depth_m: float16, 0 missing; surface: uint8, 255 ignored; f_px: mean focal."""

    rgb: np.ndarray
    depth_m: np.ndarray
    surface: np.ndarray
    f_px: float
    metric: bool
    measured: bool = True


@dataclass(frozen=True)
class AugmentConfig:
    min_zoom: float = 0.55
    whole_share: float = 0.3
    aspect_jitter: float = 0.08
    max_roll_deg: float = 4.0
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.35
    hue_deg: float = 10.0
    gamma: float = 0.3
    grey_share: float = 0.05
    blur_share: float = 0.15
    noise_share: float = 0.2


def warp_matrix(rng: np.random.Generator, stored: Stored, width: int, height: int, c: AugmentConfig) -> tuple[np.ndarray, float]:
    """A 2×3 map from stored pixels to network pixels, and the focal length in network pixels after it."""
    h, w = stored.rgb.shape[:2]
    fit = min(w / width, h / height)  # stored pixels per network pixel when the crop is as large as it can be
    zoom = 1.0 if rng.random() < c.whole_share else rng.uniform(c.min_zoom, 1.0)
    per_px = fit * zoom
    stretch = float(np.exp(rng.uniform(-c.aspect_jitter, c.aspect_jitter))) if zoom < 0.9 else 1.0
    px, py = per_px * np.sqrt(stretch), per_px / np.sqrt(stretch)
    slack_x, slack_y = max(w - px * width, 0.0), max(h - py * height, 0.0)
    x0, y0 = rng.uniform(0, slack_x) if slack_x else 0.0, rng.uniform(0, slack_y) if slack_y else 0.0
    matrix = np.array([[1 / px, 0, -x0 / px], [0, 1 / py, -y0 / py]])
    roll = np.deg2rad(rng.uniform(-c.max_roll_deg, c.max_roll_deg)) if rng.random() < 0.5 else 0.0
    cos, sin = np.cos(roll), np.sin(roll)
    centre = np.array([width / 2, height / 2])
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([turn @ matrix[:, :2], turn @ (matrix[:, 2] - centre) + centre])
    if rng.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += width - 1
    return matrix, stored.f_px * 0.5 * (1 / px + 1 / py)


def jitter_light(rng: np.random.Generator, rgb: np.ndarray, c: AugmentConfig) -> np.ndarray:
    """float32 H×W×3 in [0, 1] → the same under another light, camera and focus."""
    x = rgb * rng.uniform(1 - c.brightness, 1 + c.brightness)
    x = (x - x.mean()) * rng.uniform(1 - c.contrast, 1 + c.contrast) + x.mean()
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * (0.0 if rng.random() < c.grey_share else rng.uniform(1 - c.saturation, 1 + c.saturation))
    x = x * (1 + rng.uniform(-0.08, 0.08, 3))  # white balance
    x = np.clip(x, 0, 1) ** np.exp(rng.uniform(-c.gamma, c.gamma))
    if rng.random() < c.blur_share:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < c.noise_share:
        x = x + rng.normal(0, rng.uniform(0.005, 0.03), x.shape)
    return np.clip(x, 0, 1).astype(np.float32)


def make_sample(rng: np.random.Generator, stored: Stored, width: int, height: int, c: AugmentConfig) -> dict[str, np.ndarray]:
    """image float32 3×H×W; log_depth float32 H×W (canonical, NaN where missing); surface int64 H×W; metric and measured bool."""
    matrix, f_net = warp_matrix(rng, stored, width, height, c)
    size = (width, height)
    rgb = cv2.warpAffine(stored.rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    depth = cv2.warpAffine(stored.depth_m.astype(np.float32), matrix, size, flags=cv2.INTER_NEAREST, borderValue=0)
    surface = cv2.warpAffine(stored.surface, matrix, size, flags=cv2.INTER_NEAREST, borderValue=IGNORE)
    with np.errstate(divide="ignore"):
        log_depth = np.where(depth > 0, np.log(depth * (CANONICAL_FOCAL_PX / f_net)), np.nan)
    return {
        "image": jitter_light(rng, rgb.astype(np.float32) / 255, c).transpose(2, 0, 1).copy(),
        "log_depth": log_depth.astype(np.float32),
        "surface": surface.astype(np.int64),
        "metric": np.array(stored.metric),
        "measured": np.array(stored.measured),
    }
