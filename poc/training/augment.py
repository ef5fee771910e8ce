"""Frames as they are kept in memory, the settings of augmentation, and the focal length to which depth refers.

The network predicts depth at the *canonical* focal length, z_c = z · f_canonical / f_net (the label transform of
Metric3D, Yin et al. 2023), so a zoomed crop of a wall gets a nearer canonical depth, as it must: it looks the same as that
nearer wall. `poc.training.views` draws the samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CANONICAL_FOCAL_PX = 260.0
"""Focal length in network pixels at which the network's depth is in metres (about NYU's at 320 pixels width)."""


@dataclass(frozen=True)
class Stored:
    """A frame kept in memory at reduced size. depth_m: float16, 0 where missing; surface: uint8, 255 ignored; both None for a photo without
    labels. f_px: mean focal length; centre: principal point (x, y). metric, measured: as in `poc.training.folder.Frame`."""

    rgb: np.ndarray
    depth_m: np.ndarray | None
    surface: np.ndarray | None
    f_px: float
    centre: tuple[float, float]
    metric: bool = True
    measured: bool = True


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of the training samples.

    whole_share: share of samples that show the whole photo. turn_share: share of the others that are rendered as from a camera turned
    toward the crop (yaw and pitch, up to `max_off` of the photo's size beyond its edge), as a photo of that part would be; the rest are
    plain crops. brightness, contrast, saturation, gamma: relative ranges. *_share: share of samples that are made grey, blurred or noisy.
    """

    min_zoom: float = 0.55
    whole_share: float = 0.3
    turn_share: float = 0.5
    max_off: float = 0.04
    aspect_jitter: float = 0.08
    max_roll_deg: float = 4.0
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.35
    gamma: float = 0.3
    grey_share: float = 0.05
    blur_share: float = 0.15
    noise_share: float = 0.2
