"""What fits, where, with what probability, and why not: on a 4.0 × 3.5 m room made by hand."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rooms
from rooms import piece

from poc import words
from poc.catalog import LeastNeeds, open_catalogue
from poc.errors import ParameterError
from poc.products.fit import Extent
from poc.products.phrases import with_article
from poc.products.places import wall_places
from poc.products.rejections import _not_at_once, _shortage, explain_rejections
from poc.recommend import AS_DRAWN, FITS, NO_OFFER, RULES, _candidates, _merit, recommend, recommend_or_reason, rule_of
from poc.room.cells import inside_polygon
from poc.types import Measurement, Obstacle, Scene


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return open_catalogue(sqlite_path=tmp_path_factory.mktemp("catalogue") / "c.sqlite")


# --- recommendations ---------------------------------------------------------------------------------------------


def body(item, extra_front: float = 0.0, step: float = 0.04) -> np.ndarray:
    """Points of a placed piece (and extra_front metres of floor before it), room frame, 1 mm within its edge."""
    w, d = item.product.width_m / 2 - 1e-3, item.product.depth_m / 2 - 1e-3
    a, b = np.meshgrid(np.linspace(-w, w, int(2 * w / step) + 2), np.linspace(-d, d + extra_front, int((2 * d + extra_front) / step) + 2))
    angle = item.placement.angle_rad
    across, front = np.array([np.cos(angle), np.sin(angle)]), np.array([np.sin(angle), -np.cos(angle)])
    return np.array([item.placement.x_m, item.placement.y_m]) + a[..., None] * across + b[..., None] * front


def check_standing(item, scene: Scene) -> None:
    """Inside the room and on seen floor, clear of obstacles, back to its wall, with its clearance free as well."""
    points = body(item, item.product.clearance_m)
    (x0, y0), (x1, y1) = scene.outline.min(0), scene.outline.max(0)
    assert (points >= (x0 - 1e-6, y0 - 1e-6)).all() and (points <= (x1 + 1e-6, y1 + 1e-6)).all(), item
    for obstacle in scene.obstacles:
        assert not inside_polygon(body(item), obstacle.footprint).any(), item
        deep = inside_polygon(points, obstacle.footprint)
        assert not deep.any() or deep.mean() < 0.05, item  # the walkway to within a grid step
    if item.placement.wall_id:
        wall = next(w for w in scene.walls if w.plane_id == item.placement.wall_id)
        along = (wall.ends[1] - wall.ends[0]) / wall.length_m
        x, y = np.array([item.placement.x_m, item.placement.y_m]) - wall.ends[0]
        offset = abs(along[0] * y - along[1] * x)
        assert offset == pytest.approx(item.product.depth_m / 2 + 0.01, abs=1e-6)


def test_a_furnished_room_gets_a_varied_list(catalogue):
    scene = rooms.scene()
    result = recommend_or_reason(scene, rooms.measurements(), catalogue)
    assert len(result.items) == 12 and result.currency == "CNY" and "longest free wall 3.50 m" in result.basis
    assert len({item.product.category for item in result.items}) == 8
    assert len({item.product.sku for item in result.items}) == 12
    assert result.items[0].product.category == "sofa" and result.items[0].placement.wall_id == "wall_2"
    for item in result.items:
        assert item.probability >= 0.8
        check_standing(item, scene)
    assert result.items == recommend(scene, rooms.measurements(), catalogue)  # no chance in it


def test_the_reason_names_numbers(catalogue):
    (sofa,) = recommend(rooms.scene(), rooms.measurements(0.1), catalogue, categories=["sofa"], limit=1)
    assert f"{sofa.product.width_m:.2f} m wide on 3.50 m of free wall (90 %: 3.15–3.85)" in sofa.reason
    assert "0.60 m walkway kept" in sofa.reason and "P(fits)" not in sofa.reason, "the probability has its own place"
    wardrobe = recommend(rooms.scene(), rooms.without("ceiling_height"), catalogue, categories=["wardrobe"], limit=1)[0]
    assert "usual ceilings (assumed)" in wardrobe.reason


@pytest.mark.parametrize("seed", range(40))
def test_nothing_collides_in_rooms_with_random_furniture(catalogue, seed):
    rng = np.random.default_rng(seed)
    corners = rng.uniform((-1.4, 0.8), (1.2, 2.6), (3, 2))
    sizes = rng.uniform(0.2, 0.8, (3, 2))
    obstacles = tuple(Obstacle(np.array([c, c + (s[0], 0), c + s, c + (0, s[1])]), 0.8) for c, s in zip(corners, sizes, strict=True))
    scene = rooms.scene(obstacles)
    scene = replace(scene, largest_free_rect=(-1.5, 0.5, 2.0, 0.5 + 0.2))
    items = recommend(scene, rooms.measurements(), catalogue, limit=40)
    assert items
    for item in items:
        check_standing(item, scene)


def test_tall_pieces_stay_clear_of_windows_and_low_ones_do_not_have_to(catalogue):
    scene = rooms.scene(openings=(rooms.on_far_wall("window", -1.4, 1.0, 0.9, 2.1),))
    items = recommend(scene, rooms.measurements(), catalogue, limit=100)
    before = [i for i in items if ((np.abs(body(i)[..., 0] + 0.2) < 1.19) & (body(i)[..., 1] > rooms.FAR - 0.28)).any()]
    assert before and all(item.product.height_m <= 0.9 for item in before)


def test_neither_a_corner_nor_the_free_floor_puts_a_tall_piece_before_a_window(catalogue):
    """Corner pieces of one wall would else stand before the next one's window, and beds on the floor with their head before it."""
    right = rooms.opening("window", "wall_3", [(rooms.RIGHT, y, z) for y, z in ((3.4, 2.0), (2.4, 2.0), (2.4, 0.4), (3.4, 0.4))])
    far = rooms.on_far_wall("window", -1.4, 1.9, 0.9, 2.1)
    for window, sill in ((right, 0.4), (far, 0.9)):
        scene = rooms.scene(openings=(window,))
        room = np.asarray(window.corners_cam) @ scene.room_from_cam.T
        x, y = room[:, 0], room[:, 1]
        near = (x.min() - 0.28 if window is right else x.min(), x.max(), y.min(), y.max()) if window is right else (x.min(), x.max(), y.min() - 0.28, y.max())
        items = recommend(scene, rooms.measurements(), catalogue, limit=100)
        assert any(item.product.height_m > sill for item in items)
        for item in items:
            points = body(item)
            inside = (points[..., 0] > near[0] + 0.03) & (points[..., 0] < near[1]) & (points[..., 1] > near[2] + 0.03) & (points[..., 1] < near[3] - 0.03)
            assert item.product.height_m <= sill or not inside.any()


