"""The embedded model: metric depth, its expected error, and surfaces, from an 8 MB ONNX file without torch.

Contract of `embedded.onnx`: input `image`, float32 1×3×H×W, RGB in [0, 1], H and W multiples of 16. Outputs `log_depth`
1×1×h×w (log metres at the canonical focal), `log_sigma` alike (log of the Laplace scale of log depth), `surface_logits`
1×6×H×W in the order of SURFACE_CLASSES; and, from version 9 on, `room_logit` 1×1: the log odds that the photo shows a
room. `embedded.json` beside it holds canonical_focal_px, sigma_scale, far_log, sha256, ….
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poc.errors import ModelError
from poc.models.preprocess import area_input, network_size, resize_map
from poc.models.presets import Preset
from poc.models.runtime import onnx_engine, onnx_session
from poc.models.sharpen import sharpen_steps
from poc.models.weights import read_sidecar
from poc.types import SURFACE_CLASSES, DepthMap, Photo, Surfaces

if TYPE_CHECKING:
    import onnxruntime

PRIOR_EQUIVALENT_MM = 26.0
"""Focal length assumed where the photo's is unknown: the main cameras of phones have 24–28 mm equivalent."""
DEPTH_RANGE_M = (0.01, 1000.0)
"""Depths outside this range are failures of the network; such pixels are invalid."""
FAR_RAMP_M = (2.0, 3.3)
"""Canonical depths between which the correction `far_log` rises from none to all of it."""
_OUTPUTS, _ROOM = ("log_depth", "log_sigma", "surface_logits"), "room_logit"


@dataclass(frozen=True)
class EmbeddedModel:
    """A loaded embedded model.

    canonical_focal_px: focal length in network pixels at which log_depth is correct. sigma_scale: factor from the network's Laplace scale
    to one standard deviation of log depth (±1.645 of these contain 90 %). far_log: correction added to the log depth of far pixels, which
    the network puts too near in rooms it has not seen (`poc.training.export.calibrate`). agreement: largest difference between the engine
    and torch, if the sidecar records it. outputs: names of the outputs that are computed.
    """

    preset: Preset
    session: onnxruntime.InferenceSession
    canonical_focal_px: float
    sigma_scale: float
    weights: str
    far_log: float = 0.0
    agreement: object = None
    outputs: tuple[str, ...] = _OUTPUTS

    def depth(self, photo: Photo, f_px: float | None = None) -> DepthMap:
        """Metric depth at the photo's size. f_px: focal in photo pixels; None: the photo's, else the 26 mm prior."""
        return self.depth_and_surfaces(photo, f_px)[0]

    def surfaces(self, photo: Photo) -> Surfaces:
        """What each pixel belongs to, at the network's size."""
        return self.depth_and_surfaces(photo)[1]

    def depth_and_surfaces(self, photo: Photo, f_px: float | None = None) -> tuple[DepthMap, Surfaces]:
        """Depth and surfaces from one run: the network's output averaged over the photo and its mirror image. f_px: as in `depth`."""
        width, height = network_size(photo.width, photo.height, self.preset)
        image = area_input(photo.rgb, (width, height))
        log_depth, log_sigma, logits, *room = self._answers(image)
        f_px = f_px or photo.f_px or prior_focal_px(photo.width, photo.height)
        f_net = f_px * (width / photo.width + height / photo.height) / 2
        shift = math.log(f_net / self.canonical_focal_px)
        log_depth = log_depth + self.far_log * far_ramp(log_depth)
        depth = _depth_map(log_depth[0, 0] + shift, log_sigma[0, 0], self.sigma_scale, photo)
        depth = replace(depth, engine=onnx_engine(self.session, self.agreement), weights=self.weights, f_px=float(f_px))
        odds = [float(r.item()) for r in room if np.isfinite(r).all()]
        return depth, Surfaces(_softmax(logits[0]), self.preset.name, odds[0] if odds else None)

    def _answers(self, image: np.ndarray) -> list[np.ndarray]:
        """The network's outputs, averaged over the image and its mirror image. This takes twice the time; on NYU's held-out frames affine
        δ1 rises from 0.885 to 0.889, and with version 5, 75 % instead of 67 % of the walls whose foot is visible were found."""
        seen, mirrored = (self.session.run(list(self.outputs), {"image": x}) for x in (image, np.ascontiguousarray(image[..., ::-1])))
        for a, b in zip(seen, mirrored):  # in place: allocating memory takes longer than adding
            a += b[..., ::-1]
            a *= 0.5
        return seen


