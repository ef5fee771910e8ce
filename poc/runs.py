"""A run's folder: the results of each stage, where they come from, and whether they are still current.

`runs/<id>/` has, per stage, `<stage>.json` (facts: schema version, units, model, weight hash, parent hashes) and
`<stage>.npz` (arrays). A stage whose parent is missing or has been run again since is refused, and the error names the
notebook to run. Files are replaced as a whole, so an interrupted run can always be started again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import site
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from poc.errors import ParameterError, RunError, WriteError
from poc.files import make_folder, output_chosen_by_caller, write_together
from poc.packing import pack, unpack

SCHEMA = 4
UNITS = {"length": "m", "area": "m²", "focal_length": "px", "angle": "rad", "pixel": "px", "photo": "sRGB uint8"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_TOKEN = "__stage_hash__"
_SOURCE = Path(__file__).resolve().parents[1]
_INSTALLED = [Path(base) / "share" / "poc" for base in (sysconfig.get_path("data"), sys.prefix, site.getuserbase())]
"""Where pip puts the `data-files` of pyproject.toml."""


def project_root() -> Path:
    """The folder with notebooks/ and data/: the source tree (also for `pip install -e`), else where pip installs them, else the current
    folder."""
    return next((root for root in (_SOURCE, *_INSTALLED) if (root / "notebooks").is_dir()), Path.cwd())


def working_root() -> Path:
    """The folder in which runs are stored and kernels run: the source tree, else the current folder."""
    return _SOURCE if (_SOURCE / "notebooks").is_dir() else Path.cwd()


def from_project(path: Path) -> Path:
    """A relative path, taken from the current folder or else from the project's: the kernels of JupyterLab run in notebooks/."""
    there = project_root() / path
    return there if not os.path.exists(path) and os.path.exists(there) else path


def runs_root() -> Path:
    """The folder of all runs: the environment variable POC_RUNS, or `runs/` in `working_root`."""
    given = os.environ.get("POC_RUNS")
    return Path(given).expanduser().resolve() if given else working_root() / "runs"


def open_run(run_id: str) -> Run:
    """The run named `run_id`, whether or not it exists yet (its folder is created by the first save).

    Raises ParameterError for a name that is not a plain folder name.
    """
    if not isinstance(run_id, str) or not _ID.fullmatch(run_id):
        raise ParameterError(f"RUN {run_id!r} is not a valid run name: use only letters, digits, '.', '_' and '-'")
    return Run(run_id, runs_root() / run_id)


@dataclass(frozen=True)
class Stage:
    """The stored result of one stage: its values as they were saved, facts in plain JSON, and the whole record."""

    name: str
    values: dict[str, Any]
    facts: dict[str, Any]
    record: dict[str, Any]

    @property
    def hash(self) -> str:
        return self.record["hash"]