def test_floor_cut_off_by_the_photos_edge_serves_as_walkway_and_is_told(catalogue):
    scene = rooms.scene(near_m=2.3)  # an eye-level photo: 1.2 m of floor before the far wall
    (sofa,) = recommend(scene, rooms.without("floor_area_free"), catalogue, categories=["sofa"], limit=1)
    unseen = sofa.product.depth_m + sofa.product.clearance_m - 1.2
    assert unseen > 0.1 and f"{unseen:.2f} m of it out of the photo (assumed free)" in sofa.reason
    assert sofa.probability == pytest.approx(0.9 * AS_DRAWN["wall"], abs=0.01) and sofa.placement.y_m - sofa.product.depth_m / 2 >= 2.3
    seen = recommend(rooms.scene(), rooms.measurements(), catalogue, categories=["sofa"], limit=1)[0]
    assert "out of the photo" not in seen.reason and seen.probability == pytest.approx(AS_DRAWN["wall"], abs=0.005)


def test_tables_have_their_clearance_on_both_sides(catalogue):
    scene = rooms.scene()
    for item in recommend(scene, rooms.measurements(), catalogue, categories=["dining table"], limit=5):
        behind = body(item)[..., 1].max() if item.placement.angle_rad == 0 else None
        assert behind is None or behind <= rooms.FAR - item.product.clearance_m + 0.01
        assert "both long sides" in item.reason and item.placement.wall_id is None


def only(folder: Path, **sizes):
    """A catalogue of nothing but one piece, of the sizes of `rooms.piece`."""
    own = piece(**sizes)
    columns = ("sku", "name", "category", "style", "width_m", "depth_m", "height_m", "clearance_m", "price", "currency")
    path = folder / f"{len(list(folder.iterdir()))}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, [getattr(own, name, "CNY") for name in columns]])
    return open_catalogue(csv_path=path, sqlite_path=path.with_suffix(".sqlite"))


def judged(catalogue, measurements=None):
    """The catalogue's one piece as recommended, however unlikely it is to fit; None where it has no place."""
    told = rooms.measurements() if measurements is None else measurements
    return next(iter(recommend_or_reason(rooms.scene(), told, catalogue, min_probability=1e-6).items), None)


