"""Fine-tuning study: the split, before and after, and the figure that shows them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poc.errors import ParameterError
from poc.figures.charts import comparison_figure
from poc.training import study
from poc.types import Photo
from tests.data_folder import write_folder


def test_the_split_keeps_frames_apart(tmp_path):
    names = write_folder(tmp_path, n=7)
    parts = study.split(tmp_path, [names[2]])
    assert parts.score == (names[2],) and set(parts.learn) == set(names) - {names[2]}
    assert study.split(tmp_path, []).score == (names[0], names[5])


def test_a_split_that_cannot_be(tmp_path):
    names = write_folder(tmp_path, n=2)
    with pytest.raises(ParameterError, match="no frame named attic"):
        study.split(tmp_path, ["attic"])
    with pytest.raises(ParameterError, match="at least one must be left"):
        study.split(tmp_path, names)


def test_rows_hold_only_what_both_could_be_scored_on():
    record = {"metric": {"abs_rel": 0.2, "delta1": 0.7}, "affine": {"delta1": 0.8}, "surfaces": None}
    rows = study.score_rows(record, {**record, "metric": {"abs_rel": 0.1, "delta1": 0.9}})
    assert ["metric AbsRel, lower is better", "0.200", "0.100"] in rows and not any("IoU" in row[0] for row in rows)


def test_the_figure_tells_how_far_off_each_is():
    true = np.full((40, 60), 2.0)
    true[:5] = 0
    fig = comparison_figure(Photo(np.zeros((40, 60, 3), np.uint8)), true, true * 1.2, true * 0.9)
    words = [a.text for a in fig.layout.annotations]
    assert "20 %" in words[1] and "10 %" in words[2]
    before, after = (np.asarray(t.z, float) for t in fig.data[1:])
    assert np.isnan(before[:4]).all() and np.nanmax(before) == pytest.approx(20) and np.nanmin(after) == pytest.approx(-10)


@pytest.mark.torch
@pytest.mark.slow
def test_learning_helps_on_frames_like_those_learnt_from(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    write_folder(tmp_path / "data", n=10, size=(160, 120), f_px=150.0)
    parts = study.split(tmp_path / "data", [])
    told = []
    weights = study.fine_tune(parts, tmp_path / "out", epochs=3, samples=32, threads=1, tell=told.append)
    before, after = study.scores(parts), study.scores(parts, weights)
    assert after["metric"]["abs_rel"] < before["metric"]["abs_rel"]
    assert [study.epoch_line(r).startswith(f"round {i}") for i, r in enumerate(told, 1)] == [True] * 3
    seen = study.views(parts, weights)
    assert seen.photo.rgb.shape[:2] == seen.true_m.shape == seen.before_m.shape == seen.after_m.shape


@pytest.mark.torch
@pytest.mark.slow
def test_the_study_runs_as_it_is_shown(tmp_path):
    """The notebook from top to bottom on the sample rooms, by nbval, as an analyst would run it."""
    pytest.importorskip("torch")
    path = Path(__file__).resolve().parents[1] / "notebooks" / "12_finetune.ipynb"
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", "--nbval-cell-timeout=600", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"POC_RUNS": str(tmp_path)}, timeout=700)
    assert done.returncode == 0, done.stdout[-3000:]
