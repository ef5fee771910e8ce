"""Depth and surfaces by a tiny network whose answers are known: log z = 2·red (half size), floor where green, wall where blue."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poc.depth import depth_png, estimate, estimate_depth, estimate_surfaces
from poc.errors import ModelError, ParameterError, WriteError
from poc.files import write_file
from poc.models import load_model
from poc.models.embedded import far_ramp
from poc.photo import photo_from_array
from poc.types import SURFACE_CLASSES, DepthMap

TINY = Path(__file__).parent / "fixtures" / "embedded"
CANONICAL_PX = 260.0


def _photo(f_px=None, width=640, height=480):
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = 102  # log z = 0.8
    rgb[height // 2 :, :, 1] = 255
    rgb[: height // 2, :, 2] = 255
    return photo_from_array(rgb, f_px=f_px)


def test_metric_depth_is_proportional_to_the_focal():
    for f_px in (400.0, 800.0):
        depth = estimate_depth(_photo(f_px), weights_dir=TINY)
        assert depth.values.shape == (480, 640) and depth.values.dtype == np.float32 and depth.kind == "metric"
        np.testing.assert_allclose(depth.values, math.exp(0.8) * (f_px / 2) / CANONICAL_PX, rtol=1e-4)
        assert depth.f_px == f_px and depth.valid.all()
    given = estimate_depth(_photo(400.0), f_px=800.0, weights_dir=TINY)
    assert given.f_px == 800.0
    np.testing.assert_allclose(given.values, depth.values, rtol=1e-6)


def test_without_a_focal_a_26_mm_lens_is_assumed():
    depth = estimate_depth(_photo(), weights_dir=TINY)
    assert depth.f_px == pytest.approx(26 / 36 * 640)


def test_the_shipped_file_says_how_near_its_engine_is_to_torch():
    assert estimate_depth(_photo(400.0)).engine.endswith(" % of the trained network")


def test_expected_error_and_provenance():
    depth = estimate_depth(_photo(400.0), weights_dir=TINY)
    np.testing.assert_allclose(depth.sigma_log, 1.5 * math.exp(-2), rtol=1e-4)
    assert depth.engine.startswith("onnxruntime") and "sha256:" in depth.weights and depth.model == "embedded"


def test_surfaces_order_and_sum():
    surfaces = estimate_surfaces(_photo(), weights_dir=TINY)
    assert surfaces.probabilities.shape == (240, 320, 6) and surfaces.probabilities.dtype == np.float32
    np.testing.assert_allclose(surfaces.probabilities.sum(axis=2), 1, atol=1e-5)
    best = surfaces.probabilities.argmax(axis=2)
    assert (best[125:] == SURFACE_CLASSES.index("floor")).all() and (best[:115] == SURFACE_CLASSES.index("wall")).all()


def test_a_changed_sidecar_is_another_model(tmp_path):
    for file in TINY.iterdir():
        shutil.copy(file, tmp_path)
    first = load_model(weights_dir=tmp_path)
    assert load_model(weights_dir=tmp_path) is first
    sidecar = tmp_path / "embedded.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"sigma_scale": 2.25}))
    assert load_model(weights_dir=tmp_path).sigma_scale == 2.25


def test_the_answer_on_a_mirrored_photo_is_the_mirrored_answer(monkeypatch):
    """Though the network by itself favours one side."""
    rgb = np.random.default_rng(3).integers(0, 255, (240, 320, 3), np.uint8)
    model = load_model(weights_dir=TINY)

    class Lopsided:
        def run(self, names, given):
            grey = given["image"].mean(1, keepdims=True) + np.linspace(0, 1, 320, dtype=np.float32)
            return [grey[:, :, ::2, ::2], grey[:, :, ::2, ::2] - 2, np.concatenate([grey * i for i in range(6)], 1)]

        def __getattr__(self, name):
            return getattr(model.session, name)

    monkeypatch.setattr("poc.depth.load_model", lambda *a: replace(model, session=Lopsided()))
    (depth, surfaces), (flipped, turned) = (estimate(photo_from_array(x, f_px=300.0)) for x in (rgb, np.ascontiguousarray(rgb[:, ::-1])))
    assert depth.values.std() > 0.05
    np.testing.assert_allclose(flipped.values, depth.values[:, ::-1], rtol=1e-3)
    np.testing.assert_allclose(turned.probabilities, surfaces.probabilities[:, ::-1], atol=1e-3)


def test_both_from_one_look_at_the_photo_and_its_mirror_image(monkeypatch):
    model = load_model(weights_dir=TINY)
    runs = []

    class Counting:
        def run(self, *args):
            runs.append(1)
            return model.session.run(*args)

        def __getattr__(self, name):
            return getattr(model.session, name)

    monkeypatch.setattr("poc.depth.load_model", lambda *a: replace(model, session=Counting()))
    depth, surfaces = estimate(_photo(400.0), weights_dir=TINY)
    assert len(runs) == 2 and depth.values.shape == (480, 640) and surfaces.probabilities.shape[2] == 6


@pytest.mark.parametrize("width,height", [(333, 501), (100, 90), (900, 128), (320, 240)])
def test_any_size(width, height):
    depth, surfaces = estimate(_photo(300.0, width, height), weights_dir=TINY)
    assert depth.values.shape == (height, width) and surfaces.probabilities.shape[0] % 16 == 0
    assert np.ptp(depth.values) < 1e-4


def test_planes_stay_planes():
    """Half-size log depth of a slanted plane, grown to the photo, must be affine in inverse depth again."""
    from poc.models.embedded import _depth_map

    u, v = np.meshgrid((np.arange(160) + 0.5) / 160, (np.arange(120) + 0.5) / 120)
    log_depth = -np.log(0.2 + 0.3 * u + 0.1 * v).astype(np.float32)
    photo = photo_from_array(np.zeros((480, 640, 3), np.uint8))
    values = _depth_map(log_depth, np.zeros_like(log_depth), 1.0, photo).values
    u, v = np.meshgrid((np.arange(640) + 0.5) / 640, (np.arange(480) + 0.5) / 480)
    inner = np.s_[4:-4, 4:-4]  # at the very edge there is nothing to interpolate towards
    np.testing.assert_allclose(1 / values[inner], (0.2 + 0.3 * u + 0.1 * v)[inner], atol=1e-5)


def test_not_finite_is_invalid_not_a_number():
    from poc.models.embedded import _depth_map

    log_depth = np.full((120, 160), np.log(2.0), np.float32)
    log_depth[10, 10], log_depth[50, 50], log_depth[80, 80] = np.nan, np.inf, 30.0
    depth = _depth_map(log_depth, np.zeros_like(log_depth), 1.0, photo_from_array(np.zeros((480, 640, 3), np.uint8)))
    assert np.isfinite(depth.values).all() and np.isfinite(depth.sigma_log).all()
    for at in (10, 50, 80):
        assert not depth.valid[4 * at : 4 * at + 4, 4 * at : 4 * at + 4].any()
    assert depth.valid.mean() > 0.98 and (depth.values[~depth.valid] == 0).all()
    np.testing.assert_allclose(depth.values[depth.valid], 2.0, rtol=1e-5)


def test_bad_focal_and_unknown_model():
    for f_px in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ParameterError, match="focal"):
            estimate_depth(_photo(), f_px=f_px, weights_dir=TINY)
    with pytest.raises(ModelError, match="did you mean embedded"):
        estimate(_photo(), model="embeded", weights_dir=TINY)


@pytest.mark.parametrize("change,words", [
    (lambda d: (d / "embedded.json").unlink(), "embedded.json is missing"),
    (lambda d: (d / "embedded.json").write_text("{"), "cannot be read"),
    (lambda d: (d / "embedded.onnx").write_bytes(b"not a model"), "is not the official embedded.onnx"),
])
def test_damaged_weights(tmp_path, change, words):
    for name in ("embedded.onnx", "embedded.json"):
        shutil.copy(TINY / name, tmp_path)
    change(tmp_path)
    with pytest.raises(ModelError, match=words):
        estimate_depth(_photo(), weights_dir=tmp_path)


def test_sidecar_must_hold_the_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("POC_UNVERIFIED_WEIGHTS", "1")
    shutil.copy(TINY / "embedded.onnx", tmp_path)
    for text in ('{"canonical_focal_px": 0, "sigma_scale": 1, "long_side": 320}', '{"sigma_scale": 1, "long_side": 320}'):
        (tmp_path / "embedded.json").write_text(text)
        with pytest.raises(ModelError, match="canonical_focal_px must be a positive number"):
            estimate_depth(_photo(), weights_dir=tmp_path)
    (tmp_path / "embedded.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="not a model that ONNX Runtime can load"):
        (tmp_path / "embedded.json").write_text('{"canonical_focal_px": 260, "sigma_scale": 1, "long_side": 320}')
        estimate_depth(_photo(), weights_dir=tmp_path)


def test_a_share_that_far_pixels_lack_is_a_small_number(tmp_path, monkeypatch):
    monkeypatch.setenv("POC_UNVERIFIED_WEIGHTS", "1")
    shutil.copy(TINY / "embedded.onnx", tmp_path)
    sidecar = tmp_path / "embedded.json"
    sidecar.write_text('{"canonical_focal_px": 260, "sigma_scale": 1, "long_side": 320, "far_log": "much"}')
    with pytest.raises(ModelError, match="far_log must be a number between -1 and 1"):
        estimate_depth(_photo(), weights_dir=tmp_path)


def test_only_far_pixels_are_put_farther():
    """Up to 2 m nothing, from 3.3 m all of it, in between in order: no depth overtakes another."""
    depth = np.log(np.linspace(0.5, 9.0, 400))
    moved = depth + 0.1 * far_ramp(depth)
    assert np.array_equal(moved[depth < np.log(2.0)], depth[depth < np.log(2.0)])
    assert np.allclose(moved[depth > np.log(3.3)], depth[depth > np.log(3.3)] + 0.1)
    assert (np.diff(moved) > 0).all()


# --- 16-bit PNG ----------------------------------------------------------------------------------------------------


def _saved(depth, path):
    return write_file(path, depth_png(depth))


def _map(kind, values, valid=None):
    values = np.asarray(values, np.float32)
    return DepthMap(values=values, kind=kind, valid=np.ones(values.shape, bool) if valid is None else valid, model="m")


def test_png_in_millimetres(tmp_path):
    valid = np.array([[True, True, True, False]])
    path = _saved(_map("metric", [[1.2344, 3.0, 70.0, 2.0]], valid), tmp_path / "d.png")
    with Image.open(path) as image:
        assert np.asarray(image).tolist() == [[1234, 3000, 0, 0]] and image.text["unit"].startswith("mm")
    assert [p.name for p in tmp_path.iterdir()] == ["d.png"]


def test_png_of_relative_depth_can_be_undone(tmp_path):
    values = np.linspace(-3.0, 250.0, 200, dtype=np.float32).reshape(10, 20)
    valid = np.ones(values.shape, bool)
    valid[0, 0] = False
    with Image.open(_saved(_map("relative_inverse", values, valid), tmp_path / "d.png")) as image:
        pixels = np.asarray(image).astype(float)
        back = (pixels - 1) * float(image.text["step"]) + float(image.text["smallest"])
    assert pixels[0, 0] == 0 and np.abs(back - values)[valid].max() < 0.003
    _saved(_map("relative_inverse", np.full((4, 4), 7.0)), tmp_path / "flat.png")


def test_png_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="cannot write"):
        _saved(_map("metric", np.ones((4, 4))), tmp_path / "file" / "d.png")
