"""Losses for the network's three outputs. Depth is compared as log depth at the canonical focal length; missing ground truth is NaN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from poc.training.folder import IGNORE
from poc.training.score import MAX_M


def log_l1(error: Tensor, known: Tensor) -> Tensor:
    """Mean absolute log error over the known pixels. error, known: B×h×w; known is 1 where there is ground truth."""
    return (error.abs() * known).sum() / known.sum().clamp(min=1)


def scale_invariant(error: Tensor, known: Tensor) -> Tensor:
    """Per-photo standard deviation of the log error (Eigen et al. 2014): zero when only the scale is wrong."""
    n = known.sum((1, 2)).clamp(min=1)
    mean = (error * known).sum((1, 2)) / n
    variance = (((error - mean[:, None, None]) ** 2) * known).sum((1, 2)) / n
    return (variance + 1e-6).sqrt().mean()


def multi_scale_gradient(error: Tensor, known: Tensor, scales: int = 4) -> Tensor:
    """Mean absolute gradient of the error at `scales` resolutions (MegaDepth, Li and Snavely 2018): sharp edges, flat walls."""
    total = error.new_zeros(())
    for i in range(scales):
        e, k = error[:, :: 2**i, :: 2**i], known[:, :: 2**i, :: 2**i]
        kx, ky = k[:, :, 1:] * k[:, :, :-1], k[:, 1:] * k[:, :-1]
        dx = ((e[:, :, 1:] - e[:, :, :-1]).abs() * kx).sum() / kx.sum().clamp(min=1)
        dy = ((e[:, 1:] - e[:, :-1]).abs() * ky).sum() / ky.sum().clamp(min=1)
        total = total + dx + dy
    return total


def affine_aligned(log_depth: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Mean absolute log error after the best scale and shift of inverse depth per photo (MiDaS, Ranftl et al. 2020), as in the
    scores: the error of the shape alone. Photos with fewer than 16 known pixels are ignored."""
    x, y = torch.exp(-log_depth), torch.exp(-truth)
    n = known.sum((1, 2))

    def mean(t: Tensor) -> Tensor:
        return ((t * known).sum((1, 2)) / n.clamp(min=1))[:, None, None]

    mx, my = mean(x), mean(y)
    slope = mean((x - mx) * (y - my)) / (mean((x - mx) ** 2) + 1e-5)
    aligned = (my + slope * (x - mx)).clamp(min=1 / MAX_M)
    use = known * (n >= 16).float()[:, None, None]
    return log_l1(torch.log(aligned) + truth, use)


def laplace_nll(error: Tensor, log_scale: Tensor, known: Tensor) -> Tensor:
    """Negative log likelihood of the detached error: it trains the expected error without affecting the depth."""
    s = log_scale.clamp(-6, 2)
    return ((error.detach().abs() * torch.exp(-s) + s) * known).sum() / known.sum().clamp(min=1)


def edge_weight(surface: Tensor, radius: int = 2, gain: float = 2.0) -> Tensor:
    """1 + gain within `radius` pixels of where two labelled surfaces meet, else 1: the room is measured by the feet of its walls."""
    s = surface.float()[:, None]
    k = 2 * radius + 1
    hi = F.max_pool2d(torch.where(s == IGNORE, -1.0, s), k, 1, radius)
    lo = -F.max_pool2d(-torch.where(s == IGNORE, 99.0, s), k, 1, radius)
    return 1 + gain * ((hi != lo) & (hi >= 0)).float()[:, 0]


def surface_loss(logits: Tensor, surface: Tensor, class_weight: Tensor) -> Tensor:
    """Cross-entropy of the surfaces, with more weight near their borders. logits: B×6×H×W; surface: int64 B×H×W."""
    loss = F.cross_entropy(logits, surface, weight=class_weight, ignore_index=IGNORE, reduction="none")
    weight = edge_weight(surface) * (surface != IGNORE)
    return (loss * weight).sum() / weight.sum().clamp(min=1)


def total_loss(outputs: tuple[Tensor, Tensor, Tensor], batch: dict[str, Tensor], class_weight: Tensor) -> dict[str, Tensor]:
    """All terms of the loss and their weighted sum ("total"). Depth without a scale (`metric` False) only trains the shape, and a
    teacher's depth (`measured` False) does not train the expected error."""
    log_depth, log_scale, logits = outputs
    h, w = log_depth.shape[-2:]
    truth = F.interpolate(batch["log_depth"][:, None], size=(h, w), mode="nearest")[:, 0]
    known = (~torch.isnan(truth)).float()
    truth = torch.nan_to_num(truth)
    error = log_depth[:, 0] - truth
    with_scale = known * batch["metric"].float()[:, None, None]
    true_scale = with_scale * batch["measured"].float()[:, None, None]
    shape = depth_terms(log_depth[:, 0], truth, known)
    terms = {
        "l1": log_l1(error, with_scale), **shape,
        "nll": laplace_nll(error, log_scale[:, 0], true_scale),
        "surface": surface_loss(logits, batch["surface"], class_weight),
    }  # fmt: skip
    terms["total"] = terms["l1"] + shape["shape"] + 0.1 * terms["nll"] + 0.5 * terms["surface"]
    return terms


def depth_terms(log_depth: Tensor, truth: Tensor, known: Tensor) -> dict[str, Tensor]:
    """Terms for the shape of log depth, which do not depend on its scale, and their weighted sum ("shape"). All tensors B×h×w; known: 1
    where there is ground truth."""
    error = log_depth - truth
    terms = {
        "si": scale_invariant(error, known), "affine": affine_aligned(log_depth, truth, known),
        "gradient": multi_scale_gradient(error * known, known),
    }  # fmt: skip
    return terms | {"shape": 0.5 * sum(terms.values())}
