"""Where a piece can stand, and with what probability it fits there: on a 4.0 × 3.5 m room made by hand."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import rooms
from rooms import piece

from poc.errors import ParameterError
from poc.products.clearance import DOOR_ZONE_M, STEP_M, _fill_holes
from poc.products.fit import Extent, ceiling_extent, extent, fit_probability, joint_probability
from poc.products.places import find_spot, floor_places, wall_places
from poc.room.cells import inside_polygon
from poc.types import Measurement, Obstacle

# --- probability -------------------------------------------------------------------------------------------------


def test_a_measurement_keeps_its_interval_exactly():
    length = extent(Measurement("longest_free_wall", 2.41, 2.25, 2.60, "m", "measured", budget={"scale": 0.5}), 0.03)
    assert (length.low_m, length.high_m, length.scale_share) == pytest.approx((2.25, 2.60, 0.5))
    for need, p in ((2.25, 0.95), (2.41, 0.5), (2.60, 0.05)):
        assert joint_probability([(need, length)]) == pytest.approx(p, abs=1e-4)


def test_a_symmetric_interval_is_the_normal_distribution():
    length = extent(rooms.measured("w", 2.0, 0.10), 0.02)
    sigma = 0.4 / (2 * 1.6449)
    assert joint_probability([(1.9, length)]) == pytest.approx(1 - NormalDist(2.0, sigma).cdf(1.9), abs=1e-4)


def test_a_lower_bound_speaks_for_the_seen_part():
    bound = Measurement("w", 2.41, 2.25, None, "m", "lower_bound")
    length = extent(bound, 0.03)
    assert length.at_least and joint_probability([(2.25, length)]) == pytest.approx(0.95, abs=1e-4)
    assert joint_probability([(3.0, length)]) < 0.01  # beyond what is seen nothing is promised
    with_ceiling = extent(replace(bound, high=9.0), 0.03)
    assert with_ceiling.above_m == pytest.approx(length.above_m)
    assert extent(replace(bound, low=2.41), 0.03).below_m == pytest.approx(0.03 * 2.41)  # no certainty out of nothing


def test_a_part_of_a_stretch_has_ends_of_its_own():
    """Half of it has half of its error, and where the part ends is known to five centimetres; of that only the first is the scale's."""
    half = Extent(2.0, 0.10, 0.20, 0.8).scaled(1.0)
    assert (half.below_m, half.above_m) == pytest.approx((np.hypot(0.05, 0.05), np.hypot(0.10, 0.05)))
    assert half.scale_share == pytest.approx(0.8 * 0.5)


def test_unknown_is_no_length():
    assert extent(None, 0.03) is None and extent(rooms.unknown("w", "hidden"), 0.03) is None


@pytest.mark.parametrize("shares", [(0.0, 0.0, 0.0), (0.9, 0.5, 0.7), (0.98, 0.98, 0.98)])
def test_lengths_share_the_scales_error(shares):
    needs = ((1.9, 2.0, 0.10), (1.45, 1.5, 0.08), (2.0, 2.1, 0.09))
    lengths = [(need, Extent(value, s, s, share)) for (need, value, s), share in zip(needs, shares, strict=True)]
    rng = np.random.default_rng(7)
    common, own = rng.standard_normal(400_000), rng.standard_normal((3, 400_000))
    fits = np.ones(400_000, bool)
    for (need, value, s), share, noise in zip(needs, shares, own, strict=True):
        fits &= value + s * (np.sqrt(share) * common + np.sqrt(1 - share) * noise) >= need
    assert joint_probability(lengths) == pytest.approx(fits.mean(), abs=0.003)
    if shares[0] == 0.98:  # hardly more than one chance to fail, not three
        assert joint_probability(lengths) > 0.95 * min(joint_probability([one]) for one in lengths)


def test_an_unseen_ceiling_is_the_usual_one_and_says_so():
    usual = ceiling_extent(rooms.without("ceiling_height"), rooms.scene())
    assert "assumed" in usual.basis and (usual.low_m, usual.high_m) == pytest.approx((2.4, 2.8))
    seen = rooms.measured("ceiling_height", 2.1, 0.05, status="lower_bound", high=None)
    bound = ceiling_extent((seen,), rooms.scene())
    assert joint_probability([(2.3, bound)]) > 0.98  # not seen that high, but usual
    high = ceiling_extent((rooms.measured("ceiling_height", 3.2, 0.02, status="lower_bound", high=None),), rooms.scene())
    assert joint_probability([(3.0, high)]) > 0.99  # seen higher than usual


def test_fit_probability_needs_positive_sizes():
    room = Extent(2.0, 0.05, 0.05)
    assert fit_probability(piece(1.9, 0.9), room, Extent(1.5, 0.1, 0.1), Extent(2.6, 0.1, 0.1)) == pytest.approx(0.945 * 0.5, abs=0.001)
    for bad in (piece(width=0.0), piece(depth=float("nan")), piece(height=-1), piece(clearance=-0.1)):
        with pytest.raises(ParameterError, match="of Own piece must be"):
            fit_probability(bad, room)


