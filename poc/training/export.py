"""Exports a checkpoint to the files that are shipped: an ONNX file with float16 weights, and a JSON sidecar.

The weights are stored as float16 behind Cast nodes, which the engine folds on loading: half the size on disk, but float32 arithmetic. The
sidecar holds what is needed to interpret the outputs (canonical focal length, calibrated error scale), hash and training record.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from poc.errors import DataError, PocError, WriteError
from poc.files import write_together
from poc.models.embedded import far_log as read_far_log
from poc.models.embedded import far_ramp
from poc.models.embedded_net import EmbeddedNet, MergedHeads
from poc.models.weights import read_sidecar
from poc.training.augment import CANONICAL_FOCAL_PX
from poc.training.folder import Frame, load_frame, read_names
from poc.training.networks import load_checkpoint, pick_device
from poc.training.record import digest_of, read_record
from poc.training.score import LONG_SIDE, network_focal, predict_canonical
from poc.training.store import list_photos, true_frames
from poc.types import Z90

if TYPE_CHECKING:
    from poc.training.loop import TrainConfig

MAX_BYTES = 10_000_000
MIN_CAST_SIZE = 64


MOST_APART = 0.02
"""An exported file whose outputs differ from torch by a larger relative difference (from float16 weights and the engine) is rejected."""


def _agreement(net: EmbeddedNet, data: bytes) -> float:
    """Largest difference between the log depths of ONNX Runtime and torch on a random picture, relative to the largest value, with two
    digits. Raises PocError where it, or that of the room head, is too large."""
    import onnxruntime

    rng = torch.Generator().manual_seed(0)
    image = F.interpolate(torch.rand(1, 3, 15, 20, generator=rng), size=(240, 320), mode="bilinear")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    exported, *room = session.run(["log_depth", *(["room_logit"] if net.knows_rooms() else [])], {"image": image.numpy()})
    with torch.no_grad():
        expected = net(image)[0].numpy()
        odds = [float(net.room(net.gist(*net.coarse(image))))] * len(room)
    apart = float(np.abs(exported - expected).max() / np.abs(expected).max())
    if not apart < MOST_APART or not all(abs(float(a.item()) - b) < MOST_APART * max(10.0, abs(b)) for a, b in zip(room, odds)):
        raise PocError(f"the exported model differs from torch by {100 * apart:.0f} %: it was not written")
    return float(f"{apart:.1e}")


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
    """The network as ONNX bytes: input `image` of any size; outputs `log_depth`, `log_sigma`, `surface_logits`, and `room_logit` if the
    room head is trained."""
    import onnx

    buffer = io.BytesIO()
    dims = {2: "height", 3: "width"}
    torch.onnx.export(
        MergedHeads(net).eval(), (torch.rand(1, 3, 240, 320),), buffer, dynamo=False, opset_version=17,
        input_names=["image"], output_names=["log_depth", "log_sigma", "surface_logits", *(["room_logit"] if net.knows_rooms() else [])],
        dynamic_axes={"image": dims, "surface_logits": dims, "log_depth": {2: "h", 3: "w"}, "log_sigma": {2: "h", 3: "w"}},
    )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    half_weights(model)
    onnx.checker.check_model(model)
    return model.SerializeToString()


FAR_SHARE, FAR_MOST = 0.5, 0.1
"""The correction of far depth is this share of the median log error, and at most FAR_MOST. On held-out real frames depth beyond 3.3 m is
3 to 10 % too small, depending on the version; in rendered rooms like those used in training it is not."""
FAR_PIXELS, PIXELS_PER_FRAME = 2000, 4000
LEAST_FRAMES = 10
"""With fewer held-out frames, an existing calibration is better than one from half of them."""


@dataclass(frozen=True)
class Calibration:
    """The corrections of a network's outputs that are stored in the sidecar, see `poc.models.embedded`."""

    sigma_scale: float = 1.0
    far_log: float = 0.0


def calibrate(net: EmbeddedNet, frames: list[Frame], inherited: Calibration = Calibration()) -> Calibration:
    """Calibrate the outputs on photos with true depth that were not used in training, with the same weight for each photo.

    far_log: a share of the median log error of far pixels (`inherited`'s where they are few). sigma_scale: what multiplies the network's
    Laplace scale so that ±1.645 times it holds 90 % of the pixels after that (split conformal, Lei et al. 2018).
    """
    rng, rows, device = np.random.default_rng(0), [], pick_device()
    net = net and net.to(device)
    for frame in frames:
        loaded = load_frame(frame)
        f_px, (height, width) = 0.5 * (frame.fx + frame.fy), loaded.rgb.shape[:2]
        log_z, log_scale, _ = predict_canonical(net, loaded.rgb, f_px, device)
        canonical = log_z - np.log(network_focal(f_px, width, height) / CANONICAL_FOCAL_PX)
        known = np.flatnonzero(loaded.depth_m > 0)
        known = rng.choice(known, min(len(known), PIXELS_PER_FRAME), replace=False)
        lacks = np.log(loaded.depth_m.flat[known]) - log_z.flat[known]
        rows.append(np.stack([canonical.flat[known], lacks, log_scale.flat[known]]))
    canonical, lacks, log_scale = np.concatenate(rows, axis=1).astype(np.float64)
    ramp = far_ramp(canonical)
    far = ramp >= 1.0
    far_log = float(np.clip(FAR_SHARE * np.median(lacks[far]), 0.0, FAR_MOST)) if far.sum() >= FAR_PIXELS else inherited.far_log
    quantile = np.quantile(np.abs(lacks - far_log * ramp) / np.exp(log_scale), 0.9)
    return Calibration(round(float(quantile / Z90), 4), round(far_log, 3))


