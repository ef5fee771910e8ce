"""Figures of a hand-made room: true places, honest words, labels beside one another, small enough for a report."""

import base64
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import room_values as room
from PIL import Image

from poc.figures import raster, theme
from poc.figures.charts import small
from poc.figures.furniture import footprint, overlap, standing
from poc.figures.labels import Board, rectangle, text_size
from poc.figures.sheet import PLAN_PX
from poc.figures.stage import fitted
from poc.room.roomspace import main_walls, to_camera
from poc.sketch import depth_figure, interval_chart, overlay, plan, sketch_3d
from poc.types import DepthMap, Placement, Product, Recommendation

LIMIT_BYTES = 1_500_000
FAR_WALL = "3.60 m (3.38–3.82)"


@pytest.fixture(scope="module")
def scene():
    return room.scene()


@pytest.fixture(scope="module")
def photo():
    return room.photo()


@pytest.fixture(scope="module")
def figures(scene, photo):
    told, recs = room.measurements(), room.recommendations()
    return {
        "sketch_3d": sketch_3d(scene, photo, told, recs),
        "plan": plan(scene, told, recs),
        "overlay": overlay(photo, scene, told, recs),
        "depth": depth_figure(photo, room.depth_map()),
        "intervals": interval_chart(told),
    }


def words_of(fig) -> str:
    """Every annotation and trace name of a figure."""
    notes = [a.text for a in fig.layout.annotations] + [a.text for a in fig.layout.scene.annotations]
    return " | ".join([*notes, *(t.name or "" for t in fig.data)])


def trace(fig, name):
    return next(t for t in fig.data if t.name == name)


# --- labels ------------------------------------------------------------------------------------------------------


def test_a_label_takes_the_first_free_place():
    board, size = Board(), (2.0, 1.0)
    board.block(rectangle((0, 0), size))
    assert board.place([rectangle((0.5, 0), size), rectangle((3, 0), size)]) == 1
    assert board.place([rectangle((3, 0.2), size)]) is None


def test_wider_script_takes_more_room():
    assert text_size("房间房间", 12)[0] > text_size("room", 12)[0]
    assert text_size("<b>a</b>", 12) == text_size("a", 12)


def _boxes(notes, px: float, y_down: bool):
    """Rectangles of a flat figure's labels, in its own units."""
    out = []
    for note in notes:
        if note.text and note.xref in (None, "x") and note.yshift is None and not note.showarrow:
            width, height = (side * px for side in text_size(note.text, note.font.size))
            angle = np.radians(note.textangle or 0) * (1 if y_down else -1)
            out.append((note.text, rectangle((note.x, note.y), (width * 0.96, height * 0.9), angle)))
    return out


@pytest.mark.parametrize("name", ["plan", "overlay"])
def test_labels_lie_beside_one_another(figures, name):
    fig = figures[name]
    span = fig.layout.xaxis.range[1] - fig.layout.xaxis.range[0]
    tall = abs(fig.layout.yaxis.range[1] - fig.layout.yaxis.range[0])
    px = max(span / PLAN_PX[0], tall / PLAN_PX[1]) if name == "plan" else max(span / 960, tall / 640)
    boxes = _boxes(fig.layout.annotations, px, name == "overlay")
    assert len(boxes) >= 6
    piled = [(a, b) for i, (a, box) in enumerate(boxes) for b, other in boxes[:i] if overlap(box, other)]
    assert piled == []


# --- 3D sketch -----------------------------------------------------------------------------------------------------


def test_3d_sketch_shows_room_dimensions_and_product(figures):
    fig = figures["sketch_3d"]
    words = words_of(fig)
    for part in (FAR_WALL, "2.60 m (2.48–2.72)", "≥ 1.98 m", "free 3.05 m", "Lagom three-seat sofa", "97 % likely to fit", "camera 1.50 m"):
        assert part in words
    assert "Fjord" not in words
    photo = trace(fig, "photo")
    assert 5_000 < len(photo.x) <= 12_000 and len(photo.vertexcolor) == len(photo.x)
    assert np.nanmax(photo.z) < room.TOP  # no ceiling: one looks in from above


