"""Notebooks run in forked kernels: order, parameters, and what one line says when a cell fails."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from poc import runs, workbook
from poc.errors import RunError, StageError
from poc.parameters import check_parameters, notebook_parameters, parse_assignments
from poc.progress import Progress
from poc.workbook import Notebook, kernels, run_workbook

PARAMETERS = 'RUN = "demo"\nWORD = "nothing"'


def write_notebook(root: Path, name: str, *cells: str) -> None:
    """A notebook with a parameters cell and `cells`."""
    folder = root / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    tagged = [(PARAMETERS, ["parameters"]), *((cell, []) for cell in cells)]
    body = [
        {"cell_type": "code", "id": f"c{i}", "source": source, "metadata": {"tags": tags}, "outputs": [], "execution_count": None}
        for i, (source, tags) in enumerate(tagged)
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": body, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


@pytest.fixture
def root(tmp_path, monkeypatch, runs_folder) -> Path:
    monkeypatch.setattr(workbook, "project_root", lambda: tmp_path)
    return tmp_path


def run_all(names: dict[str, tuple[str, ...]], parameters: dict | None = None):
    notebooks = [Notebook(name, after) for name, after in names.items()]
    with runs.locked_run("test") as run, Progress(len(notebooks), quiet=True) as progress:
        return run, run_workbook(run, notebooks, parameters or {}, progress)


def outputs(run, name: str) -> str:
    cells = json.loads((run.folder / f"{name}.ipynb").read_text())["cells"]
    return "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))


def test_parents_come_first_and_parameters_arrive(root):
    for name in ("01_a", "02_b", "03_c"):
        write_notebook(root, name, f"import os, time; time.sleep(0.2); print('{name}', RUN, WORD); print(os.getpid())")
    run, times = run_all({"01_a": (), "02_b": ("01_a",), "03_c": ("01_a",)}, {"02_b": {"WORD": "hello"}})
    ended = {t.stage: t for t in times}
    assert set(ended) == {"01_a", "02_b", "03_c"}
    assert ended["02_b"].started_s >= ended["01_a"].ended_s and ended["03_c"].started_s >= ended["01_a"].ended_s
    told = {name: outputs(run, name).split() for name in ended}
    assert told["02_b"][:3] == ["02_b", "test", "hello"] and told["03_c"][:3] == ["03_c", "test", "nothing"]
    assert not any(is_running(int(words[3])) for words in told.values()), "no kernel is left behind"
    assert "hello" not in (root / "notebooks" / "02_b.ipynb").read_text(), "the source stays as it was"


def test_a_failing_cell_is_one_line_with_the_saved_notebook(root):
    write_notebook(root, "01_a", "print('fine')", "raise ValueError('two\\nlines')", "print('never')")
    with pytest.raises(StageError) as caught:
        run_all({"01_a": ()})
    saved = root / "runs" / "test" / "01_a.ipynb"
    assert str(caught.value) == f"01_a, cell [4]: ValueError: two lines (saved notebook: {saved})"
    assert caught.value.exit_code == 1
    assert "fine" in saved.read_text() and "never\\n" not in saved.read_text()


def test_a_kernel_that_is_ended_with_the_run_is_not_complained_of(root, caplog):
    """Another notebook runs beside the one that fails: that its kernel is ended is no news."""
    write_notebook(root, "01_a", "import time; time.sleep(1); raise ValueError('enough')")
    write_notebook(root, "02_b", "import time; time.sleep(600)")
    with pytest.raises(StageError, match="01_a, cell .*: ValueError: enough"):
        run_all({"01_a": (), "02_b": ()})
    for thread in threading.enumerate():
        if thread.name.startswith("notebook"):
            thread.join(60)
            assert not thread.is_alive()
    assert not [r.getMessage() for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")]


@pytest.mark.slow
def test_a_callers_mistake_in_a_cell_keeps_its_exit_code(root):
    write_notebook(root, "01_a", "from poc.errors import ParameterError", "raise ParameterError('no such style')")
    with pytest.raises(StageError, match=r"^no such style.* \(found in 01_a, cell ") as caught:
        run_all({"01_a": ()})
    assert caught.value.exit_code == 2


@pytest.mark.slow
def test_a_kernel_that_dies_is_one_line(root):
    write_notebook(root, "01_a", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(StageError, match="01_a: its kernel ended before the notebook did"):
        run_all({"01_a": ()})


@pytest.mark.slow
def test_kernels_without_forking_work_as_well(root, monkeypatch):
    """What macOS does."""
    write_notebook(root, "01_a", "print('plain')")
    monkeypatch.setattr(workbook, "KernelPool", lambda needs, cwd: kernels.KernelPool(needs, cwd, fork=False))
    run, _ = run_all({"01_a": ()})
    assert outputs(run, "01_a") == "plain\n"


def is_running(pid: int) -> bool:
    for _ in range(40):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.slow
def test_ctrl_c_ends_the_kernels(root):
    pid_file = root / "pid"
    write_notebook(root, "01_a", f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    code = (
        "import pathlib, signal, sys\nfrom poc import runs, workbook\nfrom poc.progress import Progress\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # what runs the tests may have been told to ignore it
        f"workbook.project_root = lambda: pathlib.Path({str(root)!r})\n"
        "with runs.locked_run('test') as run, Progress(1, quiet=True) as p:\n"
        "    workbook.run_workbook(run, [workbook.Notebook('01_a', ())], {}, p)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert not is_running(int(pid_file.read_text()))


# --- progress ----------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "expected"), [(Terminal(), r"\r[█#]+ +1/2 02_b \d\d:\d\d"), (io.StringIO(), r"^\[1/2\] 01_a +\d+\.\d s\n$")])
def test_progress_shows_stage_and_time(stream, expected):
    with Progress(2, stream) as progress:
        progress.start("01_a")
        progress.start("02_b")
        progress.finish("01_a")
        assert re.search(expected, stream.getvalue())


def test_progress_can_be_quiet():
    stream = io.StringIO()
    with Progress(1, stream, quiet=True) as progress:
        progress.start("01_a")
        progress.finish("01_a")
    assert stream.getvalue() == ""


# --- parameters --------------------------------------------------------------------------------------------------

KNOWN = {"MODEL": "embedded", "ORDERS": 5000, "SHARE": 0.5, "MAX_PRICE": None, "REFERENCE": [], "FREE": False}


def test_parameters_take_the_kind_of_their_default():
    given = {"MODEL": "x", "ORDERS": "8e3", "SHARE": "0.25", "MAX_PRICE": "99.5", "REFERENCE": "a", "FREE": "yes"}
    expected = {"MODEL": "x", "ORDERS": 8000, "SHARE": 0.25, "MAX_PRICE": 99.5, "REFERENCE": ["a"], "FREE": True}
    assert check_parameters(given, KNOWN) == expected
    by_papermill = {"MODEL": 3, "REFERENCE": ["a", "b"], "MAX_PRICE": None}  # which makes numbers of text that looks like one
    assert check_parameters(by_papermill, KNOWN) == by_papermill | {"MODEL": "3"}
    assert check_parameters({"MODEL": None}, KNOWN) == {"MODEL": "embedded"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"MODLE": "x"}, "unknown parameter MODLE. Did you mean MODEL?"),
        ({"model": "x"}, "unknown parameter model. Did you mean MODEL?"),
        ({"QUITE_ELSE": 1}, "unknown parameter QUITE_ELSE. Known: MODEL, ORDERS"),
        ({"ORDERS": "many"}, "parameter ORDERS must be a number, got 'many'"),
        ({"MAX_PRICE": "cheap"}, "parameter MAX_PRICE must be a number, got 'cheap'"),
        ({"ORDERS": "nan"}, "parameter ORDERS must be a number"),
        ({"FREE": "perhaps"}, "parameter FREE must be true or false"),
        ({"MODEL": True}, "parameter MODEL must be text"),
        ({"REFERENCE": [[1, 2, 3, 4]]}, "parameter REFERENCE must be text"),
    ],
)
def test_wrong_parameters_are_refused(given, line):
    with pytest.raises(Exception) as caught:
        check_parameters(given, KNOWN)
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("text", ["ORDERS", "=3", " =3"])
def test_an_assignment_needs_a_name_and_a_value(text):
    with pytest.raises(Exception, match="give NAME=VALUE"):
        parse_assignments([text])


def test_an_assignment_may_hold_equals_signs():
    assert parse_assignments(["CATALOGUE=sqlite:///x?a=b"]) == {"CATALOGUE": "sqlite:///x?a=b"}


def test_only_plain_literals_are_parameters(tmp_path):
    write_notebook(tmp_path, "01_a")
    path = tmp_path / "notebooks" / "01_a.ipynb"
    assert notebook_parameters(path) == {"RUN": "demo", "WORD": "nothing"}
    path.write_text(path.read_text().replace(r'\"nothing\"', "open(1)"))
    with pytest.raises(Exception, match="may hold NAME = literal only"):
        notebook_parameters(path)


def test_papermill_comes_in_without_the_slow_import():
    code = (
        "import sys; from poc.workbook import kernels; kernels.register_engine(); "
        "print(kernels.SLOW_IMPORT in sys.modules, 'papermill' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"


def test_a_run_error_names_the_notebook(runs_folder):
    with pytest.raises(RunError, match="run 01_upload first"):
        runs.open_run("nothing").load("01_upload")
