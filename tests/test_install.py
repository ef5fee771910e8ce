"""An installed copy, away from the source tree: it has its weights, notebooks and sample data, and works where it is called."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The bin folder of a virtual environment with a wheel of the project, and the packages it needs from the one at hand."""
    pytest.importorskip("setuptools", reason="to build the wheel")
    folder = tmp_path_factory.mktemp("installed")
    for name in ("poc", "notebooks", "data"):
        shutil.copytree(REPO / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite*", ".ipynb_checkpoints"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPO / name, folder / "source")
    venv.create(folder / "venv", with_pip=False)
    bin_folder = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(folder / "source")])
    (wheel,) = folder.glob("*.whl")
    _run([*pip, "--python", str(bin_folder / "python"), "install", "--no-deps", str(wheel)])
    packages = _run([bin_folder / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    (Path(packages) / "needed.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return bin_folder


def _run(command: list, **options) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=400, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_it_reports_from_any_folder(installed, tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("POC_RUNS", "POC_WEIGHTS", "PYTHONPATH")}
    where = _run([installed / "python", "-c", "import poc; print(poc.__file__)"], cwd=tmp_path, env=env)
    assert str(installed.parent) in where, "the copy, not the source tree"
    _run([installed / "poc", "report", "-o", "mine"], cwd=tmp_path, env=env)
    assert (tmp_path / "mine" / "report.html").is_file()
    record = json.loads((tmp_path / "mine" / "measurements.json").read_text("utf-8"))
    assert record["measurements"] and any((tmp_path / "runs").iterdir()), "runs are made where it was called"
    _run([installed / "poc", "evaluate", installed.parent / "share" / "poc" / "data" / "photos"], cwd=tmp_path, env=env)
