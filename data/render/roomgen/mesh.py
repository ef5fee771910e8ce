"""Geometry as numpy arrays, and its hand-over to Blender as one mesh object.

Room frame of the generator: x right, y forward, z up, metres. Normals are explicit per vertex (faces that must look
flat own their vertices), so a bevelled box shades exactly without modifiers. `tex` holds texture coordinates in metres:
the part's own coordinates before it is placed, so that wood grain runs along the part (x) wherever it goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np

TEX_ATTRIBUTE = "tex"


@dataclass(frozen=True)
class Part:
    """verts, normals, tex: n×3. faces: arrays of vertex indices, each m×k (k corners)."""

    verts: np.ndarray
    faces: tuple[np.ndarray, ...]
    normals: np.ndarray
    tex: np.ndarray

    def moved(self, at=(0.0, 0.0, 0.0), turn: np.ndarray | None = None) -> "Part":
        """Rotated by the 3×3 matrix `turn`, then shifted by `at`; texture coordinates stay."""
        turn = np.eye(3) if turn is None else turn
        return replace(self, verts=self.verts @ turn.T + np.asarray(at, float), normals=self.normals @ turn.T)

    def bent(self, function) -> "Part":
        """Vertices sent through `function` (n×3 → n×3), normals recomputed."""
        verts = function(self.verts.copy())
        return replace(self, verts=verts, normals=smooth_normals(verts, self.faces))

    def grain(self, axis: int) -> "Part":
        """Texture turned so that what ran along x runs along `axis` (0, 1 or 2) of the part."""
        return replace(self, tex=np.roll(self.tex, -axis, axis=1))


def smooth_normals(verts: np.ndarray, faces: tuple[np.ndarray, ...]) -> np.ndarray:
    """Area-weighted unit vertex normals, n×3."""
    total = np.zeros_like(verts)
    for face in faces:
        corners = verts[face]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        if face.shape[1] > 3:
            normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        for k in range(face.shape[1]):
            np.add.at(total, face[:, k], normal)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def rot_x(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]], float)


def rot_y(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], float)


def rot_z(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], float)


class Builder:
    """Collects parts with their materials and becomes one Blender object."""

    def __init__(self) -> None:
        self.parts: list[tuple[Part, bpy.types.Material]] = []

    def add(self, part: Part, material, at=(0.0, 0.0, 0.0), turn: np.ndarray | None = None) -> "Builder":
        self.parts.append((part.moved(at, turn), material))
        return self

    def merge(self, other: "Builder", at=(0.0, 0.0, 0.0), turn: np.ndarray | None = None) -> "Builder":
        """Takes over another builder's parts, placed."""
        self.parts.extend((part.moved(at, turn), material) for part, material in other.parts)
        return self

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest x, y, z."""
        verts = np.concatenate([part.verts for part, _ in self.parts])
        return verts.min(axis=0), verts.max(axis=0)

    def to_object(self, name: str, pass_index: int, at=(0.0, 0.0, 0.0), angle: float = 0.0) -> bpy.types.Object:
        """Links one object into the scene, turned by `angle` (radians, about z) and moved to `at`."""
        turn = rot_z(angle)
        parts = [(part.moved(at, turn), material) for part, material in self.parts]
        materials = list(dict.fromkeys(material for _, material in parts))
        mesh = bpy.data.meshes.new(name)
        for material in materials:
            mesh.materials.append(material)
        _fill(mesh, parts, {material: i for i, material in enumerate(materials)})
        obj = bpy.data.objects.new(name, mesh)
        obj.pass_index = pass_index
        bpy.context.scene.collection.objects.link(obj)
        return obj


def _fill(mesh: bpy.types.Mesh, parts, slot: dict) -> None:
    starts = np.cumsum([0] + [len(part.verts) for part, _ in parts])
    corners, sizes, slots = [], [], []
    for (part, material), start in zip(parts, starts):
        for face in part.faces:
            corners.append((face + start).ravel())
            sizes.append(np.full(len(face), face.shape[1]))
            slots.append(np.full(len(face), slot[material]))
    loops = np.concatenate(corners).astype(np.int32)
    sizes = np.concatenate(sizes)
    mesh.vertices.add(int(starts[-1]))
    mesh.vertices.foreach_set("co", _flat([part.verts for part, _ in parts]))
    mesh.loops.add(len(loops))
    mesh.loops.foreach_set("vertex_index", loops)
    mesh.polygons.add(len(sizes))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.polygons.foreach_set("material_index", np.concatenate(slots).astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(sizes), bool))
    mesh.update(calc_edges=True)
    for name, values in (("custom_normal", "normals"), (TEX_ATTRIBUTE, "tex")):
        attribute = mesh.attributes.new(name, "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", _flat([getattr(part, values) for part, _ in parts]))


def _flat(arrays) -> np.ndarray:
    return np.concatenate(arrays).astype(np.float32).ravel()