def far_ramp(log_depth: np.ndarray) -> np.ndarray:
    """Share of `far_log` to add to a canonical log depth: 0 up to the first of FAR_RAMP_M, 1 from the second."""
    near, far = (math.log(m) for m in FAR_RAMP_M)
    return np.clip((log_depth - near) / (far - near), 0.0, 1.0)


def prior_focal_px(width: int, height: int) -> float:
    """Focal in pixels of a 26 mm equivalent lens."""
    return PRIOR_EQUIVALENT_MM / 36.0 * max(width, height)


def load(preset: Preset, path: Path, identity: str) -> EmbeddedModel:
    """Open the ONNX file and its sidecar. Raises ModelError where either does not match the format described above."""
    facts = read_sidecar(path)
    session = onnx_session(path)
    inputs, outputs = [i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()]
    if inputs != ["image"] or not set(_OUTPUTS) <= set(outputs):
        raise ModelError(f"{path} takes {inputs} and gives {outputs}, expected ['image'] and {list(_OUTPUTS)}: restore it")
    numbers = {name: _positive(facts, name, path) for name in ("canonical_focal_px", "sigma_scale", "long_side")}
    return EmbeddedModel(
        preset=replace(preset, input_size=int(numbers["long_side"])), session=session, weights=identity,
        canonical_focal_px=numbers["canonical_focal_px"], sigma_scale=numbers["sigma_scale"], far_log=far_log(facts, path),
        agreement=facts.get("torch_agreement"),
        outputs=_OUTPUTS + ((_ROOM,) if _ROOM in outputs else ()),
    )


def far_log(facts: dict[str, object], path: Path) -> float:
    """`far_log` of a sidecar, 0 if it has none. Raises ModelError for a value that is not a number between -1 and 1."""
    value = facts.get("far_log", 0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1:
        raise ModelError(f"{path.with_suffix('.json')}: far_log must be a number between -1 and 1, got {value!r}: restore it")
    return float(value)


def _positive(facts: dict[str, object], name: str, path: Path) -> float:
    """A positive number of a sidecar. Raises ModelError for anything else."""
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (math.isfinite(value) and value > 0):
        raise ModelError(f"{path.with_suffix('.json')}: {name} must be a positive number, got {value!r}: restore it")
    return float(value)


def _depth_map(log_depth: np.ndarray, log_sigma: np.ndarray, sigma_scale: float, photo: Photo) -> DepthMap:
    """The network's output enlarged to the photo's size: bilinearly in inverse depth, in which planes are linear, so that walls stay
    flat."""
    low, high = (math.log(limit) for limit in DEPTH_RANGE_M)
    good = np.isfinite(log_depth) & np.isfinite(log_sigma) & (log_depth > low) & (log_depth < high)
    inverse = np.where(good, np.exp(-np.where(good, log_depth, 0.0)), 1.0)
    sigma = np.exp(np.where(good, log_sigma, 0.0)) * sigma_scale
    size = (photo.width, photo.height)
    values = resize_map(sharpen_steps(inverse) if good.all() else inverse, *size)
    np.divide(1.0, values, out=values)
    sigma_log = resize_map(sigma, *size)
    if good.all():
        valid = np.ones(values.shape, bool)
    else:  # only pixels to which no invalid one contributed
        valid = resize_map(good, *size) > 0.999
        values[~valid] = 0.0
        sigma_log[~valid] = 0.0
    return DepthMap(values=values, kind="metric", valid=valid, model="embedded", sigma_log=sigma_log)


def _softmax(logits: np.ndarray) -> np.ndarray:
    """6×h×w logits → h×w×6 probabilities. A pixel whose logits are not finite is "other"."""
    if logits.shape[0] != len(SURFACE_CLASSES):
        raise ModelError(f"the embedded model gives {logits.shape[0]} surface classes, expected {len(SURFACE_CLASSES)}: restore it")
    if not np.isfinite(logits.sum()):
        bad = ~np.isfinite(logits).all(axis=0)
        logits = np.where(bad, np.where(np.arange(logits.shape[0])[:, None, None] == 0, 0.0, -50.0), logits)
    exp = np.subtract(logits, logits.max(axis=0), dtype=np.float32)
    np.exp(exp, out=exp)
    exp /= exp.sum(axis=0)
    return np.ascontiguousarray(exp.transpose(1, 2, 0))
