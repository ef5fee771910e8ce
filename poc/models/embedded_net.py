"""The embedded model's network: one small encoder, one decoder, three outputs per pixel.

Encoder: MobileNetV2 1.0 (Sandler et al. 2018). Decoder: light separable convolutions with skips, as in FastDepth
(Wofk et al. 2019), with a global context branch and self-attention at the coarsest strides, because absolute scale is a
property of the whole photo. Heads: log depth at the canonical focal length, log of the expected error (Laplace scale of log
depth), surface logits; and for the whole photo, whether it shows a room.

It needs torch and is used for training and export; `poc.models.embedded` runs the exported ONNX file without torch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
N_SURFACES = 6
LOOKS = (3, 2)  # attention blocks at strides 32 and 16
KERNELS = ((5, 3), (3, 3), (3, 3), (3,))  # depthwise kernels of the fusing steps at strides 16, 8, 4, 2

# (expansion, channels, stride) of the 17 bottlenecks; the feature after each index in TAPS is a skip.
BOTTLENECKS = (
    (1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1),
    (6, 64, 2), (6, 64, 1), (6, 64, 1), (6, 64, 1), (6, 96, 1), (6, 96, 1), (6, 96, 1),
    (6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1),
)  # fmt: skip
TAPS = (0, 2, 5, 12, 16)
SKIP_CHANNELS = (16, 24, 32, 96, 320)


def conv_act(c_in: int, c_out: int, k: int, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    """Convolution with bias, no normalisation: the encoder carries its ImageNet batch norm folded into the weights."""
    layers: list[nn.Module] = [nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups)]
    return nn.Sequential(*layers, nn.ReLU6(inplace=True)) if act else nn.Sequential(*layers)


def conv_bn(c_in: int, c_out: int, k: int, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups, bias=False),
        nn.BatchNorm2d(c_out),
    ]
    return nn.Sequential(*layers, nn.ReLU6(inplace=True)) if act else nn.Sequential(*layers)


class Bottleneck(nn.Module):
    """Inverted residual; the expansion convolution is there even for expansion 1, as in the stored ImageNet weights."""

    def __init__(self, c_in: int, c_out: int, expansion: int, stride: int):
        super().__init__()
        hidden = c_in * expansion
        self.expand = conv_act(c_in, hidden, 1)
        self.depthwise = conv_act(hidden, hidden, 3, stride, groups=hidden)
        self.project = conv_act(hidden, c_out, 1, act=False)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class Encoder(nn.Module):
    channels = SKIP_CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_act(3, 32, 3, 2)
        c = 32
        blocks = []
        for expansion, channels, stride in BOTTLENECKS:
            blocks.append(Bottleneck(c, channels, expansion, stride))
            c = channels
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """B×3×H×W → five features at strides 2, 4, 8, 16, 32."""
        x = self.stem(x)
        features = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in TAPS:
                features.append(x)
        return features


class Separable(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, k: int = 3):
        super().__init__(conv_bn(c_in, c_in, k, groups=c_in), conv_bn(c_in, c_out, 1))


class Fuse(nn.Module):
    """Upsample to the size of the skip, concatenate, convolve."""

    def __init__(self, c_in: int, c_skip: int, c_out: int, kernels: tuple[int, ...]):
        super().__init__()
        self.reduce = conv_bn(c_in, c_out, 1)
        self.skip = conv_bn(c_skip, c_out // 2, 1)
        c = c_out + c_out // 2
        self.mix = nn.Sequential(*(Separable(c if i == 0 else c_out, c_out, k) for i, k in enumerate(kernels)))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.reduce(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.mix(torch.cat([x, self.skip(skip)], dim=1))


class Context(nn.Module):
    """Context at stride 32: local convolutions plus a branch on the mean of the whole photo."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.inner = conv_bn(c_in, c_out, 1)
        self.mix = nn.Sequential(Separable(c_out, c_out, 5), Separable(c_out, c_out, 5))
        self.whole = nn.Sequential(nn.Linear(c_in, c_out), nn.ReLU6(inplace=True), nn.Linear(c_out, c_out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y + self.mix(y) + self.whole(x.mean(dim=(2, 3)))[:, :, None, None]


class Attention(nn.Module):
    """Multi-head self-attention over all cells, then a perceptron with a 3×3 depthwise step, as in LeViT (Graham et al. 2021). It is
    initialised to the identity."""

    def __init__(self, channels: int, heads: int = 8, key: int = 16):
        super().__init__()
        self.heads, self.key, self.value = heads, key, channels // heads
        self.qkv = conv_bn(channels, heads * (2 * key + self.value), 1, act=False)
        self.join = conv_bn(channels, channels, 1, act=False)
        self.widen = conv_bn(channels, 2 * channels, 1)
        self.local = conv_bn(2 * channels, 2 * channels, 3, groups=2 * channels)
        self.narrow = conv_bn(2 * channels, channels, 1, act=False)
        for last in (self.join, self.narrow):
            nn.init.zeros_(last[1].weight)

    def is_identity(self) -> bool:
        """Whether it is still as initialised."""
        return not any(part[1].weight.any() or part[1].bias.any() for part in (self.join, self.narrow))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(x).reshape(b, self.heads, -1, h * w).split((self.key, self.key, self.value), dim=2)
        looks = (q.transpose(2, 3) @ k * self.key**-0.5).softmax(dim=3)  # B×heads×cells×cells
        x = x + self.join((v @ looks.transpose(2, 3)).reshape(b, c, h, w))
        return x + self.narrow(self.local(self.widen(x)))


class EmbeddedNet(nn.Module):
    """image B×3×H×W RGB in [0, 1] → log_depth, log_sigma (B×1×H/2×W/2) and surface_logits (B×6×H×W).

    log_depth: log metres at the canonical focal length. log_sigma: log of the Laplace scale of log depth. width: decoder channels at
    strides 32, 16, 8, 4, 2. encoder: another encoder, with the attribute `channels` for its five features. looks: number of attention
    blocks at strides 32 and 16.
    """

    def __init__(self, width: tuple[int, ...] = (256, 160, 96, 64, 32), encoder: nn.Module | None = None, looks: tuple[int, int] = LOOKS):
        super().__init__()
        self.encoder = Encoder() if encoder is None else encoder
        channels = self.encoder.channels
        self.context = nn.Sequential(Context(channels[4], width[0]), *(Attention(width[0]) for _ in range(looks[0])))
        self.looks = nn.Sequential(*(Attention(width[1]) for _ in range(looks[1])))
        self.fuse = nn.ModuleList(Fuse(width[i], channels[3 - i], width[i + 1], KERNELS[i]) for i in range(4))
        self.depth = nn.Conv2d(width[4], 2, 3, padding=1)
        self.surface = nn.Conv2d(width[4], N_SURFACES, 3, padding=1)
        self.room = nn.Linear(channels[3] + channels[4] + width[1], 1)
        nn.init.zeros_(self.room.weight)
        nn.init.zeros_(self.room.bias)
        with torch.no_grad():  # start at a room's middle distance (about 2.2 m) and a 20 % error
            self.depth.bias.copy_(torch.tensor([0.8, -1.6]))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def features(self, image: Tensor) -> Tensor:
        """Input of the depth and surface heads: B×width[4]×H/2×W/2."""
        return self.refined(*self.coarse(image))

    def coarse(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """The encoder's five features, and the decoder's feature at stride 16."""
        skips = self.encoder((image - self.mean) / self.std)
        return skips, self.looks(self.fuse[0](self.context(skips[4]), skips[3]))

    def refined(self, skips: list[Tensor], x: Tensor) -> Tensor:
        """From `coarse` to `features`."""
        for fuse, skip in zip(self.fuse[1:], (skips[2], skips[1], skips[0])):
            x = fuse(x, skip)
        return x

    @staticmethod
    def gist(skips: list[Tensor], x: Tensor) -> Tensor:
        """Input of the head for the whole photo, from the result of `coarse`: spatial means of the encoder's last two features and the
        decoder's first."""
        return torch.cat([t.mean(dim=(2, 3)) for t in (skips[3], skips[4], x)], dim=1)

    def knows_rooms(self) -> bool:
        """Whether the head `room` has been trained (`poc.training.rooms`)."""
        return bool(self.room.weight.any())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.heads(self.features(image), image)

    def heads(self, features: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The outputs of `forward`, from the result of `features`."""
        return answers(self.depth(features), self.surface(features), image)


class MergedHeads(nn.Module):
    """The same network with its two heads as one convolution of eight channels, which suits CPUs: exported this way it is an eighth faster.
    If the room head is trained there is a fourth output, B×1: the log odds that the photo shows a room."""

    def __init__(self, net: EmbeddedNet):
        super().__init__()
        self.net, self.knows_rooms = net, net.knows_rooms()
        self.heads = nn.Conv2d(net.depth.in_channels, 2 + N_SURFACES, 3, padding=1)
        with torch.no_grad():
            self.heads.weight.copy_(torch.cat([net.depth.weight, net.surface.weight]))
            self.heads.bias.copy_(torch.cat([net.depth.bias, net.surface.bias]))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        skips, x = self.net.coarse(image)
        y = self.heads(self.net.refined(skips, x))
        room = (self.net.room(self.net.gist(skips, x)),) if self.knows_rooms else ()
        return *answers(y[:, :2], y[:, 2:], image), *room


def answers(depth: Tensor, surface: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Heads' outputs at half size → log_depth, log_sigma (half size) and surface logits at the size of the image."""
    logits = F.interpolate(surface, size=image.shape[-2:], mode="bilinear", align_corners=False)
    return depth[:, :1], depth[:, 1:], logits


def fold(conv: nn.Conv2d, arrays, name: str, norm: str) -> None:
    """Fill a convolution with the batch norm that follows it folded in, from arrays by their names in the ONNX model zoo."""
    weight, gamma, beta, mean, var = (
        torch.from_numpy(arrays[n].astype("float32"))
        for n in (f"{name}_weight", *(f"{norm}_{part}" for part in ("gamma", "beta", "running_mean", "running_var")))
    )
    scale = gamma / (var + 1e-5).sqrt()
    with torch.no_grad():
        conv.weight.copy_(weight * scale[:, None, None, None])
        conv.bias.copy_(beta - mean * scale)


def load_imagenet_encoder(encoder: Encoder, path: str) -> None:
    """Fill the encoder, batch norm folded in, from the ONNX model zoo's MobileNetV2 (an .npz of its arrays)."""
    import numpy as np

    arrays = np.load(path)
    prefix = "mobilenetv20_features_"

    def fill(part: nn.Sequential, conv: str, norm: str) -> None:
        fold(part[0], arrays, f"{prefix}{conv}", f"{prefix}{norm}")

    fill(encoder.stem, "conv0", "batchnorm0")
    for i, block in enumerate(encoder.blocks):
        for j, part in enumerate((block.expand, block.depthwise, block.project)):
            fill(part, f"linearbottleneck{i}_conv{j}", f"linearbottleneck{i}_batchnorm{j}")
