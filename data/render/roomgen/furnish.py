"""Recipes: which pieces each kind of room gets, and where."""

from __future__ import annotations

import numpy as np

from . import bedroom, decor, kitchen, lamps, plants, seating, storage, tables
from .arrange import ahead, dining_set, litter, on_top, rug_at, shelf, stand, work_place
from .piece import Piece, Style
from .plan import Plan


def furnish(plan: Plan, style: Style, kind: str, lit: bool, rng) -> None:
    """Fills the room by its recipe, then clutter on surfaces and on the floor."""
    {
        "living": _living,
        "bedroom": _bedroom,
        "kitchen": _kitchen,
        "office": _office,
        "dining": _dining,
        "child": _child,
        "bare": _bare,
    }[kind](plan, style, lit, rng)
    if rng.random() < 0.25:
        plan.against_wall(
            plants.plant(
                style, rng.uniform(0.6, 1.7), str(rng.choice(("fig", "palm", "sword"))), rng.uniform(0.11, 0.2)
            ),
            rng,
            corner=0.7,
            out=0.1,
        )
    for _ in range(int(rng.choice((0, 1, 2, 4), p=(0.5, 0.25, 0.15, 0.1)))):
        litter(plan, style, rng)


def _living(plan: Plan, style: Style, lit: bool, rng) -> None:
    sofa = seating.sofa(
        style,
        rng.uniform(1.5, 2.6),
        rng.uniform(0.85, 1.0),
        int(rng.integers(2, 4)),
        int(rng.choice((0, 0, -1, 1))),
        None,
        int(rng.integers(0, 5)),
        style.any(style.cloths) if rng.random() < 0.25 else None,
    )
    spot = plan.against_wall(sofa, rng)
    if spot:
        wall, along = spot
        angle = plan.room.angle(wall)
        at = ahead(plan, wall, along, sofa.size[1] + 0.4)
        if rng.random() < 0.65:
            rug_at(plan, style, *ahead(plan, wall, along, sofa.size[1] + 0.7), angle, rng)
        if rng.random() < 0.7:
            table = tables.coffee_table(
                style, rng.uniform(0.7, 1.2), rng.uniform(0.45, 0.65), str(rng.choice(("wood", "round", "metal")))
            )
            if plan.try_at(table, *at, angle):
                on_top(plan, style, table, rng, 3, 0.0)
        for side in (-1, 1):
            if rng.random() < 0.4:
                piece = style.any([tables.side_table, lamps.floor_lamp])
                piece = (
                    tables.side_table(style, str(rng.choice(("round", "square"))))
                    if piece is tables.side_table
                    else lamps.floor_lamp(style, lit)
                )
                plan.try_wall(piece, wall, along + side * (sofa.size[0] / 2 + piece.size[0] / 2 + 0.1))
    stand(
        plan,
        style,
        storage.tv_stand(style, rng.uniform(1.2, 2.0), float(rng.choice((0, 0.9, 1.2)))),
        rng,
        most=2,
        lamp=0.0,
    )
    for _ in range(int(rng.integers(0, 3))):
        piece = seating.armchair(style, None, rng.uniform(0.72, 0.9), 0.82, str(rng.choice(("block", "wood"))))
        plan.anywhere(piece, rng) if rng.random() < 0.6 else plan.against_wall(piece, rng, out=0.1)
    if rng.random() < 0.55:
        stand(plan, style, shelf(style, rng), rng, corner=0.3)
    if rng.random() < 0.4:
        stand(plan, style, storage.sideboard(style, rng.uniform(0.9, 1.8)), rng, lit=lit)
    if rng.random() < 0.4:
        plan.against_wall(lamps.floor_lamp(style, lit), rng, corner=0.7)
    if rng.random() < 0.25:
        plan.anywhere(seating.pouf(style), rng)


