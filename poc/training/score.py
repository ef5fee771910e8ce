"""Scores of the torch network on held-out frames while it trains (`poc evaluate` scores the exported model)."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Means over frames. coverage: share of pixels whose log error is within 2.303 Laplace scales (90 %)."""

    abs_rel: float
    delta1: float
    scale_delta1: float
    affine_delta1: float
    coverage: float
    iou: tuple[float, ...]


def delta1(p: np.ndarray, g: np.ndarray) -> float:
    return float((np.maximum(p / g, g / p) < 1.25).mean())


def affine_align(p: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Least squares on inverse depth, then back to metres in [0.1, 10]."""
    x, y = 1 / p, 1 / g
    a, b = np.polyfit(x, y, 1)
    return 1 / np.clip(a * x + b, 1 / MAX_M, 1 / MIN_M)


@torch.no_grad()
def score_network(net: nn.Module, frames: list[Frame], device: torch.device) -> Scores:
    net.eval()
    rows, hits, unions = [], np.zeros(6), np.zeros(6)
    for frame in frames:
        loaded = load_frame(frame)
        h, w = loaded.rgb.shape[:2]
        nw, nh = (LONG_SIDE, round(LONG_SIDE * h / w / 16) * 16) if w >= h else (round(LONG_SIDE * w / h / 16) * 16, LONG_SIDE)
        small = cv2.resize(loaded.rgb, (nw, nh), interpolation=cv2.INTER_AREA)
        image = torch.from_numpy(small.astype(np.float32) / 255).permute(2, 0, 1)[None].to(device)
        log_depth, log_scale, logits = net(image)
        f_net = 0.5 * (frame.fx * nw / w + frame.fy * nh / h)
        up = lambda t: cv2.resize(t[0, 0].cpu().numpy(), (w, h), interpolation=cv2.INTER_LINEAR)  # noqa: E731
        log_z = up(log_depth) + np.log(f_net / CANONICAL_FOCAL_PX)
        known = loaded.depth_m > 0
        z, g, b = np.exp(log_z[known]), loaded.depth_m[known], np.exp(up(log_scale)[known])
        rows.append((
            np.mean(np.abs(z - g) / g), delta1(z, g), delta1(z * np.median(g / z), g), delta1(affine_align(z, g), g),
            np.mean(np.abs(np.log(z / g)) < 2.303 * b),
        ))  # fmt: skip
        labels = cv2.resize(logits[0].permute(1, 2, 0).cpu().numpy(), (w, h)).argmax(2)
        seen = loaded.surface != IGNORE
        for c in range(6):
            a, t = (labels == c) & seen, loaded.surface == c
            hits[c] += (a & t).sum()
            unions[c] += (a | t).sum()
    return Scores(*np.mean(rows, axis=0).tolist(), tuple((hits / np.maximum(unions, 1)).tolist()))