def test_probability_falls_as_the_interval_widens_and_only_sure_pieces_are_offered(catalogue, tmp_path):
    own = only(tmp_path, width=3.3)
    sharp, vague = (judged(own, rooms.measurements(s)).probability for s in (0.02, 0.30))
    assert sharp == pytest.approx(AS_DRAWN["wall"], abs=0.005) and 0.45 < vague < 0.7
    few = recommend_or_reason(rooms.scene(), rooms.measurements(0.5), catalogue, min_probability=0.9)
    assert few.undecided > 20 and "measure by tape" in few.reason
    assert all(item.probability >= 0.9 for item in few.items)


def test_what_is_drawn_as_free_is_not_surely_so(catalogue):
    """However sharp the measurements: furniture may have been missed."""
    sharp = recommend(rooms.scene(), rooms.measurements(0.001), catalogue, limit=50)
    at_walls, on_floor = ([item.probability for item in sharp if (item.placement.wall_id is not None) == wall] for wall in (True, False))
    assert max(at_walls) == pytest.approx(AS_DRAWN["wall"]) and max(on_floor) == pytest.approx(AS_DRAWN["floor"])


def test_a_piece_stands_where_it_surely_fits_rather_than_where_it_would_look_best(catalogue):
    (some,) = _candidates(wall_places(rooms.scene(), rooms.measurements()), catalogue, ["sofa"], None, None, FITS)[:1]

    def merit(probability: float, use: float):
        return _merit(replace(some, probability=probability, use=use), FITS)

    assert merit(0.91, 0.1) > merit(0.79, 1.0) and merit(0.85, 1.0) > merit(0.91, 0.1) and merit(0.92, 0.1) > merit(0.82, 1.0)
    assert merit(0.78, 0.0) > merit(0.70, 1.0), "the likeliest is told where nothing is sure"


def test_styles_take_turns_within_a_kind(catalogue):
    scene, measurements = rooms.scene(), rooms.measurements()
    sofas = recommend(scene, measurements, catalogue, categories=["sofa"], limit=6)
    assert len({item.product.style for item in sofas}) >= 3


def test_options_narrow_the_list(catalogue):
    items = recommend(rooms.scene(), rooms.measurements(), catalogue, categories=["sofa", "Desk"], style="nordic", max_price=2000, limit=3)
    assert len(items) == 3 and {i.product.category for i in items} == {"sofa", "desk"}
    assert all(i.product.style == "nordic" and i.product.price <= 2000 for i in items)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categories": []}, "is empty: choose from armchair"),
        ({"categories": " , "}, "is empty"),
        ({"categories": ["sofas"]}, "no category “sofas”: did you mean “sofa”"),
        ({"style": "gothic!"}, "no style “gothic!”: it has classic"),
        ({"limit": 0}, "limit must be"),
        ({"max_price": float("nan")}, "max_price must be"),
        ({"min_probability": 1.5}, "min_probability must be"),
    ],
)
def test_wrong_options_are_named(catalogue, options, message):
    with pytest.raises(ParameterError, match=message):
        recommend_or_reason(rooms.scene(), rooms.measurements(), catalogue, **options)


def test_nothing_on_offer_is_not_told_as_nothing_that_fits(catalogue):
    assert recommend_or_reason(rooms.scene(), rooms.measurements(), catalogue, max_price=1).reason == NO_OFFER
    assert "fit with a probability" in recommend_or_reason(rooms.scene(), rooms.measurements(), catalogue, categories=["bed"]).reason


def test_no_room_no_wall_no_floor_give_a_reason_and_nothing_else(catalogue):
    refused = Scene(rooms.camera(), refusal="no room found: no floor meets a wall")
    result = recommend_or_reason(refused, rooms.measurements(), catalogue)
    assert result.items == () and result.reason == refused.refusal
    blind = recommend_or_reason(rooms.scene(), rooms.without("longest_free_wall", "floor_area_free"), catalogue)
    assert blind.items == () and "free wall: the floor's edge is hidden" in blind.reason
    no_wall = recommend_or_reason(rooms.scene(), rooms.without("longest_free_wall"), catalogue)
    assert no_wall.items and all(item.placement.wall_id is None for item in no_wall.items)
    assert "free wall" in no_wall.reason
    tiny = replace(rooms.scene(), largest_free_rect=(0.0, 1.0, 0.1, 1.1), walls=())
    bound = tuple(replace(m, high=None, status="lower_bound", reason="it goes on behind furniture") for m in rooms.measurements())
    assert recommend_or_reason(tiny, bound, catalogue).reason.endswith("free floor: the visible part is too small to place anything")
    no_grid = replace(rooms.scene(), free_floor=np.zeros((0, 0), bool))
    assert recommend(no_grid, rooms.measurements(), catalogue) == ()


