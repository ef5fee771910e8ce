"""A run's folder: values come back unchanged, stale and missing parents are named, nothing is half-written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from poc import files, runs
from poc.errors import ParameterError, RunError, WriteError
from poc.measure import measure
from poc.packing import pack, unpack
from poc.products.places import wall_places
from poc.scene import build_scene
from poc.types import Camera, Measurement, Photo, Scale, ScaleSource, Scene
from tests import synthetic


def some_photo(value: int = 3) -> Photo:
    rgb = np.full((4, 6, 3), value, np.uint8)
    return Photo(rgb, f_px=500.5, name="küche.jpg", notes=("first frame",), sha256="ab")


def some_camera() -> Camera:
    return Camera(500.0, 3.0, 2.0, 6, 4, np.array([0.0, 1.0, 0.0]), "exif", "lines", 0.02, 0.01)


def round_trip(value):
    arrays = {}
    text = json.dumps(pack(value, arrays), allow_nan=False)
    return unpack(json.loads(text), arrays)


def test_values_survive_the_round_trip():
    scale = Scale("camera height given", 1.5, 0.03, (ScaleSource("metric model", 1.4, 0.2),))
    scene = Scene(camera=some_camera(), scale=scale, depth_m=np.ones((2, 3), np.float32), valid=np.eye(2, 3, dtype=bool))
    back = round_trip(scene)
    assert back.scale == scale and back.camera.f_source == "exif"
    assert back.valid.dtype == bool and back.depth_m.dtype == np.float32
    np.testing.assert_array_equal(back.valid, scene.valid)
    np.testing.assert_array_equal(back.room_from_cam, np.eye(3))


def test_a_measured_room_is_measured_alike_from_its_run():
    """With all that its errors are propagated by: named tuples come back as what they were."""
    room = synthetic.make_room(0, "rectangle")
    scene = build_scene(room.photo, room.depth, room.surfaces, room.camera)
    back, measurements = round_trip(scene), measure(scene)
    assert measure(back) == measurements
    places, places_back = wall_places(scene, measurements), wall_places(back, measurements)
    assert places and [p.length for p in places_back] == [p.length for p in places]


@pytest.mark.parametrize("value", [None, True, 3, "ü", 0.1, float("inf"), (1, (2.5, None)), [1, [2]], {"a": {"b": (1,)}}])
def test_plain_data_survives(value):
    back = round_trip(value)
    assert back == value and type(back) is type(value)


def test_nan_and_numpy_scalars_survive():
    assert np.isnan(round_trip(float("nan")))
    assert round_trip(np.float32(0.5)) == 0.5


@pytest.mark.parametrize("value", [object(), {1: 2}, {"__type__": 1}, np.array([object()])])
def test_what_cannot_be_stored_is_refused(value):
    with pytest.raises(TypeError):
        pack(value, {})


def test_only_own_types_are_loaded():
    with pytest.raises(RunError, match="unknown type"):
        unpack({"__type__": "subprocess:Popen", "args": "true"}, {})
    with pytest.raises(RunError, match="unknown type"):
        unpack({"__type__": "poc.runs:open_run", "run_id": "x"}, {})


def test_a_new_field_takes_its_default():
    packed = pack(Measurement("longest_wall", 3.0, 2.8, 3.2, "m", "measured"), {})
    del packed["light"]
    packed["gone_since"] = 1
    assert unpack(packed, {}).light == ""


def test_save_and_load(runs_folder):
    run = runs.open_run("demo")
    path = run.save("01_upload", {"photo": some_photo()}, facts={"shot": "level"}, model="m", weights="w")
    stage = run.load("01_upload")
    assert path == runs_folder / "demo" / "01_upload.json"
    assert stage.facts == {"shot": "level"} and stage.values["photo"].notes == ("first frame",)
    record = json.loads(path.read_text())
    assert record["schema"] == runs.SCHEMA and record["units"]["length"] == "m"
    assert (record["model"], record["weights"], record["parents"]) == ("m", "w", {})
    assert sorted(p.name for p in path.parent.iterdir()) == ["01_upload.json", "01_upload.npz"]


def test_a_missing_stage_names_the_notebook(runs_folder):
    run = runs.open_run("demo")
    with pytest.raises(RunError, match=r"run 02_depth first \(notebooks/02_depth.ipynb\)"):
        run.load("02_depth")
    with pytest.raises(RunError, match="run 01_upload first"):
        run.save("02_depth", {}, parents=["01_upload"])
    assert not run.has("02_depth")


def test_a_stale_parent_names_the_notebook(runs_folder):
    run = runs.open_run("demo")
    run.save("01_upload", {"photo": some_photo(3)})
    run.save("02_depth", {"x": 1}, parents=["01_upload"])
    run.save("03_measurements", {"y": 1}, parents=["02_depth"])
    run.save("01_upload", {"photo": some_photo(3)})
    assert run.load("03_measurements").values == {"y": 1}, "the same photo again makes nothing stale"
    run.save("01_upload", {"photo": some_photo(4)})
    with pytest.raises(RunError, match="01_upload was run again since: run 02_depth again"):
        run.load("03_measurements")


def test_a_photo_changed_under_an_open_notebook_is_noticed(runs_folder):
    """02 has read photo A; 01 is run with photo B; what 02 then saves would be A's depth under B's name."""
    run = runs.open_run("demo")
    run.save("01_upload", {"photo": some_photo(3)})
    notebook = runs.open_run("demo")
    notebook.load("01_upload")
    run.save("01_upload", {"photo": some_photo(4)})
    with pytest.raises(RunError, match="01_upload of run 'demo' was run again since it was read here"):
        notebook.save("02_depth", {"x": 1}, parents=["01_upload"])
    assert not notebook.has("02_depth")
    notebook.get("01_upload", "photo")
    notebook.save("02_depth", {"x": 1}, parents=["01_upload"])


def test_a_missing_value_names_the_notebook(runs_folder):
    run = runs.open_run("demo")
    run.save("01_upload", {})
    with pytest.raises(RunError, match="holds no 'photo'.*run 01_upload again"):
        run.get("01_upload", "photo")


@pytest.mark.parametrize("damage", ["json", "npz", "swap", "schema", "gone"])
def test_damage_names_the_notebook(runs_folder, damage):
    run = runs.open_run("demo")
    run.save("01_upload", {"photo": some_photo(1)})
    json_path, npz_path = run.folder / "01_upload.json", run.folder / "01_upload.npz"
    if damage == "json":
        json_path.write_text(json_path.read_text()[:40])
    elif damage == "npz":
        npz_path.write_bytes(npz_path.read_bytes()[:60])
    elif damage == "swap":
        old = npz_path.read_bytes()
        run.save("01_upload", {"photo": some_photo(2)})
        npz_path.write_bytes(old)
    elif damage == "schema":
        json_path.write_text(json.dumps(json.loads(json_path.read_text()) | {"schema": 0}))
    else:
        npz_path.unlink()
    with pytest.raises(RunError, match="run 01_upload again"):
        run.load("01_upload")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "/etc", ".hidden", "x" * 90, "a b", 7])
def test_a_run_name_stays_inside_the_folder(runs_folder, name):
    with pytest.raises(ParameterError, match="not a valid run name"):
        runs.open_run(name)


def test_disk_full_leaves_the_old_stage(runs_folder, monkeypatch):
    run = runs.open_run("demo")
    run.save("01_upload", {"x": 1})

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "chmod", full)
    with pytest.raises(WriteError, match="No space left on device"):
        run.save("01_upload", {"x": 2})
    assert run.load("01_upload").values == {"x": 1}
    assert not list(run.folder.glob(".*.part"))


def test_a_really_full_file_system(tmp_path):
    """The limit on a file's size makes the kernel refuse the write in the middle, as a full disk does."""
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from poc import runs\nfrom poc.errors import WriteError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "run = runs.open_run('full')\n"
        "try:\n    run.save('01_upload', {'x': np.zeros(100000)})\n"
        "except WriteError as error:\n    print('refused', list(run.folder.iterdir()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"POC_RUNS": str(tmp_path)})
    assert done.stdout.strip() == "refused []", done.stderr


