"""Building blocks as `Part`s: boxes with rounded edges, cushions, turned and extruded shapes, cloth, tubes.

All are centred in x and y and stand on z = 0 unless said otherwise.
"""

from __future__ import annotations

import numpy as np

from .mesh import Part, smooth_normals

_AXES = ((0, 1, 2, 1), (0, 1, 2, -1), (1, 2, 0, 1), (1, 2, 0, -1), (2, 0, 1, 1), (2, 0, 1, -1))


def _part(verts, faces, normals=None, tex=None) -> Part:
    verts = np.asarray(verts, float)
    faces = tuple(np.asarray(face, int) for face in faces)
    normals = smooth_normals(verts, faces) if normals is None else np.asarray(normals, float)
    offset = np.array([verts[:, 0].sum() % 7.3, len(verts) % 5.1, verts[:, 2].sum() % 3.7])
    return Part(verts, faces, normals, verts + offset if tex is None else np.asarray(tex, float))


def _grid_faces(rows: int, cols: int, flip: bool = False) -> np.ndarray:
    index = np.arange(rows * cols).reshape(rows, cols)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1).reshape(-1, 4)
    return quads[:, ::-1] if flip else quads


def _ticks(half: float, radius: float, steps: int, inner: int) -> np.ndarray:
    """Positions along one edge of a rounded box: fine over the rounding, `inner` cells over the flat."""
    arc = radius * np.tan(np.linspace(np.pi / 4, 0, steps + 1))
    flat = np.linspace(-(half - radius), half - radius, inner + 1)
    return np.concatenate([-(half - radius) - arc[:-1], flat, (half - radius) + arc[::-1][1:]])


def box(size, radius: float = 0.004, steps: int = 2, inner=(1, 1, 1)) -> Part:
    """Box of `size` (x, y, z) with rounded edges, exact normals. `inner`: cells over the flat zone per axis."""
    half = np.asarray(size, float) / 2
    radius = float(min(radius, 0.98 * half.min()))
    ticks = [_ticks(half[a], radius, steps, inner[a]) for a in range(3)]
    verts, faces, count = [], [], 0
    for a, b, c, side in _AXES:
        grid = np.zeros((len(ticks[a]), len(ticks[b]), 3))
        grid[..., a], grid[..., b], grid[..., c] = ticks[a][:, None], ticks[b][None, :], side * half[c]
        verts.append(grid.reshape(-1, 3))
        faces.append(_grid_faces(*grid.shape[:2], flip=side > 0) + count)
        count += len(verts[-1])
    surface, faces = _weld(np.concatenate(verts), np.concatenate(faces))
    core = np.clip(surface, -(half - radius), half - radius)
    out = surface - core
    normals = out / np.linalg.norm(out, axis=1, keepdims=True)
    return _part(core + radius * normals + [0, 0, half[2]], (faces,), normals)


