"""The networks that can be trained, by the name in `TrainConfig.network`, and their initial weights."""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path

import torch

from poc.errors import DataError, ParameterError
from poc.models.embedded_net import EmbeddedNet, load_imagenet_encoder
from poc.training.restore import attention_in, load_onnx
from poc.training.teacher_net import TeacherNet, load_imagenet_resnet

NETWORKS = {
    "embedded": (EmbeddedNet, load_imagenet_encoder),
    "convolutional": (functools.partial(EmbeddedNet, looks=(0, 0)), load_imagenet_encoder),
    "looking once": (functools.partial(EmbeddedNet, looks=(3, 1)), load_imagenet_encoder),
    "teacher": (TeacherNet, load_imagenet_resnet),
}
"""By name: the function that builds the network, and the one that fills its encoder from an ImageNet .npz. "embedded" is shipped,
"convolutional" is the same without attention (up to version 6), "looking once" has less attention (version 7), and "teacher" is the larger
one that labels photos for them."""


def new_network(init: str | None, network: str = "embedded") -> EmbeddedNet:
    """A network in training mode. init: a checkpoint, an exported .onnx, an ImageNet .npz for the encoder, or None.

    Raises ParameterError for an unknown network, DataError where `init` belongs to another network or cannot be read.
    """
    if network not in NETWORKS:
        raise ParameterError(f"network {network!r}: there are {', '.join(NETWORKS)}")
    build, fill = NETWORKS[network]
    net = build()
    if init and init.endswith(".npz"):
        try:
            fill(net.encoder, init)
        except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
            raise DataError(f"{init}: does not hold the ImageNet weights this network starts from ({type(error).__name__}: {error})") from error
    elif init and init.endswith(".onnx"):
        load_onnx(net, init)
    elif init:
        _load(net, init, _read(init))
    return net.train()


def pick_device() -> torch.device:
    """The device for training and labelling: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_checkpoint(path: str | Path) -> EmbeddedNet:
    """A network with the averaged weights of a checkpoint, ready to run. Raises DataError where the file is not a checkpoint."""
    saved = _read(path)
    build, _ = NETWORKS.get(saved.get("network", "embedded"), NETWORKS["embedded"])
    return _load(build(), path, saved).eval()


def read_saved(path: str | Path, instead: str) -> dict:
    """The table that training saved in a file; only tensors and plain values are unpickled. instead: what to do where it cannot be had.

    Raises DataError where the file cannot be read, is torn, or holds anything else.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}): {instead}") from error
    except Exception as error:  # noqa: BLE001 - pickle, zip and torch each raise their own types on files that are torn or none of theirs
        raise DataError(f"{path}: is damaged, or not a checkpoint ({type(error).__name__}): {instead}") from error
    if not isinstance(saved, dict) or not isinstance(saved.get("average"), dict):
        raise DataError(f"{path}: is not a checkpoint of `poc train` (it holds no averaged weights): {instead}")
    return saved


def _read(path: str | Path) -> dict:
    saved = read_saved(path, "give a last.pt that `poc train` wrote")
    return _from_before_attention(saved) if "context.inner.0.weight" in saved["average"] else saved


def _from_before_attention(saved: dict) -> dict:
    """A checkpoint from before the embedded network had attention, converted to the present network without attention."""
    old = "context."
    renamed = {f"context.0.{key.removeprefix(old)}" if key.startswith(old) else key: value for key, value in saved["average"].items()}
    return saved | {"average": renamed, "network": "convolutional"}


def _load(net: EmbeddedNet, path: str | Path, saved: dict) -> EmbeddedNet:
    """The averaged weights of a checkpoint; attention that its network had less of stays what it starts as, the identity, and a head
    for rooms that it had not, knowing none."""
    weights = saved["average"]
    later = ("room.", *(f"{name}." for name in attention_in(net)))
    fresh = {key: value for key, value in net.state_dict().items() if key.startswith(later) and key not in weights}
    try:
        net.load_state_dict(fresh | weights)
    except RuntimeError as error:
        raise DataError(f"{path}: is a checkpoint of another network ({str(error).splitlines()[0]})") from error
    return net
