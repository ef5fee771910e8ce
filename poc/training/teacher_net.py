"""The teacher's network: the embedded one with a heavier encoder. It labels photos for the small one to learn from, and is
never shipped.

Encoder: the first three stages of ResNet-50 v2 (He et al. 2016, *Identity mappings in deep residual networks*), stride 16;
a pooled copy of its last feature takes the place of stride 32, where self-attention widens the view.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poc.errors import DataError
from poc.models.embedded_net import EmbeddedNet, fold

STAGES = ((3, 64, 256, 1), (4, 128, 512, 2), (6, 256, 1024, 2))  # units, inner channels, channels, stride
CHANNELS = (64, 256, 512, 1024, 1024)
WIDTH = (256, 192, 128, 64, 32)
PREFIX = "resnetv24_"


class Unit(nn.Module):
    """Bottleneck that normalises before it convolves. The norms between its convolutions are folded into them; the first, before
    which features of several units are added, stays."""

    def __init__(self, c_in: int, inner: int, c_out: int, stride: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(c_in)
        self.convs = nn.ModuleList([
            nn.Conv2d(c_in, inner, 1), nn.Conv2d(inner, inner, 3, stride, 1), nn.Conv2d(inner, c_out, 1, bias=False),
        ])  # fmt: skip
        self.shortcut = nn.Conv2d(c_in, c_out, 1, stride, bias=False) if stride > 1 or c_in != c_out else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The unit's output, and its input normalised: a skip where a stage begins."""
        first = F.relu(self.norm(x), inplace=True)
        y = self.convs[2](F.relu(self.convs[1](F.relu(self.convs[0](first), inplace=True)), inplace=True))
        return y + (x if self.shortcut is None else self.shortcut(first)), first


class ResNetEncoder(nn.Module):
    """B×3×H×W → five features at strides 2, 4, 8, 16, 32. Batch norm keeps its ImageNet statistics."""

    channels = CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU(inplace=True))
        blocks, c = [], 64
        for units, inner, channels, stride in STAGES:
            blocks.append(nn.ModuleList(Unit(c if i == 0 else channels, inner, channels, stride if i == 0 else 1) for i in range(units)))
            c = channels
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(inplace=True))

    def train(self, mode: bool = True) -> ResNetEncoder:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features = [x]
        x = F.max_pool2d(x, 3, 2, 1)
        for i, stage in enumerate(self.blocks):
            for j, unit in enumerate(stage):
                x, before = unit(x)
                if i > 0 and j == 0:
                    features.append(before)
        x = self.last(x)
        return [*features, x, F.avg_pool2d(x, 2, ceil_mode=True)]


class TeacherNet(EmbeddedNet):
    """The same answers as the embedded network's, from 11 million parameters."""

    def __init__(self) -> None:
        super().__init__(WIDTH, ResNetEncoder(), looks=(3, 0))


def load_imagenet_resnet(encoder: ResNetEncoder, path: str) -> None:
    """Fill the encoder from the ONNX model zoo's ResNet-50 v2 (an .npz of its arrays). Raises DataError where one is missing."""
    import numpy as np

    arrays = np.load(path)

    def array(name: str) -> np.ndarray:
        return arrays[PREFIX + name].astype(np.float32)

    def fill_norm(norm: nn.BatchNorm2d, name: str) -> None:
        names = {"running_mean": "running_mean", "running_var": "running_var", "weight": "gamma", "bias": "beta"}
        for key in norm.state_dict().keys() & names.keys():
            getattr(norm, key).copy_(torch.from_numpy(array(f"{name}_{names[key]}")))

    def fill(conv: nn.Conv2d, name: str, norm: str | None = None) -> None:
        if norm:
            fold(conv, arrays, PREFIX + name, PREFIX + norm)
        else:
            conv.weight.copy_(torch.from_numpy(array(f"{name}_weight")))

    try:
        with torch.no_grad():
            fill_norm(encoder.stem[0], "batchnorm0")
            fill(encoder.stem[1], "conv0", "batchnorm1")
            for i, stage in enumerate(encoder.blocks):
                conv, at = itertools.count(), f"stage{i + 1}_"
                for j, unit in enumerate(stage):
                    fill_norm(unit.norm, f"{at}batchnorm{3 * j}")
                    for layer, norm in zip(unit.convs, (f"{at}batchnorm{3 * j + 1}", f"{at}batchnorm{3 * j + 2}", None), strict=True):
                        fill(layer, f"{at}conv{next(conv)}", norm)
                    if unit.shortcut is not None:
                        fill(unit.shortcut, f"{at}conv{next(conv)}")
            fill_norm(encoder.last[0], "stage4_batchnorm0")
    except KeyError as error:
        raise DataError(f"{path}: is not ResNet-50 v2 of the ONNX model zoo (no {error.args[0]})") from error
