"""The network of MiDaS v2.1 small, with the module names of the official checkpoint, so that it loads strictly.

EfficientNet-Lite3 encoder (timm's `tf_` variant: Tensorflow "same" padding and batch-norm eps 1e-3, as the original has)
cut into four layers, and a RefineNet decoder (Lin et al. 2017) of 64 features expanding ×1, ×2, ×4, ×8. The ×2
interpolations align corners inside the fusion blocks and do not in the head.
"""

from __future__ import annotations

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 64
ENCODER_CHANNELS = (32, 48, 136, 384)


class MidasSmallNet(nn.Module):
    """Normalised RGB n×3×H×W (H and W multiples of 32) → relative inverse depth n×1×H×W, never negative."""

    def __init__(self) -> None:
        super().__init__()
        self.pretrained = Encoder()
        self.scratch = Decoder()

    def forward(self, image: Tensor) -> Tensor:
        return self.scratch(self.pretrained(image))


class Encoder(nn.Module):
    """Features at 1/4, 1/8, 1/16 and 1/32 of the input."""

    def __init__(self) -> None:
        super().__init__()
        net = timm.create_model("tf_efficientnet_lite3", pretrained=False, num_classes=0)
        # timm's bn1 holds the activation, which the checkpoint counts as a layer of its own without weights
        self.layer1 = nn.Sequential(net.conv_stem, net.bn1, nn.Identity(), net.blocks[0], net.blocks[1])
        self.layer2 = nn.Sequential(net.blocks[2])
        self.layer3 = nn.Sequential(net.blocks[3], net.blocks[4])
        self.layer4 = nn.Sequential(net.blocks[5], net.blocks[6])

    def forward(self, image: Tensor) -> list[Tensor]:
        features = [image]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            features.append(layer(features[-1]))
        return features[1:]


class Decoder(nn.Module):
    """Fuses the four features from coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        widths = [FEATURES * 2**stage for stage in range(4)]
        for stage, (channels, width) in enumerate(zip(ENCODER_CHANNELS, widths, strict=True), start=1):
            setattr(self, f"layer{stage}_rn", nn.Conv2d(channels, width, 3, padding=1, bias=False))
            setattr(self, f"refinenet{stage}", Fusion(width, width if stage == 1 else width // 2))
        half = FEATURES // 2
        self.output_conv = nn.Sequential(
            nn.Conv2d(FEATURES, half, 3, padding=1), Upsample2(), nn.Conv2d(half, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 1, 1), nn.ReLU(),
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        path = None
        for stage in (4, 3, 2, 1):
            lateral = getattr(self, f"layer{stage}_rn")(features[stage - 1])
            fuse = getattr(self, f"refinenet{stage}")
            path = fuse(lateral) if path is None else fuse(path, lateral)
        return self.output_conv(path)


class Fusion(nn.Module):
    """Adds a lateral feature to the path, refines, doubles the size and brings the channels to the next stage's."""

    def __init__(self, width: int, width_out: int) -> None:
        super().__init__()
        self.resConfUnit1 = ResidualUnit(width)  # the coarsest stage has no lateral, but its weights are in the checkpoint
        self.resConfUnit2 = ResidualUnit(width)
        self.out_conv = nn.Conv2d(width, width_out, 1)

    def forward(self, path: Tensor, lateral: Tensor | None = None) -> Tensor:
        if lateral is not None:
            path = path + self.resConfUnit1(lateral)
        path = self.resConfUnit2(path)
        return self.out_conv(F.interpolate(path, scale_factor=2, mode="bilinear", align_corners=True))


class ResidualUnit(nn.Module):
    """Two 3×3 convolutions, each after a ReLU, around a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(torch.relu(self.conv1(torch.relu(x))))


class Upsample2(nn.Module):
    """×2 bilinear without aligned corners: the head's, unlike the fusion blocks'."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
