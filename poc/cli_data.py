"""Commands that work on folders of photos: `poc evaluate`, `poc evaluate-rooms`, `poc train`, `poc label-photos`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from poc.errors import DataError, ParameterError

FolderArgument = Annotated[Path, typer.Argument(help="Folder with rgb/, depth_mm/ and meta.json.", show_default=False)]
ModelOption = Annotated[str, typer.Option("--model", help="Depth model; `poc models` lists them.")]
NamesOption = Annotated[
    str, typer.Option("--names", help="Text file with the names of the frames to score, one per line.", show_default=False)
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="At most this many frames, spread evenly.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("evaluate")(evaluate)
    app.command("evaluate-rooms")(evaluate_rooms)
    app.command("train")(train)
    app.command("label-photos")(label_photos)


def evaluate(
    folder: FolderArgument,
    model: ModelOption = "embedded",
    names: NamesOption = "",
    limit: LimitOption = None,
    worst: Annotated[
        Path | None, typer.Option("--worst", help="Draw the frames with the largest errors into this picture file.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Score a model on photos with true depth: AbsRel, RMSE, δ1 under three alignments, planes, edges, surfaces."""
    from poc.evaluate import evaluate as score
    from poc.figures.failures import Worst, check_picture
    from poc.files import output_chosen_by_caller
    from poc.training.folder import read_names

    kept = Worst()
    if worst:
        with output_chosen_by_caller():
            check_picture(worst)
    wanted = read_names(names) if names else None
    scores = score(folder, model, names=wanted, limit=limit, progress=bar("frames"), seen=kept.see if worst else None)
    show(scores, json)
    if worst:
        with output_chosen_by_caller():
            kept.draw(worst)