# --- places ------------------------------------------------------------------------------------------------------


def test_free_stretches_with_the_floor_in_front():
    longest, right, left = wall_places(rooms.scene(), rooms.measurements())
    assert [p.wall_id for p in (longest, right, left)] == ["wall_2", "wall_3", "wall_1"]
    assert (longest.length.low_m, longest.length.high_m) == pytest.approx((3.325, 3.675))  # the measurement's own interval
    assert not longest.length.at_least and left.length.at_least and right.length.at_least
    assert np.allclose(longest.inward, (0, -1)) and np.allclose(left.inward, (1, 0)) and np.allclose(right.inward, (-1, 0))
    assert np.allclose(longest.reach_m, 3.0) and np.allclose(left.reach_m, 4.0)
    assert longest.rank == 1.0 and right.rank == pytest.approx(3.0 / 3.5)


def test_a_stretch_nearly_as_long_as_the_longest_keeps_its_own_length_and_ends():
    scene = rooms.scene()
    right = next(w for w in scene.walls if w.plane_id == "wall_3")
    cut = replace(right, free=((0.0, 3.46),), free_end_kinds=(("corner", "frame"),))
    moved = replace(scene, walls=tuple(cut if w is right else w for w in scene.walls))
    found = next(p for p in wall_places(moved, rooms.measurements()) if p.wall_id == "wall_3")
    assert found.length.value_m == pytest.approx(3.46) and found.length.at_least


def test_what_hangs_on_a_wall_takes_no_floor():
    """A picture is 8 cm deep: what stands there stands under it."""
    picture = Obstacle(np.array([(0.5, 3.42), (1.0, 3.42), (1.0, 3.5), (0.5, 3.5)]), 1.8)
    places = wall_places(rooms.scene((picture,)), rooms.measurements())
    assert np.allclose(next(p for p in places if p.wall_id == "wall_2").body_m, 3.0)


def test_every_stretch_has_the_error_of_its_own_wall():
    scene = rooms.scene()
    vague = replace(scene, planes=tuple(replace(p, sigma_m=0.25 * p.offset_m) if p.id == "wall_3" else p for p in scene.planes))
    lengths = {p.wall_id: p.length for p in wall_places(vague, rooms.measurements())}
    usual = {p.wall_id: p.length for p in wall_places(scene, rooms.measurements())}
    assert lengths["wall_3"].below_m > 3 * usual["wall_3"].below_m and lengths["wall_2"] == usual["wall_2"]


def test_in_a_room_of_several_photos_a_stretch_is_no_surer_than_the_longest():
    assert rooms.scene().solution is None, "as where photos were joined"
    vague = tuple(rooms.measured(m.name, 3.5, 0.2) if m.name == "longest_free_wall" else m for m in rooms.measurements())
    longest, right, _ = wall_places(rooms.scene(), vague)
    assert right.length.below_m == pytest.approx(longest.length.scaled(3.0).below_m)


def test_floor_out_of_the_photo_ends_at_a_wall_that_is_known():
    """What lies behind a wall at the photographer's back is no floor to walk on."""
    scene = rooms.scene()
    behind = replace(scene, planes=(*scene.planes, rooms.plane("wall_4", "wall", (0, 1, 0), 0.5, 0.5)))
    nothing_known, ends = (wall_places(room, rooms.measurements())[0].open_m for room in (scene, behind))
    assert np.allclose(nothing_known, 4.5) and np.allclose(ends, rooms.FAR + 0.5)


def test_free_floor_is_known_as_its_area_is():
    """Whatever is known of the longest free wall."""
    vague = tuple(rooms.measured("longest_free_wall", 3.5, 0.6) if m.name == "longest_free_wall" else m for m in rooms.measurements())
    lengths = [[p.length for p in floor_places(rooms.scene(), said)] for said in (vague, rooms.measurements(), rooms.without("longest_free_wall"))]
    assert lengths[0] == lengths[1] == lengths[2]


def test_doors_cut_a_stretch_and_keep_their_zone_free():
    door = rooms.on_far_wall("door", 1.0, 1.9, 0.0, 2.0)
    places = wall_places(rooms.scene(openings=(door,)), rooms.measurements())
    far = [p for p in places if p.wall_id == "wall_2"]
    assert [round(p.length.value_m, 2) for p in far] == [2.5] and far[0].ends == ("obstacle", "door")
    right = next(p for p in places if p.wall_id == "wall_3")
    in_zone = np.arange(len(right.body_m)) * 0.05 < DOOR_ZONE_M - 0.05
    assert right.body_m[in_zone].max() < 0.11 and right.body_m[~in_zone][2:].min() > 3.0
    assert right.reach_m.min() > 3.4  # a walkway may cross it


