"""`build_scene` on exact rooms: known answers, odd depth maps, and what cannot be answered."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc import scene as module
from poc.camera import UNKNOWN_AXES_RAD
from poc.errors import ContradictionError, ParameterError
from poc.room.adjust import CameraPrior, adjust, observe_planes
from poc.room.ends import two_ends
from poc.room.layout import Layout, room_rotation, solve_layout
from poc.room.planes import fit_floor
from poc.room.propagate import variance
from poc.room.scale import GIVEN_HEIGHT
from poc.room.view import LONG_SIDE, Panorama, make_view
from poc.room.wallfit import DepthNoise, State, WallData, WallSolution
from poc.scene import _unheard_of, build_scene, prior_noise
from poc.types import Z90, Camera, DepthMap, Photo, ScaleSource, Scene, Surfaces
from tests import synthetic
from tests.synthetic import FLOOR, OTHER, SyntheticRoom

FOUR_WALLS = 5


@pytest.fixture(scope="module")
def room() -> SyntheticRoom:
    """Four walls in view, ceiling and furniture, an L-shaped or chamfered plan left to the seed."""
    return synthetic.make_room(FOUR_WALLS)


@pytest.fixture(scope="module")
def scene(room) -> Scene:
    return build_scene(room.photo, room.depth, room.surfaces, room.camera)


def worst_wall(room: SyntheticRoom, scene: Scene) -> float:
    """Largest log error of a true wall's distance; infinite where a wall has no counterpart."""
    off = []
    for wall in room.walls:
        alike = [p.offset_m for p in scene.planes if p.kind == "wall" and p.normal_cam @ wall.normal_cam > 0.99]
        off.append(min((abs(np.log(o / wall.offset_m)) for o in alike), default=np.inf))
    return max(off)


# --- known answers ----------------------------------------------------------------------------------------------------


def test_walls_stand_where_they_are(room, scene):
    assert scene.refusal is None
    assert len(scene.walls) == len(room.walls) == 4
    assert worst_wall(room, scene) < 0.005


def test_normals_point_at_the_camera_and_distances_are_positive(room, scene):
    for plane in scene.planes:
        assert np.linalg.norm(plane.normal_cam) == pytest.approx(1.0)
        assert plane.offset_m > 0 and plane.sigma_m > 0
        nearest = min(np.degrees(np.arccos(np.clip(plane.normal_cam @ w.normal_cam, -1, 1))) for w in room.walls)
        assert plane.kind != "wall" or nearest < 0.3


def test_what_is_taken_for_floor_but_stands_on_it_counts_for_next_to_nothing(room, monkeypatch):
    """Part of the floor is a third nearer in the depth map, as something is that the surfaces do not tell from it."""
    floor = (room.labels == FLOOR) & (np.indices(room.labels.shape)[1] < room.labels.shape[1] // 3)
    depth = replace(room.depth, values=np.where(floor, room.depth.values * 0.75, room.depth.values).astype(np.float32))
    found, own = [], module._floor_data
    monkeypatch.setattr(module, "_floor_data", lambda *args: found.append(own(*args)) or found[-1])
    build_scene(room.photo, depth, room.surfaces, room.camera)
    (data,) = found
    columns, rows = np.rint(data.uv).astype(int).T
    near = floor[np.clip(rows, 0, floor.shape[0] - 1), np.clip(columns, 0, floor.shape[1] - 1)]
    assert near.sum() > 20 and data.w[near].mean() < 0.1 and data.w[~near].mean() > 0.9


def test_heights(room, scene):
    assert scene.camera_height_m == pytest.approx(room.camera_height_m, rel=0.005)
    ceiling = scene.plane("ceiling")
    assert ceiling.offset_m + scene.camera_height_m == pytest.approx(room.ceiling_height_m, rel=0.005)


def test_the_room_frame_is_a_rotation_with_up_third(room, scene):
    r = scene.room_from_cam
    assert r @ r.T == pytest.approx(np.eye(3), abs=1e-9) and np.linalg.det(r) == pytest.approx(1.0)
    assert r[2] @ room.camera.gravity == pytest.approx(-1.0, abs=1e-4)


def test_walls_meet_in_corners(scene):
    for a, b in zip(scene.walls, scene.walls[1:], strict=False):
        if a.end_kinds[1] == "corner":
            assert b.end_kinds[0] == "corner"
            assert a.ends[1] == pytest.approx(b.ends[0], abs=1e-6)
    assert scene.walls[0].end_kinds[0] == scene.walls[-1].end_kinds[1] == "frame"


@pytest.mark.parametrize("seed", [10, 14, 17, 18])
def test_a_wall_ends_where_it_is_last_seen(seed):
    """Towards the photo's sides only floor is seen, or a sliver of the next wall: neither makes a wall longer."""
    room = synthetic.make_room(seed)
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera)
    for wall in scene.walls:
        plane = scene.plane(wall.plane_id)
        true = min(room.walls, key=lambda w: abs(np.log(plane.offset_m / w.offset_m)) + 1 - plane.normal_cam @ w.normal_cam)
        assert wall.length_m < 1.01 * true.length_m


