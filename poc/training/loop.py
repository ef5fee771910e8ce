"""The training loop: one-cycle AdamW, an averaged copy of the weights, checkpoints that resume, a record of the run."""

from __future__ import annotations

import copy
import io
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from poc.errors import DataError, ParameterError, PocError
from poc.files import output_chosen_by_caller, probe_folder, write_file, write_together
from poc.models.embedded_net import EmbeddedNet
from poc.training.augment import AugmentConfig
from poc.training.distil import answer, ask, distillation_loss
from poc.training.folder import check_named, list_frames, read_names
from poc.training.light import jitter_light
from poc.training.losses import total_loss
from poc.training.networks import load_checkpoint, new_network, pick_device, read_saved
from poc.training.record import as_record, settings_changed
from poc.training.restore import has_identity_norms, prepare_norms, set_statistics
from poc.training.rooms import check_pictures, keep_up, learn_rooms
from poc.training.score import Scores, score_network
from poc.training.store import Batch, Batches, Source, list_photos, split_frames, true_frames

log = logging.getLogger(__name__)

# floor, wall, ceiling, door, window against other: rarer classes count more.
CLASS_WEIGHT = (0.7, 1.3, 1.0, 1.5, 1.5, 1.3)
NORM_BATCHES = 30  # that give batch norms their statistics where weights come without
CHECK_EVERY = 10  # steps: to look at the loss, a GPU has to be waited for


class Diverged(PocError):
    """The loss became NaN or infinite, or grew far above its earlier values."""


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run; written to `config.json` beside its checkpoints.

    sizes: (share of the epochs, (width, height)) in order; starting with small photos makes better use of the time.
    init: a checkpoint or exported .onnx to start from, an ImageNet .npz for the encoder, or None for random weights.
    network: "embedded", or "teacher", which is larger and labels photos for it.
    freeze_norm: keep the statistics of batch norm, where photos are too few to estimate them.
    kept: the result is averaged with this share of the weights it started from, to forget less (Wortsman et al. 2022, *Robust fine-tuning
    of zero-shot models*).
    photos: folders of photos without depth. teachers: checkpoints that label these, and all other samples in addition to their ground
    truth, on images of at most `asked_px` pixels, the size they were trained at (0: the size the student sees). taught: weight of that
    loss; taught_surfaces: weight of its surfaces relative to its depth. Without teachers the averaged weights label the photos, after the
    share `alone` of the epochs. not_rooms: folders of photos that show no room; the room head is trained on these and all other photos.
    """

    sources: tuple[Source, ...]
    out: str
    held_out: str | None = None
    init: str | None = None
    network: str = "embedded"
    epochs: int = 28
    samples_per_epoch: int = 0
    batch: int = 8
    lr: float = 1.2e-3
    encoder_lr_ratio: float = 0.35
    weight_decay: float = 0.02
    warmup: float = 0.06
    ema: float = 0.998
    freeze_blocks: int = 3
    freeze_norm: bool = False
    kept: float = 0.0
    sizes: tuple[tuple[float, tuple[int, int]], ...] = ((0.6, (256, 192)), (0.4, (320, 240)))
    seed: int = 0
    threads: int = 2
    validate_every: int = 2
    photos: tuple[Source, ...] = ()
    teachers: tuple[str, ...] = ()
    taught: float = 1.0
    taught_surfaces: float = 0.5
    asked_px: int = 0
    alone: float = 0.3
    not_rooms: tuple[str, ...] = ()
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def size_at(self, epoch: int) -> tuple[int, int]:
        """(width, height) of the samples in an epoch, counted from 0."""
        passed = 0.0
        for share, size in self.sizes:
            passed += share
            if epoch < passed * self.epochs - 1e-9:
                return size
        return self.sizes[-1][1]


@dataclass
class State:
    """The state of a run, as stored in a checkpoint. average: the averaged weights, which are the result."""

    net: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0
    history: list[dict] = field(default_factory=list)


def set_training(net: EmbeddedNet, freeze_norm: bool) -> None:
    """Training mode; with batch norm in evaluation mode if it is frozen."""
    net.train()
    for module in net.modules() if freeze_norm else ():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def freeze(net: EmbeddedNet, blocks: int) -> None:
    """Keep the ImageNet weights of the stem and the first bottlenecks, which are generic and take the longest to train."""
    for part in [net.encoder.stem, *net.encoder.blocks[:blocks]] if blocks else []:
        part.requires_grad_(False)


def new_state(config: TrainConfig, device: torch.device) -> State:
    """A state before the first step: network, its averaged copy, and an optimiser with a group for the encoder."""
    torch.manual_seed(config.seed)
    net = new_network(config.init, config.network).to(device, memory_format=torch.channels_last)
    net.room.requires_grad_(False)  # trained at the end, see `learn_rooms`
    average = copy.deepcopy(net).eval().requires_grad_(False)
    freeze(net, config.freeze_blocks)
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    inside = {id(p) for part in (net.encoder, net.room) for p in part.parameters()}
    rest = [p for p in net.parameters() if id(p) not in inside]
    groups = [
        {"params": encoder, "ratio": config.encoder_lr_ratio},
        {"params": [p for p in rest if p.ndim > 1], "ratio": 1.0},
        {"params": [p for p in rest if p.ndim <= 1], "ratio": 1.0, "weight_decay": 0.0},
    ]
    return State(net, average, torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=device.type == "cuda"))


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The one-cycle schedule: linear warm-up over the share `warmup` of the steps, then a cosine down to a hundredth."""
    x = step / max(steps, 1)
    if x < config.warmup:
        return config.lr * (0.05 + 0.95 * x / config.warmup)
    y = (x - config.warmup) / (1 - config.warmup)
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * y)))


