"""A few lines of shorthand for building shader node trees."""

from __future__ import annotations

import bpy

from .mesh import TEX_ATTRIBUTE


def colour(rgb) -> tuple[float, float, float, float]:
    """Linear RGBA from an sRGB triple in 0–1 or a "#rrggbb" string."""
    if isinstance(rgb, str):
        rgb = [int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb) + (1.0,)


class Tree:
    """Node tree of a new material; values may be sockets or plain numbers."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.output = self.node("ShaderNodeOutputMaterial")

    def node(self, kind: str, inputs: dict | None = None, **settings):
        node = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.set(node.inputs[key], value)
        return node

    def set(self, socket, value) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 4 and socket.type == "VECTOR":
            socket.default_value = value[:3]
        else:
            socket.default_value = value

    def tex(self, scale=(1.0, 1.0, 1.0), angle: float = 0.0):
        """Texture coordinates in metres, scaled (and turned about z)."""
        source = self.node("ShaderNodeAttribute", attribute_name=TEX_ATTRIBUTE).outputs["Vector"]
        mapping = self.node("ShaderNodeMapping", {"Vector": source, "Scale": scale, "Rotation": (0, 0, angle)})
        return mapping.outputs["Vector"]

    def noise(self, vector, scale: float = 1.0, detail: float = 2.0, distortion: float = 0.0):
        return self.node(
            "ShaderNodeTexNoise", {"Vector": vector, "Scale": scale, "Detail": detail, "Distortion": distortion}
        ).outputs[0]

    def math(self, operation: str, a, b=0.0):
        node = self.node("ShaderNodeMath", operation=operation)
        self.set(node.inputs[0], a)
        self.set(node.inputs[1], b)
        return node.outputs[0]

    def span(self, value, low: float, high: float, from_low: float = 0.0, from_high: float = 1.0):
        """`value` mapped linearly from [from_low, from_high] to [low, high], clamped."""
        return self.node(
            "ShaderNodeMapRange",
            {"Value": value, "From Min": from_low, "From Max": from_high, "To Min": low, "To Max": high},
        ).outputs[0]

    def mix(self, factor, a, b, blend: str = "MIX"):
        node = self.node("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        for index, value in ((0, factor), (6, a), (7, b)):
            self.set(node.inputs[index], value)
        return node.outputs[2]

    def ramp(self, value, stops):
        """Colour ramp; stops: (position, linear RGBA)."""
        node = self.node("ShaderNodeValToRGB", {"Fac": value})
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(1.0)
        for element, (position, rgba) in zip(elements, stops):
            element.position, element.color = position, rgba
        return node.outputs[0]

    def bump(self, height, distance: float, strength: float = 1.0):
        return self.node("ShaderNodeBump", {"Height": height, "Distance": distance, "Strength": strength}).outputs[0]

    def principled(self, plain=None, **inputs):
        """Principled shader to the output; underscores in names stand for blanks (Base_Color).

        plain: linear RGBA that stands in for the textures wherever light only bounces (all but what the camera or a
        mirror sees). Cycles skips the unused branch, which makes rendering several times faster.
        """
        named = {key.replace("_", " "): value for key, value in inputs.items() if value is not None}
        surface = self.node("ShaderNodeBsdfPrincipled", named).outputs[0]
        if plain is not None:
            path = self.node("ShaderNodeLightPath")
            seen = self.math("MAXIMUM", path.outputs["Is Camera Ray"], path.outputs["Is Singular Ray"])
            simple = self.node("ShaderNodeBsdfDiffuse", {"Color": plain}).outputs[0]
            surface = self.node("ShaderNodeMixShader", {0: seen, 1: simple, 2: surface}).outputs[0]
        self.tree.links.new(surface, self.output.inputs["Surface"])
        return self.material
