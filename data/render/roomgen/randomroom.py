"""A random room by seed: shape, openings, finish, furniture, light."""

from __future__ import annotations

import numpy as np

from . import arrange, cloth, decor, furnish, lamps, lights, styles
from .piece import Style
from .plan import Plan
from .shell import Opening, Room, build_shell
from .stage import Stage

KINDS = ("living", "bedroom", "kitchen", "office", "dining", "child", "bare")
SHARES = (0.25, 0.23, 0.15, 0.15, 0.09, 0.07, 0.06)


def random_room(seed: int) -> tuple[Stage, Plan]:
    """Builds the room of that seed in the (empty) scene, furnished and lit."""
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(KINDS, p=SHARES))
    room = _openings(_shape(rng, kind), rng)
    style = styles.random_style(rng)
    trim = build_shell(room, _finish(style, room, kind, rng), rng)
    stage = Stage(room, style, trim)
    plan = Plan(stage)
    mood = str(rng.choice(("day", "sun", "grey", "evening", "night"), p=(0.34, 0.24, 0.16, 0.16, 0.10)))
    lit = mood in ("evening", "night") or bool(rng.random() < 0.2)
    _under_windows(plan, style, rng)
    furnish.furnish(plan, style, kind, lit, rng)
    _at_windows(plan, style, rng)
    arrange.hang_things(plan, style, rng)
    _ceiling_lamps(stage, style, mood, lit, rng)
    _light(room, mood, rng)
    return stage, plan


def _shape(rng, kind: str) -> Room:
    """Rectangle, or an L in one of seven rooms; height 2.3–3.1 m."""
    small = kind in ("kitchen", "child", "office")
    w, d = rng.uniform(2.3, 4.2 if small else 5.4), rng.uniform(2.8, 5.0 if small else 6.8)
    height = round(float(np.clip(rng.normal(2.55, 0.17), 2.3, 3.1)), 3)
    if rng.random() < 0.14 and w > 3.2 and d > 3.6:
        a, b = rng.uniform(0.3, 0.55) * w, rng.uniform(0.3, 0.5) * d
        outline = np.array([(0, 0), (w, 0), (w, d - b), (w - a, d - b), (w - a, d), (0, d)])
        outline = outline if rng.random() < 0.5 else (outline * [-1, 1])[::-1]
    else:
        outline = np.array([(0, 0), (w, 0), (w, d), (0, d)])
    return Room(np.round(outline, 3), height)


def _openings(room: Room, rng) -> Room:
    """One or two doors and up to three windows at free places of the walls."""
    taken: dict[int, list[tuple[float, float]]] = {}
    openings: list[Opening] = []

    def add(kind: str, width: float, sill: float, head: float, style: str) -> None:
        for _ in range(10):
            wall = int(rng.integers(room.walls))
            half = width / 2 + 0.16
            if room.length(wall) < 2 * half + 0.1:
                continue
            at = float(rng.uniform(half, room.length(wall) - half))
            if all(at + half < a or b < at - half for a, b in taken.get(wall, [])):
                taken.setdefault(wall, []).append((at - half, at + half))
                openings.append(
                    Opening(
                        kind,
                        wall,
                        round(at, 3),
                        round(width, 3),
                        round(sill, 3),
                        round(head, 3),
                        round(float(rng.uniform(0.08, 0.3)), 3),
                        style,
                    )
                )
                return

    for _ in range(1 if rng.random() < 0.75 else 2):
        add(
            "door",
            rng.uniform(0.72, 0.95),
            0.0,
            rng.uniform(1.98, 2.1),
            str(rng.choice(("plain", "two", "four", "glazed"))),
        )
    for _ in range(int(rng.choice((1, 2, 3), p=(0.35, 0.45, 0.2)))):
        sill = float(rng.choice((rng.uniform(0.65, 1.0), rng.uniform(0.25, 0.6), 0.0), p=(0.72, 0.2, 0.08)))
        head = min(room.height - 0.14, rng.uniform(2.0, 2.45))
        add("window", rng.uniform(0.7, 2.4), sill if sill else 0.02, head, str(rng.choice(("plain", "cross"))))
    return Room(room.outline, room.height, tuple(openings))