@pytest.mark.parametrize(("left", "right", "kinds"), [(30, 60, ("occluded", "corner")), (60, 30, ("corner", "occluded"))])
def test_a_wall_seen_past_another_on_both_sides_has_one_corner_with_it(left, right, kinds):
    """Narrow, between two stretches of a slanted wall: with a corner at each end, both would be the one point where their lines meet."""
    azimuth = np.linspace(-0.5, 0.5, left + 10 + right)
    path = np.repeat([1, 0, 1], [left, 10, right])
    walls = [WallData(0.0, 0.02, *np.zeros((6, 0)), path == k, path == k, np.zeros((2, 2), bool), None) for k in (0, 1)]
    turn = np.pi / 4
    middle = azimuth[left + 5]
    far = WallSolution(0.0, 3.0, np.eye(2), 1.0, 0.0)
    slanted = WallSolution(turn, float(3.0 * np.cos(middle - turn) / np.cos(middle)), np.eye(2), 1.0, 0.0)
    state = State(250.0, 160.0, 120.0, np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]), None)
    layout = Layout(state, Panorama(azimuth, *np.zeros((6, 2))), path, tuple(walls), (far, slanted), None, DepthNoise(0.1, 1, 0.1, 0.1), np.ones(len(path), int))
    assert tuple(end.kind for end in two_ends(layout, 0)) == kinds


def test_an_affine_map_with_an_unknown_focal(room):
    camera = replace(room.camera, f_px=1.12 * room.camera.f_px, f_sigma_rel=0.12, f_source="assumed")
    scene = build_scene(room.photo, synthetic.affine_depth(room, 3), room.surfaces, camera, camera_height=(room.camera_height_m, 0.003))
    assert scene.camera.f_px == pytest.approx(room.camera.f_px, rel=0.01)
    assert worst_wall(room, scene) < 0.01


def test_a_slanted_wall_does_not_bend_the_camera():
    """Taken for a wall along the room's axes, it contradicts all others and is left out of the adjustment."""
    room = synthetic.make_room(13, "chamfer")
    camera = replace(room.camera, f_px=26 / 36 * room.camera.width, f_sigma_rel=0.12, f_source="assumed")
    scene = build_scene(room.photo, synthetic.affine_depth(room, 13), room.surfaces, camera, camera_height=(room.camera_height_m, 0.003))
    assert scene.camera.f_px == pytest.approx(room.camera.f_px, rel=0.01)


