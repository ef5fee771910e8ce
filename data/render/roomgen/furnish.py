"""Recipes: which pieces each kind of room gets, and where."""

from __future__ import annotations

import numpy as np

from . import bedroom, decor, kitchen, seating, storage, tables
from .piece import Piece, Style
from .plan import Plan


def furnish(plan: Plan, style: Style, kind: str, lit: bool, rng) -> None:
    """Fills the room by its recipe, then clutter on surfaces and on the floor."""
    {"living": _living, "bedroom": _bedroom, "kitchen": _kitchen, "office": _office, "dining": _dining, "child": _child, "bare": _bare}[kind](plan, style, lit, rng)
    if rng.random() < 0.25:
        plan.against_wall(decor.plant(style, rng.uniform(0.6, 1.7), str(rng.choice(("fig", "palm", "sword"))), rng.uniform(0.11, 0.2)), rng, corner=0.7, out=0.1)
    for _ in range(int(rng.choice((0, 1, 2, 4), p=(0.5, 0.25, 0.15, 0.1)))):
        _litter(plan, style, rng)


def _on_top(plan: Plan, style: Style, piece: Piece, rng, most: int = 3, lamp: float = 0.25, lit: bool = False) -> None:
    """Things on a piece that was just placed (its last entry of the stage's list)."""
    placed = plan.stage.placed[-1]
    if not piece.tops:
        return
    x0, x1, y0, y1, z = piece.tops[0]
    if x1 - x0 < 0.08 or y1 < y0:
        return
    frame = _frame_of(piece, placed)
    for _ in range(int(rng.integers(0, most + 1))):
        thing = decor.table_lamp(style, lit) if rng.random() < lamp and z < 1.0 else decor.small_thing(style, 0.26)
        at = frame(rng.uniform(x0, x1), rng.uniform(y0, y1))
        plan.stage.put(thing, at[0], at[1], float(rng.uniform(0, 6.3)), z)


def _frame_of(piece: Piece, placed):
    """Maps the piece's own x, y to the room, from its placed footprint."""
    x0, y0, x1, y1 = piece.footprint()
    ex, ey = (placed.footprint[1] - placed.footprint[0]) / (x1 - x0), (placed.footprint[3] - placed.footprint[0]) / (y1 - y0)
    return lambda x, y: placed.footprint[0] + (x - x0) * ex + (y - y0) * ey


def _stand(plan: Plan, style: Style, piece: Piece, rng, lit=False, most=3, lamp=0.25, **options):
    """Stands a piece against some wall and puts things on it; → (wall, along) or None."""
    spot = plan.against_wall(piece, rng, **options)
    if spot:
        _on_top(plan, style, piece, rng, most, lamp, lit)
    return spot


def _rug_at(plan: Plan, style: Style, x: float, y: float, angle: float, rng) -> None:
    room = plan.room
    half = np.array([rng.uniform(0.6, 1.4), rng.uniform(0.5, 1.0)])
    turned = half if abs(np.sin(angle)) < 0.5 else half[::-1]
    low, high = room.outline.min(axis=0) + turned + 0.1, room.outline.max(axis=0) - turned - 0.1
    if (low < high).all():
        x, y = np.clip((x, y), low, high)
        plan.stage.rug(decor.rug(style, *(2 * half), bool(rng.random() < 0.15)), x, y, angle)


def _ahead(plan: Plan, wall: int, along: float, out: float) -> tuple[float, float]:
    x, y, _ = plan.room.point(wall, along, out)
    return float(x), float(y)