def export_run(checkpoint: str | Path, out: str | Path, config: TrainConfig, calibrate: bool = True) -> Path:
    """Export the result of a run with its record. The expected error is calibrated on every second held-out frame, which
    leaves the others to be scored on; with `calibrate` off, and with fewer than LEAST_FRAMES, what the weights it started from had
    stays, if they had any."""
    held_out = read_names(config.held_out)
    frames = true_frames(config.sources, held_out)
    inherited = _inherited(config.init)
    enough = len(frames) >= (LEAST_FRAMES if inherited else 1)
    calibration = frames[::2] if calibrate and enough else []
    facts = {
        "trained_on": shares_of((s.folder, s.weight) for s in (*config.sources, *config.photos)),
        "started_from": started_from(config.init),
        "training": {
            "init": Path(config.init).name if config.init else None, "epochs": config.epochs, "samples_per_epoch": config.samples_per_epoch,
            "lr": config.lr, "sizes": config.sizes, "teachers": len(config.teachers), "held_out": len(held_out),
            "calibrated_on": len(calibration),
            "not_rooms": sum(len(list_photos(folder)) for folder in config.not_rooms),  # 0: the room head was trained earlier, if at all
        },
    }  # fmt: skip
    return export(checkpoint, out, calibration, facts, inherited or Calibration())


def shares_of(folders: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Each folder's share of the samples of an epoch, by the folder's name; empty if no folder has any weight. folders: (path, weight)
    pairs."""
    weights: Counter[str] = Counter()
    for folder, weight in folders:
        weights[Path(folder).name] += weight
    total = weights.total()
    return {name: round(weight / total, 3) for name, weight in weights.items()} if total > 0 else {}


def started_from(init: str | None) -> dict:
    """The facts about the initial weights for the sidecar: their file, training data and licence, as far as they are known."""
    if not init:
        return {}
    path = Path(init)
    facts = read_sidecar(path) if path.suffix == ".onnx" else _run_beside(path)
    known = {key: facts[key] for key in ("version", "trained_on", "licence", "started_from") if key in facts}
    return {"file": path.name, **({"sha256": digest_of(path)} if path.is_file() else {}), **known}


def _run_beside(checkpoint: Path) -> dict:
    """The training data of a checkpoint, from the record of its run beside it; {} where there is none that can be read."""
    try:
        run = read_record(checkpoint.with_name("config.json")) if checkpoint.suffix == ".pt" else {}
        learnt_from = shares_of((s["folder"], s["weight"]) for s in (*run["sources"], *run["photos"]))
    except (DataError, KeyError, TypeError):
        return {}
    return {"trained_on": learnt_from} | ({"started_from": {"file": Path(run["init"]).name}} if run.get("init") else {})


def _inherited(init: str | None) -> Calibration | None:
    """The calibration of the .onnx file from which training started; None where it started from anything else."""
    if not init or not init.endswith(".onnx"):
        return None
    facts = read_sidecar(Path(init))
    return Calibration(float(facts["sigma_scale"]), read_far_log(facts, Path(init)))


def export(checkpoint: str | Path, out: str | Path, frames: list[Frame], facts: dict, inherited: Calibration = Calibration()) -> Path:
    """Write `out` (.onnx) and its sidecar (.json). facts: licence, training data, scores, as the model card tells them.
    frames: what to calibrate on; where there are none, `inherited` stays.

    Raises DataError for a bad checkpoint, PocError for a file that does not answer as torch does, WriteError when the result is over 10
    MB or cannot be written.
    """
    out = Path(out)
    net = load_checkpoint(checkpoint)
    data = to_onnx(net)
    if len(data) > MAX_BYTES:
        raise WriteError(f"{out}: would be {len(data) / 1e6:.1f} MB; the embedded model may have at most {MAX_BYTES / 1e6:.0f}")
    agreement = _agreement(net, data)
    answers = calibrate(net, frames, inherited) if frames else inherited
    sidecar = {
        "version": 1, "long_side": LONG_SIDE, "canonical_focal_px": CANONICAL_FOCAL_PX,
        "sigma_scale": answers.sigma_scale, "far_log": answers.far_log,
        "torch_agreement": agreement, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
        "parameters": sum(p.numel() for p in net.parameters()), **facts,
    }  # fmt: skip
    write_together({out: data, out.with_suffix(".json"): json.dumps(sidecar, indent=1).encode() + b"\n"})
    return out
