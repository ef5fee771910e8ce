"""The sample rooms of data/photos, composed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

from . import bedroom, cloth, decor, kitchen, lamps, lights, plants, seating, storage, styles, tables
from .camera import Pose
from .mesh import rot_z
from .shell import Opening, Room, build_shell
from .stage import Stage

LOOK = "AgX - Medium High Contrast"


@dataclass(frozen=True)
class Sample:
    """name, builder (→ Stage, lit and furnished), camera, target brightness of the exposure."""

    name: str
    build: Callable[[], Stage]
    pose: Pose
    target: float = 0.30


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def living_room() -> Stage:
    rng = np.random.default_rng(11)
    style = styles.style(
        rng, "oak", "walnut", "#f1efea", "#8f9391", ["#b5793c", "#3d5a60", "#d9d2c3", "#7d8b78"], ("#2d2e30", 0.4)
    )
    room = Room(
        _rectangle(-2.5, -1.5, 2.3, 3.6),
        2.6,
        (
            Opening("window", 3, 2.3, 2.0, 0.55, 2.3, 0.22),
            Opening("window", 0, 2.6, 1.5, 0.9, 2.2, 0.22),
            Opening("door", 1, 2.05, 0.86, 0.0, 2.05, 0.1, "two"),
        ),
    )
    white = style.make.paint("#ece8df")
    trim = build_shell(
        room,
        styles.finish(
            style,
            [white, white, style.make.paint("#c3cbc3"), white],
            styles.floor_finish(style, "planks", "oak", np.pi / 2, (1.5, 0.16)),
            door="#f0eee9",
            skirting=0.1,
            cornice=0.0,
        ),
        rng,
    )
    stage = Stage(room, style, trim)
    throw = style.make.fabric("#c9b08a", 0.004)
    stage.against(seating.sofa(style, 2.25, 0.95, 3, 0, None, 3, throw), 2, 2.95, 0.04)
    stage.rug(cloth.rug(style, 2.5, 1.75, False, style.make.pile("#d6cdbf", "#a39a8c")), -0.65, 1.75)
    stage.put(tables.coffee_table(style, 1.1, 0.6), -0.6, 1.35)
    stage.put(decor.lying_books(style, 3), -0.85, 1.68, 0.3, 0.42)
    stage.put(seating.armchair(style, style.cloths[1], kind="wood"), -1.95, 0.75, -np.pi / 2 + 0.35)
    stage.against(decor.picture(style, 0.7, 0.9), 2, 2.55, 0.0, 1.25)
    stage.against(decor.picture(style, 0.5, 0.65), 2, 3.3, 0.0, 1.38)
    stage.against(lamps.floor_lamp(style), 2, 4.4, 0.05)
    stage.against(plants.plant(style, 1.5, "fig", 0.18), 2, 0.42, 0.12)
    stage.against(storage.sideboard(style, 1.5), 1, 3.9, 0.02)
    stage.against(decor.mirror(style, 0.7, 0.7, True), 1, 3.9, 0.0, 1.15)
    stage.put(plants.vase(style, 0.3, True), 2.0, 2.85, 0.0, 0.78)
    stage.against(cloth.curtains(style, 2.0, 2.42, style.make.fabric("#d9d3c6", 0.0015), 0.26), 3, 2.3, 0.0, 0.02)
    stage.against(decor.radiator(style, 1.5, 0.4), 3, 2.3, 0.0, 0.1)
    stage.against(decor.switch(style), 1, 1.4, 0.0, 1.05)
    stage.put(lamps.pendant(style, 0.75, "drum"), -0.4, 1.3, 0.0, 2.6)
    lights.sky_lights(room, 1.0)
    lights.sun(np.radians(168), np.radians(38), 0.9)
    lights.outside(0.22)
    return stage


def bedroom_() -> Stage:
    rng = np.random.default_rng(23)
    style = styles.style(
        rng,
        "white oak",
        "oak",
        "#eeeae2",
        "#a9a196",
        ["#b98a76", "#8a9a8e", "#d9cdbd", "#6f7f86"],
        ("#c2a165", 0.25),
        "#efece5",
    )
    room = Room(
        _rectangle(-2.0, -1.4, 2.3, 3.4),
        2.5,
        (
            Opening("window", 3, 1.9, 1.7, 0.7, 2.15, 0.2, "cross"),
            Opening("door", 1, 2.3, 0.84, 0.0, 2.03, 0.1, "four"),
            Opening("window", 0, 1.6, 1.4, 0.9, 2.15, 0.2),
        ),
    )
    warm, accent = style.make.paint("#ebe4d9"), style.make.paint("#9fb0a8")
    trim = build_shell(
        room,
        styles.finish(
            style,
            [warm, warm, accent, warm],
            styles.floor_finish(style, "carpet", "#b8ab99"),
            door="#f1eee8",
            skirting=0.12,
            cornice=0.07,
        ),
        rng,
    )
    stage = Stage(room, style, trim)
    stage.against(bedroom.bed(style, 1.6, 2.05, "padded", style.make.fabric("#b98a76", 0.004)), 2, 2.75, 0.02)
    for along in (1.55, 3.95):
        stage.against(storage.nightstand(style), 2, along, 0.02)
        x, y, _ = room.point(2, along, 0.22)
        stage.put(lamps.table_lamp(style, lit=along > 2), x, y, 0.0, stage.placed[-1].high_m)
    stage.against(decor.picture(style, 0.55, 0.75), 2, 3.1, 0.0, 1.35)
    stage.against(decor.picture(style, 0.55, 0.75), 2, 2.42, 0.0, 1.35)
    stage.against(cloth.curtains(style, 1.7, 2.3, style.make.fabric("#c9bba6", 0.0015), 0.2), 3, 1.9, 0.0, 0.03)
    stage.against(cloth.curtains(style, 1.5, 2.28, style.make.sheer(), 0.38, False), 3, 1.9, -0.04, 0.03)
    stage.against(storage.chest(style, 1.0, 0.85, 3), 1, 3.75, 0.02)
    stage.put(plants.vase(style, 0.26, True), 2.05, 2.2, 0.0, 0.86)
    stage.put(decor.lying_books(style, 2), 2.05, 2.5, 1.4, 0.86)
    stage.rug(cloth.rug(style, 2.4, 1.6, False, style.make.pile("#e4ddd0", "#c3b8a8")), -0.45, 1.2)
    stage.put(seating.pouf(style), 0.95, 0.75, 0.4)
    stage.against(decor.switch(style), 1, 1.62, 0.0, 1.05)
    stage.put(lamps.pendant(style, 0.5, "globe"), 0.0, 1.0, 0.0, 2.5)
    lights.sky_lights(room, 1.0, "#e6eeff")
    lights.outside(0.2, seed=3.0)
    return stage


def kitchen_() -> Stage:
    rng = np.random.default_rng(37)
    style = styles.style(
        rng, "oak", "walnut", "#e9ece8", "#6d7b6c", ["#c08a3e", "#7f9076", "#d8cdbb"], ("#2b2c2e", 0.4)
    )
    room = Room(
        _rectangle(-1.8, -1.3, 1.9, 3.3),
        2.55,
        (
            Opening("window", 2, 1.87, 1.0, 1.18, 2.15, 0.2),
            Opening("door", 1, 3.55, 0.84, 0.0, 2.03, 0.1, "glazed"),
            Opening("window", 3, 2.9, 1.5, 0.85, 2.2, 0.2),
            Opening("window", 0, 1.6, 1.4, 0.9, 2.15, 0.2),
        ),
    )
    white = style.make.paint("#efece4")
    trim = build_shell(
        room,
        styles.finish(
            style,
            [white] * 4,
            styles.floor_finish(style, "tiles", "#c4b8a6", 0.0, (0.45, 0.45)),
            door="#e9e7e1",
            skirting=0.08,
        ),
        rng,
    )
    stage, front, top = Stage(room, style, trim), style.make.paint("#5f7a70", 0.38, 0.0), style.make.wood("oak", 0.3)
    stage.against(kitchen.fridge(style), 2, 3.36, 0.03)
    run = kitchen.base_run(
        style, 5, top, front, 3, 4, style.make.tiles("#eeece6", "#a9a49a", (0.15, 0.075), 0.12, 0.5), True, 0.26
    )
    stage.against(run, 2, 1.52, 0.0)
    stage.against(kitchen.wall_units(style, 2, front), 2, 0.66, 0.0, 1.45)
    stage.against(kitchen.hood(style, 0.95), 2, 2.72, 0.0, 1.55)
    stage.against(decor.radiator(style, 1.1, 0.55), 3, 2.9, 0.0, 0.14)
    stage.put(tables.dining_table(style, 1.15, 0.75, "rect", style.wood), -0.85, 0.95, 0.0)
    for x, y, angle in ((-0.95, 0.68, 0.06), (-0.75, 2.0, np.pi - 0.15)):
        stage.put(seating.dining_chair(style, "slat"), x, y, angle)
    stage.put(plants.vase(style, 0.24, True), -0.8, 1.3, 0.0, 0.75)
    stage.put(lamps.pendant(style, 0.95, "dome"), -0.85, 1.3, 0.0, 2.55)
    stage.against(decor.clock(style), 1, 4.25, 0.0, 1.75)
    stage.against(decor.switch(style), 1, 2.85, 0.0, 1.05)
    stage.against(decor.picture(style, 0.42, 0.58), 1, 2.35, 0.0, 1.35)
    lights.sky_lights(room, 1.0)
    lights.outside(0.2, seed=5.0)
    return stage


def office() -> Stage:
    rng = np.random.default_rng(41)
    style = styles.style(
        rng,
        "walnut",
        "wenge",
        "#f0efeb",
        "#46586b",
        ["#c08a3e", "#7d8b78", "#d8cdbb"],
        ("#26272a", 0.4),
        leather="#5b3a28",
    )
    room = Room(
        _rectangle(-2.2, -1.4, 2.0, 3.2),
        2.7,
        (
            Opening("window", 3, 1.7, 1.9, 0.75, 2.35, 0.2),
            Opening("door", 0, 3.2, 0.9, 0.0, 2.05, 0.1, "plain"),
            Opening("window", 0, 1.4, 1.6, 0.8, 2.3, 0.2),
        ),
    )
    white, accent = style.make.paint("#eceae5"), style.make.paint("#d8d3c8")
    trim = build_shell(
        room,
        styles.finish(
            style, [white, white, accent, white], styles.floor_finish(style, "chevron", "oak", np.pi / 2), skirting=0.1
        ),
        rng,
    )
    stage = Stage(room, style, trim)
    stage.against(tables.desk(style, 1.6, 0.75, True), 1, 3.3, 0.03)
    x, y, _ = room.point(1, 3.3, 1.0)
    stage.put(seating.office_chair(style, style.leather), x - 0.45, y + 0.1, -np.pi / 2 + 0.5)
    _desk_things(stage, *room.point(1, 3.3, 0.03)[:2], room.angle(1), 0.74)
    stage.against(storage.bookshelf(style, 1.7, 2.05, 0.32, 5, None, 0.92), 2, 3.1, 0.02)
    stage.against(decor.picture(style, 0.5, 0.7), 1, 3.6, 0.0, 1.35)
    stage.against(decor.picture(style, 0.4, 0.4), 1, 3.0, 0.0, 1.45)
    stage.against(plants.plant(style, 1.35, "sword", 0.16), 3, 0.45, 0.1)
    stage.against(cloth.curtains(style, 1.9, 2.5, style.make.fabric("#b7b2a6", 0.0015), 0.2), 3, 1.7, 0.0, 0.02)
    stage.against(decor.radiator(style, 1.4, 0.45), 3, 1.7, 0.0, 0.12)
    stage.put(seating.armchair(style, style.cloths[0], kind="wood"), -1.75, 1.55, -np.pi / 2 - 0.5)
    stage.rug(
        cloth.rug(style, 2.1, 1.5, False, style.make.pile("#3f5566", "#2c3d4b"), style.make.pile("#b8ab98", "#8f8474")),
        -0.25,
        1.25,
    )
    stage.put(lamps.ceiling_lamp(style), 0.0, 1.0, 0.0, 2.7)
    lights.sky_lights(room, 1.0)
    lights.sun(np.radians(200), np.radians(33), 0.8)
    lights.outside(0.22, seed=9.0)
    return stage


def _desk_things(stage: Stage, x: float, y: float, angle: float, z: float) -> None:
    """Monitor, keyboard, lamp, mug and papers on a desk whose back centre is (x, y)."""
    style = stage.style
    for piece, dx, dy, turn in (
        (decor.monitor(style), 0.1, 0.22, 0.08),
        (lamps.desk_lamp(style), -0.62, 0.22, -0.4),
        (decor.lying_books(style, 4), 0.62, 0.3, 0.2),
    ):
        at = rot_z(angle)[:2, :2] @ [dx, dy] + [x, y]
        stage.put(piece, at[0], at[1], angle + turn, z)


def dining_room() -> Stage:
    rng = np.random.default_rng(59)
    style = styles.style(
        rng, "oak", "walnut", "#2f4a44", "#b9ad9c", ["#c08a3e", "#a4705a", "#e7e1d4"], ("#c2a165", 0.25)
    )
    room = Room(
        _rectangle(-2.1, -1.5, 2.2, 3.5),
        2.7,
        (
            Opening("window", 3, 1.4, 1.3, 0.5, 2.3, 0.24, "cross"),
            Opening("window", 3, 3.3, 1.3, 0.5, 2.3, 0.24, "cross"),
            Opening("door", 2, 0.75, 0.88, 0.0, 2.08, 0.1, "four"),
            Opening("window", 0, 2.1, 1.5, 0.8, 2.3, 0.2),
        ),
    )
    light, dark = style.make.paint("#e9e4d9"), style.make.paint("#4f6a64")
    trim = build_shell(
        room,
        styles.finish(
            style,
            [light, light, dark, light],
            styles.floor_finish(style, "chevron", "walnut", 0.0),
            door="#efece6",
            skirting=0.14,
            cornice=0.09,
        ),
        rng,
    )
    stage = Stage(room, style, trim)
    stage.put(tables.dining_table(style, 1.7, 0.9, "trestle"), -0.25, 0.95, 0.0)
    for x, y, angle in ((-0.65, 0.7, 0.03), (0.2, 0.62, -0.08), (-0.7, 2.1, np.pi + 0.05), (0.15, 2.18, np.pi - 0.12)):
        stage.put(seating.dining_chair(style, "padded", style.cloths[1]), x, y, angle)
    stage.put(plants.vase(style, 0.32, True), -0.3, 1.4, 0.0, 0.75)
    stage.put(decor.small_thing(style, 0.12), 0.2, 1.42, 0.5, 0.75)
    for x in (-0.65, 0.15):
        stage.put(lamps.pendant(style, 1.05, "dome", lit=True), x, 1.4, 0.0, 2.7)
    stage.against(storage.sideboard(style, 1.6), 2, 2.6, 0.02)
    stage.against(decor.picture(style, 1.1, 0.8), 2, 2.6, 0.0, 1.25)
    stage.put(lamps.table_lamp(style), -0.95, 3.25, 0.0, stage.placed[-2].high_m)
    stage.against(plants.plant(style, 1.6, "palm", 0.18), 3, 0.35, 0.12)
    for along in (1.4, 3.3):
        stage.against(cloth.curtains(style, 1.3, 2.45, style.make.fabric("#d6cbb8", 0.0015), 0.16), 3, along, 0.0, 0.02)
    stage.against(decor.picture(style, 0.5, 0.7), 1, 3.6, 0.0, 1.3)
    stage.against(decor.picture(style, 0.5, 0.7), 1, 2.9, 0.0, 1.3)
    stage.against(decor.switch(style), 2, 1.36, 0.0, 1.05)
    lights.sky_lights(room, 1.0)
    lights.outside(0.22, seed=13.0)
    return stage


SAMPLES = (
    Sample("living_room", living_room, Pose((0.85, -1.2, 1.5), -5.0, -8.0, 0.6, 26, 1280, 960), 0.38),
    Sample("bedroom", bedroom_, Pose((0.75, -1.15, 1.48), 3.0, -9.0, -0.4, 25, 1280, 960), 0.38),
    Sample("kitchen", kitchen_, Pose((0.65, -1.1, 1.52), -4.0, -9.0, 0.3, 26, 1280, 960), 0.34),
    Sample("office", office, Pose((-0.25, -1.2, 1.45), 8.0, -8.5, 0.5, 26, 1280, 960), 0.3),
    Sample("dining_room", dining_room, Pose((0.9, -1.2, 1.55), -2.0, -9.0, -0.5, 26, 1280, 960), 0.34),
)
