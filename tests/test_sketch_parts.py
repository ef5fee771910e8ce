"""What the figures are made of: words, shapes of furniture, places in room, camera and photo."""

from dataclasses import replace

import numpy as np
import pytest
import room_values as room

from poc.figures import theme
from poc.figures.furniture import overlap, shape, standing
from poc.figures.labels import rectangle
from poc.figures.overlay import foot_spans
from poc.figures.plan import free_rings, plan
from poc.figures.sketch3d import _fan
from poc.packing import pack, unpack
from poc.products.phrases import probability_in_words
from poc.room.roomspace import grid_points, line_pixels, room_height, to_camera, to_room
from poc.scene import build_scene
from poc.types import SURFACE_CLASSES, Measurement, Placement, Product, Surfaces


@pytest.fixture(scope="module")
def scene():
    return room.scene()


# --- words -------------------------------------------------------------------------------------------------------


def test_values_in_words():
    base = Measurement("longest_wall", 3.616, 3.408, 3.851, "m", "measured")
    assert theme.value_words(base) == "3.62 m (3.41–3.85)"
    assert theme.value_words(replace(base, unit="m2")) == "3.62 m² (3.41–3.85)"
    assert theme.value_words(replace(base, status="unknown", value=None)) == "cannot say"


def test_a_lower_bound_is_never_rounded_up():
    bound = Measurement("wall_1_length", 3.7, 3.419, None, "m", "lower_bound")
    assert theme.value_words(bound) == "≥ 3.41 m"
    assert theme.value_words(replace(bound, low=3.40)) == "≥ 3.40 m"


def test_names_and_probabilities_in_words():
    assert theme.title_of("wall_2_distance") == "Distance to wall 2"
    assert theme.title_of("sill_height") == "Sill height"
    assert (theme.percent(0.9999), theme.percent(0.97), theme.percent(0.001)) == ("over 99 %", "97 %", "under 1 %")
    assert (theme.percent(0.29), probability_in_words(0.29), probability_in_words(0.978)) == ("29 %", "0.29", "0.97")


def test_markup_in_a_reason_is_shown_not_obeyed():
    assert theme.wrap("<b>a & b", 20) == "&lt;b&gt;a &amp; b"
    assert theme.wrap("one two three", 8) == "one two<br>three"
    assert theme.wrap("sofas & <i>", 6) == "sofas<br>&amp; &lt;i&gt;", "lines are broken before they are escaped"
    assert theme.escaped('<a href="x">') == '&lt;a href="x"&gt;'


# --- furniture ---------------------------------------------------------------------------------------------------


CATEGORIES = ("sofa", "armchair", "bed", "wardrobe", "desk", "dining table", "shelf", "tv stand", "harp")


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("size", [(2.0, 0.9, 0.8), (0.7, 0.4, 2.1), (1.6, 2.0, 0.45), (1.6, 2.0, 0.25)])
def test_a_shape_fills_its_products_box(category, size):
    parts = shape(Product("X", "x", category, "", *size, 0.6, 1.0))
    points = np.concatenate([p.vertices for p in parts])
    np.testing.assert_allclose(np.ptp(points, axis=0), size, atol=1e-9)
    np.testing.assert_allclose(points.min(0), (-size[0] / 2, -size[1] / 2, 0), atol=1e-9)


@pytest.mark.parametrize(("name", "like"), [("bedside table", "table"), ("Beds", "bed"), ("sideboard", "chest"), ("bookshelf", "shelf"), ("sofa bed", "sofa")])
def test_a_shape_is_that_of_the_word_not_of_letters_in_it(name, like):
    own, other = (shape(Product("X", "x", kind, "", 1.2, 0.5, 0.6, 0.6, 1.0)) for kind in (name, like))
    assert len(own) == len(other) and all(np.array_equal(a.vertices, b.vertices) and a.colour == b.colour for a, b in zip(own, other))


@pytest.mark.parametrize("category", CATEGORIES)
def test_faces_look_outward(category):
    for part in shape(Product("X", "x", category, "", 1.8, 0.9, 0.85, 0.6, 1.0)):
        for face in part.faces:
            a, b, c = part.vertices[list(face[:3])]
            outward = part.vertices[list(face)].mean(0) - part.vertices.mean(0)
            assert np.cross(b - a, c - a) @ outward > 0


