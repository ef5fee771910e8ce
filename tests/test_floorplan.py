"""Floor, furniture, openings and free stretches on exact rooms whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
import synthetic

from poc.errors import ParameterError
from poc.geometry import intersect_plane, pixel_rays
from poc.measure import measure
from poc.products.places import find_spot, wall_places
from poc.room.cells import inside_polygon, largest_rectangle, raster
from poc.room.floorplan import complete
from poc.room.freespace import free_measurements
from poc.room.roomspace import to_room
from poc.room.view import WINDOW
from poc.scene import build_scene
from poc.types import Product, Scene

NAMES = ("longest_free_wall", "floor_area_visible", "floor_area_free")


@cache
def built(seed: int, noise: float = 0.0, shape: str | None = None, furnished: bool = True):
    room = synthetic.make_room(seed, shape, furnished=furnished)
    depth = room.depth if noise == 0 else synthetic.noisy_depth(room, noise, seed)
    scene = build_scene(room.photo, depth, room.surfaces, room.camera, camera_height=(room.camera_height_m, 0.01))
    assert scene.refusal is None
    return room, scene


def in_plan(room, scene: Scene, points: np.ndarray) -> np.ndarray:
    """World plan points (n×2, from the camera) in the scene's room frame."""
    turn = scene.room_from_cam @ room.world_from_cam.T
    return (np.column_stack([points, np.zeros(len(points))]) @ turn.T)[:, :2]


def boxes(room, scene: Scene) -> list[np.ndarray]:
    return [in_plan(room, scene, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])) for x0, y0, x1, y1, _ in room.boxes]


def cell_centres(scene: Scene) -> np.ndarray:
    h, w = scene.free_floor.shape
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    return np.stack([x, y], -1) * scene.grid_cell_m + scene.grid_origin


def under(scene: Scene, polygons) -> np.ndarray:
    hit = np.zeros(scene.free_floor.shape, bool)
    for polygon in polygons:
        hit |= inside_polygon(cell_centres(scene), polygon)
    return hit


def true_seen_m2(room) -> float:
    """Floor area behind the pixels labelled floor: each covers z³ / (f² h)."""
    z = room.depth.values[room.labels == synthetic.FLOOR].astype(float)
    return float((z**3).sum() / (room.camera.f_px**2 * room.camera_height_m))


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_seen_floor_has_the_area_of_its_pixels(seed):
    room, scene = built(seed)
    assert scene.seen_floor.sum() * scene.grid_cell_m**2 == pytest.approx(true_seen_m2(room), rel=0.05)
    assert not (scene.free_floor & ~scene.seen_floor).any()


@pytest.mark.parametrize(("seed", "noise"), [(2, 0.0), (3, 0.0), (7, 0.0), (3, 0.05), (4, 0.05)])
def test_no_free_floor_under_furniture(seed, noise):
    room, scene = built(seed, noise)
    wrong = under(scene, boxes(room, scene)) & scene.free_floor
    assert wrong.sum() <= 0.02 * scene.free_floor.sum()


@pytest.mark.parametrize("seed", [3, 4, 7])  # whose nearest piece does not reach out of the photo
def test_furniture_stands_where_its_foot_is_seen_whatever_its_depth(seed):
    """A network has furniture a tenth too far away: its front is still where the floor before it ends."""
    room, exact = built(seed)
    thing = room.labels == synthetic.OTHER
    depth = replace(room.depth, values=np.where(thing, 1.1 * room.depth.values, room.depth.values).astype(np.float32))
    scene = build_scene(room.photo, depth, room.surfaces, room.camera, camera_height=(room.camera_height_m, 0.01))
    nearest = [min(float(np.linalg.norm(o.footprint, axis=1).min()) for o in s.obstacles) for s in (exact, scene)]
    assert nearest[1] == pytest.approx(nearest[0], abs=0.06)


@pytest.mark.parametrize("seed", [2, 3, 4, 6])
def test_footprints_lie_on_furniture(seed):
    room, scene = built(seed)
    found, true = under(scene, [o.footprint for o in scene.obstacles]), under(scene, boxes(room, scene))
    assert found.any()
    assert (found & ~true).sum() <= 0.25 * found.sum()


