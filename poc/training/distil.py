"""Knowledge distillation: teachers label a sample in its original light, and the student learns these labels on the changed sample.

Teacher and student see the same view, which differs only in its light, and a long schedule: function matching (Beyer et al. 2022,
*Knowledge distillation: a good teacher is patient and consistent*). Without teachers, photos without depth are labelled by the
network's own averaged weights (mean teacher, Tarvainen and Valpola 2017).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poc.training.losses import depth_terms, log_l1


@dataclass(frozen=True)
class Lesson:
    """The teachers' labels for B samples: log_depth B×h×w (canonical), surface B×6×H×W (probabilities)."""

    log_depth: Tensor
    surface: Tensor


@functools.cache
def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 saves time on a device: on GPUs with native support (NVIDIA from Ampere on), and on CPUs with Intel AMX (where the
    teacher trains 1.8 times as fast)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()  # no public name in torch 2.15


def answer(net: nn.Module, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The network's outputs in float32. It runs in bfloat16 where that is fast, except for the heads, where eight bits of precision would
    show as steps in depth."""
    with torch.autocast(image.device.type, torch.bfloat16, enabled=has_fast_bf16(image.device)):
        features = net.features(image)
    return net.heads(features.float(), image)


@torch.no_grad()
def ask(teachers: Sequence[nn.Module], image: Tensor, longest_px: int = 0) -> Lesson:
    """The mean output of several networks on B×3×H×W photos; every second network sees the mirror image.

    longest_px: larger photos are reduced to this long side (0: not at all), and their depth, which then looks larger, is corrected.
    """
    height, width = image.shape[-2:]
    smaller = min(1.0, longest_px / max(height, width)) if longest_px else 1.0
    shown = F.interpolate(image, scale_factor=smaller, mode="bilinear", antialias=True) if smaller < 1 else image
    depths, surfaces = [], []
    for i, net in enumerate(teachers):
        log_depth, _, logits = answer(net, shown.flip(3) if i % 2 else shown)
        surface = logits.softmax(1)
        depths.append(log_depth.flip(3) if i % 2 else log_depth)
        surfaces.append(surface.flip(3) if i % 2 else surface)
    log_depth = torch.stack(depths).mean(0) + math.log(smaller)
    return Lesson(grow(log_depth, (-(-height // 2), -(-width // 2)))[:, 0], grow(torch.stack(surfaces).mean(0), (height, width)))


def grow(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """B×C×h×w → B×C×height×width, bilinear."""
    return maps if maps.shape[-2:] == size else F.interpolate(maps, size=size, mode="bilinear")


def distillation_loss(outputs: tuple[Tensor, Tensor, Tensor], lesson: Lesson, surface_weight: float = 0.5) -> dict[str, Tensor]:
    """The terms of the loss and their weighted sum ("total"): depth by scale and shape as in `losses.total_loss`, and surfaces (with
    `surface_weight`) by the Kullback–Leibler divergence from the teachers' probabilities. The expected error is not distilled."""
    log_depth, _, logits = outputs
    known = torch.ones_like(lesson.log_depth)
    depth = log_l1(log_depth[:, 0] - lesson.log_depth, known) + depth_terms(log_depth[:, 0], lesson.log_depth, known)["shape"]
    surface = F.kl_div(logits.log_softmax(1), lesson.surface, reduction="none").sum(1).mean()
    return {"taught_depth": depth, "taught_surface": surface, "total": depth + surface_weight * surface}
