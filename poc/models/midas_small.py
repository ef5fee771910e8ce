"""MiDaS v2.1 small (Ranftl et al., TPAMI 2022): the official checkpoint on today's torch and timm.

Pre- and post-processing are the official run's: bicubic to a size that fits in 256×256, bicubic back (align_corners=False).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poc.errors import ModelError
from poc.models.preprocess import cubic_input, network_size
from poc.models.presets import Preset
from poc.models.runtime import torch_device, torch_engine
from poc.types import DepthMap, Photo

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class MidasSmall:
    """A loaded MiDaS v2.1 small."""

    preset: Preset
    network: nn.Module
    device: torch.device
    weights: str

    def depth(self, photo: Photo, f_px: float | None = None) -> DepthMap:
        """Relative inverse depth at the photo's size; `f_px` plays no part in it."""
        import torch
        from torch.nn import functional as F

        size = network_size(photo.width, photo.height, self.preset)
        image = torch.from_numpy(cubic_input(photo.rgb, size, self.preset)).to(self.device)
        with torch.inference_mode():
            inverse = self.network(image.contiguous(memory_format=torch.channels_last))
            shape = (photo.height, photo.width)
            inverse = F.interpolate(inverse, size=shape, mode="bicubic", align_corners=False)[0, 0].cpu()
        valid = torch.isfinite(inverse)
        values = torch.where(valid, inverse, 0.0)
        return DepthMap(values=values.numpy(), kind="relative_inverse", valid=valid.numpy(), model=self.preset.name,
                        engine=torch_engine(self.device), weights=self.weights)


def load(preset: Preset, path: Path, identity: str) -> MidasSmall:
    """Build the network and load `path` into it. ModelError where torch is missing or the file is not such a checkpoint."""
    device = torch_device(preset.name)
    import torch

    from poc.models.midas_small_net import MidasSmallNet

    network = MidasSmallNet()
    state = read_checkpoint(path)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelError(f"{path} is not a MiDaS v2.1 small checkpoint ({_first_difference(error)}): fetch it again") from None
    network = network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    return MidasSmall(preset=preset, network=network, device=device, weights=identity)


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name from a .pt file. Only tensors are unpickled: a file that holds code is refused."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - pickle, zip and torch each raise their own types on damaged files
        raise ModelError(f"{path} is damaged or not a torch checkpoint ({type(error).__name__}): delete it and fetch it again") from None
    if isinstance(state, dict) and "optimizer" in state:  # a training checkpoint keeps the weights one level down
        state = state.get("model")
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(f"{path} does not hold a table of tensors: delete it and fetch it again")
    return state


def _first_difference(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[1] if len(lines) > 1 else lines[0]
    return text if len(text) <= 100 else text[:97] + "..."