def save(state: State, config: TrainConfig) -> None:
    """Write `last.pt` and `history.json`, both or neither. Raises WriteError, as where the disk is full."""
    checkpoint = io.BytesIO()  # first in memory: to a full disk torch would end with an error of its own
    torch.save(
        {
            "network": config.network, "net": state.net.state_dict(), "average": state.average.state_dict(),
            "optimiser": state.optimiser.state_dict(), "epoch": state.epoch, "step": state.step, "history": state.history,
        },
        checkpoint,
    )  # fmt: skip
    out, history = Path(config.out), json.dumps(state.history, indent=1)
    write_together({out / "last.pt": checkpoint.getvalue(), out / "history.json": history.encode()})


def restore(state: State, config: TrainConfig) -> bool:
    """Load the state from `last.pt`; False if there is none. Raises DataError where the file is damaged, ParameterError where it belongs to
    another network."""
    path = Path(config.out) / "last.pt"
    if not path.is_file():
        return False
    again = "delete it to start again, or give another --out"
    saved = read_saved(path, again)
    if lacks := [key for key in ("net", "optimiser", "epoch", "step", "history") if key not in saved]:
        raise DataError(f"{path}: holds no {', '.join(lacks)} to continue with: {again}")
    room = {f"room.{key}": value for key, value in state.net.room.state_dict().items()}  # which runs before version 9 lack
    try:
        state.net.load_state_dict(room | saved["net"])
        state.average.load_state_dict(room | saved["average"])
        state.optimiser.load_state_dict(saved["optimiser"])
    except (RuntimeError, ValueError) as error:
        raise ParameterError(f"{path}: belongs to another network ({str(error).splitlines()[0]}): {again}") from error
    for group in state.optimiser.param_groups:  # saved with the value for the device it ran on
        group["fused"] = next(state.net.parameters()).is_cuda
    state.epoch, state.step, state.history = saved["epoch"], saved["step"], saved["history"]
    return True


@torch.no_grad()
def update_average(state: State, decay: float) -> None:
    """Move the averaged weights toward the present ones (exponential moving average, faster in the first steps)."""
    d = min(decay, (1 + state.step) / (10 + state.step))
    pairs = list(zip(state.average.state_dict().values(), state.net.state_dict().values(), strict=True))
    moving = [(a, b) for a, b in pairs if a.dtype.is_floating_point]
    torch._foreach_lerp_([a for a, _ in moving], [b for _, b in moving], 1 - d)
    for a, b in pairs:
        if not a.dtype.is_floating_point:
            a.copy_(b)


