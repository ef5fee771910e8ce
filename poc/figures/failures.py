"""A picture of the frames with the largest errors: photo, true depth, predicted depth, error relative to the expected one, surfaces."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poc.errors import ParameterError
from poc.figures.evidence import SURFACE_COLOURS
from poc.figures.theme import rgb
from poc.files import probe_folder, write_file
from poc.types import SURFACE_CLASSES, Z90, DepthMap, Surfaces

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from poc.training.folder import LoadedFrame

COLUMNS = ("photo", "true depth", "model (scaled)", "error beyond\nits 90 % band", "surfaces")


@dataclass(frozen=True)
class Row:
    """One frame at a reduced size. error: mean |log error| of the depth. true_m, model_m: h×w metres, 0 where unknown. beyond: |log error|
    divided by the model's 90 % band (NaN where unknown). surfaces: h×w class numbers. span_m: range of the depth colours."""

    name: str
    error: float
    rgb: np.ndarray
    true_m: np.ndarray
    model_m: np.ndarray
    beyond: np.ndarray | None
    surfaces: np.ndarray | None
    span_m: tuple[float, float]


@dataclass
class Worst:
    """Collects frames and keeps the `most` ones with the largest mean log error after scaling."""

    most: int = 3
    rows: list[Row] = field(default_factory=list)

    def see(self, loaded: LoadedFrame, depth: DepthMap, surfaces: Surfaces | None) -> None:
        """Add a frame and a model's output for it; to be passed as `seen` to `poc.evaluate.evaluate`."""
        self.rows = sorted([*self.rows, _row(loaded, depth, surfaces)], key=lambda r: -r.error)[: self.most]

    def draw(self, path: str | Path) -> Path:
        """Write the picture, with a row per frame; its format follows from the file's suffix. Raises WriteError as `write_file` does."""
        from matplotlib.figure import Figure

        fig = Figure(figsize=(2.3 * len(COLUMNS), 1.85 * len(self.rows) + 0.4), dpi=110, layout="constrained")
        axes = fig.subplots(len(self.rows), len(COLUMNS), squeeze=False)
        for line, row in zip(axes, self.rows, strict=True):
            _draw_row(line, row)
        for axis, title in zip(axes[0], COLUMNS, strict=True):
            axis.set_title(title, fontsize=9)
        file = io.BytesIO()
        kind = Path(path).suffix.lower().removeprefix(".") or "png"
        fig.savefig(file, format=kind, **({"pil_kwargs": {"quality": 88}} if kind in ("jpg", "jpeg") else {}))
        return write_file(Path(path), file.getvalue())


def check_picture(path: Path) -> None:
    """Check, before hours of work, that a picture can be written there. Raises ParameterError for an unknown suffix, WriteError for the
    folder."""
    from matplotlib.figure import Figure

    if os.path.isdir(path):
        raise ParameterError(f"{path} is a folder: name a picture in it, like {path / 'worst.png'}")
    kinds = Figure().canvas.get_supported_filetypes()
    if path.suffix and path.suffix.lower().removeprefix(".") not in kinds:
        raise ParameterError(f"{path}: pictures cannot be written as {path.suffix}; give .png or .jpg")
    probe_folder(path.parent)


def _row(loaded: LoadedFrame, depth: DepthMap, surfaces: Surfaces | None) -> Row:
    from poc import metrics

    known = (loaded.depth_m > 0) & depth.valid
    model = np.zeros(known.shape)
    values, true = depth.values[known].astype(float), loaded.depth_m[known].astype(float)
    model[known] = metrics.align_scale(values, true) if depth.kind == "metric" else metrics.align_affine(values, true)
    off = np.abs(np.log(model[known] / true))
    beyond = None
    if depth.kind == "metric" and depth.sigma_log is not None:
        beyond = np.full(known.shape, np.nan)
        beyond[known] = np.abs(np.log(values / true)) / (Z90 * depth.sigma_log[known])
    step = max(1, round(max(known.shape) / 320))
    small = (slice(None, None, step), slice(None, None, step))
    labels = None if surfaces is None else _labels(surfaces, known.shape)[small]
    low, high = np.percentile(true, (2, 98))
    return Row(loaded.frame.name, float(off.mean()), loaded.rgb[small], loaded.depth_m[small], model[small],
               None if beyond is None else beyond[small], labels, (float(low), float(high)))


def _labels(surfaces: Surfaces, shape: tuple[int, int]) -> np.ndarray:
    import cv2

    return cv2.resize(surfaces.probabilities, shape[::-1], interpolation=cv2.INTER_LINEAR).argmax(2)


def _colours() -> np.ndarray:
    """uint8 n×3: a colour for each surface class, the same as on the photo in the report; grey for anything else."""
    return np.array([rgb(SURFACE_COLOURS.get(name, "#c8c8c8")) for name in SURFACE_CLASSES], np.uint8)


def _draw_row(axes: list[Axes], row: Row) -> None:
    known = row.true_m > 0
    low, high = row.span_m
    axes[0].imshow(row.rgb)
    axes[0].set_ylabel(f"{row.name}\n{100 * np.expm1(row.error):.0f} % off", fontsize=8)
    axes[1].imshow(np.where(known, row.true_m, np.nan), cmap="viridis_r", vmin=low, vmax=high)
    axes[2].imshow(np.where(known, row.model_m, np.nan), cmap="viridis_r", vmin=low, vmax=high)
    if row.beyond is not None:
        axes[3].imshow(row.beyond, cmap="RdBu_r", vmin=0, vmax=2)
    if row.surfaces is not None:
        axes[4].imshow(_colours()[row.surfaces])
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