def test_3d_sofa_stands_where_it_was_placed(figures):
    sofa = trace(figures["sketch_3d"], "Lagom three-seat sofa")
    low, high = ([float(getattr(np, f)(getattr(sofa, axis))) for axis in "xyz"] for f in ("min", "max"))
    np.testing.assert_allclose(low, (-0.25 - 1.05, room.FAR - 0.90, 0), atol=1e-5)
    np.testing.assert_allclose(high, (-0.25 + 1.05, room.FAR, 0.82), atol=1e-5)


def test_3d_scales_are_equal(figures):
    stage = figures["sketch_3d"].layout.scene
    ratios = [(axis.range[1] - axis.range[0]) / aspect for axis, aspect in zip((stage.xaxis, stage.yaxis, stage.zaxis),
              (stage.aspectratio.x, stage.aspectratio.y, stage.aspectratio.z), strict=True)]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-3)
    assert stage.camera.eye.z > 0.5


@pytest.mark.parametrize("scale", [(1, 1, 1), (3, 1, 0.5), (0.5, 4, 0.7)])
def test_first_view_holds_everything(scale):
    points = np.random.default_rng(2).uniform(-0.5, 0.5, (200, 3)) * scale
    pixels = fitted(points, 1.2).pixels(points)
    assert (np.abs(pixels) <= (430, 300)).all()
    assert np.abs(pixels).max() > 200


def test_3d_sketch_without_walls_still_draws(scene, photo):
    bare = replace(scene, walls=(), obstacles=(), openings=(), outline=np.zeros((0, 2)), planes=scene.planes[:1])
    fig = sketch_3d(bare, photo, room.measurements()[:1])
    assert len(trace(fig, "photo").x) > 1000
    assert plan(bare, room.measurements()).data
    assert overlay(photo, bare, room.measurements()).data


# --- plan --------------------------------------------------------------------------------------------------------


def test_plan_gives_dimensions_with_intervals(figures):
    words = words_of(figures["plan"])
    for part in (FAR_WALL, "free 3.05 m (2.84–3.26)", "≥ 1.10 m", "≥ 1.98 m", "3.90 m (3.70–4.09)", "window", "door",
                 "free floor 6.23 m² (5.36–7.10)", "cut off by the photo or hidden", "2.10 × 0.90 m", "1 m"):
        assert part in words


def test_no_line_of_the_plan_runs_over_a_label(figures):
    """Annotations are drawn in order, and a label hides what passes under it."""
    words = [bool(note.text) for note in figures["plan"].layout.annotations]
    assert words == sorted(words) and set(words) == {True, False}


def test_plan_has_equal_scales_and_true_places(figures, scene):
    fig = figures["plan"]
    assert fig.layout.yaxis.scaleanchor == "x" and fig.layout.yaxis.scaleratio == 1
    sofa = trace(fig, "recommended")
    np.testing.assert_allclose((min(sofa.x), max(sofa.x), min(sofa.y), max(sofa.y)), (-1.30, 0.80, 3.0, 3.9), atol=1e-3)
    clear = trace(fig, "kept free in front")
    np.testing.assert_allclose((min(clear.y), max(clear.y)), (3.0 - 0.7, 3.0), atol=1e-3)
    np.testing.assert_allclose(footprint(room.recommendations()[0], scene).mean(0), (-0.25, 3.45))


def test_an_arrow_ends_only_where_the_wall_does(figures):
    arrows = {round(abs(a.x - a.ax) + abs(a.y - a.ay), 1): a.arrowside for a in figures["plan"].layout.annotations if a.showarrow}
    assert arrows[3.6] == "end+start"
    assert arrows[1.2] == "end"
    assert arrows[2.1] == "start"


def test_a_small_pieces_label_stands_beside_it_on_a_leader(scene):
    stool = Product("ST-1", "Round milking stool of oak", "stool", "", 0.4, 0.4, 0.45, 0.3, 99.0)
    fig = plan(scene, room.measurements(), [Recommendation(stool, Placement(0.0, 3.2, 0.0, None), 0.999, "")])
    note = next(a for a in fig.layout.annotations if "milking" in (a.text or ""))
    assert "over 99 %" in note.text
    assert abs(note.x) > 0.2 or abs(note.y - 3.2) > 0.2
    assert any(len(t.x) == 3 and t.x[0] == 0.0 and t.y[0] == pytest.approx(3.2) and t.x[1] == pytest.approx(note.x) for t in fig.data)