def test_an_own_piece_is_judged_by_its_sizes(tmp_path):
    fits = judged(only(tmp_path, width=1.8))
    assert fits.probability == pytest.approx(AS_DRAWN["wall"], abs=0.005) and fits.placement.wall_id == "wall_2"
    check_standing(fits, rooms.scene())
    for too_large in ({"width": 3.6}, {"width": 1.0, "depth": 4.2}):
        assert judged(only(tmp_path, **too_large)) is None
    assert judged(only(tmp_path, height=2.55), rooms.measurements(0.1)).probability < 0.7


def test_a_piece_is_offered_only_the_places_its_kind_may_have(tmp_path):
    """A sofa stands at a wall and a dining table on the floor, even where only the other place would do."""
    no_wall, no_floor = rooms.without("longest_free_wall"), rooms.without("floor_area_free")
    sofa = only(tmp_path, width=1.8)
    assert judged(sofa, no_floor) is not None and judged(sofa, no_wall) is None
    table = only(tmp_path, width=1.2, depth=0.8, category="dining table")
    assert judged(table, no_wall) is not None and judged(table, no_floor) is None


def test_every_sample_category_has_a_rule(catalogue):
    from poc.catalog import names

    assert set(names(catalogue, "category")) == set(RULES)


# --- rejections --------------------------------------------------------------------------------------------------


def niche(width_m: float) -> tuple[Scene, tuple[Measurement, ...]]:
    """The far wall free over a niche alone, nothing else to stand at."""
    scene = rooms.scene()
    far = replace(scene.walls[1], free=((1.0, 1.0 + width_m),), free_end_kinds=(("obstacle", "obstacle"),))
    told = tuple(rooms.measured(m.name, width_m) if m.name == "longest_free_wall" else m for m in rooms.without("floor_area_free"))
    return replace(scene, walls=(far,)), told


def test_a_narrow_niche_says_what_was_short_by_how_much(catalogue):
    scene, told = niche(0.45)
    (why,) = explain_rejections(scene, told, catalogue, categories=["wardrobe"])
    assert (why.category, why.short) == ("wardrobe", "width") and why.short_by_m == pytest.approx(0.50 + 0.02 - 0.45)
    assert why.text == "the narrowest wardrobe needs 0.50 m, the longest free wall has 0.45 m (90 %: 0.43–0.47)"
    close = explain_rejections(*niche(0.51), catalogue, categories=["wardrobe"])[0]
    assert "too close to call" in close.text and explain_rejections(*niche(0.60), catalogue, categories=["wardrobe"]) == ()


def test_a_shallow_room_an_empty_offer_and_an_unknown_place_are_told_apart(catalogue):
    shallow = replace(rooms.scene(near_m=2.6), walls=rooms.scene().walls[1:2])
    told = explain_rejections(shallow, rooms.without("floor_area_free"), catalogue, categories=["bed"])
    assert told[0].short == "depth" and "the shallowest bed needs 1.96 m of floor to stand on, the photo shows 0.90 m" in told[0].text
    offer = explain_rejections(rooms.scene(), rooms.measurements(), catalogue, categories=["sofa"], max_price=500, style="nordic")
    assert offer[0].text == "the catalogue has no sofa in style nordic at ¥500 or less"
    nowhere = explain_rejections(rooms.scene(), rooms.without("longest_free_wall"), catalogue, categories=["sofa"])
    assert nowhere[0].short == "place" and "the floor's edge is hidden" in nowhere[0].text
    bare = replace(rooms.scene(), walls=(), largest_free_rect=None)
    for category, kind, other in (("dining table", "floor", "wall"), ("wardrobe", "wall", "floor")):
        (told,) = explain_rejections(bare, rooms.measurements(), catalogue, categories=[category])
        assert told.short == "place" and f"free {kind}" in told.text and f"free {other}" not in told.text
    low = tuple(rooms.measured(m.name, 1.2) if m.name == "ceiling_height" else m for m in rooms.measurements())
    assert explain_rejections(rooms.scene(), low, catalogue, categories=["wardrobe"])[0].short == "height"