def _finish(style: Style, room: Room, kind: str, rng):
    make = style.make
    base = str(rng.choice(styles.WALL_COLOURS))
    walls = [make.paint(base)] * room.walls
    special = int(rng.integers(room.walls))
    draw = rng.random()
    if draw < 0.3:
        walls[special] = make.paint(str(rng.choice(styles.ACCENT_COLOURS)))
    elif draw < 0.4:
        paper = make.patterned(
            base,
            str(rng.choice(styles.WALL_COLOURS + styles.ACCENT_COLOURS)),
            float(rng.uniform(0.08, 0.4)),
            str(rng.choice(("leaves", "dots", "waves"))),
        )
        walls = [paper] * room.walls if rng.random() < 0.5 else [*walls[:special], paper, *walls[special + 1 :]]
    elif draw < 0.45:
        walls[special] = make.tiles(
            str(rng.choice(("#a5654c", "#d8d2c8", "#8a5a48"))), "#b9b2a8", (0.24, 0.075), 0.8, 0.5, 0.2
        )
    elif draw < 0.49:
        walls[special] = make.striped(base, str(rng.choice(styles.WALL_COLOURS)), float(rng.uniform(0.04, 0.2)))
    elif draw < 0.54:
        walls = [make.paint(str(rng.choice(styles.ACCENT_COLOURS)))] * room.walls
    door = None if rng.random() < 0.4 else str(rng.choice(("#f0eee9", "#e8e4da", "#3d4347", "#a8b3ac")))
    trim = str(rng.choice(("#f2f0eb", "#e9e4da", base, "#5b4638")))
    return styles.finish(
        style,
        walls,
        _floor(style, kind, rng),
        trim,
        door,
        str(rng.choice(("#f4f3f0", "#f4f3f0", "#ece8df", base))),
        float(rng.choice((0.06, 0.09, 0.14, 0.0), p=(0.35, 0.4, 0.18, 0.07))),
        float(rng.choice((0.0, 0.06, 0.1), p=(0.72, 0.18, 0.1))),
    )


def _floor(style: Style, kind: str, rng) -> dict:
    from .materials import WOODS

    wood, turn = str(rng.choice(list(WOODS))), float(rng.choice((0.0, np.pi / 2)))
    hard = ("planks", "chevron", "tiles", "stone", "concrete", "lino", "carpet")
    share = (0.3, 0.0, 0.4, 0.12, 0.05, 0.13, 0.0) if kind == "kitchen" else (0.52, 0.09, 0.06, 0.04, 0.04, 0.03, 0.22)
    pick = str(rng.choice(hard, p=share))
    if pick in ("planks", "chevron"):
        return styles.floor_finish(
            style, pick, wood, turn, (float(rng.uniform(0.6, 1.8)), float(rng.choice((0.07, 0.12, 0.16, 0.2))))
        )
    if pick == "carpet":
        return styles.floor_finish(style, pick, str(rng.choice(cloth.RUG_COLOURS)))
    side = float(rng.choice((0.2, 0.3, 0.45, 0.6)))
    return styles.floor_finish(
        style,
        pick,
        str(rng.choice(("#b9b2a6", "#8f8a82", "#d9d3c8", "#a98d72", "#6f7072", "#c9b8a0", "#7d5a48"))),
        float(rng.choice((0.0, 0.0, np.pi / 4))),
        (side, side),
    )


def _under_windows(plan: Plan, style: Style, rng) -> None:
    for opening in plan.room.openings:
        if opening.kind == "window" and opening.sill > 0.55 and opening.width > 0.8 and rng.random() < 0.45:
            piece = decor.radiator(style, opening.width * 0.8, min(0.6, opening.sill - 0.25))
            if plan.hang(piece, opening.wall, opening.at, 0.14):
                a, b = plan.room.point(opening.wall, opening.at - opening.width / 2, 0.0), plan.room.point(
                    opening.wall, opening.at + opening.width / 2, 0.16
                )
                plan.boxes.append((*np.minimum(a, b)[:2], *np.maximum(a, b)[:2], 0.6))