@torch.no_grad()
def draw_back(state: State, config: TrainConfig, batches: Batches, device: torch.device) -> None:
    """Interpolate the averaged weights by the share `kept` toward those the run started from. Batch norms that are not frozen then get new
    statistics from NORM_BATCHES batches."""
    torch.manual_seed(config.seed)  # as `new_state`: what init does not fill starts the same again
    begun, now = new_network(config.init, config.network), state.average
    if not config.freeze_norm and has_identity_norms(begun):  # as the run's own were when it began
        norms = [[m for m in net.modules() if isinstance(m, nn.BatchNorm2d)] for net in (begun, now)]
        for old, new in zip(*norms, strict=True):
            set_statistics(old, new.running_mean.cpu(), new.running_var.cpu())
    start = begun.state_dict()
    for key, value in now.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(start[key].to(value.device), config.kept)
    if not config.freeze_norm:
        seen = batches.epoch(config.epochs, NORM_BATCHES * config.batch, config.batch, config.size_at(config.epochs), bool(config.photos))
        update_bn((jitter_light(batch.samples["image"], config.augment, batch.rng) for batch in seen), now, device)


def batch_loss(state: State, config: TrainConfig, batch: Batch, teachers: list[nn.Module], class_weight: Tensor) -> dict[str, Tensor]:
    """The terms of the loss of one batch, and their "total". Every sample with ground truth has the same weight, and so has every sample
    that is labelled by a teacher."""
    image, known = batch.samples["image"], slice(batch.labelled)
    plain = image.contiguous(memory_format=torch.channels_last)
    shown = jitter_light(image, config.augment, batch.rng).contiguous(memory_format=torch.channels_last)
    asked = slice(0 if teachers else batch.labelled, None)
    outputs = answer(state.net, shown)
    terms, total = {}, torch.zeros((), device=image.device)
    if batch.labelled:
        terms |= total_loss(tuple(t[known] for t in outputs), {k: v[known] for k, v in batch.samples.items()}, class_weight)
        total = total + terms["total"] * (batch.labelled / len(image))
    if len(plain[asked]):
        lesson = ask(teachers or [state.average], plain[asked], config.asked_px if teachers else 0)
        taught = distillation_loss(tuple(t[asked] for t in outputs), lesson, config.taught_surfaces)
        terms |= taught
        total = total + taught["total"] * (config.taught * len(plain[asked]) / len(image))
    return terms | {"total": total}


def train_epoch(
    state: State, config: TrainConfig, batches: Batches, samples: int, device: torch.device, teachers: list[nn.Module]
) -> dict[str, float]:
    """Run the steps of one epoch; returns the mean of each term over the batches that have it. Raises Diverged."""
    class_weight = torch.tensor(CLASS_WEIGHT, device=device)
    steps_an_epoch = samples // config.batch
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    set_training(state.net, config.freeze_norm)
    with_photos = bool(config.photos) and (bool(teachers) or state.epoch >= config.alone * config.epochs)
    for i, batch in enumerate(batches.epoch(state.epoch, samples, config.batch, config.size_at(state.epoch), with_photos), 1):
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(config, state.step, config.epochs * steps_an_epoch) * group["ratio"]
        terms = batch_loss(state, config, batch, teachers, class_weight)
        state.optimiser.zero_grad(set_to_none=True)
        terms["total"].backward()
        nn.utils.clip_grad_norm_(state.net.parameters(), 5.0)
        state.optimiser.step()
        state.step += 1
        update_average(state, config.ema)
        for key, value in terms.items():
            sums[key] = sums.get(key, 0.0) + value.detach()
        counts.update(terms.keys())
        if i % CHECK_EVERY == 0 or i == steps_an_epoch:
            _check_finite(state, config, float(sums["total"]))
    return {key: float(value) / counts[key] for key, value in sums.items()}


def _check_finite(state: State, config: TrainConfig, loss: float) -> None:
    if not math.isfinite(loss):
        raise Diverged(f"epoch {state.epoch}: the loss is {loss}; lower --lr (now {config.lr:g}) or look at the data")


def _check_not_growing(history: list[dict]) -> None:
    losses = [h["total"] for h in history]
    if len(losses) > 2 and losses[-1] > 3 * abs(min(losses)) + 1:
        raise Diverged(f"the loss grew from {min(losses):.3g} to {losses[-1]:.3g}; lower --lr or look at the data")