def test_a_shortage_is_told_of_the_place_that_has_most(catalogue):
    """A bed may stand on the free floor: where that is longer than the free wall, the floor's length is said to be the floor's."""
    told = explain_rejections(*niche(0.45), catalogue, categories=["bed"])
    assert "the longest free wall has 0.45 m" in told[0].text
    scene = replace(niche(0.45)[0], largest_free_rect=(-0.5, 1.0, 0.5, 2.0))
    (floor,) = explain_rejections(scene, rooms.measurements(), catalogue, categories=["bed"])
    assert floor.short == "width" and "the longest free floor has 1.00 m" in floor.text


def test_what_no_tape_can_help_is_told_before_what_is_too_close_to_call(catalogue):
    """The narrowest table needs 0.70 m, about what the free floor has, so a tape might find it; the shallowest needs 1.94 m, and none will.
    Where nothing is hopeless, what is least likely to do is told, and there the tape decides."""
    small = replace(niche(0.45)[0], largest_free_rect=(-0.4, 1.0, 0.4, 1.75))
    (table,) = explain_rejections(small, rooms.measurements(0.2), catalogue, categories=["dining table"])
    assert table.short == "depth" and "the shallowest dining table needs 1.94 m with its walkway, the free floor has 0.80 m" in table.text
    assert "tape" not in table.text and table.short_by_m == pytest.approx(1.14)


def test_where_every_place_has_something_against_it_no_tape_is_asked_for(catalogue):
    """A bed on 1.20 × 1.20 m of free floor may be narrow enough for it, and before the niche there is depth: but not both anywhere."""
    scene = replace(niche(0.45)[0], largest_free_rect=(-0.6, 1.0, 0.6, 2.2))
    (bed,) = explain_rejections(scene, rooms.measurements(0.2), catalogue, categories=["bed"])
    assert bed.short == "depth" and "1.96 m of floor to stand on, along the longest free floor the photo shows 1.20 m" in bed.text and "tape" not in bed.text


def test_of_what_is_close_the_least_likely_is_told(catalogue):
    far = niche(0.9)[0].walls[0]
    scene = replace(rooms.scene(), walls=(far,))
    told = tuple(rooms.measured(m.name, {"longest_free_wall": 0.9, "ceiling_height": 1.62}.get(m.name, m.value), 0.2) for m in rooms.without("floor_area_free")
                 if m.value is not None)
    (why,) = explain_rejections(scene, told, catalogue, categories=["wardrobe"], min_probability=0.999)
    assert why.short == "height" and "too close to call" in why.text, "the width is closer to enough"


def a_wall(length, depth=(3.0, 0.1), at_least=False):
    """What is asked of a place: (metres, one sigma) of its length and of the floor before it."""
    ends = {name: Extent(value, sigma, sigma, at_least=at_least and name == "length", basis="photo") for name, (value, sigma) in (("length", length), ("depth", depth), ("ground", depth))}
    return SimpleNamespace(kind="wall", height=Extent(2.5, 0.05, 0.05, basis="photo"), **ends)


def test_of_several_walls_the_likeliest_is_asked_and_what_was_left_out_is_told():
    rule, least = rule_of("wardrobe"), LeastNeeds(count=1, width_m=1.2, body_m=0.6, depth_m=1.4, height_m=2.0)
    assert _shortage("wardrobe", rule, least, [a_wall((1.5, 0.6)), a_wall((1.4, 0.04))], FITS) is None, "the second is surely long enough"
    narrow, shallow, close = a_wall((0.4, 0.02)), a_wall((3.0, 0.1), (0.5, 0.05)), a_wall((1.2, 0.1), (1.45, 0.15))
    beside = _shortage("wardrobe", rule, least, [narrow, close], FITS).text
    assert "the longest free wall has 1.20 m" in beside, "no wall was left out for its depth"
    before = _shortage("wardrobe", rule, least, [shallow, close], FITS).text
    assert "the longest free wall that is not too shallow has 1.20 m" in before and "tape" in before
    goes_on, vague = a_wall((1.08, 0.02), at_least=True), a_wall((0.96, 0.14))
    assert vague.length.high_m < 1.2 < goes_on.length.value_m + 0.2
    assert "does not show all of it, measure by tape" in _shortage("wardrobe", rule, least, [vague, goes_on], FITS).text