def _weld(verts: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joins vertices closer than a hundredth of a millimetre, so that smooth normals have no seams."""
    _, first, inverse = np.unique(np.round(verts, 5), axis=0, return_index=True, return_inverse=True)
    return verts[first], inverse.reshape(-1)[faces]


def slab(size) -> Part:
    """Plain box with sharp edges (each face owns its vertices)."""
    half = np.asarray(size, float) / 2
    verts, normals, faces = [], [], []
    for a, b, c, side in _AXES:
        corners = np.zeros((4, 3))
        corners[:, a] = half[a] * np.array([-1, 1, 1, -1])
        corners[:, b] = half[b] * np.array([-1, -1, 1, 1])
        corners[:, c] = side * half[c]
        normal = np.zeros(3)
        normal[c] = side
        order = [0, 1, 2, 3] if side > 0 else [3, 2, 1, 0]
        faces.append([len(verts) * 4 + k for k in order])
        verts.append(corners)
        normals.append(np.tile(normal, (4, 1)))
    return _part(np.concatenate(verts) + [0, 0, half[2]], (faces,), np.concatenate(normals))


def cushion(size, rng, puff: float = 0.35, radius: float = 0.05, wrinkle: float = 0.004, inner: int = 10) -> Part:
    """Upholstered block: rounded, its top and bottom bulging by `puff` of the height, slightly irregular."""
    sx, sy, sz = size
    phase = rng.uniform(0, 6.3, 6)

    def bulge(v):
        x, y, z = v[:, 0] / (sx / 2), v[:, 1] / (sy / 2), (v[:, 2] - sz / 2) / (sz / 2)
        dome = (1 - np.abs(x) ** 3).clip(0) * (1 - np.abs(y) ** 3).clip(0)
        v[:, 2] = sz / 2 + (sz / 2) * z * (1 - puff * 0.45 + puff * dome)
        side = 1 + 0.02 * (1 - z**2)
        ripple = np.sin(9 * x + phase[0] + 2 * np.sin(3 * y + phase[1])) * np.sin(8 * y + phase[2]) + 0.6 * np.sin(
            17 * x + phase[3]
        ) * np.sin(15 * y + phase[4] + 2 * x)
        v[:, 2] += wrinkle * ripple * dome
        v[:, 0] *= side + 0.006 * np.sin(4 * y + phase[5])
        v[:, 1] *= side
        return v

    return box(size, min(radius, 0.45 * sz), 3, (inner, inner, 2)).bent(bulge)


def pillow(width: float, height: float, thick: float, rng, cells: int = 16) -> Part:
    """Scatter cushion standing in the x–z plane, pinched at the edge, with ears at the corners."""
    u = np.sin(np.linspace(-np.pi / 2, np.pi / 2, cells))
    x, z = np.meshgrid(u, u, indexing="ij")
    dome = ((1 - x**2).clip(0) * (1 - z**2).clip(0)) ** 0.42
    waist_x, waist_z = 1 - 0.07 * (1 - z**2), 1 - 0.07 * (1 - x**2)
    phase = rng.uniform(0, 6.3, 3)
    crease = 0.05 * np.sin(7 * x + 3 * z + phase[0]) * np.sin(6 * z - 2 * x + phase[1]) * dome
    sides = []
    for side in (-1, 1):
        y = side * thick / 2 * (dome + crease)
        sides.append(np.stack([x * waist_x * width / 2, y, z * waist_z * height / 2 + height / 2], -1).reshape(-1, 3))
    faces = [_grid_faces(cells, cells, flip=True), _grid_faces(cells, cells) + cells * cells]
    return _part(np.concatenate(sides), (np.concatenate(faces),))


def lathe(profile, segments: int = 32) -> Part:
    """Solid of revolution about z; profile: (radius, z) pairs from bottom to top. Sharp bends: repeat a point."""
    profile = np.asarray(profile, float)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    ring = np.stack([np.cos(angle), np.sin(angle)], -1)
    verts = np.concatenate(
        [
            np.repeat(profile[:, None, :1], segments + 1, 1) * ring[None],
            np.repeat(profile[:, None, 1:], segments + 1, 1),
        ],
        axis=-1,
    )
    rows = [_profile_normal(profile, i) for i in range(len(profile))]
    normals = np.stack([np.concatenate([n[0] * ring, np.full((segments + 1, 1), n[1])], -1) for n in rows])
    keep = [i for i in range(len(profile) - 1) if np.linalg.norm(profile[i + 1] - profile[i]) > 1e-9]
    quads = _grid_faces(len(profile), segments + 1).reshape(len(profile) - 1, segments, 4)[keep].reshape(-1, 4)
    return _part(verts.reshape(-1, 3), (quads,), normals.reshape(-1, 3))


def _profile_normal(profile: np.ndarray, i: int) -> np.ndarray:
    """Outward (radius, z) normal at a profile point; a doubled point takes the normal of its own side only."""
    steps = [profile[j + 1] - profile[j] for j in (i - 1, i) if 0 <= j < len(profile) - 1]
    steps = [s / np.linalg.norm(s) for s in steps if np.linalg.norm(s) > 1e-9]
    tangent = np.sum(steps, axis=0)
    normal = np.array([tangent[1], -tangent[0]])
    return normal / max(np.linalg.norm(normal), 1e-9)


def cylinder(radius: float, height: float, top: float | None = None, segments: int = 24, bevel: float = 0.002) -> Part:
    """Cylinder or cone (`top` radius), edges softened."""
    top = radius if top is None else top
    bevel = min(bevel, 0.4 * height, 0.4 * radius, 0.4 * top)
    corners = [(radius - bevel, 0), (radius, bevel), (top, height - bevel), (top - bevel, height)]
    return lathe([(0, 0)] + [point for point in corners for _ in range(2)] + [(0, height)], segments)


def tube(path, radius: float, segments: int = 10) -> Part:
    """Round bar along a polyline of points (n×3)."""
    path = np.asarray(path, float)
    step = np.gradient(path, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    rings, normals = [], []
    reference = np.array([0.31, 0.17, 0.93])
    for point, tangent in zip(path, step):
        if abs(tangent @ reference) > 0.95:
            reference = np.array([0.9, -0.3, 0.1])
        side = np.cross(tangent, reference)
        side /= np.linalg.norm(side)
        reference = np.cross(side, tangent)
        angle = np.linspace(0, 2 * np.pi, segments + 1)[:, None]
        normal = np.cos(angle) * side + np.sin(angle) * reference
        rings.append(point + radius * normal)
        normals.append(normal)
    faces = _grid_faces(len(path), segments + 1, flip=True)
    return _part(np.concatenate(rings), (faces,), np.concatenate(normals))


def arc(start, end, sag, count: int = 12) -> np.ndarray:
    """Points from start to end bowed by the vector `sag` (a parabola)."""
    t = np.linspace(0, 1, count)[:, None]
    return (1 - t) * np.asarray(start, float) + t * np.asarray(end, float) + 4 * t * (1 - t) * np.asarray(sag, float)


def sheet(function, cells=(24, 24), thickness: float = 0.0) -> Part:
    """Cloth: `function(u, v)` → x, y, z over [0, 1]²; with a thickness it gets a back side."""
    u, v = np.meshgrid(np.linspace(0, 1, cells[0] + 1), np.linspace(0, 1, cells[1] + 1), indexing="ij")
    verts = np.stack(function(u, v), -1).reshape(-1, 3)
    faces = _grid_faces(cells[0] + 1, cells[1] + 1)
    front = _part(verts, (faces,))
    if not thickness:
        return front
    back = verts - thickness * front.normals
    return _part(
        np.concatenate([verts, back]),
        (np.concatenate([faces, faces[:, ::-1] + len(verts)]),),
        np.concatenate([front.normals, -front.normals]),
        np.concatenate([front.tex, front.tex]),
    )


def flat_quads(quads: np.ndarray, tex: np.ndarray | None = None) -> Part:
    """Separate flat quadrilaterals, quads: m×4×3 counter-clockwise as seen; tex alike."""
    quads = np.asarray(quads, float)
    normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    faces = np.arange(4 * len(quads)).reshape(-1, 4)
    tex = quads if tex is None else tex
    return _part(quads.reshape(-1, 3), (faces,), np.repeat(normal, 4, axis=0), np.asarray(tex).reshape(-1, 3))


def blob(radius, rng, rough: float = 0.12, cells: int = 14) -> Part:
    """Lumpy ellipsoid centred on the origin (radius: three numbers)."""
    part = box((2, 2, 2), 0.98, cells // 2).moved((0, 0, -1))
    phase = rng.uniform(0, 6.3, 3)

    def lump(v):
        v = v / np.linalg.norm(v, axis=1, keepdims=True)
        wave = np.sin(3 * v[:, 0] + phase[0]) * np.sin(4 * v[:, 1] + phase[1]) + 0.5 * np.sin(7 * v[:, 2] + phase[2])
        return v * (1 + rough * wave[:, None]) * np.asarray(radius, float)

    return part.bent(lump)