@dataclass(frozen=True)
class Run:
    """A run's name and folder. loaded: the hash of each stage when it was last read by this process."""

    id: str
    folder: Path
    loaded: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def save(
        self,
        stage: str,
        values: Mapping[str, Any],
        *,
        parents: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        model: str = "",
        weights: str = "",
    ) -> Path:
        """Store a stage's values (types of this package, arrays, plain data) and facts; returns the JSON's path.

        The hashes of `parents` are recorded. Raises RunError when a parent is missing, stale, or was run again since it was read here,
        and WriteError when nothing can be written; what was stored before is then unchanged.
        """
        arrays: dict[str, np.ndarray] = {}
        record = {
            "schema": SCHEMA,
            "stage": stage,
            "units": UNITS,
            "model": model,
            "weights": weights,
            "parents": {parent: self._as_loaded(parent) for parent in parents},
            "facts": dict(facts or {}),
            "values": {name: pack(value, arrays, name) for name, value in values.items()},
        }
        record["hash"] = _digest(record, arrays)
        record["made"] = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
        token = np.array(record["hash"])
        json_path = self.folder / f"{stage}.json"
        write_together(
            {
                self.folder / f"{stage}.npz": lambda file: np.savez(file, **arrays, **{_TOKEN: token}),
                json_path: text.encode(),
            }
        )
        self.loaded[stage] = record["hash"]
        return json_path

    def load(self, stage: str) -> Stage:
        """The stored result of `stage`. Raises RunError, naming the notebook to run, when it is missing, damaged or stale."""
        record = self._current(stage)
        arrays = self._arrays(stage, record["hash"])
        self.loaded[stage] = record["hash"]
        try:
            values = {name: unpack(value, arrays) for name, value in record["values"].items()}
        except RunError as error:
            raise RunError(f"{error}: {_again(stage)}") from error
        return Stage(stage, values, record["facts"], record)

    def get(self, stage: str, name: str) -> Any:
        """One value of a stage. Raises RunError as `load` does, and when the stage has no such value."""
        values = self.load(stage).values
        if name not in values:
            raise RunError(f"{stage} of run {self.id!r} holds no {name!r}: {_again(stage)}")
        return values[name]

    def has(self, stage: str) -> bool:
        """Whether the stage is there and current."""
        try:
            self._current(stage)
        except RunError:
            return False
        return True

    def clear(self) -> None:
        """Remove everything in the run's folder except its lock."""
        if not self.folder.is_dir():
            return
        try:
            for path in self.folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name != ".lock":
                    path.unlink()
        except OSError as error:
            raise WriteError(f"cannot clear {self.folder}: {error.strerror or error}") from error

    def _current(self, stage: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
        """The stage's record, after checking that it and all its parents are current. seen: stages already visited."""
        record = self._record(stage)
        for parent, wanted in record["parents"].items():
            if parent in seen:
                raise RunError(f"{stage} of run {self.id!r} names itself as its parent: {_again(stage)}")
            try:
                found = self._current(parent, (*seen, stage))["hash"]
            except RunError as error:
                raise RunError(f"{stage} of run {self.id!r} depends on {parent}, and {error}") from error
            if found != wanted:
                raise RunError(f"{stage} of run {self.id!r} is stale because {parent} was run again since: {_again(stage)}")
        return record

    def _as_loaded(self, stage: str) -> str:
        """A stage's hash, after checking that it was not run again (with another photo, say) since it was read here."""
        found = self._current(stage)["hash"]
        if self.loaded.get(stage, found) != found:
            raise RunError(f"{stage} of run {self.id!r} was run again since it was read here: run all cells of this notebook again")
        return found

    def _record(self, stage: str) -> dict[str, Any]:
        """The stage's JSON record. Raises RunError where it is missing, damaged or of another version."""
        path = self.folder / f"{stage}.json"
        try:
            record = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise RunError(f"run {self.id!r} has no {stage}: run {stage} first (notebooks/{stage}.ipynb)") from None
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read ({error}): {_again(stage)}") from error
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            raise RunError(f"{path} was written by another version of this package: {_again(stage)}")
        return record

    def _arrays(self, stage: str, wanted: str) -> dict[str, np.ndarray]:
        """The stage's arrays, which must carry the hash `wanted`. Raises RunError where they do not, or cannot be read."""
        path = self.folder / f"{stage}.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise RunError(f"{path} cannot be read ({error}): {_again(stage)}") from error
        if str(arrays.pop(_TOKEN, "")) != wanted:
            raise RunError(f"{path} and its .json do not belong together: {_again(stage)}")
        return arrays


@contextmanager
def locked_run(run_id: str) -> Iterator[Run]:
    """A run that no other process is using: `run_id`, or `run_id-2`, `-3`, … while the earlier ones are busy.

    The lock is released when the process ends, in whatever way. Raises WriteError where the folder cannot be written.
    """
    import fcntl  # missing on Windows, where running notebooks by hand still works

    for number in range(1, 100):
        run = open_run(run_id if number == 1 else f"{run_id}-{number}")
        with output_chosen_by_caller() if os.environ.get("POC_RUNS") else nullcontext():
            make_folder(run.folder)
        try:
            handle = os.open(run.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise WriteError(f"cannot write to {run.folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield run
        finally:
            os.close(handle)
        return
    raise RunError(f"a hundred runs named {run_id!r} are busy: wait for them to end")


def _digest(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """sha256 over the record and its arrays; it depends only on their content, not on the time."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8) if array.size else b"")
    return digest.hexdigest()


def _again(stage: str) -> str:
    """What to do about a stage that cannot be used."""
    return f"run {stage} again (notebooks/{stage}.ipynb)"