@pytest.mark.parametrize(("side_m", "cells"), [(4.0, 80), (0.6, 12), (0.3, 6)])
def test_a_polygon_takes_the_cells_whose_centre_it_holds(side_m, cells):
    """No more: a cell too many along each side would be a twentieth of a chair's floor, and a fiftieth of a room's."""
    square = np.array([(0.0, 0.0), (side_m, 0.0), (side_m, side_m), (0.0, side_m)])
    assert raster([square + 0.5], (0.0, 0.0), (120, 120)).sum() == cells**2
    assert raster([square + 0.5, square + 0.5], (0.0, 0.0), (20, 20)).sum() == min(cells, 10) ** 2
    assert not raster([square - 9.0, square + 9.0], (0.0, 0.0), (20, 20)).any()


def test_free_floor_is_not_lost_in_an_empty_room():
    _, scene = built(4, furnished=False, shape="rectangle")
    assert scene.obstacles == ()
    assert (scene.free_floor == scene.seen_floor).all()
    assert all(abs(sum(b - a for a, b in wall.free) - free_length(scene, wall)) < 0.25 for wall in scene.walls)


def free_length(scene: Scene, wall) -> float:
    """A bare wall's length less its doors and what of its foot the photo cuts off."""
    t = (np.arange(0, wall.length_m, 0.01) + 0.005) / wall.length_m
    foot = np.column_stack([wall.ends[0] + t[:, None] * (wall.ends[1] - wall.ends[0]), np.full(len(t), -scene.camera_height_m)])
    cam, camera = foot @ scene.room_from_cam, scene.camera
    u, v = (cam[:, :2] / cam[:, 2:] * camera.f_px + [camera.cx, camera.cy]).T
    shown = (cam[:, 2] > 0) & (u > 0) & (u < camera.width - 1) & (v < camera.height - 1)
    step = (wall.ends[1] - wall.ends[0]) / wall.length_m
    for door in (o for o in scene.openings if o.kind == "door" and o.plane_id == wall.plane_id):
        s = (to_room(door.corners_cam, scene)[:, :2] - wall.ends[0]) @ step / wall.length_m
        shown &= (t < s.min()) | (t > s.max())
    return float(shown.sum() * 0.01)


def test_a_free_stretch_ends_at_the_furniture():
    room, scene = built(3)
    wall = scene.walls[0]
    kinds = [k for pair in wall.free_end_kinds for k in pair]
    assert "obstacle" in kinds
    step = (wall.ends[1] - wall.ends[0]) / wall.length_m
    near = [((box - wall.ends[0]) @ step) for box in boxes(room, scene) if np.abs(box[:, 0] - wall.ends[0][0]).min() < 0.1]
    starts = np.array([s.min() for s in near])
    stops = [b for (a, b), pair in zip(wall.free, wall.free_end_kinds, strict=True) if pair[1] == "obstacle"]
    assert np.abs(starts[:, None] - stops).min() < 0.10


def freest(room, scene: Scene):
    """The wall with the longest free stretch, that stretch, and per pixel of a copy of the surfaces where its ray meets the wall: metres along
    it and above the floor."""
    wall = max(scene.walls, key=lambda w: max((b - a for a, b in w.free), default=0.0))
    plane, probabilities = scene.plane(wall.plane_id), room.surfaces.probabilities.copy()
    at = to_room(intersect_plane(pixel_rays(scene.camera, *probabilities.shape[:2]), plane.normal_cam, plane.offset_m), scene)
    along = (at[..., :2] - wall.ends[0]) @ (wall.ends[1] - wall.ends[0]) / wall.length_m
    return wall, max(wall.free, key=lambda span: span[1] - span[0]), along, at[..., 2], probabilities


@pytest.mark.parametrize(("low", "door"), [(0.0, True), (0.9, False)])
def test_nothing_is_put_before_a_glazed_door(low, door):
    """What is window down to the floor is one; a window over a sill leaves the wall below it free."""
    room, scene = built(4, furnished=False, shape="rectangle")
    wall, (a, b), along, above, probabilities = freest(room, scene)
    middle, half = (a + b) / 2, (b - a) / 6
    pane = (np.abs(along - middle) < half) & (above > low) & (above < 2.0) & (probabilities[..., synthetic.WALL] > 0.5)
    probabilities[pane] = np.eye(6)[WINDOW]
    glazed = next(w for w in complete(scene, replace(room.surfaces, probabilities=probabilities)).walls if w.plane_id == wall.plane_id)
    before = [(s, kinds) for s, kinds in zip(glazed.free, glazed.free_end_kinds) if s[0] < middle < s[1]]
    assert pane.sum() > 50 and bool(before) is not door
    told = [sum(kinds.count("door") for kinds in w.free_end_kinds) for w in (wall, glazed)]
    assert told[1] - told[0] == (2 if door else 0)


