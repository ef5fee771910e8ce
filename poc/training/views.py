"""Turns stored frames into training samples, on the training device: crops, zooms, rotated cameras, roll, mirroring.

A sample is what a rotated and zoomed camera at the same place would have taken: its pixels come from the stored frame by a
homography H = K_stored · R · K_net⁻¹ (Hartley and Zisserman 2004, 8.4), and depth along its own axis is the stored depth over
the third coordinate of the turned ray.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from poc.training.augment import CANONICAL_FOCAL_PX, AugmentConfig, Stored
from poc.training.folder import IGNORE

SUPERSAMPLING = 2
"""Colour samples per pixel in each direction, since most frames are stored larger than the network sees them."""


@dataclass(frozen=True)
class Cameras:
    """B virtual cameras. to_stored: B×3×3, from network pixels (homogeneous, pixel corners at whole numbers) to stored pixels. f_net: B,
    focal length in network pixels. ray_z: B×3; its product with a homogeneous network pixel is the z coordinate of the rotated ray."""

    to_stored: Tensor
    f_net: Tensor
    ray_z: Tensor


class Bank:
    """The frames of one folder on a device, each in the top left corner of a canvas of the largest frame's size."""

    def __init__(self, frames: list[Stored], device: torch.device):
        """frames: either all or none of them have depth and surfaces."""
        height, width = (max(f.rgb.shape[i] for f in frames) for i in (0, 1))
        n, self.depth, self.surface = len(frames), None, None
        self.rgb = torch.zeros((n, 3, height, width), dtype=torch.uint8, device=device)
        if frames[0].depth_m is not None:
            self.depth = torch.zeros((n, height, width), dtype=torch.float16, device=device)
            self.surface = torch.full((n, height, width), IGNORE, dtype=torch.uint8, device=device)
        for i, f in enumerate(frames):
            h, w = f.rgb.shape[:2]
            self.rgb[i, :, :h, :w] = torch.from_numpy(f.rgb).permute(2, 0, 1).to(device)
            if self.depth is not None:
                self.depth[i, :h, :w] = torch.from_numpy(f.depth_m).to(device)
                self.surface[i, :h, :w] = torch.from_numpy(f.surface).to(device)
        self.upright = [f.rgb.shape[0] > f.rgb.shape[1] for f in frames]
        self.size = torch.tensor([f.rgb.shape[1::-1] for f in frames], dtype=torch.float32, device=device)  # n×(width, height)
        self.f_px = torch.tensor([f.f_px for f in frames], dtype=torch.float32, device=device)
        self.centre = torch.tensor([f.centre for f in frames], dtype=torch.float32, device=device)
        self.flags = {k: torch.tensor([getattr(f, k) for f in frames], device=device) for k in ("metric", "measured")}

    def __len__(self) -> int:
        return len(self.f_px)

    def is_upright(self, pick: int) -> bool:
        """Whether a frame is higher than wide."""
        return self.upright[pick]

    def sample(self, picks: list[int], size: tuple[int, int], config: AugmentConfig, rng: torch.Generator) -> dict[str, Tensor]:
        """Samples of the picked frames at size (width, height), with light as it was stored.

        image float32 B×3×H×W in [0, 1]; log_depth float32 B×H×W (canonical, NaN where missing); surface int64 B×H×W; metric and
        measured bool B.
        """
        index = torch.tensor(picks, device=self.f_px.device)
        cameras = draw_cameras(self.size[index], self.f_px[index], self.centre[index], size, config, rng)
        return {
            "image": self._colours(index, cameras, size), **self._truth(index, cameras, size),
            **{key: flag[index] for key, flag in self.flags.items()},
        }  # fmt: skip

    def _colours(self, index: Tensor, cameras: Cameras, size: tuple[int, int]) -> Tensor:
        """Colours, B×3×H×W in [0, 1]; the frame is continued by its mirror image beyond its edges."""
        at = _stored_points(cameras.to_stored, pixel_centres(size, SUPERSAMPLING, index.device))
        limit = self.size[index][:, None, None]
        at = (at % (2 * limit) - limit).abs()  # a triangle wave: 0 at the far edge, `limit` at the near one
        at = (limit - at).clamp(min=0.5).minimum(limit - 0.5)
        seen = F.grid_sample(self.rgb[index].float() / 255, self._grid(at), align_corners=False, padding_mode="border")
        return F.avg_pool2d(seen, SUPERSAMPLING)

    def _truth(self, index: Tensor, cameras: Cameras, size: tuple[int, int]) -> dict[str, Tensor]:
        """log_depth and surface as in `sample`, both B×H×W; unknown beyond the frame and for photos without labels."""
        if self.depth is None or self.surface is None:
            shape = (len(index), size[1], size[0])
            nothing = torch.full(shape, torch.nan, device=index.device)
            return {"log_depth": nothing, "surface": torch.full(shape, IGNORE, dtype=torch.int64, device=index.device)}
        pixels = pixel_centres(size, 1, index.device)
        at = _stored_points(cameras.to_stored, pixels)
        limit = self.size[index][:, None, None]
        inside = ((at >= 0) & (at < limit)).all(-1)
        both = torch.stack([self.depth[index].float(), self.surface[index].float()], 1)
        depth, surface = F.grid_sample(both, self._grid(at), mode="nearest", align_corners=False, padding_mode="border").unbind(1)
        ray_z = (pixels @ cameras.ray_z.T).permute(2, 0, 1)
        depth = depth / ray_z * (CANONICAL_FOCAL_PX / cameras.f_net)[:, None, None]
        known = inside & (depth > 0) & (ray_z > 0)
        return {
            "log_depth": torch.where(known, depth, torch.nan).log(),
            "surface": torch.where(inside, surface.round(), float(IGNORE)).long(),
        }

    def _grid(self, at: Tensor) -> Tensor:
        canvas = torch.tensor(self.rgb.shape[:1:-1], dtype=torch.float32, device=at.device)
        return at * 2 / canvas - 1