def evaluate_rooms(
    folder: FolderArgument,
    model: ModelOption = "embedded",
    camera_height: Annotated[
        str,
        typer.Option(
            "--camera-height", help="true: the true height ± 3 % (90 %); none: not given; or a relative standard deviation, such as 0.05."
        ),
    ] = "true",
    names: NamesOption = "",
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Score room dimensions and their intervals on photos of rooms with known truth."""
    from poc.evaluate_rooms import evaluate_rooms as score
    from poc.training.folder import read_names

    wanted, height = read_names(names) if names else None, height_given(camera_height)
    show(score(folder, model, names=wanted, limit=limit, camera_height=height, progress=bar("photos")), json)


def height_given(text: str) -> str | float | None:
    """The text of --camera-height: "true", None for "none", or a relative sigma in (0, 0.5). Raises ParameterError for anything else."""
    if text in ("true", "none"):
        return None if text == "none" else text
    try:
        sigma = float(text)
    except ValueError:
        sigma = 0.0
    if not 0 < sigma < 0.5:
        raise ParameterError(f"--camera-height {text!r}: give true, none, or a relative standard deviation below 0.5, such as 0.05")
    return sigma


def train(
    data: Annotated[list[str], typer.Option("--data", help="Data folder, or FOLDER=WEIGHT for its share of an epoch; may be repeated.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for checkpoints and the run's record; an unfinished run there is resumed.")
    ],
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Epochs to train: 28 by default, 8 with --finetune.", show_default=False)
    ] = None,
    photos: Annotated[list[str], typer.Option("--photos", help="Folder of photos without depth, or FOLDER=WEIGHT; may be repeated.")] = [],
    teacher: Annotated[
        list[str],
        typer.Option(
            "--teacher", show_default=False, help="Checkpoint of a network that labels every sample during training; may be repeated."
        ),
    ] = [],
    not_rooms: Annotated[
        list[str],
        typer.Option(
            "--not-rooms", show_default=False,
            help="Folder of photos that show no room, in addition to the kinds that the weights refuse already; may be repeated.",
        ),
    ] = [],
    init: Annotated[
        str,
        typer.Option("--init", help="Start from a checkpoint, an exported .onnx, or an ImageNet .npz for the encoder.", show_default=False),
    ] = "",
    finetune: Annotated[
        bool, typer.Option("--finetune", help="A gentler schedule for your own photos, starting from the shipped weights.")
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe", show_default=False,
            help="JSON with settings of poc.training.loop.TrainConfig; options on the command line override it.",
        ),
    ] = None,
    held_out: Annotated[
        str, typer.Option("--held-out", help="Text file with the names of the frames to validate on, one per line.", show_default=False)
    ] = "",
    lr: Annotated[float | None, typer.Option("--lr", min=0.0, help="Peak learning rate.", show_default=False)] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, help="Photos per step: 8 by default.", show_default=False)] = None,
    samples: Annotated[
        int | None,
        typer.Option("--samples", min=1, help="Samples per epoch: by default, as many as the first folder has frames.", show_default=False),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, show_default="2", help="CPU threads.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", show_default="0", help="Seed of all random numbers.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Also write the trained model to this .onnx file.", show_default=False)
    ] = None,
) -> None:
    """Train the embedded model, or fine-tune it on your own photos with depth (needs the torch extra)."""
    from poc.models.runtime import need_torch

    need_torch("training")
    from poc.files import output_chosen_by_caller, probe_file
    from poc.training.export import export_run
    from poc.training.loop import train as run
    from poc.training.recipe import make_config

    settings = {
        "init": init or None, "held_out": held_out or None, "epochs": epochs, "lr": lr, "batch": batch, "samples_per_epoch": samples,
        "threads": threads, "seed": seed, "photos": tuple(source(text, "--photos") for text in photos), "teachers": tuple(teacher),
        "not_rooms": tuple(not_rooms),
    }  # fmt: skip
    given = {name: value for name, value in settings.items() if value is not None}
    config = make_config(tuple(source(text) for text in data), out, given, recipe, finetune)
    with output_chosen_by_caller():
        if export is not None:
            probe_file(export)
    checkpoint = run(config, progress=tell_epoch, earlier=lambda history: tell_earlier(history, config.epochs, out))
    print(checkpoint)
    if export is not None:
        with output_chosen_by_caller():
            print(export_run(checkpoint, export, config))


def label_photos(
    photos: Annotated[Path, typer.Argument(help="Folder of photos without depth.", show_default=False)],
    teacher: Annotated[Path, typer.Option("--teacher", help="Checkpoint of the network that labels them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Data folder to write into; frames already there are kept.")],
    every: Annotated[int, typer.Option("--every", min=1, help="Use only every n-th photo, in order of name.")] = 1,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Stop after this many photos.", show_default=False)] = None,
    with_scale: Annotated[
        bool, typer.Option("--with-scale", help="Training on these labels shall learn the teacher's scale too, not only its shape.")
    ] = False,
) -> None:
    """Self-training: label photos that have no depth with the depth and surfaces a trained network predicts."""
    from poc.models.runtime import need_torch

    need_torch("labelling photos")
    from poc.training.pseudo import label_photos as label
    from poc.training.store import list_photos

    found = list_photos(photos)[::every][:limit]
    skipped: list[DataError] = []

    def skip(error: DataError) -> None:
        skipped.append(error)
        tell(f"skipped: {error}")

    print(label(teacher, found, out, bar("photos"), skip, with_scale=with_scale))
    if skipped:
        labelled = len(found) - len(skipped)
        was = "was" if labelled == 1 else "were"
        tell(f"{len(skipped)} of {len(found)} photos could not be read and were skipped; {labelled} {was} labelled")


def source(text: str, option: str = "--data") -> Any:
    """"FOLDER" or "FOLDER=WEIGHT" as a `Source`. Raises ParameterError for a weight that is not a positive number."""
    from poc.training.store import Source

    folder, equals, weight = text.rpartition("=")
    if not equals:
        return Source(text)
    try:
        share = float(weight)
    except ValueError:
        return Source(text)  # a folder's name may hold "="
    if not 0 < share < float("inf"):
        raise ParameterError(f"{option} {text}: the weight must be a positive number")
    return Source(folder, share)


def tell_epoch(record: dict[str, Any]) -> None:
    """One line per epoch on stderr."""
    numbers = "  ".join(f"{k} {v:.4g}" for k, v in record.items() if isinstance(v, (int, float)))
    print(numbers, file=sys.stderr, flush=True)


def tell_earlier(history: list[dict[str, Any]], epochs: int, out: Path) -> None:
    """One line on stderr about the epochs that were trained earlier in the run's folder."""
    done = f"{len(history)} epoch{'s' * (len(history) != 1)}"
    if len(history) < epochs:
        tell(f"{out}: continuing after {done} of {epochs}")
        return
    again = "nothing is trained again; to start over, delete the folder or give another --out"
    tell(f"{out}: already trained: {done}, the last with a loss of {history[-1]['total']:.4g}; {again}")


def tell(text: str) -> None:
    """A line on stderr, above a progress bar where there is one."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()


def bar(unit: str) -> Callable[[int, int], None]:
    """A callback (done, total) that moves a progress bar; it shows nothing where stderr is not a terminal."""
    from tqdm import tqdm

    shown = tqdm(unit=f" {unit}", file=sys.stderr, disable=None, leave=False)

    def move(done: int, total: int) -> None:
        shown.total = total
        shown.update(done - shown.n)
        if done == total:
            shown.close()

    return move


def show(scores: dict[str, Any], as_one_line: bool) -> None:
    """Scores as one line of JSON, or as indented lines for people."""
    from poc.pipeline import as_json

    if as_one_line:
        print(as_json(scores))
        return
    for line in lines(scores):
        print(line)


def lines(scores: dict[str, Any], depth: int = 0) -> list[str]:
    """Nested scores, one name and value a line."""
    out = []
    for name, value in scores.items():
        pad = "  " * depth
        if isinstance(value, dict):
            out += [f"{pad}{name}", *lines(value, depth + 1)]
        elif isinstance(value, list):
            out.append(f"{pad}{name}: {len(value)}")
        else:
            out.append(f"{pad}{name:<{max(2, 22 - len(pad))}} {'–' if value is None else value}")
    return out