def test_what_a_round_took_from_the_depth_is_no_prior_of_the_next():
    """Adjusted again from where it was brought, with the same planes, the camera stays: else each round would pull on, with the error of one."""
    room = synthetic.make_room(FOUR_WALLS, "rectangle", furnished=False)
    camera = replace(room.camera, f_px=1.15 * room.camera.f_px, f_sigma_rel=0.12, gravity_sigma_rad=np.deg2rad(1.5))
    depth = synthetic.affine_depth(room, 1, synthetic.noisy_depth(room, 0.03, 1))
    view, noise = make_view(camera, depth, room.surfaces, room.photo), DepthNoise(0.03, 10.0, 0.0, 0.0)
    rot = room_rotation(camera.gravity, camera.manhattan)
    layout = solve_layout(view, rot, fit_floor(view, -rot[2]), noise, camera.axes_sigma_rad)
    planes, prior = observe_planes(view, layout), CameraPrior(rot, camera.f_px, camera.gravity_sigma_rad, 0.02, 0.12)
    first = adjust(view, layout, planes, noise, prior)
    there = replace(layout, state=replace(layout.state, room_from_cam=first.room_from_cam, fit=replace(layout.state.fit, shift=first.shift)))
    again = adjust(replace(view, camera=replace(camera, f_px=first.f_px)), there, planes, noise, prior)
    assert abs(np.log(first.f_px / camera.f_px)) > 0.03, "there was something to bring right"
    assert again.f_px == pytest.approx(first.f_px, rel=0.003) and np.abs(again.room_from_cam - first.room_from_cam).max() < 0.003


def test_vaguely_known_axes_are_no_freer_than_unknown_ones():
    """A network's depth that slants to one side turns the room only as far as a turn may lead, however vague the lines are."""
    room = synthetic.make_room(FOUR_WALLS, "rectangle", furnished=False)
    values = room.depth.values * np.exp(np.linspace(-0.2, 0.2, room.depth.values.shape[1], dtype=np.float32))
    depth = replace(room.depth, values=values, engine="network")
    vague, vaguer = (
        build_scene(room.photo, depth, room.surfaces, replace(room.camera, axes_sigma_rad=np.deg2rad(sigma))) for sigma in (4.0, 20.0)
    )
    assert np.abs(vague.room_from_cam - vaguer.room_from_cam).max() < 1e-9


# --- the same photo, other sizes, holes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [FOUR_WALLS, 3, 11])
def test_without_lines_the_walls_tell_how_the_room_lies(seed):
    """A soft photo of a plain room: the camera's axis is no wall's, and walls laid along it would stand as stairs."""
    room = synthetic.make_room(seed, "rectangle", furnished=False)
    blind = replace(room.camera, manhattan=None, axes_sigma_rad=UNKNOWN_AXES_RAD)
    told = build_scene(room.photo, room.depth, room.surfaces, blind)
    assert len(told.walls) == len(room.walls) and worst_wall(room, told) < 0.01
    depth = replace(synthetic.noisy_depth(room, 0.06, seed), engine="network")
    by_network = build_scene(room.photo, depth, room.surfaces, blind)
    for plane in by_network.planes:
        if plane.kind == "wall":
            assert min(np.degrees(np.arccos(np.clip(plane.normal_cam @ w.normal_cam, -1, 1))) for w in room.walls) < 6


def test_the_same_photo_gives_the_same_numbers(room, scene):
    again = build_scene(room.photo, room.depth, room.surfaces, room.camera)
    assert [(p.id, p.offset_m, p.sigma_m, *p.normal_cam) for p in again.planes] == [(p.id, p.offset_m, p.sigma_m, *p.normal_cam) for p in scene.planes]
    assert np.array_equal(again.depth_m, scene.depth_m) and np.array_equal(again.outline, scene.outline)


def test_the_working_grid_does_not_grow_with_the_photo(room, scene):
    """A photo of five times the size, its depth map left at its own: the same grid, the same room."""
    k, c = 5, room.camera
    photo = Photo(np.repeat(np.repeat(room.photo.rgb, k, 0), k, 1))
    camera = replace(c, f_px=k * c.f_px, cx=k * (c.cx + 0.5) - 0.5, cy=k * (c.cy + 0.5) - 0.5, width=k * c.width, height=k * c.height)
    large = build_scene(photo, room.depth, room.surfaces, camera)
    assert large.depth_m.shape == scene.depth_m.shape and max(large.depth_m.shape) == LONG_SIDE
    assert [p.offset_m for p in large.planes] == pytest.approx([p.offset_m for p in scene.planes], rel=1e-3)


