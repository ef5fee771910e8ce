"""Depth models: a table of presets, their weights, and adapters that turn a photo into a depth map.

Importing this package is cheap: engines (ONNX Runtime, torch) are imported when a model is loaded.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poc.errors import ModelError
from poc.models.presets import DEFAULT_MODEL, PRESETS, Preset, get_preset
from poc.models.weights import find_meant, find_weights, obtain_weights, own_folder, read_sidecar
from poc.types import DepthMap, Photo

__all__ = ["DEFAULT_MODEL", "PRESETS", "DepthModel", "Preset", "PresetStatus", "get_preset", "list_presets", "load_model"]


class DepthModel(Protocol):
    """What an adapter's `load` returns."""

    preset: Preset

    def depth(self, photo: Photo, f_px: float | None = None) -> DepthMap:
        """Depth at the photo's size. f_px: focal length in photo pixels, if it is known better than `photo.f_px`."""


@dataclass(frozen=True)
class PresetStatus:
    """A row of `poc models`: the facts of a preset. where: the path of its weights, or where they would be stored if not `here`. size_mb:
    of the file, in millions of bytes."""

    name: str
    family: str
    kind: str
    licence: str
    parameters: int | None
    size_mb: float | None
    needs_torch: bool
    weights_file: str
    here: bool
    where: str
    source: str
    url: str
    published: dict[str, str]


def list_presets(weights_dir: str | Path | None = None) -> list[PresetStatus]:
    """Every preset with its licence, size and kind, and whether its weights are on this machine. Loads and downloads nothing."""
    return [_status(preset, weights_dir) for preset in PRESETS.values()]


def _status(preset: Preset, weights_dir: str | Path | None) -> PresetStatus:
    path = find_weights(preset, weights_dir)
    size_mb = preset.size_mb if path is None else round(path.stat().st_size / 1e6, 1)
    return PresetStatus(
        name=preset.name, family=preset.family, kind=preset.kind, licence=preset.licence,
        parameters=preset.parameters or _sidecar_parameters(path), size_mb=size_mb, needs_torch=preset.needs_torch,
        weights_file=preset.weights_file, here=path is not None,
        where=str(path or own_folder(weights_dir) / preset.weights_file), source=preset.source, url=preset.url,
        published=dict(preset.published),
    )


def _sidecar_parameters(path: Path | None) -> int | None:
    """The number of parameters from the file beside the weights; None where that is damaged, so that the list of models still works."""
    try:
        count = read_sidecar(path).get("parameters") if path else None
    except ModelError:
        return None
    return count if isinstance(count, int) else None


def load_model(name: str = DEFAULT_MODEL, weights_dir: str | Path | None = None) -> DepthModel:
    """The model called `name`, loaded once per process. Downloads official weights if they are missing.

    Raises ModelError for an unknown name (with the nearest one), weights that are missing or damaged, and missing torch.
    """
    from poc.models.runtime import cached, file_key

    preset = get_preset(name)
    adapter = importlib.import_module(preset.adapter)
    if preset.needs_torch:
        from poc.models.runtime import torch_device

        torch_device(name)  # say that torch is missing before 86 MB are fetched
    found = find_meant(preset, weights_dir)
    if found is None:
        found, _ = obtain_weights(preset, weights_dir)

    def make() -> DepthModel:
        path, identity = obtain_weights(preset, weights_dir)
        return adapter.load(preset, path, identity)

    parts = [path for path in (found, found.with_suffix(".json")) if path.is_file()]  # the weights, and the sidecar of the project's own
    return cached((preset.name, *map(file_key, parts)), make)
