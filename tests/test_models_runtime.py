"""Threads, caches and sizes: what keeps a server from growing and a busy machine from crawling."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poc.errors import ParameterError
from poc.models import runtime
from poc.models.preprocess import network_size
from poc.models.presets import PRESETS
from poc.photo import photo_from_array


def test_threads_from_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("POC_THREADS", raising=False)
    assert runtime.cpu_threads() == 3
    monkeypatch.setenv("POC_THREADS", "2")
    assert runtime.cpu_threads() == 2
    for bad in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv("POC_THREADS", bad)
        with pytest.raises(ParameterError, match="POC_THREADS"):
            runtime.cpu_threads()
    monkeypatch.delenv("POC_THREADS")
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= runtime.cpu_threads() <= runtime.MAX_THREADS


def test_cache_makes_once_and_stays_small(monkeypatch):
    monkeypatch.setattr(runtime, "_cache", type(runtime._cache)())
    made = []

    def make(name):
        made.append(name)
        return object()

    first = runtime.cached(("a",), lambda: make("a"))
    assert runtime.cached(("a",), lambda: make("a")) is first and made == ["a"]
    for name in "bcd":
        runtime.cached((name,), lambda name=name: make(name))
    assert len(runtime._cache) == runtime.MAX_CACHED and ("a",) not in runtime._cache


def test_a_replaced_file_is_another_file(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"1")
    key = runtime.file_key(path)
    assert runtime.file_key(path) == key
    path.write_bytes(b"22")
    assert runtime.file_key(path) != key


@pytest.mark.parametrize("photo,net", [
    ((640, 480), (320, 240)), ((480, 640), (240, 320)), ((1920, 1080), (320, 176)), ((448, 299), (320, 208)), ((100, 100), (320, 320)),
    ((3000, 100), (320, 32)),
])
def test_embedded_size(photo, net):
    assert network_size(*photo, PRESETS["embedded"]) == net


def test_importing_the_models_brings_no_engine():
    code = "import sys, poc.photo, poc.depth, poc.models; print([m for m in ('torch', 'onnxruntime', 'PIL', 'scipy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- the weights that ship -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded():
    from poc.models import load_model
    from poc.models.weights import SHIPPED

    if not (SHIPPED / "embedded.onnx").is_file():
        pytest.skip("data/weights/embedded.onnx is not here")
    return load_model("embedded", SHIPPED)


def test_shipped_weights_keep_the_contract(embedded):
    depth, surfaces = embedded.depth_and_surfaces(photo_from_array(np.full((480, 640, 3), 128, np.uint8)), f_px=500.0)
    assert depth.valid.all() and 0.2 < np.median(depth.values) < 20 and (depth.sigma_log > 0).all()
    assert surfaces.probabilities.shape == (240, 320, 6) and "unverified" not in depth.weights


def test_turned_photos_and_odd_sizes_agree_in_kind(embedded):
    rgb = np.random.default_rng(0).integers(0, 255, (250, 410, 3), np.uint8)
    for picture in (rgb, np.ascontiguousarray(rgb.transpose(1, 0, 2))):
        depth = embedded.depth(photo_from_array(picture))
        assert depth.values.shape == picture.shape[:2] and np.isfinite(depth.values).all()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_every_new_size(embedded):
    def resident_mb():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    sizes = np.random.default_rng(0).integers(300, 900, (40, 2))
    for i, (width, height) in enumerate(sizes):
        embedded.depth_and_surfaces(photo_from_array(np.zeros((height, width, 3), np.uint8)))
        if i == 15:
            before = resident_mb()
    assert resident_mb() - before < 30
