"""`poc.evaluate` against estimators whose scores are known in advance."""

import json
from dataclasses import replace

import numpy as np
import pytest

from poc.errors import DataError
from poc.evaluate import evaluate
from poc.training.folder import list_frames, load_frame
from poc.types import DepthMap, Surfaces
from tests.data_folder import write_folder


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path, n=3, size=(160, 120), f_px=150.0)
    return tmp_path


def knowing(folder, change, kind="metric", sigma=None, with_surfaces=True):
    """An estimator that knows the truth and answers `change` of it."""
    truth = {f.name: load_frame(f) for f in list_frames(folder)}

    def run(photo):
        loaded = truth[photo.name.rsplit(".", 1)[0]]
        values = change(loaded.depth_m).astype(np.float32)
        one_hot = np.eye(6, dtype=np.float32)[np.where(loaded.surface == 255, 0, loaded.surface)]
        log_sigma = None if sigma is None else np.full(values.shape, sigma, np.float32)
        return DepthMap(values, kind, loaded.depth_m > 0, "fake", log_sigma), Surfaces(one_hot) if with_surfaces else None

    return run


def test_the_truth_scores_perfectly(folder):
    result = evaluate(folder, "fake", estimator=knowing(folder, lambda d: d, sigma=0.1))
    assert result["frames"] == 3 and result["ms_per_frame"] >= 0
    for alignment in ("metric", "scale", "affine"):
        assert result[alignment]["abs_rel"] == pytest.approx(0, abs=1e-6) and result[alignment]["delta1"] == 1
    assert result["planes"]["wall"]["angle_deg"] == pytest.approx(0, abs=0.01)
    assert result["edge_f1"] == 1
    assert all(v == 1 for v in result["surfaces"]["iou"].values())
    assert result["surfaces"]["foot_px"] == 0
    assert result["expected_error"]["coverage_90"] == 1
    json.dumps(result)


def test_a_wrong_scale_shows_in_the_metric_row_alone(folder):
    result = evaluate(folder, "fake", estimator=knowing(folder, lambda d: 1.5 * d, sigma=0.1))
    assert result["metric"]["abs_rel"] == pytest.approx(0.5, abs=1e-4) and result["metric"]["delta1"] == 0
    assert result["scale"]["abs_rel"] == pytest.approx(0, abs=1e-4)
    assert result["affine"]["abs_rel"] == pytest.approx(0, abs=1e-4)
    assert result["expected_error"]["coverage_90"] == 0


def test_a_relative_model_has_only_the_affine_row(folder):
    run = knowing(folder, lambda d: 40 / d + 3, kind="relative_inverse", with_surfaces=False)
    result = evaluate(folder, "fake", estimator=run)
    assert result["metric"] is None and result["scale"] is None and result["expected_error"] is None
    assert result["affine"]["delta1"] == 1 and result["surfaces"] is None


def test_limit_and_names_choose_frames(folder):
    run = knowing(folder, lambda d: d)
    assert evaluate(folder, "fake", estimator=run, limit=2)["frames"] == 2
    assert evaluate(folder, "fake", estimator=run, names=["frame_01"])["frames"] == 1
    with pytest.raises(DataError, match=r"frames named are not here \(nowhere\)"):
        evaluate(folder, "fake", estimator=run, names=["nowhere"])


def test_no_valid_depth_is_named(folder):
    def blind(photo):
        shape = photo.rgb.shape[:2]
        return DepthMap(np.zeros(shape, np.float32), "metric", np.zeros(shape, bool), "blind"), None

    with pytest.raises(DataError, match="no valid depth"):
        evaluate(folder, "blind", estimator=blind)


def test_the_worst_frames_are_drawn(tmp_path):
    """The frame that was spoilt comes first, and the picture is one."""

    import numpy as np
    from PIL import Image

    from poc.evaluate import evaluate
    from poc.figures.failures import Worst
    from poc.training.folder import list_frames, load_frame
    from poc.types import DepthMap
    from tests.data_folder import write_folder

    names = write_folder(tmp_path / "data", n=4, size=(128, 96))
    frames = iter(load_frame(f) for f in list_frames(tmp_path / "data"))

    def model(photo):
        loaded = next(frames)
        values = loaded.depth_m.copy()
        if loaded.frame.name == names[2]:
            values[:48] *= 2
        return DepthMap(values, "metric", values > 0, "exact"), None

    worst = Worst(most=2)
    scores = evaluate(tmp_path / "data", "exact", estimator=model, seen=worst.see)
    assert [r.name for r in worst.rows][0] == names[2] and len(worst.rows) == 2
    assert worst.rows[0].error > 10 * worst.rows[1].error and scores["frames"] == 4
    with Image.open(worst.draw(tmp_path / "w.jpg")) as picture:
        assert picture.format == "JPEG" and np.asarray(picture).std() > 20


def test_sparse_truth_is_drawn_too(tmp_path):
    """A lidar's points may all lie between the pixels that the small picture keeps."""
    from poc.figures.failures import Worst
    from poc.training.folder import list_frames, load_frame
    from poc.types import DepthMap
    from tests.data_folder import write_folder

    write_folder(tmp_path / "data", n=1, size=(128, 96))
    loaded = load_frame(list_frames(tmp_path / "data")[0])
    dense, rgb = (a.repeat(10, axis=0).repeat(10, axis=1) for a in (loaded.depth_m, loaded.rgb))
    sparse = np.zeros_like(dense)
    sparse[1::8, 1::8] = dense[1::8, 1::8]
    worst = Worst(most=1)
    worst.see(replace(loaded, depth_m=sparse, rgb=rgb), DepthMap(dense, "metric", dense > 0, "exact"), None)
    assert not (worst.rows[0].true_m > 0).any() and worst.draw(tmp_path / "w.png").stat().st_size > 1000
