"""From a checkpoint to what is shipped: one ONNX file with float16 weights and a sidecar of facts.

The weights are stored as float16 behind Cast nodes, which the engine folds on loading: half the size on disk, float32
arithmetic. The sidecar carries what the numbers mean: canonical focal, calibrated error scale, hash, training record.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from poc.errors import WriteError
from poc.files import write_together
from poc.models.embedded_net import EmbeddedNet, MergedHeads
from poc.models.weights import read_sidecar
from poc.training.augment import CANONICAL_FOCAL_PX
from poc.training.folder import Frame, load_frame, read_names
from poc.training.networks import load_checkpoint
from poc.training.score import LONG_SIDE, predict_canonical
from poc.training.store import split_frames

if TYPE_CHECKING:
    from poc.training.loop import TrainConfig

MAX_BYTES = 10_000_000
MIN_CAST_SIZE = 64


def half_weights(model) -> None:
    """Turn each large float32 initialiser of an ONNX model into float16 followed by a Cast."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < MIN_CAST_SIZE:
            continue
        name = tensor.name
        half = numpy_helper.from_array(array.astype(np.float16), name + "_half")
        graph.initializer.remove(tensor)
        graph.initializer.append(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        graph.node.insert(0, node)


def to_onnx(net: EmbeddedNet) -> bytes:
    """The network as ONNX bytes: input `image`, outputs `log_depth`, `log_sigma`, `surface_logits`, any size."""
    import onnx

    buffer = io.BytesIO()
    dims = {2: "height", 3: "width"}
    torch.onnx.export(
        MergedHeads(net).eval(), (torch.rand(1, 3, 240, 320),), buffer, dynamo=False, opset_version=17,
        input_names=["image"], output_names=["log_depth", "log_sigma", "surface_logits"],
        dynamic_axes={"image": dims, "surface_logits": dims, "log_depth": {2: "h", 3: "w"}, "log_sigma": {2: "h", 3: "w"}},
    )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    half_weights(model)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def calibrate_sigma(net: EmbeddedNet, frames: list[Frame]) -> float:
    """What multiplies the network's Laplace scale so that ±1.645 times it holds 90 % of the pixels (split conformal,
    Lei et al. 2018): the 90 % quantile of |log error| / scale over the frames, each frame counting alike, over 1.645."""
    quantiles = []
    for frame in frames:
        loaded = load_frame(frame)
        log_z, log_scale, _ = predict_canonical(net, loaded.rgb, 0.5 * (frame.fx + frame.fy), torch.device("cpu"))
        known = loaded.depth_m > 0
        quantiles.append(np.abs(log_z[known] - np.log(loaded.depth_m[known])) / np.exp(log_scale[known]))
    rng = np.random.default_rng(0)
    pooled = np.concatenate([rng.choice(q, min(len(q), 4000), replace=False) for q in quantiles])
    return float(np.quantile(pooled, 0.9) / 1.6448536)


def export_run(checkpoint: str | Path, out: str | Path, config: TrainConfig, calibrate: bool = True) -> Path:
    """Export the result of a run with its record. The expected error is calibrated on every second held-out frame, which
    leaves the others to be scored on; without any (or with `calibrate` off) the scale of the weights it started from stays."""
    held_out = read_names(config.held_out)
    frames = [frame for s in config.sources for frame in split_frames(s.folder, held_out)[1]]
    calibration, total = frames[::2] if calibrate else [], sum(s.weight for s in config.sources)
    facts = {
        "trained_on": {Path(s.folder).name: round(s.weight / total, 3) for s in config.sources},
        "training": {
            "init": Path(config.init).name if config.init else None, "epochs": config.epochs, "samples_per_epoch": config.samples_per_epoch,
            "lr": config.lr, "sizes": config.sizes, "held_out": len(held_out), "calibrated_on": len(calibration),
        },
    }  # fmt: skip
    return export(checkpoint, out, calibration, facts, _inherited_scale(config.init))


def _inherited_scale(init: str | None) -> float:
    return float(read_sidecar(Path(init))["sigma_scale"]) if init and init.endswith(".onnx") else 1.0


def export(checkpoint: str | Path, out: str | Path, calibration: list[Frame], facts: dict, sigma_scale: float = 1.0) -> Path:
    """Write `out` (.onnx) and its sidecar (.json). facts: licence, training data, scores, as the model card tells them.
    sigma_scale: what the expected error is multiplied by where there are no frames to calibrate it on.

    Raises DataError for a bad checkpoint, WriteError when the result is over 10 MB or cannot be written.
    """
    out = Path(out)
    net = load_checkpoint(checkpoint)
    data = to_onnx(net)
    if len(data) > MAX_BYTES:
        raise WriteError(f"{out}: would be {len(data) / 1e6:.1f} MB; the embedded model may have {MAX_BYTES / 1e6:.0f}")
    sidecar = {
        "version": 1, "long_side": LONG_SIDE, "canonical_focal_px": CANONICAL_FOCAL_PX,
        "sigma_scale": round(calibrate_sigma(net, calibration), 4) if calibration else sigma_scale,
        "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
        "parameters": sum(p.numel() for p in net.parameters()), **facts,
    }  # fmt: skip
    write_together({out: data, out.with_suffix(".json"): json.dumps(sidecar, indent=1).encode() + b"\n"})
    return out
