"""The one table of models. A row is here only if it loads and runs; a new model is one row and, at most, one adapter.

Published figures are the authors' own, zero-shot unless said; what was measured here is in data/weights/MODEL_CARD.md.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from poc.errors import ModelError
from poc.types import DepthKind

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preset:
    """Facts about one model.

    adapter: module with `load(preset, weights, identity)`. kind: what it puts out. parameters: count, or None where the
    file beside the weights says it. weights_file: the official name; other_names: what else the same file is called.
    url: "" where the file ships with the project. size_mb: of the file, about, in millions of bytes. sha256: whole digest or known
    prefix, or "" where a sidecar holds it; git_blob: git's object id of the file, or "". input_size, multiple_of:
    network pixels. resize: "long_side" (aspect kept, the long side is input_size) or "upper_bound" (aspect kept, the
    photo fits inside the square). mean, std: of RGB in [0, 1]; 0 and 1 where the graph normalises by itself.
    """

    name: str
    family: str
    adapter: str
    kind: DepthKind
    licence: str
    parameters: int | None
    weights_file: str
    source: str
    input_size: int
    multiple_of: int
    resize: str
    other_names: tuple[str, ...] = ()
    url: str = ""
    size_mb: float | None = None
    sha256: str = ""
    git_blob: str = ""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    needs_torch: bool = False
    published: dict[str, str] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="embedded", family="embedded", adapter="poc.models.embedded", kind="metric", licence="Apache-2.0",
            parameters=None, weights_file="embedded.onnx", source="this project, data/weights", size_mb=None,
            input_size=320, multiple_of=16, resize="long_side", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
        ),
        Preset(
            name="midas-small", family="MiDaS v2.1", adapter="poc.models.midas_small", kind="relative_inverse",
            licence="MIT", parameters=21_320_545, weights_file="midas_v21_small_256.pt",
            other_names=("model-small-70d6b9c8.pt", "midas_v21_small-70d6b9c8.pt"),
            source="project isl-org/MiDaS, release v2_1",
            url="https://github.com/isl-org/MiDaS/releases/download/v2_1/midas_v21_small_256.pt",
            size_mb=86, sha256="70d6b9c8", git_blob="e224b2bed206ebb398b613018f24458f00eab784",
            input_size=256, multiple_of=32, resize="upper_bound", needs_torch=True,
            published={"NYUv2 1-δ1, affine": "13.43 %"},
        ),
    )
}
DEFAULT_MODEL = "embedded"


def get_preset(name: str) -> Preset:
    """The row called `name`; ModelError with the nearest name otherwise."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(str(name).lower().replace("_", "-"), PRESETS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(PRESETS)}"
    raise ModelError(f"unknown model {name!r}: {hint}")