def test_a_depth_map_of_48_megapixels_gives_the_same_room(room, scene):
    large = 1 / cv2.resize(1 / room.depth.values, (8000, 6000), interpolation=cv2.INTER_LINEAR)
    found = build_scene(room.photo, replace(room.depth, values=large, valid=np.ones(large.shape, bool)), room.surfaces, room.camera)
    assert [p.id for p in found.planes] == [p.id for p in scene.planes]
    assert [p.offset_m for p in found.planes] == pytest.approx([p.offset_m for p in scene.planes], rel=1e-3)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [(640, 480), (1281, 961), (7999, 6001), (80_000, 60_000)])
def test_of_a_map_of_any_size_a_bounded_part_is_looked_at(size, axis):
    """Each lies in memory as one row, and of the largest nothing could be made that is of its size; a plane stays exactly one."""
    width, height = size
    inverse = 0.2 + 0.3 * (np.arange(size[1 - axis]) + 0.5) / size[1 - axis]
    line = (1 / inverse).astype(np.float32)
    values = np.broadcast_to(line[:, None] if axis == 0 else line, (height, width))
    valid, sigma = np.broadcast_to(np.ones((), bool), values.shape), np.broadcast_to(np.float32(0.2), values.shape)
    depth = DepthMap(values, "metric", valid, "exact", sigma)
    camera = Camera(500.0, 319.5, 239.5, 640, 480, np.array([0.0, 1.0, 0.0]), "given", "given", 0.01, 0.01)
    view = make_view(camera, depth, None)
    cells = view.shape[axis]
    assert view.shape == (240, 320) and view.valid.all()
    plane = 0.2 + 0.3 * (np.arange(cells) + 0.5) / cells
    assert np.allclose(view.inverse, plane[:, None] if axis == 0 else plane, rtol=1e-5, atol=0)
    assert prior_noise(depth) == prior_noise(DepthMap(values[:9, :9], "metric", valid[:9, :9], "exact", sigma[:9, :9]))


def test_the_holes_of_a_large_map_stay_holes():
    """Where a map is thinned out nothing flows into a hole, and nothing out of it."""
    shape = (3000, 4000)
    valid = np.kron(np.random.default_rng(1).random((60, 80)) > 0.3, np.ones((50, 50), bool)).astype(bool)
    depth = DepthMap(np.where(valid, np.float32(2.5), np.float32(900.0)), "metric", valid, "exact")
    camera = Camera(3000.0, 1999.5, 1499.5, *shape[::-1], np.array([0.0, 1.0, 0.0]), "given", "given", 0.01, 0.01)
    view = make_view(camera, depth, None)
    assert np.allclose(view.inverse[view.valid], 0.4, rtol=1e-5) and not view.inverse[~view.valid].any()
    middles = valid[25::50, 25::50]
    assert (view.valid[2::4, 2::4] == middles).all() and abs(view.valid.mean() - valid.mean()) < 0.01


def test_a_smaller_depth_map_is_enough(room):
    small = DepthMap(np.ascontiguousarray(room.depth.values[1::3, 1::3]), "metric", np.ones((120, 160), bool), "exact")
    assert worst_wall(room, build_scene(room.photo, small, room.surfaces, room.camera)) < 0.01


def test_holes_do_not_matter(room):
    rng = np.random.default_rng(0)
    valid = np.kron(rng.random((12, 16)) > 0.3, np.ones((30, 30))).astype(bool)
    values = np.where(valid, room.depth.values, 0.0).astype(np.float32)
    values[5:9, 5:9] = np.nan
    holed = build_scene(room.photo, replace(room.depth, values=values, valid=valid), room.surfaces, room.camera)
    assert worst_wall(room, holed) < 0.01
    assert np.isfinite(holed.depth_m).all() and 0.6 < holed.valid.mean() < 0.8


def test_a_mask_of_another_size_is_an_error(room):
    bad = replace(room.depth, valid=room.depth.valid[:-1])
    with pytest.raises(ParameterError, match="mask of its size"):
        build_scene(room.photo, bad, room.surfaces, room.camera)


