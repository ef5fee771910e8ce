"""Fine-tuning study: the split, before and after, and the figure that shows them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
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


def record(abs_rel, delta1, coverage=0.9, frames=2):
    return {"frames": frames, "metric": {"abs_rel": abs_rel, "delta1": delta1}, "affine": {"delta1": 0.8}, "surfaces": None, "expected_error": {"coverage_90": coverage}}


@pytest.mark.parametrize(("after", "says", "advises"), [
    (record(0.1, 0.8), "Better: metric AbsRel, metric δ1. None got worse.", "The new weights did better, but on too few photos to be sure. To try them, name their folder: POC_WEIGHTS="),
    (record(0.3, 0.6), "Worse: metric AbsRel, metric δ1. None got better.", "Keep the shipped weights: on the photos held out, the new ones, in "),
    (record(0.1, 0.6), "Better: metric AbsRel. Worse: metric δ1.", "Keep the shipped weights: on the photos held out"),
    (record(0.1, 0.8, 0.97), "Better: metric AbsRel, metric δ1. Worse: share of pixels inside the 90 % band.", "Some scores got worse: keep the shipped weights, unless"),
    (record(float("nan"), 0.8), "Better: metric δ1. Worse: metric AbsRel.", "Keep the shipped weights"),
    (record(0.201, 0.699), "No score changed by 0.005 or more.", "Keep the shipped weights: "), (record(0.2, 0.7, 0.97), "Worse: share of pixels inside the 90 % band.", "Keep"),
])  # fmt: skip
def test_what_is_said_of_the_scores_is_what_they_are(tmp_path, after, says, advises):
    before = record(0.2, 0.7)
    said, trust = study.verdict(before, after)
    assert said.startswith(says) and trust.startswith("Scored on 2 photos: far too few to trust a gain or a loss.")
    told = study.advice(before, after, tmp_path)
    assert told.startswith(advises) and str(tmp_path) in told
    assert ("POC_WEIGHTS" in told) != told.startswith("Keep"), "weights that are no better, or further off in metres, are not recommended"
    many = after | {"frames": 40}
    assert study.verdict(before, many)[1] == "Scored on 40 photos that were held out from this fine-tuning; the shipped weights may have seen them."
    assert study.advice(before, many, tmp_path).startswith("To measure with the new weights, name" if "None got worse" in said else advises)


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
    assert [study.epoch_line(r).startswith(f"epoch {i}") for i, r in enumerate(told, 1)] == [True] * 3
    given = study.provenance(parts, weights, 3, 32)
    assert given["model"] == "embedded" and given["weights"] == f"embedded.onnx sha256:{hashlib.sha256((weights / 'embedded.onnx').read_bytes()).hexdigest()}"
    facts = given["facts"]
    assert facts["data"] == "data" and facts["held_out"] == list(parts.score) and (facts["epochs"], facts["samples"]) == (3, 32)
    assert facts["started_from"] != given["weights"] and str(tmp_path) not in json.dumps(given)
    assert json.loads((weights / "embedded.json").read_text())["started_from"]["licence"] == "Apache-2.0"
    again = []
    study.fine_tune(parts, tmp_path / "out", epochs=3, samples=32, threads=1, tell=again.append)
    assert [study.epoch_line(r) for r in again] == [f"{study.epoch_line(r)}, trained earlier" for r in told]
    path = str(tmp_path / "data" / "depth_mm" / f"{parts.learn[0]}.png")
    cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_UNCHANGED) + 300)
    anew = []
    study.fine_tune(parts, tmp_path / "out", epochs=3, samples=32, threads=1, tell=anew.append)
    assert len(anew) == 3 and not any("earlier" in r for r in anew), "the truth has changed: it is learnt from the start"
    assert study.provenance(parts, weights, 3, 32)["facts"]["data_content"] != facts["data_content"]
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
