"""Feet on the photo's own edges, and which walls to believe where depth is a network's."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import synthetic

from poc.room.belief import conceded, costs, credible, doubted, parted, pieces, seen_past, supported, wall_logit
from poc.room.edges import find_edge
from poc.room.ends import _is_wall
from poc.room.feet import Evidence, WallLine
from poc.room.layout import room_rotation, solve_layout
from poc.room.observe import narrowed
from poc.room.planes import DepthFit, fit_floor
from poc.room.view import FLOOR, Panorama, make_view
from poc.room.wallfit import DepthNoise, State, WallData, WallSolution, solve_wall
from poc.scene import build_scene, prior_noise
from poc.types import Surfaces, WallSegment

SIZE = (160, 120)


def picture(offset: float, tilt: float, low: float = 60.0, high: float = 140.0) -> np.ndarray:
    """Dark below a slightly tilted line `offset` rows above row 60, bright above it."""
    v, u = np.mgrid[0:120, 0:160].astype(float)
    line = 60 - offset - tilt * (u - 79.5) / 79.5
    return np.clip(low + (high - low) * (line - v + 0.5), low, high).astype(np.uint8)


def look(grey: np.ndarray, outward: int = -1):
    """The edge near row 60 over all columns; one cell is a row, upwards."""
    def pixels(offsets):
        u, off = np.meshgrid(np.arange(160.0), offsets)
        return np.stack([u, 60.0 - off], -1)
    return find_edge(grey, pixels, 160, SIZE, outward)


@pytest.mark.parametrize("offset, tilt", [(0.0, 0.0), (3.5, 0.0), (-4.0, 1.0), (2.0, -2.0)])
def test_an_edge_is_found_where_it_is(offset, tilt):
    edge = look(picture(offset, tilt))
    wanted = offset + tilt * (np.arange(160) - 79.5) / 79.5
    assert np.abs(edge.offset - wanted).max() < 0.8 and abs(edge.offset.mean() - offset) < 0.4


def test_no_edge_without_contrast():
    assert look(np.full((120, 160), 90, np.uint8)) is None


def test_stripes_across_the_line_are_no_edge():
    stripes = np.tile(np.where(np.arange(160) // 8 % 2, 60, 180).astype(np.uint8), (120, 1))
    assert look(stripes) is None


@pytest.mark.parametrize("outward, wanted", [(-1, -3.0), (1, 3.0)])
def test_of_two_edges_the_outer_one_counts(outward, wanted):
    """Skirting: bright between its lower edge and its top."""
    band = picture(-3.0, 0.0).astype(int) - (picture(3.0, 0.0).astype(int) - 60)
    edge = look(band.astype(np.uint8), outward)
    assert abs(edge.offset.mean() - wanted) < 0.6


AZIMUTH = np.linspace(-0.6, 0.6, 200)
NONE = np.zeros(len(AZIMUTH), bool)


def wall(columns: int, feet_seen: int, psi: float = 0.0, own: bool = True) -> WallData:
    all_columns, direct = np.arange(200) < columns, np.arange(200) < feet_seen
    none = np.zeros(0)
    return WallData(psi, 0.02, np.zeros((0, 2)), none, none, np.zeros((0, 2)), none, none, all_columns, direct,
                    np.zeros((2, 2), bool), DepthNoise(0.1, 20.0, 0.15, 0.25), own)


ROOM_FROM_CAM = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
LEVEL = State(250.0, 160.0, 120.0, ROOM_FROM_CAM, DepthFit(1.0, 0.0, None, 2000))


def facing(foot_at: float | None, depth_at: float, columns: int = 100, feet_seen: int = 60) -> WallData:
    """A wall across the view: its foot at one distance (camera heights), its depth at another, seen in so many columns of 200."""
    plain = wall(columns, feet_seen if foot_at else 0)
    u = np.linspace(110.0, 210.0, int(plain.direct.sum()))
    foot = np.column_stack([u, np.full(len(u), 120.0 + 250.0 / (foot_at or 1.0))])
    upper = np.random.default_rng(0).uniform([110.0, 20.0], [210.0, 100.0], (200, 2))
    mask = np.zeros((120, 160), bool)
    mask[20:60, :columns] = True
    return replace(plain, foot_uv=foot, foot_w=np.ones(len(u)), foot_sigma=np.full(len(u), 0.004), foot_shared=0.01, depth_uv=upper,
                   depth_d=np.full(200, 1.0 / depth_at), depth_gain=np.ones(200), mask=mask)


def test_a_foot_seen_too_low_along_all_of_it_brings_the_wall_nearer():
    """By as much as one sigma that its crossings share, nearness 1 over the distance; depth, where there is any, holds against it."""
    foot_only = replace(facing(2.0, 2.0), depth_uv=np.zeros((0, 2)), depth_d=np.zeros(0), depth_gain=np.zeros(0))
    moved = {name: solve_wall(foot_only, LEVEL, bump={"foot_shared": by}).distance for name, by in (("nearer", 1.0), ("farther", -1.0))}
    assert solve_wall(foot_only, LEVEL).distance == pytest.approx(2.0, rel=1e-3)
    assert moved == pytest.approx({"nearer": 1 / (0.5 + 0.01), "farther": 1 / (0.5 - 0.01)}, rel=1e-3)
    held = solve_wall(facing(2.0, 2.0), LEVEL, bump={"foot_shared": 1.0}).distance
    assert moved["nearer"] < held < 2.0


def test_the_front_of_a_sofa_gives_way_to_the_wall_behind():
    """What is seen above the sofa is the wall: its depth lies there, and its foot is seen to the sides."""
    assert credible([facing(3.0, 3.1), facing(2.0, 3.1, feet_seen=7)], LEVEL) == [True, False]


def test_a_wall_in_front_with_a_foot_all_along_stays():
    assert credible([facing(3.0, 3.1), facing(2.0, 2.1, columns=40, feet_seen=30)], LEVEL) == [True, True]


def test_a_long_foot_is_believed_though_depth_is_off_and_a_short_one_is_not():
    assert credible([facing(3.0, 3.1), facing(2.0, 2.5, feet_seen=60)], LEVEL) == [True, True]
    assert credible([facing(3.0, 3.1), facing(2.0, 2.5, feet_seen=6)], LEVEL) == [True, False]


def test_depth_alone_makes_a_wall_where_it_is_one_plane():
    """Half of the points as far behind it as a doorway shows: no wall."""
    flat = facing(None, 2.0)
    behind = np.where(np.arange(200) % 2, 1 / 1.6, 1 / 2.4)
    assert credible([facing(3.0, 3.1), flat], LEVEL) == [True, True]
    assert credible([facing(3.0, 3.1), replace(flat, depth_d=behind)], LEVEL) == [True, False]


def test_of_walls_that_are_all_in_doubt_the_likeliest_is_kept():
    assert credible([facing(2.0, 3.1, feet_seen=6), facing(2.0, 2.5, feet_seen=6)], LEVEL) == [False, True]
    assert credible([], LEVEL) == []


def test_a_foot_that_its_depth_contradicts_is_worth_less_than_one_that_it_confirms():
    odds = [wall_logit(facing(2.0, 2.0 * float(np.exp(x))), LEVEL) for x in (0.0, 0.1, 0.2, 0.4)]
    assert odds == sorted(odds, reverse=True) and odds[0] - odds[-1] > 1.5


def test_walls_do_not_run_through_each_other():
    """A far wall 3 away and a side wall 1 to the left meet at azimuth -0.32. Beyond it the far wall hides the side wall, before it the
    side wall the far one: where both are seen the other way about too, the shorter of these stretches is neither's, and a long one is
    not given up for it. Walls that only meet there stay whole."""
    walls = [WallLine(0.0, 1 / 3), WallLine(-np.pi / 2, 1.0)]
    corner = np.where(AZIMUTH < np.arctan2(-1, 3), 1, 0)
    assert np.array_equal(parted(corner, walls, AZIMUTH), corner)
    crossed = corner.copy()
    crossed[10:20], crossed[150:165] = 0, 1
    assert np.array_equal(np.flatnonzero(parted(crossed, walls, AZIMUTH) < 0), np.arange(10, 20))
    alone = np.where(corner == 1, -1, corner)
    alone[150:160] = 1
    assert np.array_equal(parted(alone, walls, AZIMUTH), alone), "a side wall seen through a door only"


def test_columns_of_a_wall_that_is_not_believed_are_no_other_walls():
    """A side wall 1 away ends at azimuth 0; taken for the far wall, 3 away, its columns go to none, and count as another's there."""
    nearness = np.linspace(0, 2, 200)
    true = np.where(AZIMUTH < 0, 1.0, np.cos(AZIMUTH) / 3)
    off = 4.0 * np.minimum(np.abs(nearness[:, None] - true) / 0.1, 1.0)
    evidence = Evidence(nearness, off, np.zeros_like(off), np.full(len(AZIMUTH), 20.0), None)
    far, side = WallLine(0.0, 1 / 3), WallLine(-np.pi / 2, 1.0)
    claimed = np.where(AZIMUTH < 0, 0.0, np.inf)
    everywhere = np.zeros(len(AZIMUTH), int)
    path = conceded(everywhere, [far], AZIMUTH, evidence, claimed)
    assert np.array_equal(path, np.where(AZIMUTH < 0, -1, 0))
    same = np.where(AZIMUTH < 0, costs(evidence, AZIMUTH, far) - 0.1, np.inf)
    assert np.array_equal(conceded(everywhere, [far], AZIMUTH, evidence, same), everywhere), "the same wall, found twice"
    assert np.array_equal(conceded(np.where(AZIMUTH < 0, 1, 0), [far, side], AZIMUTH, evidence, np.full(len(AZIMUTH), np.inf)) < 0, NONE)
    pan = Panorama(AZIMUTH, np.linspace(-0.5, 0.5, 2), *np.zeros((5, 2, len(AZIMUTH))))
    seen = supported(pan, evidence, path, [facing(3.0, 3.0)], [WallSolution(0.0, 3.0, np.eye(2), 1.0, 0.0)], None, AZIMUTH < 0)
    assert np.array_equal(seen, np.where(AZIMUTH < 0, -1, 1))