def test_several_files_or_none(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(WriteError):
        files.write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def refuse_rename_to(name: str, monkeypatch):
    """Renames to a file called `name` fail from now on, as where its folder was just made read-only."""
    rename = os.replace

    def replace(source, target):
        if os.path.basename(target) == name and str(source).endswith(".part"):
            raise OSError(errno.EACCES, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(files.os, "replace", replace)


@pytest.mark.parametrize("links", [True, False])
def test_where_a_later_rename_fails_the_earlier_files_come_back(tmp_path, monkeypatch, links):
    """Whether the file system has hard links or not; a file that was not there before is gone again."""
    for name in "ac":
        (tmp_path / name).write_text(f"old {name}")
    if not links:
        monkeypatch.setattr(files.os, "link", lambda *names: (_ for _ in ()).throw(OSError(errno.EPERM, "Operation not permitted")))
    refuse_rename_to("c", monkeypatch)
    with pytest.raises(WriteError, match="c .Permission denied"):
        files.write_together({tmp_path / name: b"new" for name in "abc"})
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "old a", "c": "old c"}
    monkeypatch.undo()
    files.write_together({tmp_path / name: b"new" for name in "abc"})
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys("abc", "new")


def test_two_that_write_at_once_do_not_mix_their_files(tmp_path, monkeypatch):
    """The second comes in between the two renames of the first, and has to wait."""
    pytest.importorskip("fcntl")
    rename, others = os.replace, []

    def replace(source, target):
        rename(source, target)
        if not others:
            others.append(threading.Thread(target=files.write_together, args=({tmp_path / "a": b"second", tmp_path / "b": b"second"},)))
            others[0].start()
            others[0].join(timeout=0.3)

    monkeypatch.setattr(files.os, "replace", replace)
    files.write_together({tmp_path / "a": b"first", tmp_path / "b": b"first"})
    others[0].join(timeout=30)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "second", "b": "second"}


def test_a_folder_in_the_way_of_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="cannot write"):
        files.make_folder(tmp_path / "file" / "sub")


def test_locked_runs_do_not_meet(runs_folder):
    with runs.locked_run("room") as first, runs.locked_run("room") as second:
        assert (first.id, second.id) == ("room", "room-2")
    with runs.locked_run("room") as again:
        assert again.id == "room"


def test_clear_removes_all_but_the_lock(runs_folder):
    with runs.locked_run("room") as run:
        run.save("01_upload", {"x": 1})
        (run.folder / "sub").mkdir()
        run.clear()
        assert [p.name for p in run.folder.iterdir()] == [".lock"]
