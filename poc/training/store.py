"""Frames held in memory, and endless batches drawn from several folders by weight.

Every batch has its own random generators, seeded by (seed, epoch, position): a resumed run sees the same samples as an
uninterrupted one, on another device too (but for their noise).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from poc.errors import DataError
from poc.models.embedded import prior_focal_px
from poc.training.augment import AugmentConfig, Stored
from poc.training.folder import Frame, LoadedFrame, list_frames, load_frame, read_picture
from poc.training.views import Bank

log = logging.getLogger(__name__)
STORED_SIDE = 480
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Source:
    """A data folder, or a folder of photos, and its share of the samples of an epoch."""

    folder: str
    weight: float = 1.0


def reduce_frame(loaded: LoadedFrame) -> Stored:
    """A loaded frame reduced to a long side of at most STORED_SIDE, so that a few thousand fit in memory."""
    factor, size = _reduction(loaded.rgb)
    f = loaded.frame
    return Stored(
        cv2.resize(loaded.rgb, size, interpolation=cv2.INTER_AREA),
        cv2.resize(loaded.depth_m, size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.float16),
        cv2.resize(loaded.surface, size, interpolation=cv2.INTER_NEAREST_EXACT),
        0.5 * (f.fx + f.fy) * factor, (f.cx * factor, f.cy * factor), f.metric, f.measured,
    )  # fmt: skip


def reduce_photo(path: Path) -> Stored:
    """A photo without depth and focal length, reduced like a frame. Raises DataError where it cannot be read."""
    rgb = read_rgb(path)
    _, (w, h) = _reduction(rgb)
    rgb = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA)
    return Stored(rgb, None, None, prior_focal_px(w, h), (w / 2, h / 2), metric=False, measured=False)


def read_rgb(path: Path) -> np.ndarray:
    """A photo as uint8 H×W×3. Raises DataError where it cannot be read."""
    return cv2.cvtColor(read_picture(path, cv2.IMREAD_COLOR, "a photo"), cv2.COLOR_BGR2RGB)


def _reduction(picture: np.ndarray) -> tuple[float, tuple[int, int]]:
    """The factor by which an H×W×3 picture is reduced for storage, and its (width, height) afterwards."""
    h, w = picture.shape[:2]
    factor = min(1.0, STORED_SIDE / max(h, w))
    return factor, (round(w * factor), round(h * factor))


def list_photos(folder: str | Path) -> list[Path]:
    """The .jpg and .png files of a folder, sorted by name. Raises DataError where there are none."""
    found = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise DataError(f"{folder}: no .jpg or .png photo in it")
    return found


def split_frames(folder: str | Path, held_out: frozenset[str]) -> tuple[list[Frame], list[Frame]]:
    """(training, validation) frames of a folder; `held_out` names the validation frames."""
    frames = list_frames(folder)
    return [f for f in frames if f.name not in held_out], [f for f in frames if f.name in held_out]


def true_frames(sources: Sequence[Source], held_out: frozenset[str]) -> list[Frame]:
    """The held-out frames with measured metric depth; depth from another network is not used for scores."""
    return [f for s in sources for f in split_frames(s.folder, held_out)[1] if f.metric and f.measured]


@dataclass(frozen=True)
class Batch:
    """A batch of samples. samples: as returned by `Bank.sample`, before any change of light; the first `labelled` of them have ground
    truth. rng: generator for further random changes."""

    samples: dict[str, Tensor]
    labelled: int
    rng: torch.Generator


class Batches:
    """Draws the batches of each epoch. photos: folders without depth, which come after `sources` in `pools` and `weights`."""

    def __init__(
        self, sources: Sequence[Source], held_out: frozenset[str], augment: AugmentConfig, seed: int,
        photos: Sequence[Source] = (), device: torch.device | str = "cpu",
    ):  # fmt: skip
        found = [[path for path in list_photos(source.folder) if path.stem not in held_out] for source in photos]
        self.pools: list[Bank] = []
        self.augment, self.seed, self.device = augment, seed, torch.device(device)
        for source in sources:
            frames, _ = split_frames(source.folder, held_out)
            if not frames:
                raise DataError(f"{source.folder}: every frame is held out; nothing is left to train on")
            self._add(source.folder, frames, lambda frame: reduce_frame(load_frame(frame, to_learn=True)))
        for source, paths in zip(photos, found, strict=True):
            if not paths:
                raise DataError(f"{source.folder}: every photo is held out; nothing is left to train on")
            self._add(source.folder, paths, reduce_photo)
        self.weights = np.array([s.weight for s in [*sources, *photos]], float)
        self.labelled = len(sources)

    def _add(self, folder: str, items: list, read: Callable[..., Stored]) -> None:
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            self.pools.append(Bank(list(pool.map(read, items)), self.device))
        log.info("%s: %d frames", folder, len(items))

    def plan(self, epoch: int, n: int, with_photos: bool = True) -> list[tuple[int, int]]:
        """(pool, frame) of each sample: every frame of a pool is used before one is used again."""
        rng = np.random.default_rng((self.seed, epoch))
        weights = self.weights if with_photos else self.weights[: self.labelled]
        counts = np.floor(weights / weights.sum() * n).astype(int)
        counts[0] += n - counts.sum()
        picks = []
        for p, count in enumerate(counts):
            size = len(self.pools[p])
            order = np.concatenate([rng.permutation(size) for _ in range(-(-count // size))])[:count] if count else []
            picks += [(p, int(i)) for i in order]
        return [picks[i] for i in rng.permutation(len(picks))]

    def epoch(self, epoch: int, n: int, batch: int, size: tuple[int, int], with_photos: bool = True) -> Iterator[Batch]:
        """n samples in batches of `batch`; size is (width, height), turned upright in one batch of six, or more where
        more of its frames are."""
        plan = self.plan(epoch, n, with_photos)
        for start in range(0, len(plan) - batch + 1, batch):
            seeds = np.random.SeedSequence((self.seed, epoch, start)).generate_state(2)
            rng = torch.Generator().manual_seed(int(seeds[0]))
            picks = plan[start : start + batch]
            share = np.mean([self.pools[p].is_upright(i) for p, i in picks])
            upright = np.random.default_rng(int(seeds[1])).random() < np.clip(share, 1 / 6, 5 / 6)
            samples = self._samples(picks, size[::-1] if upright else size, rng)
            yield Batch(samples, sum(p < self.labelled for p, _ in picks), rng)

    def _samples(self, picks: list[tuple[int, int]], size: tuple[int, int], rng: torch.Generator) -> dict[str, Tensor]:
        parts = []
        for p, pool in enumerate(self.pools):
            if mine := [k for q, k in picks if q == p]:
                parts.append(pool.sample(mine, size, self.augment, rng))
        return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
