"""The shipped model before and after fine-tuning on a folder of photos with depth, both scored on photos not used in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from poc.depth import estimate
from poc.errors import ParameterError
from poc.evaluate import default_estimator, evaluate
from poc.files import make_folder, output_chosen_by_caller
from poc.models.presets import get_preset
from poc.models.weights import SHIPPED, obtain_weights
from poc.photo import load_photo
from poc.runs import from_project
from poc.training.folder import list_frames, load_frame, select_frames
from poc.types import Photo

WEIGHTS_FILE = "embedded.onnx"
"""The name under which the loader looks for the embedded model in a weights folder."""


class Score(NamedTuple):
    """A score that is compared: its label, its ideal value, and the keys under which `poc evaluate` reports it."""

    label: str
    ideal: float
    keys: tuple[str, ...]


class Compared(NamedTuple):
    """The value of a score before and after fine-tuning."""

    label: str
    ideal: float
    before: float
    after: float


SCORES = (
    Score("metric AbsRel, lower is better", 0.0, ("metric", "abs_rel")),
    Score("metric δ1, higher is better", 1.0, ("metric", "delta1")),
    Score("affine-aligned δ1, higher is better", 1.0, ("affine", "delta1")),
    Score("share of pixels inside the 90 % band", 0.9, ("expected_error", "coverage_90")),
    Score("floor IoU", 1.0, ("surfaces", "iou", "floor")),
    Score("wall IoU", 1.0, ("surfaces", "iou", "wall")),
    Score("ceiling IoU", 1.0, ("surfaces", "iou", "ceiling")),
)
LEAST_CHANGE = 0.005
"""A smaller difference counts as no change of a score."""
ENOUGH = 20
"""With fewer photos to score on, neither a gain nor a loss can be trusted."""


@dataclass(frozen=True)
class Split:
    """Names of the frames of a folder: those to train on and those to score on."""

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
    """Divide a folder's frames: those named in `held_out` are for scoring, or every fifth (at least one) if none is named.

    Raises ParameterError for a name that the folder lacks, or when nothing is left to train on; DataError for a bad folder.
    """
    folder = from_project(Path(folder).expanduser())
    names = [f.name for f in list_frames(folder)]
    unknown = sorted(set(held_out) - set(names))
    if unknown:
        raise ParameterError(f"{folder}: has no frame named {', '.join(unknown)}; it has {', '.join(names[:8])}{' …' * (len(names) > 8)}")
    score = tuple(held_out) or tuple(names[::5])
    learn = tuple(n for n in names if n not in score)
    if not learn:
        raise ParameterError(f"{folder}: every one of its {len(names)} frames is held out; at least one must be left to train on")
    return Split(folder, learn, score)


def split_rows(parts: Split, most: int = 12) -> list[list[str]]:
    """Table rows (use, names of its frames); of more than `most` names the rest are only counted."""
    def listed(names: tuple[str, ...]) -> str:
        more = f" and {len(names) - most} more" if len(names) > most else ""
        return ", ".join(names[:most]) + more

    return [["train on", listed(parts.learn)], ["score on", listed(parts.score)]]


def fine_tune(
    parts: Split, out: str | Path, epochs: int, samples: int, threads: int = 2, tell: Callable[[dict], None] | None = None
) -> Path:
    """Fine-tune the shipped model on the training frames; returns the folder that holds the new weights.

    Point POC_WEIGHTS or `weights_dir=` at it to use them. An interrupted run is continued; if the settings, photos, depth or labels have
    changed, it starts again. tell: called with each epoch's record; those of epochs trained in an earlier call have the key "earlier".
    """
    from poc.training.export import export_run
    from poc.training.loop import train
    from poc.training.recipe import make_config
    from poc.training.record import settings_changed
    from poc.training.store import Source

    def tell_earlier(history: list[dict]) -> None:
        for record in history if tell else ():
            tell(record | {"earlier": True})

    with output_chosen_by_caller():
        out = make_folder(Path(out))
    (out / "held_out.txt").write_text("\n".join(parts.score) + "\n")
    given = {
        "held_out": str(out / "held_out.txt"), "epochs": epochs, "samples_per_epoch": samples, "threads": threads, "validate_every": epochs,
    }  # fmt: skip
    config = make_config((Source(str(parts.folder)),), out, given, finetune=True)
    if settings_changed(config):
        (out / "last.pt").unlink()
    checkpoint = train(config, tell, tell_earlier)
    export_run(checkpoint, out / WEIGHTS_FILE, config, calibrate=False)  # the held-out frames are for the scores
    return out


def scores(parts: Split, weights_dir: str | Path | None = None) -> dict:
    """Scores on the held-out frames, as `poc evaluate` reports them. weights_dir: None for the shipped weights, whatever POC_WEIGHTS
    says."""
    return evaluate(parts.folder, names=parts.score, estimator=default_estimator("embedded", weights_dir or SHIPPED))


def provenance(parts: Split, weights_dir: str | Path, epochs: int, samples: int) -> dict:
    """Keyword arguments of `Run.save` that record the new weights: the model, its weights, and what they were trained from."""
    from poc.training.record import CONTENT, read_record

    preset = get_preset("embedded")
    content = read_record(Path(weights_dir) / "config.json")[CONTENT]
    facts = {
        "data": Path(parts.folder).resolve().name, "data_content": content, "learnt_from": list(parts.learn), "held_out": list(parts.score),
        "epochs": epochs, "samples": samples, "started_from": obtain_weights(preset, SHIPPED)[1],
    }  # fmt: skip
    return {"model": preset.name, "weights": obtain_weights(preset, weights_dir)[1], "facts": facts}


def score_rows(before: dict, after: dict) -> list[list[str]]:
    """Table rows: label of the score, before, after."""
    return [[score.label, f"{score.before:.3f}", f"{score.after:.3f}"] for score in _compared(before, after)]


def verdict(before: dict, after: dict) -> list[str]:
    """Two sentences: which scores got better and which got worse, and how far that can be trusted with this number of photos."""
    better, worse = _changes(before, after)
    changes = [f"{word}: {', '.join(names)}." for word, names in (("Better", better), ("Worse", worse)) if names]
    if len(changes) == 1:
        changes.append(f"None got {'worse' if better else 'better'}.")
    n = after["frames"]
    photos = f"{n} photo{'s' * (n != 1)}"
    few = f"far too few to trust a gain or a loss. Once you have a hundred rooms of your own, hold out {ENOUGH} of them and score again."
    trust = f"Scored on {photos}: {few}" if n < ENOUGH else f"Scored on {photos} that were held out from this fine-tuning; the shipped weights may have seen them."
    return [" ".join(changes) or f"No score changed by {LEAST_CHANGE:g} or more.", trust]


def advice(before: dict, after: dict, weights_dir: str | Path) -> str:
    """Which weights to measure with, judging by the scores, and how to select them."""
    better, worse = _changes(before, after)
    folder = Path(weights_dir).resolve()
    metres = any(name.startswith("metric") for name in worse)
    if metres or not better:
        are = "are further off in metres" if metres else "are worse" if worse else "are no better"
        return f"Keep the shipped weights: on the photos held out, the new ones, in {folder}, {are}."
    if worse:
        unless = "unless the scores that improved matter more to you. To measure with the new ones, name their folder"
        return f"Some scores got worse: keep the shipped weights, {unless}: POC_WEIGHTS={folder}"
    enough = after["frames"] >= ENOUGH
    to_use = "To measure with the new weights" if enough else "The new weights did better, but on too few photos to be sure. To try them"
    return f"{to_use}, name their folder: POC_WEIGHTS={folder}"


def _changes(before: dict, after: dict) -> tuple[list[str], list[str]]:
    """Names of the scores that got better by LEAST_CHANGE or more, and of those that got worse, or are no number any more."""
    gains = {
        score.label.partition(",")[0]: abs(score.before - score.ideal) - abs(score.after - score.ideal)
        for score in _compared(before, after)
    }
    lost = [s.label.partition(",")[0] for s in _compared(before, after) if np.isnan(s.after) and not np.isnan(s.before)]
    better = [name for name, gain in gains.items() if gain >= LEAST_CHANGE]
    return better, [name for name, gain in gains.items() if gain <= -LEAST_CHANGE or name in lost]


def _compared(before: dict, after: dict) -> list[Compared]:
    """Every score that both records have."""
    found = [Compared(score.label, score.ideal, _dig(before, score.keys), _dig(after, score.keys)) for score in SCORES]
    return [score for score in found if score.before is not None and score.after is not None]


def views(parts: Split, weights_dir: str | Path, name: str | None = None) -> Views:
    """One held-out frame (the first if none is named) with the depth that the shipped and the new model give for it."""
    (frame,) = select_frames(parts.folder, [name or parts.score[0]])
    loaded = load_frame(frame)
    focal = 0.5 * (frame.fx + frame.fy)
    photo = load_photo(frame.rgb)
    before, after = (estimate(photo, "embedded", focal, folder)[0].values for folder in (SHIPPED, weights_dir))
    return Views(photo, loaded.depth_m, before, after)


def epoch_line(record: dict) -> str:
    """An epoch's record in one line."""
    earlier = ", trained earlier" if record.get("earlier") else ""
    losses = f"loss {record['total']:.3f} (depth {record['l1']:.3f}, surfaces {record['surface']:.3f})"
    return f"epoch {record['epoch']}: {losses}, {60 * record['minutes']:.0f} s{earlier}"


def _dig(record: dict, keys: Sequence[str]) -> float | None:
    """The value under nested keys; None where one is missing."""
    for key in keys:
        record = (record or {}).get(key)
    return record