def _at_windows(plan: Plan, style: Style, rng) -> None:
    """Curtains (to the floor where nothing stands below, else short), sheers, blinds, or nothing."""
    room = plan.room
    drape = (
        style.make.fabric(str(rng.choice(styles.CLOTHS + styles.ACCENTS)), 0.0015)
        if rng.random() < 0.8
        else style.make.patterned(
            str(rng.choice(cloth.RUG_COLOURS)), str(rng.choice(cloth.RUG_COLOURS)), 0.15, "leaves"
        )
    )
    draw = rng.random()
    for opening in room.openings:
        if opening.kind != "window":
            continue
        if draw < 0.55:
            half = opening.width / 2 + 0.25
            below = plan.highest(opening.wall, opening.at - half, opening.at + half)
            low = 0.03 if below < 0.05 else max(below + 0.02, opening.sill - 0.15)
            top = min(room.height - 0.08, opening.head + 0.15)
            if draw < 0.42:
                stage_piece = cloth.curtains(style, opening.width, top - low, drape, float(rng.uniform(0.14, 0.3)))
                plan.stage.against(stage_piece, opening.wall, opening.at, 0.0, low)
            if draw > 0.3:
                plan.stage.against(
                    cloth.curtains(style, opening.width - 0.3, top - low, style.make.sheer(), 0.46, False),
                    opening.wall,
                    opening.at,
                    -0.05,
                    low,
                )
        elif draw < 0.75:
            drop = float(rng.uniform(0.12, 0.7)) * opening.height
            plan.stage.against(
                cloth.blind(style, opening.width + 0.06, opening.height + 0.05, drop),
                opening.wall,
                opening.at,
                0.0,
                opening.sill,
            )


def _ceiling_lamps(stage: Stage, style: Style, mood: str, lit: bool, rng) -> None:
    room = stage.room
    centre = (room.outline[0] + room.outline[2]) / 2
    windows = any(o.kind == "window" for o in room.openings)
    if rng.random() < 0.75 or not windows or mood == "night":
        on = lit and (mood == "night" or rng.random() < 0.7) or not windows
        if rng.random() < 0.55:
            piece = lamps.pendant(style, float(rng.uniform(0.3, 0.8)), str(rng.choice(("dome", "globe", "drum"))), on)
        else:
            piece = lamps.ceiling_lamp(style, on)
        stage.put(piece, centre[0] + rng.normal(0, 0.2), centre[1] + rng.normal(0, 0.2), 0.0, room.height)


def _light(room: Room, mood: str, rng) -> None:
    sky = {
        "day": rng.uniform(0.7, 1.2),
        "sun": 0.8,
        "grey": rng.uniform(0.3, 0.6),
        "evening": rng.uniform(0.02, 0.12),
        "night": 0.001,
    }[mood]
    tone = {"grey": "#e8edf2", "evening": "#b9cdf2", "night": "#5a6f9a"}.get(
        mood, str(rng.choice(("#dfeaff", "#eef3ff", "#fff8ec")))
    )
    lights.sky_lights(room, sky, tone)
    bright = {"evening": 0.05, "night": 0.0004}.get(mood, rng.uniform(0.15, 0.5)) * max(sky, 0.05)
    lights.outside(
        bright,
        str(rng.choice(("#dce9f7", "#eef1f3", "#c9def5"))),
        str(rng.choice(("#8d9a80", "#a59d92", "#6f7f63", "#b5b0a8"))),
        float(rng.uniform(0, 50)),
    )
    windows = [o for o in room.openings if o.kind == "window"]
    if mood == "sun" and windows:
        inward = room.inward(windows[int(rng.integers(len(windows)))].wall)
        azimuth = np.arctan2(-inward[1], -inward[0]) + rng.uniform(-0.9, 0.9)
        lights.sun(float(azimuth), float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.4, 1.6)))
