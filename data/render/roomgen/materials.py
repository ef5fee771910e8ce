"""Procedural materials: paint, wood, fabric, metal, tile, carpet, … Colours are sRGB; every scale is in metres.

`Materials` makes each one once per scene (asking twice for the same gives the same).
"""

from __future__ import annotations

import numpy as np

from .nodes import Tree, colour

WOODS = {  # light and dark streak, sRGB
    "oak": ("#c6a377", "#9c7748"),
    "pine": ("#dcb88a", "#b98a55"),
    "walnut": ("#7d5a3f", "#4a3020"),
    "beech": ("#d6b08a", "#bf9166"),
    "white oak": ("#d9c7ab", "#bfa985"),
    "wenge": ("#4b3a30", "#2b201a"),
    "cherry": ("#a4653f", "#7a4226"),
    "ash": ("#d8cbb8", "#b7a68d"),
    "teak": ("#a8794c", "#7b5230"),
    "grey oak": ("#a79c8e", "#857a6c"),
    "mahogany": ("#6f3a27", "#4c2417"),
}


class Materials:
    """Material factory of one scene; `rng` gives the small differences that make no two woods quite alike.

    fine: False leaves out the surface relief of paint, which cannot be seen in a small picture and costs a third of its
    rendering time."""

    def __init__(self, rng: np.random.Generator, fine: bool = True) -> None:
        self.rng, self.fine = rng, fine
        self._made: dict = {}

    def _once(self, key, make):
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def paint(self, rgb, rough: float = 0.6, bump: float = 0.0004, mottle: float = 0.03):
        """Wall paint, lacquer or plaster: faint mottling and roller texture."""
        bump = bump if self.fine else 0.0
        return self._once(("paint", rgb, rough, bump), lambda: _paint(rgb, rough, bump, mottle))

    def wood(self, kind: str, rough: float = 0.42, tint: float = 0.0):
        """Wood with the grain along the part's x."""
        return self._once(("wood", kind, rough, tint), lambda: _wood(kind, rough, tint, self.rng))

    def fabric(self, rgb, weave: float = 0.0016, sheen: float = 0.25, second=None):
        """Woven cloth; `second` gives a mélange of two yarns."""
        return self._once(("fabric", rgb, weave, second), lambda: _fabric(rgb, weave, sheen, second))

    def striped(self, first, second, width: float = 0.05, axis: int = 0):
        return self._once(("striped", first, second, width, axis), lambda: _striped(first, second, width, axis))

    def patterned(self, ground, figure, size: float = 0.12, style: str = "dots"):
        """Printed cloth or wallpaper: "dots", "leaves" (soft blotches), "check" or "waves"."""
        return self._once(("pattern", ground, figure, size, style), lambda: _patterned(ground, figure, size, style))

    def leather(self, rgb):
        return self._once(("leather", rgb), lambda: _leather(rgb))

    def pile(self, rgb, second=None, length: float = 0.006):
        """Carpet or thick rug."""
        return self._once(("pile", rgb, second), lambda: _pile(rgb, second, length))

    def metal(self, rgb="#c9c9c6", rough: float = 0.28):
        return self._once(("metal", rgb, rough), lambda: _metal(rgb, rough))

    def gloss(self, rgb, rough: float = 0.12, coat: float = 0.4):
        """Glazed ceramic, lacquer, plastic."""
        return self._once(
            ("gloss", rgb, rough),
            lambda: Tree("gloss").principled(
                Base_Color=colour(rgb), Roughness=rough, Coat_Weight=coat, Coat_Roughness=0.06
            ),
        )

    def glass(self, tint="#eef5f2"):
        return self._once(("glass", tint), lambda: _thin_glass(tint))

    def mirror(self):
        return self._once(
            "mirror", lambda: Tree("mirror").principled(Base_Color=colour("#e9ecea"), Metallic=1.0, Roughness=0.0)
        )

    def screen(self):
        """A display that is off."""
        return self._once(
            "screen",
            lambda: Tree("screen").principled(Base_Color=colour("#08090b"), Roughness=0.13, Specular_IOR_Level=0.6),
        )

    def glow(self, rgb, strength: float):
        return self._once(
            ("glow", rgb, strength),
            lambda: Tree("glow").principled(
                Base_Color=colour("#ffffff"), Emission_Color=colour(rgb), Emission_Strength=strength
            ),
        )

    def shade(self, rgb, strength: float = 0.0):
        """Lampshade cloth: lets light through, and glows when lit."""
        return self._once(("shade", rgb, strength), lambda: _translucent(rgb, 0.5, strength))

    def sheer(self, rgb="#f4f1ea", through: float = 0.55):
        return self._once(("sheer", rgb, through), lambda: _sheer(rgb, through))

    def leaf(self, rgb="#44683a"):
        return self._once(("leaf", rgb), lambda: _leaf(rgb))

    def stone(self, rgb, vein=None, rough: float = 0.22, size: float = 0.5):
        """Marble, granite or terrazzo-like worktop."""
        return self._once(("stone", rgb, vein, size), lambda: _stone(rgb, vein, rough, size))

    def tiles(
        self, rgb, joint="#cfcac0", size=(0.3, 0.3), rough: float = 0.25, offset: float = 0.0, vary: float = 0.06
    ):
        """Tiles or bricks in the part's x–y plane of texture coordinates."""
        key = ("tiles", rgb, joint, size, offset)
        return self._once(key, lambda: _tiles(rgb, joint, size, rough, offset, vary))

    def concrete(self, rgb="#9a9790", rough: float = 0.55):
        return self._once(("concrete", rgb), lambda: _concrete(rgb, rough))

    def picture(self, seed: int, colours):
        """Abstract art or a landscape-like print from a handful of sRGB colours."""
        return self._once(("picture", seed), lambda: _picture(seed, colours))

    def wicker(self, rgb="#b98f5e"):
        return self._once(("wicker", rgb), lambda: _wicker(rgb))


