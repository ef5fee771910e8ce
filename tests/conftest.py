"""Fixtures for every test file: runs go to a temporary folder, photos are made on the spot, data sets are found."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_runs_folder(tmp_path_factory):
    """Tests, and the programs they start, keep their runs away from the user's."""
    before = os.environ.get("POC_RUNS")
    os.environ["POC_RUNS"] = str(tmp_path_factory.mktemp("runs"))
    yield
    if before is None:
        del os.environ["POC_RUNS"]
    else:
        os.environ["POC_RUNS"] = before


@pytest.fixture
def runs_folder(tmp_path, monkeypatch) -> Path:
    """An empty runs folder of one test's own."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("POC_RUNS", str(folder))
    return folder


@pytest.fixture(scope="session")
def sample_photo() -> Path:
    """One of the sample photos that the project ships."""
    photos = sorted((REPO / "data" / "photos").rglob("*.jpg"))
    if not photos:
        pytest.fail("data/photos holds no sample photo")
    return photos[0]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder POC_DATA of data sets that are no part of the project: nyu_train/, scenes/."""
    folder = Path(os.environ.get("POC_DATA") or "no folder given")
    if not (folder / "nyu_train").is_dir():
        pytest.skip(f"no data sets: POC_DATA is {folder}")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium to open the report in."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on the path")


@pytest.fixture
def noise_photo(tmp_path) -> Path:
    """A photo with no room in it: smooth coloured noise, 320×240."""
    from PIL import Image

    coarse = np.random.default_rng(7).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    path = tmp_path / "noise.jpg"
    Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90)
    return path