def networks(room, factor: float):
    """The room's depth as of a network that knows what it is unsure of, all distances times a factor."""
    sigma_log = np.full(room.depth.values.shape, 0.15, np.float32)
    return replace(room.depth, values=room.depth.values * np.float32(factor), sigma_log=sigma_log, engine="onnxruntime")


# --- scale --------------------------------------------------------------------------------------------------------------


def test_a_given_height_sets_the_scale(room):
    scene = build_scene(room.photo, synthetic.affine_depth(room, 1), room.surfaces, room.camera, camera_height=(2 * room.camera_height_m, 0.01))
    assert scene.scale.source == "camera height given"
    assert worst_wall(room, scene) == pytest.approx(np.log(2), abs=0.01)


def test_sources_are_joined_and_their_disagreement_is_told(room):
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera, camera_height=(1.3 * room.camera_height_m, 0.005))
    assert {o.source for o in scene.scale.opinions} == {"camera height given", "metric model"}
    assert len(scene.scale.notes) == 1 and "apart" in scene.scale.notes[0]
    assert scene.scale.sigma_rel > 0.05, "what contradicts itself is not sure"


def test_nothing_given_means_the_habit_of_photographers(room):
    scene = build_scene(room.photo, synthetic.affine_depth(room, 1), room.surfaces, room.camera)
    assert scene.scale.source == "camera height assumed" and scene.scale.sigma_rel > 0.05


@pytest.mark.parametrize("share", [0.03, 0.07])
def test_a_height_given_is_not_pulled_to_the_habit_of_photographers(room, share):
    """Who wrote 2.2 ± 0.2 has said that it is not the usual 1.4."""
    unusual = 1.5 * room.camera_height_m
    scale = build_scene(room.photo, networks(room, 1.5), room.surfaces, room.camera, camera_height=(unusual, share * unusual)).scale
    assert [o.source for o in scale.opinions] == ["camera height given", "metric model"]
    assert scale.camera_height_m == pytest.approx(unusual, rel=0.02)


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.2])
def test_a_vague_height_is_never_worse_than_none(room, factor):
    """Known to ± 0.2 m, to ± 0.5 m, or not at all: what is known of it sharpens the result, also where it differs from the network's."""
    def sigma(**given) -> float:
        return build_scene(room.photo, networks(room, 1.45 * factor / room.camera_height_m), room.surfaces, room.camera, **given).scale.sigma_rel

    sigmas = [sigma(camera_height=(1.4, half_m / Z90)) for half_m in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65)]
    assert max(sigmas) < sigma()
    assert factor == 1.2 or (np.diff(sigmas) > 0).all(), "where they agree, the less the vaguer it is"


# --- how far depth is trusted -------------------------------------------------------------------------------------------


def test_an_error_that_moves_scale_and_walls_is_counted_once(room):
    """A network's map in metres has its walls where it has them, whichever way is down and wherever it has the floor."""
    depth = replace(room.depth, sigma_log=np.full(room.depth.values.shape, 0.15, np.float32), engine="onnxruntime")
    scene = build_scene(room.photo, depth, room.surfaces, replace(room.camera, gravity_sigma_rad=np.deg2rad(1.0)))

    def variance_of(quantity) -> float:
        return sum(variance(scene.solution, quantity)[1].values())

    assert {"gravity 1", "model 4"} <= set(scene.scale.changes)
    assert variance_of(lambda s: s.camera_height) == pytest.approx(scene.scale.sigma_rel**2, rel=0.01)
    apart = [variance_of(lambda s, k=k: s.distance[k] / s.camera_height) + scene.scale.sigma_rel**2 for k in range(len(scene.walls))]
    together = [variance_of(lambda s, k=k: s.distance[k]) for k in range(len(scene.walls))]
    assert np.mean(together) < 0.95 * np.mean(apart)


@pytest.mark.parametrize("wrong", [0.7, 1.4])
def test_a_depth_computed_for_another_focal_length_is_brought_to_the_cameras(room, scene, wrong):
    """As where a file does not tell its focal length and the room's lines do: a network's depth is proportional to it."""
    f_px = wrong * room.camera.f_px
    depth = replace(room.depth, values=np.float32(wrong) * room.depth.values, f_px=f_px)
    other = build_scene(room.photo, depth, room.surfaces, room.camera)
    assert other.camera_height_m == pytest.approx(scene.camera_height_m, rel=0.005)
    assert worst_wall(room, other) < 0.005