def _scaled(rgba, factor: float):
    return tuple(min(1.0, c * factor) for c in rgba[:3]) + (1.0,)


def _between(a, b):
    return tuple((x + y) / 2 for x, y in zip(a, b))


def _paint(rgb, rough, bump, mottle):
    t = Tree("paint")
    base = colour(rgb)
    tex = t.tex()
    tone = t.mix(t.noise(tex, 1.3, 1), _scaled(base, 1 - mottle), _scaled(base, 1 + mottle))
    normal = t.bump(t.noise(tex, 260, 1), bump, 0.35) if bump else None
    return t.principled(base, Base_Color=tone, Roughness=rough, Normal=normal, Specular_IOR_Level=0.35)


def _wood(kind, rough, tint, rng):
    t = Tree("wood")
    light, dark = (_scaled(colour(c), 1 + tint) for c in WOODS[kind])
    mean = _between(light, dark)
    shift = float(rng.uniform(0.9, 1.15))
    rings = t.noise(t.tex((1.1, 9, 9)), 2.2 * shift, 3, 1.1)
    fibre = t.noise(t.tex((6, 150, 150)), 1.0, 2)
    broad = t.noise(t.tex((0.8, 3, 3)), 1.0, 1)
    streak = t.span(rings, 0, 1, 0.36, 0.66)
    tone = t.mix(streak, light, dark)
    tone = t.mix(t.span(fibre, 0.0, 0.5, 0.35, 0.8), tone, _scaled(dark, 0.75))
    tone = t.mix(t.span(broad, 0, 0.35, 0.3, 0.7), tone, _scaled(light, 1.12))
    return t.principled(
        mean, Base_Color=tone, Roughness=t.span(fibre, rough - 0.06, rough + 0.12), Normal=t.bump(fibre, 0.0006, 0.35)
    )


def _fabric(rgb, weave, sheen, second):
    t = Tree("fabric")
    base = colour(rgb)
    other = colour(second) if second else _scaled(base, 0.72)
    tex = t.tex()
    yarn = t.noise(t.tex((1, 1, 1)), 0.55 / weave, 1)
    tone = t.mix(t.span(yarn, 0, 1, 0.34, 0.66), base, other)
    tone = t.mix(t.span(t.noise(tex, 4, 2), 0, 0.22, 0.35, 0.7), tone, _scaled(base, 1.18))
    return t.principled(
        base,
        Base_Color=tone,
        Roughness=0.88,
        Normal=t.bump(yarn, weave * 0.7, 0.6),
        Sheen_Weight=sheen,
        Sheen_Roughness=0.5,
        Specular_IOR_Level=0.25,
    )


def _striped(first, second, width, axis):
    t = Tree("striped")
    source = t.node("ShaderNodeSeparateXYZ", {"Vector": t.tex()})
    wave = t.math("SINE", t.math("MULTIPLY", source.outputs[axis], np.pi / width))
    mean = _between(colour(first), colour(second))
    tone = t.mix(t.span(wave, 0, 1, -0.12, 0.12), colour(first), colour(second))
    return t.principled(
        mean, Base_Color=tone, Roughness=0.9, Normal=t.bump(t.noise(t.tex(), 400, 1), 0.001, 0.4), Sheen_Weight=0.15
    )


