"""The stages in order: what goes into which notebook, what is refused before anything runs, and the whole chain."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import room_values as room
from PIL import Image

from poc import pipeline
from poc.catalog import CSV_PATH, import_csv
from poc.errors import DataError, ModelError, ParameterError, PhotoError, WriteError
from poc.files import probe_folder
from poc.pipeline import WORKBOOK, Options, check, measure_room, notebook_values, run_id

FIXED = {"camera_height", "ceiling_height", "longest_wall", "longest_free_wall", "floor_area_visible", "floor_area_free"}


@pytest.fixture(scope="module")
def photo_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "a room.jpg"
    Image.fromarray(room.photo().rgb).save(path, quality=92)
    return path


def test_the_stages_are_stated_once_and_in_order():
    names = [n.name for n in WORKBOOK]
    assert names == sorted(names) == pipeline.stage_names()
    for number, notebook in enumerate(WORKBOOK):
        assert set(notebook.after) <= set(names[:number])
        assert notebook.path.is_file()


def test_a_notebook_loads_from_the_parents_it_names():
    for notebook in WORKBOOK:
        source = "".join("".join(c["source"]) for c in json.loads(notebook.path.read_text())["cells"] if c["cell_type"] == "code")
        loaded = set(re.findall(r'run\.(?:get|load)\("(\d\d_\w+)"', source))
        stated = re.search(r"parents=\[(.*?)\]", source)
        assert loaded <= set(notebook.after)
        assert set(re.findall(r'"(\d\d_\w+)"', stated[1] if stated else "")) == set(notebook.after)


def test_what_kernels_import_beforehand_exists():
    for notebook in WORKBOOK:
        for need in notebook.imports:
            module, _, function = need.partition(":")
            loaded = __import__(module, fromlist=["*"])
            assert not function or callable(getattr(loaded, function))


def test_every_option_reaches_the_notebook_that_asks_for_it(photo_file):
    options = Options("midas-small", "1.4", 640.0, ("1,2,3,4=1.0",), {"STYLE": "modern", "orders_per_month".upper(): "8000"}, "-6,1")
    values = notebook_values(photo_file, options)
    assert values["01_upload"] == {"PHOTO": str(photo_file), "FOCAL_PX": 640.0}
    assert values["02_depth"] == {"MODEL": "midas-small"}
    assert values["03_measurements"] == {"CAMERA_HEIGHT": "1.4", "REFERENCE": ["1,2,3,4=1.0"], "PITCH_ROLL": "-6,1"}
    assert values["05_recommendation"] == {"STYLE": "modern"} and values["06_business_case"] == {"ORDERS_PER_MONTH": 8000}


def test_a_catalogue_is_looked_for_where_the_caller_stands(photo_file, tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_bytes(CSV_PATH.read_bytes())
    monkeypatch.chdir(tmp_path)
    values = notebook_values(photo_file, Options(parameters={"CATALOGUE": "mine.csv"}))
    assert values["05_recommendation"]["CATALOGUE"] == str(tmp_path / "mine.csv")
    assert notebook_values(photo_file, Options(parameters={"CATALOGUE": "sqlite:///mine.db"}))["05_recommendation"]["CATALOGUE"] == f"sqlite:///{tmp_path / 'mine.db'}"


@pytest.mark.parametrize("address", ["", "mine.csv", "sqlite:///mine.db"])
@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"CATEGORIES": "desk, sofas"}, "the catalogue has no category “sofas”: did you mean “sofa”?"),
        ({"STYLE": "modrn"}, "the catalogue has no style “modrn”: did you mean “modern”?"),
        ({"MAX_PRICE": "-5"}, "max_price must be 0 or more, not -5"),
    ],
)  # fmt: skip
def test_products_that_the_catalogue_lacks_are_refused_before_anything_runs(photo_file, tmp_path, monkeypatch, address, asked, line):
    (tmp_path / "mine.csv").write_bytes(CSV_PATH.read_bytes())
    import_csv(CSV_PATH, f"sqlite:///{tmp_path / 'mine.db'}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=f"^{re.escape(line)}$"):
        notebook_values(photo_file, Options(parameters={"CATALOGUE": address, **asked}))
    right = {"CATEGORIES": "Desk, sofa", "STYLE": "Modern", "MAX_PRICE": "500"}
    assert notebook_values(photo_file, Options(parameters={"CATALOGUE": address, **right}))["05_recommendation"]["MAX_PRICE"] == 500


def test_products_are_not_asked_for_in_a_database_that_is_not_there(photo_file, tmp_path):
    with pytest.raises((ParameterError, DataError), match="none.db: there is no such database"):
        notebook_values(photo_file, Options(parameters={"CATALOGUE": f"sqlite:///{tmp_path / 'none.db'}", "STYLE": "modern"}))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "use"),
    [("CAMERA_HEIGHT", "use --camera-height"), ("camera_height", "use --camera-height"), ("MODEL", "use --model"), ("REFERENCE", "use --reference"),
     ("FOCAL_PX", "use --focal-px"), ("PITCH_ROLL", "use --pitch-roll"), ("PHOTO", "give the photo itself, as in poc report PHOTO")],
)  # fmt: skip
def test_a_parameter_that_is_an_option_names_it(photo_file, name, use):
    with pytest.raises(ParameterError, match=f"^parameter {name} has an option of its own: {use}$"):
        notebook_values(photo_file, Options(parameters={name: "1"}))


@pytest.mark.parametrize(("name", "value"), [("FREE_DEPTH", "9"), ("FREE_HEIGHT", "0")])
def test_what_counts_as_free_is_checked_before_anything_runs(photo_file, name, value):
    with pytest.raises(ParameterError, match=rf"before a wall is {value} m; give 0\.\d to 2"):
        notebook_values(photo_file, Options(parameters={name: value}))


@pytest.mark.parametrize("name", ["RUN", "ORDERS_PER_MONHT", "orders"])
def test_a_parameter_that_is_not_free_is_refused(photo_file, name):
    with pytest.raises(ParameterError, match=f"unknown parameter {name}"):
        notebook_values(photo_file, Options(parameters={name: "1"}))


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        (Options("midas-smal"), ModelError, "did you mean midas-small"),
        (Options(camera_height="-1"), ParameterError, "camera height -1 m is out of range"),
        (Options(focal_px=0.0), ParameterError, "focal length 0 px does not suit"),
        (Options(focal_px=float("nan")), ParameterError, "focal length nan px"),
        (Options(references=("1,2",)), ParameterError, "reference '1,2'"),
        (Options(references=("1,2,5000,4=1",)), ParameterError, "outside the photo"),
    ],
)
def test_options_are_refused_before_anything_runs(photo_file, options, error, line):
    with pytest.raises(error, match=re.escape(line)):
        check(photo_file, options)


def test_a_runs_name_says_photo_and_question(photo_file):
    photo = check(photo_file, Options()).photo
    names = {run_id(photo, notebook_values(photo_file, o)) for o in (Options(), Options(camera_height="1.4"))}
    assert len(names) == 2 and all(re.fullmatch(r"a-room-[0-9a-f]{8}", name) for name in names)
    again = run_id(photo, notebook_values(photo_file, Options()))
    assert again in names
    assert run_id(replace(photo, name="房间.jpg"), {}).startswith("photo-")
    assert re.fullmatch(r"[\w-]+", run_id(replace(photo, name="../../x y.jpg"), {}))


def test_measuring_an_exact_room(photo_file, monkeypatch):
    """With exact depth and surfaces, and the camera's height given, the room comes out right."""
    from synthetic import make_room

    true = make_room(3, "box")
    monkeypatch.setattr("poc.depth.estimate", lambda *_: (true.depth, true.surfaces))
    options = Options(camera_height=f"{true.camera_height_m}±0.01", focal_px=true.camera.f_px)
    checked = pipeline.Checked(true.photo, options, (true.camera_height_m, 0.006), ())
    found = measure_room(checked)
    assert found.scene.refusal is None
    named = {m.name: m for m in found.measurements}
    assert named["camera_height"].value == pytest.approx(true.camera_height_m, rel=0.02)
    assert found.record["camera"]["f_px"] == pytest.approx(true.camera.f_px, rel=0.03)
    assert {"camera", "model", "scale", "planes", "measurements"} <= set(found.record)
    json.dumps(found.record, allow_nan=False)


