"""The record of a training run: its settings and digests of its training data, by which an interrupted run is recognised."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from poc.errors import DataError
from poc.training.folder import Frame, read_names
from poc.training.store import list_photos, split_frames

if TYPE_CHECKING:
    from poc.training.loop import TrainConfig

NAMES = "frames and those held out"
CONTENT = "photos, depth, labels and cameras"
CHANGES_NOTHING = ("out", "threads", "validate_every", "not_rooms")


def as_record(config: TrainConfig) -> dict:
    """The settings, and digests of the content behind their paths, which may change while the paths stay the same.

    Raises DataError where something cannot be read.
    """
    held_out = read_names(config.held_out)
    frames = [split_frames(s.folder, held_out)[0] for s in config.sources]
    photos = [list_photos(s.folder) for s in config.photos]
    names = [sorted(held_out), [[f.name for f in some] for some in frames], [[path.name for path in some] for some in photos]]
    networks = "".join(digest_of(path)[:16] for path in (config.init, *config.teachers) if path)
    frame_content = [[_frame_content(f) for f in some] for some in frames]
    photo_content = [[digest_of(p) for p in some if p.stem not in held_out] for some in photos]
    return asdict(config) | {
        NAMES: hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16],
        "networks it starts from or asks": networks,
        CONTENT: hashlib.sha256(json.dumps((frame_content, photo_content)).encode()).hexdigest()[:16],
    }


def _frame_content(frame: Frame) -> list:
    """The content of a frame as it affects training, independent of its folder's path."""
    camera = (frame.fx, frame.fy, frame.cx, frame.cy, frame.width, frame.height, frame.crop, frame.metric, frame.measured)
    return [*(digest_of(path) if path else "" for path in (frame.rgb, frame.depth, frame.label)), *camera]


def digest_of(path: str | Path) -> str:
    """A file's sha256. Raises DataError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def settings_changed(config: TrainConfig) -> list[str]:
    """Names of the settings in which the run already in `config.out` differs. Settings that do not affect the result, and those that an
    older run did not record, are ignored. Raises DataError where the run's record or the training data cannot be read."""
    out = Path(config.out)
    if not (out / "last.pt").is_file() or not (out / "config.json").is_file():
        return []
    old, new = read_record(out / "config.json"), json.loads(json.dumps(as_record(config)))
    if CONTENT in old:
        old, new = _without_places(old), _without_places(new)
    differs = {k for k in new if k not in CHANGES_NOTHING and k in old and old[k] != new[k]}
    return sorted(differs - {CONTENT} if NAMES in differs else differs)


def read_record(path: Path) -> dict:
    """A run's `config.json`. Raises DataError where it cannot be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}): delete its folder to start again, or give another --out") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: is not the record of a run: delete its folder to start again, or give another --out")
    return found


def _without_places(record: dict) -> dict:
    """A record without the paths of its folders and of its list of held-out frames: the same content elsewhere counts as the same."""
    weights = {name: [source["weight"] for source in record[name]] for name in ("sources", "photos") if name in record}
    return {name: value for name, value in record.items() if name != "held_out"} | weights