@pytest.mark.parametrize("wall, at, angle", [("wall_2", (0.0, 3.45), 0.0), ("wall_2", (0.0, 3.45), np.pi), ("wall_1", (-1.25, 2.5), np.pi / 2),
                                             ("wall_1", (-1.25, 2.5), -np.pi / 2), ("wall_3", (1.45, 2.5), np.pi / 2)])
def test_a_sofa_turns_its_back_to_its_wall(scene, wall, at, angle):
    sofa = replace(room.recommendations()[0], placement=Placement(*at, angle, wall))
    (_, parts), = standing([sofa], scene)
    tall = np.concatenate([p.vertices for p in parts])
    back = tall[tall[:, 2] > 0.8][:, :2].mean(0) - at
    plane = scene.plane(wall)
    assert back @ (scene.room_from_cam @ plane.normal_cam)[:2] < -0.2


def test_the_better_of_two_on_the_same_floor_stands(scene):
    first, second = room.recommendations()
    assert [rec for rec, _ in standing([first, second], scene)] == [first]
    in_front = replace(second, placement=Placement(-0.25, 2.6, 0.0, None))
    assert [rec for rec, _ in standing([first, in_front], scene)] == [first]


def test_overlap_of_convex_polygons():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    assert overlap(square, square + 0.9)
    assert not overlap(square, square + (1.0, 0.0))
    assert not overlap(square, rectangle((1.6, 1.6), (1.2, 1.2), np.pi / 4) * (1, 1) + (0.0, 0.3))


# --- geometry ----------------------------------------------------------------------------------------------------


def test_room_and_camera_frames_are_each_others_inverse(scene):
    points = np.random.default_rng(1).normal(size=(7, 3))
    np.testing.assert_allclose(to_room(to_camera(points, scene), scene), points, atol=1e-12)
    np.testing.assert_allclose(to_room(np.zeros(3), scene), (0, 0, room.EYE))


def test_relief_points_lie_on_their_planes(scene):
    points, owner = grid_points(scene)
    wall = [p.id for p in scene.planes].index("wall_2")
    np.testing.assert_allclose(points[owner == wall][:, 1], room.FAR, atol=1e-6)
    assert points[owner == -1][:, 2].max() <= room.CABINET[1, 2] + 1e-6


def test_relief_is_held_inside_the_shell(scene):
    noise = 1 + 0.3 * np.random.default_rng(3).standard_normal(scene.depth_m.shape)
    bare = replace(scene, depth_m=scene.depth_m * noise, planes=tuple(replace(p, mask=np.zeros_like(p.mask)) for p in scene.planes))
    points, owner = grid_points(bare)
    inside = points[np.isfinite(points).all(-1)]
    assert (inside[:, 1] < room.FAR + 1e-6).all() and (inside[:, 2] > -1e-6).all() and (inside[:, 2] < room.TOP + 1e-6).all()
    assert (owner >= 0).mean() > 0.4


def test_a_line_behind_the_camera_is_not_seen_and_one_through_it_is_cut(scene):
    assert line_pixels((0, -1, 1.5), (1, -2, 1.5), scene) is None
    pixels = line_pixels((room.LEFT, -2, 0), (room.LEFT, room.FAR, 0), scene)
    assert (pixels >= -0.5 - 1e-9).all() and (pixels <= np.array([room.WIDTH, room.HEIGHT]) - 0.5 + 1e-9).all()


def test_height_of_an_unseen_ceiling_is_not_claimed(scene):
    blind = replace(scene, planes=tuple(p for p in scene.planes if p.kind != "ceiling"))
    told = theme.by_name([Measurement("ceiling_height", 2.9, 2.7, None, "m", "lower_bound")])
    assert room_height(scene, {}) == (pytest.approx(2.6), True)
    assert room_height(blind, told) == (pytest.approx(2.7), False)


def test_the_camera_points_the_way_it_looks(scene):
    arrow = next(a for a in plan(scene, ()).layout.annotations if a.arrowcolor == theme.BLUE)
    assert (arrow.ax, arrow.ay) == (0, 0) and arrow.arrowhead and np.degrees(np.arctan2(arrow.x, arrow.y)) == pytest.approx(7.0, abs=0.5)


def _across(x) -> np.ndarray:
    """Directions in which a foot at these x of the far wall is seen."""
    return np.arctan2(x, room.FAR)


