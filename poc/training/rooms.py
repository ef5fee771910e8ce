"""Recognising photos of rooms: trains the embedded network's head for the whole photo, last, on photos of rooms and of other things.

It is a logistic regression on features of the trained network (`EmbeddedNet.gist`; a linear probe, Alain and Bengio 2016), which
itself does not change. There are few pictures of other things, so each is used often, and both kinds are varied in the same way in size,
colour and compression, so that the head does not learn to recognise the camera or file format.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from poc.models.embedded_net import EmbeddedNet
from poc.models.preprocess import area_input
from poc.training.augment import AugmentConfig
from poc.training.light import jitter_light
from poc.training.score import network_size
from poc.training.store import read_rgb

RIDGE = 0.015
"""Ridge penalty on the coefficients of standardised features, relative to the mean loss."""
ROOM_CROP, OTHER_CROP = 0.75, 0.45
"""Minimum side of a crop, as a share of the photo's: a small part of a room may not look like one, but no part of a forest does."""
ROOM_VIEWS, OTHER_VIEWS = 2, 6
"""Number of augmented copies of each photo, in addition to the photo itself."""
SIDES_PX = (200, 640)
STRETCH, CROPPED = 0.2, 0.7
UPRIGHT, UPRIGHT_ASPECT = 0.35, 0.75
"""Share of the copies in portrait format: training photos of rooms hardly ever are, but photos from phones often."""
LIGHT = AugmentConfig(grey_share=0.3, noise_share=0.3, blur_share=0.3, saturation=0.5)
QUALITY = (35, 96)
KEPT_UP_BY = 100
"""Maximum number of photos used by `keep_up`."""


def learn_rooms(net: EmbeddedNet, rooms: list[Path], others: list[Path], device: torch.device, known: Tensor | None = None) -> None:
    """Train `net.room` to output the log odds that a photo shows a room, with both kinds weighted equally.

    rooms, others: photos that show a room, and that do not. known: coefficients of an earlier head to stay close to. Raises DataError
    where a photo cannot be read.
    """
    seen = [torch.cat(part) for part in gists(net, rooms, others, device)]
    weight, bias = separate(*seen, None if known is None else known.double().cpu())
    with torch.no_grad():
        net.room.weight.copy_(weight[None])
        net.room.bias.copy_(bias[None])


def gists(net: EmbeddedNet, rooms: list[Path], others: list[Path], device: torch.device) -> tuple[list[Tensor], list[Tensor]]:
    """The head's input features for each photo of a room and each other photo, with its augmented copies: one copies×C tensor per photo."""
    net.eval()
    rng, light = np.random.default_rng(0), torch.Generator().manual_seed(0)

    def look(path: Path, views: int, crop: float) -> Tensor:
        rgb = read_rgb(path)
        return torch.stack([gist(net, picture, device) for picture in (rgb, *(changed(rgb, crop, rng, light) for _ in range(views)))])

    return [look(path, ROOM_VIEWS, ROOM_CROP) for path in rooms], [look(path, OTHER_VIEWS, OTHER_CROP) for path in others]


@torch.no_grad()
def keep_up(net: EmbeddedNet, begun: EmbeddedNet, rooms: list[Path], device: torch.device) -> None:
    """Shift the head's bias so that photos of rooms get the same mean log odds as from the network `begun` with which training started: its
    features have changed since, which shifts the output by about the same amount for all photos."""
    for each in (net, begun):
        each.eval()
    some = [read_rgb(rooms[i]) for i in np.linspace(0, len(rooms) - 1, min(KEPT_UP_BY, len(rooms))).astype(int)]
    says, said = (torch.stack([each.room(gist(each, rgb, device).float().to(device)) for rgb in some]).mean() for each in (net, begun))
    net.room.bias += said - says


def check_pictures(paths: list[Path]) -> None:
    """Raises DataError for a photo that cannot be read, before hours of training."""
    for path in paths:
        read_rgb(path)


@torch.no_grad()
def gist(net: EmbeddedNet, rgb: np.ndarray, device: torch.device) -> Tensor:
    """The head's input features for an H×W×3 photo: C float64 numbers, on the CPU."""
    small = torch.from_numpy(area_input(rgb, network_size(rgb.shape[1], rgb.shape[0])))
    return net.gist(*net.coarse(small.to(device, memory_format=torch.channels_last)))[0].double().cpu()


def changed(rgb: np.ndarray, crop: float, rng: np.random.Generator, light: torch.Generator) -> np.ndarray:
    """An augmented copy of an H×W×3 photo: a crop with sides of about `crop` of the photo's or more, or a narrower one in portrait
    format, at another size, light and JPEG quality, and mirrored half of the time."""
    height, width = rgb.shape[:2]
    share = rng.uniform(crop, 1.0) if rng.random() < CROPPED else 1.0
    stretch = np.exp(rng.uniform(-STRETCH, STRETCH) / 2)
    h, w = (min(n, round(n * share * k)) for n, k in ((height, stretch), (width, 1 / stretch)))
    if rng.random() < UPRIGHT:
        w = min(w, round(UPRIGHT_ASPECT * h))
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    part = rgb[top : top + h, left : left + w]
    scale = rng.uniform(*SIDES_PX) / max(h, w)
    size = max(16, round(w * scale)), max(16, round(h * scale))
    part = cv2.resize(part[:, ::-1] if rng.random() < 0.5 else part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    image = torch.from_numpy(part).permute(2, 0, 1)[None].float() / 255
    lit = (jitter_light(image, LIGHT, light)[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    file = cv2.imencode(".jpg", lit[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITY))])[1]
    return cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def separate(rooms: Tensor, others: Tensor, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Ridge-regularised logistic regression on n×C and m×C features, with both classes weighted equally. Returns C coefficients, shrunk
    toward `known`, and the bias."""
    both = torch.cat([rooms, others])
    mean, spread = both.mean(0), both.std(0).clamp(min=1e-6)
    x = (both - mean) / spread
    is_room = torch.arange(len(both)) < len(rooms)
    before = torch.zeros_like(mean) if known is None else known * spread
    weight, bias = before.clone().requires_grad_(), torch.zeros((), dtype=x.dtype, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=500, tolerance_grad=1e-7, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        wrong = F.softplus(torch.where(is_room, -1.0, 1.0) * (x @ weight + bias))
        value = 0.5 * (wrong[is_room].mean() + wrong[~is_room].mean()) + 0.5 * RIDGE * (weight - before).square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    weight = (weight / spread).detach()
    return weight, bias.detach() - weight @ mean
