"""How often a piece has the place that it is drawn in: `python tests/eval_places.py FOLDER …`

For folders of rendered rooms (`data/render/make.py`), whose truth holds the footprint of everything in them. Every piece of the catalogue is
placed as `poc.recommend` places it, once with the camera's true height given to 4 cm and once with nothing given; then its real size is put
at the same place of the real room. A piece is clear if it meets no furniture and no wall there, or nowhere within 0.15 m of it. Prints the
share that is clear by kind of place and by the probability of the measurements alone (pieces whose walkway is out of the photo are left
out), of which `poc.recommend.AS_DRAWN` is the upper end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from poc import recommend
from poc.catalog import Catalogue, names, open_catalogue
from poc.errors import PocError
from poc.pipeline import Options, check, measure_room
from poc.products.places import placement_at
from poc.types import Scene

HEIGHT_M = 0.04
"""90 % half-width of the camera height that is given."""
SHIFTS_M = (0.0, 0.05, 0.10, 0.15)
TOUCHING_M = 0.01
"""A piece may come so near to what stands beside it."""
NO_FURNITURE = ("curtains", "blind", "picture", "radiator", "switch")
"""Flat things at walls that a piece may stand before."""
HANGING_M = 1.2
"""What hangs, from this height on, is in the way of nothing that is placed."""
LEAST, BINS = 0.5, (0.5, 0.8, 0.9, 0.97, 1.01)


@dataclass(frozen=True)
class Judged:
    """One piece at its place: photo, kind of place, probability by the measurements alone, and whether the real room has the place."""

    photo: str
    kind: str
    probability: float
    clear: bool


def true_plan(room: dict) -> np.ndarray:
    """The camera frame's directions in the real room's plan: 2×3, rows x and y."""
    up = -np.array(room["camera"]["gravity_cam"])
    up /= np.linalg.norm(up)
    first = room["walls"][0]
    a, b = np.array(first["ends_room"])
    inward = np.array([a[1] - b[1], b[0] - a[0]]) / np.linalg.norm(b - a)
    inward *= -np.sign(a @ inward)  # the camera stands at the origin, inside
    normal = np.array(first["normal_cam"])
    normal -= (normal @ up) * up
    normal /= np.linalg.norm(normal)
    beside = np.cross(up, normal)
    return np.outer(inward, normal) + np.outer([-inward[1], inward[0]], beside)


def footprint(candidate: recommend.Candidate, scene: Scene, room: dict) -> np.ndarray:
    """Corners (4×2) of the piece in the real room's plan: its back where it was drawn, moved to the room's true scale; its size its own."""
    product = candidate.product
    at = placement_at(candidate.place, candidate.spot, product, recommend.rule_of(product.category).setback_m(product))
    along, inward = np.array([np.cos(at.angle_rad), np.sin(at.angle_rad)]), np.array([np.sin(at.angle_rad), -np.cos(at.angle_rad)])
    true_m = room["camera"]["height_m"]
    back = (np.array([at.x_m, at.y_m]) - inward * product.depth_m / 2) * true_m / scene.camera_height_m
    half, deep = along * (product.width_m / 2 - TOUCHING_M), inward * (product.depth_m - TOUCHING_M)
    plan = np.array([back - half, back + half, back + half + deep, back - half + deep])
    on_floor = np.column_stack([plan, np.full(4, -true_m)])
    return on_floor @ scene.room_from_cam @ true_plan(room).T


def is_clear(corners: np.ndarray, height_m: float, room: dict) -> bool:
    """Whether a piece of this height has the place or one beside it."""
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    shifts = [far * np.array([np.cos(a), np.sin(a)]) for far in SHIFTS_M for a in (around if far else around[:1])]
    return any(not _meets(corners + shift, height_m, room) for shift in shifts)


def _meets(corners: np.ndarray, height_m: float, room: dict) -> bool:
    outline = np.array(room["outline_room"], np.float32).reshape(-1, 1, 2)
    edge = np.concatenate([np.linspace(a, b, 8, endpoint=False) for a, b in zip(corners, np.roll(corners, -1, axis=0))])
    if min(cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in edge) < -2 * TOUCHING_M:
        return True
    for other in room["furniture"]:
        over = other["low_m"] > height_m or not other["on_floor"] and other["low_m"] > HANGING_M
        if over or other["kind"] in NO_FURNITURE:
            continue
        shared, _ = cv2.intersectConvexConvex(corners.astype(np.float32), np.array(other["footprint_room"], np.float32))
        if shared > TOUCHING_M:
            return True
    return False


def judged(folder: Path, catalogue: Catalogue, given: bool) -> Iterator[Judged]:
    """Every piece that has a place in the photos of a folder. given: whether the camera's height is."""
    for name, frame in json.loads((folder / "meta.json").read_text())["frames"].items():
        room = frame["room"]
        height = f"{room['camera']['height_m']}±{HEIGHT_M}" if given else ""
        try:
            measured = measure_room(check(folder / "rgb" / f"{name}.jpg", Options(camera_height=height, focal_px=frame["intrinsics"]["fx"])))
        except PocError as error:
            print(f"{name}: {error}")
            continue
        scene = measured.scene
        places, _ = recommend.places_or_reason(scene, measured.measurements)
        for c in recommend._candidates(places, catalogue, names(catalogue, "category"), None, None, recommend.FITS):
            alone = c.probability / recommend.AS_DRAWN[c.place.kind]
            if alone >= LEAST and c.spot.unseen_m == 0:  # else an assumption about unseen floor is in the probability
                yield Judged(name, c.place.kind, alone, is_clear(footprint(c, scene, room), c.product.height_m, room))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    folders, catalogue = parser.parse_args().folders, open_catalogue()
    for given in (True, False):
        rows = [row for folder in folders for row in judged(folder, catalogue, given)]
        print("camera height given" if given else "nothing given")
        for kind in recommend.AS_DRAWN:
            for low, high in zip(BINS, BINS[1:]):
                some = [row for row in rows if row.kind == kind and low <= row.probability < high]
                if some:
                    share, photos = np.mean([row.clear for row in some]), len({row.photo for row in some})
                    print(f"  {kind}, {low:g} to {min(high, 1):g}: {share:.1%} of {len(some)} clear, in {photos} photos")


if __name__ == "__main__":
    main()