def _patterned(ground, figure, size, style):
    t = Tree("pattern")
    tex = t.tex((1 / size,) * 3)
    if style == "check":
        mask = t.node("ShaderNodeTexChecker", {"Vector": tex, "Scale": 1.0}).outputs[1]
    elif style == "leaves":
        mask = t.span(t.noise(tex, 1.6, 3, 0.9), 0, 1, 0.5, 0.54)
    elif style == "waves":
        mask = t.span(
            t.node("ShaderNodeTexWave", {"Vector": tex, "Scale": 0.5, "Distortion": 3.0}).outputs[1], 0, 1, 0.45, 0.55
        )
    else:
        distance = t.node("ShaderNodeTexVoronoi", {"Vector": tex, "Scale": 1.0, "Randomness": 0.35}).outputs["Distance"]
        mask = t.span(distance, 1, 0, 0.26, 0.3)
    tone = t.mix(mask, colour(ground), colour(figure))
    mean = _between(colour(ground), colour(figure))
    return t.principled(mean, Base_Color=tone, Roughness=0.82, Normal=t.bump(t.noise(t.tex(), 300, 1), 0.0008, 0.3))


def _leather(rgb):
    t = Tree("leather")
    base = colour(rgb)
    tex = t.tex()
    cells = t.node("ShaderNodeTexVoronoi", {"Vector": tex, "Scale": 280.0}).outputs["Distance"]
    tone = t.mix(t.span(t.noise(tex, 5, 3), 0, 1, 0.3, 0.75), _scaled(base, 0.75), _scaled(base, 1.2))
    return t.principled(
        base, Base_Color=tone, Roughness=t.span(t.noise(tex, 11, 2), 0.36, 0.55), Normal=t.bump(cells, 0.0012, 0.4)
    )


def _pile(rgb, second, length):
    t = Tree("pile")
    base = colour(rgb)
    tex = t.tex()
    tuft = t.noise(tex, 150, 2)
    other = colour(second) if second else _scaled(base, 0.6)
    tone = t.mix(t.span(tuft, 0, 1, 0.32, 0.68), other, base)
    tone = t.mix(t.span(t.noise(tex, 2.2, 2), 0, 0.3, 0.4, 0.65), tone, _scaled(base, 1.15))
    return t.principled(
        base,
        Base_Color=tone,
        Roughness=0.95,
        Normal=t.bump(tuft, length, 0.8),
        Sheen_Weight=0.3,
        Specular_IOR_Level=0.15,
    )


def _metal(rgb, rough):
    t = Tree("metal")
    smear = t.noise(t.tex((4, 4, 40)), 6, 2)
    return t.principled(Base_Color=colour(rgb), Metallic=1.0, Roughness=t.span(smear, rough * 0.75, rough * 1.3))


def _thin_glass(tint):
    """Clear for light and sight, reflecting at grazing angles: no refraction, so it stays cheap and noise-free."""
    t = Tree("glass")
    clear = t.node("ShaderNodeBsdfTransparent", {"Color": colour(tint)})
    shine = t.node("ShaderNodeBsdfGlossy", {"Roughness": 0.02})
    factor = t.node("ShaderNodeLayerWeight", {"Blend": 0.28}).outputs["Fresnel"]
    mixed = t.node("ShaderNodeMixShader", {0: factor, 1: clear.outputs[0], 2: shine.outputs[0]})
    t.tree.links.new(mixed.outputs[0], t.output.inputs["Surface"])
    return t.material


def _translucent(rgb, share, strength):
    t = Tree("shade")
    tone = colour(rgb)
    weave = t.bump(t.noise(t.tex(), 500, 1), 0.0006, 0.3)
    diffuse = t.node("ShaderNodeBsdfDiffuse", {"Color": tone, "Normal": weave})
    through = t.node("ShaderNodeBsdfTranslucent", {"Color": tone, "Normal": weave})
    mixed = t.node("ShaderNodeMixShader", {0: share, 1: diffuse.outputs[0], 2: through.outputs[0]}).outputs[0]
    if strength:
        light = t.node("ShaderNodeEmission", {"Color": colour("#ffd9a8"), "Strength": strength})
        mixed = t.node("ShaderNodeAddShader", {0: mixed, 1: light.outputs[0]}).outputs[0]
    t.tree.links.new(mixed, t.output.inputs["Surface"])
    return t.material


def _sheer(rgb, through):
    t = Tree("sheer")
    tone = colour(rgb)
    diffuse = t.node("ShaderNodeBsdfDiffuse", {"Color": tone})
    behind = t.node("ShaderNodeBsdfTranslucent", {"Color": tone})
    cloth = t.node("ShaderNodeMixShader", {0: 0.6, 1: diffuse.outputs[0], 2: behind.outputs[0]})
    clear = t.node("ShaderNodeBsdfTransparent")
    mixed = t.node("ShaderNodeMixShader", {0: through, 1: cloth.outputs[0], 2: clear.outputs[0]})
    t.tree.links.new(mixed.outputs[0], t.output.inputs["Surface"])
    return t.material


