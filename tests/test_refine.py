"""Refinement: planes survive, noise goes, edges follow the photo, invalid pixels stay out; display is display."""

import importlib.util
import sys

import numpy as np
import pytest

from poc.errors import ParameterError
from poc.photo import photo_from_array
from poc.refine import NO_VALUE_RGB, colourise, crf_depth, crf_surfaces, equalise, guided_filter
from poc.types import DepthMap, Surfaces

H, W = 120, 160
EDGE = 80
needs_crf = pytest.mark.skipif(importlib.util.find_spec("pydensecrf") is None, reason="the crf extra is not installed")


def _photo(height=H, width=W, edge=EDGE):
    """Dark left of the edge, bright right of it."""
    rgb = np.full((height, width, 3), 40, np.uint8)
    rgb[:, edge:] = (220, 200, 180)
    return photo_from_array(rgb)


def _map(values, kind="relative_inverse", valid=None, **more):
    values = np.asarray(values, np.float32)
    return DepthMap(values, kind, np.ones(values.shape, bool) if valid is None else valid, "m", **more)


def _plane():
    u, v = np.meshgrid(np.arange(W), np.arange(H))
    return 0.2 + 0.001 * u + 0.002 * v


def _step(edge):
    return np.where(np.arange(W) < edge, 1.0, 3.0)[None].repeat(H, 0)


# --- guided filter -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["metric", "relative_inverse"])
def test_a_slanted_plane_stays_in_place(kind):
    inverse = _plane()
    depth = _map(1 / inverse if kind == "metric" else inverse, kind)
    out = guided_filter(depth, photo_from_array(np.full((H, W, 3), 128, np.uint8)), radius=0.02)
    back = 1 / out.values if kind == "metric" else out.values
    inner = np.s_[10:-10, 10:-10]
    np.testing.assert_allclose(back[inner], inverse[inner], atol=2e-4)
    assert out.kind == kind and out.values.dtype == np.float32


def test_noise_goes_and_the_edge_stays():
    noise = np.random.default_rng(0).normal(0, 0.2, (H, W))
    out = guided_filter(_map(_step(EDGE) + noise), _photo(), radius=0.04).values
    flat = np.s_[20:-20, 20:60]
    assert (out - _step(EDGE))[flat].std() < 0.05
    assert out[60, EDGE - 2] < 1.3 and out[60, EDGE + 1] > 2.7


def test_a_blurred_step_sharpens_onto_the_photos_edge():
    """The model's step is spread over 16 pixels, the photo's edge is not: the filter moves it there."""
    ramp = np.interp(np.arange(W), [EDGE - 8, EDGE + 8], [1.0, 3.0])[None].repeat(H, 0)
    out = guided_filter(_map(ramp), _photo(), radius=0.08).values
    jump = out[60, EDGE] - out[60, EDGE - 1]
    assert jump > 8 * (ramp[60, EDGE] - ramp[60, EDGE - 1])


def test_invalid_pixels_neither_give_nor_get():
    values = _plane()
    valid = np.ones((H, W), bool)
    valid[40:60, 40:60] = False
    garbage = values.copy()
    garbage[~valid] = 0.0
    photo = photo_from_array(np.full((H, W, 3), 128, np.uint8))
    out = guided_filter(_map(garbage, valid=valid), photo)
    assert np.array_equal(out.valid, valid) and (out.values[~valid] == 0).all()
    np.testing.assert_allclose(out.values[50, 61:66], values[50, 61:66], atol=0.01)
    nothing = guided_filter(_map(np.zeros((H, W)), "metric", valid=np.zeros((H, W), bool)), photo)
    assert not nothing.valid.any() and (nothing.values == 0).all()


def test_metric_depth_never_turns_negative_and_provenance_stays():
    rng = np.random.default_rng(1)
    depth = _map(np.exp(rng.normal(0, 2, (H, W))), "metric", sigma_log=np.full((H, W), 0.1, np.float32), f_px=120.0, weights="w")
    out = guided_filter(depth, photo_from_array(rng.integers(0, 255, (H, W, 3), np.uint8)), eps=1e-6)
    assert (out.values > 0).all() and np.isfinite(out.values).all()
    assert out.f_px == 120.0 and out.weights == "w" and out.sigma_log is depth.sigma_log


def test_large_photos_use_small_coefficients():
    photo = _photo(900, 1200, 600)
    values = np.where(np.arange(1200) < 600, 1.0, 3.0)[None].repeat(900, 0)
    out = guided_filter(_map(values), photo).values
    assert out.shape == (900, 1200) and out[450, 590] < 1.2 and out[450, 610] > 2.8


def test_guided_filter_refuses():
    with pytest.raises(ParameterError, match="must match"):
        guided_filter(_map(np.ones((H, W))), _photo(H, W + 2))
    for options in ({"radius": 0}, {"radius": 0.6}, {"eps": 0}, {"eps": -1.0}):
        with pytest.raises(ParameterError, match="guided filter"):
            guided_filter(_map(np.ones((H, W))), _photo(), **options)


