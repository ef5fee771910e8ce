"""Scores against known answers."""

import numpy as np
import pytest

from poc import metrics


def test_depth_scores_of_a_constant_factor():
    true = np.array([1.0, 2.0, 4.0])
    scores = metrics.depth_scores(true * 1.2, true)
    assert scores["abs_rel"] == pytest.approx(0.2)
    assert scores["delta1"] == 1.0
    assert scores["rmse_m"] == pytest.approx(np.sqrt(np.mean((0.2 * true) ** 2)))
    assert metrics.depth_scores(true * 1.3, true)["delta1"] == 0.0


def test_scale_alignment_undoes_a_factor_and_affine_a_shift_too():
    true = np.random.default_rng(0).uniform(1, 6, 500)
    assert np.allclose(metrics.align_scale(true * 3, true), true)
    assert np.allclose(metrics.align_affine(5 / true + 7, true), true)


def test_affine_alignment_clamps():
    true = np.array([1.0, 2.0, 3.0, 4.0])
    aligned = metrics.align_affine(np.array([1.0, 0.5, 0.33, -50.0]), true)
    assert aligned.max() <= metrics.CLAMP_M[1] and aligned.min() >= metrics.CLAMP_M[0]


def test_affine_alignment_of_a_constant_prediction_is_the_mean_inverse():
    true = np.array([1.0, 2.0])
    assert np.allclose(metrics.align_affine(np.ones(2), true), 1 / 0.75)


def test_edges_found_shifted_and_missed():
    true = np.full((40, 40), 2.0)
    true[:, 20:] = 3.0
    known = np.ones_like(true, bool)
    assert metrics.depth_edge_f1(true, true, known) == 1.0
    assert metrics.depth_edge_f1(np.roll(true, 3, axis=1), true, known) < 0.6
    assert metrics.depth_edge_f1(np.full_like(true, 2.0), true, known) == 0.0
    assert np.isnan(metrics.depth_edge_f1(true, np.full_like(true, 2.0), known))


def test_tilted_plane_has_its_angle_and_no_roughness():
    v, u = np.indices((60, 60)) / 30.0
    flat = np.stack([u, v, np.full_like(u, 2.0)], -1)
    tilted = np.stack([u, v, 2.0 + np.tan(np.radians(10)) * u], -1)
    ((flatness, angle),) = metrics.plane_scores(tilted, flat, [np.ones((60, 60), bool)])
    assert flatness == pytest.approx(0, abs=1e-6)
    assert angle == pytest.approx(10, abs=1e-6)


def test_two_walls_are_told_apart():
    depth = np.full((120, 160), 3.0)
    depth[:, 80:] = 2.0
    points = metrics.unproject_grid(depth, 150, 150, 80, 60)
    masks = metrics.true_wall_masks(points, np.ones_like(depth, bool), np.random.default_rng(0))
    assert len(masks) == 2
    assert sorted(m.sum() for m in masks) == [9600, 9600]


def test_foot_distance_is_the_shift_of_the_line():
    true = np.full((60, 80), 2, np.uint8)
    true[40:] = 1
    shifted = np.full((60, 80), 2, np.uint8)
    shifted[43:] = 1
    assert np.allclose(metrics.foot_distances(true, true), 0)
    assert np.median(metrics.foot_distances(shifted, true)) == pytest.approx(3, abs=0.2)
    assert np.isinf(metrics.foot_distances(np.zeros_like(true), true)).all()


def test_furniture_between_floor_and_wall_is_no_foot():
    labels = np.full((60, 80), 2, np.uint8)
    labels[20:40] = 0
    labels[40:] = 1
    assert not metrics.foot_pixels(labels).any()


def test_iou_ignores_unlabelled():
    true = np.array([[1, 1, 2, 255]])
    hits, unions = metrics.iou_counts(np.array([[1, 2, 2, 1]]), true, 3, 255)
    assert hits.tolist() == [0, 1, 1] and unions.tolist() == [0, 2, 2]


def test_coverage_of_a_laplace_error_with_its_own_sigma():
    rng = np.random.default_rng(0)
    true = rng.uniform(1, 5, 20000)
    predicted = true * np.exp(rng.normal(0, 0.1, 20000))
    assert metrics.band_coverage(predicted, np.full(20000, 0.1), true) == pytest.approx(0.9, abs=0.01)
