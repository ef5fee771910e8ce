"""Places that cannot be written to are told before anything is computed."""

from __future__ import annotations

import pytest
from data_folder import write_folder
from test_bad_input import refused


def test_a_training_with_nowhere_to_go_does_not_begin(capsys, tmp_path):
    """Told before the first epoch, and nothing is left."""
    pytest.importorskip("torch")
    write_folder(tmp_path / "data")
    taken = tmp_path / "taken"
    taken.write_text("")
    base = ["train", "--data", tmp_path / "data", "--epochs", "1"]
    assert "cannot write" in refused(capsys, [*base, "-o", taken])
    assert "cannot write" in refused(capsys, [*base, "-o", tmp_path / "out", "--export", taken / "x.onnx"])
    (tmp_path / "data" / "depth_mm" / "frame_00.png").write_text("")
    assert "frame_00.png" in refused(capsys, [*base, "-o", tmp_path / "out"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "taken"]


def test_a_report_that_cannot_take_its_name_does_not_begin(capsys, tmp_path, sample_photo, monkeypatch):
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    monkeypatch.setattr("poc.pipeline.run_workbook", lambda *args: pytest.fail("the chain was run"))
    assert "report.html: a folder has that name" in refused(capsys, ["report", sample_photo, "-o", tmp_path / "out"])