def pixel_centres(size: tuple[int, int], per_px: int, device: torch.device) -> Tensor:
    """Homogeneous pixel centres of a (width, height) picture, with `per_px` of them per pixel in each direction: H·per_px×W·per_px×3."""
    xs, ys = ((torch.arange(n * per_px, device=device, dtype=torch.float32) + 0.5) / per_px for n in size)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], -1)


def _stored_points(to_stored: Tensor, pixels: Tensor) -> Tensor:
    """Network pixels (H×W×3, homogeneous) mapped to stored pixels, B×H×W×2."""
    points = torch.einsum("bij,hwj->bhwi", to_stored, pixels)
    return points[..., :2] / points[..., 2:].clamp(min=1e-3)


def draw_cameras(stored: Tensor, f_px: Tensor, centre: Tensor, size: tuple[int, int], c: AugmentConfig, rng: torch.Generator) -> Cameras:
    """Random cameras for B frames. stored: B×(width, height) of the frames; f_px: B, focal length; centre: B×2, principal point; size:
    (width, height) of the samples. rng: a CPU generator, so that every device draws the same cameras."""
    n, device = len(f_px), f_px.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=rng).to(device)

    net = torch.tensor(size, dtype=torch.float32, device=device)
    whole = uniform(0, 1) < c.whole_share
    turned = ~whole & (uniform(0, 1) < c.turn_share)
    zoom = torch.where(whole, 1.0, uniform(c.min_zoom, 1.0))
    fit = (stored / net).amin(1) * zoom  # stored pixels per network pixel
    stretch = torch.where(turned | (zoom >= 0.9), 0.0, uniform(-c.aspect_jitter, c.aspect_jitter))
    per_px = torch.stack([fit * torch.exp(stretch / 2), fit * torch.exp(-stretch / 2)], 1)
    slack = (stored - per_px * net).clamp(min=0) / 2
    off = torch.where(turned, c.max_off, 0.0)[:, None] * stored
    middle = stored / 2 + (slack + off) * torch.stack([uniform(-1, 1), uniform(-1, 1)], 1)
    roll = torch.where(uniform(0, 1) < 0.5, uniform(-1, 1) * math.radians(c.max_roll_deg), 0.0)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    f_net = f_px * (1 / per_px).mean(1)

    zero, one = torch.zeros(n, device=device), torch.ones(n, device=device)
    to_middle = _matrix([[one, zero, -net[0] / 2 * one], [zero, one, -net[1] / 2 * one], [zero, zero, one]])
    spin = _matrix([[mirror * roll.cos(), -roll.sin(), zero], [mirror * roll.sin(), roll.cos(), zero], [zero, zero, one]])
    flat = _matrix([[per_px[:, 0], zero, middle[:, 0]], [zero, per_px[:, 1], middle[:, 1]], [zero, zero, one]]) @ spin @ to_middle

    lens = _matrix([[1 / f_net, zero, zero], [zero, 1 / f_net, zero], [zero, zero, one]])
    rays = _towards((middle - centre) / f_px[:, None]) @ spin @ lens @ to_middle
    camera = _matrix([[f_px, zero, centre[:, 0]], [zero, f_px, centre[:, 1]], [zero, zero, one]])
    straight = torch.tensor([0.0, 0.0, 1.0], device=device).expand(n, 3)
    return Cameras(torch.where(turned[:, None, None], camera @ rays, flat), f_net, torch.where(turned[:, None], rays[:, 2], straight))


def _towards(slope: Tensor) -> Tensor:
    """B×3×3 rotations, each the smallest that takes the axis (0, 0, 1) to the direction (slope, 1): Rodrigues' formula."""
    z = F.normalize(torch.cat([slope, torch.ones_like(slope[:, :1])], 1), dim=1)
    x, y, c = z.unbind(1)
    k = 1 / (1 + c)
    return _matrix([[1 - k * x * x, -k * x * y, x], [-k * x * y, 1 - k * y * y, y], [-x, -y, c]])


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    """Rows of B-vectors → B×rows×columns."""
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