def test_free_floor_is_faced_from_two_sides():
    far, side = floor_places(rooms.scene(), rooms.measurements())
    assert (far.length.value_m, side.length.value_m) == (3.5, 3.0)
    assert np.allclose(far.inward, (0, -1)) and np.allclose(side.inward, (1, 0))


def test_even_odd_rule():
    triangle = np.array([(0, 0), (2, 0), (0, 2)])
    assert inside_polygon(np.array([(0.5, 0.5), (1.5, 1.5), (-0.1, 0.5)]), triangle).tolist() == [True, False, False]


def test_single_cells_of_a_mask_do_not_bar_the_way():
    """A cell that is taken, with six of its eight neighbours free, is noise; one with fewer is furniture's edge."""
    free = np.ones((5, 6), bool)
    free[2, 2] = False
    assert _fill_holes(free).all()
    free[1:4, 1:4] = False
    assert not _fill_holes(free)[2, 2]


@pytest.mark.parametrize(("ends", "side"), [(("corner", "frame"), "left"), (("frame", "corner"), "right"), (("obstacle", "corner"), "right")])
def test_what_belongs_into_a_corner_stands_at_the_more_closed_end(ends, side):
    place = replace(wall_places(rooms.scene(), rooms.measurements())[0], ends=ends)
    shelf, length = piece(width=0.8, depth=0.3), place.length.value_m
    at = find_spot(place, shelf, 0.82, 0.9, corner=True).centre_m
    assert at == pytest.approx(0.4 if side == "left" else length - 0.4, abs=0.08)
    assert find_spot(place, shelf, 0.82, 0.9, corner=False).centre_m == pytest.approx(length / 2, abs=0.05)


FAR_WALL = wall_places(rooms.scene(), rooms.measurements())[0]


def stepped(depths_m: list[float], ends=("obstacle", "obstacle")):
    """A place of as many steps as there are depths, with that much free floor at each."""
    depths, far = np.array(depths_m, float), FAR_WALL
    return replace(far, length=replace(far.length, value_m=len(depths) * STEP_M), body_m=depths, reach_m=depths, open_m=depths, ends=ends)


@pytest.mark.parametrize("ends", [("corner", "frame"), ("frame", "corner"), ("obstacle", "door"), ("door", "obstacle")])
@pytest.mark.parametrize("side_m", [0.0, 0.5])
@pytest.mark.parametrize("corner", [True, False])
def test_a_free_spot_has_the_depth_it_needs_under_all_of_it(ends, side_m, corner):
    """Lines with shallow floor on either side of the deep run, of any length: the floor looked at is the floor it stands on."""
    shelf, found = piece(width=0.8, depth=0.3), 0
    width_m, depth_m = 0.82 + side_m, 0.9
    for before, deep, after in np.ndindex(4, 40, 4):
        place = stepped([0.6] * before + [1.2] * deep + [0.6] * after or [0.6], ends)
        spot = find_spot(place, shelf, width_m, depth_m, corner=corner, side_m=side_m)
        if spot is None:
            continue
        found += 1
        assert spot.depth_m >= depth_m and spot.unseen_m == 0.0
        left, right = spot.centre_m - 0.4, spot.centre_m + 0.4
        surely_from = (before + 0.5) * STEP_M if before else 0.0
        surely_to = (before + deep - 0.5) * STEP_M if after else place.length.value_m
        assert left >= surely_from + 0.01 - 1e-9 and right <= surely_to - 0.01 + 1e-9
        assert spot.run_m == pytest.approx(surely_to - surely_from)
    assert found > 100


def test_beside_other_furniture_a_piece_keeps_off_its_edge_where_there_is_room():
    shelf = piece(width=0.8, depth=0.3)
    wide, tight = stepped([3.0] * 20), stepped([3.0] * 17)
    assert find_spot(wide, shelf, 0.82, 0.9, corner=True).centre_m == pytest.approx(0.41 + STEP_M / 2)
    assert find_spot(tight, shelf, 0.84, 0.9, corner=True).centre_m == pytest.approx(0.41 + 0.01)
    assert find_spot(stepped([3.0] * 20, ("corner", "obstacle")), shelf, 0.82, 0.9, corner=True).centre_m == pytest.approx(0.41)


def test_a_piece_used_from_both_sides_has_floor_behind_it_as_well():
    table = piece(width=0.8, depth=0.8)
    deep, shallow = (replace(stepped([3.0] * 40), body_m=np.full(40, body_m)) for body_m in (1.45, 1.35))
    assert find_spot(deep, table, 0.82, 2.0, corner=False, setback_m=0.6) is not None
    assert find_spot(shallow, table, 0.82, 2.0, corner=False, setback_m=0.6) is None
    assert find_spot(shallow, table, 0.82, 2.0, corner=False) is not None