def test_probing_a_folder_leaves_nothing(tmp_path):
    probe_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="choose another location"):
        probe_folder(tmp_path / "file" / "b")


def test_refusals_leave_no_folder_and_no_run(photo_file, tmp_path, runs_folder):
    for photo, options in ((tmp_path / "none.jpg", Options()), (photo_file, Options(parameters={"STILE": "x"}))):
        with pytest.raises((PhotoError, ParameterError)):
            pipeline.write_report(photo, tmp_path / "out", options, quiet=True)
    with pytest.raises(ParameterError, match="language"):
        pipeline.write_report(photo_file, tmp_path / "out", Options(), "xx", quiet=True)
    assert not (tmp_path / "out").exists() and not runs_folder.exists()


def test_what_was_asked_is_told(photo_file):
    told = pipeline.asked(Options("embedded", "1.5", None, (), {"STYLE": "modern"}))
    assert told == {"camera height": "1.5", "STYLE": "modern"}


def test_what_somebody_saved_in_the_notebooks_is_told(photo_file, tmp_path, monkeypatch):
    """An analyst who saves another price in JupyterLab changes every later report: it says so, and is another run."""
    plain = notebook_values(photo_file, Options())
    assert pipeline.saved_by_hand() == {}
    shutil.copytree(pipeline.project_root() / "notebooks", tmp_path / "notebooks")
    for name, before, after in (("03_measurements", "FREE_DEPTH = 0.6", "FREE_DEPTH = 0.3"), ("05_recommendation", "MAX_PRICE = None", "MAX_PRICE = 150"), ("06_business_case", "ORDERS_PER_MONTH = 5000", "ORDERS_PER_MONTH = 100")):
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        assert before in (text := path.read_text("utf-8"))
        path.write_text(text.replace(before, after), "utf-8")
    monkeypatch.setattr(pipeline, "project_root", lambda: tmp_path)
    assert pipeline.asked(Options(parameters={"STYLE": "modern"})) == {"FREE_DEPTH": 0.3, "MAX_PRICE": 150, "ORDERS_PER_MONTH": 100, "STYLE": "modern"}
    changed = notebook_values(photo_file, Options())
    assert changed["05_recommendation"] == {"MAX_PRICE": 150} and plain["05_recommendation"] == {}
    assert pipeline.asked(Options(parameters={"MAX_PRICE": "99"})) == {"FREE_DEPTH": 0.3, "MAX_PRICE": "99", "ORDERS_PER_MONTH": 100}
    assert changed["03_measurements"]["FREE_DEPTH"] == 0.3


