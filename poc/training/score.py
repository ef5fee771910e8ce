"""Scores of the torch network on held-out frames while it trains (`poc evaluate` scores the exported model)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import nn

from poc.training.augment import CANONICAL_FOCAL_PX
from poc.training.folder import IGNORE, Frame, load_frame

LONG_SIDE = 320
MIN_M, MAX_M = 0.1, 10.0


@dataclass(frozen=True)
class Scores:
    """Means over frames: depth as it is, after alignment by one scale, and after an affine alignment of inverse depth. coverage: share of
    pixels whose log error is within 2.303 Laplace scales (90 %). iou: per surface class, over all pixels."""

    abs_rel: float
    delta1: float
    scale_delta1: float
    affine_delta1: float
    coverage: float
    iou: tuple[float, ...]


class Prediction(NamedTuple):
    """The network's output at a photo's size: log depth (log metres, H×W), log of its Laplace scale (H×W), surface logits (H×W×6)."""

    log_depth: np.ndarray
    log_scale: np.ndarray
    surface_logits: np.ndarray


class FrameScores(NamedTuple):
    """The depth scores of one frame, as in `Scores`."""

    abs_rel: float
    delta1: float
    scale_delta1: float
    affine_delta1: float
    coverage: float


def delta1(p: np.ndarray, g: np.ndarray) -> float:
    """Share of predicted depths p within a factor of 1.25 of the true ones g."""
    return float((np.maximum(p / g, g / p) < 1.25).mean())


def affine_align(p: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Least squares on inverse depth, then back to metres in [0.1, 10]."""
    x, y = 1 / p, 1 / g
    a, b = np.polyfit(x, y, 1)
    return 1 / np.clip(a * x + b, 1 / MAX_M, 1 / MIN_M)


def network_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) the network sees: long side LONG_SIDE, the other rounded to a multiple of 16."""
    if width >= height:
        return LONG_SIDE, max(16, round(LONG_SIDE * height / width / 16) * 16)
    return max(16, round(LONG_SIDE * width / height / 16) * 16), LONG_SIDE


def network_focal(f_px: float, width: int, height: int) -> float:
    """A focal length in pixels of the photo, converted to pixels of the network's input."""
    w, h = network_size(width, height)
    return 0.5 * f_px * (w / width + h / height)


def answer_both_ways(net: nn.Module, image: torch.Tensor) -> list[torch.Tensor]:
    """The network's three outputs (B×C×h×w), each averaged over the image and its mirror image, as the shipped model does."""
    return [(a + b.flip(3)) / 2 for a, b in zip(net(image), net(image.flip(3)))]


@torch.no_grad()
def predict_canonical(
    net: nn.Module, rgb: np.ndarray, f_px: float, device: torch.device
) -> Prediction:
    """The network's prediction for an upright photo, at its size. rgb: uint8 H×W×3; f_px: its focal length in pixels."""
    h, w = rgb.shape[:2]
    nw, nh = network_size(w, h)
    small = cv2.resize(rgb, (nw, nh), interpolation=cv2.INTER_AREA)
    image = torch.from_numpy(small.astype(np.float32) / 255).permute(2, 0, 1)[None].to(device)
    log_depth, log_scale, logits = (t[0].permute(1, 2, 0).cpu().numpy() for t in answer_both_ways(net, image))
    f_net = network_focal(f_px, w, h)
    up = [cv2.resize(a, (w, h), interpolation=cv2.INTER_LINEAR) for a in (log_depth, log_scale, logits)]
    return Prediction(up[0] + np.log(f_net / CANONICAL_FOCAL_PX), up[1], up[2])


def frame_scores(log_z: np.ndarray, log_scale: np.ndarray, truth_m: np.ndarray) -> FrameScores:
    """Scores of a predicted log depth and log Laplace scale (H×W) over the pixels with a true depth (H×W metres, 0 where unknown)."""
    known = truth_m > 0
    z, g, b = np.exp(log_z[known]), truth_m[known], np.exp(log_scale[known])
    return FrameScores(
        abs_rel=float(np.mean(np.abs(z - g) / g)), delta1=delta1(z, g), scale_delta1=delta1(z * np.median(g / z), g),
        affine_delta1=delta1(affine_align(z, g), g), coverage=float(np.mean(np.abs(np.log(z / g)) < 2.303 * b)),
    )  # fmt: skip


def score_network(net: nn.Module, frames: list[Frame], device: torch.device) -> Scores:
    """Scores of a network on frames with true depth and labels. Raises DataError for a frame that cannot be read."""
    net.eval()
    rows, hits, unions = [], np.zeros(6), np.zeros(6)
    for frame in frames:
        loaded = load_frame(frame)
        log_z, log_scale, logits = predict_canonical(net, loaded.rgb, 0.5 * (frame.fx + frame.fy), device)
        rows.append(frame_scores(log_z, log_scale, loaded.depth_m))
        labels, seen = logits.argmax(2), loaded.surface != IGNORE
        for c in range(6):
            a, t = (labels == c) & seen, loaded.surface == c
            hits[c] += (a & t).sum()
            unions[c] += (a | t).sum()
    return Scores(*np.mean(rows, axis=0).tolist(), tuple((hits / np.maximum(unions, 1)).tolist()))