def test_all_free_is_said_only_of_a_wholly_free_measured_wall(scene):
    told = room.measurements()
    unmeasured = [m for m in told if m.name != "longest_free_wall"]
    assert "all free" not in words_of(plan(scene, told)) + words_of(plan(scene, unmeasured))
    whole = replace(scene, walls=tuple(replace(w, free=((0.0, w.length_m),)) for w in scene.walls))
    assert f"{FAR_WALL}, all free" in words_of(plan(whole, told))
    assert "all free" not in words_of(plan(whole, unmeasured))


def test_a_wall_whose_foot_is_hidden_is_drawn_otherwise(scene, photo):
    hidden = replace(scene, planes=tuple(replace(p, foot_seen=False) if p.id == "wall_2" else p for p in scene.planes))
    assert "wall, its foot hidden" in words_of(plan(hidden, ())) and "wall, its foot hidden" not in words_of(plan(scene, ()))
    assert trace(overlay(photo, hidden, ()), "foot of a wall, hidden").line.dash == "dot"


def test_of_walls_behind_one_another_the_longest_gives_the_distance(scene):
    behind = replace(scene.walls[1], plane_id="wall_9", ends=scene.walls[1].ends * (0.3, 1) + (0, 0.4))
    assert [w.plane_id for w in main_walls(replace(scene, walls=(*scene.walls, behind)))] == ["wall_2", "wall_3", "wall_1"]


@pytest.mark.parametrize("times", [0.5, 1, 2, 3, 5, 10])
def test_the_scale_bars_labels_stay_apart(scene, times):
    """On a plan of 2 m as on one of 40 m, half as wide as a laptop shows it."""
    walls = tuple(replace(w, ends=w.ends * times, free=()) for w in scene.walls)
    big = replace(scene, walls=walls, obstacles=(), outline=scene.outline * times, free_floor=np.zeros((0, 0), bool))
    fig = plan(big, ())
    bar = [a for a in fig.layout.annotations if a.yshift == 15]
    px_per_m = min(PLAN_PX[0] / np.ptp(fig.layout.xaxis.range), PLAN_PX[1] / np.ptp(fig.layout.yaxis.range))
    middles = [a.x * px_per_m / 2 for a in bar]
    halves = [len(a.text) * 0.56 * a.font.size / 2 for a in bar]
    assert [b - a > ha + hb for a, b, ha, hb in zip(middles, middles[1:], halves, halves[1:])] == [True, True]
    length = float(bar[2].text.removesuffix(" m"))
    assert (bar[2].x - bar[0].x, bar[1].x - bar[0].x) == (pytest.approx(length), pytest.approx(float(bar[1].text)))
    assert length * px_per_m < PLAN_PX[0] / 3


# --- overlay -----------------------------------------------------------------------------------------------------


def test_foot_lines_meet_the_photos_corner(figures, scene):
    feet = np.column_stack([trace(figures["overlay"], "foot of a wall").x, trace(figures["overlay"], "foot of a wall").y])
    corner = to_camera(np.array([room.LEFT, room.FAR, 0.0]), scene)
    expected = corner[:2] / corner[2] * room.F_PX + ((room.WIDTH - 1) / 2, (room.HEIGHT - 1) / 2)
    assert np.nanmin(np.linalg.norm(feet - expected, axis=1)) < 0.2


def test_a_foot_is_solid_only_where_it_was_seen(scene, photo):
    """A bed before the right half of the far wall hides its foot there."""
    far = scene.walls[1]
    seen = np.arange(np.arctan2(room.LEFT, room.FAR), 0.0, 0.004)
    walls = tuple(replace(w, foot_azimuths=seen if w is far else None) for w in scene.walls)
    fig = overlay(photo, replace(scene, walls=walls), ())
    middle, right = (to_camera(np.array([x, room.FAR, 0.0]), scene) for x in (0.0, room.RIGHT))
    middle, right = (c[:2] / c[2] * room.F_PX + ((room.WIDTH - 1) / 2, (room.HEIGHT - 1) / 2) for c in (middle, right))
    hidden = trace(fig, "foot of a wall, hidden")
    assert hidden.line.dash == "dot"
    np.testing.assert_allclose(np.column_stack([hidden.x, hidden.y])[:2], [middle, right], atol=3)
    solid = np.column_stack([trace(fig, "foot of a wall").x, trace(fig, "foot of a wall").y])
    assert np.nanmin(np.linalg.norm(solid - middle, axis=1)) < 3