def _leaf(rgb):
    t = Tree("leaf")
    base = colour(rgb)
    tone = t.mix(t.noise(t.tex(), 9, 2), _scaled(base, 0.6), _scaled(base, 1.5))
    return t.principled(base, Base_Color=tone, Roughness=0.38, Specular_IOR_Level=0.45)


def _stone(rgb, vein, rough, size):
    t = Tree("stone")
    base = colour(rgb)
    tex = t.tex((1 / size,) * 3)
    if vein is None:
        speck = t.noise(tex, 90 * size, 2)
        tone = t.mix(t.span(speck, 0, 1, 0.35, 0.65), _scaled(base, 0.62), _scaled(base, 1.25))
    else:
        line = t.math("ABSOLUTE", t.math("SUBTRACT", t.noise(tex, 1.4, 5, 1.2), 0.5))
        cloud = t.mix(t.noise(tex, 2.5, 3), _scaled(base, 0.88), base)
        tone = t.mix(t.span(line, 0.75, 0, 0, 0.035), cloud, colour(vein))
    return t.principled(base, Base_Color=tone, Roughness=rough, Coat_Weight=0.15)


def _tiles(rgb, joint, size, rough, offset, vary):
    t = Tree("tiles")
    base = colour(rgb)
    tex = t.tex()
    brick = t.node(
        "ShaderNodeTexBrick",
        {
            "Vector": tex,
            "Scale": 1.0,
            "Brick Width": size[0],
            "Row Height": size[1],
            "Mortar Size": 0.0022,
            "Mortar Smooth": 0.3,
            "Bias": 0.0,
            "Color1": _scaled(base, 1 - vary),
            "Color2": _scaled(base, 1 + vary),
            "Mortar": colour(joint),
        },
        offset=offset,
    )
    gap = brick.outputs["Fac"]
    cloud = t.mix(t.span(t.noise(tex, 7, 3), 0, 0.35, 0.4, 0.7), brick.outputs["Color"], _scaled(base, 0.82))
    tone = t.mix(gap, cloud, colour(joint))
    height = t.math("SUBTRACT", t.math("MULTIPLY", t.noise(tex, 40, 1), 0.06), gap)
    return t.principled(
        base,
        Base_Color=tone,
        Roughness=t.mix(gap, (rough,) * 3 + (1,), (0.85,) * 3 + (1,)),
        Normal=t.bump(height, 0.0015, 0.6),
    )


def _concrete(rgb, rough):
    t = Tree("concrete")
    base = colour(rgb)
    tex = t.tex()
    tone = t.mix(t.span(t.noise(tex, 1.6, 6, 0.5), 0, 1, 0.3, 0.7), _scaled(base, 0.75), _scaled(base, 1.2))
    return t.principled(
        base,
        Base_Color=tone,
        Roughness=t.span(t.noise(tex, 6, 4), rough - 0.15, rough + 0.15),
        Normal=t.bump(t.noise(tex, 60, 4), 0.001, 0.3),
    )


def _picture(seed, colours):
    t = Tree("picture")
    rng = np.random.default_rng(seed)
    turn = float(rng.choice([0, 0, np.pi / 2]))
    tex = t.tex(tuple(rng.uniform(1.5, 5, 3)), turn)
    value = t.noise(tex, float(rng.uniform(0.6, 1.6)), float(rng.uniform(1, 6)), float(rng.uniform(0, 2.5)))
    stops = np.linspace(0.3, 0.7, len(colours))
    tone = t.ramp(value, [(float(p), colour(c)) for p, c in zip(stops, colours)])
    fine = t.mix(t.span(t.noise(t.tex(), 35, 4), 0, 0.12, 0.4, 0.7), tone, colour("#ffffff"))
    return t.principled(colour(colours[0]), Base_Color=fine, Roughness=0.5)


def _wicker(rgb):
    t = Tree("wicker")
    base = colour(rgb)
    weave = t.node(
        "ShaderNodeTexBrick",
        {
            "Vector": t.tex(),
            "Scale": 1.0,
            "Brick Width": 0.03,
            "Row Height": 0.008,
            "Mortar Size": 0.0012,
            "Color1": _scaled(base, 0.8),
            "Color2": _scaled(base, 1.2),
            "Mortar": _scaled(base, 0.25),
        },
    )
    height = t.math("SUBTRACT", 1.0, weave.outputs["Fac"])
    return t.principled(base, Base_Color=weave.outputs["Color"], Roughness=0.6, Normal=t.bump(height, 0.003, 0.8))