def train(config: TrainConfig, progress: Callable[[dict], None] | None = None, earlier: Callable[[list[dict]], None] | None = None) -> Path:
    """Train, or continue an interrupted run, and return the checkpoint's path.

    progress: called with each epoch's record. earlier: called with the records of epochs that were already trained in the folder, if any.
    Raises DataError for bad data, Diverged when the loss diverges, ParameterError for a configuration that cannot be run.
    """
    if config.epochs < 1 or config.batch < 2:
        raise ParameterError("epochs must be at least 1 and batch at least 2 (batch norm needs two photos)")
    if config.kept and (not 0 < config.kept < 1 or not config.init or config.init.endswith(".npz")):
        raise ParameterError("kept is a share between 0 and 1 of a trained network's weights: give it with a checkpoint or .onnx as init")
    torch.set_num_threads(config.threads)
    device = pick_device()
    out = Path(config.out)
    with output_chosen_by_caller():
        probe_folder(out)
    if differs := settings_changed(config):
        again = "give another --out, or delete it to start again"
        raise ParameterError(f"{out}: holds a run with other settings ({', '.join(differs)}): {again}")
    held_out = read_names(config.held_out)
    check_named(held_out, [f for s in config.sources for f in list_frames(s.folder)], str(config.held_out))
    others = [path for folder in config.not_rooms for path in list_photos(folder)]
    check_pictures(others)
    teachers = [load_checkpoint(path).to(device, memory_format=torch.channels_last).requires_grad_(False) for path in config.teachers]
    state = new_state(config, device)
    batches = Batches(config.sources, held_out, config.augment, config.seed, config.photos, device)
    validation = true_frames(config.sources, held_out)
    write_file(out / "config.json", json.dumps(as_record(config), indent=1).encode())  # everything has been checked: the run begins
    samples = config.samples_per_epoch or len(batches.pools[0])
    samples = max(samples, config.batch)
    if restore(state, config):
        log.info("continuing after epoch %d", state.epoch)
        _check_not_growing(state.history)
        if earlier:
            earlier(state.history)
    elif config.init and not config.init.endswith(".npz") and not config.freeze_norm and has_identity_norms(state.net):
        seen = batches.epoch(config.epochs, NORM_BATCHES * config.batch, config.batch, config.size_at(0), bool(config.photos))
        prepare_norms(state.net, [batch.samples["image"] for batch in seen])
        state.average.load_state_dict(state.net.state_dict())
    while state.epoch < config.epochs:
        start = time.time()
        record = train_epoch(state, config, batches, samples, device, teachers)
        state.epoch += 1
        if config.kept and state.epoch == config.epochs:
            draw_back(state, config, batches, device)
        record |= {"epoch": state.epoch, "minutes": (time.time() - start) / 60}
        if validation and (state.epoch % config.validate_every == 0 or state.epoch == config.epochs):
            record |= asdict(score(state.average, validation, device))
        state.history.append(record)
        save(state, config)
        if progress:
            progress(record)
        _check_not_growing(state.history)
    know_rooms(state, config, held_out, others, device)
    return out / "last.pt"


def know_rooms(state: State, config: TrainConfig, held_out: frozenset[str], others: list[Path], device: torch.device) -> None:
    """Let the averaged weights learn what shows a room where there are other photos to tell it from; else keep up what the weights that
    the run started from know of it."""
    begun = new_network(config.init, config.network).to(device, memory_format=torch.channels_last).eval()
    if not others and not begun.knows_rooms():
        return
    rooms = [f.rgb for s in config.sources for f in split_frames(s.folder, held_out)[0]]
    rooms += [path for s in config.photos for path in list_photos(s.folder) if path.stem not in held_out]
    if others:
        log.info("learning to tell %d photos of rooms from %d others", len(rooms), len(others))
        learn_rooms(state.average, rooms, others, device, begun.room.weight[0].detach())
    else:
        keep_up(state.average, begun, rooms, device)
    save(state, config)


def score(net: nn.Module, frames: list, device: torch.device) -> Scores:
    return score_network(net, frames, device)


def finetune_config(config: TrainConfig, init: str, epochs: int = 8, lr: float = 2e-4) -> TrainConfig:
    """A gentler schedule from trained weights, for a company's own photos."""
    return replace(config, init=init, epochs=epochs, lr=lr, freeze_blocks=3, freeze_norm=True, warmup=0.1, sizes=((1.0, (320, 240)),))
