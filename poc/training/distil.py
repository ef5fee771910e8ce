"""Learning from other networks: what they answer on a sample as it was taken is taught on the sample as it is shown.

The same view for teacher and student, changed only in its light, and a long schedule: function matching (Beyer et al. 2022,
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
    """What was answered on B samples: log_depth B×h×w (canonical), surface B×6×H×W (probabilities)."""

    log_depth: Tensor
    surface: Tensor


@functools.cache
def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 saves time there: on GPUs that compute in it (NVIDIA's from Ampere on), and on CPUs with tiles for it (Intel
    AMX: the teacher trains 1.8 times as fast)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()  # no public name in torch 2.15


def answer(net: nn.Module, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The network's answers in float32. Up to its heads it works in bfloat16 where that is fast; not in them: eight bits would show
    as steps in depth."""
    with torch.autocast(image.device.type, torch.bfloat16, enabled=has_fast_bf16(image.device)):
        features = net.features(image)
    return net.heads(features.float(), image)


@torch.no_grad()
def ask(teachers: Sequence[nn.Module], image: Tensor, longest_px: int = 0) -> Lesson:
    """The mean answer of several networks on B×3×H×W photos; every second one of them sees the mirror image.

    longest_px: photos larger than that are shown so large (0: as they are). What is seen smaller looks farther away, by as much.
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
    """Terms and their weighted sum ("total"): depth with scale and shape as of `losses.total_loss`, surfaces (`surface_weight`) by
    cross-entropy with the teachers' probabilities less their own entropy (so it is 0 for the same answer). The expected error is
    not taught."""
    log_depth, _, logits = outputs
    known = torch.ones_like(lesson.log_depth)
    depth = log_l1(log_depth[:, 0] - lesson.log_depth, known) + depth_terms(log_depth[:, 0], lesson.log_depth, known)["shape"]
    surface = F.kl_div(logits.log_softmax(1), lesson.surface, reduction="none").sum(1).mean()
    return {"taught_depth": depth, "taught_surface": surface, "total": depth + surface_weight * surface}
