"""Frames held in memory, and endless batches drawn from several folders by weight.

Every sample has its own random generator, seeded by (seed, epoch, position): a resumed run sees the same samples as an
uninterrupted one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from poc.errors import DataError
from poc.training.augment import AugmentConfig, Stored, make_sample
from poc.training.folder import Frame, LoadedFrame, list_frames, load_frame

log = logging.getLogger(__name__)
STORED_SIDE = 480


@dataclass(frozen=True)
class Source:
    """A data folder and its share of the samples of an epoch."""

    folder: str
    weight: float = 1.0


def reduce_frame(loaded: LoadedFrame) -> Stored:
    """A loaded frame at long side ≤ STORED_SIDE, to keep a few thousand in memory."""
    h, w = loaded.rgb.shape[:2]
    factor = min(1.0, STORED_SIDE / max(h, w))
    size = (round(w * factor), round(h * factor))
    f = loaded.frame
    return Stored(
        cv2.resize(loaded.rgb, size, interpolation=cv2.INTER_AREA),
        cv2.resize(loaded.depth_m, size, interpolation=cv2.INTER_NEAREST).astype(np.float16),
        cv2.resize(loaded.surface, size, interpolation=cv2.INTER_NEAREST),
        0.5 * (f.fx + f.fy) * factor,
        f.metric,
        f.measured,
    )


def split_frames(folder: str | Path, held_out: frozenset[str]) -> tuple[list[Frame], list[Frame]]:
    """(training, validation) frames of a folder; `held_out` names the validation frames."""
    frames = list_frames(folder)
    return [f for f in frames if f.name not in held_out], [f for f in frames if f.name in held_out]


class Batches:
    """Batches for one epoch after another; samples are made one batch ahead, in a thread."""

    def __init__(self, sources: list[Source], held_out: frozenset[str], augment: AugmentConfig, seed: int):
        self.pools = []
        for source in sources:
            frames, _ = split_frames(source.folder, held_out)
            if not frames:
                raise DataError(f"{source.folder}: every frame is held out; nothing is left to train on")
            with ThreadPoolExecutor(2) as pool:
                self.pools.append(list(pool.map(lambda f: reduce_frame(load_frame(f)), frames)))
            log.info("%s: %d frames", source.folder, len(frames))
        weights = np.array([s.weight for s in sources], float)
        self.shares = weights / weights.sum()
        self.augment, self.seed = augment, seed

    def plan(self, epoch: int, n: int) -> list[tuple[int, int]]:
        """(pool, frame) of each sample: every frame of a pool is used before one is used again."""
        rng = np.random.default_rng((self.seed, epoch))
        counts = np.floor(self.shares * n).astype(int)
        counts[0] += n - counts.sum()
        picks = []
        for p, count in enumerate(counts):
            size = len(self.pools[p])
            order = np.concatenate([rng.permutation(size) for _ in range(-(-count // size))])[:count] if count else []
            picks += [(p, int(i)) for i in order]
        return [picks[i] for i in rng.permutation(len(picks))]

    def epoch(self, epoch: int, n: int, batch: int, size: tuple[int, int]) -> Iterator[dict[str, np.ndarray]]:
        """n samples in batches of `batch`; size is (width, height), turned upright in one batch of six."""
        plan = self.plan(epoch, n)
        starts = range(0, len(plan) - batch + 1, batch)

        def make(start: int) -> dict[str, np.ndarray]:
            rng = np.random.default_rng((self.seed, epoch, start))
            width, height = size[::-1] if rng.random() < 1 / 6 else size
            samples = [
                make_sample(np.random.default_rng((self.seed, epoch, start + i)), self.pools[p][k], width, height, self.augment)
                for i, (p, k) in enumerate(plan[start : start + batch])
            ]
            return {key: np.stack([s[key] for s in samples]) for key in samples[0]}

        with ThreadPoolExecutor(1) as ahead:
            future = None
            for start in starts:
                ready, future = future, ahead.submit(make, start)
                if ready is not None:
                    yield ready.result()
            if future is not None:
                yield future.result()