# --- display -------------------------------------------------------------------------------------------------------


def test_near_is_bright_in_both_kinds_and_invalid_is_grey():
    valid = np.ones((H, W), bool)
    valid[0, 0] = False
    near_left = np.where(valid, np.linspace(5, 1, W)[None].repeat(H, 0), 0)
    for depth in (_map(near_left, valid=valid), _map(np.where(valid, 1 / np.maximum(near_left, 1), 0), "metric", valid=valid)):
        picture = colourise(depth)
        assert picture.shape == (H, W, 3) and picture.dtype == np.uint8
        brightness = picture.astype(int).sum(axis=2)
        assert brightness[60, 5] > brightness[60, 80] > brightness[60, 155]
        assert tuple(picture[0, 0]) == NO_VALUE_RGB


def test_percentiles_ignore_a_stray_pixel():
    values = np.linspace(1, 2, H * W).reshape(H, W)
    values[3, 3] = 1e6
    level = equalise(_map(values))
    assert level.max() == 1.0 and level[60, 80] == pytest.approx(0.5, abs=0.02)


def test_histogram_makes_levels_equally_frequent():
    values = np.exp(np.linspace(0, 10, H * W)).reshape(H, W)
    counts = np.histogram(equalise(_map(values), "histogram"), bins=10, range=(0, 1))[0]
    assert counts.min() > 0.9 * H * W / 10
    with pytest.raises(ParameterError, match="percentile or histogram"):
        equalise(_map(values), "minmax")


def test_display_of_flat_and_of_nothing():
    flat = colourise(_map(np.full((H, W), 3.0)))
    assert (flat == flat[0, 0]).all() and tuple(flat[0, 0]) != NO_VALUE_RGB
    nothing = colourise(_map(np.zeros((H, W)), "metric", valid=np.zeros((H, W), bool)))
    assert (nothing == NO_VALUE_RGB).all()


def test_large_maps_are_shown_smaller():
    valid = np.ones((900, 1200), bool)
    valid[:, :600] = False
    picture = colourise(_map(np.where(valid, 2.0, 0.0), valid=valid), max_side=400)
    assert picture.shape == (300, 400, 3) and (picture[:, :200] == NO_VALUE_RGB).all() and not (picture[:, 200:] == NO_VALUE_RGB).all(axis=2).any()


# --- CRF -----------------------------------------------------------------------------------------------------------


def test_without_the_extra_the_line_says_how(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    surfaces = Surfaces(np.full((H, W, 6), 1 / 6, np.float32))
    with pytest.raises(ParameterError, match=r"\[crf\]"):
        crf_surfaces(surfaces, _photo())
    with pytest.raises(ParameterError, match=r"\[crf\]"):
        crf_depth(_map(_plane()), _photo())


@needs_crf
def test_crf_moves_a_surface_border_to_the_edge():
    p = np.full((H, W, 6), 0.02, np.float32)
    p[:, : EDGE + 6, 1] = 0.9
    p[:, EDGE + 6 :, 2] = 0.9
    p[:, EDGE - 8 : EDGE + 8, 1:3] = 0.5
    p /= p.sum(axis=2, keepdims=True)
    out = crf_surfaces(Surfaces(p), _photo()).probabilities
    assert out.shape == (H, W, 6) and np.allclose(out.sum(axis=2), 1, atol=1e-4)
    best = out.argmax(axis=2)
    assert (best[20:-20, EDGE - 4] == 1).all() and (best[20:-20, EDGE + 3] == 2).all()


@needs_crf
@pytest.mark.parametrize("kind", ["metric", "relative_inverse"])
def test_crf_sharpens_a_step_and_keeps_kind_and_validity(kind):
    ramp = np.interp(np.arange(W), [EDGE - 8, EDGE + 8], [1.0, 3.0])[None].repeat(H, 0)
    valid = np.ones((H, W), bool)
    valid[:10, :10] = False
    depth = _map(np.where(valid, 1 / ramp if kind == "metric" else ramp, 0), kind, valid=valid)
    out = crf_depth(depth, _photo(), levels=16)
    assert out.kind == kind and np.array_equal(out.valid, valid) and (out.values[~valid] == 0).all()
    nearness = 1 / out.values[60] if kind == "metric" else out.values[60]
    assert nearness[EDGE] - nearness[EDGE - 1] > 3 * (ramp[60, EDGE] - ramp[60, EDGE - 1])
    assert np.isfinite(out.values).all()


@needs_crf
def test_crf_of_flat_and_of_nothing():
    flat = _map(np.full((H, W), 2.0))
    np.testing.assert_allclose(crf_depth(flat, _photo()).values, 2.0, atol=1e-5)
    nothing = _map(np.zeros((H, W)), valid=np.zeros((H, W), bool))
    assert crf_depth(nothing, _photo()) is nothing
    with pytest.raises(ParameterError, match="levels"):
        crf_depth(flat, _photo(), levels=1)