def _living(plan: Plan, style: Style, lit: bool, rng) -> None:
    sofa = seating.sofa(style, rng.uniform(1.5, 2.6), rng.uniform(0.85, 1.0), int(rng.integers(2, 4)), int(rng.choice((0, 0, -1, 1))), None, int(rng.integers(0, 5)),
                        style.any(style.cloths) if rng.random() < 0.25 else None)
    spot = plan.against_wall(sofa, rng)
    if spot:
        wall, along = spot
        angle = plan.room.angle(wall)
        at = _ahead(plan, wall, along, sofa.size[1] + 0.4)
        if rng.random() < 0.65:
            _rug_at(plan, style, *_ahead(plan, wall, along, sofa.size[1] + 0.7), angle, rng)
        if rng.random() < 0.7:
            table = tables.coffee_table(style, rng.uniform(0.7, 1.2), rng.uniform(0.45, 0.65), str(rng.choice(("wood", "round", "metal"))))
            if plan.try_at(table, *at, angle):
                _on_top(plan, style, table, rng, 3, 0.0)
        for side in (-1, 1):
            if rng.random() < 0.4:
                piece = style.any([tables.side_table, decor.floor_lamp])
                piece = tables.side_table(style, str(rng.choice(("round", "square")))) if piece is tables.side_table else decor.floor_lamp(style, lit)
                plan.try_wall(piece, wall, along + side * (sofa.size[0] / 2 + piece.size[0] / 2 + 0.1))
    _stand(plan, style, storage.tv_stand(style, rng.uniform(1.2, 2.0), float(rng.choice((0, 0.9, 1.2)))), rng, most=2, lamp=0.0)
    for _ in range(int(rng.integers(0, 3))):
        piece = seating.armchair(style, None, rng.uniform(0.72, 0.9), 0.82, str(rng.choice(("block", "wood"))))
        plan.anywhere(piece, rng) if rng.random() < 0.6 else plan.against_wall(piece, rng, out=0.1)
    if rng.random() < 0.55:
        _stand(plan, style, _shelf(style, rng), rng, corner=0.3)
    if rng.random() < 0.4:
        _stand(plan, style, storage.sideboard(style, rng.uniform(0.9, 1.8)), rng, lit=lit)
    if rng.random() < 0.4:
        plan.against_wall(decor.floor_lamp(style, lit), rng, corner=0.7)
    if rng.random() < 0.25:
        plan.anywhere(seating.pouf(style), rng)


def _shelf(style: Style, rng) -> Piece:
    return storage.bookshelf(style, rng.uniform(0.5, 1.9), rng.uniform(0.9, 2.15), rng.uniform(0.25, 0.38), int(rng.integers(3, 6)), style.any([style.wood, style.lacquer, style.wood_dark]), rng.uniform(0.4, 0.95))


def _bedroom(plan: Plan, style: Style, lit: bool, rng) -> None:
    width = float(rng.choice((0.9, 1.4, 1.6, 1.8), p=(0.2, 0.25, 0.4, 0.15)))
    bed = bedroom.bed(style, width, rng.uniform(1.95, 2.1), str(rng.choice(("padded", "slats", "board"))), style.any(style.cloths) if rng.random() < 0.5 else None)
    spot = plan.against_wall(bed, rng, corner=0.15)
    if spot:
        wall, along = spot
        if rng.random() < 0.4:
            _rug_at(plan, style, *_ahead(plan, wall, along + rng.choice((-0.6, 0.6)), 1.4), plan.room.angle(wall), rng)
        for side in (-1, 1):
            if rng.random() < 0.7:
                piece = storage.nightstand(style)
                if plan.try_wall(piece, wall, along + side * (bed.size[0] / 2 + 0.32)):
                    _on_top(plan, style, piece, rng, 2, 0.6, lit)
    if rng.random() < 0.7:
        _stand(plan, style, storage.wardrobe(style, rng.uniform(0.9, 2.2), min(plan.room.height - 0.1, rng.uniform(1.85, 2.3))), rng, most=0, corner=0.5)
    if rng.random() < 0.5:
        _stand(plan, style, storage.chest(style, rng.uniform(0.6, 1.3), rng.uniform(0.7, 1.15), int(rng.integers(3, 5))), rng, lit=lit)
    if rng.random() < 0.25:
        _work_place(plan, style, rng)
    if rng.random() < 0.35:
        plan.against_wall(seating.armchair(style, None, 0.75, 0.8, str(rng.choice(("block", "wood")))), rng, out=0.1, corner=0.5)
    if rng.random() < 0.25:
        _stand(plan, style, _shelf(style, rng), rng)


def _kitchen(plan: Plan, style: Style, lit: bool, rng) -> None:
    make = style.make
    front = style.any([style.lacquer, style.lacquer, style.wood, make.paint(str(rng.choice(("#5f7a70", "#2f3f4c", "#d9d4c8", "#8a9a8e", "#efeeea"))), 0.35, 0.0)])
    top = style.any([style.wood, make.stone("#e6e3dd", "#9b9791"), make.stone("#3a3b3d"), make.stone("#b9b2a6"), make.gloss("#efeeea", 0.25)])
    tiles = make.tiles(str(rng.choice(("#eeece6", "#d5dcd8", "#7f9a9c", "#c9b8a0", "#39444a"))), "#b0aaa0", (float(rng.choice((0.1, 0.15, 0.2))), float(rng.choice((0.075, 0.1, 0.2)))), 0.15, 0.5)
    order = sorted(range(plan.room.walls), key=lambda w: -plan.room.length(w) * rng.uniform(0.6, 1.2))
    for wall in order[:int(rng.integers(1, 3))]:
        _kitchen_wall(plan, style, wall, front, top, tiles, rng)
    _stand(plan, style, kitchen.fridge(style, style.any([None, front, make.gloss("#efeeea", 0.25)]), rng.uniform(1.5, 2.0)), rng, most=0, corner=0.8)
    if rng.random() < 0.6:
        _dining_set(plan, style, rng, rng.uniform(0.8, 1.3))
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
                plan.hang(kitchen.wall_units(style, 1, front, 0.7), wall, along + (k + 0.5 - units / 2) * kitchen.UNIT, 1.45)
        return


