"""Palettes: which woods, cloths and colours go together in one room."""

from __future__ import annotations

import numpy as np

from .materials import WOODS, Materials
from .piece import Style
from .shell import Finish

WALL_COLOURS = (
    """#efece6 #e8e4da #f3f1ec #dfe3e0 #e6ddd0 #d9d6cf #eae6df #cfd8d6 #d8c9b4 #e9d9d0 #c9d2c4 #b9c4c9 #f0e6cf
#d5cbd3 #c8b49a #b7c2b0 #e3c9b0""".split()
)
ACCENT_COLOURS = (
    "#5f7a78 #38515f #7d8f78 #a3674f #4a4f58 #8c7b93 #c08f5a #2f4a44 #9a4a44 #d9a441 #6f86a3 #b58b87".split()
)
CLOTHS = """#8d8f90 #5d6468 #b9ad9c #c9c2b4 #3f4e5a #6d7b6c #a4705a #d8d0c2 #7a5c4c #46586b #9b9384 #35383c #b58f4e
#7e3f3c""".split()
ACCENTS = "#c08a3e #2f5560 #a34f3c #7f9076 #d8cdbb #33424f #c9a78f #d7b65f #6b3f4a #e7e1d4 #50746a #8d6f96".split()
BOOKS = """#7b2f2a #2c4157 #d6cdb8 #3f5a45 #c08a3e #1f2226 #a8a29a #5a3b52 #e6ddc8 #8f4e2d #456f86 #c4b08b #6e1f26
#efece4""".split()
ART = [
    ("#e8dfcf", "#c46a4a", "#2f4a58", "#d9b778"),
    ("#f1ece2", "#9fb1ac", "#3c5558"),
    ("#20303c", "#6b8799", "#d7dad4", "#c79a63"),
    ("#efe7db", "#d79a82", "#8a4a3f", "#2e2a2b"),
    ("#dfe6e2", "#7d9c82", "#37513f", "#d8c48f"),
    ("#f4f1ea", "#1d1f22", "#b8b2a7"),
    ("#f2d9b0", "#e08a4c", "#6a3d5c", "#27304f"),
]


def style(
    rng: np.random.Generator,
    wood: str,
    dark: str,
    lacquer: str,
    cloth: str,
    accents,
    metal=("#bfc0be", 0.28),
    linen: str = "#ece8df",
    leather: str = "#6b4430",
    fine: bool = True,
) -> Style:
    """A style from named woods (see materials.WOODS) and sRGB colours."""
    make = Materials(rng, fine)
    greens = [make.leaf(c) for c in ("#3f6436", "#53753f", "#2f5237", "#6d8a4c")]
    ceramics = [
        make.gloss("#ece8e0", 0.25),
        make.paint("#d8cfc0", 0.75),
        make.gloss(accents[0], 0.2),
        make.paint("#b9907a", 0.8),
        make.gloss("#3c4348", 0.3),
        make.glass(),
    ]
    art = [make.picture(int(rng.integers(10**6)), ART[int(rng.integers(len(ART)))]) for _ in range(4)]
    return Style(
        make,
        rng,
        make.wood(wood),
        make.wood(dark),
        make.paint(lacquer, 0.35, 0.0),
        make.metal(*metal),
        make.fabric(cloth),
        [make.fabric(c) for c in accents],
        make.fabric(linen, 0.0012, 0.15),
        make.leather(leather),
        greens,
        ceramics,
        BOOKS,
        art,
    )


def random_style(rng: np.random.Generator) -> Style:
    """A style drawn at random, for small pictures."""
    woods = list(WOODS)
    accents = [str(c) for c in rng.choice(ACCENTS, 4, replace=False)]
    metal = [("#bfc0be", 0.28), ("#2b2c2e", 0.4), ("#c2a165", 0.25), ("#e8e8e6", 0.35)][int(rng.integers(4))]
    lacquer = str(
        rng.choice(["#f1f0ec", "#e8e4dc", "#3d4347", "#c9cfcb", "#a8b3ac", "#2e3f4a", "#dcd3c3", "#8aa1a0", "#d9c9b8"])
    )
    made = style(
        rng,
        str(rng.choice(woods)),
        str(rng.choice(woods)),
        lacquer,
        str(rng.choice(CLOTHS)),
        accents,
        metal,
        str(rng.choice(["#ece8df", "#f4f2ee", "#d9d4ca", "#c8cdd2", "#b6bfae", "#e4d3c5"])),
        str(rng.choice(["#6b4430", "#2a2422", "#a5723f", "#c8b79b"])),
        False,
    )
    if rng.random() < 0.2:
        made.cloth = made.leather
    return made


def floor_finish(style_: Style, kind: str, colour: str = "oak", angle: float = 0.0, size=(1.2, 0.14)) -> dict:
    """Finish arguments of a floor: "planks", "chevron", "tiles", "carpet", "stone", "concrete" or "lino"."""
    make = style_.make
    if kind in ("planks", "chevron"):
        woods = tuple(make.wood(colour, 0.33, tint) for tint in (-0.13, -0.04, 0.05, 0.12))
        plank = (0.62, 0.09) if kind == "chevron" else size
        return {
            "planks": woods,
            "pattern": kind,
            "plank_size": plank,
            "floor_angle": angle,
            "extra": {"gap": make.paint("#2a211a", 0.9, 0.0)},
        }
    material = {
        "tiles": lambda: make.tiles(colour, "#a9a39a", size, 0.22),
        "carpet": lambda: make.pile(colour),
        "stone": lambda: make.tiles(colour, "#9d968c", (0.6, 0.6), 0.18, 0.5, 0.1),
        "concrete": lambda: make.concrete(colour),
        "lino": lambda: make.stone(colour, None, 0.35, 0.6),
    }[kind]()
    return {"floor": material, "floor_angle": angle}


def finish(
    style_: Style,
    walls,
    floor: dict,
    trim: str = "#f2f0eb",
    door: str | None = None,
    ceiling: str = "#f4f3f0",
    skirting: float = 0.09,
    cornice: float = 0.0,
) -> Finish:
    """A shell's finish; walls: materials, one per wall; door: colour, or None for wood."""
    make = style_.make
    white = make.paint(trim, 0.38, 0.0)
    leaf = make.paint(door, 0.38, 0.0) if door else style_.wood
    return Finish(
        list(walls),
        make.paint(ceiling, 0.8),
        white,
        leaf,
        make.gloss("#f0f0ee", 0.3, 0.1),
        style_.metal,
        skirting=skirting,
        cornice=cornice,
        door_glass=make.gloss("#c7d3d0", 0.2, 0.2),
        **floor,
    )