def test_a_wall_not_believed_leaves_its_pixels_to_nobody(monkeypatch):
    """A room whose side wall is given up: the others keep to what was theirs, and none is told longer than it is."""
    room = synthetic.make_room(13, "rectangle", furnished=False)
    depth = replace(synthetic.noisy_depth(room, 0.1, 1), engine="ort")

    def seen():
        return build_scene(room.photo, depth, room.surfaces, room.camera, camera_height=(room.camera_height_m, 0.001))

    whole = {p.id: p for p in seen().planes if p.kind == "wall"}
    assert len(whole) >= 2
    for given_up in range(len(whole)):
        monkeypatch.setattr("poc.room.layout.credible", lambda data, state, k=given_up: [i != k % len(data) for i in range(len(data))])
        scene = seen()
        for wall in scene.walls:
            plane = scene.plane(wall.plane_id)
            before = max(whole.values(), key=lambda p: float(p.normal_cam @ plane.normal_cam))
            assert (plane.mask & ~before.mask).sum() < 0.1 * plane.mask.sum()


def _laid_out(room):
    """The layout of a synthetic room by a network's depth."""
    depth = replace(synthetic.noisy_depth(room, 0.1, 1), engine="ort")
    view = make_view(room.camera, depth, room.surfaces, room.photo)
    rot = room_rotation(room.camera.gravity, room.camera.manhattan)
    return solve_layout(view, rot, fit_floor(view, -rot[2]), prior_noise(depth), 0.01)