def _work_place(plan: Plan, style: Style, rng) -> None:
    desk = tables.desk(style, rng.uniform(1.0, 1.8), rng.uniform(0.55, 0.8), bool(rng.random() < 0.6), style.any([style.wood, style.lacquer, style.wood_dark]))
    spot = plan.against_wall(desk, rng)
    if not spot:
        return
    placed = plan.stage.placed[-1]
    frame, z = _frame_of(desk, placed), desk.tops[0][4]
    angle = plan.room.angle(spot[0])
    if rng.random() < 0.75:
        at = frame(rng.uniform(-0.2, 0.2), 0.2)
        plan.stage.put(decor.monitor(style, rng.uniform(0.45, 0.7)), *at, angle + rng.normal(0, 0.1), z)
    if rng.random() < 0.5:
        plan.stage.put(decor.desk_lamp(style), *frame(-desk.size[0] / 2 + 0.15, 0.2), angle + rng.normal(0, 0.5), z)
    for _ in range(int(rng.integers(0, 4))):
        thing = style.any([decor.lying_books, decor.lying_books, decor.small_thing])(style)
        plan.stage.put(thing, *frame(rng.uniform(0.3, 0.8) * desk.size[0] / 2, rng.uniform(0.15, 0.5)), float(rng.uniform(0, 6.3)), z)
    x, y = _ahead(plan, spot[0], spot[1] + rng.uniform(-0.2, 0.2), desk.size[1] + rng.uniform(0.75, 1.0))
    chair = seating.office_chair(style) if rng.random() < 0.7 else seating.dining_chair(style, str(rng.choice(("slat", "shell", "padded"))))
    plan.try_at(chair, x, y, angle + np.pi + rng.normal(0, 0.3))


def _office(plan: Plan, style: Style, lit: bool, rng) -> None:
    for _ in range(int(rng.integers(1, 4))):
        _work_place(plan, style, rng)
    for _ in range(int(rng.integers(0, 4))):
        _stand(plan, style, _shelf(style, rng), rng, corner=0.4)
    if rng.random() < 0.5:
        _stand(plan, style, storage.cabinet(style, "cabinet", rng.uniform(0.7, 1.2), rng.uniform(0.75, 1.9), 0.45, 2, int(rng.integers(1, 4)), 0.03, style.lacquer, style.lacquer), rng)
    for _ in range(int(rng.integers(0, 3))):
        plan.against_wall(decor.cardboard(style, rng.uniform(0.25, 0.5, 3)), rng, corner=0.3)


def _dining_set(plan: Plan, style: Style, rng, width: float) -> None:
    kind = str(rng.choice(("rect", "rect", "trestle", "round")))
    table = tables.dining_table(style, width, rng.uniform(0.72, 0.95), kind)
    angle = float(rng.choice((0, np.pi / 2)))
    if not plan.anywhere(table, rng, angle, 20):
        return
    frame = _frame_of(table, plan.stage.placed[-1])
    _on_top(plan, style, table, rng, 2, 0.0)
    _, _, x1, y1 = table.footprint()
    chair, seat = str(rng.choice(("slat", "shell", "padded"))), style.any([style.lacquer, *style.cloths])
    for side, turn in ((-1, 0.0), (1, np.pi)):
        for k in range(max(1, int(width / 0.6))):
            if rng.random() < 0.8:
                x = (k + 0.5) * width / max(1, int(width / 0.6)) - width / 2
                y = -0.42 if side < 0 else y1 + 0.42
                at = frame(x, y + rng.normal(0, 0.06))
                piece = seating.dining_chair(style, chair, seat if chair != "slat" else None)
                _slip(plan, piece, at, angle + turn + rng.normal(0, 0.12))


