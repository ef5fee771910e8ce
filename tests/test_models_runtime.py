"""Threads, caches and sizes: what keeps a server from growing and a busy machine from crawling."""

import subprocess
import sys

import pytest

from poc.errors import ParameterError
from poc.models import runtime
from poc.models.presets import PRESETS
from poc.models.preprocess import network_size


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