@pytest.mark.parametrize("engine", ["", "onnxruntime"])
def test_a_depth_that_says_it_is_worse_is_trusted_less(room, engine):
    sure, unsure = (prior_noise(replace(room.depth, engine=engine, sigma_log=np.full(room.depth.values.shape, s, np.float32))) for s in (0.03, 0.3))
    assert sure.sigma < unsure.sigma and sure.common < unsure.common and sure.turn < unsure.turn


def test_a_networks_depth_is_never_taken_for_exact(room):
    assert prior_noise(replace(room.depth, engine="onnxruntime")).common > 0.05
    assert prior_noise(room.depth).common == 0.0


# --- no room ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.5, 1.9])
def test_a_camera_height_unheard_of_is_no_rooms(room, factor):
    """A street's or a model railway's: refused where only a network says so, measured where the height is given or a sensor's."""
    depth = replace(room.depth, values=(room.depth.values * np.float32(factor * 1.4 / room.camera_height_m)))
    network = replace(depth, engine="network")
    refused = build_scene(room.photo, network, room.surfaces, room.camera)
    assert refused.refusal.startswith("no room found") and "give the camera height" in refused.refusal and refused.planes == ()
    height = (factor * 1.4, 0.05)
    assert build_scene(room.photo, network, room.surfaces, room.camera, camera_height=height).refusal is None
    far = build_scene(room.photo, network, room.surfaces, room.camera, camera_height=(1.8 * factor * 1.4, 0.05))
    assert "by what is given" in far.refusal and far.planes == ()
    assert build_scene(room.photo, depth, room.surfaces, room.camera).refusal is None


def said(height: float, source: str = GIVEN_HEIGHT) -> ScaleSource:
    return ScaleSource(source, height, 0.03, "" if source == GIVEN_HEIGHT else "2.03 m, standing on the floor")


@pytest.mark.parametrize(("by_depth", "given", "words"), [
    (1.5, [said(0.85)], "camera height given, 0.85 m"),
    (1.5, [said(3.0)], "camera height given, 3.00 m"),
    (1.5, [said(0.8, "reference door")], "reference door (2.03 m, standing on the floor) implies a camera 0.80 m"),
    (1.5, [said(0.8, "reference door"), said(1.5)], "reference door"),
    (1.5, [said(1.45, "reference door"), said(0.8)], "camera height given"),
    (3.0, [said(2.9, "reference door"), said(1.5)], "camera height given"),
])  # fmt: skip
def test_a_length_that_cannot_be_the_photos_is_the_callers_mistake(by_depth, given, words):
    """By name, and each for itself: one that is right does not hide another that is not."""
    with pytest.raises(ContradictionError) as caught:
        _unheard_of(by_depth, given)
    told = str(caught.value)
    assert words in told and f"about {by_depth:.2f} m above the floor" in told and told.endswith("or leave it out") and "\n" not in told


def test_an_absurd_height_is_an_error_and_a_photo_of_no_room_a_refusal(room):
    network = networks(room, 1.4 / room.camera_height_m)
    with pytest.raises(ContradictionError, match="camera height given, 0.70 m"):
        build_scene(room.photo, network, room.surfaces, room.camera, camera_height=(0.7, 0.02))
    assert build_scene(room.photo, network, room.surfaces, room.camera, camera_height=(1.0, 0.02)).refusal is None
    assert "either this is no room" in _unheard_of(4.0, [said(1.5)]) and _unheard_of(None, [said(1.5)]) is None


def test_a_sensors_depth_in_millimetres_is_told(room):
    depth = replace(room.depth, values=room.depth.values * np.float32(1000.0))
    assert "is the depth in metres?" in build_scene(room.photo, depth, room.surfaces, room.camera).refusal


