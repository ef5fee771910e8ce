"""Photos of one exact room, each measured by itself: for the tests of what is seated, and of what is joined."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poc.fuse import JointRoom, RoomPhoto, join_rooms
from poc.measure import measure
from poc.scene import build_scene
from poc.types import Scale, ScaleSource
from tests.synthetic import SyntheticRoom, affine_depth, noisy_depth, perturbed_camera
from tests.views import Place, photograph, rectangle

WIDTH, DEPTH, CEILING = 4.2, 5.0, 2.6
OUTLINE = rectangle(WIDTH, DEPTH)
FRONT, SIDE, BACK, TURNED = Place(2.1, 0.4, -12), Place(1.2, 0.9, 25), Place(3.2, 3.9, 205), Place(1.2, 0.9, 58)
SMALL = {"size": (480, 360), "f_px": 250.0}


def seen(room: SyntheticRoom, *, noise_seed: int | None = None, height: float | None = None, sigma: float = 0.03, references=()) -> RoomPhoto:
    """A photo measured by itself: exact relative depth, or a network's; the camera's height given unless it is 0."""
    depth, camera = affine_depth(room, 3), room.camera
    if noise_seed is not None:
        depth = replace(affine_depth(room, noise_seed, noisy_depth(room, 0.06, noise_seed)), engine="synthetic")
        camera = perturbed_camera(room, noise_seed)
    h = room.camera_height_m if height is None else height
    scene = build_scene(room.photo, depth, room.surfaces, camera, camera_height=(h, sigma * h) if h else None, references=references)
    return RoomPhoto(room.photo, scene, measure(scene))


@pytest.fixture(scope="module")
def photos() -> dict[str, SyntheticRoom]:
    places = {"front": FRONT, "side": SIDE, "back": BACK, "turned": TURNED}
    return {name: photograph(OUTLINE, place, ceiling=CEILING, **SMALL) for name, place in places.items()}


@pytest.fixture(scope="module")
def alone(photos) -> dict[str, RoomPhoto]:
    return {name: seen(room) for name, room in photos.items()}


@pytest.fixture(scope="module")
def pair(alone) -> JointRoom:
    return join_rooms([alone["front"], alone["side"]])


def own_scale(room: RoomPhoto, name: str) -> RoomPhoto:
    """The same photo, its scale known by a source of its own to ± 3 %."""
    h = room.scene.camera_height_m
    scene = replace(room.scene, scale=Scale(name, h, 0.03, (ScaleSource(name, h, 0.03),)))
    return replace(room, scene=scene, measurements=measure(scene))
