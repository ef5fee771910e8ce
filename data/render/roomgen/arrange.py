"""Moves that several recipes share: things on tops, groups of pieces, clutter, and what hangs on the walls."""

from __future__ import annotations

import numpy as np

from . import cloth, decor, lamps, seating, storage, tables
from .piece import Piece, Style
from .plan import Plan


def on_top(plan: Plan, style: Style, piece: Piece, rng, most: int = 3, lamp: float = 0.25, lit: bool = False) -> None:
    """Things on a piece that was just placed (its last entry of the stage's list)."""
    placed = plan.stage.placed[-1]
    if not piece.tops:
        return
    x0, x1, y0, y1, z = piece.tops[0]
    if x1 - x0 < 0.08 or y1 < y0:
        return
    frame = _frame_of(piece, placed)
    for _ in range(int(rng.integers(0, most + 1))):
        thing = lamps.table_lamp(style, lit) if rng.random() < lamp and z < 1.0 else decor.small_thing(style, 0.26)
        at = frame(rng.uniform(x0, x1), rng.uniform(y0, y1))
        plan.stage.put(thing, at[0], at[1], float(rng.uniform(0, 6.3)), z)


def _frame_of(piece: Piece, placed):
    """Maps the piece's own x, y to the room, from its placed footprint."""
    x0, y0, x1, y1 = piece.footprint()
    ex, ey = (placed.footprint[1] - placed.footprint[0]) / (x1 - x0), (placed.footprint[3] - placed.footprint[0]) / (
        y1 - y0
    )
    return lambda x, y: placed.footprint[0] + (x - x0) * ex + (y - y0) * ey


def stand(plan: Plan, style: Style, piece: Piece, rng, lit=False, most=3, lamp=0.25, **options):
    """Stands a piece against some wall and puts things on it; → (wall, along) or None."""
    spot = plan.against_wall(piece, rng, **options)
    if spot:
        on_top(plan, style, piece, rng, most, lamp, lit)
    return spot


def rug_at(plan: Plan, style: Style, x: float, y: float, angle: float, rng) -> None:
    room = plan.room
    half = np.array([rng.uniform(0.6, 1.4), rng.uniform(0.5, 1.0)])
    turned = half if abs(np.sin(angle)) < 0.5 else half[::-1]
    low, high = room.outline.min(axis=0) + turned + 0.1, room.outline.max(axis=0) - turned - 0.1
    if (low < high).all():
        x, y = np.clip((x, y), low, high)
        plan.stage.rug(cloth.rug(style, *(2 * half), bool(rng.random() < 0.15)), x, y, angle)


def ahead(plan: Plan, wall: int, along: float, out: float) -> tuple[float, float]:
    x, y, _ = plan.room.point(wall, along, out)
    return float(x), float(y)


def shelf(style: Style, rng) -> Piece:
    return storage.bookshelf(
        style,
        rng.uniform(0.5, 1.9),
        rng.uniform(0.9, 2.15),
        rng.uniform(0.25, 0.38),
        int(rng.integers(3, 6)),
        style.any([style.wood, style.lacquer, style.wood_dark]),
        rng.uniform(0.4, 0.95),
    )


def work_place(plan: Plan, style: Style, rng) -> None:
    desk = tables.desk(
        style,
        rng.uniform(1.0, 1.8),
        rng.uniform(0.55, 0.8),
        bool(rng.random() < 0.6),
        style.any([style.wood, style.lacquer, style.wood_dark]),
    )
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
        plan.stage.put(lamps.desk_lamp(style), *frame(-desk.size[0] / 2 + 0.15, 0.2), angle + rng.normal(0, 0.5), z)
    for _ in range(int(rng.integers(0, 4))):
        thing = style.any([decor.lying_books, decor.lying_books, decor.small_thing])(style)
        plan.stage.put(
            thing,
            *frame(rng.uniform(0.3, 0.8) * desk.size[0] / 2, rng.uniform(0.15, 0.5)),
            float(rng.uniform(0, 6.3)),
            z,
        )
    x, y = ahead(plan, spot[0], spot[1] + rng.uniform(-0.2, 0.2), desk.size[1] + rng.uniform(0.75, 1.0))
    chair = (
        seating.office_chair(style)
        if rng.random() < 0.7
        else seating.dining_chair(style, str(rng.choice(("slat", "shell", "padded"))))
    )
    plan.try_at(chair, x, y, angle + np.pi + rng.normal(0, 0.3))


def dining_set(plan: Plan, style: Style, rng, width: float) -> None:
    kind = str(rng.choice(("rect", "rect", "trestle", "round")))
    table = tables.dining_table(style, width, rng.uniform(0.72, 0.95), kind)
    angle = float(rng.choice((0, np.pi / 2)))
    if not plan.anywhere(table, rng, angle, 20):
        return
    frame = _frame_of(table, plan.stage.placed[-1])
    on_top(plan, style, table, rng, 2, 0.0)
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


def litter(plan: Plan, style: Style, rng) -> None:
    """Something on the floor: a box, a basket, books, a heap of clothes, a bin, a stool."""
    kind = int(rng.integers(6))
    make = (
        lambda: decor.cardboard(style, rng.uniform(0.2, 0.5, 3)),
        lambda: decor.basket(style, rng.uniform(0.25, 0.42, 3)),
        lambda: decor.lying_books(style, int(rng.integers(2, 7))),
        lambda: decor.heap(style),
        lambda: decor.bin_(style),
        lambda: seating.stool(style, rng.uniform(0.4, 0.6)),
    )[kind]
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
            piece, z = decor.mirror(
                style, rng.uniform(0.4, 0.8), rng.uniform(0.5, 1.3), bool(rng.random() < 0.4)
            ), rng.uniform(0.8, 1.2)
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
            plan.hang(
                decor.switch(style), opening.wall, opening.at + (opening.width / 2 + 0.22) * rng.choice((-1, 1)), 1.05
            )