def test_overlay_says_what_was_fitted(figures):
    words = words_of(figures["overlay"])
    for part in ("floor", "wall", "ceiling", "corner", FAR_WALL, "height 2.60 m", "3.90 m (3.70–4.09) away", "Lagom"):
        assert part in words
    assert len(figures["overlay"].layout.images) == 2


def _solid(picture, floor_only=False):
    return picture.rgba[..., 3] > 200


def test_product_is_drawn_at_its_true_size(scene, photo):
    far = replace(scene, depth_m=None)
    (rec, parts), = standing(room.recommendations()[:1], far)
    picture = raster.draw(parts, footprint(rec, far), far, photo)
    left, top, right, bottom = picture.edges
    rows, columns = np.nonzero(_solid(picture))
    scale = picture.rgba.shape[1] / (right - left)
    points = to_camera(np.concatenate([p.vertices for p in parts]), far)
    pixels = points[:, :2] / points[:, 2:] * room.F_PX + ((room.WIDTH - 1) / 2, (room.HEIGHT - 1) / 2)
    np.testing.assert_allclose((columns.min() / scale + left, (columns.max() + 1) / scale + left), (pixels[:, 0].min(), pixels[:, 0].max()), atol=2.5)
    assert rows.min() / scale + top == pytest.approx(pixels[:, 1].min(), abs=2.5)


def test_a_nearer_thing_hides_the_product_and_a_wall_does_not(scene, photo):
    behind = replace(room.recommendations()[0], placement=Placement(0.9, 4.6, 0.0, None))
    (rec, parts), = standing([behind], scene)
    blocked = raster.draw(parts, footprint(rec, scene), scene, photo)
    open_view = replace(scene, depth_m=None)
    whole = raster.draw(parts, footprint(rec, open_view), open_view, photo)
    missing = _solid(whole) & ~_solid(blocked)
    assert 0.1 < missing.sum() / _solid(whole).sum() < 0.9
    rows, columns = np.nonzero(missing)
    left, top, right, bottom = whole.edges
    u = columns * (right - left) / whole.rgba.shape[1] + left
    assert u.min() > 600 and u.max() < 815  # the cabinet's columns


def test_a_product_behind_the_camera_is_left_out(scene, photo):
    back = replace(room.recommendations()[0], placement=Placement(0.0, -1.0, 0.0, None))
    (rec, parts), = standing([back], scene)
    assert raster.draw(parts, footprint(rec, scene), scene, photo) is None
    assert len(overlay(photo, scene, room.measurements(), [back]).layout.images) == 1


def test_background_is_a_small_jpeg(photo):
    large = replace(photo, rgb=np.tile(photo.rgb, (3, 3, 1)))
    fig = overlay(large, room.refused_scene(), ())
    image = Image.open(io.BytesIO(base64.b64decode(fig.layout.images[0].source.split(",")[1])))
    assert image.format == "JPEG" and max(image.size) <= 1200


# --- depth and intervals -------------------------------------------------------------------------------------------


def test_metric_depth_has_metres_and_its_error(figures):
    fig = figures["depth"]
    depth, error = (t for t in fig.data if t.type == "heatmap")
    assert "metres" in depth.colorbar.title.text and depth.reversescale
    assert "%" in error.colorbar.title.text
    assert np.nanmax(np.asarray(error.z)) == pytest.approx(100 * np.expm1(1.645 * 0.06), rel=0.02)


def test_relative_depth_says_that_it_has_no_metres(photo):
    fig = depth_figure(photo, room.depth_map("relative_inverse"))
    heat = [t for t in fig.data if t.type == "heatmap"]
    assert len(heat) == 1 and "not metres" in heat[0].colorbar.title.text and "not metres" in heat[0].hovertemplate
    assert list(heat[0].colorbar.ticktext) == ["farther", "nearer"]


def test_invalid_depth_is_blank_not_zero(photo):
    exact = room.depth_map()
    valid = exact.valid.copy()
    valid[:100] = False
    holed = DepthMap(np.where(valid, exact.values, 0), "metric", valid, "exact")
    cells = small(holed.values, holed.valid)
    assert np.isnan(cells[:53]).all() and np.nanmin(cells) > 1.0
    nothing = DepthMap(exact.values * 0, "metric", ~exact.valid, "exact")
    assert depth_figure(photo, nothing).data