def test_a_missing_place_is_told_only_to_pieces_that_could_stand_there(catalogue):
    """Dining tables stand on the floor: that no wall is free says nothing about them."""
    for told, category, words_of in ((rooms.without("longest_free_wall"), "sofa", True), (rooms.without("longest_free_wall"), "dining table", False),
                                     (rooms.without("longest_free_wall"), "bed", True), (rooms.without("floor_area_free"), "sofa", False)):
        reason = recommend_or_reason(rooms.scene(), told, catalogue, categories=[category]).reason
        assert ("the floor's edge is hidden" in reason) == words_of, (category, reason)


def test_rejections_read_as_a_table(catalogue):
    told = explain_rejections(rooms.scene(), rooms.measurements(), catalogue, categories=["sofa"], max_price=500, style="nordic")
    assert words.rejection_rows(told, False) == [("sofa", "The catalogue has no sofa in style nordic at ¥500 or less.")]
    assert words.no_rejections(any_fits=True) == "Every category has a piece that fits."
    nowhere = explain_rejections(rooms.scene(), rooms.without("longest_free_wall"), catalogue, categories=["sofa"])
    assert words.rejection_rows(nowhere, False) == [] and "no place for any piece" in words.no_rejections(any_fits=False)
    ((kind, reason),) = words.rejection_rows(nowhere, True)
    assert kind == "sofa" and "no place for a sofa was found" in reason.lower(), "where other kinds have one"


def test_width_here_and_depth_there_is_told_as_no_place_for_a_piece():
    rule, least = rule_of("armchair"), LeastNeeds(1, 0.6, 1.02, 0.7, 0.8)
    opened = rooms.scene(openings=(rooms.on_far_wall("window", 0.0, 1.0, 0.9, 2.0), rooms.on_far_wall("door", -1.0, 0.0, 0.0, 2.0)))
    texts = [_not_at_once("armchair", rule, least, None, scene, FITS).text for scene in (rooms.scene(), opened)]
    assert texts[0].endswith("but nowhere is there width and depth for the same piece")
    assert texts[1] == texts[0] + " without blocking a window or a door"
    assert (with_article("armchair"), with_article("bed")) == ("an armchair", "a bed")


def test_an_assumed_ceiling_is_not_stated_as_the_rooms(tmp_path):
    """Nothing but a wardrobe of 2.75 m is on offer, and the ceiling is out of sight, or seen to be at least 2.10 m high."""
    rows = list(csv.DictReader((Path(__file__).parent.parent / "data" / "catalogue" / "products.csv").open(encoding="utf-8")))
    with (tmp_path / "tall.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerow(next(r for r in rows if r["category"] == "wardrobe") | {"height_m": "2.75"})
    tall = open_catalogue(csv_path=tmp_path / "tall.csv", sqlite_path=tmp_path / "tall.sqlite")
    bound = tuple(replace(m, value=2.15, low=2.1, high=None, status="lower_bound") if m.name == "ceiling_height" else m for m in rooms.measurements())
    for told in (rooms.without("ceiling_height"), bound):
        (why,) = explain_rejections(rooms.scene(), told, tall, categories=["wardrobe"], min_probability=0.95)
        assert why.short == "height" and why.short_by_m is None and "assumed" in why.text


def test_what_furniture_ends_does_not_go_on_out_of_sight(catalogue):
    """The longest free wall is cut by the photo; a piece's depth in front of it is not."""
    cut = tuple(replace(m, high=None, status="lower_bound") if m.name == "longest_free_wall" else m for m in rooms.measurements())
    scene = rooms.scene()
    (closed, *_) = wall_places(scene, cut)
    assert not closed.length.at_least, "a bound because another wall may be longer says nothing of this one"
    goes_on = tuple(replace(w, free_end_kinds=tuple(("frame", right) for _, right in w.free_end_kinds)) for w in scene.walls)
    (place, *_) = wall_places(replace(scene, walls=goes_on), cut)
    assert place.length.at_least and not place.depth.at_least and not place.ground.at_least
    items = recommend_or_reason(replace(scene, walls=goes_on), cut, catalogue, limit=150, min_probability=0.3).items
    assert any(item.at_least for item in items) and not any(item.at_least for item in items if item.placement.wall_id is None)


def test_it_is_quick(catalogue):
    started = time.process_time()
    recommend(rooms.scene(), rooms.measurements(), catalogue)
    assert time.process_time() - started < 3.0
