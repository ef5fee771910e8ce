"""Restores a trainable network from the shipped ONNX file, so that fine-tuning needs no other download.

The exporter folds batch norm into the convolution before it. Here the folded weights go into the convolution and the
batch norm becomes the identity, so the network answers as the file does. Few photos train it with `freeze_norm`, because the
identity holds only for the statistics it was given; before longer training `measure_norms` gives it others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from poc.errors import DataError
from poc.models.embedded_net import N_SURFACES, Attention, EmbeddedNet


class StoredLayer(NamedTuple):
    """Weight and bias of a convolution or linear layer in an ONNX file, float32."""

    weight: np.ndarray
    bias: np.ndarray


def load_onnx(net: EmbeddedNet, path: str | Path) -> EmbeddedNet:
    """Fill `net` from a file that `poc.training.export` wrote, and return it in evaluation mode.

    Layers are matched by their order and checked by their shapes. A file of a network with less attention, or none (up to version
    6), fills the rest; attention that it lacks stays what it starts as, the identity, and a head for rooms (from version 9) knows
    none. Raises DataError where the file cannot be read or holds another network.
    """
    stored, norms = _split_heads(_take_room_head(_stored_layers(path), net)), dict(net.named_modules())
    layers = _held_by(stored, layers_in_order(net), attention_in(net))
    if [w.shape for w, _ in stored] != [tuple(layer.weight.shape) for _, layer in layers]:
        raise DataError(f"{path}: holds another network than this version trains")
    with torch.no_grad():
        for (weight, bias), (name, layer) in zip(stored, layers):
            layer.weight.copy_(torch.from_numpy(weight))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(bias))
            else:
                _set_identity(norms[_next_name(name)], bias)
    return net.eval()


def attention_in(net: nn.Module) -> list[str]:
    """Names of the attention modules."""
    return [name for name, module in net.named_modules() if isinstance(module, Attention)]


def _held_by(
    stored: list[StoredLayer], layers: list[tuple[str, nn.Module]], attention: list[str]
) -> list[tuple[str, nn.Module]]:
    """The (name, layer) pairs of a network without the attention modules that a file does not hold in their place.

    attention: names of the network's attention modules.
    """
    def owner_of(item: tuple[str, nn.Module]) -> str:
        return next((name for name in attention if item[0].startswith(f"{name}.")), "")

    held: list[tuple[str, nn.Module]] = []
    for owner, group in itertools.groupby(layers, key=owner_of):
        group = list(group)
        shapes = [layer.weight.shape for layer in stored[len(held) : len(held) + len(group)]]
        if not owner or shapes == [tuple(layer.weight.shape) for _, layer in group]:
            held += group
    return held


def layers_in_order(net: EmbeddedNet) -> list[tuple[str, nn.Module]]:
    """(name, layer) of every convolution and linear layer, in the order in which they run."""
    seen: list[tuple[str, nn.Module]] = []
    hooks = [
        module.register_forward_hook(lambda layer, _in, _out, name=name: seen.append((name, layer)))
        for name, module in net.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))
    ]  # fmt: skip
    was_training = net.training
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    net.train(was_training)
    return seen


def _stored_layers(path: str | Path) -> list[StoredLayer]:
    """The layers of an ONNX file in the order of its graph. Raises DataError."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except (OSError, DecodeError) as error:
        raise DataError(f"{path}: cannot be read as an ONNX file ({error})") from error
    arrays = {t.name: numpy_helper.to_array(t).astype(np.float32) for t in graph.initializer}
    for node in graph.node:  # float16 weights stand behind a Cast, equal ones behind an Identity
        if node.op_type in ("Cast", "Identity") and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    nodes = [n for n in graph.node if n.op_type in ("Conv", "Gemm")]
    if any(len(n.input) < 3 or n.input[1] not in arrays or n.input[2] not in arrays for n in nodes):
        raise DataError(f"{path}: holds layers without stored weights; it was not written by `poc train --export`")
    return [StoredLayer(arrays[n.input[1]], arrays[n.input[2]]) for n in nodes]


def _take_room_head(stored: list[StoredLayer], net: EmbeddedNet) -> list[StoredLayer]:
    """Fill `net.room` from the layer with its shape, if the file has one, and return the other layers."""
    shape = tuple(net.room.weight.shape)
    for weight, bias in (layer for layer in stored if layer.weight.shape == shape):
        with torch.no_grad():
            net.room.weight.copy_(torch.from_numpy(weight))
            net.room.bias.copy_(torch.from_numpy(bias))
    return [layer for layer in stored if layer.weight.shape != shape]


def _split_heads(stored: list[StoredLayer]) -> list[StoredLayer]:
    """The layers with the depth and surface heads as two layers, where the file holds them merged (`MergedHeads`)."""
    weight, bias = stored[-1] if stored else (np.zeros(0), np.zeros(0))
    if len(weight) != 2 + N_SURFACES:
        return stored
    return [*stored[:-1], StoredLayer(weight[:2], bias[:2]), StoredLayer(weight[2:], bias[2:])]


@torch.no_grad()
def measure_norms(net: nn.Module, images: Iterable[Tensor]) -> None:
    """Give each batch norm the statistics of what it sees on B×3×H×W images, and the weights with which it answers as before: from
    there it can be trained. Norms that are not reached stay as they are."""
    seen: dict[nn.BatchNorm2d, list[tuple[Tensor, Tensor]]] = {m: [] for m in net.modules() if isinstance(m, nn.BatchNorm2d) and m.affine}

    def look(norm: nn.BatchNorm2d, args: tuple[Tensor], _: Tensor) -> None:
        x = args[0].double()
        seen[norm].append((x.mean((0, 2, 3)), (x**2).mean((0, 2, 3))))

    hooks = [norm.register_forward_hook(look) for norm in seen]
    was_training = net.training
    net.eval()
    for image in images:
        net(image)
    for hook in hooks:
        hook.remove()
    net.train(was_training)
    for norm, moments in seen.items():
        if moments:
            mean, square = (torch.stack(m).mean(0) for m in zip(*moments, strict=True))
            set_statistics(norm, mean, (square - mean**2).clamp(min=0))


def prepare_norms(net: nn.Module, images: Sequence[Tensor]) -> None:
    """`measure_norms`, and attention that has not learnt yet starts from normalised features: what its raw convolutions answer on a
    trained network's features makes every cell look at the same one, and nothing is ever learnt from there."""
    fresh = [m for m in net.modules() if isinstance(m, Attention) and m.is_identity()]
    for _ in range(2 if fresh else 1):  # once more for those that see what others now answer
        measure_norms(net, images)
        for norm in (part[1] for look in fresh for part in (look.qkv, look.widen, look.local)):
            nn.init.ones_(norm.weight)
            nn.init.zeros_(norm.bias)


def has_identity_norms(net: nn.Module) -> bool:
    """Whether some batch norm is still the identity that `load_onnx` sets, without statistics of its own."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d) and m.affine]
    return any(not norm.running_mean.any() and bool((norm.running_var == 1).all()) for norm in norms)


def set_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Give a batch norm other statistics, and adjust its weight and bias so that its output stays the same."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias + scale * (mean - norm.running_mean)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(bias)


def _next_name(name: str) -> str:
    """The batch norm that follows a convolution inside its `nn.Sequential`."""
    head, _, index = name.rpartition(".")
    return f"{head}.{int(index) + 1}"


def _set_identity(norm: nn.BatchNorm2d, bias: np.ndarray) -> None:
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0)
    norm.weight.fill_((1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(torch.from_numpy(bias))
