"""Random changes of light, white balance, focus and noise, independently for each sample of a batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from poc.training.augment import AugmentConfig

WHITE_BALANCE = 0.08
BLUR_PX = (0.3, 1.2)
NOISE = (0.005, 0.03)


def jitter_light(image: Tensor, c: AugmentConfig, rng: torch.Generator) -> Tensor:
    """A changed copy of `image`, B×3×H×W float32 in [0, 1]. rng: a CPU generator; only the noise is drawn on the image's device."""
    n, device = len(image), image.device

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand((n, channels, 1, 1), generator=rng).to(device)

    def chosen(share: float) -> Tensor:
        return uniform(0, 1) < share

    x = image * uniform(1 - c.brightness, 1 + c.brightness)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * uniform(1 - c.contrast, 1 + c.contrast) + mean
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * torch.where(chosen(c.grey_share), 0.0, uniform(1 - c.saturation, 1 + c.saturation))
    x = x * uniform(1 - WHITE_BALANCE, 1 + WHITE_BALANCE, 3)
    x = x.clamp(0, 1) ** torch.exp(uniform(-c.gamma, c.gamma))
    x = torch.where(chosen(c.blur_share), gaussian_blur(x, uniform(*BLUR_PX).flatten()), x)
    own = torch.Generator(device).manual_seed(int(torch.randint(2**31, (1,), generator=rng)))
    noise = torch.randn(x.shape, generator=own, device=device) * uniform(*NOISE)
    return torch.where(chosen(c.noise_share), x + noise, x).clamp(0, 1)


def gaussian_blur(image: Tensor, sigma: Tensor) -> Tensor:
    """B×3×H×W images, each blurred with its own sigma (B, in pixels, at most a third of the kernel's radius of 4)."""
    n, channels, h, w = image.shape
    steps = torch.arange(-4, 5, device=image.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (steps / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]  # (B·3)×1×9
    x = F.pad(image.reshape(1, n * channels, h, w), (4, 4, 4, 4), mode="reflect")
    x = F.conv2d(x, kernel[:, :, None], groups=n * channels)
    return F.conv2d(x, kernel[:, :, :, None], groups=n * channels).reshape(image.shape)