def test_a_hidden_floor_is_refused_with_the_reason(room):
    labels = np.where(room.labels == FLOOR, OTHER, room.labels)
    scene = build_scene(room.photo, room.depth, synthetic.surfaces_from_labels(labels), room.camera)
    assert "no floor" in scene.refusal and scene.planes == () and scene.walls == ()


def test_a_camera_that_looks_down_at_its_feet():
    """At 80° hardly a wall is left in the photo: those that are stand where they are, or there is one clear line."""
    room = synthetic.make_room(2, "rectangle", pitch_deg=80.0)
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera)
    if scene.refusal is None:
        for plane in (p for p in scene.planes if p.kind == "wall"):
            true = max(room.walls, key=lambda w: w.normal_cam @ plane.normal_cam)
            assert plane.offset_m == pytest.approx(true.offset_m, rel=0.03)
    else:
        assert "\n" not in scene.refusal and scene.walls == ()


def test_a_photo_of_one_thing_is_refused(room):
    p = np.zeros((90, 120, 6), np.float32)
    p[..., OTHER] = 1.0
    assert build_scene(room.photo, room.depth, Surfaces(p), room.camera).refusal


# --- a sensor's depth under a network's surfaces ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [6, 9])
def test_furniture_taken_for_floor_does_not_lift_it(seed):
    """A bed that the surfaces call floor lies higher than the floor: with a sensor's depth the lowest level counts."""
    room = synthetic.make_room(seed)
    labels = np.where(room.labels == OTHER, FLOOR, room.labels)
    scene = build_scene(room.photo, room.depth, synthetic.surfaces_from_labels(labels), room.camera)
    assert scene.camera_height_m == pytest.approx(room.camera_height_m, rel=0.005)


@pytest.mark.parametrize("seed", [1, 4, 11])
def test_a_wall_taken_for_ceiling_is_neither_measured_nor_bends_the_camera(seed):
    room = synthetic.make_room(seed)
    labels = room.labels.copy()
    labels[:40][labels[:40] == synthetic.WALL] = synthetic.CEILING
    scene = build_scene(room.photo, room.depth, synthetic.surfaces_from_labels(labels), room.camera)
    assert scene.plane("ceiling") is None
    assert scene.camera.gravity == pytest.approx(room.camera.gravity, abs=1e-4)


@pytest.mark.parametrize("seed", [FOUR_WALLS, 8])
def test_a_ceiling_that_reaches_down_the_wall_is_measured_at_its_own_level(seed):
    """Surfaces call the top of the walls ceiling too, and the sensor is noisy: its depth still shows one level."""
    room = synthetic.make_room(seed)
    labels = room.labels.copy()
    for _ in range(labels.shape[0] // 8):
        grown = np.vstack([labels[:1], labels[:-1]]) == synthetic.CEILING
        labels[grown & (labels == synthetic.WALL)] = synthetic.CEILING
    noise = np.exp(np.random.default_rng(0).normal(0, 0.03, room.depth.values.shape)).astype(np.float32)
    depth = replace(room.depth, values=room.depth.values * noise)
    scene = build_scene(room.photo, depth, synthetic.surfaces_from_labels(labels), room.camera)
    assert scene.plane("ceiling").basis == "depth"
    assert scene.plane("ceiling").offset_m + scene.camera_height_m == pytest.approx(room.ceiling_height_m, rel=0.01)


def test_a_sliver_of_floor_places_nothing(room):
    """Less than a hundredth of the photo, seen by a network: on real photos it is as often a bed or a worktop taken for floor."""
    rows = np.cumsum((room.labels == FLOOR)[::-1].sum(1))[::-1]
    labels = np.where((room.labels == FLOOR) & (rows > 0.008 * room.labels.size)[:, None], OTHER, room.labels)
    assert 0.004 < (labels == FLOOR).mean() < 0.008
    surfaces, network = synthetic.surfaces_from_labels(labels), replace(room.depth, engine="onnxruntime")
    scene = build_scene(room.photo, network, surfaces, room.camera)
    assert "no floor is seen, or hardly any" in scene.refusal and scene.planes == ()
    assert "no floor" not in (build_scene(room.photo, room.depth, surfaces, room.camera).refusal or "")
