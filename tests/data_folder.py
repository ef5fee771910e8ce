"""A small, exact data folder in the project's format: boxes before a wall, drawn so that a network can learn them."""

import json

import cv2
import numpy as np

from poc.training.folder import list_frames, load_frame


def write_folder(folder, n=8, size=(64, 48), f_px=60.0, seed=0):
    """Write n frames; returns their names. Nearer pixels are brighter, so depth can be read off the photo."""
    rng = np.random.default_rng(seed)
    width, height = size
    for part in ("rgb", "depth_mm", "label"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    names = [f"frame_{i:02d}" for i in range(n)]
    for name in names:
        depth = np.full((height, width), rng.uniform(3, 5))
        label = np.zeros((height, width), np.uint8)
        depth[height * 2 // 3 :], label[height * 2 // 3 :] = 2.0, 1
        x, y = rng.integers(0, width // 2), rng.integers(0, height // 2)
        depth[y : y + 12, x : x + 16], label[y : y + 12, x : x + 16] = 1.2, 5
        grey = np.clip(255 / depth, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "rgb" / f"{name}.jpg"), cv2.merge([grey, grey, 255 - grey]), [cv2.IMWRITE_JPEG_QUALITY, 98])
        cv2.imwrite(str(folder / "depth_mm" / f"{name}.png"), (depth * 1000).astype(np.uint16))
        cv2.imwrite(str(folder / "label" / f"{name}.png"), label)
    intrinsics = {"fx": f_px, "fy": f_px, "cx": width / 2, "cy": height / 2, "width": width, "height": height}
    (folder / "meta.json").write_text(json.dumps({"intrinsics": intrinsics, "frames": names}))
    return names


def load_all(folder):
    return [load_frame(f) for f in list_frames(folder)]


def short_run(tmp_path, **changes):
    """Settings of a run of seconds on the folder `data`, into `out`."""
    from poc.training.loop import TrainConfig
    from poc.training.store import Source

    given = dict(
        sources=(Source(str(tmp_path / "data")),), out=str(tmp_path / "out"), epochs=4, batch=4, lr=2e-3,
        sizes=((1.0, (64, 48)),), freeze_blocks=0, encoder_lr_ratio=1.0, threads=1, validate_every=99,
    )  # fmt: skip
    return TrainConfig(**{**given, **changes})