def test_interval_chart_tells_bounds_and_silence(figures):
    fig = figures["intervals"]
    words = words_of(fig)
    assert "Cannot say" in words and "behind the camera" in words and "at least" in words
    arrows = [t for t in fig.data if t.mode == "lines+markers" and "triangle-right" in str(t.marker.symbol)]
    assert len(arrows) == 3
    assert sorted(map(str, fig.layout.yaxis.ticktext + fig.layout.yaxis2.ticktext)) == sorted(
        theme.title_of(m.name) for m in room.measurements() if m.value is not None)


def test_interval_chart_of_nothing_says_so():
    assert "Nothing was measured" in words_of(interval_chart(()))
    silent = [m for m in room.measurements() if m.value is None]
    assert "behind the camera" in words_of(interval_chart(silent))
    refused = [replace(m, value=None, low=None, high=None, status="unknown", reason="no room found: a forest") for m in room.measurements()]
    words = words_of(interval_chart(refused)).replace("<br>", " ")
    assert words.count("no room found") == 1 and all(theme.title_of(m.name).lower() in words.lower() for m in refused)


# --- refusal, size, rendering ----------------------------------------------------------------------------------------


def test_a_refused_scene_shows_the_photo_and_the_reason(photo):
    refused = room.refused_scene("the photo shows trees")
    for fig in (sketch_3d(refused, photo, ()), plan(refused, (), photo=photo), overlay(photo, refused, ())):
        assert "No room found: the photo shows trees" in words_of(fig).replace("<br>", " ")
        assert len(fig.layout.images) == 1 and fig.data
    assert "the photo shows trees" in words_of(plan(refused, ()))
    twice = words_of(plan(room.refused_scene("No room found: only trees"), ()))
    assert twice.count("No room found") == 1


def test_figures_are_small_and_responsive(figures):
    for name, fig in figures.items():
        text = fig.to_json()
        assert len(text) < LIMIT_BYTES, name
        assert json.loads(text)["layout"].get("width") is None and fig.layout.autosize
        assert "system-ui" in fig.layout.font.family


LABELS = """
setTimeout(function () {
  var boxes = [...document.querySelectorAll('.annotation-text-g text')].map(function (t) {
    var b = t.getBoundingClientRect(); return [t.textContent, b.left, b.right, b.top, b.bottom]; });
  boxes.forEach(function (b) { console.log('LABEL' + JSON.stringify(b) + 'END'); }); }, 2500);
"""
CHROMIUM = ("--headless", "--no-sandbox", "--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=5000", "--use-gl=angle",
            "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NAMES = ("sketch_3d", "plan", "overlay", "intervals", "depth")


def _page(figures, path) -> int:
    """All figures on one page, one above another; the page's height."""
    parts = [figures[name].to_html(full_html=False, include_plotlyjs=number == 0, config={"responsive": True},
                                   default_height=f"{figures[name].layout.height}px") for number, name in enumerate(NAMES)]
    path.write_text(f"<html><meta charset='utf-8'><body style='margin:0'>{''.join(parts)}<script>{LABELS}</script></body></html>", encoding="utf-8")
    return sum(figures[name].layout.height for name in NAMES)


@pytest.mark.slow
@pytest.mark.browser
def test_a_browser_draws_them_with_labels_apart(figures, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    page, png = tmp_path / "figures.html", tmp_path / "figures.png"
    height = _page(figures, page)
    log = subprocess.run([browser, *CHROMIUM, f"--window-size=1100,{height}", f"--screenshot={png}", str(page)], capture_output=True,
                         timeout=300, check=True, text=True).stderr
    boxes = [box for found in re.findall(r"LABEL(\[.*?\])END", log) if (box := json.loads(found))[2] > box[1]]
    assert len(boxes) >= 40
    piled = [(a[0], b[0]) for i, a in enumerate(boxes) for b in boxes[:i]
             if a[1] + 1 < b[2] and b[1] + 1 < a[2] and a[3] + 1 < b[4] and b[3] + 1 < a[4]]
    assert piled == []
    assert [b[0] for b in boxes if b[1] < 0 or b[2] > 1100] == []
    image, top = np.asarray(Image.open(png).convert("RGB")), 0
    for name in NAMES:
        part = image[top : top + figures[name].layout.height].reshape(-1, 3)
        assert len(np.unique(part // 8, axis=0)) > (20 if name in ("plan", "intervals") else 300), name
        top += figures[name].layout.height