def _bedroom(plan: Plan, style: Style, lit: bool, rng) -> None:
    width = float(rng.choice((0.9, 1.4, 1.6, 1.8), p=(0.2, 0.25, 0.4, 0.15)))
    bed = bedroom.bed(
        style,
        width,
        rng.uniform(1.95, 2.1),
        str(rng.choice(("padded", "slats", "board"))),
        style.any(style.cloths) if rng.random() < 0.5 else None,
    )
    spot = plan.against_wall(bed, rng, corner=0.15)
    if spot:
        wall, along = spot
        if rng.random() < 0.4:
            rug_at(plan, style, *ahead(plan, wall, along + rng.choice((-0.6, 0.6)), 1.4), plan.room.angle(wall), rng)
        for side in (-1, 1):
            if rng.random() < 0.7:
                piece = storage.nightstand(style)
                if plan.try_wall(piece, wall, along + side * (bed.size[0] / 2 + 0.32)):
                    on_top(plan, style, piece, rng, 2, 0.6, lit)
    if rng.random() < 0.7:
        stand(
            plan,
            style,
            storage.wardrobe(style, rng.uniform(0.9, 2.2), min(plan.room.height - 0.1, rng.uniform(1.85, 2.3))),
            rng,
            most=0,
            corner=0.5,
        )
    if rng.random() < 0.5:
        stand(
            plan,
            style,
            storage.chest(style, rng.uniform(0.6, 1.3), rng.uniform(0.7, 1.15), int(rng.integers(3, 5))),
            rng,
            lit=lit,
        )
    if rng.random() < 0.25:
        work_place(plan, style, rng)
    if rng.random() < 0.35:
        plan.against_wall(
            seating.armchair(style, None, 0.75, 0.8, str(rng.choice(("block", "wood")))), rng, out=0.1, corner=0.5
        )
    if rng.random() < 0.25:
        stand(plan, style, shelf(style, rng), rng)


def _kitchen(plan: Plan, style: Style, lit: bool, rng) -> None:
    make = style.make
    front = style.any(
        [
            style.lacquer,
            style.lacquer,
            style.wood,
            make.paint(str(rng.choice(("#5f7a70", "#2f3f4c", "#d9d4c8", "#8a9a8e", "#efeeea"))), 0.35, 0.0),
        ]
    )
    top = style.any(
        [
            style.wood,
            make.stone("#e6e3dd", "#9b9791"),
            make.stone("#3a3b3d"),
            make.stone("#b9b2a6"),
            make.gloss("#efeeea", 0.25),
        ]
    )
    tiles = make.tiles(
        str(rng.choice(("#eeece6", "#d5dcd8", "#7f9a9c", "#c9b8a0", "#39444a"))),
        "#b0aaa0",
        (float(rng.choice((0.1, 0.15, 0.2))), float(rng.choice((0.075, 0.1, 0.2)))),
        0.15,
        0.5,
    )
    order = sorted(range(plan.room.walls), key=lambda w: -plan.room.length(w) * rng.uniform(0.6, 1.2))
    for wall in order[: int(rng.integers(1, 3))]:
        _kitchen_wall(plan, style, wall, front, top, tiles, rng)
    stand(
        plan,
        style,
        kitchen.fridge(style, style.any([None, front, make.gloss("#efeeea", 0.25)]), rng.uniform(1.5, 2.0)),
        rng,
        most=0,
        corner=0.8,
    )
    if rng.random() < 0.6:
        dining_set(plan, style, rng, rng.uniform(0.8, 1.3))
    elif rng.random() < 0.4:
        plan.anywhere(kitchen.island(style, rng.uniform(1.0, 1.6), top, front), rng, float(rng.choice((0, np.pi / 2))))


