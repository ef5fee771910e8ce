"""Before and after: the shipped model fine-tuned on a folder of photos with depth, both scored on photos it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poc.depth import estimate
from poc.errors import ParameterError
from poc.evaluate import default_estimator, evaluate
from poc.files import make_folder, writing_where_told
from poc.models.weights import SHIPPED
from poc.photo import load_photo
from poc.runs import from_project
from poc.training.folder import list_frames, load_frame, select_frames
from poc.types import Photo

WEIGHTS_FILE = "embedded.onnx"
"""The name under which the loader looks for the embedded model in a weights folder."""


@dataclass(frozen=True)
class Split:
    """Names of the frames of a folder: those to learn from and those to score on."""

    folder: Path
    learn: tuple[str, ...]
    score: tuple[str, ...]


@dataclass(frozen=True)
class Views:
    """One scored frame: the photo and three depth maps, H×W float32 metres, 0 where the truth is missing."""

    photo: Photo
    true_m: np.ndarray
    before_m: np.ndarray
    after_m: np.ndarray


def split(folder: str | Path, held_out: Sequence[str]) -> Split:
    """A folder's frames, those in `held_out` kept for scoring; with none named, every fifth (at least one).

    Raises ParameterError for a name that the folder lacks, or when nothing is left to learn from; DataError for a bad folder.
    """
    folder = from_project(Path(folder).expanduser())
    names = [f.name for f in list_frames(folder)]
    unknown = sorted(set(held_out) - set(names))
    if unknown:
        raise ParameterError(f"{folder}: holds no frame named {', '.join(unknown)}; it has {', '.join(names[:8])}{' …' * (len(names) > 8)}")
    score = tuple(held_out) or tuple(names[::5])
    learn = tuple(n for n in names if n not in score)
    if not learn:
        raise ParameterError(f"{folder}: every one of its {len(names)} frames is held out; at least one must be left to learn from")
    return Split(folder, learn, score)


def split_rows(parts: Split, most: int = 12) -> list[list[str]]:
    """Table rows: the names of the frames to learn from and to score on, the first ones of many."""
    def told(names: tuple[str, ...]) -> str:
        more = f" and {len(names) - most} more" if len(names) > most else ""
        return ", ".join(names[:most]) + more

    return [["learn from", told(parts.learn)], ["score on", told(parts.score)]]


def fine_tune(parts: Split, out: str | Path, epochs: int, samples: int, threads: int = 2, tell: Callable[[dict], None] | None = None) -> Path:
    """Fine-tune the shipped model on the frames to learn from; returns the folder that holds the new weights.

    Point POC_WEIGHTS or `weights_dir=` at it to use them. A run that was stopped goes on; one with other settings starts again.
    """
    from poc.training.export import export_run
    from poc.training.loop import settings_changed, train
    from poc.training.recipe import make_config
    from poc.training.store import Source

    with writing_where_told():
        out = make_folder(Path(out))
    (out / "held_out.txt").write_text("\n".join(parts.score) + "\n")
    given = {"held_out": str(out / "held_out.txt"), "epochs": epochs, "samples_per_epoch": samples, "threads": threads, "validate_every": epochs}
    config = make_config((Source(str(parts.folder)),), out, given, finetune=True)
    if settings_changed(config):
        (out / "last.pt").unlink()
    checkpoint = train(config, tell)
    export_run(checkpoint, out / WEIGHTS_FILE, config, calibrate=False)  # the held-out frames are for the scores
    return out


def scores(parts: Split, weights_dir: str | Path | None = None) -> dict:
    """Scores on the held-out frames, as `poc evaluate` gives them; weights_dir: None for the shipped weights,
    wherever POC_WEIGHTS points."""
    return evaluate(parts.folder, names=parts.score, estimator=default_estimator("embedded", weights_dir or SHIPPED))


def score_rows(before: dict, after: dict) -> list[list[str]]:
    """Rows of text: what is scored, before, after."""
    asked = (
        ("metric AbsRel, lower is better", ("metric", "abs_rel")), ("metric δ1, higher is better", ("metric", "delta1")),
        ("affine-aligned δ1, higher is better", ("affine", "delta1")), ("share of pixels inside the 90 % band", ("expected_error", "coverage_90")),
        ("floor IoU", ("surfaces", "iou", "floor")), ("wall IoU", ("surfaces", "iou", "wall")), ("ceiling IoU", ("surfaces", "iou", "ceiling")),
    )  # fmt: skip
    pairs = [(label, _dig(before, path), _dig(after, path)) for label, path in asked]
    return [[label, f"{a:.3f}", f"{b:.3f}"] for label, a, b in pairs if a is not None and b is not None]


def views(parts: Split, weights_dir: str | Path, name: str | None = None) -> Views:
    """One held-out frame (the first, where none is named) as the two models see it."""
    (frame,) = select_frames(parts.folder, [name or parts.score[0]])
    loaded = load_frame(frame)
    focal = 0.5 * (frame.fx + frame.fy)
    photo = load_photo(frame.rgb)
    before, after = (estimate(photo, "embedded", focal, folder)[0].values for folder in (SHIPPED, weights_dir))
    return Views(photo, loaded.depth_m, before, after)


def epoch_line(record: dict) -> str:
    """A round of training in one line."""
    return f"round {record['epoch']}: loss {record['total']:.3f} (depth {record['l1']:.3f}, surfaces {record['surface']:.3f}), {60 * record['minutes']:.0f} s"


def _dig(record: dict, path: Sequence[str]) -> float | None:
    for key in path:
        record = (record or {}).get(key)
    return record