def test_where_a_wall_was_given_up_another_wall_is_seen(monkeypatch):
    """Which ends those beside it: they are not said to go on to the photo's edge."""
    given_up = []

    def all_but_the_first(data, state):
        given_up.append(data[0].columns)
        return [i > 0 for i in range(len(data))]

    monkeypatch.setattr("poc.room.layout.credible", all_but_the_first)
    layout = _laid_out(synthetic.make_room(13, "rectangle", furnished=False))
    nobodys = given_up[-1] & (layout.path < 0)
    assert nobodys.sum() > 20 and (layout.support[nobodys] == -1).mean() > 0.9


def test_a_wall_takes_no_depth_from_columns_that_are_anothers(monkeypatch):
    found = []

    def kept(seen, data, others):
        found.append((seen, data))
        return narrowed(seen, data, others)

    monkeypatch.setattr("poc.room.layout.narrowed", kept)
    _laid_out(synthetic.make_room(13, "rectangle", furnished=False))
    seen, data = next(pair for pair in found if pair[1].columns.sum() > 40)
    columns = np.flatnonzero(data.columns)
    others = np.isin(np.arange(len(data.columns)), columns[: len(columns) // 2])
    data = replace(data, direct=data.direct & (np.arange(len(others)) >= columns[len(columns) // 4]))  # its foot is seen in half of them
    left = narrowed(seen, data, others)
    assert np.array_equal(left.columns, data.columns & (data.direct | ~others))
    assert left.mask.sum() < data.mask.sum() and not (left.mask & ~data.mask).any() and len(left.depth_d) > 10
    assert narrowed(seen, data, np.zeros_like(others)) is data
    no_foot = replace(data, direct=np.zeros_like(data.direct))
    assert narrowed(seen, no_foot, data.columns) is no_foot, "hardly any are left"


def test_a_side_wall_is_not_drawn_on_past_what_its_depth_shows():
    """1.5 away and seen along its length; the depth ends at 4. Beyond 1.6 times that only a foot in plain sight carries it on."""
    shape = (30, len(AZIMUTH))
    p = np.zeros((*shape, 6), np.float32)
    p[..., synthetic.WALL] = 1.0
    pan = Panorama(AZIMUTH, np.linspace(-0.5, 0.5, 30), np.ones(shape, bool), p, *np.zeros((3, *shape)))
    costs = np.zeros((50, len(AZIMUTH)))
    evidence = Evidence(np.linspace(0, 1, 50), costs, costs, np.full(len(AZIMUTH), 20.0), None)
    side = WallSolution(np.pi / 2, 1.5, np.eye(2), 0.0, 1.0)
    s = np.cos(AZIMUTH - np.pi / 2) / 1.5
    rho = np.broadcast_to(np.minimum(1 / np.maximum(s, 0.02), 4.0), shape)
    path, beyond = np.where(AZIMUTH > 0, 0, -1), (AZIMUTH > 0) & (s < 1 / 6.4)
    assert np.array_equal(supported(pan, evidence, path, [wall(200, 0)], [side], rho, NONE) < 0, beyond) and beyond.sum() > 20
    assert (supported(pan, evidence, path, [wall(200, 200)], [side], rho, NONE) >= 0).all()
    assert (supported(pan, evidence, path, [wall(200, 0)], [side], None, NONE) >= 0).all(), "a sensor's depth is no network's"


def _before(opening: np.ndarray) -> Panorama:
    """A wall 2 camera heights away across the view, floor before it, and in the columns of `opening` floor up to 4 camera heights away."""
    slope = np.arange(-1.0, 0.5, 1 / 250)
    p = np.zeros((len(slope), len(AZIMUTH), 6), np.float32)
    p[..., FLOOR] = slope[:, None] < -np.cos(AZIMUTH) / np.where(opening, 4.0, 2.0)
    return Panorama(AZIMUTH, slope, np.ones(p.shape[:2], bool), p, *np.zeros((2, *p.shape[:2])), np.ones(p.shape[:2]))


def test_a_wall_ends_where_one_sees_past_it():
    """To floor behind it, or to the foot of another wall."""
    opening, solved = np.abs(AZIMUTH) < 0.2, WallSolution(0.0, 2.0, np.eye(2), 1.0, 0.0)
    both = [replace(wall(200, 0), columns=~opening), replace(wall(200, 0), columns=opening, direct=opening)]
    (past,) = seen_past(_before(opening), both[:1], [solved])
    assert np.array_equal(past, opening)
    past, none = seen_past(_before(NONE), both, [solved, replace(solved, distance=3.0)])
    assert np.array_equal(past, opening) and not none.any()
    along = 2.0 * np.tan(AZIMUTH)
    left, right = pieces(both[0].columns, past, along)
    assert np.array_equal(left, AZIMUTH <= -0.2) and np.array_equal(right, AZIMUTH >= 0.2)
    (whole,) = pieces(both[0].columns, NONE, along)
    assert np.array_equal(whole, both[0].columns)
    (whole,) = pieces(both[0].columns, np.abs(AZIMUTH) < 0.03, along)
    assert np.array_equal(whole, both[0].columns), "a chair's legs show that much"


def _ahead_in_an_alcove() -> dict[int, WallSegment]:
    """Two piers 3 m away with an alcove between them, 2 m deep: the walls ahead by their distance in metres."""
    corners = np.array([[-2.0, -0.5], [-2.0, 3.0], [-0.8, 3.0], [-0.8, 5.0], [0.9, 5.0], [0.9, 3.0], [2.0, 3.0], [2.0, -0.5]])
    room = synthetic.cast(corners, ())
    depth = replace(room.depth, engine="network", sigma_log=np.full(room.depth.values.shape, 0.15, np.float32))
    camera = replace(room.camera, f_sigma_rel=0.01, gravity_sigma_rad=0.01, axes_sigma_rad=0.012)
    scene = build_scene(room.photo, depth, room.surfaces, camera, camera_height=(1.45, 0.026))
    return {round(p.offset_m): w for w in scene.walls if (p := scene.plane(w.plane_id)).normal_cam[2] < -0.9}


def test_a_wall_is_not_drawn_across_an_alcove():
    """No wall goes from one pier to the other before the alcove's far end."""
    ahead = _ahead_in_an_alcove()
    assert {3, 5} <= set(ahead)
    assert ahead[3].length_m < 1.4 and ahead[5].length_m == pytest.approx(1.7, abs=0.2)


def test_a_piece_of_a_wall_must_be_credible_by_itself(monkeypatch):
    """What the whole had for it, a piece may lack."""
    widest = {}

    def whole_only(data, state):
        at = [round(1.45 * solve_wall(d, state).distance) for d in data]
        for metres, d in zip(at, data):
            widest[metres] = max(widest.get(metres, 0), d.columns.sum())
        return [good and d.columns.sum() > 0.7 * widest[metres] for good, d, metres in zip(credible(data, state), data, at)]

    monkeypatch.setattr("poc.room.layout.credible", whole_only)
    assert set(_ahead_in_an_alcove()) == {5}


def test_a_wall_is_seen_at_its_corner_up_to_the_next_wall():
    """Columns of nobody's between them count as neither; a foot that is hidden at the corner may be seen elsewhere."""
    def seen(owners, foot):
        path = np.array(owners)
        wall = SimpleNamespace(direct=np.arange(len(path)) >= len(path) - foot)
        layout = SimpleNamespace(path=path, support=np.where(path == 1, 1, -1), walls={1: wall}, noise=DepthNoise(0.1, 0.05, 0.1, 0.02))
        return _is_wall(layout, 1, np.arange(len(path)))

    assert seen([1] * 3 + [-1] * 16 + [1] * 10, 8) and seen([1] * 8 + [0] * 9, 6)
    assert not seen([1] * 3 + [0] * 2 + [1] * 20, 8), "another wall is seen between"
    assert not seen([1] * 3 + [-1] * 16 + [1] * 10, 2), "its foot is hardly seen anywhere"


@pytest.mark.parametrize(("toward", "at_30"), [(1, 0.27), (-1, 0.11)])
def test_the_farther_foot_and_depth_are_apart_the_less_the_foot_is_believed(toward, at_30):
    """As one sigma of the log distance: nothing within 5 %, a tenth at 30 %, nearly all of it where they differ by a factor of three; and
    all of it from the first where the foot is the nearer, which may be that of a tub or a base unit before the wall."""
    def sigma(apart: float) -> float:
        solved = WallSolution(0.0, 2.0, np.eye(2), 1.0, 0.0, foot_alone=2.0, depth_alone=2.0 * float(np.exp(toward * apart)))
        return doubted(wall(100, 60), solved, AZIMUTH).foot_shared * solved.distance

    assert sigma(0.04) == 0.0
    assert sigma(0.3) == pytest.approx(at_30, abs=0.02)
    assert toward < 0 or sigma(np.log(3.0)) > 0.85
    assert doubted(wall(100, 60), WallSolution(0.0, 2.0, np.eye(2), 1.0, 0.0, foot_alone=2.0), AZIMUTH).foot_shared == 0.0


def test_what_a_foot_shares_is_told_as_nearness_along_the_wall():
    """A wall seen from the side alone: its crossings lie far off, where one step of nearness is a great part of the distance."""
    solved = WallSolution(0.8, 2.0, np.eye(2), 1.0, 0.0, foot_alone=2.0, depth_alone=2.0 * float(np.exp(0.3)))
    cos = np.cos(AZIMUTH[:60] - solved.psi)
    assert cos.mean() < 0.5
    alone = doubted(wall(100, 60), replace(solved, psi=float(AZIMUTH[:60].mean())), AZIMUTH).foot_shared
    assert doubted(wall(100, 60), solved, AZIMUTH).foot_shared == pytest.approx(alone * (cos**2).mean() / cos.mean(), rel=0.01)


@pytest.mark.parametrize(("farther", "kept"), [(0.35, True), (0.45, False), (-0.5, True)])
def test_a_foot_far_beyond_its_walls_depth_is_none(farther, kept):
    solved = WallSolution(0.0, 2.0, np.eye(2), 1.0, 0.0, foot_alone=2.0, depth_alone=2.0 * float(np.exp(-farther)))
    seen = replace(wall(100, 60), foot_uv=np.ones((60, 2)), foot_w=np.ones(60), foot_sigma=np.ones(60))
    left = doubted(seen, solved, AZIMUTH)
    assert (left.direct.any(), len(left.foot_w), len(left.foot_uv)) == ((True, 60, 60) if kept else (False, 0, 0))


@pytest.mark.parametrize("tall", [0.5, 0.9])
def test_a_bed_taken_for_floor_does_not_put_the_wall_behind_it_far_away(tall):
    """Across the whole far end of the room, so that its top meets the wall; the wall is 4 m away and its depth is right."""
    corners = np.array([[-2.0, -0.5], [-2.0, 4.0], [2.0, 4.0], [2.0, -0.5]])
    room = synthetic.cast(corners, ((-2.0, 2.2, 2.0, 4.0, tall),))
    labels = np.where(room.labels == synthetic.OTHER, synthetic.FLOOR, room.labels)
    depth = replace(room.depth, engine="network", sigma_log=np.full(room.depth.values.shape, 0.15, np.float32))
    camera = replace(room.camera, f_sigma_rel=0.01, gravity_sigma_rad=0.01, axes_sigma_rad=0.012)
    scene = build_scene(room.photo, depth, synthetic.surfaces_from_labels(labels), camera, camera_height=(1.45, 0.026))
    far = max((scene.plane(w.plane_id) for w in scene.walls), key=lambda p: abs(float(p.normal_cam[2])))
    assert abs(np.log(far.offset_m / 4.0)) < 2.5 * far.sigma_m / far.offset_m and far.offset_m < 5.0


def test_feet_that_the_surfaces_put_too_low_are_set_right_by_the_photo(monkeypatch):
    """Surfaces moved down by nearly 3 cells: the photo's edges bring the walls back, which the surfaces alone put too near."""
    rooms = [synthetic.make_room(seed, "rectangle", furnished=False) for seed in (3, 5, 8)]
    with_edges = np.concatenate([_measured(room) for room in rooms])
    monkeypatch.setattr("poc.room.observe.edge_along", lambda *args: None)
    without = np.concatenate([_measured(room) for room in rooms])
    assert len(with_edges) >= 4 and np.median(with_edges) < 0.01
    assert np.mean(with_edges) < 0.75 * np.mean(without)


def _measured(room) -> list[float]:
    low = Surfaces(np.roll(room.surfaces.probabilities, 2, axis=0))
    depth = replace(synthetic.noisy_depth(room, 0.1, 1), engine="ort")
    return _errors(room, build_scene(room.photo, depth, low, room.camera, camera_height=(room.camera_height_m, 0.001)))


def _errors(room, scene) -> list[float]:
    out = []
    for plane in scene.planes:
        if plane.kind == "wall" and plane.foot_seen:
            near = [w for w in room.walls if w.normal_cam @ plane.normal_cam > 0.98]
            out += [min(abs(np.log(plane.offset_m / w.offset_m)) for w in near)] if near else []
    return out