def _slip(plan: Plan, piece: Piece, at, angle: float) -> None:
    """A chair may reach under the table it belongs to: only the room and other things limit it."""
    taken = list(plan.boxes)

    def is_table(box) -> bool:
        near = box[0] - 0.6 < at[0] < box[2] + 0.6 and box[1] - 0.6 < at[1] < box[3] + 0.6
        return near and 0.7 < box[4] < 0.8

    tables_here = [box for box in taken if is_table(box)]
    plan.boxes = [box for box in taken if box not in tables_here]
    plan.try_at(piece, at[0], at[1], angle)
    plan.boxes += tables_here


def _dining(plan: Plan, style: Style, lit: bool, rng) -> None:
    _dining_set(plan, style, rng, rng.uniform(1.2, 2.2))
    if rng.random() < 0.75:
        _stand(plan, style, storage.sideboard(style, rng.uniform(1.0, 2.0)), rng, lit=lit)
    if rng.random() < 0.4:
        _stand(plan, style, storage.cabinet(style, "cupboard", rng.uniform(0.8, 1.2), rng.uniform(1.6, 2.0), 0.42, 2, 2, 0.08, style.wood, style.wood), rng, corner=0.4)
    if rng.random() < 0.3:
        _stand(plan, style, _shelf(style, rng), rng)


def _child(plan: Plan, style: Style, lit: bool, rng) -> None:
    _stand(plan, style, bedroom.bed(style, 0.9, 1.9, str(rng.choice(("slats", "board"))), style.any(style.cloths)), rng, corner=0.7)
    _work_place(plan, style, rng)
    for _ in range(int(rng.integers(1, 3))):
        _stand(plan, style, _shelf(style, rng), rng, corner=0.3)
    _stand(plan, style, storage.chest(style, rng.uniform(0.6, 1.0), rng.uniform(0.7, 1.0), 3), rng)
    _rug_at(plan, style, *plan.room.outline.mean(axis=0), 0.0, rng)
    for _ in range(int(rng.integers(1, 5))):
        _litter(plan, style, rng)


def _bare(plan: Plan, style: Style, lit: bool, rng) -> None:
    """Just moved in: a box or two, perhaps one piece."""
    for _ in range(int(rng.integers(0, 4))):
        plan.against_wall(decor.cardboard(style, rng.uniform(0.25, 0.6, 3)), rng)
    if rng.random() < 0.4:
        _stand(plan, style, storage.wardrobe(style, rng.uniform(0.9, 1.6), 2.0), rng, most=0)


def _litter(plan: Plan, style: Style, rng) -> None:
    """Something on the floor: a box, a basket, books, a heap of clothes, a bin, a stool."""
    kind = int(rng.integers(6))
    make = (lambda: decor.cardboard(style, rng.uniform(0.2, 0.5, 3)), lambda: decor.basket(style, rng.uniform(0.25, 0.42, 3)), lambda: decor.lying_books(style, int(rng.integers(2, 7))),
            lambda: decor.heap(style), lambda: decor.bin_(style), lambda: seating.stool(style, rng.uniform(0.4, 0.6)))[kind]
    piece = make()
    piece.on_floor = True
    plan.anywhere(piece, rng)


def hang_things(plan: Plan, style: Style, rng) -> None:
    """Pictures, mirrors, shelves, clocks and switches on free patches of wall."""
    for _ in range(int(rng.choice((0, 2, 4, 7), p=(0.15, 0.35, 0.35, 0.15)))):
        draw = rng.random()
        if draw < 0.68:
            size = rng.uniform(0.25, 0.9), rng.uniform(0.25, 0.9)
            piece, z = decor.picture(style, *size, rng.uniform(0.01, 0.08)), rng.uniform(1.45, 1.7) - size[1] / 2
        elif draw < 0.8:
            piece, z = decor.mirror(style, rng.uniform(0.4, 0.8), rng.uniform(0.5, 1.3), bool(rng.random() < 0.4)), rng.uniform(0.8, 1.2)
        elif draw < 0.93:
            piece, z = storage.wall_shelf(style, rng.uniform(0.5, 1.2)), rng.uniform(1.2, 1.7)
        else:
            piece, z = decor.clock(style), rng.uniform(1.6, 1.9)
        for _ in range(6):
            wall = int(rng.integers(plan.room.walls))
            along = float(rng.uniform(0.2, plan.room.length(wall) - 0.2))
            if plan.hang(piece, wall, along, z):
                break
    for opening in plan.room.openings:
        if opening.kind == "door":
            plan.hang(decor.switch(style), opening.wall, opening.at + (opening.width / 2 + 0.22) * rng.choice((-1, 1)), 1.05)
