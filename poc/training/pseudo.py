"""Self-training: a trained network labels photos that have no depth, and the next one learns from them.

The teacher answers on the photo and its mirror image, at two sizes, and the answers are averaged. Depth is kept as
*shape only* (`"metric": false` in meta.json), or with the teacher's scale where the student is to learn that too: both see
the photo at the canonical focal length, so what focal length it was taken with does not matter. Surfaces are kept where the
averaged teacher is sure. The result is a data folder like any other, but for `"measured": false`: a teacher's depth is no
truth, so the expected error is not learnt from it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from poc.errors import DataError
from poc.files import make_folder, write_file, write_together
from poc.models.embedded import prior_focal_px
from poc.training.augment import CANONICAL_FOCAL_PX
from poc.training.folder import read_picture
from poc.training.networks import load_checkpoint, pick_device
from poc.training.score import answer_both_ways, network_size

SURE = 0.7
SCALES = (0.8, 1.0)
"""Sizes the teacher looks at, as shares of the network's: on held-out photos the smaller one beside it helped, larger ones did not."""
LABEL_OF_SURFACE = np.array([20, 1, 0, 21, 7, 8], np.uint8)
UNLABELLED = 39


@torch.no_grad()
def teach(net: nn.Module, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log depth (h×w, at the canonical focal length) and surface probabilities (h×w×6), averaged over SCALES, of an upright photo. h×w: the
    network's size."""
    h, w = rgb.shape[:2]
    base = network_size(w, h)
    depths, surfaces = [], []
    for scale in SCALES:
        size = tuple(round(s * scale / 16) * 16 for s in base)
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if size[0] < w else cv2.INTER_LINEAR)
        image = torch.from_numpy(small.astype(np.float32) / 255).permute(2, 0, 1)[None].to(next(net.parameters()).device)
        log_depth, _, logits = (t.cpu() for t in answer_both_ways(net, image))
        depths.append(cv2.resize(log_depth[0, 0].numpy(), base) + np.log(size[0] / base[0]))
        surfaces.append(cv2.resize(logits.softmax(1)[0].permute(1, 2, 0).numpy(), base))
    return np.mean(depths, axis=0), np.mean(surfaces, axis=0)


def label_photos(
    checkpoint: str | Path, photos: list[Path], out: str | Path, progress: Callable[[int, int], None] | None = None,
    skipped: Callable[[DataError], None] | None = None, *, with_scale: bool = False,
) -> Path:
    """Write a data folder of the photos with the teacher's depth and surfaces; frames that already exist are kept.

    skipped: called with the error for each photo that cannot be read and is left out. with_scale: the
    student shall learn the teacher's scale too, not only its shape. Raises DataError where no photo can be read.
    """
    net = load_checkpoint(checkpoint).to(pick_device(), memory_format=torch.channels_last)  # several times faster on a CPU too
    out = Path(out)
    frames = []
    for part in ("rgb", "depth_mm", "label"):
        make_folder(out / part)
    stems = Counter(path.stem for path in photos)
    for i, path in enumerate(photos):
        try:
            bgr = read_picture(path, cv2.IMREAD_COLOR, "a photo")
        except DataError as error:
            if skipped:
                skipped(error)
        else:
            frames.append(_label_one(net, bgr, path.stem if stems[path.stem] == 1 else path.name.replace(".", "_"), out))
        if progress:
            progress(i + 1, len(photos))
    if not frames:
        raise DataError(f"{out}: none of the {len(photos)} photos could be read")
    meta = {"name": "photos labelled by a teacher network", "metric": with_scale, "measured": False, "frames": frames}
    write_file(out / "meta.json", json.dumps(meta, indent=1).encode())
    return out


def _label_one(net: nn.Module, bgr: np.ndarray, name: str, out: Path) -> dict:
    h, w = bgr.shape[:2]
    f_px = prior_focal_px(w, h)
    entry = {"name": name, "intrinsics": {"fx": f_px, "fy": f_px, "cx": w / 2, "cy": h / 2, "width": w, "height": h}}
    label_path = out / "label" / f"{name}.png"
    if label_path.is_file():
        return entry
    log_depth, surfaces = teach(net, bgr[:, :, ::-1])
    label = np.where(surfaces.max(2) > SURE, LABEL_OF_SURFACE[surfaces.argmax(2)], UNLABELLED).astype(np.uint8)
    f_net = f_px * network_size(w, h)[0] / w
    z = np.exp(cv2.resize(log_depth, (w, h))) * (f_net / CANONICAL_FOCAL_PX)
    depth_mm = np.clip(z * 1000, 1, 65535).astype(np.uint16)
    write_together({
        out / "rgb" / f"{name}.jpg": cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(),
        out / "depth_mm" / f"{name}.png": cv2.imencode(".png", depth_mm)[1].tobytes(),
        label_path: cv2.imencode(".png", cv2.resize(label, (w, h), interpolation=cv2.INTER_NEAREST))[1].tobytes(),
    })  # fmt: skip
    return entry