@pytest.mark.slow
def test_the_whole_chain(sample_photo, tmp_path, runs_folder):
    """The sample photo through every notebook: report, measurements, executed copies, provenance; and every option has its effect."""
    options = Options("embedded", "1.5±0.05", 760.0, ("640,640,815,640=0.9",), {"MAX_PRICE": "900", "ORDERS_PER_MONTH": "8000"})
    done = pipeline.write_report(sample_photo, tmp_path / "out", options, quiet=True)
    page = done.html.read_text("utf-8")
    record = json.loads(done.measurements.read_text("utf-8"))
    assert record == json.loads(pipeline.as_json(pipeline.measure_room(check(sample_photo, options)).record))
    assert {o["source"] for o in record["scale"]["opinions"]} >= {"camera height given", "reference length"} and record["camera"]["source"] == "given"
    found, case = (done.run.load(stage).values[name] for stage, name in (("05_recommendation", "found"), ("06_business_case", "case")))
    assert all(item.product.price <= 900 for item in found.items) and case.params.orders_per_month == 8000
    assert "ORDERS_PER_MONTH = 5000" not in page and "orders_per_month" not in page.lower().split("parameters given")[0]
    assert sorted(p.name for p in done.html.parent.iterdir()) == ["measurements.json", "report.html"]
    assert page.count('class="figure"') >= 6 and len(page.encode()) < 8_000_000
    assert FIXED <= {m["name"] for m in record["measurements"]}
    assert all((done.run.folder / f"{n.name}.ipynb").is_file() for n in WORKBOOK)
    assert [t["stage"] for t in json.loads((done.run.folder / "times.json").read_text())][0] == "01_upload"
    depth = json.loads((done.run.folder / "02_depth.json").read_text())
    assert depth["model"] == "embedded" and re.search(r"sha256:[0-9a-f]{64}", depth["weights"])


@pytest.mark.slow
def test_a_photo_without_a_room_goes_all_the_way(noise_photo, tmp_path, runs_folder):
    done = pipeline.write_report(noise_photo, tmp_path / "out", Options(), "zh", quiet=True)
    page = done.html.read_text("utf-8")
    assert done.refusal and "此照片无法测量房间" in page and '<html lang="zh">' in page
    assert "no room found" not in page.split('class="stage"')[0].lower(), "the first page says why in the reader's language"
    record = json.loads(done.measurements.read_text("utf-8"))
    assert record["refusal"] and all(m["status"] == "unknown" for m in record["measurements"])


@pytest.mark.slow
def test_papermill_by_hand(photo_file, tmp_path, runs_folder):
    """As the README says: one notebook, by papermill, on a run that exists; a misspelt parameter does not pass."""
    assert papermill("01_upload", tmp_path, "-p", "PHOTO", str(photo_file)).returncode == 0
    assert papermill("02_depth", tmp_path, "-p", "MODEL", "embedded").returncode == 0
    for name in ("MODLE", "model"):
        wrong = papermill("02_depth", tmp_path, "-p", name, "embedded")
        assert wrong.returncode != 0 and f"unknown parameter {name}. Did you mean MODEL?" in wrong.stderr
    early = papermill("04_sketch", tmp_path)
    assert early.returncode != 0 and "run 03_measurements first" in early.stderr


def papermill(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    notebook = Path(__file__).resolve().parents[1] / "notebooks" / f"{name}.ipynb"
    command = [sys.executable, "-m", "papermill", str(notebook), str(folder / "out.ipynb"), "-p", "RUN", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
