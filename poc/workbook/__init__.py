"""Runs the notebooks of a run: one after the other where they depend on each other, in parallel where they do not."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poc import errors
from poc.errors import StageError
from poc.progress import Progress
from poc.runs import Run, project_root, working_root
from poc.workbook.kernels import ENGINE, KernelPool, register_engine, without_slow_import

SIDE_BY_SIDE = 2
"""Notebooks that run at the same time, at most."""
FOLDERS = ("POC_RUNS", "POC_WEIGHTS", "TORCH_HOME")
"""Environment variables that name a folder; made absolute, since kernels run in another folder than the caller."""
TICK_S = 0.25
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Notebook:
    """A notebook of the workbook: its name, the notebooks it loads from, and what its kernel imports beforehand."""

    name: str
    after: tuple[str, ...]
    imports: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return project_root() / "notebooks" / f"{self.name}.ipynb"


@dataclass(frozen=True)
class StageTime:
    """When a stage started and ended, in seconds since the workbook began, and how much of that it waited for its kernel."""

    stage: str
    started_s: float
    ended_s: float
    kernel_s: float

    @property
    def took_s(self) -> float:
        return self.ended_s - self.started_s


@dataclass(frozen=True)
class _Running:
    """A notebook that is being executed. waited: filled by the engine with `kernel_s`, the seconds it waited for its kernel."""

    name: str
    started_s: float
    waited: dict[str, float]


def run_workbook(
    run: Run, notebooks: Sequence[Notebook], parameters: Mapping[str, Mapping[str, Any]], progress: Progress
) -> tuple[StageTime, ...]:
    """Execute `notebooks` with papermill into the run's folder; returns their times, in the order they ended.

    parameters: by notebook name, already checked. Raises StageError for the first cell that fails (the saved notebook shows where) and
    WriteError where a notebook cannot be saved. Ctrl-C ends the kernels and is raised again.
    """
    for variable in FOLDERS:
        if given := os.environ.get(variable):
            os.environ[variable] = str(Path(given).expanduser().resolve())
    began = time.perf_counter()
    times: list[StageTime] = []
    running: dict[Future, _Running] = {}
    with KernelPool({n.name: n.imports for n in notebooks}, working_root()) as pool:
        register_engine()
        threads = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="notebook")
        try:
            todo = list(notebooks)
            while todo or running:
                for notebook in _ready(todo, [job.name for job in running.values()], SIDE_BY_SIDE - len(running)):
                    todo.remove(notebook)
                    progress.start(notebook.name)
                    waited: dict[str, float] = {}
                    future = threads.submit(_execute, run, notebook, parameters.get(notebook.name, {}), pool, waited)
                    running[future] = _Running(notebook.name, time.perf_counter() - began, waited)
                for future in wait(running, TICK_S, FIRST_COMPLETED).done:
                    done = running.pop(future)
                    future.result()
                    times.append(StageTime(done.name, done.started_s, time.perf_counter() - began, done.waited.get("kernel_s", 0.0)))
                    progress.finish(done.name)
                progress.tick()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
    return tuple(times)


def _ready(todo: Sequence[Notebook], running: Sequence[str], room: int) -> list[Notebook]:
    """The next notebooks, at most `room`, whose parents have all finished."""
    pending = {n.name for n in todo} | set(running)
    return [n for n in todo if not pending & set(n.after)][: max(room, 0)]


def _execute(run: Run, notebook: Notebook, parameters: Mapping[str, Any], pool: KernelPool, waited: dict) -> None:
    """Execute one notebook with papermill in its warm kernel. Raises StageError and WriteError, one line each."""
    with without_slow_import():
        import papermill

    saved = run.folder / f"{notebook.name}.ipynb"
    try:
        papermill.execute_notebook(
            notebook.path, saved, dict(parameters) | {"RUN": run.id}, engine_name=ENGINE, kernel_name="python3",
            request_save_on_cell_execute=False, progress_bar=False, km=pool.take(notebook.name), times=waited,
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        raise _failed(notebook.name, error, saved) from error
    except OSError as error:
        raise errors.WriteError(f"cannot write {saved}: {error.strerror or error}") from error
    except RuntimeError as error:  # nbclient's DeadKernelError, zmq's and asyncio's complaints about a kernel that is gone
        raise StageError(f"{notebook.name}: its kernel ended before the notebook did ({_one_line(error)}); is there enough memory?") from error
    finally:
        pool.end(notebook.name)


def _failed(name: str, error: Any, saved: Path) -> StageError:
    """A failed cell as one line. An error that this package raises on purpose comes first in it and keeps its exit code."""
    where = f"{name}, cell [{error.exec_count}]"
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, errors.PocError):
        failure = StageError(f"{_one_line(error.evalue)} (found in {where}; saved notebook: {saved})")
        failure.exit_code = kind.exit_code
        return failure
    return StageError(f"{where}: {error.ename}: {_one_line(error.evalue)} (saved notebook: {saved})")


def _one_line(text: object) -> str:
    return " ".join(_ANSI.sub("", str(text)).split()) or type(text).__name__