@pytest.mark.parametrize(("low", "stands"), [(0.0, True), (1.2, False)])
def test_what_hangs_over_bare_floor_is_not_in_the_way(low, stands):
    """A shutter that depth has a third of a metre before its wall takes no floor; what covers the wall down to its foot does."""
    room, scene = built(4, furnished=False, shape="rectangle")
    wall, (a, b), along, above, probabilities = freest(room, scene)
    middle, half = (a + b) / 2, (b - a) / 5
    thing = (np.abs(along - middle) < half) & (above > low) & (above < 1.9) & (probabilities[..., synthetic.WALL] > 0.5)
    probabilities[thing] = np.eye(6)[synthetic.OTHER]
    nearer = cv2.resize(thing.astype(np.uint8), scene.depth_m.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    before = replace(scene, depth_m=np.where(nearer, 0.9 * scene.depth_m, scene.depth_m).astype(np.float32))
    found = complete(before, replace(room.surfaces, probabilities=probabilities))
    assert nearer.sum() > 50 and (stands or found.obstacles == ())
    again = next(w for w in found.walls if w.plane_id == wall.plane_id)
    assert any(s < middle < e for s, e in again.free) is not stands


@pytest.mark.parametrize(("wide_m", "ends_it"), [(0.08, False), (0.4, True)])
def test_something_slim_before_a_wall_does_not_end_a_free_stretch(wide_m, ends_it):
    """A pole farther into the room hides a step or two of the wall; a screen that hides more does end the stretch."""
    room, scene = built(4, furnished=False, shape="rectangle")
    wall, (a, b), along, _, probabilities = freest(room, scene)
    middle = (a + b) / 2
    hidden = (np.abs(along - middle) < wide_m / 2) & (probabilities[..., synthetic.WALL] > 0.5)
    probabilities[hidden] = np.eye(6)[synthetic.OTHER]
    found = next(w for w in complete(scene, replace(room.surfaces, probabilities=probabilities)).walls if w.plane_id == wall.plane_id)
    assert hidden.any() and any(s < middle < e for s, e in found.free) is not ends_it


def test_how_much_must_be_clear_is_the_callers_choice():
    """A stretch that is free 0.3 m deep need not be so 1.5 m deep; what no room can answer is refused."""
    room, scene = built(2)

    def free(**clear: float) -> float:
        found = complete(scene, room.surfaces, **clear)
        return sum(b - a for wall in found.walls for a, b in wall.free)

    assert free(strip_m=0.3) >= free() >= free(strip_m=1.5) and free(strip_m=0.3) > free(strip_m=1.5)
    with pytest.raises(ParameterError, match="free depth before a wall is 0 m; give 0.2 to 2 m"):
        free(strip_m=0.0)
    with pytest.raises(ParameterError, match="free height before a wall is 3 m"):
        free(up_to_m=3.0)


def test_doors_and_windows_have_their_size():
    sizes = {"door": (0.9, 2.05), "window": (1.2, 1.1)}
    whole = [o for seed in (2, 3, 4, 7) for o in built(seed)[1].openings]
    assert {o.kind for o in whole} == {"door", "window"}
    right = [o for o in whole if np.allclose((o.width_m, o.height_m), sizes[o.kind], atol=0.12)]
    assert len(right) >= 0.6 * len(whole)  # the others are cut by the photo's edge or by furniture
    assert all(o.width_m < sizes[o.kind][0] + 0.12 and o.height_m < sizes[o.kind][1] + 0.12 for o in whole)


def test_outline_is_the_floor_in_view():
    room, scene = built(4, furnished=False, shape="rectangle")
    seen = free_measurements(scene)[1]
    assert seen.value == pytest.approx(true_seen_m2(room), rel=0.03)
    assert seen.status == "lower_bound" and "out of the photo" in seen.reason


@pytest.mark.parametrize("seed", range(4))
def test_largest_rectangle_is_the_largest(seed):
    free = np.random.default_rng(seed).random((9, 11)) > 0.3
    best = max((r1 - r0) * (c1 - c0) for r0 in range(9) for r1 in range(r0 + 1, 10) for c0 in range(11) for c1 in range(c0 + 1, 12)
               if free[r0:r1, c0:c1].all())
    r0, c0, r1, c1 = largest_rectangle(free)
    assert free[r0:r1, c0:c1].all() and (r1 - r0) * (c1 - c0) == best
    assert largest_rectangle(np.zeros((3, 3), bool)) is None


def test_largest_free_rectangle_is_free():
    _, scene = built(3)
    x0, y0, x1, y1 = scene.largest_free_rect
    centres = cell_centres(scene)
    inside = (centres > (x0, y0)).all(-1) & (centres < (x1, y1)).all(-1)
    assert inside.any() and scene.free_floor[inside].all()


def test_measurements_are_always_named_and_ordered():
    for seed in (0, 2, 3):
        by_name = {m.name: m for m in measure(built(seed)[1])}
        for name in NAMES:
            m = by_name[name]
            if m.status == "unknown":
                assert m.value is None and m.reason
            else:
                assert 0 < m.low <= m.value and (m.high is None) == (m.status == "lower_bound")
                assert m.reason if m.status == "lower_bound" else not m.reason or name == "longest_wall"
                assert sum(m.budget.values()) == pytest.approx(1.0)


def test_a_wall_cut_by_the_photo_is_a_lower_bound():
    _, scene = built(2)
    wall = scene.walls[0]
    cut = replace(wall, free=((0.0, 1.0),), free_end_kinds=(("frame", "corner"),))
    m = free_measurements(replace(scene, walls=(cut,)))[0]
    assert m.status == "lower_bound" and m.high is None and "photo's edge" in m.reason
    whole = replace(cut, free_end_kinds=(("door", "corner"),))
    m = free_measurements(replace(scene, walls=(whole,)))[0]
    assert m.status == "measured" and m.low < 1.0 < m.high
    none = replace(cut, free=((0.0, 0.3),), free_end_kinds=(("frame", "corner"),))
    m = free_measurements(replace(scene, walls=(none,)))[0]
    assert m.status == "unknown" and m.value is None and "0.4 m" in m.reason


def test_no_floor_no_area():
    _, scene = built(2)
    bare = replace(scene, seen_floor=np.zeros_like(scene.seen_floor), free_floor=np.zeros_like(scene.free_floor))
    assert all(m.status == "unknown" and m.reason for m in free_measurements(bare)[1:])


def test_a_refused_scene_stays_as_it_is():
    room, _ = built(2)
    refused = Scene(room.camera, "no walls are seen")
    assert complete(refused, room.surfaces) is refused


def test_what_hangs_on_a_wall_keeps_tall_pieces_from_it():
    """A window that the surfaces call "other" begins 1.3 m up a bare wall: the foot is free, but no wardrobe goes before it."""
    room, bare = built(1, shape="rectangle", furnished=False)
    wall = max(bare.walls, key=lambda w: max((b - a for a, b in w.free), default=0.0))
    (start, end), up = max(wall.free, key=lambda span: span[1] - span[0]), bare.scale.camera_height_m
    middle, step = (start + end) / 2, (wall.ends[1] - wall.ends[0]) / wall.length_m
    labels = room.labels.copy()
    rows, cols = np.indices(labels.shape)
    rays = np.stack([(cols - room.camera.cx) / room.camera.f_px, (rows - room.camera.cy) / room.camera.f_px, np.ones(labels.shape)], -1)
    points = to_room(rays * room.depth.values[..., None], bare)
    along = (points[..., :2] - wall.ends[0]) @ step
    off = np.abs((points[..., :2] - wall.ends[0]) @ np.array([step[1], -step[0]]))
    labels[(off < 0.03) & (np.abs(along - middle) < 0.3) & (points[..., 2] > 1.3) & (points[..., 2] < 2.0)] = synthetic.OTHER
    hung = build_scene(room.photo, room.depth, synthetic.surfaces_from_labels(labels), room.camera, camera_height=(up, 0.01))
    again = next(w for w in hung.walls if w.plane_id == wall.plane_id)
    assert again.free[0] == pytest.approx(wall.free[0], abs=0.06) and wall.covered == ()
    (left, right, low), = again.covered
    assert (left, right, low) == pytest.approx((middle - 0.3, middle + 0.3, 1.3), abs=0.12)
    place = next(p for p in wall_places(hung, measure(hung)) if p.wall_id == wall.plane_id)
    wardrobe, bench = (Product("x", "x", "wardrobe", "", 0.5, 0.4, h, 0.0, 0.0) for h in (2.0, 1.1))
    assert find_spot(place, bench, 0.5, 0.4, corner=False).run_m > 0.5 + find_spot(place, wardrobe, 0.5, 0.4, corner=False).run_m