def test_feet_are_where_their_directions_cut_the_wall(scene):
    """Short gaps count as seen, also before the wall's end; columns alone do not."""
    far, column = scene.walls[1], 0.004
    columns = np.arange(_across(room.LEFT), _across(room.RIGHT), column)
    seen = np.zeros(len(columns), bool)
    seen[3:60], seen[20:24], seen[100:150], seen[170:172] = True, False, True, True
    (a, b), (c, d) = foot_spans(replace(far, foot_azimuths=columns[seen]))
    at = [float(np.tan(columns[i] - column / 2) * room.FAR - room.LEFT) for i in (60, 100, 150)]
    assert a == 0.0 and (b, c, d) == pytest.approx(at, abs=1e-9)


def test_feet_seen_nowhere_or_not_kept(scene):
    far = scene.walls[1]
    assert foot_spans(far) == ((0.0, far.length_m),)
    assert foot_spans(replace(far, foot_azimuths=np.zeros(0))) == foot_spans(replace(far, foot_azimuths=np.array([0.1, 0.104]))) == ()
    beside = np.arange(_across(room.RIGHT) + 0.1, 0.9, 0.004)
    assert foot_spans(replace(far, foot_azimuths=beside)) == ()


def test_feet_follow_the_wall_at_another_scale(scene):
    """A joint room gives a wall other metres; the directions stay."""
    seen = replace(scene.walls[1], foot_azimuths=np.arange(-0.2, 0.2, 0.004))
    np.testing.assert_allclose(foot_spans(replace(seen, ends=seen.ends * 1.5)), np.array(foot_spans(seen)) * 1.5)


def test_a_built_room_keeps_where_its_feet_were_seen():
    """The cabinet in the far right corner hides the feet of two walls beside it; the left wall's is bare as far as the photo shows it."""
    _, _, which = room._cast(320, 240)
    p = np.full((*which.shape, len(SURFACE_CLASSES)), 0.004, np.float32)
    for name, there in (("wall", which < 4), ("floor", which == 4), ("ceiling", which == 5), ("other", which > 5)):
        p[there, SURFACE_CLASSES.index(name)] = 0.98
    built = build_scene(room.photo(), room.depth_map(), Surfaces(p), room.camera(), camera_height=(room.EYE, 0.02))
    left, far, right = built.walls
    assert foot_spans(left) == ((0.0, left.length_m),)
    assert foot_spans(far) == ((0.0, pytest.approx(room.CABINET[0, 0] - room.LEFT, abs=0.06)),) and far.length_m > 3.5
    assert foot_spans(right) == ((pytest.approx(room.FAR - room.CABINET[0, 1], abs=0.06), right.length_m),)


def test_a_wall_is_stored_with_its_feet_and_read_without(scene):
    wall, arrays = replace(scene.walls[1], foot_azimuths=np.array([0.1, 0.2])), {}
    stored = pack(wall, arrays, "wall")
    np.testing.assert_array_equal(unpack(stored, arrays).foot_azimuths, wall.foot_azimuths)
    del stored["foot_azimuths"]
    assert unpack(stored, arrays).foot_azimuths is None


def test_a_polygon_with_a_notch_is_cut_into_ears_of_its_area():
    notched = np.array([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)], float)
    for polygon in (notched, notched[::-1]):
        a, b, c = (polygon[_fan(polygon, 8)[:, i]] for i in range(3))
        areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
        assert np.abs(areas).sum() == pytest.approx(7.0)


def test_free_floor_outline_keeps_area_and_hole(scene):
    grid = np.zeros((40, 60), bool)
    grid[5:35, 10:50] = True
    grid[15:25, 20:30] = False
    rings = free_rings(replace(scene, free_floor=grid, grid_origin=(-1.0, 0.5), grid_cell_m=0.05))
    areas = [0.5 * float(np.sum(r[:, 0] * np.roll(r[:, 1], -1) - np.roll(r[:, 0], -1) * r[:, 1])) for r in rings]
    assert len(rings) == 2 and areas[0] * areas[1] < 0
    assert abs(sum(areas)) == pytest.approx((30 * 40 - 100) * 0.0025, rel=0.05)
    np.testing.assert_allclose(max(rings, key=lambda r: np.ptp(r[:, 0])).min(0), (-0.5, 0.75), atol=0.03)