def _kitchen_wall(plan: Plan, style: Style, wall: int, front, top, tiles, rng) -> None:
    length = plan.room.length(wall)
    for units in range(int(min(6, (length - 0.1) // kitchen.UNIT)), 1, -1):
        places = list(rng.permutation(units))
        run = kitchen.base_run(style, units, top, front, int(places[0]), int(places[1]), None, bool(rng.random() < 0.8))
        along = units * 0.3 + 0.02 if rng.random() < 0.5 else length - units * 0.3 - 0.02
        if not plan.try_wall(run, wall, along, 0.0):
            continue
        x = along + (places[1] + 0.5 - units / 2) * kitchen.UNIT
        free = plan.wall_free(wall, along - units * 0.3, along + units * 0.3, 0.92, 1.45)
        if free and rng.random() < 0.7:
            splash = Piece("backsplash", on_floor=False)
            splash.add(kitchen.splash(units * kitchen.UNIT, 0.52), tiles)
            plan.stage.against(splash, wall, along, 0.0, 0.9)
        if rng.random() < 0.6:
            plan.hang(kitchen.hood(style, max(0.3, plan.room.height - 1.7)), wall, x, 1.6 - 0.02)
        for k in range(units):
            if k != places[1] and rng.random() < 0.75:
                plan.hang(
                    kitchen.wall_units(style, 1, front, 0.7), wall, along + (k + 0.5 - units / 2) * kitchen.UNIT, 1.45
                )
        return


def _office(plan: Plan, style: Style, lit: bool, rng) -> None:
    for _ in range(int(rng.integers(1, 4))):
        work_place(plan, style, rng)
    for _ in range(int(rng.integers(0, 4))):
        stand(plan, style, shelf(style, rng), rng, corner=0.4)
    if rng.random() < 0.5:
        stand(
            plan,
            style,
            storage.cabinet(
                style,
                "cabinet",
                rng.uniform(0.7, 1.2),
                rng.uniform(0.75, 1.9),
                0.45,
                2,
                int(rng.integers(1, 4)),
                0.03,
                style.lacquer,
                style.lacquer,
            ),
            rng,
        )
    for _ in range(int(rng.integers(0, 3))):
        plan.against_wall(decor.cardboard(style, rng.uniform(0.25, 0.5, 3)), rng, corner=0.3)


def _dining(plan: Plan, style: Style, lit: bool, rng) -> None:
    dining_set(plan, style, rng, rng.uniform(1.2, 2.2))
    if rng.random() < 0.75:
        stand(plan, style, storage.sideboard(style, rng.uniform(1.0, 2.0)), rng, lit=lit)
    if rng.random() < 0.4:
        stand(
            plan,
            style,
            storage.cabinet(
                style,
                "cupboard",
                rng.uniform(0.8, 1.2),
                rng.uniform(1.6, 2.0),
                0.42,
                2,
                2,
                0.08,
                style.wood,
                style.wood,
            ),
            rng,
            corner=0.4,
        )
    if rng.random() < 0.3:
        stand(plan, style, shelf(style, rng), rng)


def _child(plan: Plan, style: Style, lit: bool, rng) -> None:
    stand(
        plan,
        style,
        bedroom.bed(style, 0.9, 1.9, str(rng.choice(("slats", "board"))), style.any(style.cloths)),
        rng,
        corner=0.7,
    )
    work_place(plan, style, rng)
    for _ in range(int(rng.integers(1, 3))):
        stand(plan, style, shelf(style, rng), rng, corner=0.3)
    stand(plan, style, storage.chest(style, rng.uniform(0.6, 1.0), rng.uniform(0.7, 1.0), 3), rng)
    rug_at(plan, style, *plan.room.outline.mean(axis=0), 0.0, rng)
    for _ in range(int(rng.integers(1, 5))):
        litter(plan, style, rng)


def _bare(plan: Plan, style: Style, lit: bool, rng) -> None:
    """Just moved in: a box or two, perhaps one piece."""
    for _ in range(int(rng.integers(0, 4))):
        plan.against_wall(decor.cardboard(style, rng.uniform(0.25, 0.6, 3)), rng)
    if rng.random() < 0.4:
        stand(plan, style, storage.wardrobe(style, rng.uniform(0.9, 1.6), 2.0), rng, most=0)
