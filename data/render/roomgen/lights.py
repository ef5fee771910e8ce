"""Daylight: the sky as soft light in each window, sun, and the view outside."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

from .nodes import colour
from .shell import Room, pane_offset

SKY_RADIANCE = 30.0
"""Radiance of a window's light on a bright day; the exposure adapts, so only ratios to lamps and sun matter."""


def sky_lights(room: Room, strength: float, tone: str = "#dfeaff") -> None:
    """One area light per window, shining in; unseen by the camera, mirrored by glossy floors."""
    for opening in room.openings:
        if opening.kind != "window":
            continue
        light = bpy.data.lights.new("sky", "AREA")
        light.shape, light.size, light.size_y = "RECTANGLE", opening.width, opening.height
        light.energy = strength * SKY_RADIANCE * np.pi * opening.width * opening.height
        light.color = colour(tone)[:3]
        obj = bpy.data.objects.new("sky", light)
        out = -pane_offset(opening) - 0.04
        centre = room.point(opening.wall, opening.at, out, (opening.sill + opening.head) / 2)
        inward = np.append(room.inward(opening.wall), 0.0)
        x = np.append(room.along(opening.wall), 0.0)
        z = -inward
        obj.matrix_world = Matrix(
            np.block(
                [[np.stack([x, np.cross(z, x), z], 1), centre[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]]
            ).tolist()
        )
        obj.visible_camera = False
        bpy.context.scene.collection.objects.link(obj)


def sun(azimuth: float, elevation: float, strength: float, tone: str = "#fff1dc", soft: float = 0.02) -> None:
    """Sunlight coming from `azimuth` (radians from +x toward +y) at `elevation`; soft: angular diameter."""
    light = bpy.data.lights.new("sun", "SUN")
    light.energy, light.angle, light.color = strength * SKY_RADIANCE, soft, colour(tone)[:3]
    obj = bpy.data.objects.new("sun", light)
    toward = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    x = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    turn = np.stack([x, np.cross(toward, x), toward], axis=1)
    obj.matrix_world = Matrix(turn.tolist()).to_4x4()
    bpy.context.scene.collection.objects.link(obj)


def outside(strength: float, sky: str = "#dce9f7", low: str = "#8d9a80", seed: float = 0.0) -> None:
    """The view through the windows: bright sky above soft greenery; lights nothing (the window lights do that)."""
    world = bpy.data.worlds.new("outside")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    new, link = tree.nodes.new, tree.links.new
    where = new("ShaderNodeTexCoord").outputs["Generated"]
    split = new("ShaderNodeSeparateXYZ")
    link(where, split.inputs[0])
    shifted = new("ShaderNodeMapping")
    shifted.inputs["Location"].default_value = (seed, 0.7 * seed, 0.0)
    link(where, shifted.inputs["Vector"])
    noise = new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = 5.0, 4.0
    link(shifted.outputs[0], noise.inputs["Vector"])
    line = new("ShaderNodeMath")
    line.operation = "MULTIPLY_ADD"
    link(noise.outputs[0], line.inputs[0])
    line.inputs[1].default_value, line.inputs[2].default_value = -0.55, 0.22
    height = new("ShaderNodeMath")
    height.operation = "ADD"
    link(split.outputs[2], height.inputs[0])
    link(line.outputs[0], height.inputs[1])
    ramp = new("ShaderNodeValToRGB")
    dark = tuple(0.4 * c for c in colour(low)[:3]) + (1.0,)
    stops = [(0.0, dark), (0.42, colour(low)), (0.56, colour(sky)), (1.0, colour("#c3dbf5"))]
    while len(ramp.color_ramp.elements) < len(stops):
        ramp.color_ramp.elements.new(1.0)
    for element, (position, rgba) in zip(ramp.color_ramp.elements, stops):
        element.position, element.color = position, rgba
    scaled = new("ShaderNodeMapRange")
    link(height.outputs[0], scaled.inputs["Value"])
    scaled.inputs["From Min"].default_value, scaled.inputs["From Max"].default_value = -0.5, 0.5
    link(scaled.outputs[0], ramp.inputs[0])
    background = new("ShaderNodeBackground")
    background.inputs["Strength"].default_value = strength * SKY_RADIANCE
    link(ramp.outputs[0], background.inputs["Color"])
    link(background.outputs[0], new("ShaderNodeOutputWorld").inputs["Surface"])
    world.cycles_visibility.diffuse = False
    world.cycles_visibility.transmission = False
    world.cycles_visibility.scatter = False
