"""The workbook's form: thin notebooks, parameters as plain literals, one checked text cell with its output kept."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from poc.assumptions import COUNTS, DEFAULTS, BusinessParameters
from poc.notebook import chosen_photo, listed, parameters_of, sample_photo, table, together, upload_box
from poc.parameters import notebook_parameters
from poc.pipeline import WORKBOOK, Options

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
ALL = sorted(FOLDER.glob("*.ipynb"))
CHAIN = [n.path for n in WORKBOOK]


def cells(path: Path, kind: str | None = None) -> list[dict]:
    found = json.loads(path.read_text("utf-8"))["cells"]
    return [c for c in found if kind in (None, c["cell_type"])]


def tags(cell: dict) -> set[str]:
    return set(cell["metadata"].get("tags", ()))


def source(cell: dict) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_one_parameters_cell_of_literals_with_a_run(path):
    assert sum("parameters" in tags(c) for c in cells(path, "code")) == 1
    assert notebook_parameters(path)["RUN"] == "demo"


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_cells_are_thin(path):
    """A question, one call, one picture: no functions, no path tricks, no shell."""
    code = [source(c) for c in cells(path, "code")]
    for text in code:
        assert not re.search(r"sys\.path|^\s*[!%]", text, flags=re.M), text
        kinds = {type(node) for node in ast.walk(ast.parse(text))}
        assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}, text
    lengths = sorted(len(t.splitlines()) for c, t in zip(cells(path, "code"), code, strict=True) if "parameters" not in tags(c))
    assert lengths[len(lengths) // 2] <= 4 and lengths[-1] <= 12


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_it_tells_a_story(path):
    assert source(cells(path)[0]).startswith("# ") and cells(path)[0]["cell_type"] == "markdown"
    assert len(cells(path, "markdown")) >= 3


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_stripped_but_for_one_short_checked_output(path):
    """nbval compares nothing in a stripped notebook, so one text cell keeps its output."""
    checked = [c for c in cells(path, "code") if "nbval-check-output" in tags(c)]
    assert checked and all("keep_output" in tags(c) for c in checked)
    for cell in cells(path, "code"):
        if cell in checked:
            assert cell["execution_count"], "nbval takes outputs without a count for a mistake"
            assert cell["outputs"] and all(o["output_type"] == "stream" for o in cell["outputs"])
            assert sum(len("".join(o["text"])) for o in cell["outputs"]) < 400
        else:
            assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_nbstripout_would_change_nothing(path):
    nbstripout = pytest.importorskip("nbstripout")
    import nbformat

    before = nbformat.read(path, as_version=4)
    after = nbstripout.strip_output(nbformat.read(path, as_version=4), keep_output=False, keep_count=True, keep_id=True)
    assert [c.get("outputs") for c in before.cells] == [c.get("outputs") for c in after.cells]


def test_papermill_sees_the_same_parameters():
    """papermill's own reading of the parameters cell agrees with ours, so nothing is refused or let through by mistake."""
    import papermill

    for path in CHAIN:
        assert set(papermill.inspect_notebook(str(path))) == set(notebook_parameters(path))


def test_defaults_agree_with_the_package():
    business = notebook_parameters(FOLDER / "06_business_case.ipynb")
    assert {name.lower(): value for name, value in business.items() if name.lower() in DEFAULTS} == DEFAULTS
    extra = set(map(str.lower, business)) - set(DEFAULTS) - {"run"}
    assert extra == {"horizon_months", "currency", *COUNTS} and business["PHOTOS_TRIED"] == business["PHOTOS_USABLE"] == 0
    params = BusinessParameters()
    assert (business["HORIZON_MONTHS"], business["CURRENCY"]) == (params.horizon_months, params.currency)
    assert notebook_parameters(FOLDER / "02_depth.ipynb")["MODEL"] == Options().model


def test_parameters_in_force_outside_a_kernel_are_the_defaults():
    assert parameters_of("06_business_case")["orders_per_month"] == 5000


def test_every_parameter_is_explained():
    for path in CHAIN:
        cell = next(c for c in cells(path, "code") if "parameters" in tags(c))
        bare = [line for line in source(cell).splitlines() if "=" in line and "#" not in line]
        assert not bare, f"{path.stem}: {bare}"


def test_the_sample_photo_is_a_living_room():
    assert "living_room" in sample_photo().name


class Box:
    """What a file chooser holds after an upload."""

    def __init__(self, *files: dict):
        self.value = files


def test_an_uploaded_photo_goes_before_the_parameter(tmp_path):
    import io

    import room_values
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(room_values.photo().rgb).save(file, "JPEG")
    uploaded = chosen_photo("", Box({"name": "mine.jpg", "content": memoryview(file.getvalue())}))
    assert uploaded.name == "mine.jpg" and uploaded.width == room_values.WIDTH
    (tmp_path / "named.jpg").write_bytes(file.getvalue())
    assert chosen_photo(str(tmp_path / "named.jpg"), Box()).name == "named.jpg"
    assert chosen_photo("", Box()).name == sample_photo().name


def test_no_chooser_where_a_photo_is_named():
    assert upload_box("room.jpg") is None


def test_shown_text_is_escaped(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    table(["<b>"], [["<script>", 3]])
    assert "<script>" not in shown[0]["text/html"] and "&lt;script&gt;" in shown[0]["text/html"]
    assert together("at least ≥ 2.10 m, ± 5 % of it") == "at least ≥\u00a02.10\u00a0m, ±\u00a05\u00a0% of it"

    assert together("−¥294,000 to −3 °") == "−\u2060¥294,000 to −3 °", "no break after the minus"


def test_a_list_may_come_as_text():
    assert listed("door:1,2,3,4; 1,2,3,9=2.0;") == listed(["door:1,2,3,4", "1,2,3,9=2.0"]) == ["door:1,2,3,4", "1,2,3,9=2.0"]
    assert listed("") == listed([]) == []


@pytest.mark.slow
def test_in_order_by_nbval(tmp_path):
    """Run by hand in order, as in JupyterLab, each in its own kernel: nbval compares the checked cells."""
    import os

    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", *map(str, CHAIN)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"POC_RUNS": str(tmp_path)}, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:]
