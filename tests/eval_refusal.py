"""What is taken for a room, and what is not: `python tests/eval_refusal.py --rooms FOLDER --others FOLDER [--every 8] [--folds 5]`

The head that judges a photo as a whole (`poc.training.rooms`) is learnt anew for each fold, by the shipped network, from the photos of
the other folds, so that no photo is judged by a head that has seen it or its like: others go into folds by the first letters of
their names, rooms by what stands before the first "_". All else is as shipped. `--every`: of the rooms, learn from and judge every
so many. Beside it, what is refused without that head.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

from poc.camera import estimate_camera
from poc.depth import estimate
from poc.models.weights import SHIPPED
from poc.photo import load_photo
from poc.room.refusal import LEAST_EVIDENCE, gather_evidence, refuse_picture
from poc.room.view import make_view
from poc.training import rooms
from poc.training.networks import new_network
from poc.training.store import list_photos

LETTERS = 5


def fold_of(path: Path, is_room: bool, folds: int) -> int:
    return sum(map(ord, path.stem.split("_")[0] if is_room else path.stem[:LETTERS])) % folds


def totals(path: Path, logit: float) -> tuple[float, float] | None:
    """The evidence for a room with this answer for the whole, and with none; None where the picture itself is refused."""
    photo = load_photo(path)
    if refuse_picture(photo):
        return None
    depth, surfaces = estimate(photo)
    camera = estimate_camera(photo, surfaces, depth)
    view = make_view(camera, depth, surfaces, photo)
    return tuple(gather_evidence(photo, view, camera, depth, odds).total for odds in (logit, None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", required=True)
    parser.add_argument("--others", required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    paths = [list_photos(args.rooms)[:: args.every], list_photos(args.others)]
    net = new_network(str(SHIPPED / "embedded.onnx")).to(memory_format=torch.channels_last)
    seen = rooms.gists(net, *paths, torch.device("cpu"))
    folds = [[fold_of(path, kind == 0, args.folds) for path in paths[kind]] for kind in (0, 1)]
    told: dict[str, dict[str, list[str]]] = {kind: {"with the head": [], "without": []} for kind in ("rooms refused", "others taken for rooms")}
    for fold in sorted({*folds[0], *folds[1]}):
        weight, bias = rooms.separate(*(torch.cat([g for g, f in zip(seen[kind], folds[kind], strict=True) if f != fold]) for kind in (0, 1)))
        for kind, name in enumerate(told):
            for path, g in ((p, g) for p, g, f in zip(paths[kind], seen[kind], folds[kind], strict=True) if f == fold):
                found = totals(path, float(g[0] @ weight + bias))
                for total, way in zip(found or (), told[name], strict=False):
                    if (total < LEAST_EVIDENCE) == (kind == 0):
                        told[name][way].append(path.name)
    counts = {name: {way: len(names) for way, names in ways.items()} for name, ways in told.items()}
    json.dump({"rooms": len(paths[0]), "others": len(paths[1]), **counts, "which": told}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
